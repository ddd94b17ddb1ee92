/* A trained network: what it is in memory, and its safetensors file, which torch.nn.Sequential loads as it stands
 * ("0.weight", "0.bias", "2.weight", ...: an activation counts as a module, the last layer has none). */
#ifndef PT_NETWORK_MODEL_FILE_H
#define PT_NETWORK_MODEL_FILE_H

#include "network/layers.h"
#include "network/safetensors.h"

struct ptsne_model {
    pt_backend *be; /* borrowed */
    pt_net net;
    float *parameters;    /* n_parameters, for rows in the units of the data */
    pt_metadata metadata; /* how it was made; goes into the file */
    /* for transform; made at the first one */
    pt_buffer on_device; /* the parameters */
    pt_pass pass;
    float *staging; /* one block of rows */
};

/* An empty model of a net: parameters 0, no metadata. */
ptsne_status pt_model_create(pt_backend *be, const pt_net *net, ptsne_model **model, ptsne_error *err);
void pt_model_destroy(ptsne_model *model);

ptsne_status pt_model_write(const ptsne_model *model, const char *path, bool force, ptsne_error *err);
ptsne_status pt_model_read(pt_backend *be, const char *path, ptsne_model **model, ptsne_error *err);
/* The same from a parsed container. */
ptsne_status pt_model_take(pt_backend *be, const pt_safetensors *file, ptsne_model **model, ptsne_error *err);

#endif
