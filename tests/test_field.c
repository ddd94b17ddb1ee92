/* The field against all pairs in float64: what it promises for maps of every kind, and that neither threads nor what was asked before
 * change a bit. */
#include "oracles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "backends.h"
#include "base/random.h"
#include "faults.h"
#include "tsne/field.h"

#define OK(err, call)                                                                                                  \
    do {                                                                                                               \
        if ((call) != PTSNE_OK) { fail_msg("%s", (err).message); }                                                     \
    } while (0)

typedef enum map_kind { CLUSTERS, UNIFORM, ONE_PLACE } map_kind;

/* A map, and what the field may get wrong: force as relative L2 error over the sampled points, psi as the largest relative error of
 * one point, Z relative. */
typedef struct map_case {
    map_kind kind;
    size_t n, d;
    float span, dof, spacing;
    double force, psi, z;
} map_case;

static const map_case cases[] = {
    /* as maps of t-SNE are, a little coarser in two dimensions than by default, a little finer in three */
    {CLUSTERS, 20000, 2, 80.0f, 1.0f, 0.4f, 1.0e-2, 2.0e-3, 1.0e-3},
    {CLUSTERS, 20000, 3, 30.0f, 1.0f, 0.4f, 1.0e-2, 4.0e-3, 1.0e-3},
    {CLUSTERS, 20000, 2, 80.0f, 0.5f, 0.4f, 1.0e-2, 2.0e-3, 1.0e-3},
    {CLUSTERS, 20000, 2, 80.0f, 3.0f, 0.4f, 1.0e-2, 4.0e-3, 1.0e-3},
    {CLUSTERS, 20000, 3, 30.0f, 0.5f, 0.4f, 1.0e-2, 4.0e-3, 1.0e-3},
    {CLUSTERS, 20000, 3, 30.0f, 3.0f, 0.4f, 1.0e-2, 4.0e-3, 1.0e-3},
    /* other spacings */
    {CLUSTERS, 20000, 2, 80.0f, 1.0f, 0.5f, 2.5e-2, 4.0e-3, 2.0e-3},
    {CLUSTERS, 20000, 2, 80.0f, 1.0f, 0.25f, 3.0e-3, 6.0e-4, 3.0e-4},
    {CLUSTERS, 20000, 3, 20.0f, 1.0f, 0.3f, 6.0e-3, 2.0e-3, 1.0e-3},
    /* as maps grow: the paraboloid, then grids of a third of the spacing, then grids of all of it */
    {CLUSTERS, 3000, 2, 1.0e-8f, 1.0f, 0.4f, 1.0e-5, 1.0e-6, 1.0e-6},
    {CLUSTERS, 3000, 3, 1.0e-4f, 1.0f, 0.4f, 1.0e-5, 1.0e-6, 1.0e-6},
    {UNIFORM, 3000, 2, 1.0e-4f, 0.5f, 0.4f, 1.0e-5, 1.0e-6, 1.0e-6},
    {UNIFORM, 3000, 2, 0.045f, 1.0f, 0.4f, 5.0e-3, 1.0e-4, 1.0e-4},
    {CLUSTERS, 3000, 2, 0.06f, 1.0f, 0.4f, 4.0e-2, 5.0e-4, 5.0e-4},
    {CLUSTERS, 3000, 3, 0.5f, 1.0f, 0.4f, 1.0e-2, 5.0e-4, 5.0e-4},
    {CLUSTERS, 3000, 2, 3.0f, 3.0f, 0.4f, 1.0e-2, 1.0e-3, 5.0e-4},
    {UNIFORM, 3000, 2, 9.0f, 1.0f, 0.4f, 1.0e-2, 1.0e-3, 5.0e-4},
    {UNIFORM, 3000, 2, 12.0f, 1.0f, 0.4f, 1.0e-2, 3.0e-3, 1.0e-3},
    /* spread thin: a point's own charge is most of its potential, and forces are small beside it */
    {UNIFORM, 6000, 2, 100.0f, 1.0f, 0.4f, 5.0e-2, 5.0e-3, 3.0e-3},
    {CLUSTERS, 3000, 2, 1.0e3f, 1.0f, 0.4f, 2.0e-1, 2.0e-2, 2.0e-2},
    {CLUSTERS, 3000, 3, 60.0f, 1.0f, 0.4f, 1.0e-2, 5.0e-3, 3.0e-3},
    {CLUSTERS, 9000, 3, 60.0f, 1.0f, 0.4f, 1.0e-2, 5.0e-3, 3.0e-3},
    /* few points, duplicates */
    {UNIFORM, 1, 2, 1.0f, 1.0f, 0.4f, 0.0, 3.0e-3, (double)INFINITY},
    {UNIFORM, 2, 2, 1.0f, 1.0f, 0.4f, 2.0e-2, 3.0e-3, 5.0e-3},
    {UNIFORM, 2, 3, 4.0f, 1.0f, 0.4f, 5.0e-2, 5.0e-3, 2.0e-2},
    {ONE_PLACE, 500, 3, 1.0f, 1.0f, 0.4f, 0.0, 1.0e-6, 1.0e-6},
};

