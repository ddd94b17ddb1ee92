#include "network/model_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "network/model_arch.h"

#define FORMAT      "1" /* of the metadata's meaning; another one is refused */
#define MAX_TENSORS (4 * PT_NET_MAX_LAYERS)

ptsne_status pt_model_create(pt_backend *be, const pt_net *net, ptsne_model **model, ptsne_error *err)
{
    *model = NULL;
    ptsne_model *made = pt_array_zeroed(1, sizeof *made);
    float *parameters = pt_array_zeroed(net->n_parameters, sizeof *parameters);
    if (made == NULL || parameters == NULL) {
        free(made);
        free(parameters);
        return pt_fail_memory(err, "a model", (double)net->n_parameters * (double)sizeof *parameters);
    }
    *made = (ptsne_model){.be = be, .net = *net, .parameters = parameters};
    *model = made;
    return PTSNE_OK;
}

void pt_model_destroy(ptsne_model *model)
{
    if (model == NULL) { return; }
    pt_buffer_destroy(model->be, &model->on_device);
    pt_pass_destroy(model->be, &model->pass);
    pt_metadata_destroy(&model->metadata);
    free(model->staging);
    free(model->parameters);
    free(model);
}

/* ---- tensors ---- */

/* Add a tensor of a layer whose module has the number. */
static void tensor_add(pt_tensor *tensors, size_t *count, size_t module, const char *name, const float *values,
                       size_t n_dimensions, const size_t *shape)
{
    pt_tensor *tensor = &tensors[(*count)++];
    *tensor = (pt_tensor){.n_dimensions = n_dimensions, .values = values};
    memcpy(tensor->shape, shape, n_dimensions * sizeof *shape);
    snprintf(tensor->name, sizeof tensor->name, "%zu.%s", module, name);
}

/* The tensors of one layer, as PyTorch shapes them. */
static void layer_describe(const pt_layer *layer, size_t module, const float *parameters, pt_tensor *tensors,
                           size_t *count)
{
    const float *weight = parameters + layer->weight, *bias = parameters + layer->bias;
    const pt_window *window = &layer->window;
    const size_t channels = layer->in.channels, filters = layer->out.channels;
    const size_t dense[] = {layer->n_out, layer->n_in}, places[] = {pt_layer_anchors(layer), layer->n_out};
    const size_t kernel[] = {filters, channels, window->kernel_height, window->kernel_width};
    const size_t image[] = {channels, layer->in.height, layer->in.width};
    switch (layer->kind) {
    case PT_DENSE:
    case PT_CONVOLUTION:
        tensor_add(tensors, count, module, "weight", weight, layer->kind == PT_DENSE ? 2 : 4,
                   layer->kind == PT_DENSE ? dense : kernel);
        tensor_add(tensors, count, module, "bias", bias, 1, &layer->n_bias);
        break;
    case PT_NORM:
        tensor_add(tensors, count, module, "weight", weight, 1, &channels);
        tensor_add(tensors, count, module, "bias", bias, 1, &channels);
        tensor_add(tensors, count, module, "running_mean", parameters + layer->mean, 1, &channels);
        tensor_add(tensors, count, module, "running_var", parameters + layer->variance, 1, &channels);
        break;
    case PT_ANCHORS:
        tensor_add(tensors, count, module, "anchors", weight, 2, places);
        break;
    case PT_SHIFT:
        tensor_add(tensors, count, module, "bias", bias, layer->in.height * layer->in.width == 1 ? 1 : 3, image);
        break;
    case PT_POOL:
    case PT_DROP:
        break;
    }
}

/* The tensors of a net; values point into parameters. Module numbers: activations count, and so does the Flatten between
 * images and columns. */
static size_t tensors_describe(const pt_net *net, const float *parameters, pt_tensor tensors[MAX_TENSORS])
{
    size_t module = 0, count = 0;
    bool image = net->input.height * net->input.width > 1;
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        if (layer->kind == PT_DENSE && image) {
            image = false;
            module++;
        }
        layer_describe(layer, module, parameters, tensors, &count);
        module += layer->activation == PT_LINEAR ? 1 : 2;
    }
    return count;
}

/* PyTorch has the channels before the places of an image, and ptsne behind them. */

