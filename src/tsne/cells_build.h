/* What a search by cells (cells.h) works with, and how it comes to be: the cells, the samples and what they know, the device's
 * buffers, and what each cell is worth to each.
 *
 * Letters: x points (n x d), k neighbours wanted, c candidates kept of the float32 tiles, whose distances are computed again in
 * float64. A place is a point's number in the order of the cells. */
#ifndef PT_TSNE_CELLS_BUILD_H
#define PT_TSNE_CELLS_BUILD_H

#include "backend/backend.h"

typedef struct pt_cells {
    pt_backend *be;
    const float *x; /* n x d: the caller's, or `unit` */
    size_t n, d, k, c;
    double recall;
    float *unit; /* n x d, for cosine: rows of length 1 */
    bool zeros;  /* ... the last column tells rows that were zero from the others */
    uint32_t *index;
    float *distance; /* may be NULL */

    size_t n_cells;
    float *center;   /* n_cells x d */
    uint32_t *cell;  /* n */
    uint32_t *order; /* n, the point at each place */
    float *sorted;   /* n x d, the points by place: candidates are looked up where they lie together */
    size_t *begin;   /* n_cells + 1, places */

    size_t aimed, measured, known; /* rows of the two samples; neighbours known of each */
    uint32_t *sample;              /* aimed + measured rows */
    uint32_t *truth;               /* ... x (known + 1) */
    float *exact;                  /* ... x (known + 1), squared */

    bool resident, far;
    size_t tile_rows, tile_columns, tile_count;
    pt_buffer points, centers, queries, columns, list, tile, best_d, best_i, lists, shift;
    double *mean;    /* 2 x d: of all points, and a cell's own */
    float *staged;   /* rows on their way to the device */
    float *apart;    /* tile_count: rows against centres */
    float *worth;    /* n_cells x n_cells: the less, the sooner is the second met by the first */
    float limit;     /* of worth */
    uint32_t *place; /* n or a tile of rows: the columns of one cell */
    float *near_d;   /* tile_rows x c */
    uint32_t *near_i;
    double *near; /* tile_rows x k */
    int metric;
    double pairs, probed; /* distances computed, cells met by all rows */
} pt_cells;

/* The cells, the order of the points by them, and the rows of the samples. What pt_cells_find is given is there, the rest is empty. Stage
 * "k-means" is told. */
ptsne_status pt_cells_make(pt_cells *s, uint64_t seed, const ptsne_observer *observer, ptsne_error *err);

/* What the samples know, all memory, and what cells are worth to each other, with its limit. */
ptsne_status pt_cells_prepare(pt_cells *s, ptsne_error *err);

/* Rows of `from` (those that `rows` lists, or the first ones) less `mean`, to the device. */
ptsne_status pt_cells_upload(pt_cells *s, const float *from, const uint32_t *rows, size_t count, const double *mean,
                             const pt_buffer *to, ptsne_error *err);

void pt_cells_destroy(pt_cells *s);

#endif
