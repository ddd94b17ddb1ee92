/* Forward and backward through a network, all of it on the device.
 *
 * A pass owns the activations of a fixed number of rows. With a_l the result of layer l, G = dL/d(what its activation sees):
 *   dense        a_l = dropout(activation(a_(l-1) W' + b));  dW = G' a_(l-1);  db = column sums of G;  dL/da_(l-1) = G W,
 *   convolution  the same over the patches of a window, db over all places,
 *   norm         by the batch's moments when it trains, which also move the running ones among the parameters (as PyTorch does:
 *                momentum 0.1, variance over n - 1), by the running ones when not,
 *   anchors      z = [u | v], y = softmax(u) a + v;  da = softmax(u)' dL/dy. */
#ifndef PT_NETWORK_LAYERS_H
#define PT_NETWORK_LAYERS_H

#include "network/net.h"

typedef struct pt_dropout_rates {
    float input,
        hidden; /* shares dropped; 0: none. hidden: after every dense layer that more layers follow, anchors apart; where a
                            norm follows it, after that */
    uint64_t seed,
        step; /* which masks, those of PT_DROP layers too: the backward pass takes those that the forward pass took */
} pt_dropout_rates;

typedef struct pt_pass {
    const pt_net *net; /* borrowed */
    size_t rows;       /* may be made less than it was created for */
    bool training;
    pt_buffer outputs[PT_NET_MAX_LAYERS + 1]; /* rows x width; outputs[0] is the input, the caller fills it */
    pt_buffer kept[PT_NET_MAX_LAYERS];        /* a_l before its dropout, where its activation's slope needs it */
    pt_buffer own[PT_NET_MAX_LAYERS];         /* pool: which values; norm: the batch's moments; anchors: the softmax */
    pt_buffer gradients[2];                   /* of the layers in turn: */
    unsigned char turn[PT_NET_MAX_LAYERS];
    pt_buffer scratch;
    /* For the trainer to set before a backward pass; nothing at first. */
    pt_buffer classes; /* rows uint32: cross-entropy of the softmax of anchors is a part of the loss, */
    float class_weight;
    size_t
        penalized; /* and, where penalty is not 0, penalty / rows * sum a^2 over the result of this layer (its number) */
    float penalty;
} pt_pass;

/* training: also backward. dropout: NULL where no step will ask for any. PTSNE_ERR_ARGUMENT: a norm that would train on one value. */
ptsne_status pt_pass_create(pt_backend *be, const pt_net *net, size_t rows, bool training,
                            const pt_dropout_rates *dropout, pt_pass *pass, ptsne_error *err);
void pt_pass_destroy(pt_backend *be, pt_pass *pass);

/* Rows at a time in a pass that does not train, of rows without end: fewer where they are wide, as images are between
 * convolutions. A power of two, and a multiple of any backend's row_block. */
size_t pt_pass_block_rows(const pt_backend *be, const pt_net *net);

/* Views: the input (rows x n_in), the map (rows x n_out), the place for dL/dmap, and the result of a layer, as it goes
 * into the next one. */
pt_buffer pt_pass_input(const pt_pass *pass);
pt_buffer pt_pass_map(const pt_pass *pass);
pt_buffer pt_pass_map_gradient(const pt_pass *pass);
pt_buffer pt_pass_output(const pt_pass *pass, size_t layer);

/* From the input to the map; dropout may be NULL. The input itself is dropped in place. A pass that trains writes running
 * statistics into the parameters. */
ptsne_status pt_pass_forward(pt_backend *be, const pt_pass *pass, const pt_buffer *parameters,
                             const pt_dropout_rates *dropout, ptsne_error *err);

/* From pt_pass_map_gradient, which is overwritten, to gradient, n_parameters; its gaps, and what no training moves, are not
 * written. */
ptsne_status pt_pass_backward(pt_backend *be, const pt_pass *pass, const pt_buffer *parameters,
                              const pt_dropout_rates *dropout, const pt_buffer *gradient, ptsne_error *err);

#endif
