#define _GNU_SOURCE
/* Nearest neighbours against a float64 search of all pairs: data that float32 products can tell apart, and data that they
 * cannot (ties, copies, clusters far apart, one wide column). */
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
#include "tsne/bounds.h"
#include "tsne/distance.h"
#include "tsne/neighbors.h"

typedef enum kind { NORMAL, WHOLE, GREY, CLUSTERS, WIDE, EQUAL, HUGE_VALUES, STRUCTURED } kind;

static const char *const kind_names[] = {"normal", "whole", "grey", "clusters", "wide", "equal", "huge", "structured"};

static float *make_data(kind what, size_t n, size_t d, uint64_t seed)
{
    pt_random random = {.seed = seed, .stream = 1};
    float *x = malloc(n * d * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            const float normal = pt_random_normal(&random);
            float value = normal;
            if (what == WHOLE) { value = floorf(1.5f * normal); } /* hundreds of equal distances */
            if (what == GREY) { value = (float)pt_random_below(&random, 3) / 255.0f; }
            if (what == CLUSTERS) { value = 1.0e4f * (float)((i * 7 + j) % 5) + normal; }
            if (what == WIDE && j == d / 2) { value = 1.0e5f * normal; }
            if (what == EQUAL) { value = 0.1f * (float)j; }
            if (what == HUGE_VALUES) { value = 1.0e25f * normal; }
            if (what == STRUCTURED) { value = 40.0f * expf(-0.15f * (float)((j * 7) % d)) * normal + 100.0f; }
            x[i * d + j] = value;
        }
    }
    for (size_t i = 5; i < n; i += 11) { memcpy(x + i * d, x + (i - 5) * d, d * sizeof *x); } /* copies */
    return x;
}

static double oracle_distance(const char *metric, const float *a, const float *b, size_t d)
{
    double squares = 0.0, sum = 0.0, aa = 0.0, bb = 0.0, ab = 0.0;
    if (metric[0] == 'e') {
        for (size_t j = 0; j < d; j++) { squares += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]); }
        return squares;
    }
    for (size_t j = 0; j < d; j++) {
        const double u = (double)a[j], v = (double)b[j];
        sum += fabs(u - v);
        aa += u * u;
        bb += v * v;
        ab += u * v;
    }
    if (metric[0] == 'm') { return sum; }
    return aa > 0.0 && bb > 0.0 ? 1.0 - ab / sqrt(aa * bb) : 1.0; /* cosine */
}

typedef struct near {
    double distance;
    uint32_t point;
} near;

static int compare_near(const void *left, const void *right)
{
    const near *a = left, *b = right;
    if (a->distance != b->distance) { return a->distance < b->distance ? -1 : 1; }
    return (a->point > b->point) - (a->point < b->point);
}

/* All points by distance from a; the one numbered own comes last. */
static near *oracle_order(const char *metric, const float *a, const float *x, size_t n, size_t d, size_t own)
{
    near *order = malloc(n * sizeof *order);
    assert_non_null(order);
    for (size_t j = 0; j < n; j++) {
        const double distance = j == own ? (double)INFINITY : oracle_distance(metric, a, x + j * d, d);
        order[j] = (near){distance, (uint32_t)j};
    }
    qsort(order, n, sizeof *order, compare_near);
    return order;
}

/* Row of results against the oracle; two points whose oracle distances differ by rounding alone may change places. */
static void check_row(const char *name, const char *metric, const float *a, const float *x, size_t n, size_t d,
                      size_t own, size_t k, const uint32_t *index, const float *distance, double relative,
                      double absolute)
{
    near *order = oracle_order(metric, a, x, n, d, own);
    for (size_t l = 0; l < k; l++) {
        assert_true(index[l] < n && index[l] != own);
        for (size_t e = 0; e < l; e++) { assert_int_not_equal(index[e], index[l]); }
        const double want = order[l].distance, mine = oracle_distance(metric, a, x + index[l] * d, d);
        const double bound = relative * want + absolute;
        const bool tie = mine == want; /* exactly: the smaller index must come first */
        if (!(fabs(mine - want) <= bound) || (tie && relative < 1e-9 && index[l] != order[l].point)) {
            fail_msg("%s: neighbour %zu is %u at %.17g, oracle %u at %.17g", name, l, index[l], mine, order[l].point,
                     want);
        }
        const double bound_d = bound + 2.0 * (double)FLT_EPSILON * want;
        if (!(fabs((double)distance[l] - want) <= bound_d) && !(want > (double)FLT_MAX && isinf(distance[l]))) {
            fail_msg("%s: distance %zu is %.9g, oracle %.17g", name, l, (double)distance[l], want);
        }
    }
    free(order);
}

