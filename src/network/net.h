/* The shape of a network: a table of dense layers over one flat array of parameters, made from a short
 * text ("500,500,2000"). Weights are out x in as in PyTorch, the bias after them; each starts at a multiple of 16
 * elements, and the elements between stay 0. */
#ifndef PT_NETWORK_NET_H
#define PT_NETWORK_NET_H

#include "backend/backend.h"

#define PT_NET_MAX_LAYERS ((size_t)17)
#define PT_NET_MAX_WIDTH  ((size_t)1 << 24)

typedef struct pt_layer {
    size_t n_in, n_out;
    size_t weight, bias; /* first element of each among the parameters */
    pt_activation activation;
} pt_layer;

typedef struct pt_net {
    size_t n_layers;
    size_t n_parameters; /* the gaps included */
    pt_layer layers[PT_NET_MAX_LAYERS];
} pt_net;

/* widths: of the hidden layers, "" for none; all of them have the activation, the last layer is linear. */
ptsne_status pt_net_parse(const char *widths, const char *activation, size_t n_in, size_t n_out, pt_net *net,
                          ptsne_error *err);

/* Append a layer; its n_in is the n_out of the one before. PTSNE_ERR_ARGUMENT where the net gets too large. */
ptsne_status pt_net_append(pt_net *net, size_t n_in, size_t n_out, pt_activation activation, ptsne_error *err);

size_t pt_net_inputs(const pt_net *net);
size_t pt_net_outputs(const pt_net *net);

/* Starting values of all n_parameters: He et al. 2015 for relu and elu, Glorot and Bengio 2010 for tanh and sigmoid; the last
 * layer small, so that the map starts small; biases 0. */
void pt_net_start(const pt_net *net, uint64_t seed, float *parameters);

/* Floating-point operations of the matrix products for one row: forward, and there and back. */
double pt_net_forward_flop(const pt_net *net);
double pt_net_training_flop(const pt_net *net);

/* PT_LINEAR is "linear". */
const char *pt_activation_name(pt_activation activation);
ptsne_status pt_activation_find(const char *name, pt_activation *activation, ptsne_error *err);

#endif
