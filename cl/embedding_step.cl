/* embedding_step: g = exaggeration attraction - repulsion / z, z one number or each point's own, at least FLT_MIN; a gain grows
 * by 0.2 where the signs of g and velocity differ (0 has its own), else shrinks to 0.8 of it, not below least_gain; velocity =
 * momentum velocity - learning_rate gain g, shortened to max_step a point; y += velocity. All n x d. Jacobs 1988.
 *
 * embedding_step: a work-item per point, a group goes through `chunk` points and leaves PART numbers in parts[group]: the least and largest
 * coordinates, the sums of |g|^2 and |velocity|^2 with their errors. embedding_stats: one group joins them. A NaN shows in all of them. */
#include "ptsne.clh"

#define PART 10 /* as in map.c */

static float4 least_of(const float4 a, const float4 b) /* fmin would hide a NaN */
{
    return select(a, b, (b < a) | (b != b));
}

/* What the points of a group, or all, tell. */
typedef struct told {
    float4 least, most;
    float2 gradient, length;
} told;

static told told_nothing(void)
{
    told of;
    of.least = INFINITY;
    of.most = -INFINITY;
    of.gradient = of.length = 0.0f;
    return of;
}

/* Over the group, for every lane; the largest of x is the least of -x. */
static float4 least_of_group(const float4 value, local float4 *part)
{
    const uint lane = PT_LANE;
    part[lane] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint half_of = WG / 2; half_of > 0; half_of /= 2) {
        if (lane < half_of) { part[lane] = least_of(part[lane], part[lane + half_of]); }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const float4 least = part[0];
    barrier(CLK_LOCAL_MEM_FENCE); /* part may be used again */
    return least;
}

PT_KERNEL void embedding_step(global const float *attraction, const ulong attraction_at, global const float *repulsion,
                              const ulong repulsion_at, global const float *z, const ulong z_at, const uint own_z,
                              const uint n, const uint d, const uint chunk, const float exaggeration,
                              const float learning_rate, const float momentum, const float least_gain,
                              const float max_step, global float *y, const ulong y_at, global float *velocity,
                              const ulong velocity_at, global float *gains, const ulong gains_at, global float *parts,
                              const ulong parts_at)
{
    local float4 part[WG];
    local float2 part2[WG];
    z += z_at;
    y += y_at;
    velocity += velocity_at;
    gains += gains_at;
    const ulong first = (ulong)PT_GROUP * chunk;
    const ulong end = min((ulong)n, first + chunk);
    told of = told_nothing();
    for (size_t i = first + PT_LANE; i < end; i += WG) {
        const float whole = z[own_z ? i : 0];
        const float inverse_z = 1.0f / (whole < FLT_MIN ? FLT_MIN : whole);
        const float4 g = exaggeration * pt_map_row(attraction + attraction_at, i, d) -
                         inverse_z * pt_map_row(repulsion + repulsion_at, i, d);
        const float4 gain = pt_map_row(gains, i, d);
        float4 v = pt_map_row(velocity, i, d);
        const int4 turned = (isgreater(g, 0.0f) ^ isgreater(v, 0.0f)) | (isless(g, 0.0f) ^ isless(v, 0.0f));
        const float4 changed = fmax(select(0.8f * gain, gain + 0.2f, turned), least_gain);
        v = momentum * v - learning_rate * changed * g;
        const float square = dot(v, v);
        if (square > max_step * max_step) { v *= max_step / sqrt(square); }
        const float4 place = pt_map_row(y, i, d) + v;
        pt_map_store(gains, i, d, changed);
        pt_map_store(velocity, i, d, v);
        pt_map_store(y, i, d, place);
        of.least = least_of(of.least, place);
        of.most = -least_of(-of.most, -place);
        of.gradient = pt_two_add(of.gradient, dot(g, g));
        of.length = pt_two_add(of.length, dot(v, v));
    }
    of.least = least_of_group(of.least, part);
    of.most = -least_of_group(-of.most, part);
    of.gradient = pt_group_two_sum(of.gradient, part2);
    of.length = pt_group_two_sum(of.length, part2);
    if (PT_LANE == 0) {
        parts += parts_at + PT_GROUP * PART;
        vstore3(of.least.xyz, 0, parts);
        vstore3(of.most.xyz, 1, parts);
        vstore2(of.gradient, 3, parts);
        vstore2(of.length, 4, parts);
    }
}

PT_KERNEL void embedding_stats(global const float *parts, const ulong parts_at, const uint count, const uint d,
                               global float *stats, const ulong stats_at)
{
    local float4 part[WG];
    local float2 part2[WG];
    told of = told_nothing();
    for (uint t = PT_LANE; t < count; t += WG) {
        global const float *one = parts + parts_at + (size_t)t * PART;
        of.least = least_of(of.least, (float4)(vload3(0, one), 0.0f));
        of.most = -least_of(-of.most, (float4)(-vload3(1, one), 0.0f));
        of.gradient = pt_two_join(of.gradient, vload2(3, one));
        of.length = pt_two_join(of.length, vload2(4, one));
    }
    of.least = least_of_group(of.least, part);
    of.most = -least_of_group(-of.most, part);
    of.gradient = pt_group_two_sum(of.gradient, part2);
    of.length = pt_group_two_sum(of.length, part2);
    if (PT_LANE == 0) {
        stats += stats_at;
        pt_map_store(stats, 0, d, of.least);
        pt_map_store(stats, 1, d, of.most);
        stats[2 * d] = of.gradient.x + of.gradient.y;
        stats[2 * d + 1] = of.length.x + of.length.y;
    }
}
