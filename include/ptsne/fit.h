/* Parametric t-SNE: a network that maps rows it has not seen. */
#ifndef PTSNE_FIT_H
#define PTSNE_FIT_H

#include "ptsne/base.h"
#include "ptsne/devices.h"
#include "ptsne/embed.h"
#include "ptsne/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ptsne_mode { PTSNE_MODE_EDGES = 0, PTSNE_MODE_BATCH, PTSNE_MODE_TEACHER } ptsne_mode;
typedef enum ptsne_head {
    PTSNE_HEAD_AUTO = 0, /* the mode's default */
    PTSNE_HEAD_LINEAR,   /* the map is what a linear layer makes */
    PTSNE_HEAD_ANCHORS /* a mean of places on the map, weighted by a softmax, plus what a linear layer makes: such a map
                          can jump */
} ptsne_head;

typedef struct ptsne_fit_options {
    ptsne_mode mode;
    const char *net;        /* layers before the map's, told as in model.h: "500,500,2000"; "" for a linear map */
    const char *activation; /* "relu", "elu", "tanh", "sigmoid" */
    size_t input[3]; /* height, width and channels of a row, channels fastest, for nets with conv or pool; all 0: a row
                               is no image */
    size_t n_components; /* dimension of the map, 2 or 3 */
    size_t epochs;       /* 0: the mode's default, on small data as many as make 2400 steps (batch: 960) */
    size_t batch_size;   /* rows of a step (edges mode: heads plus tails); 0: the mode's default */
    uint64_t seed;
    ptsne_head head;  /* the last layer */
    size_t n_anchors; /* of head anchors; no more than half the rows, with a warning where more are asked for */
    /* training goes on from this model, whose network is then the one that is trained: net, activation, n_components,
       head and n_anchors are not read, and input has to be as the model's images are, or all 0; borrowed during the
       call. NULL: from chance */
    const ptsne_model *init;
    /* the loss */
    double perplexities[PTSNE_MAX_PERPLEXITIES]; /* modes batch and teacher; several are averaged; each at most
                                                    (batch - 1) / 3, in mode teacher (n - 1) / 3 */
    size_t n_perplexities;
    const char *metric;        /* "euclidean", "cosine", "manhattan", or a plug-in's name */
    size_t n_neighbors;        /* tails, and neighbours to move to, are drawn from so many nearest */
    size_t pca;                /* distances are taken in so many principal components; 0, another metric than
                                  euclidean, or no more columns than that: in all columns */
    double exaggeration;       /* factor on P throughout; 0: the mode's default */
    double early_exaggeration; /* factor on P in the first early_epochs */
    size_t early_epochs;
    /* mode teacher */
    const float *teacher; /* n x n_components, borrowed during the call: the map to learn; NULL: t-SNE makes it */
    ptsne_phase teacher_phases[PTSNE_MAX_PHASES]; /* of that t-SNE */
    /* 0: 250 iterations at exaggeration 12, 500 at 1, 100 at 2; with init, whose map is where t-SNE begins, without the
       first */
    size_t n_teacher_phases;
    /* h of the loss, h log(h^2 + |y - target|^2), in standard deviations of the teacher's map: rows farther off than
       this count less and less */
    double error_width;
    /* head anchors: weight, at the start, of the cross-entropy that draws a row to its own anchor: against points
       between the clusters; far above the default it makes grains of them */
    double class_weight;
    double class_share; /* it falls to 0 in this share of the run */
    /* regularisation */
    double dropout;       /* share of the hidden units dropped, 0 to below 1; negative: the mode's default */
    double input_dropout; /* share of the inputs dropped; negative: the mode's default */
    double interpolation; /* inputs move up to this share of the way to a neighbour, 0 to 1; negative: default */
    /* the optimiser */
    ptsne_optimizer optimizer;
    ptsne_schedule schedule;
    double
        learning_rate; /* at its height; 0: Adam 0.001 sqrt(batch_size / 500), in mode teacher five times that; SGD 0.1 */
    double momentum;   /* SGD */
    size_t warmup_steps;
    /* the model is a running mean of the trained parameters that keeps this share a step; 0: their last values */
    double averaging;
    /* long runs */
    const char *checkpoint;    /* training state is kept in this file, also at the end; NULL: nowhere */
    double checkpoint_minutes; /* between states; 0: only when stopped and at the end */
    int resume;                /* not 0: go on from the checkpoint file; without one, from the start, with a warning */
} ptsne_fit_options;

