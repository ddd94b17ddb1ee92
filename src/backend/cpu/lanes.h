/* Vectors of this level's width by the compilers' vector extension, for kernels that keep sums in registers. */
#ifndef PT_BACKEND_CPU_LANES_H
#define PT_BACKEND_CPU_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES ((size_t)16)
typedef float lanes __attribute__((vector_size(64)));
typedef int32_t lanes_words __attribute__((vector_size(64)));
#elif defined(__AVX2__)
#include <immintrin.h>
#define LANES ((size_t)8)
typedef float lanes __attribute__((vector_size(32)));
typedef int32_t lanes_words __attribute__((vector_size(32)));
#else
#define LANES ((size_t)4)
typedef float lanes __attribute__((vector_size(16)));
typedef int32_t lanes_words __attribute__((vector_size(16)));
#endif

/* Any place that floats may have. */
static inline lanes lanes_load(const float *from)
{
    lanes value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void lanes_store(float *to, lanes value)
{
    memcpy(to, &value, sizeof value);
}

static inline lanes_words lanes_load_words(const uint32_t *from)
{
    lanes_words value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void lanes_store_words(uint32_t *to, lanes_words value)
{
    memcpy(to, &value, sizeof value);
}

/* By lanes: a where the mask is all ones, b where it is 0. */
static inline lanes_words lanes_choose(lanes_words mask, lanes_words a, lanes_words b)
{
    return (mask & a) | (~mask & b);
}

/* The first `count` lanes, 1 .. LANES; the others of what is loaded are 0. */
static inline lanes lanes_load_first(const float *from, size_t count)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1u), from);
#else
    if (count == LANES) { return lanes_load(from); }
    float room[LANES] = {0};
    for (size_t l = 0; l < count; l++) { room[l] = from[l]; }
    return lanes_load(room);
#endif
}

static inline void lanes_store_first(float *to, size_t count, lanes value)
{
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1u), (__m512)value);
#else
    if (count == LANES) {
        lanes_store(to, value);
        return;
    }
    float room[LANES];
    lanes_store(room, value);
    for (size_t l = 0; l < count; l++) { to[l] = room[l]; }
#endif
}

#endif
