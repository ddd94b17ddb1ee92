#include "network/layers.h"

#include "network/streams.h"

#define BLOCK_ROWS  ((size_t)2048) /* of a block at most */
#define BLOCK_BYTES 201326592.0    /* that a block may take, its scratch included, down to LEAST_ROWS */
#define LEAST_ROWS  ((size_t)64)

/* ---- what dropout does to a layer ---- */

/* Whether the hidden rate is for the result of layer l. */
static bool is_hidden(const pt_net *net, size_t l)
{
    const pt_layer *layer = &net->layers[l];
    if (l + 1 == net->n_layers) { return false; }
    if (layer->kind == PT_NORM) { return l > 0 && layer[-1].kind == PT_DENSE; }
    return layer->kind == PT_DENSE && layer[1].kind != PT_NORM && layer[1].kind != PT_ANCHORS;
}

static bool is_dropped(const pt_net *net, size_t l, const pt_dropout_rates *dropout)
{
    return dropout != NULL && dropout->hidden > 0.0f && is_hidden(net, l);
}

/* Whether a layer's slope has to be told from values that dropout has not scaled. relu's is told by the sign alone. */
static bool keeps(const pt_net *net, size_t l, const pt_dropout_rates *dropout)
{
    const pt_activation activation = net->layers[l].activation;
    return is_dropped(net, l, dropout) && activation != PT_RELU && activation != PT_LINEAR;
}

/* What the gradient that comes into layer l from a dense layer is multiplied by: what dropout set to 0 has slope 0 under relu, so
 * there only its factor is left to do. 1 where the mask goes over the gradient. */
static float factor_of(const pt_net *net, size_t l, const pt_dropout_rates *dropout)
{
    const pt_layer *layer = &net->layers[l];
    const bool plain = layer->activation == PT_RELU && layer[1].kind == PT_DENSE;
    return is_dropped(net, l, dropout) && plain ? 1.0f / (1.0f - dropout->hidden) : 1.0f;
}

/* The mask of layer l's output; l = 0 is the input, as in outputs. */
static pt_mask mask_of(const pt_dropout_rates *dropout, float rate, size_t l)
{
    return (pt_mask){
        .rate = rate,
        .seed = dropout->seed,
        .stream = pt_stream(PT_FOR_DROPOUT, dropout->step * 32 + l),
    };
}

static ptsne_status drop(pt_backend *be, const pt_dropout_rates *dropout, float rate, size_t l, const pt_buffer *values,
                         ptsne_error *err)
{
    if (rate == 0.0f) { return PTSNE_OK; }
    const pt_mask mask = mask_of(dropout, rate, l);
    return pt_dropout(be, values, values->count, &mask, err);
}

/* ---- memory ---- */

/* Rows of channels that a row of this shape is. */
static size_t places(const pt_shape *shape)
{
    return shape->height * shape->width;
}

static size_t widest(const pt_net *net)
{
    size_t width = 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        if (net->layers[l].n_out > width) { width = net->layers[l].n_out; }
    }
    return width;
}

/* Elements of a layer's own buffer. */
static size_t own_count(const pt_layer *layer, size_t rows, bool training)
{
    switch (layer->kind) {
    case PT_POOL:
        return rows * layer->n_out;
    case PT_ANCHORS:
        return rows * pt_layer_anchors(layer);
    case PT_NORM:
        return training ? 2 * layer->in.channels : 0;
    case PT_DENSE:
    case PT_CONVOLUTION:
    case PT_DROP:
    case PT_SHIFT:
        break;
    }
    return 0;
}

/* Whether the layer changes nothing, and so has the result of the one before. */
static bool is_silent(const pt_layer *layer, bool training)
{
    return layer->kind == PT_DROP && !training;
}

/* Whether the gradient of its input takes the place of that of its result. */
static bool turns_in_place(const pt_layer *layer)
{
    return layer->kind == PT_NORM || layer->kind == PT_DROP || layer->kind == PT_SHIFT;
}

