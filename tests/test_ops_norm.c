/* Moments of columns, batch normalisation, blending, on every backend. */
#include "ops.h"
#include "oracles.h"
#include "oracles_layers.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EPS ((double)FLT_EPSILON)

static const size_t sides[] = {1, 2, 7, 20, 63, 64, 65, 300};

/* Columns of different means and widths; every fifth is constant. */
static float *columns(ops_state *ops, size_t n, size_t d, float offset)
{
    float *x = ops_random(ops, n * d, 1.0f);
    for (size_t t = 0; t < n * d; t++) {
        const size_t j = t % d;
        x[t] = offset * (float)(j % 3) + (j % 5 == 4 ? 0.25f : x[t] * (float)(1 + j % 4));
    }
    return x;
}

static void check_moments(ops_state *ops, size_t n, size_t d, float offset)
{
    float *x = columns(ops, n, d, offset);
    if (n > 3) { x[0] += 1000.0f; } /* the first row is no guide to the mean */
    double *want = ops_memory(2 * d, sizeof *want), *bound = ops_memory(2 * d, sizeof *bound);
    for (size_t j = 0; j < d; j++) {
        const double mean = oracle_mean(x, n, d, j), variance = oracle_variance(x, n, d, j);
        want[j] = mean;
        bound[j] = 2.0 * EPS * fabs(mean) + 32.0 * EPS * sqrt(variance);
        want[d + j] = variance;
        bound[d + j] = 64.0 * EPS * variance + 1.0e-28 * mean * mean;
    }
    ops_array dx = ops_put(ops, x, n * d), scratch = ops_put(ops, NULL, pt_column_scratch(n, d));
    ops_array mean = ops_put(ops, NULL, d), variance = ops_put(ops, NULL, d);
    OPS_OK(ops, pt_column_moments(ops->be, &dx.view, n, d, &scratch.view, &mean.view, &variance.view, &ops->err));
    float *got_mean = ops_take(ops, &mean), *got_variance = ops_take(ops, &variance);
    char what[64];
    snprintf(what, sizeof what, "column_moments %zu x %zu near %g", n, d, (double)offset);
    ops_compare(ops, what, got_mean, want, bound, d, d);
    ops_compare(ops, what, got_variance, want + d, bound + d, d, d);
    for (size_t j = 0; j < d; j++) { assert_true(got_variance[j] >= 0.0f); }
    ops_drop(ops, &dx), ops_discard(ops, &scratch);
    free(x), free(want), free(bound), free(got_mean), free(got_variance);
}

static void test_column_moments(void **state)
{
    ops_state *ops = *state;
    const size_t n_sides = ops->small ? 4 : OPS_LENGTH(sides);
    for (size_t s = 0; s < n_sides * n_sides; s++) {
        check_moments(ops, sides[s / n_sides], sides[s % n_sides], s % 2 == 0 ? 0.0f : 4096.0f);
    }
    if (ops->small) { return; }
    check_moments(ops, 70001, 3, 100000.0f);
    check_moments(ops, 20011, 20, 0.0f);
    check_moments(ops, 67, 1031, 1.0f);
}

static void check_normalize(ops_state *ops, size_t n, size_t d, pt_activation activation, bool in_place)
{
    const float epsilon = 1.0e-5f;
    float *x = columns(ops, n, d, 3.0f), *mean = ops_random(ops, d, 4.0f), *variance = ops_random(ops, d, 3.0f);
    float *gain = ops_random(ops, d, 2.0f), *shift = ops_random(ops, d, 1.0f);
    double *want = ops_memory(n * d, sizeof *want), *bound = ops_memory(n * d, sizeof *bound);
    for (size_t j = 0; j < d; j++) { variance[j] = j % 7 == 6 ? 0.0f : fabsf(variance[j]); }
    for (size_t t = 0; t < n * d; t++) {
        const size_t j = t % d;
        const double scale = (double)gain[j] / sqrt((double)variance[j] + (double)epsilon);
        const double term = ((double)x[t] - (double)mean[j]) * scale, inner = term + (double)shift[j];
        want[t] = oracle_activation(activation, inner);
        bound[t] = 32.0 * EPS * fabs(want[t]) + 4.0 * EPS + 8.0 * EPS * (fabs(term) + fabs((double)shift[j]));
    }
    ops_array dx = ops_put(ops, x, n * d), dm = ops_put(ops, mean, d), dv = ops_put(ops, variance, d);
    ops_array dg = ops_put(ops, gain, d), ds = ops_put(ops, shift, d);
    ops_array dy = ops_put(ops, NULL, in_place ? 0 : n * d), *y = in_place ? &dx : &dy;
    OPS_OK(ops, pt_normalize(ops->be, &dx.view, n, d, &dm.view, &dv.view, &dg.view, &ds.view, epsilon, activation,
                             &y->view, &ops->err));
    float *got = ops_take(ops, y);
    char what[64];
    snprintf(what, sizeof what, "normalize %zu x %zu, activation %d", n, d, (int)activation);
    ops_compare(ops, what, got, want, bound, n * d, d);
    ops_drop(ops, &dm), ops_drop(ops, &dv), ops_drop(ops, &dg), ops_drop(ops, &ds);
    ops_drop(ops, in_place ? &dy : &dx);
    free(x), free(mean), free(variance), free(gain), free(shift), free(want), free(bound), free(got);
}

