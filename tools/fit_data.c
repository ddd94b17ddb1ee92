#include "fit_data.h"

#include <stdlib.h>
#include <string.h>

void fit_data_release(fit_data *data)
{
    free(data->kept);
    free(data->kept_map);
    ptsne_table_destroy(data->map);
    labelled_release(&data->rows);
    *data = (fit_data){0};
}

/* The map to learn: a row for each row of the data. */
static int target_read(const cli_call *call, const fit_data_files *files, size_t limit, fit_data *data)
{
    const int code = map_read(call, files->map, limit, &data->map);
    if (code != EXIT_SUCCESS) { return code; }
    data->target = ptsne_table_values(data->map);
    const size_t rows = ptsne_table_rows(data->map), columns = ptsne_table_columns(data->map);
    if (rows == data->n && columns == files->dims) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: a map of %zu rows and %zu columns; %s has %zu rows, and the map %zu dimensions",
                  input_name(files->map), rows, columns, input_name(files->input), data->n, files->dims);
    return EXIT_DATA;
}

/* ---- classes that are left out ---- */

/* leave[class]: named in the list? Each of its names has to be one of the labels. */
static int classes_find(const cli_call *call, const char *list, const ptsne_labels *labels, bool *leave)
{
    const size_t n_classes = ptsne_labels_classes(labels);
    for (const char *name = list;;) {
        const size_t length = strcspn(name, ",");
        bool found = false;
        for (size_t c = 0; c < n_classes; c++) {
            const char *other = ptsne_labels_name(labels, c);
            if (strlen(other) == length && strncmp(other, name, length) == 0) { leave[c] = found = true; }
        }
        if (!found) { return cli_refuse(call, "--exclude-label: no row has the label \"%.*s\"", (int)length, name); }
        if (name[length] == '\0') { return EXIT_SUCCESS; }
        name += length + 1;
    }
}

/* Those of n rows whose class stays, n_left > 0, `columns` values each; NULL without memory. */
static float *rows_keep(const float *from, size_t n, size_t columns, const uint32_t *codes, const bool *leave,
                        size_t n_left)
{
    float *kept = columns > SIZE_MAX / sizeof *kept / n_left ? NULL : malloc(n_left * columns * sizeof *kept);
    if (kept == NULL) { return NULL; }
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (leave[codes[i]]) { continue; }
        memcpy(kept + at++ * columns, from + i * columns, columns * sizeof *kept);
    }
    return kept;
}

static int rows_leave_out(const cli_call *call, const ptsne_labels *labels, const bool *leave, fit_data *data)
{
    const uint32_t *codes = ptsne_labels_codes(labels);
    const size_t n = data->n;
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) { n_left += !leave[codes[i]]; }
    if (n_left == 0) { return cli_refuse(call, "--exclude-label leaves no row"); }
    data->kept = rows_keep(data->values, n, data->n_columns, codes, leave, n_left);
    if (data->kept != NULL && data->target != NULL) {
        data->kept_map = rows_keep(data->target, n, ptsne_table_columns(data->map), codes, leave, n_left);
    }
    if (data->kept == NULL || (data->target != NULL && data->kept_map == NULL)) {
        console_error(call->console, "not enough memory for the rows that are left");
        return EXIT_FAILED;
    }
    data->values = data->kept;
    if (data->target != NULL) { data->target = data->kept_map; }
    data->left_out = n - n_left;
    data->n = n_left;
    return EXIT_SUCCESS;
}

static int classes_leave_out(const cli_call *call, const char *exclude, fit_data *data)
{
    const ptsne_labels *labels = data->rows.labels;
    if (labels == NULL) {
        return cli_refuse(call, "--exclude-label needs labels: --labels FILE, or a label column in X");
    }
    bool *leave = calloc(ptsne_labels_classes(labels) + 1, sizeof *leave);
    if (leave == NULL) {
        console_error(call->console, "not enough memory for the labels");
        return EXIT_FAILED;
    }
    int code = classes_find(call, exclude, labels, leave);
    if (code == EXIT_SUCCESS) { code = rows_leave_out(call, labels, leave, data); }
    free(leave);
    return code;
}

int fit_data_read(const cli_call *call, const fit_data_files *files, const read_settings *reading, fit_data *data)
{
    *data = (fit_data){.dims = files->dims};
    int code = labelled_read(call, files->input, files->labels, reading, &data->rows);
    if (code != EXIT_SUCCESS) { return code; }
    data->values = ptsne_table_values(data->rows.x);
    data->n = ptsne_table_rows(data->rows.x);
    data->n_columns = ptsne_table_columns(data->rows.x);
    if (files->map != NULL) { code = target_read(call, files, read_settings_use(reading).n_rows, data); }
    if (code != EXIT_SUCCESS || files->exclude == NULL) { return code; }
    return classes_leave_out(call, files->exclude, data);
}