/* Elements of scratch that any layer wants. */
static size_t scratch_count(const pt_backend *be, const pt_net *net, size_t rows, bool training)
{
    size_t most = 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        size_t count = 0;
        if (layer->kind == PT_CONVOLUTION) {
            count = pt_convolution_scratch(be, &layer->window, rows, layer->out.channels, training);
        } else if (layer->kind == PT_NORM && training) {
            count = pt_column_scratch(rows * places(&layer->in), layer->in.channels);
        }
        if (count > most) { most = count; }
    }
    return most;
}

static ptsne_status layer_memory(pt_backend *be, size_t l, const pt_dropout_rates *dropout, pt_pass *pass,
                                 ptsne_error *err)
{
    const pt_layer *layer = &pass->net->layers[l];
    const size_t count = pass->rows * layer->n_out, own = own_count(layer, pass->rows, pass->training);
    if (layer->kind == PT_NORM && pass->training && pass->rows * places(&layer->in) < 2) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "batch normalisation learns from at least 2 rows at a time");
    }
    ptsne_status status = PTSNE_OK;
    if (is_silent(layer, pass->training)) {
        pass->outputs[l + 1] = pass->outputs[l];
    } else {
        status = pt_buffer_create(be, count, &pass->outputs[l + 1], err);
    }
    if (status == PTSNE_OK && own > 0) { status = pt_buffer_create(be, own, &pass->own[l], err); }
    if (status == PTSNE_OK && pass->training && keeps(pass->net, l, dropout)) {
        status = pt_buffer_create(be, count, &pass->kept[l], err);
    }
    return status;
}

ptsne_status pt_pass_create(pt_backend *be, const pt_net *net, size_t rows, bool training,
                            const pt_dropout_rates *dropout, pt_pass *pass, ptsne_error *err)
{
    *pass = (pt_pass){.net = net, .rows = rows, .training = training};
    const size_t scratch = scratch_count(be, net, rows, training);
    ptsne_status status = pt_buffer_create(be, rows * pt_net_inputs(net), &pass->outputs[0], err);
    for (size_t l = 0; l < net->n_layers && status == PTSNE_OK; l++) {
        status = layer_memory(be, l, dropout, pass, err);
    }
    for (size_t i = 0; i < 2 && training && status == PTSNE_OK; i++) {
        status = pt_buffer_create(be, rows * widest(net), &pass->gradients[i], err);
    }
    if (status == PTSNE_OK && scratch > 0) { status = pt_buffer_create(be, scratch, &pass->scratch, err); }
    for (size_t l = net->n_layers; l-- > 1;) {
        pass->turn[l - 1] = turns_in_place(&net->layers[l]) ? pass->turn[l] : !pass->turn[l];
    }
    if (status != PTSNE_OK) { pt_pass_destroy(be, pass); }
    return status;
}

void pt_pass_destroy(pt_backend *be, pt_pass *pass)
{
    for (size_t l = PT_NET_MAX_LAYERS; l > 0; l--) {
        const bool borrowed = pass->outputs[l].handle == pass->outputs[l - 1].handle;
        if (!borrowed) { pt_buffer_destroy(be, &pass->outputs[l]); }
        pt_buffer_destroy(be, &pass->kept[l - 1]);
        pt_buffer_destroy(be, &pass->own[l - 1]);
    }
    pt_buffer_destroy(be, &pass->outputs[0]);
    pt_buffer_destroy(be, &pass->gradients[0]);
    pt_buffer_destroy(be, &pass->gradients[1]);
    pt_buffer_destroy(be, &pass->scratch);
    *pass = (pt_pass){0};
}

/* Bytes that a row takes in a pass that does not train, scratch apart. */
static double row_bytes(const pt_net *net)
{
    double elements = (double)pt_net_inputs(net);
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        if (!is_silent(layer, false)) { elements += (double)layer->n_out + (double)own_count(layer, 1, false); }
    }
    return 4.0 * elements;
}

size_t pt_pass_block_rows(const pt_backend *be, const pt_net *net)
{
    size_t rows = BLOCK_ROWS;
    while (rows > LEAST_ROWS &&
           (double)rows * row_bytes(net) + 4.0 * (double)scratch_count(be, net, rows, false) > BLOCK_BYTES) {
        rows /= 2;
    }
    return rows;
}

