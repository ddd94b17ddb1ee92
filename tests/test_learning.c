/* Classifiers and autoencoders: what training by examples promises about its steps, its losses, its end, its bits and bad input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "base/random.h"
#include "faults.h"
#include "learning/autoencoder.h"
#include "learning/classifier.h"
#include "learning/learning.h"
#include "learning/learning_settings.h"

#define N       ((size_t)240)
#define D       ((size_t)12)
#define CLASSES ((size_t)3)

static float blobs[N * D]; /* row i is of class i % CLASSES */
static int64_t codes[N];
static ptsne_labels *labels;

static void blobs_make(void)
{
    float centre[CLASSES * D];
    pt_random random = {.seed = 77};
    for (size_t i = 0; i < CLASSES * D; i++) { centre[i] = 100.0f + 3.0f * pt_random_normal(&random); }
    for (size_t i = 0; i < N; i++) {
        codes[i] = 10 * (int64_t)(i % CLASSES);
        for (size_t j = 0; j < D; j++) { blobs[i * D + j] = centre[i % CLASSES * D + j] + pt_random_normal(&random); }
    }
}

static void check(ptsne_status status, const ptsne_error *err)
{
    if (status != PTSNE_OK) { fail_msg("%s", err->message); }
}

/* All figures of a run's epochs. */
typedef struct record {
    ptsne_epoch epochs[400];
    size_t count, stop_after; /* stop_after 0: never */
} record;

static int hear_epoch(const ptsne_epoch *epoch, void *user)
{
    record *r = user;
    assert_true(r->count < 400);
    r->epochs[r->count++] = *epoch;
    return r->stop_after > 0 && r->count >= r->stop_after;
}

static ptsne_classify_options classify_options(record *heard)
{
    ptsne_classify_options options;
    pt_classifier_default(&options);
    options.net = "24, bn, relu, dropout 0.1";
    options.learn.seed = 4;
    options.learn.stretches[0] = (ptsne_stretch){8, 16};
    options.learn.n_stretches = 1;
    options.learn.epoch = hear_epoch;
    options.learn.epoch_user = heard;
    return options;
}

/* ---- classifiers ---- */

static void test_classify(void **state)
{
    pt_backend *be = *state;
    record heard = {.count = 0};
    const ptsne_classify_options options = classify_options(&heard);
    ptsne_model *model;
    ptsne_learn_report report;
    ptsne_error err;
    uint32_t *classes = calloc(N, sizeof *classes);
    float *log_p = calloc(N * CLASSES, sizeof *log_p);
    check(pt_classifier_train(be, blobs, labels, N, D, &options, NULL, &model, &report, &err), &err);
    assert_int_equal(heard.count, 8);
    assert_int_equal(report.epochs, 8);
    assert_int_equal(report.n_validation, 24);
    assert_int_equal(report.n_training, 216);
    assert_int_equal(report.steps, 8 * (216 / 16));
    assert_true(heard.epochs[7].loss < 0.7 * heard.epochs[0].loss);
    assert_true(report.kept.validation_accuracy >= 0.95 && report.kept.accuracy >= 0.9);
    assert_int_equal(report.kept.epoch, 8);
    assert_int_equal(pt_classifier_classes(model), CLASSES);
    assert_string_equal(pt_classifier_name(model, 2), "20");
    check(pt_classifier_predict(model, blobs, N, classes, log_p, &err), &err);
    size_t wrong = 0;
    for (size_t i = 0; i < N; i++) {
        double sum = 0.0;
        for (size_t c = 0; c < CLASSES; c++) { sum += exp((double)log_p[i * CLASSES + c]); }
        assert_true(fabs(sum - 1.0) < 1e-6);
        wrong += classes[i] != i % CLASSES;
    }
    assert_true(wrong <= 5);
    pt_model_destroy(model);
    free(classes);
    free(log_p);
}

/* Rows of one image shape through a convolution. */
static void test_images(void **state)
{
    pt_backend *be = *state;
    record heard = {.count = 0};
    ptsne_classify_options options = classify_options(&heard);
    options.net = "conv 4 3x3 same, bn, relu, pool 2, 12, relu";
    options.input[0] = 4, options.input[1] = 3, options.input[2] = 1;
    ptsne_model *model;
    ptsne_learn_report report;
    ptsne_error err;
    check(pt_classifier_train(be, blobs, labels, N, D, &options, NULL, &model, &report, &err), &err);
    assert_true(heard.epochs[7].loss < heard.epochs[0].loss);
    assert_true(report.kept.validation_accuracy > 0.8);
    /* what the model says in the units of the data is what training said of its own rows */
    pt_split split;
    check(pt_split_create(N, 0.1, 4, &split, &err), &err);
    double loss = 0.0;
    for (size_t i = 0; i < split.n_held; i++) {
        float log_p[CLASSES];
        check(pt_classifier_predict(model, blobs + split.order[i] * D, 1, NULL, log_p, &err), &err);
        loss -= (double)log_p[split.order[i] % CLASSES] / (double)split.n_held;
    }
    assert_true(fabs(loss - report.kept.validation_loss) < 1e-3 * fabs(loss) + 1e-4);
    pt_split_destroy(&split);
    pt_model_destroy(model);
}

