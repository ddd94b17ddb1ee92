#include <stdio.h>
#include <string.h>

#include "api/device.h"
#include "base/columns.h"
#include "network/model_file.h"
#include "network/transform.h"

ptsne_status ptsne_transform(ptsne_model *model, const float *x, size_t n, float *y, ptsne_error *err)
{
    if (n == 0) { return PTSNE_OK; }
    if (model == NULL || x == NULL || y == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "transform: model, x and y are needed");
    }
    const ptsne_status status = pt_finite_check(NULL, x, n, pt_net_inputs(&model->net), err);
    return status == PTSNE_OK ? pt_model_transform(model, x, n, y, err) : status;
}

ptsne_status ptsne_model_save(const ptsne_model *model, const char *path, int force, ptsne_error *err)
{
    if (model == NULL || path == NULL) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "save: model and path are needed"); }
    return pt_model_write(model, path, force != 0, err);
}

ptsne_status ptsne_model_load(ptsne_device *device, const char *path, ptsne_model **model, ptsne_error *err)
{
    if (model != NULL) { *model = NULL; }
    if (device == NULL || path == NULL || model == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "load: device, path and model are needed");
    }
    return pt_model_read(device->be, path, model, err);
}

void ptsne_model_destroy(ptsne_model *model)
{
    pt_model_destroy(model);
}

size_t ptsne_model_features(const ptsne_model *model)
{
    return pt_net_inputs(&model->net);
}

size_t ptsne_model_components(const ptsne_model *model)
{
    return pt_net_outputs(&model->net);
}

/* ---- what is in it ---- */

static void shape_tell(const pt_shape *shape, size_t to[3])
{
    to[0] = shape->height;
    to[1] = shape->width;
    to[2] = shape->channels;
}

void ptsne_model_input(const ptsne_model *model, size_t shape[3])
{
    shape_tell(&model->net.input, shape);
}

size_t ptsne_model_layers(const ptsne_model *model)
{
    return model->net.n_layers;
}

void ptsne_model_layer(const ptsne_model *model, size_t layer, ptsne_layer_info *info)
{
    static const char *const kinds[] = {"dense",   "convolution", "pooling", "normalisation",
                                        "dropout", "anchors",     "shift"};
    *info = (ptsne_layer_info){0};
    if (layer >= model->net.n_layers) { return; }
    const pt_layer *is = &model->net.layers[layer];
    snprintf(info->name, sizeof info->name, "%s", is->name);
    snprintf(info->kind, sizeof info->kind, "%s", kinds[is->kind]);
    snprintf(info->activation, sizeof info->activation, "%s", pt_activation_name(is->activation));
    shape_tell(&is->in, info->input);
    shape_tell(&is->out, info->output);
    info->kernel[0] = is->window.kernel_height;
    info->kernel[1] = is->window.kernel_width;
    info->stride = is->window.stride;
    info->same = is->same;
    info->rate = (double)is->rate;
    info->parameters = pt_layer_parameters(is);
}

ptsne_status ptsne_model_find_layer(const ptsne_model *model, const char *name, size_t *layer, ptsne_error *err)
{
    if (model == NULL || name == NULL || layer == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "find_layer: model, name and layer are needed");
    }
    const pt_layer *found = pt_net_find(&model->net, name);
    if (found != NULL) {
        *layer = (size_t)(found - model->net.layers);
        return PTSNE_OK;
    }
    char names[PT_NET_MAX_LAYERS * (sizeof found->name + 2)] = "";
    for (size_t l = 0; l < model->net.n_layers; l++) {
        if (l > 0) { strcat(names, ", "); }
        strcat(names, model->net.layers[l].name);
    }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "there is no layer \"%.40s\": there are %s", name, names);
}

const char *ptsne_model_note(const ptsne_model *model, size_t index, const char **value)
{
    const pt_metadata *metadata = &model->metadata;
    size_t at = 0;
    for (size_t i = 0; i < metadata->keys.count; i++) {
        const char *key = metadata->keys.text[i];
        const bool own =
            strcmp(key, "format") == 0 || strcmp(key, "ptsne.format") == 0 || strcmp(key, "ptsne.arch") == 0;
        if (own || at++ != index) { continue; } /* those say how the file is to be read */
        *value = metadata->values[i];
        return key;
    }
    return NULL;
}

ptsne_status ptsne_features(ptsne_model *model, size_t layer, const float *x, size_t n, float *features,
                            ptsne_error *err)
{
    if (n == 0) { return PTSNE_OK; }
    if (model == NULL || x == NULL || features == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "features: model, x and features are needed");
    }
    if (layer >= model->net.n_layers) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "features: layer %zu of %zu", layer, model->net.n_layers);
    }
    const ptsne_status status = pt_finite_check(NULL, x, n, pt_net_inputs(&model->net), err);
    return status == PTSNE_OK ? pt_model_features(model, layer, x, n, features, err) : status;
}
