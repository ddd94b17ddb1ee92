/* Sixteen sums side by side, added up in one order at the end, products never contracted: the same bits with SSE2 and with AVX-512,
 * so the wider code is taken where the processor has it. */
#include "tsne/distance.h"

#include <math.h>

#define PIECE ((size_t)128) /* columns between two looks at the limit */
#define LANES ((size_t)16)

static inline double total(const double sum[LANES])
{
    double half[LANES / 2], quarter[LANES / 4];
    for (size_t l = 0; l < LANES / 2; l++) { half[l] = sum[l] + sum[l + LANES / 2]; }
    for (size_t l = 0; l < LANES / 4; l++) { quarter[l] = half[l] + half[l + LANES / 4]; }
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

/* The last columns, fewer than LANES. */
static inline double rest(const float *a, const float *b, size_t t, size_t d, double sum[LANES])
{
    for (; t < d; t++) {
        const double difference = (double)a[t] - (double)b[t];
        sum[t % LANES] += difference * difference;
    }
    return total(sum);
}

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>

/* Squares of eight differences on top of sum. */
__attribute__((target("avx512f"))) static inline __m512d add_eight(__m512d sum, const float *a, const float *b)
{
    const __m512d difference = _mm512_sub_pd(_mm512_cvtps_pd(_mm256_loadu_ps(a)), _mm512_cvtps_pd(_mm256_loadu_ps(b)));
    return _mm512_add_pd(sum, _mm512_mul_pd(difference, difference));
}

__attribute__((target("avx512f"))) static double within_wide(const float *a, const float *b, size_t d, double limit,
                                                             const float *next)
{
    double out[LANES];
    __m512d low = _mm512_setzero_pd(), high = _mm512_setzero_pd();
    const size_t piece = limit < (double)INFINITY ? PIECE : d; /* looking at the limit is not free */
    size_t t = 0;
    while (t + LANES <= d) {
        const size_t end = d - t > piece ? t + piece : d;
        for (; t + LANES <= end; t += LANES) {
            __builtin_prefetch(next + t);
            low = add_eight(low, a + t, b + t);
            high = add_eight(high, a + t + LANES / 2, b + t + LANES / 2);
        }
        if (end < d &&
            _mm512_reduce_add_pd(_mm512_add_pd(low, high)) > limit) { /* rounded in another order: look twice */
            _mm512_storeu_pd(out, low);
            _mm512_storeu_pd(out + LANES / 2, high);
            if (total(out) > limit) { return total(out); }
        }
    }
    _mm512_storeu_pd(out, low);
    _mm512_storeu_pd(out + LANES / 2, high);
    return rest(a, b, t, d, out);
}
#endif

/* Sums only grow, and rounding keeps their order: a part above the limit means that the whole is. */
double pt_distance_within_then(const float *a, const float *b, size_t d, double limit, const float *next)
{
#if defined(__GNUC__) && defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) { return within_wide(a, b, d, limit, next); }
#endif
    double sum[LANES] = {0};
    size_t t = 0;
    while (t + LANES <= d) {
        const size_t end = d - t > PIECE ? t + PIECE : d;
        for (; t + LANES <= end; t += LANES) {
#if defined(__GNUC__)
            __builtin_prefetch(next + t);
#endif
            for (size_t l = 0; l < LANES; l++) {
                const double difference = (double)a[t + l] - (double)b[t + l];
                sum[l] += difference * difference;
            }
        }
        if (end < d && total(sum) > limit) { return total(sum); }
    }
    return rest(a, b, t, d, sum);
}

double pt_distance_within(const float *a, const float *b, size_t d, double limit)
{
    return pt_distance_within_then(a, b, d, limit, b);
}

double pt_distance_squared(const float *a, const float *b, size_t d)
{
    return pt_distance_within(a, b, d, (double)INFINITY);
}

double pt_distance_from_mean(const float *a, const double *mean, size_t d)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < d; j++) {
        const double difference = (double)a[j] - mean[j];
        sum += difference * difference;
    }
    return sum;
}
