#include "parametric/settings.h"

#include <math.h>
#include <stdio.h>

#include "base/limits.h"
#include "tsne/embed_settings.h"

/* Fewer steps than this leave a small data set's map unfinished, however many epochs they are. */
#define LEAST_STEPS ((size_t)3000)

/* What a mode takes where an option says "the mode's default"; edges: MNIST's 60,000 images. */
typedef struct mode_defaults {
    size_t epochs, batch_size;
    double exaggeration, dropout, input_dropout, interpolation;
} mode_defaults;

static const mode_defaults defaults_of[] = {
    [PTSNE_MODE_EDGES] = {32, 500, 4.0, 0.1, 0.1, 0.5},
    [PTSNE_MODE_BATCH] = {80, 5000, 4.0, 0.0, 0.0, 0.0},
};

void pt_settings_default(ptsne_fit_options *options)
{
    *options = (ptsne_fit_options){
        .mode = PTSNE_MODE_EDGES,
        .net = "500,500,2000",
        .activation = "relu",
        .n_components = 2,
        .seed = 0,
        .perplexities = {30.0},
        .n_perplexities = 1,
        .metric = "euclidean",
        .n_neighbors = 15,
        .pca = 50,
        .early_exaggeration = 12.0,
        .early_epochs = 0,
        .dropout = -1.0,
        .input_dropout = -1.0,
        .interpolation = -1.0,
        .optimizer = PTSNE_OPTIMIZER_ADAM,
        .schedule = PTSNE_SCHEDULE_COSINE,
        .momentum = 0.9,
        .warmup_steps = 100,
        .checkpoint_minutes = 5.0,
    };
}

/* Large batches have less noise, and make fewer steps: Adam's rate grows with the root of their size. */
static double rate_default(const ptsne_fit_options *s)
{
    return s->optimizer == PTSNE_OPTIMIZER_ADAM ? 1e-3 * sqrt((double)s->batch_size / 500.0) : 0.1;
}

static ptsne_status numbers_check(const ptsne_fit_options *s, ptsne_error *err)
{
    const pt_limit limits[] = {
        {"mode", (double)s->mode, 0, 1, false},
        {"n_components", (double)s->n_components, 2, 3, false},
        {"epochs", (double)s->epochs, 1, 1e9, false},
        {"batch_size", (double)s->batch_size, 4, 1e6, false},
        {"n_neighbors", (double)s->n_neighbors, 1, 1024, false},
        {"n_perplexities", (double)s->n_perplexities, 1, PTSNE_MAX_PERPLEXITIES, false},
        {"exaggeration", s->exaggeration, 1e-3, 1e3, false},
        {"early_exaggeration", s->early_exaggeration, 1e-3, 1e3, false},
        {"dropout", s->dropout, 0, 1, true},
        {"input_dropout", s->input_dropout, 0, 1, true},
        {"interpolation", s->interpolation, 0, 1, false},
        {"optimizer", (double)s->optimizer, 0, 1, false},
        {"schedule", (double)s->schedule, 0, 2, false},
        {"learning_rate", s->learning_rate, 1e-12, 1e6, false},
        {"momentum", s->momentum, 0, 1, true},
        {"checkpoint_minutes", s->checkpoint_minutes, 0, 1e9, false},
    };
    return pt_limits_check(limits, sizeof limits / sizeof limits[0], err);
}

/* A row of P is made from the rows of its batch. */
static ptsne_status perplexities_check(const ptsne_fit_options *s, size_t rows, ptsne_error *err)
{
    char of[48];
    snprintf(of, sizeof of, "batches of %zu rows", rows);
    return pt_perplexities_check(s->perplexities, s->n_perplexities, rows, of, err);
}

/* Bring batch and neighbours down to what n rows have. */
static void sizes_fit(ptsne_fit_options *s, size_t n, const ptsne_observer *observer)
{
    const size_t most = s->mode == PTSNE_MODE_EDGES ? 2 * n : n;
    if (s->batch_size > most) { s->batch_size = most; }
    if (s->mode == PTSNE_MODE_EDGES) { s->batch_size -= s->batch_size % 2; }
    if (pt_settings_graph(s) && s->n_neighbors > n - 1) {
        pt_warn(observer, "n_neighbors is %zu, but %zu rows have %zu neighbours each: all of them are taken",
                s->n_neighbors, n, n - 1);
        s->n_neighbors = n - 1;
    }
}