/* ---- views ---- */

pt_buffer pt_pass_input(const pt_pass *pass)
{
    return pt_buffer_view(&pass->outputs[0], 0, pass->rows * pt_net_inputs(pass->net));
}

pt_buffer pt_pass_output(const pt_pass *pass, size_t layer)
{
    return pt_buffer_view(&pass->outputs[layer + 1], 0, pass->rows * pass->net->layers[layer].n_out);
}

pt_buffer pt_pass_map(const pt_pass *pass)
{
    return pt_pass_output(pass, pass->net->n_layers - 1);
}

/* What goes into layer l. */
static pt_buffer input_of(const pt_pass *pass, size_t l)
{
    return l == 0 ? pt_pass_input(pass) : pt_pass_output(pass, l - 1);
}

static pt_buffer kept_of(const pt_pass *pass, size_t l)
{
    return pt_buffer_view(&pass->kept[l], 0, pass->rows * pass->net->layers[l].n_out);
}

/* The gradient of layer l's output. */
static pt_buffer gradient_of(const pt_pass *pass, size_t l)
{
    return pt_buffer_view(&pass->gradients[pass->turn[l]], 0, pass->rows * pass->net->layers[l].n_out);
}

pt_buffer pt_pass_map_gradient(const pt_pass *pass)
{
    return gradient_of(pass, pass->net->n_layers - 1);
}

/* A layer's arrays among the parameters, or their gradients. */
static pt_buffer weight_of(const pt_buffer *parameters, const pt_layer *layer)
{
    return pt_buffer_view(parameters, layer->weight, layer->n_weight);
}

static pt_buffer bias_of(const pt_buffer *parameters, const pt_layer *layer)
{
    return pt_buffer_view(parameters, layer->bias, layer->n_bias);
}

/* The batch's mean and variance. */
static pt_buffer moment_of(const pt_pass *pass, size_t l, size_t which)
{
    const size_t channels = pass->net->layers[l].in.channels;
    return pt_buffer_view(&pass->own[l], which * channels, channels);
}

/* ---- forward, kind by kind: from x to y ---- */

static ptsne_status dense_forward(pt_backend *be, const pt_pass *pass, const pt_layer *layer,
                                  const pt_buffer *parameters, const pt_buffer *x, const pt_buffer *y, ptsne_error *err)
{
    const pt_buffer weight = weight_of(parameters, layer), bias = bias_of(parameters, layer);
    const pt_product_shape shape = {
        .transpose_b = true,
        .steady = !pass->training,
        .m = pass->rows,
        .n = layer->n_out,
        .k = layer->n_in,
        .alpha = 1.0f,
        .stride_a = layer->n_in,
        .stride_b = layer->n_in,
        .stride_c = layer->n_out,
    };
    const ptsne_status status = pt_product(be, &shape, x, &weight, y, err);
    if (status != PTSNE_OK) { return status; }
    return pt_bias_activation(be, y, pass->rows, layer->n_out, &bias, layer->activation, err);
}

static ptsne_status convolution_forward(pt_backend *be, const pt_pass *pass, const pt_layer *layer,
                                        const pt_buffer *parameters, const pt_buffer *x, const pt_buffer *y,
                                        ptsne_error *err)
{
    const pt_buffer weight = weight_of(parameters, layer), bias = bias_of(parameters, layer);
    const size_t filters = layer->out.channels;
    const ptsne_status status =
        pt_convolution(be, &layer->window, x, pass->rows, filters, &weight, &pass->scratch, y, err);
    if (status != PTSNE_OK) { return status; }
    return pt_bias_activation(be, y, pass->rows * places(&layer->out), filters, &bias, layer->activation, err);
}

