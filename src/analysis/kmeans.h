/* k-means: Lloyd's iterations on the op table, from k-means++ starts.
 *
 * The points (n x d, less their column means) meet the centres in tiles of distances by products, and nearest_merge with
 * one place finds each point's centre; sums and inertia are float64 on the host, in an order that depends on the labels
 * alone. One seed gives one result on a device, whatever the number of threads. For cosine the caller hands over rows of
 * length 1.
 *
 * Lloyd, Least squares quantization in PCM, 1982. Arthur and Vassilvitskii, k-means++, SODA 2007. */
#ifndef PT_ANALYSIS_KMEANS_H
#define PT_ANALYSIS_KMEANS_H

#include "backend/backend.h"

/* Up to so many clusters each start is drawn one at a time, the best of 2 + log(k) draws (greedy k-means++); above, in
 * rounds that add a sixteenth of the centres there are (one at least, 64 at most), drawn by the same weights (as k-means||
 * does: Bahmani et al., VLDB 2012), so that seeding costs about one iteration. */
#define PT_KMEANS_GREEDY ((size_t)256)

/* Rows that seeding looks at: all, up to the larger of this and 16 a cluster; else so many drawn at random. */
#define PT_KMEANS_SEEDING ((size_t)65536)

typedef struct pt_kmeans_options {
    size_t n_clusters;
    size_t n_init;         /* starts, of which the one with the least inertia is kept; 0 counts as 1 */
    size_t max_iterations; /* of each start; 0: the start itself */
    double
        tolerance; /* done when the centres move less: sum of |move|^2 at most this times the columns' mean variance */
    uint64_t seed;
    const float *start; /* n_clusters x d, the only start; or NULL: k-means++ */
} pt_kmeans_options;

typedef struct pt_kmeans_report {
    double inertia;      /* sum of squared distances to the own centre, float64 */
    size_t n_iterations; /* of the start that was kept */
    size_t
        n_empty; /* clusters without a point: there are fewer different points than clusters, or max_iterations came first */
    bool converged; /* else max_iterations ended it */
} pt_kmeans_report;

/* 100 iterations at most, 1 start, tolerance 1e-4, as scikit-learn's KMeans has them but for 300 iterations. */
pt_kmeans_options pt_kmeans_defaults(size_t n_clusters);

/* Clusters of x (n x d, finite, borrowed). A cluster that loses its last point starts again at the point farthest from
 * its centre.
 *
 * centers  n_clusters x d, label n: the caller's. Every point's label is the nearest of these centres, ties to the
 *          smaller index, as far as float32 products tell.
 * Stage "k-means" is told to the observer, with the inertia as the loss; PTSNE_ERR_STOPPED when it asks to stop.
 * PTSNE_ERR_ARGUMENT where n_clusters is 0 or above n. */
ptsne_status pt_kmeans_fit(pt_backend *be, const float *x, size_t n, size_t d, const pt_kmeans_options *options,
                           const ptsne_observer *observer, float *centers, uint32_t *label, pt_kmeans_report *report,
                           ptsne_error *err);

/* label[i]: the nearest of n_clusters centres to x[i], as above. */
ptsne_status pt_kmeans_assign(pt_backend *be, const float *x, size_t n, size_t d, const float *centers,
                              size_t n_clusters, uint32_t *label, ptsne_error *err);

#endif
