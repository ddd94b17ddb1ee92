/* Classifiers: from rows with labels to a network that tells them, and what it tells of other rows (ptsne_classify and
 * ptsne_predict without their checks of pointers). */
#ifndef PT_LEARNING_CLASSIFIER_H
#define PT_LEARNING_CLASSIFIER_H

#include "network/model_file.h"

void pt_classifier_default(ptsne_classify_options *options);

ptsne_status pt_classifier_train(pt_backend *be, const float *x, const ptsne_labels *labels, size_t n, size_t d,
                                 const ptsne_classify_options *options, const ptsne_observer *observer,
                                 ptsne_model **model, ptsne_learn_report *report, ptsne_error *err);

/* 0: the model is no classifier. */
size_t pt_classifier_classes(const ptsne_model *model);
/* "" where the model has no name for it. */
const char *pt_classifier_name(const ptsne_model *model, size_t class_index);

ptsne_status pt_classifier_predict(ptsne_model *model, const float *x, size_t n, uint32_t *classes,
                                   float *log_probabilities, ptsne_error *err);

#endif
