/* grid_convolve: one axis of potential = sum over two terms of weight prod over axes of tap[|offset|] * charge, 0 beyond the grid.
 *
 * An array is seen as lead x length x trail, and the axis is the middle one. A work-item makes OUTPUTS neighbouring nodes along it for both
 * terms, so that a value is read once for four of them; neighbouring items differ in trail first. The first axis reads the charges for
 * both terms (from0 = from1), the last one (`last`) adds the two into to0. Taps 1 .. 16 come as a vector: an argument, and not a buffer
 * that would have to be sent. */
#include "ptsne.clh"

#define OUTPUTS 4 /* as in grids.c */
#define TAPS    17

PT_KERNEL void grid_convolve(global const float *from0, const ulong from0_at, global const float *from1,
                             const ulong from1_at, const uint lead, const uint length, const uint trail,
                             const uint reach, const float first0, const float16 taps0, const float first1,
                             const float16 taps1, const float weight0, const float weight1, const uint last,
                             global float *to0, const ulong to0_at, global float *to1, const ulong to1_at)
{
    local float tap[2 * TAPS];
    if (PT_LANE == 0) {
        tap[0] = first0;
        tap[TAPS] = first1;
        vstore16(taps0, 0, tap + 1);
        vstore16(taps1, 0, tap + TAPS + 1);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const uint item = (uint)get_global_id(0);
    const uint blocks = (length - 1) / OUTPUTS + 1;
    const uint beside = item / trail, t = item - beside * trail;
    const uint l = beside / blocks;
    if (l >= lead) { return; }
    const int begin = (int)((beside - l * blocks) * OUTPUTS), end = (int)length;
    const size_t at = (size_t)l * length * trail + t;
    from0 += from0_at + at;
    from1 += from1_at + at;
    const int low = max(begin - (int)reach, 0), high = min(begin + OUTPUTS + (int)reach, end);
    float4 sum0 = 0.0f, sum1 = 0.0f, near0 = 0.0f, near1 = 0.0f; /* near: the taps from this value to the four nodes */
    for (int j = begin - (int)reach; j < high; j++) {
        const uint away = abs(j - begin);
        near0 = (float4)(away <= reach ? tap[away] : 0.0f, near0.xyz);
        near1 = (float4)(away <= reach ? tap[TAPS + away] : 0.0f, near1.xyz);
        if (j >= low) {
            sum0 += near0 * from0[(size_t)j * trail];
            sum1 += near1 * from1[(size_t)j * trail];
        }
    }
    if (last) { sum0 = weight0 * sum0 + weight1 * sum1; }
    to0 += to0_at + at + (size_t)begin * trail;
    to1 += to1_at + at + (size_t)begin * trail;
    const uint here = min(length - (uint)begin, (uint)OUTPUTS);
    for (uint r = 0; r < here; r++) {
        to0[(size_t)r * trail] = r == 0 ? sum0.x : r == 1 ? sum0.y : r == 2 ? sum0.z : sum0.w;
        if (!last) { to1[(size_t)r * trail] = r == 0 ? sum1.x : r == 1 ? sum1.y : r == 2 ? sum1.z : sum1.w; }
    }
}
