#include "network/layers.h"

#include "network/streams.h"

/* Whether a layer's slope has to be told from values that dropout has not scaled. relu's is told by the sign alone. */
static bool keeps(const pt_layer *layer, const pt_dropout_rates *dropout)
{
    return dropout != NULL && dropout->hidden > 0.0f && layer->activation != PT_RELU && layer->activation != PT_LINEAR;
}

static size_t widest(const pt_net *net)
{
    size_t width = 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        if (net->layers[l].n_out > width) { width = net->layers[l].n_out; }
    }
    return width;
}

ptsne_status pt_pass_create(pt_backend *be, const pt_net *net, size_t rows, bool training,
                            const pt_dropout_rates *dropout, pt_pass *pass, ptsne_error *err)
{
    *pass = (pt_pass){.net = net, .rows = rows, .training = training};
    ptsne_status status = pt_buffer_create(be, rows * pt_net_inputs(net), &pass->outputs[0], err);
    for (size_t l = 0; l < net->n_layers && status == PTSNE_OK; l++) {
        const size_t count = rows * net->layers[l].n_out;
        status = pt_buffer_create(be, count, &pass->outputs[l + 1], err);
        if (status == PTSNE_OK && training && keeps(&net->layers[l], dropout)) {
            status = pt_buffer_create(be, count, &pass->kept[l], err);
        }
    }
    for (size_t i = 0; i < 2 && training && status == PTSNE_OK; i++) {
        status = pt_buffer_create(be, rows * widest(net), &pass->gradients[i], err);
    }
    if (status != PTSNE_OK) { pt_pass_destroy(be, pass); }
    return status;
}

void pt_pass_destroy(pt_backend *be, pt_pass *pass)
{
    for (size_t l = 0; l < PT_NET_MAX_LAYERS; l++) {
        pt_buffer_destroy(be, &pass->outputs[l]);
        pt_buffer_destroy(be, &pass->kept[l]);
    }
    pt_buffer_destroy(be, &pass->outputs[PT_NET_MAX_LAYERS]);
    pt_buffer_destroy(be, &pass->gradients[0]);
    pt_buffer_destroy(be, &pass->gradients[1]);
    *pass = (pt_pass){0};
}

pt_buffer pt_pass_input(const pt_pass *pass)
{
    return pass->outputs[0];
}

pt_buffer pt_pass_map(const pt_pass *pass)
{
    return pass->outputs[pass->net->n_layers];
}

/* The gradient of layer l's output: the two buffers take turns. */
static pt_buffer gradient_of(const pt_pass *pass, size_t l)
{
    return pt_buffer_view(&pass->gradients[l % 2], 0, pass->rows * pass->net->layers[l].n_out);
}

pt_buffer pt_pass_map_gradient(const pt_pass *pass)
{
    return gradient_of(pass, pass->net->n_layers - 1);
}

/* The mask of layer l's output; l = 0 is the input, as in outputs. */
static pt_mask mask_of(const pt_dropout_rates *dropout, size_t l)
{
    return (pt_mask){
        .rate = l == 0 ? dropout->input : dropout->hidden,
        .seed = dropout->seed,
        .stream = pt_stream(PT_FOR_DROPOUT, dropout->step * 32 + l),
    };
}

static ptsne_status drop(pt_backend *be, const pt_dropout_rates *dropout, size_t l, const pt_buffer *values,
                         ptsne_error *err)
{
    if (dropout == NULL) { return PTSNE_OK; }
    const pt_mask mask = mask_of(dropout, l);
    return mask.rate > 0.0f ? pt_dropout(be, values, values->count, &mask, err) : PTSNE_OK;
}

