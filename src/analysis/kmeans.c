/* Letters: x n x d points; k clusters; c their centres, k x d, less the columns' means as the points on the device are. */
#include "analysis/kmeans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kmeans_seeding.h"
#include "analysis/rows.h"
#include "base/columns.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/sizes.h"

#define TILE         ((size_t)1 << 19)        /* distances held at once: 2 MiB */
#define MOST_COLUMNS ((size_t)2048)           /* centres of one tile */
#define STAGED       ((size_t)1 << 20)        /* values centred and uploaded at a time */
#define PIECE        ((size_t)4096)           /* rows of one partial sum; fixed, whatever the number of threads */
#define FEW          ((size_t)8)              /* sums are mended where not over a part of this of the points moved */
#define STREAM       UINT64_C(0x6B6D65616E73) /* "kmeans" */

/* Rows of one cluster, in the order of w->order. */
typedef struct piece {
    size_t cluster, from, to;
} piece;

typedef struct work {
    pt_backend *be;
    const float *x;
    size_t n, d, k;
    size_t tile_rows, tile_columns, staged_rows;
    bool resident; /* all points are on the device, else a tile at a time */
    pt_buffer points, centers, tile, best_d, best_i, nobody;
    float *staged;   /* staged_rows x d */
    double *mean;    /* d */
    float *c;        /* k x d */
    float *distance; /* n, squared, to the own centre, as the device has it */
    uint32_t *label; /* n */
    /* Lloyd's step */
    uint32_t *before; /* n, labels of the iteration before */
    uint32_t *order;  /* n, points by cluster, ascending in each */
    size_t *begin;    /* k + 1, where in order a cluster begins */
    piece *pieces;    /* n / PIECE + k at most */
    size_t n_pieces;
    double *sum;      /* pieces x d */
    double *squares;  /* pieces: their part of the inertia */
    double *clusters; /* k x d, sums of each cluster's points, the means in them; of the labels in before */
    double spread;    /* sum over points of |x - mean|^2 */
    pt_seeding seeding;
} work;

/* ---- memory ---- */

static void plan(work *w)
{
    const size_t budget = pt_elements_planned(w->be), one = pt_elements_largest(w->be);
    w->tile_columns = pt_smaller(w->k, MOST_COLUMNS);
    w->tile_rows = pt_smaller(w->n, pt_larger(256, pt_smaller(8192, TILE / w->tile_columns)));
    w->resident = w->n <= one / w->d && w->n <= budget / 3 / w->d;
    while (w->tile_rows > 16 && w->tile_rows * (w->tile_columns + w->d) + w->k * w->d > budget / 3) {
        w->tile_rows = (w->tile_rows + 1) / 2;
    }
    w->staged_rows = pt_smaller(pt_larger(w->n, w->k), STAGED / w->d + 1);
    w->seeding = pt_seeding_plan(w->be, w->x, w->n, w->d, w->k);
}

static void work_destroy(work *w)
{
    pt_buffer *buffers[] = {&w->points, &w->centers, &w->tile, &w->best_d, &w->best_i, &w->nobody};
    for (size_t b = 0; b < sizeof buffers / sizeof buffers[0]; b++) { pt_buffer_destroy(w->be, buffers[b]); }
    pt_seeding_destroy(&w->seeding);
    free(w->staged);
    free(w->mean);
    free(w->c);
    free(w->distance);
    free(w->label);
    free(w->before);
    free(w->order);
    free(w->begin);
    free(w->pieces);
    free(w->sum);
    free(w->squares);
    free(w->clusters);
}

