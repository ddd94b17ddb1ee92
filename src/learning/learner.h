/* One step of a network that learns from examples, and what it makes of rows that it does not learn from: all on the device, in
 * memory that is taken before the first step.
 *
 * The examples' targets are classes (cross-entropy) or the rows themselves (mean squared error). A step: gather the batch,
 * forward, loss, back, the squares of the weights, optimiser. */
#ifndef PT_LEARNING_LEARNER_H
#define PT_LEARNING_LEARNER_H

#include "network/dataset.h"
#include "network/layers.h"
#include "network/optimizer.h"

/* Rows, some or all of a table's; all of it borrowed. */
typedef struct pt_examples {
    const float *x;          /* n x n_features */
    const uint32_t *classes; /* n; NULL: the rows themselves are the targets */
    size_t n;
    const uint32_t *chosen; /* n_chosen of the n rows */
    size_t n_chosen;
} pt_examples;

/* What a learner is made from; all of it borrowed. */
typedef struct pt_learner_plan {
    const ptsne_learn_options *settings; /* resolved */
    const pt_net *net;
    pt_examples training, validation; /* n_chosen 0: no validation; x may be that of training, n more */
    size_t n_features;
    const float *mean; /* n_features; NULL: 0. The network sees (x - mean) * scale */
    float scale;
    size_t penalized;   /* the layer whose squares are penalised ... */
    double activity_l2; /* by this */
} pt_learner_plan;

/* Sums over rows. */
typedef struct pt_score {
    double loss;
    size_t rows, wrong;
} pt_score;

typedef struct pt_learner {
    pt_learner_plan plan;
    size_t most, n_block; /* rows of the largest batch; rows whose lists are made at once */
    pt_pass passes[PTSNE_MAX_STRETCHES];
    pt_pass judge; /* rows that are not learnt from; none where there is no validation */
    pt_optimizer optimizer;
    pt_buffer parameters, gradient, scratch;
    pt_buffer losses;      /* two a step */
    pt_buffer row, target; /* n_block: the lists, and the classes of their rows */
    uint32_t *host_row, *host_target;
    float *host_losses;
    pt_rows input, held; /* held: validation rows of their own */
} pt_learner;

ptsne_status pt_learner_create(pt_backend *be, const pt_learner_plan *plan, pt_learner *learner, ptsne_error *err);
void pt_learner_destroy(pt_backend *be, pt_learner *learner);

/* Steps of `stretch` whose lists are held at once: at most so many can be loaded. */
size_t pt_learner_block(const pt_learner *learner, size_t stretch);

/* Make the lists of `count` steps; order: rows of the training table, batch_size a step. */
ptsne_status pt_learner_load(pt_backend *be, pt_learner *learner, const uint32_t *order, size_t stretch, size_t count,
                             ptsne_error *err);

/* Step number `step` of the whole run by the list at `place`, at a rate. Its loss stays on the device. */
ptsne_status pt_learner_step(pt_backend *be, pt_learner *learner, size_t stretch, size_t place, size_t step,
                             double rate, ptsne_error *err);

/* Add the losses of the first `count` places of a stretch to score. Waits for the steps. */
ptsne_status pt_learner_losses(pt_backend *be, pt_learner *learner, size_t stretch, size_t count, pt_score *score,
                               ptsne_error *err);

/* The validation rows by the parameters as they are. */
ptsne_status pt_learner_judge(pt_backend *be, pt_learner *learner, pt_score *score, ptsne_error *err);

#endif