/* The running statistics take a step towards the batch's. */
static ptsne_status statistics_move(pt_backend *be, const pt_layer *layer, size_t n, const pt_buffer *moments,
                                    const pt_buffer *parameters, ptsne_error *err)
{
    const size_t channels = layer->in.channels;
    const pt_buffer mean = pt_buffer_view(parameters, layer->mean, channels);
    const pt_buffer variance = pt_buffer_view(parameters, layer->variance, channels);
    const float unbiased = (float)((double)PT_NORM_MOMENTUM * (double)n / ((double)n - 1.0));
    ptsne_status status = pt_blend(be, PT_NORM_MOMENTUM, &moments[0], 1.0f - PT_NORM_MOMENTUM, &mean, err);
    if (status != PTSNE_OK) { return status; }
    return pt_blend(be, unbiased, &moments[1], 1.0f - PT_NORM_MOMENTUM, &variance, err);
}

static ptsne_status norm_forward(pt_backend *be, const pt_pass *pass, size_t l, const pt_buffer *parameters,
                                 const pt_buffer *x, const pt_buffer *y, ptsne_error *err)
{
    const pt_layer *layer = &pass->net->layers[l];
    const size_t n = pass->rows * places(&layer->in), channels = layer->in.channels;
    const pt_buffer gain = weight_of(parameters, layer), shift = bias_of(parameters, layer);
    pt_buffer moments[2] = {pt_buffer_view(parameters, layer->mean, channels),
                            pt_buffer_view(parameters, layer->variance, channels)};
    ptsne_status status = PTSNE_OK;
    if (pass->training) {
        for (size_t i = 0; i < 2; i++) { moments[i] = moment_of(pass, l, i); }
        status = pt_column_moments(be, x, n, channels, &pass->scratch, &moments[0], &moments[1], err);
        if (status == PTSNE_OK) { status = statistics_move(be, layer, n, moments, parameters, err); }
    }
    if (status != PTSNE_OK) { return status; }
    return pt_normalize(be, x, n, channels, &moments[0], &moments[1], &gain, &shift, PT_NORM_EPSILON, layer->activation,
                        y, err);
}

static ptsne_status drop_forward(pt_backend *be, const pt_pass *pass, size_t l, const pt_dropout_rates *dropout,
                                 const pt_buffer *x, const pt_buffer *y, ptsne_error *err)
{
    if (is_silent(&pass->net->layers[l], pass->training)) { return PTSNE_OK; }
    const ptsne_status status = pt_copy(be, x, y, err);
    if (status != PTSNE_OK || dropout == NULL) { return status; }
    return drop(be, dropout, pass->net->layers[l].rate, l + 1, y, err);
}

static ptsne_status shift_forward(pt_backend *be, const pt_pass *pass, const pt_layer *layer,
                                  const pt_buffer *parameters, const pt_buffer *x, const pt_buffer *y, ptsne_error *err)
{
    const pt_buffer bias = bias_of(parameters, layer);
    const ptsne_status status = pt_copy(be, x, y, err);
    return status == PTSNE_OK ? pt_bias_activation(be, y, pass->rows, layer->n_out, &bias, PT_LINEAR, err) : status;
}

static ptsne_status kind_forward(pt_backend *be, const pt_pass *pass, size_t l, const pt_buffer *parameters,
                                 const pt_dropout_rates *dropout, ptsne_error *err)
{
    const pt_layer *layer = &pass->net->layers[l];
    const pt_buffer x = input_of(pass, l), y = pt_pass_output(pass, l), weight = weight_of(parameters, layer);
    switch (layer->kind) {
    case PT_DENSE:
        break;
    case PT_CONVOLUTION:
        return convolution_forward(be, pass, layer, parameters, &x, &y, err);
    case PT_POOL:
        return pt_max_pool(be, &layer->window, &x, pass->rows, &y, &pass->own[l], err);
    case PT_NORM:
        return norm_forward(be, pass, l, parameters, &x, &y, err);
    case PT_DROP:
        return drop_forward(be, pass, l, dropout, &x, &y, err);
    case PT_ANCHORS:
        return pt_anchors(be, &x, pass->rows, pt_layer_anchors(layer), layer->n_out, &weight, &pass->own[l], &y, err);
    case PT_SHIFT:
        return shift_forward(be, pass, layer, parameters, &x, &y, err);
    }
    return dense_forward(be, pass, layer, parameters, &x, &y, err);
}

