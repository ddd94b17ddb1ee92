/* The dispatch of the ops that networks are made of: layers, losses, optimisers. Shapes are checked here once for all backends. */
#include "backend/backend.h"
#include "backend/shapes.h"

/* ---- scratch ---- */

/* Two sums of float64, or of two floats each, for each column of each chunk, and room to align them. */
size_t pt_column_scratch(size_t n, size_t d)
{
    return 4 * pt_column_chunks(n) * d + 64;
}

/* The same for each chunk of rows. */
size_t pt_loss_scratch(size_t n)
{
    (void)n;
    return 4 * PT_MAP_CHUNKS + 64;
}

/* ---- dense layers ---- */

ptsne_status pt_bias_activation(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *bias,
                                pt_activation activation, ptsne_error *err)
{
    if (!side(n) || !side(d) || !holds(x, n, d) || bias->count < d) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "bias_activation: buffers of %zu and %zu elements for %zu x %zu",
                       x->count, bias->count, n, d);
    }
    return be->ops->bias_activation(be, x, n, d, bias, activation, err);
}

ptsne_status pt_activation_gradient(pt_backend *be, const pt_buffer *y, size_t count, pt_activation activation,
                                    const pt_buffer *g, ptsne_error *err)
{
    if (!side(count) || y->count < count || g->count < count) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "activation_gradient: buffers of %zu and %zu elements for %zu",
                       y->count, g->count, count);
    }
    return be->ops->activation_gradient(be, y, count, activation, g, err);
}

ptsne_status pt_dropout(pt_backend *be, const pt_buffer *x, size_t count, const pt_mask *mask, ptsne_error *err)
{
    if (!(mask->rate >= 0.0f) || !(mask->rate < 1.0f)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "dropout: rate %g is not in [0, 1)", (double)mask->rate);
    }
    if (!side(count) || x->count < count) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "dropout: a buffer of %zu elements for %zu", x->count, count);
    }
    return be->ops->dropout(be, x, count, mask, err);
}

/* ---- images ---- */

/* Sizes of a window: values of an image, places, values of a patch. */
typedef struct window_sizes {
    size_t values, places, patch;
} window_sizes;

/* The product of three sides; 0 where a device could not count it. */
static size_t volume(size_t a, size_t b, size_t c)
{
    if (!side(a) || !side(b) || !side(c) || a > MOST_SIDE / b || a * b > MOST_SIDE / c) { return 0; }
    return a * b * c;
}

/* Whether the last place along a side begins inside of the image, and the first one ends there. */
static bool sees(size_t size, size_t kernel, size_t stride, size_t pad, size_t places)
{
    return pad < kernel && places - 1 <= (size + pad - 1) / stride;
}

/* Whether a window makes sense; then its sizes. What its places see, borders included, has to be countable too. */
static bool window_is_good(const pt_window *w, window_sizes *sizes)
{
    sizes->values = volume(w->height, w->width, w->channels);
    sizes->places = volume(w->out_height, w->out_width, 1);
    sizes->patch = volume(w->kernel_height, w->kernel_width, w->channels);
    return sizes->values > 0 && sizes->places > 0 && sizes->patch > 0 && volume(w->stride, w->channels, 1) > 0 &&
           sees(w->height, w->kernel_height, w->stride, w->pad_top, w->out_height) &&
           sees(w->width, w->kernel_width, w->stride, w->pad_left, w->out_width) &&
           volume(w->height + 2 * w->kernel_height, w->width + 2 * w->kernel_width, w->channels) > 0;
}

/* Whether the pixels and the places of n images can be counted. */
static bool images_are_good(const pt_window *w, size_t n)
{
    return volume(n, w->height, w->width) > 0 && volume(n, w->out_height, w->out_width) > 0;
}

static ptsne_status window_refused(ptsne_error *err, const char *op, const pt_window *w)
{
    return pt_fail(err, PTSNE_ERR_ARGUMENT,
                   "%s: no window: images %zu x %zu x %zu, kernel %zu x %zu, stride %zu, padding %zu and %zu, "
                   "%zu x %zu places",
                   op, w->height, w->width, w->channels, w->kernel_height, w->kernel_width, w->stride, w->pad_top,
                   w->pad_left, w->out_height, w->out_width);
}