static ptsne_status buffers_create(work *w, ptsne_error *err)
{
    const struct {
        pt_buffer *buffer;
        size_t count;
    } wanted[] = {
        {&w->points, (w->resident ? w->n : w->tile_rows) * w->d},
        {&w->centers, w->k * w->d},
        {&w->tile, w->tile_rows * w->tile_columns},
        {&w->best_d, w->tile_rows},
        {&w->best_i, w->tile_rows},
        {&w->nobody, w->tile_rows},
    };
    for (size_t b = 0; b < sizeof wanted / sizeof wanted[0]; b++) {
        const ptsne_status status = pt_buffer_create(w->be, wanted[b].count, wanted[b].buffer, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

/* What assigning needs; the points' means are known then, and the points on the device if they fit. */
static ptsne_status assigner_create(work *w, ptsne_error *err)
{
    plan(w);
    w->staged = pt_array_aligned(w->staged_rows * w->d, sizeof *w->staged);
    w->mean = pt_array_zeroed(w->d, sizeof *w->mean);
    w->c = pt_array_aligned(w->k * w->d, sizeof *w->c);
    w->distance = pt_array_aligned(w->n, sizeof *w->distance);
    w->label = pt_array_aligned(w->n, sizeof *w->label);
    if (!w->staged || !w->mean || !w->c || !w->distance || !w->label) {
        return pt_fail_memory(err, "clusters",
                              4.0 * ((double)(w->staged_rows + w->k) * (double)w->d + 2.0 * (double)w->n));
    }
    ptsne_status status;
    if ((status = pt_column_means(w->x, w->n, w->d, w->be->threads, w->mean, err)) != PTSNE_OK) { return status; }
    if ((status = buffers_create(w, err)) != PTSNE_OK) { return status; }
    for (size_t i = 0; i < w->tile_rows; i++) { w->label[i] = UINT32_MAX; }
    return pt_upload(w->be, w->label, &w->nobody, err);
}

static ptsne_status lloyd_create(work *w, ptsne_error *err)
{
    const size_t most = w->n / PIECE + w->k;
    w->before = pt_array_aligned(w->n, sizeof *w->before);
    w->order = pt_array_aligned(w->n, sizeof *w->order);
    w->begin = pt_array_aligned(w->k + 1, sizeof *w->begin);
    w->pieces = pt_array_aligned(most, sizeof *w->pieces);
    w->sum = pt_array_aligned(most * w->d, sizeof *w->sum);
    w->squares = pt_array_aligned(most, sizeof *w->squares);
    w->clusters = pt_array_aligned(w->k * w->d, sizeof *w->clusters);
    if (!w->before || !w->order || !w->begin || !w->pieces || !w->sum || !w->squares || !w->clusters) {
        return pt_fail_memory(err, "sums of clusters",
                              8.0 * ((double)w->n + (double)most * (double)(w->d + 4) + (double)w->k * (double)w->d));
    }
    return PTSNE_OK;
}

/* ---- points to the device, and each to its centre ---- */

/* Rows of x from `from` on, centred. */
static ptsne_status rows_upload(work *w, size_t from, size_t count, const pt_buffer *to, ptsne_error *err)
{
    return pt_rows_send(w->be, w->x + from * w->d, NULL, count, w->d, w->mean, w->staged, w->staged_rows, to, err);
}

static ptsne_status tile_assign(work *w, const pt_buffer *points, size_t from, size_t rows, ptsne_error *err)
{
    const pt_buffer best_d = pt_buffer_view(&w->best_d, 0, rows), best_i = pt_buffer_view(&w->best_i, 0, rows);
    const pt_buffer nobody = pt_buffer_view(&w->nobody, 0, rows);
    int metric = 0;
    ptsne_status status;
    if ((status = pt_metric_find(w->be, "euclidean", &metric, err)) != PTSNE_OK) { return status; }
    if ((status = pt_fill(w->be, &best_d, INFINITY, err)) != PTSNE_OK) { return status; }
    if ((status = pt_copy(w->be, &nobody, &best_i, err)) != PTSNE_OK) { return status; }
    for (size_t at = 0; at < w->k; at += w->tile_columns) {
        const size_t columns = pt_smaller(w->tile_columns, w->k - at);
        const pt_buffer centers = pt_buffer_view(&w->centers, at * w->d, columns * w->d);
        const pt_buffer tile = pt_buffer_view(&w->tile, 0, rows * columns);
        status = pt_distances(w->be, metric, points, rows, &centers, columns, w->d, &tile, err);
        if (status != PTSNE_OK) { return status; }
        status = pt_nearest_merge(w->be, &tile, rows, columns, SIZE_MAX, at, 1, &best_d, &best_i, err);
        if (status != PTSNE_OK) { return status; }
    }
    if ((status = pt_download(w->be, &best_d, w->distance + from, err)) != PTSNE_OK) { return status; }
    return pt_download(w->be, &best_i, w->label + from, err);
}

/* label and distance of all points, from c. */
static ptsne_status assign(work *w, ptsne_error *err)
{
    ptsne_status status = pt_upload(w->be, w->c, &w->centers, err);
    for (size_t from = 0; from < w->n && status == PTSNE_OK; from += w->tile_rows) {
        const size_t rows = pt_smaller(w->tile_rows, w->n - from);
        const pt_buffer points = pt_buffer_view(&w->points, w->resident ? from * w->d : 0, rows * w->d);
        if (!w->resident && (status = rows_upload(w, from, rows, &points, err)) != PTSNE_OK) { return status; }
        status = tile_assign(w, &points, from, rows, err);
    }
    for (size_t i = 0; i < w->n && status == PTSNE_OK; i++) {
        if (w->label[i] >= w->k || !isfinite(w->distance[i])) {
            return pt_fail(err, PTSNE_ERR_DATA, "row %zu: its distances leave the range of float32", i + 1);
        }
    }
    return status;
}

/* ---- Lloyd's step ---- */

static size_t farthest(const work *w)
{
    size_t far = 0;
    for (size_t i = 1; i < w->n; i++) {
        if (w->distance[i] > w->distance[far]) { far = i; }
    }
    return far;
}

/* Clusters without a point begin again at the farthest point, each at another. Sets begin. */
static void refill(work *w)
{
    size_t *count = w->begin + 1;
    memset(w->begin, 0, (w->k + 1) * sizeof *w->begin);
    for (size_t i = 0; i < w->n; i++) { count[w->label[i]]++; }
    for (size_t e = 0; e < w->k; e++) {
        if (count[e] > 0) { continue; }
        const size_t far = farthest(w);
        if (!(w->distance[far] > 0.0f)) { break; } /* every point is a centre */
        w->distance[far] = 0.0f;
        if (count[w->label[far]] == 1) { continue; }
        count[w->label[far]]--;
        count[e]++;
        w->label[far] = (uint32_t)e;
        for (size_t j = 0; j < w->d; j++) { w->c[e * w->d + j] = (float)((double)w->x[far * w->d + j] - w->mean[j]); }
    }
    for (size_t e = 0; e < w->k; e++) { w->begin[e + 1] += w->begin[e]; }
}

/* order, from label and begin, and the pieces of it. */
static void sort_by_cluster(work *w)
{
    for (size_t i = 0; i < w->n; i++) { w->order[w->begin[w->label[i]]++] = (uint32_t)i; }
    memmove(w->begin + 1, w->begin, w->k * sizeof *w->begin);
    w->begin[0] = 0;
    w->n_pieces = 0;
    for (size_t e = 0; e < w->k; e++) {
        for (size_t from = w->begin[e]; from < w->begin[e + 1]; from += PIECE) {
            w->pieces[w->n_pieces++] = (piece){e, from, pt_smaller(from + PIECE, w->begin[e + 1])};
        }
    }
}

/* One piece's sum of points. */
static void piece_sum(const work *w, size_t p)
{
    const piece *of = &w->pieces[p];
    double *sum = w->sum + p * w->d;
    memset(sum, 0, w->d * sizeof *sum);
    for (size_t t = of->from; t < of->to; t++) {
        const float *row = w->x + (size_t)w->order[t] * w->d;
        for (size_t j = 0; j < w->d; j++) { sum[j] += (double)row[j]; }
    }
}

/* One piece's sum of squared distances to the centre as it is. */
static double piece_squares(const work *w, size_t p)
{
    const piece *of = &w->pieces[p];
    const float *c = w->c + of->cluster * w->d;
    double squares = 0.0;
    for (size_t t = of->from; t < of->to; t++) {
        const float *row = w->x + (size_t)w->order[t] * w->d;
#pragma omp simd reduction(+ : squares)
        for (size_t j = 0; j < w->d; j++) {
            const double off = (double)row[j] - w->mean[j] - (double)c[j];
            squares += off * off;
        }
    }
    return squares;
}

/* The inertia of the labels with the centres as they are, from the points themselves. */
static double inertia_exact(work *w)
{
    sort_by_cluster(w);
#pragma omp parallel for schedule(dynamic) num_threads((int)w->be->threads)
    for (size_t p = 0; p < w->n_pieces; p++) { w->squares[p] = piece_squares(w, p); }
    double inertia = 0.0;
    for (size_t p = 0; p < w->n_pieces; p++) { inertia += w->squares[p]; }
    return inertia;
}

/* All clusters' sums from their points. */
static void clusters_sum(work *w)
{
    sort_by_cluster(w);
#pragma omp parallel for schedule(dynamic) num_threads((int)w->be->threads)
    for (size_t p = 0; p < w->n_pieces; p++) { piece_sum(w, p); }
    memset(w->clusters, 0, w->k * w->d * sizeof *w->clusters);
    for (size_t p = 0; p < w->n_pieces; p++) {
        double *to = w->clusters + w->pieces[p].cluster * w->d;
        for (size_t j = 0; j < w->d; j++) { to[j] += w->sum[p * w->d + j]; }
    }
}

/* The sums for the labels as they are, those in before having the sums that are there: few points move after the first
 * iterations, and only these are looked at. The order is that of the points, so threads change no bit. */
static void clusters_update(work *w, bool none_yet)
{
    size_t moved = 0;
    for (size_t i = 0; !none_yet && i < w->n; i++) { moved += w->label[i] != w->before[i]; }
    if (none_yet || moved > w->n / FEW) {
        clusters_sum(w);
    } else {
        for (size_t i = 0; i < w->n; i++) {
            if (w->label[i] == w->before[i]) { continue; }
            const float *row = w->x + i * w->d;
            double *from = w->clusters + w->before[i] * w->d, *to = w->clusters + w->label[i] * w->d;
            for (size_t j = 0; j < w->d; j++) { from[j] -= (double)row[j]; }
            for (size_t j = 0; j < w->d; j++) { to[j] += (double)row[j]; }
        }
    }
    memcpy(w->before, w->label, w->n * sizeof *w->label);
}

/* Centres to the means of their points; *inertia is that of the labels with the centres before. The sum of |move|^2. */
static double centers_move(work *w, double *inertia)
{
    double moved = 0.0, within = w->spread;
    for (size_t e = 0; e < w->k; e++) {
        const double count = (double)(w->begin[e + 1] - w->begin[e]);
        for (size_t j = 0; count > 0.5 && j < w->d; j++) {
            float *c = &w->c[e * w->d + j];
            const double sum = w->clusters[e * w->d + j] - count * w->mean[j], here = (double)*c;
            const float to = (float)(sum / count);
            within += here * (count * here - 2.0 * sum);
            moved += ((double)to - here) * ((double)to - here);
            *c = to;
        }
    }
    *inertia = within > 0.0 ? within : 0.0;
    return moved;
}

/* Sum of |x - mean|^2. */
static double spread_of(work *w)
{
    const size_t pieces = pt_ceil_div(w->n, PIECE); /* no more than there is room for in squares */
#pragma omp parallel for schedule(static) num_threads((int)w->be->threads)
    for (size_t p = 0; p < pieces; p++) {
        double total = 0.0;
        for (size_t i = p * PIECE; i < pt_smaller(w->n, (p + 1) * PIECE); i++) {
            const float *row = w->x + i * w->d;
#pragma omp simd reduction(+ : total)
            for (size_t j = 0; j < w->d; j++) {
                total += ((double)row[j] - w->mean[j]) * ((double)row[j] - w->mean[j]);
            }
        }
        w->squares[p] = total;
    }
    double spread = 0.0;
    for (size_t p = 0; p < pieces; p++) { spread += w->squares[p]; }
    return spread;
}

static void empty_count(work *w, pt_kmeans_report *report)
{
    memset(w->begin, 0, (w->k + 1) * sizeof *w->begin);
    for (size_t i = 0; i < w->n; i++) { w->begin[w->label[i] + 1]++; }
    report->n_empty = 0;
    for (size_t e = 0; e < w->k; e++) {
        report->n_empty += w->begin[e + 1] == 0;
        w->begin[e + 1] += w->begin[e];
    }
}

/* From the centres in c to a minimum, or the last iteration. */
static ptsne_status lloyd(work *w, const pt_kmeans_options *options, double limit, pt_stage *stage, size_t step,
                          pt_kmeans_report *report, ptsne_error *err)
{
    *report = (pt_kmeans_report){0};
    bool settled = false; /* labels are those of the iteration before, so the centres are their means */
    ptsne_status status;
    for (size_t t = 0; t < options->max_iterations && !report->converged; t++) {
        if ((status = assign(w, err)) != PTSNE_OK) { return status; }
        settled = t > 0 && memcmp(w->label, w->before, w->n * sizeof *w->label) == 0;
        refill(w);
        clusters_update(w, t == 0);
        report->converged = settled || centers_move(w, &report->inertia) <= limit;
        report->n_iterations = t + 1;
        status = pt_stage_step(stage, step + t, report->inertia, (double)NAN, err);
        if (status != PTSNE_OK) { return status; }
    }
    if (!settled && (status = assign(w, err)) != PTSNE_OK) { return status; }
    empty_count(w, report);
    report->inertia = inertia_exact(w);
    return PTSNE_OK;
}

/* ---- the whole ---- */

pt_kmeans_options pt_kmeans_defaults(size_t n_clusters)
{
    return (pt_kmeans_options){.n_clusters = n_clusters, .n_init = 1, .max_iterations = 100, .tolerance = 1e-4};
}

static ptsne_status check(const char *what, size_t n, size_t d, size_t k, ptsne_error *err)
{
    if (k == 0 || k > n || d == 0 || n >= UINT32_MAX) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: %zu clusters of %zu points with %zu columns", what, k, n, d);
    }
    return PTSNE_OK;
}

static void centers_given(work *w, const float *centers)
{
    for (size_t e = 0; e < w->k; e++) {
        for (size_t j = 0; j < w->d; j++) { w->c[e * w->d + j] = (float)((double)centers[e * w->d + j] - w->mean[j]); }
    }
}

static void keep(const work *w, float *centers, uint32_t *label)
{
    memcpy(label, w->label, w->n * sizeof *label);
    for (size_t e = 0; e < w->k; e++) {
        for (size_t j = 0; j < w->d; j++) { centers[e * w->d + j] = (float)((double)w->c[e * w->d + j] + w->mean[j]); }
    }
}

ptsne_status pt_kmeans_fit(pt_backend *be, const float *x, size_t n, size_t d, const pt_kmeans_options *options,
                           const ptsne_observer *observer, float *centers, uint32_t *label, pt_kmeans_report *report,
                           ptsne_error *err)
{
    ptsne_status status = check("k-means", n, d, options->n_clusters, err);
    if (status != PTSNE_OK) { return status; }
    const size_t starts = options->start != NULL ? 1 : pt_larger(options->n_init, 1);
    const size_t steps = options->max_iterations + 1;
    pt_stage stage = pt_stage_begin(observer, "k-means", starts * steps);
    pt_random random = {.seed = options->seed, .stream = STREAM};
    work w = {.be = be, .x = x, .n = n, .d = d, .k = options->n_clusters};
    if ((status = assigner_create(&w, err)) != PTSNE_OK || (status = lloyd_create(&w, err)) != PTSNE_OK) { goto done; }
    if (options->start == NULL &&
        (status = pt_seeding_create(&w.seeding, w.mean, w.staged, w.staged_rows, err)) != PTSNE_OK) {
        goto done;
    }
    if (w.resident && (status = rows_upload(&w, 0, n, &w.points, err)) != PTSNE_OK) { goto done; }
    w.spread = spread_of(&w);
    const double limit = options->tolerance * w.spread / (double)n / (double)d;
    for (size_t s = 0; s < starts; s++) {
        pt_kmeans_report here;
        if (options->start != NULL) {
            centers_given(&w, options->start);
        } else if ((status = pt_seeding_run(&w.seeding, &random, w.c, err)) != PTSNE_OK) {
            goto done;
        }
        if ((status = lloyd(&w, options, limit, &stage, s * steps, &here, err)) != PTSNE_OK) { goto done; }
        status = pt_stage_step(&stage, (s + 1) * steps, here.inertia, (double)NAN, err);
        if (status != PTSNE_OK) { goto done; }
        if (s > 0 && here.inertia >= report->inertia) { continue; }
        *report = here;
        keep(&w, centers, label);
    }
done:
    work_destroy(&w);
    return status;
}

ptsne_status pt_kmeans_assign(pt_backend *be, const float *x, size_t n, size_t d, const float *centers,
                              size_t n_clusters, uint32_t *label, ptsne_error *err)
{
    ptsne_status status = check("k-means", n, d, n_clusters < n ? n_clusters : n, err);
    if (status != PTSNE_OK || n_clusters == 0) { return status; }
    work w = {.be = be, .x = x, .n = n, .d = d, .k = n_clusters};
    if ((status = assigner_create(&w, err)) != PTSNE_OK) { goto done; }
    if (w.resident && (status = rows_upload(&w, 0, n, &w.points, err)) != PTSNE_OK) { goto done; }
    centers_given(&w, centers);
    if ((status = assign(&w, err)) == PTSNE_OK) { memcpy(label, w.label, n * sizeof *label); }
done:
    work_destroy(&w);
    return status;
}
