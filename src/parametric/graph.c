#include "parametric/graph.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/pca.h"
#include "base/memory.h"
#include "parametric/settings.h"
#include "tsne/neighbors_shared.h"

static size_t duplicates_count(const float *x, size_t n, size_t d, const uint32_t *neighbors, size_t k)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < k; j++) {
            const size_t other = neighbors[i * k + j];
            if (other < i && memcmp(x + i * d, x + other * d, d * sizeof *x) == 0) {
                count++;
                break;
            }
        }
    }
    return count;
}

static ptsne_status neighbors_create(pt_backend *be, const float *x, size_t n, size_t d,
                                     const ptsne_fit_options *settings, const ptsne_observer *observer, pt_graph *graph,
                                     ptsne_error *err)
{
    const size_t k = settings->n_neighbors;
    graph->neighbors = pt_array_zeroed(n * k, sizeof *graph->neighbors);
    if (graph->neighbors == NULL) {
        return pt_fail_memory(err, "the neighbour graph", (double)n * (double)k * sizeof *graph->neighbors);
    }
    const bool reduced = graph->scores != NULL;
    const ptsne_status status =
        pt_neighbors_shared(be, reduced ? graph->scores : x, n, NULL, n, reduced ? settings->pca : d, settings->metric,
                            k, observer, graph->neighbors, NULL, err);
    if (status == PTSNE_OK) { graph->duplicates = duplicates_count(x, n, d, graph->neighbors, k); }
    return status;
}

ptsne_status pt_graph_create(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_fit_options *settings,
                             const ptsne_observer *observer, pt_graph *graph, ptsne_error *err)
{
    *graph = (pt_graph){0};
    ptsne_status status = PTSNE_OK;
    if (settings->pca > 0) {
        graph->scores = pt_array_aligned(n * settings->pca, sizeof *graph->scores);
        if (graph->scores == NULL) {
            return pt_fail_memory(err, "principal components", (double)n * (double)settings->pca * sizeof(float));
        }
        status = pt_pca_scores(be, x, n, d, settings->pca, settings->seed, observer, graph->scores, NULL, NULL, err);
    }
    if (status == PTSNE_OK && pt_settings_graph(settings)) {
        status = neighbors_create(be, x, n, d, settings, observer, graph, err);
    }
    if (status != PTSNE_OK) { pt_graph_destroy(graph); }
    return status;
}

ptsne_status pt_graph_take(const ptsne_graph *found, const float *x, size_t d, const ptsne_fit_options *settings,
                           pt_graph *graph, ptsne_error *err)
{
    const size_t n = found->n, k = settings->n_neighbors;
    graph->neighbors = pt_array_zeroed(n * k, sizeof *graph->neighbors);
    if (graph->neighbors == NULL) {
        return pt_fail_memory(err, "the neighbour graph", (double)n * (double)k * sizeof *graph->neighbors);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < k; j++) {
            const uint32_t other = found->index[i * found->k + j];
            graph->neighbors[i * k + j] = other == UINT32_MAX ? (uint32_t)i : other;
        }
    }
    graph->duplicates = duplicates_count(x, n, d, graph->neighbors, k);
    return PTSNE_OK;
}

void pt_graph_destroy(pt_graph *graph)
{
    free(graph->scores);
    free(graph->neighbors);
    *graph = (pt_graph){0};
}
