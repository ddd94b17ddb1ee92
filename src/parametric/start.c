#include "parametric/start.h"

#include <string.h>

#include "base/random.h"
#include "network/streams.h"
#include "network/transform.h"

#define PLACES_DEVIATION 5.0f

/* Whether a map's units can be put into the last layer: it is dense and linear, or anchors behind such a one. */
static bool ends_in_map(const pt_net *net)
{
    size_t count = net->n_layers;
    if (count > 0 && net->layers[count - 1].kind == PT_ANCHORS) { count--; }
    return count > 0 && net->layers[count - 1].kind == PT_DENSE && net->layers[count - 1].activation == PT_LINEAR;
}

/* The net of a model to go on from; any file may be one. */
static ptsne_status net_import(const ptsne_model *init, size_t n_features, pt_net *net, ptsne_error *err)
{
    pt_import_net(init, net);
    if (!ends_in_map(net)) {
        const pt_layer *last = net->n_layers == 0 ? NULL : &net->layers[net->n_layers - 1];
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "the model to go on from makes no map: its last layer has to be dense and linear, or anchors "
                       "behind such a one, and is %s%s",
                       last == NULL ? "none" : last->name,
                       last != NULL && last->kind == PT_DENSE ? " with an activation" : "");
    }
    if (pt_net_inputs(net) == n_features) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "the model to go on from takes %zu columns, the data have %zu",
                   pt_net_inputs(net), n_features);
}

ptsne_status pt_start_net(const ptsne_fit_options *settings, size_t n_features, pt_net *net, ptsne_error *err)
{
    if (settings->init != NULL) { return net_import(settings->init, n_features, net, err); }
    pt_shape input;
    ptsne_status status = pt_shape_of_rows(settings->input, n_features, &input, err);
    if (status == PTSNE_OK) { status = pt_net_parse(settings->net, settings->activation, &input, net, err); }
    if (status != PTSNE_OK) { return status; }
    if (settings->head == PTSNE_HEAD_ANCHORS) {
        return pt_net_append_anchors(net, settings->n_anchors, settings->n_components, err);
    }
    return pt_net_append(net, settings->n_components, PT_LINEAR, err);
}

/* Without a map to take them from, anchors are strewn over the extent that maps of this loss usually get. */
static void places_start(const pt_layer *anchors, uint64_t seed, float *places)
{
    pt_random random = {.seed = seed, .stream = pt_stream(PT_FOR_ANCHORS, 0)};
    for (size_t i = 0; i < anchors->n_weight; i++) { places[i] = PLACES_DEVIATION * pt_random_normal(&random); }
}

void pt_start_parameters(const ptsne_fit_options *settings, const pt_net *net, const pt_summary *summary,
                         const pt_teacher *teacher, float *parameters)
{
    const pt_layer *last = &net->layers[net->n_layers - 1];
    if (settings->init == NULL) {
        pt_net_start(net, settings->seed, parameters);
        if (teacher != NULL && teacher->places != NULL) {
            memcpy(parameters + last->weight, teacher->places, last->n_weight * sizeof *parameters);
        } else if (last->kind == PT_ANCHORS) {
            places_start(last, settings->seed, parameters + last->weight);
        }
        return;
    }
    pt_import_parameters(settings->init, summary->mean, summary->scale, parameters);
    if (teacher != NULL) { pt_teacher_unfold(teacher, net, parameters); }
}

ptsne_status pt_start_map(pt_backend *be, const ptsne_fit_options *settings, const float *x, size_t n, float *map,
                          ptsne_error *err)
{
    const ptsne_model *init = settings->init;
    ptsne_model *model; /* of this device, and free to be prepared for it */
    ptsne_status status = pt_model_create(be, &init->net, &model, err);
    if (status != PTSNE_OK) { return status; }
    memcpy(model->parameters, init->parameters, init->net.n_parameters * sizeof *model->parameters);
    status = pt_model_transform(model, x, n, map, err);
    pt_model_destroy(model);
    return status;
}
