/* z[i] = sum over j of 1 / (1 + |y_i - y_j|^2), j not i. */
#include "backend/cpu/level.h"

#include "backend/cpu/pairs.h"

/* Sum over columns from .. to of a block; d is a constant after inlining. */
static inline float sum_range(const pair_block *block, const float *y, size_t d, size_t from, size_t to)
{
    float z = 0.0f;
    const float y0 = y[0], y1 = y[1], y2 = d == 3 ? y[2] : 0.0f;
#pragma omp simd reduction(+ : z)
    for (size_t j = from; j < to; j++) {
        const float d0 = y0 - block->y[0][j], d1 = y1 - block->y[1][j];
        float d2 = d0 * d0 + d1 * d1;
        if (d == 3) {
            const float third = y2 - block->y[2][j];
            d2 += third * third;
        }
        z += 1.0f / (1.0f + d2);
    }
    return z;
}

static float sum_columns(const pair_block *block, const float *y, size_t d, size_t from, size_t to)
{
    return d == 2 ? sum_range(block, y, 2, from, to) : sum_range(block, y, 3, from, to);
}

/* Rows first .. end against the whole map; a point's own column is left out, not taken off: beside a sum of far
 * points 1 would drown it. */
static void sum_rows(const float *y, size_t n, size_t d, size_t first, size_t end, float *z)
{
    double total[PAIR_ROWS] = {0};
    pair_block block;
    for (size_t from = 0; from < n; from += PAIR_COLUMNS) {
        pair_block_load(y, d, from, n - from < PAIR_COLUMNS ? n - from : PAIR_COLUMNS, &block);
        for (size_t i = first; i < end; i++) {
            const size_t self = i - from; /* huge where i is in an earlier block */
            const size_t stop = self < block.n ? self : block.n;
            total[i - first] += (double)sum_columns(&block, y + i * d, d, 0, stop);
            if (self < block.n) { total[i - first] += (double)sum_columns(&block, y + i * d, d, self + 1, block.n); }
        }
    }
    for (size_t i = first; i < end; i++) { z[i - first] = (float)total[i - first]; }
}

ptsne_status cpu_student_sums(pt_backend *be, const pt_buffer *y, size_t n, size_t d, size_t from, size_t m,
                              const pt_buffer *z, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t chunks = pt_ceil_div(m, PAIR_ROWS);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) schedule(dynamic)
    for (size_t c = 0; c < chunks; c++) {
        const size_t first = c * PAIR_ROWS, end = first + PAIR_ROWS < m ? first + PAIR_ROWS : m;
        sum_rows(pt_cpu_floats(y), n, d, from + first, from + end, pt_cpu_floats(z) + first);
    }
    return PTSNE_OK;
}
