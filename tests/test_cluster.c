#define _GNU_SOURCE
/* Clusters and silhouettes through the public functions, against float64 formulas, on every backend that opens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/silhouette.h"
#include "api/device.h"
#include "backends.h"
#include "base/columns.h"
#include "base/random.h"
#include "blobs.h"
#include "faults.h"

static ptsne_device *open_device(const char *spec, size_t threads, size_t memory)
{
    const ptsne_device_options options = {.spec = spec, .threads = threads, .memory = memory};
    ptsne_device *device = NULL;
    ptsne_error err = {0};
    if (ptsne_device_open(&options, NULL, &device, &err) != PTSNE_OK) { fail_msg("%s: %s", spec, err.message); }
    return device;
}

static void *taken(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

/* n points, row i of Gaussian i % groups; centres N(0, spread^2), off the origin by `away`. */
static float *make_data(size_t n, size_t d, size_t groups, float spread, float away, uint64_t seed)
{
    float *x = taken(n * d, sizeof *x);
    blobs_fill(x, n, d, groups, away, spread, (pt_random){.seed = seed, .stream = 1});
    return x;
}

/* ---- oracles ---- */

static double oracle_distance(const float *a, const float *b, size_t d, bool cosine)
{
    double ab = 0.0, aa = 0.0, bb = 0.0, squares = 0.0;
    for (size_t j = 0; j < d; j++) {
        const double u = (double)a[j], v = (double)b[j];
        ab += u * v, aa += u * u, bb += v * v, squares += (u - v) * (u - v);
    }
    if (!cosine) { return sqrt(squares); }
    return aa > 0.0 && bb > 0.0 ? 1.0 - ab / sqrt(aa * bb) : 1.0;
}

/* Rousseeuw's formula, point by point; labels below 100. */
static double oracle_silhouette(const float *x, size_t n, size_t d, const uint32_t *label, bool cosine, size_t i)
{
    double sum[100] = {0}, b = (double)INFINITY;
    size_t count[100] = {0};
    for (size_t j = 0; j < n; j++) {
        assert_true(label[j] < 100);
        count[label[j]]++;
        if (j != i) { sum[label[j]] += oracle_distance(x + i * d, x + j * d, d, cosine); }
    }
    if (count[label[i]] == 1) { return 0.0; }
    const double a = sum[label[i]] / (double)(count[label[i]] - 1);
    for (size_t c = 0; c < 100; c++) {
        if (c != label[i] && count[c] > 0) { b = fmin(b, sum[c] / (double)count[c]); }
    }
    return a == 0.0 && b == 0.0 ? 0.0 : (b - a) / fmax(a, b);
}

/* ---- silhouettes ---- */

static void check_silhouettes(ptsne_device *device, const float *x, size_t n, size_t d, const uint32_t *labels,
                              size_t sets, bool cosine)
{
    float *value = taken(sets * n, sizeof *value);
    double means[4], alone;
    ptsne_error err = {0};
    const char *metric = cosine ? "cosine" : "euclidean";
    if (ptsne_silhouette(device, x, n, d, labels, sets, metric, NULL, value, means, &err) != PTSNE_OK) {
        fail_msg("%s", err.message);
    }
    for (size_t q = 0; q < sets; q++) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++) {
            const double want = oracle_silhouette(x, n, d, labels + q * n, cosine, i);
            const double got = (double)value[q * n + i];
            if (!(fabs(got - want) <= 2e-6)) {
                fail_msg("%s %zu: point %zu: %.9g, oracle %.9g", metric, q, i, got, want);
            }
            sum += want;
        }
        if (!(fabs(means[q] - sum / (double)n) <= 1e-6)) {
            fail_msg("%s %zu: mean %.9g, oracle %.9g", metric, q, means[q], sum / (double)n);
        }
    }
    assert_int_equal(ptsne_silhouette(device, x, n, d, labels, 1, metric, NULL, NULL, &alone, &err), PTSNE_OK);
    assert_true(fabs(alone - means[0]) <= 1e-6);
    free(value);
}

