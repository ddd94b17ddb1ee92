#include "parametric/teacher.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/kmeans.h"
#include "base/clock.h"
#include "base/columns.h"
#include "base/memory.h"
#include "tsne/embed.h"
#include "tsne/embed_settings.h"

/* ---- the map ---- */

/* What t-SNE is asked for: neighbours for its perplexity, and no fewer than the network's inputs move to. */
static ptsne_status embed_options_make(const ptsne_fit_options *s, size_t n, size_t d, ptsne_embed_options *options,
                                       ptsne_error *err)
{
    ptsne_embed_options wanted;
    pt_embed_settings_default(&wanted);
    wanted.n_components = s->n_components;
    wanted.seed = s->seed;
    wanted.metric = s->metric;
    wanted.pca = s->pca;
    wanted.n_perplexities = s->n_perplexities;
    memcpy(wanted.perplexities, s->perplexities, sizeof wanted.perplexities);
    wanted.n_phases = s->n_teacher_phases;
    memcpy(wanted.phases, s->teacher_phases, sizeof wanted.phases);
    wanted.spacing = s->n_components == 2 ? 0.4 : 0.5; /* not finer: a network follows the outlines of its map */
    wanted.init = s->init == NULL ? PTSNE_INIT_PCA : PTSNE_INIT_GIVEN;
    wanted.checkpoint = s->checkpoint;
    wanted.checkpoint_minutes = s->checkpoint_minutes;
    if (s->teacher != NULL) { wanted.uniform = 1; } /* the neighbours alone are wanted */
    ptsne_status status = pt_embed_settings_resolve(&wanted, n, d, options, err);
    if (status != PTSNE_OK) { return status; }
    if (options->n_neighbors < s->n_neighbors || s->teacher != NULL) { options->n_neighbors = s->n_neighbors; }
    return PTSNE_OK;
}

/* What the callback of a search fills. */
typedef struct taking {
    const float *x;
    size_t d;
    const ptsne_fit_options *settings;
    pt_graph *graph;
    ptsne_status status;
    ptsne_error *err;
} taking;

static int neighbors_take(const ptsne_graph *found, void *user)
{
    taking *t = user;
    t->status = pt_graph_take(found, t->x, t->d, t->settings, t->graph, t->err);
    return t->status != PTSNE_OK;
}

ptsne_status pt_teacher_map(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_fit_options *settings,
                            bool resume, const ptsne_observer *observer, pt_graph *graph, float *map,
                            ptsne_fit_report *report, ptsne_error *err)
{
    ptsne_embed_options options;
    ptsne_embed_report done;
    ptsne_error own = {0};
    taking t = {.x = x, .d = d, .settings = settings, .graph = graph, .err = &own};
    ptsne_status status = embed_options_make(settings, n, d, &options, err);
    if (status != PTSNE_OK) { return status; }
    options.neighbors = neighbors_take;
    options.neighbors_user = &t;
    options.resume = resume;
    status = pt_embed(be, x, n, d, NULL, &options, observer, map, &done, err);
    report->teacher_kl = done.kl_divergence;
    report->neighbor_seconds = done.pca_seconds + done.neighbor_seconds;
    return t.status == PTSNE_OK ? status : pt_fail(err, t.status, "%s", own.message);
}

ptsne_status pt_teacher_graph(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_fit_options *settings,
                              const ptsne_observer *observer, pt_graph *graph, ptsne_fit_report *report,
                              ptsne_error *err)
{
    const double began = pt_seconds();
    ptsne_embed_options options;
    ptsne_embed_report unwanted;
    ptsne_status status = embed_options_make(settings, n, d, &options, err);
    if (status != PTSNE_OK) { return status; }
    const size_t k = options.n_neighbors;
    uint32_t *index = pt_array_aligned(n * k, sizeof *index);
    float *distance = pt_array_aligned(n * k, sizeof *distance);
    if (index == NULL || distance == NULL) {
        status = pt_fail_memory(err, "the neighbours", 8.0 * (double)n * (double)k);
    } else {
        status = pt_embed_neighbors(be, x, n, d, &options, observer, NULL, index, distance, &unwanted, err);
    }
    const ptsne_graph found = {.n = n, .k = k, .index = index, .distance = distance};
    if (status == PTSNE_OK) { status = pt_graph_take(&found, x, d, settings, graph, err); }
    free(index);
    free(distance);
    report->neighbor_seconds = pt_seconds() - began;
    return status;
}

