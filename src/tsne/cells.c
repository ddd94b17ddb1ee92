/* The search itself: for every cell one list of columns, against which its rows run in tiles. Letters as in cells_build.h. */
#include "tsne/cells.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/progress.h"
#include "base/sizes.h"
#include "tsne/cells_build.h"
#include "tsne/neighbors.h"
#include "tsne/sweep.h"

/* ---- cosine: rows of length 1 ---- */

static double row_norm(const float *row, size_t d)
{
    double sum = 0.0;
    for (size_t j = 0; j < d; j++) { sum += (double)row[j] * (double)row[j]; }
    return sqrt(sum);
}

/* Squared distances of unit rows are 2 (1 - cos). Rows of zeros, at distance 1 from all, get a direction of their own. */
static ptsne_status unit_create(pt_cells *s, ptsne_error *err)
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

static bool was_zero(const pt_cells *s, size_t row)
{
    return s->zeros && s->unit[row * s->d + s->d - 1] == 1.0f;
}

/* To 1 - cos. All points are as far from a row of zeros, so its list is by index. */
static void cosine_finish(const pt_cells *s)
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

/* ---- the search ---- */

static size_t cell_append(pt_cells *s, size_t e, size_t count)
{
    for (size_t t = s->begin[e]; t < s->begin[e + 1]; t++) { s->place[count++] = (uint32_t)t; }
    return count;
}

/* The cell that comes next after those up to `limit`, or n_cells. */
static size_t cell_next(const pt_cells *s, size_t own, float limit)
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
static size_t columns_list(pt_cells *s, size_t own, size_t *probed)
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
static ptsne_status columns_load(pt_cells *s, size_t at, size_t count, const pt_buffer *columns, ptsne_error *err)
{
    if (!s->resident) { return pt_cells_upload(s, s->sorted, s->place + at, count, s->mean + s->d, columns, err); }
    const pt_buffer list = pt_buffer_view(&s->list, 0, count);
    ptsne_status status = pt_upload(s->be, s->place + at, &list, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_gather_rows(s->be, &s->points, s->n, s->d, &list, NULL, NULL, count, columns, err);
    if (status != PTSNE_OK || !s->far) { return status; }
    return pt_bias_activation(s->be, columns, count, s->d, &s->shift, PT_LINEAR, err);
}

/* Places first .. first + rows as queries: from the points as they are, or centred in their cell. */
static ptsne_status queries_load(pt_cells *s, size_t first, size_t rows, pt_buffer *queries, ptsne_error *err)
{
    *queries = pt_buffer_view(&s->queries, 0, rows * s->d);
    if (!s->resident) { return pt_cells_upload(s, s->sorted + first * s->d, NULL, rows, s->mean + s->d, queries, err); }
    const pt_buffer points = pt_buffer_view(&s->points, first * s->d, rows * s->d);
    if (!s->far) {
        *queries = points;
        return PTSNE_OK;
    }
    const ptsne_status status = pt_copy(s->be, &points, queries, err);
    return status == PTSNE_OK ? pt_bias_activation(s->be, queries, rows, s->d, &s->shift, PT_LINEAR, err) : status;
}

/* Exact distances of the candidates of a row, and the k nearest by them. */
static void row_refine(const pt_cells *s, size_t i, size_t place)
{
    const float *a = s->sorted + place * s->d;
    const uint32_t *near = s->near_i + i * s->c;
    const size_t row = s->order[place];
    uint32_t *index = s->index + row * s->k;
    double *exact = s->near + i * s->k;
    size_t count = 0;
    for (size_t l = 0; l < s->c && near[l] != UINT32_MAX; l++) {
        const size_t other = s->place[near[l]];
        const float *b = s->sorted + other * s->d;
        const bool last = l + 1 == s->c || near[l + 1] == UINT32_MAX;
        const float *next = last ? b : s->sorted + (size_t)s->place[near[l + 1]] * s->d;
        const double here = pt_distance_within_then(a, b, s->d, (double)INFINITY, next);
        count = pt_nearest_insert(here, s->order[other], count, s->k, index, exact);
    }
    for (size_t l = 0; l < s->k && s->distance != NULL; l++) { s->distance[row * s->k + l] = (float)exact[l]; }
}

/* Rows of a cell, from place `first` on, against the `count` columns of the list. */
static ptsne_status rows_run(pt_cells *s, size_t own, size_t first, size_t rows, size_t count, ptsne_error *err)
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
        const size_t some = pt_smaller(s->tile_columns, count - at);
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
static ptsne_status cell_center(pt_cells *s, size_t own, ptsne_error *err)
{
    double *mean = s->mean + s->d;
    for (size_t j = 0; j < s->d; j++) {
        mean[j] = (double)s->center[own * s->d + j];
        s->staged[j] = (float)(s->mean[j] - mean[j]);
    }
    return pt_upload(s->be, s->staged, &s->shift, err);
}

static ptsne_status cells_run(pt_cells *s, pt_stage *stage, ptsne_error *err)
{
    for (size_t own = 0; own < s->n_cells; own++) {
        const size_t first = s->begin[own], end = s->begin[own + 1];
        size_t probed;
        const size_t count = columns_list(s, own, &probed);
        ptsne_status status = cell_center(s, own, err);
        for (size_t at = first; at < end && status == PTSNE_OK; at += s->tile_rows) {
            status = rows_run(s, own, at, pt_smaller(s->tile_rows, end - at), count, err);
            const size_t done = pt_smaller(pt_smaller(at + s->tile_rows, end), s->n - 1);
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
static void recall_measure(const pt_cells *s, pt_cells_report *report)
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

static ptsne_status check(const pt_cells *s, const char *metric, bool *cosine, ptsne_error *err)
{
    const size_t most = s->n == 0 ? 0 : pt_smaller(s->n - 1, PT_NEIGHBORS_MAX);
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
    pt_cells s = {.be = be, .x = x, .n = n, .d = d, .k = k, .recall = recall, .index = index, .distance = distance};
    bool cosine = false;
    ptsne_status status = check(&s, metric, &cosine, err);
    if (status != PTSNE_OK) { return status; }
    s.c = pt_smaller(k + 2 + k / 16, pt_smaller(PT_NEIGHBORS_MAX, n - 1));
    if (cosine && (status = unit_create(&s, err)) != PTSNE_OK) { goto done; }
    if ((status = pt_cells_make(&s, seed, observer, err)) != PTSNE_OK) { goto done; }
    pt_stage stage = pt_stage_begin(observer, "neighbours", n);
    if ((status = pt_cells_prepare(&s, err)) != PTSNE_OK) { goto done; }
    if ((status = cells_run(&s, &stage, err)) != PTSNE_OK) { goto done; }
    pt_cells_report told = {.n_cells = s.n_cells};
    recall_measure(&s, &told);
    told.n_probed = (size_t)ceil(s.probed / (double)n);
    told.share_of_pairs = s.pairs / (double)n / (double)n;
    if (report != NULL) { *report = told; }
    if (cosine) { cosine_finish(&s); }
    status = pt_stage_step(&stage, n, (double)NAN, (double)n / pt_stage_seconds(&stage), err);
done:
    pt_cells_destroy(&s);
    return status;
}