/* Labels of groups, random ones, and ones with a cluster of one point and numbers that nobody has. */
static uint32_t *make_labels(size_t n, size_t groups)
{
    uint32_t *labels = taken(3 * n, sizeof *labels);
    pt_random random = {.seed = 9, .stream = 2};
    for (size_t i = 0; i < n; i++) {
        labels[i] = (uint32_t)(i % groups);
        labels[n + i] = (uint32_t)pt_random_below(&random, 3);
        labels[2 * n + i] = i == 7 ? 90 : 40 + 3 * (uint32_t)(i % 5);
    }
    return labels;
}

static void test_silhouettes(void **state)
{
    ptsne_device *device = *state;
    const struct {
        size_t n, d, groups;
        float spread, away;
    } cases[] = {{12, 1, 3, 4.0f, 0.0f}, {300, 2, 4, 3.0f, 5.0f}, {700, 33, 7, 1.0f, -3.0f}, {1300, 8, 3, 2.0f, 0.0f}};
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
        const size_t n = cases[t].n, d = cases[t].d;
        float *x = make_data(n, d, cases[t].groups, cases[t].spread, cases[t].away, t);
        uint32_t *labels = make_labels(n, cases[t].groups);
        memset(x + 3 * d, 0, d * sizeof *x); /* zeros have no direction */
        memset(x + 5 * d, 0, d * sizeof *x);
        check_silhouettes(device, x, n, d, labels, 3, false);
        check_silhouettes(device, x, n, d, labels, 3, true);
        free(x);
        free(labels);
    }
}

/* Tight groups so far apart that products in float32 do not tell the points of a group from each other. */
static void test_silhouettes_far(void **state)
{
    ptsne_device *device = *state;
    const size_t n = 240, d = 5;
    float *x = make_data(n, d, 6, 30000.0f, 1000.0f, 77);
    uint32_t *labels = taken(n, sizeof *labels); /* each group is two clusters */
    for (size_t i = 0; i < n; i++) { labels[i] = (uint32_t)(i % 12); }
    check_silhouettes(device, x, n, d, labels, 1, false);
    for (size_t i = 6; i < n; i++) { memcpy(x + i * d, x + i % 6 * d, d * sizeof *x); } /* now they are points */
    check_silhouettes(device, x, n, d, labels, 1, false);
    free(x);
    free(labels);
}

static void test_silhouettes_trivial(void **state)
{
    ptsne_device *device = *state;
    float *x = make_data(20, 3, 2, 3.0f, 0.0f, 5), value[20];
    uint32_t one[20] = {0}, own[20];
    double mean = 0.0;
    for (uint32_t i = 0; i < 20; i++) { own[i] = i; }
    assert_int_equal(ptsne_silhouette(device, x, 20, 3, one, 1, NULL, NULL, value, &mean, NULL), PTSNE_OK);
    assert_true(isnan(mean) && isnan(value[0]));
    assert_int_equal(ptsne_silhouette(device, x, 20, 3, own, 1, NULL, NULL, value, &mean, NULL), PTSNE_OK);
    assert_true(mean == 0.0 && value[19] == 0.0f);
    for (size_t t = 0; t < 60; t++) { x[t] = 2.5f; } /* all points are one point */
    own[0] = 1;
    for (uint32_t i = 2; i < 20; i++) { own[i] = i % 2; }
    assert_int_equal(ptsne_silhouette(device, x, 20, 3, own, 1, NULL, NULL, value, &mean, NULL), PTSNE_OK);
    assert_true(mean == 0.0 && value[3] == 0.0f);
    free(x);
}

