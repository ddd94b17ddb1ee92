#include "network/net.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
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

static size_t rounded(size_t elements)
{
    return (elements + 15) / 16 * 16;
}

ptsne_status pt_net_append(pt_net *net, size_t n_in, size_t n_out, pt_activation activation, ptsne_error *err)
{
    if (net->n_layers == PT_NET_MAX_LAYERS) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "a network has at most %zu hidden layers", PT_NET_MAX_LAYERS - 1);
    }
    if (n_in == 0 || n_out == 0 || n_in > PT_NET_MAX_WIDTH || n_out > PT_NET_MAX_WIDTH) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "a layer of %zu x %zu: widths are 1 to %zu", n_out, n_in,
                       PT_NET_MAX_WIDTH);
    }
    assert(net->n_layers == 0 || net->layers[net->n_layers - 1].n_out == n_in);
    pt_layer *layer = &net->layers[net->n_layers++];
    *layer = (pt_layer){.n_in = n_in, .n_out = n_out, .weight = net->n_parameters, .activation = activation};
    layer->bias = layer->weight + rounded(n_in * n_out); /* below 2^48 a layer: no overflow */
    net->n_parameters = layer->bias + rounded(n_out);
    return PTSNE_OK;
}

/* Read one width at *text and step over it and the comma behind it. */
static ptsne_status width_read(const char **text, size_t *width, ptsne_error *err)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = isdigit((unsigned char)**text) ? strtoull(*text, &end, 10) : 0;
    if (end == NULL || errno != 0 || value == 0 || value > PT_NET_MAX_WIDTH || (*end != '\0' && *end != ',') ||
        (*end == ',' && end[1] == '\0')) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "network \"%.40s\": expected widths of 1 to %zu between commas, as in 500,500,2000", *text,
                       PT_NET_MAX_WIDTH);
    }
    *width = (size_t)value;
    *text = *end == ',' ? end + 1 : end;
    return PTSNE_OK;
}

ptsne_status pt_net_parse(const char *widths, const char *activation, size_t n_in, size_t n_out, pt_net *net,
                          ptsne_error *err)
{
    *net = (pt_net){0};
    pt_activation kind = PT_LINEAR;
    ptsne_status status = pt_activation_find(activation, &kind, err);
    if (status == PTSNE_OK && kind == PT_LINEAR) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "hidden layers need an activation: relu, elu, tanh or sigmoid");
    }
    while (status == PTSNE_OK && *widths != '\0') {
        size_t width = 0;
        if ((status = width_read(&widths, &width, err)) != PTSNE_OK) { return status; }
        status = pt_net_append(net, n_in, width, kind, err);
        n_in = width;
    }
    return status == PTSNE_OK ? pt_net_append(net, n_in, n_out, PT_LINEAR, err) : status;
}

size_t pt_net_inputs(const pt_net *net)
{
    return net->layers[0].n_in;
}

size_t pt_net_outputs(const pt_net *net)
{
    return net->layers[net->n_layers - 1].n_out;
}

/* Variance of a layer's starting weights. */
static double start_variance(const pt_layer *layer)
{
    const double fan_in = (double)layer->n_in, fan_out = (double)layer->n_out;
    switch (layer->activation) {
    case PT_RELU:
    case PT_ELU:
        return 2.0 / fan_in;
    case PT_TANH:
    case PT_SIGMOID:
        return 2.0 / (fan_in + fan_out);
    case PT_LINEAR:
        break;
    }
    return 0.01 / fan_in;
}

void pt_net_start(const pt_net *net, uint64_t seed, float *parameters)
{
    memset(parameters, 0, net->n_parameters * sizeof *parameters);
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        const float deviation = (float)sqrt(start_variance(layer));
        pt_random random = {.seed = seed, .stream = pt_stream(PT_FOR_WEIGHTS, l)};
        for (size_t i = 0; i < layer->n_in * layer->n_out; i++) {
            parameters[layer->weight + i] = deviation * pt_random_normal(&random);
        }
    }
}

double pt_net_forward_flop(const pt_net *net)
{
    double flop = 0.0;
    for (size_t l = 0; l < net->n_layers; l++) {
        flop += 2.0 * (double)net->layers[l].n_in * (double)net->layers[l].n_out;
    }
    return flop;
}

double pt_net_training_flop(const pt_net *net)
{
    /* backward: weights' gradients cost what forward cost, inputs' gradients too, but for the first layer */
    return 3.0 * pt_net_forward_flop(net) - 2.0 * (double)net->layers[0].n_in * (double)net->layers[0].n_out;
}
