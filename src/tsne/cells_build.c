#include "tsne/cells_build.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kmeans.h"
#include "analysis/rows.h"
#include "base/columns.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sizes.h"
#include "tsne/neighbors.h"

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

void pt_cells_destroy(pt_cells *s)
{
    pt_buffer *buffers[] = {&s->points, &s->centers, &s->queries, &s->columns, &s->list,
                            &s->tile,   &s->best_d,  &s->best_i,  &s->lists,   &s->shift};
    for (size_t b = 0; b < sizeof buffers / sizeof buffers[0]; b++) { pt_buffer_destroy(s->be, buffers[b]); }
    void *arrays[] = {s->unit,   s->center, s->cell,  s->order, s->begin,  s->sample, s->truth, s->exact, s->mean,
                      s->staged, s->apart,  s->worth, s->place, s->near_d, s->near_i, s->near,  s->sorted};
    for (size_t a = 0; a < sizeof arrays / sizeof arrays[0]; a++) { free(arrays[a]); }
}

/* ---- cells ---- */

/* Smaller cells meet fewer points, larger ones make better products and cost less to find. MNIST, 70,000 x 50, 90
 * neighbours at 0.99: 396 cells 20 % of all pairs, 529 17 %, 1058 11 %; the search took 4.0, 3.5 and 3.9 s of processor time, the
 * cells 0.3, 0.4 and 1.5. */
static size_t cells_wanted(size_t n)
{
    return pt_larger(pt_smaller((size_t)(2.0 * sqrt((double)n)), n / LEAST_ROWS), 1);
}

/* Centres from a sample of the rows; `order` is a random order of all. */
static ptsne_status centers_find(pt_cells *s, uint64_t seed, const ptsne_observer *observer, ptsne_error *err)
{
    const size_t rows = pt_smaller(s->n, TRAINING * s->n_cells);
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
static void cells_sort(pt_cells *s)
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

ptsne_status pt_cells_make(pt_cells *s, uint64_t seed, const ptsne_observer *observer, ptsne_error *err)
{
    s->n_cells = cells_wanted(s->n);
    s->center = pt_array_aligned(s->n_cells * s->d, sizeof *s->center);
    s->cell = pt_array_aligned(s->n, sizeof *s->cell);
    s->order = pt_array_aligned(s->n, sizeof *s->order);
    s->place = pt_array_aligned(pt_larger(s->n, MOST_ROWS), sizeof *s->place);
    s->begin = pt_array_aligned(s->n_cells + 1, sizeof *s->begin);
    s->aimed = pt_smaller(s->n, pt_larger(pt_smaller(s->n / SAMPLE, AIMED_MOST), AIMED_LEAST));
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

static ptsne_status truth_find(pt_cells *s, ptsne_error *err)
{
    const size_t rows = s->aimed + s->measured;
    s->known = pt_smaller(s->k, PT_NEIGHBORS_MAX - 1);
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
    return value[at < 1.0 ? 0 : pt_smaller((size_t)at, count) - 1];
}

/* ---- the device's part ---- */

static size_t elements(const pt_cells *s)
{
    const size_t points = s->resident ? s->n * s->d : 0;
    return points + s->n_cells * s->d + s->tile_rows * (s->d + 2 * s->c + pt_nearest_room(s->c)) +
           s->tile_columns * (s->d + 1) + s->tile_count + s->d;
}

/* As the exact search plans, but that few rows meet many columns: the tile's area is fixed and not its sides. */
static void plan(pt_cells *s)
{
    ptsne_device_info info = {0};
    s->be->ops->describe(s->be, &info);
    const bool processor = strcmp(info.type, "cpu") == 0;
    const size_t budget = pt_elements_planned(s->be), one = pt_elements_largest(s->be);
    s->tile_rows = processor ? 256 : MOST_ROWS;
    s->tile_columns = pt_smaller(s->n, processor ? 8192 : 65536);
    s->tile_count = pt_larger(processor ? (size_t)1 << 19 : (size_t)1 << 24, s->n_cells);
    s->resident = s->n <= one / s->d && s->n * s->d <= budget / 2;
    while (s->tile_count / 2 >= s->n_cells && s->tile_count > 4096 && (elements(s) > budget || s->tile_count > one)) {
        s->tile_count /= 2;
        s->tile_columns = pt_larger(s->tile_columns / 2, pt_smaller(s->n, 64));
        s->tile_rows = pt_larger(s->tile_rows / 2, 16);
    }
}

static ptsne_status buffers_create(pt_cells *s, ptsne_error *err)
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

ptsne_status pt_cells_upload(pt_cells *s, const float *from, const uint32_t *rows, size_t count, const double *mean,
                             const pt_buffer *to, ptsne_error *err)
{
    return pt_rows_send(s->be, from, rows, count, s->d, mean, s->staged, ROWS_STAGED, to, err);
}

static ptsne_status device_prepare(pt_cells *s, ptsne_error *err)
{
    plan(s);
    const size_t lists = s->tile_rows * s->c, staged = pt_smaller(ROWS_STAGED, pt_larger(s->n, s->tile_rows));
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
    status = pt_cells_upload(s, s->center, NULL, s->n_cells, s->mean, &s->centers, err);
    if (status != PTSNE_OK || !s->resident) { return status; }
    return pt_cells_upload(s, s->sorted, NULL, s->n, s->mean, &s->points, err);
}

/* ---- what cells are worth to each other ---- */

/* Rows that meet all centres at once. */
static size_t block_rows(const pt_cells *s)
{
    return pt_larger(pt_smaller(s->tile_rows, s->tile_count / s->n_cells), 1);
}

/* Into apart: distances of rows of x to all centres, count x n_cells, not squared. */
static ptsne_status centers_meet(pt_cells *s, const uint32_t *rows, size_t count, ptsne_error *err)
{
    const pt_buffer queries = pt_buffer_view(&s->queries, 0, count * s->d);
    const pt_buffer tile = pt_buffer_view(&s->tile, 0, count * s->n_cells);
    ptsne_status status = pt_cells_upload(s, s->x, rows, count, s->mean, &queries, err);
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
static ptsne_status rows_need(pt_cells *s, float *need, float *limit, double *radius, ptsne_error *err)
{
    const size_t rows = block_rows(s);
    *radius = 0.0;
    for (size_t from = 0; from < s->aimed; from += rows) {
        const size_t some = pt_smaller(rows, s->aimed - from);
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
static void worth_say(const pt_cells *s, size_t own, const float *apart, size_t count, size_t c0, size_t c1,
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

static ptsne_status worth_find(pt_cells *s, float softness, float reach, ptsne_error *err)
{
    const size_t rows = block_rows(s), each = pt_smaller(SPOKESMEN, rows), cells = rows / each, chunk = 256;
    const size_t chunks = pt_ceil_div(s->n_cells, chunk);
    for (size_t from = 0; from < s->n_cells; from += cells) {
        const size_t some = pt_smaller(cells, s->n_cells - from);
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
            worth_say(s, from + e, s->apart + e * each * s->n_cells, each, c0, pt_smaller(c0 + chunk, s->n_cells),
                      softness, reach);
        }
    }
    return PTSNE_OK;
}

/* The limit of worth, aimed a fifth of the way from the recall to 1, so that another sample finds it too. */
static ptsne_status limit_find(pt_cells *s, ptsne_error *err)
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

ptsne_status pt_cells_prepare(pt_cells *s, ptsne_error *err)
{
    ptsne_status status = truth_find(s, err);
    if (status == PTSNE_OK) { status = device_prepare(s, err); }
    return status == PTSNE_OK ? limit_find(s, err) : status;
}
