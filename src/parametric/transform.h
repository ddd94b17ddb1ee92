/* Place rows by a trained network. */
#ifndef PT_PARAMETRIC_TRANSFORM_H
#define PT_PARAMETRIC_TRANSFORM_H

#include "network/model_file.h"

/* y = f(x), as ptsne_transform promises: rows go through in blocks of such sizes that a row's bits do not
 * depend on its company (pt_backend's row_block). */
ptsne_status pt_model_transform(ptsne_model *model, const float *x, size_t n, float *y, ptsne_error *err);

#endif
