#include "parametric/settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/limits.h"
#include "base/sizes.h"
#include "network/model_file.h"
#include "network/optimizer.h"
#include "tsne/embed_settings.h"

/* What a mode takes where an option says "the mode's default"; edges: MNIST's 60,000 images. Fewer steps than least_steps leave a
 * small data set's map unfinished, however many epochs they are. */
typedef struct mode_defaults {
    size_t epochs, least_steps, batch_size;
    double exaggeration, dropout, input_dropout, interpolation;
    ptsne_head head;
    double rate; /* Adam's, of batches of 500 */
} mode_defaults;

static const mode_defaults defaults_of[] = {
    [PTSNE_MODE_EDGES] = {32, 2400, 500, 4.0, 0.1, 0.1, 0.5, PTSNE_HEAD_LINEAR, 1e-3},
    [PTSNE_MODE_BATCH] = {80, 960, 5000, 4.0, 0.0, 0.0, 0.0, PTSNE_HEAD_LINEAR, 1e-3},
    [PTSNE_MODE_TEACHER] = {20, 2400, 500, 4.0, 0.2, 0.1, 0.5, PTSNE_HEAD_ANCHORS, 5e-3},
};

static const ptsne_phase teacher_phases[] = {{250, 12.0}, {500, 1.0}, {100, 2.0}};

