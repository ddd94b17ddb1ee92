/* Repulsion by the tree: exact at theta 0, and else as far off as it may be; for any threads, at every place there can be. */
#include "tsne/tree.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the others first */
#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "faults.h"
#include "oracles.h"

/* Points in 20 clusters over 60 units; every fifth is a duplicate, and one lies far away. */
static float *clusters(size_t n, size_t d, uint64_t seed)
{
    pt_random random = {.seed = seed};
    float centers[20][3], *y = pt_array_zeroed(n * d, sizeof *y);
    assert_non_null(y);
    for (size_t k = 0; k < 20; k++) {
        for (size_t a = 0; a < 3; a++) { centers[k][a] = 60.0f * pt_random_uniform(&random) - 30.0f; }
    }
    for (size_t i = 0; i < n; i++) {
        const size_t k = pt_random_below(&random, 20);
        for (size_t a = 0; a < d; a++) {
            const float spread = pt_random_uniform(&random) + pt_random_uniform(&random) - 1.0f;
            y[i * d + a] = i % 5 == 4 ? y[(i - 3) * d + a] : centers[k][a] + 3.0f * spread;
        }
    }
    if (n > 10) { y[10 * d] = 300.0f; }
    return y;
}

typedef struct tree_case {
    const float *y, *to;
    size_t m, n, d;
    double theta, dof;
} tree_case;

/* Relative errors: of the forces of all points together, and the worst potential. */
typedef struct tree_error {
    double force, potential;
} tree_error;

/* What the definition says of the points of a case, whatever its theta. */
typedef struct tree_truth {
    double *force, *potential; /* m x d, m */
} tree_truth;

static tree_truth truth_of(const tree_case *c)
{
    tree_truth truth = {malloc(c->m * c->d * sizeof(double)), malloc(c->m * sizeof(double))};
    assert_true(truth.force != NULL && truth.potential != NULL);
    for (size_t i = 0; i < c->m; i++) {
        double terms[3];
        truth.potential[i] =
            oracle_repulsion(c->y + i * c->d, c->to, c->n, c->d, c->dof, truth.force + i * c->d, terms);
    }
    return truth;
}

static void truth_free(tree_truth *truth)
{
    free(truth->force);
    free(truth->potential);
}

static tree_error error_of(const tree_case *c, const tree_truth *truth, const float *force, const float *potential)
{
    double off = 0.0, size = 0.0, worst = 0.0;
    for (size_t i = 0; i < c->m; i++) {
        const double psi = truth->potential[i], *want = truth->force + i * c->d;
        for (size_t a = 0; a < c->d; a++) {
            const double apart = (double)force[i * c->d + a] - want[a];
            if (isnan(apart)) { fail_msg("point %zu has no force", i); }
            off += apart * apart;
            size += want[a] * want[a];
        }
        if (!(fabs((double)potential[i] - psi) <= worst * psi)) { worst = fabs((double)potential[i] - psi) / psi; }
    }
    return (tree_error){size > 0.0 ? sqrt(off / size) : sqrt(off), worst};
}

static void check_against(const tree_case *c, const tree_truth *truth, double force_bound, double potential_bound)
{
    ptsne_error err = {0};
    float *force = pt_array_zeroed(c->m * c->d, sizeof *force), *potential = pt_array_zeroed(c->m, sizeof *potential);
    float *again = pt_array_zeroed(c->m * c->d, sizeof *again), *again_psi = pt_array_zeroed(c->m, sizeof *again_psi);
    assert_true(force != NULL && potential != NULL && again != NULL && again_psi != NULL);
    for (size_t i = 0; i < c->m; i++) { force[i * c->d] = potential[i] = NAN; }
    for (size_t threads = 1; threads <= 3; threads++) {
        float *f = threads == 1 ? force : again, *psi = threads == 1 ? potential : again_psi;
        assert_int_equal(pt_tree_repulsion(c->y, c->m, c->to, c->n, c->d, c->theta, c->dof, threads, f, psi, &err),
                         PTSNE_OK);
        assert_memory_equal(f, force, c->m * c->d * sizeof *force);
        assert_memory_equal(psi, potential, c->m * sizeof *potential);
    }
    const tree_error off = error_of(c, truth, force, potential);
    if (!(off.force <= force_bound && off.potential <= potential_bound)) {
        fail_msg("%zu on %zu points, d = %zu, theta = %g, dof = %g: forces are %.2e off, potentials %.2e", c->n, c->m,
                 c->d, c->theta, c->dof, off.force, off.potential);
    }
    free(force), free(potential), free(again), free(again_psi);
}