/* The same bits with one thread, with two, and the second time. */
static void test_threads(void **state)
{
    pt_backend *one = *state, *two;
    const pt_backend_config config = {.spec = "cpu", .threads = 2};
    ptsne_error err;
    check(pt_backend_open_config(&config, &two, &err), &err);
    pt_backend *const backends[] = {one, two, one};
    ptsne_model *models[3];
    for (size_t i = 0; i < 3; i++) {
        record heard = {.count = 0};
        ptsne_classify_options options = classify_options(&heard);
        options.net = "conv 4 3x3 same, bn, relu, pool 2, 12, bn, relu, dropout 0.2";
        options.input[0] = 4, options.input[1] = 3, options.input[2] = 1;
        options.learn.kernel_l2 = 1e-3;
        check(pt_classifier_train(backends[i], blobs, labels, N, D, &options, NULL, &models[i], NULL, &err), &err);
    }
    const size_t bytes = models[0]->net.n_parameters * sizeof(float);
    assert_memory_equal(models[0]->parameters, models[1]->parameters, bytes);
    assert_memory_equal(models[0]->parameters, models[2]->parameters, bytes);
    for (size_t i = 0; i < 3; i++) { pt_model_destroy(models[i]); }
    pt_backend_close(two);
}

static void test_split(void **state)
{
    (void)state;
    pt_split a, b, other, none;
    check(pt_split_create(1000, 0.1, 5, &a, NULL), NULL);
    check(pt_split_create(1000, 0.1, 5, &b, NULL), NULL);
    check(pt_split_create(1000, 0.1, 6, &other, NULL), NULL);
    check(pt_split_create(1000, 0.0, 6, &none, NULL), NULL);
    assert_int_equal(a.n_held, 100);
    assert_int_equal(none.n_held, 0);
    assert_memory_equal(a.order, b.order, 1000 * sizeof *a.order);
    assert_memory_not_equal(a.order, other.order, 100 * sizeof *a.order);
    unsigned char seen[1000] = {0};
    for (size_t i = 0; i < 1000; i++) {
        assert_true(a.order[i] < 1000 && seen[a.order[i]]++ == 0);
        assert_true(i == 0 || i == 100 || a.order[i] > a.order[i - 1]);
        assert_int_equal(none.order[i], i);
    }
    pt_split_destroy(&a);
    pt_split_destroy(&b);
    pt_split_destroy(&other);
    pt_split_destroy(&none);
    check(pt_split_create(3, 0.01, 0, &a, NULL), NULL); /* a share is one row at least */
    assert_int_equal(a.n_held, 1);
    pt_split_destroy(&a);
}

/* Labels that mean nothing: the validation loss rises as soon as they are learnt by heart. */
static void test_early_end(void **state)
{
    pt_backend *be = *state;
    int64_t noise[N];
    pt_random random = {.seed = 8};
    for (size_t i = 0; i < N; i++) { noise[i] = (int64_t)pt_random_below(&random, 2); }
    ptsne_labels *random_labels;
    ptsne_error err;
    check(ptsne_labels_create(noise, N, &random_labels, &err), &err);
    record heard = {.count = 0};
    ptsne_classify_options options = classify_options(&heard);
    options.net = "64";
    options.learn.stretches[0].epochs = 300;
    options.learn.validation = 0.25;
    options.learn.patience = 5;
    options.learn.learning_rate = 5e-3;
    options.learn.schedule = PTSNE_SCHEDULE_CONSTANT;
    ptsne_model *model;
    ptsne_learn_report report;
    check(pt_classifier_train(be, blobs, random_labels, N, D, &options, NULL, &model, &report, &err), &err);
    assert_true(report.ended_early && report.epochs < 300);
    assert_int_equal(report.epochs, heard.count);
    assert_int_equal(report.epochs,
                     report.kept.epoch + 5); /* without a least improvement, the best one is 5 epochs ago */
    size_t best = 0;
    for (size_t e = 0; e < heard.count; e++) {
        if (heard.epochs[e].validation_loss < heard.epochs[best].validation_loss) { best = e; }
    }
    assert_int_equal(report.kept.epoch, best + 1);
    /* the model is that epoch's, and not the last one's */
    pt_split split;
    check(pt_split_create(N, 0.25, options.learn.seed, &split, &err), &err);
    double loss = 0.0;
    for (size_t i = 0; i < split.n_held; i++) {
        float log_p[2];
        const size_t row = split.order[i];
        check(pt_classifier_predict(model, blobs + row * D, 1, NULL, log_p, &err), &err);
        loss -= (double)log_p[noise[row]] / (double)split.n_held;
    }
    assert_true(fabs(loss - report.kept.validation_loss) < 1e-4);
    assert_true(fabs(loss - heard.epochs[heard.count - 1].validation_loss) > 1e-3);
    pt_split_destroy(&split);
    pt_model_destroy(model);
    ptsne_labels_destroy(random_labels);
}

/* A least improvement that no epoch brings ends the run after `patience` more. */
static void test_min_delta(void **state)
{
    record heard = {.count = 0};
    ptsne_classify_options options = classify_options(&heard);
    options.learn.patience = 3;
    options.learn.min_delta = 100.0;
    ptsne_model *model;
    ptsne_learn_report report;
    ptsne_error err;
    check(pt_classifier_train(*state, blobs, labels, N, D, &options, NULL, &model, &report, &err), &err);
    assert_int_equal(report.epochs, 4);
    assert_true(report.ended_early && report.kept.validation_loss < heard.epochs[0].validation_loss);
    pt_model_destroy(model);
}

