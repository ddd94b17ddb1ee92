#define _GNU_SOURCE
/* The quality figures, through the public function, against scikit-learn's values (data/metrics_reference.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/metrics.h"
#include "faults.h"

static const struct {
    size_t n, n_test, d, c;
    ptsne_metrics want;
} reference[] = {
    {300, 0, 10, 2, {0.673333333, 0.623333333, 0.655567397, 0.093, 2.195632}},
    {300, 0, 10, 3, {0.66, 0.58, 0.72089106, 0.141, 1.884904}},
    {200, 0, 6, 1, {0.725, 0.81, 0.629837006, 0.1105, 2.001083}},
    {150, 0, 12, 5, {0.52, 0.426666667, 0.815492184, 0.314, 1.061685}},
    {60, 0, 10, 2, {0.6, 0.616666667, 0.70083668, 0.323333333, 0.9889716}},
    {25, 0, 10, 2, {0.72, 0.64, 0.697948718, 0.544, (double)NAN}},
    {24, 0, 8, 2, {0.708333333, 0.833333333, 0.690025253, 0.6125, (double)NAN}},
    {14, 0, 8, 2, {0.857142857, 1, 0.357142857, 0.821428571, (double)NAN}},
    {300, 120, 10, 2, {0.666666667, 0.575, 0.681746032, 0.211666667, 1.455144}},
    {40, 30, 10, 2, {0.733333333, 0.633333333, 0.736956522, 0.54, (double)NAN}},
};

typedef struct sample {
    float *x, *y;
    uint32_t *labels;
} sample;

static double next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 20) / 4096.0;
}

/* The data of metrics_reference.py, to the bit. */
static sample make_sample(size_t n, size_t d, size_t c, uint32_t seed)
{
    sample s = {malloc(n * d * sizeof *s.x), malloc(n * c * sizeof *s.y), malloc(n * sizeof *s.labels)};
    uint32_t state = seed;
    for (size_t i = 0; i < n; i++) {
        s.labels[i] = (uint32_t)(i % 5);
        for (size_t j = 0; j < d; j++) {
            double sum = j % 5 == i % 5 ? 0.5 : 0.0;
            for (int t = 0; t < 3; t++) { sum += next(&state); }
            s.x[i * d + j] = (float)sum;
        }
        for (size_t j = 0; j < c; j++) {
            double noise = 4.0 * next(&state);
            noise += next(&state) / 16.0;
            s.y[i * c + j] = (float)(8.0 * (double)s.x[i * d + j] + noise + (j == i % 5 ? 2.0 : 0.0));
        }
    }
    return s;
}

static void sample_free(sample *s)
{
    free(s->x);
    free(s->y);
    free(s->labels);
}

