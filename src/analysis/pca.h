/* Principal components by randomised subspace iteration on matrix products (Halko, Martinsson and Tropp, SIAM
 * Review 2011, algorithm 4.4), float64 where it orthogonalises. */
#ifndef PT_ANALYSIS_PCA_H
#define PT_ANALYSIS_PCA_H

#include "backend/backend.h"

/* Scores of x on its first k components.
 *
 * x        n x d, on the host; borrowed. k at most min(n, d).
 * scores   n x k: (x - mean) times the components; a component's sign makes its largest entry positive.
 * variance k, descending: of each component; may be NULL.
 * total    total variance of x; may be NULL. */
ptsne_status pt_pca_scores(pt_backend *be, const float *x, size_t n, size_t d, size_t k, uint64_t seed, float *scores,
                           double *variance, double *total, ptsne_error *err);

#endif