/* ---- one step against float64 ---- */

#define ROWS ((size_t)6)

/* A net of two dense layers, tanh and linear, without mean and scale: the loss of all rows, L2 of weights and activities included. */
typedef struct little {
    pt_net net;
    float x[ROWS * 3];
    uint32_t classes[ROWS]; /* unread where autoencodes */
    bool autoencodes;
    double kernel_l2, activity_l2;
} little;

static double little_loss(const little *t, const double *w)
{
    const pt_layer *first = &t->net.layers[0], *second = &t->net.layers[1];
    const size_t width = first->n_out, k = second->n_out;
    double data = 0.0, activity = 0.0, squares = 0.0;
    for (size_t i = 0; i < ROWS; i++) {
        double a[8], z[8], sum = 0.0;
        for (size_t o = 0; o < width; o++) {
            double s = w[first->bias + o];
            for (size_t j = 0; j < 3; j++) { s += w[first->weight + o * 3 + j] * (double)t->x[i * 3 + j]; }
            a[o] = tanh(s);
            activity += a[o] * a[o];
        }
        for (size_t o = 0; o < k; o++) {
            z[o] = w[second->bias + o];
            for (size_t j = 0; j < width; j++) { z[o] += w[second->weight + o * width + j] * a[j]; }
            sum += exp(z[o]);
            if (t->autoencodes) { data += pow(z[o] - (double)t->x[i * 3 + o], 2.0) / (double)(ROWS * k); }
        }
        if (!t->autoencodes) { data -= (z[t->classes[i]] - log(sum)) / (double)ROWS; }
    }
    for (size_t l = 0; l < 2; l++) {
        const pt_layer *layer = &t->net.layers[l];
        for (size_t j = 0; j < layer->n_weight; j++) { squares += pow(w[layer->weight + j], 2.0); }
    }
    return data + t->activity_l2 / (double)ROWS * activity + t->kernel_l2 * squares;
}

/* One step of SGD at rate 1 against central differences. */
static void little_check(pt_backend *be, bool autoencodes, double kernel_l2, double activity_l2)
{
    little t = {.autoencodes = autoencodes, .kernel_l2 = kernel_l2, .activity_l2 = activity_l2};
    pt_random random = {.seed = 9};
    ptsne_error err;
    const pt_shape shape = {1, 1, 3};
    check(pt_net_parse("4, tanh", "relu", &shape, &t.net, &err), &err);
    check(pt_net_append(&t.net, 3, PT_LINEAR, &err), &err);
    const size_t count = t.net.n_parameters;
    float *start = calloc(count, sizeof *start), *end = calloc(count, sizeof *end);
    double *w = calloc(count, sizeof *w);
    pt_net_start(&t.net, 1, start);
    for (size_t i = 0; i < ROWS * 3; i++) { t.x[i] = pt_random_normal(&random); }
    uint32_t chosen[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) { t.classes[i] = i % 3, chosen[i] = i; }
    for (size_t j = 0; j < 12; j++) { /* a last layer of some size, and biases that are not 0 */
        start[t.net.layers[1].weight + j] = pt_random_normal(&random);
        start[t.net.layers[0].bias + j % 4] = 0.1f * pt_random_normal(&random);
    }
    for (size_t i = 0; i < count; i++) { w[i] = (double)(end[i] = start[i]); }
    const ptsne_learn_options settings = {
        .stretches = {{1, ROWS}},
        .n_stretches = 1,
        .optimizer = PTSNE_OPTIMIZER_SGD,
        .schedule = PTSNE_SCHEDULE_CONSTANT,
        .learning_rate = 1.0,
        .kernel_l2 = kernel_l2,
    };
    const pt_learner_plan plan = {
        .settings = &settings,
        .net = &t.net,
        .training = {t.x, autoencodes ? NULL : t.classes, ROWS, chosen, ROWS},
        .n_features = 3,
        .scale = 1.0f,
        .penalized = 0,
        .activity_l2 = activity_l2,
    };
    ptsne_learn_report report = {0};
    check(pt_learning_run(be, &plan, NULL, end, &report, &err), &err);
    for (size_t l = 0; l < 2; l++) {
        const pt_layer *layer = &t.net.layers[l];
        for (size_t j = 0; j < layer->n_weight + layer->n_bias; j++) {
            const size_t at = j < layer->n_weight ? layer->weight + j : layer->bias + j - layer->n_weight;
            const double h = 1e-5, middle = w[at];
            w[at] = middle + h;
            const double up = little_loss(&t, w);
            w[at] = middle - h;
            const double down = little_loss(&t, w);
            w[at] = middle;
            const double want = (up - down) / (2.0 * h), got = (double)start[at] - (double)end[at];
            if (!(fabs(got - want) < 2e-6)) {
                fail_msg("%s, layer %zu, parameter %zu: gradient %.9g, by differences %.9g",
                         autoencodes ? "squared error" : "cross-entropy", l, j, got, want);
            }
        }
    }
    if (kernel_l2 == 0.0 && activity_l2 == 0.0) { assert_true(fabs(report.kept.loss - little_loss(&t, w)) < 1e-6); }
    free(start);
    free(end);
    free(w);
}

