/* Letters: x points (n x d); k clusters; c their centres; D a row's squared distance to the nearest centre so far. */
#include "analysis/kmeans_seeding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kmeans.h"
#include "analysis/rows.h"
#include "base/memory.h"
#include "base/sizes.h"

#define PIECE      ((size_t)4096) /* rows of one partial sum; fixed, whatever the number of threads */
#define MOST_DRAWS ((size_t)64)   /* of one round */

static float least(float a, float b)
{
    return b < a ? b : a; /* fminf is a call, for NaN */
}

pt_seeding pt_seeding_plan(pt_backend *be, const float *x, size_t n, size_t d, size_t k)
{
    const size_t budget = pt_elements_planned(be);
    pt_seeding s = {.be = be, .x = x, .n = n, .d = d, .k = k};
    s.n_rows = pt_smaller(n, pt_larger(PT_KMEANS_SEEDING, 16 * k));
    while (s.n_rows / 2 >= k && s.n_rows * (d + MOST_DRAWS) > budget / 3) { s.n_rows /= 2; }
    return s;
}

ptsne_status pt_seeding_create(pt_seeding *s, const double *mean, float *stage, size_t staged, ptsne_error *err)
{
    const size_t pieces = pt_ceil_div(s->n_rows, PIECE);
    s->mean = mean;
    s->stage = stage;
    s->staged = staged;
    s->distance = pt_array_aligned(s->n_rows * MOST_DRAWS, sizeof *s->distance);
    s->nearest = pt_array_aligned(s->n_rows, sizeof *s->nearest);
    s->row = pt_array_aligned(s->n, sizeof *s->row);
    s->potential = pt_array_aligned(pieces * MOST_DRAWS, sizeof *s->potential);
    s->weight = pt_array_aligned(pieces, sizeof *s->weight);
    if (!s->distance || !s->nearest || !s->row || !s->potential || !s->weight) {
        return pt_fail_memory(err, "the first centres", 4.0 * ((double)s->n + (double)s->n_rows * MOST_DRAWS));
    }
    ptsne_status status = pt_buffer_create(s->be, s->n_rows * s->d, &s->points, err);
    if (status == PTSNE_OK) { status = pt_buffer_create(s->be, MOST_DRAWS * s->d, &s->draws, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(s->be, s->n_rows * MOST_DRAWS, &s->tile, err); }
    return status;
}

void pt_seeding_destroy(pt_seeding *s)
{
    pt_buffer_destroy(s->be, &s->points);
    pt_buffer_destroy(s->be, &s->draws);
    pt_buffer_destroy(s->be, &s->tile);
    free(s->distance);
    free(s->nearest);
    free(s->row);
    free(s->potential);
    free(s->weight);
    *s = (pt_seeding){0};
}

static ptsne_status rows_send(pt_seeding *s, const uint32_t *rows, size_t count, const pt_buffer *to, ptsne_error *err)
{
    return pt_rows_send(s->be, s->x, rows, count, s->d, s->mean, s->stage, s->staged, to, err);
}

/* distance of the rows to rows draw[0 .. count) of x, n_rows x count. */
static ptsne_status draws_measure(pt_seeding *s, const uint32_t *draw, size_t count, ptsne_error *err)
{
    const pt_buffer to = pt_buffer_view(&s->draws, 0, count * s->d);
    const pt_buffer tile = pt_buffer_view(&s->tile, 0, s->n_rows * count);
    int metric = 0;
    ptsne_status status;
    if ((status = pt_metric_find(s->be, "euclidean", &metric, err)) != PTSNE_OK) { return status; }
    if ((status = rows_send(s, draw, count, &to, err)) != PTSNE_OK) { return status; }
    status = pt_distances(s->be, metric, &s->points, s->n_rows, &to, count, s->d, &tile, err);
    return status == PTSNE_OK ? pt_download(s->be, &tile, s->distance, err) : status;
}

static double piece_weight(const pt_seeding *s, size_t p)
{
    double sum = 0.0;
    for (size_t i = p * PIECE; i < pt_smaller(s->n_rows, (p + 1) * PIECE); i++) { sum += (double)s->nearest[i]; }
    return sum;
}

/* One of the rows, with probability D / sum of D, weights being the pieces' sums of D; any where all D are 0. */
static size_t draw_one(const pt_seeding *s, const double *weight, pt_random *random)
{
    const size_t pieces = pt_ceil_div(s->n_rows, PIECE);
    double total = 0.0;
    for (size_t p = 0; p < pieces; p++) { total += weight[p]; }
    if (!(total > 0.0)) { return pt_random_below(random, s->n_rows); }
    const double high = (double)pt_random_word(random), low = (double)pt_random_word(random);
    double left = (high * 0x1p-32 + low * 0x1p-64) * total;
    size_t p = 0, last = SIZE_MAX;
    while (p + 1 < pieces && left >= weight[p]) { left -= weight[p++]; }
    for (; last == SIZE_MAX; p = p + 1 < pieces ? p + 1 : 0) { /* rounding may end in a piece without weight */
        for (size_t i = p * PIECE; i < pt_smaller(s->n_rows, (p + 1) * PIECE) && !(last != SIZE_MAX && left < 0.0);
             i++) {
            if (s->nearest[i] > 0.0f) { last = i; }
            left -= (double)s->nearest[i];
        }
    }
    return last;
}

/* Which of the draws leaves the least sum of D. */
static size_t draw_best(pt_seeding *s, size_t count)
{
    const size_t pieces = pt_ceil_div(s->n_rows, PIECE);
#pragma omp parallel for schedule(static) num_threads((int)s->be->threads)
    for (size_t p = 0; p < pieces; p++) {
        double *sum = s->potential + p * MOST_DRAWS;
        memset(sum, 0, count * sizeof *sum);
        for (size_t i = p * PIECE; i < pt_smaller(s->n_rows, (p + 1) * PIECE); i++) {
            for (size_t t = 0; t < count; t++) { sum[t] += (double)least(s->nearest[i], s->distance[i * count + t]); }
        }
    }
    size_t best = 0;
    double smallest = (double)INFINITY;
    for (size_t t = 0; t < count; t++) {
        double sum = 0.0;
        for (size_t p = 0; p < pieces; p++) { sum += s->potential[p * MOST_DRAWS + t]; }
        if (sum < smallest) { smallest = sum, best = t; }
    }
    return best;
}

/* D after draws t0 .. t1 of `count` became centres. */
static void nearest_update(pt_seeding *s, size_t count, size_t t0, size_t t1)
{
#pragma omp parallel for schedule(static) num_threads((int)s->be->threads)
    for (size_t i = 0; i < s->n_rows; i++) {
        for (size_t t = t0; t < t1; t++) { s->nearest[i] = least(s->nearest[i], s->distance[i * count + t]); }
    }
}

static void center_set(const pt_seeding *s, size_t from, float *center)
{
    const float *row = s->x + (size_t)s->row[from] * s->d;
    for (size_t j = 0; j < s->d; j++) { center[j] = (float)((double)row[j] - s->mean[j]); }
}

/* Draw, measure, and keep one of several draws (greedy) or all of a round. */
static ptsne_status round_run(pt_seeding *s, pt_random *random, float *c, size_t *made, bool greedy, ptsne_error *err)
{
    const size_t trials = greedy ? 2 + (size_t)log((double)s->k) : pt_smaller(MOST_DRAWS, *made / 16);
    const size_t count = greedy ? trials : pt_smaller(pt_larger(trials, 1), s->k - *made);
    const size_t pieces = pt_ceil_div(s->n_rows, PIECE);
    size_t drawn[MOST_DRAWS];
    uint32_t rows[MOST_DRAWS];
#pragma omp parallel for schedule(static) num_threads((int)s->be->threads)
    for (size_t p = 0; p < pieces; p++) { s->weight[p] = piece_weight(s, p); }
    for (size_t t = 0; t < count; t++) {
        drawn[t] = draw_one(s, s->weight, random);
        rows[t] = s->row[drawn[t]];
        if (greedy) { continue; }
        s->nearest[drawn[t]] = 0.0f; /* not twice in a round */
        s->weight[drawn[t] / PIECE] = piece_weight(s, drawn[t] / PIECE);
    }
    const ptsne_status status = draws_measure(s, rows, count, err);
    if (status != PTSNE_OK) { return status; }
    const size_t first = greedy ? draw_best(s, count) : 0, end = greedy ? first + 1 : count;
    nearest_update(s, count, first, end);
    for (size_t t = first; t < end; t++) {
        center_set(s, drawn[t], c + (*made)++ * s->d);
        s->nearest[drawn[t]] = 0.0f; /* products leave it a little more */
    }
    return PTSNE_OK;
}

ptsne_status pt_seeding_run(pt_seeding *s, pt_random *random, float *c, ptsne_error *err)
{
    pt_random_permutation(random, s->row, s->n);
    ptsne_status status = rows_send(s, s->row, s->n_rows, &s->points, err);
    for (size_t i = 0; i < s->n_rows; i++) { s->nearest[i] = INFINITY; }
    if (status == PTSNE_OK) { status = draws_measure(s, s->row, 1, err); }
    if (status != PTSNE_OK) { return status; }
    nearest_update(s, 1, 0, 1);
    center_set(s, 0, c);
    s->nearest[0] = 0.0f;
    for (size_t made = 1; made < s->k;) {
        status = round_run(s, random, c, &made, s->k <= PT_KMEANS_GREEDY, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}
