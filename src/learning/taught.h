/* What classifiers and autoencoders have in common around their training: the rows that are held back, the numbers that training
 * starts from, and the model that comes out. */
#ifndef PT_LEARNING_TAUGHT_H
#define PT_LEARNING_TAUGHT_H

#include "learning/learning.h"
#include "learning/learning_settings.h"
#include "network/model_file.h"

/* One task. What is released at its end starts out empty. */
typedef struct pt_taught {
    pt_backend *be;
    const ptsne_observer *observer;
    const float *x; /* n x d */
    const uint32_t *classes,
        *held_classes; /* n, and of validation rows of their own; NULL: the rows themselves are the targets */
    size_t n, d;
    ptsne_learn_options settings; /* resolved */
    pt_net net;
    const float *mean; /* d; NULL: 0 */
    float scale;
    size_t penalized;
    double activity_l2;
    pt_split split, held; /* held: all of the validation rows of their own */
    float *parameters;    /* n_parameters */
    pt_metadata run;      /* how it was made; goes into the model */
    ptsne_learn_report report;
} pt_taught;

/* Are there rows enough to learn from? */
ptsne_status pt_taught_check(const pt_taught *taught, ptsne_error *err);

/* Hold rows back; resolve the settings. The other members are set before. */
ptsne_status pt_taught_prepare(pt_taught *taught, const pt_learning_usual *usual, ptsne_error *err);

/* Train, and make the model wherever there is one to hand out; *model is NULL else. */
ptsne_status pt_taught_run(pt_taught *taught, ptsne_model **model, ptsne_error *err);

void pt_taught_destroy(pt_taught *taught);

#endif
