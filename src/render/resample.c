#include "render/resample.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

static double catmull_rom(double x)
{
    x = fabs(x);
    if (x < 1.0) { return (1.5 * x - 2.5) * x * x + 1.0; }
    return x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
}

/* Weights beyond the image's edge go to the edge pixel. */
static ptsne_status axis_create(size_t in, size_t out, pt_axis *axis, ptsne_error *err)
{
    const double step = (double)in / (double)out, stretch = fmax(step, 1.0);
    const size_t wide = 2 * (size_t)ceil(2.0 * stretch) + 1;
    axis->in = in, axis->out = out;
    axis->taps = wide < in ? wide : in;
    axis->first = pt_array_zeroed(out, sizeof *axis->first);
    axis->weights = pt_array_zeroed(out * axis->taps, sizeof *axis->weights);
    if (axis->first == NULL || axis->weights == NULL) {
        return pt_fail_memory(err, "weights of an image's pixels", (double)(out * axis->taps * sizeof(float)));
    }
    for (size_t k = 0; k < out; k++) {
        const double centre = ((double)k + 0.5) * step - 0.5;
        const long most = (long)(in - axis->taps), middle = (long)floor(centre) - (long)(axis->taps / 2);
        const long first = middle < 0 ? 0 : middle > most ? most : middle;
        const long from = (long)ceil(centre - 2.0 * stretch), to = (long)floor(centre + 2.0 * stretch);
        float *weights = axis->weights + k * axis->taps;
        double sum = 0.0;
        for (long j = from; j <= to; j++) { sum += catmull_rom(((double)j - centre) / stretch); }
        for (long j = from; j <= to; j++) {
            const long inside = j < 0 ? 0 : j >= (long)in ? (long)in - 1 : j;
            const long tap = inside - first;
            if (tap < 0 || tap >= (long)axis->taps) { continue; }
            weights[tap] += (float)(catmull_rom(((double)j - centre) / stretch) / sum);
        }
        axis->first[k] = (size_t)first;
    }
    return PTSNE_OK;
}

static void axis_destroy(pt_axis *axis)
{
    free(axis->first);
    free(axis->weights);
}

ptsne_status pt_resampler_create(size_t width, size_t height, size_t channels, size_t out_width, size_t out_height,
                                 pt_resampler *resampler, ptsne_error *err)
{
    *resampler = (pt_resampler){.channels = channels};
    const ptsne_status status = axis_create(width, out_width, &resampler->x, err);
    return status == PTSNE_OK ? axis_create(height, out_height, &resampler->y, err) : status;
}

void pt_resampler_destroy(pt_resampler *resampler)
{
    axis_destroy(&resampler->x);
    axis_destroy(&resampler->y);
    *resampler = (pt_resampler){0};
}

size_t pt_resampler_scratch(const pt_resampler *resampler)
{
    return resampler->y.in * resampler->x.out * resampler->channels;
}

void pt_resample(const pt_resampler *resampler, const float *image, float *scratch, float *out)
{
    const pt_axis *x = &resampler->x, *y = &resampler->y;
    const size_t channels = resampler->channels, row = x->out * channels;
    for (size_t line = 0; line < y->in; line++) {
        const float *from = image + line * x->in * channels;
        for (size_t k = 0; k < row; k++) {
            const float *weights = x->weights + k / channels * x->taps;
            const float *at = from + x->first[k / channels] * channels + k % channels;
            float sum = 0.0f;
            for (size_t j = 0; j < x->taps; j++) { sum += weights[j] * at[j * channels]; }
            scratch[line * row + k] = sum;
        }
    }
    for (size_t line = 0; line < y->out; line++) {
        const float *weights = y->weights + line * y->taps;
        const float *from = scratch + y->first[line] * row;
        for (size_t k = 0; k < row; k++) {
            float sum = 0.0f;
            for (size_t j = 0; j < y->taps; j++) { sum += weights[j] * from[j * row + k]; }
            out[line * row + k] = fminf(fmaxf(sum, 0.0f), 1.0f);
        }
    }
}
