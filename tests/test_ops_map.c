/* The ops of one t-SNE iteration, attraction, repulsion and the step, on every backend. */
#include "ops.h"
#include "oracles.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPS ((double)FLT_EPSILON)

static const float dofs[] = {1.0f, 0.5f, 3.0f};
static const size_t sides[] = {1, 2, 7, 33, 65, 300, 1100};
enum { MAP_KINDS = 3, SMALL_SIDES = 4 };

/* Maps of every kind: clusters, tiny as at the start, far flung; some points are duplicates. */
static float *map_of(ops_state *ops, size_t n, size_t d, size_t kind)
{
    static const float scales[] = {10.0f, 1.0e-4f, 1.0e3f};
    float *y = ops_random(ops, n * d, scales[kind % MAP_KINDS]);
    for (size_t i = 3; i < n; i += 5) { memcpy(y + i * d, y + (i - 1) * d, d * sizeof *y); }
    return y;
}

/* ---- attraction ---- */

/* Rows of many lengths, every seventh without an entry, one as long as there are columns. The columns ascend; in every third row they
 * descend, the last one's place kept. */
typedef struct edges_data {
    uint32_t *row, *column;
    float *p;
    size_t count;
} edges_data;

static edges_data edges_of(ops_state *ops, size_t m, size_t n)
{
    edges_data e = {.row = ops_memory(m + 1, sizeof *e.row), .column = ops_memory(m * 41 + n, sizeof *e.column)};
    for (size_t i = 0; i < m; i++) {
        const size_t most = i == m / 2 ? n : i % 7 == 6 ? 0 : 1 + pt_random_below(&ops->random, 40);
        const size_t step = most == 0 || most >= n ? 1 : n / most;
        for (size_t k = 0; k < most && k * step < n; k++) {
            e.column[e.count++] = (uint32_t)(k * step + (step > 1 ? pt_random_below(&ops->random, step) : 0) % n);
            if (e.column[e.count - 1] >= n) { e.column[e.count - 1] = (uint32_t)(n - 1); }
        }
        for (size_t low = e.row[i], high = e.count; i % 3 == 1 && low + 2 < high; low++, high--) {
            const uint32_t column = e.column[low];
            e.column[low] = e.column[high - 2], e.column[high - 2] = column;
        }
        e.row[i + 1] = (uint32_t)e.count;
    }
    e.p = ops_random(ops, e.count + 1, 1.0f);
    for (size_t t = 0; t < e.count; t++) { e.p[t] = fabsf(e.p[t]) / (float)e.count; }
    return e;
}

typedef struct attraction_case {
    size_t m, n, d, kind;
    float dof;
    bool loss, own; /* own: `to` is y */
} attraction_case;

static void check_attraction(ops_state *ops, const attraction_case *c)
{
    const size_t m = c->m, n = c->n, d = c->d;
    float *y = map_of(ops, m, d, c->kind), *to = c->own ? y : map_of(ops, n, d, c->kind);
    edges_data e = edges_of(ops, m, n);
    double *want = ops_memory(m * d, sizeof *want), *terms = ops_memory(m * d, sizeof *terms);
    const oracle_entry loss = oracle_attraction(e.row, e.column, e.p, y, to, m, d, (double)c->dof, want, terms);
    ops_array row = ops_put(ops, e.row, m + 1), column = ops_put(ops, e.column, e.count),
              p = ops_put(ops, e.p, e.count);
    ops_array dy = ops_put(ops, y, m * d), dto = ops_put(ops, to, n * d), force = ops_put(ops, NULL, m * d);
    ops_array scratch = ops_put(ops, NULL, pt_map_scratch(m, d)), dl = ops_put(ops, NULL, 1);
    const pt_edges edges = {.m = m, .n = n, .row = row.view, .column = column.view, .p = p.view};
    OPS_OK(ops, pt_attraction(ops->be, &edges, &dy.view, c->own ? &dy.view : &dto.view, d, c->dof, &scratch.view,
                              &force.view, c->loss ? &dl.view : NULL, &ops->err));
    char what[96];
    snprintf(what, sizeof what, "attraction %zu x %zu, d = %zu, dof = %g, map %zu", m, n, d, (double)c->dof, c->kind);
    for (size_t t = 0; t < m * d; t++) { terms[t] = 1.0e-5 * terms[t] + 1.0e-37; }
    float *got = ops_take(ops, &force);
    ops_compare(ops, what, got, want, terms, m * d, d);
    if (c->loss) {
        const double bound = 1.0e-5 * loss.value;
        float *got_loss = ops_take(ops, &dl);
        ops_compare(ops, what, got_loss, &loss.value, &bound, 1, 1);
        free(got_loss);
    } else {
        ops_drop(ops, &dl);
    }
    ops_discard(ops, &scratch);
    ops_drop(ops, &row), ops_drop(ops, &column), ops_drop(ops, &p), ops_drop(ops, &dy), ops_drop(ops, &dto);
    if (!c->own) { free(to); }
    free(y), free(e.row), free(e.column), free(e.p), free(want), free(terms), free(got);
}

