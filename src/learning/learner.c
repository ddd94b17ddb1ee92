#include "learning/learner.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sizes.h"

#define BLOCK_STEPS ((size_t)64)
#define JUDGE_ROWS  ((size_t)512) /* that are judged at a time, at most */

static const ptsne_stretch *stretch_of(const pt_learner *l, size_t stretch)
{
    return &l->plan.settings->stretches[stretch];
}

static bool tells_classes(const pt_learner *l)
{
    return l->plan.training.classes != NULL;
}

size_t pt_learner_block(const pt_learner *l, size_t stretch)
{
    const size_t steps = l->n_block / stretch_of(l, stretch)->batch_size;
    return pt_smaller(steps, BLOCK_STEPS);
}

/* Whether the validation rows are among those of the training table: the same rows, and none behind its end. */
static bool shares_table(const pt_learner *l)
{
    const pt_examples *training = &l->plan.training, *held = &l->plan.validation;
    return held->x == training->x && held->n <= training->n;
}

/* ---- memory ---- */

/* Lists and losses of a block, on both sides. */
static ptsne_status lists_create(pt_backend *be, pt_learner *l, ptsne_error *err)
{
    const size_t count = l->n_block, n_losses = 2 * BLOCK_STEPS;
    l->host_row = pt_array_zeroed(count, sizeof *l->host_row);
    l->host_target = pt_array_zeroed(count, sizeof *l->host_target);
    l->host_losses = pt_array_zeroed(n_losses, sizeof *l->host_losses);
    if (l->host_row == NULL || l->host_target == NULL || l->host_losses == NULL) {
        return pt_fail_memory(err, "lists of rows", 8.0 * (double)count);
    }
    ptsne_status status = pt_buffer_create(be, count, &l->row, err);
    if (status == PTSNE_OK) { status = pt_buffer_create(be, count, &l->target, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, n_losses, &l->losses, err); }
    return status == PTSNE_OK ? pt_fill(be, &l->losses, 0.0f, err) : status;
}

/* Rows that are judged at a time; no more than there are. */
static size_t judge_rows(const pt_backend *be, const pt_learner *l)
{
    const size_t block = pt_pass_block_rows(be, l->plan.net), most = pt_smaller(block, JUDGE_ROWS);
    return pt_smaller(l->plan.validation.n_chosen, most);
}

/* A pass for each size of batch: all of a run's memory is taken before its first step. */
static ptsne_status passes_create(pt_backend *be, pt_learner *l, ptsne_error *err)
{
    const ptsne_learn_options *settings = l->plan.settings;
    const pt_dropout_rates rates = {.seed = settings->seed};
    ptsne_status status = PTSNE_OK;
    for (size_t s = 0; s < settings->n_stretches && status == PTSNE_OK; s++) {
        const size_t rows = settings->stretches[s].batch_size;
        status = pt_pass_create(be, l->plan.net, rows, true, &rates, &l->passes[s], err);
        l->passes[s].penalized = l->plan.penalized;
        l->passes[s].penalty = (float)l->plan.activity_l2;
    }
    if (status != PTSNE_OK || l->plan.validation.n_chosen == 0) { return status; }
    status = pt_pass_create(be, l->plan.net, judge_rows(be, l), false, NULL, &l->judge, err);
    if (status != PTSNE_OK) { return status; }
    const pt_buffer input = pt_pass_input(&l->judge);
    return pt_fill(be, &input, 0.0f, err); /* rows behind the last ones are numbers, too */
}

static ptsne_status rows_create(pt_backend *be, pt_learner *l, ptsne_error *err)
{
    const pt_learner_plan *plan = &l->plan;
    const size_t most = pt_larger(l->most, l->judge.rows);
    ptsne_status status = pt_rows_create(be, plan->training.x, plan->training.n, plan->n_features, plan->mean,
                                         plan->scale, most, &l->input, err);
    if (status != PTSNE_OK || plan->validation.n_chosen == 0 || shares_table(l)) { return status; }
    return pt_rows_create(be, plan->validation.x, plan->validation.n, plan->n_features, plan->mean, plan->scale, most,
                          &l->held, err);
}

