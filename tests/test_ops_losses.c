/* Anchors and the losses, on every backend. */
#include "ops.h"
#include "oracles_layers.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPS ((double)FLT_EPSILON)

static const size_t rows_tried[] = {1, 2, 7, 65, 250};
static const size_t classes_tried[] = {1, 2, 3, 10, 63, 64, 65, 200, 517};

/* Scores of all sizes, and some rows of large ones. */
static float *scores(ops_state *ops, size_t n, size_t columns)
{
    float *z = ops_random(ops, n * columns, 4.0f);
    for (size_t t = 0; t < n * columns; t++) {
        const size_t i = t / columns;
        if (i % 5 == 1) { z[t] = z[t] * 30.0f; }   /* most exponentials are 0 */
        if (i % 5 == 2) { z[t] = z[t] + 5000.0f; } /* the largest has to go first */
        if (i % 5 == 3) { z[t] = 2.0f; }           /* all equal */
    }
    return z;
}

/* What the error of exp(z - most) is relative to: its argument is rounded. */
static double softness(const float *z, size_t k)
{
    double most = fabs((double)z[0]), least = (double)z[0], top = (double)z[0];
    for (size_t j = 1; j < k; j++) {
        most = fmax(most, fabs((double)z[j]));
        least = fmin(least, (double)z[j]);
        top = fmax(top, (double)z[j]);
    }
    return 16.0 + fmin(top - least, 90.0);
}

static void check_anchors(ops_state *ops, size_t n, size_t k, size_t d)
{
    float *z = scores(ops, n, k + d), *a = ops_random(ops, k * d, 50.0f);
    double *want = ops_memory(n * k, sizeof *want), *bound = ops_memory(n * k, sizeof *bound);
    double *want_y = ops_memory(n * d, sizeof *want_y), *bound_y = ops_memory(n * d, sizeof *bound_y);
    for (size_t i = 0; i < n; i++) {
        const float *row = z + i * (k + d);
        const double soft = softness(row, k);
        oracle_softmax(row, k, want + i * k);
        for (size_t j = 0; j < k; j++) { bound[i * k + j] = soft * EPS * want[i * k + j] + 1.0e-37; }
        for (size_t c = 0; c < d; c++) {
            double sum = (double)row[k + c], terms = fabs(sum);
            for (size_t j = 0; j < k; j++) {
                sum += want[i * k + j] * (double)a[j * d + c];
                terms += want[i * k + j] * fabs((double)a[j * d + c]);
            }
            want_y[i * d + c] = sum;
            bound_y[i * d + c] = (soft + 16.0) * EPS * terms;
        }
    }
    ops_array dz = ops_put(ops, z, n * (k + d)), da = ops_put(ops, a, k * d);
    ops_array p = ops_put(ops, NULL, n * k), y = ops_put(ops, NULL, n * d);
    OPS_OK(ops, pt_anchors(ops->be, &dz.view, n, k, d, &da.view, &p.view, &y.view, &ops->err));
    float *got = ops_take(ops, &p), *got_y = ops_take(ops, &y);
    char what[64];
    snprintf(what, sizeof what, "anchors %zu of %zu in %zu-D", n, k, d);
    ops_compare(ops, what, got, want, bound, n * k, k);
    ops_compare(ops, what, got_y, want_y, bound_y, n * d, d);
    ops_drop(ops, &dz), ops_drop(ops, &da);
    free(z), free(a), free(want), free(bound), free(want_y), free(bound_y), free(got), free(got_y);
}

