/* repulsion: with K(r) = (1 + r^2 / dof)^(-(dof + 1) / 2), over all n points of `to`:
 *   potential[i] = sum_j K(|y_i - to_j|), force[i] = sum_j K (1 + d^2 / dof)^-1 (y_i - to_j).
 *
 * A group has ROWS points of y and passes `to` through local memory, WG points at a time; SLICES work-items share a row, each with its
 * part of every tile. A tile's sum is plain, the sum over tiles compensated. */
#include "ptsne.clh"

#if WG < 4
#define SLICES WG
#else
#define SLICES 4
#endif
#define ROWS (WG / SLICES)

/* pt_two_add for four sums at once. */
static void two_add4(float4 *sum, float4 *error, const float4 value)
{
    const float4 total = *sum + value;
    const float4 back = total - *sum;
    *error += (*sum - (total - back)) + (value - back);
    *sum = total;
}

/* x, y, z: what the point pushes; w: its potential. */
static float4 push_of(const float4 apart, const float dof)
{
    const float away = 1.0f + dot(apart, apart) / dof;
    const float near = powr(away, -0.5f * (dof + 1.0f));
    const float4 push = near / away * apart;
    return (float4)(push.xyz, near);
}

static float4 push_of_plain(const float4 apart) /* dof 1 */
{
    const float near = 1.0f / (1.0f + dot(apart, apart));
    const float4 push = near * near * apart;
    return (float4)(push.xyz, near);
}

PT_KERNEL void repulsion(global const float *y, const ulong y_at, const uint m, global const float *to,
                         const ulong to_at, const uint n, const uint d, const float dof, global float *force,
                         const ulong force_at, global float *potential, const ulong potential_at)
{
    local float4 others[WG];
    to += to_at;
    const uint lane = PT_LANE;
    const size_t i = PT_GROUP * ROWS + lane % ROWS;
    const float4 mine =
        pt_map_row(y + y_at, min(i, (size_t)m - 1), d); /* a padded item works along, for the barriers */
    float4 sum = 0.0f, error = 0.0f;
    for (uint j0 = 0; j0 < n; j0 += WG) {
        if (j0 + lane < n) { others[lane] = pt_map_row(to, j0 + lane, d); }
        barrier(CLK_LOCAL_MEM_FENCE);
        const uint here = min(n - j0, (uint)WG);
        float4 tile = 0.0f;
        if (dof == 1.0f) {
            for (uint t = lane / ROWS; t < here; t += SLICES) { tile += push_of_plain(mine - others[t]); }
        } else {
            for (uint t = lane / ROWS; t < here; t += SLICES) { tile += push_of(mine - others[t], dof); }
        }
        two_add4(&sum, &error, tile);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    others[lane] = sum + error;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane >= ROWS || i >= m) { return; }
    sum = others[lane];
    for (uint slice = 1; slice < SLICES; slice++) { sum += others[slice * ROWS + lane]; }
    pt_map_store(force + force_at, i, d, sum);
    potential[potential_at + i] = sum.w;
}
