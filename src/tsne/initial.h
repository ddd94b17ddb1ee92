/* The maps that t-SNE begins with. y: n x n_components, the caller's. */
#ifndef PT_TSNE_INITIAL_H
#define PT_TSNE_INITIAL_H

#include "backend/backend.h"

/* The usual one: the first components of x, all scaled by one factor so that the first has standard deviation 1e-4 (as openTSNE has
 * it). A component that is not there (min(n, d) is less, or the data have no variance left) becomes normal numbers of standard
 * deviation 1e-6. */
ptsne_status pt_pca_initial(pt_backend *be, const float *x, size_t n, size_t d, size_t n_components, uint64_t seed,
                            const ptsne_observer *observer, float *y, ptsne_error *err);

/* The same of scores on the components, n x k, that there are. */
void pt_scores_initial(const float *scores, size_t n, size_t k, size_t n_components, uint64_t seed, float *y);

/* The other one: normal numbers of standard deviation 1e-4. */
void pt_random_initial(size_t n, size_t n_components, uint64_t seed, float *y);

#endif