#define N_CASES (sizeof cases / sizeof cases[0])

/* The map of a case; some points are duplicates. */
static float *map_of(const map_case *c)
{
    pt_random random = {.seed = 20261122, .stream = 1};
    float *y = malloc(c->n * c->d * sizeof *y), centre[20][3];
    assert_non_null(y);
    for (size_t k = 0; k < 20; k++) {
        for (size_t a = 0; a < 3; a++) { centre[k][a] = 0.8f * c->span * (pt_random_uniform(&random) - 0.5f); }
    }
    for (size_t i = 0; i < c->n; i++) {
        const size_t cluster = pt_random_below(&random, 20);
        for (size_t a = 0; a < c->d; a++) {
            const float spread = 0.03f * c->span * pt_random_normal(&random);
            const float place = c->span * (pt_random_uniform(&random) - 0.5f);
            y[i * c->d + a] = c->kind == CLUSTERS ? centre[cluster][a] + spread : c->kind == UNIFORM ? place : 0.7f;
            if (i % 50 == 49) { y[i * c->d + a] = y[(i - 1) * c->d + a]; }
        }
    }
    return y;
}

static void box_of(const float *y, size_t n, size_t d, float low[3], float high[3])
{
    for (size_t a = 0; a < d; a++) { low[a] = high[a] = y[a]; }
    for (size_t t = 0; t < n * d; t++) {
        low[t % d] = y[t] < low[t % d] ? y[t] : low[t % d];
        high[t % d] = y[t] > high[t % d] ? y[t] : high[t % d];
    }
}

/* What a field says of a map: force n x d, potential n. */
typedef struct answer {
    float *force, *potential;
} answer;

static void answer_free(answer *a)
{
    free(a->force), free(a->potential);
    *a = (answer){0};
}

static ptsne_status ask(pt_backend *be, pt_field *field, const float *y, size_t n, size_t d, bool own, answer *got,
                        ptsne_error *err)
{
    float low[3], high[3];
    pt_buffer points = {0}, force = {0}, potential = {0};
    box_of(y, n, d, low, high);
    ptsne_status status = pt_buffer_create(be, n * d, &points, err);
    if (status == PTSNE_OK) { status = pt_buffer_create(be, n * d, &force, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, n, &potential, err); }
    if (status == PTSNE_OK) { status = pt_upload(be, y, &points, err); }
    if (status == PTSNE_OK) { status = pt_field_build(field, &points, n, low, high, own, err); }
    if (status == PTSNE_OK) { status = pt_field_evaluate(field, &points, n, &force, &potential, err); }
    if (status == PTSNE_OK) { status = pt_download(be, &force, got->force, err); }
    if (status == PTSNE_OK) { status = pt_download(be, &potential, got->potential, err); }
    pt_buffer_destroy(be, &points);
    pt_buffer_destroy(be, &force);
    pt_buffer_destroy(be, &potential);
    return status;
}

