/* Tiles of distances once more, now against limits: float64 distances of the other points, with a bracket for the tiles' rounding.
 * Points inside a bracket are in doubt, and where they are many the rank is counted on the host. */
#include "tsne/ranks.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/rows.h"
#include "base/memory.h"
#include "base/sizes.h"
#include "tsne/distance.h"
#include "tsne/sweep.h"

#define NO_RANK 0u
#define DOUBT   50u            /* ranks are estimated where at most so small a part of the nearer points is in doubt */
#define SETTLED ((size_t)2000) /* up to so many points none is estimated: each costs n d operations */

typedef struct work {
    const pt_ranks *r;
    bool resident; /* all points are on the device, else a tile of columns at a time */
    size_t rows, columns;
    pt_buffer points, queries, tile, limit, count;
    float *limits;    /* rows x 2 n_others: below and above the distance of each */
    uint32_t *counts; /* rows x 2 n_others */
} work;

double pt_tile_error(double norm, double tau, double growth)
{
    const double other = sqrt(norm) + sqrt(tau); /* no neighbour is farther from the mean */
    return (12.0 + growth) * (double)FLT_EPSILON * (norm + other * other);
}

/* ---- tiles ---- */

static size_t elements(const work *w)
{
    const size_t points = (w->resident ? w->r->n : w->columns) * w->r->d;
    return points + w->rows * (w->r->d + 4 * w->r->n_others + w->columns);
}

/* Tiles that stay in a processor's second cache until they are counted, or keep a device busy, shrunk until they fit. */
static void plan(work *w)
{
    const pt_ranks *r = w->r;
    ptsne_device_info info = {0};
    r->be->ops->describe(r->be, &info);
    const bool processor = strcmp(info.type, "cpu") == 0;
    const size_t budget = pt_elements_planned(r->be), one = pt_elements_largest(r->be);
    w->rows = pt_smaller(r->n, processor ? 256 : 4096);
    w->columns = pt_smaller(r->n, processor ? 2048 : 16384);
    w->resident = r->n <= one / r->d && r->n * r->d <= budget / 2;
    if (!w->resident) { w->rows = pt_smaller(r->n, 8192); } /* the points are uploaded once for each tile of rows */
    while (w->columns > 64 && (elements(w) > budget || w->rows * w->columns > one)) {
        w->columns = (w->columns + 1) / 2;
    }
    while (w->rows > 16 && (elements(w) > budget || w->rows * w->columns > one)) { w->rows = (w->rows + 1) / 2; }
}

static ptsne_status work_create(work *w, ptsne_error *err)
{
    plan(w);
    const pt_ranks *r = w->r;
    const size_t limits = 2 * r->n_others;
    const struct {
        pt_buffer *buffer;
        size_t count;
    } wanted[] = {
        {&w->points, (w->resident ? r->n : w->columns) * r->d},
        {&w->queries, w->rows * r->d},
        {&w->tile, w->rows * w->columns},
        {&w->limit, w->rows * limits},
        {&w->count, w->rows * limits},
    };
    for (size_t b = 0; b < sizeof wanted / sizeof wanted[0]; b++) {
        const ptsne_status status = pt_buffer_create(r->be, wanted[b].count, wanted[b].buffer, err);
        if (status != PTSNE_OK) { return status; }
    }
    w->limits = pt_array_aligned(w->rows * limits, sizeof *w->limits);
    w->counts = pt_array_aligned(w->rows * limits, sizeof *w->counts);
    if (w->limits == NULL || w->counts == NULL) {
        return pt_fail_memory(err, "limits of ranks", 8.0 * (double)(w->rows * limits));
    }
    return PTSNE_OK;
}

static void work_destroy(work *w)
{
    pt_buffer *buffers[] = {&w->points, &w->queries, &w->tile, &w->limit, &w->count};
    for (size_t b = 0; b < sizeof buffers / sizeof buffers[0]; b++) { pt_buffer_destroy(w->r->be, buffers[b]); }
    free(w->limits);
    free(w->counts);
}

/* Each other point's distance gets a bracket as wide as the tiles err in practice (like the square root of d, several times
 * over), so that the point itself falls inside, whatever its tile says, and is counted neither way. */
static ptsne_status limits_upload(work *w, size_t from, size_t rows, const pt_buffer *limit, const pt_buffer *count,
                                  ptsne_error *err)
{
    const pt_ranks *r = w->r;
#pragma omp parallel for schedule(static) num_threads((int)r->be->threads)
    for (size_t i = 0; i < rows; i++) {
        const float *a = r->x + (from + i) * r->d;
        const double norm = pt_distance_from_mean(a, r->mean, r->d);
        for (size_t l = 0; l < r->n_others; l++) {
            const uint32_t point = r->other[(from + i) * r->n_others + l];
            const double here = pt_distance_squared(a, r->x + (size_t)point * r->d, r->d);
            const double error = r->whole ? 0.0 : pt_tile_error(norm, here, sqrt((double)r->d));
            w->limits[(i * r->n_others + l) * 2] = (float)(here - error);
            w->limits[(i * r->n_others + l) * 2 + 1] = (float)(here + error);
        }
    }
    ptsne_status status = pt_upload(r->be, w->limits, limit, err);
    if (status == PTSNE_OK) { status = pt_fill(r->be, count, 0.0f, err); } /* the bits of 0u */
    return status;
}

