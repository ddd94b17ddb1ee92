#include "tsne/embed.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/pca.h"
#include "base/clock.h"
#include "base/columns.h"
#include "base/memory.h"
#include "tsne/cells.h"
#include "tsne/embed_settings.h"
#include "tsne/initial.h"
#include "tsne/neighbors_shared.h"
#include "tsne/optimize.h"

/* A run's data between its stages; each is released as soon as nothing needs it. */
typedef struct stages {
    pt_backend *be;
    const float *x; /* n x d, may be NULL */
    size_t n, d;
    const ptsne_embed_options *settings;
    const ptsne_observer *observer;
    ptsne_embed_report *report;
    float *scores; /* n x pca, or NULL */
    uint32_t *index;
    float *distance;
    pt_affinities joint;
} stages;

void pt_embed_report_clear(ptsne_embed_report *report)
{
    const double unknown = (double)NAN;
    *report = (ptsne_embed_report){.explained_variance = unknown, .recall = unknown, .kl_divergence = unknown};
}

static ptsne_status scores_create(pt_backend *be, const float *x, size_t n, size_t d,
                                  const ptsne_embed_options *settings, const ptsne_observer *observer, float **scores,
                                  ptsne_embed_report *report, ptsne_error *err)
{
    const size_t k = settings->pca;
    double total = 0.0, kept = 0.0, *variance = pt_array_zeroed(k, sizeof *variance);
    *scores = pt_array_aligned(n * k, sizeof **scores);
    if (*scores == NULL || variance == NULL) {
        free(variance);
        return pt_fail_memory(err, "principal components", 4.0 * (double)n * (double)k);
    }
    const double began = pt_seconds();
    const ptsne_status status = pt_pca_scores(be, x, n, d, k, settings->seed, observer, *scores, variance, &total, err);
    for (size_t c = 0; c < k; c++) { kept += variance[c]; }
    free(variance);
    report->explained_variance = total > 0.0 ? kept / total : 1.0;
    report->pca_seconds = pt_seconds() - began;
    return status;
}

/* Whether any of the distances is a number: rows so far apart that none is have no neighbours. */
static ptsne_status distances_check(const float *distance, size_t count, ptsne_error *err)
{
    for (size_t t = 0; t < count; t++) {
        if (isfinite(distance[t])) { return PTSNE_OK; }
    }
    return pt_fail(err, PTSNE_ERR_DATA,
                   "the rows are so far apart that their distances leave float32: scale them down");
}

ptsne_status pt_embed_neighbors(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_embed_options *settings,
                                const ptsne_observer *observer, float **scores, uint32_t *index, float *distance,
                                ptsne_embed_report *report, ptsne_error *err)
{
    float *made = NULL;
    ptsne_status status = PTSNE_OK;
    if (settings->pca > 0) { status = scores_create(be, x, n, d, settings, observer, &made, report, err); }
    const float *from = made == NULL ? x : made;
    const size_t columns = made == NULL ? d : settings->pca;
    const double began = pt_seconds();
    if (status == PTSNE_OK && pt_embed_settings_cells(settings, n)) {
        pt_cells_report cells = {0};
        status = pt_cells_find(be, from, n, columns, settings->metric, settings->n_neighbors, settings->recall,
                               settings->seed, observer, index, distance, &cells, err);
        report->cells = cells.n_cells;
        report->cells_probed = cells.n_probed;
        report->recall = cells.recall;
    } else if (status == PTSNE_OK) {
        status = pt_neighbors_shared(be, from, n, NULL, n, columns, settings->metric, settings->n_neighbors, observer,
                                     index, distance, err);
        report->recall = 1.0;
    }
    if (status == PTSNE_OK) { status = distances_check(distance, n * settings->n_neighbors, err); }
    report->neighbor_seconds = pt_seconds() - began;
    report->n_neighbors = settings->n_neighbors;
    if (scores != NULL && status == PTSNE_OK) {
        *scores = made;
    } else {
        free(made);
    }
    return status;
}

static ptsne_status graph_create(stages *t, ptsne_error *err)
{
    const size_t k = t->settings->n_neighbors;
    t->index = pt_array_aligned(t->n * k, sizeof *t->index);
    t->distance = pt_array_aligned(t->n * k, sizeof *t->distance);
    if (t->index == NULL || t->distance == NULL) {
        return pt_fail_memory(err, "the neighbours", 8.0 * (double)t->n * (double)k);
    }
    return pt_embed_neighbors(t->be, t->x, t->n, t->d, t->settings, t->observer, &t->scores, t->index, t->distance,
                              t->report, err);
}

