#include "network/net.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/random.h"
#include "base/sizes.h"
#include "network/streams.h"

static const char *const activation_names[] = {"linear", "relu", "elu", "tanh", "sigmoid"};

const char *pt_activation_name(pt_activation activation)
{
    assert((size_t)activation < sizeof activation_names / sizeof activation_names[0]);
    return activation_names[activation];
}

ptsne_status pt_activation_find(const char *name, pt_activation *activation, ptsne_error *err)
{
    for (size_t i = 0; i < sizeof activation_names / sizeof activation_names[0]; i++) {
        if (strcmp(name, activation_names[i]) == 0) {
            *activation = (pt_activation)i;
            return PTSNE_OK;
        }
    }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "no activation \"%.40s\": there are relu, elu, tanh and sigmoid", name);
}

/* ---- shapes ---- */

pt_shape pt_shape_columns(size_t columns)
{
    return (pt_shape){1, 1, columns};
}

size_t pt_shape_count(const pt_shape *shape)
{
    return shape->height * shape->width * shape->channels;
}

ptsne_status pt_shape_of_rows(const size_t input[3], size_t n_columns, pt_shape *shape, ptsne_error *err)
{
    *shape = pt_shape_columns(n_columns);
    if (input[0] == 0 && input[1] == 0 && input[2] == 0) { return PTSNE_OK; }
    const pt_limit limits[] = {
        {"input height", (double)input[0], 1, PT_NET_MAX_WIDTH, false},
        {"input width", (double)input[1], 1, PT_NET_MAX_WIDTH, false},
        {"input channels", (double)input[2], 1, PT_NET_MAX_WIDTH, false},
    };
    const ptsne_status status = pt_limits_check(limits, 3, err);
    if (status != PTSNE_OK) { return status; }
    if (n_columns % input[2] != 0 || n_columns / input[2] % input[1] != 0 ||
        n_columns / input[2] / input[1] != input[0]) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "images of %zu x %zu x %zu have %.0f values, the rows %zu", input[0],
                       input[1], input[2], (double)input[0] * (double)input[1] * (double)input[2], n_columns);
    }
    *shape = (pt_shape){input[0], input[1], input[2]};
    return PTSNE_OK;
}

static size_t rounded(size_t elements)
{
    return pt_round_up(elements, 16);
}

/* Whether a row of this shape has from 1 to PT_NET_MAX_WIDTH values; no product is taken that could overflow. */
static bool shape_fits(const pt_shape *shape)
{
    const size_t most = PT_NET_MAX_WIDTH;
    return shape->height > 0 && shape->width > 0 && shape->channels > 0 && shape->height <= most &&
           shape->width <= most / shape->height && shape->channels <= most / (shape->height * shape->width);
}

/* ---- making a net ---- */

/* Layers of this kind so far, for the name of the next. */
static size_t kind_count(const pt_net *net, pt_layer_kind kind)
{
    size_t count = 0;
    for (size_t l = 0; l < net->n_layers; l++) { count += net->layers[l].kind == kind; }
    return count;
}

/* Place for `count` more parameters. */
static size_t parameters_take(pt_net *net, size_t count)
{
    const size_t place = net->n_parameters;
    net->n_parameters += rounded(count); /* below 2^48 a layer: no overflow */
    return place;
}

/* Append what `made` says: kind, activation, out, window, rate and the sizes of its weight and bias. */
static ptsne_status layer_append(pt_net *net, const pt_layer *made, ptsne_error *err)
{
    static const char *const names[] = {"dense", "conv", "pool", "norm", "drop", "anchors", "shift"};
    if (net->n_layers == PT_NET_MAX_LAYERS) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "a network has at most %zu layers", PT_NET_MAX_LAYERS);
    }
    const pt_shape in = pt_net_result(net), *out = &made->out;
    if (!shape_fits(&in) || !shape_fits(out)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "a layer from %zux%zux%zu to %zux%zux%zu values: a row may have 1 to %zu", in.height, in.width,
                       in.channels, out->height, out->width, out->channels, PT_NET_MAX_WIDTH);
    }
    pt_layer *layer = &net->layers[net->n_layers];
    *layer = *made;
    layer->in = in;
    layer->n_in = pt_shape_count(&in);
    layer->n_out = pt_shape_count(out);
    layer->weight = parameters_take(net, layer->n_weight);
    layer->bias = parameters_take(net, layer->n_bias);
    const size_t statistics = layer->kind == PT_NORM ? in.channels : 0;
    layer->mean = parameters_take(net, statistics);
    layer->variance = parameters_take(net, statistics);
    snprintf(layer->name, sizeof layer->name, "%s%zu", names[layer->kind], kind_count(net, layer->kind) + 1);
    net->n_layers++;
    return PTSNE_OK;
}

