/* What the network is to keep: the columns that distances are taken in, and each row's nearest neighbours there. */
#ifndef PT_PARAMETRIC_GRAPH_H
#define PT_PARAMETRIC_GRAPH_H

#include "backend/backend.h"

typedef struct pt_graph {
    float *scores;       /* n x settings->pca; NULL where that is 0 */
    uint32_t *neighbors; /* n x settings->n_neighbors; NULL where nothing asks for them */
    size_t duplicates;   /* rows with an equal, earlier row among their neighbours */
} pt_graph;

/* settings: resolved. */
ptsne_status pt_graph_create(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_fit_options *settings,
                             const ptsne_observer *observer, pt_graph *graph, ptsne_error *err);
/* The graph from a search of at least n_neighbors: its first ones. A place without a neighbour gets the row itself. */
ptsne_status pt_graph_take(const ptsne_graph *found, const float *x, size_t d, const ptsne_fit_options *settings,
                           pt_graph *graph, ptsne_error *err);
void pt_graph_destroy(pt_graph *graph);

#endif
