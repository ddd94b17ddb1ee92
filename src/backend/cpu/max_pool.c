/* The largest value of each channel in each place of a window, and the way back to where it was. */
#include "backend/cpu/level.h"

#include <string.h>

#include "backend/cpu/lanes.h"

#define CHUNK ((size_t)32768) /* values of one chunk of images, about */

/* One place: `image` begins at the image, `corner` at the number of its first value. NaN is larger than all; the first of equal
 * ones stays. */
static inline void pool_place(const pt_window *w, const float *image, size_t corner, float *restrict y,
                              uint32_t *restrict which)
{
    const size_t channels = w->channels;
    for (size_t c = 0; c < channels; c++) {
        y[c] = image[corner + c];
        which[c] = (uint32_t)(corner + c);
    }
    for (size_t i = 0; i < w->kernel_height; i++) {
        for (size_t j = i == 0; j < w->kernel_width; j++) {
            const size_t at = corner + (i * w->width + j) * channels;
            for (size_t c = 0; c < channels; c++) {
                const float value = image[at + c], before = y[c];
                const bool larger = !(value <= before) && before == before;
                y[c] = larger ? value : before;
                which[c] = larger ? (uint32_t)(at + c) : which[c];
            }
        }
    }
}

/* The same for the LANES channels from c on, all in registers: at 20 channels a quarter of the time. */
static inline void pool_lanes(const pt_window *w, const float *image, size_t corner, size_t c, float *y,
                              uint32_t *which)
{
    lanes best = lanes_load(image + corner + c);
    lanes_words number;
    for (size_t l = 0; l < LANES; l++) { number[l] = (int32_t)(uint32_t)(c + l); }
    lanes_words chosen = number + (int32_t)(uint32_t)corner;
    for (size_t i = 0; i < w->kernel_height; i++) {
        for (size_t j = 0; j < w->kernel_width; j++) {
            const size_t at = corner + (i * w->width + j) * w->channels;
            const lanes value = lanes_load(image + at + c);
            const lanes_words larger = ~(value <= best) & (best == best);
            best = (lanes)lanes_choose(larger, (lanes_words)value, (lanes_words)best);
            chosen = lanes_choose(larger, number + (int32_t)(uint32_t)at, chosen);
        }
    }
    lanes_store(y + c, best);
    lanes_store_words(which + c, chosen);
}

/* Vectors of channels, the last one over some that were there before. */
static inline void pool_channels(const pt_window *w, const float *image, size_t corner, float *y, uint32_t *which)
{
    if (w->channels < LANES) {
        pool_place(w, image, corner, y, which);
        return;
    }
    for (size_t c = 0; c < w->channels; c += LANES) {
        pool_lanes(w, image, corner, w->channels - c < LANES ? w->channels - LANES : c, y, which);
    }
}

ptsne_status cpu_max_pool(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, const pt_buffer *y,
                          const pt_buffer *which, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const pt_window w = *window;
    const size_t values = w.height * w.width * w.channels, out = w.out_height * w.out_width * w.channels;
    const size_t images = CHUNK / values + 1, chunks = pt_ceil_div(n, images);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t k = 0; k < chunks; k++) {
        const size_t end = (k + 1) * images < n ? (k + 1) * images : n;
        for (size_t i = k * images; i < end; i++) {
            const float *image = pt_cpu_floats(x) + i * values;
            float *to = pt_cpu_floats(y) + i * out;
            uint32_t *chosen = pt_cpu_words(which) + i * out;
            for (size_t row = 0; row < w.out_height; row++) {
                for (size_t column = 0; column < w.out_width; column++) {
                    pool_channels(&w, image, (row * w.width + column) * w.stride * w.channels, to, chosen);
                    to += w.channels;
                    chosen += w.channels;
                }
            }
        }
    }
    return PTSNE_OK;
}

/* Where the windows tile the image, all of it, each value has one place: to[at] = which == at ? g : 0. */
static bool tiles(const pt_window *w)
{
    return w->kernel_height == w->stride && w->kernel_width == w->stride && w->out_height * w->stride == w->height &&
           w->out_width * w->stride == w->width && w->channels >= LANES;
}

static inline void spread_lanes(const pt_window *w, size_t corner, size_t c, const float *g, const uint32_t *which,
                                float *to)
{
    const lanes_words slope = (lanes_words)lanes_load(g + c), chosen = lanes_load_words(which + c);
    lanes_words number;
    for (size_t l = 0; l < LANES; l++) { number[l] = (int32_t)(uint32_t)(c + l); }
    for (size_t i = 0; i < w->kernel_height; i++) {
        for (size_t j = 0; j < w->kernel_width; j++) {
            const size_t at = corner + (i * w->width + j) * w->channels;
            const lanes_words own = chosen == number + (int32_t)(uint32_t)at;
            lanes_store(to + at + c, (lanes)(own & slope));
        }
    }
}

/* One image; g, which out_height x out_width x channels. */
static void spread_image(const pt_window *w, const float *g, const uint32_t *which, float *to)
{
    for (size_t row = 0; row < w->out_height; row++) {
        for (size_t column = 0; column < w->out_width; column++) {
            const size_t corner = (row * w->width + column) * w->stride * w->channels;
            for (size_t c = 0; c < w->channels; c += LANES) {
                spread_lanes(w, corner, w->channels - c < LANES ? w->channels - LANES : c, g, which, to);
            }
            g += w->channels;
            which += w->channels;
        }
    }
}

ptsne_status cpu_max_pool_gradient(pt_backend *be, const pt_window *window, const pt_buffer *g, const pt_buffer *which,
                                   size_t n, const pt_buffer *gx, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const pt_window w = *window;
    const bool whole = tiles(&w);
    const size_t values = w.height * w.width * w.channels, out = w.out_height * w.out_width * w.channels;
    const size_t images = CHUNK / values + 1, chunks = pt_ceil_div(n, images);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t k = 0; k < chunks; k++) {
        const size_t end = (k + 1) * images < n ? (k + 1) * images : n;
        for (size_t i = k * images; i < end; i++) {
            const float *slope = pt_cpu_floats(g) + i * out;
            const uint32_t *chosen = pt_cpu_words(which) + i * out;
            float *to = pt_cpu_floats(gx) + i * values;
            if (whole) {
                spread_image(&w, slope, chosen, to);
                continue;
            }
            memset(to, 0, values * sizeof *to);
            for (size_t t = 0; t < out; t++) { to[chosen[t]] += slope[t]; }
        }
    }
    return PTSNE_OK;
}
