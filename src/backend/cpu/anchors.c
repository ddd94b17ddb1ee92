/* Places on the map that a row chooses among: p = softmax(z's first k columns), y = p a + z's last d columns; and the way back. */
#include "backend/cpu/level.h"

#include "backend/cpu/softmax.h"

#define CHUNK ((size_t)4096) /* elements of one chunk, about */

/* y = p a + offset for one row. */
static inline void place(const float *p, size_t k, size_t d, const float *a, const float *offset, float *y)
{
    float sum[3] = {0.0f, 0.0f, 0.0f};
    if (d == 2) {
        float s0 = 0.0f, s1 = 0.0f;
#pragma omp simd reduction(+ : s0, s1)
        for (size_t j = 0; j < k; j++) {
            s0 += p[j] * a[2 * j];
            s1 += p[j] * a[2 * j + 1];
        }
        sum[0] = s0, sum[1] = s1;
    } else {
        float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f;
#pragma omp simd reduction(+ : s0, s1, s2)
        for (size_t j = 0; j < k; j++) {
            s0 += p[j] * a[3 * j];
            s1 += p[j] * a[3 * j + 1];
            s2 += p[j] * a[3 * j + 2];
        }
        sum[0] = s0, sum[1] = s1, sum[2] = s2;
    }
    for (size_t c = 0; c < d; c++) { y[c] = sum[c] + offset[c]; }
}

ptsne_status cpu_anchors(pt_backend *be, const pt_buffer *z, size_t n, size_t k, size_t d, const pt_buffer *a,
                         const pt_buffer *p, const pt_buffer *y, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t rows = CHUNK / k + 1, chunks = pt_ceil_div(n, rows);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * rows < n ? (c + 1) * rows : n;
        for (size_t i = c * rows; i < end; i++) {
            const float *from = pt_cpu_floats(z) + i * (k + d);
            float *shares = pt_cpu_floats(p) + i * k;
            softmax_row(from, k, shares);
            place(shares, k, d, pt_cpu_floats(a), from + k, pt_cpu_floats(y) + i * d);
        }
    }
    return PTSNE_OK;
}

/* q[j] = g . a_j, into gz; the sum of p q is returned. */
static inline float pulls(const float *p, size_t k, size_t d, const float *a, const float *g, float *q)
{
    float sum = 0.0f;
    const float g0 = g[0], g1 = g[1], g2 = d == 3 ? g[2] : 0.0f;
    if (d == 2) {
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < k; j++) {
            q[j] = g0 * a[2 * j] + g1 * a[2 * j + 1];
            sum += p[j] * q[j];
        }
    } else {
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < k; j++) {
            q[j] = g0 * a[3 * j] + g1 * a[3 * j + 1] + g2 * a[3 * j + 2];
            sum += p[j] * q[j];
        }
    }
    return sum;
}

ptsne_status cpu_anchors_gradient(pt_backend *be, const pt_buffer *p, size_t n, size_t k, size_t d, const pt_buffer *a,
                                  const pt_buffer *g, const pt_buffer *class_of, float weight, const pt_buffer *gz,
                                  ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t rows = CHUNK / k + 1, chunks = pt_ceil_div(n, rows);
    const float share = class_of == NULL ? 0.0f : weight / (float)n;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * rows < n ? (c + 1) * rows : n;
        for (size_t i = c * rows; i < end; i++) {
            const float *shares = pt_cpu_floats(p) + i * k, *slope = pt_cpu_floats(g) + i * d;
            float *to = pt_cpu_floats(gz) + i * (k + d);
            const float mean = pulls(shares, k, d, pt_cpu_floats(a), slope, to);
            for (size_t j = 0; j < k; j++) { to[j] = shares[j] * (to[j] - mean + share); }
            if (class_of != NULL) { to[pt_cpu_words(class_of)[i]] -= share; }
            for (size_t j = 0; j < d; j++) { to[k + j] = slope[j]; }
        }
    }
    return PTSNE_OK;
}
