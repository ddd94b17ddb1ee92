#include "labelled.h"

#include <stdlib.h>
#include <string.h>

/* Does --label-column name a column, or say that there is none? */
static bool column_named(const read_settings *reading)
{
    return reading->label_column != NULL && reading->label_column[0] != '\0';
}

/* Is it a name, and not a column's number? */
static bool is_name(const char *column)
{
    return column[strspn(column, "0123456789")] != '\0';
}

int labelled_read(const cli_call *call, const char *data, const char *labels, const read_settings *reading,
                  labelled *set)
{
    ptsne_read_options read = read_settings_use(reading);
    ptsne_error err = {0};
    if (labels != NULL && column_named(reading)) { read.label_column = NULL; }
    const int code = table_read(call, data, &read, &set->x);
    if (code != EXIT_SUCCESS) { return code; }
    set->labels = ptsne_table_labels(set->x);
    if (labels == NULL) { return EXIT_SUCCESS; }
    const char *column = column_named(reading) ? reading->label_column : NULL;
    const ptsne_read_options own = {
        .label_column = column,
        .header = column != NULL && is_name(column) ? 1 : -1, /* a name has to stand somewhere */
        .n_rows = read.n_rows,
    };
    if (ptsne_labels_read(labels, &own, &set->read, &err) != PTSNE_OK) {
        return console_fail(call->console, labels, &err);
    }
    set->labels = set->read;
    const size_t n = ptsne_table_rows(set->x);
    if (ptsne_labels_count(set->read) == n) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: %zu labels, but %s has %zu rows", input_name(labels),
                  ptsne_labels_count(set->read), input_name(data), n);
    return EXIT_DATA;
}

void labelled_release(labelled *set)
{
    ptsne_labels_destroy(set->read);
    ptsne_table_destroy(set->x);
}

int columns_check(const cli_call *call, const ptsne_table *other, const char *other_path, const ptsne_table *x,
                  const char *path)
{
    const size_t columns = ptsne_table_columns(other), wanted = ptsne_table_columns(x);
    if (columns == wanted) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: %zu columns, but %s has %zu", input_name(other_path), columns, input_name(path),
                  wanted);
    return EXIT_DATA;
}
