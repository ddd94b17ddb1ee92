/* Models: networks that map rows, as ptsne_fit, ptsne_classify and ptsne_autoencode make them. */
#ifndef PTSNE_MODEL_H
#define PTSNE_MODEL_H

#include "ptsne/base.h"
#include "ptsne/devices.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ptsne_model ptsne_model;

/**
 * Write the model as safetensors, named as PyTorch's nn.Sequential names its layers ("0.weight", out x in); how it was
 * made is in the header's __metadata__. An existing file is replaced only where force is not 0: else
 * PTSNE_ERR_ARGUMENT.
 */
PTSNE_API ptsne_status ptsne_model_save(const ptsne_model *model, const char *path, int force, ptsne_error *err);

/**
 * Read a model onto a device, which is borrowed until the model is destroyed. The caller destroys the model; after a
 * failure it is NULL.
 */
PTSNE_API ptsne_status ptsne_model_load(ptsne_device *device, const char *path, ptsne_model **model, ptsne_error *err);

/** Release the model, before its device; NULL does nothing. */
PTSNE_API void ptsne_model_destroy(ptsne_model *model);

/* ---- what is in it -------------------------------------------------------------------------- */

/** Columns of the rows that the model takes. */
PTSNE_API size_t ptsne_model_features(const ptsne_model *model);

/** Columns of what it makes: the map's, a value a class, or those of its input again. */
PTSNE_API size_t ptsne_model_components(const ptsne_model *model);

/** Height, width and channels of the rows that it takes; 1, 1 and the columns where they are no images. */
PTSNE_API void ptsne_model_input(const ptsne_model *model, size_t shape[3]);

/** One layer of a model. Normalisations that a layer could take over are part of it. */
typedef struct ptsne_layer_info {
    char name[16];              /* "dense1", "conv2", "pool1", "norm1", "drop1", "anchors1", "shift1" */
    char kind[16];              /* "dense", "convolution", "pooling", "normalisation", "dropout", "anchors", "shift" */
    char activation[16];        /* of its result: "linear", "relu", "elu", "tanh", "sigmoid" */
    size_t input[3], output[3]; /* height, width, channels of a row's values, channels fastest; no image: 1, 1, n */
    size_t kernel[2], stride;   /* height and width, of convolution and pooling; else 0 */
    int same;                   /* not 0: a convolution that keeps the size, but for the stride */
    double rate;                /* of dropout; else 0 */
    size_t parameters;
} ptsne_layer_info;

/** Layers of the model. */
PTSNE_API size_t ptsne_model_layers(const ptsne_model *model);

/** What a layer is, from 0 and below ptsne_model_layers; info is the caller's and is filled whole. */
PTSNE_API void ptsne_model_layer(const ptsne_model *model, size_t layer, ptsne_layer_info *info);

/** The number of the layer of this name; PTSNE_ERR_ARGUMENT names those that there are. */
PTSNE_API ptsne_status ptsne_model_find_layer(const ptsne_model *model, const char *name, size_t *layer,
                                              ptsne_error *err);

/**
 * How the model was made: the index-th of its notes, as its file keeps them ("ptsne.mode": "teacher"). Returns the key,
 * or NULL behind the last one; *value is set with it. Both live as long as the model.
 */
PTSNE_API const char *ptsne_model_note(const ptsne_model *model, size_t index, const char **value);

/* ---- what it makes of rows ------------------------------------------------------------------- */

/**
 * Map points the model has not seen into its embedding (out-of-sample transform).
 *
 * One forward pass of the trained network; the model does not change, and the same x gives the
 * same y each time on the same device, however the rows are split over calls.
 *
 * @param model  Borrowed. Use it from one thread at a time.
 * @param x      n x n_features, row-major, in the units of the data it was fitted on; borrowed.
 * @param n      Points in x; 0 does nothing and succeeds.
 * @param y      n x ptsne_model_components, row-major; the caller's memory, no overlap with x. Of a fitted model in units
 *               of the Student-t kernel's width, or of the map that it was taught; of a classifier what it takes the
 *               softmax of; of an autoencoder x times its scale. After a failure its contents mean nothing.
 * @param err    Says what failed; may be NULL.
 * @return PTSNE_OK, or PTSNE_ERR_DATA (x has a NaN or infinity; the message gives row and column),
 *         PTSNE_ERR_MEMORY (no room for one batch of activations), PTSNE_ERR_DEVICE.
 */
PTSNE_API ptsne_status ptsne_transform(ptsne_model *model, const float *x, size_t n, float *y, ptsne_error *err);

/**
 * What a layer makes of rows: its activations, as ptsne_transform gives those of the last one.
 *
 * @param layer     A layer's number, from 0.
 * @param x         n x n_features, in the units of the data the model was trained on; borrowed.
 * @param features  n x the values of the layer's output (its shape's product); the caller's memory, no overlap with x.
 * The rest and the status as for ptsne_transform; PTSNE_ERR_ARGUMENT: there is no such layer.
 */
PTSNE_API ptsne_status ptsne_features(ptsne_model *model, size_t layer, const float *x, size_t n, float *features,
                                      ptsne_error *err);

/* ---- networks ------------------------------------------------------------------------------- */

/* Networks are told by a text, items between commas:
 *   N                                 a dense layer of N with the options' activation,
 *   dense N                           a dense layer,
 *   conv N HxW [stride S] [same]      a convolution of N filters; same: padded, only the stride makes it smaller;
 *                                     valid, which is what it is without a word: not padded,
 *   pool S, pool HxW stride S         the largest value of each window (the stride may be left out of a square),
 *   bn                                batch normalisation,
 *   relu, elu, tanh, sigmoid, linear  the activation of the dense layer, convolution or bn before, in place of N's,
 *   dropout P                         dropout of the share P.
 * conv and pool see rows as images of the options' `input`, height x width x channels values, channels fastest. */

typedef enum ptsne_optimizer { PTSNE_OPTIMIZER_ADAM = 0, PTSNE_OPTIMIZER_SGD } ptsne_optimizer;
typedef enum ptsne_schedule {
    PTSNE_SCHEDULE_COSINE = 0, /* warm-up, then half a cosine to 0 */
    PTSNE_SCHEDULE_LINEAR,     /* warm-up, then a line to 0 */
    PTSNE_SCHEDULE_CONSTANT    /* warm-up, then constant */
} ptsne_schedule;

#ifdef __cplusplus
}
#endif

#endif
