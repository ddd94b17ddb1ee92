#include "learning/taught.h"

#include <stdlib.h>

#include "base/columns.h"
#include "base/memory.h"

static bool has_own_validation(const pt_taught *t)
{
    return t->settings.x_validation != NULL;
}

ptsne_status pt_taught_check(const pt_taught *t, ptsne_error *err)
{
    if (t->n >= 2) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_DATA, "%zu row%s: there is nothing to learn from", t->n, t->n == 1 ? "" : "s");
}

ptsne_status pt_taught_prepare(pt_taught *t, const pt_learning_usual *usual, ptsne_error *err)
{
    ptsne_learn_options *settings = &t->settings;
    if (has_own_validation(t) != (settings->n_validation > 0)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "x_validation and n_validation go together");
    }
    const double share = has_own_validation(t) ? 0.0 : settings->validation;
    ptsne_status status = pt_split_create(t->n, share < 1.0 ? share : 0.0, settings->seed, &t->split, err);
    if (status == PTSNE_OK && has_own_validation(t)) {
        status = pt_finite_check("validation", settings->x_validation, settings->n_validation, t->d, err);
        if (status != PTSNE_OK) { return status; }
        status = pt_split_create(settings->n_validation, 0.0, 0, &t->held, err);
    }
    if (status == PTSNE_OK && t->n - t->split.n_held < 2) {
        status = pt_fail(err, PTSNE_ERR_ARGUMENT, "validation %g leaves %zu of %zu rows to learn from", share,
                         t->n - t->split.n_held, t->n);
    }
    if (status != PTSNE_OK) { return status; }
    return pt_learning_resolve(settings, t->n - t->split.n_held, usual, err);
}

static pt_learner_plan plan_of(const pt_taught *t)
{
    const size_t n_held = t->split.n_held;
    pt_learner_plan plan = {
        .settings = &t->settings,
        .net = &t->net,
        .training = {t->x, t->classes, t->n, t->split.order + n_held, t->n - n_held},
        .validation = {t->x, t->classes, t->n, t->split.order, n_held},
        .n_features = t->d,
        .mean = t->mean,
        .scale = t->scale,
        .penalized = t->penalized,
        .activity_l2 = t->activity_l2,
    };
    if (has_own_validation(t)) {
        plan.validation = (pt_examples){t->settings.x_validation, t->held_classes, t->held.n, t->held.order, t->held.n};
    }
    return plan;
}

/* Everything that the model keeps of its making. */
static ptsne_status describe(pt_taught *t, ptsne_error *err)
{
    ptsne_device_info device;
    t->be->ops->describe(t->be, &device);
    ptsne_status status = pt_learning_describe(&t->settings, &t->run, err);
    if (status == PTSNE_OK) { status = pt_learning_tell(&t->report, &t->run, err); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&t->run, err, "ptsne.features", "%zu", t->d); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&t->run, err, "ptsne.version", "%s", ptsne_version()); }
    if (status != PTSNE_OK) { return status; }
    return pt_metadata_set(&t->run, err, "ptsne.device", "%s (%s)", device.name, device.driver);
}

/* Those in the model's file; what training moves has more, where layers are folded into one, and gaps between arrays. */
static size_t parameters_of(const pt_net *net)
{
    size_t sum = 0;
    for (size_t l = 0; l < net->n_layers; l++) { sum += pt_layer_parameters(&net->layers[l]); }
    return sum;
}

static ptsne_status model_make(pt_taught *t, ptsne_model **model, ptsne_error *err)
{
    ptsne_status status = describe(t, err);
    if (status == PTSNE_OK) { status = pt_model_export(t->be, &t->net, t->parameters, t->mean, t->scale, model, err); }
    if (status == PTSNE_OK) { status = pt_metadata_copy(&t->run, &(*model)->metadata, err); }
    if (status == PTSNE_OK) {
        t->report.n_parameters = parameters_of(&(*model)->net);
        return status;
    }
    pt_model_destroy(*model);
    *model = NULL;
    return status;
}

/* Is the status one with which the model so far is handed out? */
static bool is_over(ptsne_status status)
{
    return status == PTSNE_OK || status == PTSNE_ERR_DIVERGED || status == PTSNE_ERR_STOPPED;
}

ptsne_status pt_taught_run(pt_taught *t, ptsne_model **model, ptsne_error *err)
{
    *model = NULL;
    t->parameters = pt_array_zeroed(t->net.n_parameters, sizeof *t->parameters);
    if (t->parameters == NULL) {
        return pt_fail_memory(err, "the network", (double)t->net.n_parameters * sizeof *t->parameters);
    }
    pt_net_start(&t->net, t->settings.seed, t->parameters);
    t->report.scale = (double)t->scale;
    const pt_learner_plan plan = plan_of(t);
    const ptsne_status status = pt_learning_run(t->be, &plan, t->observer, t->parameters, &t->report, err);
    if (!is_over(status) || t->report.epochs == 0) { return status; }
    ptsne_error second; /* a first failure keeps its message */
    const ptsne_status made = model_make(t, model, status == PTSNE_OK ? err : &second);
    return status == PTSNE_OK ? made : status;
}

void pt_taught_destroy(pt_taught *t)
{
    pt_split_destroy(&t->split);
    pt_split_destroy(&t->held);
    pt_metadata_destroy(&t->run);
    free(t->parameters);
    t->parameters = NULL;
}
