/* grid_gather: psi(y) = base + sum over nodes of value prod_a B(..): potential[i] = psi(y_i), force[i] = scale grad psi(y_i).
 *
 * A work-item per point. A point outside of the grid gets NaN. */
#include "ptsne.clh"

#include "grid.clh"

/* The splines at four nodes from t on: lo their values, hi the slopes. */
static float8 four_splines(const uint order, const uint t, const float part)
{
    const float2 a = pt_spline(order, t, part), b = pt_spline(order, t + 1, part);
    const float2 c = pt_spline(order, t + 2, part), e = pt_spline(order, t + 3, part);
    return (float8)(a.x, b.x, c.x, e.x, a.y, b.y, c.y, e.y);
}

/* x, y, z: the gradient along axes 0, 1, 2, in units of nodes; w: the sum. */
static float4 gather(const uint order, global const float *values, const pt_place *at, const uint d, const uint size1,
                     const uint size2)
{
    const float8 inner = four_splines(order, 0, at->part[2]);
    const float8 rest = order == 6 ? four_splines(order, 4, at->part[2]) : 0.0f; /* two of them */
    float4 sum = 0.0f;
    for (uint a = 0; a < PT_OUTER(d, order); a++) {
        const float2 outer = d == 3 ? pt_spline(order, a, at->part[0]) : (float2)(1.0f, 0.0f);
        for (uint b = 0; b < order; b++) {
            const float2 middle = pt_spline(order, b, at->part[1]);
            const size_t plane = at->node[0] + a;
            global const float *row = values + (plane * size1 + at->node[1] + b) * size2 + at->node[2];
            const float4 here = vload4(0, row);
            float along = dot(inner.lo, here), slope = dot(inner.hi, here);
            if (order == 6) {
                const float2 more = vload2(2, row);
                along += dot(rest.lo.lo, more);
                slope += dot(rest.hi.lo, more);
            }
            sum += (float4)(outer.y * middle.x * along, outer.x * middle.y * along, outer.x * middle.x * slope,
                            outer.x * middle.x * along);
        }
    }
    return sum;
}

PT_KERNEL void grid_gather(global const float *values, const ulong values_at, global const float *y, const ulong y_at,
                           const uint n, const uint d, const uint order, const uint size0, const uint size1,
                           const uint size2, const float origin0, const float origin1, const float origin2,
                           const float spacing, const float base, const float scale, global float *force,
                           const ulong force_at, global float *potential, const ulong potential_at)
{
    const size_t i = get_global_id(0);
    if (i >= n) { return; }
    pt_place at;
    const bool inside =
        pt_place_of(y + y_at, i, d, order, size0, size1, size2, origin0, origin1, origin2, spacing, &at);
    float4 sum = NAN;
    if (inside) { sum = gather(order, values + values_at, &at, d, size1, size2); }
    const float4 slope = sum * (scale / spacing);
    potential[potential_at + i] = base + sum.w;
    pt_map_store(force + force_at, i, d, d == 3 ? slope : slope.yzxw);
}
