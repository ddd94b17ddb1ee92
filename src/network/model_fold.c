/* What training needs and a model does not: normalisations become part of the layers before them, standardisation of the first. */
#include <math.h>
#include <string.h>

#include "network/model_file.h"

/* ---- normalisation ---- */

static bool has_weights(const pt_layer *layer)
{
    return layer->kind == PT_DENSE || layer->kind == PT_CONVOLUTION;
}

/* Whether layer l is a norm that the layer before it takes over. */
static bool folds(const pt_net *net, size_t l)
{
    const pt_layer *layer = &net->layers[l];
    return l > 0 && layer->kind == PT_NORM && has_weights(&layer[-1]) && layer[-1].activation == PT_LINEAR;
}

/* The net without its norms, behind a shift where one is asked for. from[l]: the layer that layer l comes from. */
static ptsne_status net_fold(const pt_net *net, bool shift, pt_net *folded, size_t from[PT_NET_MAX_LAYERS],
                             ptsne_error *err)
{
    *folded = (pt_net){.input = net->input};
    ptsne_status status = shift ? pt_net_append_shift(folded, err) : PTSNE_OK;
    for (size_t l = 0; l < net->n_layers && status == PTSNE_OK; l++) {
        if (folds(net, l)) {
            folded->layers[folded->n_layers - 1].activation = net->layers[l].activation;
            continue;
        }
        status = pt_net_append_like(folded, &net->layers[l], err);
        if (status == PTSNE_OK) { from[folded->n_layers - 1] = l; }
    }
    return status;
}

/* gain (w x + b - mean) / deviation + shift as one layer. */
static void norm_into(const pt_layer *norm, const float *parameters, const pt_layer *layer, float *to)
{
    const size_t columns = layer->n_weight / layer->n_bias;
    for (size_t o = 0; o < layer->n_bias; o++) {
        const double deviation = sqrt((double)parameters[norm->variance + o] + (double)PT_NORM_EPSILON);
        const double factor = (double)parameters[norm->weight + o] / deviation;
        float *weight = to + layer->weight + o * columns, *bias = to + layer->bias + o;
        for (size_t j = 0; j < columns; j++) { weight[j] = (float)((double)weight[j] * factor); }
        *bias =
            (float)(((double)*bias - (double)parameters[norm->mean + o]) * factor + (double)parameters[norm->bias + o]);
    }
}

static void arrays_copy(const pt_layer *from, const float *parameters, const pt_layer *layer, float *to)
{
    memcpy(to + layer->weight, parameters + from->weight, layer->n_weight * sizeof *to);
    memcpy(to + layer->bias, parameters + from->bias, layer->n_bias * sizeof *to);
    if (layer->kind == PT_NORM) {
        memcpy(to + layer->mean, parameters + from->mean, layer->in.channels * sizeof *to);
        memcpy(to + layer->variance, parameters + from->variance, layer->in.channels * sizeof *to);
    }
}

/* Fill the folded net's parameters, from its layer `first` on. */
static void parameters_fold(const pt_net *net, const float *parameters, const pt_net *folded, size_t first,
                            const size_t from[PT_NET_MAX_LAYERS], float *to)
{
    for (size_t l = first; l < folded->n_layers; l++) {
        const size_t k = from[l];
        arrays_copy(&net->layers[k], parameters, &folded->layers[l], to);
        if (k + 1 < net->n_layers && folds(net, k + 1)) {
            norm_into(&net->layers[k + 1], parameters, &folded->layers[l], to);
        }
    }
}

ptsne_status pt_export_name(const pt_net *net, size_t layer, char name[16], ptsne_error *err)
{
    pt_net folded;
    size_t from[PT_NET_MAX_LAYERS], l = 0;
    const ptsne_status status = net_fold(net, false, &folded, from, err);
    if (status != PTSNE_OK) { return status; }
    const size_t made_by = folds(net, layer) ? layer - 1 : layer;
    while (from[l] != made_by) { l++; }
    memcpy(name, folded.layers[l].name, sizeof folded.layers[l].name);
    return PTSNE_OK;
}

/* ---- standardisation ---- */

/* The first layer that can be scaled; n_layers: there is none. */
static size_t carrier_of(const pt_net *net)
{
    size_t l = 0;
    while (l < net->n_layers && !has_weights(&net->layers[l]) && net->layers[l].kind != PT_NORM) { l++; }
    return l;
}

/* Whether the carrier takes off the means too, exactly: it sees the inputs themselves, each with a weight of its own. */
static bool takes_means(const pt_net *net, size_t carrier)
{
    for (size_t l = 0; l < carrier; l++) {
        if (net->layers[l].kind != PT_DROP) { return false; }
    }
    const pt_layer *layer = &net->layers[carrier];
    return layer->kind == PT_DENSE || (layer->kind == PT_NORM && layer->in.height * layer->in.width == 1);
}

static bool any(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i] != 0.0f) { return true; }
    }
    return false;
}