static void test_step(void **state)
{
    little_check(*state, false, 0.0, 0.0);
    little_check(*state, false, 0.05, 0.0);
    little_check(*state, true, 0.0, 0.0);
    little_check(*state, true, 0.02, 0.0);
    little_check(*state, true, 0.0, 0.3);
    little_check(*state, true, 0.02, 0.3);
}

/* The warm-up's first step is that share of the rate which its length says: one step at a time, from the same beginning. */
static void test_warmup(void **state)
{
    static const struct {
        size_t warmup;
        double rate;
    } cases[] = {{0, 0.16}, {1, 0.16}, {0, 0.016}, {10, 0.16}};
    ptsne_model *models[4];
    for (size_t c = 0; c < 4; c++) {
        record heard = {.count = 0};
        ptsne_classify_options options = classify_options(&heard);
        ptsne_error err;
        options.learn.optimizer = PTSNE_OPTIMIZER_SGD;
        options.learn.schedule = PTSNE_SCHEDULE_CONSTANT;
        options.learn.validation = 0.0;
        options.learn.stretches[0] = (ptsne_stretch){1, N};
        options.learn.learning_rate = cases[c].rate;
        options.learn.warmup_steps = cases[c].warmup;
        check(pt_classifier_train(*state, blobs, labels, N, D, &options, NULL, &models[c], NULL, &err), &err);
    }
    const size_t count = models[0]->net.n_parameters;
    double apart = 0.0;
    assert_memory_equal(models[0]->parameters, models[1]->parameters, count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        const double one = (double)models[2]->parameters[i], two = (double)models[3]->parameters[i];
        apart = fmax(apart, fabs(one - two) / (1.0 + fabs(one)));
    }
    assert_true(apart < 1e-6);
    for (size_t c = 0; c < 4; c++) { pt_model_destroy(models[c]); }
}

/* Validation takes no more rows at a time than there are, nor than fit into a block's bytes. */
static void test_judge_rows(void **state)
{
    static const struct {
        const char *net;
        size_t n_held, rows;
    } cases[] = {{"4, relu", 24, 24}, {"4, relu", 700, 512}, {"conv 32 3x3 same, 4", 700, 128}};
    const size_t n = 700, columns = 64 * 64;
    const pt_shape shape = {64, 64, 1};
    float *x = calloc(n * columns, sizeof *x);
    uint32_t *chosen = calloc(n, sizeof *chosen);
    assert_true(x != NULL && chosen != NULL);
    const ptsne_learn_options settings = {.stretches = {{1, 4}}, .n_stretches = 1, .learning_rate = 1.0};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        pt_net net;
        ptsne_error err;
        check(pt_net_parse(cases[c].net, "relu", &shape, &net, &err), &err);
        const pt_examples all = {x, chosen, n, chosen, n}, held = {x, chosen, n, chosen, cases[c].n_held};
        const pt_learner_plan plan = {.settings = &settings,
                                      .net = &net,
                                      .training = all,
                                      .validation = held,
                                      .n_features = columns,
                                      .scale = 1.0f};
        pt_learner learner;
        pt_score score;
        check(pt_learner_create(*state, &plan, &learner, &err), &err);
        assert_int_equal(learner.judge.rows, cases[c].rows);
        check(pt_fill(*state, &learner.parameters, 0.0f, &err), &err);
        check(pt_learner_judge(*state, &learner, &score, &err), &err);
        assert_int_equal(score.rows, cases[c].n_held);
        pt_learner_destroy(*state, &learner);
    }
    free(x);
    free(chosen);
}

/* ---- autoencoders ---- */

/* Rows on a plane in D dimensions, values up to 255. */
static void plane_make(float *x)
{
    pt_random random = {.seed = 21};
    float axes[2 * D];
    for (size_t j = 0; j < 2 * D; j++) { axes[j] = pt_random_uniform(&random); }
    for (size_t i = 0; i < N; i++) {
        const float a = pt_random_uniform(&random), b = pt_random_uniform(&random);
        for (size_t j = 0; j < D; j++) { x[i * D + j] = 127.5f * (a * axes[j] + b * axes[D + j]); }
    }
}

