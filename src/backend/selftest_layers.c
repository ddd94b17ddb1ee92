/* The self-test's trials of what networks are made of: layers, losses, optimisers. */
#include "backend/selftest_trial.h"

#include <math.h>

static void try_activations(trial *t)
{
    const pt_buffer *bias = put_random(t, 7, -1.0f, 1.0f);
    for (int activation = PT_LINEAR; activation <= PT_SIGMOID; activation++) {
        const size_t kept = t->n_buffers;
        const pt_buffer *x = put_random(t, 15 * 7, -2.0f, 2.0f), *g = put_random(t, 15 * 7, -1.0f, 1.0f);
        if (t->status == PTSNE_OK) {
            t->status = pt_bias_activation(t->be, x, 15, 7, bias, (pt_activation)activation, t->err);
        }
        if (t->status == PTSNE_OK) {
            t->status = pt_activation_gradient(t->be, x, 15 * 7, (pt_activation)activation, g, t->err);
        }
        take(t, x, 15 * 7, false);
        take(t, g, 15 * 7, false);
        while (t->n_buffers > kept) { pt_buffer_destroy(t->be, &t->buffers[--t->n_buffers]); }
    }
}

static void try_dropout(trial *t)
{
    const pt_mask mask = {0.5f, 0x123456789abcdef0u, 0xfedcba9876543210u};
    const pt_buffer *x = put_random(t, 301, -1.0f, 1.0f);
    if (t->status == PTSNE_OK) { t->status = pt_dropout(t->be, x, 301, &mask, t->err); }
    take(t, x, 301, false);
}

static void try_sgd_step(trial *t)
{
    const pt_buffer *w = put_random(t, 301, -1.0f, 1.0f), *g = put_random(t, 301, -1.0f, 1.0f);
    const pt_buffer *v = put_random(t, 301, -1.0f, 1.0f);
    if (t->status == PTSNE_OK) { t->status = pt_sgd_step(t->be, w, g, v, 0.1f, 0.8f, t->err); }
    take(t, w, 301, false);
    take(t, v, 301, false);
}

static void try_adam_step(trial *t)
{
    const pt_adam adam = {0.1f, 0.9f, 0.999f, 1.0e-8f, 10.0f, 1000.0f};
    const pt_buffer *w = put_random(t, 301, -1.0f, 1.0f), *g = put_random(t, 301, -1.0f, 1.0f);
    const pt_buffer *m = put_random(t, 301, -1.0f, 1.0f), *v = put_random(t, 301, 0.0f, 1.0f);
    if (t->status == PTSNE_OK) { t->status = pt_adam_step(t->be, w, g, m, v, &adam, t->err); }
    take(t, w, 301, false);
    take(t, m, 301, false);
    take(t, v, 301, false);
}

/* The three ops on 3 images: places enough that weights' gradients come in slices, or few. */
static void convolutions(trial *t, const pt_window *w, size_t filters)
{
    enum { IMAGES = 3 };
    const size_t values = IMAGES * w->height * w->width * w->channels;
    const size_t results = IMAGES * w->out_height * w->out_width * filters;
    const size_t weights = filters * w->kernel_height * w->kernel_width * w->channels;
    const pt_buffer *x = put_random(t, values, -1.0f, 1.0f), *g = put_random(t, results, -1.0f, 1.0f);
    const pt_buffer *by = put_random(t, weights, -1.0f, 1.0f);
    const pt_buffer *y = put_constant(t, results, NAN), *gx = put_constant(t, values, NAN);
    const pt_buffer *gw = put_constant(t, weights, NAN);
    const pt_buffer *scratch = put_constant(t, pt_convolution_scratch(t->be, w, IMAGES, filters, true), NAN);
    ptsne_status *status = &t->status;
    if (*status == PTSNE_OK) { *status = pt_convolution(t->be, w, x, IMAGES, filters, by, scratch, y, t->err); }
    if (*status == PTSNE_OK) { *status = pt_convolution_inputs(t->be, w, g, IMAGES, filters, by, scratch, gx, t->err); }
    if (*status == PTSNE_OK) { *status = pt_convolution_weights(t->be, w, x, g, IMAGES, filters, scratch, gw, t->err); }
    take(t, y, results, false);
    take(t, gx, values, false);
    take(t, gw, weights, false);
}

