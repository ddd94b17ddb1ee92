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

#include "backends.h"
#include "base/random.h"
#include "faults.h"
#include "stage_ear.h"
#include "tsne/affinities.h"
#include "tsne/neighbors.h"

/* p of one row by plain bisection on beta; 0 where the distance is not finite. */
static void oracle_conditional(const float *d2, size_t k, double perplexity, double *p)
{
    double low = 0.0, high = 0.0, beta = 1.0, before = 0.0, least = (double)INFINITY;
    for (size_t l = 0; l < k; l++) { least = fmin(least, (double)d2[l]); }
    while (beta != before) { /* until it is one double or its neighbour */
        double sum = 0.0, entropy = 0.0;
        for (size_t l = 0; l < k; l++) { sum += p[l] = isinf(d2[l]) ? 0.0 : exp(-beta * ((double)d2[l] - least)); }
        for (size_t l = 0; l < k; l++) {
            p[l] /= sum;
            entropy -= p[l] > 0.0 ? p[l] * log2(p[l]) : 0.0;
        }
        if (entropy > log2(perplexity)) {
            low = beta;
        } else {
            high = beta;
        }
        before = beta;
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

/* The mean over the perplexities; none: uniform. */
static double *oracle_joint(const graph *g, const double *perplexities, size_t count)
{
    double *joint = calloc(g->n * g->n, sizeof *joint), *p = malloc(g->k * sizeof *p);
    for (size_t i = 0; i < g->n; i++) {
        for (size_t t = 0; t < (count > 0 ? count : 1); t++) {
            if (count > 0) { oracle_conditional(g->distance + i * g->k, g->k, perplexities[t], p); }
            for (size_t l = 0; l < g->k; l++) {
                const size_t j = g->index[i * g->k + l];
                const double share = count > 0 ? p[l] / (double)count : 1.0 / (double)g->k;
                joint[i * g->n + j] += share / (2.0 * (double)g->n);
                joint[j * g->n + i] += share / (2.0 * (double)g->n);
            }
        }
    }
    free(p);
    return joint;
}

static pt_affinities_report build(pt_backend *be, const graph *g, const double *perplexities, size_t count,
                                  pt_affinities *joint)
{
    const pt_affinities_settings settings = {perplexities, count, count == 0};
    pt_affinities_report report;
    ptsne_error err = {0};
    if (pt_affinities_build(be, g->index, g->distance, g->n, g->k, &settings, NULL, joint, &report, &err) != PTSNE_OK) {
        fail_msg("%s", err.message);
    }
    return report;
}

/* The matrix written out; what every joint matrix promises is looked at on the way. */
static float *make_dense(const pt_affinities *joint)
{
    const size_t n = joint->n;
    float *dense = calloc(n * n, sizeof *dense);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        for (size_t e = joint->row[i]; e < joint->row[i + 1]; e++) {
            assert_true(joint->column[e] < n && joint->column[e] != i);
            assert_true(joint->p[e] > 0.0f && dense[i * n + joint->column[e]] == 0.0f);
            dense[i * n + joint->column[e]] = joint->p[e];
            sum += (double)joint->p[e];
        }
    }
    assert_true(fabs(sum - 1.0) <= 4.0 * (double)FLT_EPSILON);
    for (size_t e = 0; e < n * n; e++) { assert_true(dense[e] == dense[e % n * n + e / n]); } /* exactly symmetric */
    return dense;
}

static void check_dense(const pt_affinities *joint, const double *want, size_t t)
{
    const size_t n = joint->n;
    float *dense = make_dense(joint);
    for (size_t e = 0; e < n * n; e++) {
        /* entropy to 1e-5 bits: p to some 1e-4 of itself where it counts */
        if (!(fabs((double)dense[e] - want[e]) <= 1e-4 * want[e] + 1e-7 / (double)n)) {
            fail_msg("case %zu: p[%zu][%zu] is %.9g, oracle %.9g", t, e / n, e % n, (double)dense[e], want[e]);
        }
    }
    free(dense);
}

static void test_joint(void **state)
{
    const struct {
        size_t n, k, count;
        double perplexities[3];
    } cases[] = {
        {2, 1, 1, {1.0}},     {5, 4, 1, {2.0}},      {150, 149, 1, {30.0}}, {400, 15, 1, {5.0}},
        {700, 90, 1, {30.0}}, {1200, 40, 1, {12.0}}, {300, 60, 2, {5, 20}}, {300, 60, 3, {20, 2.5, 7}},
        {500, 33, 0, {0.0}},  {1100, 1, 0, {0.0}},
    };
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
        graph g = make_graph(*state, cases[t].n, cases[t].k, t);
        double *want = oracle_joint(&g, cases[t].perplexities, cases[t].count);
        pt_affinities joint;
        const pt_affinities_report report = build(*state, &g, cases[t].perplexities, cases[t].count, &joint);
        assert_true(report.duplicates == 0 && report.isolated == 0 && report.unreached == 0);
        check_dense(&joint, want, t);
        pt_affinities_destroy(&joint);
        free(want);
        graph_free(&g);
    }
}

