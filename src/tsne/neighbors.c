/* The search: candidates from the device, on the host their exact distances and the proof that nothing was missed.
 *
 * Letters: x points (n x d), m queries, k neighbours wanted, c candidates kept, tau a row's exact k-th distance. */
#include "tsne/neighbors.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/rows.h"
#include "base/columns.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/sizes.h"
#include "tsne/bounds.h"
#include "tsne/candidates.h"
#include "tsne/distance.h"
#include "tsne/ranks.h"
#include "tsne/sweep.h"

#define SWEEP_COLUMNS  ((size_t)3) /* up to so many columns the sweep beats tiles */
#define WHOLE_LIMIT    4194304.0   /* 2^22: |a|^2 + |b|^2 - 2 a.b of whole numbers stays below 2^24 */
#define ROWS_AT_A_TIME ((size_t)4096)
#define LOOK_ROWS      ((size_t)512)  /* queries of the second look at bounds, */
#define LOOK_COLUMNS   ((size_t)1024) /* and points of one of its tiles, which stays near the processor */

/* One data set, its queries, and what is known about them. */
typedef struct problem {
    pt_backend *be;
    pt_neighbors_road road;
    const float *x; /* n x d */
    size_t n;
    const float *query; /* m x d; x itself where self */
    size_t m, d;
    bool self;      /* queries are the points, and none is its own neighbour */
    bool euclidean; /* distances are computed again, rows certified */
    bool whole;     /* tiles are exact: whole numbers of moderate size */
    int metric;
    size_t k;
    double *mean;          /* d, subtracted before upload; zeros where that would not help */
    const uint32_t *other; /* m x n_others, or NULL */
    size_t n_others;
    uint32_t *index, *rank; /* m x k and m x n_others, results */
    float *distance;        /* m x k, may be NULL */
    pt_bounds bounds;
    float *sorted; /* n x d: x in the bounds' order, in which near rows are near in memory; NULL: x is read */
    double *reach; /* m, with bounds in their order: squared, to the k-th neighbour found so far */
    pt_stage stage;
    size_t told;             /* steps of m */
    double from, share;      /* of all steps: where this part of the work begins, and how many are its own */
    double until;            /* where the search for neighbours ends */
    unsigned char *accepted; /* m: rows whose neighbours are final; with bounds in their order */
    uint32_t *list;          /* m: rows that are not, likewise */
} problem;

/* The candidates that a search is about to bring: c of each query, by bounds or by distances. */
typedef struct pass {
    problem *p;
    const uint32_t *list; /* rows of the queries; NULL: all */
    size_t c;
    bool bounds;
} pass;

/* Points that may be a query's neighbours. */
static size_t eligible(const problem *p)
{
    return p->n - (p->self ? 1 : 0);
}

/* ---- progress: m steps, the last one told when all is done ---- */

static ptsne_status tell(void *context, double share, ptsne_error *err)
{
    problem *p = context;
    const size_t step = (size_t)((p->from + p->share * share) * (double)p->m);
    if (step > p->told) { p->told = pt_smaller(step, p->m - 1); }
    return pt_stage_step(&p->stage, p->told, (double)NAN, (double)p->told / pt_stage_seconds(&p->stage), err);
}

/* The next part of the work takes this share of what is left. */
static void part_begin(problem *p, double share)
{
    p->from += p->share;
    p->share = share * (p->until - p->from);
}

/* ---- what the host makes of candidates ---- */

static void distances_write(const problem *p, size_t row, size_t count, double *exact)
{
    for (; count < p->k; count++) { /* only where tiles overflowed */
        p->index[row * p->k + count] = PT_NO_POINT;
        exact[count] = (double)INFINITY;
    }
    for (size_t l = 0; p->distance != NULL && l < p->k; l++) { p->distance[row * p->k + l] = (float)exact[l]; }
}

/* A tile's number above this belongs to a point farther than sqrt(tau) from the query. */
static double limit_of(const pass *s, size_t place, double norm, double tau)
{
    const problem *p = s->p;
    if (s->bounds) { return pt_bounds_limit(&p->bounds, p->bounds.norm[place], tau); }
    return p->whole ? tau : tau + pt_tile_error(norm, tau, 4.0 * (double)p->d);
}