static void try_convolution_same(trial *t)
{
    const pt_window window = {14, 13, 2, 3, 3, 1, 1, 1, 14, 13};
    convolutions(t, &window, 5);
}

static void try_convolution_strided(trial *t)
{
    const pt_window window = {9, 8, 3, 2, 3, 2, 0, 0, 4, 3};
    convolutions(t, &window, 6);
}

static void try_max_pool(trial *t)
{
    enum { IMAGES = 2, VALUES = IMAGES * 9 * 8 * 3, PLACES = IMAGES * 4 * 4 * 3 };
    const pt_window window = {9, 8, 3, 3, 2, 2, 0, 0, 4, 4}; /* windows overlap */
    const pt_buffer *x = put_random(t, VALUES, -1.0f, 1.0f), *g = put_random(t, PLACES, -1.0f, 1.0f);
    const pt_buffer *y = put_constant(t, PLACES, NAN), *which = put_constant(t, PLACES, NAN);
    const pt_buffer *gx = put_constant(t, VALUES, NAN);
    if (t->status == PTSNE_OK) { t->status = pt_max_pool(t->be, &window, x, IMAGES, y, which, t->err); }
    if (t->status == PTSNE_OK) { t->status = pt_max_pool_gradient(t->be, &window, g, which, IMAGES, gx, t->err); }
    take(t, y, PLACES, true);
    take(t, which, PLACES, true);
    take(t, gx, VALUES, false);
}

static void try_column_moments(trial *t)
{
    enum { ROWS = 301, COLUMNS = 19 };
    const pt_buffer *x = put_random(t, ROWS * COLUMNS, 99.0f, 101.0f);
    const pt_buffer *scratch = put_constant(t, pt_column_scratch(ROWS, COLUMNS), NAN);
    const pt_buffer *mean = put_constant(t, COLUMNS, NAN), *variance = put_constant(t, COLUMNS, NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_column_moments(t->be, x, ROWS, COLUMNS, scratch, mean, variance, t->err);
    }
    take(t, mean, COLUMNS, false);
    take(t, variance, COLUMNS, false);
}

static void try_normalize(trial *t)
{
    enum { COLUMNS = 19 };
    const pt_buffer *x = put_random(t, SIDE * COLUMNS, -1.0f, 1.0f), *mean = put_random(t, COLUMNS, -1.0f, 1.0f);
    const pt_buffer *variance = put_random(t, COLUMNS, 0.1f, 1.0f), *gain = put_random(t, COLUMNS, -1.0f, 1.0f);
    const pt_buffer *shift = put_random(t, COLUMNS, -1.0f, 1.0f), *y = put_constant(t, SIDE * COLUMNS, NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_normalize(t->be, x, SIDE, COLUMNS, mean, variance, gain, shift, 1.0e-3f, PT_ELU, y, t->err);
    }
    take(t, y, SIDE * COLUMNS, false);
}

static void try_normalize_gradient(trial *t)
{
    enum { ROWS = 301, COLUMNS = 19 };
    const pt_buffer *x = put_random(t, ROWS * COLUMNS, -1.0f, 1.0f), *g = put_random(t, ROWS * COLUMNS, -1.0f, 1.0f);
    const pt_buffer *mean = put_random(t, COLUMNS, -0.1f, 0.1f), *variance = put_random(t, COLUMNS, 0.1f, 1.0f);
    const pt_buffer *gain = put_random(t, COLUMNS, -1.0f, 1.0f);
    const pt_buffer *scratch = put_constant(t, pt_column_scratch(ROWS, COLUMNS), NAN);
    const pt_buffer *of_gain = put_constant(t, COLUMNS, NAN), *of_shift = put_constant(t, COLUMNS, NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_normalize_gradient(t->be, x, ROWS, COLUMNS, mean, variance, gain, 1.0e-3f, g, scratch, of_gain,
                                          of_shift, t->err);
    }
    take(t, g, ROWS * COLUMNS, false);
    take(t, of_gain, COLUMNS, false);
    take(t, of_shift, COLUMNS, false);
}

