#define _GNU_SOURCE
/* Principal components against Jacobi's method on the float64 covariance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/eigen.h"
#include "analysis/pca.h"
#include "backends.h"
#include "base/random.h"
#include "faults.h"
#include "stage_ear.h"
#include "tsne/initial.h"

/* n x d of rank `rank` (and noise), standard deviations falling as falloff^column, then turned at random. */
static float *make_data(size_t n, size_t d, size_t rank, double falloff, double offset, uint64_t seed)
{
    pt_random random = {.seed = seed, .stream = 2};
    double *turn = malloc(rank * d * sizeof *turn), *row = malloc(rank * sizeof *row);
    float *x = malloc(n * d * sizeof *x);
    for (size_t t = 0; t < rank * d; t++) { turn[t] = (double)pt_random_normal(&random); }
    pt_orthonormalize(turn, rank, d, &random);
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < rank; r++) { row[r] = pow(falloff, (double)r) * (double)pt_random_normal(&random); }
        for (size_t j = 0; j < d; j++) {
            double sum = offset;
            for (size_t r = 0; r < rank; r++) { sum += row[r] * turn[r * d + j]; }
            x[i * d + j] = (float)sum;
        }
    }
    free(turn);
    free(row);
    return x;
}

/* mean d, covariance d x d, by the textbook. */
static void oracle_covariance(const float *x, size_t n, size_t d, double *mean, double *covariance)
{
    for (size_t j = 0; j < d; j++) {
        mean[j] = 0.0;
        for (size_t i = 0; i < n; i++) { mean[j] += (double)x[i * d + j] / (double)n; }
    }
    for (size_t a = 0; a < d; a++) {
        for (size_t b = 0; b < d; b++) {
            double sum = 0.0;
            for (size_t i = 0; i < n; i++) {
                sum += ((double)x[i * d + a] - mean[a]) * ((double)x[i * d + b] - mean[b]);
            }
            covariance[a * d + b] = sum / (double)(n - 1);
        }
    }
}

typedef struct oracle {
    double *mean, *value, *vector, *scores; /* d, d, d x d (rows), n x d */
} oracle;

static oracle oracle_make(const float *x, size_t n, size_t d)
{
    oracle o = {malloc(d * sizeof(double)), malloc(d * sizeof(double)), malloc(d * d * sizeof(double)),
                malloc(n * d * sizeof(double))};
    double *covariance = malloc(d * d * sizeof *covariance);
    oracle_covariance(x, n, d, o.mean, covariance);
    pt_eigen_symmetric(covariance, d, o.value, o.vector);
    free(covariance);
    for (size_t c = 0; c < d; c++) {
        double *axis = o.vector + c * d, largest = 0.0;
        for (size_t j = 0; j < d; j++) {
            if (fabs(axis[j]) > fabs(largest)) { largest = axis[j]; }
        }
        for (size_t j = 0; j < d; j++) { axis[j] *= largest < 0.0 ? -1.0 : 1.0; }
        for (size_t i = 0; i < n; i++) {
            double sum = 0.0;
            for (size_t j = 0; j < d; j++) { sum += ((double)x[i * d + j] - o.mean[j]) * axis[j]; }
            o.scores[i * d + c] = sum;
        }
    }
    return o;
}

static void oracle_free(oracle *o)
{
    free(o->mean);
    free(o->value);
    free(o->vector);
    free(o->scores);
}

/* The scores' own covariance: diagonal, with the variances on it. */
static void check_uncorrelated(const float *scores, size_t n, size_t k, const double *variance, double tolerance)
{
    double *mean = malloc(k * sizeof *mean), *covariance = malloc(k * k * sizeof *covariance);
    oracle_covariance(scores, n, k, mean, covariance);
    for (size_t a = 0; a < k; a++) {
        for (size_t b = 0; b < k; b++) {
            const double want = a == b ? variance[a] : 0.0;
            if (!(fabs(covariance[a * k + b] - want) <= tolerance)) {
                fail_msg("covariance of scores %zu and %zu is %g, not %g", a, b, covariance[a * k + b], want);
            }
        }
    }
    free(mean);
    free(covariance);
}