static void test_attraction(void **state)
{
    ops_state *ops = *state;
    const size_t count = ops->small ? SMALL_SIDES : OPS_LENGTH(sides);
    for (size_t s = 0; s < count * 2 * MAP_KINDS * OPS_LENGTH(dofs); s++) {
        const size_t m = sides[s % count], turn = s / count;
        check_attraction(ops, &(attraction_case){.m = m,
                                                 .n = turn % 3 == 0 ? 2 * m + 5 : m,
                                                 .d = 2 + turn % 2,
                                                 .kind = turn / 2 % MAP_KINDS,
                                                 .dof = dofs[turn / (2 * MAP_KINDS)],
                                                 .loss = turn % 3 != 1,
                                                 .own = turn % 3 == 1});
    }
}

/* ---- repulsion ---- */

static void check_repulsion(ops_state *ops, size_t m, size_t n, size_t d, size_t kind, float dof, bool own)
{
    float *y = map_of(ops, m, d, kind), *to = own ? y : map_of(ops, n, d, kind);
    double *want = ops_memory(m * d, sizeof *want), *terms = ops_memory(m * d, sizeof *terms);
    double *psi = ops_memory(m, sizeof *psi), *bound = ops_memory(m, sizeof *bound);
    for (size_t i = 0; i < m; i++) {
        psi[i] = oracle_repulsion(y + i * d, to, n, d, (double)dof, want + i * d, terms + i * d);
        bound[i] = 1.0e-5 * psi[i];
    }
    for (size_t t = 0; t < m * d; t++) { terms[t] = 1.0e-5 * terms[t] + 1.0e-37; }
    ops_array dy = ops_put(ops, y, m * d), dto = ops_put(ops, to, n * d);
    ops_array force = ops_put(ops, NULL, m * d), potential = ops_put(ops, NULL, m);
    OPS_OK(ops, pt_repulsion(ops->be, &dy.view, m, own ? &dy.view : &dto.view, n, d, dof, &force.view, &potential.view,
                             &ops->err));
    char what[96];
    snprintf(what, sizeof what, "repulsion %zu x %zu, d = %zu, dof = %g, map %zu", m, n, d, (double)dof, kind);
    float *got = ops_take(ops, &force), *got_psi = ops_take(ops, &potential);
    ops_compare(ops, what, got, want, terms, m * d, d);
    ops_compare(ops, what, got_psi, psi, bound, m, 1);
    ops_drop(ops, &dy), ops_drop(ops, &dto);
    if (!own) { free(to); }
    free(y), free(want), free(terms), free(psi), free(bound), free(got), free(got_psi);
}

static void test_repulsion(void **state)
{
    ops_state *ops = *state;
    const size_t count = ops->small ? SMALL_SIDES : OPS_LENGTH(sides);
    for (size_t s = 0; s < count * 2 * MAP_KINDS * OPS_LENGTH(dofs); s++) {
        const size_t m = sides[s % count], turn = s / count;
        const bool own = turn % 3 == 1;
        check_repulsion(ops, m, own ? m : m / 2 + 20, 2 + turn % 2, turn / 2 % MAP_KINDS, dofs[turn / (2 * MAP_KINDS)],
                        own);
    }
}

/* ---- the sum of potentials ---- */

