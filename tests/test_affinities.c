#define _GNU_SOURCE
/* Sparse joint affinities against a dense float64 matrix built from the definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "faults.h"
#include "tsne/affinities.h"
#include "tsne/neighbors.h"

/* p of one row by plain bisection on beta. */
static void oracle_conditional(const float *d2, size_t k, double perplexity, double *p)
{
    double low = 0.0, high = 0.0, beta = 1.0;
    for (int step = 0; step < 2000; step++) {
        double sum = 0.0, entropy = 0.0;
        for (size_t l = 0; l < k; l++) { sum += p[l] = exp(-beta * ((double)d2[l] - (double)d2[0])); }
        for (size_t l = 0; l < k; l++) {
            p[l] /= sum;
            entropy -= p[l] > 0.0 ? p[l] * log2(p[l]) : 0.0;
        }
        if (entropy > log2(perplexity)) {
            low = beta;
        } else {
            high = beta;
        }
        beta = high > 0.0 ? 0.5 * (low + high) : 2.0 * beta;
    }
}

typedef struct graph {
    size_t n, k;
    uint32_t *index;
    float *distance;
} graph;

static graph make_graph(pt_backend *be, size_t n, size_t k, uint64_t seed)
{
    pt_random random = {.seed = seed};
    float *x = malloc(n * 5 * sizeof *x);
    for (size_t t = 0; t < n * 5; t++) {
        x[t] = pt_random_normal(&random) * (t % 35 < 5 ? 40.0f : 1.0f);
    } /* outliers */
    graph g = {n, k, malloc(n * k * sizeof *g.index), malloc(n * k * sizeof *g.distance)};
    assert_int_equal(pt_neighbors_find(be, x, n, NULL, 0, 5, "euclidean", k, NULL, g.index, g.distance, NULL),
                     PTSNE_OK);
    free(x);
    return g;
}

static void graph_free(graph *g)
{
    free(g->index);
    free(g->distance);
}

static double *oracle_joint(const graph *g, double perplexity)
{
    double *joint = calloc(g->n * g->n, sizeof *joint), *p = malloc(g->k * sizeof *p);
    for (size_t i = 0; i < g->n; i++) {
        oracle_conditional(g->distance + i * g->k, g->k, perplexity, p);
        for (size_t l = 0; l < g->k; l++) {
            const size_t j = g->index[i * g->k + l];
            joint[i * g->n + j] += p[l] / (2.0 * (double)g->n);
            joint[j * g->n + i] += p[l] / (2.0 * (double)g->n);
        }
    }
    free(p);
    return joint;
}

static void test_joint(void **state)
{
    pt_backend *be = *state;
    const struct {
        size_t n, k;
        double perplexity;
    } cases[] = {{2, 1, 1.0}, {5, 4, 2.0}, {150, 149, 30.0}, {400, 15, 5.0}, {700, 90, 30.0}};
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
        const size_t n = cases[t].n;
        graph g = make_graph(be, n, cases[t].k, t);
        double *want = oracle_joint(&g, cases[t].perplexity), sum = 0.0;
        pt_affinities joint;
        ptsne_error err = {0};
        if (pt_affinities_create(be, g.index, g.distance, n, g.k, cases[t].perplexity, &joint, &err) != PTSNE_OK) {
            fail_msg("%s", err.message);
        }
        float *dense = calloc(n * n, sizeof *dense);
        for (size_t i = 0; i < n; i++) {
            for (size_t e = joint.row[i]; e < joint.row[i + 1]; e++) {
                assert_true(joint.column[e] < n && joint.column[e] != i);
                assert_true(e == joint.row[i] || joint.column[e] > joint.column[e - 1]);
                dense[i * n + joint.column[e]] = joint.p[e];
                sum += (double)joint.p[e];
            }
        }
        assert_true(fabs(sum - 1.0) <= 4.0 * (double)FLT_EPSILON);
        for (size_t e = 0; e < n * n; e++) {
            assert_true(dense[e] == dense[e % n * n + e / n]); /* exactly symmetric */
            /* entropy to 1e-5 bits: p to some 1e-4 of itself where it counts */
            if (!(fabs((double)dense[e] - want[e]) <= 5e-4 * want[e] + 1e-7 / (double)n)) {
                fail_msg("case %zu: p[%zu][%zu] is %.9g, oracle %.9g", t, e / n, e % n, (double)dense[e], want[e]);
            }
        }
        pt_affinities_destroy(&joint);
        free(want);
        free(dense);
        graph_free(&g);
    }
}

