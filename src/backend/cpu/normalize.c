/* Batch normalisation, y = activation(gain (x - mean) / sqrt(variance + epsilon) + shift), and the way back through it
 * (Ioffe and Szegedy, ICML 2015). */
#include "backend/cpu/level.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "backend/cpu/activation.h"
#include "backend/cpu/lines.h"
#include "backend/cpu/pairs.h"

#define CHUNK ((size_t)32768) /* elements of one chunk, about */

/* gain / sqrt(variance + epsilon) of the line's columns, along it. */
static void line_scale(const lines *l, const float *variance, const float *gain, float epsilon, float line[LINE])
{
    float scale[LINE];
    for (size_t j = 0; j < l->columns; j++) { scale[j] = gain[l->first + j] / sqrtf(variance[l->first + j] + epsilon); }
    for (size_t r = 0; r < l->together; r++) { memcpy(line + r * l->columns, scale, l->columns * sizeof *scale); }
}

/* One line; y may be x. */
static inline void normalize_line(const float *x, size_t width, const float *center, const float *scale,
                                  const float *shift, pt_activation activation, float *y)
{
    switch (activation) {
    case PT_LINEAR:
#pragma omp simd
        for (size_t t = 0; t < width; t++) { y[t] = (x[t] - center[t]) * scale[t] + shift[t]; }
        return;
    case PT_RELU:
#pragma omp simd
        for (size_t t = 0; t < width; t++) { y[t] = relu((x[t] - center[t]) * scale[t] + shift[t]); }
        return;
    case PT_ELU:
#pragma omp simd
        for (size_t t = 0; t < width; t++) { y[t] = elu((x[t] - center[t]) * scale[t] + shift[t]); }
        return;
    case PT_TANH:
#pragma omp simd
        for (size_t t = 0; t < width; t++) { y[t] = tangent((x[t] - center[t]) * scale[t] + shift[t]); }
        return;
    case PT_SIGMOID:
#pragma omp simd
        for (size_t t = 0; t < width; t++) { y[t] = sigmoid((x[t] - center[t]) * scale[t] + shift[t]); }
        return;
    }
    assert(activation <= PT_SIGMOID); /* there are no others */
}

ptsne_status cpu_normalize(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                           const pt_buffer *variance, const pt_buffer *gain, const pt_buffer *shift, float epsilon,
                           pt_activation activation, const pt_buffer *y, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t rows = CHUNK / d + 1, chunks = pt_ceil_div(n, rows);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * rows < n ? (c + 1) * rows : n;
        for (size_t first = 0; first < d; first += LINE) {
            const lines l = lines_of(d, first);
            float center[LINE], scale[LINE], offset[LINE];
            line_repeat(&l, pt_cpu_floats(mean), center);
            line_repeat(&l, pt_cpu_floats(shift), offset);
            line_scale(&l, pt_cpu_floats(variance), pt_cpu_floats(gain), epsilon, scale);
            for (size_t i = c * rows; i < end; i += l.together) {
                const size_t at = i * d + first;
                normalize_line(pt_cpu_floats(x) + at, line_width(&l, end - i), center, scale, offset, activation,
                               pt_cpu_floats(y) + at);
            }
        }
    }
    return PTSNE_OK;
}

/* ---- backward ---- */

/* The rows' sums of g, and of g (x - mean), d each. */
static void chunk_sums(const float *x, const float *g, size_t rows, size_t d, const float *mean, double *sums,
                       double *products)
{
    for (size_t first = 0; first < d; first += LINE) {
        const lines l = lines_of(d, first);
        float center[LINE], part[LINE] = {0}, product[LINE] = {0};
        double total[LINE] = {0}, of_products[LINE] = {0};
        line_repeat(&l, mean, center);
        size_t n_lines = 0;
        for (size_t i = 0; i < rows; i += l.together) {
            const float *line_x = x + i * d + first, *line_g = g + i * d + first;
            const size_t width = line_width(&l, rows - i);
            for (size_t t = 0; t < width; t++) {
                part[t] += line_g[t];
                product[t] += line_g[t] * (line_x[t] - center[t]);
            }
            if (++n_lines % LINE_BLOCK == 0) {
                line_settle(total, part);
                line_settle(of_products, product);
            }
        }
        line_settle(total, part);
        line_settle(of_products, product);
        line_fold(&l, total, sums);
        line_fold(&l, of_products, products);
    }
}

