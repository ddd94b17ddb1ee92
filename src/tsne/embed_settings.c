#include "tsne/embed_settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/limits.h"
#include "tsne/cells.h"
#include "tsne/neighbors.h"

#define UNIFORM_NEIGHBORS ((size_t)15)

void pt_embed_settings_default(ptsne_embed_options *options)
{
    *options = (ptsne_embed_options){
        .n_components = 2,
        .metric = "euclidean",
        .pca = 50,
        .recall = 0.99,
        .perplexities = {30.0},
        .n_perplexities = 1,
        .theta = 0.5,
        .dof = 1.0,
        .phases = {{250, 12.0}, {500, 1.0}},
        .n_phases = 2,
        .momentum = 0.8,
        .max_step = 5.0,
        .tolerance = 1e-5,
        .checkpoint_minutes = 5.0,
    };
}

/* By final KL divergence and time (tests/bench/RESULTS.md); finer nodes cost more in three dimensions. */
double pt_embed_settings_spacing(size_t n_components)
{
    return n_components == 2 ? 0.33 : 0.45;
}

ptsne_status pt_phases_check(const ptsne_phase *phases, size_t n_phases, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    for (size_t p = 0; p < n_phases && status == PTSNE_OK; p++) {
        const pt_limit limits[] = {
            {"iterations of a phase", (double)phases[p].iterations, 0, 1e9, false},
            {"exaggeration of a phase", phases[p].exaggeration, 1e-3, 1e3, false},
        };
        status = pt_limits_check(limits, sizeof limits / sizeof limits[0], err);
    }
    return status;
}

static ptsne_status choices_check(const ptsne_embed_options *s, ptsne_error *err)
{
    const pt_limit limits[] = {
        {"n_components", (double)s->n_components, 2, 3, false},
        {"method", (double)s->method, 0, 2, false},
        {"theta", s->theta, 0, 2, false},
        {"spacing", s->spacing, 0.05, 1, false},
        {"dof", s->dof, 0.1, 100, false},
        {"n_phases", (double)s->n_phases, 1, PTSNE_MAX_PHASES, false},
        {"learning_rate", s->learning_rate, 0, 1e12, false},
        {"momentum", s->momentum, 0, 1, true},
        {"max_step", s->max_step, 1e-6, 1e6, false},
        {"tolerance", s->tolerance, 0, 1, false},
        {"checkpoint_minutes", s->checkpoint_minutes, 0, 1e9, false},
    };
    const ptsne_status status = pt_limits_check(limits, sizeof limits / sizeof limits[0], err);
    return status == PTSNE_OK ? pt_phases_check(s->phases, s->n_phases, err) : status;
}

ptsne_status pt_optimize_settings_resolve(const ptsne_embed_options *given, size_t n, ptsne_embed_options *settings,
                                          ptsne_error *err)
{
    if (given != NULL) {
        *settings = *given;
    } else {
        pt_embed_settings_default(settings);
    }
    if (n == 0 || n >= UINT32_MAX / 2) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu points: a map takes 1 to %zu", n, (size_t)(UINT32_MAX / 2 - 1));
    }
    if (settings->checkpoint != NULL && n > (size_t)1 << 24) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu points: a state file keeps at most %zu", n, (size_t)1 << 24);
    }
    if (settings->spacing == 0.0) { settings->spacing = pt_embed_settings_spacing(settings->n_components); }
    return choices_check(settings, err);
}

ptsne_status pt_perplexities_check(const double *perplexities, size_t count, size_t rows, const char *of,
                                   ptsne_error *err)
{
    const double most = ((double)rows - 1.0) / 3.0;
    for (size_t i = 0; i < count; i++) {
        const double perplexity = perplexities[i];
        if (!(perplexity >= 1.0 && isfinite(perplexity))) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "perplexity %g: has to be at least 1", perplexity);
        }
        if (perplexity > most) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "perplexity %g is too large for %s: at most %.4g", perplexity, of,
                           floor(most * 100.0) / 100.0);
        }
    }
    return PTSNE_OK;
}

static ptsne_status perplexities_check(const ptsne_embed_options *s, size_t n, ptsne_error *err)
{
    char of[48];
    snprintf(of, sizeof of, "%zu points", n);
    return pt_perplexities_check(s->perplexities, s->n_perplexities, n, of, err);
}

/* The largest of them. */
static double perplexity_most(const ptsne_embed_options *s)
{
    double most = 0.0;
    for (size_t i = 0; i < s->n_perplexities; i++) { most = fmax(most, s->perplexities[i]); }
    return most;
}

ptsne_status pt_neighbors_check(size_t n_neighbors, double perplexity, ptsne_error *err)
{
    if ((double)n_neighbors >= perplexity) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "n_neighbors is %zu, but perplexity %g needs more neighbours than that",
                   n_neighbors, perplexity);
}

