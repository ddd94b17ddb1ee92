#include "parametric/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define BLOCK_STEPS ((size_t)64)
#define BLOCK_ROWS  ((size_t)1 << 19)

/* The average moves each so many steps, by as much as in all of them: it follows slowly, and a pass over the parameters costs as much as
 * a sixth of a step of 250 rows. */
#define AVERAGE_EVERY ((size_t)8)

static pt_dropout_rates dropout_of(const ptsne_fit_options *settings, size_t step)
{
    return (pt_dropout_rates){
        .input = (float)settings->input_dropout,
        .hidden = (float)settings->dropout,
        .seed = settings->seed,
        .step = step,
    };
}

/* Targets and classes of a block's rows, on both sides. */
static ptsne_status targets_create(pt_backend *be, pt_trainer *t, ptsne_error *err)
{
    const size_t count = t->n_block * t->rows, d = t->plan.settings->n_components;
    t->host_target = pt_array_zeroed(count * d, sizeof *t->host_target);
    t->host_class = pt_array_zeroed(count, sizeof *t->host_class);
    if (t->host_target == NULL || t->host_class == NULL) {
        return pt_fail_memory(err, "lists of targets", 4.0 * (double)count * (double)(d + 1));
    }
    const ptsne_status status = pt_buffer_create(be, count * d, &t->target, err);
    if (status != PTSNE_OK || t->plan.class_of == NULL) { return status; }
    return pt_buffer_create(be, count, &t->class_of, err);
}

/* Lists and losses of a block, on both sides. */
static ptsne_status lists_create(pt_backend *be, pt_trainer *t, ptsne_error *err)
{
    const size_t count = t->n_block * t->rows;
    t->host_row = pt_array_zeroed(count, sizeof *t->host_row);
    t->host_partner = pt_array_zeroed(count, sizeof *t->host_partner);
    t->host_share = pt_array_zeroed(count, sizeof *t->host_share);
    t->host_losses = pt_array_zeroed(t->n_block, sizeof *t->host_losses);
    if (t->host_row == NULL || t->host_partner == NULL || t->host_share == NULL || t->host_losses == NULL) {
        return pt_fail_memory(err, "lists of rows", 12.0 * (double)count);
    }
    ptsne_status status = pt_buffer_create(be, count, &t->row, err);
    if (status == PTSNE_OK && t->plan.target != NULL) { status = targets_create(be, t, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, count, &t->partner, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, count, &t->share, err); }
    return status == PTSNE_OK ? pt_buffer_create(be, t->n_block, &t->losses, err) : status;
}

/* Rows that distances are taken between. Euclidean ones in all columns are, but for one factor, those of the centred input, and more
 * exact there than far from 0; other metrics see the rows as they came. */
static const pt_rows *features_of(const pt_trainer *t)
{
    const bool euclidean = strcmp(t->plan.settings->metric, "euclidean") == 0;
    return t->plan.features == t->plan.x && euclidean ? &t->input : &t->features;
}

static ptsne_status affinities_create(pt_backend *be, pt_trainer *t, ptsne_error *err)
{
    const pt_trainer_plan *plan = &t->plan;
    const size_t rows = t->rows, columns = plan->n_feature_columns;
    ptsne_status status = pt_metric_find(be, plan->settings->metric, &t->metric, err);
    if (status == PTSNE_OK) { status = pt_buffer_create(be, rows * columns, &t->picked, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, rows * rows, &t->d2, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, rows * rows, &t->p, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, rows, &t->beta, err); }
    if (status != PTSNE_OK || features_of(t) == &t->input) { return status; }
    return pt_rows_create(be, plan->features, plan->n, columns, NULL, 1.0f, rows, &t->features, err);
}

static size_t scratch_of(const ptsne_fit_options *settings, size_t rows)
{
    return settings->mode == PTSNE_MODE_TEACHER ? pt_loss_scratch(rows)
                                                : pt_gradient_scratch(rows, settings->n_components);
}

