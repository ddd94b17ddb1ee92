/* Principal components.
 *
 * Data of few columns go through their covariance, made once; data of many through randomised subspace iteration (Halko,
 * Martinsson and Tropp, SIAM Review 2011, algorithm 4.4). Either way the basis is made orthonormal in float64, and scores
 * and variances come from the data themselves (Rayleigh and Ritz). */
#ifndef PT_ANALYSIS_PCA_H
#define PT_ANALYSIS_PCA_H

#include "backend/backend.h"

/* Scores of x on its first k components.
 *
 * x        n x d, on the host; borrowed. k at most min(n, d).
 * scores   n x k: (x - mean) times the components; a component's sign makes its largest entry positive.
 * variance k, descending: of each component; may be NULL.
 * total    total variance of x; may be NULL.
 * Stage "pca" is told to the observer; PTSNE_ERR_STOPPED when it asks to stop. */
ptsne_status pt_pca_scores(pt_backend *be, const float *x, size_t n, size_t d, size_t k, uint64_t seed,
                           const ptsne_observer *observer, float *scores, double *variance, double *total,
                           ptsne_error *err);

/* What pt_pca_scores takes beside x and scores. */
typedef struct pt_pca_cost {
    size_t host_bytes, device_bytes;
    double operations; /* floating-point, nearly all of them in products */
} pt_pca_cost;

pt_pca_cost pt_pca_cost_of(pt_backend *be, size_t n, size_t d, size_t k);

/* Orthonormal directions (rows of v, l x d, float64 rounded once) near the leading l components of x, in their order, as a few
 * rounds find them; l at most min(n, d). */
ptsne_status pt_pca_directions(pt_backend *be, const float *x, size_t n, size_t d, size_t l, uint64_t seed, float *v,
                               ptsne_error *err);

#endif