/* The row of x that stands at a place in the lists. */
static const float *row_at(const pass *s, uint32_t place)
{
    const problem *p = s->p;
    if (!s->bounds) { return p->x + (size_t)place * p->d; }
    return p->sorted != NULL ? p->sorted + (size_t)place * p->d : p->x + (size_t)p->bounds.point[place] * p->d;
}

/* Exact distances of a row's candidates, the k nearest of them, and whether no other point can be among these. */
static bool row_refine(const pass *s, size_t place, const float *near_d, const uint32_t *near_i, double *exact)
{
    const problem *p = s->p;
    const size_t row = s->bounds ? (size_t)p->bounds.asker[place] : place;
    const float *a = p->query + row * p->d;
    const double norm = s->bounds || p->whole ? 0.0 : pt_distance_from_mean(a, p->mean, p->d);
    uint32_t *index = p->index + row * p->k;
    double tau = (double)INFINITY, limit = (double)INFINITY;
    size_t count = 0, found = 0, l = 0;
    for (; l < s->c && near_i[l] != PT_NO_POINT; l++) {
        if ((double)near_d[l] > limit) { break; } /* nor can those behind it */
        const uint32_t point = s->bounds ? p->bounds.point[near_i[l]] : near_i[l];
        const float *b = row_at(s, near_i[l]);
        const float *next = l + 1 < s->c && near_i[l + 1] != PT_NO_POINT ? row_at(s, near_i[l + 1]) : b;
        if (p->self && point == row) { continue; }
        const double here = pt_distance_within_then(a, b, p->d, tau, next);
        found++;
        if (count == p->k && !(here <= tau)) { continue; }
        count = pt_nearest_insert(here, point, count, p->k, index, exact);
        if (count == p->k && exact[count - 1] < tau) {
            tau = exact[count - 1];
            limit = limit_of(s, place, norm, tau);
        }
    }
    p->reach[place] = tau;
    const bool cut = l < s->c && near_i[l] != PT_NO_POINT; /* by the limit: all that follow are farther */
    distances_write(p, row, count, exact);
    if (found == eligible(p) || (cut && limit < 1.0e30)) { return true; }
    return limit < 1.0e30 && limit <= (double)near_d[s->c - 1]; /* float32 ends at 3e38 */
}

static ptsne_status take(void *context, size_t from, size_t rows, const float *near_d, const uint32_t *near_i,
                         ptsne_error *err)
{
    const pass *s = context;
    const problem *p = s->p;
    double *exact = pt_array_aligned(rows * p->k, sizeof *exact);
    if (exact == NULL) { return pt_fail_memory(err, "distances", (double)(rows * p->k) * (double)sizeof *exact); }
#pragma omp parallel for schedule(dynamic, 16) num_threads((int)p->be->threads)
    for (size_t i = 0; i < rows; i++) {
        const size_t row = s->list == NULL ? from + i : (size_t)s->list[from + i]; /* or a place in the bounds' order */
        const float *d = near_d + i * s->c;
        const uint32_t *index = near_i + i * s->c;
        if (p->euclidean) {
            p->accepted[row] = row_refine(s, row, d, index, exact + i * p->k);
            continue;
        }
        memcpy(p->index + row * p->k, index, p->k * sizeof *index);
        if (p->distance != NULL) { memcpy(p->distance + row * p->k, d, p->k * sizeof *d); }
        p->accepted[row] = isfinite(d[p->k - 1]) != 0;
    }
    free(exact);
    return tell(s->p, 1.0, err); /* a wish to stop is heard in between */
}

static ptsne_status pass_tell(void *context, double share, ptsne_error *err)
{
    const pass *s = context;
    return tell(s->p, share, err);
}

/* Candidates of the queries in list (NULL: all), c each. */
static ptsne_status pass_run(problem *p, const uint32_t *list, size_t count, size_t c, ptsne_error *err)
{
    pass s = {.p = p, .list = list, .c = c, .bounds = p->bounds.width > 0};
    pt_candidates search = {
        .be = p->be,
        .metric = p->metric,
        .x = p->x,
        .query = p->query,
        .self = p->self,
        .n = p->n,
        .d = p->d,
        .mean = p->mean,
        .list = list,
        .count = count,
        .c = c,
        .context = &s,
        .take = take,
        .tell = pass_tell,
    };
    if (s.bounds) {
        search.x = p->bounds.points;
        search.query = p->bounds.queries;
        search.d = p->bounds.width;
        search.mean = NULL;
    }
    return pt_candidates_find(&search, err);
}

