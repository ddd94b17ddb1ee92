/* Autoencoders: what they give back, what their codes are, penalties, and bad input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lessons.h"

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

/* Penalised codes are smaller. */
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

static void test_refusals(void **state)
{
    pt_backend *be = *state;
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
}

int main(int argc, char **argv)
{
    pt_backend *be = lessons_open(argc, argv);
    if (be == NULL) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_autoencode, be), cmocka_unit_test_prestate(test_codes, be),
        cmocka_unit_test_prestate(test_penalties, be),  cmocka_unit_test_prestate(test_locale, be),
        cmocka_unit_test_prestate(test_refusals, be),
    };
    const int failed = cmocka_run_group_tests_name("autoencoder", tests, NULL, NULL);
    lessons_close(be);
    return failed;
}
