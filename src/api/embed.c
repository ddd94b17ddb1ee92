#include "tsne/embed.h"

#include <stdlib.h>

#include "analysis/pca.h"
#include "api/device.h"
#include "base/clock.h"
#include "base/columns.h"
#include "tsne/embed_settings.h"
#include "tsne/optimize.h"
#include "tsne/plan.h"

struct ptsne_affinities {
    pt_affinities joint;
};

void ptsne_embed_options_default(ptsne_embed_options *options)
{
    pt_embed_settings_default(options);
}

void ptsne_add_options_default(ptsne_add_options *options)
{
    pt_add_settings_default(options);
}

/* The report that a call fills: the caller's, or its own. */
static ptsne_embed_report *report_begin(ptsne_embed_report *given, ptsne_embed_report *unwanted)
{
    ptsne_embed_report *report = given == NULL ? unwanted : given;
    pt_embed_report_clear(report);
    return report;
}

static bool graph_given(const ptsne_graph *graph)
{
    return graph->index != NULL && graph->distance != NULL && graph->n > 0 && graph->k > 0;
}

ptsne_status ptsne_embed(ptsne_device *device, const float *x, size_t n, size_t n_features, const ptsne_graph *graph,
                         const ptsne_embed_options *options, const ptsne_observer *observer, float *y,
                         ptsne_embed_report *report, ptsne_error *err)
{
    ptsne_embed_report unwanted;
    report = report_begin(report, &unwanted);
    const bool principal = options == NULL || options->init == PTSNE_INIT_PCA;
    if (device == NULL || y == NULL || ((graph == NULL || principal) && (x == NULL || n_features == 0))) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "embed: device, y, and x or a graph with another init are needed");
    }
    if (graph != NULL && (!graph_given(graph) || graph->n != n)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "embed: a graph of %zu points for %zu, or without arrays", graph->n, n);
    }
    return pt_embed(device->be, x, n, n_features, graph, options, observer, y, report, err);
}

ptsne_status ptsne_embed_plan(ptsne_device *device, size_t n, size_t n_features, const ptsne_embed_options *options,
                              ptsne_plan_stage *stages, size_t *count, ptsne_error *err)
{
    if (device == NULL || stages == NULL || count == NULL || n_features == 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "plan: device, n_features, stages and count are needed");
    }
    ptsne_embed_options settings;
    double gflops = 0.0, gigabytes = 0.0;
    ptsne_status status = pt_embed_settings_resolve(options, n, n_features, &settings, err);
    if (status == PTSNE_OK) { status = ptsne_device_bench(device, &gflops, &gigabytes, err); }
    if (status != PTSNE_OK) { return status; }
    const pt_rates rates = {.product = 1e9 * gflops, .copy = 1e9 * gigabytes};
    return pt_embed_plan(device->be, &rates, n, n_features, &settings, stages, count, err);
}

ptsne_status ptsne_pca(ptsne_device *device, const float *x, size_t n, size_t n_features, size_t k, uint64_t seed,
                       const ptsne_observer *observer, float *scores, double *variance, double *total, ptsne_error *err)
{
    if (device == NULL || x == NULL || scores == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "pca: device, x and scores are needed");
    }
    if (k == 0 || k > n || k > n_features) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "pca: %zu components of %zu rows of %zu", k, n, n_features);
    }
    const ptsne_status status = pt_finite_check(NULL, x, n, n_features, err);
    if (status != PTSNE_OK) { return status; }
    return pt_pca_scores(device->be, x, n, n_features, k, seed, observer, scores, variance, total, err);
}

ptsne_status ptsne_neighbors(ptsne_device *device, const float *x, size_t n, size_t n_features,
                             const ptsne_embed_options *options, const ptsne_observer *observer, uint32_t *index,
                             float *distance, ptsne_embed_report *report, ptsne_error *err)
{
    ptsne_embed_report unwanted;
    report = report_begin(report, &unwanted);
    if (device == NULL || x == NULL || n_features == 0 || options == NULL || options->n_neighbors == 0 ||
        index == NULL || distance == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "neighbors: device, x, n_neighbors, index and distance are needed");
    }
    ptsne_status status = pt_finite_check(NULL, x, n, n_features, err);
    if (status != PTSNE_OK) { return status; }
    ptsne_embed_options settings = *options; /* what affinities would need of the neighbours is not this stage's */
    settings.uniform = 1;
    const double began = pt_seconds();
    status = pt_embed_settings_resolve(&settings, n, n_features, &settings, err);
    if (status == PTSNE_OK) {
        status =
            pt_embed_neighbors(device->be, x, n, n_features, &settings, observer, NULL, index, distance, report, err);
    }
    report->seconds = pt_seconds() - began;
    return status;
}

