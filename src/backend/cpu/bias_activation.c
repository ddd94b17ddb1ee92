/* x[i][j] = activation(x[i][j] + bias[j]), and the way back, told from the result. */
#include "backend/cpu/level.h"

#include <assert.h>

#include "backend/cpu/activation.h"
#include "backend/cpu/lines.h"

#define CHUNK ((size_t)16384) /* elements of one chunk, about */

static void activate_line(float *restrict x, const float *bias, size_t width, pt_activation activation)
{
    switch (activation) {
    case PT_LINEAR:
        for (size_t j = 0; j < width; j++) { x[j] = x[j] + bias[j]; }
        return;
    case PT_RELU:
        for (size_t j = 0; j < width; j++) { x[j] = relu(x[j] + bias[j]); }
        return;
    case PT_ELU:
        for (size_t j = 0; j < width; j++) { x[j] = elu(x[j] + bias[j]); }
        return;
    case PT_TANH:
        for (size_t j = 0; j < width; j++) { x[j] = tangent(x[j] + bias[j]); }
        return;
    case PT_SIGMOID:
        for (size_t j = 0; j < width; j++) { x[j] = sigmoid(x[j] + bias[j]); }
        return;
    }
    assert(activation <= PT_SIGMOID); /* there are no others */
}

ptsne_status cpu_bias_activation(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *bias,
                                 pt_activation activation, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t rows = CHUNK / d + 1, chunks = pt_ceil_div(n, rows);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * rows < n ? (c + 1) * rows : n;
        for (size_t first = 0; first < d; first += LINE) {
            const lines l = lines_of(d, first);
            float repeated[LINE];
            line_repeat(&l, pt_cpu_floats(bias), repeated);
            for (size_t i = c * rows; i < end; i += l.together) {
                activate_line(pt_cpu_floats(x) + i * d + first, repeated, line_width(&l, end - i), activation);
            }
        }
    }
    return PTSNE_OK;
}

static void scale(const float *y, float *restrict g, size_t count, pt_activation activation)
{
    switch (activation) {
    case PT_LINEAR:
        return;
    case PT_RELU:
        for (size_t t = 0; t < count; t++) { g[t] = y[t] > 0.0f ? g[t] : 0.0f; }
        return;
    case PT_ELU:
        for (size_t t = 0; t < count; t++) { g[t] = g[t] * (y[t] > 0.0f ? 1.0f : y[t] + 1.0f); }
        return;
    case PT_TANH:
        for (size_t t = 0; t < count; t++) { g[t] = g[t] * (1.0f - y[t] * y[t]); }
        return;
    case PT_SIGMOID:
        for (size_t t = 0; t < count; t++) { g[t] = g[t] * (y[t] * (1.0f - y[t])); }
        return;
    }
    assert(activation <= PT_SIGMOID); /* there are no others */
}

ptsne_status cpu_activation_gradient(pt_backend *be, const pt_buffer *y, size_t count, pt_activation activation,
                                     const pt_buffer *g, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t chunks = pt_ceil_div(count, CHUNK);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t at = c * CHUNK, left = count - at;
        scale(pt_cpu_floats(y) + at, pt_cpu_floats(g) + at, left < CHUNK ? left : CHUNK, activation);
    }
    return PTSNE_OK;
}