/* What the three ops of a convolution share: images and the gradient to them, results and theirs, weights and theirs; back: it is one
 * of the two on the way back. */
static ptsne_status check_convolution(const pt_backend *be, const char *op, bool back, const pt_window *window,
                                      const pt_buffer *images, size_t n, size_t filters, const pt_buffer *weights,
                                      const pt_buffer *scratch, const pt_buffer *results, ptsne_error *err)
{
    window_sizes sizes;
    if (!window_is_good(window, &sizes)) { return window_refused(err, op, window); }
    if (!images_are_good(window, n) || volume(filters, sizes.patch, 1) == 0 || !holds(images, n, sizes.values) ||
        !holds(weights, filters, sizes.patch) || !holds(results, n * sizes.places, filters) ||
        scratch->count < be->ops->convolution_scratch(be, window, n, filters, back)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "%s: buffers of %zu, %zu, %zu and %zu elements for %zu images of %zu values, %zu filters, "
                       "%zu places",
                       op, images->count, weights->count, scratch->count, results->count, n, sizes.values, filters,
                       sizes.places);
    }
    return PTSNE_OK;
}

size_t pt_convolution_scratch(const pt_backend *be, const pt_window *window, size_t n, size_t filters, bool training)
{
    window_sizes sizes;
    const bool good = window_is_good(window, &sizes) && images_are_good(window, n) && side(filters);
    return good ? be->ops->convolution_scratch(be, window, n, filters, training) : 0;
}

ptsne_status pt_convolution(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, size_t filters,
                            const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *y, ptsne_error *err)
{
    const ptsne_status status = check_convolution(be, "convolution", false, window, x, n, filters, w, scratch, y, err);
    return status != PTSNE_OK ? status : be->ops->convolution(be, window, x, n, filters, w, scratch, y, err);
}

ptsne_status pt_convolution_inputs(pt_backend *be, const pt_window *window, const pt_buffer *g, size_t n,
                                   size_t filters, const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *gx,
                                   ptsne_error *err)
{
    const ptsne_status status =
        check_convolution(be, "convolution_inputs", true, window, gx, n, filters, w, scratch, g, err);
    return status != PTSNE_OK ? status : be->ops->convolution_inputs(be, window, g, n, filters, w, scratch, gx, err);
}

ptsne_status pt_convolution_weights(pt_backend *be, const pt_window *window, const pt_buffer *x, const pt_buffer *g,
                                    size_t n, size_t filters, const pt_buffer *scratch, const pt_buffer *gw,
                                    ptsne_error *err)
{
    const ptsne_status status =
        check_convolution(be, "convolution_weights", true, window, x, n, filters, gw, scratch, g, err);
    return status != PTSNE_OK ? status : be->ops->convolution_weights(be, window, x, g, n, filters, scratch, gw, err);
}

/* Both ops of the pooling: images or their gradient, results or theirs. */
static ptsne_status check_pool(const char *op, const pt_window *w, const pt_buffer *images, size_t n,
                               const pt_buffer *results, const pt_buffer *which, ptsne_error *err)
{
    window_sizes sizes;
    if (!window_is_good(w, &sizes) || w->pad_top != 0 || w->pad_left != 0 || w->kernel_height > w->height ||
        w->kernel_width > w->width || w->out_height - 1 > (w->height - w->kernel_height) / w->stride ||
        w->out_width - 1 > (w->width - w->kernel_width) / w->stride) {
        return window_refused(err, op, w);
    }
    const size_t out = volume(w->out_height, w->out_width, w->channels);
    if (!images_are_good(w, n) || out == 0 || !holds(images, n, sizes.values) || !holds(results, n, out) ||
        !holds(which, n, out)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "%s: buffers of %zu, %zu and %zu elements for %zu images of %zu values and %zu places", op,
                       images->count, results->count, which->count, n, sizes.values, sizes.places);
    }
    return PTSNE_OK;
}

