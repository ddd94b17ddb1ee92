/* Parametric t-SNE: from rows to a trained network (ptsne_fit without its checks of pointers). */
#ifndef PT_PARAMETRIC_TRAINING_H
#define PT_PARAMETRIC_TRAINING_H

#include "network/model_file.h"

/* A state that cannot be written is a warning, and training goes on. Only where the observer asks to stop is it
 * PTSNE_ERR_IO; *model is then set as it is for PTSNE_ERR_STOPPED. */
ptsne_status pt_training_run(pt_backend *be, const float *x, size_t n, size_t n_features,
                             const ptsne_fit_options *options, const ptsne_observer *observer, ptsne_model **model,
                             ptsne_fit_report *report, ptsne_error *err);

#endif
