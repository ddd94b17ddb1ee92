/* The search: a plan that fits the device, a pass of tiles over a list of queries, and on the host exact distances of the
 * candidates that a pass found.
 *
 * Letters: x points (n x d), m queries, k neighbours wanted, c candidates kept, tau a row's exact k-th distance. */
#include "tsne/neighbors.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/columns.h"
#include "base/memory.h"
#include "base/progress.h"
#include "tsne/sweep.h"

#define SWEEP_COLUMNS  ((size_t)3) /* up to so many columns the sweep beats tiles */
#define WHOLE_LIMIT    4194304.0   /* 2^22: |a|^2 + |b|^2 - 2 a.b of whole numbers stays below 2^24 */
#define NO_RANK        0u
#define DOUBT          50u /* ranks are estimated where at most so small a part of the nearer points is in doubt */
#define SETTLED        ((size_t)2000) /* up to so many points none is estimated: each costs n d operations */
#define NO_POINT       UINT32_MAX
#define ROWS_AT_A_TIME ((size_t)4096)

/* One data set, its queries, and what is known about them. */
typedef struct problem {
    pt_backend *be;
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
    pt_stage stage;
    size_t settled; /* rows whose neighbours are final */
} problem;

/* A pass over some queries with c candidates each: tiles on the device, lists on the host. */
typedef struct pass {
    size_t c;
    size_t tile_rows, tile_columns;
    bool resident; /* all points are on the device, else a tile of columns at a time */
    pt_buffer points, queries, tile, best_d, best_i, limit, count;
    float *staged;           /* rows on their way to the device */
    float *near_d;           /* tile_rows x c */
    uint32_t *near_i;        /* tile_rows x c */
    double *exact;           /* tile_rows x k */
    float *limits;           /* tile_rows x 2 n_others: below and above the distance of each */
    uint32_t *counts;        /* tile_rows x 2 n_others */
    unsigned char *accepted; /* m: rows that need no further pass */
} pass;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- the plan ---- */

/* Rows that are centred and uploaded at a time: 16 MiB of them. */
static size_t staged_rows(const problem *p)
{
    const size_t rows = smaller(((size_t)1 << 22) / p->d + 1, ROWS_AT_A_TIME);
    return smaller(rows, p->n > p->m ? p->n : p->m);
}

static size_t pass_elements(const problem *p, const pass *s)
{
    const size_t lists = 2 * s->c + 4 * p->n_others;
    const size_t points = (s->resident ? p->n : s->tile_columns) * p->d;
    return points + s->tile_rows * (p->d + lists + s->tile_columns);
}

/* Tiles that stay in a processor's second cache until they are merged (256 x 2048: 2.3 s of processor time at 20,000 x 50, k = 15;
 * 512 x 4096: 2.6, 1024 x 4096: 3.0), or keep a device busy, shrunk until they fit. */
static void plan(const problem *p, pass *s, size_t m)
{
    ptsne_device_info info = {0};
    p->be->ops->describe(p->be, &info);
    const bool processor = strcmp(info.type, "cpu") == 0;
    const size_t free_bytes = p->be->memory > p->be->memory_used ? p->be->memory - p->be->memory_used : 0;
    const size_t budget = free_bytes / 4 / 8 * 7; /* elements; an op's own scratch has the rest */
    const size_t one =
        info.max_allocation > 0 && info.max_allocation / 4 < SIZE_MAX ? (size_t)(info.max_allocation / 4) : SIZE_MAX;
    s->tile_rows = smaller(m, processor ? 256 : 4096);
    s->tile_columns = smaller(p->n, processor ? 2048 : 16384);
    s->resident = p->n <= one / p->d && p->n * p->d <= budget / 2;
    if (!s->resident) { s->tile_rows = smaller(m, 8192); } /* the points are uploaded once for each tile of rows */
    while (s->tile_columns > 64 && (pass_elements(p, s) > budget || s->tile_rows * s->tile_columns > one)) {
        s->tile_columns = (s->tile_columns + 1) / 2;
    }
    while (s->tile_rows > 16 && (pass_elements(p, s) > budget || s->tile_rows * s->tile_columns > one)) {
        s->tile_rows = (s->tile_rows + 1) / 2;
    }
}