ptsne_status ptsne_affinities_create(ptsne_device *device, const ptsne_graph *graph, const ptsne_embed_options *options,
                                     const ptsne_observer *observer, ptsne_affinities **affinities,
                                     ptsne_embed_report *report, ptsne_error *err)
{
    ptsne_embed_report unwanted;
    report = report_begin(report, &unwanted);
    if (affinities != NULL) { *affinities = NULL; }
    if (device == NULL || graph == NULL || affinities == NULL || !graph_given(graph)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "affinities: device, a graph and affinities are needed");
    }
    ptsne_embed_options settings;
    ptsne_status status = pt_embed_settings_resolve(options, graph->n, 0, &settings, err);
    if (status == PTSNE_OK) {
        status = pt_graph_check(graph->index, graph->distance, graph->n, graph->k, device->be->threads, err);
    }
    if (status != PTSNE_OK) { return status; }
    ptsne_affinities *made = calloc(1, sizeof *made);
    if (made == NULL) { return pt_fail_memory(err, "affinities", sizeof *made); }
    status = pt_embed_affinities(device->be, graph, &settings, observer, &made->joint, report, err);
    if (status != PTSNE_OK) {
        free(made);
        return status;
    }
    *affinities = made;
    return PTSNE_OK;
}

void ptsne_affinities_destroy(ptsne_affinities *affinities)
{
    if (affinities == NULL) { return; }
    pt_affinities_destroy(&affinities->joint);
    free(affinities);
}

size_t ptsne_affinities_points(const ptsne_affinities *affinities)
{
    return affinities->joint.n;
}

size_t ptsne_affinities_entries(const ptsne_affinities *affinities)
{
    return affinities->joint.row[affinities->joint.n];
}

const size_t *ptsne_affinities_rows(const ptsne_affinities *affinities)
{
    return affinities->joint.row;
}

const uint32_t *ptsne_affinities_columns(const ptsne_affinities *affinities)
{
    return affinities->joint.column;
}

const float *ptsne_affinities_values(const ptsne_affinities *affinities)
{
    return affinities->joint.p;
}

ptsne_status ptsne_optimize(ptsne_device *device, const ptsne_affinities *affinities,
                            const ptsne_embed_options *options, const ptsne_observer *observer, float *y,
                            ptsne_embed_report *report, ptsne_error *err)
{
    ptsne_embed_report unwanted;
    report = report_begin(report, &unwanted);
    if (device == NULL || affinities == NULL || y == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "optimize: device, affinities and y are needed");
    }
    ptsne_embed_options settings;
    const size_t n = affinities->joint.n;
    ptsne_status status = pt_optimize_settings_resolve(options, n, &settings, err);
    if (status == PTSNE_OK) { status = pt_finite_check("the initial map", y, n, settings.n_components, err); }
    if (status == PTSNE_OK) {
        status = pt_optimize(device->be, &affinities->joint, &settings, observer, y, report, err);
    }
    report->seconds = report->optimize_seconds;
    return status;
}

ptsne_status ptsne_embed_add(ptsne_device *device, const float *x, const float *y, size_t n, size_t n_features,
                             size_t n_components, const float *x_new, size_t m, const ptsne_add_options *options,
                             const ptsne_observer *observer, float *y_new, ptsne_embed_report *report, ptsne_error *err)
{
    ptsne_embed_report unwanted;
    report = report_begin(report, &unwanted);
    if (device == NULL || x == NULL || y == NULL || x_new == NULL || y_new == NULL || n == 0 || n_features == 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "embed_add: device, x, y, x_new and y_new are needed");
    }
    if (n_components != 2 && n_components != 3) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "embed_add: the map has %zu columns, but has to have 2 or 3",
                       n_components);
    }
    return pt_embed_add(device->be, x, y, n, n_features, n_components, x_new, m, options, observer, y_new, report, err);
}
