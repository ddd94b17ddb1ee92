#include "network/model_arch.h"

#include <jansson.h>
#include <string.h>

/* ---- to text ---- */

static json_t *window_entry(const char *kind, const pt_layer *layer)
{
    return json_pack("{s:s, s:[I,I], s:I}", "kind", kind, "kernel", (json_int_t)layer->window.kernel_height,
                     (json_int_t)layer->window.kernel_width, "stride", (json_int_t)layer->window.stride);
}

static json_t *convolution_entry(const pt_layer *layer)
{
    json_t *entry = window_entry("conv", layer);
    json_t *more = json_pack("{s:I, s:s, s:s}", "filters", (json_int_t)layer->out.channels, "padding",
                             layer->same ? "same" : "valid", "activation", pt_activation_name(layer->activation));
    if (json_object_update(entry, more) != 0) { /* one of them is NULL, or without memory */
        json_decref(entry);
        entry = NULL;
    }
    json_decref(more);
    return entry;
}

/* NULL when there is no room. */
static json_t *layer_entry(const pt_layer *layer)
{
    const char *activation = pt_activation_name(layer->activation);
    switch (layer->kind) {
    case PT_CONVOLUTION:
        return convolution_entry(layer);
    case PT_POOL:
        return window_entry("pool", layer);
    case PT_NORM:
        return json_pack("{s:s, s:s}", "kind", "norm", "activation", activation);
    case PT_DROP:
        return json_pack("{s:s, s:f}", "kind", "dropout", "rate", (double)layer->rate);
    case PT_ANCHORS:
        return json_pack("{s:s, s:I, s:I}", "kind", "anchors", "count", (json_int_t)pt_layer_anchors(layer),
                         "dimensions", (json_int_t)layer->n_out);
    case PT_SHIFT:
        return json_pack("{s:s}", "kind", "shift");
    case PT_DENSE:
        break;
    }
    return json_pack("{s:s, s:I, s:I, s:s}", "kind", "linear", "in", (json_int_t)layer->n_in, "out",
                     (json_int_t)layer->n_out, "activation", activation);
}

char *pt_arch_text(const pt_net *net)
{
    const pt_shape *input = &net->input;
    const bool plain = input->height * input->width == 1 && net->layers[0].kind == PT_DENSE;
    json_t *arch = json_object(), *layers = json_array();
    json_t *shape =
        plain ? NULL
              : json_pack("[I,I,I]", (json_int_t)input->height, (json_int_t)input->width, (json_int_t)input->channels);
    int failed = plain ? 0 : json_object_set_new(arch, "input", shape);
    for (size_t l = 0; l < net->n_layers && failed == 0; l++) {
        failed = json_array_append_new(layers, layer_entry(&net->layers[l]));
    }
    if (json_object_set_new(arch, "layers", layers) != 0) { failed = 1; } /* takes the layers also when it fails */
    char *text = failed == 0 ? json_dumps(arch, JSON_COMPACT) : NULL;
    json_decref(arch);
    return text;
}

/* ---- from text ---- */

static bool is_size(json_int_t value)
{
    return value >= 1 && (uint64_t)value <= PT_NET_MAX_WIDTH;
}

/* Each returns whether the entry has its form, and sets *status by appending the layer. */

static bool linear_take(json_t *entry, pt_net *net, ptsne_status *status, ptsne_error *err)
{
    const char *kind, *name;
    json_int_t n_in = 0, n_out = 0;
    pt_activation activation;
    if (json_unpack(entry, "{s:s, s:I, s:I, s:s !}", "kind", &kind, "in", &n_in, "out", &n_out, "activation", &name) !=
            0 ||
        n_in < 1 || n_out < 1 || pt_activation_find(name, &activation, NULL) != PTSNE_OK) {
        return false;
    }
    if (net->n_layers == 0 && pt_net_inputs(net) == 0) { net->input = pt_shape_columns((size_t)n_in); }
    if (pt_net_outputs(net) != (size_t)n_in) {
        *status = pt_fail(err, PTSNE_ERR_DATA, "takes %lld columns from a layer of %zu", (long long)n_in,
                          pt_net_outputs(net));
        return true;
    }
    *status = pt_net_append(net, (size_t)n_out, activation, err);
    return true;
}

static bool convolution_take(json_t *entry, pt_net *net, ptsne_status *status, ptsne_error *err)
{
    const char *kind, *name, *padding;
    json_int_t filters = 0, height = 0, width = 0, stride = 0;
    pt_activation activation;
    if (json_unpack(entry, "{s:s, s:I, s:[I,I!], s:I, s:s, s:s !}", "kind", &kind, "filters", &filters, "kernel",
                    &height, &width, "stride", &stride, "padding", &padding, "activation", &name) != 0 ||
        !is_size(filters) || !is_size(height) || !is_size(width) || !is_size(stride) ||
        (strcmp(padding, "same") != 0 && strcmp(padding, "valid") != 0) ||
        pt_activation_find(name, &activation, NULL) != PTSNE_OK) {
        return false;
    }
    const size_t kernel[] = {(size_t)height, (size_t)width};
    *status = pt_net_append_convolution(net, (size_t)filters, kernel, (size_t)stride, *padding == 's', activation, err);
    return true;
}

