/* The edges of a sparse P pull: w_e = (1 + d_e^2 / dof)^-1,
 *   force[i] = sum_e p_e w_e (y_i - to_j), loss = sum_e p_e (dof + 1) / 2 log(1 + d_e^2 / dof).
 *
 * In two dimensions this is most of an iteration, and with AVX-512 it is written by hand: the compiler's gathers took 17 ms of one
 * core for MNIST's 8.8 million entries, where these loads take 9 (25 GB/s of P alone take 6). */
#include "backend/cpu/level.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>
#include <string.h>
#define BY_HAND 1
#else
#define BY_HAND 0
#endif

#include "backend/cpu/pairs.h"
#include "backend/cpu/vector_math.h"

#define LEAST_CHUNK ((size_t)64)
#define BLOCK       ((size_t)1024) /* entries of a row that are summed in float32 */

/* What all rows share. */
typedef struct pull {
    const uint32_t *row, *column;
    const float *p, *to;
    size_t entries; /* of all rows */
    float inverse_dof;
} pull;

typedef struct pulled {
    double force[3], loss;
} pulled;

/* sum p log(1 + x), the logarithm to full accuracy where x is small: with what rounding 1 + x took. In a loop of its own, as
 * the compiler makes no vector code of gathers and logarithms in one. */
static float cost_of(const float *p, const float *x, size_t count)
{
    float cost = 0.0f;
#pragma omp simd reduction(+ : cost)
    for (size_t e = 0; e < count; e++) {
        const float u = 1.0f + x[e];
        cost += p[e] * (cpu_log(u) + (x[e] - (u - 1.0f)) / u);
    }
    return cost;
}

/* Entries from .. end of a row at y, BLOCK at most, and into x their d^2 / dof; d is a constant after inlining. */
static inline void pull_block(const pull *of, const float *y, size_t d, size_t from, size_t end, pulled *sums, float *x)
{
    const uint32_t *column = of->column;
    const float *p = of->p, *to = of->to, inverse_dof = of->inverse_dof;
    const float y0 = y[0], y1 = y[1], y2 = d == 3 ? y[2] : 0.0f;
    float f0 = 0.0f, f1 = 0.0f, f2 = 0.0f;
#pragma omp simd reduction(+ : f0, f1, f2)
    for (size_t e = from; e < end; e++) {
        const float *other = to + (size_t)column[e] * d;
        const float d0 = y0 - other[0], d1 = y1 - other[1], d2 = d == 3 ? y2 - other[2] : 0.0f;
        const float above = (d0 * d0 + d1 * d1 + (d == 3 ? d2 * d2 : 0.0f)) * inverse_dof;
        const float force = p[e] / (1.0f + above);
        x[e - from] = above;
        f0 += force * d0;
        f1 += force * d1;
        if (d == 3) { f2 += force * d2; }
    }
    sums->force[0] += (double)f0, sums->force[1] += (double)f1, sums->force[2] += (double)f2;
}

#if BY_HAND

#define AHEAD                                                                                                          \
    ((size_t)256) /* entries that are fetched before they are needed: what the core fetches by itself stalls */

/* Where in eight points, one bit each, point `place` of the map goes. */
static inline __m512d put_point(__m512d points, __mmask8 bit, const float *to, uint64_t place)
{
    double point;
    memcpy(&point, to + 2 * place, sizeof point);
    return _mm512_mask_broadcastsd_pd(points, bit, _mm_set_sd(point));
}

/* Eight points of two floats. One masked load each: a gather takes four times as long, shuffles all go through one port. Columns
 * are read in pairs, as there are only two loads a cycle. */
static inline __m512 points_at(const float *to, const uint32_t *column)
{
    uint64_t two[4];
    double first;
    memcpy(two, column, sizeof two);
    memcpy(&first, to + 2 * (two[0] & UINT32_MAX), sizeof first);
    __m512d points = _mm512_castpd128_pd512(_mm_set_sd(first));
    points = put_point(points, 1 << 1, to, two[0] >> 32);
    points = put_point(points, 1 << 2, to, two[1] & UINT32_MAX);
    points = put_point(points, 1 << 3, to, two[1] >> 32);
    points = put_point(points, 1 << 4, to, two[2] & UINT32_MAX);
    points = put_point(points, 1 << 5, to, two[2] >> 32);
    points = put_point(points, 1 << 6, to, two[3] & UINT32_MAX);
    points = put_point(points, (__mmask8)(1 << 7), to, two[3] >> 32);
    return _mm512_castpd_ps(points);
}

/* A row's place, by columns in every lane, and what pulls it so far. */
typedef struct pulled_row {
    __m512 y0, y1, f0, f1;
} pulled_row;

