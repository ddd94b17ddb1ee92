/* gather_rows: out[i][:] = x[a[i]][:], exactly.
 * gather_mix: out[i][:] = x[a[i]][:] + t[i] (x[b[i]][:] - x[a[i]][:]).
 *
 * Element by element of out, n x d (count elements): a group takes WG x PT_EACH of them. */
#include "ptsne.clh"

PT_KERNEL void gather_rows(global const float *x, const ulong x_at, const uint d, global const uint *a,
                           const ulong a_at, const ulong count, global float *out, const ulong out_at)
{
    x += x_at;
    a += a_at;
    out += out_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong at = first + e * WG;
        if (at >= count) { continue; }
        const uint2 place = pt_row_column(at, d);
        out[at] = x[(size_t)a[place.x] * d + place.y];
    }
}

PT_KERNEL void gather_mix(global const float *x, const ulong x_at, const uint d, global const uint *a, const ulong a_at,
                          global const uint *b, const ulong b_at, global const float *t, const ulong t_at,
                          const ulong count, global float *out, const ulong out_at)
{
    x += x_at;
    a += a_at;
    b += b_at;
    t += t_at;
    out += out_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong at = first + e * WG;
        if (at >= count) { continue; }
        const uint2 place = pt_row_column(at, d);
        const float from = x[(size_t)a[place.x] * d + place.y];
        const float to = x[(size_t)b[place.x] * d + place.y];
        out[at] = from + t[place.x] * (to - from);
    }
}
