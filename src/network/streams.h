/* What random numbers are for: every purpose has streams of its own under the one seed, so that no two
 * share numbers and each is reached at once, without the ones before it. */
#ifndef PT_NETWORK_STREAMS_H
#define PT_NETWORK_STREAMS_H

#include <stdint.h>

typedef enum pt_purpose {
    PT_FOR_WEIGHTS = 1, /* index: the layer */
    PT_FOR_ORDER,       /* the epoch */
    PT_FOR_TAILS,       /* the epoch */
    PT_FOR_MOVES,       /* the epoch: interpolation */
    PT_FOR_DROPOUT,     /* 32 x step + layer */
    PT_FOR_SPLIT,       /* 0: which rows are kept for validation */
    PT_FOR_ANCHORS,     /* 0 */
} pt_purpose;

static inline uint64_t pt_stream(pt_purpose purpose, uint64_t index)
{
    return (uint64_t)purpose << 56 | index;
}

#endif