/* The same bits for any number of threads; with little memory, in smaller tiles, the same to 1e-6. */
static void test_silhouettes_bytes(void **state)
{
    (void)state;
    const size_t n = 2500, d = 40, threads[] = {1, 2, 3, 2}, memory[] = {0, 0, 0, (size_t)600 << 10};
    float *x = make_data(n, d, 9, 1.0f, 2.0f, 3), *value[4];
    uint32_t *labels = make_labels(n, 9);
    double mean[4][3];
    for (size_t r = 0; r < 4; r++) {
        ptsne_device *device = open_device("cpu", threads[r], memory[r]);
        ptsne_error err = {0};
        value[r] = taken(3 * n, sizeof *value[r]);
        if (ptsne_silhouette(device, x, n, d, labels, 3, NULL, NULL, value[r], mean[r], &err) != PTSNE_OK) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(device->be->memory_used, 0);
        ptsne_device_destroy(device);
    }
    for (size_t r = 1; r < 3; r++) {
        assert_memory_equal(value[0], value[r], 3 * n * sizeof **value);
        assert_memory_equal(mean[0], mean[r], sizeof mean[0]);
    }
    for (size_t q = 0; q < 3; q++) { assert_true(fabs(mean[0][q] - mean[3][q]) <= 1e-6); }
    for (size_t r = 0; r < 4; r++) { free(value[r]); }
    free(x);
    free(labels);
}

/* ---- clusters ---- */

/* Centres are the means of their rows, but for a move that the default tolerance, 1e-4 of the columns' mean variance, lets go. */
static void check_centers(const float *x, size_t n, size_t d, const uint32_t *label, const float *center,
                          const size_t *count, size_t k)
{
    double *mean = taken(k * d, sizeof *mean), *middle = taken(d, sizeof *middle), moved = 0.0, variance = 0.0;
    for (size_t t = 0; t < n * d; t++) {
        mean[label[t / d] * d + t % d] += (double)x[t] / (double)count[label[t / d]];
        middle[t % d] += (double)x[t] / (double)n;
    }
    for (size_t t = 0; t < n * d; t++) { variance += pow((double)x[t] - middle[t % d], 2.0) / (double)(n * d); }
    for (size_t t = 0; t < k * d; t++) { moved += pow(mean[t] - (double)center[t], 2.0); }
    if (!(moved <= 1e-4 * variance)) {
        fail_msg("k = %zu: centres are %g off their means, deviation %g", k, sqrt(moved), sqrt(variance));
    }
    free(mean);
    free(middle);
}

/* Every label has the nearest centre, every centre is the mean of its rows, and the inertia is theirs; x as k-means saw it. */
static void check_clusters(const float *x, size_t n, size_t d, const uint32_t *label, const float *center,
                           const ptsne_cluster_report *report)
{
    double inertia = 0.0;
    size_t count[100] = {0}, smallest = SIZE_MAX, largest = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(label[i] < report->k && report->k < 100);
        double least = (double)INFINITY;
        for (size_t e = 0; e < report->k; e++) {
            least = fmin(least, oracle_distance(x + i * d, center + e * d, d, false));
        }
        const double mine = oracle_distance(x + i * d, center + label[i] * d, d, false);
        assert_true(mine <= least * 1.0001 + 1e-4);
        inertia += mine * mine;
        count[label[i]]++;
    }
    for (size_t e = 0; e < report->k; e++) {
        smallest = count[e] < smallest ? count[e] : smallest;
        largest = count[e] > largest ? count[e] : largest;
    }
    check_centers(x, n, d, label, center, count, report->k);
    assert_int_equal(smallest, report->smallest);
    assert_int_equal(largest, report->largest);
    if (!(fabs(report->inertia - inertia) <= 1e-5 * inertia + 1e-6)) {
        fail_msg("k = %zu: inertia %.9g, of the labels %.9g", report->k, report->inertia, inertia);
    }
}