/* With x' = (x - mean) scale, W x' + b is (scale W) x + (b - scale W mean). mean may be NULL. */
static void weights_standardize(const pt_layer *layer, const float *mean, float scale, float *to)
{
    const size_t columns = layer->n_weight / layer->n_bias;
    for (size_t o = 0; o < layer->n_bias; o++) {
        float *weight = to + layer->weight + o * columns;
        double shift = 0.0;
        for (size_t j = 0; j < columns; j++) {
            const double scaled = (double)weight[j] * (double)scale;
            weight[j] = (float)scaled;
            if (mean != NULL) { shift += (double)weight[j] * (double)mean[j]; } /* of the weight that will be used */
        }
        to[layer->bias + o] = (float)((double)to[layer->bias + o] - shift);
    }
}

/* gain (x' - m) / deviation is (gain scale) (x - mean - m / scale) / deviation. */
static void norm_standardize(const pt_layer *layer, const float *mean, float scale, float *to)
{
    for (size_t c = 0; c < layer->in.channels; c++) {
        float *gain = to + layer->weight + c, *middle = to + layer->mean + c;
        *gain = (float)((double)*gain * (double)scale);
        *middle = (float)((double)*middle / (double)scale + (mean == NULL ? 0.0 : (double)mean[c]));
    }
}

ptsne_status pt_model_export(pt_backend *be, const pt_net *net, const float *parameters, const float *mean, float scale,
                             ptsne_model **model, ptsne_error *err)
{
    *model = NULL;
    const size_t carrier = carrier_of(net), inputs = pt_net_inputs(net);
    if (carrier == net->n_layers) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "a network that has nothing to learn"); }
    const bool taken = takes_means(net, carrier);
    const bool shifted = !taken && mean != NULL && any(mean, inputs);
    pt_net folded;
    size_t from[PT_NET_MAX_LAYERS];
    ptsne_status status = net_fold(net, shifted, &folded, from, err);
    if (status == PTSNE_OK) { status = pt_model_create(be, &folded, model, err); }
    if (status != PTSNE_OK) { return status; }
    float *to = (*model)->parameters;
    parameters_fold(net, parameters, &folded, shifted, from, to);
    for (size_t i = 0; i < inputs && shifted; i++) { to[folded.layers[0].bias + i] = -mean[i]; }
    const pt_layer *layer = &folded.layers[carrier + shifted];
    if (layer->kind == PT_NORM) {
        norm_standardize(layer, taken ? mean : NULL, scale, to);
    } else {
        weights_standardize(layer, taken ? mean : NULL, scale, to);
    }
    return PTSNE_OK;
}

/* ---- and back ---- */

static bool is_shifted(const ptsne_model *model)
{
    return model->net.layers[0].kind == PT_SHIFT;
}

/* The shift's own parameters stay where they are, a gap among those of the others. */
void pt_import_net(const ptsne_model *model, pt_net *net)
{
    *net = model->net;
    if (!is_shifted(model)) { return; }
    net->n_layers--;
    memmove(net->layers, net->layers + 1, net->n_layers * sizeof *net->layers);
}

void pt_import_means(const ptsne_model *model, float *mean)
{
    if (!is_shifted(model)) { return; }
    const float *bias = model->parameters + model->net.layers[0].bias;
    for (size_t j = 0; j < pt_net_inputs(&model->net); j++) { mean[j] = -bias[j]; }
}

static void weights_restore(const pt_layer *layer, const float *mean, float scale, float *to)
{
    const size_t columns = layer->n_weight / layer->n_bias;
    for (size_t o = 0; o < layer->n_bias; o++) {
        float *weight = to + layer->weight + o * columns;
        double shift = 0.0;
        for (size_t j = 0; j < columns; j++) {
            if (mean != NULL) { shift += (double)weight[j] * (double)mean[j]; }
            weight[j] = (float)((double)weight[j] / (double)scale);
        }
        to[layer->bias + o] = (float)((double)to[layer->bias + o] + shift);
    }
}

static void norm_restore(const pt_layer *layer, const float *mean, float scale, float *to)
{
    for (size_t c = 0; c < layer->in.channels; c++) {
        float *gain = to + layer->weight + c, *middle = to + layer->mean + c;
        *gain = (float)((double)*gain / (double)scale);
        *middle = (float)(((double)*middle - (mean == NULL ? 0.0 : (double)mean[c])) * (double)scale);
    }
}

void pt_import_parameters(const ptsne_model *model, const float *mean, float scale, float *parameters)
{
    pt_net net;
    pt_import_net(model, &net);
    memcpy(parameters, model->parameters, net.n_parameters * sizeof *parameters);
    const size_t carrier = carrier_of(&net);
    const float *taken = !is_shifted(model) && takes_means(&net, carrier) ? mean : NULL;
    if (net.layers[carrier].kind == PT_NORM) {
        norm_restore(&net.layers[carrier], taken, scale, parameters);
    } else {
        weights_restore(&net.layers[carrier], taken, scale, parameters);
    }
}
