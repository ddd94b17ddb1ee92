/* nearest_merge: merge a tile of distances into running lists of the k nearest, k <= 1024.
 * nearest_begin, nearest_end: such lists, empty, and copied out to best_d, best_i, m x k; a group per row. A row of lists is k
 * distances, k numbers, and no more of its stride.
 *
 * tile m x n; best_d, best_i m rows of k, `stride` apart, ascending by (distance, number), which is a total order, so the result
 * does not depend on the order of the work. A group per row: what beats the list's last place is gathered in local memory; when
 * that is full, and at the end, it is sorted (bitonic) and merged with the list, each element finding its place by bisection. Row
 * i leaves out column self_from + i (modulo 2^64) where has_self. 12 KiB of local memory. */
#include "ptsne.clh"

#define LIST   1024
#define FRESH  512      /* a power of two, at least twice STRIDE */
#define STRIDE (4 * WG) /* elements looked at between two looks at the count */

static int before(const float a, const uint i, const float b, const uint j)
{
    return a < b || (a == b && i < j);
}

/* Sort `size` (a power of two) pairs. */
static void sort_pairs(local float *d, local uint *number, const uint size)
{
    for (uint width = 2; width <= size; width *= 2) {
        for (uint hop = width / 2; hop > 0; hop /= 2) {
            for (uint t = PT_LANE; t < size / 2; t += WG) {
                const uint i = 2 * t - (t & (hop - 1)), j = i + hop;
                const int rising = (i & width) == 0;
                if (before(d[j], number[j], d[i], number[i]) == rising) {
                    const float swap_d = d[i];
                    const uint swap_i = number[i];
                    d[i] = d[j], number[i] = number[j];
                    d[j] = swap_d, number[j] = swap_i;
                }
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
    }
}

/* Elements of a sorted list that come before (d, number), or with `equal` also those that are the same. */
static uint place(local const float *list_d, local const uint *list_i, uint count, const float d, const uint number,
                  const int equal)
{
    uint low = 0;
    while (low < count) {
        const uint middle = (low + count) / 2;
        const int less = equal ? !before(d, number, list_d[middle], list_i[middle])
                               : before(list_d[middle], list_i[middle], d, number);
        if (less) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

PT_KERNEL void nearest_merge(global const float *tile, const ulong tile_at, const uint n, const uint has_self,
                             const ulong self_from, const uint column_from, const uint k, const uint stride,
                             global float *best_d, const ulong best_d_at, global uint *best_i, const ulong best_i_at)
{
    local float list_d[LIST], fresh_d[FRESH];
    local uint list_i[LIST], fresh_i[FRESH];
    local uint fresh;
    const size_t i = PT_GROUP;
    const uint lane = PT_LANE;
    const ulong self = has_self ? self_from + i : ~0UL;
    tile += tile_at + i * n;
    best_d += best_d_at + i * stride;
    best_i += best_i_at + i * stride;
    float last_d = best_d[k - 1];
    uint last_i = best_i[k - 1];
    if (lane == 0) { fresh = 0; }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint from = 0; from < n; from += STRIDE) {
        const uint to = min(n - from, (uint)STRIDE) + from;
        for (uint j = from + lane; j < to; j += WG) {
            const float d = tile[j];
            const uint number = column_from + j;
            if (j != self && before(d, number, last_d, last_i)) {
                const uint at = atomic_inc(&fresh);
                fresh_d[at] = d;
                fresh_i[at] = number;
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        const uint count = fresh;
        barrier(CLK_LOCAL_MEM_FENCE); /* everybody has read it */
        if (count == 0 || (count <= FRESH - STRIDE && to < n)) { continue; }
        uint size = 1;
        while (size < count) { size *= 2; }
        for (uint t = count + lane; t < size; t += WG) {
            fresh_d[t] = INFINITY;
            fresh_i[t] = 0xffffffffu;
        }
        for (uint t = lane; t < k; t += WG) {
            list_d[t] = best_d[t];
            list_i[t] = best_i[t];
        }
        if (lane == 0) { fresh = 0; }
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        sort_pairs(fresh_d, fresh_i, size);
        for (uint t = lane; t < k; t += WG) {
            const uint to_place = t + place(fresh_d, fresh_i, count, list_d[t], list_i[t], 0);
            if (to_place < k) {
                best_d[to_place] = list_d[t];
                best_i[to_place] = list_i[t];
            }
        }
        for (uint t = lane; t < count; t += WG) {
            const uint to_place = t + place(list_d, list_i, k, fresh_d[t], fresh_i[t], 1);
            if (to_place < k) {
                best_d[to_place] = fresh_d[t];
                best_i[to_place] = fresh_i[t];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        last_d = best_d[k - 1];
        last_i = best_i[k - 1];
    }
}

PT_KERNEL void nearest_begin(const uint k, const uint stride, global float *list_d, const ulong list_d_at,
                             global uint *list_i, const ulong list_i_at)
{
    const size_t row = (size_t)PT_GROUP * stride;
    for (uint t = PT_LANE; t < k; t += WG) {
        list_d[list_d_at + row + t] = INFINITY;
        list_i[list_i_at + row + t] = 0xffffffffu;
    }
}

PT_KERNEL void nearest_end(const uint k, const uint stride, global const float *list_d, const ulong list_d_at,
                           global const uint *list_i, const ulong list_i_at, global float *best_d,
                           const ulong best_d_at, global uint *best_i, const ulong best_i_at)
{
    const size_t row = (size_t)PT_GROUP * stride, to = (size_t)PT_GROUP * k;
    for (uint t = PT_LANE; t < k; t += WG) {
        best_d[best_d_at + to + t] = list_d[list_d_at + row + t];
        best_i[best_i_at + to + t] = list_i[list_i_at + row + t];
    }
}