typedef struct result {
    uint32_t *index;
    float *distance;
} result;

static result find_by(pt_backend *be, pt_neighbors_road road, const float *x, size_t n, const float *query, size_t m,
                      size_t d, const char *metric, size_t k)
{
    const size_t rows = query == NULL ? n : m;
    result found = {calloc(rows * k, sizeof(uint32_t)), calloc(rows * k, sizeof(float))};
    ptsne_error err = {0};
    if (pt_neighbors_find_by(be, road, x, n, query, m, d, metric, k, NULL, found.index, found.distance, &err) !=
        PTSNE_OK) {
        fail_msg("%s", err.message);
    }
    return found;
}

static result find(pt_backend *be, const float *x, size_t n, const float *query, size_t m, size_t d, const char *metric,
                   size_t k)
{
    return find_by(be, PT_ROAD_BEST, x, n, query, m, d, metric, k);
}

static void result_free(result *found)
{
    free(found->index);
    free(found->distance);
}

static const struct {
    kind what;
    size_t n, d, k;
} cases[] = {
    {NORMAL, 2, 1, 1},      {NORMAL, 2, 5, 1},      {NORMAL, 300, 10, 15}, {NORMAL, 97, 4, 96},
    {NORMAL, 700, 1, 7},    {NORMAL, 1300, 50, 15}, {NORMAL, 300, 784, 9}, {WHOLE, 500, 6, 12},
    {WHOLE, 200, 2, 199},   {GREY, 500, 40, 12},    {GREY, 300, 4, 20},    {GREY, 400, 3, 20},
    {CLUSTERS, 400, 8, 10}, {CLUSTERS, 90, 3, 5},   {WIDE, 700, 20, 10},   {CLUSTERS, 350, 300, 5},
    {EQUAL, 120, 7, 9},     {EQUAL, 120, 2, 119},   {WIDE, 300, 2, 3},     {HUGE_VALUES, 60, 5, 6},
};

static void test_find(void **state)
{
    pt_backend *be = *state;
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
        const size_t n = cases[t].n, d = cases[t].d, k = cases[t].k;
        float *x = make_data(cases[t].what, n, d, t);
        result found = find(be, x, n, NULL, 0, d, "euclidean", k);
        for (size_t i = 0; i < n; i++) {
            check_row(kind_names[cases[t].what], "euclidean", x + i * d, x, n, d, i, k, found.index + i * k,
                      found.distance + i * k, 1e-13, 0.0);
        }
        result_free(&found);
        free(x);
    }
}

static void test_queries(void **state)
{
    pt_backend *be = *state;
    const kind kinds[] = {NORMAL, WHOLE, GREY, CLUSTERS, EQUAL};
    const size_t columns[] = {2, 12};
    for (size_t t = 0; t < 10; t++) {
        const size_t n = 230, m = 75, d = columns[t % 2], k = t < 2 ? n : 11;
        float *x = make_data(kinds[t / 2], n, d, t), *query = make_data(kinds[t / 2], m, d, t + 100);
        memcpy(query, x, d * sizeof *x); /* a query that is a point finds it */
        result found = find(be, x, n, query, m, d, "euclidean", k);
        for (size_t i = 0; i < m; i++) {
            check_row(kind_names[kinds[t / 2]], "euclidean", query + i * d, x, n, d, SIZE_MAX, k, found.index + i * k,
                      found.distance + i * k, 1e-13, 0.0);
        }
        assert_int_equal(found.index[0], 0);
        result_free(&found);
        free(x);
        free(query);
    }
}

static void test_other_metrics(void **state)
{
    pt_backend *be = *state;
    const char *const metrics[] = {"cosine", "manhattan"};
    for (size_t t = 0; t < 2; t++) {
        const size_t n = 333, d = 17, k = 9;
        float *x = make_data(NORMAL, n, d, 40 + t);
        memset(x + 3 * d, 0, d * sizeof *x); /* a row of zeros */
        result found = find(be, x, n, NULL, 0, d, metrics[t], k);
        for (size_t i = 0; i < n; i++) {
            check_row(metrics[t], metrics[t], x + i * d, x, n, d, i, k, found.index + i * k, found.distance + i * k,
                      16.0 * (double)FLT_EPSILON, 16.0 * (double)FLT_EPSILON);
        }
        result_free(&found);
        free(x);
    }
}

