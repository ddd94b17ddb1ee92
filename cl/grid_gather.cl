/* grid_gather: psi(y) = base + sum over nodes of value prod_a B(..): potential[i] = psi(y_i), force[i] = scale grad psi(y_i); with
 * `add`, added to what stands there.
 *
 * A work-item per point. A point outside of the grid gets NaN. */
#include "ptsne.clh"

#include "grid.clh"

/* x, y, z: the gradient along axes 0, 1, 2, in units of nodes; w: the sum. */
static float4 gather(global const float *values, const pt_place *at, const uint d, const uint size1, const uint size2)
{
    const float2 w0 = pt_spline(0, at->part[2]), w1 = pt_spline(1, at->part[2]);
    const float2 w2 = pt_spline(2, at->part[2]), w3 = pt_spline(3, at->part[2]);
    const float4 inner = (float4)(w0.x, w1.x, w2.x, w3.x), slopes = (float4)(w0.y, w1.y, w2.y, w3.y);
    float4 sum = 0.0f;
    for (uint a = 0; a < PT_OUTER(d, PT_ORDER); a++) {
        const float2 outer = d == 3 ? pt_spline(a, at->part[0]) : (float2)(1.0f, 0.0f);
        for (uint b = 0; b < PT_ORDER; b++) {
            const float2 middle = pt_spline(b, at->part[1]);
            const size_t plane = at->node[0] + a;
            global const float *row = values + (plane * size1 + at->node[1] + b) * size2 + at->node[2];
            const float4 here = vload4(0, row);
            const float along = dot(inner, here), slope = dot(slopes, here);
            sum += (float4)(outer.y * middle.x * along, outer.x * middle.y * along, outer.x * middle.x * slope,
                            outer.x * middle.x * along);
        }
    }
    return sum;
}

PT_KERNEL void grid_gather(global const float *values, const ulong values_at, global const float *y, const ulong y_at,
                           const uint n, const uint d, const uint size0, const uint size1, const uint size2,
                           const float origin0, const float origin1, const float origin2, const float spacing,
                           const float base, const float scale, const uint add, global float *force,
                           const ulong force_at, global float *potential, const ulong potential_at)
{
    const size_t i = get_global_id(0);
    if (i >= n) { return; }
    pt_place at;
    const bool inside = pt_place_of(y + y_at, i, d, size0, size1, size2, origin0, origin1, origin2, spacing, &at);
    float4 sum = NAN;
    if (inside) { sum = gather(values + values_at, &at, d, size1, size2); }
    const float4 slope = sum * (scale / spacing), along = d == 3 ? slope : slope.yzxw;
    potential += potential_at;
    force += force_at;
    potential[i] = base + sum.w + (add ? potential[i] : 0.0f);
    pt_map_store(force, i, d, along + (add ? pt_map_row(force, i, d) : 0.0f));
}
