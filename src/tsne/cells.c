/* The search: cells, samples, what each cell is worth to each, and for every cell one list of columns, against which its
 * rows run in tiles.
 *
 * Letters: x points (n x d), k neighbours wanted, c candidates kept of the float32 tiles, whose distances are
 * computed again in float64. A place is a point's number in the order of the cells. */
#include "tsne/cells.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kmeans.h"
#include "base/columns.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"
#include "tsne/neighbors.h"
#include "tsne/sweep.h"

#define LEAST_ROWS  ((size_t)64)  /* of a cell, in the mean: fewer make thin products */
#define TRAINING    ((size_t)32)  /* rows that k-means sees, for each cell */
#define ITERATIONS  ((size_t)6)   /* of k-means: more do not show in the time of the search */
#define SAMPLE      ((size_t)50)  /* one row of so many sets the limit, and as many others measure the recall, */
#define AIMED_LEAST ((size_t)500) /* within these bounds */
#define AIMED_MOST  ((size_t)1000)
#define SPOKESMEN   ((size_t)32) /* rows that speak for their cell */
#define SOFTNESS    0.2f /* of the soft minimum, in units of what single rows would need: 0.1 to 0.4 differ by a tenth */
#define FAR         256.0 /* centred data this much wider than their cells are centred again in each cell */
#define STREAM      UINT64_C(0x63656C6C73) /* "cells" */
#define MOST_ROWS   ((size_t)2048)         /* of one tile */
#define ROWS_STAGED ((size_t)4096)

typedef struct search {
    pt_backend *be;
    const float *x; /* n x d: the caller's, or `unit` */
    size_t n, d, k, c;
    double recall;
    float *unit; /* n x d, for cosine: rows of length 1 */
    bool zeros;  /* ... the last column tells rows that were zero from the others */
    uint32_t *index;
    float *distance; /* may be NULL */

    size_t n_cells;
    float *center;   /* n_cells x d */
    uint32_t *cell;  /* n */
    uint32_t *order; /* n, the point at each place */
    float *sorted;   /* n x d, the points by place: candidates are looked up where they lie together */
    size_t *begin;   /* n_cells + 1, places */

    size_t aimed, measured, known; /* rows of the two samples; neighbours known of each */
    uint32_t *sample;              /* aimed + measured rows */
    uint32_t *truth;               /* ... x (known + 1) */
    float *exact;                  /* ... x (known + 1), squared */

    bool resident, far;
    size_t tile_rows, tile_columns, tile_count;
    pt_buffer points, centers, queries, columns, list, tile, best_d, best_i, lists, shift;
    double *mean;    /* d */
    float *staged;   /* ROWS_STAGED x d at most */
    float *apart;    /* tile_count: rows against centres */
    float *worth;    /* n_cells x n_cells: the less, the sooner is the second met by the first */
    float limit;     /* of worth */
    uint32_t *place; /* n or MOST_ROWS: the columns of one cell */
    float *near_d;   /* tile_rows x c */
    uint32_t *near_i;
    double *near; /* tile_rows x k */
    int metric;
    double pairs, probed; /* distances computed, cells met by all rows */
} search;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void search_destroy(search *s)
{
    pt_buffer *buffers[] = {&s->points, &s->centers, &s->queries, &s->columns, &s->list,
                            &s->tile,   &s->best_d,  &s->best_i,  &s->lists,   &s->shift};
    for (size_t b = 0; b < sizeof buffers / sizeof buffers[0]; b++) { pt_buffer_destroy(s->be, buffers[b]); }
    void *arrays[] = {s->unit,   s->center, s->cell,  s->order, s->begin,  s->sample, s->truth, s->exact, s->mean,
                      s->staged, s->apart,  s->worth, s->place, s->near_d, s->near_i, s->near,  s->sorted};
    for (size_t a = 0; a < sizeof arrays / sizeof arrays[0]; a++) { free(arrays[a]); }
}

/* ---- cosine: rows of length 1 ---- */

static double row_norm(const float *row, size_t d)
{
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) { sum += (double)row[j] * (double)row[j]; }
    return sqrt(sum);
}

