/* Rows of any format, one block after the other: columns picked, rows skipped, every value checked. */
#include "data/reader.h"

#include <stdlib.h>

#include "base/columns.h"
#include "base/memory.h"
#include "data/selection.h"

#define SKIP_BYTES ((size_t)1 << 20) /* of rows that are read to be thrown away, or picked from */

void ptsne_read_options_default(ptsne_read_options *options)
{
    *options = (ptsne_read_options){.header = -1, .n_rows = PTSNE_UNKNOWN};
}

static ptsne_status text_keep(const char **text, ptsne_error *err)
{
    if (*text == NULL) { return PTSNE_OK; }
    char *copy = pt_text_copy(*text);
    *text = copy;
    return copy != NULL ? PTSNE_OK : pt_fail_memory(err, "a reader", 64.0);
}

static ptsne_status options_keep(ptsne_reader *reader, const ptsne_read_options *options, ptsne_error *err)
{
    if (options == NULL) {
        ptsne_read_options_default(&reader->options);
        return PTSNE_OK;
    }
    ptsne_read_options *kept = &reader->options;
    *kept = *options;
    const ptsne_status format = text_keep(&kept->format, err), label = text_keep(&kept->label_column, err);
    const ptsne_status columns = text_keep(&kept->columns, err);
    return format != PTSNE_OK ? format : label != PTSNE_OK ? label : columns;
}

/* An array's columns by number. */
static ptsne_status columns_pick(ptsne_reader *reader, ptsne_error *err)
{
    const char *name = reader->stream.name;
    if (reader->options.label_column != NULL && reader->options.label_column[0] != '\0') {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "%s: no column of labels in a file of this kind (%s): give the labels as a file of their own",
                       name, reader->format->name);
    }
    if (reader->options.columns == NULL) { return PTSNE_OK; }
    const pt_columns columns = {name, NULL, reader->columns};
    bool *used = pt_array_zeroed(reader->columns, sizeof *used);
    reader->picked = pt_array_zeroed(reader->columns, sizeof *reader->picked);
    reader->raw =
        pt_array_zeroed(reader->columns > SKIP_BYTES / 4 ? reader->columns : SKIP_BYTES / 4, sizeof *reader->raw);
    ptsne_status status = PTSNE_OK;
    if (used == NULL || reader->picked == NULL || reader->raw == NULL) {
        status = pt_fail_memory(err, "columns", (double)reader->columns * 13.0);
    } else {
        status = pt_columns_select(&columns, reader->options.columns, used, err);
    }
    for (size_t c = 0; status == PTSNE_OK && c < reader->columns; c++) {
        if (used[c]) { reader->picked[reader->picked_count++] = c; }
    }
    free(used);
    return status;
}

/* Read past the first rows, as many as options say. */
static ptsne_status rows_skip(ptsne_reader *reader, ptsne_error *err)
{
    const size_t skip = reader->options.first_row;
    if (skip == 0) { return PTSNE_OK; }
    if (reader->rows != PTSNE_UNKNOWN && skip >= reader->rows) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: %zu rows to skip, but there are only %zu", reader->stream.name,
                       skip, reader->rows);
    }
    const size_t width = reader->columns > 0 ? reader->columns : 1;
    const size_t block = width > SKIP_BYTES / 4 ? 1 : SKIP_BYTES / 4 / width;
    float *rows = pt_array_zeroed(block * width, sizeof *rows);
    if (rows == NULL) { return pt_fail_memory(err, "rows", (double)block * (double)width * 4.0); }
    ptsne_status status = PTSNE_OK;
    while (status == PTSNE_OK && reader->row < skip) {
        const size_t left = skip - reader->row, n = left < block ? left : block;
        size_t got;
        status = reader->labels_only ? reader->format->labels(reader, NULL, n, &got, err)
                                     : reader->format->next(reader, rows, n, &got, err);
        if (status == PTSNE_OK && got == 0) {
            status = pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: %zu rows to skip, but there are only %zu",
                             reader->stream.name, skip, reader->row);
        }
    }
    free(rows);
    return status;
}

ptsne_status pt_reader_begin(pt_stream *stream, const ptsne_read_options *options, bool labels, ptsne_reader **reader,
                             ptsne_error *err)
{
    *reader = NULL;
    ptsne_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        pt_stream_close(stream);
        return pt_fail_memory(err, "a reader", (double)sizeof *made);
    }
    made->stream = *stream;
    *stream = (pt_stream){0};
    made->labels_only = labels;
    ptsne_status status = options_keep(made, options, err);
    if (status == PTSNE_OK) {
        status = pt_format_find(&made->stream, &made->options, labels, &made->format, err);
        if (status != PTSNE_OK) { made->format = NULL; }
    }
    if (status == PTSNE_OK && labels && made->format->labels == NULL) {
        status = pt_fail(err, PTSNE_ERR_DATA, "%s: word vectors have no labels", made->stream.name);
    }
    if (status == PTSNE_OK) { status = made->format->open(made, err); }
    if (status == PTSNE_OK && !made->format->chooses_columns && !labels) { status = columns_pick(made, err); }
    if (status == PTSNE_OK) { status = rows_skip(made, err); }
    if (status != PTSNE_OK) {
        ptsne_reader_destroy(made);
        return status;
    }
    *reader = made;
    return PTSNE_OK;
}