static answer answer_of(pt_backend *be, pt_field *field, const float *y, size_t n, size_t d, bool own)
{
    ptsne_error err = {0};
    answer got = {malloc(n * d * sizeof(float)), malloc(n * sizeof(float))};
    assert_true(got.force != NULL && got.potential != NULL);
    OK(err, ask(be, field, y, n, d, own, &got, &err));
    return got;
}

/* Hold what the field said to the oracle at up to 200 points. */
static void check_case(const map_case *c, const float *y, const answer *got)
{
    double off = 0.0, all = 0.0, worst = 0.0, z = 0.0, z_want = 0.0, want[3], terms[3];
    const size_t m = c->n < 200 ? c->n : 200;
    for (size_t s = 0; s < m; s++) {
        const size_t i = s * c->n / m;
        const double psi = oracle_repulsion(y + i * c->d, y, c->n, c->d, (double)c->dof, want, terms);
        for (size_t a = 0; a < c->d; a++) {
            const double apart = (double)got->force[i * c->d + a] - want[a];
            off += apart * apart;
            all += want[a] * want[a];
        }
        worst = fmax(worst, fabs((double)got->potential[i] - psi) / psi);
        z += (double)got->potential[i] - 1.0;
        z_want += psi - 1.0;
    }
    const double force = all > 0.0 ? sqrt(off / all) : 0.0, z_off = z_want > 0.0 ? fabs(z / z_want - 1.0) : 0.0;
    if (!(force <= c->force && worst <= c->psi && z_off <= c->z)) {
        fail_msg("%s, n = %zu, d = %zu, %g wide, dof %g, spacing %g: force off by %.2g of %.2g, psi %.2g of %.2g, Z "
                 "%.2g of %.2g",
                 c->kind == CLUSTERS ? "clusters" : "uniform", c->n, c->d, (double)c->span, (double)c->dof,
                 (double)c->spacing, force, c->force, worst, c->psi, z_off, c->z);
    }
}

static void test_errors(void **state)
{
    (void)state;
    pt_backend *be = backend_cpu(2, 0);
    for (size_t k = 0; k < N_CASES; k++) {
        const map_case *c = &cases[k];
        ptsne_error err = {0};
        pt_field *field;
        float *y = map_of(c);
        OK(err, pt_field_create(be, c->n, c->d, c->dof, c->spacing, &field, &err));
        for (size_t others = 0; others < 2; others++) {
            answer got = answer_of(be, field, y, c->n, c->d, others == 0);
            check_case(c, y, &got);
            answer_free(&got);
        }
        pt_field_destroy(field);
        free(y);
    }
    pt_backend_close(be);
}

/* One field sees maps that grow and shrink; a fresh one, with other threads and points in the same order, says the same. Cases
 * with a minus may be asked about other points, too. */
static void same_bits(size_t d, const int *order, size_t count)
{
    pt_backend *be[3] = {backend_cpu(1, 0), backend_cpu(2, 0), backend_cpu(3, 0)};
    ptsne_error err = {0};
    pt_field *old;
    OK(err, pt_field_create(be[1], 20000, d, 1.0f, 0.4f, &old, &err));
    for (size_t k = 0; k < count; k++) {
        const map_case *c = &cases[abs(order[k])];
        const bool own = order[k] >= 0;
        float *y = map_of(c);
        assert_int_equal(c->d, d);
        answer got = answer_of(be[1], old, y, c->n, d, own);
        for (size_t t = 0; t < 3; t++) {
            pt_field *fresh;
            OK(err, pt_field_create(be[t], 20000, d, 1.0f, 0.4f, &fresh, &err));
            answer again = answer_of(be[t], fresh, y, c->n, d, own);
            assert_memory_equal(again.force, got.force, c->n * d * sizeof(float));
            assert_memory_equal(again.potential, got.potential, c->n * sizeof(float));
            answer_free(&again);
            pt_field_destroy(fresh);
        }
        answer_free(&got);
        free(y);
    }
    pt_field_destroy(old);
    for (size_t t = 0; t < 3; t++) { pt_backend_close(be[t]); }
}