static void test_autoencode(void **state)
{
    pt_backend *be = *state;
    float *x = calloc(N * D, sizeof *x), *code = calloc(N * 4, sizeof *code), *y = calloc(N * D, sizeof *y);
    plane_make(x);
    record heard = {.count = 0};
    ptsne_autoencode_options options;
    pt_autoencoder_default(&options);
    options.encoder = "16, relu, 4, bn, tanh";
    options.decoder = "16, relu, 12, sigmoid";
    options.learn.epoch = hear_epoch;
    options.learn.epoch_user = &heard;
    options.learn.learning_rate = 5e-3;
    ptsne_model *model;
    ptsne_learn_report report;
    ptsne_error err;
    double loss, own = 0.0;
    check(pt_autoencoder_train(be, x, N, D, &options, NULL, &model, &report, &err), &err);
    assert_true(isnan(report.kept.accuracy));
    assert_int_equal(pt_autoencoder_code_size(model), 4);
    assert_int_equal(pt_classifier_classes(model), 0);
    assert_true(report.kept.validation_loss < 0.2 * heard.epochs[0].validation_loss);
    check(pt_autoencoder_reconstruct(model, x, N, code, y, &loss, &err), &err);
    float *alone = calloc(N * D, sizeof *alone);
    assert_non_null(alone);
    check(pt_autoencoder_reconstruct(model, x, N, alone, NULL, NULL, &err), &err);
    assert_memory_equal(alone, code, N * 4 * sizeof *code);
    check(pt_autoencoder_reconstruct(model, x, N, NULL, alone, NULL, &err), &err);
    assert_memory_equal(alone, y, N * D * sizeof *y);
    free(alone);
    for (size_t i = 0; i < N * D; i++) {
        own += pow(((double)y[i] - (double)x[i]) * report.scale, 2.0) / (double)(N * D);
    }
    assert_true(fabs(own - loss) < 1e-4 * loss);
    assert_true(fabs(loss - report.kept.validation_loss) < 0.5 * loss); /* of all rows, not of those held back */
    float largest = 0.0f;
    for (size_t i = 0; i < N * D; i++) { largest = fmaxf(largest, x[i]); }
    assert_true(fabs(report.scale * (double)largest - 1.0) < 1e-6);
    for (size_t i = 0; i < N * 4; i++) { assert_true(fabsf(code[i]) <= 1.0f); } /* by tanh */
    pt_model_destroy(model);
    free(x);
    free(code);
    free(y);
}

/* Codes are what the encoder's last layer makes, however many norms before and behind it become part of other layers: the
 * decoder makes the reconstructions of them. */
static void test_codes(void **state)
{
    pt_backend *be = *state;
    static const struct {
        const char *encoder, *decoder;
        size_t n_codes;
        const char *layer;
    } cases[] = {
        {"dense 5, bn, dense 3, relu, bn", NULL, 3, "norm1"},
        {"dense 5, bn, dense 4, bn, tanh", NULL, 4, "dense2"},
        {"dense 5, bn, dense 4, relu, bn, dropout 0.1", NULL, 4, "drop1"},
        {"dense 5, bn, dense 4, relu, bn", "dense 3, relu, bn, 12, linear", 4, "norm1"},
    };
    float *x = calloc(N * D, sizeof *x), *code = calloc(N * 4, sizeof *code), *y = calloc(N * D, sizeof *y);
    plane_make(x);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        ptsne_autoencode_options options;
        pt_autoencoder_default(&options);
        options.encoder = cases[c].encoder;
        options.decoder = cases[c].decoder;
        options.learn.stretches[0] = (ptsne_stretch){2, 16};
        options.learn.n_stretches = 1;
        ptsne_model *model;
        ptsne_learn_report report;
        ptsne_error err;
        check(pt_autoencoder_train(be, x, N, D, &options, NULL, &model, &report, &err), &err);
        assert_string_equal(pt_metadata_get(&model->metadata, "ptsne.code"), cases[c].layer);
        assert_int_equal(pt_autoencoder_code_size(model), cases[c].n_codes);
        check(pt_autoencoder_reconstruct(model, x, N, code, y, NULL, &err), &err);
        const pt_layer *last = &model->net.layers[model->net.n_layers - 1];
        for (size_t i = 0; i < N * D && cases[c].decoder == NULL; i++) {
            const float *weight = model->parameters + last->weight + i % D * cases[c].n_codes;
            double want = (double)model->parameters[last->bias + i % D];
            for (size_t j = 0; j < cases[c].n_codes; j++) {
                want += (double)weight[j] * (double)code[i / D * cases[c].n_codes + j];
            }
            assert_true(fabs(want - (double)y[i] * report.scale) < 1e-4);
        }
        pt_model_destroy(model);
    }
    free(x);
    free(code);
    free(y);
}

/* Where there is no memory for the rows on the device, nothing is handed out. */
static void test_predict_fails(void **state)
{
    pt_backend *be = *state;
    record heard = {.count = 0};
    const ptsne_classify_options options = classify_options(&heard);
    ptsne_model *model;
    ptsne_error err;
    float log_p[CLASSES] = {7.0f, 7.0f, 7.0f};
    check(pt_classifier_train(be, blobs, labels, N, D, &options, NULL, &model, NULL, &err), &err);
    const size_t memory = be->memory;
    be->memory = be->memory_used;
    const ptsne_status status = pt_classifier_predict(model, blobs, 1, NULL, log_p, &err);
    be->memory = memory;
    pt_model_destroy(model);
    assert_int_equal(status, PTSNE_ERR_MEMORY);
    for (size_t c = 0; c < CLASSES; c++) { assert_true(log_p[c] == 7.0f); }
}

