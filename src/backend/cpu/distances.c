/* Tiles of distances. euclidean and cosine are a product and norms: each tile of the product is finished while
 * it is in the cache, so nothing but the output is held. */
#include "backend/cpu/level.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#define ROWS    ((size_t)512)
#define COLUMNS ((size_t)512)
#define CACHED  ((size_t)16)

enum { EUCLIDEAN, COSINE, MANHATTAN, METRICS };

static const char *const metrics[METRICS] = {"euclidean", "cosine", "manhattan"};

ptsne_status cpu_metric_find(pt_backend *be, const char *name, int *metric, ptsne_error *err)
{
    (void)be;
    for (int k = 0; k < METRICS; k++) {
        if (strcmp(name, metrics[k]) == 0) {
            *metric = k;
            return PTSNE_OK;
        }
    }
    return pt_fail(err, PTSNE_ERR_UNAVAILABLE,
                   "no metric \"%s\" on the cpu: there are euclidean, cosine and manhattan (metric_NAME.cl needs an "
                   "OpenCL device)",
                   name);
}

static float squared_norm(const float *x, size_t d)
{
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (size_t l = 0; l < d; l++) { sum += x[l] * x[l]; }
    return sum;
}

static float manhattan(const float *a, const float *b, size_t d)
{
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (size_t l = 0; l < d; l++) { sum += fabsf(a[l] - b[l]); }
    return sum;
}

/* One point against four, b[0], b[d], b[2 d] and b[3 d]: four sums at a time hide the latency of adding. */
static void manhattan_four(const float *a, const float *b, size_t d, float out[4])
{
    float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (size_t l = 0; l < d; l++) {
        s0 += fabsf(a[l] - b[l]);
        s1 += fabsf(a[l] - b[d + l]);
        s2 += fabsf(a[l] - b[2 * d + l]);
        s3 += fabsf(a[l] - b[3 * d + l]);
    }
    out[0] = s0, out[1] = s1, out[2] = s2, out[3] = s3;
}

static void manhattan_row(const float *a, const float *b, size_t n, size_t d, float *out)
{
    size_t j = 0;
    for (; j + 4 <= n; j += 4) { manhattan_four(a, b + j * d, d, out + j); }
    for (; j < n; j++) { out[j] = manhattan(a, b + j * d, d); }
}

/* What a vector brings to its distances: |x|^2, or 1 / |x| (0 for a row of zeros). */
static void norms(int metric, const float *x, size_t n, size_t d, float *norm)
{
    if (metric == MANHATTAN) { return; }
    for (size_t i = 0; i < n; i++) {
        const float square = squared_norm(x + i * d, d);
        norm[i] = metric == EUCLIDEAN ? square : square > 0.0f ? 1.0f / sqrtf(square) : 0.0f;
    }
}

/* From products times -2 to distances, in place. */
static void finish_euclidean(size_t m, size_t n, const float *norm_a, const float *norm_b, float *out, size_t stride)
{
    for (size_t i = 0; i < m; i++) {
        float *row = out + i * stride;
        const float own = norm_a[i];
#pragma omp simd
        for (size_t j = 0; j < n; j++) {
            const float d2 = own + norm_b[j] + row[j];
            row[j] = d2 < 0.0f ? 0.0f : d2;
        }
    }
}

/* From products to distances, in place. */
static void finish_cosine(size_t m, size_t n, const float *norm_a, const float *norm_b, float *out, size_t stride)
{
    for (size_t i = 0; i < m; i++) {
        float *row = out + i * stride;
        const float own = norm_a[i];
#pragma omp simd
        for (size_t j = 0; j < n; j++) {
            const float distance = 1.0f - row[j] * own * norm_b[j];
            row[j] = distance < 0.0f ? 0.0f : distance > 2.0f ? 2.0f : distance;
        }
    }
}

void cpu_distance_norms(pt_backend *be, int metric, const float *x, size_t n, size_t d, float *norm)
{
    const size_t chunks = pt_ceil_div(n, ROWS);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks))
    for (size_t c = 0; c < chunks; c++) {
        const size_t from = c * ROWS, rows = n - from < ROWS ? n - from : ROWS;
        norms(metric, x + from * d, rows, d, norm + from);
    }
}

