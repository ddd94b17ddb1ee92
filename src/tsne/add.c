/* New points beside a map that stays (Policar, Strazar and Zupan, Machine Learning 2023): each has its own row of affinities,
 * which sums to 1, and its own normalisation, so that the new points do not see each other; which come together makes a
 * difference within the field's error at most. */
#include <math.h>
#include <stdlib.h>

#include "analysis/pca.h"
#include "base/clock.h"
#include "base/columns.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/sizes.h"
#include "tsne/affinities.h"
#include "tsne/embed.h"
#include "tsne/embed_settings.h"
#include "tsne/motion.h"
#include "tsne/neighbors.h"
#include "tsne/neighbors_shared.h"

#define TILE_ROWS  ((size_t)16384)
#define PROJECTED  ((size_t)4096)
#define MOST_PAIRS ((size_t)UINT32_MAX)

typedef struct addition {
    pt_backend *be;
    const float *x, *y, *x_new; /* n x d, n x c, m x d */
    size_t n, m, d, c, k;
    const ptsne_add_options *settings;
    const ptsne_observer *observer;
    float *scores, *scores_new; /* n x pca, m x pca, or NULL */
    uint32_t *index;            /* m x k */
    float *distance;            /* m x k, squared, ascending till the edges are made */
    uint32_t *found;            /* m: neighbours at a finite distance, at least 1 */
    pt_motion motion;
} addition;

void pt_add_settings_default(ptsne_add_options *options)
{
    *options = (ptsne_add_options){
        .metric = "euclidean",
        .perplexity = 5.0,
        .pca = 50,
        .theta = 0.5,
        .dof = 1.0,
        .phases = {{250, 1.5}},
        .n_phases = 1,
        .learning_rate = 0.1,
        .momentum = 0.8,
        .max_step = 0.25,
    };
}

static ptsne_status settings_check(const ptsne_add_options *s, size_t n, ptsne_error *err)
{
    const pt_limit limits[] = {
        {"n_neighbors", (double)s->n_neighbors, 0, n < PT_NEIGHBORS_MAX ? (double)n : (double)PT_NEIGHBORS_MAX, false},
        {"perplexity", s->perplexity, 1, fmin((double)n, (double)PT_NEIGHBORS_MAX) / 3.0, false},
        {"method", (double)s->method, 0, 2, false},
        {"theta", s->theta, 0, 2, false},
        {"spacing", s->spacing, 0.05, 1, false},
        {"dof", s->dof, 0.1, 100, false},
        {"n_phases", (double)s->n_phases, 1, PTSNE_MAX_PHASES, false},
        {"learning_rate", s->learning_rate, 1e-9, 1e6, false},
        {"momentum", s->momentum, 0, 1, true},
        {"max_step", s->max_step, 1e-6, 1e6, false},
    };
    if (s->metric == NULL) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "metric has to be a text"); }
    ptsne_status status = pt_limits_check(limits, sizeof limits / sizeof limits[0], err);
    if (status == PTSNE_OK) { status = pt_phases_check(s->phases, s->n_phases, err); }
    if (status != PTSNE_OK || s->n_neighbors == 0) { return status; }
    return pt_neighbors_check(s->n_neighbors, s->perplexity, err);
}