/* Squared distances of unit rows are 2 (1 - cos). Rows of zeros, at distance 1 from all, get a direction of their own. */
static ptsne_status unit_create(search *s, ptsne_error *err)
{
    const float *from = s->x;
    const size_t d = s->d;
    for (size_t i = 0; i < s->n && !s->zeros; i++) { s->zeros = row_norm(from + i * d, d) == 0.0; }
    s->d = d + s->zeros;
    if ((s->unit = pt_array_aligned(s->n * s->d, sizeof *s->unit)) == NULL) {
        return pt_fail_memory(err, "rows of length 1", 4.0 * (double)s->n * (double)s->d);
    }
#pragma omp parallel for schedule(static) num_threads((int)s->be->threads)
    for (size_t i = 0; i < s->n; i++) {
        const double norm = row_norm(from + i * d, d), factor = norm > 0.0 ? 1.0 / norm : 0.0;
        float *row = s->unit + i * s->d;
        for (size_t j = 0; j < d; j++) { row[j] = (float)((double)from[i * d + j] * factor); }
        if (s->zeros) { row[d] = norm > 0.0 ? 0.0f : 1.0f; }
    }
    s->x = s->unit;
    return PTSNE_OK;
}

static bool was_zero(const search *s, size_t row)
{
    return s->zeros && s->unit[row * s->d + s->d - 1] == 1.0f;
}

/* To 1 - cos. All points are as far from a row of zeros, so its list is by index. */
static void cosine_finish(const search *s)
{
#pragma omp parallel for schedule(static) num_threads((int)s->be->threads)
    for (size_t i = 0; i < s->n; i++) {
        uint32_t *index = s->index + i * s->k;
        const bool zero = was_zero(s, i);
        for (size_t l = 1; l < s->k && zero; l++) {
            const uint32_t moved = index[l];
            size_t at = l;
            for (; at > 0 && index[at - 1] > moved; at--) { index[at] = index[at - 1]; }
            index[at] = moved;
        }
        for (size_t l = 0; l < s->k && s->distance != NULL; l++) {
            float *distance = &s->distance[i * s->k + l];
            *distance = zero || was_zero(s, index[l]) ? 1.0f : fminf(0.5f * *distance, 2.0f);
        }
    }
}

/* ---- cells ---- */

/* Smaller cells meet fewer points, larger ones make better products and cost less to find. MNIST, 70,000 x 50, 90
 * neighbours at 0.99: 396 cells 20 % of all pairs, 529 17 %, 1058 11 %; the search took 4.0, 3.5 and 3.9 s of processor time, the
 * cells 0.3, 0.4 and 1.5. */
static size_t cells_wanted(size_t n)
{
    return larger(smaller((size_t)(2.0 * sqrt((double)n)), n / LEAST_ROWS), 1);
}

/* Centres from a sample of the rows; `order` is a random order of all. */
static ptsne_status centers_find(search *s, uint64_t seed, const ptsne_observer *observer, ptsne_error *err)
{
    const size_t rows = smaller(s->n, TRAINING * s->n_cells);
    float *some = pt_array_aligned(rows * s->d, sizeof *some);
    uint32_t *label = pt_array_aligned(rows, sizeof *label);
    ptsne_status status;
    if (some == NULL || label == NULL) {
        status = pt_fail_memory(err, "a sample of rows", 4.0 * (double)rows * (double)(s->d + 1));
        goto done;
    }
    for (size_t i = 0; i < rows; i++) {
        memcpy(some + i * s->d, s->x + (size_t)s->order[i] * s->d, s->d * sizeof *some);
    }
    pt_kmeans_options options = pt_kmeans_defaults(s->n_cells);
    options.max_iterations = ITERATIONS;
    options.seed = seed;
    pt_kmeans_report report;
    status = pt_kmeans_fit(s->be, some, rows, s->d, &options, observer, s->center, label, &report, err);
done:
    free(some);
    free(label);
    return status;
}

/* Points in the order of the cells, in the order of the points in each; cells without a point go. */
static void cells_sort(search *s)
{
    size_t *count = s->begin, kept = 0, first = 0;
    memset(count, 0, (s->n_cells + 1) * sizeof *count);
    for (size_t i = 0; i < s->n; i++) { count[s->cell[i]]++; }
    uint32_t *number = s->place; /* lent: no columns yet */
    for (size_t e = 0; e < s->n_cells; e++) {
        if (count[e] == 0) { continue; }
        memmove(s->center + kept * s->d, s->center + e * s->d, s->d * sizeof *s->center);
        number[e] = (uint32_t)kept;
        const size_t here = count[e];
        s->begin[kept++] = first;
        first += here;
    }
    s->n_cells = kept;
    for (size_t i = 0; i < s->n; i++) {
        s->cell[i] = number[s->cell[i]];
        s->order[s->begin[s->cell[i]]++] = (uint32_t)i;
    }
    memmove(s->begin + 1, s->begin, kept * sizeof *s->begin);
    s->begin[0] = 0;
}

