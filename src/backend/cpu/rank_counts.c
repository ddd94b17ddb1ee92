/* count[i][l] += number of j, column_from + j not row_from + i, with tile[i][j] < limit[i][l]. */
#include "backend/cpu/level.h"

#define BLOCK ((size_t)2048) /* columns that stay in the first cache while every limit passes over them */
#define ROWS  ((size_t)8)    /* of one chunk */

static uint32_t count_below(const float *distance, size_t n, float limit)
{
    uint32_t count = 0;
#pragma omp simd reduction(+ : count)
    for (size_t j = 0; j < n; j++) { count += distance[j] < limit; }
    return count;
}

ptsne_status cpu_rank_counts(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                             size_t column_from, const pt_buffer *limit, size_t k, const pt_buffer *count,
                             ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *distance = pt_cpu_floats(tile), *below = pt_cpu_floats(limit);
    uint32_t *total = pt_cpu_words(count);
    const size_t chunks = pt_ceil_div(m, ROWS);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks))
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * ROWS < m ? (c + 1) * ROWS : m;
        for (size_t i = c * ROWS; i < end; i++) {
            const float *row = distance + i * n;
            for (size_t first = 0; first < n; first += BLOCK) {
                const size_t width = n - first < BLOCK ? n - first : BLOCK;
                for (size_t l = 0; l < k; l++) {
                    total[i * k + l] += count_below(row + first, width, below[i * k + l]);
                }
            }
            if (row_from == SIZE_MAX || row_from + i < column_from || row_from + i - column_from >= n) { continue; }
            const float self = row[row_from + i - column_from];
            for (size_t l = 0; l < k; l++) { total[i * k + l] -= self < below[i * k + l]; }
        }
    }
    return PTSNE_OK;
}
