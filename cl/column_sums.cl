/* column_sums: out[c][j] = sum over the rows i of chunk c of x[i][j]; x n x d.
 *
 * A group sums COLUMNS neighbouring columns of one chunk of `chunk` rows; groups go along the columns first. WG / COLUMNS
 * slices of the rows side by side, each with compensation, are added in order. The engine sums the chunks by the same kernel. */
#include "ptsne.clh"

#if WG < 16
#define COLUMNS WG
#else
#define COLUMNS 16
#endif
#define SLICES (WG / COLUMNS)

PT_KERNEL void column_sums(global const float *x, const ulong x_at, const uint n, const uint d, const uint chunk,
                           global float *out, const ulong out_at)
{
    local float2 part[WG];
    x += x_at;
    out += out_at;
    const uint lane = PT_LANE;
    const uint blocks = (d + COLUMNS - 1) / COLUMNS;
    const uint c = (uint)(PT_GROUP / blocks);
    const uint j = (uint)(PT_GROUP % blocks) * COLUMNS + lane % COLUMNS;
    const uint from = c * chunk;
    const uint to = min(n - from, chunk) + from;
    float2 sum = (float2)(0.0f, 0.0f);
    if (j < d) {
        for (uint i = from + lane / COLUMNS; i < to; i += SLICES) { sum = pt_two_add(sum, x[(size_t)i * d + j]); }
    }
    part[lane] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < COLUMNS && j < d) {
        for (uint slice = 1; slice < SLICES; slice++) { sum = pt_two_join(sum, part[slice * COLUMNS + lane]); }
        out[(size_t)c * d + j] = sum.x + sum.y;
    }
}
