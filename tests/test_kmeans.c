#define _GNU_SOURCE
/* k-means against a float64 Lloyd from the same start, and what it promises: inertia that never grows, every label the
 * nearest centre, the same bytes for any number of threads, clusters refilled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kmeans.h"
#include "backends.h"
#include "blobs.h"
#include "faults.h"
#include "stage_ear.h"

static void *taken(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

/* n points of `groups` Gaussians, centres N(0, spread^2), off the origin; groups 1: one Gaussian. */
static float *make_data(size_t n, size_t d, size_t groups, float spread, uint64_t seed)
{
    float *x = taken(n * d, sizeof *x);
    blobs_fill(x, n, d, groups, 5.0f, spread, (pt_random){.seed = seed, .stream = 1});
    return x;
}

/* ---- the oracle ---- */

static double squared(const float *a, const double *b, size_t d)
{
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) { sum += ((double)a[j] - b[j]) * ((double)a[j] - b[j]); }
    return sum;
}

static size_t oracle_nearest(const float *a, const double *center, size_t k, size_t d, double *least)
{
    size_t best = 0;
    *least = (double)INFINITY;
    for (size_t e = 0; e < k; e++) {
        const double here = squared(a, center + e * d, d);
        if (here < *least) { *least = here, best = e; }
    }
    return best;
}

/* Inertia after `steps` of Lloyd from `start`; no cluster may run empty. */
static double oracle_lloyd(const float *x, size_t n, size_t d, size_t k, const float *start, size_t steps)
{
    double *center = taken(k * d, sizeof *center), *sum = taken(k * d, sizeof *sum), inertia = 0.0;
    size_t *count = taken(k, sizeof *count);
    for (size_t t = 0; t < k * d; t++) { center[t] = (double)start[t]; }
    for (size_t step = 0; step <= steps; step++) {
        memset(sum, 0, k * d * sizeof *sum);
        memset(count, 0, k * sizeof *count);
        inertia = 0.0;
        for (size_t i = 0; i < n; i++) {
            double least;
            const size_t e = oracle_nearest(x + i * d, center, k, d, &least);
            inertia += least;
            count[e]++;
            for (size_t j = 0; j < d; j++) { sum[e * d + j] += (double)x[i * d + j]; }
        }
        for (size_t e = 0; e < k; e++) {
            assert_true(count[e] > 0);
            for (size_t j = 0; j < d; j++) { center[e * d + j] = sum[e * d + j] / (double)count[e]; }
        }
    }
    free(center);
    free(sum);
    free(count);
    return inertia;
}

/* Labels are nearest centres and the inertia is that of the labels, both in float64. */
static void check_result(const float *x, size_t n, size_t d, size_t k, const float *center, const uint32_t *label,
                         const pt_kmeans_report *report)
{
    double *wide = taken(k * d, sizeof *wide), inertia = 0.0;
    for (size_t t = 0; t < k * d; t++) { wide[t] = (double)center[t]; }
    for (size_t i = 0; i < n; i++) {
        double least, norm = 0.0;
        oracle_nearest(x + i * d, wide, k, d, &least);
        for (size_t j = 0; j < d; j++) { norm += (double)x[i * d + j] * (double)x[i * d + j]; }
        assert_true(label[i] < k);
        const double mine = squared(x + i * d, wide + label[i] * d, d);
        if (!(mine <= least + 64.0 * (double)FLT_EPSILON * (norm + least))) {
            fail_msg("point %zu of label %u: %.9g, nearest %.9g", i, label[i], mine, least);
        }
        inertia += mine;
    }
    if (!(fabs(report->inertia - inertia) <= 1e-5 * inertia + 1e-9)) {
        fail_msg("inertia %.9g, of the labels %.9g", report->inertia, inertia);
    }
    free(wide);
}

/* ---- tests ---- */

static void test_lloyd(void **state)
{
    pt_backend *be = *state;
    const struct {
        size_t n, d, k, groups;
    } cases[] = {{50, 1, 1, 1}, {600, 2, 3, 3}, {1000, 17, 8, 5}, {4500, 5, 40, 1}, {9000, 3, 4, 2}};
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
        const size_t n = cases[t].n, d = cases[t].d, k = cases[t].k;
        float *x = make_data(n, d, cases[t].groups, 2.0f, t), *center = taken(k * d, sizeof *center);
        uint32_t *label = taken(n, sizeof *label);
        double before = (double)INFINITY;
        for (size_t steps = 0; steps < 12; steps++) {
            pt_kmeans_options options = pt_kmeans_defaults(k);
            options.start = x;
            options.tolerance = 0.0;
            options.max_iterations = steps;
            pt_kmeans_report report;
            assert_int_equal(pt_kmeans_fit(be, x, n, d, &options, NULL, center, label, &report, NULL), PTSNE_OK);
            check_result(x, n, d, k, center, label, &report);
            const double want = oracle_lloyd(x, n, d, k, x, report.n_iterations);
            /* a point on a border may take another side for rounding, and the paths part a little */
            if (!(fabs(report.inertia - want) <= 1e-4 * want)) {
                fail_msg("case %zu, %zu steps: inertia %.9g, oracle %.9g", t, steps, report.inertia, want);
            }
            assert_true(report.inertia <= before * (1.0 + 1e-6));
            assert_true(report.converged || report.n_iterations == steps);
            before = report.inertia;
        }
        free(x);
        free(center);
        free(label);
    }
}