ptsne_status pt_pass_forward(pt_backend *be, const pt_pass *pass, const pt_buffer *parameters,
                             const pt_dropout_rates *dropout, ptsne_error *err)
{
    const pt_net *net = pass->net;
    const pt_buffer input = pt_pass_input(pass);
    ptsne_status status = dropout == NULL ? PTSNE_OK : drop(be, dropout, dropout->input, 0, &input, err);
    for (size_t l = 0; l < net->n_layers && status == PTSNE_OK; l++) {
        status = kind_forward(be, pass, l, parameters, dropout, err);
        if (status != PTSNE_OK || !is_dropped(net, l, dropout)) { continue; }
        const pt_buffer output = pt_pass_output(pass, l);
        if (pass->training && keeps(net, l, dropout)) {
            const pt_buffer kept = kept_of(pass, l);
            status = pt_copy(be, &output, &kept, err);
        }
        if (status == PTSNE_OK) { status = drop(be, dropout, dropout->hidden, l + 1, &output, err); }
    }
    return status;
}

/* ---- backward ---- */

/* dW of a dense layer, da of anchors: g' x. */
static ptsne_status transposed_product(pt_backend *be, size_t rows, size_t m, const pt_buffer *g, size_t n,
                                       const pt_buffer *x, const pt_buffer *to, ptsne_error *err)
{
    const pt_product_shape shape = {
        .transpose_a = true,
        .m = m,
        .n = n,
        .k = rows,
        .alpha = 1.0f,
        .stride_a = m,
        .stride_b = n,
        .stride_c = n,
    };
    return pt_product(be, &shape, g, x, to, err);
}

/* The gradients of layer l's parameters from g, that of what its activation sees. Of a norm g goes on to be that of its input. */
static ptsne_status parameters_backward(pt_backend *be, const pt_pass *pass, size_t l, const pt_buffer *parameters,
                                        const pt_buffer *g, const pt_buffer *gradient, ptsne_error *err)
{
    const pt_layer *layer = &pass->net->layers[l];
    const size_t rows = pass->rows, channels = layer->out.channels;
    const pt_buffer x = input_of(pass, l), gain = weight_of(parameters, layer);
    const pt_buffer weight = weight_of(gradient, layer), bias = bias_of(gradient, layer);
    ptsne_status status = PTSNE_OK;
    switch (layer->kind) {
    case PT_DENSE:
        status = transposed_product(be, rows, layer->n_out, g, layer->n_in, &x, &weight, err);
        return status == PTSNE_OK ? pt_column_sums(be, g, rows, layer->n_out, &bias, err) : status;
    case PT_CONVOLUTION:
        status = pt_convolution_weights(be, &layer->window, &x, g, rows, channels, &pass->scratch, &weight, err);
        return status == PTSNE_OK ? pt_column_sums(be, g, rows * places(&layer->out), channels, &bias, err) : status;
    case PT_NORM: {
        const pt_buffer mean = moment_of(pass, l, 0), variance = moment_of(pass, l, 1);
        return pt_normalize_gradient(be, &x, rows * places(&layer->in), channels, &mean, &variance, &gain,
                                     PT_NORM_EPSILON, g, &pass->scratch, &weight, &bias, err);
    }
    case PT_ANCHORS:
        return transposed_product(be, rows, pt_layer_anchors(layer), &pass->own[l], layer->n_out, g, &weight, err);
    case PT_POOL:
    case PT_DROP:
    case PT_SHIFT:
        break;
    }
    return PTSNE_OK;
}

static ptsne_status dense_inputs(pt_backend *be, const pt_pass *pass, size_t l, const pt_buffer *weight,
                                 const pt_dropout_rates *dropout, const pt_buffer *g, const pt_buffer *gx,
                                 ptsne_error *err)
{
    const pt_layer *layer = &pass->net->layers[l];
    const pt_product_shape shape = {
        .m = pass->rows,
        .n = layer->n_in,
        .k = layer->n_out,
        .alpha = factor_of(pass->net, l - 1, dropout),
        .stride_a = layer->n_out,
        .stride_b = layer->n_in,
        .stride_c = layer->n_in,
    };
    return pt_product(be, &shape, g, weight, gx, err);
}