static ptsne_device *open_cpu(size_t threads)
{
    const ptsne_device_options options = {.spec = "cpu", .threads = threads};
    ptsne_device *device = NULL;
    ptsne_error err = {0};
    if (ptsne_device_open(&options, NULL, &device, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
    return device;
}

static void check_value(const char *name, size_t row, double got, double want, double tolerance)
{
    if (isnan(want) ? isnan(got) : fabs(got - want) <= tolerance) { return; }
    fail_msg("reference %zu: %s is %.9g, scikit-learn has %.9g", row, name, got, want);
}

static void test_reference(void **state)
{
    for (size_t r = 0; r < sizeof reference / sizeof reference[0]; r++) {
        const size_t n = reference[r].n, m = reference[r].n_test, d = reference[r].d, c = reference[r].c;
        sample s = make_sample(n + m, d, c, (uint32_t)(m > 0 ? 7 + n : 1000 + n + c));
        ptsne_metrics got;
        ptsne_error err = {0};
        if (ptsne_metrics_compute(*state, s.x, s.y, s.labels, n, m ? s.x + n * d : NULL, m ? s.y + n * c : NULL,
                                  m ? s.labels + n : NULL, m, d, c, NULL, &got, &err) != PTSNE_OK) {
            fail_msg("%s", err.message);
        }
        const ptsne_metrics *want = &reference[r].want;
        check_value("knn_error_1", r, got.knn_error_1, want->knn_error_1, 1e-8);
        check_value("knn_error_10", r, got.knn_error_10, want->knn_error_10, 1e-8);
        check_value("trustworthiness_12", r, got.trustworthiness_12, want->trustworthiness_12, 1e-8);
        check_value("knn_preservation_10", r, got.knn_preservation_10, want->knn_preservation_10, 1e-8);
        check_value("kl_30", r, got.kl_30, want->kl_30, 2e-5); /* either side searches beta to 1e-5 */
        sample_free(&s);
    }
}

/* A map that is the data keeps every neighbour; one of no use at all does not; 31 points have a perplexity of 30 just so. */
static void test_extremes(void **state)
{
    sample s = make_sample(400, 3, 3, 5);
    ptsne_metrics got;
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.x, NULL, 400, NULL, NULL, NULL, 0, 3, 3, NULL, &got, NULL),
                     PTSNE_OK);
    assert_true(isnan(got.knn_error_1) && isnan(got.knn_error_10));
    assert_true(got.trustworthiness_12 == 1.0 && got.knn_preservation_10 == 1.0);
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.y, NULL, 31, NULL, NULL, NULL, 0, 3, 3, NULL, &got, NULL),
                     PTSNE_OK);
    assert_true(isfinite(got.kl_30) && got.kl_30 >= 0.0);
    memset(s.y, 0, 400 * 3 * sizeof *s.y); /* collapsed: the nearest are 0, 1, 2 ... for all; P against a uniform Q */
    assert_int_equal(
        ptsne_metrics_compute(*state, s.x, s.y, s.labels, 400, NULL, NULL, NULL, 0, 3, 3, NULL, &got, NULL), PTSNE_OK);
    assert_true(got.knn_preservation_10 < 0.1 && got.trustworthiness_12 < 0.6 && got.kl_30 > 0.5);
    assert_true(fabs(got.knn_error_10 - 0.8) < 1e-12); /* five classes twice among 0 .. 9: the first one wins */
    sample_free(&s);
}

/* A leave-one-out tie goes to the smaller class: 1 has nine neighbours more than it needs. */
static void test_ties(void **state)
{
    enum { N = 22 };
    float x[N * 2], y[N * 2];
    uint32_t labels[N];
    for (size_t i = 0; i < N; i++) { /* two heaps of 11 far apart; in each, classes 7 and 3 (and one 9) */
        x[2 * i] = y[2 * i] = i < 11 ? 0.0f : 1000.0f;
        x[2 * i + 1] = y[2 * i + 1] = (float)(i % 11);
        labels[i] = i % 11 == 10 ? 9 : i % 2 == 0 ? 7 : 3;
    }
    ptsne_metrics got;
    assert_int_equal(ptsne_metrics_compute(*state, x, y, labels, N, NULL, NULL, NULL, 0, 2, 2, NULL, &got, NULL),
                     PTSNE_OK);
    /* Of a heap's other ten: without a 7 there are four, or without a 3; without the 9 five and five, and 3 wins. First heap:
     * 7 at 0 2 4 6 8, 3 at 1 3 5 7 9, 9 at 10. A 7 sees 4 and 5: 3, wrong; a 3 sees 5 and 4: 7, wrong; the 9 is wrong. */
    assert_true(got.knn_error_10 == 1.0);
    assert_true(got.trustworthiness_12 == 1.0 && got.knn_preservation_10 == 1.0);
}

