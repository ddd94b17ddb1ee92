/* Edges pull, all other pairs of the batch push. Rows e and m + e are the ends of edge e; with w_ij = 1 / (1 + |y_i - y_j|^2),
 * Z = sum of w over ordered pairs that push, t the partner of i:
 *   loss = exaggeration / m sum_e log(1 + d_e^2) + log Z,
 *   gradient[i] = (2 exaggeration / m) w_it (y_i - y_t) - (4 / Z) sum_j w_ij^2 (y_i - y_j). */
#include "backend/cpu/level.h"

#include <math.h>
#include <string.h>

#include "backend/cpu/pairs.h"

#define LEAST_Z 1.0e-12

typedef struct edge_block {
    pair_block points;
    uint32_t shown[PAIR_COLUMNS]; /* which point a row shows */
    uint32_t row[PAIR_COLUMNS];
} edge_block;

/* One row that pushes. */
typedef struct pusher {
    const float *y;
    uint32_t shown, partner;
    double push[3], z; /* sum w^2 (y_i - y_j), sum w */
} pusher;

static void load(const float *y, const uint32_t *sample, size_t n, size_t d, size_t from, edge_block *block)
{
    pair_block_load(y, d, from, n - from < PAIR_COLUMNS ? n - from : PAIR_COLUMNS, &block->points);
    memcpy(block->shown, sample + from, block->points.n * sizeof *block->shown);
    for (size_t j = 0; j < block->points.n; j++) { block->row[j] = (uint32_t)(from + j); }
}

/* Add a block's push on one row; d is a constant after inlining. The row itself shows its own point, so it is left out with
 * the others that do. */
static inline void add_block(const edge_block *block, size_t d, pusher *row)
{
    const float y0 = row->y[0], y1 = row->y[1], y2 = d == 3 ? row->y[2] : 0.0f;
    const uint32_t shown = row->shown, partner = row->partner;
    float push0 = 0.0f, push1 = 0.0f, push2 = 0.0f, z = 0.0f;
#pragma omp simd reduction(+ : push0, push1, push2, z)
    for (size_t j = 0; j < block->points.n; j++) {
        const float d0 = y0 - block->points.y[0][j], d1 = y1 - block->points.y[1][j];
        const float d2 = d == 3 ? y2 - block->points.y[2][j] : 0.0f;
        const float inverse = 1.0f + d0 * d0 + d1 * d1 + (d == 3 ? d2 * d2 : 0.0f);
        const int out = (block->shown[j] == shown) | (block->row[j] == partner);
        const float w = out ? 0.0f : 1.0f / inverse;
        const float w2 = w * w;
        z += w;
        push0 += w2 * d0;
        push1 += w2 * d1;
        if (d == 3) { push2 += w2 * d2; }
    }
    row->push[0] += (double)push0, row->push[1] += (double)push1, row->push[2] += (double)push2;
    row->z += (double)z;
}

/* What rows first .. end leave in the scratch: push n x d, z n. */
static void push_rows(const float *y, const uint32_t *sample, size_t n, size_t d, size_t first, size_t end, float *push,
                      double *z)
{
    pusher rows[PAIR_ROWS] = {{0}};
    edge_block block;
    for (size_t i = first; i < end; i++) {
        const size_t partner = i < n / 2 ? i + n / 2 : i - n / 2;
        rows[i - first].y = y + i * d;
        rows[i - first].shown = sample[i];
        rows[i - first].partner = (uint32_t)partner;
    }
    for (size_t from = 0; from < n; from += PAIR_COLUMNS) {
        load(y, sample, n, d, from, &block);
        for (size_t r = 0; r < end - first; r++) {
            if (d == 2) {
                add_block(&block, 2, &rows[r]);
            } else {
                add_block(&block, 3, &rows[r]);
            }
        }
    }
    for (size_t i = first; i < end; i++) {
        for (size_t c = 0; c < d; c++) { push[i * d + c] = (float)rows[i - first].push[c]; }
        z[i] = rows[i - first].z;
    }
}

/* Both ends of every edge: the gradient whole, and sum of log(1 + d_e^2). */
static double pull_edges(const float *y, const uint32_t *sample, size_t m, size_t d, double exaggeration, double z,
                         const float *push, float *gradient)
{
    double loss = 0.0;
    for (size_t e = 0; e < m; e++) {
        const float *head = y + e * d, *tail = y + (m + e) * d;
        double square = 0.0;
        for (size_t c = 0; c < d; c++) {
            square += ((double)head[c] - (double)tail[c]) * ((double)head[c] - (double)tail[c]);
        }
        const bool pulls = sample[e] != sample[m + e];
        const double pull = pulls ? 2.0 * exaggeration / (double)m / (1.0 + square) : 0.0;
        if (pulls) { loss += log1p(square); }
        for (size_t c = 0; c < d; c++) {
            const size_t h = e * d + c, t = (m + e) * d + c;
            const double force = pull * ((double)head[c] - (double)tail[c]);
            gradient[h] = (float)(force - 4.0 / z * (double)push[h]);
            gradient[t] = (float)(-force - 4.0 / z * (double)push[t]);
        }
    }
    return loss;
}

ptsne_status cpu_edges_gradient(pt_backend *be, const pt_buffer *y, const pt_buffer *sample, size_t m, size_t d,
                                float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                const pt_buffer *loss, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *map = pt_cpu_floats(y);
    const uint32_t *shown = pt_cpu_words(sample);
    const size_t n = 2 * m, chunks = pt_ceil_div(n, PAIR_ROWS);
    double *z = pair_doubles(pt_cpu_floats(scratch));
    float *push = (float *)(z + n);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) schedule(dynamic)
    for (size_t c = 0; c < chunks; c++) {
        const size_t first = c * PAIR_ROWS, end = first + PAIR_ROWS < n ? first + PAIR_ROWS : n;
        push_rows(map, shown, n, d, first, end, push, z);
    }
    double total = 0.0;
    for (size_t i = 0; i < n; i++) { total += z[i]; }
    if (total < LEAST_Z) { total = LEAST_Z; }
    const double pulled = pull_edges(map, shown, m, d, (double)exaggeration, total, push, pt_cpu_floats(gradient));
    pt_cpu_floats(loss)[0] = (float)((double)exaggeration / (double)m * pulled + log(total));
    return PTSNE_OK;
}
