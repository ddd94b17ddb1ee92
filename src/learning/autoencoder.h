/* Autoencoders: a network that gives back its input through a layer of codes (ptsne_autoencode and ptsne_reconstruct without their
 * checks of pointers). */
#ifndef PT_LEARNING_AUTOENCODER_H
#define PT_LEARNING_AUTOENCODER_H

#include "network/model_file.h"

void pt_autoencoder_default(ptsne_autoencode_options *options);

ptsne_status pt_autoencoder_train(pt_backend *be, const float *x, size_t n, size_t d,
                                  const ptsne_autoencode_options *options, const ptsne_observer *observer,
                                  ptsne_model **model, ptsne_learn_report *report, ptsne_error *err);

/* 0: the model is no autoencoder. */
size_t pt_autoencoder_code_size(const ptsne_model *model);

ptsne_status pt_autoencoder_reconstruct(ptsne_model *model, const float *x, size_t n, float *codes,
                                        float *reconstructions, double *loss, ptsne_error *err);

#endif