static void pass_destroy(pt_backend *be, pass *s)
{
    pt_buffer *buffers[] = {&s->points, &s->queries, &s->tile, &s->best_d, &s->best_i, &s->limit, &s->count};
    for (size_t b = 0; b < sizeof buffers / sizeof buffers[0]; b++) { pt_buffer_destroy(be, buffers[b]); }
    free(s->staged);
    free(s->near_d);
    free(s->near_i);
    free(s->exact);
    free(s->limits);
    free(s->counts);
    *s = (pass){.accepted = s->accepted};
}

static ptsne_status pass_create(const problem *p, size_t c, size_t m, pass *s, ptsne_error *err)
{
    *s = (pass){.c = c, .accepted = s->accepted};
    plan(p, s, m);
    const size_t rows = s->tile_rows, limits = 2 * p->n_others;
    const struct {
        pt_buffer *buffer;
        size_t count;
    } wanted[] = {
        {&s->points, (s->resident ? p->n : s->tile_columns) * p->d},
        {&s->queries, rows * p->d},
        {&s->tile, rows * s->tile_columns},
        {&s->best_d, rows * c},
        {&s->best_i, rows * c},
        {&s->limit, rows * limits},
        {&s->count, rows * limits},
    };
    for (size_t b = 0; b < sizeof wanted / sizeof wanted[0]; b++) {
        if (wanted[b].count == 0) { continue; } /* no ranks */
        const ptsne_status status = pt_buffer_create(p->be, wanted[b].count, wanted[b].buffer, err);
        if (status != PTSNE_OK) { return status; }
    }
    const size_t staged = staged_rows(p);
    s->staged = pt_array_aligned(staged * p->d, sizeof *s->staged);
    s->near_d = pt_array_aligned(rows * c, sizeof *s->near_d);
    s->near_i = pt_array_aligned(rows * c, sizeof *s->near_i);
    s->exact = pt_array_aligned(rows * p->k, sizeof *s->exact);
    s->limits = pt_array_aligned(rows * limits, sizeof *s->limits);
    s->counts = pt_array_aligned(rows * limits, sizeof *s->counts);
    if (!s->staged || !s->near_d || !s->near_i || !s->exact || !s->limits || !s->counts) {
        return pt_fail_memory(err, "lists of neighbours",
                              4.0 * (double)staged * (double)p->d + 20.0 * (double)(rows * c));
    }
    return PTSNE_OK;
}

/* ---- tiles ---- */