ptsne_status pt_max_pool(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, const pt_buffer *y,
                         const pt_buffer *which, ptsne_error *err)
{
    const ptsne_status status = check_pool("max_pool", window, x, n, y, which, err);
    return status != PTSNE_OK ? status : be->ops->max_pool(be, window, x, n, y, which, err);
}

ptsne_status pt_max_pool_gradient(pt_backend *be, const pt_window *window, const pt_buffer *g, const pt_buffer *which,
                                  size_t n, const pt_buffer *gx, ptsne_error *err)
{
    const ptsne_status status = check_pool("max_pool_gradient", window, gx, n, g, which, err);
    return status != PTSNE_OK ? status : be->ops->max_pool_gradient(be, window, g, which, n, gx, err);
}

/* ---- normalisation ---- */

ptsne_status pt_column_moments(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *scratch,
                               const pt_buffer *mean, const pt_buffer *variance, ptsne_error *err)
{
    if (!side(n) || !side(d) || !holds(x, n, d) || scratch->count < pt_column_scratch(n, d) || mean->count < d ||
        variance->count < d) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "column_moments: buffers of %zu, %zu, %zu and %zu elements for %zu x %zu", x->count,
                       scratch->count, mean->count, variance->count, n, d);
    }
    return be->ops->column_moments(be, x, n, d, scratch, mean, variance, err);
}

ptsne_status pt_normalize(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                          const pt_buffer *variance, const pt_buffer *gain, const pt_buffer *shift, float epsilon,
                          pt_activation activation, const pt_buffer *y, ptsne_error *err)
{
    if (!side(n) || !side(d) || !holds(x, n, d) || !holds(y, n, d) || mean->count < d || variance->count < d ||
        gain->count < d || shift->count < d) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "normalize: buffers of %zu, %zu, %zu, %zu, %zu and %zu elements for %zu x %zu", x->count,
                       y->count, mean->count, variance->count, gain->count, shift->count, n, d);
    }
    return be->ops->normalize(be, x, n, d, mean, variance, gain, shift, epsilon, activation, y, err);
}

ptsne_status pt_normalize_gradient(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                                   const pt_buffer *variance, const pt_buffer *gain, float epsilon, const pt_buffer *g,
                                   const pt_buffer *scratch, const pt_buffer *gain_gradient,
                                   const pt_buffer *shift_gradient, ptsne_error *err)
{
    if (!side(n) || !side(d) || !holds(x, n, d) || !holds(g, n, d) || mean->count < d || variance->count < d ||
        gain->count < d || scratch->count < pt_column_scratch(n, d) || gain_gradient->count < d ||
        shift_gradient->count < d) {
        return pt_fail(
            err, PTSNE_ERR_ARGUMENT,
            "normalize_gradient: buffers of %zu, %zu, %zu, %zu, %zu, %zu, %zu and %zu elements for %zu x %zu", x->count,
            g->count, mean->count, variance->count, gain->count, scratch->count, gain_gradient->count,
            shift_gradient->count, n, d);
    }
    return be->ops->normalize_gradient(be, x, n, d, mean, variance, gain, epsilon, g, scratch, gain_gradient,
                                       shift_gradient, err);
}

ptsne_status pt_blend(pt_backend *be, float alpha, const pt_buffer *x, float beta, const pt_buffer *y, ptsne_error *err)
{
    if (!side(y->count) || x->count < y->count) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "blend: buffers of %zu and %zu elements", x->count, y->count);
    }
    return be->ops->blend(be, alpha, x, beta, y, err);
}

/* ---- anchors ---- */

ptsne_status pt_anchors(pt_backend *be, const pt_buffer *z, size_t n, size_t k, size_t d, const pt_buffer *a,
                        const pt_buffer *p, const pt_buffer *y, ptsne_error *err)
{
    if (!side(n) || !side(k) || !map_columns(d) || !holds(z, n, k + d) || !holds(a, k, d) || !holds(p, n, k) ||
        !holds(y, n, d)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "anchors: buffers of %zu, %zu, %zu and %zu elements for n = %zu, k = %zu, d = %zu", z->count,
                       a->count, p->count, y->count, n, k, d);
    }
    return be->ops->anchors(be, z, n, k, d, a, p, y, err);
}