ptsne_status pt_learner_create(pt_backend *be, const pt_learner_plan *plan, pt_learner *learner, ptsne_error *err)
{
    const ptsne_learn_options *settings = plan->settings;
    const size_t count = plan->net->n_parameters;
    pt_learner *l = learner;
    *l = (pt_learner){.plan = *plan};
    for (size_t s = 0; s < settings->n_stretches; s++) {
        const size_t rows = settings->stretches[s].batch_size;
        if (rows > l->most) { l->most = rows; }
    }
    l->n_block = pt_larger(l->most * 16, JUDGE_ROWS);
    l->optimizer = (pt_optimizer){
        .kind = settings->optimizer,
        .schedule = PTSNE_SCHEDULE_CONSTANT, /* each step is told its rate */
        .momentum = settings->momentum,
        .n_steps = 1,
    };
    const size_t judged = pt_larger(l->most, judge_rows(be, l));
    ptsne_status status = passes_create(be, l, err);
    if (status == PTSNE_OK) { status = pt_optimizer_create(be, count, &l->optimizer, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, count, &l->parameters, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, count, &l->gradient, err); }
    if (status == PTSNE_OK) { status = pt_fill(be, &l->gradient, 0.0f, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(be, pt_loss_scratch(judged), &l->scratch, err); }
    if (status == PTSNE_OK) { status = lists_create(be, l, err); }
    if (status == PTSNE_OK) { status = rows_create(be, l, err); }
    if (status != PTSNE_OK) { pt_learner_destroy(be, l); }
    return status;
}

void pt_learner_destroy(pt_backend *be, pt_learner *l)
{
    pt_buffer *buffers[] = {&l->parameters, &l->gradient, &l->scratch, &l->losses, &l->row, &l->target};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) { pt_buffer_destroy(be, buffers[i]); }
    for (size_t s = 0; s < PTSNE_MAX_STRETCHES; s++) { pt_pass_destroy(be, &l->passes[s]); }
    pt_pass_destroy(be, &l->judge);
    pt_rows_destroy(be, &l->input);
    pt_rows_destroy(be, &l->held);
    pt_optimizer_destroy(be, &l->optimizer);
    free(l->host_row);
    free(l->host_target);
    free(l->host_losses);
    *l = (pt_learner){0};
}

/* ---- steps ---- */

/* A list of rows and their classes onto the device. */
static ptsne_status list_upload(pt_backend *be, pt_learner *l, const pt_examples *examples, const uint32_t *rows,
                                size_t count, ptsne_error *err)
{
    const pt_buffer row = pt_buffer_view(&l->row, 0, count), target = pt_buffer_view(&l->target, 0, count);
    memcpy(l->host_row, rows, count * sizeof *rows);
    ptsne_status status = pt_upload(be, l->host_row, &row, err);
    if (status != PTSNE_OK || examples->classes == NULL) { return status; }
    for (size_t i = 0; i < count; i++) { l->host_target[i] = examples->classes[rows[i]]; }
    return pt_upload(be, l->host_target, &target, err);
}

ptsne_status pt_learner_load(pt_backend *be, pt_learner *l, const uint32_t *order, size_t stretch, size_t count,
                             ptsne_error *err)
{
    return list_upload(be, l, &l->plan.training, order, count * stretch_of(l, stretch)->batch_size, err);
}

/* The loss of the first `rows` rows of a pass, whose classes stand from `at` on. gradient NULL: not wanted. */
static ptsne_status loss_make(pt_backend *be, const pt_learner *l, const pt_pass *pass, size_t at, size_t rows,
                              const pt_buffer *loss, const pt_buffer *gradient, ptsne_error *err)
{
    const size_t columns = pt_net_outputs(l->plan.net);
    const pt_buffer all = pt_pass_map(pass), map = pt_buffer_view(&all, 0, rows * columns);
    if (tells_classes(l)) {
        const pt_buffer target = pt_buffer_view(&l->target, at, rows);
        return pt_cross_entropy(be, &map, &target, rows, columns, &l->scratch, loss, gradient, err);
    }
    const pt_buffer input = pt_pass_input(pass), target = pt_buffer_view(&input, 0, rows * columns);
    return pt_squared_error(be, &map, &target, rows, columns, &l->scratch, loss, gradient, err);
}

/* kernel_l2 sum w^2 has the gradient 2 kernel_l2 w. Biases and what normalises stay free. */
static ptsne_status weights_shrink(pt_backend *be, const pt_learner *l, ptsne_error *err)
{
    const float factor = (float)(2.0 * l->plan.settings->kernel_l2);
    ptsne_status status = PTSNE_OK;
    for (size_t i = 0; i < l->plan.net->n_layers && factor > 0.0f && status == PTSNE_OK; i++) {
        const pt_layer *layer = &l->plan.net->layers[i];
        if (layer->kind != PT_DENSE && layer->kind != PT_CONVOLUTION) { continue; }
        const pt_buffer weight = pt_buffer_view(&l->parameters, layer->weight, layer->n_weight);
        const pt_buffer gradient = pt_buffer_view(&l->gradient, layer->weight, layer->n_weight);
        status = pt_blend(be, factor, &weight, 1.0f, &gradient, err);
    }
    return status;
}