/* Rows not accepted so far, ascending. */
static size_t rows_left(const problem *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->m; i++) {
        if (!p->accepted[i]) { p->list[count++] = (uint32_t)i; }
    }
    return count;
}

/* ---- rows that bounds left over: every point whose bound is within tau ---- */

typedef struct look {
    size_t rows, columns;
    pt_buffer queries, points, tile;
    float *bound;  /* rows x columns */
    double *exact; /* rows x k */
    double *tau;   /* rows: nothing farther is wanted */
    size_t *count; /* rows: of the k that are found */
} look;

static ptsne_status look_create(const problem *p, size_t left, look *w, ptsne_error *err)
{
    const size_t width = p->bounds.width;
    const size_t budget = pt_elements_left(p->be) / 2;
    *w = (look){.rows = pt_smaller(left, LOOK_ROWS), .columns = pt_smaller(p->n, LOOK_COLUMNS)};
    while (w->columns > 16 && (w->rows + w->columns) * width + w->rows * w->columns > budget) {
        w->columns = (w->columns + 1) / 2;
        w->rows = (w->rows + 1) / 2;
    }
    w->bound = pt_array_aligned(w->rows * w->columns, sizeof *w->bound);
    w->exact = pt_array_aligned(w->rows * p->k, sizeof *w->exact);
    w->tau = pt_array_aligned(w->rows, sizeof *w->tau);
    w->count = pt_array_aligned(w->rows, sizeof *w->count);
    if (!w->bound || !w->exact || !w->tau || !w->count) {
        return pt_fail_memory(err, "bounds of distances", 4.0 * (double)w->rows * (double)(w->columns + 2 * p->k));
    }
    ptsne_status status = pt_buffer_create(p->be, w->rows * width, &w->queries, err);
    if (status == PTSNE_OK) { status = pt_buffer_create(p->be, w->columns * width, &w->points, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(p->be, w->rows * w->columns, &w->tile, err); }
    return status;
}

static void look_destroy(const problem *p, look *w)
{
    pt_buffer_destroy(p->be, &w->queries);
    pt_buffer_destroy(p->be, &w->points);
    pt_buffer_destroy(p->be, &w->tile);
    free(w->bound);
    free(w->exact);
    free(w->tau);
    free(w->count);
}

/* Row i of the look stands at `place` in the bounds' order; its bounds to points from .. from + columns. */
static void look_row(const problem *p, const look *w, size_t i, size_t place, size_t from, size_t columns)
{
    const size_t row = p->bounds.asker[place];
    const float *a = p->query + row * p->d, *bound = w->bound + i * columns;
    double limit = pt_bounds_limit(&p->bounds, p->bounds.norm[place], w->tau[i]);
    double *exact = w->exact + i * p->k;
    for (size_t j = 0; j < columns; j++) {
        if ((double)bound[j] > limit) { continue; } /* what is no number gets a look */
        const uint32_t point = p->bounds.point[from + j];
        if (p->self && point == row) { continue; }
        const float *b = p->sorted != NULL ? p->sorted + (from + j) * p->d : p->x + (size_t)point * p->d;
        const double here = pt_distance_within(a, b, p->d, w->tau[i]);
        if (!(here <= w->tau[i])) { continue; }
        w->count[i] = pt_nearest_insert(here, point, w->count[i], p->k, p->index + row * p->k, exact);
        if (w->count[i] == p->k && exact[p->k - 1] < w->tau[i]) {
            w->tau[i] = exact[p->k - 1];
            limit = pt_bounds_limit(&p->bounds, p->bounds.norm[place], w->tau[i]);
        }
    }
}

static ptsne_status look_rows(problem *p, look *w, const uint32_t *list, size_t rows, ptsne_error *err)
{
    const size_t width = p->bounds.width;
    ptsne_status status = pt_rows_upload(p->be, p->bounds.queries, list, rows, width, NULL, &w->queries, err);
    if (status != PTSNE_OK) { return status; }
#pragma omp parallel for schedule(static) num_threads((int)p->be->threads)
    for (size_t i = 0; i < rows; i++) {
        w->tau[i] = p->reach[list[i]];
        w->count[i] = 0;
    }
    for (size_t from = 0; from < p->n; from += w->columns) {
        const size_t columns = pt_smaller(w->columns, p->n - from);
        const pt_buffer tile = pt_buffer_view(&w->tile, 0, rows * columns);
        status = pt_rows_upload(p->be, p->bounds.points + from * width, NULL, columns, width, NULL, &w->points, err);
        if (status != PTSNE_OK) { return status; }
        status = pt_distances(p->be, p->metric, &w->queries, rows, &w->points, columns, width, &tile, err);
        if (status != PTSNE_OK) { return status; }
        if ((status = pt_download(p->be, &tile, w->bound, err)) != PTSNE_OK) { return status; }
#pragma omp parallel for schedule(dynamic, 4) num_threads((int)p->be->threads)
        for (size_t i = 0; i < rows; i++) { look_row(p, w, i, list[i], from, columns); }
    }
    for (size_t i = 0; i < rows; i++) {
        distances_write(p, p->bounds.asker[list[i]], w->count[i], w->exact + i * p->k);
    }
    return PTSNE_OK;
}

static ptsne_status look_again(problem *p, size_t left, ptsne_error *err)
{
    look w;
    ptsne_status status = look_create(p, left, &w, err);
    for (size_t from = 0; from < left && status == PTSNE_OK; from += w.rows) {
        const size_t rows = pt_smaller(w.rows, left - from);
        status = look_rows(p, &w, p->list + from, rows, err);
        if (status == PTSNE_OK) { status = tell(p, (double)(from + rows) / (double)left, err); }
    }
    look_destroy(p, &w);
    return status;
}

/* ---- the sweep ---- */

/* Rows of list (NULL: all), on the host. known: each has k neighbours already, perhaps not the nearest. */
static ptsne_status sweep_run(problem *p, const uint32_t *list, size_t count, bool known, ptsne_error *err)
{
    pt_sweep sweep;
    ptsne_status status = pt_sweep_create(p->x, p->n, p->d, p->be->threads, &sweep, err);
    if (status != PTSNE_OK) { return status; }
    const size_t at_a_time = p->d <= SWEEP_COLUMNS ? ROWS_AT_A_TIME : 64; /* a wish to stop is heard in between */
    double *exact = pt_array_aligned(at_a_time * p->k, sizeof *exact);
    if (exact == NULL) {
        status = pt_fail_memory(err, "lists of neighbours", (double)(at_a_time * p->k) * (double)sizeof *exact);
        goto done;
    }
    for (size_t from = 0; from < count; from += at_a_time) {
        const size_t rows = pt_smaller(at_a_time, count - from);
#pragma omp parallel for schedule(dynamic, 8) num_threads((int)p->be->threads)
        for (size_t i = 0; i < rows; i++) {
            const size_t row = list == NULL ? from + i : (size_t)list[from + i];
            const double limit = known ? p->reach[row] : (double)INFINITY;
            double *near = exact + i * p->k;
            pt_sweep_nearest(&sweep, p->query + row * p->d, p->self ? row : SIZE_MAX, p->k, limit,
                             p->index + row * p->k, near);
            for (size_t l = 0; p->distance != NULL && l < p->k; l++) { p->distance[row * p->k + l] = (float)near[l]; }
        }
        if ((status = tell(p, (double)(from + rows) / (double)count, err)) != PTSNE_OK) { goto done; }
    }
done:
    free(exact);
    pt_sweep_destroy(&sweep);
    return status;
}

/* ---- the whole search ---- */

/* Means to subtract, and whether tiles are exact as the data are. */
static ptsne_status prepare(problem *p, ptsne_error *err)
{
    if ((p->mean = pt_array_zeroed(p->d, sizeof *p->mean)) == NULL) {
        return pt_fail_memory(err, "means of columns", (double)p->d * (double)sizeof *p->mean);
    }
    if (!p->euclidean) { return PTSNE_OK; }
    p->whole = p->road != PT_ROAD_BOUNDS;
    const float *const sets[] = {p->x, p->query};
    const size_t rows[] = {p->n, p->self ? 0 : p->m};
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < rows[t] && p->whole; i++) {
            const float *row = sets[t] + i * p->d;
            double norm = 0.0;
            for (size_t j = 0; j < p->d && p->whole; j++) {
                p->whole = floorf(row[j]) == row[j];
                norm += (double)row[j] * (double)row[j];
            }
            p->whole = p->whole && norm <= WHOLE_LIMIT;
        }
    }
    return p->whole ? PTSNE_OK : pt_column_means(p->x, p->n, p->d, p->be->threads, p->mean, err);
}