static ptsne_status cells_make(search *s, uint64_t seed, const ptsne_observer *observer, ptsne_error *err)
{
    s->n_cells = cells_wanted(s->n);
    s->center = pt_array_aligned(s->n_cells * s->d, sizeof *s->center);
    s->cell = pt_array_aligned(s->n, sizeof *s->cell);
    s->order = pt_array_aligned(s->n, sizeof *s->order);
    s->place = pt_array_aligned(larger(s->n, MOST_ROWS), sizeof *s->place);
    s->begin = pt_array_aligned(s->n_cells + 1, sizeof *s->begin);
    s->aimed = smaller(s->n, larger(smaller(s->n / SAMPLE, AIMED_MOST), AIMED_LEAST));
    s->measured = s->aimed;
    s->sample = pt_array_aligned(s->aimed + s->measured, sizeof *s->sample);
    if (!s->center || !s->cell || !s->order || !s->place || !s->begin || !s->sample) {
        return pt_fail_memory(err, "cells", 12.0 * (double)s->n + 4.0 * (double)s->n_cells * (double)s->d);
    }
    pt_random random = {.seed = seed, .stream = STREAM};
    pt_random_permutation(&random, s->order, s->n);
    memcpy(s->sample, s->order + s->n - s->aimed, s->aimed * sizeof *s->sample);
    const size_t from = s->n >= s->aimed + s->measured ? s->n - s->aimed - s->measured : 0; /* small n: they overlap */
    memcpy(s->sample + s->aimed, s->order + from, s->measured * sizeof *s->sample);
    ptsne_status status = centers_find(s, seed, observer, err);
    if (status == PTSNE_OK) { status = pt_kmeans_assign(s->be, s->x, s->n, s->d, s->center, s->n_cells, s->cell, err); }
    if (status == PTSNE_OK) { cells_sort(s); }
    return status;
}

/* ---- what the samples know ---- */

/* The row itself is among its nearest, unless copies of it fill the list. */
static void own_remove(uint32_t *truth, float *exact, size_t count, uint32_t own)
{
    size_t at = 0;
    while (at + 1 < count && truth[at] != own) { at++; }
    for (; at + 1 < count; at++) {
        truth[at] = truth[at + 1];
        exact[at] = exact[at + 1];
    }
}

static ptsne_status truth_find(search *s, ptsne_error *err)
{
    const size_t rows = s->aimed + s->measured;
    s->known = smaller(s->k, PT_NEIGHBORS_MAX - 1);
    const size_t width = s->known + 1;
    s->truth = pt_array_aligned(rows * width, sizeof *s->truth);
    s->exact = pt_array_aligned(rows * width, sizeof *s->exact);
    float *query = pt_array_aligned(rows * s->d, sizeof *query);
    ptsne_status status;
    if (!s->truth || !s->exact || !query) {
        status = pt_fail_memory(err, "a sample of rows", 4.0 * (double)rows * (double)(2 * width + s->d));
        goto done;
    }
    for (size_t i = 0; i < rows; i++) {
        memcpy(query + i * s->d, s->x + (size_t)s->sample[i] * s->d, s->d * sizeof *query);
    }
    status = pt_neighbors_find(s->be, s->x, s->n, query, rows, s->d, "euclidean", width, NULL, s->truth, s->exact, err);
    for (size_t i = 0; i < rows && status == PTSNE_OK; i++) {
        own_remove(s->truth + i * width, s->exact + i * width, width, s->sample[i]);
    }
done:
    free(query);
    return status;
}