static void check_anchors_gradient(ops_state *ops, size_t n, size_t k, size_t d, bool classed)
{
    const float weight = 0.3f;
    float *z = scores(ops, n, k), *a = ops_random(ops, k * d, 50.0f), *g = ops_random(ops, n * d, 1.0f);
    float *p = ops_memory(n * k, sizeof *p);
    uint32_t *class_of = ops_memory(n, sizeof *class_of);
    double *want = ops_memory(n * (k + d), sizeof *want), *bound = ops_memory(n * (k + d), sizeof *bound);
    double *row = ops_memory(k, sizeof *row);
    for (size_t i = 0; i < n; i++) {
        double mean = 0.0, terms = 0.0;
        class_of[i] = (uint32_t)pt_random_below(&ops->random, (uint32_t)k);
        oracle_softmax(z + i * k, k, row);
        for (size_t j = 0; j < k; j++) { p[i * k + j] = (float)row[j]; }
        for (size_t j = 0; j < k; j++) {
            double pull = 0.0, of_pull = 0.0;
            for (size_t c = 0; c < d; c++) {
                pull += (double)g[i * d + c] * (double)a[j * d + c];
                of_pull += fabs((double)g[i * d + c] * (double)a[j * d + c]);
            }
            want[i * (k + d) + j] = pull;
            bound[i * (k + d) + j] = of_pull;
            mean += (double)p[i * k + j] * pull;
            terms += (double)p[i * k + j] * of_pull;
        }
        for (size_t j = 0; j < k; j++) {
            const size_t at = i * (k + d) + j;
            const double own = (double)p[i * k + j], share = classed ? (double)weight / (double)n : 0.0;
            const double hit = class_of[i] == j ? 1.0 : 0.0;
            want[at] = own * (want[at] - mean) + share * (own - hit);
            bound[at] = 32.0 * EPS * (own * (bound[at] + terms) + share * (own + hit)) + 1.0e-37;
        }
        for (size_t c = 0; c < d; c++) { want[i * (k + d) + k + c] = (double)g[i * d + c]; }
    }
    ops_array dp = ops_put(ops, p, n * k), da = ops_put(ops, a, k * d), dg = ops_put(ops, g, n * d);
    ops_array dc = ops_put(ops, class_of, n), gz = ops_put(ops, NULL, n * (k + d));
    OPS_OK(ops, pt_anchors_gradient(ops->be, &dp.view, n, k, d, &da.view, &dg.view, classed ? &dc.view : NULL, weight,
                                    &gz.view, &ops->err));
    float *got = ops_take(ops, &gz);
    char what[64];
    snprintf(what, sizeof what, "anchors_gradient %zu of %zu in %zu-D%s", n, k, d, classed ? ", classes" : "");
    ops_compare(ops, what, got, want, bound, n * (k + d), k + d);
    ops_drop(ops, &dp), ops_drop(ops, &da), ops_drop(ops, &dg), ops_drop(ops, &dc);
    free(z), free(a), free(g), free(p), free(class_of), free(want), free(bound), free(row), free(got);
}

static void test_anchors(void **state)
{
    ops_state *ops = *state;
    for (size_t r = 0; r < OPS_LENGTH(rows_tried) - ops->small; r++) {
        for (size_t c = 0; c < OPS_LENGTH(classes_tried) - 4 * (size_t)ops->small; c++) {
            for (size_t d = 2; d <= 3; d++) {
                check_anchors(ops, rows_tried[r], classes_tried[c], d);
                check_anchors_gradient(ops, rows_tried[r], classes_tried[c], d, (r + c + d) % 2 == 0);
            }
        }
    }
}

/* The way back through softmax and places against finite differences of c . y, in float64. */
static void test_anchors_differences(void **state)
{
    ops_state *ops = *state;
    enum { K = 6, D = 2 };
    const float step = 1.0f / 1024.0f;
    float z[K + D], a[K * D], g[D] = {0.7f, -1.3f};
    double want[K + D], bound[K + D], p[K];
    float shares[K];
    for (size_t j = 0; j < K + D; j++) {
        z[j] = roundf(64.0f * (2.0f * pt_random_uniform(&ops->random) - 1.0f)) / 64.0f;
    }
    for (size_t j = 0; j < K * D; j++) { a[j] = 5.0f * (2.0f * pt_random_uniform(&ops->random) - 1.0f); }
    for (size_t j = 0; j < K + D; j++) {
        double side[2];
        for (size_t s = 0; s < 2; s++) {
            float moved[K + D];
            memcpy(moved, z, sizeof moved);
            moved[j] += s == 0 ? -step : step;
            oracle_softmax(moved, K, p);
            side[s] = 0.0;
            for (size_t c = 0; c < D; c++) {
                double y = (double)moved[K + c];
                for (size_t l = 0; l < K; l++) { y += p[l] * (double)a[l * D + c]; }
                side[s] += (double)g[c] * y;
            }
        }
        want[j] = (side[1] - side[0]) / (2.0 * (double)step);
        bound[j] = 1.0e-4;
    }
    oracle_softmax(z, K, p);
    for (size_t j = 0; j < K; j++) { shares[j] = (float)p[j]; }
    ops_array dp = ops_put(ops, shares, K), da = ops_put(ops, a, K * D), dg = ops_put(ops, g, D);
    ops_array gz = ops_put(ops, NULL, K + D);
    OPS_OK(ops, pt_anchors_gradient(ops->be, &dp.view, 1, K, D, &da.view, &dg.view, NULL, 1.0f, &gz.view, &ops->err));
    float *got = ops_take(ops, &gz);
    ops_compare(ops, "anchors_gradient by differences", got, want, bound, K + D, K + D);
    ops_drop(ops, &dp), ops_drop(ops, &da), ops_drop(ops, &dg);
    free(got);
}

