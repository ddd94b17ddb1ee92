/* Orders of points that keep near ones near: along a Hilbert curve over a map (Skilling, Programming the Hilbert curve, AIP
 * Conference Proceedings 707, 2004), or as a graph joins them. */
#ifndef PT_TSNE_ORDER_H
#define PT_TSNE_ORDER_H

#include "tsne/affinities.h"

/* order[r] is the point at place r: a permutation of 0 .. n - 1; points of one cell of the curve stay in ascending order. y n x d,
 * d 2 or 3, finite; n below 2^32. The same for any number of threads. PTSNE_ERR_MEMORY. */
ptsne_status pt_map_order(const float *y, size_t n, size_t d, size_t threads, uint32_t *order, ptsne_error *err);

/* The same by breadth first: a point's neighbours follow it, and no two parts of the graph are mixed. PTSNE_ERR_MEMORY. */
ptsne_status pt_graph_order(const pt_affinities *graph, uint32_t *order, ptsne_error *err);

#endif
