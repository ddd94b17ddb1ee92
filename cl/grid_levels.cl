/* grid_restrict: charges of the coarser grid, to[J] = sum over k of s_k from[2 (J - margin) + k - 2], s the two-scale
 * coefficients, along each axis. grid_prolong: its adjoint, to[j] += sum over the coarse nodes that reach j.
 *
 * A work-item per node of `to`. Nodes outside of `from` count as 0. */
#include "ptsne.clh"

#include "grid.clh"

/* Node t of a grid, by axes. */
static uint4 node_of(const uint t, const uint size1, const uint size2)
{
    const uint row = t / size2, plane = row / size1;
    return (uint4)(plane, row - plane * size1, t - row * size2, 0);
}

PT_KERNEL void grid_restrict(global const float *from, const ulong from_at, const uint d, const uint fine0,
                             const uint fine1, const uint fine2, const uint margin, const uint coarse0,
                             const uint coarse1, const uint coarse2, global float *to, const ulong to_at)
{
    const uint t = (uint)get_global_id(0);
    if (t >= coarse0 * coarse1 * coarse2) { return; }
    const uint4 node = node_of(t, coarse1, coarse2);
    const int half_of = PT_ORDER / 2;
    const int first0 = d == 3 ? 2 * ((int)node.x - (int)margin) - half_of : 0;
    const int first1 = 2 * ((int)node.y - (int)margin) - half_of;
    const int first2 = 2 * ((int)node.z - (int)margin) - half_of;
    from += from_at;
    float sum = 0.0f;
    for (uint a = 0; a < PT_OUTER(d, PT_ORDER + 1); a++) {
        const int i = first0 + (int)a;
        if (i < 0 || i >= (int)fine0) { continue; }
        const float outer = d == 3 ? pt_two_scale(a) : 1.0f;
        for (uint b = 0; b <= PT_ORDER; b++) {
            const int j = first1 + (int)b;
            if (j < 0 || j >= (int)fine1) { continue; }
            global const float *row = from + ((size_t)i * fine1 + (size_t)j) * fine2;
            float along = 0.0f;
            for (uint c = 0; c <= PT_ORDER; c++) {
                const int k = first2 + (int)c;
                if (k >= 0 && k < (int)fine2) { along += pt_two_scale(c) * row[k]; }
            }
            sum += outer * pt_two_scale(b) * along;
        }
    }
    to[to_at + t] = sum;
}

PT_KERNEL void grid_prolong(global const float *from, const ulong from_at, const uint d, const uint fine0,
                            const uint fine1, const uint fine2, const uint margin, const uint coarse0,
                            const uint coarse1, const uint coarse2, global float *to, const ulong to_at)
{
    const uint t = (uint)get_global_id(0);
    if (t >= fine0 * fine1 * fine2) { return; }
    /* Coefficient k joins fine node j with coarse node margin + (j + 2 - k) / 2, k even or odd as the sum before it. */
    const uint4 node = node_of(t, fine1, fine2) + PT_ORDER / 2;
    from += from_at;
    float sum = 0.0f;
    for (uint a = d == 3 ? node.x % 2 : 0; a < PT_OUTER(d, PT_ORDER + 1); a += 2) {
        const int i = d == 3 ? (int)margin + ((int)node.x - (int)a) / 2 : 0;
        if (i < 0 || i >= (int)coarse0) { continue; }
        const float outer = d == 3 ? pt_two_scale(a) : 1.0f;
        for (uint b = node.y % 2; b <= PT_ORDER; b += 2) {
            const int j = (int)margin + ((int)node.y - (int)b) / 2;
            if (j < 0 || j >= (int)coarse1) { continue; }
            global const float *row = from + ((size_t)i * coarse1 + (size_t)j) * coarse2;
            float along = 0.0f;
            for (uint c = node.z % 2; c <= PT_ORDER; c += 2) {
                const int k = (int)margin + ((int)node.z - (int)c) / 2;
                if (k >= 0 && k < (int)coarse2) { along += pt_two_scale(c) * row[k]; }
            }
            sum += outer * pt_two_scale(b) * along;
        }
    }
    to[to_at + t] += sum;
}