ptsne_status pt_net_append(pt_net *net, size_t n_out, pt_activation activation, ptsne_error *err)
{
    const pt_shape in = pt_net_result(net);
    const pt_layer made = {.kind = PT_DENSE,
                           .activation = activation,
                           .out = pt_shape_columns(n_out),
                           .n_weight = n_out > PT_NET_MAX_WIDTH ? 0 : pt_shape_count(&in) * n_out,
                           .n_bias = n_out};
    return layer_append(net, &made, err);
}

/* The window of a convolution or pooling on what the net makes so far. */
static ptsne_status window_make(const pt_net *net, const size_t kernel[2], size_t stride, bool same, pt_window *window,
                                ptsne_error *err)
{
    const pt_shape in = pt_net_result(net);
    const size_t sides[] = {in.height, in.width};
    size_t out[2], pad[2] = {0, 0};
    if (in.height * in.width == 1) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "needs an image, but has %zu columns before it", in.channels);
    }
    for (size_t a = 0; a < 2; a++) {
        if (kernel[a] == 0 || kernel[a] > PT_NET_MAX_WIDTH || stride == 0 || stride > PT_NET_MAX_WIDTH) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "a window of %zux%zu, stride %zu: from 1 to %zu", kernel[0],
                           kernel[1], stride, PT_NET_MAX_WIDTH);
        }
        if (!same && kernel[a] > sides[a]) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "a window of %zux%zu is larger than the image of %zux%zu before it",
                           kernel[0], kernel[1], in.height, in.width);
        }
        out[a] = same ? (sides[a] + stride - 1) / stride : (sides[a] - kernel[a]) / stride + 1;
        const size_t span = (out[a] - 1) * stride + kernel[a];
        if (same && span > sides[a]) { pad[a] = (span - sides[a]) / 2; }
    }
    *window = (pt_window){
        .height = in.height,
        .width = in.width,
        .channels = in.channels,
        .kernel_height = kernel[0],
        .kernel_width = kernel[1],
        .stride = stride,
        .pad_top = pad[0],
        .pad_left = pad[1],
        .out_height = out[0],
        .out_width = out[1],
    };
    return PTSNE_OK;
}

ptsne_status pt_net_append_convolution(pt_net *net, size_t filters, const size_t kernel[2], size_t stride, bool same,
                                       pt_activation activation, ptsne_error *err)
{
    pt_layer made = {.kind = PT_CONVOLUTION, .activation = activation, .same = same};
    const ptsne_status status = window_make(net, kernel, stride, same, &made.window, err);
    if (status != PTSNE_OK) { return status; }
    const pt_shape patch = {kernel[0], kernel[1], made.window.channels};
    if (!shape_fits(&patch) || filters > PT_NET_MAX_WIDTH) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu filters of %zux%zux%zu: at most %zu of at most %zu values",
                       filters, kernel[0], kernel[1], made.window.channels, PT_NET_MAX_WIDTH, PT_NET_MAX_WIDTH);
    }
    made.out = (pt_shape){made.window.out_height, made.window.out_width, filters};
    made.n_weight = filters * pt_shape_count(&patch);
    made.n_bias = filters;
    return layer_append(net, &made, err);
}

ptsne_status pt_net_append_pool(pt_net *net, const size_t kernel[2], size_t stride, ptsne_error *err)
{
    pt_layer made = {.kind = PT_POOL};
    const ptsne_status status = window_make(net, kernel, stride, false, &made.window, err);
    if (status != PTSNE_OK) { return status; }
    made.out = (pt_shape){made.window.out_height, made.window.out_width, made.window.channels};
    return layer_append(net, &made, err);
}

ptsne_status pt_net_append_norm(pt_net *net, pt_activation activation, ptsne_error *err)
{
    const pt_shape in = pt_net_result(net);
    const pt_layer made = {
        .kind = PT_NORM, .activation = activation, .out = in, .n_weight = in.channels, .n_bias = in.channels};
    return layer_append(net, &made, err);
}

ptsne_status pt_net_append_drop(pt_net *net, float rate, ptsne_error *err)
{
    if (!(rate >= 0.0f && rate < 1.0f)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "a dropout of %g: from 0 to below 1", (double)rate);
    }
    const pt_layer made = {.kind = PT_DROP, .out = pt_net_result(net), .rate = rate};
    return layer_append(net, &made, err);
}

ptsne_status pt_net_append_places(pt_net *net, size_t k, size_t d, ptsne_error *err)
{
    const pt_shape in = pt_net_result(net);
    if (k < 1 || d < 2 || d > 3 || k > PT_NET_MAX_WIDTH || pt_shape_count(&in) != k + d) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu anchors in %zu dimensions on %zu values: 2 or 3, on their sum", k,
                       d, pt_shape_count(&in));
    }
    const pt_layer made = {.kind = PT_ANCHORS, .out = pt_shape_columns(d), .n_weight = k * d};
    return layer_append(net, &made, err);
}