static int compare_floats(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

/* The least of the values that a share of them does not exceed. Sorts them. */
static float quantile(float *value, size_t count, double share)
{
    qsort(value, count, sizeof *value, compare_floats);
    const double at = ceil(share * (double)count);
    return value[at < 1.0 ? 0 : smaller((size_t)at, count) - 1];
}

/* ---- the device's part ---- */

static size_t elements(const search *s)
{
    const size_t points = s->resident ? s->n * s->d : 0;
    return points + s->n_cells * s->d + s->tile_rows * (s->d + 2 * s->c + pt_nearest_room(s->c)) +
           s->tile_columns * (s->d + 1) + s->tile_count + s->d;
}

/* As the exact search plans, but that few rows meet many columns: the tile's area is fixed and not its sides. */
static void plan(search *s)
{
    ptsne_device_info info = {0};
    s->be->ops->describe(s->be, &info);
    const bool processor = strcmp(info.type, "cpu") == 0;
    const size_t budget = pt_elements_planned(s->be), one = pt_elements_largest(s->be);
    s->tile_rows = processor ? 256 : MOST_ROWS;
    s->tile_columns = smaller(s->n, processor ? 8192 : 65536);
    s->tile_count = larger(processor ? (size_t)1 << 19 : (size_t)1 << 24, s->n_cells);
    s->resident = s->n <= one / s->d && s->n * s->d <= budget / 2;
    while (s->tile_count / 2 >= s->n_cells && s->tile_count > 4096 && (elements(s) > budget || s->tile_count > one)) {
        s->tile_count /= 2;
        s->tile_columns = larger(s->tile_columns / 2, smaller(s->n, 64));
        s->tile_rows = larger(s->tile_rows / 2, 16);
    }
}

static ptsne_status buffers_create(search *s, ptsne_error *err)
{
    const struct {
        pt_buffer *buffer;
        size_t count;
    } wanted[] = {
        {&s->points, s->resident ? s->n * s->d : 1},
        {&s->centers, s->n_cells * s->d},
        {&s->queries, s->tile_rows * s->d},
        {&s->columns, s->tile_columns * s->d},
        {&s->list, s->tile_columns},
        {&s->tile, s->tile_count},
        {&s->best_d, s->tile_rows * s->c},
        {&s->best_i, s->tile_rows * s->c},
        {&s->lists, s->tile_rows * pt_nearest_room(s->c)},
        {&s->shift, s->d},
    };
    for (size_t b = 0; b < sizeof wanted / sizeof wanted[0]; b++) {
        const ptsne_status status = pt_buffer_create(s->be, wanted[b].count, wanted[b].buffer, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

/* Rows of `from` (those that `rows` lists, or the first ones) less `mean`, to the device. */
static ptsne_status rows_upload(search *s, const float *from, const uint32_t *rows, size_t count, const double *mean,
                                const pt_buffer *to, ptsne_error *err)
{
    for (size_t at = 0; at < count; at += ROWS_STAGED) {
        const size_t some = smaller(ROWS_STAGED, count - at);
        pt_rows_centred(rows == NULL ? from + at * s->d : from, rows == NULL ? NULL : rows + at, some, s->d, mean,
                        s->be->threads, s->staged);
        const pt_buffer part = pt_buffer_view(to, at * s->d, some * s->d);
        const ptsne_status status = pt_upload(s->be, s->staged, &part, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

static ptsne_status device_prepare(search *s, ptsne_error *err)
{
    plan(s);
    const size_t lists = s->tile_rows * s->c, staged = smaller(ROWS_STAGED, larger(s->n, s->tile_rows));
    s->mean = pt_array_zeroed(2 * s->d, sizeof *s->mean); /* and another row for a cell's own */
    s->staged = pt_array_aligned(staged * s->d, sizeof *s->staged);
    s->sorted = pt_array_aligned(s->n * s->d, sizeof *s->sorted);
    s->apart = pt_array_aligned(s->tile_count, sizeof *s->apart);
    s->worth = pt_array_aligned(s->n_cells * s->n_cells, sizeof *s->worth);
    s->near_d = pt_array_aligned(lists, sizeof *s->near_d);
    s->near_i = pt_array_aligned(lists, sizeof *s->near_i);
    s->near = pt_array_aligned(s->tile_rows * s->k, sizeof *s->near);
    if (!s->mean || !s->staged || !s->sorted || !s->apart || !s->worth || !s->near_d || !s->near_i || !s->near) {
        return pt_fail_memory(err, "the cells' lists",
                              4.0 * ((double)s->n * (double)s->d + (double)s->n_cells * (double)s->n_cells) +
                                  16.0 * (double)lists);
    }
    ptsne_status status;
    if ((status = pt_metric_find(s->be, "euclidean", &s->metric, err)) != PTSNE_OK) { return status; }
#pragma omp parallel for schedule(static) num_threads((int)s->be->threads)
    for (size_t t = 0; t < s->n; t++) {
        memcpy(s->sorted + t * s->d, s->x + (size_t)s->order[t] * s->d, s->d * sizeof *s->sorted);
    }
    if ((status = pt_column_means(s->x, s->n, s->d, s->be->threads, s->mean, err)) != PTSNE_OK) { return status; }
    if ((status = buffers_create(s, err)) != PTSNE_OK) { return status; }
    status = rows_upload(s, s->center, NULL, s->n_cells, s->mean, &s->centers, err);
    if (status != PTSNE_OK || !s->resident) { return status; }
    return rows_upload(s, s->sorted, NULL, s->n, s->mean, &s->points, err);
}

/* ---- what cells are worth to each other ---- */

/* Rows that meet all centres at once. */
static size_t block_rows(const search *s)
{
    return larger(smaller(s->tile_rows, s->tile_count / s->n_cells), 1);
}

/* Into apart: distances of rows of x to all centres, count x n_cells, not squared. */
static ptsne_status centers_meet(search *s, const uint32_t *rows, size_t count, ptsne_error *err)
{
    const pt_buffer queries = pt_buffer_view(&s->queries, 0, count * s->d);
    const pt_buffer tile = pt_buffer_view(&s->tile, 0, count * s->n_cells);
    ptsne_status status = rows_upload(s, s->x, rows, count, s->mean, &queries, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_distances(s->be, s->metric, &queries, count, &s->centers, s->n_cells, s->d, &tile, err);
    if (status == PTSNE_OK) { status = pt_download(s->be, &tile, s->apart, err); }
    if (status != PTSNE_OK) { return status; }
#pragma omp parallel for simd schedule(static) num_threads((int)s->be->threads)
    for (size_t t = 0; t < count * s->n_cells; t++) { s->apart[t] = sqrtf(s->apart[t]); }
    return PTSNE_OK;
}

/* How much farther than the own centre a single row would have to look, for the share asked for; and the mean distance
 * of rows from their centres. need has room for aimed x known. */
static ptsne_status rows_need(search *s, float *need, float *limit, double *radius, ptsne_error *err)
{
    const size_t rows = block_rows(s);
    *radius = 0.0;
    for (size_t from = 0; from < s->aimed; from += rows) {
        const size_t some = smaller(rows, s->aimed - from);
        const ptsne_status status = centers_meet(s, s->sample + from, some, err);
        if (status != PTSNE_OK) { return status; }
        for (size_t i = 0; i < some; i++) {
            const float *apart = s->apart + i * s->n_cells, own = apart[s->cell[s->sample[from + i]]];
            const uint32_t *truth = s->truth + (from + i) * (s->known + 1);
            for (size_t l = 0; l < s->known; l++) { need[(from + i) * s->known + l] = apart[s->cell[truth[l]]] - own; }
            *radius += (double)own / (double)s->aimed;
        }
    }
    *limit = quantile(need, s->aimed * s->known, s->recall);
    return PTSNE_OK;
}

/* The soft minimum of |x - centre c| - |x - own centre| over `count` rows of the cell, for cells c0 .. c1; what is beyond
 * `reach` need not be told exactly. */
static void worth_say(const search *s, size_t own, const float *apart, size_t count, size_t c0, size_t c1,
                      float softness, float reach)
{
    float *worth = s->worth + own * s->n_cells;
    for (size_t c = c0; c < c1; c++) { worth[c] = INFINITY; }
    for (size_t i = 0; i < count; i++) {
        const float *row = apart + i * s->n_cells, near = row[own];
        for (size_t c = c0; c < c1; c++) {
            const float here = row[c] - near;
            worth[c] = here < worth[c] ? here : worth[c];
        }
    }
    for (size_t c = c0; c < c1; c++) {
        const float least = worth[c];
        if (least > reach) { continue; }
        float sum = 0.0f;
        for (size_t i = 0; i < count; i++) {
            const float *row = apart + i * s->n_cells;
            sum += expf((least - (row[c] - row[own])) / softness);
        }
        worth[c] = least - softness * logf(sum / (float)count);
    }
}

static ptsne_status worth_find(search *s, float softness, float reach, ptsne_error *err)
{
    const size_t rows = block_rows(s), each = smaller(SPOKESMEN, rows), cells = rows / each, chunk = 256;
    const size_t chunks = (s->n_cells + chunk - 1) / chunk;
    for (size_t from = 0; from < s->n_cells; from += cells) {
        const size_t some = smaller(cells, s->n_cells - from);
        size_t count = 0;
        for (size_t e = from; e < from + some; e++) { /* evenly spaced rows; a small cell says some of them twice */
            const size_t size = s->begin[e + 1] - s->begin[e];
            for (size_t t = 0; t < each; t++) { s->place[count++] = s->order[s->begin[e] + t * size / each]; }
        }
        const ptsne_status status = centers_meet(s, s->place, count, err);
        if (status != PTSNE_OK) { return status; }
#pragma omp parallel for schedule(static) num_threads((int)s->be->threads)
        for (size_t t = 0; t < some * chunks; t++) {
            const size_t e = t / chunks, c0 = t % chunks * chunk;
            worth_say(s, from + e, s->apart + e * each * s->n_cells, each, c0, smaller(c0 + chunk, s->n_cells),
                      softness, reach);
        }
    }
    return PTSNE_OK;
}

/* The limit of worth, aimed a fifth of the way from the recall to 1, so that another sample finds it too. */
static ptsne_status limit_find(search *s, ptsne_error *err)
{
    float *need = pt_array_aligned(s->aimed * s->known, sizeof *need), rows_limit;
    if (need == NULL) { return pt_fail_memory(err, "a sample of rows", 4.0 * (double)s->aimed * (double)s->known); }
    double radius;
    ptsne_status status = rows_need(s, need, &rows_limit, &radius, err);
    if (status != PTSNE_OK) { goto done; }
    const float least = fmaxf(1e-3f * (float)radius, FLT_MIN * 1e6f);
    const float softness = fmaxf(SOFTNESS * rows_limit, least), reach = 3.0f * fmaxf(rows_limit, least);
    if ((status = worth_find(s, softness, reach, err)) != PTSNE_OK) { goto done; }
    for (size_t i = 0; i < s->aimed; i++) {
        const float *worth = s->worth + s->cell[s->sample[i]] * s->n_cells;
        const uint32_t *truth = s->truth + i * (s->known + 1);
        for (size_t l = 0; l < s->known; l++) { need[i * s->known + l] = worth[s->cell[truth[l]]]; }
    }
    s->limit = quantile(need, s->aimed * s->known, s->recall + 0.2 * (1.0 - s->recall));
    double spread = 0.0;
    for (size_t i = 0; i < s->aimed; i++) {
        const float *row = s->x + (size_t)s->sample[i] * s->d;
        for (size_t j = 0; j < s->d; j++) { spread += ((double)row[j] - s->mean[j]) * ((double)row[j] - s->mean[j]); }
    }
    s->far = spread / (double)s->aimed > FAR * radius * radius;
done:
    free(need);
    return status;
}

/* ---- the search ---- */

static size_t cell_append(search *s, size_t e, size_t count)
{
    for (size_t t = s->begin[e]; t < s->begin[e + 1]; t++) { s->place[count++] = (uint32_t)t; }
    return count;
}

/* The cell that comes next after those up to `limit`, or n_cells. */
static size_t cell_next(const search *s, size_t own, float limit)
{
    const float *worth = s->worth + own * s->n_cells;
    size_t next = s->n_cells;
    for (size_t e = 0; e < s->n_cells; e++) {
        if (e != own && worth[e] > limit && (next == s->n_cells || worth[e] < worth[next])) { next = e; }
    }
    return next;
}

/* place: the cell itself first, then the cells within the limit, and more where they have too few points. Returns how many
 * places; *probed cells. */
static size_t columns_list(search *s, size_t own, size_t *probed)
{
    const float *worth = s->worth + own * s->n_cells;
    float limit = s->limit;
    size_t points = s->begin[own + 1] - s->begin[own];
    for (size_t e = 0; e < s->n_cells; e++) {
        points += e != own && worth[e] <= limit ? s->begin[e + 1] - s->begin[e] : 0;
    }
    while (points < s->c + 1) {
        limit = worth[cell_next(s, own, limit)]; /* there is one: all cells together have more than c points */
        for (size_t e = 0; e < s->n_cells; e++) {
            points += e != own && worth[e] == limit ? s->begin[e + 1] - s->begin[e] : 0;
        }
    }
    size_t count = cell_append(s, own, 0);
    *probed = 1;
    for (size_t e = 0; e < s->n_cells; e++) {
        if (e == own || worth[e] > limit) { continue; }
        count = cell_append(s, e, count);
        ++*probed;
    }
    return count;
}

/* `count` points of the list from `at` on, to the columns. */
static ptsne_status columns_load(search *s, size_t at, size_t count, const pt_buffer *columns, ptsne_error *err)
{
    if (!s->resident) { return rows_upload(s, s->sorted, s->place + at, count, s->mean + s->d, columns, err); }
    const pt_buffer list = pt_buffer_view(&s->list, 0, count);
    ptsne_status status = pt_upload(s->be, s->place + at, &list, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_gather_rows(s->be, &s->points, s->n, s->d, &list, NULL, NULL, count, columns, err);
    if (status != PTSNE_OK || !s->far) { return status; }
    return pt_bias_activation(s->be, columns, count, s->d, &s->shift, PT_LINEAR, err);
}

/* Places first .. first + rows as queries: from the points as they are, or centred in their cell. */
static ptsne_status queries_load(search *s, size_t first, size_t rows, pt_buffer *queries, ptsne_error *err)
{
    *queries = pt_buffer_view(&s->queries, 0, rows * s->d);
    if (!s->resident) { return rows_upload(s, s->sorted + first * s->d, NULL, rows, s->mean + s->d, queries, err); }
    const pt_buffer points = pt_buffer_view(&s->points, first * s->d, rows * s->d);
    if (!s->far) {
        *queries = points;
        return PTSNE_OK;
    }
    const ptsne_status status = pt_copy(s->be, &points, queries, err);
    return status == PTSNE_OK ? pt_bias_activation(s->be, queries, rows, s->d, &s->shift, PT_LINEAR, err) : status;
}

/* Exact distances of the candidates of a row, and the k nearest by them. */
static void row_refine(const search *s, size_t i, size_t place)
{
    const float *a = s->sorted + place * s->d;
    const uint32_t *near = s->near_i + i * s->c;
    const size_t row = s->order[place];
    uint32_t *index = s->index + row * s->k;
    double *exact = s->near + i * s->k;
    size_t count = 0;
    for (size_t l = 0; l < s->c && near[l] != UINT32_MAX; l++) {
        const size_t other = s->place[near[l]];
        const double here = pt_distance_squared(a, s->sorted + other * s->d, s->d);
        count = pt_nearest_insert(here, s->order[other], count, s->k, index, exact);
    }
    for (size_t l = 0; l < s->k && s->distance != NULL; l++) { s->distance[row * s->k + l] = (float)exact[l]; }
}

/* Rows of a cell, from place `first` on, against the `count` columns of the list. */
static ptsne_status rows_run(search *s, size_t own, size_t first, size_t rows, size_t count, ptsne_error *err)
{
    const size_t row_from = first - s->begin[own]; /* the cell itself is the head of the list */
    const pt_buffer best_d = pt_buffer_view(&s->best_d, 0, rows * s->c);
    const pt_buffer best_i = pt_buffer_view(&s->best_i, 0, rows * s->c);
    const pt_buffer lists = pt_buffer_view(&s->lists, 0, rows * pt_nearest_room(s->c));
    pt_buffer queries;
    ptsne_status status;
    if ((status = queries_load(s, first, rows, &queries, err)) != PTSNE_OK) { return status; }
    if ((status = pt_nearest_begin(s->be, rows, s->c, &lists, err)) != PTSNE_OK) { return status; }
    for (size_t at = 0; at < count; at += s->tile_columns) {
        const size_t some = smaller(s->tile_columns, count - at);
        const pt_buffer columns = pt_buffer_view(&s->columns, 0, some * s->d);
        if ((status = columns_load(s, at, some, &columns, err)) != PTSNE_OK) { return status; }
        status = pt_nearest_add(s->be, s->metric, &queries, rows, &columns, some, s->d, row_from, at, s->c, &lists,
                                NULL, err);
        if (status != PTSNE_OK) { return status; }
    }
    if ((status = pt_nearest_end(s->be, rows, s->c, &lists, &best_d, &best_i, err)) != PTSNE_OK) { return status; }
    if ((status = pt_download(s->be, &best_d, s->near_d, err)) != PTSNE_OK) { return status; }
    if ((status = pt_download(s->be, &best_i, s->near_i, err)) != PTSNE_OK) { return status; }
    for (size_t i = 0; i < rows; i++) {
        if (!isfinite(s->near_d[(i + 1) * s->c - 1])) {
            return pt_fail(err, PTSNE_ERR_DATA, "row %zu: its distances leave the range of float32",
                           (size_t)s->order[first + i] + 1);
        }
    }
#pragma omp parallel for schedule(static) num_threads((int)s->be->threads)
    for (size_t i = 0; i < rows; i++) { row_refine(s, i, first + i); }
    return PTSNE_OK;
}

/* The cell's centre, for data that float32 must see from nearby. */
static ptsne_status cell_center(search *s, size_t own, ptsne_error *err)
{
    double *mean = s->mean + s->d;
    for (size_t j = 0; j < s->d; j++) {
        mean[j] = (double)s->center[own * s->d + j];
        s->staged[j] = (float)(s->mean[j] - mean[j]);
    }
    return pt_upload(s->be, s->staged, &s->shift, err);
}

static ptsne_status cells_run(search *s, pt_stage *stage, ptsne_error *err)
{
    for (size_t own = 0; own < s->n_cells; own++) {
        const size_t first = s->begin[own], end = s->begin[own + 1];
        size_t probed;
        const size_t count = columns_list(s, own, &probed);
        ptsne_status status = cell_center(s, own, err);
        for (size_t at = first; at < end && status == PTSNE_OK; at += s->tile_rows) {
            status = rows_run(s, own, at, smaller(s->tile_rows, end - at), count, err);
            const size_t done = smaller(smaller(at + s->tile_rows, end), s->n - 1);
            if (status == PTSNE_OK) {
                status = pt_stage_step(stage, done, (double)NAN, (double)done / pt_stage_seconds(stage), err);
            }
        }
        if (status != PTSNE_OK) { return status; }
        s->pairs += (double)(end - first) * (double)count;
        s->probed += (double)(end - first) * (double)probed;
    }
    return PTSNE_OK;
}

/* The share of the sample's neighbours that its rows have, or others as near. */
static void recall_measure(const search *s, pt_cells_report *report)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < s->measured; i++) {
        const size_t row = s->sample[s->aimed + i];
        const float last = s->exact[(s->aimed + i) * (s->known + 1) + s->known - 1];
        size_t found = 0;
        for (size_t l = 0; l < s->known; l++) {
            const float *other = s->x + (size_t)s->index[row * s->k + l] * s->d;
            found += (float)pt_distance_squared(s->x + row * s->d, other, s->d) <= last;
        }
        const double here = (double)found / (double)s->known;
        sum += here;
        squares += here * here;
    }
    const double rows = (double)s->measured;
    report->recall = sum / rows;
    report->recall_deviation = sqrt(fmax(squares / rows - report->recall * report->recall, 0.0) / rows);
}

static ptsne_status check(const search *s, const char *metric, bool *cosine, ptsne_error *err)
{
    const size_t most = s->n == 0 ? 0 : smaller(s->n - 1, PT_NEIGHBORS_MAX);
    if (s->k == 0 || s->k > most || s->d == 0 || s->n >= UINT32_MAX) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu neighbours of %zu points with %zu columns (at most %zu)", s->k,
                       s->n, s->d, most);
    }
    if (!(s->recall > 0.0 && s->recall <= 1.0)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "recall %g is not above 0 and at most 1", s->recall);
    }
    *cosine = strcmp(metric, "cosine") == 0;
    if (!*cosine && strcmp(metric, "euclidean") != 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "approximate neighbours are for euclidean and cosine; metric \"%s\" needs exact ones", metric);
    }
    return PTSNE_OK;
}

ptsne_status pt_cells_find(pt_backend *be, const float *x, size_t n, size_t d, const char *metric, size_t k,
                           double recall, uint64_t seed, const ptsne_observer *observer, uint32_t *index,
                           float *distance, pt_cells_report *report, ptsne_error *err)
{
    search s = {.be = be, .x = x, .n = n, .d = d, .k = k, .recall = recall, .index = index, .distance = distance};
    bool cosine = false;
    ptsne_status status = check(&s, metric, &cosine, err);
    if (status != PTSNE_OK) { return status; }
    s.c = smaller(k + 2 + k / 16, smaller(PT_NEIGHBORS_MAX, n - 1));
    if (cosine && (status = unit_create(&s, err)) != PTSNE_OK) { goto done; }
    if ((status = cells_make(&s, seed, observer, err)) != PTSNE_OK) { goto done; }
    pt_stage stage = pt_stage_begin(observer, "neighbours", n);
    if ((status = truth_find(&s, err)) != PTSNE_OK) { goto done; }
    if ((status = device_prepare(&s, err)) != PTSNE_OK) { goto done; }
    if ((status = limit_find(&s, err)) != PTSNE_OK) { goto done; }
    if ((status = cells_run(&s, &stage, err)) != PTSNE_OK) { goto done; }
    pt_cells_report told = {.n_cells = s.n_cells};
    recall_measure(&s, &told);
    told.n_probed = (size_t)ceil(s.probed / (double)n);
    told.share_of_pairs = s.pairs / (double)n / (double)n;
    if (report != NULL) { *report = told; }
    if (cosine) { cosine_finish(&s); }
    status = pt_stage_step(&stage, n, (double)NAN, (double)n / pt_stage_seconds(&stage), err);
done:
    search_destroy(&s);
    return status;
}
