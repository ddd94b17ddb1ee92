/* A model at work: rows, in which nothing is NaN or infinite, go through in blocks of such sizes that a row's bits do not depend on
 * its company (pt_backend's row_block). */
#ifndef PT_NETWORK_TRANSFORM_H
#define PT_NETWORK_TRANSFORM_H

#include "network/model_file.h"

/* y = f(x), as ptsne_transform promises. */
ptsne_status pt_model_transform(ptsne_model *model, const float *x, size_t n, float *y, ptsne_error *err);

/* The result of layer number `layer` instead of the last one: n rows of its n_out values. */
ptsne_status pt_model_features(ptsne_model *model, size_t layer, const float *x, size_t n, float *features,
                               ptsne_error *err);

/* Both of the same way through; features NULL: y alone. */
ptsne_status pt_model_both(ptsne_model *model, size_t layer, const float *x, size_t n, float *features, float *y,
                           ptsne_error *err);

#endif
