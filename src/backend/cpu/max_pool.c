/* The largest value of each channel in each place of a window, and the way back to where it was. */
#include "backend/cpu/level.h"

#include <string.h>

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
                const int larger = !(value <= before) & (before == before);
                y[c] = larger ? value : before;
                which[c] = larger ? (uint32_t)(at + c) : which[c];
            }
        }
    }
}

ptsne_status cpu_max_pool(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, const pt_buffer *y,
                          const pt_buffer *which, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const pt_window w = *window;
    const size_t values = w.height * w.width * w.channels, out = w.out_height * w.out_width * w.channels;
    const size_t images = CHUNK / values + 1, chunks = (n + images - 1) / images;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t k = 0; k < chunks; k++) {
        const size_t end = (k + 1) * images < n ? (k + 1) * images : n;
        for (size_t i = k * images; i < end; i++) {
            const float *image = pt_cpu_floats(x) + i * values;
            float *to = pt_cpu_floats(y) + i * out;
            uint32_t *chosen = pt_cpu_words(which) + i * out;
            for (size_t row = 0; row < w.out_height; row++) {
                for (size_t column = 0; column < w.out_width; column++) {
                    pool_place(&w, image, (row * w.width + column) * w.stride * w.channels, to, chosen);
                    to += w.channels;
                    chosen += w.channels;
                }
            }
        }
    }
    return PTSNE_OK;
}

ptsne_status cpu_max_pool_gradient(pt_backend *be, const pt_window *window, const pt_buffer *g, const pt_buffer *which,
                                   size_t n, const pt_buffer *gx, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const pt_window w = *window;
    const size_t values = w.height * w.width * w.channels, out = w.out_height * w.out_width * w.channels;
    const size_t images = CHUNK / values + 1, chunks = (n + images - 1) / images;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t k = 0; k < chunks; k++) {
        const size_t end = (k + 1) * images < n ? (k + 1) * images : n;
        for (size_t i = k * images; i < end; i++) {
            const float *slope = pt_cpu_floats(g) + i * out;
            const uint32_t *chosen = pt_cpu_words(which) + i * out;
            float *to = pt_cpu_floats(gx) + i * values;
            memset(to, 0, values * sizeof *to);
            for (size_t t = 0; t < out; t++) { to[chosen[t]] += slope[t]; }
        }
    }
    return PTSNE_OK;
}