static void check(const tree_case *c, double force_bound, double potential_bound)
{
    tree_truth truth = truth_of(c);
    check_against(c, &truth, force_bound, potential_bound);
    truth_free(&truth);
}

static const double dofs[] = {1.0, 0.5, 3.0};

static void test_exact(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 2, 7, 17, 200, 900};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes * 6; s++) {
        const size_t n = sizes[s / 6], d = 2 + s % 2, m = n / 2 + 9;
        float *y = clusters(n, d, s), *other = clusters(m, d, s + 1);
        check(&(tree_case){y, y, n, n, d, 0.0, dofs[s % 3]}, 1.0e-5, 1.0e-5);
        check(&(tree_case){other, y, m, n, d, 0.0, dofs[s % 3]}, 1.0e-5, 1.0e-5);
        free(y), free(other);
    }
}

/* What tree.h states for theta 0.5, and that the error shrinks with theta. */
static void test_theta(void **state)
{
    (void)state;
    for (size_t s = 0; s < 6; s++) {
        const size_t n = 2500, m = 500, d = 2 + s % 2;
        float *y = clusters(n, d, s), *other = clusters(m, d, s + 1);
        tree_case own = {y, y, n, n, d, 0.5, dofs[s / 2]};
        tree_truth truth = truth_of(&own);
        check_against(&own, &truth, 1.5e-2, 8.0e-2);
        own.theta = 0.25;
        check_against(&own, &truth, 1.0e-3, 6.0e-3);
        check(&(tree_case){other, y, m, n, d, 0.5, dofs[s / 2]}, 1.5e-2, 8.0e-2);
        truth_free(&truth);
        free(y), free(other);
    }
}

/* One place, two places a float32 step apart, a line, and a map that one point far away shrinks to a cell. */
static void test_places(void **state)
{
    (void)state;
    enum { N = 1200 };
    for (size_t d = 2; d <= 3; d++) {
        float *y = pt_array_zeroed(N * d, sizeof *y);
        assert_non_null(y);
        check(&(tree_case){y, y, N, N, d, 0.5, 1.0}, 1.0e-5, 1.0e-5);
        for (size_t i = 0; i < N; i++) { y[i * d] = i % 2 == 0 ? 1.0f : nextafterf(1.0f, 2.0f); }
        check(&(tree_case){y, y, N, N, d, 0.0, 1.0}, 1.0e-5, 1.0e-5);
        for (size_t i = 0; i < N; i++) { y[i * d + 1] = (float)i * 0.01f; }
        check(&(tree_case){y, y, N, N, d, 0.5, 1.0}, 4.0e-2, 2.0e-2);
        y[5 * d] = 1.0e8f;
        check(&(tree_case){y, y, N, N, d, 0.5, 1.0}, 4.0e-2, 2.0e-2);
        free(y);
    }
}

static ptsne_status run(pt_backend *be, void *context, ptsne_error *err)
{
    const float *y = context;
    float force[300], potential[150];
    (void)be;
    return pt_tree_repulsion(y, 100, y + 200, 50, 2, 0.5, 1.0, 1, force, potential, err);
}

static void test_failures(void **state)
{
    (void)state;
    ptsne_error err = {0};
    pt_backend *be = NULL;
    float *y = clusters(150, 2, 3);
    assert_int_equal(pt_backend_open("cpu", &be, &err), PTSNE_OK);
    assert_true(faults_walk(be, run, y) >= 18);
    pt_backend_close(be);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_theta),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
