/* A whole file at once: mapped where its bytes are floats already, else read block by block. */
#include <stdlib.h>

#include "base/memory.h"
#include "data/reader.h"

#define BLOCK_BYTES ((size_t)1 << 16) /* read before more memory is taken: no header is believed */

struct ptsne_table {
    ptsne_reader *reader; /* kept where values point into its file */
    const float *values;  /* rows x columns */
    float *own;           /* the same, where it was read */
    size_t rows, columns;
    size_t image[3];
    ptsne_labels *labels;
};

/* Read on to the end into the table's own memory. */
static ptsne_status rows_read(ptsne_reader *reader, ptsne_table *table, ptsne_error *err)
{
    const size_t width = table->columns, left = pt_reader_left(reader);
    const size_t block = width > BLOCK_BYTES / 4 ? 1 : BLOCK_BYTES / 4 / width;
    const bool sure = left != PTSNE_UNKNOWN && reader->stream.size != PT_LEFT_UNKNOWN; /* length was checked */
    size_t capacity = 0;
    for (;;) {
        void *own = table->own;
        const size_t wanted = table->rows == 0 && sure ? left + 1 : table->rows + (block < left ? block : left + 1);
        ptsne_status status = pt_array_grow(&own, &capacity, wanted, width * sizeof(float), "the data", err);
        table->own = own;
        if (status != PTSNE_OK) { return status; }
        size_t got;
        status = ptsne_reader_next(reader, table->own + table->rows * width, capacity - table->rows, &got, err);
        if (status != PTSNE_OK) { return status; }
        if (got == 0) { break; }
        table->rows += got;
    }
    float *fitting = realloc(table->own, (table->rows == 0 ? 1 : table->rows) * width * sizeof(float));
    if (fitting != NULL) { table->own = fitting; }
    table->values = table->own;
    return PTSNE_OK;
}

/* Use the file's own bytes, if they are floats in order. */
static ptsne_status rows_map(ptsne_reader *reader, ptsne_table *table, ptsne_error *err)
{
    const size_t first = reader->row, rows = pt_reader_left(reader);
    const ptsne_status status = pt_npy_in_place(reader, &table->values, err);
    if (status != PTSNE_OK || table->values == NULL) { return status; }
    table->rows = rows;
    return pt_rows_check(reader, table->values, rows, first, err);
}

static ptsne_status table_fill(ptsne_reader *reader, ptsne_table *table, ptsne_error *err)
{
    pt_label_list list = {0};
    table->columns = pt_reader_width(reader);
    if (reader->picked == NULL) {
        for (size_t i = 0; i < 3; i++) { table->image[i] = reader->image[i]; }
    }
    ptsne_status status = rows_map(reader, table, err);
    if (status != PTSNE_OK) { return status; }
    if (table->values == NULL) {
        reader->labels = pt_delimited_has_label(reader) ? &list : NULL;
        status = rows_read(reader, table, err);
        if (status == PTSNE_OK && reader->labels != NULL) { status = pt_label_list_finish(&list, &table->labels, err); }
        reader->labels = NULL;
        pt_label_list_release(&list);
    }
    if (status == PTSNE_OK && table->rows == 0) { status = pt_reader_no_rows(reader, err); }
    return status;
}

ptsne_status pt_table_of(ptsne_reader *reader, ptsne_table **table, ptsne_error *err)
{
    *table = NULL;
    ptsne_table *made = calloc(1, sizeof *made);
    if (made == NULL) {
        ptsne_reader_destroy(reader);
        return pt_fail_memory(err, "the data", (double)sizeof *made);
    }
    made->reader = reader;
    const ptsne_status status = table_fill(reader, made, err);
    if (status != PTSNE_OK) {
        ptsne_table_destroy(made);
        return status;
    }
    if (made->own != NULL) {
        ptsne_reader_destroy(reader);
        made->reader = NULL;
    }
    *table = made;
    return PTSNE_OK;
}

ptsne_status ptsne_table_read(const char *path, const ptsne_read_options *options, ptsne_table **table,
                              ptsne_error *err)
{
    *table = NULL;
    ptsne_reader *reader;
    const ptsne_status status = ptsne_reader_open(path, options, &reader, err);
    return status == PTSNE_OK ? pt_table_of(reader, table, err) : status;
}

void ptsne_table_destroy(ptsne_table *table)
{
    if (table == NULL) { return; }
    ptsne_reader_destroy(table->reader);
    ptsne_labels_destroy(table->labels);
    free(table->own);
    free(table);
}

size_t ptsne_table_rows(const ptsne_table *table)
{
    return table->rows;
}

size_t ptsne_table_columns(const ptsne_table *table)
{
    return table->columns;
}

const float *ptsne_table_values(const ptsne_table *table)
{
    return table->values;
}

void ptsne_table_image_shape(const ptsne_table *table, size_t shape[3])
{
    for (size_t i = 0; i < 3; i++) { shape[i] = table->image[i]; }
}

const ptsne_labels *ptsne_table_labels(const ptsne_table *table)
{
    return table->labels;
}
