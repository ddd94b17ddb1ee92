/* The ops between points and grids, on every backend. */
#include "ops.h"
#include "oracles.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EPS ((double)FLT_EPSILON)

/* Grids of odd and even sides, the least ones among them. */
static const size_t sides[][3] = {{4, 4, 4},   {7, 9, 8},   {9, 17, 10}, {33, 20, 1},  {5, 6, 70},
                                  {33, 65, 1}, {70, 21, 1}, {9, 150, 1}, {4, 1030, 1}, {16, 17, 32}};

static size_t cases(const ops_state *ops)
{
    return (OPS_LENGTH(sides) - (ops->small ? 6 : 0)) * 2;
}

/* Case s: sides s / 2, in both dimensions; those that end in 1 are of two dimensions alone. */
static pt_grid grid_of(size_t s)
{
    const size_t *side = sides[s / 2];
    const size_t d = side[2] == 1 ? 2 : 2 + s % 2;
    return (pt_grid){.d = d,
                     .size = {side[0], side[1], d == 3 ? side[2] : 1},
                     .origin = {-3.25f, 7.0f, 0.125f},
                     .spacing = s % 3 == 0 ? 0.4f : 0.5f};
}

/* Points for case s: many where the oracle has few nodes to look at. */
static size_t count_of(const ops_state *ops, size_t s)
{
    const size_t counts[] = {1, 2, 37, 200, 900};
    return ops->small ? counts[s % 3] : s == 1 || s == 6 || s == 12 ? 12000 : counts[s % OPS_LENGTH(counts)];
}

static void name_case(char *what, size_t bytes, const char *op, const pt_grid *g, size_t n)
{
    snprintf(what, bytes, "%s %zu x %zu x %zu, d = %zu, %zu points", op, g->size[0], g->size[1], g->size[2], g->d, n);
}

/* Points over all of the grid that a point may lie on; some share a place, some sit on nodes, some crowd in one cell. */
static float *points_of(ops_state *ops, const pt_grid *g, size_t n)
{
    float *y = ops_memory(n * g->d, sizeof *y);
    for (size_t i = 0; i < n; i++) {
        for (size_t a = 0; a < g->d; a++) {
            const double least = (double)(PT_GRID_ORDER / 2 - 1), room = (double)(g->size[a] - PT_GRID_ORDER + 1);
            double u = least + 0.01 + (room - 0.02) * (double)pt_random_uniform(&ops->random);
            if (i % 5 == 3) { u = least + 0.5; }
            if (i % 7 == 6) { u = floor(u) > least ? floor(u) : least + 0.25; }
            y[i * g->d + a] = (float)((double)g->origin[a] + u * (double)g->spacing);
            if (i % 11 == 10) { y[i * g->d + a] = y[(i - 1) * g->d + a]; }
        }
    }
    return y;
}

/* What positions in float32 may shift a spline's weight by, and the arithmetic of the weights. */
static double weight_error(const pt_grid *g)
{
    double most = 0.0;
    for (size_t a = 0; a < g->d; a++) { most = fmax(most, (double)g->size[a] + fabs((double)g->origin[a])); }
    return (32.0 + 8.0 * most) * EPS;
}

static void test_spread(void **state)
{
    ops_state *ops = *state;
    for (size_t s = 0; s < cases(ops); s++) {
        const pt_grid g = grid_of(s);
        const size_t n = count_of(ops, s), nodes = pt_grid_nodes(&g);
        float *y = points_of(ops, &g, n);
        double *want = ops_memory(nodes, sizeof *want), *bound = ops_memory(nodes, sizeof *bound);
        oracle_grid_spread(&g, y, n, want, bound);
        for (size_t t = 0; t < nodes; t++) { bound[t] = bound[t] * weight_error(&g) + (double)n * EPS * want[t]; }
        ops_array dy = ops_put(ops, y, n * g.d), charge = ops_put(ops, NULL, nodes);
        ops_array scratch = ops_put(ops, NULL, pt_grid_spread_scratch(ops->be, &g, n));
        OPS_OK(ops, pt_grid_spread(ops->be, &g, &dy.view, n, &scratch.view, &charge.view, &ops->err));
        float *got = ops_take(ops, &charge);
        char what[128];
        name_case(what, sizeof what, "grid_spread", &g, n);
        ops_compare(ops, what, got, want, bound, nodes, g.size[g.d - 1]);
        ops_discard(ops, &scratch), ops_drop(ops, &dy);
        free(y), free(want), free(bound), free(got);
    }
}

