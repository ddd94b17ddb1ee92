/* One training step on the device, and all the memory that it needs, taken before the first one.
 *
 * Mode edges: heads and tails through the network, pt_edges_gradient, back, optimiser. Mode batch: P from the distances of
 * the batch's rows, the rows through the network, pt_tsne_gradient, back, optimiser. Mode teacher: the rows through the network,
 * pt_cauchy_error against the targets, back, optimiser. */
#ifndef PT_PARAMETRIC_TRAINER_H
#define PT_PARAMETRIC_TRAINER_H

#include "network/dataset.h"
#include "network/layers.h"
#include "network/optimizer.h"
#include "parametric/sampler.h"

/* What the trainer is made from; all of it borrowed. */
typedef struct pt_trainer_plan {
    const ptsne_fit_options *settings; /* resolved */
    const pt_net *net;
    const pt_summary *summary;
    const float *x;           /* n x n_features */
    const float *target;      /* n x n_components, mode teacher */
    const uint32_t *class_of; /* n, or NULL */
    const float *features; /* n x n_feature_columns: the batch's distances are taken in these (mode batch); may be x */
    size_t n, n_features, n_feature_columns;
    size_t n_steps; /* of an epoch */
} pt_trainer_plan;

typedef struct pt_trainer {
    pt_trainer_plan plan;
    size_t rows, n_block; /* of a step; steps whose lists are made at once */
    pt_pass pass;
    pt_optimizer optimizer;
    pt_buffer parameters, gradient;
    pt_buffer average;                 /* of the parameters, where settings ask for it */
    pt_buffer losses;                  /* n_block */
    pt_buffer row, partner, share;     /* n_block x rows: the sampler's lists */
    uint32_t *host_row, *host_partner; /* the same on the host */
    float *host_share, *host_losses;
    pt_buffer target, class_of; /* n_block x rows x n_components, n_block x rows: of the sampler's rows; mode teacher */
    float *host_target;
    uint32_t *host_class;
    pt_buffer scratch;
    pt_rows input;
    /* mode batch */
    pt_rows features;
    int metric;
    pt_buffer picked, d2, p, beta; /* rows x columns, rows x rows, rows x rows, rows */
} pt_trainer;

ptsne_status pt_trainer_create(pt_backend *be, const pt_trainer_plan *plan, pt_trainer *trainer, ptsne_error *err);
void pt_trainer_destroy(pt_backend *be, pt_trainer *trainer);

/* Make the lists of `count` steps (at most n_block) from step `first` of the sampler's epoch on. */
ptsne_status pt_trainer_load(pt_backend *be, pt_trainer *trainer, const pt_sampler *sampler, size_t first, size_t count,
                             ptsne_error *err);

/* Step number `step` of the whole run, by the list at `place` of those that were loaded. Its loss stays on the device. */
ptsne_status pt_trainer_step(pt_backend *be, pt_trainer *trainer, size_t place, size_t step, ptsne_error *err);

/* The parameters that a model is made of: the average where there is one. */
const pt_buffer *pt_trainer_result(const pt_trainer *trainer);

/* The losses of the first `count` places, into host_losses. Waits for the steps. */
ptsne_status pt_trainer_losses(pt_backend *be, pt_trainer *trainer, size_t count, ptsne_error *err);

/* Floating-point operations of a step's matrix products. */
double pt_trainer_flop(const pt_trainer *trainer);

#endif