ptsne_status pt_trainer_create(pt_backend *be, const pt_trainer_plan *plan, pt_trainer *trainer, ptsne_error *err)
{
    const ptsne_fit_options *settings = plan->settings;
    const size_t rows = settings->batch_size, count = plan->net->n_parameters;
    size_t block = BLOCK_ROWS / rows;
    if (block > BLOCK_STEPS) { block = BLOCK_STEPS; }
    if (block > plan->n_steps) { block = plan->n_steps; }
    pt_trainer *t = trainer;
    *t = (pt_trainer){.plan = *plan, .rows = rows, .n_block = block == 0 ? 1 : block};
    t->optimizer = (pt_optimizer){
        .kind = settings->optimizer,
        .schedule = settings->schedule,
        .learning_rate = settings->learning_rate,
        .momentum = settings->momentum,
        .warmup_steps = settings->warmup_steps,
        .n_steps = settings->epochs * plan->n_steps,
    };
    const pt_dropout_rates rates = dropout_of(settings, 0);
    ptsne_status status = pt_pass_create(be, plan->net, rows, true, &rates, &t->pass, err);
    if (status == PTSNE_OK) { status = pt_optimizer_create(be, count, &t->optimizer, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, count, &t->parameters, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, count, &t->gradient, err); }
    if (status == PTSNE_OK) { status = pt_fill(be, &t->gradient, 0.0f, err); }
    if (status == PTSNE_OK && settings->averaging > 0.0) { status = pt_buffer_create(be, count, &t->average, err); }
    if (status == PTSNE_OK) { status = lists_create(be, t, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, scratch_of(settings, rows), &t->scratch, err); }
    if (status == PTSNE_OK && settings->mode == PTSNE_MODE_BATCH) { status = affinities_create(be, t, err); }
    if (status == PTSNE_OK) {
        status = pt_rows_create(be, plan->x, plan->n, plan->n_features, plan->summary->mean, plan->summary->scale, rows,
                                &t->input, err);
    }
    if (status != PTSNE_OK) { pt_trainer_destroy(be, t); }
    return status;
}

void pt_trainer_destroy(pt_backend *be, pt_trainer *t)
{
    pt_buffer *buffers[] = {&t->parameters, &t->gradient, &t->average, &t->losses, &t->row, &t->partner, &t->share,
                            &t->target,     &t->class_of, &t->scratch, &t->picked, &t->d2,  &t->p,       &t->beta};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) { pt_buffer_destroy(be, buffers[i]); }
    pt_rows_destroy(be, &t->input);
    pt_rows_destroy(be, &t->features);
    pt_pass_destroy(be, &t->pass);
    pt_optimizer_destroy(be, &t->optimizer);
    free(t->host_row);
    free(t->host_partner);
    free(t->host_share);
    free(t->host_losses);
    free(t->host_target);
    free(t->host_class);
    *t = (pt_trainer){0};
}

static ptsne_status targets_load(pt_backend *be, pt_trainer *t, size_t used, ptsne_error *err)
{
    const size_t d = t->plan.settings->n_components;
    for (size_t i = 0; i < used; i++) {
        const size_t row = t->host_row[i];
        memcpy(t->host_target + i * d, t->plan.target + row * d, d * sizeof *t->host_target);
        if (t->plan.class_of != NULL) { t->host_class[i] = t->plan.class_of[row]; }
    }
    const pt_buffer target = pt_buffer_view(&t->target, 0, used * d);
    const ptsne_status status = pt_upload(be, t->host_target, &target, err);
    if (status != PTSNE_OK || t->plan.class_of == NULL) { return status; }
    const pt_buffer class_of = pt_buffer_view(&t->class_of, 0, used);
    return pt_upload(be, t->host_class, &class_of, err);
}

ptsne_status pt_trainer_load(pt_backend *be, pt_trainer *t, const pt_sampler *sampler, size_t first, size_t count,
                             ptsne_error *err)
{
    const size_t used = count * t->rows;
    pt_sampler_lists(sampler, first, count, t->host_row, t->host_partner, t->host_share);
    const pt_buffer row = pt_buffer_view(&t->row, 0, used), partner = pt_buffer_view(&t->partner, 0, used);
    const pt_buffer share = pt_buffer_view(&t->share, 0, used);
    ptsne_status status = pt_upload(be, t->host_row, &row, err);
    if (status == PTSNE_OK && t->plan.target != NULL) { status = targets_load(be, t, used, err); }
    if (status != PTSNE_OK || t->plan.settings->interpolation == 0.0) { return status; }
    status = pt_upload(be, t->host_partner, &partner, err);
    return status == PTSNE_OK ? pt_upload(be, t->host_share, &share, err) : status;
}

