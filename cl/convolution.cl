/* Patches of images; image: height x width x channels, channels fastest, a patch: kernel_height x kernel_width x channels.
 *
 * patches: v[r][:] = the patch of place from + r of all images' places, 0 outside of the image; count = rows x depth.
 * patches_sum: back again, gx[value] = sum of v over the patches that hold it, of the `rows` places from `from` on; an image whose first
 * places came before goes on from what gx holds. images: those that the places belong to, from number `first` on.
 *
 * Element by element of v and of the images: a group takes WG x PT_EACH of them. Sums go along the places, so that it does not matter
 * how those are cut into launches. */
#include "ptsne.clh"

PT_KERNEL void patches(global const float *x, const ulong x_at, const ulong from, const ulong count, const uint height,
                       const uint width, const uint channels, const uint kernel_width, const uint depth,
                       const uint stride, const uint pad_top, const uint pad_left, const uint places,
                       const uint out_width, global float *v, const ulong v_at)
{
    x += x_at;
    v += v_at;
    const ulong first = (ulong)PT_GROUP * (WG * PT_EACH) + PT_LANE;
    for (uint e = 0; e < PT_EACH; e++) {
        const ulong t = first + e * WG;
        if (t >= count) { continue; }
        const uint2 entry = pt_row_column(t, depth);
        const uint2 place = pt_row_column(from + entry.x, places);
        const uint tap = entry.y / channels, channel = entry.y - tap * channels;
        const uint i = place.y / out_width, j = place.y - i * out_width;
        const uint ki = tap / kernel_width, kj = tap - ki * kernel_width;
        const uint row = i * stride + ki - pad_top, column = j * stride + kj - pad_left; /* before 0: very large */
        const size_t pixel = ((size_t)place.x * height + row) * width + column;
        v[t] = row < height && column < width ? x[pixel * channels + channel] : 0.0f;
    }
}

/* The first place along an axis whose window of `taps` reaches `at`, which counts the padding. */
static uint first_place(const uint at, const uint taps, const uint stride)
{
    return at < taps ? 0 : (at - taps) / stride + 1;
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
        const uint2 value = pt_row_column(t, channels);
        const uint2 line = pt_row_column(value.x, width);
        const uint image = line.x / height;
        const uint row = line.x - image * height + pad_top, column = line.y + pad_left;
        const uint last_i = min(row / stride, out_height - 1), last_j = min(column / stride, out_width - 1);
        const ulong origin = (ulong)(first_image + image) * out_height * out_width; /* the image's first place */
        float sum = origin < from ? gx[t] : 0.0f;
        for (uint i = first_place(row, kernel_height, stride); i <= last_i; i++) {
            for (uint j = first_place(column, kernel_width, stride); j <= last_j; j++) {
                const ulong r = origin + (ulong)i * out_width + j - from; /* before the tile: very large */
                const uint tap = (row - i * stride) * kernel_width + column - j * stride;
                if (r < rows) { sum += v[r * depth + (size_t)tap * channels + value.y]; }
            }
        }
        gx[t] = sum;
    }
}
