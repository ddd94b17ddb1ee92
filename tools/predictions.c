#include "predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "outputs.h"
#include "report.h"

static int no_memory(const cli_call *call)
{
    console_error(call->console, "not enough memory for the classes");
    return EXIT_FAILED;
}

int predictions_make(const cli_call *call, ptsne_model *model, const ptsne_table *x, predictions *made)
{
    ptsne_error err = {0};
    const size_t n = ptsne_table_rows(x), d = ptsne_table_columns(x), k = ptsne_model_classes(model), block = 4096;
    *made = (predictions){.n = n, .n_classes = k, .model = model};
    made->classes = calloc(n + 1, sizeof *made->classes);
    made->log_probabilities = calloc(n * k + 1, sizeof *made->log_probabilities);
    if (made->classes == NULL || made->log_probabilities == NULL) { return no_memory(call); }
    for (size_t from = 0; from < n; from += block) { /* Ctrl-C is heard between blocks */
        const size_t count = n - from < block ? n - from : block;
        if (console_stopped()) { return EXIT_STOPPED; }
        if (ptsne_predict(model, ptsne_table_values(x) + from * d, count, made->classes + from,
                          made->log_probabilities + from * k, &err) != PTSNE_OK) {
            return console_fail(call->console, NULL, &err);
        }
    }
    return console_stopped() ? EXIT_STOPPED : EXIT_SUCCESS;
}

void predictions_release(predictions *made)
{
    free(made->classes);
    free(made->log_probabilities);
    *made = (predictions){0};
}

/* ---- files ---- */

/* Two texts as one field of CSV, in quotes where it has to be. */
static void field_write(FILE *file, const char *before, const char *text)
{
    if (text[strcspn(text, "\",\r\n")] == '\0' && (*text != '\0' || *before != '\0')) {
        fprintf(file, "%s%s", before, text);
        return;
    }
    fprintf(file, "\"%s", before);
    for (; *text != '\0'; text++) {
        if (*text == '"') { fputc('"', file); }
        fputc(*text, file);
    }
    fputc('"', file);
}

static void csv_write(FILE *file, const predictions *made)
{
    const size_t k = made->n_classes;
    fputs("class", file);
    for (size_t c = 0; c < k; c++) {
        fputc(',', file);
        field_write(file, "log p ", ptsne_model_class_name(made->model, c));
    }
    fputc('\n', file);
    for (size_t i = 0; i < made->n; i++) {
        field_write(file, "", ptsne_model_class_name(made->model, made->classes[i]));
        for (size_t c = 0; c < k; c++) { fprintf(file, ",%.9g", (double)made->log_probabilities[i * k + c]); }
        fputc('\n', file);
    }
}

static int csv_file_write(const cli_call *call, const predictions *made, const char *path, bool force)
{
    pt_output output = {0};
    ptsne_error err = {0};
    ptsne_status status = pt_output_open(path, force, &output, &err);
    if (status == PTSNE_OK) {
        csv_write(output.file, made);
        status = pt_output_commit(&output, &err); /* tells of any write that failed */
    }
    pt_output_discard(&output);
    return status == PTSNE_OK ? EXIT_SUCCESS : console_fail(call->console, NULL, &err);
}

int predictions_write(const cli_call *call, const predictions *made, const char *path, int to, bool force)
{
    const char *format;
    const int code = table_format_choose(call, path, to, false, &format);
    if (code != EXIT_SUCCESS) { return code; }
    if (strcmp(format, "csv") == 0) { return csv_file_write(call, made, path, force); }
    const table_file file = {path, TABLE_FORMAT_NPY, force, .rows = made->n, .columns = made->n_classes};
    return table_write(call, &file, made->log_probabilities);
}

/* ---- against labels ---- */

/* The class of each label by its name, n_classes where the model has none; released by free(). NULL without memory. */
static size_t *classes_of(const predictions *made, const ptsne_labels *labels)
{
    const size_t n = ptsne_labels_classes(labels);
    size_t *of = calloc(n + 1, sizeof *of);
    for (size_t c = 0; of != NULL && c < n; c++) {
        const char *name = ptsne_labels_name(labels, c);
        while (of[c] < made->n_classes && strcmp(name, ptsne_model_class_name(made->model, of[c])) != 0) { of[c]++; }
    }
    return of;
}

