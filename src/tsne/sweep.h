/* Exact nearest neighbours on the host, float64: points sorted along their widest column, and a walk from
 * the query outwards until that column alone is farther than the k-th neighbour.
 *
 * Fast where one column tells much: maps of 2 or 3 dimensions, and data whose clusters lie so far apart that products of
 * float32 cannot tell neighbours (see neighbors.h). x is n x d; distances are squared euclidean. */
#ifndef PT_TSNE_SWEEP_H
#define PT_TSNE_SWEEP_H

#include "base/error.h"
#include "tsne/distance.h"

typedef struct pt_sweep {
    const float *x; /* n x d, borrowed */
    size_t n, d, column;
    float *key;      /* n, the column's values, ascending */
    uint32_t *order; /* n, their points */
} pt_sweep;

/* n at least 1. PTSNE_ERR_MEMORY. */
ptsne_status pt_sweep_create(const float *x, size_t n, size_t d, size_t threads, pt_sweep *sweep, ptsne_error *err);
void pt_sweep_destroy(pt_sweep *sweep);

/* The k points nearest to query (d), nearest first, ties to the smaller index. own: a point left out, SIZE_MAX for none.
 * limit: nothing farther is looked for, INFINITY for everything; at least k points must lie within it. */
void pt_sweep_nearest(const pt_sweep *sweep, const float *query, size_t own, size_t k, double limit, uint32_t *index,
                      double *distance);

/* How many points, `of` and `point` left out, are nearer to point `of` than `point` is. */
size_t pt_sweep_nearer(const pt_sweep *sweep, size_t of, size_t point);

/* Put a point into an ascending list by (distance, index); with `count` of k places taken before. Returns how many are then. */
size_t pt_nearest_insert(double distance, uint32_t point, size_t count, size_t k, uint32_t *index, double *distances);

#endif
