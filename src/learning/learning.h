/* Learning from examples: epochs in fresh orders, validation, an end where nothing gets better any more, the best parameters
 * kept. Classifiers and autoencoders differ in what they hand over. */
#ifndef PT_LEARNING_LEARNING_H
#define PT_LEARNING_LEARNING_H

#include "learning/learner.h"

/* Train.
 *
 * parameters: those to begin with, and afterwards those of report->kept, also after PTSNE_ERR_DIVERGED, PTSNE_ERR_STOPPED and
 * any other failure; they are as they were where report->epochs is 0. report: what training can tell; the rest stays. */
ptsne_status pt_learning_run(pt_backend *be, const pt_learner_plan *plan, const ptsne_observer *observer,
                             float *parameters, ptsne_learn_report *report, ptsne_error *err);

#endif