ptsne_status pt_net_append_anchors(pt_net *net, size_t k, size_t d, ptsne_error *err)
{
    const ptsne_status status =
        pt_net_append(net, k > PT_NET_MAX_WIDTH ? 0 : k + d, PT_LINEAR, err); /* 0 columns are refused */
    return status == PTSNE_OK ? pt_net_append_places(net, k, d, err) : status;
}

ptsne_status pt_net_append_shift(pt_net *net, ptsne_error *err)
{
    const pt_shape in = pt_net_result(net);
    const pt_layer made = {.kind = PT_SHIFT, .out = in, .n_bias = shape_fits(&in) ? pt_shape_count(&in) : 0};
    return layer_append(net, &made, err);
}

ptsne_status pt_net_append_like(pt_net *net, const pt_layer *like, ptsne_error *err)
{
    return layer_append(net, like, err);
}

/* ---- asking ---- */

size_t pt_net_inputs(const pt_net *net)
{
    return pt_shape_count(&net->input);
}

size_t pt_net_outputs(const pt_net *net)
{
    const pt_shape result = pt_net_result(net);
    return pt_shape_count(&result);
}

pt_shape pt_net_result(const pt_net *net)
{
    return net->n_layers == 0 ? net->input : net->layers[net->n_layers - 1].out;
}

const pt_layer *pt_net_find(const pt_net *net, const char *name)
{
    for (size_t l = 0; l < net->n_layers; l++) {
        if (strcmp(net->layers[l].name, name) == 0) { return &net->layers[l]; }
    }
    return NULL;
}

size_t pt_layer_parameters(const pt_layer *layer)
{
    return layer->n_weight + layer->n_bias + (layer->kind == PT_NORM ? 2 * layer->in.channels : 0);
}

bool pt_layer_learns(const pt_layer *layer)
{
    return layer->kind != PT_SHIFT && layer->n_weight + layer->n_bias > 0;
}

size_t pt_layer_anchors(const pt_layer *layer)
{
    return layer->n_in - layer->n_out;
}

/* ---- starting values ---- */

/* Values that a result of the layer is summed from, and results that a value goes into. */
static double fan_in(const pt_layer *layer)
{
    return (double)layer->n_weight / (double)layer->n_bias;
}

static double fan_out(const pt_layer *layer)
{
    const pt_window *window = &layer->window;
    const double places =
        layer->kind == PT_CONVOLUTION ? (double)window->kernel_height * (double)window->kernel_width : 1.0;
    return places * (double)layer->n_bias;
}

/* Variance of the starting weights of layer l, dense or a convolution. */
static double start_variance(const pt_net *net, size_t l)
{
    const pt_layer *layer = &net->layers[l];
    const bool last = l + 1 == net->n_layers || layer[1].kind == PT_ANCHORS;
    const bool normed = !last && layer->activation == PT_LINEAR && layer[1].kind == PT_NORM;
    switch (normed ? layer[1].activation : layer->activation) {
    case PT_RELU:
    case PT_ELU:
        return 2.0 / fan_in(layer);
    case PT_TANH:
    case PT_SIGMOID:
        return 2.0 / (fan_in(layer) + fan_out(layer));
    case PT_LINEAR:
        break;
    }
    return (last ? 0.01 : 1.0) / fan_in(layer);
}

void pt_net_start(const pt_net *net, uint64_t seed, float *parameters)
{
    memset(parameters, 0, net->n_parameters * sizeof *parameters);
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        if (layer->kind == PT_NORM) {
            for (size_t c = 0; c < layer->in.channels; c++) {
                parameters[layer->weight + c] = 1.0f;
                parameters[layer->variance + c] = 1.0f;
            }
        }
        if (layer->kind != PT_DENSE && layer->kind != PT_CONVOLUTION) { continue; }
        const float deviation = (float)sqrt(start_variance(net, l));
        pt_random random = {.seed = seed, .stream = pt_stream(PT_FOR_WEIGHTS, l)};
        for (size_t i = 0; i < layer->n_weight; i++) {
            parameters[layer->weight + i] = deviation * pt_random_normal(&random);
        }
    }
}

/* ---- work ---- */

static double layer_flop(const pt_layer *layer)
{
    if (layer->kind == PT_ANCHORS) { return 2.0 * (double)layer->n_weight; }
    if (layer->kind != PT_DENSE && layer->kind != PT_CONVOLUTION) { return 0.0; }
    return 2.0 * (double)layer->n_weight * (double)layer->out.height * (double)layer->out.width;
}

double pt_net_forward_flop(const pt_net *net)
{
    double flop = 0.0;
    for (size_t l = 0; l < net->n_layers; l++) { flop += layer_flop(&net->layers[l]); }
    return flop;
}

double pt_net_training_flop(const pt_net *net)
{
    /* backward: weights' gradients cost what forward cost, inputs' gradients too, but for the first layer that learns */
    size_t first = 0;
    while (first + 1 < net->n_layers && !pt_layer_learns(&net->layers[first])) { first++; }
    return 3.0 * pt_net_forward_flop(net) - layer_flop(&net->layers[first]);
}