/* Rows of from (or those that `rows` lists), centred, to the device. */
static ptsne_status rows_upload(const problem *p, pass *s, const float *from, const uint32_t *rows, size_t count,
                                const pt_buffer *to, ptsne_error *err)
{
    const size_t staged = staged_rows(p);
    for (size_t at = 0; at < count; at += staged) {
        const size_t some = smaller(staged, count - at);
        pt_rows_centred(rows == NULL ? from + at * p->d : from, rows == NULL ? NULL : rows + at, some, p->d, p->mean,
                        p->be->threads, s->staged);
        const pt_buffer part = pt_buffer_view(to, at * p->d, some * p->d);
        const ptsne_status status = pt_upload(p->be, s->staged, &part, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

static ptsne_status lists_empty(const problem *p, pass *s, const pt_buffer *best_d, const pt_buffer *best_i,
                                ptsne_error *err)
{
    for (size_t t = 0; t < best_i->count; t++) { s->near_i[t] = NO_POINT; }
    ptsne_status status = pt_upload(p->be, s->near_i, best_i, err);
    if (status == PTSNE_OK) { status = pt_fill(p->be, best_d, INFINITY, err); }
    return status;
}

/* Queries from .. from + rows of the pass against all points. */
static ptsne_status tiles_run(problem *p, pass *s, const uint32_t *list, size_t from, size_t rows, ptsne_error *err)
{
    const size_t row_from = p->self && list == NULL ? from : SIZE_MAX, limits = 2 * p->n_others;
    const pt_buffer best_d = pt_buffer_view(&s->best_d, 0, rows * s->c);
    const pt_buffer best_i = pt_buffer_view(&s->best_i, 0, rows * s->c);
    const pt_buffer limit = pt_buffer_view(&s->limit, 0, rows * limits);
    const pt_buffer count = pt_buffer_view(&s->count, 0, rows * limits);
    pt_buffer queries = pt_buffer_view(&s->queries, 0, rows * p->d);
    ptsne_status status;
    if (row_from != SIZE_MAX && s->resident) {
        queries = pt_buffer_view(&s->points, from * p->d, rows * p->d);
    } else {
        const float *first = list == NULL ? p->query + from * p->d : p->query;
        status = rows_upload(p, s, first, list == NULL ? NULL : list + from, rows, &queries, err);
        if (status != PTSNE_OK) { return status; }
    }
    if ((status = lists_empty(p, s, &best_d, &best_i, err)) != PTSNE_OK) { return status; }
    for (size_t at = 0; at < p->n; at += s->tile_columns) {
        const size_t columns = smaller(s->tile_columns, p->n - at);
        const pt_buffer points = pt_buffer_view(&s->points, s->resident ? at * p->d : 0, columns * p->d);
        const pt_buffer tile = pt_buffer_view(&s->tile, 0, rows * columns);
        if (!s->resident) {
            status = rows_upload(p, s, p->x + at * p->d, NULL, columns, &points, err);
            if (status != PTSNE_OK) { return status; }
        }
        status = pt_distances(p->be, p->metric, &queries, rows, &points, columns, p->d, &tile, err);
        if (status != PTSNE_OK) { return status; }
        status = pt_nearest_merge(p->be, &tile, rows, columns, row_from, at, s->c, &best_d, &best_i, err);
        if (status != PTSNE_OK) { return status; }
        if (limits > 0 && list == NULL) {
            status = pt_rank_counts(p->be, &tile, rows, columns, row_from, at, &limit, limits, &count, err);
            if (status != PTSNE_OK) { return status; }
        }
    }
    if ((status = pt_download(p->be, &best_d, s->near_d, err)) != PTSNE_OK) { return status; }
    return pt_download(p->be, &best_i, s->near_i, err);
}

/* ---- what the host makes of a tile of rows ---- */

static double centred_norm(const float *a, const double *mean, size_t d)
{
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) { sum += ((double)a[j] - mean[j]) * ((double)a[j] - mean[j]); }
    return sum;
}

/* How much a tile's distance of a point no farther than tau from a may be wrong: the contract of pt_distances, with
 * growth per column, and 4 more for centring. |b| is at most |a| + sqrt(tau). */
static double tile_error(const problem *p, const float *a, double tau, double growth)
{
    if (p->whole) { return 0.0; }
    const double norm = centred_norm(a, p->mean, p->d);
    const double other = sqrt(norm) + sqrt(tau);
    return (12.0 + growth) * (double)FLT_EPSILON * (norm + other * other);
}

/* Points that may be a query's neighbours. */
static size_t candidates(const problem *p)
{
    return p->n - (p->self ? 1 : 0);
}

/* Exact distances of a row's candidates, the k nearest of them, and whether no other point can be among these. */
static bool row_refine(const problem *p, const pass *s, size_t i, size_t row)
{
    const float *a = p->query + row * p->d;
    const uint32_t *near = s->near_i + i * s->c;
    uint32_t *index = p->index + row * p->k;
    double *exact = s->exact + i * p->k;
    size_t count = 0, found = 0;
    for (size_t l = 0; l < s->c; l++) {
        if (near[l] == NO_POINT || (p->self && near[l] == row)) { continue; }
        const double here = pt_distance_squared(a, p->x + (size_t)near[l] * p->d, p->d);
        count = pt_nearest_insert(here, near[l], count, p->k, index, exact);
        found++;
    }
    for (; count < p->k; count++) { /* only where the tile overflowed */
        index[count] = NO_POINT;
        exact[count] = (double)INFINITY;
    }
    for (size_t l = 0; p->distance != NULL && l < p->k; l++) { p->distance[row * p->k + l] = (float)exact[l]; }
    if (found == candidates(p)) { return true; }
    const double tau = exact[p->k - 1], error = tile_error(p, a, tau, 4.0 * (double)p->d);
    return error < 1.0e30 && tau + error <= (double)s->near_d[(i + 1) * s->c - 1]; /* float32 ends at 3e38 */
}

static void rows_refine(const problem *p, const pass *s, const uint32_t *list, size_t from, size_t rows)
{
#pragma omp parallel for schedule(static) num_threads((int)p->be->threads)
    for (size_t i = 0; i < rows; i++) {
        const size_t row = list == NULL ? from + i : (size_t)list[from + i];
        if (p->euclidean) {
            s->accepted[row] = row_refine(p, s, i, row);
            continue;
        }
        memcpy(p->index + row * p->k, s->near_i + i * s->c, p->k * sizeof *p->index);
        if (p->distance != NULL) { memcpy(p->distance + row * p->k, s->near_d + i * s->c, p->k * sizeof *p->distance); }
        s->accepted[row] = isfinite(s->near_d[i * s->c + p->k - 1]) != 0;
    }
}

/* ---- ranks ---- */

/* Each other point's distance gets a bracket as wide as the tiles err in practice (like the square root of d, several times
 * over), so that the point itself falls inside, whatever its tile says, and is counted neither way. */
static ptsne_status ranks_begin(const problem *p, pass *s, size_t from, size_t rows, ptsne_error *err)
{
    if (p->n_others == 0) { return PTSNE_OK; }
#pragma omp parallel for schedule(static) num_threads((int)p->be->threads)
    for (size_t i = 0; i < rows; i++) {
        const float *a = p->x + (from + i) * p->d;
        for (size_t l = 0; l < p->n_others; l++) {
            const uint32_t point = p->other[(from + i) * p->n_others + l];
            const double here = pt_distance_squared(a, p->x + (size_t)point * p->d, p->d);
            const double error = tile_error(p, a, here, sqrt((double)p->d));
            s->limits[(i * p->n_others + l) * 2] = (float)(here - error);
            s->limits[(i * p->n_others + l) * 2 + 1] = (float)(here + error);
        }
    }
    const pt_buffer limit = pt_buffer_view(&s->limit, 0, rows * 2 * p->n_others);
    const pt_buffer count = pt_buffer_view(&s->count, 0, rows * 2 * p->n_others);
    ptsne_status status = pt_upload(p->be, s->limits, &limit, err);
    if (status == PTSNE_OK) { status = pt_fill(p->be, &count, 0.0f, err); } /* the bits of 0u */
    return status;
}

static ptsne_status ranks_end(const problem *p, pass *s, size_t from, size_t rows, ptsne_error *err)
{
    if (p->n_others == 0) { return PTSNE_OK; }
    const pt_buffer count = pt_buffer_view(&s->count, 0, rows * 2 * p->n_others);
    const ptsne_status status = pt_download(p->be, &count, s->counts, err);
    if (status != PTSNE_OK) { return status; }
    for (size_t t = 0; t < rows * p->n_others; t++) {
        const uint32_t nearer = s->counts[2 * t], inside = s->counts[2 * t + 1] - nearer;
        const uint32_t doubtful = inside > 0 ? inside - 1 : 0; /* less the point itself */
        const bool wide = doubtful > 0 && (p->n <= SETTLED || (uint64_t)doubtful * DOUBT > nearer);
        const uint32_t half = (doubtful + (uint32_t)(t & 1)) / 2; /* up and down by turns: no bias */
        p->rank[from * p->n_others + t] = wide ? NO_RANK : 1 + nearer + half;
    }
    return PTSNE_OK;
}

/* The rank of a point that stands in the row's final list: its place, or that of the first as near as it. */
static uint32_t rank_in_list(const problem *p, size_t row, uint32_t point)
{
    const float *a = p->x + row * p->d;
    const uint32_t *index = p->index + row * p->k;
    size_t place = 0;
    while (place < p->k && index[place] != point) { place++; }
    if (place == p->k) { return NO_RANK; }
    const double here = pt_distance_squared(a, p->x + (size_t)point * p->d, p->d);
    while (place > 0 && pt_distance_squared(a, p->x + (size_t)index[place - 1] * p->d, p->d) == here) { place--; }
    return (uint32_t)place + 1;
}

/* Ranks that the lists know, and then those that are in doubt, counted on the host. */
static ptsne_status ranks_settle(const problem *p, ptsne_error *err)
{
    size_t unknown = 0;
#pragma omp parallel for schedule(static) num_threads((int)p->be->threads) reduction(+ : unknown)
    for (size_t t = 0; t < p->m * p->n_others; t++) {
        const uint32_t rank = rank_in_list(p, t / p->n_others, p->other[t]);
        if (rank != NO_RANK) { p->rank[t] = rank; }
        unknown += p->rank[t] == NO_RANK;
    }
    if (unknown == 0) { return PTSNE_OK; }
    pt_sweep sweep;
    const ptsne_status status = pt_sweep_create(p->x, p->n, p->d, p->be->threads, &sweep, err);
    if (status != PTSNE_OK) { return status; }
#pragma omp parallel for schedule(dynamic, 64) num_threads((int)p->be->threads)
    for (size_t t = 0; t < p->m * p->n_others; t++) {
        if (p->rank[t] != NO_RANK) { continue; }
        const size_t row = t / p->n_others;
        p->rank[t] = 1 + (uint32_t)pt_sweep_nearer(&sweep, row, p->other[t]);
    }
    pt_sweep_destroy(&sweep);
    return PTSNE_OK;
}

/* ---- passes ---- */

/* The last step is told when all is done, ranks too. */
static ptsne_status settled_tell(problem *p, ptsne_error *err)
{
    const double rate = (double)p->settled / pt_stage_seconds(&p->stage);
    return pt_stage_step(&p->stage, smaller(p->settled, p->m - 1), (double)NAN, rate, err);
}

/* Run `count` queries, those of list or the first ones, with c candidates each. */
static ptsne_status pass_run(problem *p, pass *s, const uint32_t *list, size_t count, size_t c, ptsne_error *err)
{
    ptsne_status status;
    if ((status = pass_create(p, c, count, s, err)) != PTSNE_OK) { goto done; }
    if (s->resident && (status = rows_upload(p, s, p->x, NULL, p->n, &s->points, err)) != PTSNE_OK) { goto done; }
    for (size_t from = 0; from < count; from += s->tile_rows) {
        const size_t rows = smaller(s->tile_rows, count - from);
        if (list == NULL && (status = ranks_begin(p, s, from, rows, err)) != PTSNE_OK) { goto done; }
        if ((status = tiles_run(p, s, list, from, rows, err)) != PTSNE_OK) { goto done; }
        rows_refine(p, s, list, from, rows);
        if (list == NULL && (status = ranks_end(p, s, from, rows, err)) != PTSNE_OK) { goto done; }
        for (size_t i = 0; i < rows; i++) {
            p->settled += s->accepted[list == NULL ? from + i : (size_t)list[from + i]];
        }
        if ((status = settled_tell(p, err)) != PTSNE_OK) { goto done; }
    }
done:
    pass_destroy(p->be, s);
    return status;
}

/* Rows not accepted so far, ascending; list has room for m. */
static size_t rows_left(const problem *p, const pass *s, uint32_t *list)
{
    size_t count = 0;
    for (size_t i = 0; i < p->m; i++) {
        if (!s->accepted[i]) { list[count++] = (uint32_t)i; }
    }
    return count;
}

/* The exact k-th distance among the neighbours a row has so far: nothing farther needs a look. */
static double known_limit(const problem *p, size_t row)
{
    double limit = 0.0;
    for (size_t l = 0; l < p->k; l++) {
        const uint32_t point = p->index[row * p->k + l];
        if (point == NO_POINT) { return (double)INFINITY; }
        const double here = pt_distance_squared(p->query + row * p->d, p->x + (size_t)point * p->d, p->d);
        if (here > limit) { limit = here; }
    }
    return limit;
}

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
        const size_t rows = smaller(at_a_time, count - from);
#pragma omp parallel for schedule(dynamic, 8) num_threads((int)p->be->threads)
        for (size_t i = 0; i < rows; i++) {
            const size_t row = list == NULL ? from + i : (size_t)list[from + i];
            const double limit = known ? known_limit(p, row) : (double)INFINITY;
            double *near = exact + i * p->k;
            pt_sweep_nearest(&sweep, p->query + row * p->d, p->self ? row : SIZE_MAX, p->k, limit,
                             p->index + row * p->k, near);
            for (size_t l = 0; p->distance != NULL && l < p->k; l++) { p->distance[row * p->k + l] = (float)near[l]; }
        }
        p->settled += rows;
        if ((status = settled_tell(p, err)) != PTSNE_OK) { goto done; }
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
    p->whole = true;
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

static ptsne_status search(problem *p, pass *s, uint32_t *list, ptsne_error *err)
{
    const size_t margin = p->whole || !p->euclidean ? 0 : 8 + p->k / 8;
    const size_t most = smaller(PT_NEIGHBORS_MAX, candidates(p));
    ptsne_status status = pass_run(p, s, NULL, p->m, smaller(p->k + margin, most), err);
    if (status != PTSNE_OK) { return status; }
    size_t left = rows_left(p, s, list);
    if (left > 0 && !p->euclidean) {
        return pt_fail(err, PTSNE_ERR_DATA, "row %zu: its distances leave the range of float32", (size_t)list[0] + 1);
    }
    const size_t more = smaller(4 * p->k + 64, PT_NEIGHBORS_MAX); /* the row itself takes a place this time */
    if (left > 0 && more > p->k + margin) {
        if ((status = pass_run(p, s, list, left, smaller(more, p->n), err)) != PTSNE_OK) { return status; }
        left = rows_left(p, s, list);
    }
    if (left > 0 && (status = sweep_run(p, list, left, true, err)) != PTSNE_OK) { return status; }
    return p->rank == NULL ? PTSNE_OK : ranks_settle(p, err);
}

static ptsne_status run(problem *p, const char *metric, const ptsne_observer *observer, ptsne_error *err)
{
    const size_t all = p->n == 0 ? 0 : candidates(p);
    assert(p->n_others <= 32); /* two limits each, and pt_rank_counts takes 64 */
    if (p->k == 0 || p->k > all || p->k > PT_NEIGHBORS_MAX || p->d == 0 || p->n >= NO_POINT || p->m >= NO_POINT) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu neighbours of %zu points with %zu columns (at most %zu)", p->k,
                       p->n, p->d, smaller(all, PT_NEIGHBORS_MAX));
    }
    ptsne_status status = pt_metric_find(p->be, metric, &p->metric, err);
    if (status != PTSNE_OK || p->m == 0) { return status; }
    p->euclidean = strcmp(metric, "euclidean") == 0;
    p->stage = pt_stage_begin(observer, "neighbours", p->m);
    pass s = {.accepted = pt_array_zeroed(p->m, sizeof *s.accepted)};
    uint32_t *list = pt_array_aligned(p->m, sizeof *list);
    if (s.accepted == NULL || list == NULL) {
        status = pt_fail_memory(err, "a list of points", (double)p->m * 5.0);
        goto done;
    }
    if (p->euclidean && p->d <= SWEEP_COLUMNS && p->rank == NULL) {
        status = sweep_run(p, NULL, p->m, false, err);
    } else if ((status = prepare(p, err)) == PTSNE_OK) {
        status = search(p, &s, list, err);
    }
    if (status == PTSNE_OK) {
        status = pt_stage_step(&p->stage, p->m, (double)NAN, (double)p->m / pt_stage_seconds(&p->stage), err);
    }
done:
    free(s.accepted);
    free(list);
    free(p->mean);
    return status;
}

ptsne_status pt_neighbors_find(pt_backend *be, const float *x, size_t n, const float *query, size_t m, size_t d,
                               const char *metric, size_t k, const ptsne_observer *observer, uint32_t *index,
                               float *distance, ptsne_error *err)
{
    problem p = {
        .be = be,
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
