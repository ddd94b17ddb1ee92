/* out[j] = sum over i of x[i][j]. */
#include "backend/cpu/level.h"

#define COLUMNS ((size_t)64) /* of one chunk: four cache lines of a row */
#define ROWS    ((size_t)64) /* summed in float32 before they go into the float64 total */

ptsne_status cpu_column_sums(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                             ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *from = pt_cpu_floats(x);
    float *to = pt_cpu_floats(out);
    const size_t chunks = (d + COLUMNS - 1) / COLUMNS;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (n * d > 16384)
    for (size_t c = 0; c < chunks; c++) {
        const size_t first = c * COLUMNS, width = d - first < COLUMNS ? d - first : COLUMNS;
        double total[COLUMNS] = {0};
        for (size_t top = 0; top < n; top += ROWS) {
            const size_t bottom = top + ROWS < n ? top + ROWS : n;
            float part[COLUMNS] = {0};
            for (size_t i = top; i < bottom; i++) {
                const float *row = from + i * d + first;
                for (size_t j = 0; j < width; j++) { part[j] += row[j]; }
            }
            for (size_t j = 0; j < width; j++) { total[j] += (double)part[j]; }
        }
        for (size_t j = 0; j < width; j++) { to[first + j] = (float)total[j]; }
    }
    return PTSNE_OK;
}