ptsne_status ptsne_reader_open(const char *path, const ptsne_read_options *options, ptsne_reader **reader,
                               ptsne_error *err)
{
    *reader = NULL;
    pt_stream stream;
    const ptsne_status status = pt_stream_open(path, &stream, err);
    return status == PTSNE_OK ? pt_reader_begin(&stream, options, false, reader, err) : status;
}

ptsne_status pt_reader_open_memory(const void *data, size_t bytes, const ptsne_read_options *options,
                                   ptsne_reader **reader, ptsne_error *err)
{
    *reader = NULL;
    pt_stream stream;
    const ptsne_status status = pt_stream_open_memory(data, bytes, "memory", &stream, err);
    return status == PTSNE_OK ? pt_reader_begin(&stream, options, false, reader, err) : status;
}

void ptsne_reader_destroy(ptsne_reader *reader)
{
    if (reader == NULL) { return; }
    if (reader->format != NULL) { reader->format->close(reader); }
    pt_stream_close(&reader->stream);
    free((char *)reader->options.format);
    free((char *)reader->options.label_column);
    free((char *)reader->options.columns);
    free(reader->picked);
    free(reader->raw);
    free(reader);
}

size_t ptsne_reader_columns(const ptsne_reader *reader)
{
    return pt_reader_width(reader);
}

/* One past the last row of the file that is wanted. */
static size_t rows_end(const ptsne_reader *reader)
{
    const size_t first = reader->options.first_row, most = reader->options.n_rows;
    const size_t end = most > PTSNE_UNKNOWN - first ? PTSNE_UNKNOWN : first + most;
    return end < reader->rows ? end : reader->rows;
}

size_t pt_reader_left(const ptsne_reader *reader)
{
    if (reader->rows == PTSNE_UNKNOWN) { return PTSNE_UNKNOWN; }
    return rows_end(reader) - reader->row;
}

size_t ptsne_reader_rows(const ptsne_reader *reader)
{
    return reader->rows == PTSNE_UNKNOWN ? PTSNE_UNKNOWN : rows_end(reader) - reader->options.first_row;
}

ptsne_status pt_reader_no_rows(const ptsne_reader *reader, ptsne_error *err)
{
    if (reader->options.first_row == 0) { return pt_fail(err, PTSNE_ERR_DATA, "%s: no rows", reader->stream.name); }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: no rows after the first %zu", reader->stream.name,
                   reader->options.first_row);
}

ptsne_status pt_rows_check(const ptsne_reader *reader, const float *rows, size_t n, size_t first, ptsne_error *err)
{
    const size_t width = pt_reader_width(reader);
    size_t at;
    if (!pt_find_not_finite(rows, n * width, &at)) { return PTSNE_OK; }
    const size_t column = reader->picked != NULL ? reader->picked[at % width] : at % width;
    return pt_fail(err, PTSNE_ERR_DATA, "%s: row %zu, column %zu: not finite: %s", reader->stream.name,
                   first + at / width + 1, column + 1,
                   rows[at] != rows[at] ? "nan"
                   : rows[at] > 0.0f    ? "inf, or beyond the range of a float"
                                        : "-inf, or beyond the range of a float");
}

/* Rows as the format has them into raw, the picked columns of them into rows. */
static ptsne_status picked_next(ptsne_reader *reader, float *rows, size_t capacity, size_t *got, ptsne_error *err)
{
    const size_t fits = reader->columns > SKIP_BYTES / 4 ? 1 : SKIP_BYTES / 4 / reader->columns;
    for (*got = 0; *got < capacity;) {
        const size_t left = capacity - *got;
        size_t more;
        const ptsne_status status = reader->format->next(reader, reader->raw, left < fits ? left : fits, &more, err);
        if (status != PTSNE_OK || more == 0) { return status; }
        for (size_t i = 0; i < more; i++) {
            const float *from = reader->raw + i * reader->columns;
            for (size_t c = 0; c < reader->picked_count; c++) { *rows++ = from[reader->picked[c]]; }
        }
        *got += more;
    }
    return PTSNE_OK;
}

ptsne_status ptsne_reader_next(ptsne_reader *reader, float *rows, size_t capacity, size_t *got, ptsne_error *err)
{
    const size_t left = rows_end(reader) - reader->row, first = reader->row;
    *got = 0;
    if (capacity == 0 || (left == 0 && reader->row < reader->rows)) { return PTSNE_OK; }
    const size_t n = capacity < left || left == 0 ? capacity : left;
    const ptsne_status status = reader->picked != NULL ? picked_next(reader, rows, n, got, err)
                                                       : reader->format->next(reader, rows, n, got, err);
    return status == PTSNE_OK ? pt_rows_check(reader, rows, *got, first, err) : status;
}