/* The scale of a model that was made elsewhere is read where a comma is the decimal point. */
static void test_locale(void **state)
{
    ptsne_autoencode_options options;
    pt_autoencoder_default(&options);
    options.encoder = "4";
    options.scale = 0.0078125;
    options.learn.stretches[0] = (ptsne_stretch){1, 16};
    options.learn.n_stretches = 1;
    ptsne_model *model;
    ptsne_error err;
    double loss, there = 0.0;
    check(pt_autoencoder_train(*state, blobs, N, D, &options, NULL, &model, NULL, &err), &err);
    check(pt_autoencoder_reconstruct(model, blobs, N, NULL, NULL, &loss, &err), &err);
    const bool comma = setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL || setlocale(LC_NUMERIC, "fr_FR.UTF-8") != NULL;
    const ptsne_status status = pt_autoencoder_reconstruct(model, blobs, N, NULL, NULL, &there, &err);
    setlocale(LC_NUMERIC, "C");
    pt_model_destroy(model);
    check(status, &err);
    if (!comma) { skip(); }
    assert_true(there == loss);
}

/* Validation rows of their own that begin where the training rows do, but are more of them. */
static void test_longer_table(void **state)
{
    pt_backend *be = *state;
    double loss[2];
    float *copy = malloc(sizeof blobs);
    assert_non_null(copy);
    memcpy(copy, blobs, sizeof blobs);
    for (int same = 0; same < 2; same++) {
        record heard = {.count = 0};
        ptsne_classify_options options = classify_options(&heard);
        ptsne_labels *few;
        ptsne_model *model;
        ptsne_error err;
        check(ptsne_labels_create(codes, N / 2, &few, &err), &err);
        options.learn.x_validation = same ? blobs : copy;
        options.learn.n_validation = N;
        options.learn.labels_validation = labels;
        check(pt_classifier_train(be, blobs, few, N / 2, D, &options, NULL, &model, NULL, &err), &err);
        loss[same] = heard.epochs[heard.count - 1].validation_loss;
        pt_model_destroy(model);
        ptsne_labels_destroy(few);
    }
    free(copy);
    assert_true(loss[0] == loss[1]);
}

/* Penalised codes are smaller, penalised weights too. */
static void test_penalties(void **state)
{
    pt_backend *be = *state;
    float *x = calloc(N * D, sizeof *x), *code = calloc(N * 4, sizeof *code);
    plane_make(x);
    double squares[2];
    for (int penalised = 0; penalised < 2; penalised++) {
        ptsne_autoencode_options options;
        pt_autoencoder_default(&options);
        options.encoder = "4, linear";
        options.activity_l2 = penalised ? 0.1 : 0.0;
        options.learn.stretches[0] = (ptsne_stretch){30, 0};
        options.learn.n_stretches = 1;
        options.learn.patience = 0;
        ptsne_model *model;
        ptsne_error err;
        check(pt_autoencoder_train(be, x, N, D, &options, NULL, &model, NULL, &err), &err);
        check(pt_autoencoder_reconstruct(model, x, N, code, NULL, NULL, &err), &err);
        squares[penalised] = 0.0;
        for (size_t i = 0; i < N * 4; i++) { squares[penalised] += (double)code[i] * (double)code[i]; }
        pt_model_destroy(model);
    }
    assert_true(squares[1] < 0.7 * squares[0]);
    free(x);
    free(code);
}

/* ---- ends and refusals ---- */

typedef struct stopper {
    size_t at; /* the step to stop at */
} stopper;

static int stop_at(const ptsne_progress *progress, void *user)
{
    return progress->step >= ((const stopper *)user)->at;
}

static void test_stop(void **state)
{
    record heard = {.count = 0};
    ptsne_classify_options options = classify_options(&heard);
    ptsne_model *model;
    ptsne_learn_report report;
    ptsne_error err;
    stopper soon = {1};
    const ptsne_observer observer = {.progress = stop_at, .user = &soon};
    options.learn.stretches[0].epochs = 100000;
    options.learn.epoch = NULL;
    assert_int_equal(pt_classifier_train(*state, blobs, labels, N, D, &options, &observer, &model, &report, &err),
                     PTSNE_ERR_STOPPED);
    assert_true((model != NULL) == (report.epochs > 0));
    assert_int_equal(report.kept.epoch, report.epochs); /* the last one that was whole */
    assert_true(report.steps < 100000 * 13);
    pt_model_destroy(model);
    options.learn.epoch = hear_epoch;
    heard.stop_after = 2;
    assert_int_equal(pt_classifier_train(*state, blobs, labels, N, D, &options, NULL, &model, &report, &err),
                     PTSNE_ERR_STOPPED);
    assert_non_null(model);
    assert_int_equal(report.epochs, 2);
    assert_int_equal(report.kept.epoch, 2);
    pt_model_destroy(model);
}

static void test_diverged(void **state)
{
    record heard = {.count = 0};
    ptsne_classify_options options = classify_options(&heard);
    options.net = "24, linear, 24, linear";
    options.learn.learning_rate = 1e6;
    options.learn.optimizer = PTSNE_OPTIMIZER_SGD;
    ptsne_model *model;
    ptsne_error err;
    assert_int_equal(pt_classifier_train(*state, blobs, labels, N, D, &options, NULL, &model, NULL, &err),
                     PTSNE_ERR_DIVERGED);
    assert_non_null(strstr(err.message, "smaller learning rate"));
    assert_null(strstr(err.message, "-nan"));
    pt_model_destroy(model);
}

