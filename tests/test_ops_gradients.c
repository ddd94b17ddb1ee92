/* The sums and gradients over all pairs of a map, on every backend. */
#include "ops.h"
#include "oracles.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#define EPS ((double)FLT_EPSILON)

/* Maps of every kind: clusters, tiny as at the start, far flung; some points are duplicates. */
static float *map_of(ops_state *ops, size_t n, size_t d, size_t kind)
{
    static const float scales[] = {10.0f, 1.0e-4f, 1.0e3f};
    float *y = ops_random(ops, n * d, scales[kind % OPS_LENGTH(scales)]);
    for (size_t i = 3; i < n; i += 5) {
        for (size_t c = 0; c < d; c++) { y[i * d + c] = y[(i - 1) * d + c]; }
    }
    return y;
}

#define MAP_KINDS 3

static void test_student_sums(void **state)
{
    ops_state *ops = *state;
    const size_t sides[] = {1, 2, 7, 33, 63, 64, 65, 200, 1100};
    for (size_t s = 0; s < (OPS_LENGTH(sides) - (ops->small ? 5 : 0)) * 2 * MAP_KINDS; s++) {
        const size_t n = sides[s / (2 * MAP_KINDS)], d = 2 + s % 2, from = n / 3, m = n - from - n / 5;
        float *y = map_of(ops, n, d, s / 2);
        double *want = ops_memory(m, sizeof *want), *bound = ops_memory(m, sizeof *bound);
        for (size_t i = 0; i < m; i++) {
            want[i] = oracle_student_sum(y, n, d, from + i);
            bound[i] = (32.0 + (double)n) * EPS * want[i];
        }
        ops_array dy = ops_put(ops, y, n * d), dz = ops_put(ops, NULL, m);
        OPS_OK(ops, pt_student_sums(ops->be, &dy.view, n, d, from, m, &dz.view, &ops->err));
        float *got = ops_take(ops, &dz);
        char what[96];
        snprintf(what, sizeof what, "student_sums n = %zu, d = %zu, %zu from %zu, map %zu", n, d, m, from,
                 s / 2 % MAP_KINDS);
        ops_compare(ops, what, got, want, bound, m, m);
        ops_drop(ops, &dy);
        free(y), free(want), free(bound), free(got);
    }
}

/* Compare a gradient and a loss that the op under test left. The loss is one float32 behind log and sums. */
static void check_gradient(ops_state *ops, const char *what, ops_array *gradient, ops_array *loss, const double *want,
                           const double *terms, oracle_entry want_loss, size_t n, size_t d)
{
    float *got = ops_take(ops, gradient), *got_loss = ops_take(ops, loss);
    double *bound = ops_memory(n * d, sizeof *bound);
    const double c = (64.0 + (double)n) * EPS, loss_bound = c * want_loss.terms + EPS;
    for (size_t t = 0; t < n * d; t++) { bound[t] = c * terms[t] + 1.0e-37; }
    ops_compare(ops, what, got, want, bound, n * d, d);
    ops_compare(ops, what, got_loss, &want_loss.value, &loss_bound, 1, 1);
    free(got), free(got_loss), free(bound);
}

/* Affinities that sum to 1, two thirds of them 0, as from neighbour lists; symmetric. */
static float *joint_of(ops_state *ops, size_t n)
{
    float *p = ops_random(ops, n * n, 1.0f);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            const float share = i == j || p[i * n + j] < 0.33f ? 0.0f : p[i * n + j];
            p[i * n + j] = p[j * n + i] = share;
            sum += 2.0 * (double)share;
        }
    }
    for (size_t t = 0; t < n * n; t++) { p[t] = sum > 0.0 ? (float)((double)p[t] / sum) : 0.0f; }
    return p;
}