/* All points the same, and fewer neighbours than the perplexity: uniform over the neighbours. */
static void test_degenerate(void **state)
{
    enum { N = 6, K = 3 };
    uint32_t index[N * K];
    float distance[N * K] = {0};
    for (size_t i = 0; i < N; i++) {
        for (size_t l = 0; l < K; l++) { index[i * K + l] = (uint32_t)((i + l + 1) % N); }
    }
    const graph g = {N, K, index, distance};
    const double perplexities[] = {2.0, 5.0, 3.0};
    for (int t = 0; t < 3; t++) {
        pt_affinities joint;
        const pt_affinities_report report = build(*state, &g, &perplexities[t], 1, &joint);
        assert_true(report.duplicates == (t == 0 ? N : 0) && report.isolated == 0);
        assert_true(report.unreached == (t == 2 ? 0 : N)); /* 3 neighbours do for 3 */
        assert_int_equal(joint.row[N], N * 5);             /* i + 3 is a neighbour both ways, i + 1, i + 2 one way */
        for (size_t e = 0; e < joint.row[N]; e++) {
            const size_t apart = (joint.column[e] + N - e / 5) % N;
            const double want = (apart == 3 ? 2.0 : 1.0) / (K * 2.0 * N);
            assert_true(fabs((double)joint.p[e] - want) <= 2.0 * (double)FLT_EPSILON * want);
        }
        pt_affinities_destroy(&joint);
        for (size_t e = 0; e < N * K; e++) { distance[e] = 1.0f + (float)(e % K); } /* then far apart, too few for 5 */
    }
    for (size_t e = 0; e < N * K; e++) { distance[e] = e % K == 0 ? 0.0f : 1.0f; } /* one duplicate a row is no tie */
    pt_affinities joint;
    const pt_affinities_report report = build(*state, &g, &perplexities[0], 1, &joint);
    assert_true(report.duplicates == N && report.unreached == 0);
    pt_affinities_destroy(&joint);
}

/* Places without a neighbour, told by the number, by the distance, or both; a row without any, and a point that no row has. */
static void test_missing(void **state)
{
    graph g = make_graph(*state, 200, 20, 4), whole = make_graph(*state, 200, 20, 4);
    for (size_t e = 0; e < g.n * g.k; e++) {
        const bool gone =
            e / g.k == 7 || g.index[e] == 9 || (e / g.k > 100 && e % g.k >= 12) || (e / g.k == 150 && e % g.k > 2);
        if (!gone) { continue; }
        if (e % 3 != 0) { g.index[e] = UINT32_MAX; }
        if (e % 3 != 1) { g.distance[e] = INFINITY; }
        whole.distance[e] = INFINITY; /* what the oracle goes by */
    }
    assert_int_equal(pt_graph_check(g.index, g.distance, g.n, g.k, 2, NULL), PTSNE_OK);
    for (size_t t = 0; t < 2; t++) { /* uniform, then at a perplexity */
        const double perplexity = 2.9;
        pt_affinities joint;
        const pt_affinities_report report = build(*state, &g, &perplexity, t, &joint);
        assert_true(report.isolated == 1 && report.duplicates == 0);
        assert_true(report.unreached == 0);
        float *dense = make_dense(&joint);
        for (size_t i = 0; i < g.n; i++) {
            double p[20] = {0}, out = 0.0;
            const float *d2 = whole.distance + i * g.k;
            size_t finite = 0;
            for (size_t l = 0; l < g.k; l++) { finite += !isinf(d2[l]); }
            if (finite == 0) { continue; }
            if (t == 1) { oracle_conditional(d2, g.k, perplexity, p); }
            for (size_t l = 0; l < g.k; l++) {
                const size_t j = whole.index[i * g.k + l];
                const double own = t == 1 ? p[l] : isinf(d2[l]) ? 0.0 : 1.0 / (double)finite;
                dense[i * g.n + j] -= (float)(own / (2.0 * 199.0)); /* 199 rows have a sum of 1 */
                dense[j * g.n + i] -= (float)(own / (2.0 * 199.0));
                out += own;
            }
            assert_true(fabs(out - 1.0) < 1e-9);
        }
        for (size_t e = 0; e < g.n * g.n; e++) {
            if (!(fabs((double)dense[e]) <= 1e-4 / (double)g.n)) {
                fail_msg("p[%zu][%zu] is off by %g", e / g.n, e % g.n, (double)dense[e]);
            }
        }
        free(dense);
        pt_affinities_destroy(&joint);
    }
    graph_free(&g);
    graph_free(&whole);
}

