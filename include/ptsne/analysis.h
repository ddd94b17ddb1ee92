/* Analysis: the quality of maps, clusters, silhouettes. */
#ifndef PTSNE_ANALYSIS_H
#define PTSNE_ANALYSIS_H

#include "ptsne/base.h"
#include "ptsne/devices.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- quality -------------------------------------------------------------------------------- */

typedef struct ptsne_metrics {
    double knn_error_1;         /* share of wrong 1-nearest-neighbour labels in the map; NaN without labels */
    double knn_error_10;        /* majority of 10, ties to the class that comes first */
    double trustworthiness_12;  /* Venna and Kaski 2001, 12 neighbours */
    double knn_preservation_10; /* share of the 10 nearest in the data that are among the 10 nearest in the map */
    double kl_30;               /* KL(P || Q), nats, perplexity 30; NaN below 31 points */
} ptsne_metrics;

/**
 * How well a map keeps its data; exact, every point counted.
 *
 * With test points (n_test > 0) the label errors are those of the test points against the training points, and the
 * other figures are those of the test points among themselves; without, errors are leave-one-out.
 *
 * @param x, y        n x n_features, n x n_components: the (training) data and its map; borrowed.
 * @param labels      n codes below 2^31; NULL: no label errors.
 * @param x_test ...  The same for n_test test points, or NULL and 0.
 * @return PTSNE_OK, PTSNE_ERR_ARGUMENT (fewer than 14 points), PTSNE_ERR_DATA, PTSNE_ERR_MEMORY, PTSNE_ERR_DEVICE,
 *         PTSNE_ERR_STOPPED.
 */
PTSNE_API ptsne_status ptsne_metrics_compute(ptsne_device *device, const float *x, const float *y,
                                             const uint32_t *labels, size_t n, const float *x_test, const float *y_test,
                                             const uint32_t *labels_test, size_t n_test, size_t n_features,
                                             size_t n_components, const ptsne_observer *observer,
                                             ptsne_metrics *metrics, ptsne_error *err);

/* ---- clusters ------------------------------------------------------------------------------- */

typedef struct ptsne_cluster_options {
    const char
        *metric;     /* "euclidean"; "cosine": rows are scaled to length 1 first, and centres are means of such rows */
    size_t restarts; /* starts of each k, of which the one with the least inertia is kept */
    size_t max_iterations; /* of each start */
    double tolerance; /* done when centres move less: sum of |move|^2 at most this times the columns' mean variance */
    uint64_t seed;
} ptsne_cluster_options;

typedef struct ptsne_cluster_report {
    size_t k;
    double inertia;           /* sum of squared distances to the own centre */
    size_t iterations;        /* of the start that was kept */
    size_t smallest, largest; /* points of a cluster */
    /* clusters without points: only where rows are the same to float32 that are not the same, see k below */
    size_t empty;
    int converged; /* 0: max_iterations ended it */
    double seconds;
} ptsne_cluster_report;

/** euclidean, 10 restarts, 300 iterations, tolerance 1e-4, as scikit-learn's KMeans had them for long. */
PTSNE_API void ptsne_cluster_options_default(ptsne_cluster_options *options);

/**
 * Clusters by k-means (Lloyd 1982) from greedy k-means++ starts (Arthur and Vassilvitskii, k-means++: the advantages of
 * careful seeding, SODA 2007), for one or several numbers of clusters. The same seed gives the same clusters, bit for
 * bit, on the same device for any number of threads.
 *
 * @param x         n x n_features, borrowed during the call.
 * @param k         n_k numbers of clusters, each from 1 to the number of different rows of x (in cosine: of
 *                  directions).
 * @param options   May be NULL: defaults.
 * @param observer  May be NULL. Stage "k-means", once for each k, with the inertia as its loss. Warned of clusters
 *                  without points and of starts that did not converge.
 * @param labels    n_k x n, the caller's: each row's cluster, below k. The centre of a row's cluster is its nearest.
 * @param centers   The sum of k x n_features, the caller's: the centres of k[0], then those of k[1] ...; NULL: not
 *                  wanted.
 * @param reports   n_k; may be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (k larger than there are different rows; the message says how many there are);
 *         PTSNE_ERR_DATA (NaN or infinity in x; the message gives row and column); PTSNE_ERR_MEMORY; PTSNE_ERR_DEVICE;
 *         PTSNE_ERR_STOPPED.
 */
PTSNE_API ptsne_status ptsne_cluster(ptsne_device *device, const float *x, size_t n, size_t n_features, const size_t *k,
                                     size_t n_k, const ptsne_cluster_options *options, const ptsne_observer *observer,
                                     uint32_t *labels, float *centers, ptsne_cluster_report *reports, ptsne_error *err);

/**
 * Silhouettes: with a a point's mean distance to the others of its cluster and b the least of its mean distances to
 * another cluster, (b - a) / max(a, b), from -1 (in the wrong cluster) to 1; 0 in a cluster of one point. Exact, over
 * all pairs, without n x n memory; within 1e-6 of float64. Several labellings share the distances.
 *
 * @param x       n x n_features, borrowed during the call.
 * @param labels  n_labelings x n, any numbers; borrowed during the call.
 * @param metric  "euclidean" (NULL), not squared, or "cosine": 1 - cos; a row of zeros is at distance 1 from all
 *                others.
 * @param observer May be NULL. Stage "silhouette".
 * @param values  n_labelings x n, the caller's; NULL: not wanted.
 * @param means   n_labelings, over all points. NaN, as the values are, where all points have one label.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT; PTSNE_ERR_DATA (NaN or infinity in x); PTSNE_ERR_MEMORY; PTSNE_ERR_DEVICE;
 *         PTSNE_ERR_STOPPED.
 *
 * Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, J. Comput. Appl.
 * Math. 1987.
 */
PTSNE_API ptsne_status ptsne_silhouette(ptsne_device *device, const float *x, size_t n, size_t n_features,
                                        const uint32_t *labels, size_t n_labelings, const char *metric,
                                        const ptsne_observer *observer, float *values, double *means, ptsne_error *err);

#ifdef __cplusplus
}
#endif

#endif