/* ---- what is learnt of it ---- */

ptsne_status pt_teacher_create(const float *map, size_t n, size_t d, pt_teacher *teacher, ptsne_error *err)
{
    *teacher = (pt_teacher){0};
    const ptsne_status status = pt_finite_check("the teacher's map", map, n, d, err);
    if (status != PTSNE_OK) { return status; }
    double square = 0.0;
    for (size_t i = 0; i < n * d; i++) { teacher->mean[i % d] += (double)map[i] / (double)n; }
    for (size_t i = 0; i < n * d; i++) {
        const double from_mean = (double)map[i] - teacher->mean[i % d];
        square += from_mean * from_mean;
    }
    teacher->scale = sqrt(square / ((double)n * (double)d));
    if (!(teacher->scale > 1e-30)) { return pt_fail(err, PTSNE_ERR_DATA, "the teacher's map is one point"); }
    teacher->target = pt_array_aligned(n * d, sizeof *teacher->target);
    if (teacher->target == NULL) { return pt_fail_memory(err, "the targets", 4.0 * (double)n * (double)d); }
    for (size_t i = 0; i < n * d; i++) {
        teacher->target[i] = (float)(((double)map[i] - teacher->mean[i % d]) / teacher->scale);
    }
    return PTSNE_OK;
}

void pt_teacher_destroy(pt_teacher *teacher)
{
    free(teacher->target);
    free(teacher->class_of);
    free(teacher->places);
    *teacher = (pt_teacher){0};
}

ptsne_status pt_teacher_classes(pt_backend *be, size_t n, const ptsne_fit_options *settings, const float *places,
                                const ptsne_observer *observer, pt_teacher *teacher, ptsne_error *err)
{
    const size_t k = settings->n_anchors, d = settings->n_components;
    teacher->class_of = pt_array_zeroed(n, sizeof *teacher->class_of);
    teacher->places = pt_array_zeroed(k * d, sizeof *teacher->places);
    if (teacher->class_of == NULL || teacher->places == NULL) {
        return pt_fail_memory(err, "the anchors", 4.0 * ((double)n + (double)k * (double)d));
    }
    if (places != NULL) {
        memcpy(teacher->places, places, k * d * sizeof *places);
        return pt_kmeans_assign(be, teacher->target, n, d, places, k, teacher->class_of, err);
    }
    pt_kmeans_report report;
    pt_kmeans_options options = pt_kmeans_defaults(k);
    options.seed = settings->seed;
    return pt_kmeans_fit(be, teacher->target, n, d, &options, observer, teacher->places, teacher->class_of, &report,
                         err);
}

/* ---- units ---- */

/* Where a network's parameters have the unit of its map: anchors, and in the last dense layer the rows that make it. y = P a + u, and P's
 * rows sum to 1, so the shift is u's alone. */
static void outputs_turn(const pt_net *net, double factor, const double shift[3], float *parameters)
{
    const pt_layer *layer = &net->layers[net->n_layers - 1];
    const size_t d = pt_net_outputs(net);
    if (layer->kind == PT_ANCHORS) {
        float *places = parameters + layer->weight;
        for (size_t i = 0; i < layer->n_weight; i++) { places[i] = (float)((double)places[i] * factor); }
        layer--;
    }
    const size_t first = layer->n_out - d;
    float *weight = parameters + layer->weight + first * layer->n_in, *bias = parameters + layer->bias + first;
    for (size_t i = 0; i < d * layer->n_in; i++) { weight[i] = (float)((double)weight[i] * factor); }
    for (size_t c = 0; c < d; c++) { bias[c] = (float)((double)bias[c] * factor + shift[c]); }
}

void pt_teacher_fold(const pt_teacher *teacher, const pt_net *net, float *parameters)
{
    outputs_turn(net, teacher->scale, teacher->mean, parameters);
}

void pt_teacher_unfold(const pt_teacher *teacher, const pt_net *net, float *parameters)
{
    double shift[3];
    for (size_t c = 0; c < 3; c++) { shift[c] = -teacher->mean[c] / teacher->scale; }
    outputs_turn(net, 1.0 / teacher->scale, shift, parameters);
}