static void check_sum(ops_state *ops, const char *what, const float *psi, size_t n, float self, double want)
{
    ops_array dp = ops_put(ops, psi, n), scratch = ops_put(ops, NULL, pt_map_scratch(n, 2)), dz = ops_put(ops, NULL, 1);
    OPS_OK(ops, pt_potential_sum(ops->be, &dp.view, n, self, &scratch.view, &dz.view, &ops->err));
    const double bound = 4.0 * EPS * want;
    float *z = ops_take(ops, &dz);
    ops_compare(ops, what, z, &want, &bound, 1, 1);
    ops_discard(ops, &scratch);
    ops_drop(ops, &dp);
    free(z);
}

/* As many potentials near n as a small map has; potentials barely above the self term, where the difference is all; none left. */
static void test_potential_sum(void **state)
{
    ops_state *ops = *state;
    const size_t counts[] = {1, 2, 1000, 4097, 70001, 1000000};
    for (size_t s = 0; s < OPS_LENGTH(counts) - (ops->small ? 2 : 0); s++) {
        const size_t n = counts[s];
        float *psi = ops_random(ops, n, 0.5f);
        double near = 0.0, above = 0.0;
        for (size_t i = 0; i < n; i++) {
            psi[i] += (float)n + 1.0f;
            near += (double)psi[i] - 1.0;
        }
        check_sum(ops, "potential_sum near n", psi, n, 1.0f, near);
        for (size_t i = 0; i < n; i++) {
            psi[i] = 1.0f + (float)(i % 3) * FLT_EPSILON;
            above += (double)psi[i] - 1.0;
        }
        check_sum(ops, "potential_sum above self", psi, n, 1.0f, above < (double)FLT_MIN ? (double)FLT_MIN : above);
        for (size_t i = 0; i < n; i++) { psi[i] = 1.0f; }
        check_sum(ops, "potential_sum of nothing", psi, n, 1.0f, (double)FLT_MIN);
        free(psi);
    }
}

/* ---- the step ---- */

typedef struct step_data {
    float *attraction, *repulsion, *z, *y, *velocity, *gains;
} step_data;

/* Every fifth velocity and every seventh pair of forces is 0. */
static step_data step_of(ops_state *ops, size_t n, size_t d)
{
    step_data s = {ops_random(ops, n * d, 1.0e-3f), ops_random(ops, n * d, 50.0f), ops_random(ops, n, 1.0e4f),
                   ops_random(ops, n * d, 30.0f),   ops_random(ops, n * d, 2.0f),  ops_random(ops, n * d, 1.5f)};
    for (size_t t = 0; t < n * d; t++) {
        if (t % 5 == 0) { s.velocity[t] = 0.0f; }
        if (t % 7 == 0) { s.attraction[t] = s.repulsion[t] = 0.0f; }
        s.gains[t] = 0.01f + fabsf(s.gains[t]);
    }
    for (size_t i = 0; i < n; i++) { s.z[i] = 1.0e3f + fabsf(s.z[i]); }
    if (n > 2) { s.z[2] = 0.0f, memset(s.repulsion + 2 * d, 0, d * sizeof(float)); } /* far from everything */
    return s;
}

/* Results of the oracle and their bounds. */
typedef struct step_want {
    double *y, *velocity, *gains, *y_bound, *bound, *gains_bound;
    double gradient, length;
} step_want;

static void want_point(const pt_descent *by, const step_data *s, size_t i, size_t d, step_want *w)
{
    double square = 0.0;
    const double z = fmax((double)s->z[by->own_z ? i : 0], (double)FLT_MIN);
    for (size_t t = i * d; t < (i + 1) * d; t++) {
        const double pull = (double)by->exaggeration * (double)s->attraction[t], push = (double)s->repulsion[t] / z;
        w->gains[t] = (double)s->gains[t];
        w->velocity[t] = oracle_velocity(by, pull - push, (double)s->velocity[t], &w->gains[t]);
        w->bound[t] = 8.0 * EPS *
                      (fabs((double)by->momentum * (double)s->velocity[t]) +
                       (double)by->learning_rate * w->gains[t] * (fabs(pull) + fabs(push)));
        w->gains_bound[t] = 4.0 * EPS * w->gains[t];
        w->gradient += (pull - push) * (pull - push);
        square += w->velocity[t] * w->velocity[t];
    }
    const double length = sqrt(square), most = (double)by->max_step, shortened = length > most ? most / length : 1.0;
    for (size_t t = i * d; t < (i + 1) * d; t++) {
        w->bound[t] += 4.0 * EPS * length;
        w->velocity[t] *= shortened;
        w->y[t] = (double)s->y[t] + w->velocity[t];
        w->y_bound[t] = w->bound[t] + EPS * fabs(w->y[t]);
    }
    w->length += square * shortened * shortened;
}