ptsne_status pt_learner_step(pt_backend *be, pt_learner *l, size_t stretch, size_t place, size_t step, double rate,
                             ptsne_error *err)
{
    const pt_pass *pass = &l->passes[stretch];
    const size_t at = place * pass->rows;
    const pt_row_list row = {l->host_row + at, pt_buffer_view(&l->row, at, pass->rows)};
    const pt_buffer loss = pt_buffer_view(&l->losses, 2 * place, 2);
    const pt_buffer input = pt_pass_input(pass), gradient = pt_pass_map_gradient(pass);
    const pt_dropout_rates rates = {.seed = l->plan.settings->seed, .step = step}; /* layers have rates of their own */
    ptsne_status status = pt_rows_gather(be, &l->input, &row, NULL, NULL, pass->rows, &input, err);
    if (status == PTSNE_OK) { status = pt_pass_forward(be, pass, &l->parameters, &rates, err); }
    if (status == PTSNE_OK) { status = loss_make(be, l, pass, at, pass->rows, &loss, &gradient, err); }
    if (status == PTSNE_OK) { status = pt_pass_backward(be, pass, &l->parameters, &rates, &l->gradient, err); }
    if (status == PTSNE_OK) { status = weights_shrink(be, l, err); }
    if (status != PTSNE_OK) { return status; }
    l->optimizer.learning_rate = rate;
    return pt_optimizer_step(be, &l->optimizer, step, &l->gradient, &l->parameters, err);
}

/* Fetch `count` pairs of losses, each of so many rows, but the last one of `last`. */
static ptsne_status losses_fetch(pt_backend *be, pt_learner *l, size_t count, size_t rows, size_t last, pt_score *score,
                                 ptsne_error *err)
{
    const pt_buffer used = pt_buffer_view(&l->losses, 0, 2 * count);
    const ptsne_status status = pt_download(be, &used, l->host_losses, err);
    for (size_t i = 0; i < count && status == PTSNE_OK; i++) {
        const size_t of = i + 1 < count ? rows : last;
        score->loss += (double)l->host_losses[2 * i] * (double)of;
        score->rows += of;
        if (tells_classes(l)) { score->wrong += (size_t)l->host_losses[2 * i + 1]; }
    }
    return status;
}

ptsne_status pt_learner_losses(pt_backend *be, pt_learner *l, size_t stretch, size_t count, pt_score *score,
                               ptsne_error *err)
{
    const size_t rows = stretch_of(l, stretch)->batch_size;
    return losses_fetch(be, l, count, rows, rows, score, err);
}

/* Up to BLOCK_STEPS groups of the judge's rows, as many as the lists hold. */
static ptsne_status judge_block(pt_backend *be, pt_learner *l, size_t from, size_t count, pt_score *score,
                                ptsne_error *err)
{
    const pt_examples *held = &l->plan.validation;
    const pt_rows *rows = shares_table(l) ? &l->input : &l->held;
    const pt_buffer all = pt_pass_input(&l->judge);
    const size_t most = l->judge.rows;
    ptsne_status status = list_upload(be, l, held, held->chosen + from, count, err);
    size_t groups = 0, last = 0;
    for (size_t at = 0; at < count && status == PTSNE_OK; at += most, groups++) {
        last = pt_smaller(count - at, most);
        const pt_row_list row = {l->host_row + at, pt_buffer_view(&l->row, at, last)};
        const pt_buffer input = pt_buffer_view(&all, 0, last * l->plan.n_features);
        const pt_buffer loss = pt_buffer_view(&l->losses, 2 * groups, 2);
        status = pt_rows_gather(be, rows, &row, NULL, NULL, last, &input, err);
        if (status == PTSNE_OK) { status = pt_pass_forward(be, &l->judge, &l->parameters, NULL, err); }
        if (status == PTSNE_OK) { status = loss_make(be, l, &l->judge, at, last, &loss, NULL, err); }
    }
    return status == PTSNE_OK ? losses_fetch(be, l, groups, most, last, score, err) : status;
}

ptsne_status pt_learner_judge(pt_backend *be, pt_learner *l, pt_score *score, ptsne_error *err)
{
    const size_t n = l->plan.validation.n_chosen;
    ptsne_status status = PTSNE_OK;
    *score = (pt_score){0};
    if (n == 0) { return status; }
    const size_t rows = l->judge.rows, lists = l->n_block / rows;
    const size_t most = pt_smaller(lists, BLOCK_STEPS) * rows;
    for (size_t from = 0; from < n && status == PTSNE_OK; from += most) {
        status = judge_block(be, l, from, pt_smaller(n - from, most), score, err);
    }
    return status;
}
