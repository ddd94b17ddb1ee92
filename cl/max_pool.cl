/* max_pool: y = largest value of each channel in each place of the window; which: its number in its image, the first of equal ones. NaN is
 * larger than all. max_pool_gradient: gx[value] = sum of g over the places that chose it, in their order.
 *
 * Element by element of y and of gx: a group takes WG x PT_EACH of them. */
#include "ptsne.clh"
#include "window.clh"

PT_KERNEL void max_pool(global const float *x, const ulong x_at, const ulong count, const uint height, const uint width,
                        const uint channels, const uint kernel_height, const uint kernel_width, const uint stride,
                        const uint out_height, const uint out_width, global float *y, const ulong y_at,
                        global uint *which, const ulong which_at)
{
    y += y_at;
    which += which_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const uint4 place = window_value(t, out_height, out_width, channels);
        const uint corner = (place.y * width + place.z) * stride;
        global const float *from = x + x_at + (size_t)place.x * height * width * channels;
        uint best = corner * channels + place.w;
        float most = from[best];
        for (uint ki = 0; ki < kernel_height; ki++) {
            for (uint kj = 0; kj < kernel_width; kj++) {
                const uint at = (corner + ki * width + kj) * channels + place.w;
                const float other = from[at];
                if (other > most || (isnan(other) && !isnan(most))) { most = other, best = at; }
            }
        }
        y[t] = most;
        which[t] = best;
    }
}

PT_KERNEL void max_pool_gradient(global const float *g, const ulong g_at, global const uint *which,
                                 const ulong which_at, const ulong count, const uint height, const uint width,
                                 const uint channels, const uint kernel_height, const uint kernel_width,
                                 const uint stride, const uint out_height, const uint out_width, global float *gx,
                                 const ulong gx_at)
{
    g += g_at;
    which += which_at;
    gx += gx_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const uint4 at = window_value(t, height, width, channels);
        const uint number = (at.y * width + at.z) * channels + at.w;
        const uint2 rows = window_places(at.y, kernel_height, stride, out_height);
        const uint2 columns = window_places(at.z, kernel_width, stride, out_width);
        float sum = 0.0f;
        for (uint i = rows.x; i <= rows.y; i++) {
            for (uint j = columns.x; j <= columns.y; j++) {
                const size_t place = (((size_t)at.x * out_height + i) * out_width + j) * channels + at.w;
                if (which[place] == number) { sum += g[place]; }
            }
        }
        gx[t] = sum;
    }
}
