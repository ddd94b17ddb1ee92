/* Quality of a map: what ptsne.h calls ptsne_metrics, over all points.
 *
 * Letters: x the data (n x d), y the map (n x c), both on the host, borrowed and finite. */
#ifndef PT_ANALYSIS_METRICS_H
#define PT_ANALYSIS_METRICS_H

#include "backend/backend.h"

#define PT_METRICS_LEAST 14 /* points: 12 neighbours and one point that is none of them */

/* Share of points whose label is not that of their nearest neighbour in the map, and not the majority of their 10 nearest
 * (of equally frequent labels the smallest). y_test NULL: each point against the others; else the n_test test points
 * against the n others. At least 11 points of y. */
ptsne_status pt_metrics_label_errors(pt_backend *be, const float *y, const uint32_t *labels, size_t n,
                                     const float *y_test, const uint32_t *labels_test, size_t n_test, size_t c,
                                     const ptsne_observer *observer, double *error_1, double *error_10,
                                     ptsne_error *err);

/* Trustworthiness of 12 neighbours, preservation of 10, and the KL divergence at perplexity 30; n at least PT_METRICS_LEAST.
 *
 * Trustworthiness: 1 - s sum of max(0, rank - 12) over each point's 12 nearest in the map, where rank - 1 points are nearer in the
 * data (scikit-learn ranks points at one distance in any order; here they all get the best rank);
 * s = 2 / (12 n (2 n - 37)), and 2 / (n (n - 12) (n - 13)) where 12 is half of the points or more (Venna and Kaski 2001).
 * KL: P from the min(90, n - 1) nearest, Q over all pairs; NaN where fewer than 30 other points leave no perplexity of 30. */
ptsne_status pt_metrics_neighborhoods(pt_backend *be, const float *x, const float *y, size_t n, size_t d, size_t c,
                                      const ptsne_observer *observer, ptsne_metrics *metrics, ptsne_error *err);

#endif
