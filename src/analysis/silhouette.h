/* How well points lie in their clusters: the silhouette, exact, for several labellings of the same points at once.
 *
 * With a the mean distance of a point to the others of its own cluster, and b the least of its mean distances to the other
 * clusters, s = (b - a) / max(a, b); 0 in a cluster of one point, and where both are 0. As scikit-learn has it.
 *
 * Distances come in tiles of products, and each tile is summed by cluster with one more product, so that n x n is never
 * held. Some points are computed in float64 as well: where float32 is not good for 1e-6, all are.
 *
 * Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, J. Comput. Appl.
 * Math. 1987. */
#ifndef PT_ANALYSIS_SILHOUETTE_H
#define PT_ANALYSIS_SILHOUETTE_H

#include "backend/backend.h"

/* One labelling: each point's cluster, below k. Clusters may be empty. */
typedef struct pt_labelling {
    const uint32_t *label; /* n, borrowed */
    size_t k;
} pt_labelling;

/* x n x d, finite, borrowed. cosine: rows of x have length 1, or are zero, which is at distance 1 from all.
 *
 * value  sets x n, the caller's; or NULL.
 * mean   sets; both are NaN for a labelling with fewer than 2 clusters that have points.
 * Stage "silhouette" is told to the observer; PTSNE_ERR_STOPPED when it asks to stop. */
ptsne_status pt_silhouette(pt_backend *be, const float *x, size_t n, size_t d, bool cosine, const pt_labelling *sets,
                           size_t n_sets, const ptsne_observer *observer, float *value, double *mean, ptsne_error *err);

#endif
