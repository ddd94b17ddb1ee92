#define _POSIX_C_SOURCE 200809L

#include "parametric/training.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/progress.h"
#include "network/state_file.h"
#include "parametric/graph.h"
#include "parametric/settings.h"
#include "parametric/spread.h"
#include "parametric/start.h"
#include "parametric/trainer.h"

#define BLOCK_SECONDS 2.0 /* after which losses are looked at in any case: where a step is slow, people wait for them */

/* One run. What is released at its end starts out empty. */
typedef struct training {
    pt_backend *be;
    const ptsne_observer *observer;
    const float *x;
    size_t n, d, n_steps; /* steps of an epoch */
    ptsne_fit_options settings;
    pt_net net;
    pt_summary summary;
    pt_graph graph;
    pt_teacher teacher;
    bool resumed;  /* the state is that of an earlier call */
    bool teaching; /* the state file is one of the teacher's t-SNE */
    pt_sampler sampler;
    pt_trainer trainer;
    pt_metadata run; /* which run this is */
    pt_state state;  /* where it stands; its arrays are filled for a state file only */
    float *good;     /* n_parameters: the last ones known to be numbers */
    float *latest;   /* those that are looked at next */
    bool has_good;
    bool unsaved; /* it was said that a state could not be written */
    double saved; /* when the last state was written, or tried to be */
    pt_stage stage;
    ptsne_fit_report report;
} training;

/* ---- parameters ---- */

static bool all_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) { return false; }
    }
    return true;
}

/* Take the device's parameters as the good ones, if they are numbers. */
static ptsne_status parameters_keep(training *t, ptsne_error *err)
{
    const ptsne_status status = pt_download(t->be, pt_trainer_result(&t->trainer), t->latest, err);
    if (status != PTSNE_OK) { return status; }
    if (!all_finite(t->latest, t->net.n_parameters)) {
        return pt_fail(
            err, PTSNE_ERR_DIVERGED,
            "training diverged: the network holds NaN or infinity after epoch %zu; try a smaller learning rate",
            t->state.position.epoch + 1);
    }
    float *before = t->good;
    t->good = t->latest;
    t->latest = before;
    t->has_good = true;
    return PTSNE_OK;
}

/* ---- the state file ---- */

static ptsne_status state_save(training *t, ptsne_error *err)
{
    pt_state *state = &t->state;
    ptsne_status status = pt_download(t->be, &t->trainer.parameters, state->parameters, err);
    for (size_t i = 0; i < pt_optimizer_moments(&t->trainer.optimizer) && status == PTSNE_OK; i++) {
        status = pt_download(t->be, &t->trainer.optimizer.moments[i], state->moments[i], err);
    }
    if (status == PTSNE_OK && state->average != NULL) {
        status = pt_download(t->be, &t->trainer.average, state->average, err);
    }
    if (status == PTSNE_OK && !all_finite(state->parameters, state->n_parameters)) {
        status = pt_fail(err, PTSNE_ERR_DIVERGED, "training diverged: the network holds NaN or infinity in epoch %zu",
                         state->position.epoch + 1);
    }
    if (status == PTSNE_OK) { status = pt_state_write(t->settings.checkpoint, state, &t->run, err); }
    t->saved = pt_seconds();
    return status;
}

/* Save the state, if one is kept. A full disk costs the run its state, not the hours behind it: that is said once. */
static ptsne_status state_keep(training *t, ptsne_error *err)
{
    if (t->settings.checkpoint == NULL) { return PTSNE_OK; }
    ptsne_error failure = {0};
    const ptsne_status status = state_save(t, &failure);
    if (status == PTSNE_ERR_IO) {
        if (!t->unsaved) { pt_warn(t->observer, "%s; training goes on without this state", failure.message); }
        t->unsaved = true;
        return PTSNE_OK;
    }
    if (status != PTSNE_OK && err != NULL) { *err = failure; }
    return status;
}

static bool state_due(const training *t)
{
    const double minutes = t->settings.checkpoint_minutes;
    return t->settings.checkpoint != NULL && minutes > 0.0 && pt_seconds() - t->saved >= 60.0 * minutes;
}

/* An earlier run's state must not pass for this run's, should this one be killed before its first. */
static ptsne_status state_remove(const training *t, ptsne_error *err)
{
    const char *path = t->settings.checkpoint;
    struct stat there;
    if (stat(path, &there) != 0 || !S_ISREG(there.st_mode)) { return PTSNE_OK; }
    if (unlink(path) != 0 && errno != ENOENT) {
        return pt_fail(err, PTSNE_ERR_IO, "%s: the state of an earlier run cannot be removed: %s", path,
                       strerror(errno));
    }
    pt_warn(t->observer, "%s: removed the state of an earlier run", path);
    return PTSNE_OK;
}

