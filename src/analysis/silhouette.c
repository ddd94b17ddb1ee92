/* Letters: x n x d points; K clusters of all labellings together, one labelling's after the other's; sums K a point, of its
 * distances to each cluster's points. For cosine, distances are |u - v|^2 = 2 (1 - cos): the factor cancels. */
#include "analysis/silhouette.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/rows.h"
#include "base/columns.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/sizes.h"
#include "tsne/distance.h"

#define ROWS    ((size_t)1024) /* of a tile */
#define COLUMNS ((size_t)2048)
#define STAGED  ((size_t)1 << 20) /* values centred and uploaded at a time */
#define SAMPLE  ((size_t)32)      /* points computed both ways */
#define TRUSTED 1e-6              /* they agree so far */

typedef struct work {
    pt_backend *be;
    const float *x;
    size_t n, d, all; /* all: K */
    bool cosine;
    const pt_labelling *sets;
    size_t n_sets;
    size_t *first; /* sets, where a labelling's clusters begin among the K */
    double *count; /* K, points of a cluster */
    double *zeros; /* K, of these, rows of zeros; cosine */
    bool *zero;    /* n, is it one? */
    /* tiles */
    size_t rows, columns, staged_rows;
    bool resident;                                  /* all points are on the device */
    pt_buffer points, queries, tile, members, part; /* members: columns x K, 1 where the point is in the cluster */
    float *staged;                                  /* staged_rows x d */
    float *staged_members;                          /* columns x K */
    float *part_host;                               /* rows x K */
    double *sums;                                   /* rows x K */
    double *mean;                                   /* d, the columns' */
    float *value;                                   /* sets x n */
    double *total;                                  /* sets */
} work;

/* ---- one point ---- */

/* Its sums, in float64, from the rows themselves. */
static void sums_exact(const work *w, size_t i, double *sums)
{
    memset(sums, 0, w->all * sizeof *sums);
    for (size_t j = 0; j < w->n; j++) {
        const double squared = pt_distance_squared(w->x + i * w->d, w->x + j * w->d, w->d);
        const double distance = w->cosine ? squared : sqrt(squared);
        for (size_t q = 0; q < w->n_sets; q++) { sums[w->first[q] + w->sets[q].label[j]] += distance; }
    }
}

/* A row of zeros is at distance 1 from all others; differences made it half of that, or nothing. */
static double zeros_mended(const work *w, size_t i, size_t cluster, bool own, double sum)
{
    if (!w->cosine) { return sum; }
    return w->zero[i] ? 2.0 * (w->count[cluster] - (own ? 1.0 : 0.0)) : sum + w->zeros[cluster];
}

static double silhouette(const work *w, size_t i, size_t q, const double *sums)
{
    const size_t own = w->first[q] + w->sets[q].label[i];
    if (w->count[own] < 1.5) { return 0.0; }
    const double a = zeros_mended(w, i, own, true, sums[own]) / (w->count[own] - 1.0);
    double b = (double)INFINITY;
    for (size_t c = w->first[q]; c < w->first[q] + w->sets[q].k; c++) {
        if (c == own || w->count[c] < 0.5) { continue; }
        const double here = zeros_mended(w, i, c, false, sums[c]) / w->count[c];
        b = here < b ? here : b;
    }
    const double larger = a > b ? a : b;
    return isinf(b) ? (double)NAN : larger > 0.0 ? (b - a) / larger : 0.0;
}

/* value of points from .. from + rows, whose sums are there. */
static void rows_finish(work *w, size_t from, size_t rows)
{
#pragma omp parallel for schedule(static) num_threads((int)w->be->threads)
    for (size_t r = 0; r < rows; r++) {
        for (size_t q = 0; q < w->n_sets; q++) {
            w->value[q * w->n + from + r] = (float)silhouette(w, from + r, q, w->sums + r * w->all);
        }
    }
    for (size_t q = 0; q < w->n_sets; q++) {
        for (size_t r = 0; r < rows; r++) { w->total[q] += (double)w->value[q * w->n + from + r]; }
    }
}

/* ---- memory ---- */

static void plan(work *w)
{
    const size_t budget = pt_elements_planned(w->be), one = pt_elements_largest(w->be);
    w->rows = pt_smaller(w->n, ROWS);
    w->columns = pt_smaller(w->n, COLUMNS);
    w->resident = w->n <= one / w->d && w->n <= budget / 3 / w->d;
    while (w->columns > 16 &&
           w->columns * (w->rows + w->all + w->d) + w->rows * (w->all + w->d) > pt_smaller(budget / 3, one)) {
        w->columns = (w->columns + 1) / 2;
        w->rows = (w->rows + 1) / 2;
    }
    w->staged_rows = pt_smaller(w->n, STAGED / w->d + 1);
}

static void work_destroy(work *w)
{
    pt_buffer *buffers[] = {&w->points, &w->queries, &w->tile, &w->members, &w->part};
    for (size_t b = 0; b < sizeof buffers / sizeof buffers[0]; b++) { pt_buffer_destroy(w->be, buffers[b]); }
    free(w->first);
    free(w->count);
    free(w->zeros);
    free(w->zero);
    free(w->staged);
    free(w->staged_members);
    free(w->part_host);
    free(w->sums);
    free(w->mean);
    free(w->value);
    free(w->total);
}