/* scores = (x less mean) v', rows of x by tiles; v l x d. */
static ptsne_status project(const addition *t, const float *x, size_t n, const double *mean, const pt_buffer *v,
                            float *scores, ptsne_error *err)
{
    const size_t l = t->settings->pca, rows = pt_smaller(n, PROJECTED);
    float *stage = pt_array_aligned(rows * t->d, sizeof *stage);
    pt_buffer from = {0}, to = {0};
    ptsne_status status =
        stage == NULL ? pt_fail_memory(err, "principal components", 4.0 * (double)(rows * t->d)) : PTSNE_OK;
    if (status == PTSNE_OK) { status = pt_buffer_create(t->be, rows * t->d, &from, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(t->be, rows * l, &to, err); }
    for (size_t at = 0; at < n && status == PTSNE_OK; at += rows) {
        const size_t some = pt_smaller(n - at, rows);
        const pt_product_shape shape = {.transpose_b = true,
                                        .m = some,
                                        .n = l,
                                        .k = t->d,
                                        .alpha = 1.0f,
                                        .stride_a = t->d,
                                        .stride_b = t->d,
                                        .stride_c = l};
        const pt_buffer a = pt_buffer_view(&from, 0, some * t->d), c = pt_buffer_view(&to, 0, some * l);
        pt_rows_centred(x + at * t->d, NULL, some, t->d, mean, t->be->threads, stage);
        status = pt_upload(t->be, stage, &a, err);
        if (status == PTSNE_OK) { status = pt_product(t->be, &shape, &a, v, &c, err); }
        if (status == PTSNE_OK) { status = pt_download(t->be, &c, scores + at * l, err); }
    }
    pt_buffer_destroy(t->be, &from);
    pt_buffer_destroy(t->be, &to);
    free(stage);
    return status;
}

/* Both sets along the leading principal directions of the reference. */
static ptsne_status scores_create(addition *t, ptsne_error *err)
{
    const size_t l = t->settings->pca;
    float *directions = pt_array_aligned(l * t->d, sizeof *directions);
    double *mean = pt_array_zeroed(t->d, sizeof *mean);
    pt_buffer v = {0};
    t->scores = pt_array_aligned(t->n * l, sizeof *t->scores);
    t->scores_new = pt_array_aligned(t->m * l, sizeof *t->scores_new);
    ptsne_status status = PTSNE_OK;
    if (!directions || !mean || !t->scores || !t->scores_new) {
        status = pt_fail_memory(err, "principal components", 4.0 * (double)(t->n + t->m + t->d) * (double)l);
    }
    if (status == PTSNE_OK) {
        status = pt_pca_directions(t->be, t->x, t->n, t->d, l, t->settings->seed, directions, err);
    }
    if (status == PTSNE_OK) { status = pt_column_means(t->x, t->n, t->d, t->be->threads, mean, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(t->be, l * t->d, &v, err); }
    if (status == PTSNE_OK) { status = pt_upload(t->be, directions, &v, err); }
    if (status == PTSNE_OK) { status = project(t, t->x, t->n, mean, &v, t->scores, err); }
    if (status == PTSNE_OK) { status = project(t, t->x_new, t->m, mean, &v, t->scores_new, err); }
    pt_buffer_destroy(t->be, &v);
    free(directions);
    free(mean);
    return status;
}

static ptsne_status neighbors_find(addition *t, ptsne_error *err)
{
    t->index = pt_array_aligned(t->m * t->k, sizeof *t->index);
    t->distance = pt_array_aligned(t->m * t->k, sizeof *t->distance);
    if (t->index == NULL || t->distance == NULL) {
        return pt_fail_memory(err, "the neighbours", 8.0 * (double)t->m * (double)t->k);
    }
    const float *x = t->scores == NULL ? t->x : t->scores, *x_new = t->scores == NULL ? t->x_new : t->scores_new;
    const size_t d = t->scores == NULL ? t->d : t->settings->pca;
    return pt_neighbors_shared(t->be, x, t->n, x_new, t->m, d, t->settings->metric, t->k, t->observer, t->index,
                               t->distance, err);
}

/* A neighbour at no finite distance gets no affinity; its column becomes 0, which is a point, and not the last one while there are
 * others. */
static ptsne_status neighbors_count(addition *t, ptsne_error *err)
{
    t->found = pt_array_zeroed(t->m, sizeof *t->found);
    if (t->found == NULL) { return pt_fail_memory(err, "the neighbours", 4.0 * (double)t->m); }
    for (size_t i = 0; i < t->m; i++) {
        uint32_t *index = t->index + i * t->k;
        const float *distance = t->distance + i * t->k;
        while (t->found[i] < t->k && distance[t->found[i]] < INFINITY) { t->found[i]++; }
        if (t->found[i] == 0) {
            return pt_fail(err, PTSNE_ERR_DATA,
                           "new row %zu is so far from the reference that its distances leave float32: scale both down",
                           i + 1);
        }
        for (size_t l = t->found[i]; l < t->k; l++) { index[l] = 0; }
    }
    return PTSNE_OK;
}

/* Distances become affinities, a row's sum 1, and edges of the motion. */
static ptsne_status edges_fill(addition *t, ptsne_error *err)
{
    const size_t rows = pt_smaller(t->m, TILE_ROWS), k = t->k;
    pt_buffer d2 = {0}, beta = {0};
    uint32_t *row = pt_array_aligned(t->m + 1, sizeof *row);
    ptsne_status status = row == NULL ? pt_fail_memory(err, "rows of affinities", 4.0 * (double)t->m) : PTSNE_OK;
    if (status == PTSNE_OK) { status = pt_buffer_create(t->be, rows * k, &d2, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(t->be, rows, &beta, err); }
    for (size_t from = 0; from < t->m && status == PTSNE_OK; from += rows) {
        const size_t some = pt_smaller(t->m - from, rows);
        const pt_buffer tile = pt_buffer_view(&d2, 0, some * k);
        const pt_buffer p = pt_buffer_view(&t->motion.edges.p, from * k, some * k);
        status = pt_upload(t->be, t->distance + from * k, &tile, err);
        if (status == PTSNE_OK) {
            status = pt_affinities_conditional(t->be, &tile, some, k, SIZE_MAX, (float)t->settings->perplexity, 1.0f,
                                               false, &p, &beta, err);
        }
    }
    for (size_t i = 0; status == PTSNE_OK && i <= t->m; i++) { row[i] = (uint32_t)(i * k); }
    if (status == PTSNE_OK) { status = pt_upload(t->be, row, &t->motion.edges.row, err); }
    if (status == PTSNE_OK) { status = pt_upload(t->be, t->index, &t->motion.edges.column, err); }
    pt_buffer_destroy(t->be, &d2);
    pt_buffer_destroy(t->be, &beta);
    free(row);
    return status;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Each new point at the median, coordinate by coordinate, of its neighbours' places. */
static ptsne_status medians_fill(const addition *t, float *y_new, ptsne_error *err)
{
    float *values = pt_array_aligned(t->k, sizeof *values);
    if (values == NULL) { return pt_fail_memory(err, "places of neighbours", 4.0 * (double)t->k); }
    for (size_t i = 0; i < t->m; i++) {
        const size_t k = t->found[i];
        for (size_t a = 0; a < t->c; a++) {
            for (size_t l = 0; l < k; l++) { values[l] = t->y[(size_t)t->index[i * t->k + l] * t->c + a]; }
            qsort(values, k, sizeof *values, ascending);
            const float upper = values[k / 2], lower = values[(k - 1) / 2];
            y_new[i * t->c + a] = 0.5f * (lower + upper);
        }
    }
    free(values);
    return PTSNE_OK;
}

static ptsne_status iterate(addition *t, ptsne_embed_report *report, ptsne_error *err)
{
    const ptsne_add_options *s = t->settings;
    size_t total = 0;
    for (size_t p = 0; p < s->n_phases; p++) { total += s->phases[p].iterations; }
    pt_stage stage = pt_stage_begin(t->observer, "embedding", total);
    for (size_t p = 0; p < s->n_phases; p++) {
        const pt_descent descent = {
            .exaggeration = (float)s->phases[p].exaggeration,
            .learning_rate = (float)s->learning_rate,
            .momentum = (float)s->momentum,
            .least_gain = PT_LEAST_GAIN,
            .max_step = (float)s->max_step,
        };
        for (size_t i = 0; i < s->phases[p].iterations; i++) {
            ptsne_status status = pt_motion_step(&t->motion, descent, NULL, err);
            report->iterations++;
            const double rate = (double)t->m * (double)report->iterations / pt_stage_seconds(&stage);
            if (status == PTSNE_OK) { status = pt_stage_step(&stage, report->iterations, (double)NAN, rate, err); }
            if (status != PTSNE_OK) { return status; }
        }
    }
    return PTSNE_OK;
}

static ptsne_status place(addition *t, float *y_new, ptsne_embed_report *report, ptsne_error *err)
{
    const double began = pt_seconds();
    ptsne_status status = t->settings->pca > 0 ? scores_create(t, err) : PTSNE_OK;
    report->pca_seconds = pt_seconds() - began;
    if (status == PTSNE_OK) { status = neighbors_find(t, err); }
    report->neighbor_seconds = pt_seconds() - began - report->pca_seconds;
    report->recall = 1.0;
    report->n_neighbors = t->k;
    const ptsne_embed_options motion = {
        .n_components = t->c,
        .method = t->settings->method,
        .theta = t->settings->theta,
        .spacing = t->settings->spacing,
        .dof = t->settings->dof,
    };
    if (status == PTSNE_OK) { status = neighbors_count(t, err); }
    if (status == PTSNE_OK) { status = medians_fill(t, y_new, err); }
    for (size_t i = 0; i < t->m && status == PTSNE_OK; i++) {
        pt_edges_row_end(t->index + i * t->k, t->distance + i * t->k, t->k, t->n);
    }
    const double found = pt_seconds();
    if (status == PTSNE_OK) { status = pt_motion_create(t->be, &motion, t->m, t->m * t->k, t->n, &t->motion, err); }
    if (status == PTSNE_OK) { status = edges_fill(t, err); }
    report->affinity_seconds = pt_seconds() - found;
    if (status == PTSNE_OK) { status = pt_motion_anchor(&t->motion, t->y, err); }
    if (status == PTSNE_OK) { status = pt_motion_place(&t->motion, y_new, err); }
    if (status != PTSNE_OK) { return status; }
    status = iterate(t, report, err);
    if (status == PTSNE_OK || status == PTSNE_ERR_STOPPED) {
        const ptsne_status taken = pt_download(t->be, &t->motion.y, y_new, status == PTSNE_OK ? err : NULL);
        if (status == PTSNE_OK) { status = taken; }
    }
    report->optimize_seconds = pt_seconds() - found - report->affinity_seconds;
    return status;
}

ptsne_status pt_embed_add(pt_backend *be, const float *x, const float *y, size_t n, size_t d, size_t n_components,
                          const float *x_new, size_t m, const ptsne_add_options *options,
                          const ptsne_observer *observer, float *y_new, ptsne_embed_report *report, ptsne_error *err)
{
    const double began = pt_seconds();
    ptsne_add_options settings;
    pt_add_settings_default(&settings);
    if (options != NULL) { settings = *options; }
    pt_embed_report_clear(report);
    if (settings.spacing == 0.0) { settings.spacing = pt_embed_settings_spacing(n_components); }
    ptsne_status status = settings_check(&settings, n, err);
    if (status == PTSNE_OK) { status = pt_finite_check("the reference", x, n, d, err); }
    if (status == PTSNE_OK) { status = pt_finite_check("the map", y, n, n_components, err); }
    if (status == PTSNE_OK) { status = pt_finite_check("the new points", x_new, m, d, err); }
    if (status != PTSNE_OK || m == 0) { return status; }
    const size_t wanted = settings.n_neighbors > 0 ? settings.n_neighbors : (size_t)(3.0 * settings.perplexity);
    addition t = {
        .be = be,
        .x = x,
        .y = y,
        .x_new = x_new,
        .n = n,
        .m = m,
        .d = d,
        .c = n_components,
        .k = pt_smaller(wanted, n),
        .settings = &settings,
        .observer = observer,
    };
    if (m > MOST_PAIRS / t.k) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu new points with %zu neighbours each: at most %zu at a time", m,
                       t.k, MOST_PAIRS / t.k);
    }
    settings.pca = pt_settings_pca(settings.pca, settings.metric, n, d);
    status = place(&t, y_new, report, err);
    pt_motion_destroy(&t.motion);
    free(t.scores);
    free(t.scores_new);
    free(t.index);
    free(t.distance);
    free(t.found);
    report->seconds = pt_seconds() - began;
    return status;
}