/* A point outside, or NaN, must not write outside the charges or potentials: the guards tell. */
static void test_outside(void **state)
{
    ops_state *ops = *state;
    const float far[] = {NAN, INFINITY, -INFINITY, 1.0e30f, -1.0e30f, -3.3f, 1.0e5f};
    for (size_t s = 0; s < 4; s++) {
        const pt_grid g = grid_of(s + 2);
        const size_t n = 2 * OPS_LENGTH(far), nodes = pt_grid_nodes(&g);
        float *y = points_of(ops, &g, n);
        for (size_t i = 0; i < OPS_LENGTH(far); i++) { y[2 * i * g.d + i % g.d] = far[i]; }
        ops_array dy = ops_put(ops, y, n * g.d), charge = ops_put(ops, NULL, nodes);
        ops_array scratch = ops_put(ops, NULL, pt_grid_spread_scratch(ops->be, &g, n));
        OPS_OK(ops, pt_grid_spread(ops->be, &g, &dy.view, n, &scratch.view, &charge.view, &ops->err));
        ops_array potential = ops_put(ops, NULL, nodes);
        ops_array room = ops_put(ops, NULL, pt_grid_convolve_scratch(ops->be, &g));
        const pt_grid_kernel kernel = {.tap = {{1.0f, 0.5f}, {1.0f, 0.25f}}, .weight = {1.0f, 1.0f}, .reach = 1};
        OPS_OK(ops, pt_grid_convolve(ops->be, &g, &kernel, &charge.view, &dy.view, n, &room.view, &potential.view,
                                     &ops->err));
        ops_discard(ops, &potential), ops_discard(ops, &room);
        ops_discard(ops, &charge), ops_discard(ops, &scratch), ops_drop(ops, &dy);
        free(y);
    }
}

static void test_gather(void **state)
{
    ops_state *ops = *state;
    for (size_t s = 0; s < cases(ops); s++) {
        const pt_grid g = grid_of(s);
        const size_t n = count_of(ops, s), nodes = pt_grid_nodes(&g), d = g.d;
        const float base = s % 2 == 0 ? 0.0f : 3.5f, scale = s % 3 == 0 ? -0.5f : 2.0f;
        float *y = points_of(ops, &g, n), *values = ops_random(ops, nodes, 10.0f);
        double *psi = ops_memory(n, sizeof *psi), *psi_bound = ops_memory(n, sizeof *psi_bound);
        double *force = ops_memory(n * d, sizeof *force), *force_bound = ops_memory(n * d, sizeof *force_bound);
        const bool add = s % 4 >= 2;
        float *psi_before = ops_random(ops, n, 10.0f), *force_before = ops_random(ops, n * d, 10.0f);
        for (size_t i = 0; i < n; i++) {
            double slope[3];
            const oracle_entry read = oracle_grid_read(&g, values, y + i * d, slope);
            const double stood = add ? (double)psi_before[i] : 0.0;
            psi[i] = stood + (double)base + read.value;
            psi_bound[i] = weight_error(&g) * read.terms + 4.0 * EPS * (fabs((double)base) + fabs(stood));
            for (size_t a = 0; a < d; a++) {
                const double pushed = add ? (double)force_before[i * d + a] : 0.0;
                force[i * d + a] = pushed + (double)scale * slope[a];
                force_bound[i * d + a] = 4.0 * fabs((double)scale) / (double)g.spacing * weight_error(&g) * read.terms +
                                         4.0 * EPS * fabs(pushed);
            }
        }
        ops_array dy = ops_put(ops, y, n * d), dv = ops_put(ops, values, nodes);
        ops_array df = ops_put(ops, add ? force_before : NULL, n * d), dp = ops_put(ops, add ? psi_before : NULL, n);
        OPS_OK(ops,
               pt_grid_gather(ops->be, &g, &dv.view, &dy.view, n, base, scale, add, &df.view, &dp.view, &ops->err));
        float *got_force = ops_take(ops, &df), *got_psi = ops_take(ops, &dp);
        char what[128];
        name_case(what, sizeof what, "grid_gather, psi,", &g, n);
        ops_compare(ops, what, got_psi, psi, psi_bound, n, n);
        name_case(what, sizeof what, "grid_gather, force,", &g, n);
        ops_compare(ops, what, got_force, force, force_bound, n * d, d);
        ops_drop(ops, &dy), ops_drop(ops, &dv);
        free(y), free(values), free(psi), free(psi_bound), free(force), free(force_bound), free(got_force),
            free(got_psi), free(psi_before), free(force_before);
    }
}

