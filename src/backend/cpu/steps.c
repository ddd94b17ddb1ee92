/* The steps of the optimisers: one pass over the weights each. */
#include "backend/cpu/level.h"

#include <float.h>
#include <math.h>

#define CHUNK ((size_t)32768) /* elements of one chunk */

/* What decays for weights that get no gradient would end as a subnormal number for good (0.9 of the smallest one rounds to itself),
 * and arithmetic on those is a hundred times slower: a step over MNIST's network, whose border pixels are mostly 0, took 8.5 ms. */
static inline float settle(float value)
{
    return fabsf(value) < FLT_MIN ? 0.0f : value;
}

ptsne_status cpu_sgd_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *v,
                          float learning_rate, float momentum, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    float *weight = pt_cpu_floats(w), *velocity = pt_cpu_floats(v);
    const float *gradient = pt_cpu_floats(g);
    const size_t count = w->count, chunks = pt_ceil_div(count, CHUNK);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * CHUNK < count ? (c + 1) * CHUNK : count;
#pragma omp simd
        for (size_t t = c * CHUNK; t < end; t++) {
            velocity[t] = settle(momentum * velocity[t] - learning_rate * gradient[t]);
            weight[t] += velocity[t];
        }
    }
    return PTSNE_OK;
}

ptsne_status cpu_adam_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                           const pt_buffer *v, const pt_adam *adam, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    float *weight = pt_cpu_floats(w), *mean = pt_cpu_floats(m), *square = pt_cpu_floats(v);
    const float *gradient = pt_cpu_floats(g);
    const size_t count = w->count, chunks = pt_ceil_div(count, CHUNK);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * CHUNK < count ? (c + 1) * CHUNK : count;
        const pt_adam a = *adam; /* the loop's own: no store can change it */
#pragma omp simd
        for (size_t t = c * CHUNK; t < end; t++) {
            const float slope = gradient[t];
            const float first = settle(a.beta1 * mean[t] + (1.0f - a.beta1) * slope);
            const float second = settle(a.beta2 * square[t] + (1.0f - a.beta2) * (slope * slope));
            mean[t] = first;
            square[t] = second;
            weight[t] -= a.learning_rate * (a.correction1 * first) / (sqrtf(a.correction2 * second) + a.epsilon);
        }
    }
    return PTSNE_OK;
}
