#include "base/random.h"

#include <math.h>

uint32_t pt_random_word(pt_random *random)
{
    const uint64_t block = random->position / 4;
    const uint32_t key[2] = {(uint32_t)random->seed, (uint32_t)(random->seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)random->stream,
                                 (uint32_t)(random->stream >> 32)};
    uint32_t words[4];
    pt_philox(key, counter, words);
    return words[random->position++ % 4];
}

float pt_random_uniform(pt_random *random)
{
    return (float)(pt_random_word(random) >> 8) * 0x1p-24f;
}

float pt_random_normal(pt_random *random)
{
    const double u = ((double)pt_random_word(random) + 1.0) * 0x1p-32; /* never 0 */
    const double v = (double)pt_random_word(random) * 0x1p-32;
    return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

size_t pt_random_below(pt_random *random, size_t bound)
{
    const uint64_t reject = (UINT64_MAX - bound + 1) % bound; /* 2^64 mod bound */
    uint64_t word;
    do {
        word = (uint64_t)pt_random_word(random) << 32;
        word |= pt_random_word(random);
    } while (word < reject);
    return (size_t)(word % bound);
}

void pt_random_permutation(pt_random *random, uint32_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t j = pt_random_below(random, i + 1);
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
}
