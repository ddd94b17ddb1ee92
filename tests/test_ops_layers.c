/* Activations, dropout and the optimisers' steps, on every backend. */
#include "ops.h"
#include "oracles.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EPS ((double)FLT_EPSILON)

static const pt_activation activations[] = {PT_LINEAR, PT_RELU, PT_ELU, PT_TANH, PT_SIGMOID};
static const char *const activation_names[] = {"linear", "relu", "elu", "tanh", "sigmoid"};

/* Numbers of all sizes, with zeros, the ends of exp's range and beyond among them. */
static float *wide_numbers(ops_state *ops, size_t count)
{
    static const float special[] = {0.0f, -0.0f, 1.0e-8f, -1.0e-8f, 88.0f, -88.0f, -86.9f, 200.0f, -200.0f, 0.125f};
    float *x = ops_random(ops, count, 6.0f);
    for (size_t t = 0; t < count; t += 3) {
        const size_t kind = (t / 3) % (2 * OPS_LENGTH(special));
        x[t] = kind < OPS_LENGTH(special) ? special[kind] : x[t] * 1.0e-3f;
    }
    return x;
}

static void check_bias_activation(ops_state *ops, size_t n, size_t d, size_t which)
{
    float *x = wide_numbers(ops, n * d), *bias = ops_random(ops, d, which % 2 == 0 ? 1.0f : 0.0f);
    double *want = ops_memory(n * d, sizeof *want), *bound = ops_memory(n * d, sizeof *bound);
    for (size_t t = 0; t < n * d; t++) {
        const float sum = x[t] + bias[t % d]; /* rounded once, as every backend does */
        want[t] = oracle_activation(activations[which], (double)sum);
        bound[t] = 32.0 * EPS * fabs(want[t]) + 4.0 * EPS;
    }
    ops_array dx = ops_put(ops, x, n * d), db = ops_put(ops, bias, d);
    OPS_OK(ops, pt_bias_activation(ops->be, &dx.view, n, d, &db.view, activations[which], &ops->err));
    float *got = ops_take(ops, &dx);
    char what[64];
    snprintf(what, sizeof what, "bias_activation %s %zu x %zu", activation_names[which], n, d);
    ops_compare(ops, what, got, want, bound, n * d, d);
    ops_drop(ops, &db);
    free(x), free(bias), free(want), free(bound), free(got);
}

static void test_bias_activation(void **state)
{
    ops_state *ops = *state;
    const size_t sides[] = {1, 2, 7, 63, 64, 65, 300};
    const size_t n_sides = ops->small ? 3 : OPS_LENGTH(sides);
    for (size_t which = 0; which < OPS_LENGTH(activations); which++) {
        for (size_t s = 0; s < n_sides * n_sides; s++) {
            check_bias_activation(ops, sides[s / n_sides], sides[s % n_sides], which);
        }
    }
}

/* A run that lost its numbers must show it: NaN in, NaN out. */
static void test_activation_of_nan(void **state)
{
    ops_state *ops = *state;
    for (size_t which = 0; which < OPS_LENGTH(activations); which++) {
        float x[35], bias[5] = {0};
        for (size_t t = 0; t < OPS_LENGTH(x); t++) { x[t] = t % 2 == 0 ? NAN : 1.0f; }
        ops_array dx = ops_put(ops, x, 35), db = ops_put(ops, bias, 5);
        OPS_OK(ops, pt_bias_activation(ops->be, &dx.view, 7, 5, &db.view, activations[which], &ops->err));
        float *got = ops_take(ops, &dx);
        for (size_t t = 0; t < OPS_LENGTH(x); t++) {
            if (isnan(got[t]) != (t % 2 == 0)) {
                fail_msg("%s %s: [%zu] is %g", ops->be->ops->name, activation_names[which], t, (double)got[t]);
            }
        }
        ops_drop(ops, &db);
        free(got);
    }
}