/* More entries than one band of joint.c: neighbours i + 1 .. i + k of a ring, all one way and every row alike. */
static void test_ring(void **state)
{
    enum { N = 60000, K = 90 };
    const double perplexity = 25.0, scale = 1.0 / (2.0 * N);
    graph g = {N, K, malloc(N * K * sizeof(uint32_t)), malloc(N * K * sizeof(float))};
    for (size_t e = 0; e < (size_t)N * K; e++) {
        g.index[e] = (uint32_t)((e / K + e % K + 1) % N);
        g.distance[e] = 1.0f + 0.3f * (float)(e % K);
    }
    pt_affinities joint;
    build(*state, &g, &perplexity, 1, &joint);
    double p[K];
    oracle_conditional(g.distance, K, perplexity, p);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(joint.row[i + 1] - joint.row[i], 2 * K);
        size_t last = 0;
        for (size_t e = joint.row[i]; e < joint.row[i + 1]; e++) {
            const size_t ahead = (joint.column[e] + N - i) % N, apart = ahead <= K ? ahead : N - ahead;
            assert_true(apart >= 1 && apart <= K && (e == joint.row[i] || joint.column[e] > last));
            last = joint.column[e];
            if (!(fabs((double)joint.p[e] - scale * p[apart - 1]) <= 5e-4 * scale * p[apart - 1])) {
                fail_msg("p[%zu][%zu] is %.9g, oracle %.9g", i, last, (double)joint.p[e], scale * p[apart - 1]);
            }
        }
    }
    pt_affinities_destroy(&joint);
    graph_free(&g);
}

static void check_refused(pt_backend *be, const graph *g, const double *perplexities, size_t count, ptsne_status status,
                          const char *words)
{
    const pt_affinities_settings settings = {perplexities, count, perplexities == NULL};
    pt_affinities joint;
    ptsne_error err = {0};
    assert_int_equal(pt_affinities_build(be, g->index, g->distance, g->n, g->k, &settings, NULL, &joint, NULL, &err),
                     status);
    if (strstr(err.message, words) == NULL) { fail_msg("\"%s\" is not in \"%s\"", words, err.message); }
    assert_true(joint.row == NULL && joint.column == NULL && joint.p == NULL);
}

static void test_refused(void **state)
{
    uint32_t index[] = {1, UINT32_MAX, 1, 0};
    float distance[] = {INFINITY, 1.0f, INFINITY, NAN};
    const graph empty = {2, 2, index, distance}, large = {70000, 70000, index, distance},
                none = {0, 2, index, distance};
    const double low[] = {2.0, 0.5}, nan[] = {(double)NAN}, fine[] = {2.0};
    check_refused(*state, &empty, low, 2, PTSNE_ERR_ARGUMENT, "a perplexity of 0.5");
    check_refused(*state, &empty, nan, 1, PTSNE_ERR_ARGUMENT, "a perplexity of nan");
    check_refused(*state, &empty, fine, 0, PTSNE_ERR_ARGUMENT, "no perplexity");
    check_refused(*state, &empty, fine, 1, PTSNE_ERR_DATA, "no neighbour");
    check_refused(*state, &empty, NULL, 0, PTSNE_ERR_DATA, "no neighbour");
    check_refused(*state, &large, fine, 1, PTSNE_ERR_ARGUMENT, "4294967295 pairs");
    check_refused(*state, &none, fine, 1, PTSNE_ERR_ARGUMENT, "of 0 points");
}