/* The eigenvalues themselves, first: the oracle and the code share pt_eigen_symmetric. */
static void test_eigen(void **state)
{
    (void)state;
    enum { N = 23 };
    pt_random random = {.seed = 5};
    double a[N * N], kept[N * N], value[N], vector[N * N];
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j <= i; j++) { a[i * N + j] = a[j * N + i] = (double)pt_random_normal(&random); }
    }
    memcpy(kept, a, sizeof a);
    pt_eigen_symmetric(a, N, value, vector);
    for (size_t c = 0; c < N; c++) {
        assert_true(c == 0 || value[c] <= value[c - 1]);
        for (size_t i = 0; i < N; i++) {
            double image = 0.0, product = 0.0;
            for (size_t j = 0; j < N; j++) {
                image += kept[i * N + j] * vector[c * N + j];
                product += vector[c * N + j] * vector[i * N + j];
            }
            assert_true(fabs(image - value[c] * vector[c * N + i]) <= 64.0 * N * DBL_EPSILON * fabs(value[0]));
            assert_true(fabs(product - (i == c ? 1.0 : 0.0)) <= 64.0 * N * DBL_EPSILON);
        }
    }
}

static void test_orthonormalize(void **state)
{
    (void)state;
    enum { ROWS = 6, D = 6 };
    pt_random random = {.seed = 6};
    double v[ROWS * D] = {0}; /* row 0 random, row 1 almost row 0, row 2 zero, row 3 the sum of both, the rest random */
    for (size_t t = 0; t < ROWS * D; t++) { v[t] = (double)pt_random_normal(&random); }
    for (size_t j = 0; j < D; j++) {
        v[D + j] = v[j] + 1e-9 * v[D + j];
        v[2 * D + j] = 0.0;
        v[3 * D + j] = v[j] + v[D + j];
    }
    pt_orthonormalize(v, ROWS, D, &random);
    for (size_t a = 0; a < ROWS; a++) {
        for (size_t b = 0; b < ROWS; b++) {
            double product = 0.0;
            for (size_t j = 0; j < D; j++) { product += v[a * D + j] * v[b * D + j]; }
            assert_true(fabs(product - (a == b ? 1.0 : 0.0)) <= 1e-14);
        }
    }
}

static const struct {
    size_t n, d, rank, k;
    double falloff, offset;
} cases[] = {
    {400, 20, 20, 5, 0.8, 0.0},     {400, 20, 20, 20, 0.8, 3.0},  {300, 60, 60, 10, 0.9, 1.0},
    {40, 90, 39, 12, 0.7, 0.0},     {40, 90, 39, 40, 0.9, 2.0},   {300, 12, 3, 8, 0.5, 1.0},
    {200, 7, 7, 7, 0.05, 0.0},      {500, 30, 30, 4, 0.6, 1.0e4}, {300, 40, 40, 6, 0.02, 10.0},
    {2, 3, 1, 2, 0.5, 0.0},         {50, 1, 1, 1, 1.0, 1.0},      {9000, 15, 15, 3, 0.7, 0.0},
    {1200, 270, 100, 6, 0.95, 1.0}, {130, 30, 3, 5, 0.5, 1.0},    {3000, 60, 60, 2, 0.97, 100.0},
};

static void test_scores(void **state)
{
    pt_backend *be = *state;
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
        const size_t n = cases[t].n, d = cases[t].d, k = cases[t].k;
        float *x = make_data(n, d, cases[t].rank, cases[t].falloff, cases[t].offset, t);
        float *scores = malloc(n * k * sizeof *scores);
        double *variance = malloc(k * sizeof *variance), total = 0.0;
        ptsne_error err = {0};
        if (pt_pca_scores(be, x, n, d, k, 1, NULL, scores, variance, &total, &err) != PTSNE_OK) {
            fail_msg("%s", err.message);
        }
        oracle want = oracle_make(x, n, d);
        double all = 0.0;
        for (size_t c = 0; c < d; c++) { all += want.value[c]; }
        assert_true(fabs(total - all) <= 1e-10 * all);
        /* float32 products: d terms a score, and the round-off of the largest component in all others */
        const double noise = 4.0 * sqrt((double)d) * (double)FLT_EPSILON;
        for (size_t c = 0; c < k; c++) {
            if (!(fabs(variance[c] - want.value[c]) <= 4.0 * noise * sqrt(all * want.value[c]) + noise * noise * all)) {
                fail_msg("case %zu: variance %zu is %.9g, oracle %.9g", t, c, variance[c], want.value[c]);
            }
            assert_true(c == 0 || variance[c] <= variance[c - 1]);
            if (want.value[c] < 1e-10 * all || k == n) { continue; } /* an axis among equals, or rounding */
            for (size_t i = 0; i < n; i++) {
                const double mine = (double)scores[i * k + c], theirs = want.scores[i * d + c];
                if (!(fabs(mine - theirs) <= 40.0 * noise * sqrt(all))) {
                    fail_msg("case %zu: score %zu of %zu is %.9g, oracle %.9g", t, c, i, mine, theirs);
                }
            }
        }
        check_uncorrelated(scores, n, k, variance, 4.0 * noise * all);
        oracle_free(&want);
        free(x);
        free(scores);
        free(variance);
    }
}