static void test_normalize(void **state)
{
    ops_state *ops = *state;
    const size_t n_sides = ops->small ? 4 : OPS_LENGTH(sides);
    for (size_t s = 0; s < n_sides * n_sides; s++) {
        for (size_t a = PT_LINEAR; a <= PT_SIGMOID; a++) {
            check_normalize(ops, sides[s / n_sides], sides[s % n_sides], (pt_activation)a, (s + a) % 2 == 0);
        }
    }
    if (ops->small) { return; }
    check_normalize(ops, 5003, 20, PT_RELU, false);
    check_normalize(ops, 67, 1031, PT_ELU, true);
}

/* NaN stays NaN. */
static void test_normalize_nan(void **state)
{
    ops_state *ops = *state;
    for (size_t a = PT_LINEAR; a <= PT_SIGMOID; a++) {
        float x[35], zero[5] = {0}, one[5] = {1, 1, 1, 1, 1};
        for (size_t t = 0; t < OPS_LENGTH(x); t++) { x[t] = t % 2 == 0 ? NAN : 1.0f; }
        ops_array dx = ops_put(ops, x, 35), d0 = ops_put(ops, zero, 5), d1 = ops_put(ops, one, 5);
        OPS_OK(ops, pt_normalize(ops->be, &dx.view, 7, 5, &d0.view, &d1.view, &d1.view, &d0.view, 0.0f,
                                 (pt_activation)a, &dx.view, &ops->err));
        float *got = ops_take(ops, &dx);
        for (size_t t = 0; t < OPS_LENGTH(x); t++) {
            if (isnan(got[t]) != (t % 2 == 0)) { fail_msg("activation %zu: [%zu] is %g", a, t, (double)got[t]); }
        }
        ops_drop(ops, &d0), ops_drop(ops, &d1);
        free(got);
    }
}

/* One column of the way back, from its formula; want and terms are columns of n x d. */
static void column_back(const float *x, const float *g, size_t n, size_t d, size_t j, double mean, double deviation,
                        double gain, double *want, double *terms, double *sums, double *of_sums)
{
    double sum = 0.0, product = 0.0, of_sum = 0.0, of_product = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double slope = (double)g[i * d + j], hat = ((double)x[i * d + j] - mean) / deviation;
        sum += slope, of_sum += fabs(slope);
        product += slope * hat, of_product += fabs(slope * hat);
    }
    sums[j] = product, of_sums[j] = of_product;
    sums[d + j] = sum, of_sums[d + j] = of_sum;
    for (size_t i = 0; i < n; i++) {
        const double slope = (double)g[i * d + j], hat = ((double)x[i * d + j] - mean) / deviation;
        want[i * d + j] = gain / deviation * (slope - sum / (double)n - hat * product / (double)n);
        terms[i * d + j] =
            fabs(gain) / deviation * (fabs(slope) + of_sum / (double)n + fabs(hat) * of_product / (double)n);
    }
}