static void check_activation_gradient(ops_state *ops, size_t count, size_t which)
{
    float *y = ops_random(ops, count, 3.0f), *g = ops_random(ops, count, 5.0f);
    double *want = ops_memory(count, sizeof *want), *bound = ops_memory(count, sizeof *bound);
    for (size_t t = 0; t < count; t++) {
        y[t] = (float)oracle_activation(activations[which], (double)y[t]);
        want[t] = (double)g[t] * oracle_activation_slope(activations[which], (double)y[t]);
        bound[t] = 4.0 * EPS * fabs((double)g[t]) * (1.0 + (double)y[t] * (double)y[t]);
        if (which < 2) { bound[t] = 0.0; } /* linear and relu choose, they do not compute */
    }
    ops_array dy = ops_put(ops, y, count), dg = ops_put(ops, g, count);
    OPS_OK(ops, pt_activation_gradient(ops->be, &dy.view, count, activations[which], &dg.view, &ops->err));
    float *got = ops_take(ops, &dg);
    char what[64];
    snprintf(what, sizeof what, "activation_gradient %s %zu", activation_names[which], count);
    ops_compare(ops, what, got, want, bound, count, count);
    ops_drop(ops, &dy);
    free(y), free(g), free(want), free(bound), free(got);
}

static void test_activation_gradient(void **state)
{
    ops_state *ops = *state;
    const size_t counts[] = {1, 2, 7, 63, 64, 65, 200, 40001};
    for (size_t which = 0; which < OPS_LENGTH(activations); which++) {
        for (size_t c = 0; c < OPS_LENGTH(counts) - ops->small; c++) {
            check_activation_gradient(ops, counts[c], which);
        }
    }
}

static void check_dropout(ops_state *ops, size_t count, const pt_mask *mask)
{
    float *x = ops_random(ops, count, 5.0f);
    double *want = ops_memory(count, sizeof *want), *bound = ops_memory(count, sizeof *bound);
    const uint32_t key[2] = {(uint32_t)mask->seed, (uint32_t)(mask->seed >> 32)};
    for (size_t t = 0; t < count; t++) {
        const uint64_t block = t / 4;
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)mask->stream,
                                     (uint32_t)(mask->stream >> 32)};
        uint32_t words[4];
        pt_philox(key, counter, words);
        const double uniform = (double)(words[t % 4] >> 8) * 0x1p-24;
        want[t] = uniform >= (double)mask->rate ? (double)x[t] / (1.0 - (double)mask->rate) : 0.0;
        bound[t] = 4.0 * EPS * fabs(want[t]); /* 0 where it is dropped: the mask is exact */
    }
    ops_array dx = ops_put(ops, x, count);
    OPS_OK(ops, pt_dropout(ops->be, &dx.view, count, mask, &ops->err));
    float *got = ops_take(ops, &dx);
    char what[64];
    snprintf(what, sizeof what, "dropout %zu at %g", count, (double)mask->rate);
    ops_compare(ops, what, got, want, bound, count, count);
    free(x), free(want), free(bound), free(got);
}

static void test_dropout(void **state)
{
    ops_state *ops = *state;
    const size_t counts[] = {1, 2, 3, 4, 7, 63, 64, 65, 257, 1023, 16387, 70001};
    const pt_mask masks[] = {
        {0.0f, 1, 2}, {0.5f, 0x123456789ABCDEFu, 0xFEDCBA9876543210u}, {0.1f, 42, 7}, {0.999f, UINT64_MAX, UINT64_MAX}};
    for (size_t c = 0; c < OPS_LENGTH(counts) - (ops->small ? 2 : 0); c++) {
        for (size_t k = 0; k < OPS_LENGTH(masks); k++) { check_dropout(ops, counts[c], &masks[k]); }
    }
    const pt_mask wrong[] = {{1.0f, 1, 1}, {-0.1f, 1, 1}, {NAN, 1, 1}};
    for (size_t k = 0; k < OPS_LENGTH(wrong); k++) {
        ops_array dx = ops_put(ops, NULL, 5);
        assert_int_equal(pt_dropout(ops->be, &dx.view, 5, &wrong[k], &ops->err), PTSNE_ERR_ARGUMENT);
        ops_drop(ops, &dx);
    }
}

