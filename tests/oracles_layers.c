#include "oracles_layers.h"

#include <math.h>

/* The number, among an image's values, of what place (row, column) sees at (i, j) of its kernel; SIZE_MAX: outside. */
static size_t seen(const pt_window *w, size_t row, size_t column, size_t i, size_t j)
{
    const size_t y = row * w->stride + i, x = column * w->stride + j;
    if (y < w->pad_top || y - w->pad_top >= w->height || x < w->pad_left || x - w->pad_left >= w->width) {
        return SIZE_MAX;
    }
    return ((y - w->pad_top) * w->width + (x - w->pad_left)) * w->channels;
}

/* What is done to every product of a convolution: the numbers of its value, its result and its weight. */
typedef void visit(void *state, size_t value, size_t result, size_t weight);

static void visit_all(const pt_window *w, size_t n, size_t filters, visit *at, void *state)
{
    const size_t values = w->height * w->width * w->channels, places = w->out_height * w->out_width;
    const size_t patch = w->kernel_height * w->kernel_width * w->channels;
    for (size_t place = 0; place < n * places; place++) {
        const size_t image = place / places, row = place % places / w->out_width, column = place % w->out_width;
        for (size_t t = 0; t < patch; t++) {
            const size_t i = t / (w->kernel_width * w->channels), j = t / w->channels % w->kernel_width;
            const size_t corner = seen(w, row, column, i, j);
            if (corner == SIZE_MAX) { continue; }
            for (size_t f = 0; f < filters; f++) {
                at(state, image * values + corner + t % w->channels, place * filters + f, f * patch + t);
            }
        }
    }
}

typedef struct sums {
    const float *a, *b;
    double *to, *terms;
} sums;

static void add(const sums *s, size_t a, size_t b, size_t to)
{
    const double term = (double)s->a[a] * (double)s->b[b];
    s->to[to] += term;
    s->terms[to] += fabs(term);
}

static void add_result(void *state, size_t value, size_t result, size_t weight)
{
    add(state, value, weight, result);
}

static void add_value(void *state, size_t value, size_t result, size_t weight)
{
    add(state, result, weight, value);
}

static void add_weight(void *state, size_t value, size_t result, size_t weight)
{
    add(state, value, result, weight);
}

static void clear(double *to, double *terms, size_t count)
{
    for (size_t t = 0; t < count; t++) { to[t] = terms[t] = 0.0; }
}

void oracle_convolution(const pt_window *w, const float *x, size_t n, size_t filters, const float *weights, double *y,
                        double *terms)
{
    clear(y, terms, n * w->out_height * w->out_width * filters);
    visit_all(w, n, filters, add_result, &(sums){x, weights, y, terms});
}

void oracle_convolution_inputs(const pt_window *w, const float *g, size_t n, size_t filters, const float *weights,
                               double *gx, double *terms)
{
    clear(gx, terms, n * w->height * w->width * w->channels);
    visit_all(w, n, filters, add_value, &(sums){g, weights, gx, terms});
}

void oracle_convolution_weights(const pt_window *w, const float *x, const float *g, size_t n, size_t filters,
                                double *gw, double *terms)
{
    clear(gw, terms, filters * w->kernel_height * w->kernel_width * w->channels);
    visit_all(w, n, filters, add_weight, &(sums){x, g, gw, terms});
}

uint32_t oracle_max_pool(const pt_window *w, const float *image, size_t row, size_t column, size_t channel)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < w->kernel_height; i++) {
        for (size_t j = 0; j < w->kernel_width; j++) {
            const size_t at = seen(w, row, column, i, j) + channel;
            if (best == SIZE_MAX || (!isnan(image[best]) && (isnan(image[at]) || image[at] > image[best]))) {
                best = at;
            }
        }
    }
    return (uint32_t)best;
}

double oracle_mean(const float *x, size_t n, size_t d, size_t j)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) { sum += (double)x[i * d + j]; }
    return sum / (double)n;
}

double oracle_variance(const float *x, size_t n, size_t d, size_t j)
{
    const double mean = oracle_mean(x, n, d, j);
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double off = (double)x[i * d + j] - mean;
        sum += off * off;
    }
    return sum / (double)n;
}

double oracle_softmax(const float *z, size_t k, double *p)
{
    double most = (double)z[0], sum = 0.0;
    for (size_t j = 1; j < k; j++) { most = fmax(most, (double)z[j]); }
    for (size_t j = 0; j < k; j++) { sum += exp((double)z[j] - most); }
    for (size_t j = 0; j < k; j++) { p[j] = exp((double)z[j] - most) / sum; }
    return most + log(sum);
}