static ptsne_status bounds_prepare(problem *p, ptsne_error *err)
{
    if (!p->euclidean || p->whole || p->road == PT_ROAD_PLAIN || p->d < 2) { return PTSNE_OK; }
    const pt_bounds_request request = {
        .be = p->be,
        .metric = p->metric,
        .x = p->x,
        .query = p->query,
        .self = p->self,
        .n = p->n,
        .m = p->m,
        .d = p->d,
        .k = p->k,
        .mean = p->mean,
        .always = p->road == PT_ROAD_BOUNDS,
    };
    const ptsne_status status = pt_bounds_create(&request, &p->bounds, err);
    if (status != PTSNE_OK || p->bounds.width == 0 || p->n > PT_SORTED_MOST / p->d) { return status; }
    if ((p->sorted = pt_array_aligned(p->n * p->d, sizeof *p->sorted)) == NULL) {
        return pt_fail_memory(err, "rows in the order of their bounds", 4.0 * (double)p->n * (double)p->d);
    }
#pragma omp parallel for schedule(static) num_threads((int)p->be->threads)
    for (size_t i = 0; i < p->n; i++) {
        memcpy(p->sorted + i * p->d, p->x + (size_t)p->bounds.point[i] * p->d, p->d * sizeof *p->sorted);
    }
    return PTSNE_OK;
}

