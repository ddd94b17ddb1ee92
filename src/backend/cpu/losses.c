/* Losses of n rows: each chunk of rows sums its terms in float64 into the scratch, and the chunks are added in their order. */
#include "backend/cpu/level.h"

#include <math.h>

#include "backend/cpu/pairs.h"
#include "backend/cpu/softmax.h"

#define CHUNK ((size_t)8192) /* elements of one chunk, about */

/* Rows of d elements that make one chunk. */
static size_t chunk_rows(size_t n, size_t d)
{
    return pair_chunk(n, CHUNK / d + 1);
}

static double total(const double *parts, size_t chunks)
{
    double sum = 0.0;
    for (size_t c = 0; c < chunks; c++) { sum += parts[c]; }
    return sum;
}

/* ---- cross entropy ---- */

/* The first of the largest. */
static size_t row_choice(const float *z, size_t k)
{
    size_t best = 0;
    for (size_t j = 1; j < k; j++) {
        if (z[j] > z[best]) { best = j; }
    }
    return best;
}

/* One row's -log p of its class; to (NULL: not wanted) = (p - onehot) / n. */
static double row_entropy(const float *z, size_t k, size_t class_of, float scale, float *to)
{
    const float most = row_largest(z, k);
    const float own = z[class_of] - most;
    float sum;
    if (to == NULL) {
        sum = row_exponential_sum(z, k, most);
    } else {
        sum = row_exponentials(z, k, most, to);
        const float factor = scale / sum;
        for (size_t j = 0; j < k; j++) { to[j] *= factor; }
        to[class_of] -= scale;
    }
    return log((double)sum) - (double)own;
}

ptsne_status cpu_cross_entropy(pt_backend *be, const pt_buffer *z, const pt_buffer *class_of, size_t n, size_t k,
                               const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                               ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float scale = (float)(1.0 / (double)n);
    const size_t rows = chunk_rows(n, k), chunks = pt_ceil_div(n, rows);
    double *parts = pair_doubles(pt_cpu_floats(scratch)), *wrong = parts + PT_MAP_CHUNKS;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * rows < n ? (c + 1) * rows : n;
        double sum = 0.0, missed = 0.0;
        for (size_t i = c * rows; i < end; i++) {
            const float *row = pt_cpu_floats(z) + i * k;
            const size_t own = pt_cpu_words(class_of)[i];
            sum += row_entropy(row, k, own, scale, gradient == NULL ? NULL : pt_cpu_floats(gradient) + i * k);
            missed += row_choice(row, k) == own ? 0.0 : 1.0;
        }
        parts[c] = sum;
        wrong[c] = missed;
    }
    pt_cpu_floats(loss)[0] = (float)(total(parts, chunks) / (double)n);
    pt_cpu_floats(loss)[1] = (float)total(wrong, chunks);
    return PTSNE_OK;
}

/* ---- errors of a regression ---- */

ptsne_status cpu_squared_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                               const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                               ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const double share = 1.0 / ((double)n * (double)d);
    const float scale = (float)(2.0 * share);
    const size_t rows = chunk_rows(n, d), chunks = pt_ceil_div(n, rows);
    double *parts = pair_doubles(pt_cpu_floats(scratch));
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t from = c * rows * d, end = (c + 1) * rows < n ? (c + 1) * rows * d : n * d;
        const float *a = pt_cpu_floats(y), *b = pt_cpu_floats(target);
        double sum = 0.0;
        if (gradient == NULL) {
#pragma omp simd reduction(+ : sum)
            for (size_t t = from; t < end; t++) {
                const float off = a[t] - b[t];
                sum += (double)off * (double)off;
            }
        } else {
            float *to = pt_cpu_floats(gradient);
#pragma omp simd reduction(+ : sum)
            for (size_t t = from; t < end; t++) {
                const float off = a[t] - b[t];
                sum += (double)off * (double)off;
                to[t] = scale * off;
            }
        }
        parts[c] = sum;
    }
    pt_cpu_floats(loss)[0] = (float)(total(parts, chunks) * share);
    return PTSNE_OK;
}

ptsne_status cpu_cauchy_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d, float h,
                              const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                              ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const double slope = 2.0 * (double)h / (double)n;
    const size_t rows = chunk_rows(n, 16 * d), chunks = pt_ceil_div(n, rows); /* a logarithm weighs as much as 16 */
    double *parts = pair_doubles(pt_cpu_floats(scratch));
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * rows < n ? (c + 1) * rows : n;
        double sum = 0.0;
        for (size_t i = c * rows; i < end; i++) {
            const float *a = pt_cpu_floats(y) + i * d, *b = pt_cpu_floats(target) + i * d;
            double off[3], square = (double)h * (double)h;
            for (size_t j = 0; j < d; j++) {
                off[j] = (double)a[j] - (double)b[j];
                square += off[j] * off[j];
            }
            sum += log(square);
            if (gradient != NULL) {
                float *to = pt_cpu_floats(gradient) + i * d;
                for (size_t j = 0; j < d; j++) { to[j] = (float)(slope * off[j] / square); }
            }
        }
        parts[c] = sum;
    }
    pt_cpu_floats(loss)[0] = (float)(total(parts, chunks) * (double)h / (double)n);
    return PTSNE_OK;
}