/* Make room for a state, and read the one to go on from, where one is asked for and there. */
static ptsne_status state_load(training *t, ptsne_error *err)
{
    const ptsne_fit_options *settings = &t->settings;
    const bool teacher = settings->mode == PTSNE_MODE_TEACHER;
    const size_t n_moments = settings->optimizer == PTSNE_OPTIMIZER_ADAM ? 2 : 1;
    ptsne_status status = pt_state_create(t->net.n_parameters, n_moments, 0, &t->state, err);
    if (status == PTSNE_OK) {
        status =
            pt_state_extend(&t->state, teacher ? t->n * settings->n_components : 0, settings->averaging > 0.0, err);
    }
    if (status != PTSNE_OK || settings->checkpoint == NULL) { return status; }
    if (!settings->resume) { return state_remove(t, err); }
    if (access(settings->checkpoint, F_OK) != 0) {
        pt_warn(t->observer, "%s: no state to go on from: training starts at the beginning", settings->checkpoint);
        return PTSNE_OK;
    }
    if (teacher && settings->teacher == NULL) {
        char *mode; /* t-SNE's own states have none */
        if ((status = pt_state_ask(settings->checkpoint, "ptsne.mode", &mode, err)) != PTSNE_OK) { return status; }
        t->teaching = mode == NULL;
        free(mode);
        if (t->teaching) { return PTSNE_OK; }
    }
    if ((status = pt_state_read(settings->checkpoint, &t->run, t->observer, &t->state, err)) != PTSNE_OK) {
        return status;
    }
    const pt_position *at = &t->state.position;
    const float *result = t->state.average != NULL ? t->state.average : t->state.parameters;
    if (at->epoch > settings->epochs || at->step >= t->n_steps ||
        !all_finite(t->state.parameters, t->net.n_parameters)) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: is damaged: epoch %zu, step %zu", settings->checkpoint, at->epoch,
                       at->step);
    }
    memcpy(t->good, result, t->net.n_parameters * sizeof *t->good);
    t->has_good = at->epoch > 0;
    t->resumed = true;
    return PTSNE_OK;
}

static ptsne_status state_upload(training *t, ptsne_error *err)
{
    ptsne_status status = pt_upload(t->be, t->state.parameters, &t->trainer.parameters, err);
    for (size_t i = 0; i < pt_optimizer_moments(&t->trainer.optimizer) && status == PTSNE_OK; i++) {
        status = pt_upload(t->be, t->state.moments[i], &t->trainer.optimizer.moments[i], err);
    }
    if (status != PTSNE_OK || t->state.average == NULL) { return status; }
    return pt_upload(t->be, t->state.average, &t->trainer.average, err);
}

/* ---- the loop ---- */

/* Add up the losses of `count` steps that have just been made. */
static ptsne_status losses_take(training *t, size_t count, ptsne_error *err)
{
    pt_position *at = &t->state.position;
    const ptsne_status status = pt_trainer_losses(t->be, &t->trainer, count, err);
    if (status != PTSNE_OK) { return status; }
    for (size_t i = 0; i < count; i++) {
        const double loss = (double)t->trainer.host_losses[i];
        if (!isfinite(loss)) {
            return pt_fail(err, PTSNE_ERR_DIVERGED,
                           "training diverged: the loss is %g in step %zu of epoch %zu; try a smaller learning rate",
                           isnan(loss) ? fabs(loss) : loss, at->step + i + 1, at->epoch + 1);
        }
        at->loss_sum += loss;
    }
    at->step += count;
    return PTSNE_OK;
}

/* The loss to show: the mean of this epoch's steps so far. */
static double loss_so_far(const training *t)
{
    const pt_position *at = &t->state.position;
    return at->step > 0 ? at->loss_sum / (double)at->step : at->last_loss;
}

/* Up to a block of steps of this epoch; fewer where they are slow, a state is due, or the observer asks to stop, which is then
 * told by *stopped. */
