#include "learning/learning_settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sizes.h"
#include "network/optimizer.h"
#include "network/streams.h"

void pt_learning_default(ptsne_learn_options *options)
{
    *options = (ptsne_learn_options){
        .optimizer = PTSNE_OPTIMIZER_ADAM,
        .schedule = PTSNE_SCHEDULE_CONSTANT,
        .momentum = 0.9,
        .validation = 0.1,
    };
}

static ptsne_status numbers_check(const ptsne_learn_options *s, ptsne_error *err)
{
    const pt_limit limits[] = {
        {"n_stretches", (double)s->n_stretches, 0, PTSNE_MAX_STRETCHES, false},
        {"optimizer", (double)s->optimizer, 0, 1, false},
        {"schedule", (double)s->schedule, 0, 2, false},
        {"learning_rate", s->learning_rate, 1e-12, 1e6, false},
        {"momentum", s->momentum, 0, 1, true},
        {"warmup_steps", (double)s->warmup_steps, 0, 1e9, false},
        {"kernel_l2", s->kernel_l2, 0, 1e6, false},
        {"validation", s->validation, 0, 1, true},
        {"patience", (double)s->patience, 0, 1e9, false},
        {"min_delta", s->min_delta, 0, 1e9, false},
    };
    ptsne_status status = pt_limits_check(limits, sizeof limits / sizeof limits[0], err);
    for (size_t i = 0; i < s->n_stretches && status == PTSNE_OK; i++) {
        const pt_limit stretch[] = {
            {"epochs", (double)s->stretches[i].epochs, 1, 1e9, false},
            {"batch_size", (double)s->stretches[i].batch_size, 1, 1e6, false},
        };
        status = pt_limits_check(stretch, 2, err);
    }
    return status;
}

/* Batches of a sixteenth of few rows: an epoch then still has steps enough to tell it from the next. */
static size_t batch_default(size_t batch, size_t n)
{
    const size_t most = n / 16 < 8 ? 8 : n / 16;
    return batch < most ? batch : most;
}

static void stretches_default(ptsne_learn_options *s, size_t n, const pt_learning_usual *usual)
{
    const bool whole = s->n_stretches == 0;
    ptsne_stretch *first = &s->stretches[0];
    if (whole) {
        s->n_stretches = usual->n_stretches;
        for (size_t i = 0; i < usual->n_stretches; i++) {
            s->stretches[i].epochs = usual->stretches[i].epochs;
            s->stretches[i].batch_size = batch_default(usual->stretches[i].batch_size, n);
        }
    }
    const bool epochs_open = whole || first->epochs == 0;
    for (size_t i = 0; i < usual->n_stretches && !whole && epochs_open; i++) {
        first->epochs += usual->stretches[i].epochs;
    }
    if (first->batch_size == 0) { first->batch_size = batch_default(usual->stretches[0].batch_size, n); }
    const size_t steps = n < first->batch_size ? 1 : n / first->batch_size;
    const size_t least = pt_ceil_div(usual->least_steps, steps);
    if (epochs_open && first->epochs < least) { first->epochs = least; }
}

ptsne_status pt_learning_resolve(ptsne_learn_options *settings, size_t n, const pt_learning_usual *usual,
                                 ptsne_error *err)
{
    ptsne_learn_options *s = settings;
    if (s->learning_rate == 0.0) { s->learning_rate = s->optimizer == PTSNE_OPTIMIZER_ADAM ? 1e-3 : 0.1; }
    if (s->n_stretches <= 1) { stretches_default(s, n, usual); }
    const ptsne_status status = numbers_check(s, err);
    for (size_t i = 0; i < s->n_stretches && status == PTSNE_OK; i++) {
        if (s->stretches[i].batch_size > n) { s->stretches[i].batch_size = n; }
    }
    return status;
}

/* ---- the split ---- */

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

