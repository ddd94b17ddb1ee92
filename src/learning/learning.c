#include "learning/learning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"
#include "network/streams.h"

#define BLOCK_SECONDS 2.0 /* after which losses are looked at in any case: where a step is slow, people wait for them */

/* One run. What is released at its end starts out empty. */
typedef struct learning {
    pt_backend *be;
    const ptsne_observer *observer;
    const pt_learner_plan *plan;
    pt_learner learner;
    pt_optimizer
        clock; /* its steps are rows: those of all stretches, for steps of different batches are worth different times */
    uint32_t *order; /* this epoch's training rows */
    float *kept;     /* the caller's parameters */
    float *latest;   /* those that are looked at next */
    size_t rows_shown, n_steps;
    size_t warmup_rows;
    double least;  /* loss of the kept parameters, where the least one is kept */
    double marked; /* the loss that the next one has to be below by min_delta */
    size_t waited; /* epochs since then */
    pt_stage stage;
    ptsne_learn_report *report;
} learning;

static size_t steps_of(const learning *g, size_t stretch)
{
    return g->plan->training.n_chosen / g->plan->settings->stretches[stretch].batch_size;
}

static bool validates(const learning *g)
{
    return g->plan->validation.n_chosen > 0;
}

/* ---- epochs ---- */

static void order_make(learning *g)
{
    const pt_examples *training = &g->plan->training;
    pt_random random = {.seed = g->plan->settings->seed, .stream = pt_stream(PT_FOR_ORDER, g->report->epochs)};
    pt_random_permutation(&random, g->order, training->n_chosen);
    for (size_t i = 0; i < training->n_chosen; i++) { g->order[i] = training->chosen[g->order[i]]; }
}

static ptsne_status diverged(const learning *g, const char *what, double value, ptsne_error *err)
{
    const double shown = isnan(value) ? fabs(value) : value; /* "nan" whatever its sign */
    return pt_fail(err, PTSNE_ERR_DIVERGED, "training diverged: the %s is %g in epoch %zu; try a smaller learning rate",
                   what, shown, g->report->epochs + 1);
}

/* The rate of the next step, of so many rows. In the warm-up it grows in proportion to the rows with which the step ends. */
static double rate_of(const learning *g, size_t rows)
{
    const double rate = pt_optimizer_rate(&g->clock, g->rows_shown);
    const size_t shown = g->rows_shown + rows;
    return shown < g->warmup_rows ? rate * (double)shown / (double)g->warmup_rows : rate;
}

/* Up to a block of steps of a stretch; fewer where they are slow or the observer asks to stop, which is then told by *stopped. */
static ptsne_status block_run(learning *g, size_t stretch, size_t at, pt_score *score, size_t *done, bool *stopped,
                              ptsne_error *err)
{
    const size_t rows = g->plan->settings->stretches[stretch].batch_size;
    const size_t left = steps_of(g, stretch) - at, room = pt_learner_block(&g->learner, stretch);
    const size_t count = left < room ? left : room;
    const double loss = score->rows > 0 ? score->loss / (double)score->rows : g->report->kept.loss;
    ptsne_error wish = {0};
    *done = 0;
    ptsne_status status = pt_learner_load(g->be, &g->learner, g->order + at * rows, stretch, count, err);
    const double began = pt_seconds();
    while (status == PTSNE_OK && *done < count && !*stopped && pt_seconds() - began <= BLOCK_SECONDS) {
        const double rate = rate_of(g, rows);
        status = pt_learner_step(g->be, &g->learner, stretch, *done, g->report->steps, rate, err);
        if (status != PTSNE_OK) { return status; }
        ++*done;
        g->report->steps++;
        g->rows_shown += rows;
        *stopped = pt_stage_step(&g->stage, g->report->steps, loss, (double)g->rows_shown / pt_stage_seconds(&g->stage),
                                 &wish) != PTSNE_OK;
    }
    return status == PTSNE_OK ? pt_learner_losses(g->be, &g->learner, stretch, *done, score, err) : status;
}

static ptsne_status epoch_run(learning *g, size_t stretch, pt_score *score, bool *stopped, ptsne_error *err)
{
    const size_t n_steps = steps_of(g, stretch);
    *score = (pt_score){0};
    order_make(g);
    ptsne_status status = PTSNE_OK;
    for (size_t at = 0, done; at < n_steps && !*stopped && status == PTSNE_OK; at += done) {
        status = block_run(g, stretch, at, score, &done, stopped, err);
        if (status == PTSNE_OK && !isfinite(score->loss)) { status = diverged(g, "loss", score->loss, err); }
    }
    return status;
}

static double accuracy_of(const learning *g, const pt_score *score)
{
    if (g->plan->training.classes == NULL || score->rows == 0) { return (double)NAN; }
    return 1.0 - (double)score->wrong / (double)score->rows;
}

/* Fetch the parameters; they have to be numbers. */
static ptsne_status parameters_fetch(learning *g, ptsne_error *err)
{
    const ptsne_status status = pt_download(g->be, &g->learner.parameters, g->latest, err);
    for (size_t i = 0; i < g->plan->net->n_parameters && status == PTSNE_OK; i++) {
        if (!isfinite(g->latest[i])) { return diverged(g, "network's weight", (double)g->latest[i], err); }
    }
    return status;
}

