/* out[j] = sum over i of x[i][j]. */
#include "backend/cpu/level.h"

#include "backend/cpu/lines.h"

#define COLUMNS ((size_t)64) /* of one chunk: four cache lines of a row */
#define ROWS    ((size_t)64) /* summed in float32 before they go into the float64 total */

#define PARTS        ((size_t)64)    /* of the rows, where columns are few */
#define PART_NUMBERS ((size_t)16384) /* in a part, at least */

/* Rows of few columns go by parts, which are added in their order: whole lines of them, and all threads. On one thread 512 images of
 * 28 x 28 places and 20 columns took 4.6 ms row by row and take 3.6. */
static void sum_by_parts(const pt_backend *be, const float *from, size_t n, size_t d, float *to)
{
    double sums[PARTS][COLUMNS], total[COLUMNS] = {0};
    const size_t share = pt_ceil_div(n, PARTS), least = PART_NUMBERS / d, rows = share < least ? least : share;
    const size_t parts = pt_ceil_div(n, rows);
    const lines l = lines_of(d, 0);
#pragma omp parallel for num_threads(pt_cpu_threads(be, parts)) if (parts > 1)
    for (size_t p = 0; p < parts; p++) {
        const float zero[LINE] = {0};
        double line[LINE];
        lines_sum(from + p * rows * d, n - p * rows < rows ? n - p * rows : rows, d, &l, zero, line);
        line_fold(&l, line, sums[p]);
    }
    for (size_t p = 0; p < parts; p++) {
        for (size_t j = 0; j < d; j++) { total[j] += sums[p][j]; }
    }
    for (size_t j = 0; j < d; j++) { to[j] = (float)total[j]; }
}

ptsne_status cpu_column_sums(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                             ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *from = pt_cpu_floats(x);
    float *to = pt_cpu_floats(out);
    if (d <= COLUMNS) {
        sum_by_parts(be, from, n, d, to);
        return PTSNE_OK;
    }
    const size_t chunks = pt_ceil_div(d, COLUMNS);
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
