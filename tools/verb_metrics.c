/* One data set and its map, or two: then the test points are judged against the training points. */
#include "verb_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "labelled.h"
#include "outputs.h"
#include "report.h"

typedef struct metrics_settings {
    console_settings console;
    const char *data, *embedding, *labels;
    const char *test_data, *test_embedding, *test_labels;
    const char *json;
    device_settings device;
    read_settings read;
} metrics_settings;

/* A data set, its labels and its map. */
typedef struct data_set {
    labelled data;
    ptsne_table *y;
} data_set;

static void data_set_release(data_set *set)
{
    ptsne_table_destroy(set->y);
    labelled_release(&set->data);
}

static int data_set_read(const cli_call *call, const char *data, const char *embedding, const char *labels,
                         data_set *set)
{
    const metrics_settings *settings = call->settings;
    int code = labelled_read(call, data, labels, &settings->read, &set->data);
    if (code == EXIT_SUCCESS) { code = map_read(call, embedding, read_settings_use(&settings->read).n_rows, &set->y); }
    if (code != EXIT_SUCCESS) { return code; }
    const size_t n = ptsne_table_rows(set->data.x), points = ptsne_table_rows(set->y);
    if (points == n) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: %zu rows, but %s has %zu", input_name(embedding), points, input_name(data), n);
    return EXIT_DATA;
}

/* Test points have to have the columns of the training points, their map those of the other map, and labels if the others have. */
static int check_pair(const cli_call *call, const data_set *train, const data_set *test)
{
    const metrics_settings *settings = call->settings;
    int code = columns_check(call, test->data.x, settings->test_data, train->data.x, settings->data);
    if (code == EXIT_SUCCESS) {
        code = columns_check(call, test->y, settings->test_embedding, train->y, settings->embedding);
    }
    if (code != EXIT_SUCCESS || (train->data.labels == NULL) == (test->data.labels == NULL)) { return code; }
    console_error(call->console, "labels of the %s are missing: test labels are compared with training labels",
                  train->data.labels == NULL ? "data (--labels)" : "test data (--test-labels)");
    return EXIT_USAGE;
}

typedef struct named {
    const char *name;
    uint32_t code;
} named;

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/* Codes of test in the numbering of train, a class that train lacks after all of train's; released by free(). NULL without memory. */
static uint32_t *codes_in(const ptsne_labels *test, const ptsne_labels *train)
{
    const size_t n = ptsne_labels_count(test), n_test = ptsne_labels_classes(test),
                 n_train = ptsne_labels_classes(train);
    uint32_t *codes = calloc(n + 1, sizeof *codes);
    uint32_t *of_class = calloc(n_test + 1, sizeof *of_class);
    named *names = calloc(n_train + 1, sizeof *names);
    if (codes == NULL || of_class == NULL || names == NULL) {
        free(codes);
        codes = NULL;
        goto done;
    }
    for (size_t c = 0; c < n_train; c++) { names[c] = (named){ptsne_labels_name(train, c), (uint32_t)c}; }
    qsort(names, n_train, sizeof *names, compare_names);
    for (size_t c = 0; c < n_test; c++) {
        const named key = {ptsne_labels_name(test, c), 0};
        const named *same = bsearch(&key, names, n_train, sizeof *names, compare_names);
        of_class[c] = same == NULL ? (uint32_t)(n_train + c) : same->code;
    }
    for (size_t i = 0; i < n; i++) { codes[i] = of_class[ptsne_labels_codes(test)[i]]; }
done:
    free(names);
    free(of_class);
    return codes;
}

