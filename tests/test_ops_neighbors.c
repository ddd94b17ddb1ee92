/* Distances, nearest neighbours, rank counts and affinities, on every backend. */
#include "ops.h"
#include "oracles.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPS ((double)FLT_EPSILON)

/* ---- distances ---- */

typedef oracle_entry distance_oracle(const float *a, const float *b, size_t d);

typedef struct metric_case {
    const char *name;
    distance_oracle *oracle;
    double least;
} metric_case;

static const metric_case metrics[] = {
    {"euclidean", oracle_euclidean, 0.0}, {"cosine", oracle_cosine, 0.0}, {"manhattan", oracle_manhattan, 0.0}};

static void check_distances(ops_state *ops, const metric_case *metric, size_t m, size_t n, size_t d)
{
    float *a = ops_random(ops, m * d, 3.0f), *b = ops_random(ops, n * d, 3.0f);
    memset(a, 0, d * sizeof *a);                             /* a row of zeros */
    memcpy(b + (n - 1) * d, a + (m - 1) * d, d * sizeof *b); /* one pair is the same point */
    double *want = ops_memory(m * n, sizeof *want), *bound = ops_memory(m * n, sizeof *bound);
    for (size_t t = 0; t < m * n; t++) {
        const oracle_entry entry = metric->oracle(a + t / n * d, b + t % n * d, d);
        want[t] = entry.value;
        bound[t] = (8.0 + 4.0 * (double)d) * EPS * entry.terms;
    }
    ops_array da = ops_put(ops, a, m * d), db = ops_put(ops, b, n * d), to = ops_put(ops, NULL, m * n);
    int number;
    OPS_OK(ops, pt_metric_find(ops->be, metric->name, &number, &ops->err));
    OPS_OK(ops, pt_distances(ops->be, number, &da.view, m, &db.view, n, d, &to.view, &ops->err));
    float *got = ops_take(ops, &to);
    char what[64];
    snprintf(what, sizeof what, "distances %s %zu x %zu, d = %zu", metric->name, m, n, d);
    ops_compare(ops, what, got, want, bound, m * n, n);
    for (size_t t = 0; t < m * n; t++) { assert_true(got[t] >= 0.0f); }
    ops_drop(ops, &da), ops_drop(ops, &db);
    free(a), free(b), free(want), free(bound), free(got);
}

static void test_distances(void **state)
{
    ops_state *ops = *state;
    const size_t small[][3] = {{1, 1, 1}, {2, 3, 1}, {7, 5, 2}, {1, 33, 17}, {17, 16, 16}, {33, 2, 5}};
    const size_t large[][3] = {{63, 65, 64}, {64, 64, 65},   {65, 63, 63}, {200, 7, 50},
                               {7, 600, 50}, {300, 530, 20}, {20, 30, 784}};
    for (size_t k = 0; k < OPS_LENGTH(metrics); k++) {
        for (size_t c = 0; c < OPS_LENGTH(small); c++) {
            check_distances(ops, &metrics[k], small[c][0], small[c][1], small[c][2]);
        }
        for (size_t c = 0; c < OPS_LENGTH(large) && !ops->small; c++) {
            check_distances(ops, &metrics[k], large[c][0], large[c][1], large[c][2]);
        }
    }
    int number;
    assert_int_equal(pt_metric_find(ops->be, "no such metric", &number, &ops->err), PTSNE_ERR_UNAVAILABLE);
    assert_non_null(strstr(ops->err.message, "manhattan"));
}

/* ---- nearest_merge ---- */

typedef struct neighbor {
    float distance;
    uint32_t index;
} neighbor;

static int nearer(const void *a, const void *b)
{
    const neighbor *x = a, *y = b;
    if (x->distance != y->distance) { return x->distance < y->distance ? -1 : 1; }
    return x->index < y->index ? -1 : x->index > y->index;
}