static ptsne_status block_run(training *t, bool *stopped, ptsne_error *err)
{
    const pt_position *at = &t->state.position;
    const size_t left = t->n_steps - at->step;
    const size_t count = left < t->trainer.n_block ? left : t->trainer.n_block;
    const size_t first = at->epoch * t->n_steps + at->step; /* of the whole run */
    const double loss = loss_so_far(t), began = pt_seconds();
    ptsne_error wish = {0};
    ptsne_status status = pt_trainer_load(t->be, &t->trainer, &t->sampler, at->step, count, err);
    size_t done = 0;
    while (status == PTSNE_OK && done < count) {
        status = pt_trainer_step(t->be, &t->trainer, done, first + done, err);
        if (status != PTSNE_OK) { break; }
        done++;
        t->report.steps++;
        const double rate = (double)(t->report.steps * t->trainer.rows) / pt_stage_seconds(&t->stage);
        *stopped = pt_stage_step(&t->stage, first + done, loss, rate, &wish) != PTSNE_OK;
        if (*stopped || state_due(t) || pt_seconds() - began > BLOCK_SECONDS) { break; }
    }
    return status == PTSNE_OK ? losses_take(t, done, err) : status;
}

static ptsne_status epoch_end(training *t, ptsne_error *err)
{
    const ptsne_status status = parameters_keep(t, err);
    if (status != PTSNE_OK) { return status; }
    pt_position *at = &t->state.position;
    *at = (pt_position){.epoch = at->epoch + 1, .last_loss = at->loss_sum / (double)t->n_steps};
    return PTSNE_OK;
}

/* The wish to stop: the state is saved, the model is what there is, also where the state cannot be written. */
static ptsne_status stop(training *t, ptsne_error *err)
{
    const pt_position at = t->state.position;
    ptsne_status saved = PTSNE_OK, status = PTSNE_OK;
    if (t->settings.checkpoint != NULL) { saved = state_save(t, err); }
    if (saved != PTSNE_OK && saved != PTSNE_ERR_IO) { return saved; }
    if (at.epoch > 0 && at.step > 0) { status = parameters_keep(t, err); }
    if (status != PTSNE_OK) { return status; }
    if (saved != PTSNE_OK) {
        return pt_within(err, saved, "training: stopped in epoch %zu of %zu, its state is not saved", at.epoch + 1,
                         t->settings.epochs);
    }
    return pt_fail(err, PTSNE_ERR_STOPPED, "training: stopped in epoch %zu of %zu", at.epoch + 1, t->settings.epochs);
}

static ptsne_status loop(training *t, ptsne_error *err)
{
    pt_position *at = &t->state.position;
    bool stopped = false;
    ptsne_status status = PTSNE_OK;
    t->saved = pt_seconds();
    t->stage = pt_stage_begin(t->observer, "training", t->settings.epochs * t->n_steps);
    while (at->epoch < t->settings.epochs) {
        pt_sampler_epoch(&t->sampler, at->epoch);
        while (at->step < t->n_steps) {
            if ((status = block_run(t, &stopped, err)) != PTSNE_OK) { return status; }
            if (at->step == t->n_steps && (status = epoch_end(t, err)) != PTSNE_OK) { return status; }
            if (stopped && at->epoch < t->settings.epochs) { return stop(t, err); }
            if (state_due(t) && (status = state_keep(t, err)) != PTSNE_OK) { return status; }
            if (at->step == 0) { break; } /* the epoch is over */
        }
    }
    return state_keep(t, err);
}

static ptsne_status train(training *t, ptsne_error *err)
{
    const pt_trainer_plan plan = {
        .settings = &t->settings,
        .net = &t->net,
        .summary = &t->summary,
        .x = t->x,
        .target = t->teacher.target,
        .class_of = t->teacher.class_of,
        .features = t->graph.scores != NULL ? t->graph.scores : t->x,
        .n = t->n,
        .n_features = t->d,
        .n_feature_columns = t->graph.scores != NULL ? t->settings.pca : t->d,
        .n_steps = t->n_steps,
    };
    const double began = pt_seconds();
    ptsne_status status = pt_trainer_create(t->be, &plan, &t->trainer, err);
    if (status == PTSNE_OK) { status = pt_sampler_create(&t->settings, t->graph.neighbors, t->n, &t->sampler, err); }
    if (status == PTSNE_OK) { status = state_upload(t, err); }
    if (status == PTSNE_OK) { status = loop(t, err); }
    t->report.training_seconds = pt_seconds() - began;
    if (t->report.steps > 0) { t->report.product_flop = pt_trainer_flop(&t->trainer) * (double)t->report.steps; }
    return status;
}

/* ---- before and after ---- */