void pt_settings_default(ptsne_fit_options *options)
{
    *options = (ptsne_fit_options){
        .mode = PTSNE_MODE_TEACHER,
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
        .n_anchors = 200,
        .error_width = 0.1,
        .class_weight = 0.1,
        .class_share = 0.5,
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
    const double adam = defaults_of[s->mode].rate * sqrt((double)s->batch_size / 500.0);
    return s->optimizer == PTSNE_OPTIMIZER_ADAM ? adam : 0.1;
}

static ptsne_status numbers_check(const ptsne_fit_options *s, ptsne_error *err)
{
    const pt_limit limits[] = {
        {"head", (double)s->head, 0, 2, false},
        {"n_anchors", (double)s->n_anchors, 2, 4096, false},
        {"n_components", (double)s->n_components, 2, 3, false},
        {"epochs", (double)s->epochs, 1, 1e9, false},
        {"batch_size", (double)s->batch_size, 4, 1e6, false},
        {"n_neighbors", (double)s->n_neighbors, 1, 1024, false},
        {"n_perplexities", (double)s->n_perplexities, 1, PTSNE_MAX_PERPLEXITIES, false},
        {"exaggeration", s->exaggeration, 1e-3, 1e3, false},
        {"early_exaggeration", s->early_exaggeration, 1e-3, 1e3, false},
        {"n_teacher_phases", (double)s->n_teacher_phases, 0, PTSNE_MAX_PHASES, false},
        {"error_width", s->error_width, 1e-3, 1e3, false},
        {"class_weight", s->class_weight, 0, 1e3, false},
        {"class_share", s->class_share, 1e-3, 1, false},
        {"averaging", s->averaging, 0, 1, true},
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

/* A row of P is made from the rows of its batch, the teacher's from all. */
static ptsne_status perplexities_check(const ptsne_fit_options *s, size_t rows, ptsne_error *err)
{
    char of[48];
    snprintf(of, sizeof of, "%s%zu rows", s->mode == PTSNE_MODE_BATCH ? "batches of " : "", rows);
    return pt_perplexities_check(s->perplexities, s->n_perplexities, rows, of, err);
}

/* Bring neighbours and anchors down to what n rows have, and halve mode edges' batches without a rest. */
static void sizes_fit(ptsne_fit_options *s, size_t n, const ptsne_observer *observer)
{
    if (s->mode == PTSNE_MODE_EDGES) { s->batch_size -= s->batch_size % 2; }
    if (s->n_neighbors > n - 1 && pt_settings_graph(s)) {
        pt_warn(observer, "n_neighbors is %zu, but %zu rows have %zu neighbours each: all of them are taken",
                s->n_neighbors, n, n - 1);
    }
    if (s->n_neighbors > n - 1) { s->n_neighbors = n - 1; } /* also where only t-SNE looks for some */
    if (s->n_anchors > n / 2 && s->init == NULL) {
        if (s->head == PTSNE_HEAD_ANCHORS) {
            pt_warn(observer, "n_anchors is %zu, but %zu rows bear at most %zu: so many are taken", s->n_anchors, n,
                    n / 2);
        }
        s->n_anchors = n / 2;
    }
}

/* What mode teacher is to do before the network learns. */
static void teacher_resolve(ptsne_fit_options *s)
{
    const size_t skipped = s->init == NULL ? 0 : 1, count = sizeof teacher_phases / sizeof teacher_phases[0];
    if (s->n_teacher_phases > 0 || s->mode != PTSNE_MODE_TEACHER) { return; }
    s->n_teacher_phases = count - skipped;
    memcpy(s->teacher_phases, teacher_phases + skipped, s->n_teacher_phases * sizeof *teacher_phases);
}

/* Rows of a network that sees images are its images; one that sees columns takes whatever images have as many values. */
static ptsne_status init_check(const ptsne_fit_options *s, const pt_shape *sees, size_t n_features, ptsne_error *err)
{
    pt_shape rows;
    const ptsne_status status = pt_shape_of_rows(s->input, n_features, &rows, err);
    if (status != PTSNE_OK || s->input[0] == 0 || sees->height * sees->width == 1) { return status; }
    if (rows.height == sees->height && rows.width == sees->width && rows.channels == sees->channels) { return status; }
    return pt_fail(err, PTSNE_ERR_ARGUMENT,
                   "input is %zux%zux%zu, but the model to go on from sees images of %zux%zux%zu", rows.height,
                   rows.width, rows.channels, sees->height, sees->width, sees->channels);
}

/* A model to go on from brings its network. */
static ptsne_status init_resolve(ptsne_fit_options *s, size_t n_features, ptsne_error *err)
{
    const ptsne_model *init = s->init;
    const pt_layer *last = &init->net.layers[init->net.n_layers - 1];
    const char *net = pt_metadata_get(&init->metadata, "ptsne.net");
    const char *activation = pt_metadata_get(&init->metadata, "ptsne.activation");
    s->net = net == NULL ? "" : net;
    s->activation = activation == NULL ? "" : activation;
    const pt_shape *input = &init->net.input;
    const ptsne_status status = init_check(s, input, n_features, err);
    const bool images = input->height * input->width > 1;
    s->input[0] = images ? input->height : 0;
    s->input[1] = images ? input->width : 0;
    s->input[2] = images ? input->channels : 0;
    s->n_components = pt_net_outputs(&init->net);
    s->head = last->kind == PT_ANCHORS ? PTSNE_HEAD_ANCHORS : PTSNE_HEAD_LINEAR;
    if (last->kind == PT_ANCHORS) { s->n_anchors = pt_layer_anchors(last); }
    return status;
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
    if ((size_t)s->mode >= sizeof defaults_of / sizeof defaults_of[0]) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "mode %d: there are 0 (edges), 1 (batch) and 2 (teacher)",
                       (int)s->mode);
    }
    if (n < 4 || n >= UINT32_MAX / 2) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu rows: a fit takes 4 to %zu", n, (size_t)(UINT32_MAX / 2 - 1));
    }
    if (s->net == NULL || s->activation == NULL || s->metric == NULL) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "net, activation and metric have to be texts");
    }
    ptsne_status status = s->init == NULL ? PTSNE_OK : init_resolve(s, n_features, err);
    if (status != PTSNE_OK) { return status; }
    const mode_defaults *d = &defaults_of[s->mode];
    const bool epochs_open = s->epochs == 0;
    if (epochs_open) { s->epochs = d->epochs; }
    s->batch_size = pt_smaller(s->batch_size == 0 ? d->batch_size : s->batch_size,
                               s->mode == PTSNE_MODE_EDGES ? 2 * n : n); /* the rate follows from it */
    if (s->exaggeration == 0.0) { s->exaggeration = d->exaggeration; }
    if (s->dropout < 0.0) { s->dropout = d->dropout; }
    if (s->input_dropout < 0.0) { s->input_dropout = d->input_dropout; }
    if (s->interpolation < 0.0) { s->interpolation = d->interpolation; }
    if (s->learning_rate == 0.0) { s->learning_rate = rate_default(s); }
    if (s->head == PTSNE_HEAD_AUTO) { s->head = d->head; }
    teacher_resolve(s);
    if ((status = numbers_check(s, err)) != PTSNE_OK) { return status; }
    sizes_fit(s, n, observer);
    const size_t steps = pt_settings_steps(s, n);
    if (epochs_open) { s->epochs = pt_larger(s->epochs, pt_ceil_div(d->least_steps, steps)); }
    s->pca = pt_settings_pca(s->pca, s->metric, n, n_features);
    if (s->mode == PTSNE_MODE_EDGES || s->teacher != NULL) { return PTSNE_OK; }
    return perplexities_check(s, s->mode == PTSNE_MODE_BATCH ? s->batch_size : n, err);
}

size_t pt_settings_steps(const ptsne_fit_options *settings, size_t n)
{
    return n / (settings->mode == PTSNE_MODE_EDGES ? settings->batch_size / 2 : settings->batch_size);
}