static void test_tsne_gradient(void **state)
{
    ops_state *ops = *state;
    const size_t sides[] = {1, 2, 7, 33, 63, 64, 65, 200, 600};
    for (size_t s = 0; s < (OPS_LENGTH(sides) - (ops->small ? 5 : 0)) * 2 * MAP_KINDS; s++) {
        const size_t n = sides[s / (2 * MAP_KINDS)], d = 2 + s % 2;
        const float exaggeration = s % 3 == 0 ? 1.0f : 12.0f;
        float *y = map_of(ops, n, d, s / 2), *p = joint_of(ops, n);
        double *want = ops_memory(n * d, sizeof *want), *terms = ops_memory(n * d, sizeof *terms);
        const oracle_entry loss = oracle_tsne_gradient(p, y, n, d, (double)exaggeration, want, terms);
        ops_array dp = ops_put(ops, p, n * n), dy = ops_put(ops, y, n * d), dg = ops_put(ops, NULL, n * d);
        ops_array scratch = ops_put(ops, NULL, pt_gradient_scratch(n, d)), dl = ops_put(ops, NULL, 1);
        OPS_OK(ops, pt_tsne_gradient(ops->be, &dp.view, &dy.view, n, d, exaggeration, &scratch.view, &dg.view, &dl.view,
                                     &ops->err));
        char what[96];
        snprintf(what, sizeof what, "tsne_gradient n = %zu, d = %zu, map %zu", n, d, s / 2 % MAP_KINDS);
        check_gradient(ops, what, &dg, &dl, want, terms, loss, n, d);
        ops_discard(ops, &scratch);
        ops_drop(ops, &dp), ops_drop(ops, &dy);
        free(y), free(p), free(want), free(terms);
    }
}

/* Rows show few points, so that pairs which do not push are many; every seventh edge joins a point to itself. */
static uint32_t *sample_of(ops_state *ops, size_t m, size_t points)
{
    uint32_t *sample = ops_memory(2 * m, sizeof *sample);
    for (size_t t = 0; t < 2 * m; t++) { sample[t] = (uint32_t)pt_random_below(&ops->random, points); }
    for (size_t e = 6; e < m; e += 7) { sample[m + e] = sample[e]; }
    return sample;
}

static void check_edges(ops_state *ops, size_t m, size_t d, size_t kind, size_t points)
{
    const size_t n = 2 * m;
    float *y = map_of(ops, n, d, kind);
    uint32_t *sample = sample_of(ops, m, points);
    double *want = ops_memory(n * d, sizeof *want), *terms = ops_memory(n * d, sizeof *terms);
    const oracle_entry loss = oracle_edges_gradient(y, sample, m, d, 4.0, want, terms);
    ops_array dy = ops_put(ops, y, n * d), ds = ops_put(ops, sample, n), dg = ops_put(ops, NULL, n * d);
    ops_array scratch = ops_put(ops, NULL, pt_gradient_scratch(n, d)), dl = ops_put(ops, NULL, 1);
    OPS_OK(ops,
           pt_edges_gradient(ops->be, &dy.view, &ds.view, m, d, 4.0f, &scratch.view, &dg.view, &dl.view, &ops->err));
    char what[96];
    snprintf(what, sizeof what, "edges_gradient m = %zu, d = %zu, map %zu, %zu points", m, d, kind % MAP_KINDS, points);
    check_gradient(ops, what, &dg, &dl, want, terms, loss, n, d);
    ops_discard(ops, &scratch);
    ops_drop(ops, &dy), ops_drop(ops, &ds);
    free(y), free(sample), free(want), free(terms);
}

static void test_edges_gradient(void **state)
{
    ops_state *ops = *state;
    const size_t sides[] = {1, 2, 7, 16, 31, 32, 33, 100, 300};
    for (size_t s = 0; s < (OPS_LENGTH(sides) - (ops->small ? 5 : 0)) * 2 * MAP_KINDS; s++) {
        const size_t m = sides[s / (2 * MAP_KINDS)];
        check_edges(ops, m, 2 + s % 2, s / 2, s % 4 == 0 ? 1 : s % 4 == 1 ? m / 2 + 1 : 100000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_student_sums),
        cmocka_unit_test(test_tsne_gradient),
        cmocka_unit_test(test_edges_gradient),
    };
    return ops_main(tests, OPS_LENGTH(tests));
}