/* Groups that lie far apart are found, one cluster each; only a good start does that. */
static void test_seeding(void **state)
{
    pt_backend *be = *state;
    const size_t groups[] = {12, 300}; /* greedy, and in rounds */
    for (size_t t = 0; t < 2; t++) {
        const size_t n = 6000, d = 8, k = groups[t];
        float *x = make_data(n, d, k, 100.0f, 7 + t), *center = taken(k * d, sizeof *center);
        uint32_t *label = taken(n, sizeof *label);
        pt_kmeans_options options = pt_kmeans_defaults(k);
        pt_kmeans_report report;
        assert_int_equal(pt_kmeans_fit(be, x, n, d, &options, NULL, center, label, &report, NULL), PTSNE_OK);
        check_result(x, n, d, k, center, label, &report);
        size_t apart = 0; /* neighbours in the data order of one group that are not in one cluster */
        for (size_t i = k; i < n; i++) { apart += label[i] != label[i - k]; }
        if (t == 0) { assert_int_equal(apart, 0); }
        if (apart > n / 20) { fail_msg("%zu groups: %zu of %zu pairs are apart", k, apart, n); }
        free(x);
        free(center);
        free(label);
    }
}

static void test_starts(void **state)
{
    pt_backend *be = *state;
    const size_t n = 1500, d = 4, k = 20;
    float *x = make_data(n, d, 1, 0.0f, 3), *center = taken(k * d, sizeof *center);
    uint32_t *label = taken(n, sizeof *label);
    pt_kmeans_options options = pt_kmeans_defaults(k);
    pt_kmeans_report one, many;
    assert_int_equal(pt_kmeans_fit(be, x, n, d, &options, NULL, center, label, &one, NULL), PTSNE_OK);
    options.n_init = 6;
    assert_int_equal(pt_kmeans_fit(be, x, n, d, &options, NULL, center, label, &many, NULL), PTSNE_OK);
    check_result(x, n, d, k, center, label, &many);
    assert_true(many.inertia < one.inertia); /* the first start is among the six, and not the best of them here */
    assert_true(one.converged && many.converged);
    free(x);
    free(center);
    free(label);
}

/* Any number of threads gives the same bytes; too little memory for all points the same clusters, about. */
static void test_same_bytes(void **state)
{
    (void)state;
    const size_t n = 9500, d = 12, clusters[] = {9, 280}, threads[] = {1, 2, 3, 2};
    for (size_t t = 0; t < 2; t++) {
        const size_t k = clusters[t];
        float *x = make_data(n, d, 30, 3.0f, 11);
        float *center[4];
        uint32_t *label[4];
        pt_kmeans_report report[4];
        for (size_t r = 0; r < 4; r++) {
            pt_backend *be = backend_cpu(threads[r], r < 3 ? 0 : (size_t)700 << 10);
            center[r] = taken(k * d, sizeof **center);
            label[r] = taken(n, sizeof **label);
            pt_kmeans_options options = pt_kmeans_defaults(k);
            options.max_iterations = 25;
            ptsne_error err = {0};
            if (pt_kmeans_fit(be, x, n, d, &options, NULL, center[r], label[r], &report[r], &err) != PTSNE_OK) {
                fail_msg("%s", err.message);
            }
            assert_int_equal(be->memory_used, 0);
            pt_backend_close(be);
        }
        for (size_t r = 1; r < 3; r++) {
            assert_memory_equal(center[0], center[r], k * d * sizeof **center);
            assert_memory_equal(label[0], label[r], n * sizeof **label);
            assert_memory_equal(&report[0].inertia, &report[r].inertia, sizeof report[r].inertia);
        }
        check_result(x, n, d, k, center[3], label[3], &report[3]);
        assert_true(report[3].inertia < 1.1 * report[0].inertia);
        for (size_t r = 0; r < 4; r++) {
            free(center[r]);
            free(label[r]);
        }
        free(x);
    }
}