/* Keep the parameters where they are the best so far, or where the last ones are wanted; is the patience at its end? */
static bool parameters_keep(learning *g, const ptsne_epoch *epoch)
{
    const ptsne_learn_options *settings = g->plan->settings;
    const double loss = validates(g) ? epoch->validation_loss : epoch->loss;
    if (settings->patience == 0 || loss < g->least) {
        memcpy(g->kept, g->latest, g->plan->net->n_parameters * sizeof *g->kept);
        g->report->kept = *epoch;
        g->least = loss;
    }
    g->waited++;
    if (loss < g->marked - settings->min_delta) {
        g->marked = loss;
        g->waited = 0;
    }
    return settings->patience > 0 && g->waited >= settings->patience;
}

/* What the epoch came to. *over: this was the last one. */
static ptsne_status epoch_end(learning *g, size_t stretch, const pt_score *score, bool *over, ptsne_error *err)
{
    const ptsne_learn_options *settings = g->plan->settings;
    pt_score held = {0};
    ptsne_status status = validates(g) ? pt_learner_judge(g->be, &g->learner, &held, err) : PTSNE_OK;
    if (status == PTSNE_OK) { status = parameters_fetch(g, err); }
    if (status == PTSNE_OK && !isfinite(held.loss)) { status = diverged(g, "validation loss", held.loss, err); }
    if (status != PTSNE_OK) { return status; }
    const ptsne_epoch epoch = {
        .epoch = ++g->report->epochs,
        .batch_size = settings->stretches[stretch].batch_size,
        .loss = score->loss / (double)score->rows,
        .accuracy = accuracy_of(g, score),
        .validation_loss = validates(g) ? held.loss / (double)held.rows : (double)NAN,
        .validation_accuracy = accuracy_of(g, &held),
        .seconds = pt_stage_seconds(&g->stage),
    };
    *over = parameters_keep(g, &epoch);
    g->report->ended_early = *over;
    if (settings->epoch != NULL && settings->epoch(&epoch, settings->epoch_user) != 0) {
        return pt_fail(err, PTSNE_ERR_STOPPED, "training: stopped after epoch %zu", epoch.epoch);
    }
    return PTSNE_OK;
}

/* An epoch and what it came to; one that was stopped before its last step counts for nothing. */
static ptsne_status epoch_whole(learning *g, size_t stretch, bool *over, ptsne_error *err)
{
    pt_score score;
    bool stopped = false;
    ptsne_status status = epoch_run(g, stretch, &score, &stopped, err);
    const size_t rows = steps_of(g, stretch) * g->plan->settings->stretches[stretch].batch_size;
    if (status == PTSNE_OK && score.rows == rows) { status = epoch_end(g, stretch, &score, over, err); }
    if (status != PTSNE_OK || !stopped || *over || g->report->steps == g->n_steps) { return status; }
    return pt_fail(err, PTSNE_ERR_STOPPED, "training: stopped in step %zu of %zu", g->report->steps, g->n_steps);
}

static ptsne_status loop(learning *g, ptsne_error *err)
{
    const ptsne_learn_options *settings = g->plan->settings;
    bool over = false;
    ptsne_status status = PTSNE_OK;
    g->stage = pt_stage_begin(g->observer, "training", g->n_steps);
    for (size_t s = 0; s < settings->n_stretches && !over; s++) {
        for (size_t e = 0; e < settings->stretches[s].epochs && !over; e++) {
            if ((status = epoch_whole(g, s, &over, err)) != PTSNE_OK) { return status; }
        }
    }
    return PTSNE_OK;
}

/* ---- the run ---- */

static ptsne_status prepare(learning *g, ptsne_error *err)
{
    const ptsne_learn_options *settings = g->plan->settings;
    const size_t n = g->plan->training.n_chosen, count = g->plan->net->n_parameters;
    g->order = pt_array_zeroed(n, sizeof *g->order);
    g->latest = pt_array_zeroed(count, sizeof *g->latest);
    if (g->order == NULL || g->latest == NULL) {
        return pt_fail_memory(err, "the order of the rows and the network", 4.0 * ((double)n + (double)count));
    }
    size_t rows = 0;
    for (size_t s = 0; s < settings->n_stretches; s++) {
        const size_t steps = settings->stretches[s].epochs * steps_of(g, s);
        g->n_steps += steps;
        rows += steps * settings->stretches[s].batch_size;
    }
    g->clock = (pt_optimizer){
        .kind = settings->optimizer,
        .schedule = settings->schedule,
        .learning_rate = settings->learning_rate,
        .n_steps = rows,
    };
    g->warmup_rows = settings->warmup_steps * settings->stretches[0].batch_size;
    const ptsne_status status = pt_learner_create(g->be, g->plan, &g->learner, err);
    return status == PTSNE_OK ? pt_upload(g->be, g->kept, &g->learner.parameters, err) : status;
}

ptsne_status pt_learning_run(pt_backend *be, const pt_learner_plan *plan, const ptsne_observer *observer,
                             float *parameters, ptsne_learn_report *report, ptsne_error *err)
{
    learning g = {.be = be, .observer = observer, .plan = plan, .kept = parameters, .report = report};
    const double nothing = (double)NAN, began = pt_seconds();
    g.least = g.marked = (double)INFINITY;
    report->kept = (ptsne_epoch){0, 0, nothing, nothing, nothing, nothing, 0.0};
    report->n_training = plan->training.n_chosen;
    report->n_validation = plan->validation.n_chosen;
    ptsne_status status = prepare(&g, err);
    if (status == PTSNE_OK) { status = loop(&g, err); }
    pt_learner_destroy(be, &g.learner);
    free(g.order);
    free(g.latest);
    report->training_seconds = pt_seconds() - began;
    report->product_flop = (double)g.rows_shown * pt_net_training_flop(plan->net);
    return status;
}
