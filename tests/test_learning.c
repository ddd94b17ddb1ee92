/* Training by examples: one step against float64, the split, stretches, warm-up and validation, and every failure on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "faults.h"
#include "learning/learning.h"
#include "learning/learning_settings.h"
#include "lessons.h"

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

/* ---- rows ---- */

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

/* Validation takes no more rows at a time than there are, nor than fit into a block's bytes. */
static void test_judge_rows(void **state)
{
    static const struct {
        const char *net;
        size_t n_held, rows;
    } cases[] = {{"4, relu", 24, 24}, {"4, relu", 700, 512}, {"conv 32 3x3 same, 4", 700, 256}};
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

/* ---- failures ---- */

/* What comes out of a run that meets no failure. */
typedef struct outcome {
    const ptsne_labels *labels; /* of the first 40 rows */
    bool known;
    float log_p[40 * CLASSES], code[40 * 3];
} outcome;

static ptsne_status both_train(pt_backend *be, void *context, ptsne_error *err)
{
    outcome *known = context, now;
    memset(&now, 0, sizeof now);
    now.labels = known->labels;
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
    ptsne_status status = pt_classifier_train(be, blobs, known->labels, 40, D, &classify, NULL, &model, NULL, err);
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
    ptsne_labels *few;
    ptsne_error err;
    check(ptsne_labels_create(codes, 40, &few, &err), &err);
    known.labels = few;
    check(both_train(*state, &known, &err), &err);
    assert_true(faults_walk(*state, both_train, &known) > 150);
    ptsne_labels_destroy(few);
}

int main(int argc, char **argv)
{
    pt_backend *be = lessons_open(argc, argv);
    if (be == NULL) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_step, be),       cmocka_unit_test_prestate(test_warmup, be),
        cmocka_unit_test_prestate(test_split, be),      cmocka_unit_test_prestate(test_stretches, be),
        cmocka_unit_test_prestate(test_judge_rows, be), cmocka_unit_test_prestate(test_failures, be),
    };
    const int failed = cmocka_run_group_tests_name("learning", tests, NULL, NULL);
    lessons_close(be);
    return failed;
}