bool cpu_distance_tile(pt_cpu *cpu, bool own, int metric, const float *a, size_t m, const float *norm_a, const float *b,
                       size_t n, const float *norm_b, size_t d, float *out, size_t stride, bool *add)
{
    *add = metric == EUCLIDEAN;
    if (metric == MANHATTAN) {
        for (size_t j = 0; j < n; j += CACHED) { /* points of b that stay in the cache while every a passes */
            const size_t width = n - j < CACHED ? n - j : CACHED;
            for (size_t i = 0; i < m; i++) { manhattan_row(a + i * d, b + j * d, width, d, out + i * stride + j); }
        }
        return true;
    }
    const pt_product_shape shape = {.transpose_b = true,
                                    .m = m,
                                    .n = n,
                                    .k = d,
                                    .alpha = metric == EUCLIDEAN ? -2.0f : 1.0f,
                                    .stride_a = d,
                                    .stride_b = d,
                                    .stride_c = stride};
    if (!cpu_product_tile(cpu, own, &shape, a, b, out, omp_get_thread_num())) { return false; }
    if (metric == COSINE) { finish_cosine(m, n, norm_a, norm_b, out, stride); }
    return true;
}

/* m x n distances, m and n within a tile, whose rows lie `stride` apart. */
static bool distances_tile(pt_cpu *cpu, bool own, int metric, const float *a, size_t m, const float *b, size_t n,
                           size_t d, float *out, size_t stride)
{
    float norm_a[ROWS], norm_b[COLUMNS];
    bool add;
    norms(metric, a, m, d, norm_a);
    norms(metric, b, n, d, norm_b);
    if (!cpu_distance_tile(cpu, own, metric, a, m, norm_a, b, n, norm_b, d, out, stride, &add)) { return false; }
    if (add) { finish_euclidean(m, n, norm_a, norm_b, out, stride); }
    return true;
}

ptsne_status cpu_distances(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                           size_t d, const pt_buffer *out, ptsne_error *err)
{
    const pt_product_shape shape = {.m = m, .n = n, .k = d};
    bool own;
    const ptsne_status status = cpu_product_begin(be, &shape, &own, err);
    if (status != PTSNE_OK) { return status; }
    const float *pa = pt_cpu_floats(a), *pb = pt_cpu_floats(b);
    float *to = pt_cpu_floats(out);
    const size_t down = pt_ceil_div(m, ROWS), across = pt_ceil_div(n, COLUMNS);
    int failed = 0;
#pragma omp parallel for num_threads(pt_cpu_threads(be, down *across)) reduction(| : failed) schedule(dynamic)
    for (size_t t = 0; t < down * across; t++) {
        const size_t i = t % down * ROWS, j = t / down * COLUMNS;
        const size_t height = m - i < ROWS ? m - i : ROWS, width = n - j < COLUMNS ? n - j : COLUMNS;
        failed |=
            !distances_tile((pt_cpu *)be, own, metric, pa + i * d, height, pb + j * d, width, d, to + i * n + j, n);
    }
    return failed ? pt_fail(err, PTSNE_ERR_MEMORY, "distances: oneDNN had no memory for a tile") : PTSNE_OK;
}

#define ROOT_ROWS ((size_t)16) /* of one chunk */

ptsne_status cpu_distance_roots(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                size_t column_from, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    float *distance = pt_cpu_floats(tile);
    const size_t chunks = pt_ceil_div(m, ROOT_ROWS);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks))
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * ROOT_ROWS < m ? (c + 1) * ROOT_ROWS : m;
        for (size_t i = c * ROOT_ROWS; i < end; i++) {
            float *row = distance + i * n;
#pragma omp simd
            for (size_t j = 0; j < n; j++) { row[j] = sqrtf(row[j]); }
            if (row_from == SIZE_MAX || row_from + i < column_from || row_from + i - column_from >= n) { continue; }
            row[row_from + i - column_from] = 0.0f;
        }
    }
    return PTSNE_OK;
}
