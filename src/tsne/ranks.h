/* Ranks of given points among each point's neighbours: the second half of pt_neighbors_ranked, see there. */
#ifndef PT_TSNE_RANKS_H
#define PT_TSNE_RANKS_H

#include "backend/backend.h"

typedef struct pt_ranks {
    pt_backend *be;
    int metric; /* euclidean's number */
    const float *x;
    size_t n, d, k;
    const double *mean;    /* d, subtracted before the products */
    bool whole;            /* tiles are exact: whole numbers of moderate size */
    const uint32_t *index; /* n x k, the neighbours */
    const uint32_t *other; /* n x n_others */
    size_t n_others;
    uint32_t *rank; /* n x n_others, the result */
    void *context;
    ptsne_status (*tell)(void *context, double share, ptsne_error *err);
} pt_ranks;

ptsne_status pt_ranks_count(const pt_ranks *ranks, ptsne_error *err);

/* How much a tile's distance of points no farther than sqrt(tau) from one whose squared distance from the mean is `norm` may be
 * wrong: the contract of pt_distances, with growth per column, and 4 more for centring. */
double pt_tile_error(double norm, double tau, double growth);

#endif