/* All points the same, and fewer neighbours than the perplexity: uniform over the neighbours. */
static void test_degenerate(void **state)
{
    pt_backend *be = *state;
    enum { N = 6, K = 3 };
    uint32_t index[N * K];
    float distance[N * K] = {0};
    for (size_t i = 0; i < N; i++) {
        for (size_t l = 0; l < K; l++) { index[i * K + l] = (uint32_t)((i + l + 1) % N); }
    }
    for (int t = 0; t < 2; t++) {
        pt_affinities joint;
        assert_int_equal(pt_affinities_create(be, index, distance, N, K, t == 0 ? 2.0 : 5.0, &joint, NULL), PTSNE_OK);
        assert_int_equal(joint.row[N], N * 5); /* i + 3 is a neighbour both ways, i + 1, i + 2 one way */
        for (size_t e = 0; e < joint.row[N]; e++) {
            const size_t apart = (joint.column[e] + N - e / 5) % N;
            const double want = (apart == 3 ? 2.0 : 1.0) / (K * 2.0 * N);
            assert_true(fabs((double)joint.p[e] - want) <= 2.0 * (double)FLT_EPSILON * want);
        }
        pt_affinities_destroy(&joint);
        for (size_t e = 0; e < N * K; e++) { distance[e] = (float)(e % K); } /* then far apart, too few for 5 */
    }
    pt_affinities joint;
    ptsne_error err = {0};
    assert_int_equal(pt_affinities_create(be, index, distance, N, K, 0.5, &joint, &err), PTSNE_ERR_ARGUMENT);
    assert_null(joint.row);
    pt_affinities_destroy(&joint);
}

static pt_backend *open_cpu(size_t threads)
{
    const pt_backend_config config = {.spec = "cpu", .threads = threads};
    pt_backend *be = NULL;
    ptsne_error err = {0};
    if (pt_backend_open_config(&config, &be, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
    return be;
}

static void test_threads(void **state)
{
    graph g = make_graph(*state, 2000, 30, 9);
    pt_backend *one = open_cpu(1), *three = open_cpu(3);
    pt_affinities a, b;
    assert_int_equal(pt_affinities_create(one, g.index, g.distance, g.n, g.k, 10.0, &a, NULL), PTSNE_OK);
    assert_int_equal(pt_affinities_create(three, g.index, g.distance, g.n, g.k, 10.0, &b, NULL), PTSNE_OK);
    assert_memory_equal(a.row, b.row, (g.n + 1) * sizeof *a.row);
    assert_memory_equal(a.column, b.column, a.row[g.n] * sizeof *a.column);
    assert_memory_equal(a.p, b.p, a.row[g.n] * sizeof *a.p);
    pt_affinities_destroy(&a);
    pt_affinities_destroy(&b);
    pt_backend_close(one);
    pt_backend_close(three);
    graph_free(&g);
}

static ptsne_status do_create(pt_backend *be, void *context, ptsne_error *err)
{
    const graph *g = context;
    pt_affinities joint;
    const ptsne_status status = pt_affinities_create(be, g->index, g->distance, g->n, g->k, 5.0, &joint, err);
    assert_true((status == PTSNE_OK) == (joint.p != NULL));
    pt_affinities_destroy(&joint);
    return status;
}

static void test_failures(void **state)
{
    graph g = make_graph(*state, 60, 15, 2);
    assert_true(faults_walk(*state, do_create, &g) >= 13);
    graph_free(&g);
}

int main(void)
{
    pt_backend *be = open_cpu(2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_joint, be),
        cmocka_unit_test_prestate(test_degenerate, be),
        cmocka_unit_test_prestate(test_threads, be),
        cmocka_unit_test_prestate(test_failures, be),
    };
    const int failed = cmocka_run_group_tests_name("affinities", tests, NULL, NULL);
    pt_backend_close(be);
    return failed;
}