/* Every `places` x `channels` matrix of values, transposed in place; to the other order where `back` is set. */
static void matrices_turn(float *values, size_t count, size_t places, size_t channels, bool back, float *room)
{
    const size_t rows = back ? channels : places, columns = back ? places : channels, size = places * channels;
    for (float *at = values; at < values + count; at += size) {
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < columns; j++) { room[j * rows + i] = at[i * columns + j]; }
        }
        memcpy(at, room, size * sizeof *at);
    }
}

/* The order in which a layer's weights, or a shift's values, have to be turned: 1 place is none. */
static size_t places_of(const pt_layer *layer)
{
    const pt_window *window = &layer->window;
    switch (layer->kind) {
    case PT_CONVOLUTION:
        return window->kernel_height * window->kernel_width;
    case PT_DENSE:
    case PT_SHIFT:
        return layer->in.height * layer->in.width;
    case PT_POOL:
    case PT_NORM:
    case PT_DROP:
    case PT_ANCHORS:
        break;
    }
    return 1;
}

/* Whether the file has the parameters in another order. */
static bool turns(const pt_net *net)
{
    for (size_t l = 0; l < net->n_layers; l++) {
        if (places_of(&net->layers[l]) > 1) { return true; }
    }
    return false;
}

/* All parameters from ptsne's order to the file's, or back. */
static ptsne_status parameters_turn(const pt_net *net, bool back, float *parameters, ptsne_error *err)
{
    size_t most = 1;
    for (size_t l = 0; l < net->n_layers; l++) {
        const size_t size = places_of(&net->layers[l]) * net->layers[l].in.channels;
        if (size > most) { most = size; }
    }
    float *room = pt_array_zeroed(most, sizeof *room);
    if (room == NULL) { return pt_fail_memory(err, "a model's weights", (double)most * sizeof *room); }
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        const bool shift = layer->kind == PT_SHIFT;
        const size_t places = places_of(layer);
        if (places == 1) { continue; }
        matrices_turn(parameters + (shift ? layer->bias : layer->weight), shift ? layer->n_bias : layer->n_weight,
                      places, layer->in.channels, back, room);
    }
    free(room);
    return PTSNE_OK;
}

/* ---- writing ---- */

static ptsne_status parameters_write(const ptsne_model *model, const char *path, bool force,
                                     const pt_metadata *metadata, ptsne_error *err)
{
    const pt_net *net = &model->net;
    pt_tensor tensors[MAX_TENSORS];
    float *turned = NULL;
    ptsne_status status = PTSNE_OK;
    if (turns(net)) {
        turned = pt_array_zeroed(net->n_parameters, sizeof *turned);
        if (turned == NULL) { return pt_fail_memory(err, "a model", (double)net->n_parameters * sizeof *turned); }
        memcpy(turned, model->parameters, net->n_parameters * sizeof *turned);
        status = parameters_turn(net, false, turned, err);
    }
    if (status == PTSNE_OK) {
        const size_t n_tensors = tensors_describe(net, turned == NULL ? model->parameters : turned, tensors);
        status = pt_safetensors_write(path, force, tensors, n_tensors, metadata, err);
    }
    free(turned);
    return status;
}

ptsne_status pt_model_write(const ptsne_model *model, const char *path, bool force, ptsne_error *err)
{
    pt_metadata metadata = {0};
    char *arch = pt_arch_text(&model->net);
    ptsne_status status = arch == NULL ? pt_fail_memory(err, "a model's header", 0.0) : PTSNE_OK;
    if (status == PTSNE_OK) { status = pt_metadata_set(&metadata, err, "format", "pt"); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&metadata, err, "ptsne.format", FORMAT); }
    if (status == PTSNE_OK) { status = pt_metadata_copy(&model->metadata, &metadata, err); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&metadata, err, "ptsne.arch", "%s", arch); }
    if (status == PTSNE_OK) { status = parameters_write(model, path, force, &metadata, err); }
    free(arch);
    pt_metadata_destroy(&metadata);
    return status;
}

/* ---- reading ---- */