static void check_graph(graph *g, size_t at, uint32_t number, float distance, const char *words)
{
    const uint32_t kept = g->index[at];
    const float kept_distance = g->distance[at];
    g->index[at] = number;
    g->distance[at] = distance;
    for (size_t threads = 1; threads <= 3; threads++) {
        ptsne_error err = {0};
        assert_int_equal(pt_graph_check(g->index, g->distance, g->n, g->k, threads, &err), PTSNE_ERR_DATA);
        if (strstr(err.message, words) == NULL) { fail_msg("\"%s\" is not in \"%s\"", words, err.message); }
    }
    g->index[at] = kept;
    g->distance[at] = kept_distance;
    assert_int_equal(pt_graph_check(g->index, g->distance, g->n, g->k, 2, NULL), PTSNE_OK);
}

static void test_graph_check(void **state)
{
    graph g = make_graph(*state, 400, 30, 3);
    const size_t at = 123 * g.k + 5;
    check_graph(&g, at, 400, 1.0f, "row 123, place 5: 400 is no row (0 to 399)");
    check_graph(&g, at, 123, 1.0f, "row 123, place 5: the row itself");
    check_graph(&g, at, g.index[at - 3], 1.0f, "row 123, place 5: ");
    check_graph(&g, at, g.index[at - 3], 1.0f, "for the second time");
    check_graph(&g, at, g.index[at + 9], 1.0f, "row 123, place 14: ");
    check_graph(&g, at, g.index[at], NAN, "row 123, place 5: a distance of nan");
    check_graph(&g, at, g.index[at], -0.5f, "row 123, place 5: a distance of -0.5");
    for (size_t row = 399; row >= 250; row -= 149) { /* the first of two is told, whoever finds it */
        g.index[row * g.k + 29] = (uint32_t)row;
        ptsne_error err = {0};
        assert_int_equal(pt_graph_check(g.index, g.distance, g.n, g.k, 3, &err), PTSNE_ERR_DATA);
        assert_non_null(strstr(err.message, row == 399 ? "row 399, place 29" : "row 250, place 29"));
    }
    graph_free(&g);
}

static void assert_same(const pt_affinities *a, const pt_affinities *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->row, b->row, (a->n + 1) * sizeof *a->row);
    assert_memory_equal(a->column, b->column, a->row[a->n] * sizeof *a->column);
    assert_memory_equal(a->p, b->p, a->row[a->n] * sizeof *a->p);
}

static void test_threads(void **state)
{
    graph g = make_graph(*state, 2000, 30, 9);
    pt_backend *one = backend_cpu(1, 0), *three = backend_cpu(3, 0);
    const double perplexities[] = {10.0, 3.0};
    pt_affinities a, b;
    build(one, &g, perplexities, 2, &a);
    build(three, &g, perplexities, 2, &b);
    assert_same(&a, &b);
    pt_affinities_destroy(&a);
    pt_affinities_destroy(&b);
    pt_backend_close(one);
    pt_backend_close(three);
    graph_free(&g);
}

static ptsne_status edges_create(pt_backend *be, size_t n, size_t count, pt_edges *edges, ptsne_error *err)
{
    *edges = (pt_edges){.m = n, .n = n};
    ptsne_status status = pt_buffer_create(be, n + 1, &edges->row, err);
    if (status == PTSNE_OK) { status = pt_buffer_create(be, count, &edges->column, err); }
    return status == PTSNE_OK ? pt_buffer_create(be, count, &edges->p, err) : status;
}

static void edges_destroy(pt_backend *be, pt_edges *edges)
{
    pt_buffer_destroy(be, &edges->row);
    pt_buffer_destroy(be, &edges->column);
    pt_buffer_destroy(be, &edges->p);
}

