/* What the fuzz targets of the readers share: read everything that the bytes hold, by a given format or by content. */
#ifndef FUZZ_H
#define FUZZ_H

#include <math.h>
#include <stdlib.h>

#include "data/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A message after each failure, one line; finite values and consistent labels after each success. */
static inline void fuzz_error(ptsne_status status, const ptsne_error *err)
{
    if (status != PTSNE_OK && (err->message[0] == '\0' || err->status != status)) { abort(); }
}

static inline void fuzz_table(const uint8_t *data, size_t size, const ptsne_read_options *options)
{
    ptsne_error err = {0};
    ptsne_reader *reader;
    ptsne_table *table = NULL;
    ptsne_status status = pt_reader_open_memory(data, size, options, &reader, &err);
    if (status == PTSNE_OK) { status = pt_table_of(reader, &table, &err); }
    fuzz_error(status, &err);
    if (status != PTSNE_OK) { return; }
    const size_t rows = ptsne_table_rows(table), columns = ptsne_table_columns(table);
    if (rows == 0 || columns == 0) { abort(); }
    for (size_t i = 0; i < rows * columns; i++) {
        if (!isfinite(ptsne_table_values(table)[i])) { abort(); }
    }
    const ptsne_labels *labels = ptsne_table_labels(table);
    if (labels != NULL && ptsne_labels_count(labels) != rows) { abort(); }
    ptsne_table_destroy(table);
}

static inline void fuzz_labels(const uint8_t *data, size_t size, const ptsne_read_options *options)
{
    ptsne_error err = {0};
    ptsne_labels *labels;
    const ptsne_status status = pt_labels_read_memory(data, size, options, &labels, &err);
    fuzz_error(status, &err);
    if (status != PTSNE_OK) { return; }
    const size_t classes = ptsne_labels_classes(labels);
    for (size_t i = 0; i < ptsne_labels_count(labels); i++) {
        if (ptsne_labels_codes(labels)[i] >= classes) { abort(); }
    }
    for (size_t c = 1; c < classes; c++) { /* in order, each once */
        if (pt_natural_compare(ptsne_labels_name(labels, c - 1), ptsne_labels_name(labels, c)) >= 0) { abort(); }
    }
    ptsne_labels_destroy(labels);
}

static inline ptsne_read_options fuzz_options(const char *format)
{
    ptsne_read_options options;
    ptsne_read_options_default(&options);
    options.format = format;
    return options;
}

#endif