/* P of the batch, into d2's place: conditional affinities need d2 while p is made, their sum goes back over it. */
static ptsne_status affinities_make(pt_backend *be, pt_trainer *t, const pt_row_list *list, ptsne_error *err)
{
    const ptsne_fit_options *settings = t->plan.settings;
    const size_t rows = t->rows, columns = t->plan.n_feature_columns;
    const float weight = 1.0f / (float)settings->n_perplexities;
    ptsne_status status = pt_rows_gather(be, features_of(t), list, NULL, NULL, rows, &t->picked, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_distances(be, t->metric, &t->picked, rows, &t->picked, rows, columns, &t->d2, err);
    for (size_t i = 0; i < settings->n_perplexities && status == PTSNE_OK; i++) {
        status = pt_affinities_conditional(be, &t->d2, rows, rows, 0, (float)settings->perplexities[i], weight, i > 0,
                                           &t->p, &t->beta, err);
    }
    return status == PTSNE_OK ? pt_affinities_joint(be, &t->p, rows, &t->d2, err) : status;
}

/* The loss and its gradient by the map, of the rows that went forward. */
static ptsne_status loss_make(pt_backend *be, pt_trainer *t, size_t place, size_t epoch, const pt_row_list *list,
                              const pt_buffer *loss, ptsne_error *err)
{
    const ptsne_fit_options *settings = t->plan.settings;
    const bool early = epoch < settings->early_epochs;
    const float exaggeration = (float)(early ? settings->early_exaggeration : settings->exaggeration);
    const pt_buffer map = pt_pass_map(&t->pass), gradient = pt_pass_map_gradient(&t->pass);
    const size_t d = settings->n_components;
    if (settings->mode == PTSNE_MODE_TEACHER) {
        const pt_buffer target = pt_buffer_view(&t->target, place * t->rows * d, t->rows * d);
        return pt_cauchy_error(be, &map, &target, t->rows, d, (float)settings->error_width, &t->scratch, loss,
                               &gradient, err);
    }
    if (settings->mode == PTSNE_MODE_EDGES) {
        return pt_edges_gradient(be, &map, &list->device, t->rows / 2, d, exaggeration, &t->scratch, &gradient, loss,
                                 err);
    }
    return pt_tsne_gradient(be, &t->d2, &map, t->rows, d, exaggeration, &t->scratch, &gradient, loss, err);
}

/* Falls in a line from the start of the run to the end of its share. */
static float class_weight_at(const pt_trainer *t, size_t step)
{
    const ptsne_fit_options *settings = t->plan.settings;
    const double done = (double)step / ((double)settings->epochs * (double)t->plan.n_steps);
    return (float)(settings->class_weight * fmax(0.0, 1.0 - done / settings->class_share));
}

/* average = kept average + (1 - kept) parameters. */
static ptsne_status average_move(pt_backend *be, pt_trainer *t, size_t step, ptsne_error *err)
{
    const double decay = t->plan.settings->averaging, moves = (double)step / (double)AVERAGE_EVERY;
    if (decay == 0.0 || step % AVERAGE_EVERY != 0) { return PTSNE_OK; }
    const double kept =
        fmin(pow(decay, (double)AVERAGE_EVERY), moves / (moves + 10.0)); /* the start is soon forgotten */
    return pt_blend(be, (float)(1.0 - kept), &t->parameters, (float)kept, &t->average, err);
}

ptsne_status pt_trainer_step(pt_backend *be, pt_trainer *t, size_t place, size_t step, ptsne_error *err)
{
    const ptsne_fit_options *settings = t->plan.settings;
    const size_t at = place * t->rows;
    const pt_row_list row = {t->host_row + at, pt_buffer_view(&t->row, at, t->rows)};
    const pt_row_list partner = {t->host_partner + at, pt_buffer_view(&t->partner, at, t->rows)};
    const pt_buffer share = pt_buffer_view(&t->share, at, t->rows), loss = pt_buffer_view(&t->losses, place, 1);
    const pt_buffer input = pt_pass_input(&t->pass);
    const pt_dropout_rates rates = dropout_of(settings, step);
    const bool moved = settings->interpolation > 0.0;
    ptsne_status status = PTSNE_OK;
    if (settings->mode == PTSNE_MODE_BATCH) { status = affinities_make(be, t, &row, err); }
    if (status == PTSNE_OK) {
        status = pt_rows_gather(be, &t->input, &row, moved ? &partner : NULL, &share, t->rows, &input, err);
    }
    if (status == PTSNE_OK) { status = pt_pass_forward(be, &t->pass, &t->parameters, &rates, err); }
    if (status == PTSNE_OK) { status = loss_make(be, t, place, step / t->plan.n_steps, &row, &loss, err); }
    if (t->plan.class_of != NULL) {
        t->pass.classes = pt_buffer_view(&t->class_of, at, t->rows);
        t->pass.class_weight = class_weight_at(t, step);
    }
    if (status == PTSNE_OK) { status = pt_pass_backward(be, &t->pass, &t->parameters, &rates, &t->gradient, err); }
    if (status == PTSNE_OK) { status = pt_optimizer_step(be, &t->optimizer, step, &t->gradient, &t->parameters, err); }
    return status == PTSNE_OK ? average_move(be, t, step, err) : status;
}

const pt_buffer *pt_trainer_result(const pt_trainer *t)
{
    return t->plan.settings->averaging > 0.0 ? &t->average : &t->parameters;
}

ptsne_status pt_trainer_losses(pt_backend *be, pt_trainer *t, size_t count, ptsne_error *err)
{
    const pt_buffer used = pt_buffer_view(&t->losses, 0, count);
    return pt_download(be, &used, t->host_losses, err);
}

double pt_trainer_flop(const pt_trainer *t)
{
    const double rows = (double)t->rows;
    double flop = rows * pt_net_training_flop(t->plan.net);
    if (t->plan.settings->mode == PTSNE_MODE_BATCH) { flop += 2.0 * rows * rows * (double)t->plan.n_feature_columns; }
    return flop;
}