static void check_normalize_gradient(ops_state *ops, size_t n, size_t d)
{
    const float epsilon = 1.0e-3f;
    float *x = columns(ops, n, d, 3.0f), *g = ops_random(ops, n * d, 1.0f), *gain = ops_random(ops, d, 2.0f);
    float *mean = ops_memory(d, sizeof *mean), *variance = ops_memory(d, sizeof *variance);
    double *want = ops_memory(n * d, sizeof *want), *bound = ops_memory(n * d, sizeof *bound);
    double *sums = ops_memory(2 * d, sizeof *sums), *of_sums = ops_memory(2 * d, sizeof *of_sums);
    for (size_t j = 0; j < d; j++) {
        mean[j] = (float)oracle_mean(x, n, d, j);
        variance[j] = (float)oracle_variance(x, n, d, j);
        column_back(x, g, n, d, j, (double)mean[j], sqrt((double)variance[j] + (double)epsilon), (double)gain[j], want,
                    bound, sums, of_sums);
    }
    for (size_t t = 0; t < n * d; t++) { bound[t] *= 64.0 * EPS; }
    for (size_t t = 0; t < 2 * d; t++) { of_sums[t] *= 64.0 * EPS; }
    ops_array dx = ops_put(ops, x, n * d), dg = ops_put(ops, g, n * d), dm = ops_put(ops, mean, d);
    ops_array dv = ops_put(ops, variance, d), ds = ops_put(ops, gain, d);
    ops_array scratch = ops_put(ops, NULL, pt_column_scratch(n, d));
    ops_array gg = ops_put(ops, NULL, d), gs = ops_put(ops, NULL, d);
    OPS_OK(ops, pt_normalize_gradient(ops->be, &dx.view, n, d, &dm.view, &dv.view, &ds.view, epsilon, &dg.view,
                                      &scratch.view, &gg.view, &gs.view, &ops->err));
    float *got = ops_take(ops, &dg), *got_gain = ops_take(ops, &gg), *got_shift = ops_take(ops, &gs);
    char what[64];
    snprintf(what, sizeof what, "normalize_gradient %zu x %zu", n, d);
    ops_compare(ops, what, got_gain, sums, of_sums, d, d);
    ops_compare(ops, what, got_shift, sums + d, of_sums + d, d, d);
    ops_compare(ops, what, got, want, bound, n * d, d);
    ops_drop(ops, &dx), ops_drop(ops, &dm), ops_drop(ops, &dv), ops_drop(ops, &ds), ops_discard(ops, &scratch);
    free(x), free(g), free(gain), free(mean), free(variance), free(want), free(bound), free(sums), free(of_sums);
    free(got), free(got_gain), free(got_shift);
}

static void test_normalize_gradient(void **state)
{
    ops_state *ops = *state;
    const size_t n_sides = ops->small ? 4 : OPS_LENGTH(sides);
    for (size_t s = 0; s < n_sides * n_sides; s++) {
        check_normalize_gradient(ops, sides[s / n_sides], sides[s % n_sides]);
    }
    if (ops->small) { return; }
    check_normalize_gradient(ops, 20011, 20);
    check_normalize_gradient(ops, 67, 1031);
}

/* The loss whose gradient normalize_gradient should give: sum of c y, y the normalised batch, in float64. */
static double batch_loss(const float *x, size_t n, const float *c, double gain, double shift, double epsilon)
{
    const double mean = oracle_mean(x, n, 1, 0), deviation = sqrt(oracle_variance(x, n, 1, 0) + epsilon);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) { sum += (double)c[i] * (gain * ((double)x[i] - mean) / deviation + shift); }
    return sum;
}

/* The formula itself against finite differences. */
static void test_normalize_differences(void **state)
{
    ops_state *ops = *state;
    enum { N = 9 };
    const float epsilon = 1.0e-3f, step = 1.0f / 256.0f;
    float *x = ops_random(ops, N, 1.0f), *c = ops_random(ops, N, 1.0f), gain = 1.5f;
    for (size_t i = 0; i < N; i++) { x[i] = roundf(x[i] * 1024.0f) / 1024.0f; } /* so that the steps are exact */
    const float mean = (float)oracle_mean(x, N, 1, 0), variance = (float)oracle_variance(x, N, 1, 0);
    double want[N], bound[N];
    for (size_t i = 0; i < N; i++) {
        const float before = x[i];
        x[i] = before + step;
        const double above = batch_loss(x, N, c, (double)gain, 0.5, (double)epsilon);
        x[i] = before - step;
        const double below = batch_loss(x, N, c, (double)gain, 0.5, (double)epsilon);
        x[i] = before;
        want[i] = (above - below) / (2.0 * (double)step);
        bound[i] = 1.0e-3; /* the third derivative times the step's square */
    }
    ops_array dx = ops_put(ops, x, N), dg = ops_put(ops, c, N), dm = ops_put(ops, &mean, 1);
    ops_array dv = ops_put(ops, &variance, 1), ds = ops_put(ops, &gain, 1);
    ops_array scratch = ops_put(ops, NULL, pt_column_scratch(N, 1)), gg = ops_put(ops, NULL, 1);
    ops_array gs = ops_put(ops, NULL, 1);
    OPS_OK(ops, pt_normalize_gradient(ops->be, &dx.view, N, 1, &dm.view, &dv.view, &ds.view, epsilon, &dg.view,
                                      &scratch.view, &gg.view, &gs.view, &ops->err));
    float *got = ops_take(ops, &dg);
    ops_compare(ops, "normalize_gradient by differences", got, want, bound, N, 1);
    ops_drop(ops, &dx), ops_drop(ops, &dm), ops_drop(ops, &dv), ops_drop(ops, &ds), ops_discard(ops, &scratch);
    ops_discard(ops, &gg), ops_discard(ops, &gs);
    free(x), free(c), free(got);
}

