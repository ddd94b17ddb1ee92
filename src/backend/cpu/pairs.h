/* What the ops over all pairs of a map share: the map by columns, a block of points at a time, so that one point meets many
 * in vector code. */
#ifndef PT_BACKEND_CPU_PAIRS_H
#define PT_BACKEND_CPU_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#include "backend/backend.h"

#define PAIR_ROWS    ((size_t)32)  /* rows of one chunk, which share the blocks */
#define PAIR_COLUMNS ((size_t)512) /* points of a block; their terms are summed in float32, blocks in float64 */

typedef struct pair_block {
    float y[3][PAIR_COLUMNS]; /* coordinate, point */
    size_t from, n;
} pair_block;

/* Points from .. from + n of the map y (rows of d). */
static inline void pair_block_load(const float *y, size_t d, size_t from, size_t n, pair_block *block)
{
    block->from = from;
    block->n = n;
    for (size_t c = 0; c < d; c++) {
        for (size_t j = 0; j < n; j++) { block->y[c][j] = y[(from + j) * d + c]; }
    }
}

/* Points of one chunk where a sum over n points comes in parts: PT_MAP_CHUNKS parts at most. */
static inline size_t pair_chunk(size_t n, size_t least)
{
    const size_t chunk = pt_ceil_div(n, PT_MAP_CHUNKS);
    return chunk > least ? chunk : least;
}

/* The first float64 place at or behind a float. */
static inline double *pair_doubles(float *scratch)
{
    return (double *)(((uintptr_t)scratch + sizeof(double) - 1) / sizeof(double) * sizeof(double));
}

#endif