/* One component so strong that a float32 covariance has no digit left for the others. */
static void test_dominant(void **state)
{
    enum { N = 1000, D = 60, K = 4 };
    float *x = make_data(N, D, D, 0.9, 0.0, 31), *scores = malloc(N * K * sizeof *scores);
    pt_random random = {.seed = 32};
    for (size_t i = 0; i < N; i++) {
        const float strong = 1000.0f * pt_random_normal(&random);
        for (size_t j = 0; j < D; j++) { x[i * D + j] += j % 2 == 0 ? strong : -strong; }
    }
    double variance[K];
    assert_int_equal(pt_pca_scores(*state, x, N, D, K, 1, NULL, scores, variance, NULL, NULL), PTSNE_OK);
    oracle want = oracle_make(x, N, D);
    for (size_t c = 0; c < K; c++) {
        if (!(fabs(variance[c] / want.value[c] - 1.0) <= 0.01)) {
            fail_msg("variance %zu is %.9g, oracle %.9g", c, variance[c], want.value[c]);
        }
    }
    oracle_free(&want);
    free(x);
    free(scores);
}

/* Data of rank 2 in 6 columns, two of them constant; then all rows equal. */
static void test_degenerate(void **state)
{
    pt_backend *be = *state;
    enum { N = 50, D = 6 };
    float x[N * D], scores[N * D];
    double variance[D], total;
    for (size_t i = 0; i < N; i++) {
        const float u = (float)i, v = (float)(i % 7);
        const float row[D] = {u, 3.25f, v, u + v, -1.0e4f, u - 2.0f * v};
        memcpy(x + i * D, row, sizeof row);
    }
    assert_int_equal(pt_pca_scores(be, x, N, D, D, 3, NULL, scores, variance, &total, NULL), PTSNE_OK);
    assert_true(variance[0] > 0.0 && variance[1] > 0.0);
    for (size_t c = 2; c < D; c++) {
        assert_true(variance[c] == 0.0);
        for (size_t i = 0; i < N; i++) { assert_true(scores[i * D + c] == 0.0f); }
    }
    for (size_t i = 0; i < N; i++) { memcpy(x + i * D, x, D * sizeof *x); }
    assert_int_equal(pt_pca_scores(be, x, N, D, 4, 3, NULL, scores, variance, &total, NULL), PTSNE_OK);
    assert_true(total == 0.0);
    for (size_t t = 0; t < N * 4; t++) { assert_true(scores[t] == 0.0f); }
    assert_int_equal(pt_pca_scores(be, x, 1, D, 1, 3, NULL, scores, variance, &total, NULL), PTSNE_OK);
    assert_true(scores[0] == 0.0f && variance[0] == 0.0);

    ptsne_error err = {0};
    assert_int_equal(pt_pca_scores(be, x, N, D, D + 1, 3, NULL, scores, NULL, NULL, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "at most 6"));
    assert_int_equal(pt_pca_scores(be, x, N, D, 0, 3, NULL, scores, NULL, NULL, &err), PTSNE_ERR_ARGUMENT);
}

/* Another number of threads: the same bytes. Less memory: other tiles, the same scores but for rounding. */
static void test_threads_and_memory(void **state)
{
    (void)state;
    enum { N = 3000, D = 40, K = 5 };
    float *x = make_data(N, D, D, 0.8, 1.0, 9), *scores[3];
    const struct {
        size_t threads, memory;
    } config[3] = {{1, 0}, {3, 0}, {2, (size_t)64 << 10}};
    for (size_t t = 0; t < 3; t++) {
        pt_backend *be = backend_cpu(config[t].threads, config[t].memory);
        scores[t] = malloc(N * K * sizeof(float));
        ptsne_error err = {0};
        if (pt_pca_scores(be, x, N, D, K, 1, NULL, scores[t], NULL, NULL, &err) != PTSNE_OK) {
            fail_msg("%s", err.message);
        }
        pt_backend_close(be);
    }
    assert_memory_equal(scores[0], scores[1], N * K * sizeof(float));
    for (size_t t = 0; t < N * K; t++) { assert_true(fabsf(scores[0][t] - scores[2][t]) <= 1e-4f); }
    for (size_t t = 0; t < 3; t++) { free(scores[t]); }
    free(x);
}

