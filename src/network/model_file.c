#include "network/model_file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define FORMAT "1" /* of the metadata's meaning; another one is refused */

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

/* ---- the network as text ---- */

/* {"layers":[{"kind":"linear","in":784,"out":500,"activation":"relu"},...]}, released by free(); NULL when there is no
 * room. */
static char *arch_text(const pt_net *net)
{
    json_t *layers = json_array();
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        json_t *entry = json_pack("{s:s, s:I, s:I, s:s}", "kind", "linear", "in", (json_int_t)layer->n_in, "out",
                                  (json_int_t)layer->n_out, "activation", pt_activation_name(layer->activation));
        if (json_array_append_new(layers, entry) != 0) {
            json_decref(layers);
            return NULL;
        }
    }
    json_t *arch = json_pack("{s:o}", "layers", layers);
    char *text = arch == NULL ? NULL : json_dumps(arch, JSON_COMPACT);
    json_decref(arch);
    return text;
}

static ptsne_status layer_take(const json_t *entry, pt_net *net, ptsne_error *err)
{
    const char *kind = NULL, *name = NULL;
    json_int_t n_in = 0, n_out = 0;
    pt_activation activation;
    const size_t number = net->n_layers;
    if (json_unpack((json_t *)entry, "{s:s, s:I, s:I, s:s !}", "kind", &kind, "in", &n_in, "out", &n_out, "activation",
                    &name) != 0 ||
        strcmp(kind, "linear") != 0 || n_in < 1 || n_out < 1 ||
        pt_activation_find(name, &activation, NULL) != PTSNE_OK) {
        return pt_fail(err, PTSNE_ERR_DATA, "ptsne.arch: layer %zu is none that this version knows", number);
    }
    if (number > 0 && net->layers[number - 1].n_out != (size_t)n_in) {
        return pt_fail(err, PTSNE_ERR_DATA, "ptsne.arch: layer %zu takes %lld columns from a layer of %zu", number,
                       (long long)n_in, net->layers[number - 1].n_out);
    }
    if (number == 0) { net->input = pt_shape_columns((size_t)n_in); }
    const ptsne_status status = pt_net_append(net, (size_t)n_out, activation, err);
    return status == PTSNE_OK ? status : pt_within(err, PTSNE_ERR_DATA, "ptsne.arch");
}

static ptsne_status arch_take(const char *text, pt_net *net, ptsne_error *err)
{
    *net = (pt_net){0};
    json_error_t fault;
    json_t *arch = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
    if (arch == NULL) {
        if (json_error_code(&fault) == json_error_out_of_memory || fault.text[0] == '\0') {
            return pt_fail_memory(err, "a model's header", (double)strlen(text));
        }
        return pt_fail(err, PTSNE_ERR_DATA, "ptsne.arch: byte %d: %s", fault.position, fault.text);
    }
    const json_t *layers = json_object_get(arch, "layers");
    ptsne_status status = PTSNE_OK;
    for (size_t l = 0; l < json_array_size(layers) && status == PTSNE_OK; l++) {
        status = layer_take(json_array_get(layers, l), net, err);
    }
    json_decref(arch);
    if (status == PTSNE_OK && net->n_layers == 0) {
        status = pt_fail(err, PTSNE_ERR_DATA, "ptsne.arch: no layers");
    } else if (status == PTSNE_OK && net->layers[net->n_layers - 1].activation != PT_LINEAR) {
        status = pt_fail(err, PTSNE_ERR_DATA, "ptsne.arch: the last layer is not linear");
    }
    return status;
}

/* ---- tensors ---- */

/* Two tensors a layer; values point into parameters. Module numbers: activations count. */
static size_t tensors_describe(const pt_net *net, const float *parameters, pt_tensor tensors[2 * PT_NET_MAX_LAYERS])
{
    size_t module = 0;
    for (size_t l = 0; l < net->n_layers; l++) {
        const pt_layer *layer = &net->layers[l];
        pt_tensor *weight = &tensors[2 * l], *bias = weight + 1;
        *weight =
            (pt_tensor){.n_dimensions = 2, .shape = {layer->n_out, layer->n_in}, .values = parameters + layer->weight};
        *bias = (pt_tensor){.n_dimensions = 1, .shape = {layer->n_out}, .values = parameters + layer->bias};
        snprintf(weight->name, sizeof weight->name, "%zu.weight", module);
        snprintf(bias->name, sizeof bias->name, "%zu.bias", module);
        module += layer->activation == PT_LINEAR ? 1 : 2;
    }
    return 2 * net->n_layers;
}

ptsne_status pt_model_write(const ptsne_model *model, const char *path, bool force, ptsne_error *err)
{
    pt_metadata metadata = {0};
    char *arch = arch_text(&model->net);
    ptsne_status status = arch == NULL ? pt_fail_memory(err, "a model's header", 0.0) : PTSNE_OK;
    if (status == PTSNE_OK) { status = pt_metadata_set(&metadata, err, "format", "pt"); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&metadata, err, "ptsne.format", FORMAT); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&metadata, err, "ptsne.arch", "%s", arch); }
    for (size_t i = 0; i < model->metadata.count && status == PTSNE_OK; i++) {
        status = pt_metadata_set(&metadata, err, model->metadata.keys[i], "%s", model->metadata.values[i]);
    }
    if (status == PTSNE_OK) {
        pt_tensor tensors[2 * PT_NET_MAX_LAYERS];
        const size_t n_tensors = tensors_describe(&model->net, model->parameters, tensors);
        status = pt_safetensors_write(path, force, tensors, n_tensors, &metadata, err);
    }
    free(arch);
    pt_metadata_destroy(&metadata);
    return status;
}

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
    size_t held = 0, wanted = 0;
    for (size_t i = 0; i < file->n_tensors; i++) { held += pt_tensor_count(&file->tensors[i]); }
    for (size_t l = 0; l < net->n_layers; l++) { wanted += (net->layers[l].n_in + 1) * net->layers[l].n_out; }
    return held == wanted && file->n_tensors == 2 * net->n_layers;
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
    ptsne_status status = arch_take(arch, &net, err);
    if (status != PTSNE_OK) { return status; }
    if (!sizes_agree(file, &net)) {
        return pt_fail(err, PTSNE_ERR_DATA, "its tensors are not those of the network in ptsne.arch");
    }
    ptsne_model *made;
    if ((status = pt_model_create(be, &net, &made, err)) != PTSNE_OK) { return status; }
    pt_tensor wanted[2 * PT_NET_MAX_LAYERS];
    const size_t n_wanted = tensors_describe(&net, made->parameters, wanted);
    for (size_t i = 0; i < n_wanted && status == PTSNE_OK; i++) {
        const size_t place = (size_t)((const float *)wanted[i].values - made->parameters);
        status = tensor_take(file, &wanted[i], made->parameters + place, err);
    }
    for (size_t i = 0; i < file->metadata.count && status == PTSNE_OK; i++) {
        status = pt_metadata_set(&made->metadata, err, file->metadata.keys[i], "%s", file->metadata.values[i]);
    }
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
