/* Options of a fit: defaults, limits, and the text that a state file and a model keep of them. */
#ifndef PT_PARAMETRIC_SETTINGS_H
#define PT_PARAMETRIC_SETTINGS_H

#include "network/metadata.h"
#include "network/net.h"

/* What ptsne_fit_options_default promises. */
void pt_settings_default(ptsne_fit_options *options);

/* given with every "0: the default" and "negative: the default" replaced by its number, for n rows of n_features;
 * given may be NULL. PTSNE_ERR_ARGUMENT names the option, its value and its limits. Texts stay the caller's. */
ptsne_status pt_settings_resolve(const ptsne_fit_options *given, size_t n, size_t n_features,
                                 const ptsne_observer *observer, ptsne_fit_options *settings, ptsne_error *err);

/* Steps of an epoch: batches that are full; what is left over waits for the next epoch's order. */
size_t pt_settings_steps(const ptsne_fit_options *settings, size_t n);

/* Whether the neighbour graph is needed. */
bool pt_settings_graph(const ptsne_fit_options *settings);

/* Everything that the trained numbers depend on, as pairs "ptsne.NAME" (file and time of checkpoints left out). */
ptsne_status pt_settings_describe(const ptsne_fit_options *settings, pt_metadata *metadata, ptsne_error *err);

#endif
