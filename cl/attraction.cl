/* attraction: row i of the sparse p is point i of y (m x d), its columns points of `to`; w_e = (1 + d_e^2 / dof)^-1:
 *   force[i] = sum_e p_e w_e (y_i - to_j), loss[0] = sum_e p_e (dof + 1) / 2 log(1 + d_e^2 / dof).
 *
 * attraction: LANES work-items go along a row side by side, so that entries are read in one piece; a group takes `chunk` rows and leaves
 * its sum of p log(..), compensated, in parts[group] where it is wanted. attraction_total: one group adds those up. */
#include "ptsne.clh"

#if WG < 16
#define LANES WG
#else
#define LANES 16
#endif
#define ROWS (WG / LANES)

PT_KERNEL void attraction(global const uint *row, const ulong row_at, global const uint *column, const ulong column_at,
                          global const float *p, const ulong p_at, global const float *y, const ulong y_at,
                          global const float *to, const ulong to_at, const uint m, const uint d, const uint chunk,
                          const float dof, const uint want_loss, global float *force, const ulong force_at,
                          global float *parts, const ulong parts_at)
{
    local float4 part[WG];
    local float2 costs[WG];
    row += row_at;
    column += column_at;
    p += p_at;
    to += to_at;
    const uint lane = PT_LANE, own = lane % LANES;
    const float inverse_dof = 1.0f / dof;
    const ulong first = (ulong)PT_GROUP * chunk;
    const ulong end = min((ulong)m, first + chunk);
    float2 cost = 0.0f;
    for (ulong base = first; base < end; base += ROWS) {
        const size_t i = (size_t)base + lane / LANES;
        float4 sum = 0.0f; /* w: the row's p log(..) */
        if (i < end) {
            const float4 mine = pt_map_row(y + y_at, i, d);
            const size_t last = row[i + 1];
            for (size_t e = (size_t)row[i] + own; e < last; e += LANES) {
                const float4 apart = mine - pt_map_row(to, column[e], d);
                const float square = dot(apart, apart) * inverse_dof, near = p[e];
                sum += near / (1.0f + square) * apart;
                if (want_loss) { sum.w += near * log1p(square); }
            }
        }
        part[lane] = sum;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint half_of = LANES / 2; half_of > 0; half_of /= 2) {
            if (own < half_of) { part[lane] += part[lane + half_of]; }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        if (own == 0 && i < end) {
            pt_map_store(force + force_at, i, d, part[lane]);
            cost = pt_two_add(cost, part[lane].w);
        }
    }
    if (want_loss) {
        cost = pt_group_two_sum(cost, costs);
        if (lane == 0) { vstore2(cost, PT_GROUP, parts + parts_at); }
    }
}

PT_KERNEL void attraction_total(global const float *parts, const ulong parts_at, const uint count, const float factor,
                                global float *loss, const ulong loss_at)
{
    local float2 part[WG];
    float2 sum = 0.0f;
    for (uint t = PT_LANE; t < count; t += WG) { sum = pt_two_join(sum, vload2(t, parts + parts_at)); }
    sum = pt_group_two_sum(sum, part);
    if (PT_LANE == 0) { loss[loss_at] = factor * (sum.x + sum.y); }
}