static ptsne_status run_describe(training *t, ptsne_error *err)
{
    ptsne_device_info device;
    t->be->ops->describe(t->be, &device);
    ptsne_status status = pt_settings_describe(&t->settings, &t->run, err);
    if (status == PTSNE_OK) { status = pt_metadata_set(&t->run, err, "ptsne.n", "%zu", t->n); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&t->run, err, "ptsne.features", "%zu", t->d); }
    if (status == PTSNE_OK) {
        status = pt_metadata_set(&t->run, err, "ptsne.data", "%016llx", (unsigned long long)t->summary.hash);
    }
    if (status == PTSNE_OK && t->settings.teacher != NULL) {
        const size_t bytes = t->n * t->settings.n_components * sizeof(float);
        status = pt_metadata_set(&t->run, err, "ptsne.teacher", "%08lx",
                                 crc32_z(0, (const Bytef *)t->settings.teacher, bytes));
    }
    if (status == PTSNE_OK && t->settings.init != NULL) {
        const size_t bytes = t->settings.init->net.n_parameters * sizeof(float);
        status = pt_metadata_set(&t->run, err, "ptsne.init", "%08lx",
                                 crc32_z(0, (const Bytef *)t->settings.init->parameters, bytes));
    }
    if (status == PTSNE_OK) { status = pt_metadata_set(&t->run, err, "ptsne.version", "%s", ptsne_version()); }
    if (status == PTSNE_OK) {
        status = pt_metadata_set(&t->run, err, "ptsne.device", "%s (%s)", device.name, device.driver);
    }
    return status;
}

static void data_warn(const training *t)
{
    if (t->summary.constant_columns > 0) {
        pt_warn(t->observer, "%zu of %zu columns have the same value in every row", t->summary.constant_columns, t->d);
    }
    if (t->graph.duplicates > 0) {
        pt_warn(t->observer, "%zu of %zu rows repeat an earlier one", t->graph.duplicates, t->n);
    }
    if (t->summary.offset > 1e4) {
        pt_warn(t->observer,
                "a column's mean is %.2g times the data's standard deviation: float32 leaves few digits for the rest; "
                "subtract the means first",
                t->summary.offset);
    }
}

/* The good parameters as a model for rows in the units of x. */
static ptsne_status model_make(const training *t, ptsne_model **model, ptsne_error *err)
{
    ptsne_status status = pt_model_export(t->be, &t->net, t->good, t->summary.mean, t->summary.scale, model, err);
    if (status != PTSNE_OK) { return status; }
    if (t->settings.mode == PTSNE_MODE_TEACHER) { pt_teacher_fold(&t->teacher, &(*model)->net, (*model)->parameters); }
    status = pt_metadata_copy(&t->run, &(*model)->metadata, err);
    if (status == PTSNE_OK) {
        status = pt_metadata_set(&(*model)->metadata, err, "ptsne.epochs_done", "%zu", t->state.position.epoch);
    }
    if (status == PTSNE_OK) {
        status = pt_metadata_set(&(*model)->metadata, err, "ptsne.loss", "%.9g", t->state.position.last_loss);
    }
    if (status != PTSNE_OK) {
        pt_model_destroy(*model);
        *model = NULL;
    }
    return status;
}

/* ---- mode teacher ---- */

/* The map to learn, into the state, and the graph. */
static ptsne_status map_make(training *t, ptsne_error *err)
{
    const ptsne_fit_options *settings = &t->settings;
    float *map = t->state.target;
    ptsne_status status = PTSNE_OK;
    if (settings->teacher != NULL) {
        memcpy(map, settings->teacher, t->state.n_target * sizeof *map);
        return PTSNE_OK;
    }
    if (settings->init != NULL) { status = pt_start_map(t->be, settings, t->x, t->n, map, err); }
    if (status != PTSNE_OK) { return status; }
    return pt_teacher_map(t->be, t->x, t->n, t->d, settings, t->teaching, t->observer, &t->graph, map, &t->report, err);
}

/* over: nothing is left to learn, the targets' units alone are wanted. */
static ptsne_status teach(training *t, bool over, ptsne_error *err)
{
    const ptsne_fit_options *settings = &t->settings;
    ptsne_status status = t->resumed ? PTSNE_OK : map_make(t, err);
    if (status == PTSNE_OK && !over && t->graph.neighbors == NULL && pt_settings_graph(settings)) {
        status = pt_teacher_graph(t->be, t->x, t->n, t->d, settings, t->observer, &t->graph, &t->report, err);
    }
    if (status == PTSNE_OK) {
        status = pt_teacher_create(t->state.target, t->n, settings->n_components, &t->teacher, err);
    }
    if (status != PTSNE_OK || over || settings->head != PTSNE_HEAD_ANCHORS) { return status; }
    const float *places = NULL;
    if (settings->init != NULL) {
        pt_start_parameters(settings, &t->net, &t->summary, &t->teacher, t->latest);
        places = t->latest + t->net.layers[t->net.n_layers - 1].weight;
    }
    return pt_teacher_classes(t->be, t->n, settings, places, t->observer, &t->teacher, err);
}