static void test_same_bits(void **state)
{
    (void)state;
    const int flat[] = {0, 9, 16, 12, 0, 18, 19, -19, 17, -18, 13, 0},
              solid[] = {1, 20, 10, 20, -20, 21, 14, 20, -21, 1, 25};
    same_bits(2, flat, sizeof flat / sizeof flat[0]);
    same_bits(3, solid, sizeof solid / sizeof solid[0]);
}

/* The field takes what the plan said, to the element, on grids; and says so where that is too much. */
static void test_memory(void **state)
{
    (void)state;
    ptsne_error err = {0};
    const float low[] = {-20.0f, -30.0f, -10.0f}, high[] = {25.0f, 31.0f, 14.0f}, wide[] = {1.0e6f, 1.0e6f, 1.0e6f};
    for (size_t d = 2; d <= 3; d++) {
        pt_backend *be = backend_cpu(1, 0);
        pt_buffer y;
        pt_field *field;
        const float dof = d == 2 ? 1.0f : 0.5f;
        OK(err, pt_buffer_create(be, 10 * d, &y, &err));
        OK(err, pt_fill(be, &y, 1.0f, &err));
        OK(err, pt_field_create(be, 10, d, dof, 0.4f, &field, &err));
        const size_t before = be->memory_used, elements = pt_field_elements(be, 10, d, dof, 0.4f, low, high);
        OK(err, pt_field_build(field, &y, 10, low, high, true, &err));
        assert_int_equal(be->memory_used - before, elements * sizeof(float));
        assert_int_equal(pt_field_elements(be, 10, d, dof, 0.4f, low, wide), SIZE_MAX);
        assert_int_equal(pt_field_build(field, &y, 10, low, wide, true, &err), PTSNE_ERR_MEMORY);
        assert_non_null(strstr(err.message, "grid"));
        const float lost[] = {NAN, 0.0f, 0.0f};
        assert_int_not_equal(pt_field_build(field, &y, 10, lost, high, true, &err), PTSNE_OK);
        be->memory = be->memory_used; /* no room for a larger grid */
        const float more[] = {60.0f, 60.0f, 60.0f};
        assert_int_equal(pt_field_build(field, &y, 10, low, more, true, &err), PTSNE_ERR_MEMORY);
        pt_field_destroy(field);
        pt_buffer_destroy(be, &y);
        assert_int_equal(be->memory_used, 0);
        pt_backend_close(be);
    }
}

static const float *fault_map;

static ptsne_status fault_run(pt_backend *be, size_t n, ptsne_error *err)
{
    float force[512], potential[256];
    answer got = {force, potential};
    pt_field *field;
    ptsne_status status = pt_field_create(be, n, 2, 1.0f, 0.4f, &field, err);
    if (status == PTSNE_OK) { status = ask(be, field, fault_map, n, 2, true, &got, err); }
    pt_field_destroy(field);
    return status;
}

static ptsne_status fault_action(pt_backend *be, void *context, ptsne_error *err)
{
    const size_t *n = context;
    return fault_run(be, *n, err);
}

static void test_faults(void **state)
{
    (void)state;
    pt_backend *be = backend_cpu(1, 0);
    const map_case maps[] = {{.kind = UNIFORM, .n = 100, .d = 2, .span = 30.0f},
                             {.kind = UNIFORM, .n = 100, .d = 2, .span = 1.0e-3f}};
    for (size_t k = 0; k < 2; k++) {
        size_t n = maps[k].n;
        float *y = map_of(&maps[k]);
        fault_map = y;
        assert_true(faults_walk(be, fault_action, &n) > 8);
        free(y);
    }
    pt_backend_close(be);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