static int ascending(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

typedef struct merge_case {
    size_t m, n, k, row_from;
    int kinds; /* distances are small integers, so that ties are many; 0: random */
} merge_case;

/* A tile of columns from .. from + width of the m x n distances. */
static void merge_tile(ops_state *ops, const merge_case *c, const float *all, size_t from, size_t width,
                       const ops_array *best_d, const ops_array *best_i)
{
    float *tile = ops_memory(c->m * width, sizeof *tile);
    for (size_t t = 0; t < c->m * width; t++) { tile[t] = all[t / width * c->n + from + t % width]; }
    ops_array dt = ops_put(ops, tile, c->m * width);
    OPS_OK(ops, pt_nearest_merge(ops->be, &dt.view, c->m, width, c->row_from, from, c->k, &best_d->view, &best_i->view,
                                 &ops->err));
    ops_drop(ops, &dt);
    free(tile);
}

static void check_row(ops_state *ops, const merge_case *c, const float *all, size_t i, const float *got_d,
                      const uint32_t *got_i)
{
    neighbor *list = ops_memory(c->n + c->k, sizeof *list);
    size_t count = 0;
    for (size_t j = 0; j < c->n; j++) {
        if (c->row_from == SIZE_MAX || j != c->row_from + i) {
            list[count++] = (neighbor){all[i * c->n + j], (uint32_t)j};
        }
    }
    for (size_t l = 0; l < c->k; l++) { list[count++] = (neighbor){INFINITY, UINT32_MAX}; }
    qsort(list, count, sizeof *list, nearer);
    for (size_t l = 0; l < c->k; l++) {
        if (got_d[l] != list[l].distance || got_i[l] != list[l].index) {
            fail_msg("%s nearest_merge %zu x %zu, k = %zu: row %zu place %zu is %u at %.9g, want %u at %.9g",
                     ops->be->ops->name, c->m, c->n, c->k, i, l, (unsigned)got_i[l], (double)got_d[l],
                     (unsigned)list[l].index, (double)list[l].distance);
        }
    }
    free(list);
}

/* The columns come in three tiles, the middle one last. */
static void check_nearest(ops_state *ops, const merge_case *c)
{
    float *all = ops_random(ops, c->m * c->n, 1.0f);
    for (size_t t = 0; t < c->m * c->n; t++) {
        all[t] = c->kinds > 0 ? floorf((float)c->kinds * fabsf(all[t])) : fabsf(all[t]);
        if (t % 11 == 0) { all[t] = INFINITY; }
        if (t % 13 == 0) { all[t] = 0.0f; }
    }
    float *start_d = ops_memory(c->m * c->k, sizeof *start_d);
    uint32_t *start_i = ops_memory(c->m * c->k, sizeof *start_i);
    for (size_t t = 0; t < c->m * c->k; t++) { start_d[t] = INFINITY, start_i[t] = UINT32_MAX; }
    ops_array best_d = ops_put(ops, start_d, c->m * c->k), best_i = ops_put(ops, start_i, c->m * c->k);
    const size_t third = c->n / 3, rest = c->n - 2 * third;
    if (third > 0) { merge_tile(ops, c, all, 0, third, &best_d, &best_i); }
    merge_tile(ops, c, all, 2 * third, rest, &best_d, &best_i);
    if (third > 0) { merge_tile(ops, c, all, third, third, &best_d, &best_i); }
    float *got_d = ops_take(ops, &best_d);
    uint32_t *got_i = ops_take(ops, &best_i);
    for (size_t i = 0; i < c->m; i++) { check_row(ops, c, all, i, got_d + i * c->k, got_i + i * c->k); }
    free(all), free(start_d), free(start_i), free(got_d), free(got_i);
}

static void test_nearest_merge(void **state)
{
    ops_state *ops = *state;
    const merge_case small[] = {{1, 1, 1, 0, 0},  {1, 1, 1, SIZE_MAX, 0}, {3, 7, 2, 1, 3},
                                {2, 33, 5, 0, 4}, {5, 20, 30, 2, 0},      {9, 64, 7, SIZE_MAX, 2}};
    const merge_case large[] = {{65, 200, 15, 0, 0},  {7, 4000, 90, 100, 0},        {3, 5000, 1024, 0, 50},
                                {64, 65, 64, 1, 5},   {2, 3000, 1, 1500, 0},        {20, 2500, 90, SIZE_MAX, 40},
                                {5, 900, 1024, 7, 0}, {2, 20000, 100, SIZE_MAX, 1}, {70, 300, 1, 3, 0}};
    for (size_t c = 0; c < OPS_LENGTH(small); c++) { check_nearest(ops, &small[c]); }
    for (size_t c = 0; c < OPS_LENGTH(large) && !ops->small; c++) { check_nearest(ops, &large[c]); }
}

/* Sorted distances, either way: the worst that a scan against a threshold can meet. */
static void test_nearest_merge_sorted(void **state)
{
    ops_state *ops = *state;
    const size_t n = ops->small ? 100 : 6000, k = ops->small ? 5 : 40;
    const merge_case c = {2, n, k, SIZE_MAX, 0};
    float *all = ops_memory(2 * n, sizeof *all), *start_d = ops_memory(2 * k, sizeof *start_d);
    uint32_t *start_i = ops_memory(2 * k, sizeof *start_i);
    for (size_t j = 0; j < n; j++) { all[j] = (float)j, all[n + j] = (float)(n - j); }
    for (size_t t = 0; t < 2 * k; t++) { start_d[t] = INFINITY, start_i[t] = UINT32_MAX; }
    ops_array best_d = ops_put(ops, start_d, 2 * k), best_i = ops_put(ops, start_i, 2 * k);
    merge_tile(ops, &c, all, 0, n, &best_d, &best_i);
    float *got_d = ops_take(ops, &best_d);
    uint32_t *got_i = ops_take(ops, &best_i);
    check_row(ops, &c, all, 0, got_d, got_i);
    check_row(ops, &c, all, 1, got_d + k, got_i + k);
    free(all), free(start_d), free(start_i), free(got_d), free(got_i);
}

/* ---- nearest_begin, nearest_add, nearest_end ---- */

typedef struct lists_case {
    size_t n, d, k, block;
    bool both;  /* each pair of blocks once, for both */
    bool whole; /* coordinates are small whole numbers: ties, and distances without rounding */
} lists_case;

static void lists_fill(ops_state *ops, const lists_case *c, int metric, const ops_array *x, const ops_array *lists)
{
    const size_t room = pt_nearest_room(c->k);
    OPS_OK(ops, pt_nearest_begin(ops->be, c->n, c->k, &lists->view, &ops->err));
    for (size_t i = 0; i < c->n; i += c->block) {
        const size_t m = c->n - i < c->block ? c->n - i : c->block;
        const pt_buffer a = pt_buffer_view(&x->view, i * c->d, m * c->d);
        const pt_buffer mine = pt_buffer_view(&lists->view, i * room, m * room);
        for (size_t j = c->both ? i : 0; j < c->n; j += c->block) {
            const size_t n = c->n - j < c->block ? c->n - j : c->block;
            const pt_buffer b = pt_buffer_view(&x->view, j * c->d, n * c->d);
            const pt_buffer theirs = pt_buffer_view(&lists->view, j * room, n * room);
            OPS_OK(ops, pt_nearest_add(ops->be, metric, &a, m, &b, n, c->d, i, j, c->k, &mine,
                                       c->both && i != j ? &theirs : NULL, &ops->err));
        }
    }
}

/* Lists that are given to nearest_add are those of the distances that `distances` computes, but for its rounding. */
static void check_lists(ops_state *ops, const lists_case *c)
{
    float *x = ops_random(ops, c->n * c->d, 1.0f), *row = ops_memory(c->n, sizeof *row);
    for (size_t t = 0; c->whole && t < c->n * c->d; t++) { x[t] = floorf(3.0f * x[t]); }
    float *nothing = ops_memory(c->n * pt_nearest_room(c->k), sizeof *nothing);
    for (size_t t = 0; t < c->n * pt_nearest_room(c->k); t++) { nothing[t] = NAN; }
    int metric = 0;
    OPS_OK(ops, pt_metric_find(ops->be, "euclidean", &metric, &ops->err));
    ops_array dx = ops_put(ops, x, c->n * c->d), lists = ops_put(ops, nothing, c->n * pt_nearest_room(c->k));
    ops_array best_d = ops_put(ops, nothing, c->n * c->k), best_i = ops_put(ops, nothing, c->n * c->k);
    lists_fill(ops, c, metric, &dx, &lists);
    OPS_OK(ops, pt_nearest_end(ops->be, c->n, c->k, &lists.view, &best_d.view, &best_i.view, &ops->err));
    float *got_d = ops_take(ops, &best_d);
    uint32_t *got_i = ops_take(ops, &best_i);
    ops_discard(ops, &lists);               /* what they hold has no order */
    const size_t step = c->n > 100 ? 3 : 1; /* blocks begin and end at rows of all remainders */
    double scale = 0.0;
    for (size_t t = 0; t < c->n * c->d; t++) { scale = fmax(scale, (double)x[t] * (double)x[t]); }
    for (size_t i = 0; i < c->n; i += step) {
        const merge_case one = {1, c->n, c->k, i, 0};
        for (size_t j = 0; j < c->n; j++) {
            double d2 = 0.0;
            for (size_t l = 0; l < c->d; l++) {
                const double difference = (double)x[i * c->d + l] - (double)x[j * c->d + l];
                d2 += difference * difference;
            }
            row[j] = (float)d2;
        }
        const float *mine = got_d + i * c->k;
        if (c->whole) { /* exact: the whole list, ties and all */
            check_row(ops, &one, row, 0, mine, got_i + i * c->k);
            continue;
        }
        const double bound = 2.0 * (8.0 + 4.0 * (double)c->d) * (double)FLT_EPSILON * (double)c->d * scale;
        qsort(row, c->n, sizeof *row, ascending);
        for (size_t l = 0; l < c->k && l + 1 < c->n; l++) { /* row[0] is the point itself */
            if (!(fabs((double)mine[l] - (double)row[l + 1]) <= bound)) {
                fail_msg("%s nearest_add %zu x %zu, k = %zu: row %zu place %zu is %.9g, want %.9g", ops->be->ops->name,
                         c->n, c->d, c->k, i, l, (double)mine[l], (double)row[l + 1]);
            }
        }
    }
    ops_drop(ops, &dx);
    free(x), free(row), free(nothing), free(got_d), free(got_i);
}

static void test_nearest_lists(void **state)
{
    ops_state *ops = *state;
    const lists_case small[] = {{2, 1, 1, 1, true, true},
                                {20, 3, 4, 7, true, true},
                                {20, 3, 30, 20, false, true},
                                {33, 5, 6, 16, true, false},
                                {33, 5, 40, 9, false, false}};
    const lists_case large[] = {{1000, 6, 90, 700, true, true},    {1000, 2, 90, 333, true, true},
                                {1000, 40, 20, 1000, true, false}, {1100, 70, 500, 300, true, false},
                                {1100, 3, 1024, 400, true, true},  {1100, 9, 15, 1024, false, true}};
    for (size_t c = 0; c < OPS_LENGTH(small); c++) { check_lists(ops, &small[c]); }
    for (size_t c = 0; c < OPS_LENGTH(large) && !ops->small; c++) { check_lists(ops, &large[c]); }
}

/* ---- distance_roots ---- */

static void check_roots(ops_state *ops, size_t m, size_t n, size_t row_from, size_t column_from)
{
    float *tile = ops_random(ops, m * n, 50.0f);
    double *want = ops_memory(m * n, sizeof *want), *bound = ops_memory(m * n, sizeof *bound);
    for (size_t t = 0; t < m * n; t++) {
        const bool self = row_from != SIZE_MAX && column_from + t % n == row_from + t / n;
        tile[t] = t % 11 == 3 ? 0.0f : fabsf(tile[t]) * (t % 3 == 0 ? 1e12f : 1.0f);
        want[t] = self ? 0.0 : sqrt((double)tile[t]);
        bound[t] = 4.0 * EPS * want[t];
    }
    ops_array dt = ops_put(ops, tile, m * n);
    OPS_OK(ops, pt_distance_roots(ops->be, &dt.view, m, n, row_from, column_from, &ops->err));
    float *got = ops_take(ops, &dt);
    char what[64];
    snprintf(what, sizeof what, "distance_roots %zu x %zu", m, n);
    ops_compare(ops, what, got, want, bound, m * n, n);
    free(tile), free(want), free(bound), free(got);
}

static void test_distance_roots(void **state)
{
    ops_state *ops = *state;
    check_roots(ops, 1, 1, 0, 0);
    check_roots(ops, 7, 20, 3, 1);
    check_roots(ops, 7, 20, 1, 3);
    check_roots(ops, 5, 33, SIZE_MAX, 0);
    check_roots(ops, 3, 9, 0, 100);
    if (ops->small) { return; }
    check_roots(ops, 65, 200, 40, 0);
    check_roots(ops, 9, 5000, 4000, 100);
    check_roots(ops, 300, 63, 5, 250);
}

/* ---- rank_counts ---- */

static void check_ranks(ops_state *ops, size_t m, size_t n, size_t row_from, size_t column_from, size_t k)
{
    float *tile = ops_random(ops, m * n, 50.0f), *limit = ops_random(ops, m * k, 60.0f);
    uint32_t *count = ops_memory(m * k, sizeof *count), *want = ops_memory(m * k, sizeof *want);
    for (size_t t = 0; t < m * n; t++) { tile[t] = floorf(tile[t]); }
    for (size_t t = 0; t < m * k; t++) {
        limit[t] = t % 7 == 0 ? INFINITY : floorf(limit[t]);
        want[t] = count[t] = (uint32_t)t;
        for (size_t j = 0; j < n; j++) {
            const bool self = row_from != SIZE_MAX && column_from + j == row_from + t / k;
            want[t] += !self && tile[t / k * n + j] < limit[t];
        }
    }
    ops_array dt = ops_put(ops, tile, m * n), dl = ops_put(ops, limit, m * k), dc = ops_put(ops, count, m * k);
    OPS_OK(ops, pt_rank_counts(ops->be, &dt.view, m, n, row_from, column_from, &dl.view, k, &dc.view, &ops->err));
    uint32_t *got = ops_take(ops, &dc);
    char what[64];
    snprintf(what, sizeof what, "rank_counts %zu x %zu, k = %zu", m, n, k);
    ops_same(ops, what, got, want, m * k);
    ops_drop(ops, &dt), ops_drop(ops, &dl);
    free(tile), free(limit), free(count), free(want), free(got);
}

static void test_rank_counts(void **state)
{
    ops_state *ops = *state;
    check_ranks(ops, 1, 1, 0, 0, 1);
    check_ranks(ops, 7, 20, 3, 1, 5);
    check_ranks(ops, 5, 33, SIZE_MAX, 0, 12);
    check_ranks(ops, 3, 9, 0, 100, 2);
    if (ops->small) { return; }
    check_ranks(ops, 65, 200, 40, 0, 64);
    check_ranks(ops, 9, 5000, 4000, 100, 13);
    check_ranks(ops, 64, 63, SIZE_MAX, 5, 1);
}

/* ---- affinities ---- */

/* One row against the oracle at the beta that came back, and that beta against the perplexity. */
static void check_affinities_row(ops_state *ops, const char *what, const float *d2, size_t k, size_t self,
                                 float perplexity, float beta, const float *p, double *want)
{
    size_t finite = 0, n_least = 0;
    float least = INFINITY;
    for (size_t j = 0; j < k; j++) {
        if (j != self && d2[j] < least) { least = d2[j]; }
    }
    for (size_t j = 0; j < k; j++) {
        finite += j != self && isfinite(d2[j]);
        n_least += j != self && isfinite(d2[j]) && d2[j] == least;
    }
    const bool few = (double)finite <= (double)perplexity, many = !few && (double)n_least >= (double)perplexity;
    if (few || many) {
        if (beta != (few ? 0.0f : INFINITY)) { fail_msg("%s %s: beta is %g", ops->be->ops->name, what, (double)beta); }
        for (size_t j = 0; j < k; j++) {
            const bool in = j != self && (few ? isfinite(d2[j]) : d2[j] == least);
            want[j] = in ? 1.0 / (double)(few ? finite : n_least) : 0.0;
        }
    } else {
        const double off = oracle_affinities(d2, k, self, (double)beta, want) - log2((double)perplexity);
        if (!(fabs(off) <= 1.1e-5)) { fail_msg("%s %s: entropy is off by %g bits", ops->be->ops->name, what, off); }
    }
    for (size_t j = 0; j < k; j++) {
        const double u = few || many || want[j] == 0.0 ? 0.0 : (double)beta * ((double)d2[j] - (double)least);
        const double bound = (32.0 + 4.0 * u + 0.25 * (double)k) * EPS * want[j] + 1.0e-36;
        if (!(fabs((double)p[j] - want[j]) <= bound)) {
            fail_msg("%s %s: p[%zu] is %.9g, oracle %.17g, bound %.2g", ops->be->ops->name, what, j, (double)p[j],
                     want[j], bound);
        }
    }
}

typedef enum row_kind { RANDOM, TIGHT, SCALED, DUPLICATES, OUTLIER, INFINITE, EQUAL, LONELY, ROW_KINDS } row_kind;

/* Rows of every kind in turn. */
static float *distances_of_all_kinds(ops_state *ops, size_t m, size_t k)
{
    float *d2 = ops_random(ops, m * k, 1.0f);
    for (size_t t = 0; t < m * k; t++) {
        const size_t i = t / k, j = t % k;
        const float x = fabsf(d2[t]);
        switch ((row_kind)(i % ROW_KINDS)) {
        case RANDOM:
            d2[t] = 100.0f * x;
            break;
        case TIGHT:
            d2[t] = 1.0e4f + x;
            break;
        case SCALED:
            d2[t] = i % 2 == 0 ? 1.0e12f * x : 1.0e-12f * x;
            break;
        case DUPLICATES:
            d2[t] = j % 2 == 0 ? 0.0f : x;
            break;
        case OUTLIER:
            d2[t] = j == k / 2 ? 1.0e30f : x;
            break;
        case INFINITE:
            d2[t] = j % 3 == 0 ? INFINITY : x;
            break;
        case EQUAL:
            d2[t] = 7.0f;
            break;
        default:
            d2[t] = j == 1 ? x : INFINITY;
            break;
        }
    }
    return d2;
}

static void check_affinities(ops_state *ops, size_t m, size_t k, size_t self_from, float perplexity)
{
    char what[96];
    snprintf(what, sizeof what, "affinities_conditional %zu x %zu, self from %td, perplexity %g", m, k,
             (ptrdiff_t)self_from, (double)perplexity);
    float *d2 = distances_of_all_kinds(ops, m, k);
    double *want = ops_memory(k, sizeof *want);
    ops_array dd = ops_put(ops, d2, m * k), dp = ops_put(ops, NULL, m * k), db = ops_put(ops, NULL, m);
    OPS_OK(ops, pt_affinities_conditional(ops->be, &dd.view, m, k, self_from, perplexity, 1.0f, false, &dp.view,
                                          &db.view, &ops->err));
    float *p = ops_take(ops, &dp), *beta = ops_take(ops, &db);
    for (size_t i = 0; i < m; i++) {
        const size_t self = self_from == SIZE_MAX || self_from + i >= k ? k : self_from + i;
        check_affinities_row(ops, what, d2 + i * k, k, self, perplexity, beta[i], p + i * k, want);
    }
    ops_drop(ops, &dd);
    free(d2), free(want), free(p), free(beta);
}

static void test_affinities_conditional(void **state)
{
    ops_state *ops = *state;
    const float perplexities[] = {1.0f, 1.5f, 5.0f, 30.0f};
    const size_t sizes[][3] = {{1, 1, SIZE_MAX}, {1, 1, 0},          {8, 7, 0},          {9, 16, SIZE_MAX},
                               {16, 33, 3},      {24, 63, SIZE_MAX}, {65, 64, 0},        {64, 65, 10},
                               {40, 200, 0},     {16, 91, SIZE_MAX}, {8, 1500, SIZE_MAX}};
    for (size_t s = 0; s < (ops->small ? 5 : OPS_LENGTH(sizes)); s++) {
        for (size_t q = 0; q < OPS_LENGTH(perplexities); q++) {
            check_affinities(ops, sizes[s][0], sizes[s][1], sizes[s][2], perplexities[q]);
        }
    }
}

/* Two perplexities with half the weight each are the mean of the two alone. */
static void test_affinities_accumulate(void **state)
{
    ops_state *ops = *state;
    const size_t m = 10, k = 40;
    const float perplexities[] = {4.0f, 12.0f};
    float *d2 = distances_of_all_kinds(ops, m, k), *alone[2];
    ops_array dd = ops_put(ops, d2, m * k), both = ops_put(ops, NULL, m * k), db = ops_put(ops, NULL, m);
    for (int q = 0; q < 2; q++) {
        ops_array one = ops_put(ops, NULL, m * k);
        OPS_OK(ops, pt_affinities_conditional(ops->be, &dd.view, m, k, 0, perplexities[q], 1.0f, false, &one.view,
                                              &db.view, &ops->err));
        OPS_OK(ops, pt_affinities_conditional(ops->be, &dd.view, m, k, 0, perplexities[q], 0.5f, q > 0, &both.view,
                                              &db.view, &ops->err));
        alone[q] = ops_take(ops, &one);
    }
    float *got = ops_take(ops, &both), *beta = ops_take(ops, &db);
    double *want = ops_memory(m * k, sizeof *want), *bound = ops_memory(m * k, sizeof *bound);
    for (size_t t = 0; t < m * k; t++) {
        want[t] = 0.5 * ((double)alone[0][t] + (double)alone[1][t]);
        bound[t] = 8.0 * EPS * want[t] + 1.0e-37;
    }
    ops_compare(ops, "affinities_conditional accumulated", got, want, bound, m * k, k);
    ops_drop(ops, &dd);
    free(d2), free(alone[0]), free(alone[1]), free(got), free(beta), free(want), free(bound);
}

static void test_affinities_joint(void **state)
{
    ops_state *ops = *state;
    const size_t sides[] = {1, 2, 7, 33, 63, 64, 65, 200};
    for (size_t s = 0; s < OPS_LENGTH(sides) - (ops->small ? 4 : 0); s++) {
        const size_t n = sides[s];
        float *p = ops_random(ops, n * n, 1.0f);
        double *want = ops_memory(n * n, sizeof *want), *bound = ops_memory(n * n, sizeof *bound);
        for (size_t t = 0; t < n * n; t++) { p[t] = fabsf(p[t]); }
        for (size_t t = 0; t < n * n; t++) {
            want[t] = ((double)p[t] + (double)p[t % n * n + t / n]) / (2.0 * (double)n);
            bound[t] = 4.0 * EPS * want[t];
        }
        ops_array dp = ops_put(ops, p, n * n), dj = ops_put(ops, NULL, n * n);
        OPS_OK(ops, pt_affinities_joint(ops->be, &dp.view, n, &dj.view, &ops->err));
        float *got = ops_take(ops, &dj);
        char what[64];
        snprintf(what, sizeof what, "affinities_joint %zu", n);
        ops_compare(ops, what, got, want, bound, n * n, n);
        for (size_t t = 0; t < n * n; t++) { assert_true(got[t] == got[t % n * n + t / n]); }
        ops_drop(ops, &dp);
        free(p), free(want), free(bound), free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_nearest_merge),
        cmocka_unit_test(test_nearest_merge_sorted),
        cmocka_unit_test(test_nearest_lists),
        cmocka_unit_test(test_distance_roots),
        cmocka_unit_test(test_rank_counts),
        cmocka_unit_test(test_affinities_conditional),
        cmocka_unit_test(test_affinities_accumulate),
        cmocka_unit_test(test_affinities_joint),
    };
    return ops_main(tests, OPS_LENGTH(tests));
}