static ptsne_status search_by_bounds(problem *p, ptsne_error *err)
{
    part_begin(p, 0.85);
    const ptsne_status status = pass_run(p, NULL, p->m, p->bounds.c, err);
    if (status != PTSNE_OK) { return status; }
    const size_t left = rows_left(p);
    part_begin(p, 1.0);
    return left > 0 ? look_again(p, left, err) : PTSNE_OK;
}

static ptsne_status search_plain(problem *p, ptsne_error *err)
{
    const size_t margin = p->whole || !p->euclidean ? 0 : 8 + p->k / 8;
    const size_t most = pt_smaller(PT_NEIGHBORS_MAX, eligible(p));
    part_begin(p, 0.85);
    ptsne_status status = pass_run(p, NULL, p->m, pt_smaller(p->k + margin, most), err);
    if (status != PTSNE_OK) { return status; }
    size_t left = rows_left(p);
    if (left > 0 && !p->euclidean) {
        return pt_fail(err, PTSNE_ERR_DATA, "row %zu: its distances leave the range of float32",
                       (size_t)p->list[0] + 1);
    }
    const size_t more = pt_smaller(4 * p->k + 64, PT_NEIGHBORS_MAX); /* the row itself takes a place this time */
    if (left > 0 && more > p->k + margin) {
        part_begin(p, 0.5);
        if ((status = pass_run(p, p->list, left, pt_smaller(more, p->n), err)) != PTSNE_OK) { return status; }
        left = rows_left(p);
    }
    part_begin(p, 1.0);
    return left > 0 ? sweep_run(p, p->list, left, true, err) : PTSNE_OK;
}

static ptsne_status ranks_find(problem *p, ptsne_error *err)
{
    const pt_ranks ranks = {
        .be = p->be,
        .metric = p->metric,
        .x = p->x,
        .n = p->n,
        .d = p->d,
        .k = p->k,
        .mean = p->mean,
        .whole = p->whole,
        .index = p->index,
        .other = p->other,
        .n_others = p->n_others,
        .rank = p->rank,
        .context = p,
        .tell = tell,
    };
    return pt_ranks_count(&ranks, err);
}