static ptsne_status host_create(work *w, ptsne_error *err)
{
    w->first = pt_array_zeroed(w->n_sets, sizeof *w->first);
    for (size_t q = 0; w->first != NULL && q < w->n_sets; q++) {
        w->first[q] = w->all;
        w->all += w->sets[q].k;
    }
    plan(w);
    w->count = pt_array_zeroed(w->all, sizeof *w->count);
    w->zeros = pt_array_zeroed(w->all, sizeof *w->zeros);
    w->zero = pt_array_zeroed(w->n, sizeof *w->zero);
    w->staged = pt_array_aligned(w->staged_rows * w->d, sizeof *w->staged);
    w->staged_members = pt_array_aligned(w->columns * w->all, sizeof *w->staged_members);
    w->part_host = pt_array_aligned(w->rows * w->all, sizeof *w->part_host);
    w->sums = pt_array_aligned(w->rows * w->all, sizeof *w->sums);
    w->mean = pt_array_zeroed(w->d, sizeof *w->mean);
    w->value = pt_array_aligned(w->n_sets * w->n, sizeof *w->value);
    w->total = pt_array_zeroed(w->n_sets, sizeof *w->total);
    if (!w->first || !w->count || !w->zeros || !w->zero || !w->staged || !w->staged_members || !w->part_host ||
        !w->sums || !w->mean || !w->value || !w->total) {
        return pt_fail_memory(err, "silhouettes",
                              4.0 * ((double)w->n_sets * (double)w->n + (double)w->staged_rows * (double)w->d) +
                                  12.0 * (double)(w->rows + w->columns) * (double)w->all);
    }
    return PTSNE_OK;
}

