/* A trained network: what it is in memory, and its safetensors file, which torch.nn.Sequential loads as it stands.
 *
 * Tensors are named by the module's number ("0.weight", "0.bias", "2.weight", ...). Modules are Linear, Conv2d (weights filters x
 * channels x height x width), MaxPool2d, BatchNorm1d or 2d, Dropout, the activations, and one Flatten where images become columns:
 * the dense layer after it takes channels first. Two modules PyTorch does not have: a shift ("0.bias", added to the input)
 * and anchors ("9.anchors", k x d: softmax of all but the last d columns, times anchors, plus the last d). */
#ifndef PT_NETWORK_MODEL_FILE_H
#define PT_NETWORK_MODEL_FILE_H

#include "network/layers.h"
#include "network/safetensors.h"

struct ptsne_model {
    pt_backend *be; /* borrowed */
    pt_net net;
    float *parameters;    /* n_parameters, for rows in the units of the data */
    pt_metadata metadata; /* how it was made; goes into the file */
    /* for transform and features; made at the first one */
    pt_buffer on_device; /* the parameters */
    pt_net seen;         /* the net up to the layer that the pass ends with */
    pt_pass pass;
    float *staging;    /* one block of rows */
    size_t block_rows; /* at most at a time */
};

/* An empty model of a net: parameters 0, no metadata. */
ptsne_status pt_model_create(pt_backend *be, const pt_net *net, ptsne_model **model, ptsne_error *err);
void pt_model_destroy(ptsne_model *model);

/* The model of a net that was trained on (x - mean) scale, for rows in the units of x: folded, and mean and scale put into the
 * first layer that has weights; where that cannot be exact, before a convolution, means are taken off by a shift in front.
 * mean n_inputs, NULL: 0. No metadata. Folded: without the norms that follow a linear dense layer or convolution, which take over
 * what the norm does by its running statistics. */
ptsne_status pt_model_export(pt_backend *be, const pt_net *net, const float *parameters, const float *mean, float scale,
                             ptsne_model **model, ptsne_error *err);
/* The name, in such a model, of the layer that makes what layer number `layer` of the net makes. */
ptsne_status pt_export_name(const pt_net *net, size_t layer, char name[16], ptsne_error *err);

/* The other way: the net that training goes on with, the model's without a shift in front, and its parameters, n_parameters of net, for
 * inputs (x - mean) scale. A model with a shift keeps the means that it was made with: pt_import_means writes them over others. */
void pt_import_net(const ptsne_model *model, pt_net *net);
void pt_import_means(const ptsne_model *model, float *mean);
void pt_import_parameters(const ptsne_model *model, const float *mean, float scale, float *parameters);

ptsne_status pt_model_write(const ptsne_model *model, const char *path, bool force, ptsne_error *err);
ptsne_status pt_model_read(pt_backend *be, const char *path, ptsne_model **model, ptsne_error *err);
/* The same from a parsed container. */
ptsne_status pt_model_take(pt_backend *be, const pt_safetensors *file, ptsne_model **model, ptsne_error *err);

#endif