/* ---- the road by lower bounds, where it pays or not ---- */

static const struct {
    kind what;
    size_t n, m, d, k; /* m 0: the points themselves */
} bounded[] = {
    {STRUCTURED, 900, 0, 200, 15}, {STRUCTURED, 300, 0, 784, 30}, {STRUCTURED, 700, 90, 300, 10},
    {NORMAL, 400, 0, 256, 12},     {NORMAL, 300, 40, 40, 9},      {WHOLE, 400, 0, 200, 12},
    {GREY, 300, 50, 220, 10},      {CLUSTERS, 300, 0, 200, 8},    {WIDE, 300, 0, 160, 10},
    {EQUAL, 150, 0, 130, 11},      {HUGE_VALUES, 60, 0, 130, 6},  {STRUCTURED, 40, 0, 5, 39},
    {STRUCTURED, 2, 0, 2, 1},
};

static void test_bounds_road(void **state)
{
    pt_backend *be = *state;
    for (size_t t = 0; t < sizeof bounded / sizeof bounded[0]; t++) {
        const size_t n = bounded[t].n, m = bounded[t].m, d = bounded[t].d, k = bounded[t].k;
        float *x = make_data(bounded[t].what, n, d, t),
              *query = m > 0 ? make_data(bounded[t].what, m, d, t + 50) : NULL;
        const size_t rows = m > 0 ? m : n;
        result found = find_by(be, PT_ROAD_BOUNDS, x, n, query, m, d, "euclidean", k);
        result plain = find_by(be, PT_ROAD_PLAIN, x, n, query, m, d, "euclidean", k);
        for (size_t e = 0; e < rows * k; e++) {
            if (plain.index[e] != found.index[e] || plain.distance[e] != found.distance[e]) {
                fail_msg("%s %zu: neighbour %zu of %zu is %u at %.9g, plain %u at %.9g", kind_names[bounded[t].what], t,
                         e % k, e / k, found.index[e], (double)found.distance[e], plain.index[e],
                         (double)plain.distance[e]);
            }
        }
        result_free(&plain);
        for (size_t i = 0; i < rows && bounded[t].what != GREY;
             i++) { /* whose ties are such in one order of summing only */
            check_row(kind_names[bounded[t].what], "euclidean", (m > 0 ? query : x) + i * d, x, n, d,
                      m > 0 ? SIZE_MAX : i, k, found.index + i * k, found.distance + i * k, 1e-13, 0.0);
        }
        result_free(&found);
        free(x);
        free(query);
    }
}

/* Whichever road, and however many threads: the same bytes. */
static void test_roads_agree(void **state)
{
    (void)state;
    const size_t n = 2500, d = 160, k = 20;
    float *x = make_data(STRUCTURED, n, d, 6);
    pt_backend *one = backend_cpu(1, 0), *three = backend_cpu(3, 0);
    result plain = find_by(one, PT_ROAD_PLAIN, x, n, NULL, 0, d, "euclidean", k);
    result a = find_by(one, PT_ROAD_BOUNDS, x, n, NULL, 0, d, "euclidean", k);
    result b = find_by(three, PT_ROAD_BOUNDS, x, n, NULL, 0, d, "euclidean", k);
    assert_memory_equal(plain.index, a.index, n * k * sizeof *a.index);
    assert_memory_equal(plain.distance, a.distance, n * k * sizeof *a.distance);
    assert_memory_equal(a.index, b.index, n * k * sizeof *a.index);
    assert_memory_equal(a.distance, b.distance, n * k * sizeof *a.distance);
    result_free(&plain);
    result_free(&a);
    result_free(&b);
    pt_backend_close(one);
    pt_backend_close(three);
    free(x);
}

