/* An order of a map's points that keeps near ones near: along a Hilbert curve (Skilling, Programming the Hilbert curve, AIP
 * Conference Proceedings 707, 2004). */
#ifndef PT_TSNE_ORDER_H
#define PT_TSNE_ORDER_H

#include "base/error.h"

/* order[r] is the point at place r: a permutation of 0 .. n - 1; points of one cell of the curve stay in ascending order. y n x d,
 * d 2 or 3, finite; n below 2^32. The same for any number of threads. PTSNE_ERR_MEMORY. */
ptsne_status pt_map_order(const float *y, size_t n, size_t d, size_t threads, uint32_t *order, ptsne_error *err);

#endif