typedef struct ptsne_fit_report {
    size_t epochs;           /* done, those before a resume included */
    size_t steps;            /* done, likewise */
    double loss;             /* mean of the last epoch, nats; mode teacher: of h log(h^2 + |y - target|^2) */
    double seconds;          /* of this call */
    double neighbor_seconds; /* of these, principal components and neighbours; in mode teacher a part of the next */
    double teacher_seconds;  /* of these, the map to learn, its neighbours and the anchors; 0 in other modes */
    double teacher_kl;       /* KL divergence of the teacher's map, nats; NaN where this call made none */
    double training_seconds; /* of these, the steps */
    double product_flop;     /* floating-point operations of the matrix products in this call's steps */
    size_t duplicates;       /* rows of x that repeat an earlier one, as far as the neighbour graph shows */
    size_t constant_columns;
    double spread[3]; /* standard deviation of the map along each dimension, from at most 8192 rows spread over x */
} ptsne_fit_report;

/**
 * The documented defaults: mode teacher, 500-500-2000 hidden units, relu, 2 components, perplexity 30, 15 neighbours in
 * 50 principal components, Adam with 100 steps of warm-up and a cosine, a state every 5 minutes once checkpoint is set.
 *
 * What a mode takes where an option is left to it:
 *
 *           epochs  batch_size  exaggeration  dropout  input_dropout  interpolation     head
 *   edges       32         500             4      0.1            0.1            0.5   linear
 *   batch       80        5000             4        0              0              0   linear
 *   teacher     20         500             -      0.2            0.1            0.5  anchors
 *
 * and in mode teacher 200 anchors, error_width 0.1, class_weight 0.1, class_share 0.5.
 */
PTSNE_API void ptsne_fit_options_default(ptsne_fit_options *options);

/**
 * Train a network to map x into n_components dimensions (parametric t-SNE).
 *
 * Mode batch is the classic: P inside each mini-batch, KL(P || Q), gradient through the network (van der Maaten,
 * Learning a Parametric Embedding by Preserving Local Structure, AISTATS 2009). Mode edges draws pairs of neighbours
 * from the nearest-neighbour graph of all rows; all pairs of a batch repel. Mode teacher makes a map by t-SNE first,
 * and the network learns that map, in its units, with a loss that lets single rows go. Inputs are centred and scaled by
 * one number; both are folded into the first layer (the means of images into a shift before a convolution), so the model
 * takes rows in the units of x. The same seed gives the same model, bit for bit, on the same device for any number of
 * threads.
 *
 * @param device    Borrowed until the model is destroyed.
 * @param x         n x n_features, borrowed during the call.
 * @param options   May be NULL: defaults.
 * @param observer  May be NULL. Stages: "pca" (where pca is set), "neighbours" (where the neighbour graph is used), in
 *                  mode teacher "affinities", "embedding" and "k-means", "training".
 * @param model     The caller destroys it. Also set, to the last good model, when the call
 *                  returns PTSNE_ERR_DIVERGED or PTSNE_ERR_STOPPED after the first epoch, or PTSNE_ERR_IO
 *                  because the state of a stopped run could not be written; else NULL.
 * @param report    May be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (perplexity too large, ...); PTSNE_ERR_DATA (NaN or infinity in x, all rows
 *         equal, a damaged checkpoint); PTSNE_ERR_UNAVAILABLE (the device does not have the metric); PTSNE_ERR_MEMORY;
 *         PTSNE_ERR_DEVICE; PTSNE_ERR_DIVERGED; PTSNE_ERR_STOPPED; PTSNE_ERR_IO (a checkpoint that cannot be read, or
 *         not be written when stopped; else that is a warning). Resuming a checkpoint of other options or data is
 *         PTSNE_ERR_ARGUMENT: the message names what differs.
 */
PTSNE_API ptsne_status ptsne_fit(ptsne_device *device, const float *x, size_t n, size_t n_features,
                                 const ptsne_fit_options *options, const ptsne_observer *observer, ptsne_model **model,
                                 ptsne_fit_report *report, ptsne_error *err);

#ifdef __cplusplus
}
#endif

#endif