static void test_bad_values(void **state)
{
    sample s = make_sample(60, 4, 2, 5);
    const uint32_t big = UINT32_C(1) << 31;
    ptsne_metrics got;
    ptsne_error err = {0};
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.y, NULL, 13, NULL, NULL, NULL, 0, 4, 2, NULL, &got, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_string_equal(err.message, "13 data points: metrics take at least 14");
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.y, NULL, 30, s.x, s.y, NULL, 5, 4, 2, NULL, &got, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_string_equal(err.message, "5 test points: metrics take at least 14");
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.y, NULL, 30, NULL, s.y, NULL, 20, 4, 2, NULL, &got, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.y, s.labels, 30, s.x, s.y, NULL, 20, 4, 2, NULL, &got, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.y, NULL, 60, NULL, NULL, NULL, 0, 0, 2, NULL, &got, &err),
                     PTSNE_ERR_ARGUMENT);
    s.labels[7] = big;
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.y, s.labels, 60, NULL, NULL, NULL, 0, 4, 2, NULL, &got, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "label 8 is 2147483648"));
    s.x[4 * 50 + 3] = NAN;
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.y, NULL, 60, NULL, NULL, NULL, 0, 4, 2, NULL, &got, &err),
                     PTSNE_ERR_DATA);
    assert_string_equal(err.message, "data: row 51, column 4: nan");
    assert_int_equal(
        ptsne_metrics_compute(*state, s.x, s.y, NULL, 20, s.x + 160, s.y, NULL, 20, 4, 2, NULL, &got, &err),
        PTSNE_ERR_DATA);
    assert_string_equal(err.message, "test data: row 11, column 4: nan");
    s.y[2 * 20] = -INFINITY;
    assert_int_equal(ptsne_metrics_compute(*state, s.x, s.y, NULL, 30, NULL, NULL, NULL, 0, 4, 2, NULL, &got, &err),
                     PTSNE_ERR_DATA);
    assert_string_equal(err.message, "map: row 21, column 1: -inf");
    sample_free(&s);
}

static int stop_at_similarities(const ptsne_progress *progress, void *user)
{
    int *heard = user;
    *heard |= strcmp(progress->stage, "neighbours") == 0;
    return strcmp(progress->stage, "similarities") == 0;
}

static void test_threads_and_stop(void **state)
{
    (void)state;
    sample s = make_sample(500, 9, 2, 5);
    ptsne_metrics got[2];
    const size_t threads[] = {1, 3};
    for (size_t t = 0; t < 2; t++) {
        ptsne_device *device = open_cpu(threads[t]);
        assert_int_equal(
            ptsne_metrics_compute(device, s.x, s.y, s.labels, 500, NULL, NULL, NULL, 0, 9, 2, NULL, &got[t], NULL),
            PTSNE_OK);
        int heard = 0;
        const ptsne_observer observer = {.progress = stop_at_similarities, .user = &heard};
        ptsne_metrics none;
        assert_int_equal(
            ptsne_metrics_compute(device, s.x, s.y, NULL, 500, NULL, NULL, NULL, 0, 9, 2, &observer, &none, NULL),
            PTSNE_ERR_STOPPED);
        assert_true(heard);
        ptsne_device_destroy(device);
    }
    assert_memory_equal(&got[0], &got[1], sizeof got[0]);
    sample_free(&s);
}

static ptsne_status do_metrics(pt_backend *be, void *context, ptsne_error *err)
{
    const sample *s = context;
    ptsne_metrics got;
    double one, ten;
    const ptsne_status status =
        pt_metrics_label_errors(be, s->y, s->labels, 70, NULL, NULL, 0, 1, NULL, &one, &ten, err);
    return status != PTSNE_OK ? status : pt_metrics_neighborhoods(be, s->x, s->y, 70, 4, 1, NULL, &got, err);
}

static ptsne_status do_metrics_wide(pt_backend *be, void *context, ptsne_error *err)
{
    const sample *s = context;
    ptsne_metrics got;
    return pt_metrics_neighborhoods(be, s->x, s->x, 70, 4, 4, NULL, &got, err);
}

static void test_failures(void **state)
{
    (void)state;
    sample s = make_sample(70, 4, 1, 5);
    pt_backend *be = NULL;
    assert_int_equal(pt_backend_open("cpu", &be, NULL), PTSNE_OK);
    assert_true(faults_walk(be, do_metrics, &s) > 50);
    assert_true(faults_walk(be, do_metrics_wide, &s) > 40);
    pt_backend_close(be);
    sample_free(&s);
}

int main(void)
{
    ptsne_device *device = open_cpu(2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_reference, device), cmocka_unit_test_prestate(test_extremes, device),
        cmocka_unit_test_prestate(test_ties, device),      cmocka_unit_test_prestate(test_bad_values, device),
        cmocka_unit_test(test_threads_and_stop),           cmocka_unit_test(test_failures),
    };
    const int failed = cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
    ptsne_device_destroy(device);
    return failed;
}