static ptsne_status initial_create(const stages *t, float *y, ptsne_error *err)
{
    const size_t c = t->settings->n_components;
    switch (t->settings->init) {
    case PTSNE_INIT_RANDOM:
        pt_random_initial(t->n, c, t->settings->seed, y);
        return PTSNE_OK;
    case PTSNE_INIT_GIVEN:
        return pt_finite_check("the initial map", y, t->n, c, err);
    default:
        if (t->scores != NULL && t->settings->pca >= c) {
            pt_scores_initial(t->scores, t->n, t->settings->pca, c, t->settings->seed, y);
            return PTSNE_OK;
        }
        return pt_pca_initial(t->be, t->x, t->n, t->d, c, t->settings->seed, t->observer, y, err);
    }
}

ptsne_status pt_embed_affinities(pt_backend *be, const ptsne_graph *graph, const ptsne_embed_options *settings,
                                 const ptsne_observer *observer, pt_affinities *joint, ptsne_embed_report *report,
                                 ptsne_error *err)
{
    const double began = pt_seconds();
    const pt_affinities_settings wanted = {
        .perplexities = settings->perplexities,
        .n_perplexities = settings->n_perplexities,
        .uniform = settings->uniform != 0,
    };
    pt_affinities_report found = {0};
    const ptsne_status status = pt_affinities_build(be, graph->index, graph->distance, graph->n, graph->k, &wanted,
                                                    observer, joint, &found, err);
    report->affinity_seconds = pt_seconds() - began;
    report->n_neighbors = graph->k;
    report->duplicates = found.duplicates;
    report->isolated = found.isolated;
    report->unreached = found.unreached;
    if (status == PTSNE_OK) { report->nonzeros = joint->row[joint->n]; }
    return status;
}

static ptsne_status graph_tell(const ptsne_embed_options *s, const ptsne_graph *found, ptsne_error *err)
{
    if (s->neighbors == NULL || s->neighbors(found, s->neighbors_user) == 0) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_STOPPED, "stopped");
}

/* With a given graph the initial map is that of a run that searches: from as many components. */
static ptsne_status scores_for_initial(stages *t, ptsne_error *err)
{
    const ptsne_embed_options *s = t->settings;
    if (s->init != PTSNE_INIT_PCA || s->pca < s->n_components) { return PTSNE_OK; }
    return scores_create(t->be, t->x, t->n, t->d, s, t->observer, &t->scores, t->report, err);
}

static ptsne_status run(stages *t, const ptsne_graph *graph, float *y, ptsne_error *err)
{
    ptsne_status status = graph == NULL ? graph_create(t, err) : scores_for_initial(t, err);
    const double began = pt_seconds();
    if (status == PTSNE_OK) { status = initial_create(t, y, err); }
    t->report->pca_seconds += pt_seconds() - began;
    free(t->scores);
    t->scores = NULL;
    const ptsne_graph found = {.n = t->n, .k = t->settings->n_neighbors, .index = t->index, .distance = t->distance};
    if (status == PTSNE_OK && graph == NULL) { status = graph_tell(t->settings, &found, err); }
    if (status == PTSNE_OK) {
        status = pt_embed_affinities(t->be, graph == NULL ? &found : graph, t->settings, t->observer, &t->joint,
                                     t->report, err);
    }
    free(t->index);
    free(t->distance);
    t->index = NULL;
    t->distance = NULL;
    if (status != PTSNE_OK) { return status; }
    return pt_optimize(t->be, &t->joint, t->settings, t->observer, y, t->report, err);
}

ptsne_status pt_embed(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_graph *graph,
                      const ptsne_embed_options *options, const ptsne_observer *observer, float *y,
                      ptsne_embed_report *report, ptsne_error *err)
{
    const double began = pt_seconds();
    ptsne_embed_options settings;
    pt_embed_report_clear(report);
    ptsne_status status = pt_embed_settings_resolve(options, n, graph == NULL ? d : 0, &settings, err);
    if (status == PTSNE_OK && x != NULL) { status = pt_finite_check(NULL, x, n, d, err); }
    if (status == PTSNE_OK && graph != NULL) {
        status = pt_graph_check(graph->index, graph->distance, n, graph->k, be->threads, err);
    }
    if (status != PTSNE_OK) { return status; }
    if (graph != NULL && x != NULL) { settings.pca = pt_settings_pca(settings.pca, settings.metric, n, d); }
    stages t = {.be = be, .x = x, .n = n, .d = d, .settings = &settings, .observer = observer, .report = report};
    status = run(&t, graph, y, err);
    free(t.scores);
    free(t.index);
    free(t.distance);
    pt_affinities_destroy(&t.joint);
    report->seconds = pt_seconds() - began;
    return status;
}
