/* The rows a network learns from: what they are like, and how batches of them reach the device. */
#ifndef PT_NETWORK_DATASET_H
#define PT_NETWORK_DATASET_H

#include "backend/backend.h"

/* What one look over n x d values tells. Training sees (x - mean) * scale: one scale for all columns, so that distances keep their
 * proportions, and such that the variance of a column is 0.25 in the mean. */
typedef struct pt_summary {
    float *mean; /* d */
    float scale;
    double offset; /* the largest |mean| over the root of the mean variance: digits that float32 has to spare for it */
    size_t constant_columns;
    uint64_t hash; /* of all bits and both sizes */
} pt_summary;

/* PTSNE_ERR_DATA: a NaN or infinity (its row and column, from 1), or all rows equal. */
ptsne_status pt_summary_create(const float *x, size_t n, size_t d, pt_summary *summary, ptsne_error *err);
void pt_summary_destroy(pt_summary *summary);

/* Rows that batches are gathered from: all of them on the device where half of what is left there holds them, else picked
 * on the host for each batch. Both ways give the same bits. */
typedef struct pt_rows {
    const float *host; /* n x d, borrowed */
    const float *mean; /* d, borrowed; NULL: 0 */
    float scale;
    size_t n, d, most;
    pt_buffer device;        /* n x d, or 2 most x d: the batch's rows, then their partners */
    pt_buffer first, second; /* where it is the latter: 0 .. most - 1 and most .. 2 most - 1 */
    float *staging;
} pt_rows;

/* most: rows of the largest batch. mean and scale as above. */
ptsne_status pt_rows_create(pt_backend *be, const float *host, size_t n, size_t d, const float *mean, float scale,
                            size_t most, pt_rows *rows, ptsne_error *err);
void pt_rows_destroy(pt_backend *be, pt_rows *rows);

/* A list of rows: `count` numbers on the host and the same on the device. */
typedef struct pt_row_list {
    const uint32_t *host;
    pt_buffer device;
} pt_row_list;

/* out[i] = row a[i], moved the share t[i] of the way to row b[i] where b is not NULL. */
ptsne_status pt_rows_gather(pt_backend *be, const pt_rows *rows, const pt_row_list *a, const pt_row_list *b,
                            const pt_buffer *t, size_t count, const pt_buffer *out, ptsne_error *err);

#endif
