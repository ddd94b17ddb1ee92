/* What a reader of one format offers, and the reader that all of them share. */
#ifndef PT_DATA_FORMAT_H
#define PT_DATA_FORMAT_H

#include <stdbool.h>

#include "data/element.h"
#include "data/label_list.h"
#include "data/stream.h"

typedef struct pt_format pt_format;

struct ptsne_reader {
    pt_stream stream;
    const pt_format *format;
    void *state;                /* the format's own */
    ptsne_read_options options; /* its texts are copies, released with the reader */
    bool labels_only;           /* opened for its labels: there need be no numeric column */
    size_t columns;             /* as the format gives them */
    size_t rows;                /* in the file, or PTSNE_UNKNOWN */
    size_t row;                 /* read so far, skipped ones included */
    size_t image[3];            /* height, width, channels; or 0 */
    pt_label_list *labels;      /* where a label column goes; NULL: nowhere */
    size_t *picked;             /* arrays: indices of the columns in use; NULL: all */
    size_t picked_count;
    float *raw; /* a block of whole rows to pick from */
};

struct pt_format {
    const char *name;
    /* Is this the beginning of such a file? */
    bool (*recognises)(const unsigned char *bytes, size_t n);
    /* Read what comes before the rows; sets columns, rows, image and state. */
    ptsne_status (*open)(ptsne_reader *reader, ptsne_error *err);
    /* Up to capacity rows of `columns` floats, capacity at least 1; *got = 0 only at the end, where the format
     * checks that the file ends too. */
    ptsne_status (*next)(ptsne_reader *reader, float *rows, size_t capacity, size_t *got, ptsne_error *err);
    /* As `next`, with one label a row instead; adds to list, which may be NULL. */
    ptsne_status (*labels)(ptsne_reader *reader, pt_label_list *list, size_t capacity, size_t *got, ptsne_error *err);
    void (*close)(ptsne_reader *reader);
    bool chooses_columns; /* the format itself applies options.columns */
};

extern const pt_format pt_format_npy, pt_format_idx, pt_format_delimited, pt_format_tagged, pt_format_vectors;

/* The format of a stream that has begun, by options->format or else by content. */
ptsne_status pt_format_find(pt_stream *stream, const ptsne_read_options *options, bool labels, const pt_format **format,
                            ptsne_error *err);

/* Shared by the array formats: check N rows of D elements against the file's length, before anything is taken.
 * dims has n entries, the first is N. Sets columns, rows and image. */
ptsne_status pt_array_shape(ptsne_reader *reader, const size_t *dims, size_t n, size_t element_bytes, ptsne_error *err);
/* Shared by the array formats: the next rows, row-major, or the labels in one column of them, converted. */
ptsne_status pt_array_next(ptsne_reader *reader, const pt_element *type, float *rows, size_t capacity, size_t *got,
                           ptsne_error *err);
ptsne_status pt_array_labels(ptsne_reader *reader, const pt_element *type, size_t column, pt_label_list *list,
                             size_t capacity, size_t *got, ptsne_error *err);
/* After the last row of an array: is it the file's end? */
ptsne_status pt_array_end(ptsne_reader *reader, ptsne_error *err);
/* "truncated: ..." for a file that ended inside row number `row` of reader->rows. */
ptsne_status pt_array_truncated(const ptsne_reader *reader, size_t row, ptsne_error *err);

/* Does this delimited text have a column of labels? */
bool pt_delimited_has_label(const ptsne_reader *reader);

/* The floats of all rows from the current one on where the file's own bytes can be used as they are; NULL in
 * *values where they cannot. They live as long as the reader. */
ptsne_status pt_npy_in_place(ptsne_reader *reader, const float **values, ptsne_error *err);

/* The next row of a .npy as doubles, whatever they are; the file has to go by rows. After the last row, checks that the file ends. */
ptsne_status pt_npy_row(ptsne_reader *reader, double *row, ptsne_error *err);
/* What its elements are. */
pt_element pt_npy_type(const ptsne_reader *reader);

#endif
