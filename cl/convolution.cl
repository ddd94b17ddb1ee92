/* Patches of images; image: height x width x channels, channels fastest, a patch: kernel_height x kernel_width x channels.
 *
 * patches: v[r][:] = the patch of place from + r of all images' places, 0 outside of the image; count = rows x depth. Rows lie in
 * one piece, so that channels do not matter: `line` values of an image, `inner` of them in a patch, from one place to the next
 * `step`, `before` the image.
 * patches_sum: back again, gx[value] = sum of v over the patches that hold it, of the `rows` places from `from` on; an image whose
 * first places came before goes on from what gx holds. images: those that the places belong to, from number `first` on.
 *
 * Element by element of v and of the images: a group takes WG x PT_EACH of them. Sums go along the places, so that it does not matter
 * how those are cut into launches. */
#include "ptsne.clh"
#include "window.clh"

PT_KERNEL void patches(global const float *x, const ulong x_at, const ulong from, const ulong count, const uint height,
                       const uint line, const uint inner, const uint depth, const uint stride, const uint step,
                       const uint pad_top, const uint before, const uint places, const uint out_width, global float *v,
                       const ulong v_at)
{
    x += x_at;
    v += v_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const uint2 entry = pt_row_column(t, depth);
        const uint2 place = pt_row_column(from + entry.x, places);
        const uint i = place.y / out_width, j = place.y - i * out_width;
        const uint k = entry.y / inner, l = entry.y - k * inner;
        const uint row = i * stride + k - pad_top, at = j * step + l - before; /* before 0: very large */
        v[t] = row < height && at < line ? x[((size_t)place.x * height + row) * line + at] : 0.0f;
    }
}

PT_KERNEL void patches_sum(global const float *v, const ulong v_at, const ulong from, const uint rows,
                           const uint first_image, const ulong count, const uint height, const uint width,
                           const uint channels, const uint kernel_height, const uint kernel_width, const uint stride,
                           const uint pad_top, const uint pad_left, const uint out_height, const uint out_width,
                           global float *gx, const ulong gx_at)
{
    v += v_at;
    const size_t values = (size_t)height * width * channels;
    gx += gx_at + first_image * values;
    const size_t depth = (size_t)kernel_height * kernel_width * channels;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const uint4 at = window_value(t, height, width, channels);
        const uint row = at.y + pad_top, column = at.z + pad_left;
        const uint2 is = window_places(row, kernel_height, stride, out_height);
        const uint2 js = window_places(column, kernel_width, stride, out_width);
        const ulong origin = (ulong)(first_image + at.x) * out_height * out_width; /* the image's first place */
        float sum = origin < from ? gx[t] : 0.0f;
        for (uint i = is.x; i <= is.y; i++) {
            for (uint j = js.x; j <= js.y; j++) {
                const ulong r = origin + (ulong)i * out_width + j - from; /* before the tile: very large */
                const uint tap = (row - i * stride) * kernel_width + column - j * stride;
                if (r < rows) { sum += v[r * depth + (size_t)tap * channels + at.w]; }
            }
        }
        gx[t] = sum;
    }
}
