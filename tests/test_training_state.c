#define _POSIX_C_SOURCE 200809L
/* Training that is interrupted: it goes on from its state, bit for bit, or says why not. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fits.h"
#include "network/state_file.h"

static void test_resume(void **state)
{
    pt_backend *be = *state;
    for (int mode = 0; mode < 2; mode++) {
        ptsne_fit_options options = small_options((ptsne_mode)mode);
        options.epochs = 4;
        ptsne_fit_report whole, report;
        ptsne_model *wanted = fit(be, &options, &whole), *model;
        const size_t steps = whole.steps / 4, stops[] = {1, steps - 1, steps, steps + 1, 3 * steps - 1};
        char *path = strdup(file_in("state"));
        options.checkpoint = path;
        for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
            listener l;
            const ptsne_observer observer = observer_of(&l);
            ptsne_error err;
            l.stop_at = stops[i];
            options.resume = 0;
            assert_int_equal(pt_training_run(be, blobs, N, D, &options, &observer, &model, &report, &err),
                             PTSNE_ERR_STOPPED);
            assert_int_equal(report.steps, stops[i]);
            assert_true((model != NULL) == (stops[i] >= steps));
            pt_model_destroy(model);
            options.resume = 1;
            model = fit(be, &options, &report);
            same_model(wanted, model);
            assert_true(report.loss == whole.loss);
            assert_int_equal(report.steps, whole.steps);
            pt_model_destroy(model);
        }
        finished(be, &options, wanted);
        pt_model_destroy(wanted);
        free(path);
    }
}

/* A state of another run, a damaged one, and none. */
static void test_resume_refused(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_EDGES);
    ptsne_model *model;
    ptsne_error err;
    listener l;
    const ptsne_observer observer = observer_of(&l);
    char *path = strdup(file_in("refused"));
    options.epochs = 2;
    options.checkpoint = path;
    options.resume = 1;
    CHECK(pt_training_run(be, blobs, N, D, &options, &observer, &model, NULL, &err));
    assert_non_null(strstr(l.warnings, "no state to go on from"));
    pt_model_destroy(model);

    options.epochs = 3;
    assert_int_equal(pt_training_run(be, blobs, N, D, &options, NULL, &model, NULL, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "refused: is the state of another run: its epochs is 2, this one's is 3"));
    assert_null(model);
    options.epochs = 2;
    const float before = blobs[100];
    blobs[100] = nextafterf(before, 1e9f);
    assert_int_equal(pt_training_run(be, blobs, N, D, &options, NULL, &model, NULL, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "other data"));
    blobs[100] = before;

    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -9, SEEK_END), 0);
    const int byte = fgetc(file);
    assert_int_equal(fseek(file, -9, SEEK_END), 0);
    assert_true(fputc(byte ^ 16, file) != EOF);
    fclose(file);
    assert_int_equal(pt_training_run(be, blobs, N, D, &options, NULL, &model, NULL, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "refused: is damaged: its check sum"));
    free(path);
}

/* An earlier run's state does not outlive the start of a run that begins anew. */
static void test_state_removed(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_EDGES);
    char *path = strdup(file_in("earlier"));
    options.epochs = 2;
    options.checkpoint = path;
    ptsne_model *model = fit(be, &options, NULL);
    assert_int_equal(access(path, F_OK), 0);
    pt_model_destroy(model);
    options.metric = "nonsense"; /* fails before any state is written, after the earlier one is gone */
    assert_true(pt_training_run(be, blobs, N, D, &options, NULL, &model, NULL, NULL) != PTSNE_OK);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

/* A state that cannot be written costs the run its state, and nothing else. */
static void test_state_unwritable(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_EDGES);
    ptsne_model *model;
    ptsne_fit_report report;
    ptsne_error err;
    listener l;
    const ptsne_observer observer = observer_of(&l);
    options.epochs = 3;
    ptsne_model *wanted = fit(be, &options, &report);
    const size_t steps = report.steps / 3;
    options.checkpoint = "/nonexistent/state";
    options.checkpoint_minutes = 1e-9; /* each step tries */
    CHECK(pt_training_run(be, blobs, N, D, &options, &observer, &model, &report, &err));
    const char *said = strstr(l.warnings, "/nonexistent/state: ");
    assert_non_null(said);
    assert_null(strstr(said + 1, "/nonexistent/state: ")); /* once */
    same_model(wanted, model);
    pt_model_destroy(model);

    l.warnings[0] = '\0';
    l.stop_at = steps + 1;
    options.checkpoint_minutes = 0.0;
    assert_int_equal(pt_training_run(be, blobs, N, D, &options, &observer, &model, &report, &err), PTSNE_ERR_IO);
    assert_non_null(strstr(err.message, "stopped in epoch 2 of 3, its state is not saved: /nonexistent/state: "));
    assert_non_null(model); /* the model so far all the same */
    pt_model_destroy(model);
    l.stop_at = 1; /* before there is one */
    assert_int_equal(pt_training_run(be, blobs, N, D, &options, &observer, &model, &report, &err), PTSNE_ERR_IO);
    assert_null(model);
    pt_model_destroy(wanted);
}

/* A finished run's state whose second output is made constant: the end of the run says so. */
static void test_dead_dimension(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_EDGES);
    char *path = strdup(file_in("dead"));
    options.epochs = 2;
    options.checkpoint = path;
    ptsne_model *model = fit(be, &options, NULL);
    const pt_layer last = model->net.layers[model->net.n_layers - 1];
    pt_safetensors file;
    pt_state found;
    CHECK(pt_safetensors_read(path, &file, NULL));
    CHECK(pt_state_create(model->net.n_parameters, 2, 0, &found, NULL));
    CHECK(pt_state_read(path, &file.metadata, NULL, &found, NULL));
    for (size_t j = 0; j < last.n_in; j++) { found.parameters[last.weight + last.n_in + j] = 0.0f; }
    CHECK(pt_state_write(path, &found, &file.metadata, NULL));
    pt_state_destroy(&found);
    pt_safetensors_destroy(&file);
    pt_model_destroy(model);
    listener l;
    const ptsne_observer observer = observer_of(&l);
    options.resume = 1;
    CHECK(pt_training_run(be, blobs, N, D, &options, &observer, &model, NULL, NULL));
    assert_non_null(strstr(l.warnings, "dimension 2 of the map is dead"));
    pt_model_destroy(model);
    free(path);
}

int main(int argc, char **argv)
{
    pt_backend *be = fits_open(argc, argv, "state");
    if (be == NULL) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_resume, be),         cmocka_unit_test_prestate(test_resume_refused, be),
        cmocka_unit_test_prestate(test_state_removed, be),  cmocka_unit_test_prestate(test_state_unwritable, be),
        cmocka_unit_test_prestate(test_dead_dimension, be),
    };
    const int failed = cmocka_run_group_tests_name("state", tests, NULL, NULL);
    fits_close(be);
    return failed;
}
