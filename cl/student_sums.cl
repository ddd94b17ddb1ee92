/* student_sums: z[i] = sum over j of 1 / (1 + |y_i - y_j|^2), j not i, for rows from .. from + m of the n x d map y.
 *
 * A work-item per row; the other rows pass through local memory, WG at a time. Compensated sums. */
#include "ptsne.clh"

PT_KERNEL void student_sums(global const float *y, const ulong y_at, const uint n, const uint d, const uint from,
                            const uint m, global float *z, const ulong z_at)
{
    local float4 others[WG];
    y += y_at;
    const uint lane = PT_LANE;
    const uint row = (uint)get_global_id(0);
    const uint i = from + min(row, m - 1); /* a padded item works along, for the barriers */
    const float4 mine = pt_map_row(y, i, d);
    float2 sum = (float2)(0.0f, 0.0f);
    for (uint j0 = 0; j0 < n; j0 += WG) {
        if (j0 + lane < n) { others[lane] = pt_map_row(y, j0 + lane, d); }
        barrier(CLK_LOCAL_MEM_FENCE);
        const uint here = min(n - j0, (uint)WG);
        for (uint t = 0; t < here; t++) {
            const float4 apart = mine - others[t];
            if (j0 + t != i) { sum = pt_two_add(sum, 1.0f / (1.0f + dot(apart, apart))); }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (row < m) { z[z_at + row] = sum.x + sum.y; }
}
