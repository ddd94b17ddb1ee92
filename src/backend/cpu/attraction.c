/* The edges of a sparse P pull: w_e = (1 + d_e^2 / dof)^-1,
 *   force[i] = sum_e p_e w_e (y_i - to_j), loss = sum_e p_e (dof + 1) / 2 log(1 + d_e^2 / dof).
 *
 * This is most of an iteration. For MNIST's 8.8 million entries in two dimensions one core took 17 ms with AVX-512 by the compiler's
 * gathers and 18 by copies; what is written by hand below takes 10 (reading P alone takes 6). With AVX2 gathers took 24 ms, copies
 * take 18. */
#include "backend/cpu/level.h"

#include <string.h>

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>
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
    size_t last; /* point of `to` */
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
    float others[3 * BLOCK]; /* copied first: gathers cost more, and hinder all else */
    for (size_t e = from; e < end; e++) { memcpy(others + (e - from) * d, to + (size_t)column[e] * d, d * sizeof *to); }
#pragma omp simd reduction(+ : f0, f1, f2)
    for (size_t e = from; e < end; e++) {
        const float *other = others + (e - from) * d;
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

#define AHEAD ((size_t)256) /* entries that are fetched before they are needed */

/* Put point `place` of two floats where `bit` is in eight points. */
static inline __m512d put_two(__m512d points, __mmask8 bit, const float *to, uint64_t place)
{
    double point;
    memcpy(&point, to + 2 * place, sizeof point);
    return _mm512_mask_broadcastsd_pd(points, bit, _mm_set_sd(point));
}

/* Eight points of two floats. One masked load each: a gather takes four times as long, shuffles all go through one port. Columns
 * are read in pairs, as there are only two loads a cycle. */
static inline __m512 eight_of_two(const float *to, const uint32_t *column)
{
    uint64_t two[4];
    double first;
    memcpy(two, column, sizeof two);
    memcpy(&first, to + 2 * (two[0] & UINT32_MAX), sizeof first);
    __m512d points = _mm512_castpd128_pd512(_mm_set_sd(first));
    points = put_two(points, 1 << 1, to, two[0] >> 32);
    points = put_two(points, 1 << 2, to, two[1] & UINT32_MAX);
    points = put_two(points, 1 << 3, to, two[1] >> 32);
    points = put_two(points, 1 << 4, to, two[2] & UINT32_MAX);
    points = put_two(points, 1 << 5, to, two[2] >> 32);
    points = put_two(points, 1 << 6, to, two[3] & UINT32_MAX);
    points = put_two(points, (__mmask8)(1 << 7), to, two[3] >> 32);
    return _mm512_castpd_ps(points);
}

/* Four points of three floats, and the float behind each: columns 0, 4, 8 and 12. */
static inline __m512 four_of_three(const float *to, const uint32_t *column)
{
    __m512 points = _mm512_castps128_ps512(_mm_loadu_ps(to + 3 * (size_t)column[0]));
    points = _mm512_mask_broadcast_f32x4(points, 0x00F0, _mm_loadu_ps(to + 3 * (size_t)column[4]));
    points = _mm512_mask_broadcast_f32x4(points, 0x0F00, _mm_loadu_ps(to + 3 * (size_t)column[8]));
    return _mm512_mask_broadcast_f32x4(points, 0xF000, _mm_loadu_ps(to + 3 * (size_t)column[12]));
}

/* Sixteen points by coordinates; in three dimensions none of them is the map's last. */
static inline void sixteen_at(const float *to, size_t d, const uint32_t *column, __m512 *at)
{
    if (d == 2) {
        const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        const __m512 low = eight_of_two(to, column), high = eight_of_two(to, column + 8);
        at[0] = _mm512_permutex2var_ps(low, even, high), at[1] = _mm512_permutex2var_ps(low, odd, high);
    } else { /* transposed within each quarter */
        const __m512 a = four_of_three(to, column), b = four_of_three(to, column + 1);
        const __m512 c = four_of_three(to, column + 2), e = four_of_three(to, column + 3);
        const __m512d low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b)),
                      high = _mm512_castps_pd(_mm512_unpacklo_ps(c, e));
        at[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high)),
        at[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
        at[2] = _mm512_castpd_ps(
            _mm512_unpacklo_pd(_mm512_castps_pd(_mm512_unpackhi_ps(a, b)), _mm512_castps_pd(_mm512_unpackhi_ps(c, e))));
    }
}

