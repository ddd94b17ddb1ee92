/* exp and log of float32 as plain arithmetic, so that loops over them become vector code. Method and coefficients: Cephes
 * (Moshier), expf.c and logf.c. Within 2 ulp in the ranges below; NaN stays NaN. */
#ifndef PT_BACKEND_CPU_VECTOR_MATH_H
#define PT_BACKEND_CPU_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

static inline float cpu_as_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t cpu_as_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

#define CPU_EXP_LEAST -87.0f /* exp of less is 0 */

/* exp(x); 0 below CPU_EXP_LEAST, exp(88) above 88. */
static inline float cpu_exp(float x)
{
    float r = x < CPU_EXP_LEAST ? CPU_EXP_LEAST : x;
    r = r > 88.0f ? 88.0f : r;
    const float shifted = r * 1.44269504088896341f + 12582912.0f; /* 1.5 * 2^23: the integer lands in the low bits */
    const float n = shifted - 12582912.0f;
    const uint32_t scale = (cpu_as_bits(shifted) - 0x4B400000u + 127u) << 23;
    r = r - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * (r * r) + r + 1.0f;
    y = y * cpu_as_float(scale);
    return x < CPU_EXP_LEAST ? 0.0f : y;
}

/* log(x) of a positive normal number. */
static inline float cpu_log(float x)
{
    const uint32_t above =
        cpu_as_bits(x) - 0x3F3504F3u; /* bits of sqrt(1/2): the mantissa comes out in sqrt(1/2) .. sqrt(2) */
    const float e = (float)((int32_t)above >> 23);
    const float f = cpu_as_float((above & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
    float y = 7.0376836292e-2f;
    y = y * f - 1.1514610310e-1f;
    y = y * f + 1.1676998740e-1f;
    y = y * f - 1.2420140846e-1f;
    y = y * f + 1.4249322787e-1f;
    y = y * f - 1.6668057665e-1f;
    y = y * f + 2.0000714765e-1f;
    y = y * f - 2.4999993993e-1f;
    y = y * f + 3.3333331174e-1f;
    const float f2 = f * f;
    y = y * f * f2;
    y = y - e * 2.12194440e-4f;
    y = y - 0.5f * f2;
    return f + y + e * 0.693359375f;
}

#endif
