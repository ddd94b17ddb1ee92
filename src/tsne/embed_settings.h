/* Options of an embedding: defaults, limits, and the text that a state file keeps of them. */
#ifndef PT_TSNE_EMBED_SETTINGS_H
#define PT_TSNE_EMBED_SETTINGS_H

#include "network/safetensors.h"

/* What ptsne_embed_options_default promises. */
void pt_embed_settings_default(ptsne_embed_options *options);

/* given (NULL: defaults) with every "0: the default" replaced by its number, for n rows of n_features (0: a graph of n_neighbors is
 * given). PTSNE_ERR_ARGUMENT names the option, its value and its limits. */
ptsne_status pt_embed_settings_resolve(const ptsne_embed_options *given, size_t n, size_t n_features,
                                       ptsne_embed_options *settings, ptsne_error *err);

/* The same for what pt_optimize reads. */
ptsne_status pt_optimize_settings_resolve(const ptsne_embed_options *given, size_t n, ptsne_embed_options *settings,
                                          ptsne_error *err);

/* pca becomes 0 where no principal components are taken of n rows of n_features. */
void pt_embed_settings_pca(ptsne_embed_options *settings, size_t n, size_t n_features);

/* The field's spacing where none is asked for. */
double pt_embed_settings_spacing(size_t n_components);

/* Iterations of all phases. */
size_t pt_embed_settings_iterations(const ptsne_embed_options *settings);

/* Everything that the optimiser's numbers depend on, as pairs "ptsne.NAME". */
ptsne_status pt_optimize_settings_describe(const ptsne_embed_options *settings, pt_metadata *metadata,
                                           ptsne_error *err);

#endif