static size_t choice(const float *z, size_t k)
{
    size_t best = 0;
    for (size_t j = 1; j < k; j++) { best = z[j] > z[best] ? j : best; }
    return best;
}

static void check_cross_entropy(ops_state *ops, size_t n, size_t k, bool wants_gradient)
{
    float *z = scores(ops, n, k);
    uint32_t *class_of = ops_memory(n, sizeof *class_of);
    double *want = ops_memory(n * k, sizeof *want), *bound = ops_memory(n * k, sizeof *bound);
    double loss[2] = {0.0, 0.0}, bounds[2] = {0.0, 0.0};
    for (size_t i = 0; i < n; i++) {
        const float *row = z + i * k;
        const uint32_t own = class_of[i] = (uint32_t)pt_random_below(&ops->random, (uint32_t)k);
        const double soft = softness(row, k), whole = oracle_softmax(row, k, want + i * k);
        loss[0] += (whole - (double)row[own]) / (double)n;
        bounds[0] += 4.0 * EPS * (fabs(whole - (double)row[own]) + 16.0) / (double)n;
        loss[1] += choice(row, k) == own ? 0.0 : 1.0;
        for (size_t j = 0; j < k; j++) {
            const double share = want[i * k + j], hit = j == own ? 1.0 : 0.0;
            want[i * k + j] = (share - hit) / (double)n;
            bound[i * k + j] = soft * EPS * (share + hit) / (double)n + 1.0e-37;
        }
    }
    ops_array dz = ops_put(ops, z, n * k), dc = ops_put(ops, class_of, n), dl = ops_put(ops, NULL, 2);
    ops_array scratch = ops_put(ops, NULL, pt_loss_scratch(n)), gradient = ops_put(ops, NULL, n * k);
    OPS_OK(ops, pt_cross_entropy(ops->be, &dz.view, &dc.view, n, k, &scratch.view, &dl.view,
                                 wants_gradient ? &gradient.view : NULL, &ops->err));
    float *got = ops_take(ops, &gradient), *got_loss = ops_take(ops, &dl);
    char what[64];
    snprintf(what, sizeof what, "cross_entropy %zu x %zu", n, k);
    ops_compare(ops, what, got_loss, loss, bounds, 2, 2);
    if (wants_gradient) { ops_compare(ops, what, got, want, bound, n * k, k); }
    ops_drop(ops, &dz), ops_drop(ops, &dc), ops_discard(ops, &scratch);
    free(z), free(class_of), free(want), free(bound), free(got), free(got_loss);
}

static void test_cross_entropy(void **state)
{
    ops_state *ops = *state;
    for (size_t r = 0; r < OPS_LENGTH(rows_tried) - ops->small; r++) {
        for (size_t c = 0; c < OPS_LENGTH(classes_tried); c++) {
            check_cross_entropy(ops, rows_tried[r], classes_tried[c], (r + c) % 3 != 0);
        }
    }
    if (!ops->small) { check_cross_entropy(ops, 10007, 10, true); }
}

/* h 0: the squared error, else Cauchy's. */
static void check_error(ops_state *ops, size_t n, size_t d, float h, bool wants_gradient)
{
    float *y = ops_random(ops, n * d, 5.0f), *target = ops_random(ops, n * d, 5.0f);
    double *want = ops_memory(n * d, sizeof *want), *bound = ops_memory(n * d, sizeof *bound);
    double loss = 0.0, terms = 0.0;
    if (n > 2) { target[d] = y[d]; }
    for (size_t i = 0; i < n; i++) {
        double square = 0.0;
        for (size_t j = 0; j < d; j++) {
            want[i * d + j] = (double)y[i * d + j] - (double)target[i * d + j];
            bound[i * d + j] = fabs((double)y[i * d + j]) + fabs((double)target[i * d + j]);
            square += want[i * d + j] * want[i * d + j];
        }
        const double whole = (double)h * (double)h + square;
        const double term = h == 0.0f ? square / (double)(n * d) : (double)h * log(whole) / (double)n;
        const double scale = h == 0.0f ? 2.0 / (double)(n * d) : 2.0 * (double)h / ((double)n * whole);
        loss += term;
        terms += h == 0.0f ? term : fabs(term) + (double)h / (double)n;
        for (size_t j = 0; j < d; j++) {
            want[i * d + j] *= scale;
            bound[i * d + j] = EPS * (16.0 * fabs(want[i * d + j]) + scale * bound[i * d + j]);
        }
    }
    ops_array dy = ops_put(ops, y, n * d), dt = ops_put(ops, target, n * d), dl = ops_put(ops, NULL, 1);
    ops_array scratch = ops_put(ops, NULL, pt_loss_scratch(n)), gradient = ops_put(ops, NULL, n * d);
    const pt_buffer *to = wants_gradient ? &gradient.view : NULL;
    OPS_OK(ops, h == 0.0f
                    ? pt_squared_error(ops->be, &dy.view, &dt.view, n, d, &scratch.view, &dl.view, to, &ops->err)
                    : pt_cauchy_error(ops->be, &dy.view, &dt.view, n, d, h, &scratch.view, &dl.view, to, &ops->err));
    float *got = ops_take(ops, &gradient), *got_loss = ops_take(ops, &dl);
    char what[64];
    snprintf(what, sizeof what, "%s %zu x %zu", h == 0.0f ? "squared_error" : "cauchy_error", n, d);
    const double off = 64.0 * EPS * terms;
    ops_compare(ops, what, got_loss, &loss, &off, 1, 1);
    if (wants_gradient) { ops_compare(ops, what, got, want, bound, n * d, d); }
    ops_drop(ops, &dy), ops_drop(ops, &dt), ops_discard(ops, &scratch);
    free(y), free(target), free(want), free(bound), free(got), free(got_loss);
}