ptsne_status pt_anchors_gradient(pt_backend *be, const pt_buffer *p, size_t n, size_t k, size_t d, const pt_buffer *a,
                                 const pt_buffer *g, const pt_buffer *class_of, float weight, const pt_buffer *gz,
                                 ptsne_error *err)
{
    if (!side(n) || !side(k) || !map_columns(d) || !holds(p, n, k) || !holds(a, k, d) || !holds(g, n, d) ||
        !holds(gz, n, k + d) || (class_of != NULL && class_of->count < n)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "anchors_gradient: buffers of %zu, %zu, %zu and %zu elements for n = %zu, k = %zu, d = %zu",
                       p->count, a->count, g->count, gz->count, n, k, d);
    }
    return be->ops->anchors_gradient(be, p, n, k, d, a, g, class_of, weight, gz, err);
}

/* ---- losses ---- */

ptsne_status pt_cross_entropy(pt_backend *be, const pt_buffer *z, const pt_buffer *class_of, size_t n, size_t k,
                              const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                              ptsne_error *err)
{
    if (!side(n) || !side(k) || !holds(z, n, k) || class_of->count < n || scratch->count < pt_loss_scratch(n) ||
        loss->count < 2 || (gradient != NULL && !holds(gradient, n, k))) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "cross_entropy: buffers of %zu, %zu, %zu and %zu elements for %zu x %zu", z->count,
                       class_of->count, scratch->count, loss->count, n, k);
    }
    return be->ops->cross_entropy(be, z, class_of, n, k, scratch, loss, gradient, err);
}

/* What the two losses of n x d rows and their targets share. */
static ptsne_status check_error(const char *op, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                                const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                ptsne_error *err)
{
    if (!side(n) || !side(d) || !holds(y, n, d) || !holds(target, n, d) || scratch->count < pt_loss_scratch(n) ||
        loss->count < 1 || (gradient != NULL && !holds(gradient, n, d))) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: buffers of %zu, %zu, %zu and %zu elements for %zu x %zu", op,
                       y->count, target->count, scratch->count, loss->count, n, d);
    }
    return PTSNE_OK;
}

ptsne_status pt_squared_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                              const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                              ptsne_error *err)
{
    const ptsne_status status = check_error("squared_error", y, target, n, d, scratch, loss, gradient, err);
    return status != PTSNE_OK ? status : be->ops->squared_error(be, y, target, n, d, scratch, loss, gradient, err);
}

ptsne_status pt_cauchy_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d, float h,
                             const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                             ptsne_error *err)
{
    if (!map_columns(d) || !(h > 0.0f)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "cauchy_error: %zu columns, h = %g", d, (double)h);
    }
    const ptsne_status status = check_error("cauchy_error", y, target, n, d, scratch, loss, gradient, err);
    return status != PTSNE_OK ? status : be->ops->cauchy_error(be, y, target, n, d, h, scratch, loss, gradient, err);
}

/* ---- optimisers ---- */

ptsne_status pt_sgd_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *v,
                         float learning_rate, float momentum, ptsne_error *err)
{
    if (!side(w->count) || g->count < w->count || v->count < w->count) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "sgd_step: g and v of %zu and %zu elements for %zu weights", g->count,
                       v->count, w->count);
    }
    return be->ops->sgd_step(be, w, g, v, learning_rate, momentum, err);
}

ptsne_status pt_adam_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                          const pt_buffer *v, const pt_adam *adam, ptsne_error *err)
{
    if (!side(w->count) || g->count < w->count || m->count < w->count || v->count < w->count) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "adam_step: g, m and v of %zu, %zu and %zu elements for %zu weights",
                       g->count, m->count, v->count, w->count);
    }
    return be->ops->adam_step(be, w, g, m, v, adam, err);
}