static int compute(const cli_call *call, ptsne_device *device, const data_set *train, const data_set *test,
                   ptsne_metrics *metrics)
{
    const metrics_settings *settings = call->settings;
    const bool both = test->data.x != NULL;
    const bool by_labels = train->data.labels != NULL;
    ptsne_error err = {0};
    uint32_t *test_codes = NULL;
    if (both && by_labels) {
        test_codes = codes_in(test->data.labels, train->data.labels);
        if (test_codes == NULL) {
            console_error(call->console, "not enough memory for the labels");
            return EXIT_FAILED;
        }
    }
    const ptsne_observer observer = console_observer(call->console);
    const ptsne_status status = ptsne_metrics_compute(
        device, ptsne_table_values(train->data.x), ptsne_table_values(train->y),
        by_labels ? ptsne_labels_codes(train->data.labels) : NULL, ptsne_table_rows(train->data.x),
        both ? ptsne_table_values(test->data.x) : NULL, both ? ptsne_table_values(test->y) : NULL, test_codes,
        both ? ptsne_table_rows(test->data.x) : 0, ptsne_table_columns(train->data.x), ptsne_table_columns(train->y),
        &observer, metrics, &err);
    free(test_codes);
    if (status == PTSNE_OK) { return EXIT_SUCCESS; }
    if (status == PTSNE_ERR_STOPPED) { return console_say_stopped(call->console, settings->json, NULL); }
    return console_fail(call->console, status == PTSNE_ERR_DATA ? settings->data : NULL, &err);
}

/* How the figures are shown, in their order. */
static const struct {
    const char *name;
    bool share; /* in per cent */
} shown[] = {
    {"1-NN error", true},
    {"10-NN error", true},
    {"trustworthiness (12)", false},
    {"10-neighbour preservation", false},
    {"KL divergence (perplexity 30)", false},
};

static void print_figures(const report_figure figures[CLI_LENGTH(shown)])
{
    for (size_t i = 0; i < CLI_LENGTH(shown); i++) {
        if (!isfinite(figures[i].value)) { continue; }
        printf("%s:%*s", shown[i].name, (int)(31 - strlen(shown[i].name)), "");
        if (shown[i].share) {
            printf("%.2f %%\n", 100.0 * figures[i].value);
        } else {
            printf("%.4f\n", figures[i].value);
        }
    }
}

static int report(const cli_call *call, const report_figure figures[CLI_LENGTH(shown)], const data_set *train,
                  const data_set *test)
{
    const metrics_settings *settings = call->settings;
    json_t *whole =
        json_pack("{s:s, s:o, s:o, s:I, s:I}", "version", ptsne_version(), "data", report_text(settings->data),
                  "embedding", report_text(settings->embedding), "rows", (json_int_t)ptsne_table_rows(train->data.x),
                  "test_rows", (json_int_t)(test->data.x == NULL ? 0 : ptsne_table_rows(test->data.x)));
    report_add_figures(whole, figures, CLI_LENGTH(shown));
    return report_write(call->console, settings->json, whole);
}

static int show(const cli_call *call, const ptsne_metrics *metrics, const data_set *train, const data_set *test)
{
    const metrics_settings *settings = call->settings;
    const report_figure figures[CLI_LENGTH(shown)] = {
        {"knn_error_1", metrics->knn_error_1},
        {"knn_error_10", metrics->knn_error_10},
        {"trustworthiness_12", metrics->trustworthiness_12},
        {"knn_preservation_10", metrics->knn_preservation_10},
        {"kl_30", metrics->kl_30},
    };
    if (!output_streams(settings->json)) { print_figures(figures); }
    return settings->json == NULL ? EXIT_SUCCESS : report(call, figures, train, test);
}

/* Test data and their map come together. */
static int check_settings(const cli_call *call)
{
    const metrics_settings *settings = call->settings;
    if ((settings->test_data == NULL) != (settings->test_embedding == NULL)) {
        return cli_refuse(call, "--test-data and --test-embedding go together: one of them is missing");
    }
    if (settings->test_labels != NULL && settings->test_data == NULL) {
        return cli_refuse(call, "--test-labels has an effect with --test-data only");
    }
    return EXIT_SUCCESS;
}