static pt_bounds bounds_of(pt_backend *be, const float *x, size_t n, size_t d, size_t k, bool always)
{
    pt_bounds bounds;
    ptsne_error err = {0};
    double *mean = calloc(d, sizeof *mean);
    int metric = 0;
    for (size_t t = 0; t < n * d; t++) { mean[t % d] += (double)x[t] / (double)n; }
    assert_int_equal(pt_metric_find(be, "euclidean", &metric, &err), PTSNE_OK);
    const pt_bounds_request request = {
        .be = be, .metric = metric, .x = x, .query = x, .n = n, .m = n, .d = d, .k = k, .mean = mean, .always = always};
    if (pt_bounds_create(&request, &bounds, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
    free(mean);
    return bounds;
}

/* Pairs whose bound, as the device computes it, is above the limit of their own distance: none, if bounds are right. */
static size_t bounds_broken(pt_backend *be, const pt_bounds *bounds, const float *x, size_t n, size_t d)
{
    pt_buffer rows = {0}, tile = {0};
    float *bound = malloc(n * n * sizeof *bound);
    int metric = 0;
    assert_int_equal(pt_metric_find(be, "euclidean", &metric, NULL), PTSNE_OK);
    assert_int_equal(pt_buffer_create(be, n * bounds->width, &rows, NULL), PTSNE_OK);
    assert_int_equal(pt_buffer_create(be, n * n, &tile, NULL), PTSNE_OK);
    assert_int_equal(pt_upload(be, bounds->points, &rows, NULL), PTSNE_OK);
    assert_int_equal(pt_distances(be, metric, &rows, n, &rows, n, bounds->width, &tile, NULL), PTSNE_OK);
    assert_int_equal(pt_download(be, &tile, bound, NULL), PTSNE_OK);
    size_t broken = 0;
    for (size_t t = 0; t < n * n; t++) {
        const size_t i = bounds->asker[t / n], j = bounds->point[t % n];
        const double exact = oracle_distance("euclidean", x + i * d, x + j * d, d);
        broken += (double)bound[t] > pt_bounds_limit(bounds, bounds->norm[t / n], exact);
    }
    pt_buffer_destroy(be, &rows);
    pt_buffer_destroy(be, &tile);
    free(bound);
    return broken;
}

/* Bounds hold for every pair, most closely for copies and for rows that the directions hold altogether; the share for rounding is
 * small, and without it or with a row that is off, this test sees it. */
static void test_bounds_hold(void **state)
{
    pt_backend *be = *state;
    const kind kinds[] = {STRUCTURED, WIDE, CLUSTERS};
    for (size_t t = 0; t < 3; t++) {
        const size_t n = 400, d = 150;
        float *x = make_data(kinds[t], n, d, 70 + t);
        pt_bounds bounds = bounds_of(be, x, n, d, 10, true);
        assert_true(bounds.width > 1 && bounds.c >= 10 && bounds.relative < 0.03);
        assert_int_equal(bounds_broken(be, &bounds, x, n, d), 0);
        const double relative = bounds.relative;
        bounds.relative = -relative; /* a limit that is as much too low */
        assert_true(bounds_broken(be, &bounds, x, n, d) > 0);
        bounds.relative = relative;
        bounds.points[7 * bounds.width] += 0.1f * (float)sqrt(bounds.norm[7]);
        assert_true(bounds_broken(be, &bounds, x, n, d) > 0);
        pt_bounds_destroy(&bounds);
        free(x);
    }
}

/* A sample tells a flat spectrum, for which the plain road is taken, from one that falls. */
static void test_bounds_pay(void **state)
{
    pt_backend *be = *state;
    const size_t n = 25000, d = 256;
    float *x = malloc(n * d * sizeof *x);
    pt_random random = {.seed = 8};
    for (size_t t = 0; t < n * d; t++) { x[t] = pt_random_uniform(&random); }
    pt_bounds flat = bounds_of(be, x, n, d, 30, false);
    assert_int_equal(flat.width, 0);
    for (size_t t = 0; t < n * d; t++) { x[t] *= expf(-0.1f * (float)(t % d)); }
    pt_bounds falling = bounds_of(be, x, n, d, 30, false);
    assert_true(falling.width > 1 && falling.width <= 96);
    pt_bounds_destroy(&falling);
    free(x);
}

/* Too little memory for all points, another number of threads: the same bytes. */
static void test_same_bytes(void **state)
{
    (void)state;
    const kind kinds[] = {NORMAL, CLUSTERS, GREY};
    for (size_t t = 0; t < 3; t++) {
        const size_t n = 1500, d = 30, k = 12;
        float *x = make_data(kinds[t], n, d, 60 + t);
        pt_backend *one = backend_cpu(1, 0), *small = backend_cpu(3, (size_t)160 << 10);
        result a = find(one, x, n, NULL, 0, d, "euclidean", k), b = find(small, x, n, NULL, 0, d, "euclidean", k);
        assert_memory_equal(a.index, b.index, n * k * sizeof *a.index);
        assert_memory_equal(a.distance, b.distance, n * k * sizeof *a.distance);
        assert_int_equal(small->memory_used, 0);
        result_free(&a);
        result_free(&b);
        pt_backend_close(one);
        pt_backend_close(small);
        free(x);
    }
}

static void test_arguments(void **state)
{
    pt_backend *be = *state;
    float *x = make_data(NORMAL, 20, 4, 1);
    uint32_t index[400];
    ptsne_error err = {0};
    assert_int_equal(pt_neighbors_find(be, x, 20, NULL, 0, 4, "euclidean", 20, NULL, index, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "at most 19"));
    assert_int_equal(pt_neighbors_find(be, x, 20, NULL, 0, 4, "euclidean", 0, NULL, index, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_neighbors_find(be, x, 0, NULL, 0, 4, "euclidean", 1, NULL, index, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_neighbors_find(be, x, 20, x, 20, 4, "euclidean", 21, NULL, index, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_neighbors_find(be, x, 20, x, 20, 4, "euclidean", 20, NULL, index, NULL, &err), PTSNE_OK);
    assert_int_equal(pt_neighbors_find(be, x, 20, x, 0, 4, "euclidean", 20, NULL, index, NULL, &err), PTSNE_OK);
    assert_int_equal(pt_neighbors_find(be, x, 20, NULL, 0, 4, "no such", 3, NULL, index, NULL, &err),
                     PTSNE_ERR_UNAVAILABLE);
    free(x);

    float *far = make_data(HUGE_VALUES, 20, 4, 1); /* euclidean is refined in float64, the others are not */
    for (size_t t = 0; t < 80; t++) { far[t] *= 1.0e12f; }
    assert_int_equal(pt_neighbors_find(be, far, 20, NULL, 0, 4, "euclidean", 3, NULL, index, NULL, &err), PTSNE_OK);
    far[0] = 3.0e38f, far[1] = 3.0e38f;
    assert_int_equal(pt_neighbors_find(be, far, 20, NULL, 0, 4, "manhattan", 3, NULL, index, NULL, &err),
                     PTSNE_ERR_DATA);
    free(far);
}

static void test_progress(void **state)
{
    pt_backend *be = *state;
    const struct {
        kind what;
        size_t d;
    } data[] = {{NORMAL, 2}, {NORMAL, 9}, {CLUSTERS, 9}}; /* the last is settled on the host, after two passes */
    for (size_t t = 0; t < 3; t++) {
        const size_t n = 900, k = 4, d = data[t].d;
        float *x = make_data(data[t].what, n, d, 3);
        uint32_t *index = calloc(n * k, sizeof *index);
        stage_ear heard = {.stage = "neighbours"};
        const ptsne_observer observer = stage_observer(&heard);
        assert_int_equal(pt_neighbors_find(be, x, n, NULL, 0, d, "euclidean", k, &observer, index, NULL, NULL),
                         PTSNE_OK);
        assert_int_equal(heard.last, n);
        heard = (stage_ear){.stage = "neighbours", .stop_at = 2};
        assert_int_equal(pt_neighbors_find(be, x, n, NULL, 0, d, "euclidean", k, &observer, index, NULL, NULL),
                         PTSNE_ERR_STOPPED);
        assert_int_equal(be->memory_used, 0);
        free(index);
        free(x);
    }
}

static void test_ranks(void **state)
{
    pt_backend *be = *state;
    const struct {
        kind what;
        size_t n, d, k;
        double doubt; /* of the rank */
    } data[] = {
        {NORMAL, 600, 12, 20, 0.02}, {WHOLE, 300, 7, 15, 0.0},   {CLUSTERS, 300, 9, 10, 0.02}, {WIDE, 300, 6, 10, 0.02},
        {NORMAL, 200, 2, 10, 0.02},  {CLUSTERS, 99, 2, 98, 0.0}, {EQUAL, 50, 5, 12, 0.0},      {NORMAL, 14, 5, 13, 0.0},
    };
    enum { OTHERS = 5 };
    for (size_t t = 0; t < sizeof data / sizeof data[0]; t++) {
        const size_t n = data[t].n, d = data[t].d, k = data[t].k;
        float *x = make_data(data[t].what, n, d, 200 + t);
        uint32_t *other = calloc(n * OTHERS, sizeof *other), *rank = calloc(n * OTHERS, sizeof *rank);
        uint32_t *index = calloc(n * k, sizeof *index);
        pt_random random = {.seed = 4};
        for (size_t e = 0; e < n * OTHERS; e++) {
            do {
                other[e] = (uint32_t)pt_random_below(&random, n);
            } while (other[e] == e / OTHERS);
        }
        ptsne_error err = {0};
        if (pt_neighbors_ranked(be, x, n, d, k, other, OTHERS, NULL, index, NULL, rank, &err) != PTSNE_OK) {
            fail_msg("%s", err.message);
        }
        for (size_t e = 0; e < n * OTHERS; e++) {
            const float *a = x + e / OTHERS * d;
            const double here = pt_distance_squared(a, x + other[e] * d, d); /* one order of summing for both */
            uint32_t want = 1;
            for (size_t j = 0; j < n; j++) {
                want += j != e / OTHERS && j != other[e] && pt_distance_squared(a, x + j * d, d) < here;
            }
            if (!(fabs((double)rank[e] - (double)want) <= data[t].doubt * (double)want)) {
                fail_msg("%s %zu: rank of %u from %zu is %u, oracle %u", kind_names[data[t].what], t, other[e],
                         e / OTHERS, rank[e], want);
            }
        }
        free(x);
        free(other);
        free(rank);
        free(index);
    }
}

typedef struct job {
    const float *x;
    size_t n, d, k;
    uint32_t *index, *other, *rank;
} job;

static ptsne_status do_find(pt_backend *be, void *context, ptsne_error *err)
{
    const job *j = context;
    return pt_neighbors_find(be, j->x, j->n, NULL, 0, j->d, "euclidean", j->k, NULL, j->index, NULL, err);
}

static ptsne_status do_bounds(pt_backend *be, void *context, ptsne_error *err)
{
    const job *j = context;
    return pt_neighbors_find_by(be, PT_ROAD_BOUNDS, j->x, j->n, NULL, 0, j->d, "euclidean", j->k, NULL, j->index, NULL,
                                err);
}

static ptsne_status do_rank(pt_backend *be, void *context, ptsne_error *err)
{
    const job *j = context;
    return pt_neighbors_ranked(be, j->x, j->n, j->d, j->k, j->other, 1, NULL, j->index, NULL, j->rank, err);
}

static void test_failures(void **state)
{
    pt_backend *be = *state;
    enum { N = 120, K = 4 };
    uint32_t index[N * K], other[N], rank[N];
    for (size_t i = 0; i < N; i++) { other[i] = (uint32_t)((i + 50) % N); }
    float *clusters = make_data(CLUSTERS, N, 6, 8); /* runs through both passes, the sweep and the doubtful ranks */
    job work = {clusters, N, 6, K, index, other, rank};
    assert_true(faults_walk(be, do_find, &work) > 30);
    assert_true(faults_walk(be, do_rank, &work) > 40);
    assert_true(faults_walk(be, do_bounds, &work) > 40);
    work.d = 2;
    assert_true(faults_walk(be, do_find, &work) > 5);
    free(clusters);
}

int main(void)
{
    pt_backend *be = backend_cpu(2, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_find, be),          cmocka_unit_test_prestate(test_queries, be),
        cmocka_unit_test_prestate(test_other_metrics, be), cmocka_unit_test(test_same_bytes),
        cmocka_unit_test_prestate(test_arguments, be),     cmocka_unit_test_prestate(test_progress, be),
        cmocka_unit_test_prestate(test_bounds_road, be),   cmocka_unit_test(test_roads_agree),
        cmocka_unit_test_prestate(test_bounds_hold, be),   cmocka_unit_test_prestate(test_bounds_pay, be),
        cmocka_unit_test_prestate(test_ranks, be),         cmocka_unit_test_prestate(test_failures, be),
    };
    const int failed = cmocka_run_group_tests_name("neighbors", tests, NULL, NULL);
    pt_backend_close(be);
    return failed;
}