/* The chunks' sums, d each, added in their order to those of the first one. */
static void join_chunks(double *sums, size_t chunks, size_t d)
{
    for (size_t c = 1; c < chunks; c++) {
        for (size_t j = 0; j < d; j++) { sums[j] += sums[c * d + j]; }
    }
}

/* dL/dx = scale (g - mean of g - xhat mean of (g xhat)), written as own g + across (x - mean) + level. */
typedef struct way_back {
    float center[LINE], own[LINE], across[LINE], level[LINE];
} way_back;

static void find_way_back(const lines *l, size_t n, const float *mean, const float *variance, const float *gain,
                          float epsilon, const float *gain_gradient, const float *shift_gradient, way_back *way)
{
    line_repeat(l, mean, way->center);
    for (size_t j = 0; j < l->columns; j++) {
        const size_t at = l->first + j;
        const double deviation = sqrt((double)variance[at] + (double)epsilon);
        const double scale = (double)gain[at] / deviation;
        for (size_t r = 0; r < l->together; r++) {
            const size_t t = r * l->columns + j;
            way->own[t] = (float)scale;
            way->across[t] = (float)(-scale * (double)gain_gradient[at] / (deviation * (double)n));
            way->level[t] = (float)(-scale * (double)shift_gradient[at] / (double)n);
        }
    }
}

static void line_back(const float *x, size_t width, const way_back *way, float *restrict g)
{
    for (size_t t = 0; t < width; t++) {
        g[t] = way->own[t] * g[t] + (way->across[t] * (x[t] - way->center[t]) + way->level[t]);
    }
}

ptsne_status cpu_normalize_gradient(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                                    const pt_buffer *variance, const pt_buffer *gain, float epsilon, const pt_buffer *g,
                                    const pt_buffer *scratch, const pt_buffer *gain_gradient,
                                    const pt_buffer *shift_gradient, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *from = pt_cpu_floats(x), *center = pt_cpu_floats(mean), *square = pt_cpu_floats(variance);
    float *slope = pt_cpu_floats(g), *of_gain = pt_cpu_floats(gain_gradient), *of_shift = pt_cpu_floats(shift_gradient);
    const size_t rows = pt_ceil_div(n, pt_column_chunks(n)), chunks = pt_ceil_div(n, rows);
    double *sums = pair_doubles(pt_cpu_floats(scratch)), *products = sums + chunks * d;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (n * d > 16384)
    for (size_t c = 0; c < chunks; c++) {
        const size_t here = n - c * rows < rows ? n - c * rows : rows;
        chunk_sums(from + c * rows * d, slope + c * rows * d, here, d, center, sums + c * d, products + c * d);
    }
    join_chunks(sums, chunks, d);
    join_chunks(products, chunks, d);
    for (size_t j = 0; j < d; j++) {
        of_shift[j] = (float)sums[j];
        of_gain[j] = (float)(products[j] / sqrt((double)square[j] + (double)epsilon));
    }
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (n * d > 16384)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = n - c * rows < rows ? n : (c + 1) * rows;
        for (size_t first = 0; first < d; first += LINE) {
            const lines l = lines_of(d, first);
            way_back way;
            find_way_back(&l, n, center, square, pt_cpu_floats(gain), epsilon, of_gain, of_shift, &way);
            for (size_t i = c * rows; i < end; i += l.together) {
                line_back(from + i * d + first, line_width(&l, end - i), &way, slope + i * d + first);
            }
        }
    }
    return PTSNE_OK;
}
