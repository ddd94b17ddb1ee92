/* Options of an embedding: defaults, limits, and the text that a state file keeps of them. */
#ifndef PT_TSNE_EMBED_SETTINGS_H
#define PT_TSNE_EMBED_SETTINGS_H

#include "network/metadata.h"

/* What ptsne_embed_options_default promises. */
void pt_embed_settings_default(ptsne_embed_options *options);

/* given (NULL: defaults) with every "0: the default" replaced by its number, for n rows of n_features (0: a graph of n_neighbors is
 * given). PTSNE_ERR_ARGUMENT names the option, its value and its limits. */
ptsne_status pt_embed_settings_resolve(const ptsne_embed_options *given, size_t n, size_t n_features,
                                       ptsne_embed_options *settings, ptsne_error *err);

/* The same for what pt_optimize reads. */
ptsne_status pt_optimize_settings_resolve(const ptsne_embed_options *given, size_t n, ptsne_embed_options *settings,
                                          ptsne_error *err);

/* The field's spacing where none is asked for. */
double pt_embed_settings_spacing(size_t n_components);

/* Whether the neighbours of n points are searched for by cells. */
bool pt_embed_settings_cells(const ptsne_embed_options *settings, size_t n);

/* Iterations of all phases. */
size_t pt_embed_settings_iterations(const ptsne_embed_options *settings);

/* Phases as --phases takes them, "250:12,500:1"; count at most PTSNE_MAX_PHASES. */
#define PT_PHASES_TEXT ((size_t)PTSNE_MAX_PHASES * 48)
void pt_phases_print(const ptsne_phase *phases, size_t count, char text[PT_PHASES_TEXT]);

/* Everything that the optimiser's numbers depend on, as pairs "ptsne.NAME". */
ptsne_status pt_optimize_settings_describe(const ptsne_embed_options *settings, pt_metadata *metadata,
                                           ptsne_error *err);

/* ---- rules that several kinds of options share ---- */

/* pca, or 0 where no principal components are taken of n rows of n_features. */
size_t pt_settings_pca(size_t pca, const char *metric, size_t n, size_t n_features);

/* Perplexities against the rows that a row of P is made from; `of` names these for the message: "200 points". */
ptsne_status pt_perplexities_check(const double *perplexities, size_t count, size_t rows, const char *of,
                                   ptsne_error *err);

/* A perplexity is at most the number of neighbours. */
ptsne_status pt_neighbors_check(size_t n_neighbors, double perplexity, ptsne_error *err);

/* Iterations and exaggeration of each phase. */
ptsne_status pt_phases_check(const ptsne_phase *phases, size_t n_phases, ptsne_error *err);

#endif
