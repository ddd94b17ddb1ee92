/* Mean and variance of the columns of x, n x d.
 *
 * Each chunk of rows takes its mean first, by differences from its first row, so that equal values have no variance at all; then,
 * while it still lies in the cache, the squares of the differences from that mean. The chunks are put together in float64 (Chan, Golub
 * and LeVeque, The American Statistician 1983). */
#include "backend/cpu/level.h"

#include <string.h>

#include "backend/cpu/lines.h"
#include "backend/cpu/pairs.h"

/* The sums of differences from center, and of their squares. */
static void sum_differences(const float *x, size_t rows, size_t d, const lines *l, const float center[LINE],
                            double total[LINE], double squares[LINE])
{
    float part[LINE] = {0}, square[LINE] = {0};
    memset(total, 0, LINE * sizeof *total);
    memset(squares, 0, LINE * sizeof *squares);
    size_t n_lines = 0;
    for (size_t i = 0; i < rows; i += l->together) {
        const float *line = x + i * d + l->first;
        const size_t width = line_width(l, rows - i);
        for (size_t t = 0; t < width; t++) {
            const float off = line[t] - center[t];
            part[t] += off;
            square[t] += off * off;
        }
        if (++n_lines % LINE_BLOCK == 0) {
            line_settle(total, part);
            line_settle(squares, square);
        }
    }
    line_settle(total, part);
    line_settle(squares, square);
}

/* mean and spread, d each: the mean of the rows, and the sum of the squared differences from it. */
static void chunk_moments(const float *x, size_t rows, size_t d, double *mean, double *spread)
{
    for (size_t first = 0; first < d; first += LINE) {
        const lines l = lines_of(d, first);
        double total[LINE], squares[LINE];
        float center[LINE];
        line_repeat(&l, x, center);
        lines_sum(x, rows, d, &l, center, total);
        line_fold(&l, total, mean);
        for (size_t j = 0; j < l.columns; j++) {
            mean[first + j] = (double)(float)((double)x[first + j] + mean[first + j] / (double)rows);
            for (size_t r = 0; r < l.together; r++) { center[r * l.columns + j] = (float)mean[first + j]; }
        }
        sum_differences(x, rows, d, &l, center, total, squares);
        line_fold(&l, squares, spread);
        for (size_t j = 0; j < l.columns; j++) {
            double off = 0.0; /* of all rows together: center is the mean but for its rounding */
            for (size_t r = 0; r < l.together; r++) { off += total[r * l.columns + j]; }
            mean[first + j] += off / (double)rows;
            spread[first + j] -= off * off / (double)rows;
        }
    }
}

/* The moments of all n rows, from those of chunks of `rows` (the last one shorter), of LINE columns at most: chunk after chunk,
 * as they lie. */
static void join_chunks(const double *means, const double *spreads, size_t n, size_t rows, size_t d, size_t columns,
                        float *mean, float *variance)
{
    double center[LINE] = {0}, spread[LINE] = {0};
    for (size_t c = 0; c * rows < n; c++) {
        const double here = (double)(n - c * rows < rows ? n - c * rows : rows);
        for (size_t j = 0; j < columns; j++) { center[j] += here * means[c * d + j]; }
    }
    for (size_t j = 0; j < columns; j++) { center[j] /= (double)n; }
    for (size_t c = 0; c * rows < n; c++) {
        const double here = (double)(n - c * rows < rows ? n - c * rows : rows);
        for (size_t j = 0; j < columns; j++) {
            const double off = means[c * d + j] - center[j];
            spread[j] += spreads[c * d + j] + here * (off * off);
        }
    }
    for (size_t j = 0; j < columns; j++) {
        mean[j] = (float)center[j];
        variance[j] = spread[j] < 0.0 ? 0.0f : (float)(spread[j] / (double)n);
    }
}

ptsne_status cpu_column_moments(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *scratch,
                                const pt_buffer *mean, const pt_buffer *variance, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *from = pt_cpu_floats(x);
    const size_t rows = pt_ceil_div(n, pt_column_chunks(n)), chunks = pt_ceil_div(n, rows);
    double *means = pair_doubles(pt_cpu_floats(scratch)), *spreads = means + chunks * d;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (n * d > 16384)
    for (size_t c = 0; c < chunks; c++) {
        const size_t here = n - c * rows < rows ? n - c * rows : rows;
        chunk_moments(from + c * rows * d, here, d, means + c * d, spreads + c * d);
    }
    for (size_t first = 0; first < d; first += LINE) {
        join_chunks(means + first, spreads + first, n, rows, d, d - first < LINE ? d - first : LINE,
                    pt_cpu_floats(mean) + first, pt_cpu_floats(variance) + first);
    }
    return PTSNE_OK;
}