ptsne_status pt_settings_resolve(const ptsne_fit_options *given, size_t n, size_t n_features,
                                 const ptsne_observer *observer, ptsne_fit_options *settings, ptsne_error *err)
{
    if (given != NULL) {
        *settings = *given;
    } else {
        pt_settings_default(settings);
    }
    ptsne_fit_options *s = settings;
    if (s->mode != PTSNE_MODE_EDGES && s->mode != PTSNE_MODE_BATCH) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "mode %d: there are 0 (edges) and 1 (batch)", (int)s->mode);
    }
    if (n < 4 || n >= UINT32_MAX / 2) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu rows: a fit takes 4 to %zu", n, (size_t)(UINT32_MAX / 2 - 1));
    }
    if (s->net == NULL || s->activation == NULL || s->metric == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "net, activation and metric have to be texts");
    }
    const mode_defaults *d = &defaults_of[s->mode];
    const bool epochs_open = s->epochs == 0;
    if (epochs_open) { s->epochs = d->epochs; }
    if (s->batch_size == 0) { s->batch_size = d->batch_size; }
    if (s->exaggeration == 0.0) { s->exaggeration = d->exaggeration; }
    if (s->dropout < 0.0) { s->dropout = d->dropout; }
    if (s->input_dropout < 0.0) { s->input_dropout = d->input_dropout; }
    if (s->interpolation < 0.0) { s->interpolation = d->interpolation; }
    if (s->learning_rate == 0.0) { s->learning_rate = rate_default(s); }
    ptsne_status status = numbers_check(s, err);
    if (status != PTSNE_OK) { return status; }
    sizes_fit(s, n, observer);
    const size_t steps = pt_settings_steps(s, n);
    if (epochs_open && s->epochs * steps < LEAST_STEPS) { s->epochs = (LEAST_STEPS + steps - 1) / steps; }
    s->pca = pt_settings_pca(s->pca, s->metric, n, n_features);
    return s->mode == PTSNE_MODE_BATCH ? perplexities_check(s, s->batch_size, err) : PTSNE_OK;
}

size_t pt_settings_steps(const ptsne_fit_options *settings, size_t n)
{
    return n / (settings->mode == PTSNE_MODE_EDGES ? settings->batch_size / 2 : settings->batch_size);
}

bool pt_settings_graph(const ptsne_fit_options *settings)
{
    return settings->mode == PTSNE_MODE_EDGES || settings->interpolation > 0.0;
}

ptsne_status pt_settings_describe(const ptsne_fit_options *s, pt_metadata *metadata, ptsne_error *err)
{
    static const char *const modes[] = {"edges", "batch"};
    static const char *const optimizers[] = {"adam", "sgd"};
    static const char *const schedules[] = {"cosine", "linear", "constant"};
    char perplexities[PTSNE_MAX_PERPLEXITIES * 26] = "";
    size_t length = 0;
    for (size_t i = 0; i < s->n_perplexities && length < sizeof perplexities; i++) {
        length += (size_t)snprintf(perplexities + length, sizeof perplexities - length, "%s%.9g", i == 0 ? "" : ",",
                                   s->perplexities[i]);
    }
    const struct {
        const char *key;
        double value;
        bool used;
    } numbers[] = {
        {"ptsne.components", (double)s->n_components, true},
        {"ptsne.epochs", (double)s->epochs, true},
        {"ptsne.batch_size", (double)s->batch_size, true},
        {"ptsne.neighbors", (double)s->n_neighbors, pt_settings_graph(s)},
        {"ptsne.pca", (double)s->pca, true},
        {"ptsne.exaggeration", s->exaggeration, true},
        {"ptsne.early_exaggeration", s->early_exaggeration, s->early_epochs > 0},
        {"ptsne.early_epochs", (double)s->early_epochs, s->early_epochs > 0},
        {"ptsne.dropout", s->dropout, true},
        {"ptsne.input_dropout", s->input_dropout, true},
        {"ptsne.interpolation", s->interpolation, true},
        {"ptsne.learning_rate", s->learning_rate, true},
        {"ptsne.momentum", s->momentum, s->optimizer == PTSNE_OPTIMIZER_SGD},
        {"ptsne.warmup_steps", (double)s->warmup_steps, true},
    };
    ptsne_status status = pt_metadata_set(metadata, err, "ptsne.mode", "%s", modes[s->mode]);
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.net", "%s", s->net); }
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.activation", "%s", s->activation); }
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.metric", "%s", s->metric); }
    if (status == PTSNE_OK && s->mode == PTSNE_MODE_BATCH) {
        status = pt_metadata_set(metadata, err, "ptsne.perplexity", "%s", perplexities);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && status == PTSNE_OK; i++) {
        if (!numbers[i].used) { continue; }
        status = pt_metadata_set(metadata, err, numbers[i].key, "%.12g", numbers[i].value);
    }
    if (status == PTSNE_OK) {
        status = pt_metadata_set(metadata, err, "ptsne.optimizer", "%s", optimizers[s->optimizer]);
    }
    if (status == PTSNE_OK) { status = pt_metadata_set(metadata, err, "ptsne.schedule", "%s", schedules[s->schedule]); }
    if (status == PTSNE_OK) {
        status = pt_metadata_set(metadata, err, "ptsne.seed", "%llu", (unsigned long long)s->seed);
    }
    return status;
}
