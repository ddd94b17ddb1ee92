/* Images at another size: separable Catmull-Rom, stretched over all source pixels where they get smaller (Keys, Cubic
 * convolution interpolation for digital image processing, 1981). At the same size nothing changes. */
#ifndef PT_RENDER_RESAMPLE_H
#define PT_RENDER_RESAMPLE_H

#include <stddef.h>

#include "base/error.h"

/* One axis: out[k] = the sum over j of weights[k][j] * in[first[k] + j]. */
typedef struct pt_axis {
    size_t in, out; /* pixels */
    size_t taps;    /* weights of each out pixel */
    size_t *first;  /* out */
    float *weights; /* out x taps, each row sums to 1 */
} pt_axis;

typedef struct pt_resampler {
    pt_axis x, y;
    size_t channels;
} pt_resampler;

ptsne_status pt_resampler_create(size_t width, size_t height, size_t channels, size_t out_width, size_t out_height,
                                 pt_resampler *resampler, ptsne_error *err);
void pt_resampler_destroy(pt_resampler *resampler);

/* Floats of the scratch that pt_resample wants. */
size_t pt_resampler_scratch(const pt_resampler *resampler);

/* image: height x width x channels; out: out_height x out_width x channels, clipped to 0 .. 1. */
void pt_resample(const pt_resampler *resampler, const float *image, float *scratch, float *out);

#endif