/* A row's place, in every lane, and what pulls it so far, by columns. */
typedef struct pulled_row {
    __m512 y[3], force[3];
} pulled_row;

/* Add sixteen entries, those of `mask`; all sixteen columns can be read. */
static inline void pull_sixteen(const pull *of, size_t d, pulled_row *row, const uint32_t *column, const float *p,
                                __mmask16 mask, float *x)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    __m512 at[3];
    sixteen_at(of->to, d, column, at);
    const __m512 d0 = _mm512_sub_ps(row->y[0], at[0]), d1 = _mm512_sub_ps(row->y[1], at[1]);
    const __m512 d2 = d == 3 ? _mm512_sub_ps(row->y[2], at[2]) : _mm512_setzero_ps();
    const __m512 two = _mm512_fmadd_ps(d1, d1, _mm512_mul_ps(d0, d0));
    const __m512 square = d == 3 ? _mm512_fmadd_ps(d2, d2, two) : two;
    const __m512 above = _mm512_mul_ps(square, _mm512_set1_ps(of->inverse_dof)), u = _mm512_add_ps(above, one);
    const __m512 rough =
        _mm512_rcp14_ps(u); /* and one step of Newton's method: 1 ulp, in a third of a division's time */
    const __m512 share = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, p), rough);
    const __m512 force = _mm512_fmadd_ps(share, _mm512_fnmadd_ps(u, rough, one), share);
    _mm512_storeu_ps(x, above);
    row->force[0] = _mm512_mask3_fmadd_ps(force, d0, row->force[0], mask);
    row->force[1] = _mm512_mask3_fmadd_ps(force, d1, row->force[1], mask);
    if (d == 3) { row->force[2] = _mm512_mask3_fmadd_ps(force, d2, row->force[2], mask); }
}

/* pull_block, but for the map's last point in three dimensions. */
static inline void pull_vectors(const pull *of, const float *y, size_t d, size_t from, size_t end, pulled *sums,
                                float *x)
{
    pulled_row row;
    size_t e = from;
    for (size_t c = 0; c < d; c++) { row.y[c] = _mm512_set1_ps(y[c]), row.force[c] = _mm512_setzero_ps(); }
    for (; e + 16 <= end; e += 16) {
        _mm_prefetch((const char *)(of->column + e + AHEAD), _MM_HINT_T0);
        _mm_prefetch((const char *)(of->p + e + AHEAD), _MM_HINT_T0);
        pull_sixteen(of, d, &row, of->column + e, of->p + e, 0xFFFF, x + e - from);
    }
    if (e < end) {
        uint32_t column[16]; /* point 0 stands for those that are not there */
        const __mmask16 mask = (__mmask16)((1u << (end - e)) - 1u);
        _mm512_storeu_si512(column, _mm512_maskz_loadu_epi32(mask, of->column + e));
        pull_sixteen(of, d, &row, column, of->p + e, mask, x + e - from);
    }
    for (size_t c = 0; c < d; c++) { sums->force[c] += (double)_mm512_reduce_add_ps(row.force[c]); }
}

/* The load of a point of three floats takes the one behind it along, and behind the map's last there may be none. That one
 * comes last in a row. */
static inline void pull_triples(const pull *of, const float *y, size_t from, size_t end, pulled *sums, float *x)
{
    size_t others = end;
    while (others > from && of->column[others - 1] == of->last) { others--; }
    pull_vectors(of, y, 3, from, others, sums, x);
    if (others < end) { pull_block(of, y, 3, others, end, sums, x + (others - from)); }
}

#endif

static void pull_any(const pull *of, const float *y, size_t d, size_t from, size_t end, pulled *sums, float *x)
{
#if BY_HAND
    if (d == 2) {
        pull_vectors(of, y, 2, from, end, sums, x);
    } else {
        pull_triples(of, y, from, end, sums, x);
    }
#else
    if (d == 2) {
        pull_block(of, y, 2, from, end, sums, x);
    } else {
        pull_block(of, y, 3, from, end, sums, x);
    }
#endif
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
        .last = edges->n - 1,
        .inverse_dof = 1.0f / dof,
    };
    const size_t m = edges->m, step = pair_chunk(m, LEAST_CHUNK), chunks = pt_ceil_div(m, step);
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