static void check_blend(ops_state *ops, size_t count, float alpha, float beta)
{
    float *x = ops_random(ops, count, 3.0f), *y = ops_random(ops, count, 2.0f);
    double *want = ops_memory(count, sizeof *want), *bound = ops_memory(count, sizeof *bound);
    for (size_t t = 0; t < count; t++) {
        const double own = (double)alpha * (double)x[t], old = (double)beta * (double)y[t];
        want[t] = own + old;
        bound[t] = 2.0 * EPS * (fabs(own) + fabs(old));
        if (beta == 0.0f) { y[t] = NAN; } /* is not read */
    }
    ops_array dx = ops_put(ops, x, count), dy = ops_put(ops, y, count);
    OPS_OK(ops, pt_blend(ops->be, alpha, &dx.view, beta, &dy.view, &ops->err));
    float *got = ops_take(ops, &dy);
    ops_compare(ops, "blend", got, want, bound, count, count);
    ops_drop(ops, &dx);
    free(x), free(y), free(want), free(bound), free(got);
}

static void test_blend(void **state)
{
    ops_state *ops = *state;
    const size_t counts[] = {1, 2, 7, 63, 64, 65, 200, 70001};
    for (size_t c = 0; c < OPS_LENGTH(counts) - ops->small; c++) {
        check_blend(ops, counts[c], 0.001f, 0.999f);
        check_blend(ops, counts[c], -2.0f, 1.0f);
        check_blend(ops, counts[c], 0.5f, 0.0f);
    }
}

static void test_refused(void **state)
{
    ops_state *ops = *state;
    pt_backend *be = ops->be;
    ptsne_error *err = &ops->err;
    ops_array a = ops_put(ops, NULL, 10), s = ops_put(ops, NULL, pt_column_scratch(4, 3));
    const pt_buffer *v = &a.view, *small = &s.view;
    assert_int_equal(pt_column_moments(be, v, 4, 3, small, v, v, err), PTSNE_ERR_ARGUMENT); /* 12 of 10 */
    assert_int_equal(pt_column_moments(be, v, 0, 3, small, v, v, err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_column_moments(be, v, 3, 3, v, v, v, err), PTSNE_ERR_ARGUMENT); /* scratch */
    assert_int_equal(pt_normalize(be, v, 3, 4, v, v, v, v, 0.1f, PT_LINEAR, v, err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_normalize(be, v, 3, 0, v, v, v, v, 0.1f, PT_LINEAR, v, err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_normalize_gradient(be, v, 3, 3, v, v, v, 0.1f, v, v, v, v, err), PTSNE_ERR_ARGUMENT);
    const pt_buffer less = pt_buffer_view(v, 0, 9);
    assert_int_equal(pt_blend(be, 1.0f, &less, 1.0f, v, err), PTSNE_ERR_ARGUMENT);
    ops_discard(ops, &a), ops_discard(ops, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_column_moments),
        cmocka_unit_test(test_normalize),
        cmocka_unit_test(test_normalize_nan),
        cmocka_unit_test(test_normalize_gradient),
        cmocka_unit_test(test_normalize_differences),
        cmocka_unit_test(test_blend),
        cmocka_unit_test(test_refused),
    };
    return ops_main(tests, OPS_LENGTH(tests));
}
