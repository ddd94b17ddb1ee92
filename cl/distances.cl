/* The euclidean distance by a matrix product.
 *
 * row_norms: norm[i] = |x[i][:]|^2; a group per row of x, n x d.
 * distance_finish: out[i][j] = max(0, |a_i|^2 + |b_j|^2 + out[i][j]), where out holds -2 a b'; out m x n (count elements), element
 * by element.
 * distance_roots: tile[i][j] = sqrt(tile[i][j]), 0 where j = self_from + i (modulo 2^64) and has_self; tile m x n (count
 * elements), element by element. */
#include "ptsne.clh"

PT_KERNEL void row_norms(global const float *x, const ulong x_at, const uint d, global float *norm, const ulong norm_at)
{
    local float4 part[WG];
    const size_t i = PT_GROUP;
    x += x_at + i * d;
    float4 sum = 0.0f;
    for (uint j = PT_LANE; j < d; j += WG) { sum.x += x[j] * x[j]; }
    sum = pt_group_sum(sum, part);
    if (PT_LANE == 0) { norm[norm_at + i] = sum.x; }
}

PT_KERNEL void distance_finish(global const float *norm_a, const ulong norm_a_at, global const float *norm_b,
                               const ulong norm_b_at, const uint n, const ulong count, global float *out,
                               const ulong out_at)
{
    norm_a += norm_a_at;
    norm_b += norm_b_at;
    out += out_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const uint2 place = pt_row_column(t, n);
        out[t] = fmax(norm_a[place.x] + norm_b[place.y] + out[t], 0.0f);
    }
}

PT_KERNEL void distance_roots(global float *tile, const ulong tile_at, const ulong count, const uint n,
                              const uint has_self, const ulong self_from)
{
    tile += tile_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const uint2 place = pt_row_column(t, n);
        const bool self = has_self && (ulong)place.y == self_from + place.x;
        tile[t] = self ? 0.0f : sqrt(tile[t]);
    }
}
