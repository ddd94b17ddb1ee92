/* t-SNE of one data set, and of new points beside one (ptsne_embed and ptsne_embed_add without their checks of pointers). */
#ifndef PT_TSNE_EMBED_H
#define PT_TSNE_EMBED_H

#include "tsne/affinities.h"

/* Nothing is known yet. */
void pt_embed_report_clear(ptsne_embed_report *report);

/* The k = settings->n_neighbors nearest neighbours by the search that settings ask for. scores: where not NULL and settings->pca is
 * not 0, becomes the n x pca principal components, released by free(). Sets report's times, explained variance, cells and
 * recall. settings resolved (embed_settings.h). */
ptsne_status pt_embed_neighbors(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_embed_options *settings,
                                const ptsne_observer *observer, float **scores, uint32_t *index, float *distance,
                                ptsne_embed_report *report, ptsne_error *err);

/* Joint affinities of a graph that pt_graph_check lets pass. Sets report's affinity_seconds and counts. */
ptsne_status pt_embed_affinities(pt_backend *be, const ptsne_graph *graph, const ptsne_embed_options *settings,
                                 const ptsne_observer *observer, pt_affinities *joint, ptsne_embed_report *report,
                                 ptsne_error *err);

ptsne_status pt_embed(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_graph *graph,
                      const ptsne_embed_options *options, const ptsne_observer *observer, float *y,
                      ptsne_embed_report *report, ptsne_error *err);

void pt_add_settings_default(ptsne_add_options *options);

ptsne_status pt_embed_add(pt_backend *be, const float *x, const float *y, size_t n, size_t d, size_t n_components,
                          const float *x_new, size_t m, const ptsne_add_options *options,
                          const ptsne_observer *observer, float *y_new, ptsne_embed_report *report, ptsne_error *err);

#endif