static void ranks_read(const work *w, size_t from, size_t rows)
{
    const pt_ranks *r = w->r;
    for (size_t t = 0; t < rows * r->n_others; t++) {
        const uint32_t nearer = w->counts[2 * t], inside = w->counts[2 * t + 1] - nearer;
        const uint32_t doubtful = inside > 0 ? inside - 1 : 0; /* less the point itself */
        const bool wide = doubtful > 0 && (r->n <= SETTLED || (uint64_t)doubtful * DOUBT > nearer);
        const uint32_t half = (doubtful + (uint32_t)(t & 1)) / 2; /* up and down by turns: no bias */
        r->rank[from * r->n_others + t] = wide ? NO_RANK : 1 + nearer + half;
    }
}

/* Rows from .. from + rows against all points. */
static ptsne_status rows_run(work *w, size_t from, size_t rows, ptsne_error *err)
{
    const pt_ranks *r = w->r;
    const size_t limits = 2 * r->n_others;
    const pt_buffer limit = pt_buffer_view(&w->limit, 0, rows * limits);
    const pt_buffer count = pt_buffer_view(&w->count, 0, rows * limits);
    const pt_buffer queries = pt_buffer_view(&w->queries, 0, rows * r->d);
    ptsne_status status;
    if ((status = limits_upload(w, from, rows, &limit, &count, err)) != PTSNE_OK) { return status; }
    status = pt_rows_upload(r->be, r->x + from * r->d, NULL, rows, r->d, r->mean, &queries, err);
    if (status != PTSNE_OK) { return status; }
    for (size_t at = 0; at < r->n; at += w->columns) {
        const size_t columns = pt_smaller(w->columns, r->n - at);
        const pt_buffer points = pt_buffer_view(&w->points, w->resident ? at * r->d : 0, columns * r->d);
        const pt_buffer tile = pt_buffer_view(&w->tile, 0, rows * columns);
        if (!w->resident) {
            status = pt_rows_upload(r->be, r->x + at * r->d, NULL, columns, r->d, r->mean, &points, err);
            if (status != PTSNE_OK) { return status; }
        }
        status = pt_distances(r->be, r->metric, &queries, rows, &points, columns, r->d, &tile, err);
        if (status != PTSNE_OK) { return status; }
        status = pt_rank_counts(r->be, &tile, rows, columns, from, at, &limit, limits, &count, err);
        if (status != PTSNE_OK) { return status; }
    }
    if ((status = pt_download(r->be, &count, w->counts, err)) == PTSNE_OK) { ranks_read(w, from, rows); }
    return status;
}

/* ---- what is known without, and what is in doubt ---- */

/* The rank of a point that stands in the row's list of neighbours: its place, or that of the first as near as it. */
static uint32_t rank_in_list(const pt_ranks *r, size_t row, uint32_t point)
{
    const float *a = r->x + row * r->d;
    const uint32_t *index = r->index + row * r->k;
    size_t place = 0;
    while (place < r->k && index[place] != point) { place++; }
    if (place == r->k) { return NO_RANK; }
    const double here = pt_distance_squared(a, r->x + (size_t)point * r->d, r->d);
    while (place > 0 && pt_distance_squared(a, r->x + (size_t)index[place - 1] * r->d, r->d) == here) { place--; }
    return (uint32_t)place + 1;
}

static ptsne_status ranks_settle(const pt_ranks *r, ptsne_error *err)
{
    size_t unknown = 0;
#pragma omp parallel for schedule(static) num_threads((int)r->be->threads) reduction(+ : unknown)
    for (size_t t = 0; t < r->n * r->n_others; t++) {
        const uint32_t rank = rank_in_list(r, t / r->n_others, r->other[t]);
        if (rank != NO_RANK) { r->rank[t] = rank; }
        unknown += r->rank[t] == NO_RANK;
    }
    if (unknown == 0) { return PTSNE_OK; }
    pt_sweep sweep;
    const ptsne_status status = pt_sweep_create(r->x, r->n, r->d, r->be->threads, &sweep, err);
    if (status != PTSNE_OK) { return status; }
#pragma omp parallel for schedule(dynamic, 64) num_threads((int)r->be->threads)
    for (size_t t = 0; t < r->n * r->n_others; t++) {
        if (r->rank[t] == NO_RANK) { r->rank[t] = 1 + (uint32_t)pt_sweep_nearer(&sweep, t / r->n_others, r->other[t]); }
    }
    pt_sweep_destroy(&sweep);
    return PTSNE_OK;
}

ptsne_status pt_ranks_count(const pt_ranks *ranks, ptsne_error *err)
{
    const pt_ranks *r = ranks;
    work w = {.r = r};
    ptsne_status status = work_create(&w, err);
    if (status == PTSNE_OK && w.resident) {
        status = pt_rows_upload(r->be, r->x, NULL, r->n, r->d, r->mean, &w.points, err);
    }
    for (size_t from = 0; from < r->n && status == PTSNE_OK; from += w.rows) {
        const size_t rows = pt_smaller(w.rows, r->n - from);
        status = rows_run(&w, from, rows, err);
        if (status == PTSNE_OK) { status = r->tell(r->context, (double)(from + rows) / (double)r->n, err); }
    }
    work_destroy(&w);
    return status == PTSNE_OK ? ranks_settle(r, err) : status;
}
