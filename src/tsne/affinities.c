/* Rows are merged from two sorted lists: a point's own neighbours, and the points that have it for a neighbour. The
 * second comes from a counting sort of all pairs by their second point, which leaves the first points in order. So each
 * entry is one sum of two numbers, the same from either side, and no thread's timing shows. */
#include "tsne/affinities.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define TILE_ROWS ((size_t)16384)

typedef struct pair {
    uint32_t point;
    float p;
} pair;

/* conditional: n x k, p_j|i. */
static ptsne_status conditional_fill(pt_backend *be, const float *distance, size_t n, size_t k, double perplexity,
                                     float *conditional, ptsne_error *err)
{
    const size_t rows = n < TILE_ROWS ? n : TILE_ROWS;
    pt_buffer d2 = {0}, p = {0}, beta = {0};
    ptsne_status status;
    if ((status = pt_buffer_create(be, rows * k, &d2, err)) != PTSNE_OK) { goto done; }
    if ((status = pt_buffer_create(be, rows * k, &p, err)) != PTSNE_OK) { goto done; }
    if ((status = pt_buffer_create(be, rows, &beta, err)) != PTSNE_OK) { goto done; }
    for (size_t from = 0; from < n; from += rows) {
        const size_t some = n - from < rows ? n - from : rows;
        const pt_buffer d2_tile = pt_buffer_view(&d2, 0, some * k), p_tile = pt_buffer_view(&p, 0, some * k);
        if ((status = pt_upload(be, distance + from * k, &d2_tile, err)) != PTSNE_OK) { goto done; }
        status = pt_affinities_conditional(be, &d2_tile, some, k, SIZE_MAX, (float)perplexity, 1.0f, false, &p_tile,
                                           &beta, err);
        if (status != PTSNE_OK) { goto done; }
        if ((status = pt_download(be, &p_tile, conditional + from * k, err)) != PTSNE_OK) { goto done; }
    }
done:
    pt_buffer_destroy(be, &beta);
    pt_buffer_destroy(be, &p);
    pt_buffer_destroy(be, &d2);
    return status;
}

static int compare_pairs(const void *left, const void *right)
{
    const pair *a = left, *b = right;
    return (a->point > b->point) - (a->point < b->point);
}

/* own: n x k, each row's neighbours in the order of their numbers. */
static void own_fill(const pt_backend *be, const uint32_t *index, const float *conditional, size_t n, size_t k,
                     pair *own)
{
#pragma omp parallel for schedule(static) num_threads((int)be->threads)
    for (size_t i = 0; i < n; i++) {
        for (size_t l = 0; l < k; l++) { own[i * k + l] = (pair){index[i * k + l], conditional[i * k + l]}; }
        qsort(own + i * k, k, sizeof *own, compare_pairs);
    }
}

/* turned: the points that have i for a neighbour, turned[start[i]] .. turned[start[i + 1] - 1]; start: n + 1, zeros before. */
static void turned_fill(const pair *own, size_t n, size_t k, size_t *start, pair *turned)
{
    for (size_t t = 0; t < n * k; t++) { start[own[t].point]++; }
    size_t sum = 0;
    for (size_t i = 0; i <= n; i++) { /* start of the row, moved on below as the row fills up */
        const size_t count = i < n ? start[i] : 0;
        start[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t l = 0; l < k; l++) {
            const pair *to = own + i * k + l;
            turned[start[to->point]++] = (pair){(uint32_t)i, to->p};
        }
    }
    for (size_t i = n; i > 0; i--) { start[i] = start[i - 1]; } /* each stands at its end now: the next one's start */
    start[0] = 0;
}

/* The sorted union of two rows; entries are the sums, times scale. Counts only where column is NULL. */
static size_t rows_merge(const pair *a, size_t n_a, const pair *b, size_t n_b, double scale, uint32_t *column, float *p)
{
    size_t count = 0;
    for (size_t s = 0, t = 0; s < n_a || t < n_b; count++) {
        const bool first = s < n_a && (t >= n_b || a[s].point <= b[t].point);
        const bool second = t < n_b && (s >= n_a || b[t].point <= a[s].point);
        if (column != NULL) {
            column[count] = first ? a[s].point : b[t].point;
            p[count] = (float)(scale * ((first ? (double)a[s].p : 0.0) + (second ? (double)b[t].p : 0.0)));
        }
        s += first;
        t += second;
    }
    return count;
}

/* Sum of all conditional affinities: n, but for rounding. */
static double sum_all(const float *conditional, size_t n, size_t k)
{
    double sum = 0.0;
    for (size_t t = 0; t < n * k; t++) { sum += (double)conditional[t]; }
    return sum;
}

static ptsne_status join(const pt_backend *be, const pair *own, size_t k, const pair *turned, const size_t *start,
                         double scale, pt_affinities *joint, ptsne_error *err)
{
    const size_t n = joint->n;
#pragma omp parallel for schedule(static) num_threads((int)be->threads)
    for (size_t i = 0; i < n; i++) {
        joint->row[i + 1] = rows_merge(own + i * k, k, turned + start[i], start[i + 1] - start[i], scale, NULL, NULL);
    }
    joint->row[0] = 0;
    for (size_t i = 0; i < n; i++) { joint->row[i + 1] += joint->row[i]; }
    joint->column = pt_array_aligned(joint->row[n], sizeof *joint->column);
    joint->p = pt_array_aligned(joint->row[n], sizeof *joint->p);
    if (joint->column == NULL || joint->p == NULL) {
        return pt_fail_memory(err, "joint affinities", 8.0 * (double)joint->row[n]);
    }
#pragma omp parallel for schedule(static) num_threads((int)be->threads)
    for (size_t i = 0; i < n; i++) {
        rows_merge(own + i * k, k, turned + start[i], start[i + 1] - start[i], scale, joint->column + joint->row[i],
                   joint->p + joint->row[i]);
    }
    return PTSNE_OK;
}

ptsne_status pt_affinities_create(pt_backend *be, const uint32_t *index, const float *distance, size_t n, size_t k,
                                  double perplexity, pt_affinities *joint, ptsne_error *err)
{
    *joint = (pt_affinities){.n = n};
    ptsne_status status;
    float *conditional = pt_array_aligned(n * k, sizeof *conditional);
    pair *own = pt_array_aligned(n * k, sizeof *own);
    pair *turned = pt_array_aligned(n * k, sizeof *turned);
    size_t *start = pt_array_zeroed(n + 1, sizeof *start);
    joint->row = pt_array_zeroed(n + 1, sizeof *joint->row);
    if (!conditional || !own || !turned || !start || !joint->row) {
        status = pt_fail_memory(err, "affinities", 20.0 * (double)n * (double)k + 16.0 * (double)n);
        goto done;
    }
    if ((status = conditional_fill(be, distance, n, k, perplexity, conditional, err)) != PTSNE_OK) { goto done; }
    own_fill(be, index, conditional, n, k, own);
    turned_fill(own, n, k, start, turned);
    status = join(be, own, k, turned, start, 0.5 / sum_all(conditional, n, k), joint, err);
done:
    free(conditional);
    free(own);
    free(turned);
    free(start);
    if (status != PTSNE_OK) { pt_affinities_destroy(joint); }
    return status;
}

void pt_affinities_destroy(pt_affinities *joint)
{
    free(joint->row);
    free(joint->column);
    free(joint->p);
    *joint = (pt_affinities){0};
}