static ptsne_status neighbors_resolve(ptsne_embed_options *s, size_t n, ptsne_error *err)
{
    const size_t all = n - 1, most = all < PT_NEIGHBORS_MAX ? all : PT_NEIGHBORS_MAX;
    if (s->n_neighbors == 0) {
        const double wanted = s->uniform ? (double)UNIFORM_NEIGHBORS : floor(3.0 * perplexity_most(s));
        s->n_neighbors = wanted < (double)most ? (size_t)wanted : most;
    }
    if (s->n_neighbors > most) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "n_neighbors is %zu, but %zu points allow at most %zu", s->n_neighbors,
                       n, most);
    }
    return s->uniform ? PTSNE_OK : pt_neighbors_check(s->n_neighbors, perplexity_most(s), err);
}

size_t pt_settings_pca(size_t pca, const char *metric, size_t n, size_t n_features)
{
    /* Distances of another metric change when the axes turn: no principal components for those. */
    return strcmp(metric, "euclidean") == 0 && pca < n_features && pca < n ? pca : 0;
}

ptsne_status pt_embed_settings_resolve(const ptsne_embed_options *given, size_t n, size_t n_features,
                                       ptsne_embed_options *settings, ptsne_error *err)
{
    ptsne_embed_options *s = settings;
    ptsne_status status = pt_optimize_settings_resolve(given, n, s, err);
    if (status != PTSNE_OK) { return status; }
    if (n < 4) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu rows: t-SNE takes at least 4", n); }
    const pt_limit limits[] = {
        {"search", (double)s->search, 0, 2, false},
        {"recall", s->recall, 0.1, 1, false},
        {"n_perplexities", (double)s->n_perplexities, s->uniform ? 0 : 1, PTSNE_MAX_PERPLEXITIES, false},
        {"init", (double)s->init, 0, 2, false},
    };
    status = pt_limits_check(limits, sizeof limits / sizeof limits[0], err);
    if (status == PTSNE_OK && s->metric == NULL) {
        status = pt_fail(err, PTSNE_ERR_ARGUMENT, "metric has to be a text");
    }
    if (status == PTSNE_OK && !s->uniform) { status = perplexities_check(s, n, err); }
    if (status == PTSNE_OK && n_features > 0) { status = neighbors_resolve(s, n, err); }
    if (status != PTSNE_OK) { return status; }
    if (n_features > 0) { s->pca = pt_settings_pca(s->pca, s->metric, n, n_features); }
    return PTSNE_OK;
}

bool pt_embed_settings_cells(const ptsne_embed_options *s, size_t n)
{
    const bool fits = strcmp(s->metric, "euclidean") == 0 || strcmp(s->metric, "cosine") == 0;
    return s->search == PTSNE_SEARCH_CELLS || (s->search == PTSNE_SEARCH_AUTO && fits && n >= PT_CELLS_FROM);
}

size_t pt_embed_settings_iterations(const ptsne_embed_options *s)
{
    size_t iterations = 0;
    for (size_t p = 0; p < s->n_phases; p++) { iterations += s->phases[p].iterations; }
    return iterations;
}

void pt_phases_print(const ptsne_phase *phases, size_t count, char text[PT_PHASES_TEXT])
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t p = 0; p < count && length < PT_PHASES_TEXT; p++) {
        const int more = pt_c_print(text + length, PT_PHASES_TEXT - length, "%s%zu:%.9g", p == 0 ? "" : ",",
                                    phases[p].iterations, phases[p].exaggeration);
        length += more < 0 ? 0 : (size_t)more;
    }
}

ptsne_status pt_optimize_settings_describe(const ptsne_embed_options *s, pt_metadata *metadata, ptsne_error *err)
{
    static const char *const methods[] = {"field", "barnes-hut", "exact"};
    const pt_metadata_number numbers[] = {
        {"ptsne.components", (double)s->n_components, true},
        {"ptsne.theta", s->theta, s->method == PTSNE_METHOD_BARNES_HUT},
        {"ptsne.spacing", s->spacing, s->method == PTSNE_METHOD_FIELD},
        {"ptsne.dof", s->dof, true},
        {"ptsne.learning_rate", s->learning_rate, true},
        {"ptsne.momentum", s->momentum, true},
        {"ptsne.max_step", s->max_step, true},
        {"ptsne.tolerance", s->tolerance, true},
    };
    ptsne_status status = pt_metadata_set(metadata, err, "ptsne.method", "%s", methods[s->method]);
    if (status == PTSNE_OK) {
        status = pt_metadata_set_numbers(metadata, numbers, sizeof numbers / sizeof numbers[0], 12, err);
    }
    char phases[PT_PHASES_TEXT];
    pt_phases_print(s->phases, s->n_phases, phases);
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.phases", "%s", phases); }
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.seed", "%" PRIu64, s->seed); }
    return status;
}