static int metrics_run(const cli_call *call)
{
    const metrics_settings *settings = call->settings;
    const char *const inputs[] = {settings->data,      settings->embedding,      settings->labels,
                                  settings->test_data, settings->test_embedding, settings->test_labels};
    const output_file report_file = {"--json", settings->json, true};
    int code = check_settings(call);
    if (code == EXIT_SUCCESS) { code = outputs_check(call, &report_file, 1, inputs, CLI_LENGTH(inputs)); }
    if (code != EXIT_SUCCESS) { return code; }
    console_catch_signals();
    data_set train = {0}, test = {0};
    ptsne_device *device = NULL;
    ptsne_metrics metrics;
    code = data_set_read(call, settings->data, settings->embedding, settings->labels, &train);
    if (code != EXIT_SUCCESS) { goto done; }
    if (settings->test_data != NULL) {
        code = data_set_read(call, settings->test_data, settings->test_embedding, settings->test_labels, &test);
        if (code == EXIT_SUCCESS) { code = check_pair(call, &train, &test); }
        if (code != EXIT_SUCCESS) { goto done; }
    }
    if ((code = device_settings_open(call, &settings->device, &device)) != EXIT_SUCCESS) { goto done; }
    if ((code = compute(call, device, &train, &test, &metrics)) != EXIT_SUCCESS) { goto done; }
    code = show(call, &metrics, &train, &test);
done:
    ptsne_device_destroy(device);
    data_set_release(&test);
    data_set_release(&train);
    return code;
}

#define AT(member) offsetof(metrics_settings, member)

static const cli_option data_options[] = {
    {.name = "data", .kind = CLI_TEXT, .member = AT(data), .argument = "X", .required = true, .help = "the data"},
    {.name = "embedding",
     .kind = CLI_TEXT,
     .member = AT(embedding),
     .argument = "Y",
     .required = true,
     .help = "their map, a row for each row of the data"},
    {.name = "labels",
     .kind = CLI_TEXT,
     .member = AT(labels),
     .argument = "L",
     .help = "labels of the data, for the error",
     .shown = "the label column of the data, if any"},
    {.name = "test-data",
     .kind = CLI_TEXT,
     .member = AT(test_data),
     .argument = "X",
     .help = "points that the map was not made from"},
    {.name = "test-embedding", .kind = CLI_TEXT, .member = AT(test_embedding), .argument = "Y", .help = "their map"},
    {.name = "test-labels",
     .kind = CLI_TEXT,
     .member = AT(test_labels),
     .argument = "L",
     .help = "their labels",
     .shown = "the label column of the test data, if any"},
};

static const cli_option output_options[] = {
    REPORT_OPTION(AT(json), "write the figures as JSON; - is standard output, then without the text"),
};

static const cli_section sections[] = {
    {"Data", data_options, CLI_LENGTH(data_options), 0, false},
    {"Output", output_options, CLI_LENGTH(output_options), 0, false},
    {"Reading the data", read_options, CLI_LENGTH(read_options), AT(read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static void metrics_defaults(void *settings)
{
    read_settings_default(&((metrics_settings *)settings)->read);
}

const cli_verb verb_metrics = {
    .name = "metrics",
    .summary = "say how well a map keeps its data",
    .usage = "--data X --embedding Y [--labels L]",
    .description =
        "Prints to standard output: the error of the 1- and 10-nearest-neighbour classifier in the map (with labels), "
        "trustworthiness with 12 neighbours, the share of the 10 nearest neighbours that the map keeps, and the "
        "Kullback-Leibler divergence at perplexity 30. Exact: every point is counted.\n\n"
        "With test points, the errors are those of the test points among the training points, and the other figures "
        "those of the test points among themselves.",
    .examples = "  ptsne metrics --data x.npy --embedding map.npy --labels y.npy\n"
                "  ptsne metrics --data train.npy --embedding train-map.npy --labels train-y.npy \\\n"
                "      --test-data new.npy --test-embedding new-map.npy --test-labels new-y.npy\n"
                "  ptsne metrics --data x.npy --embedding map.npy --json - | jq .trustworthiness_12\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(metrics_settings),
    .defaults = metrics_defaults,
    .console = AT(console),
    .run = metrics_run,
};
