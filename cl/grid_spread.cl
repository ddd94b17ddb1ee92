/* grid_spread: charge[node] = sum_i prod_a B((y_ia - node's place) / spacing), the same bits whatever the order of the work.
 *
 * grid_spread: PT_ORDER work-items a point, one for each of its nodes along its first axis. Charges are whole numbers of 2^-32, added by
 * 32-bit atomics: `low` has the fraction, and who makes it overflow adds one to `high`. A spline's product is below 1/2, and
 * sums up to 2^32 points are exact. A point outside of the grid sets `spoiled`.
 * grid_spread_finish: a work-item per node; NaN everywhere where a point was outside. */
#include "ptsne.clh"

#include "grid.clh"

PT_KERNEL void grid_spread(global const float *y, const ulong y_at, const uint n, const uint d, const uint size0,
                           const uint size1, const uint size2, const float origin0, const float origin1,
                           const float origin2, const float spacing, global uint *low, const ulong low_at,
                           global uint *high, const ulong high_at, global uint *spoiled, const ulong spoiled_at)
{
    const uint item = (uint)get_global_id(0);
    const uint i = item / PT_ORDER, mine = item - i * PT_ORDER;
    if (i >= n) { return; }
    pt_place at;
    if (!pt_place_of(y + y_at, i, d, size0, size1, size2, origin0, origin1, origin2, spacing, &at)) {
        atomic_or(spoiled + spoiled_at, 1u);
        return;
    }
    const float outer = d == 3 ? pt_spline(mine, at.part[0]).x : 1.0f;
    const uint first = d == 3 ? 0 : mine, last = d == 3 ? PT_ORDER : mine + 1;
    low += low_at;
    high += high_at;
    for (uint b = first; b < last; b++) {
        const float row = outer * pt_spline(b, at.part[1]).x;
        const size_t plane = at.node[0] + (d == 3 ? mine : 0);
        const size_t node = (plane * size1 + at.node[1] + b) * size2 + at.node[2];
        for (uint c = 0; c < PT_ORDER; c++) {
            const uint value = convert_uint_rte(row * pt_spline(c, at.part[2]).x * 4294967296.0f);
            const uint before = atomic_add(low + node + c, value);
            if (before + value < before) { atomic_inc(high + node + c); }
        }
    }
}

PT_KERNEL void grid_spread_finish(global const uint *low, const ulong low_at, global const uint *high,
                                  const ulong high_at, global const uint *spoiled, const ulong spoiled_at,
                                  const ulong count, global float *charge, const ulong charge_at)
{
    low += low_at;
    high += high_at;
    charge += charge_at;
    const bool good = spoiled[spoiled_at] == 0;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t < count) { charge[t] = good ? (float)high[t] + (float)low[t] * 2.3283064365386963e-10f : NAN; }
    }
}
