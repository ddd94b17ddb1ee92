/* max_pool: y = largest value of each channel in each place of the window; which: its number in its image, the first of equal ones. NaN is
 * larger than all. max_pool_gradient: gx[value] = sum of g over the places that chose it, in their order.
 *
 * Element by element of y and of gx: a group takes WG x PT_EACH of them. */
#include "ptsne.clh"

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
        const uint2 value = pt_row_column(t, channels);
        const uint2 line = pt_row_column(value.x, out_width);
        const uint image = line.x / out_height;
        const uint corner = (line.x - image * out_height) * stride * width + line.y * stride;
        global const float *from = x + x_at + (size_t)image * height * width * channels;
        uint best = corner * channels + value.y;
        float most = from[best];
        for (uint ki = 0; ki < kernel_height; ki++) {
            for (uint kj = 0; kj < kernel_width; kj++) {
                const uint at = (corner + ki * width + kj) * channels + value.y;
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
        const uint2 value = pt_row_column(t, channels);
        const uint2 line = pt_row_column(value.x, width);
        const uint image = line.x / height, row = line.x - image * height, column = line.y;
        const uint number = (row * width + column) * channels + value.y;
        const uint last_i = min(row / stride, out_height - 1), last_j = min(column / stride, out_width - 1);
        const uint from_i = row < kernel_height ? 0 : (row - kernel_height) / stride + 1;
        const uint from_j = column < kernel_width ? 0 : (column - kernel_width) / stride + 1;
        float sum = 0.0f;
        for (uint i = from_i; i <= last_i; i++) {
            for (uint j = from_j; j <= last_j; j++) {
                const size_t place = (((size_t)image * out_height + i) * out_width + j) * channels + value.y;
                if (which[place] == number) { sum += g[place]; }
            }
        }
        gx[t] = sum;
    }
}