static ptsne_status layer_forward(pt_backend *be, const pt_pass *pass, size_t l, const pt_buffer *parameters,
                                  const pt_dropout_rates *dropout, ptsne_error *err)
{
    const pt_layer *layer = &pass->net->layers[l];
    const pt_buffer *input = &pass->outputs[l], *output = &pass->outputs[l + 1];
    const pt_buffer weight = pt_buffer_view(parameters, layer->weight, layer->n_in * layer->n_out);
    const pt_buffer bias = pt_buffer_view(parameters, layer->bias, layer->n_out);
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
    ptsne_status status = pt_product(be, &shape, input, &weight, output, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_bias_activation(be, output, pass->rows, layer->n_out, &bias, layer->activation, err);
    if (status != PTSNE_OK || l + 1 == pass->net->n_layers) { return status; }
    if (keeps(layer, dropout)) { status = pt_copy(be, output, &pass->kept[l], err); }
    return status == PTSNE_OK ? drop(be, dropout, l + 1, output, err) : status;
}

ptsne_status pt_pass_forward(pt_backend *be, const pt_pass *pass, const pt_buffer *parameters,
                             const pt_dropout_rates *dropout, ptsne_error *err)
{
    ptsne_status status = drop(be, dropout, 0, &pass->outputs[0], err);
    for (size_t l = 0; l < pass->net->n_layers && status == PTSNE_OK; l++) {
        status = layer_forward(be, pass, l, parameters, dropout, err);
    }
    return status;
}

/* dW and db of layer l from the gradient of its sums. */
static ptsne_status parameters_backward(pt_backend *be, const pt_pass *pass, size_t l, const pt_buffer *g,
                                        const pt_buffer *gradient, ptsne_error *err)
{
    const pt_layer *layer = &pass->net->layers[l];
    const pt_buffer weight = pt_buffer_view(gradient, layer->weight, layer->n_in * layer->n_out);
    const pt_buffer bias = pt_buffer_view(gradient, layer->bias, layer->n_out);
    const pt_product_shape shape = {
        .transpose_a = true,
        .m = layer->n_out,
        .n = layer->n_in,
        .k = pass->rows,
        .alpha = 1.0f,
        .stride_a = layer->n_out,
        .stride_b = layer->n_in,
        .stride_c = layer->n_in,
    };
    const ptsne_status status = pt_product(be, &shape, g, &pass->outputs[l], &weight, err);
    return status == PTSNE_OK ? pt_column_sums(be, g, pass->rows, layer->n_out, &bias, err) : status;
}

/* From the gradient of layer l's sums to that of layer l - 1's. */
static ptsne_status inputs_backward(pt_backend *be, const pt_pass *pass, size_t l, const pt_buffer *parameters,
                                    const pt_dropout_rates *dropout, const pt_buffer *g, ptsne_error *err)
{
    const pt_layer *layer = &pass->net->layers[l], *before = layer - 1;
    const pt_buffer weight = pt_buffer_view(parameters, layer->weight, layer->n_in * layer->n_out);
    const pt_buffer g_before = gradient_of(pass, l - 1);
    const bool kept = keeps(before, dropout);
    /* What dropout set to 0 has slope 0 under relu, so there only its factor is left to do. */
    const float factor = dropout != NULL && !kept ? 1.0f / (1.0f - dropout->hidden) : 1.0f;
    const pt_product_shape shape = {
        .m = pass->rows,
        .n = layer->n_in,
        .k = layer->n_out,
        .alpha = factor,
        .stride_a = layer->n_out,
        .stride_b = layer->n_in,
        .stride_c = layer->n_in,
    };
    ptsne_status status = pt_product(be, &shape, g, &weight, &g_before, err);
    if (status == PTSNE_OK && kept) { status = drop(be, dropout, l, &g_before, err); }
    if (status != PTSNE_OK) { return status; }
    return pt_activation_gradient(be, kept ? &pass->kept[l - 1] : &pass->outputs[l], g_before.count, before->activation,
                                  &g_before, err);
}

ptsne_status pt_pass_backward(pt_backend *be, const pt_pass *pass, const pt_buffer *parameters,
                              const pt_dropout_rates *dropout, const pt_buffer *gradient, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    for (size_t l = pass->net->n_layers; l-- > 0 && status == PTSNE_OK;) {
        const pt_buffer g = gradient_of(pass, l);
        status = parameters_backward(be, pass, l, &g, gradient, err);
        if (status == PTSNE_OK && l > 0) { status = inputs_backward(be, pass, l, parameters, dropout, &g, err); }
    }
    return status;
}