/* Copy one tensor of the file to where the net has it. */
static ptsne_status tensor_take(const pt_safetensors *file, const pt_tensor *wanted, float *to, ptsne_error *err)
{
    const pt_tensor *found = pt_safetensors_find(file, wanted->name);
    if (found == NULL) { return pt_fail(err, PTSNE_ERR_DATA, "tensor \"%s\" is missing", wanted->name); }
    if (found->n_dimensions != wanted->n_dimensions || memcmp(found->shape, wanted->shape, sizeof found->shape) != 0) {
        return pt_fail(err, PTSNE_ERR_DATA, "tensor \"%s\" has not the shape that ptsne.arch says", wanted->name);
    }
    const size_t count = pt_tensor_count(wanted);
    memcpy(to, found->values, count * sizeof *to);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(to[i])) {
            return pt_fail(err, PTSNE_ERR_DATA, "tensor \"%s\": entry %zu is %g", wanted->name, i, (double)to[i]);
        }
    }
    return PTSNE_OK;
}

/* Whether the file can hold the net at all: asked before memory is taken for it. */
static bool sizes_agree(const pt_safetensors *file, const pt_net *net)
{
    size_t held = 0, wanted = 0, n_wanted = 0;
    for (size_t i = 0; i < file->n_tensors; i++) { held += pt_tensor_count(&file->tensors[i]); }
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        wanted += pt_layer_parameters(layer);
        n_wanted +=
            (layer->n_weight > 0 ? 1u : 0u) + (layer->n_bias > 0 ? 1u : 0u) + (layer->kind == PT_NORM ? 2u : 0u);
    }
    return held == wanted && file->n_tensors == n_wanted;
}

/* A variance below 0 has no root. */
static ptsne_status variances_check(const pt_net *net, const float *parameters, ptsne_error *err)
{
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        for (size_t c = 0; c < layer->in.channels && layer->kind == PT_NORM; c++) {
            const float variance = parameters[layer->variance + c];
            if (variance < 0.0f) {
                return pt_fail(err, PTSNE_ERR_DATA, "layer \"%s\": the running variance of channel %zu is %g",
                               layer->name, c, (double)variance);
            }
        }
    }
    return PTSNE_OK;
}

ptsne_status pt_model_take(pt_backend *be, const pt_safetensors *file, ptsne_model **model, ptsne_error *err)
{
    *model = NULL;
    const char *format = pt_metadata_get(&file->metadata, "ptsne.format");
    const char *arch = pt_metadata_get(&file->metadata, "ptsne.arch");
    if (format == NULL || arch == NULL) {
        return pt_fail(err, PTSNE_ERR_DATA, "is a safetensors file, but not a model that ptsne wrote");
    }
    if (strcmp(format, FORMAT) != 0) {
        return pt_fail(err, PTSNE_ERR_DATA, "model format %.20s: this version reads format %s", format, FORMAT);
    }
    pt_net net;
    ptsne_status status = pt_arch_take(arch, &net, err);
    if (status != PTSNE_OK) { return status; }
    if (!sizes_agree(file, &net)) {
        return pt_fail(err, PTSNE_ERR_DATA, "its tensors are not those of the network in ptsne.arch");
    }
    ptsne_model *made;
    if ((status = pt_model_create(be, &net, &made, err)) != PTSNE_OK) { return status; }
    pt_tensor wanted[MAX_TENSORS];
    const size_t n_wanted = tensors_describe(&net, made->parameters, wanted);
    for (size_t i = 0; i < n_wanted && status == PTSNE_OK; i++) {
        const size_t place = (size_t)((const float *)wanted[i].values - made->parameters);
        status = tensor_take(file, &wanted[i], made->parameters + place, err);
    }
    if (status == PTSNE_OK) { status = variances_check(&net, made->parameters, err); }
    if (status == PTSNE_OK && turns(&net)) { status = parameters_turn(&net, true, made->parameters, err); }
    if (status == PTSNE_OK) { status = pt_metadata_copy(&file->metadata, &made->metadata, err); }
    if (status != PTSNE_OK) {
        pt_model_destroy(made);
        return status;
    }
    *model = made;
    return PTSNE_OK;
}

ptsne_status pt_model_read(pt_backend *be, const char *path, ptsne_model **model, ptsne_error *err)
{
    *model = NULL;
    pt_safetensors file;
    ptsne_status status = pt_safetensors_read(path, &file, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_model_take(be, &file, model, err);
    pt_safetensors_destroy(&file);
    return status == PTSNE_OK ? status : pt_within(err, status, "%s", path);
}
