/* Readers from the inside: over memory, and for labels. The public functions are in ptsne.h. */
#ifndef PT_DATA_READER_H
#define PT_DATA_READER_H

#include "data/format.h"

/* Open a reader over a stream, which becomes the reader's also after a failure. */
ptsne_status pt_reader_begin(pt_stream *stream, const ptsne_read_options *options, bool labels, ptsne_reader **reader,
                             ptsne_error *err);
/* As ptsne_reader_open, over borrowed memory. */
ptsne_status pt_reader_open_memory(const void *data, size_t bytes, const ptsne_read_options *options,
                                   ptsne_reader **reader, ptsne_error *err);
/* As ptsne_labels_read, over borrowed memory. */
ptsne_status pt_labels_read_memory(const void *data, size_t bytes, const ptsne_read_options *options,
                                   ptsne_labels **labels, ptsne_error *err);
/* The table of all rows of an open reader, which becomes the table's also after a failure. */
ptsne_status pt_table_of(ptsne_reader *reader, ptsne_table **table, ptsne_error *err);

/* Columns as the caller gets them. */
static inline size_t pt_reader_width(const ptsne_reader *reader)
{
    return reader->picked != NULL ? reader->picked_count : reader->columns;
}

/* Rows still to come where that is known, else PTSNE_UNKNOWN. */
size_t pt_reader_left(const ptsne_reader *reader);

/* "no rows", or none behind those that were skipped. */
ptsne_status pt_reader_no_rows(const ptsne_reader *reader, ptsne_error *err);

/* All rows finite? Else an error that names row and column; first is the 0-based row of the file they begin at. */
ptsne_status pt_rows_check(const ptsne_reader *reader, const float *rows, size_t n, size_t first, ptsne_error *err);

#endif
