/* What a fit begins with: the network and its first parameters, from chance or from a model. */
#ifndef PT_PARAMETRIC_START_H
#define PT_PARAMETRIC_START_H

#include "network/dataset.h"
#include "network/model_file.h"
#include "parametric/teacher.h"

/* The network that settings, resolved, ask for, for rows of n_features. */
ptsne_status pt_start_net(const ptsne_fit_options *settings, size_t n_features, pt_net *net, ptsne_error *err);

/* Its first parameters, for inputs as summary scales them; in mode teacher for its targets, else teacher is NULL. */
void pt_start_parameters(const ptsne_fit_options *settings, const pt_net *net, const pt_summary *summary,
                         const pt_teacher *teacher, float *parameters);

/* The places of x's rows on the map of the model that the fit begins with. */
ptsne_status pt_start_map(pt_backend *be, const ptsne_fit_options *settings, const float *x, size_t n, float *map,
                          ptsne_error *err);

#endif