static ptsne_status search(problem *p, ptsne_error *err)
{
    ptsne_status status;
    p->until = p->rank == NULL ? 1.0 : 0.5;
    if (p->euclidean && p->d <= SWEEP_COLUMNS && p->rank == NULL) {
        part_begin(p, 1.0);
        return sweep_run(p, NULL, p->m, false, err);
    }
    if ((status = prepare(p, err)) != PTSNE_OK) { return status; }
    if ((status = bounds_prepare(p, err)) != PTSNE_OK) { return status; }
    status = p->bounds.width > 0 ? search_by_bounds(p, err) : search_plain(p, err);
    if (status != PTSNE_OK || p->rank == NULL) { return status; }
    p->until = 1.0;
    part_begin(p, 1.0);
    return ranks_find(p, err);
}

static ptsne_status run(problem *p, const char *metric, const ptsne_observer *observer, ptsne_error *err)
{
    const size_t all = p->n == 0 ? 0 : eligible(p);
    assert(p->n_others <= 32); /* two limits each, and pt_rank_counts takes 64 */
    if (p->k == 0 || p->k > all || p->k > PT_NEIGHBORS_MAX || p->d == 0 || p->n >= PT_NO_POINT || p->m >= PT_NO_POINT) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu neighbours of %zu points with %zu columns (at most %zu)", p->k,
                       p->n, p->d, pt_smaller(all, PT_NEIGHBORS_MAX));
    }
    ptsne_status status = pt_metric_find(p->be, metric, &p->metric, err);
    if (status != PTSNE_OK || p->m == 0) { return status; }
    p->euclidean = strcmp(metric, "euclidean") == 0;
    p->stage = pt_stage_begin(observer, "neighbours", p->m);
    p->accepted = pt_array_zeroed(p->m, sizeof *p->accepted);
    p->list = pt_array_aligned(p->m, sizeof *p->list);
    p->reach = pt_array_aligned(p->m, sizeof *p->reach);
    if (p->accepted == NULL || p->list == NULL || p->reach == NULL) {
        status = pt_fail_memory(err, "a list of points", (double)p->m * 13.0);
    } else {
        status = search(p, err);
    }
    if (status == PTSNE_OK) {
        status = pt_stage_step(&p->stage, p->m, (double)NAN, (double)p->m / pt_stage_seconds(&p->stage), err);
    }
    pt_bounds_destroy(&p->bounds);
    free(p->sorted);
    free(p->accepted);
    free(p->list);
    free(p->reach);
    free(p->mean);
    return status;
}

ptsne_status pt_neighbors_find_by(pt_backend *be, pt_neighbors_road road, const float *x, size_t n, const float *query,
                                  size_t m, size_t d, const char *metric, size_t k, const ptsne_observer *observer,
                                  uint32_t *index, float *distance, ptsne_error *err)
{
    problem p = {
        .be = be,
        .road = road,
        .x = x,
        .n = n,
        .query = query == NULL ? x : query,
        .m = query == NULL ? n : m,
        .d = d,
        .self = query == NULL,
        .k = k,
        .index = index,
        .distance = distance,
    };
    return run(&p, metric, observer, err);
}

ptsne_status pt_neighbors_find(pt_backend *be, const float *x, size_t n, const float *query, size_t m, size_t d,
                               const char *metric, size_t k, const ptsne_observer *observer, uint32_t *index,
                               float *distance, ptsne_error *err)
{
    return pt_neighbors_find_by(be, PT_ROAD_BEST, x, n, query, m, d, metric, k, observer, index, distance, err);
}

ptsne_status pt_neighbors_ranked(pt_backend *be, const float *x, size_t n, size_t d, size_t k, const uint32_t *other,
                                 size_t n_others, const ptsne_observer *observer, uint32_t *index, float *distance,
                                 uint32_t *rank, ptsne_error *err)
{
    problem p = {
        .be = be,
        .x = x,
        .n = n,
        .query = x,
        .m = n,
        .d = d,
        .self = true,
        .k = k,
        .other = other,
        .n_others = n_others,
        .index = index,
        .distance = distance,
        .rank = rank,
    };
    return run(&p, "euclidean", observer, err);
}