static void check_stats(ops_state *ops, const char *what, const float *got, const float *y, size_t n, size_t d,
                        const step_want *w)
{
    for (size_t a = 0; a < d; a++) {
        float least = INFINITY, most = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            least = fminf(least, y[i * d + a]);
            most = fmaxf(most, y[i * d + a]);
        }
        if (got[a] != least || got[d + a] != most) {
            fail_msg("%s %s: column %zu in %g .. %g, told %g .. %g", ops->be->ops->name, what, a, (double)least,
                     (double)most, (double)got[a], (double)got[d + a]);
        }
    }
    const double want[] = {w->gradient, w->length}, bound[] = {1.0e-5 * w->gradient, 1.0e-5 * w->length};
    ops_compare(ops, what, got + PT_STEP_GRADIENT(d), want, bound, 2, 2);
}

static void check_step(ops_state *ops, const pt_descent *by, size_t n, size_t d)
{
    step_data s = step_of(ops, n, d);
    double *memory = ops_memory(6 * n * d, sizeof *memory);
    step_want w = {
        memory, memory + n * d, memory + 2 * n * d, memory + 3 * n * d, memory + 4 * n * d, memory + 5 * n * d, 0.0,
        0.0};
    for (size_t i = 0; i < n; i++) { want_point(by, &s, i, d, &w); }
    ops_array attraction = ops_put(ops, s.attraction, n * d), repulsion = ops_put(ops, s.repulsion, n * d);
    ops_array z = ops_put(ops, s.z, by->own_z ? n : 1), y = ops_put(ops, s.y, n * d);
    ops_array velocity = ops_put(ops, s.velocity, n * d), gains = ops_put(ops, s.gains, n * d);
    ops_array scratch = ops_put(ops, NULL, pt_map_scratch(n, d)), stats = ops_put(ops, NULL, PT_STEP_STATS(d));
    OPS_OK(ops, pt_embedding_step(ops->be, by, &attraction.view, &repulsion.view, &z.view, n, d, &y.view,
                                  &velocity.view, &gains.view, &scratch.view, &stats.view, &ops->err));
    char what[96];
    snprintf(what, sizeof what, "embedding_step n = %zu, d = %zu, at most %g, own_z %d", n, d, (double)by->max_step,
             by->own_z);
    float *got_y = ops_take(ops, &y), *got_v = ops_take(ops, &velocity), *got_gains = ops_take(ops, &gains);
    float *got = ops_take(ops, &stats);
    ops_compare(ops, what, got_gains, w.gains, w.gains_bound, n * d, d);
    ops_compare(ops, what, got_v, w.velocity, w.bound, n * d, d);
    ops_compare(ops, what, got_y, w.y, w.y_bound, n * d, d);
    check_stats(ops, what, got, got_y, n, d, &w);
    ops_discard(ops, &scratch);
    ops_drop(ops, &attraction), ops_drop(ops, &repulsion), ops_drop(ops, &z);
    free(s.attraction), free(s.repulsion), free(s.z), free(s.y), free(s.velocity), free(s.gains), free(memory);
    free(got_y), free(got_v), free(got_gains), free(got);
}

static void test_embedding_step(void **state)
{
    ops_state *ops = *state;
    const size_t counts[] = {1, 2, 7, 33, 300, 2100, 5000};
    for (size_t s = 0; s < OPS_LENGTH(counts) * 4 - (ops->small ? 12 : 0); s++) {
        const pt_descent by = {.exaggeration = s % 3 == 0 ? 12.0f : 1.0f,
                               .learning_rate = 200.0f,
                               .momentum = 0.8f,
                               .least_gain = 0.05f,
                               .max_step = s % 4 < 2 ? INFINITY : 1.0f,
                               .own_z = s % 8 >= 4};
        check_step(ops, &by, counts[s / 4], 2 + s % 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attraction),
        cmocka_unit_test(test_repulsion),
        cmocka_unit_test(test_potential_sum),
        cmocka_unit_test(test_embedding_step),
    };
    return ops_main(tests, OPS_LENGTH(tests));
}
