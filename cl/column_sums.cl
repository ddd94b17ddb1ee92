/* column_sums: out[c][j] = sum over the rows i of chunk c of x[i][j]; x n x d.
 *
 * A group takes some columns of one chunk of `chunk` rows (columns.clh). The engine sums the chunks by the same kernel. */
#include "columns.clh"
#include "ptsne.clh"

PT_KERNEL void column_sums(global const float *x, const ulong x_at, const uint n, const uint d, const uint chunk,
                           global float *out, const ulong out_at)
{
    local float2 part[WG];
    const uint2 at = column_chunk(d);
    const uint j = at.x, from = at.y * chunk, to = from + min(n - from, chunk);
    float2 sum = 0.0f;
    if (j < d) {
        for (uint i = from + PT_LANE / COLUMNS; i < to; i += SLICES) {
            sum = pt_two_add(sum, x[x_at + (size_t)i * d + j]);
        }
    }
    const float whole = join_slices(sum, part);
    if (PT_LANE < COLUMNS && j < d) { out[out_at + (size_t)at.y * d + j] = whole; }
}
