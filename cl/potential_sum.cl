/* potential_sum: z[0] = sum_i (potential[i] - self), at least FLT_MIN; every addition is compensated.
 *
 * potential_sum: a group adds up `chunk` potentials into parts[group], the sum and its error. potential_total: one group adds the parts. */
#include "ptsne.clh"

PT_KERNEL void potential_sum(global const float *potential, const ulong potential_at, const uint n, const uint chunk,
                             const float self, global float *parts, const ulong parts_at)
{
    local float2 part[WG];
    potential += potential_at;
    const ulong first = (ulong)PT_GROUP * chunk;
    const ulong end = min((ulong)n, first + chunk);
    float2 sum = 0.0f;
    for (ulong i = first + PT_LANE; i < end; i += WG) { sum = pt_two_add(pt_two_add(sum, potential[i]), -self); }
    sum = pt_group_two_sum(sum, part);
    if (PT_LANE == 0) { vstore2(sum, PT_GROUP, parts + parts_at); }
}

PT_KERNEL void potential_total(global const float *parts, const ulong parts_at, const uint count, global float *z,
                               const ulong z_at)
{
    local float2 part[WG];
    float2 sum = 0.0f;
    for (uint t = PT_LANE; t < count; t += WG) { sum = pt_two_join(sum, vload2(t, parts + parts_at)); }
    sum = pt_group_two_sum(sum, part);
    const float whole = sum.x + sum.y; /* a NaN stays one */
    if (PT_LANE == 0) { z[z_at] = whole < FLT_MIN ? FLT_MIN : whole; }
}
