#include "analysis/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "base/columns.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/sizes.h"
#include "tsne/affinities.h"
#include "tsne/distance.h"
#include "tsne/neighbors.h"

#define TRUSTED    ((size_t)12) /* neighbours of the trustworthiness */
#define KEPT       ((size_t)10) /* of the preservation, and of the vote */
#define WIDE       ((size_t)90) /* of the affinities: three times the perplexity */
#define PERPLEXITY 30.0
#define TILE_ROWS  ((size_t)2048)
#define MAP_WIDEST ((size_t)3) /* columns that pt_student_sums takes */

/* ---- label errors ---- */

/* The most frequent label, the smallest of equally frequent ones. */
static uint32_t majority(const uint32_t *labels, const uint32_t *near, size_t k)
{
    uint32_t best = 0;
    size_t most = 0;
    for (size_t a = 0; a < k; a++) {
        const uint32_t label = labels[near[a]];
        size_t votes = 0;
        for (size_t b = 0; b < k; b++) { votes += labels[near[b]] == label; }
        if (votes > most || (votes == most && label < best)) {
            most = votes;
            best = label;
        }
    }
    return best;
}

ptsne_status pt_metrics_label_errors(pt_backend *be, const float *y, const uint32_t *labels, size_t n,
                                     const float *y_test, const uint32_t *labels_test, size_t n_test, size_t c,
                                     const ptsne_observer *observer, double *error_1, double *error_10,
                                     ptsne_error *err)
{
    const size_t m = y_test == NULL ? n : n_test;
    const uint32_t *truth = y_test == NULL ? labels : labels_test;
    uint32_t *near = pt_array_aligned(m * KEPT, sizeof *near);
    if (near == NULL) { return pt_fail_memory(err, "neighbours in the map", (double)(m * KEPT) * sizeof *near); }
    const ptsne_status status =
        pt_neighbors_find(be, y, n, y_test, n_test, c, "euclidean", KEPT, observer, near, NULL, err);
    if (status == PTSNE_OK) {
        size_t wrong_1 = 0, wrong_10 = 0;
        for (size_t i = 0; i < m; i++) {
            wrong_1 += labels[near[i * KEPT]] != truth[i];
            wrong_10 += majority(labels, near + i * KEPT, KEPT) != truth[i];
        }
        *error_1 = (double)wrong_1 / (double)m;
        *error_10 = (double)wrong_10 / (double)m;
    }
    free(near);
    return status;
}

/* ---- neighbours kept ---- */

static double trustworthiness(const uint32_t *rank, size_t n)
{
    double sum = 0.0; /* of whole numbers, exact up to 2^53 */
    for (size_t t = 0; t < n * TRUSTED; t++) { sum += rank[t] > TRUSTED ? (double)(rank[t] - TRUSTED) : 0.0; }
    const double points = (double)n, k = (double)TRUSTED;
    const double scale = 2 * TRUSTED < n ? 2.0 / (points * k * (2.0 * points - 3.0 * k - 1.0))
                                         : 2.0 / (points * (points - k) * (points - k - 1.0));
    return 1.0 - scale * sum;
}

/* Share of the first KEPT in the data that are among the first KEPT in the map. */
static double preservation(const uint32_t *in_data, size_t k_data, const uint32_t *in_map, size_t k_map, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t a = 0; a < KEPT; a++) {
            for (size_t b = 0; b < KEPT; b++) { kept += in_data[i * k_data + a] == in_map[i * k_map + b]; }
        }
    }
    return (double)kept / (double)(n * KEPT);
}

/* ---- KL divergence ---- */

/* Sum over i, j, not equal, of 1 / (1 + |y_i - y_j|^2) on the host, for maps wider than the device's op. */
static ptsne_status kernel_sum_host(pt_backend *be, const float *y, size_t n, size_t c, pt_stage *stage, double *sum,
                                    ptsne_error *err)
{
    double *rows = pt_array_zeroed(n, sizeof *rows); /* summed in order, whatever the threads */
    if (rows == NULL) { return pt_fail_memory(err, "sums of rows", (double)n * (double)sizeof *rows); }
    ptsne_status status = PTSNE_OK;
    for (size_t from = 0; from < n && status == PTSNE_OK; from += TILE_ROWS) {
        const size_t end = n - from < TILE_ROWS ? n : from + TILE_ROWS;
#pragma omp parallel for schedule(dynamic, 16) num_threads((int)be->threads)
        for (size_t i = from; i < end; i++) {
            for (size_t j = 0; j < n; j++) {
                if (j != i) { rows[i] += 1.0 / (1.0 + pt_distance_squared(y + i * c, y + j * c, c)); }
            }
        }
        status = pt_stage_step(stage, end, (double)NAN, (double)NAN, err);
    }
    *sum = 0.0;
    for (size_t i = 0; i < n; i++) { *sum += rows[i]; }
    free(rows);
    return status;
}

/* y less its means, in at least 2 columns: what pt_student_sums takes. */
static ptsne_status map_upload(pt_backend *be, const float *y, size_t n, size_t c, const pt_buffer *map,
                               ptsne_error *err)
{
    double mean[MAP_WIDEST];
    float *centred = pt_array_aligned(n * c, sizeof *centred);
    float *padded = pt_array_zeroed(n * 2, sizeof *padded); /* of a map of one column */
    ptsne_status status = PTSNE_OK;
    if (centred == NULL || padded == NULL) {
        status = pt_fail_memory(err, "the map", (double)n * (double)(c + 2) * (double)sizeof *centred);
        goto done;
    }
    if ((status = pt_column_means(y, n, c, be->threads, mean, err)) != PTSNE_OK) { goto done; }
    pt_rows_centred(y, NULL, n, c, mean, be->threads, centred);
    for (size_t i = 0; c == 1 && i < n; i++) { padded[2 * i] = centred[i]; }
    status = pt_upload(be, c == 1 ? padded : centred, map, err);
done:
    free(centred);
    free(padded);
    return status;
}

