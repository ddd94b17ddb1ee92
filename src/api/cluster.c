/* k-means and silhouettes: what a caller may get wrong about them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kmeans.h"
#include "analysis/silhouette.h"
#include "api/device.h"
#include "base/clock.h"
#include "base/columns.h"
#include "base/limits.h"
#include "base/memory.h"

void ptsne_cluster_options_default(ptsne_cluster_options *options)
{
    *options = (ptsne_cluster_options){.metric = "euclidean", .restarts = 10, .max_iterations = 300, .tolerance = 1e-4};
}

static ptsne_status check_metric(const char *metric, bool *cosine, ptsne_error *err)
{
    *cosine = metric != NULL && strcmp(metric, "cosine") == 0;
    if (*cosine || metric == NULL || strcmp(metric, "euclidean") == 0) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "metric \"%s\": clusters are euclidean or cosine", metric);
}

static ptsne_status check_rows(const float *x, size_t n, size_t d, ptsne_error *err)
{
    if (n == 0 || n >= UINT32_MAX || d == 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu rows of %zu columns cannot be clustered", n, d);
    }
    return pt_finite_check(NULL, x, n, d, err);
}

/* Rows of length 1, released by free(); rows of zeros stay. NULL without memory. */
static float *rows_unit(const float *x, size_t n, size_t d, size_t threads)
{
    float *unit = d > SIZE_MAX / n ? NULL : pt_array_aligned(n * d, sizeof *unit);
    if (unit == NULL) { return NULL; }
#pragma omp parallel for schedule(static) num_threads((int)threads)
    for (size_t i = 0; i < n; i++) {
        const float *row = x + i * d;
        double squares = 0.0;
        for (size_t j = 0; j < d; j++) { squares += (double)row[j] * (double)row[j]; }
        const double scale = squares > 0.0 ? 1.0 / sqrt(squares) : 0.0;
        for (size_t j = 0; j < d; j++) { unit[i * d + j] = (float)((double)row[j] * scale); }
    }
    return unit;
}

/* ---- clusters ---- */

static ptsne_status check_options(const ptsne_cluster_options *options, ptsne_error *err)
{
    const pt_limit limits[] = {
        {"restarts", (double)options->restarts, 1.0, 1e6, false},
        {"max_iterations", (double)options->max_iterations, 1.0, 1e9, false},
        {"tolerance", options->tolerance, 0.0, 1e6, false},
    };
    return pt_limits_check(limits, sizeof limits / sizeof limits[0], err);
}

/* Each k against the rows there are, and against those that differ. */
static ptsne_status check_k(const float *x, size_t n, size_t d, const size_t *k, size_t n_k, bool cosine,
                            ptsne_error *err)
{
    size_t most = 0, distinct = 0;
    for (size_t t = 0; t < n_k; t++) {
        if (k[t] == 0) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "0 clusters: k is at least 1"); }
        most = k[t] > most ? k[t] : most;
    }
    if (most > n) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu clusters of %zu rows: k is at most %zu", most, n, n); }
    const ptsne_status status = pt_rows_distinct(x, n, d, most, &distinct, err);
    if (status != PTSNE_OK || distinct >= most) { return status; }
    return pt_fail(err, PTSNE_ERR_ARGUMENT,
                   "%zu clusters of %zu rows, of which %zu have different %s: k is at most %zu", most, n, distinct,
                   cosine ? "directions" : "values", distinct);
}

static ptsne_status sizes_report(const uint32_t *label, size_t n, ptsne_cluster_report *report, ptsne_error *err)
{
    size_t *size = pt_array_zeroed(report->k, sizeof *size);
    if (size == NULL) { return pt_fail_memory(err, "sizes of clusters", (double)report->k * sizeof *size); }
    for (size_t i = 0; i < n; i++) { size[label[i]]++; }
    report->smallest = report->largest = size[0];
    for (size_t e = 1; e < report->k; e++) {
        report->smallest = size[e] < report->smallest ? size[e] : report->smallest;
        report->largest = size[e] > report->largest ? size[e] : report->largest;
    }
    free(size);
    return PTSNE_OK;
}

static ptsne_status cluster_one(ptsne_device *device, const float *x, size_t n, size_t d, size_t k,
                                const ptsne_cluster_options *options, const ptsne_observer *observer, uint32_t *label,
                                float *centers, ptsne_cluster_report *report, ptsne_error *err)
{
    const double began = pt_seconds();
    pt_kmeans_options settings = pt_kmeans_defaults(k);
    settings.n_init = options->restarts;
    settings.max_iterations = options->max_iterations;
    settings.tolerance = options->tolerance;
    settings.seed = options->seed;
    pt_kmeans_report done;
    ptsne_status status = pt_kmeans_fit(device->be, x, n, d, &settings, observer, centers, label, &done, err);
    if (status != PTSNE_OK) { return status; }
    *report = (ptsne_cluster_report){.k = k,
                                     .inertia = done.inertia,
                                     .iterations = done.n_iterations,
                                     .empty = done.n_empty,
                                     .converged = done.converged};
    if (done.n_empty > 0) {
        pt_warn(observer, "k = %zu: %zu clusters are empty: the rows differ too little for float32", k, done.n_empty);
    }
    if (!done.converged) { pt_warn(observer, "k = %zu: not settled after %zu iterations", k, options->max_iterations); }
    status = sizes_report(label, n, report, err);
    report->seconds = pt_seconds() - began;
    return status;
}