/* The grid that field.c puts over this one, or (other) one with other sides and margin: some nodes then meet none. */
static pt_grid coarse_of(const pt_grid *fine, bool other)
{
    pt_grid coarse = *fine;
    coarse.margin = other ? 3 : 1;
    coarse.spacing = 2.0f * fine->spacing;
    for (size_t a = 0; a < fine->d; a++) {
        const size_t size = coarse.margin + (fine->size[a] - 1 + PT_GRID_ORDER / 2) / 2 + 1;
        coarse.size[a] = size + (other ? 4 : 0) < PT_GRID_ORDER ? PT_GRID_ORDER : size + (other ? 4 : 0);
        coarse.origin[a] = fine->origin[a] - coarse.spacing * (float)coarse.margin;
    }
    return coarse;
}

static void test_restrict(void **state)
{
    ops_state *ops = *state;
    for (size_t s = 0; s < cases(ops); s++) {
        const pt_grid fine = grid_of(s), coarse = coarse_of(&fine, s % 5 == 4);
        const size_t from = pt_grid_nodes(&fine), to = pt_grid_nodes(&coarse);
        float *charge = ops_random(ops, from, 3.0f);
        double *want = ops_memory(to, sizeof *want), *bound = ops_memory(to, sizeof *bound);
        oracle_grid_restrict(&fine, charge, &coarse, want, bound);
        for (size_t t = 0; t < to; t++) { bound[t] *= 32.0 * EPS; }
        ops_array df = ops_put(ops, charge, from), dt = ops_put(ops, NULL, to);
        OPS_OK(ops, pt_grid_restrict(ops->be, &fine, &df.view, &coarse, &dt.view, &ops->err));
        float *got = ops_take(ops, &dt);
        char what[128];
        name_case(what, sizeof what, "grid_restrict", &fine, 0);
        ops_compare(ops, what, got, want, bound, to, coarse.size[coarse.d - 1]);
        ops_drop(ops, &df);
        free(charge), free(want), free(bound), free(got);
    }
}

static void test_prolong(void **state)
{
    ops_state *ops = *state;
    for (size_t s = 0; s < cases(ops); s++) {
        const pt_grid fine = grid_of(s), coarse = coarse_of(&fine, s % 5 == 4);
        const size_t to = pt_grid_nodes(&fine), from = pt_grid_nodes(&coarse);
        float *potential = ops_random(ops, from, 3.0f), *before = ops_random(ops, to, 2.0f);
        double *want = ops_memory(to, sizeof *want), *bound = ops_memory(to, sizeof *bound);
        oracle_grid_prolong(&coarse, potential, &fine, before, want, bound);
        for (size_t t = 0; t < to; t++) { bound[t] *= 32.0 * EPS; }
        ops_array df = ops_put(ops, potential, from), dt = ops_put(ops, before, to);
        OPS_OK(ops, pt_grid_prolong(ops->be, &coarse, &df.view, &fine, &dt.view, &ops->err));
        float *got = ops_take(ops, &dt);
        char what[128];
        name_case(what, sizeof what, "grid_prolong", &fine, 0);
        ops_compare(ops, what, got, want, bound, to, fine.size[fine.d - 1]);
        ops_drop(ops, &df);
        free(potential), free(before), free(want), free(bound), free(got);
    }
}

