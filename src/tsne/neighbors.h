/* Exact k nearest neighbours, by tiles of distances merged into running lists that stay on the device. */
#ifndef PT_TSNE_NEIGHBORS_H
#define PT_TSNE_NEIGHBORS_H

#include "backend/backend.h"

/* Of each query its k nearest points of x, nearest first, ties to the smaller index.
 *
 * x        n x d, on the host; borrowed.
 * query    m x d, or NULL: x itself (m = n), and no point is its own neighbour.
 * metric   as ptsne_fit_options has it; distance is squared for euclidean.
 * index    m x k, distance m x k: the caller's; distance may be NULL.
 * Stage "neighbours" is told to the observer; PTSNE_ERR_STOPPED when it asks to stop.
 * PTSNE_ERR_ARGUMENT where k > n - 1 (k > n with queries). */
ptsne_status pt_neighbors_find(pt_backend *be, const float *x, size_t n, const float *query, size_t m, size_t d,
                               const char *metric, size_t k, const ptsne_observer *observer, uint32_t *index,
                               float *distance, ptsne_error *err);

#endif