ptsne_status ptsne_cluster(ptsne_device *device, const float *x, size_t n, size_t n_features, const size_t *k,
                           size_t n_k, const ptsne_cluster_options *options, const ptsne_observer *observer,
                           uint32_t *labels, float *centers, ptsne_cluster_report *reports, ptsne_error *err)
{
    if (device == NULL || x == NULL || k == NULL || n_k == 0 || labels == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "cluster: device, x, k and labels are needed");
    }
    ptsne_cluster_options settings;
    ptsne_cluster_options_default(&settings);
    settings = options == NULL ? settings : *options;
    bool cosine;
    float *unit = NULL, *unwanted = NULL;
    ptsne_status status;
    if ((status = check_metric(settings.metric, &cosine, err)) != PTSNE_OK) { return status; }
    if ((status = check_options(&settings, err)) != PTSNE_OK) { return status; }
    if ((status = check_rows(x, n, n_features, err)) != PTSNE_OK) { return status; }
    if (cosine && (unit = rows_unit(x, n, n_features, device->be->threads)) == NULL) {
        return pt_fail_memory(err, "rows of length 1", 4.0 * (double)n * (double)n_features);
    }
    x = cosine ? unit : x;
    if ((status = check_k(x, n, n_features, k, n_k, cosine, err)) != PTSNE_OK) { goto done; }
    for (size_t t = 0, at = 0; t < n_k && status == PTSNE_OK; at += k[t++]) {
        ptsne_cluster_report report;
        float *to = centers == NULL ? NULL : centers + at * n_features;
        if (to == NULL) { to = unwanted = pt_array_aligned(k[t] * n_features, sizeof *unwanted); }
        if (to == NULL) {
            status = pt_fail_memory(err, "centres", 4.0 * (double)k[t] * (double)n_features);
            goto done;
        }
        status = cluster_one(device, x, n, n_features, k[t], &settings, observer, labels + t * n, to, &report, err);
        if (status == PTSNE_OK && reports != NULL) { reports[t] = report; }
        free(unwanted);
        unwanted = NULL;
    }
done:
    free(unit);
    return status;
}

/* ---- silhouettes ---- */

static int compare_labels(const void *a, const void *b)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* label in the numbers 0 .. k - 1 of those that occur, in their order; room: n, for sorting. Returns k. */
static size_t labels_compact(const uint32_t *label, size_t n, uint32_t *room, uint32_t *compact)
{
    memcpy(room, label, n * sizeof *room);
    qsort(room, n, sizeof *room, compare_labels);
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || room[i] != room[k - 1]) { room[k++] = room[i]; }
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t *found = bsearch(&label[i], room, k, sizeof *room, compare_labels);
        compact[i] = (uint32_t)(found - room);
    }
    return k;
}

ptsne_status ptsne_silhouette(ptsne_device *device, const float *x, size_t n, size_t n_features, const uint32_t *labels,
                              size_t n_labelings, const char *metric, const ptsne_observer *observer, float *values,
                              double *means, ptsne_error *err)
{
    if (device == NULL || x == NULL || labels == NULL || n_labelings == 0 || means == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "silhouette: device, x, labels and means are needed");
    }
    bool cosine;
    ptsne_status status;
    if ((status = check_metric(metric, &cosine, err)) != PTSNE_OK) { return status; }
    if ((status = check_rows(x, n, n_features, err)) != PTSNE_OK) { return status; }
    float *unit = cosine ? rows_unit(x, n, n_features, device->be->threads) : NULL;
    uint32_t *compact = pt_array_aligned(n * (n_labelings + 1), sizeof *compact); /* the last n are room */
    pt_labelling *sets = pt_array_zeroed(n_labelings, sizeof *sets);
    if ((cosine && unit == NULL) || compact == NULL || sets == NULL) {
        status = pt_fail_memory(err, "labels and rows",
                                4.0 * (double)n * (double)(n_labelings + 1 + (cosine ? n_features : 0)));
        goto done;
    }
    for (size_t q = 0; q < n_labelings; q++) {
        sets[q].label = compact + q * n;
        sets[q].k = labels_compact(labels + q * n, n, compact + n_labelings * n, compact + q * n);
    }
    status = pt_silhouette(device->be, cosine ? unit : x, n, n_features, cosine, sets, n_labelings, observer, values,
                           means, err);
done:
    free(sets);
    free(compact);
    free(unit);
    return status;
}