static void test_blobs(void **state)
{
    ptsne_device *device = *state;
    const size_t n = 900, d = 7, k[] = {1, 3, 6, 12};
    float *x = make_data(n, d, 6, 20.0f, 4.0f, 12), *centers = taken(22 * d, sizeof *centers);
    uint32_t *labels = taken(4 * n, sizeof *labels);
    ptsne_cluster_report reports[4];
    double means[4];
    ptsne_error err = {0};
    if (ptsne_cluster(device, x, n, d, k, 4, NULL, NULL, labels, centers, reports, &err) != PTSNE_OK) {
        fail_msg("%s", err.message);
    }
    for (size_t t = 0, at = 0; t < 4; at += k[t++]) {
        assert_int_equal(reports[t].k, k[t]);
        assert_true(reports[t].converged && reports[t].empty == 0);
        assert_true(t == 0 || reports[t].inertia < reports[t - 1].inertia);
        check_clusters(x, n, d, labels + t * n, centers + at * d, &reports[t]);
    }
    for (size_t i = 6; i < n; i++) { assert_int_equal(labels[2 * n + i], labels[2 * n + i % 6]); } /* the groups */
    assert_int_equal(ptsne_silhouette(device, x, n, d, labels, 4, NULL, NULL, NULL, means, &err), PTSNE_OK);
    assert_true(isnan(means[0]) && means[2] > means[1] && means[2] > means[3] && means[2] > 0.8);
    free(x);
    free(centers);
    free(labels);
}

/* Rows of any length along six directions. */
static void test_directions(void **state)
{
    ptsne_device *device = *state;
    const size_t n = 600, d = 9, k = 6;
    float *x = make_data(n, d, 6, 40.0f, 0.0f, 31), *unit = taken(n * d, sizeof *unit), centers[6 * 9];
    uint32_t *labels = taken(n, sizeof *labels);
    pt_random random = {.seed = 4, .stream = 3};
    for (size_t i = 0; i < n; i++) {
        const float length = 0.01f + 100.0f * pt_random_uniform(&random);
        double squares = 0.0;
        for (size_t j = 0; j < d; j++) {
            x[i * d + j] *= length;
            squares += (double)x[i * d + j] * (double)x[i * d + j];
        }
        for (size_t j = 0; j < d; j++) { unit[i * d + j] = (float)((double)x[i * d + j] / sqrt(squares)); }
    }
    ptsne_cluster_options options;
    ptsne_cluster_options_default(&options);
    options.metric = "cosine";
    ptsne_cluster_report report;
    assert_int_equal(ptsne_cluster(device, x, n, d, &k, 1, &options, NULL, labels, centers, &report, NULL), PTSNE_OK);
    check_clusters(unit, n, d, labels, centers, &report);
    for (size_t i = 6; i < n; i++) { assert_int_equal(labels[i], labels[i % 6]); }
    free(x);
    free(unit);
    free(labels);
}

