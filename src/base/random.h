/* Counter-based random numbers: Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as
 * 1, 2, 3, SC 2011). A number is a function of (key, stream, position), so that a seed means the same on every
 * backend and a state is saved as three integers. */
#ifndef PT_BASE_RANDOM_H
#define PT_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* out = Philox4x32-10 of counter under key. cl/philox.clh is its twin. */
static inline void pt_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* A sequence of numbers; copy it to save it. */
typedef struct pt_random {
    uint64_t seed;
    uint64_t stream;   /* what the numbers are for: sequences of different streams are independent */
    uint64_t position; /* 32-bit words used */
} pt_random;

uint32_t pt_random_word(pt_random *random);
/* Uniform on [0, 1), 24 bits. */
float pt_random_uniform(pt_random *random);
/* Standard normal (Box-Muller on two words). */
float pt_random_normal(pt_random *random);
/* Uniform on 0 .. bound - 1, without bias; bound at least 1. */
size_t pt_random_below(pt_random *random, size_t bound);
/* A random order of 0 .. n - 1 (Fisher and Yates). */
void pt_random_permutation(pt_random *random, uint32_t *order, size_t n);

#endif
