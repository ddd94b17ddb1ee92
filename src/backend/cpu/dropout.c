/* x[t] = keep ? x[t] / (1 - rate) : 0, with keep = uniform t >= rate; uniform t from word t % 4 of Philox block t / 4. */
#include "backend/cpu/level.h"

#include "base/random.h"

#define BLOCKS ((size_t)64)    /* Philox blocks drawn side by side, 4 elements each */
#define CHUNK  ((size_t)16384) /* elements of one chunk; a multiple of 4 BLOCKS */

/* The words of blocks first .. first + BLOCKS - 1. One block a lane: the same ten rounds, in vector code. */
static void draw(const pt_mask *mask, uint64_t first, uint32_t words[4][BLOCKS])
{
    const uint32_t key[2] = {(uint32_t)mask->seed, (uint32_t)(mask->seed >> 32)};
#pragma omp simd
    for (size_t b = 0; b < BLOCKS; b++) {
        const uint64_t block = first + b;
        const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)mask->stream,
                                     (uint32_t)(mask->stream >> 32)};
        uint32_t out[4];
        pt_philox(key, counter, out);
        words[0][b] = out[0];
        words[1][b] = out[1];
        words[2][b] = out[2];
        words[3][b] = out[3];
    }
}

/* Elements from .. to, at most 4 BLOCKS and from a multiple of 4. */
static void drop(float *x, size_t from, size_t to, const pt_mask *mask)
{
    const float scale = 1.0f / (1.0f - mask->rate);
    uint32_t words[4][BLOCKS];
    draw(mask, from / 4, words);
    for (size_t t = from; t < to; t++) {
        const float uniform = (float)(words[t % 4][(t - from) / 4] >> 8) * 0x1p-24f;
        x[t] = uniform >= mask->rate ? x[t] * scale : 0.0f;
    }
}

ptsne_status cpu_dropout(pt_backend *be, const pt_buffer *x, size_t count, const pt_mask *mask, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t chunks = (count + CHUNK - 1) / CHUNK;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * CHUNK < count ? (c + 1) * CHUNK : count;
        for (size_t t = c * CHUNK; t < end; t += 4 * BLOCKS) {
            drop(pt_cpu_floats(x), t, t + 4 * BLOCKS < end ? t + 4 * BLOCKS : end, mask);
        }
    }
    return PTSNE_OK;
}