static void try_blend(trial *t)
{
    const pt_buffer *x = put_random(t, 301, -1.0f, 1.0f), *y = put_random(t, 301, -1.0f, 1.0f);
    const pt_buffer *plain = put_constant(t, 301, NAN);
    if (t->status == PTSNE_OK) { t->status = pt_blend(t->be, 0.25f, x, 0.75f, y, t->err); }
    if (t->status == PTSNE_OK) { t->status = pt_blend(t->be, -2.0f, x, 0.0f, plain, t->err); }
    take(t, y, 301, false);
    take(t, plain, 301, false);
}

static void try_anchors(trial *t)
{
    enum { ROWS = 13, ANCHORS = 70, D = 2 };
    const pt_buffer *z = put_random(t, ROWS * (ANCHORS + D), -3.0f, 3.0f), *a = put_random(t, ANCHORS * D, -9.0f, 9.0f);
    const pt_buffer *g = put_random(t, ROWS * D, -1.0f, 1.0f), *class_of = put_words(t, ROWS, ANCHORS);
    const pt_buffer *p = put_constant(t, ROWS * ANCHORS, NAN), *y = put_constant(t, ROWS * D, NAN);
    const pt_buffer *gz = put_constant(t, ROWS * (ANCHORS + D), NAN);
    if (t->status == PTSNE_OK) { t->status = pt_anchors(t->be, z, ROWS, ANCHORS, D, a, p, y, t->err); }
    if (t->status == PTSNE_OK) {
        t->status = pt_anchors_gradient(t->be, p, ROWS, ANCHORS, D, a, g, class_of, 0.5f, gz, t->err);
    }
    take(t, p, ROWS * ANCHORS, false);
    take(t, y, ROWS * D, false);
    take(t, gz, ROWS * (ANCHORS + D), false);
}

static void try_cross_entropy(trial *t)
{
    const pt_buffer *z = put_random(t, SIDE * 11, -3.0f, 3.0f), *class_of = put_words(t, SIDE, 11);
    const pt_buffer *scratch = put_constant(t, pt_loss_scratch(SIDE), NAN);
    const pt_buffer *loss = put_constant(t, 2, NAN), *gradient = put_constant(t, SIDE * 11, NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_cross_entropy(t->be, z, class_of, SIDE, 11, scratch, loss, gradient, t->err);
    }
    take(t, loss, 2, false);
    take(t, gradient, SIDE * 11, false);
}

static void try_errors(trial *t)
{
    enum { COLUMNS = 31 };
    const pt_buffer *y = put_random(t, SIDE * COLUMNS, -2.0f, 2.0f), *to = put_random(t, SIDE * COLUMNS, -2.0f, 2.0f);
    const pt_buffer *scratch = put_constant(t, pt_loss_scratch(SIDE * COLUMNS / 3), NAN);
    const pt_buffer *squared = put_constant(t, 1, NAN), *cauchy = put_constant(t, 1, NAN);
    const pt_buffer *gradient = put_constant(t, SIDE * COLUMNS, NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_squared_error(t->be, y, to, SIDE, COLUMNS, scratch, squared, gradient, t->err);
    }
    take(t, squared, 1, false);
    take(t, gradient, SIDE * COLUMNS, false);
    if (t->status == PTSNE_OK) {
        t->status = pt_cauchy_error(t->be, y, to, SIDE * COLUMNS / 3, 3, 0.5f, scratch, cauchy, gradient, t->err);
    }
    take(t, cauchy, 1, false);
    take(t, gradient, SIDE * COLUMNS / 3 * 3, false);
}

const trial_row pt_layer_trials[] = {
    {"bias_activation, activation_gradient", try_activations},
    {"dropout", try_dropout},
    {"convolution (same)", try_convolution_same},
    {"convolution (strided)", try_convolution_strided},
    {"max_pool", try_max_pool},
    {"column_moments", try_column_moments},
    {"normalize", try_normalize},
    {"normalize_gradient", try_normalize_gradient},
    {"blend", try_blend},
    {"anchors", try_anchors},
    {"cross_entropy", try_cross_entropy},
    {"squared_error, cauchy_error", try_errors},
    {"sgd_step", try_sgd_step},
    {"adam_step", try_adam_step},
};

const size_t pt_layer_trial_count = sizeof pt_layer_trials / sizeof pt_layer_trials[0];
