/* Nearest neighbours by several devices: each takes blocks of queries, and what comes out is what one of them would find. */
#ifndef PT_TSNE_NEIGHBORS_SHARED_H
#define PT_TSNE_NEIGHBORS_SHARED_H

#include "backend/backend.h"

/* pt_neighbors_find on be and its companions (be->next): the same contract, the same results. Other metrics than euclidean, whose
 * distances are as each device rounds them, and small searches stay on the first device. A failure of any device is the search's. */
ptsne_status pt_neighbors_shared(pt_backend *be, const float *x, size_t n, const float *query, size_t m, size_t d,
                                 const char *metric, size_t k, const ptsne_observer *observer, uint32_t *index,
                                 float *distance, ptsne_error *err);

#endif
