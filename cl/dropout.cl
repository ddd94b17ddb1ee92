/* dropout: x[t] = keep ? x[t] / (1 - rate) : 0, where uniform t >= rate.
 *
 * One work-item per block of four random words, so per four elements. Exact twin of the cpu's mask. */
#include "ptsne.clh"
#include "philox.clh"

PT_KERNEL void dropout(global float *x, const ulong x_at, const ulong count, const float rate, const ulong seed,
                       const ulong stream)
{
    x += x_at;
    const ulong block = get_global_id(0);
    const uint4 words = pt_philox(seed, block, stream);
    const float4 uniform = convert_float4(words >> 8) * 0x1p-24f;
    const ulong t = block * 4;
    const float scale = 1.0f - rate;
    if (t < count) { x[t] = uniform.x >= rate ? x[t] / scale : 0.0f; }
    if (t + 1 < count) { x[t + 1] = uniform.y >= rate ? x[t + 1] / scale : 0.0f; }
    if (t + 2 < count) { x[t + 2] = uniform.z >= rate ? x[t + 2] / scale : 0.0f; }
    if (t + 3 < count) { x[t + 3] = uniform.w >= rate ? x[t + 3] / scale : 0.0f; }
}