static void refuse(pt_backend *be, const ptsne_classify_options *options, const ptsne_labels *y, size_t n,
                   const char *says)
{
    ptsne_model *model;
    ptsne_error err = {0};
    const ptsne_status status = pt_classifier_train(be, blobs, y, n, D, options, NULL, &model, NULL, &err);
    assert_true(status == PTSNE_ERR_ARGUMENT || status == PTSNE_ERR_DATA);
    assert_null(model);
    if (strstr(err.message, says) == NULL) { fail_msg("\"%s\" does not say \"%s\"", err.message, says); }
}

static void test_refusals(void **state)
{
    pt_backend *be = *state;
    record heard = {.count = 0};
    const ptsne_classify_options good = classify_options(&heard);
    ptsne_classify_options bad = good;
    int64_t same[N] = {0}, strange[2] = {0, 7};
    ptsne_labels *one, *other;
    check(ptsne_labels_create(same, N, &one, NULL), NULL);
    check(ptsne_labels_create(strange, 2, &other, NULL), NULL);
    refuse(be, &good, labels, N - 1, "240 labels for 239 rows");
    refuse(be, &good, one, N, "one label");
    refuse(be, &good, labels, 1, "1 row: there is nothing to learn from");
    bad.net = "24, rellu";
    refuse(be, &bad, labels, N, "rellu");
    bad = good, bad.input[0] = 5, bad.input[1] = 2, bad.input[2] = 1;
    refuse(be, &bad, labels, N, "5 x 2 x 1 have 10 values, the rows 12");
    bad = good, bad.learn.learning_rate = -1.0;
    refuse(be, &bad, labels, N, "learning_rate");
    bad = good, bad.learn.validation = 1.0;
    refuse(be, &bad, labels, N, "validation");
    bad.learn.validation = 0.999;
    refuse(be, &bad, labels, N, "validation 0.999 leaves 1 of 240 rows to learn from");
    bad = good, bad.learn.stretches[0].batch_size = 10000000;
    refuse(be, &bad, labels, N, "batch_size");
    bad = good, bad.learn.x_validation = blobs, bad.learn.n_validation = 2;
    refuse(be, &bad, labels, N, "labels_validation");
    bad.learn.labels_validation = other;
    refuse(be, &bad, labels, N, "the label \"7\" is none of training's");
    const struct {
        const char *encoder, *decoder, *says;
    } nets[] = {{"", NULL, "encoder: has no layer"}, {"4", "11", "ends with 11 values a row, the data have 12"},
                {"4", "", "decoder: has no layer"},  {"4", "bn, 12", "begins with bn"},
                {"4, conv", "12", "encoder"},        {"4", "12, relux", "decoder"}};
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        ptsne_autoencode_options options;
        ptsne_model *model;
        ptsne_error err = {0};
        pt_autoencoder_default(&options);
        options.encoder = nets[i].encoder;
        options.decoder = nets[i].decoder;
        assert_int_equal(pt_autoencoder_train(be, blobs, N, D, &options, NULL, &model, NULL, &err), PTSNE_ERR_ARGUMENT);
        if (strstr(err.message, nets[i].says) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", err.message, nets[i].says);
        }
    }
    ptsne_labels_destroy(one);
    ptsne_labels_destroy(other);
}

/* Batches by stretches, of the default of few rows too. */
static void test_stretches(void **state)
{
    record heard = {.count = 0};
    ptsne_classify_options options = classify_options(&heard);
    options.learn.stretches[0] = (ptsne_stretch){2, 20};
    options.learn.stretches[1] = (ptsne_stretch){3, 100};
    options.learn.n_stretches = 2;
    ptsne_model *model;
    ptsne_learn_report report;
    ptsne_error err;
    check(pt_classifier_train(*state, blobs, labels, N, D, &options, NULL, &model, &report, &err), &err);
    pt_model_destroy(model);
    assert_int_equal(report.steps, 2 * (216 / 20) + 3 * (216 / 100));
    for (size_t e = 0; e < 5; e++) { assert_int_equal(heard.epochs[e].batch_size, e < 2 ? 20 : 100); }
    const ptsne_stretch stretches[] = {{5, 64}, {7, 512}};
    const pt_learning_usual usual = {stretches, 2, 1000};
    ptsne_learn_options few, many, part;
    pt_learning_default(&few);
    many = part = few;
    part.n_stretches = 1, part.stretches[0].batch_size = 30;
    check(pt_learning_resolve(&few, 216, &usual, &err), &err);
    check(pt_learning_resolve(&many, 54000, &usual, &err), &err);
    check(pt_learning_resolve(&part, 54000, &usual, &err), &err);
    assert_int_equal(few.stretches[0].batch_size, 13); /* a sixteenth of the rows */
    assert_int_equal(few.stretches[0].epochs, 63);     /* 1000 steps of 16 an epoch */
    assert_int_equal(many.stretches[0].batch_size, 64);
    assert_int_equal(many.stretches[0].epochs, 5);
    assert_int_equal(many.stretches[1].batch_size, 512);
    assert_int_equal(part.stretches[0].epochs, 12);
    assert_int_equal(part.n_stretches, 1);
}

/* ---- failures ---- */

/* What comes out of a run that meets no failure. */
typedef struct outcome {
    bool known;
    float log_p[40 * CLASSES], code[40 * 3];
} outcome;

