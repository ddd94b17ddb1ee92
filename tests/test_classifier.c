/* Classifiers: what they learn, when training ends and whose model it then is, bits, and bad input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "base/random.h"
#include "learning/learning_settings.h"
#include "lessons.h"

/* ---- what is learnt ---- */

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
    pt_backend *one = *state, *two = backend_cpu(2, 0);
    ptsne_error err;
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

/* ---- ends ---- */

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

static void test_stop(void **state)
{
    record heard = {.count = 0};
    ptsne_classify_options options = classify_options(&heard);
    ptsne_model *model;
    ptsne_learn_report report;
    ptsne_error err;
    listener l;
    const ptsne_observer observer = observer_of(&l);
    l.stop_at = 30; /* an epoch has 13 */
    assert_int_equal(pt_classifier_train(*state, blobs, labels, N, D, &options, &observer, &model, &report, &err),
                     PTSNE_ERR_STOPPED);
    assert_int_equal(report.steps, 30);
    assert_int_equal(report.epochs, 2);
    assert_int_equal(report.kept.epoch, 2); /* the last one that was whole */
    assert_non_null(model);
    pt_model_destroy(model);
    l.stop_at = 5;
    assert_int_equal(pt_classifier_train(*state, blobs, labels, N, D, &options, &observer, &model, &report, &err),
                     PTSNE_ERR_STOPPED);
    assert_int_equal(report.epochs, 0);
    assert_null(model);
    heard.count = 0;
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

/* ---- refusals and failures ---- */

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
    ptsne_labels_destroy(one);
    ptsne_labels_destroy(other);
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

int main(int argc, char **argv)
{
    pt_backend *be = lessons_open(argc, argv);
    if (be == NULL) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_classify, be),  cmocka_unit_test_prestate(test_images, be),
        cmocka_unit_test_prestate(test_threads, be),   cmocka_unit_test_prestate(test_longer_table, be),
        cmocka_unit_test_prestate(test_early_end, be), cmocka_unit_test_prestate(test_min_delta, be),
        cmocka_unit_test_prestate(test_stop, be),      cmocka_unit_test_prestate(test_diverged, be),
        cmocka_unit_test_prestate(test_refusals, be),  cmocka_unit_test_prestate(test_predict_fails, be),
    };
    const int failed = cmocka_run_group_tests_name("classifier", tests, NULL, NULL);
    lessons_close(be);
    return failed;
}
