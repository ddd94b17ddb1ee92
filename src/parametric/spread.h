/* How far a model's map reaches: whether it has collapsed, to a point or a line. */
#ifndef PT_PARAMETRIC_SPREAD_H
#define PT_PARAMETRIC_SPREAD_H

#include "network/model_file.h"

/* Standard deviation along each dimension of the map of x (n rows), told from some thousands of rows spread over it. */
ptsne_status pt_spread_measure(ptsne_model *model, const float *x, size_t n, double spread[3], ptsne_error *err);

/* Warn of dimensions in which nothing is spread out, of n_components. */
void pt_spread_warn(const ptsne_observer *observer, const double spread[3], size_t n_components);

#endif
