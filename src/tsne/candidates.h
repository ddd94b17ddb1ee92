/* The c nearest of each query by the device's float32 distances: candidates, for the caller to look at in float64.
 *
 * Points are on the device while they fit, else a tile of them at a time. Where queries are the points, a processor computes each
 * pair of blocks once. */
#ifndef PT_TSNE_CANDIDATES_H
#define PT_TSNE_CANDIDATES_H

#include "backend/backend.h"

#define PT_NO_POINT   UINT32_MAX
#define PT_LISTS_MOST ((size_t)3 << 26) /* elements of all lists that are kept at once: 768 MiB */

typedef struct pt_candidates {
    pt_backend *be;
    int metric;
    const float *x;     /* n x d, on the host */
    const float *query; /* m x d */
    bool self;          /* the queries are the points, and a point is not its own candidate */
    size_t n, d;
    const double *mean;   /* d, subtracted from both; NULL: nothing */
    const uint32_t *list; /* count rows of query; NULL: the first ones, and then c leaves room for no point itself */
    size_t count;
    size_t c;
    void *context;
    /* Candidates of `rows` queries from the from-th on, rows x c, nearest first; empty places hold INFINITY and PT_NO_POINT. */
    ptsne_status (*take)(void *context, size_t from, size_t rows, const float *near_d, const uint32_t *near_i,
                         ptsne_error *err);
    /* So large a share of the distances is computed; may ask to stop. */
    ptsne_status (*tell)(void *context, double share, ptsne_error *err);
} pt_candidates;

/* With a list, a query that is a point is among its own candidates. */
ptsne_status pt_candidates_find(const pt_candidates *search, ptsne_error *err);

#endif