/* From g to the gradient of the result of layer l - 1 as it came into layer l. */
static ptsne_status inputs_backward(pt_backend *be, const pt_pass *pass, size_t l, const pt_buffer *parameters,
                                    const pt_dropout_rates *dropout, const pt_buffer *g, ptsne_error *err)
{
    const pt_layer *layer = &pass->net->layers[l];
    const size_t rows = pass->rows;
    const pt_buffer weight = weight_of(parameters, layer), gx = gradient_of(pass, l - 1);
    switch (layer->kind) {
    case PT_DENSE:
        return dense_inputs(be, pass, l, &weight, dropout, g, &gx, err);
    case PT_CONVOLUTION:
        return pt_convolution_inputs(be, &layer->window, g, rows, layer->out.channels, &weight, &pass->scratch, &gx,
                                     err);
    case PT_POOL:
        return pt_max_pool_gradient(be, &layer->window, g, &pass->own[l], rows, &gx, err);
    case PT_DROP:
        return dropout == NULL ? PTSNE_OK : drop(be, dropout, layer->rate, l + 1, g, err);
    case PT_ANCHORS: {
        const bool told = pass->classes.handle != NULL;
        return pt_anchors_gradient(be, &pass->own[l], rows, pt_layer_anchors(layer), layer->n_out, &weight, g,
                                   told ? &pass->classes : NULL, told ? pass->class_weight : 0.0f, &gx, err);
    }
    case PT_NORM: /* g is it */
    case PT_SHIFT:
        break;
    }
    return PTSNE_OK;
}

/* From the gradient of layer l's result to that of what its activation saw, in place. */
static ptsne_status result_backward(pt_backend *be, const pt_pass *pass, size_t l, const pt_dropout_rates *dropout,
                                    ptsne_error *err)
{
    const pt_net *net = pass->net;
    const bool last = l + 1 == net->n_layers, kept = keeps(net, l, dropout);
    const float factor = last ? 1.0f : factor_of(net, l, dropout);
    const pt_buffer g = gradient_of(pass, l), output = pt_pass_output(pass, l);
    ptsne_status status = PTSNE_OK;
    if (pass->penalty != 0.0f && pass->penalized == l) {
        const float share = (float)(2.0 * (double)pass->penalty / (double)pass->rows * (double)factor);
        status = pt_blend(be, share, &output, 1.0f, &g, err);
    }
    if (status == PTSNE_OK && is_dropped(net, l, dropout) && factor == 1.0f) {
        status = drop(be, dropout, dropout->hidden, l + 1, &g, err);
    }
    if (status != PTSNE_OK || net->layers[l].activation == PT_LINEAR) { return status; }
    const pt_buffer from = kept ? kept_of(pass, l) : output;
    return pt_activation_gradient(be, &from, g.count, net->layers[l].activation, &g, err);
}

ptsne_status pt_pass_backward(pt_backend *be, const pt_pass *pass, const pt_buffer *parameters,
                              const pt_dropout_rates *dropout, const pt_buffer *gradient, ptsne_error *err)
{
    const pt_net *net = pass->net;
    size_t lowest = 0; /* below it nothing learns */
    while (lowest < net->n_layers && !pt_layer_learns(&net->layers[lowest])) { lowest++; }
    ptsne_status status = PTSNE_OK;
    for (size_t l = net->n_layers; l-- > lowest && status == PTSNE_OK;) {
        const pt_buffer g = gradient_of(pass, l);
        status = result_backward(be, pass, l, dropout, err);
        if (status == PTSNE_OK) { status = parameters_backward(be, pass, l, parameters, &g, gradient, err); }
        if (status == PTSNE_OK && l > lowest) { status = inputs_backward(be, pass, l, parameters, dropout, &g, err); }
    }
    return status;
}