static ptsne_status device_create(work *w, ptsne_error *err)
{
    const struct {
        pt_buffer *buffer;
        size_t count;
    } wanted[] = {
        {&w->points, (w->resident ? w->n : w->columns) * w->d},
        {&w->queries, w->resident ? 1 : w->rows * w->d},
        {&w->tile, w->rows * w->columns},
        {&w->members, w->columns * w->all},
        {&w->part, w->rows * w->all},
    };
    for (size_t b = 0; b < sizeof wanted / sizeof wanted[0]; b++) {
        const ptsne_status status = pt_buffer_create(w->be, wanted[b].count, wanted[b].buffer, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

static bool all_zero(const float *row, size_t d)
{
    for (size_t j = 0; j < d; j++) {
        if (row[j] != 0.0f) { return false; }
    }
    return true;
}

static void clusters_count(work *w)
{
    for (size_t i = 0; w->cosine && i < w->n; i++) { w->zero[i] = all_zero(w->x + i * w->d, w->d); }
    for (size_t q = 0; q < w->n_sets; q++) {
        for (size_t i = 0; i < w->n; i++) {
            const size_t c = w->first[q] + w->sets[q].label[i];
            w->count[c] += 1.0;
            w->zeros[c] += w->zero[i] ? 1.0 : 0.0;
        }
    }
}

/* ---- by products ---- */

static ptsne_status rows_upload(work *w, size_t from, size_t count, const pt_buffer *to, ptsne_error *err)
{
    return pt_rows_send(w->be, w->x + from * w->d, NULL, count, w->d, w->mean, w->staged, w->staged_rows, to, err);
}

static ptsne_status members_upload(work *w, size_t from, size_t columns, ptsne_error *err)
{
    memset(w->staged_members, 0, columns * w->all * sizeof *w->staged_members);
    for (size_t q = 0; q < w->n_sets; q++) {
        for (size_t j = 0; j < columns; j++) {
            w->staged_members[j * w->all + w->first[q] + w->sets[q].label[from + j]] = 1.0f;
        }
    }
    const pt_buffer to = pt_buffer_view(&w->members, 0, columns * w->all);
    return pt_upload(w->be, w->staged_members, &to, err);
}

/* The sums of `rows` points, a (numbers from `from` on), grow by those over `columns` points, b (numbers from `at` on). */
static ptsne_status tile_add(work *w, const pt_buffer *a, size_t from, size_t rows, const pt_buffer *b, size_t at,
                             size_t columns, ptsne_error *err)
{
    const pt_buffer tile = pt_buffer_view(&w->tile, 0, rows * columns),
                    part = pt_buffer_view(&w->part, 0, rows * w->all);
    const pt_product_shape shape = {.m = rows,
                                    .n = w->all,
                                    .k = columns,
                                    .alpha = 1.0f,
                                    .stride_a = columns,
                                    .stride_b = w->all,
                                    .stride_c = w->all};
    int metric = 0;
    ptsne_status status;
    if ((status = pt_metric_find(w->be, "euclidean", &metric, err)) != PTSNE_OK) { return status; }
    if ((status = members_upload(w, at, columns, err)) != PTSNE_OK) { return status; }
    status = pt_distances(w->be, metric, a, rows, b, columns, w->d, &tile, err);
    if (status == PTSNE_OK && !w->cosine) { status = pt_distance_roots(w->be, &tile, rows, columns, from, at, err); }
    if (status == PTSNE_OK) { status = pt_product(w->be, &shape, &tile, &w->members, &part, err); }
    if (status == PTSNE_OK) { status = pt_download(w->be, &part, w->part_host, err); }
    for (size_t t = 0; status == PTSNE_OK && t < rows * w->all; t++) { w->sums[t] += (double)w->part_host[t]; }
    return status;
}

static ptsne_status by_products(work *w, pt_stage *stage, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    if (w->resident) { status = rows_upload(w, 0, w->n, &w->points, err); }
    for (size_t from = 0; from < w->n && status == PTSNE_OK; from += w->rows) {
        const size_t rows = pt_smaller(w->rows, w->n - from);
        const pt_buffer a = w->resident ? pt_buffer_view(&w->points, from * w->d, rows * w->d)
                                        : pt_buffer_view(&w->queries, 0, rows * w->d);
        if (!w->resident) { status = rows_upload(w, from, rows, &a, err); }
        memset(w->sums, 0, rows * w->all * sizeof *w->sums);
        for (size_t at = 0; at < w->n && status == PTSNE_OK; at += w->columns) {
            const size_t columns = pt_smaller(w->columns, w->n - at);
            const pt_buffer b = pt_buffer_view(&w->points, w->resident ? at * w->d : 0, columns * w->d);
            if (!w->resident) { status = rows_upload(w, at, columns, &b, err); }
            if (status == PTSNE_OK) { status = tile_add(w, &a, from, rows, &b, at, columns, err); }
        }
        if (status != PTSNE_OK) { return status; }
        rows_finish(w, from, rows);
        status = pt_stage_step(stage, pt_smaller(from + rows, w->n - 1), (double)NAN, (double)NAN, err);
    }
    return status;
}

/* ---- in float64 ---- */

static ptsne_status by_rows(work *w, pt_stage *stage, ptsne_error *err)
{
    memset(w->total, 0, w->n_sets * sizeof *w->total);
    for (size_t from = 0; from < w->n; from += w->rows) {
        const size_t rows = pt_smaller(w->rows, w->n - from);
#pragma omp parallel for schedule(dynamic, 4) num_threads((int)w->be->threads)
        for (size_t r = 0; r < rows; r++) { sums_exact(w, from + r, w->sums + r * w->all); }
        rows_finish(w, from, rows);
        const ptsne_status status =
            pt_stage_step(stage, pt_smaller(from + rows, w->n - 1), (double)NAN, (double)NAN, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

/* Do points spread over the rows have the silhouettes that float64 gives them? Uses the rows' sums. */
static bool products_agree(work *w)
{
    const size_t count = pt_smaller(pt_smaller(w->n, SAMPLE), w->rows);
#pragma omp parallel for schedule(dynamic, 1) num_threads((int)w->be->threads)
    for (size_t t = 0; t < count; t++) { sums_exact(w, t * w->n / count, w->sums + t * w->all); }
    for (size_t t = 0; t < count; t++) {
        for (size_t q = 0; q < w->n_sets; q++) {
            const size_t i = t * w->n / count;
            const double want = silhouette(w, i, q, w->sums + t * w->all);
            if (isnan(want)) { continue; } /* there is one cluster */
            if (!(fabs(want - (double)w->value[q * w->n + i]) <= TRUSTED)) { return false; }
        }
    }
    return true;
}

ptsne_status pt_silhouette(pt_backend *be, const float *x, size_t n, size_t d, bool cosine, const pt_labelling *sets,
                           size_t n_sets, const ptsne_observer *observer, float *value, double *mean, ptsne_error *err)
{
    work w = {.be = be, .x = x, .n = n, .d = d, .cosine = cosine, .sets = sets, .n_sets = n_sets};
    pt_stage stage = pt_stage_begin(observer, "silhouette", n);
    ptsne_status status;
    if ((status = host_create(&w, err)) != PTSNE_OK) { goto done; }
    if ((status = device_create(&w, err)) != PTSNE_OK) { goto done; }
    if ((status = pt_column_means(x, n, d, be->threads, w.mean, err)) != PTSNE_OK) { goto done; }
    clusters_count(&w);
    if ((status = by_products(&w, &stage, err)) != PTSNE_OK) { goto done; }
    if (!products_agree(&w)) {
        stage = pt_stage_begin(observer, "silhouette", n);
        if ((status = by_rows(&w, &stage, err)) != PTSNE_OK) { goto done; }
    }
    if ((status = pt_stage_step(&stage, n, (double)NAN, (double)NAN, err)) != PTSNE_OK) { goto done; }
    for (size_t q = 0; q < n_sets; q++) { mean[q] = w.total[q] / (double)n; }
    if (value != NULL) { memcpy(value, w.value, n_sets * n * sizeof *value); }
done:
    work_destroy(&w);
    return status;
}