static ptsne_status both_train(pt_backend *be, void *context, ptsne_error *err)
{
    outcome *known = context, now;
    memset(&now, 0, sizeof now);
    now.known = true;
    ptsne_classify_options classify;
    ptsne_autoencode_options autoencode;
    ptsne_model *model;
    pt_classifier_default(&classify);
    classify.net = "conv 2 2x2 same, bn, relu, pool 2, 6, bn, relu, dropout 0.1";
    classify.input[0] = 4, classify.input[1] = 3, classify.input[2] = 1;
    classify.learn.stretches[0] = (ptsne_stretch){1, 12};
    classify.learn.n_stretches = 1;
    pt_autoencoder_default(&autoencode);
    autoencode.encoder = "3";
    autoencode.decoder = "5, 12, sigmoid";
    autoencode.activity_l2 = autoencode.learn.kernel_l2 = 0.01;
    autoencode.learn.stretches[0] = (ptsne_stretch){1, 12};
    autoencode.learn.n_stretches = 1;
    ptsne_status status = pt_classifier_train(be, blobs, labels, N, D, &classify, NULL, &model, NULL, err);
    if (status == PTSNE_OK) { status = pt_classifier_predict(model, blobs, 40, NULL, now.log_p, err); }
    pt_model_destroy(model);
    if (status != PTSNE_OK) { return status; }
    status = pt_autoencoder_train(be, blobs, 40, D, &autoencode, NULL, &model, NULL, err);
    if (status == PTSNE_OK) { status = pt_autoencoder_reconstruct(model, blobs, 40, now.code, NULL, NULL, err); }
    pt_model_destroy(model);
    if (status != PTSNE_OK) { return status; }
    /* without room for the rows on the device, they are gathered on the host */
    faults.forgiven = known->known && memcmp(&now, known, sizeof now) == 0;
    *known = now;
    return status;
}

static void test_failures(void **state)
{
    static outcome known; /* zeros, padding too */
    ptsne_error err;
    check(both_train(*state, &known, &err), &err);
    assert_true(faults_walk(*state, both_train, &known) > 150);
}

/* The same first steps on every other backend that opens. */
static void test_backends(void **state)
{
    for (size_t b = 0; b < pt_backend_count(); b++) {
        pt_backend *backends[2] = {*state, NULL};
        ptsne_error err;
        record heard[2] = {{.count = 0}, {.count = 0}};
        if (strcmp(pt_backend_name(b), "cpu") == 0) { continue; }
        if (pt_backend_open(pt_backend_name(b), &backends[1], &err) != PTSNE_OK) {
            if (backend_missing(pt_backend_name(b), &err)) { fail(); }
            continue;
        }
        for (size_t i = 0; i < 2; i++) {
            ptsne_classify_options options = classify_options(&heard[i]);
            options.net = "conv 4 3x3 same, bn, relu, pool 2, 12, relu, dropout 0.1";
            options.input[0] = 4, options.input[1] = 3, options.input[2] = 1;
            options.learn.stretches[0].epochs = 2;
            options.learn.kernel_l2 = 1e-3;
            ptsne_model *model;
            check(pt_classifier_train(backends[i], blobs, labels, N, D, &options, NULL, &model, NULL, &err), &err);
            pt_model_destroy(model);
        }
        for (size_t e = 0; e < 2; e++) {
            const double here = heard[0].epochs[e].loss, there = heard[1].epochs[e].loss;
            if (!(fabs(here - there) <= 2e-3 * fabs(here))) {
                fail_msg("epoch %zu: loss %.7g on the cpu, %.7g on %s", e + 1, here, there, pt_backend_name(b));
            }
        }
        pt_backend_close(backends[1]);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) { cmocka_set_test_filter(argv[1]); } /* the name of one test */
    pt_backend *be;
    ptsne_error err;
    const pt_backend_config config = {.spec = "cpu", .threads = 1}; /* work as small as this is slower on more */
    blobs_make();
    if (pt_backend_open_config(&config, &be, &err) != PTSNE_OK ||
        ptsne_labels_create(codes, N, &labels, &err) != PTSNE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_classify, be),      cmocka_unit_test_prestate(test_images, be),
        cmocka_unit_test_prestate(test_threads, be),       cmocka_unit_test_prestate(test_split, be),
        cmocka_unit_test_prestate(test_early_end, be),     cmocka_unit_test_prestate(test_min_delta, be),
        cmocka_unit_test_prestate(test_step, be),          cmocka_unit_test_prestate(test_autoencode, be),
        cmocka_unit_test_prestate(test_penalties, be),     cmocka_unit_test_prestate(test_stop, be),
        cmocka_unit_test_prestate(test_diverged, be),      cmocka_unit_test_prestate(test_refusals, be),
        cmocka_unit_test_prestate(test_stretches, be),     cmocka_unit_test_prestate(test_failures, be),
        cmocka_unit_test_prestate(test_backends, be),      cmocka_unit_test_prestate(test_codes, be),
        cmocka_unit_test_prestate(test_longer_table, be),  cmocka_unit_test_prestate(test_locale, be),
        cmocka_unit_test_prestate(test_warmup, be),        cmocka_unit_test_prestate(test_judge_rows, be),
        cmocka_unit_test_prestate(test_predict_fails, be),
    };
    const int failed = cmocka_run_group_tests_name("learning", tests, NULL, NULL);
    ptsne_labels_destroy(labels);
    pt_backend_close(be);
    return failed;
}