/* Orthonormal, and nearly as much of the variance as the leading components have. */
static void test_directions(void **state)
{
    enum { N = 500, D = 60, L = 12 };
    float *x = make_data(N, D, D, 0.93, 2.0, 12), v[L * D];
    assert_int_equal(pt_pca_directions(*state, x, N, D, L, 4, v, NULL), PTSNE_OK);
    double *mean = malloc(D * sizeof *mean), *covariance = malloc(D * D * sizeof *covariance);
    oracle_covariance(x, N, D, mean, covariance);
    oracle want = oracle_make(x, N, D);
    double kept = 0.0, most = 0.0;
    for (size_t a = 0; a < L; a++) {
        most += want.value[a];
        for (size_t b = 0; b < L; b++) {
            double product = 0.0;
            for (size_t j = 0; j < D; j++) { product += (double)v[a * D + j] * (double)v[b * D + j]; }
            assert_true(fabs(product - (a == b ? 1.0 : 0.0)) <= 4.0 * (double)FLT_EPSILON);
        }
        for (size_t i = 0; i < D; i++) {
            for (size_t j = 0; j < D; j++) {
                kept += (double)v[a * D + i] * covariance[i * D + j] * (double)v[a * D + j];
            }
        }
    }
    if (!(kept >= 0.99 * most && kept <= most * (1.0 + 1e-6))) { fail_msg("variance %g of %g", kept, most); }
    oracle_free(&want);
    free(mean);
    free(covariance);
    free(x);
}

/* Products of such data leave float32: what comes of them means nothing, but it comes. */
static void test_overflow(void **state)
{
    enum { N = 60, D = 50 };
    float *x = make_data(N, D, D, 0.9, 1.0, 5), v[4 * D];
    for (size_t t = 0; t < (size_t)N * D; t++) { x[t] *= 1e25f; }
    assert_int_equal(pt_pca_directions(*state, x, N, D, 4, 4, v, NULL), PTSNE_OK);
    for (size_t t = 0; t < (size_t)4 * D; t++) { assert_true(isfinite(v[t])); }
    free(x);
}

/* What an initial map must be: oracle's scores over the first one's deviation. */
static void test_initial(void **state)
{
    enum { N = 700, D = 25 };
    float *x = make_data(N, D, D, 0.8, 5.0, 3), y[3 * N], again[3 * N];
    assert_int_equal(pt_pca_initial(*state, x, N, D, 3, 1, NULL, y, NULL), PTSNE_OK);
    oracle want = oracle_make(x, N, D);
    for (size_t t = 0; t < (size_t)3 * N; t++) {
        const double wanted = 1e-4 * want.scores[t / 3 * D + t % 3] / sqrt(want.value[0]);
        if (!(fabs((double)y[t] - wanted) <= 1e-8)) { fail_msg("y[%zu] is %g, oracle %g", t, (double)y[t], wanted); }
    }
    oracle_free(&want);
    pt_backend *three = backend_cpu(3, 0);
    assert_int_equal(pt_pca_initial(three, x, N, D, 3, 1, NULL, again, NULL), PTSNE_OK);
    assert_memory_equal(y, again, sizeof y);
    pt_backend_close(three);
    free(x);
}

/* Mean and deviation of column c. */
static void moments(const float *y, size_t n, size_t columns, size_t c, double *mean, double *deviation)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) { sum += (double)y[i * columns + c] / (double)n; }
    for (size_t i = 0; i < n; i++) { squares += pow((double)y[i * columns + c] - sum, 2.0) / (double)(n - 1); }
    *mean = sum;
    *deviation = sqrt(squares);
}

