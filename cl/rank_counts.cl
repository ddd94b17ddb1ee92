/* rank_counts: count[i][l] += number of j with tile[i][j] < limit[i][l]; tile m x n, limit and count m x k, k <= 64.
 *
 * A group per row. Lanes are `across` limits times slices of the row; counts are whole numbers, so their order is
 * of no account. Row i leaves out column self_from + i (modulo 2^64) where has_self. */
#include "ptsne.clh"

PT_KERNEL void rank_counts(global const float *tile, const ulong tile_at, const uint n, const uint has_self,
                           const ulong self_from, global const float *limit, const ulong limit_at, const uint k,
                           const uint across, global uint *count, const ulong count_at)
{
    local uint part[WG];
    const size_t i = PT_GROUP;
    const uint lane = PT_LANE;
    const uint slices = WG / across;
    const ulong self = has_self ? self_from + i : ~0UL;
    tile += tile_at + i * n;
    limit += limit_at + i * k;
    count += count_at + i * k;
    for (uint l0 = 0; l0 < k; l0 += across) {
        const uint l = l0 + lane % across;
        uint found = 0;
        if (l < k && lane < slices * across) {
            const float edge = limit[l];
            for (uint j = lane / across; j < n; j += slices) { found += j != self && tile[j] < edge ? 1u : 0u; }
        }
        part[lane] = found;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < across && l < k) {
            for (uint slice = 1; slice < slices; slice++) { found += part[slice * across + lane]; }
            count[l] += found;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