ptsne_status pt_split_create(size_t n, double share, uint64_t seed, pt_split *split, ptsne_error *err)
{
    *split = (pt_split){.n = n};
    if (n >= UINT32_MAX) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu rows: learning takes at most %zu", n, (size_t)UINT32_MAX - 1);
    }
    split->order = pt_array_zeroed(n, sizeof *split->order);
    if (split->order == NULL) { return pt_fail_memory(err, "lists of rows", (double)n * sizeof(uint32_t)); }
    if (!(share > 0.0)) {
        for (size_t i = 0; i < n; i++) { split->order[i] = (uint32_t)i; }
        return PTSNE_OK;
    }
    pt_random random = {.seed = seed, .stream = pt_stream(PT_FOR_SPLIT, 0)};
    pt_random_permutation(&random, split->order, n);
    const size_t held = (size_t)(share * (double)n + 0.5);
    split->n_held = held < 1 ? 1 : held >= n ? n - 1 : held;
    qsort(split->order, split->n_held, sizeof *split->order, compare);
    qsort(split->order + split->n_held, n - split->n_held, sizeof *split->order, compare);
    return PTSNE_OK;
}

void pt_split_destroy(pt_split *split)
{
    free(split->order);
    *split = (pt_split){0};
}

/* ---- as text ---- */

#define DIGITS 9 /* of numbers */

ptsne_status pt_learning_describe(const ptsne_learn_options *s, pt_metadata *metadata, ptsne_error *err)
{
    char batches[PTSNE_MAX_STRETCHES * 42] = "";
    size_t length = 0;
    for (size_t i = 0; i < s->n_stretches; i++) {
        length += (size_t)snprintf(batches + length, sizeof batches - length, "%s%zu:%zu", i == 0 ? "" : ",",
                                   s->stretches[i].epochs, s->stretches[i].batch_size);
    }
    const pt_metadata_number numbers[] = {
        {"ptsne.learning_rate", s->learning_rate, true},
        {"ptsne.momentum", s->momentum, s->optimizer == PTSNE_OPTIMIZER_SGD},
        {"ptsne.warmup_steps", (double)s->warmup_steps, s->warmup_steps > 0},
        {"ptsne.kernel_l2", s->kernel_l2, s->kernel_l2 > 0.0},
        {"ptsne.patience", (double)s->patience, s->patience > 0},
        {"ptsne.min_delta", s->min_delta, s->patience > 0},
    };
    ptsne_status status = pt_metadata_set(metadata, err, "ptsne.batches", "%s", batches);
    if (status == PTSNE_OK) {
        status = pt_metadata_set(metadata, err, "ptsne.optimizer", "%s", pt_optimizer_name(s->optimizer));
    }
    if (status == PTSNE_OK) {
        status = pt_metadata_set(metadata, err, "ptsne.schedule", "%s", pt_schedule_name(s->schedule));
    }
    if (status == PTSNE_OK) {
        status = pt_metadata_set_numbers(metadata, numbers, sizeof numbers / sizeof numbers[0], DIGITS, err);
    }
    if (status != PTSNE_OK) { return status; }
    return pt_metadata_set(metadata, err, "ptsne.seed", "%llu", (unsigned long long)s->seed);
}

ptsne_status pt_learning_tell(const ptsne_learn_report *report, pt_metadata *metadata, ptsne_error *err)
{
    const ptsne_epoch *kept = &report->kept;
    const pt_metadata_number numbers[] = {
        {"ptsne.n", (double)report->n_training, true},
        {"ptsne.n_validation", (double)report->n_validation, report->n_validation > 0},
        {"ptsne.epochs_done", (double)report->epochs, true},
        {"ptsne.epoch_kept", (double)kept->epoch, true},
        {"ptsne.loss", kept->loss, true},
        {"ptsne.accuracy", kept->accuracy, !isnan(kept->accuracy)},
        {"ptsne.validation_loss", kept->validation_loss, !isnan(kept->validation_loss)},
        {"ptsne.validation_accuracy", kept->validation_accuracy, !isnan(kept->validation_accuracy)},
    };
    return pt_metadata_set_numbers(metadata, numbers, sizeof numbers / sizeof numbers[0], DIGITS, err);
}
