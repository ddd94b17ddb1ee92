/* distance_tile: out[i][j] = distance of a[i][:] and b[j][:]; a m x d, b n x d, out m x n.
 *
 * The metric comes from a file of its own, metric_NAME.cl, which the engine puts in the place of metric.clh; see there. A
 * group computes a tile of TILE_M x TILE_N entries, coordinates passing through local memory, a work-item 2 x 2 of it. */
#include "ptsne.clh"
#include "metric.clh"

#define TILE_M (2 * PT_HIGH)
#define TILE_N (2 * PT_WIDE)
#define DEPTH 32

PT_KERNEL void distance_tile(global const float *a, const ulong a_at, const uint m, global const float *b,
                             const ulong b_at, const uint n, const uint d, global float *out, const ulong out_at)
{
    local float tile_a[TILE_M][DEPTH + 1];
    local float tile_b[TILE_N][DEPTH + 1];
    a += a_at;
    b += b_at;
    out += out_at;
    const uint lane = PT_LANE;
    const uint across = (n + TILE_N - 1) / TILE_N;
    const uint i0 = (uint)(PT_GROUP / across) * TILE_M;
    const uint j0 = (uint)(PT_GROUP % across) * TILE_N;
    const uint row = lane / PT_WIDE, column = lane % PT_WIDE;
    float4 sum00 = 0.0f, sum01 = 0.0f, sum10 = 0.0f, sum11 = 0.0f;
    for (uint k0 = 0; k0 < d; k0 += DEPTH) {
        const uint deep = min(d - k0, (uint)DEPTH);
        for (uint t = lane; t < TILE_M * DEPTH; t += WG) {
            const uint i = t / DEPTH, z = t % DEPTH;
            tile_a[i][z] = i0 + i < m && z < deep ? a[(size_t)(i0 + i) * d + k0 + z] : 0.0f;
        }
        for (uint t = lane; t < TILE_N * DEPTH; t += WG) {
            const uint j = t / DEPTH, z = t % DEPTH;
            tile_b[j][z] = j0 + j < n && z < deep ? b[(size_t)(j0 + j) * d + k0 + z] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint z = 0; z < deep; z++) {
            const float a0 = tile_a[row][z], a1 = tile_a[row + PT_HIGH][z];
            const float b0 = tile_b[column][z], b1 = tile_b[column + PT_WIDE][z];
            sum00 = metric_add(sum00, a0, b0);
            sum01 = metric_add(sum01, a0, b1);
            sum10 = metric_add(sum10, a1, b0);
            sum11 = metric_add(sum11, a1, b1);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const size_t i = i0 + row, j = j0 + column;
    if (i < m && j < n) { out[i * n + j] = metric_finish(sum00, d); }
    if (i < m && j + PT_WIDE < n) { out[i * n + j + PT_WIDE] = metric_finish(sum01, d); }
    if (i + PT_HIGH < m && j < n) { out[(i + PT_HIGH) * n + j] = metric_finish(sum10, d); }
    if (i + PT_HIGH < m && j + PT_WIDE < n) { out[(i + PT_HIGH) * n + j + PT_WIDE] = metric_finish(sum11, d); }
}