int predictions_judge(const cli_call *call, const predictions *made, const ptsne_labels *labels, judgement *judged)
{
    const size_t k = made->n_classes;
    *judged = (judgement){.n = made->n, .n_classes = k};
    judged->confusion = calloc(k * k, sizeof *judged->confusion);
    size_t *of = classes_of(made, labels);
    if (judged->confusion == NULL || of == NULL) {
        free(of);
        return no_memory(call);
    }
    double sum = 0.0;
    for (size_t i = 0; i < made->n; i++) {
        const size_t want = of[ptsne_labels_codes(labels)[i]], got = made->classes[i];
        if (want == k) {
            judged->unknown++;
            continue;
        }
        judged->confusion[want * k + got]++;
        judged->right += want == got;
        sum -= (double)made->log_probabilities[i * k + want];
    }
    judged->loss = sum / (double)(made->n - judged->unknown);
    free(of);
    if (judged->unknown > 0) {
        console_warning(call->console,
                        "%zu of %zu rows have labels that the model has no class for: they count as wrong",
                        judged->unknown, made->n);
    }
    return EXIT_SUCCESS;
}

void judgement_release(judgement *judged)
{
    free(judged->confusion);
    *judged = (judgement){0};
}

/* One class: its rows, how many were found, how many of those called so are, and what it is most often taken for. */
typedef struct standing {
    size_t rows, right, called, mistaken, mistakes; /* mistaken: the class; mistakes: how often */
} standing;

static standing standing_of(const judgement *judged, size_t c)
{
    const size_t k = judged->n_classes;
    standing s = {.right = judged->confusion[c * k + c]};
    for (size_t j = 0; j < k; j++) {
        const size_t count = judged->confusion[c * k + j];
        s.rows += count;
        s.called += judged->confusion[j * k + c];
        if (j != c && count > s.mistakes) {
            s.mistakes = count;
            s.mistaken = j;
        }
    }
    return s;
}

/* "99.31 %", or "-" of nothing. */
static const char *share_text(size_t part, size_t whole, char text[16])
{
    if (whole == 0) { return strcpy(text, "-"); }
    snprintf(text, 16, "%.2f %%", 100.0 * (double)part / (double)whole);
    return text;
}

void judgement_print(const predictions *made, const judgement *judged)
{
    char recall[16], precision[16];
    printf("accuracy:       %s (%zu of %zu)\n", share_text(judged->right, judged->n, recall), judged->right, judged->n);
    if (isfinite(judged->loss)) { printf("cross-entropy:  %.4f\n", judged->loss); }
    printf("\n%-20s %8s %10s %10s  most often taken for\n", "class", "rows", "recall", "precision");
    for (size_t c = 0; c < judged->n_classes; c++) {
        const standing s = standing_of(judged, c);
        printf("%-20s %8zu %10s %10s", ptsne_model_class_name(made->model, c), s.rows,
               share_text(s.right, s.rows, recall), share_text(s.right, s.called, precision));
        if (s.mistakes > 0) { printf("  %s (%zu)", ptsne_model_class_name(made->model, s.mistaken), s.mistakes); }
        printf("\n");
    }
}

json_t *judgement_report(const predictions *made, const judgement *judged)
{
    json_t *report = json_object(), *classes = json_array();
    for (size_t c = 0; c < judged->n_classes; c++) {
        const standing s = standing_of(judged, c);
        json_t *row = json_array();
        for (size_t j = 0; j < judged->n_classes; j++) {
            json_array_append_new(row, report_count(judged->confusion[c * judged->n_classes + j]));
        }
        json_array_append_new(classes, json_pack("{s:o, s:I, s:I, s:I, s:o}", "name",
                                                 report_text(ptsne_model_class_name(made->model, c)), "rows",
                                                 (json_int_t)s.rows, "right", (json_int_t)s.right, "called",
                                                 (json_int_t)s.called, "taken_for", row));
    }
    json_object_set_new(report, "accuracy", report_number((double)judged->right / (double)judged->n));
    json_object_set_new(report, "cross_entropy", report_number(judged->loss));
    json_object_set_new(report, "right", report_count(judged->right));
    json_object_set_new(report, "unknown_labels", report_count(judged->unknown));
    json_object_set_new(report, "classes", classes);
    return report;
}