static void check_sgd(ops_state *ops, size_t count)
{
    const double rate = (double)0.1f, momentum = (double)0.9f;
    float *w = ops_random(ops, count, 2.0f), *g = ops_random(ops, count, 3.0f), *v = ops_random(ops, count, 1.0f);
    double *want = ops_memory(2 * count, sizeof *want), *bound = ops_memory(2 * count, sizeof *bound);
    for (size_t t = 0; t < count; t++) {
        const double kept = momentum * (double)v[t], step = rate * (double)g[t];
        want[t] = kept - step;
        bound[t] = 4.0 * EPS * (fabs(kept) + fabs(step));
        want[count + t] = (double)w[t] + want[t];
        bound[count + t] = bound[t] + 4.0 * EPS * fabs((double)w[t]);
    }
    ops_array dw = ops_put(ops, w, count), dg = ops_put(ops, g, count), dv = ops_put(ops, v, count);
    OPS_OK(ops, pt_sgd_step(ops->be, &dw.view, &dg.view, &dv.view, 0.1f, 0.9f, &ops->err));
    float *got_w = ops_take(ops, &dw), *got_v = ops_take(ops, &dv);
    char what[64];
    snprintf(what, sizeof what, "sgd_step %zu", count);
    ops_compare(ops, what, got_v, want, bound, count, count);
    ops_compare(ops, what, got_w, want + count, bound + count, count, count);
    ops_drop(ops, &dg);
    free(w), free(g), free(v), free(want), free(bound), free(got_w), free(got_v);
}

static void test_sgd_step(void **state)
{
    ops_state *ops = *state;
    const size_t counts[] = {1, 2, 7, 63, 64, 65, 200, 70001};
    for (size_t c = 0; c < OPS_LENGTH(counts) - ops->small; c++) { check_sgd(ops, counts[c]); }
}

static void check_adam(ops_state *ops, size_t count)
{
    const pt_adam adam = {0.01f, 0.9f, 0.999f, 1.0e-8f, 1.0f / (1.0f - 0.81f), 1.0f / (1.0f - 0.998f)};
    const double b1 = (double)adam.beta1, b2 = (double)adam.beta2;
    float *w = ops_random(ops, count, 2.0f), *g = ops_random(ops, count, 3.0f), *m = ops_random(ops, count, 1.0f);
    float *v = ops_random(ops, count, 1.0f);
    double *want = ops_memory(3 * count, sizeof *want), *bound = ops_memory(3 * count, sizeof *bound);
    for (size_t t = 0; t < count; t++) {
        v[t] = t % 5 == 0 ? 0.0f : fabsf(v[t]);
        if (t % 10 == 0) { g[t] = 0.0f, m[t] = 0.0f; } /* 0 / (0 + epsilon) */
        const double slope = (double)g[t];
        const double kept = b1 * (double)m[t], fresh = (1.0 - b1) * slope;
        want[t] = kept + fresh;
        bound[t] = 4.0 * EPS * (fabs(kept) + fabs(fresh));
        want[count + t] = b2 * (double)v[t] + (1.0 - b2) * slope * slope;
        bound[count + t] = 4.0 * EPS * want[count + t];
        const double scale = (double)adam.learning_rate * (double)adam.correction1 /
                             (sqrt((double)adam.correction2 * want[count + t]) + (double)adam.epsilon);
        want[2 * count + t] = (double)w[t] - scale * want[t];
        bound[2 * count + t] = 4.0 * EPS * fabs((double)w[t]) + 16.0 * EPS * scale * (fabs(kept) + fabs(fresh));
    }
    ops_array dw = ops_put(ops, w, count), dg = ops_put(ops, g, count), dm = ops_put(ops, m, count);
    ops_array dv = ops_put(ops, v, count);
    OPS_OK(ops, pt_adam_step(ops->be, &dw.view, &dg.view, &dm.view, &dv.view, &adam, &ops->err));
    float *got_w = ops_take(ops, &dw), *got_m = ops_take(ops, &dm), *got_v = ops_take(ops, &dv);
    char what[64];
    snprintf(what, sizeof what, "adam_step %zu", count);
    ops_compare(ops, what, got_m, want, bound, count, count);
    ops_compare(ops, what, got_v, want + count, bound + count, count, count);
    ops_compare(ops, what, got_w, want + 2 * count, bound + 2 * count, count, count);
    ops_drop(ops, &dg);
    free(w), free(g), free(m), free(v), free(want), free(bound), free(got_w), free(got_m), free(got_v);
}

static void test_adam_step(void **state)
{
    ops_state *ops = *state;
    const size_t counts[] = {1, 2, 7, 63, 64, 65, 200, 70001};
    for (size_t c = 0; c < OPS_LENGTH(counts) - ops->small; c++) { check_adam(ops, counts[c]); }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bias_activation),
        cmocka_unit_test(test_activation_of_nan),
        cmocka_unit_test(test_activation_gradient),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_sgd_step),
        cmocka_unit_test(test_adam_step),
    };
    return ops_main(tests, OPS_LENGTH(tests));
}