static void test_errors(void **state)
{
    ops_state *ops = *state;
    for (size_t r = 0; r < OPS_LENGTH(rows_tried) - ops->small; r++) {
        for (size_t c = 0; c < OPS_LENGTH(classes_tried); c++) {
            check_error(ops, rows_tried[r], classes_tried[c], 0.0f, (r + c) % 3 != 0);
        }
        for (size_t d = 2; d <= 3; d++) {
            check_error(ops, rows_tried[r], d, 0.02f, true);
            check_error(ops, rows_tried[r], d, 3.0f, r % 2 == 0);
        }
    }
    if (ops->small) { return; }
    check_error(ops, 256, 784, 0.0f, true);
    check_error(ops, 70001, 2, 1.0f, true);
}

/* The losses in float64 from their definitions; `told` is what the rows should be. */
enum { ROWS = 3, COLUMNS = 2, ENTRIES = ROWS * COLUMNS };
#define WIDTH 0.5f

static double entropy_of(const float *z, const void *told)
{
    const uint32_t *class_of = told;
    double p[COLUMNS], sum = 0.0;
    for (size_t i = 0; i < ROWS; i++) {
        sum += oracle_softmax(z + i * COLUMNS, COLUMNS, p) - (double)z[i * COLUMNS + class_of[i]];
    }
    return sum / ROWS;
}

static double squares_of(const float *y, const void *told)
{
    const float *target = told;
    double sum = 0.0;
    for (size_t t = 0; t < ENTRIES; t++) { sum += pow((double)y[t] - (double)target[t], 2.0); }
    return sum / ENTRIES;
}

static double cauchy_of(const float *y, const void *told)
{
    const float *target = told;
    double sum = 0.0;
    for (size_t i = 0; i < ROWS; i++) {
        double square = (double)WIDTH * (double)WIDTH;
        for (size_t j = i * COLUMNS; j < (i + 1) * COLUMNS; j++) {
            square += pow((double)y[j] - (double)target[j], 2.0);
        }
        sum += (double)WIDTH * log(square);
    }
    return sum / ROWS;
}

/* The gradients against finite differences of the losses. */
static void test_losses_differences(void **state)
{
    ops_state *ops = *state;
    typedef double loss_of(const float *y, const void *told);
    loss_of *const losses[] = {entropy_of, squares_of, cauchy_of};
    const uint32_t class_of[ENTRIES] = {1, 0, 1};
    const float step = 1.0f / 1024.0f;
    float y[ENTRIES], target[ENTRIES];
    for (size_t t = 0; t < ENTRIES; t++) {
        y[t] = roundf(64.0f * pt_random_uniform(&ops->random)) / 64.0f; /* so that the steps are exact */
        target[t] = 2.0f * pt_random_uniform(&ops->random) - 1.0f;
    }
    for (size_t l = 0; l < OPS_LENGTH(losses); l++) {
        const void *told = l == 0 ? (const void *)class_of : target;
        double want[ENTRIES], bound[ENTRIES];
        for (size_t t = 0; t < ENTRIES; t++) {
            const float before = y[t];
            y[t] = before + step;
            const double above = losses[l](y, told);
            y[t] = before - step;
            want[t] = (above - losses[l](y, told)) / (2.0 * (double)step);
            bound[t] = 1.0e-5; /* the third derivative times the step's square */
            y[t] = before;
        }
        ops_array dy = ops_put(ops, y, ENTRIES), dt = ops_put(ops, told, ENTRIES), dl = ops_put(ops, NULL, 2);
        ops_array scratch = ops_put(ops, NULL, pt_loss_scratch(ROWS)), gradient = ops_put(ops, NULL, ENTRIES);
        const pt_buffer *a = &dy.view, *b = &dt.view, *s = &scratch.view, *loss = &dl.view, *to = &gradient.view;
        OPS_OK(ops, l == 0   ? pt_cross_entropy(ops->be, a, b, ROWS, COLUMNS, s, loss, to, &ops->err)
                    : l == 1 ? pt_squared_error(ops->be, a, b, ROWS, COLUMNS, s, loss, to, &ops->err)
                             : pt_cauchy_error(ops->be, a, b, ROWS, COLUMNS, WIDTH, s, loss, to, &ops->err));
        float *got = ops_take(ops, &gradient);
        ops_compare(ops, "the gradient of a loss by differences", got, want, bound, ENTRIES, COLUMNS);
        ops_drop(ops, &dy), ops_drop(ops, &dt), ops_discard(ops, &dl), ops_discard(ops, &scratch);
        free(got);
    }
}