bool pt_settings_graph(const ptsne_fit_options *settings)
{
    return settings->mode == PTSNE_MODE_EDGES || settings->interpolation > 0.0;
}

/* ---- as text ---- */

#define PERPLEXITIES_TEXT ((size_t)PTSNE_MAX_PERPLEXITIES * 26)

static void perplexities_print(const ptsne_fit_options *s, char text[PERPLEXITIES_TEXT])
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < s->n_perplexities && length < PERPLEXITIES_TEXT; i++) {
        const int more =
            pt_c_print(text + length, PERPLEXITIES_TEXT - length, "%s%.9g", i == 0 ? "" : ",", s->perplexities[i]);
        length += more < 0 ? 0 : (size_t)more;
    }
}

static ptsne_status texts_describe(const ptsne_fit_options *s, pt_metadata *metadata, ptsne_error *err)
{
    static const char *const modes[] = {"edges", "batch", "teacher"};
    static const char *const heads[] = {"auto", "linear", "anchors"};
    char perplexities[PERPLEXITIES_TEXT], phases[PT_PHASES_TEXT], input[3 * 21];
    perplexities_print(s, perplexities);
    pt_phases_print(s->teacher_phases, s->n_teacher_phases, phases);
    snprintf(input, sizeof input, "%zux%zux%zu", s->input[0], s->input[1], s->input[2]);
    const struct {
        const char *key, *text;
        bool used;
    } texts[] = {
        {"ptsne.mode", modes[s->mode], true},
        {"ptsne.net", s->net, true},
        {"ptsne.input", input, s->input[0] > 0},
        {"ptsne.activation", s->activation, true},
        {"ptsne.metric", s->metric, true},
        {"ptsne.perplexity", perplexities, s->mode != PTSNE_MODE_EDGES},
        {"ptsne.teacher_phases", phases, s->mode == PTSNE_MODE_TEACHER},
        {"ptsne.head", heads[s->head], true},
        {"ptsne.optimizer", pt_optimizer_name(s->optimizer), true},
        {"ptsne.schedule", pt_schedule_name(s->schedule), true},
    };
    ptsne_status status = PTSNE_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && status == PTSNE_OK; i++) {
        if (texts[i].used) { status = pt_metadata_set(metadata, err, texts[i].key, "%s", texts[i].text); }
    }
    return status;
}

static ptsne_status numbers_describe(const ptsne_fit_options *s, pt_metadata *metadata, ptsne_error *err)
{
    const bool teacher = s->mode == PTSNE_MODE_TEACHER, anchors = s->head == PTSNE_HEAD_ANCHORS;
    const pt_metadata_number numbers[] = {
        {"ptsne.components", (double)s->n_components, true},
        {"ptsne.epochs", (double)s->epochs, true},
        {"ptsne.batch_size", (double)s->batch_size, true},
        {"ptsne.neighbors", (double)s->n_neighbors, pt_settings_graph(s)},
        {"ptsne.pca", (double)s->pca, true},
        {"ptsne.exaggeration", s->exaggeration, !teacher},
        {"ptsne.early_exaggeration", s->early_exaggeration, s->early_epochs > 0},
        {"ptsne.early_epochs", (double)s->early_epochs, s->early_epochs > 0},
        {"ptsne.dropout", s->dropout, true},
        {"ptsne.input_dropout", s->input_dropout, true},
        {"ptsne.interpolation", s->interpolation, true},
        {"ptsne.learning_rate", s->learning_rate, true},
        {"ptsne.momentum", s->momentum, s->optimizer == PTSNE_OPTIMIZER_SGD},
        {"ptsne.warmup_steps", (double)s->warmup_steps, true},
        {"ptsne.anchors", (double)s->n_anchors, anchors},
        {"ptsne.error_width", s->error_width, teacher},
        {"ptsne.class_weight", s->class_weight, teacher && anchors},
        {"ptsne.class_share", s->class_share, teacher && anchors},
        {"ptsne.averaging", s->averaging, s->averaging > 0.0},
    };
    return pt_metadata_set_numbers(metadata, numbers, sizeof numbers / sizeof numbers[0], 12, err);
}

ptsne_status pt_settings_describe(const ptsne_fit_options *s, pt_metadata *metadata, ptsne_error *err)
{
    ptsne_status status = texts_describe(s, metadata, err);
    if (status == PTSNE_OK) { status = numbers_describe(s, metadata, err); }
    if (status != PTSNE_OK) { return status; }
    return pt_metadata_set(metadata, err, "ptsne.seed", "%llu", (unsigned long long)s->seed);
}