/* The rows of `from` under other numbers, by way of the device. */
static ptsne_status permute(pt_backend *be, const pt_affinities *from, const uint32_t *order, pt_affinities *to,
                            ptsne_error *err)
{
    const size_t n = from->n, count = from->row[n];
    pt_edges edges;
    *to = (pt_affinities){.n = n};
    ptsne_status status = edges_create(be, n, count, &edges, err);
    if (status == PTSNE_OK) { status = pt_affinities_upload(be, from, order, &edges, err); }
    if (status == PTSNE_OK) {
        uint32_t *row = malloc((n + 1) * sizeof *row);
        to->row = malloc((n + 1) * sizeof *to->row);
        to->column = malloc(count * sizeof *to->column);
        to->p = malloc(count * sizeof *to->p);
        assert_true(row && to->row && to->column && to->p);
        assert_int_equal(pt_download(be, &edges.row, row, NULL), PTSNE_OK);
        assert_int_equal(pt_download(be, &edges.column, to->column, NULL), PTSNE_OK);
        assert_int_equal(pt_download(be, &edges.p, to->p, NULL), PTSNE_OK);
        for (size_t r = 0; r <= n; r++) { to->row[r] = row[r]; }
        free(row);
    }
    edges_destroy(be, &edges);
    return status;
}

/* Column n - 1 is the last of each row that has it, as pt_edges says; some have it. */
static void check_last(const pt_affinities *of)
{
    size_t count = 0;
    for (size_t r = 0; r < of->n; r++) {
        for (size_t e = of->row[r]; e < of->row[r + 1]; e++) {
            if (of->column[e] != of->n - 1) { continue; }
            assert_true(e + 1 == of->row[r + 1]);
            count++;
        }
    }
    assert_true(count > 0 && count == of->row[of->n] - of->row[of->n - 1]); /* by symmetry */
}

static void test_permute(void **state)
{
    enum { N = 900 };
    pt_backend *be = *state;
    graph g = make_graph(be, N, 40, 11);
    for (size_t l = 0; l < g.k; l++) { g.index[17 * g.k + l] = UINT32_MAX; }
    const double perplexity = 9.0;
    uint32_t order[N], back[N];
    pt_random random = {.seed = 8};
    pt_random_permutation(&random, order, N);
    for (uint32_t r = 0; r < N; r++) { back[order[r]] = r; }
    pt_affinities joint, turned, again;
    build(be, &g, &perplexity, 1, &joint);
    assert_int_equal(permute(be, &joint, order, &turned, NULL), PTSNE_OK);
    float *from = make_dense(&joint), *to = make_dense(&turned);
    for (size_t e = 0; e < (size_t)N * N; e++) { assert_true(to[e] == from[order[e / N] * N + order[e % N]]); }
    check_last(&turned);
    free(to);
    assert_int_equal(permute(be, &turned, back, &again, NULL), PTSNE_OK);
    to = make_dense(&again);
    assert_memory_equal(from, to, (size_t)N * N * sizeof *from);
    pt_affinities_destroy(&again);
    pt_backend *one = backend_cpu(1, 0);
    assert_int_equal(permute(one, &joint, order, &again, NULL), PTSNE_OK);
    pt_backend_close(one);
    assert_same(&turned, &again);
    pt_affinities_destroy(&again);
    ptsne_error err = {0};
    order[5] = order[3];
    assert_int_equal(permute(be, &joint, order, &again, &err), PTSNE_ERR_ARGUMENT);
    assert_true(again.row == NULL && strstr(err.message, "place 5 of the order") != NULL);
    order[3] = N;
    assert_int_equal(permute(be, &joint, order, &again, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "900, which is no row"));
    free(from);
    free(to);
    pt_affinities_destroy(&joint);
    pt_affinities_destroy(&turned);
    graph_free(&g);
}