/* Taps that fall off as those of a Gaussian, of both signs; reach 0 is a product with one number. */
static pt_grid_kernel kernel_of(ops_state *ops, size_t reach)
{
    pt_grid_kernel kernel = {.reach = reach, .weight = {0.75f, -1.5f}};
    for (size_t t = 0; t < PT_GRID_TERMS; t++) {
        for (size_t k = 0; k <= reach; k++) {
            kernel.tap[t][k] = (2.0f * pt_random_uniform(&ops->random) - 1.0f) / (1.0f + (float)k);
        }
    }
    return kernel;
}

static void test_convolve(void **state)
{
    ops_state *ops = *state;
    const size_t reaches[] = {8, 1, 5, 11, 3, PT_GRID_REACH, 0};
    for (size_t s = 0; s < cases(ops); s++) {
        const pt_grid g = grid_of(s);
        const size_t nodes = pt_grid_nodes(&g);
        const pt_grid_kernel kernel = kernel_of(ops, reaches[(s + s / 4) % OPS_LENGTH(reaches)]);
        float *charge = ops_random(ops, nodes, 3.0f);
        double *want = ops_memory(nodes, sizeof *want), *bound = ops_memory(nodes, sizeof *bound);
        oracle_grid_convolve(&g, &kernel, charge, want, bound);
        for (size_t t = 0; t < nodes; t++) { bound[t] *= (32.0 + 2.0 * (double)(g.d * kernel.reach)) * EPS; }
        ops_array dc = ops_put(ops, charge, nodes), dp = ops_put(ops, NULL, nodes);
        ops_array scratch = ops_put(ops, NULL, pt_grid_convolve_scratch(ops->be, &g));
        OPS_OK(ops, pt_grid_convolve(ops->be, &g, &kernel, &dc.view, NULL, 0, &scratch.view, &dp.view, &ops->err));
        float *got = ops_take(ops, &dp);
        char what[128];
        name_case(what, sizeof what, "grid_convolve", &g, kernel.reach);
        ops_compare(ops, what, got, want, bound, nodes, g.size[g.d - 1]);
        ops_discard(ops, &scratch), ops_drop(ops, &dc);
        free(charge), free(want), free(bound), free(got);
    }
}

/* Nodes at which a spline of one of the points is not 0, but for one that rounding may have put into the next cell. */
static size_t nodes_read(const pt_grid *g, const float *y, size_t n, size_t *list)
{
    size_t count = 0;
    for (size_t t = 0; t < pt_grid_nodes(g); t++) {
        const size_t inner = g->d == 3 ? g->size[1] * g->size[2] : g->size[1];
        const size_t place[] = {t / inner, g->d == 3 ? t % inner / g->size[2] : t % inner, t % g->size[2]};
        bool read = false;
        for (size_t i = 0; i < n && !read; i++) {
            double apart = 0.0;
            for (size_t a = 0; a < g->d; a++) {
                const double u = ((double)y[i * g->d + a] - (double)g->origin[a]) / (double)g->spacing;
                apart = fmax(apart, fabs(u - (double)place[a]));
            }
            read = apart < 0.5 * (double)PT_GRID_ORDER - 1.0e-4;
        }
        if (read) { list[count++] = t; }
    }
    return count;
}