/* As many clusters as different rows, also where rows repeat. */
static void test_duplicates(void **state)
{
    ptsne_device *device = *state;
    enum { N = 60, D = 4, DIFFERENT = 15 };
    float *x = make_data(N, D, N, 5.0f, 0.0f, 8), centers[N * D];
    uint32_t labels[2 * N];
    const size_t all = N, k[] = {DIFFERENT, 2}, most = DIFFERENT + 1;
    ptsne_cluster_report report, reports[2];
    assert_int_equal(ptsne_cluster(device, x, N, D, &all, 1, NULL, NULL, labels, centers, &report, NULL), PTSNE_OK);
    assert_true(report.largest == 1 && report.smallest == 1 && report.inertia < 1e-6);
    for (size_t i = DIFFERENT; i < N; i++) { memcpy(x + i * D, x + i % DIFFERENT * D, D * sizeof *x); }
    assert_int_equal(ptsne_cluster(device, x, N, D, k, 2, NULL, NULL, labels, NULL, reports, NULL), PTSNE_OK);
    assert_true(reports[0].smallest == N / DIFFERENT && reports[0].empty == 0 && reports[0].inertia < 1e-6);
    for (size_t i = DIFFERENT; i < N; i++) { assert_int_equal(labels[i], labels[i % DIFFERENT]); }
    ptsne_error err = {0};
    assert_int_equal(ptsne_cluster(device, x, N, D, &most, 1, NULL, NULL, labels, NULL, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_string_equal(err.message, "16 clusters of 60 rows, of which 15 have different values: k is at most 15");
    x[0] = 0.0f, x[DIFFERENT * D] = -0.0f; /* no difference */
    for (size_t i = 2 * DIFFERENT; i < N; i += DIFFERENT) { x[i * D] = 0.0f; }
    size_t distinct = 0;
    assert_int_equal(pt_rows_distinct(x, N, D, N, &distinct, &err), PTSNE_OK);
    assert_int_equal(distinct, DIFFERENT);
    free(x);
}

static void test_cluster_bytes(void **state)
{
    (void)state;
    const size_t n = 5000, d = 11, k[] = {4, 30};
    float *x = make_data(n, d, 9, 1.0f, 2.0f, 6), *centers[3];
    uint32_t *labels[3];
    for (size_t r = 0; r < 3; r++) {
        ptsne_device *device = open_device("cpu", r + 1, 0);
        centers[r] = taken(34 * d, sizeof **centers);
        labels[r] = taken(2 * n, sizeof **labels);
        ptsne_cluster_options options;
        ptsne_cluster_options_default(&options);
        options.restarts = 2;
        assert_int_equal(ptsne_cluster(device, x, n, d, k, 2, &options, NULL, labels[r], centers[r], NULL, NULL),
                         PTSNE_OK);
        ptsne_device_destroy(device);
    }
    for (size_t r = 1; r < 3; r++) {
        assert_memory_equal(centers[0], centers[r], 34 * d * sizeof **centers);
        assert_memory_equal(labels[0], labels[r], 2 * n * sizeof **labels);
    }
    for (size_t r = 0; r < 3; r++) {
        free(centers[r]);
        free(labels[r]);
    }
    free(x);
}

/* ---- what is refused, what fails ---- */

static void refused(ptsne_device *device, const float *x, size_t n, size_t k, const ptsne_cluster_options *options,
                    ptsne_status status, const char *message)
{
    uint32_t labels[40];
    ptsne_error err = {0};
    assert_int_equal(ptsne_cluster(device, x, n, 4, &k, 1, options, NULL, labels, NULL, NULL, &err), status);
    if (strstr(err.message, message) == NULL) { fail_msg("\"%s\" does not say \"%s\"", err.message, message); }
}

static void test_refusals(void **state)
{
    ptsne_device *device = *state;
    float *x = make_data(40, 4, 2, 1.0f, 0.0f, 1);
    uint32_t labels[40] = {0};
    double mean;
    ptsne_error err = {0};
    ptsne_cluster_options options;
    ptsne_cluster_options_default(&options);
    refused(device, x, 40, 0, NULL, PTSNE_ERR_ARGUMENT, "0 clusters");
    refused(device, x, 40, 41, NULL, PTSNE_ERR_ARGUMENT, "41 clusters of 40 rows: k is at most 40");
    refused(device, x, 0, 1, NULL, PTSNE_ERR_ARGUMENT, "0 rows");
    options.restarts = 0;
    refused(device, x, 40, 3, &options, PTSNE_ERR_ARGUMENT, "restarts");
    ptsne_cluster_options_default(&options);
    options.metric = "manhattan";
    refused(device, x, 40, 3, &options, PTSNE_ERR_ARGUMENT, "euclidean or cosine");
    assert_int_equal(ptsne_silhouette(device, x, 40, 4, labels, 1, "manhattan", NULL, NULL, &mean, &err),
                     PTSNE_ERR_ARGUMENT);
    x[6 * 4 + 2] = NAN;
    refused(device, x, 40, 3, NULL, PTSNE_ERR_DATA, "row 7, column 3 is nan");
    assert_int_equal(ptsne_silhouette(device, x, 40, 4, labels, 1, NULL, NULL, NULL, &mean, &err), PTSNE_ERR_DATA);
    free(x);
}

typedef struct listener {
    size_t calls, stop_at, warnings;
    char stage[16];
    bool whole;
} listener;

static int listen(const ptsne_progress *progress, void *user)
{
    listener *heard = user;
    snprintf(heard->stage, sizeof heard->stage, "%s", progress->stage);
    heard->whole = progress->step == progress->n_steps;
    return ++heard->calls >= heard->stop_at;
}

static void warned(const char *message, void *user)
{
    listener *heard = user;
    heard->warnings += strstr(message, "not settled after 1 iterations") != NULL;
}

static void test_observer(void **state)
{
    ptsne_device *device = *state;
    const size_t n = 300, d = 3, k = 5;
    float *x = make_data(n, d, 1, 0.0f, 0.0f, 1);
    uint32_t labels[300];
    double mean;
    listener heard = {.stop_at = SIZE_MAX};
    const ptsne_observer observer = {.progress = listen, .warning = warned, .user = &heard};
    ptsne_cluster_options options;
    ptsne_cluster_options_default(&options);
    options.max_iterations = 1;
    options.restarts = 1;
    assert_int_equal(ptsne_cluster(device, x, n, d, &k, 1, &options, &observer, labels, NULL, NULL, NULL), PTSNE_OK);
    assert_true(heard.whole && heard.warnings == 1);
    assert_int_equal(ptsne_silhouette(device, x, n, d, labels, 1, NULL, &observer, NULL, &mean, NULL), PTSNE_OK);
    assert_true(heard.whole && strcmp(heard.stage, "silhouette") == 0);
    heard = (listener){.stop_at = 1};
    assert_int_equal(ptsne_silhouette(device, x, n, d, labels, 1, NULL, &observer, NULL, &mean, NULL),
                     PTSNE_ERR_STOPPED);
    heard = (listener){.stop_at = 1};
    assert_int_equal(ptsne_cluster(device, x, n, d, &k, 1, NULL, &observer, labels, NULL, NULL, NULL),
                     PTSNE_ERR_STOPPED);
    free(x);
}

static ptsne_status do_all(pt_backend *be, void *context, ptsne_error *err)
{
    const float *x = context;
    ptsne_device device = {.be = be};
    const size_t k[] = {2, 5};
    uint32_t labels[2 * 150];
    double means[2];
    ptsne_cluster_options options;
    ptsne_cluster_options_default(&options);
    options.metric = "cosine";
    options.restarts = 1;
    options.max_iterations = 2;
    ptsne_status status = ptsne_cluster(&device, x, 150, 3, k, 2, &options, NULL, labels, NULL, NULL, err);
    if (status != PTSNE_OK) { return status; }
    status = ptsne_silhouette(&device, x, 150, 3, labels, 2, "cosine", NULL, NULL, means, err);
    return status == PTSNE_OK ? ptsne_silhouette(&device, x, 150, 3, labels, 2, NULL, NULL, NULL, means, err) : status;
}

static void test_failures(void **state)
{
    (void)state;
    ptsne_device *device = open_device("cpu", 1, 0);
    float *x = make_data(150, 3, 3, 3.0f, 1.0f, 5);
    assert_true(faults_walk(device->be, do_all, x) > 60);
    ptsne_device_destroy(device);
    free(x);
}

int main(void)
{
    int failed = 0;
    for (size_t b = 0; b < pt_backend_count(); b++) {
        const char *spec = pt_backend_name(b);
        const ptsne_device_options options = {.spec = spec, .threads = 2};
        ptsne_device *device;
        ptsne_error err;
        if (!backend_wanted(spec)) { continue; }
        if (ptsne_device_open(&options, NULL, &device, &err) != PTSNE_OK) {
            failed += backend_missing(spec, &err);
            continue;
        }
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(test_silhouettes, device),
            cmocka_unit_test_prestate(test_silhouettes_far, device),
            cmocka_unit_test_prestate(test_silhouettes_trivial, device),
            cmocka_unit_test_prestate(test_blobs, device),
            cmocka_unit_test_prestate(test_directions, device),
            cmocka_unit_test_prestate(test_duplicates, device),
            cmocka_unit_test_prestate(test_refusals, device),
            cmocka_unit_test_prestate(test_observer, device),
        };
        failed += cmocka_run_group_tests_name(spec, tests, NULL, NULL);
        ptsne_device_destroy(device);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silhouettes_bytes),
        cmocka_unit_test(test_cluster_bytes),
        cmocka_unit_test(test_failures),
    };
    return failed + cmocka_run_group_tests_name("threads and failures", tests, NULL, NULL);
}
