/* What the ops on softmax share: one row of scores, its largest one subtracted first. NaN spoils its row and shows. */
#ifndef PT_BACKEND_CPU_SOFTMAX_H
#define PT_BACKEND_CPU_SOFTMAX_H

#include <stddef.h>

#include "backend/cpu/vector_math.h"

static inline float row_largest(const float *z, size_t k)
{
    float most = z[0];
#pragma omp simd reduction(max : most)
    for (size_t j = 1; j < k; j++) { most = z[j] > most ? z[j] : most; }
    return most;
}

/* p[j] = exp(z[j] - most); their sum is returned. p may be z. */
static inline float row_exponentials(const float *z, size_t k, float most, float *p)
{
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < k; j++) {
        p[j] = cpu_exp(z[j] - most);
        sum += p[j];
    }
    return sum;
}

/* The sum alone. */
static inline float row_exponential_sum(const float *z, size_t k, float most)
{
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < k; j++) { sum += cpu_exp(z[j] - most); }
    return sum;
}

/* p = softmax(z). */
static inline void softmax_row(const float *z, size_t k, float *p)
{
    const float scale = 1.0f / row_exponentials(z, k, row_largest(z, k), p);
    for (size_t j = 0; j < k; j++) { p[j] *= scale; }
}

#endif