/* A run that lost its numbers must show it. */
static void test_losses_of_nan(void **state)
{
    ops_state *ops = *state;
    const uint32_t class_of[3] = {0, 1, 0};
    for (size_t at = 0; at < 6; at++) {
        float z[6] = {1, 2, 3, 4, 5, 6}, zero[6] = {0};
        z[at] = NAN;
        ops_array dz = ops_put(ops, z, 6), d0 = ops_put(ops, zero, 6), dc = ops_put(ops, class_of, 3);
        ops_array dl = ops_put(ops, zero, 4), scratch = ops_put(ops, NULL, pt_loss_scratch(3));
        const pt_buffer *s = &scratch.view;
        pt_buffer loss[3];
        for (size_t k = 0; k < 3; k++) { loss[k] = pt_buffer_view(&dl.view, k, k == 2 ? 2 : 1); }
        OPS_OK(ops, pt_squared_error(ops->be, &dz.view, &d0.view, 3, 2, s, &loss[0], NULL, &ops->err));
        OPS_OK(ops, pt_cauchy_error(ops->be, &dz.view, &d0.view, 3, 2, 1.0f, s, &loss[1], NULL, &ops->err));
        OPS_OK(ops, pt_cross_entropy(ops->be, &dz.view, &dc.view, 3, 2, s, &loss[2], NULL, &ops->err));
        float *got = ops_take(ops, &dl);
        for (size_t k = 0; k < 3; k++) {
            if (!isnan(got[k])) { fail_msg("%s: loss %zu is %g", ops->be->ops->name, k, (double)got[k]); }
        }
        ops_drop(ops, &dz), ops_drop(ops, &d0), ops_drop(ops, &dc), ops_discard(ops, &scratch);
        free(got);
    }
}

static void test_refused(void **state)
{
    ops_state *ops = *state;
    pt_backend *be = ops->be;
    ptsne_error *err = &ops->err;
    ops_array a = ops_put(ops, NULL, 10), b = ops_put(ops, NULL, pt_loss_scratch(100));
    const pt_buffer *v = &a.view, *s = &b.view;
    assert_int_equal(pt_anchors(be, v, 2, 3, 4, v, v, v, err), PTSNE_ERR_ARGUMENT); /* a map of 4 columns */
    assert_int_equal(pt_anchors(be, v, 3, 3, 2, v, v, v, err), PTSNE_ERR_ARGUMENT); /* z of 15 */
    assert_int_equal(pt_anchors_gradient(be, v, 3, 3, 2, v, v, NULL, 1.0f, v, err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_cross_entropy(be, v, v, 4, 3, s, v, NULL, err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_cross_entropy(be, v, v, 3, 3, v, v, NULL, err), PTSNE_ERR_ARGUMENT); /* scratch */
    assert_int_equal(pt_squared_error(be, v, v, 4, 3, s, v, NULL, err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_cauchy_error(be, v, v, 2, 4, 1.0f, s, v, NULL, err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_cauchy_error(be, v, v, 2, 2, 0.0f, s, v, NULL, err), PTSNE_ERR_ARGUMENT);
    ops_discard(ops, &a), ops_discard(ops, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anchors),       cmocka_unit_test(test_anchors_differences),
        cmocka_unit_test(test_cross_entropy), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_losses_of_nan), cmocka_unit_test(test_losses_differences),
        cmocka_unit_test(test_refused),
    };
    return ops_main(tests, OPS_LENGTH(tests));
}