/* Everything up to the trained parameters. */
static ptsne_status run(training *t, const ptsne_fit_options *options, ptsne_error *err)
{
    ptsne_status status = pt_settings_resolve(options, t->n, t->d, t->observer, &t->settings, err);
    if (status != PTSNE_OK) { return status; }
    const ptsne_fit_options *settings = &t->settings;
    t->n_steps = pt_settings_steps(settings, t->n);
    status = pt_start_net(settings, t->d, &t->net, err);
    if (status == PTSNE_OK) { status = pt_summary_create(t->x, t->n, t->d, &t->summary, err); }
    if (status == PTSNE_OK && settings->init != NULL) { pt_import_means(settings->init, t->summary.mean); }
    if (status == PTSNE_OK) { status = run_describe(t, err); }
    if (status != PTSNE_OK) { return status; }
    t->good = pt_array_zeroed(t->net.n_parameters, sizeof *t->good);
    t->latest = pt_array_zeroed(t->net.n_parameters, sizeof *t->latest);
    if (t->good == NULL || t->latest == NULL) {
        return pt_fail_memory(err, "the network", 2.0 * (double)t->net.n_parameters * sizeof *t->good);
    }
    if ((status = state_load(t, err)) != PTSNE_OK) { return status; }
    const bool taught = settings->mode == PTSNE_MODE_TEACHER;
    const bool over = t->state.position.epoch == settings->epochs; /* a finished run */
    const double began = pt_seconds();
    if (taught) {
        status = teach(t, over, err);
        t->report.teacher_seconds = pt_seconds() - began;
    } else if (!over) {
        status = pt_graph_create(t->be, t->x, t->n, t->d, settings, t->observer, &t->graph, err);
        t->report.neighbor_seconds = pt_seconds() - began;
    }
    if (status != PTSNE_OK || over) { return status; }
    if (!t->resumed) {
        pt_start_parameters(settings, &t->net, &t->summary, taught ? &t->teacher : NULL, t->state.parameters);
    }
    data_warn(t);
    return train(t, err);
}

static void training_destroy(training *t)
{
    pt_trainer_destroy(t->be, &t->trainer);
    pt_sampler_destroy(&t->sampler);
    pt_teacher_destroy(&t->teacher);
    pt_graph_destroy(&t->graph);
    pt_summary_destroy(&t->summary);
    pt_metadata_destroy(&t->run);
    pt_state_destroy(&t->state);
    free(t->good);
    free(t->latest);
}

/* Is the status one with which the model so far is handed out? PTSNE_ERR_IO: stopped, and the state could not be written. */
static bool is_over(ptsne_status status)
{
    return status == PTSNE_OK || status == PTSNE_ERR_DIVERGED || status == PTSNE_ERR_STOPPED || status == PTSNE_ERR_IO;
}

ptsne_status pt_training_run(pt_backend *be, const float *x, size_t n, size_t n_features,
                             const ptsne_fit_options *options, const ptsne_observer *observer, ptsne_model **model,
                             ptsne_fit_report *report, ptsne_error *err)
{
    const double began = pt_seconds();
    *model = NULL;
    training t = {.be = be, .observer = observer, .x = x, .n = n, .d = n_features, .report.teacher_kl = (double)NAN};
    ptsne_status status = run(&t, options, err);
    if (is_over(status) && t.has_good) {
        ptsne_error second; /* a first failure keeps its message */
        ptsne_error *told = status == PTSNE_OK ? err : &second;
        ptsne_status made = model_make(&t, model, told);
        if (made == PTSNE_OK) { made = pt_spread_measure(*model, x, n, t.report.spread, told); }
        if (made == PTSNE_OK) { pt_spread_warn(observer, t.report.spread, t.settings.n_components); }
        if (status == PTSNE_OK) { status = made; }
    }
    if (!is_over(status)) {
        pt_model_destroy(*model);
        *model = NULL;
    }
    t.report.epochs = t.state.position.epoch;
    t.report.steps = t.state.position.epoch * t.n_steps + t.state.position.step;
    t.report.loss = t.state.position.last_loss;
    t.report.duplicates = t.graph.duplicates;
    t.report.constant_columns = t.summary.constant_columns;
    t.report.seconds = pt_seconds() - began;
    if (report != NULL) { *report = t.report; }
    training_destroy(&t);
    return status;
}
