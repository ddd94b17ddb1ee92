/* The activations of one value, as plain arithmetic, so that loops over them become vector code. */
#ifndef PT_BACKEND_CPU_ACTIVATION_H
#define PT_BACKEND_CPU_ACTIVATION_H

#include <math.h>

#include "backend/cpu/vector_math.h"

/* The comparisons are written so that NaN stays NaN: a run that lost its numbers must show it. */
static inline float relu(float x)
{
    return x < 0.0f ? 0.0f : x;
}

static inline float elu(float x)
{
    const float below = cpu_exp(x < 0.0f ? x : 0.0f) - 1.0f;
    return x < 0.0f ? below : x;
}

/* (1 - t) / (1 + t) with t = exp(-2 |x|); near 0, where that cancels, the series. */
static inline float tangent(float x)
{
    const float size = fabsf(x), square = x * x;
    const float t = cpu_exp(-2.0f * size);
    const float large = (1.0f - t) / (1.0f + t);
    const float small = size * (1.0f - square * (0.333333333f - square * (0.133333333f - square * 0.053968254f)));
    return copysignf(size < 0.125f ? small : large, x);
}

static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + cpu_exp(-x));
}

#endif