/* A start with centres in one place, and data with fewer points than clusters. */
static void test_empty(void **state)
{
    pt_backend *be = *state;
    enum { N = 400, D = 3, K = 10 };
    float *x = make_data(N, D, 5, 10.0f, 21), start[K * D], center[K * D];
    uint32_t label[N];
    for (size_t e = 0; e < K; e++) { memcpy(start + e * D, x, D * sizeof *x); }
    pt_kmeans_options options = pt_kmeans_defaults(K);
    options.start = start;
    pt_kmeans_report report;
    assert_int_equal(pt_kmeans_fit(be, x, N, D, &options, NULL, center, label, &report, NULL), PTSNE_OK);
    check_result(x, N, D, K, center, label, &report);
    assert_int_equal(report.n_empty, 0);

    for (size_t i = 4; i < N; i++) { memcpy(x + i * D, x + i % 4 * D, D * sizeof *x); } /* four different points */
    options.start = NULL;
    assert_int_equal(pt_kmeans_fit(be, x, N, D, &options, NULL, center, label, &report, NULL), PTSNE_OK);
    assert_int_equal(report.n_empty, K - 4);
    assert_true(report.inertia < 1e-9);
    for (size_t i = 4; i < N; i++) { assert_int_equal(label[i], label[i % 4]); }

    options = pt_kmeans_defaults(4);
    assert_int_equal(pt_kmeans_fit(be, x, 4, D, &options, NULL, center, label, &report, NULL), PTSNE_OK);
    assert_int_equal(report.n_empty, 0); /* as many clusters as points */
    free(x);
}

static void test_assign(void **state)
{
    pt_backend *be = *state;
    const size_t n = 3000, d = 6, k = 2500; /* more than one tile of centres */
    float *x = make_data(n, d, 1, 0.0f, 31);
    uint32_t *label = taken(n, sizeof *label);
    assert_int_equal(pt_kmeans_assign(be, x, n, d, x, k, label, NULL), PTSNE_OK);
    for (size_t i = 0; i < k; i++) { assert_int_equal(label[i], i); }
    double *wide = taken(k * d, sizeof *wide);
    for (size_t t = 0; t < k * d; t++) { wide[t] = (double)x[t]; }
    for (size_t i = k; i < n; i += 50) {
        double least;
        const size_t want = oracle_nearest(x + i * d, wide, k, d, &least);
        assert_true(label[i] == want || squared(x + i * d, wide + label[i] * d, d) < least + 1e-4);
    }
    free(wide);
    free(x);
    free(label);
}

static void test_refusals(void **state)
{
    pt_backend *be = *state;
    float *x = make_data(30, 4, 1, 0.0f, 1), center[40 * 4];
    uint32_t label[30];
    ptsne_error err = {0};
    pt_kmeans_report report;
    const size_t refused[] = {0, 31};
    for (size_t t = 0; t < 2; t++) {
        pt_kmeans_options options = pt_kmeans_defaults(refused[t]);
        assert_int_equal(pt_kmeans_fit(be, x, 30, 4, &options, NULL, center, label, &report, &err), PTSNE_ERR_ARGUMENT);
        assert_non_null(strstr(err.message, "clusters of 30 points"));
    }
    for (size_t t = 0; t < 120; t++) { x[t] *= 1.0e25f; }
    pt_kmeans_options options = pt_kmeans_defaults(3);
    assert_int_equal(pt_kmeans_fit(be, x, 30, 4, &options, NULL, center, label, &report, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "float32"));
    free(x);
}

static void test_progress(void **state)
{
    pt_backend *be = *state;
    float *x = make_data(500, 4, 3, 3.0f, 2), center[5 * 4];
    uint32_t label[500];
    pt_kmeans_report report;
    pt_kmeans_options options = pt_kmeans_defaults(5);
    stage_ear heard = {.stage = "k-means"};
    const ptsne_observer observer = stage_observer(&heard);
    assert_int_equal(pt_kmeans_fit(be, x, 500, 4, &options, &observer, center, label, &report, NULL), PTSNE_OK);
    assert_int_equal(heard.last, heard.n_steps);
    heard = (stage_ear){.stage = "k-means", .stop_at = 1};
    assert_int_equal(pt_kmeans_fit(be, x, 500, 4, &options, &observer, center, label, &report, NULL),
                     PTSNE_ERR_STOPPED);
    free(x);
}

static ptsne_status do_fit(pt_backend *be, void *context, ptsne_error *err)
{
    float center[3 * 3];
    uint32_t label[400];
    pt_kmeans_report report;
    const float *x = context;
    pt_kmeans_options options = pt_kmeans_defaults(3);
    options.max_iterations = 3;
    const ptsne_status status = pt_kmeans_fit(be, x, 400, 3, &options, NULL, center, label, &report, err);
    return status == PTSNE_OK ? pt_kmeans_assign(be, x, 400, 3, center, 3, label, err) : status;
}

static void test_failures(void **state)
{
    (void)state;
    pt_backend *be = backend_cpu(1, 0);
    float *x = make_data(400, 3, 3, 3.0f, 5);
    assert_true(faults_walk(be, do_fit, x) > 40);
    pt_backend_close(be);
    free(x);
}

int main(void)
{
    pt_backend *be = backend_cpu(2, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_lloyd, be),
        cmocka_unit_test_prestate(test_seeding, be),
        cmocka_unit_test_prestate(test_starts, be),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test_prestate(test_empty, be),
        cmocka_unit_test_prestate(test_assign, be),
        cmocka_unit_test_prestate(test_refusals, be),
        cmocka_unit_test_prestate(test_progress, be),
        cmocka_unit_test(test_failures),
    };
    const int failed = cmocka_run_group_tests_name("kmeans", tests, NULL, NULL);
    pt_backend_close(be);
    return failed;
}