/* Grids with few points, or (the last of each five) many: of one step of a row and of several, the last one short; of more nodes than
 * one thread takes, and of rows that are several strips long. */
static const struct {
    size_t sides[3], n, reach;
} readers[] = {
    {{7, 9, 8}, 1, 7},    {{33, 20, 1}, 5, 2},    {{9, 17, 10}, 2, 5},   {{33, 65, 1}, 3, 16},  {{9, 17, 10}, 60, 3},
    {{20, 18, 50}, 2, 3}, {{4, 1030, 1}, 99, 16}, {{6, 5, 150}, 3, 16},  {{4, 1030, 1}, 25, 5}, {{33, 65, 1}, 400, 7},
    {{26, 21, 36}, 3, 4}, {{9, 150, 1}, 4, 11},   {{12, 10, 130}, 4, 2}, {{16, 17, 32}, 4, 5},  {{5, 6, 70}, 100, 1},
};

/* The points of a case. Those of few lie evenly along rows, the first of them at the end. */
static float *readers_of(ops_state *ops, const pt_grid *g, size_t n)
{
    const size_t d = g->d, last = d - 1;
    float *y = points_of(ops, g, n);
    for (size_t i = 0; i < n && n < 100; i++) {
        const double room = (double)(g->size[last] - PT_GRID_ORDER);
        y[i * d + last] = g->origin[last] + g->spacing * (float)(1.7 + room * (1.0 - (double)i / (double)n));
    }
    return y;
}

/* Nodes that points do not read are of no matter. */
static void test_convolve_read(void **state)
{
    ops_state *ops = *state;
    for (size_t s = 0; s < (ops->small ? 2 : OPS_LENGTH(readers)); s++) {
        const size_t *side = readers[s].sides, n = readers[s].n, d = side[2] == 1 ? 2 : 3;
        const pt_grid g = {
            .d = d, .size = {side[0], side[1], side[2]}, .origin = {-3.25f, 7.0f, 0.125f}, .spacing = 0.5f};
        const size_t nodes = pt_grid_nodes(&g);
        const pt_grid_kernel kernel = kernel_of(ops, readers[s].reach);
        float *charge = ops_random(ops, nodes, 3.0f), *y = readers_of(ops, &g, n);
        double *want = ops_memory(nodes, sizeof *want), *bound = ops_memory(nodes, sizeof *bound);
        size_t *list = ops_memory(nodes, sizeof *list);
        oracle_grid_convolve(&g, &kernel, charge, want, bound);
        const size_t count = nodes_read(&g, y, n, list);
        ops_array dc = ops_put(ops, charge, nodes), dy = ops_put(ops, y, n * d), dp = ops_put(ops, NULL, nodes);
        ops_array scratch = ops_put(ops, NULL, pt_grid_convolve_scratch(ops->be, &g));
        OPS_OK(ops, pt_grid_convolve(ops->be, &g, &kernel, &dc.view, &dy.view, n, &scratch.view, &dp.view, &ops->err));
        float *got = ops_take_some(ops, &dp, list, count);
        for (size_t k = 0; k < count; k++) {
            const double rounding = (32.0 + 2.0 * (double)(d * kernel.reach)) * EPS;
            want[k] = want[list[k]], bound[k] = rounding * bound[list[k]];
        }
        char what[128];
        name_case(what, sizeof what, "grid_convolve for points,", &g, n);
        assert_true(count > 0);
        ops_compare(ops, what, got, want, bound, count, count);
        ops_discard(ops, &scratch), ops_drop(ops, &dc), ops_drop(ops, &dy);
        free(charge), free(y), free(want), free(bound), free(list), free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread),        cmocka_unit_test(test_outside), cmocka_unit_test(test_gather),
        cmocka_unit_test(test_restrict),      cmocka_unit_test(test_prolong), cmocka_unit_test(test_convolve),
        cmocka_unit_test(test_convolve_read),
    };
    return ops_main(tests, OPS_LENGTH(tests));
}