/* More entries than go to the device at a time: points on a line, each with all within REACH of it. */
static void test_upload_long(void **state)
{
    enum { N = 30000, REACH = 8 };
    static size_t row[N + 1];
    static uint32_t column[2 * REACH * N], order[N];
    static float p[2 * REACH * N];
    for (size_t i = 0; i < N; i++) {
        row[i + 1] = row[i];
        for (size_t j = i < REACH ? 0 : i - REACH; j < N && j <= i + REACH; j++) {
            if (j == i) { continue; }
            column[row[i + 1]] = (uint32_t)j;
            p[row[i + 1]++] = (float)(i + j);
        }
    }
    pt_random random = {.seed = 9};
    pt_random_permutation(&random, order, N);
    pt_affinities line = {N, row, column, p}, turned;
    assert_int_equal(permute(*state, &line, order, &turned, NULL), PTSNE_OK);
    assert_true(turned.row[N] == row[N]);
    for (size_t r = 0; r < N; r++) {
        assert_true(turned.row[r + 1] - turned.row[r] == row[order[r] + 1] - row[order[r]]);
        for (size_t e = turned.row[r]; e < turned.row[r + 1]; e++) {
            const uint32_t to = order[turned.column[e]];
            assert_true(to != order[r] && to + REACH >= order[r] && to <= order[r] + REACH);
            assert_true(turned.p[e] == (float)(to + order[r]));
        }
    }
    check_last(&turned);
    pt_affinities_destroy(&turned);
}

static void test_observer(void **state)
{
    graph g = make_graph(*state, 500, 20, 5);
    const double perplexity = 5.0;
    const pt_affinities_settings settings = {&perplexity, 1, false};
    for (size_t t = 0; t < 2; t++) {
        stage_ear heard = {.stage = "affinities", .stop_at = t == 0 ? 0 : 2};
        const ptsne_observer observer = stage_observer(&heard);
        pt_affinities joint;
        ptsne_error err = {0};
        const ptsne_status status =
            pt_affinities_build(*state, g.index, g.distance, g.n, g.k, &settings, &observer, &joint, NULL, &err);
        assert_int_equal(status, t == 0 ? PTSNE_OK : PTSNE_ERR_STOPPED);
        assert_true(t == 0 ? heard.last == 2 * g.n : joint.row == NULL);
        pt_affinities_destroy(&joint);
    }
    graph_free(&g);
}

static ptsne_status do_build(pt_backend *be, void *context, ptsne_error *err)
{
    const graph *g = context;
    const double perplexities[] = {5.0, 3.0};
    const pt_affinities_settings settings = {perplexities, 2, false};
    pt_affinities joint;
    const ptsne_status status =
        pt_affinities_build(be, g->index, g->distance, g->n, g->k, &settings, NULL, &joint, NULL, err);
    assert_true((status == PTSNE_OK) == (joint.p != NULL));
    pt_affinities_destroy(&joint);
    return status;
}

static ptsne_status do_upload(pt_backend *be, void *context, ptsne_error *err)
{
    const pt_affinities *from = context;
    const uint32_t order[] = {2, 0, 1};
    pt_edges edges;
    ptsne_status status = edges_create(be, from->n, from->row[from->n], &edges, err);
    if (status == PTSNE_OK) { status = pt_affinities_upload(be, from, order, &edges, err); }
    edges_destroy(be, &edges);
    return status;
}

static ptsne_status do_check(pt_backend *be, void *context, ptsne_error *err)
{
    const graph *g = context;
    return pt_graph_check(g->index, g->distance, g->n, g->k, be->threads, err);
}

static void test_failures(void **state)
{
    graph g = make_graph(*state, 60, 15, 2);
    assert_true(faults_walk(*state, do_build, &g) >= 18);
    assert_int_equal(faults_walk(*state, do_check, &g), 1);
    size_t row[] = {0, 1, 3, 4};
    uint32_t column[] = {1, 0, 2, 1};
    float p[] = {0.2f, 0.2f, 0.3f, 0.3f};
    pt_affinities small = {3, row, column, p};
    assert_true(faults_walk(*state, do_upload, &small) >= 10); /* four arrays, three buffers, three uploads */
    graph_free(&g);
}

int main(void)
{
    pt_backend *be = backend_cpu(2, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_joint, be),       cmocka_unit_test_prestate(test_degenerate, be),
        cmocka_unit_test_prestate(test_missing, be),     cmocka_unit_test_prestate(test_ring, be),
        cmocka_unit_test_prestate(test_refused, be),     cmocka_unit_test_prestate(test_graph_check, be),
        cmocka_unit_test_prestate(test_threads, be),     cmocka_unit_test_prestate(test_permute, be),
        cmocka_unit_test_prestate(test_upload_long, be), cmocka_unit_test_prestate(test_observer, be),
        cmocka_unit_test_prestate(test_failures, be),
    };
    const int failed = cmocka_run_group_tests_name("affinities", tests, NULL, NULL);
    pt_backend_close(be);
    return failed;
}