/* Add sixteen entries, those of `mask`; all sixteen columns can be read. */
static inline void pull_sixteen(const pull *of, pulled_row *row, const uint32_t *column, const float *p, __mmask16 mask,
                                float *x)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    const __m512 one = _mm512_set1_ps(1.0f), inverse_dof = _mm512_set1_ps(of->inverse_dof);
    const __m512 low = points_at(of->to, column), high = points_at(of->to, column + 8);
    const __m512 d0 = _mm512_sub_ps(row->y0, _mm512_permutex2var_ps(low, even, high));
    const __m512 d1 = _mm512_sub_ps(row->y1, _mm512_permutex2var_ps(low, odd, high));
    const __m512 above = _mm512_mul_ps(_mm512_fmadd_ps(d1, d1, _mm512_mul_ps(d0, d0)), inverse_dof);
    const __m512 u = _mm512_add_ps(above, one);
    const __m512 rough =
        _mm512_rcp14_ps(u); /* and one step of Newton's method: 1 ulp, in a third of a division's time */
    const __m512 share = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, p), rough);
    const __m512 force = _mm512_fmadd_ps(share, _mm512_fnmadd_ps(u, rough, one), share);
    _mm512_storeu_ps(x, above);
    row->f0 = _mm512_mask3_fmadd_ps(force, d0, row->f0, mask);
    row->f1 = _mm512_mask3_fmadd_ps(force, d1, row->f1, mask);
}

/* The rest of a row. The columns behind it are the next row's; the last row's are copied. */
static inline void pull_rest(const pull *of, pulled_row *row, size_t from, size_t count, float *x)
{
    const __mmask16 mask = (__mmask16)((1u << count) - 1u);
    if (from + 16 <= of->entries) {
        pull_sixteen(of, row, of->column + from, of->p + from, mask, x);
    } else {
        uint32_t column[16] = {0};
        memcpy(column, of->column + from, count * sizeof *column);
        pull_sixteen(of, row, column, of->p + from, mask, x);
    }
}

/* pull_block in two dimensions. */
static inline void pull_pairs(const pull *of, const float *y, size_t from, size_t end, pulled *sums, float *x)
{
    pulled_row row = {_mm512_set1_ps(y[0]), _mm512_set1_ps(y[1]), _mm512_setzero_ps(), _mm512_setzero_ps()};
    size_t e = from;
    for (; e + 16 <= end; e += 16) {
        _mm_prefetch((const char *)(of->column + e + AHEAD), _MM_HINT_T0);
        _mm_prefetch((const char *)(of->p + e + AHEAD), _MM_HINT_T0);
        pull_sixteen(of, &row, of->column + e, of->p + e, 0xFFFF, x + e - from);
    }
    if (e < end) { pull_rest(of, &row, e, end - e, x + e - from); }
    const __m512 both = _mm512_add_ps(_mm512_unpacklo_ps(row.f0, row.f1), _mm512_unpackhi_ps(row.f0, row.f1));
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(both), _mm512_extractf32x8_ps(both, 1));
    const __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 sum = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
    _mm_storeu_pd(sums->force, _mm_add_pd(_mm_loadu_pd(sums->force), _mm_cvtps_pd(sum)));
}

#endif

static void pull_any(const pull *of, const float *y, size_t d, size_t from, size_t end, pulled *sums, float *x)
{
    if (d == 2) {
#if BY_HAND
        pull_pairs(of, y, from, end, sums, x);
#else
        pull_block(of, y, 2, from, end, sums, x);
#endif
    } else {
        pull_block(of, y, 3, from, end, sums, x);
    }
}

/* Rows first .. end; the sum of their p log(..) comes back. */
static double pull_rows(const pull *of, const float *y, size_t d, bool loss, size_t first, size_t end, float *force)
{
    double total = 0.0;
    float x[BLOCK]; /* d^2 / dof of a row's entries, and of some more */
    for (size_t i = first; i < end; i++) {
        pulled sums = {{0}, 0.0};
        for (size_t from = of->row[i]; from < of->row[i + 1]; from += BLOCK) {
            const size_t left = of->row[i + 1] - from;
            const size_t count = left < BLOCK ? left : BLOCK;
            pull_any(of, y + i * d, d, from, from + count, &sums, x);
            if (loss) { sums.loss += (double)cost_of(of->p + from, x, count); }
        }
        for (size_t c = 0; c < d; c++) { force[i * d + c] = (float)sums.force[c]; }
        total += sums.loss;
    }
    return total;
}

ptsne_status cpu_attraction(pt_backend *be, const pt_edges *edges, const pt_buffer *y, const pt_buffer *to, size_t d,
                            float dof, const pt_buffer *scratch, const pt_buffer *force, const pt_buffer *loss,
                            ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const pull of = {
        .row = pt_cpu_words(&edges->row),
        .column = pt_cpu_words(&edges->column),
        .p = pt_cpu_floats(&edges->p),
        .to = pt_cpu_floats(to),
        .entries = pt_cpu_words(&edges->row)[edges->m],
        .inverse_dof = 1.0f / dof,
    };
    const size_t m = edges->m, step = pair_chunk(m, LEAST_CHUNK), chunks = (m + step - 1) / step;
    double *parts = pair_doubles(pt_cpu_floats(scratch)), total = 0.0;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) schedule(dynamic)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * step < m ? (c + 1) * step : m;
        parts[c] = pull_rows(&of, pt_cpu_floats(y), d, loss != NULL, c * step, end, pt_cpu_floats(force));
    }
    if (loss == NULL) { return PTSNE_OK; }
    for (size_t c = 0; c < chunks; c++) { total += parts[c]; }
    pt_cpu_floats(loss)[0] = (float)(total * 0.5 * ((double)dof + 1.0));
    return PTSNE_OK;
}