static bool pool_take(json_t *entry, pt_net *net, ptsne_status *status, ptsne_error *err)
{
    const char *kind;
    json_int_t height = 0, width = 0, stride = 0;
    if (json_unpack(entry, "{s:s, s:[I,I!], s:I !}", "kind", &kind, "kernel", &height, &width, "stride", &stride) !=
            0 ||
        !is_size(height) || !is_size(width) || !is_size(stride)) {
        return false;
    }
    const size_t kernel[] = {(size_t)height, (size_t)width};
    *status = pt_net_append_pool(net, kernel, (size_t)stride, err);
    return true;
}

static bool norm_take(json_t *entry, pt_net *net, ptsne_status *status, ptsne_error *err)
{
    const char *kind, *name;
    pt_activation activation;
    if (json_unpack(entry, "{s:s, s:s !}", "kind", &kind, "activation", &name) != 0 ||
        pt_activation_find(name, &activation, NULL) != PTSNE_OK) {
        return false;
    }
    *status = pt_net_append_norm(net, activation, err);
    return true;
}

static bool drop_take(json_t *entry, pt_net *net, ptsne_status *status, ptsne_error *err)
{
    const char *kind;
    double rate;
    if (json_unpack(entry, "{s:s, s:F !}", "kind", &kind, "rate", &rate) != 0) { return false; }
    *status = pt_net_append_drop(net, (float)rate, err);
    return true;
}

static bool anchors_take(json_t *entry, pt_net *net, ptsne_status *status, ptsne_error *err)
{
    const char *kind;
    json_int_t count = 0, dimensions = 0;
    if (json_unpack(entry, "{s:s, s:I, s:I !}", "kind", &kind, "count", &count, "dimensions", &dimensions) != 0 ||
        !is_size(count) || !is_size(dimensions)) {
        return false;
    }
    *status = pt_net_append_places(net, (size_t)count, (size_t)dimensions, err);
    return true;
}

static bool shift_take(json_t *entry, pt_net *net, ptsne_status *status, ptsne_error *err)
{
    const char *kind;
    if (json_unpack(entry, "{s:s !}", "kind", &kind) != 0) { return false; }
    *status = pt_net_append_shift(net, err);
    return true;
}

static ptsne_status layer_take(json_t *entry, pt_net *net, ptsne_error *err)
{
    static const struct {
        const char *kind;
        bool (*take)(json_t *entry, pt_net *net, ptsne_status *status, ptsne_error *err);
    } kinds[] = {
        {"linear", linear_take}, {"conv", convolution_take}, {"pool", pool_take},   {"norm", norm_take},
        {"dropout", drop_take},  {"anchors", anchors_take},  {"shift", shift_take},
    };
    const size_t number = net->n_layers;
    const char *kind = json_string_value(json_object_get(entry, "kind"));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ptsne_status status = PTSNE_OK;
        if (kind == NULL || strcmp(kind, kinds[i].kind) != 0) { continue; }
        if (!kinds[i].take(entry, net, &status, err)) { break; }
        return status == PTSNE_OK ? status : pt_within(err, PTSNE_ERR_DATA, "ptsne.arch: layer %zu", number);
    }
    return pt_fail(err, PTSNE_ERR_DATA, "ptsne.arch: layer %zu is none that this version knows", number);
}

/* The shape of the rows, where it is told. */
static ptsne_status input_take(json_t *arch, pt_net *net, ptsne_error *err)
{
    json_int_t height = 0, width = 0, channels = 0;
    json_t *input = json_object_get(arch, "input");
    if (input == NULL) { return PTSNE_OK; }
    if (json_unpack(input, "[I,I,I!]", &height, &width, &channels) != 0 || !is_size(height) || !is_size(width) ||
        !is_size(channels)) {
        return pt_fail(err, PTSNE_ERR_DATA, "ptsne.arch: the input is no height, width and channels");
    }
    if (height * width > (json_int_t)PT_NET_MAX_WIDTH || channels > (json_int_t)PT_NET_MAX_WIDTH / (height * width)) {
        return pt_fail(err, PTSNE_ERR_DATA, "ptsne.arch: the input has more than %zu values", PT_NET_MAX_WIDTH);
    }
    net->input = (pt_shape){(size_t)height, (size_t)width, (size_t)channels};
    return PTSNE_OK;
}

ptsne_status pt_arch_take(const char *text, pt_net *net, ptsne_error *err)
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
    ptsne_status status = input_take(arch, net, err);
    const json_t *layers = json_object_get(arch, "layers");
    for (size_t l = 0; l < json_array_size(layers) && status == PTSNE_OK; l++) {
        status = layer_take(json_array_get(layers, l), net, err);
    }
    json_decref(arch);
    if (status == PTSNE_OK && net->n_layers == 0) { status = pt_fail(err, PTSNE_ERR_DATA, "ptsne.arch: no layers"); }
    return status;
}