/* The same sum by the device. */
static ptsne_status kernel_sum_device(pt_backend *be, const float *y, size_t n, size_t c, pt_stage *stage, double *sum,
                                      ptsne_error *err)
{
    const size_t columns = c == 1 ? 2 : c;
    pt_buffer map = {0}, z = {0};
    float tile[TILE_ROWS];
    ptsne_status status;
    if ((status = pt_buffer_create(be, n * columns, &map, err)) != PTSNE_OK) { goto done; }
    if ((status = pt_buffer_create(be, TILE_ROWS, &z, err)) != PTSNE_OK) { goto done; }
    if ((status = map_upload(be, y, n, c, &map, err)) != PTSNE_OK) { goto done; }
    *sum = 0.0;
    for (size_t from = 0; from < n; from += TILE_ROWS) {
        const size_t rows = pt_smaller(n - from, TILE_ROWS);
        const pt_buffer view = pt_buffer_view(&z, 0, rows);
        if ((status = pt_student_sums(be, &map, n, columns, from, rows, &view, err)) != PTSNE_OK) { goto done; }
        if ((status = pt_download(be, &view, tile, err)) != PTSNE_OK) { goto done; }
        for (size_t i = 0; i < rows; i++) { *sum += (double)tile[i]; }
        if ((status = pt_stage_step(stage, from + rows, (double)NAN, (double)NAN, err)) != PTSNE_OK) { goto done; }
    }
done:
    pt_buffer_destroy(be, &z);
    pt_buffer_destroy(be, &map);
    return status;
}

/* sum of p log(p / q) = sum of p log p + p log(1 + d2), and log Z as P sums to 1. */
static double divergence(const pt_affinities *joint, const float *y, size_t c, double kernel_sum)
{
    double sum = 0.0, whole = 0.0;
    for (size_t i = 0; i < joint->n; i++) {
        for (size_t t = joint->row[i]; t < joint->row[i + 1]; t++) {
            const double p = (double)joint->p[t];
            if (!(p > 0.0)) { continue; }
            const double d2 = pt_distance_squared(y + i * c, y + (size_t)joint->column[t] * c, c);
            sum += p * (log(p) + log1p(d2));
            whole += p;
        }
    }
    return sum + whole * log(kernel_sum);
}

static ptsne_status kl_divergence(pt_backend *be, const uint32_t *index, const float *distance, const float *y,
                                  size_t n, size_t k, size_t c, const ptsne_observer *observer, double *kl,
                                  ptsne_error *err)
{
    *kl = (double)NAN;
    if ((double)(n - 1) < PERPLEXITY) { return PTSNE_OK; }
    const double perplexity = PERPLEXITY;
    const pt_affinities_settings settings = {.perplexities = &perplexity, .n_perplexities = 1};
    pt_affinities joint;
    ptsne_status status = pt_affinities_build(be, index, distance, n, k, &settings, observer, &joint, NULL, err);
    if (status != PTSNE_OK) { return status; }
    double sum = 0.0;
    pt_stage stage = pt_stage_begin(observer, "similarities", n);
    status = c <= MAP_WIDEST ? kernel_sum_device(be, y, n, c, &stage, &sum, err)
                             : kernel_sum_host(be, y, n, c, &stage, &sum, err);
    if (status == PTSNE_OK) { *kl = divergence(&joint, y, c, sum); }
    pt_affinities_destroy(&joint);
    return status;
}

/* ---- all of them ---- */

ptsne_status pt_metrics_neighborhoods(pt_backend *be, const float *x, const float *y, size_t n, size_t d, size_t c,
                                      const ptsne_observer *observer, ptsne_metrics *metrics, ptsne_error *err)
{
    const size_t k = pt_smaller(n - 1, WIDE);
    uint32_t *in_map = pt_array_aligned(n * TRUSTED, sizeof *in_map);
    uint32_t *rank = pt_array_aligned(n * TRUSTED, sizeof *rank);
    uint32_t *in_data = pt_array_aligned(n * k, sizeof *in_data);
    float *distance = pt_array_aligned(n * k, sizeof *distance);
    ptsne_status status;
    if (!in_map || !rank || !in_data || !distance) {
        status = pt_fail_memory(err, "neighbours", 8.0 * (double)n * (double)(TRUSTED + k));
        goto done;
    }
    status = pt_neighbors_find(be, y, n, NULL, 0, c, "euclidean", TRUSTED, observer, in_map, NULL, err);
    if (status != PTSNE_OK) { goto done; }
    status = pt_neighbors_ranked(be, x, n, d, k, in_map, TRUSTED, observer, in_data, distance, rank, err);
    if (status != PTSNE_OK) { goto done; }
    metrics->trustworthiness_12 = trustworthiness(rank, n);
    metrics->knn_preservation_10 = preservation(in_data, k, in_map, TRUSTED, n);
    status = kl_divergence(be, in_data, distance, y, n, k, c, observer, &metrics->kl_30, err);
done:
    free(in_map);
    free(rank);
    free(in_data);
    free(distance);
    return status;
}