/* Components that are not there: one column, all rows equal; and the random map. */
static void test_initial_missing(void **state)
{
    enum { N = 2000 };
    float *x = malloc(N * 2 * sizeof *x), *y = malloc(N * 3 * sizeof *y), *again = malloc(N * 3 * sizeof *y);
    double mean, deviation;
    for (size_t t = 0; t < (size_t)N * 2; t++) { x[t] = (float)t; }
    assert_int_equal(pt_pca_initial(*state, x, N, 1, 2, 7, NULL, y, NULL), PTSNE_OK);
    for (size_t c = 0; c < 2; c++) {
        moments(y, N, 2, c, &mean, &deviation);
        assert_true(fabs(deviation - (c == 0 ? 1e-4 : 1e-6)) <= (c == 0 ? 1e-9 : 1e-7));
    }
    assert_int_equal(pt_pca_initial(*state, x, N, 1, 2, 7, NULL, again, NULL), PTSNE_OK);
    assert_memory_equal(y, again, N * 2 * sizeof *y);
    for (size_t t = 0; t < (size_t)N * 2; t++) { x[t] = 2.5f; }
    assert_int_equal(pt_pca_initial(*state, x, N, 2, 3, 7, NULL, y, NULL), PTSNE_OK);
    for (size_t c = 0; c < 3; c++) {
        moments(y, N, 3, c, &mean, &deviation);
        assert_true(fabs(mean) <= 1e-7 && fabs(deviation - 1e-6) <= 1e-7);
    }
    for (size_t t = 0; t < (size_t)N * 2; t++) { x[t] = t % 2 == 0 ? (float)t - (float)N : 0.0f; }
    pt_scores_initial(x, N, 2, 3, 7, y); /* one component has no variance, the other is not there */
    for (size_t c = 0; c < 3; c++) {
        moments(y, N, 3, c, &mean, &deviation);
        assert_true(fabs(deviation - (c == 0 ? 1e-4 : 1e-6)) <= 1e-7);
    }
    pt_random_initial(N, 3, 7, y);
    pt_random_initial(N, 3, 8, again);
    for (size_t c = 0; c < 3; c++) {
        moments(y, N, 3, c, &mean, &deviation);
        assert_true(fabs(mean) <= 1e-5 && fabs(deviation - 1e-4) <= 1e-5);
    }
    assert_memory_not_equal(y, again, N * 3 * sizeof *y);
    pt_random_initial(N, 3, 7, again);
    assert_memory_equal(y, again, N * 3 * sizeof *y);
    free(x);
    free(y);
    free(again);
}

/* All three ways: by the covariance, that and rounds, rounds alone; each told to its end, each stopped. */
static void test_observer(void **state)
{
    const struct {
        size_t n, d;
        double falloff;
    } ways[] = {{3000, 20, 0.9}, {3000, 20, 0.3}, {60, 20, 0.9}};
    for (size_t t = 0; t < 6; t++) {
        const size_t n = ways[t / 2].n, d = ways[t / 2].d;
        float *x = make_data(n, d, d, ways[t / 2].falloff, 0.0, t), *scores = malloc(n * 2 * sizeof *scores);
        stage_ear heard = {.stage = "pca", .stop_at = t % 2 == 0 ? 0 : 2};
        const ptsne_observer observer = stage_observer(&heard);
        ptsne_error err = {0};
        const ptsne_status status = pt_pca_scores(*state, x, n, d, 2, 1, &observer, scores, NULL, NULL, &err);
        assert_int_equal(status, t % 2 == 0 ? PTSNE_OK : PTSNE_ERR_STOPPED);
        if (t % 2 == 0) {
            assert_int_equal(heard.last, heard.n_steps);
            assert_int_equal(heard.n_steps / n, t / 2 == 0 ? 2 : t / 2 == 1 ? 10 : 9);
        }
        free(x);
        free(scores);
    }
}

static ptsne_status do_initial(pt_backend *be, void *context, ptsne_error *err)
{
    float y[200 * 2];
    return pt_pca_initial(be, context, 200, 20, 2, 1, NULL, y, err);
}

static ptsne_status do_scores(pt_backend *be, void *context, ptsne_error *err)
{
    float scores[60 * 3];
    return pt_pca_scores(be, context, 60, 20, 3, 1, NULL, scores, NULL, NULL, err);
}

static ptsne_status do_directions(pt_backend *be, void *context, ptsne_error *err)
{
    float v[3 * 20];
    return pt_pca_directions(be, context, 60, 20, 3, 1, v, err);
}

static void test_failures(void **state)
{
    float *x = make_data(60, 20, 20, 0.8, 1.0, 9);
    assert_true(faults_walk(*state, do_scores, x) > 20);
    assert_true(faults_walk(*state, do_directions, x) > 20);
    free(x);
    x = make_data(200, 20, 20, 0.9, 1.0, 9);
    assert_true(faults_walk(*state, do_initial, x) > 40);
    free(x);
}

int main(void)
{
    pt_backend *be = backend_cpu(2, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eigen),
        cmocka_unit_test(test_orthonormalize),
        cmocka_unit_test_prestate(test_scores, be),
        cmocka_unit_test_prestate(test_dominant, be),
        cmocka_unit_test_prestate(test_degenerate, be),
        cmocka_unit_test(test_threads_and_memory),
        cmocka_unit_test_prestate(test_directions, be),
        cmocka_unit_test_prestate(test_overflow, be),
        cmocka_unit_test_prestate(test_initial, be),
        cmocka_unit_test_prestate(test_initial_missing, be),
        cmocka_unit_test_prestate(test_observer, be),
        cmocka_unit_test_prestate(test_failures, be),
    };
    const int failed = cmocka_run_group_tests_name("pca", tests, NULL, NULL);
    pt_backend_close(be);
    return failed;
}
