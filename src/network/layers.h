/* Forward and backward through a network, all of it on the device.
 *
 * A pass owns the activations of a fixed number of rows. Formulas, row-major, layer l with weights W (out x in), bias b:
 *   forward   a_l = dropout(activation(a_(l-1) W' + b)),
 *   backward  G = dL/da_l, through dropout and activation;  dW = G' a_(l-1);  db = column sums of G;  dL/da_(l-1) = G W. */
#ifndef PT_NETWORK_LAYERS_H
#define PT_NETWORK_LAYERS_H

#include "network/net.h"

typedef struct pt_dropout_rates {
    float input, hidden; /* shares dropped; 0: none */
    uint64_t seed, step; /* which masks: the backward pass takes those that the forward pass took */
} pt_dropout_rates;

typedef struct pt_pass {
    const pt_net *net; /* borrowed */
    size_t rows;
    bool training;
    pt_buffer outputs[PT_NET_MAX_LAYERS + 1]; /* rows x width; outputs[0] is the input, the caller fills it */
    pt_buffer kept[PT_NET_MAX_LAYERS];        /* a_l before its dropout, where its activation's slope needs it */
    pt_buffer gradients[2];                   /* of the layers in turn */
} pt_pass;

/* training: also backward. dropout: NULL where no step will ask for any. */
ptsne_status pt_pass_create(pt_backend *be, const pt_net *net, size_t rows, bool training,
                            const pt_dropout_rates *dropout, pt_pass *pass, ptsne_error *err);
void pt_pass_destroy(pt_backend *be, pt_pass *pass);

/* Views: the input (rows x n_in), the map (rows x n_out) and the place for dL/dmap. */
pt_buffer pt_pass_input(const pt_pass *pass);
pt_buffer pt_pass_map(const pt_pass *pass);
pt_buffer pt_pass_map_gradient(const pt_pass *pass);

/* From the input to the map; dropout may be NULL. The input itself is dropped in place. */
ptsne_status pt_pass_forward(pt_backend *be, const pt_pass *pass, const pt_buffer *parameters,
                             const pt_dropout_rates *dropout, ptsne_error *err);

/* From pt_pass_map_gradient to gradient, n_parameters; its gaps are not written. */
ptsne_status pt_pass_backward(pt_backend *be, const pt_pass *pass, const pt_buffer *parameters,
                              const pt_dropout_rates *dropout, const pt_buffer *gradient, ptsne_error *err);

#endif
