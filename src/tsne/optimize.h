/* A map from its affinities: phases of gradient descent with momentum and gains, all of an iteration on the device
 * (ptsne_optimize without its checks of pointers). */
#ifndef PT_TSNE_OPTIMIZE_H
#define PT_TSNE_OPTIMIZE_H

#include "tsne/affinities.h"

/* settings: resolved (embed_settings.h). y: n x n_components, the initial map, and the map afterwards, also after
 * PTSNE_ERR_STOPPED. Sets report's iterations, kl_divergence, optimize_seconds, span and converged. */
ptsne_status pt_optimize(pt_backend *be, const pt_affinities *joint, const ptsne_embed_options *settings,
                         const ptsne_observer *observer, float *y, ptsne_embed_report *report, ptsne_error *err);

#endif
