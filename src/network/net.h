/* The shape of a network: a table of layers over one flat array of parameters, made from a short text (net_text.c).
 *
 * A row is an image of height x width x channels values, channels fastest; a row that is no image is 1 x 1 x columns. Weights of a
 * dense layer are out x in, of a convolution filters x (kernel height, kernel width, channels); each array starts at a multiple of
 * 16 elements, and the elements between stay 0. */
#ifndef PT_NETWORK_NET_H
#define PT_NETWORK_NET_H

#include "backend/backend.h"

#define PT_NET_MAX_LAYERS ((size_t)31)
#define PT_NET_MAX_WIDTH  ((size_t)1 << 24) /* values of a row */
#define PT_NORM_EPSILON   1e-5f
#define PT_NORM_MOMENTUM  0.1f /* of the running statistics */

typedef enum pt_layer_kind {
    PT_DENSE = 0,
    PT_CONVOLUTION,
    PT_POOL,    /* largest value of a window */
    PT_NORM,    /* batch normalisation of each channel */
    PT_DROP,    /* dropout with a rate of its own */
    PT_ANCHORS, /* k + d values to the mean of k places weighed by a softmax, plus d */
    PT_SHIFT,   /* adds a constant to each value; not trained */
} pt_layer_kind;

typedef struct pt_shape {
    size_t height, width, channels;
} pt_shape;

typedef struct pt_layer {
    pt_layer_kind kind;
    pt_activation activation; /* of its result */
    char name[16];            /* "dense1", "conv2", "pool1", "norm1", "drop1", "anchors1", "shift1" */
    pt_shape in, out;
    size_t n_in, n_out; /* values of a row: the shapes' products */
    pt_window window;   /* convolution, pooling */
    bool same;          /* convolution: padded, so that stride 1 keeps the size */
    float rate;         /* dropout */
    size_t weight,
        bias; /* first element of each among the parameters; norm: gain and shift; anchors: k x d places, no bias; shift: bias
                            alone (n_in) */
    size_t n_weight, n_bias;
    size_t mean,
        variance; /* norm: running statistics (channels); their gradient stays 0, so that no optimiser moves them */
} pt_layer;

typedef struct pt_net {
    pt_shape input;
    size_t n_layers;
    size_t n_parameters; /* the gaps included */
    pt_layer layers[PT_NET_MAX_LAYERS];
} pt_net;

/* The layers that the text tells, on rows of the input's shape; "" is none. Items stand between commas:
 *   N                                a dense layer with `activation`,
 *   dense N                          a dense layer,
 *   conv N HxW [stride S] [same]     a convolution of N filters; "valid", without padding, where it does not say same,
 *   pool S, pool HxW stride S        the largest value of each S x S or H x W (the stride may be left out of a square),
 *   bn                               batch normalisation,
 *   relu, elu, tanh, sigmoid, linear the activation of the layer before: dense, conv or bn,
 *   dropout P                        dropout of the share P.
 * An activation that follows a dense layer or convolution, at once or after its bn, takes the place of N's. Rows of a net with neither
 * conv nor pool are taken as columns. PTSNE_ERR_ARGUMENT names the item. */
ptsne_status pt_net_parse(const char *text, const char *activation, const pt_shape *input, pt_net *net,
                          ptsne_error *err);

/* Rows of so many columns that are no images. */
pt_shape pt_shape_columns(size_t columns);
size_t pt_shape_count(const pt_shape *shape);
/* Height, width and channels, as callers give them, to the shape of rows of n_columns values; all 0: they are no images.
 * PTSNE_ERR_ARGUMENT where the images have other than n_columns values. */
ptsne_status pt_shape_of_rows(const size_t input[3], size_t n_columns, pt_shape *shape, ptsne_error *err);

/* Append a layer to a net, which has its `input`. PTSNE_ERR_ARGUMENT where the net gets too large or the layer does not fit. */
ptsne_status pt_net_append(pt_net *net, size_t n_out, pt_activation activation, ptsne_error *err); /* dense */
ptsne_status pt_net_append_convolution(pt_net *net, size_t filters, const size_t kernel[2], size_t stride, bool same,
                                       pt_activation activation, ptsne_error *err);
ptsne_status pt_net_append_pool(pt_net *net, const size_t kernel[2], size_t stride, ptsne_error *err);
ptsne_status pt_net_append_norm(pt_net *net, pt_activation activation, ptsne_error *err);
ptsne_status pt_net_append_drop(pt_net *net, float rate, ptsne_error *err);
/* A dense layer to k + d, linear, then k anchors in d dimensions. */
ptsne_status pt_net_append_anchors(pt_net *net, size_t k, size_t d, ptsne_error *err);
/* Of these the anchors alone: what is before them has k + d values. */
ptsne_status pt_net_append_places(pt_net *net, size_t k, size_t d, ptsne_error *err);
ptsne_status pt_net_append_shift(pt_net *net, ptsne_error *err);
/* A layer like one of another net. */
ptsne_status pt_net_append_like(pt_net *net, const pt_layer *like, ptsne_error *err);

size_t pt_net_inputs(const pt_net *net);
size_t pt_net_outputs(const pt_net *net);
/* The shape of the rows that the last layer makes, the input's where there is none. */
pt_shape pt_net_result(const pt_net *net);
/* NULL where no layer has the name. */
const pt_layer *pt_net_find(const pt_net *net, const char *name);

/* Parameters of a layer, running statistics included. */
size_t pt_layer_parameters(const pt_layer *layer);
/* Whether training moves any of its parameters. */
bool pt_layer_learns(const pt_layer *layer);
/* Anchors: k; their dimensions are n_out. */
size_t pt_layer_anchors(const pt_layer *layer);

/* Starting values of all n_parameters: He et al. 2015 for relu and elu, Glorot and Bengio 2010 for tanh and sigmoid (a norm's
 * activation counts for the layer before it); a linear last layer, or the one before anchors, small, so that the map starts small;
 * biases 0; norms change nothing; anchors 0, for the trainer to set. */
void pt_net_start(const pt_net *net, uint64_t seed, float *parameters);

/* Floating-point operations of the matrix products for one row: forward, and there and back. */
double pt_net_forward_flop(const pt_net *net);
double pt_net_training_flop(const pt_net *net);

/* PT_LINEAR is "linear". */
const char *pt_activation_name(pt_activation activation);
ptsne_status pt_activation_find(const char *name, pt_activation *activation, ptsne_error *err);

#endif
