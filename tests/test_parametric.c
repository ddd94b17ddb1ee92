#define _POSIX_C_SOURCE 200809L
/* Training and transform: what a fit promises about its map, its bits, its interruptions and bad input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends.h"
#include "base/random.h"
#include "directory.h"
#include "network/dataset.h"
#include "network/state_file.h"
#include "network/transform.h"
#include "parametric/graph.h"
#include "parametric/settings.h"
#include "parametric/trainer.h"
#include "parametric/training.h"

#define N        ((size_t)240)
#define D        ((size_t)12)
#define CLUSTERS ((size_t)3)
#define CHECK(x) assert_int_equal((x), PTSNE_OK)

static char directory[DIRECTORY_ROOM];
static float blobs[N * D]; /* row i is of cluster i % CLUSTERS */

static char *file_in(const char *name)
{
    static char path[sizeof directory + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void blobs_make(void)
{
    float centre[CLUSTERS * D];
    pt_random random = {.seed = 77};
    for (size_t i = 0; i < CLUSTERS * D; i++) { centre[i] = 100.0f + 3.0f * pt_random_normal(&random); }
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < D; j++) { blobs[i * D + j] = centre[i % CLUSTERS * D + j] + pt_random_normal(&random); }
    }
}

static ptsne_fit_options small_options(ptsne_mode mode)
{
    ptsne_fit_options options;
    pt_settings_default(&options);
    options.mode = mode;
    options.net = "24,16";
    options.epochs = 40;
    options.batch_size = 80;
    options.n_neighbors = 6;
    options.perplexities[0] = 8.0;
    options.pca = 5;
    options.learning_rate = 5e-3;
    options.warmup_steps = 10;
    options.seed = 4;
    return options;
}

/* The last warning, and a wish to stop at a step of training. */
typedef struct listener {
    char warnings[4096];
    size_t stop_at; /* 0: never */
} listener;

static void hear_warning(const char *message, void *user)
{
    listener *l = user;
    const size_t used = strlen(l->warnings);
    snprintf(l->warnings + used, sizeof l->warnings - used, "%s\n", message);
}

static int hear_progress(const ptsne_progress *progress, void *user)
{
    listener *l = user;
    if (strcmp(progress->stage, "training") != 0) { return 0; }
    if (l->stop_at == 0) { return 0; }
    const struct timespec pause = {
        .tv_nsec = 55000000}; /* the stage tells 20 times a second at most: now it tells each step */
    nanosleep(&pause, NULL);
    return progress->step >= l->stop_at;
}

static ptsne_observer observer_of(listener *l)
{
    *l = (listener){0};
    return (ptsne_observer){.progress = hear_progress, .warning = hear_warning, .user = l};
}

static ptsne_model *fit(pt_backend *be, const ptsne_fit_options *options, ptsne_fit_report *report)
{
    ptsne_model *model;
    ptsne_error err;
    if (pt_training_run(be, blobs, N, D, options, NULL, &model, report, &err) != PTSNE_OK) {
        fail_msg("%s", err.message);
    }
    return model;
}

static void same_model(const ptsne_model *one, const ptsne_model *two)
{
    assert_int_equal(one->net.n_parameters, two->net.n_parameters);
    assert_memory_equal(one->parameters, two->parameters, one->net.n_parameters * sizeof(float));
}

/* Share of points whose nearest point in the map is of another cluster. */
static double error_of(ptsne_model *model, size_t d)
{
    static float y[N * 3];
    size_t wrong = 0;
    CHECK(pt_model_transform(model, blobs, N, y, NULL));
    for (size_t i = 0; i < N; i++) {
        size_t nearest = i;
        float least = INFINITY;
        for (size_t j = 0; j < N; j++) {
            float square = 0.0f;
            for (size_t c = 0; c < d; c++) { square += (y[i * d + c] - y[j * d + c]) * (y[i * d + c] - y[j * d + c]); }
            if (j != i && square < least) { least = square, nearest = j; }
        }
        if (nearest % CLUSTERS != i % CLUSTERS) { wrong++; }
    }
    return (double)wrong / (double)N;
}

/* ---- what a fit finds ---- */

static void test_map(void **state)
{
    pt_backend *be = *state;
    static const struct {
        ptsne_mode mode;
        const char *activation, *metric;
        ptsne_optimizer optimizer;
        size_t d, pca;
    } cases[] = {
        {PTSNE_MODE_EDGES, "relu", "euclidean", PTSNE_OPTIMIZER_ADAM, 2, 5},
        {PTSNE_MODE_EDGES, "tanh", "manhattan", PTSNE_OPTIMIZER_ADAM, 3, 5},
        {PTSNE_MODE_EDGES, "elu", "euclidean", PTSNE_OPTIMIZER_SGD, 2, 0},
        {PTSNE_MODE_BATCH, "relu", "euclidean", PTSNE_OPTIMIZER_ADAM, 2, 5},
        {PTSNE_MODE_BATCH, "sigmoid", "euclidean", PTSNE_OPTIMIZER_ADAM, 3, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ptsne_fit_options options = small_options(cases[i].mode);
        options.activation = cases[i].activation;
        options.metric = cases[i].metric;
        options.optimizer = cases[i].optimizer;
        options.learning_rate = cases[i].optimizer == PTSNE_OPTIMIZER_SGD ? 0.1 : 5e-3;
        options.n_components = cases[i].d;
        options.pca = cases[i].pca;
        ptsne_fit_report first, report;
        options.epochs = 1;
        pt_model_destroy(fit(be, &options, &first));
        options.epochs = 150;
        ptsne_model *model = fit(be, &options, &report);
        const double error = error_of(model, cases[i].d);
        if (!(report.loss < first.loss && error < 0.05)) {
            fail_msg("case %zu: loss %g, then %g; %g of the points are beside another cluster's", i, first.loss,
                     report.loss, error);
        }
        assert_int_equal(report.epochs, 150);
        assert_int_equal(report.steps, 150 * (cases[i].mode == PTSNE_MODE_EDGES ? 6 : 3));
        assert_true(report.product_flop > 0.0 && report.training_seconds > 0.0);
        for (size_t c = 0; c < cases[i].d; c++) { assert_true(report.spread[c] > 0.1); }
        pt_model_destroy(model);
    }
}

/* Several perplexities, early exaggeration and neighbours in batch mode: all that has a switch runs. */
static void test_switches(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_BATCH);
    options.perplexities[1] = 20.0;
    options.n_perplexities = 2;
    options.early_epochs = 10;
    options.interpolation = 0.3;
    options.dropout = 0.1;
    options.input_dropout = 0.1;
    options.net = "";
    pt_model_destroy(fit(be, &options, NULL));
    options.net = "24,16";
    options.activation = "tanh";
    options.metric = "cosine";
    options.schedule = PTSNE_SCHEDULE_LINEAR;
    pt_model_destroy(fit(be, &options, NULL));
}

/* ---- bits ---- */

static void test_threads(void **state)
{
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        ptsne_fit_options options = small_options((ptsne_mode)mode);
        options.epochs = 5;
        ptsne_model *models[3];
        pt_backend *be[3];
        for (size_t t = 0; t < 3; t++) {
            const pt_backend_config config = {.spec = "cpu", .threads = t + 1};
            CHECK(pt_backend_open_config(&config, &be[t], NULL));
            models[t] = fit(be[t], &options, NULL);
            same_model(models[0], models[t]);
        }
        ptsne_fit_options other = options;
        other.seed++;
        ptsne_model *different = fit(be[0], &other, NULL);
        assert_true(different->parameters[0] != models[0]->parameters[0]);
        pt_model_destroy(different);
        for (size_t t = 0; t < 3; t++) {
            pt_model_destroy(models[t]);
            pt_backend_close(be[t]);
        }
    }
}

/* Rows picked on the host are the rows picked on the device. */
static void test_rows(void **state)
{
    pt_backend *be = *state;
    enum { COUNT = 9 };
    pt_summary summary;
    CHECK(pt_summary_create(blobs, N, D, &summary, NULL));
    const uint32_t a[COUNT] = {0, 3, 239, 17, 17, 100, 2, 50, 51}, b[COUNT] = {1, 3, 0, 18, 16, 239, 7, 7, 8};
    float t[COUNT], picked[2][2][COUNT * D];
    for (size_t i = 0; i < COUNT; i++) { t[i] = 0.05f * (float)i; }
    pt_row_list list_a = {.host = a}, list_b = {.host = b};
    pt_buffer share, out;
    CHECK(pt_buffer_create(be, COUNT, &list_a.device, NULL));
    CHECK(pt_buffer_create(be, COUNT, &list_b.device, NULL));
    CHECK(pt_buffer_create(be, COUNT, &share, NULL));
    CHECK(pt_buffer_create(be, COUNT * D, &out, NULL));
    CHECK(pt_upload(be, a, &list_a.device, NULL));
    CHECK(pt_upload(be, b, &list_b.device, NULL));
    CHECK(pt_upload(be, t, &share, NULL));
    const size_t memory = be->memory;
    for (size_t tight = 0; tight < 2; tight++) {
        pt_rows rows;
        if (tight) { be->memory = be->memory_used + N * D * sizeof(float); } /* half of it does not hold all rows */
        CHECK(pt_rows_create(be, blobs, N, D, summary.mean, summary.scale, COUNT, &rows, NULL));
        assert_true((rows.staging != NULL) == (tight == 1));
        CHECK(pt_rows_gather(be, &rows, &list_a, &list_b, &share, COUNT, &out, NULL));
        CHECK(pt_download(be, &out, picked[tight][0], NULL));
        CHECK(pt_rows_gather(be, &rows, &list_a, NULL, NULL, COUNT, &out, NULL));
        CHECK(pt_download(be, &out, picked[tight][1], NULL));
        pt_rows_destroy(be, &rows);
        be->memory = memory;
    }
    assert_memory_equal(picked[0], picked[1], sizeof picked[0]);
    for (size_t j = 0; j < D; j++) {
        const double want = ((double)blobs[3 * D + j] - (double)summary.mean[j]) * (double)summary.scale;
        assert_true(fabs((double)picked[0][1][D + j] - want) < 1e-5);
    }
    pt_buffer_destroy(be, &list_a.device);
    pt_buffer_destroy(be, &list_b.device);
    pt_buffer_destroy(be, &share);
    pt_buffer_destroy(be, &out);
    pt_summary_destroy(&summary);
}

/* Each row the same bits, however the rows are split over calls. */
static void splits_check(ptsne_model *model, const float *x, size_t n)
{
    float *whole = malloc(n * 2 * sizeof *x), *parts = malloc(n * 2 * sizeof *x);
    assert_true(whole != NULL && parts != NULL);
    CHECK(pt_model_transform(model, x, n, whole, NULL));
    const size_t splits[] = {1, 7, 256, 1000, 2049};
    for (size_t s = 0; s < sizeof splits / sizeof splits[0]; s++) {
        const size_t most = splits[s] < 100 ? 40 : n; /* each call is a whole block of arithmetic */
        memset(parts, 0, n * 2 * sizeof *parts);
        for (size_t from = 0; from < most; from += splits[s]) {
            const size_t count = most - from < splits[s] ? most - from : splits[s];
            CHECK(pt_model_transform(model, x + from * D, count, parts + from * 2, NULL));
        }
        assert_memory_equal(parts, whole, most * 2 * sizeof *parts);
    }
    free(whole);
    free(parts);
}

static void test_transform(void **state)
{
    pt_backend *be = *state;
    enum { ROWS = 5000 };
    const char *const names[] = {"relu", "elu", "tanh", "sigmoid"};
    float *x = malloc(ROWS * D * sizeof *x);
    assert_non_null(x);
    for (size_t a = 0; a < 4; a++) {
        ptsne_fit_options options = small_options(PTSNE_MODE_EDGES);
        options.epochs = 2;
        options.activation = names[a];
        options.net = "37,600";
        ptsne_model *model = fit(be, &options, NULL);
        for (size_t i = 0; i < ROWS * D; i++) { x[i] = blobs[i % (N * D)] + 0.001f * (float)(i / (N * D)); }
        splits_check(model, x, ROWS);
        ptsne_error err;
        float y[2];
        CHECK(pt_model_transform(model, x, 0, y, &err));
        x[1234 * D + 5] = NAN;
        assert_int_equal(pt_model_transform(model, x, ROWS, y, &err), PTSNE_ERR_DATA);
        assert_string_equal(err.message, "row 1235, column 6 is nan");
        x[1234 * D + 5] = -INFINITY;
        assert_int_equal(pt_model_transform(model, x, ROWS, y, &err), PTSNE_ERR_DATA);
        assert_string_equal(err.message, "row 1235, column 6 is -inf");
        pt_model_destroy(model);
    }
    free(x);
}

/* ---- interruptions ---- */

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
        model = fit(be, &options, &report); /* the run is finished */
        same_model(wanted, model);
        assert_true(report.training_seconds == 0.0);
        pt_model_destroy(model);
        options.resume = 0;
        options.checkpoint_minutes = 1e-9; /* a state after each step */
        model = fit(be, &options, NULL);
        same_model(wanted, model);
        pt_model_destroy(model);
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

/* ---- runs that went wrong ---- */

static struct {
    const pt_backend_ops *real;
    size_t calls, lose_at;
} lossy;

/* Adam, until the step that loses the numbers. */
static ptsne_status adam_step_lossy(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                                    const pt_buffer *v, const pt_adam *adam, ptsne_error *err)
{
    if (++lossy.calls == lossy.lose_at) { return lossy.real->fill(be, w, NAN, err); }
    return lossy.real->adam_step(be, w, g, m, v, adam, err);
}

static void test_diverged(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_EDGES);
    options.net = "24,24,24,24,24,24";
    options.schedule = PTSNE_SCHEDULE_CONSTANT;
    options.learning_rate = 1e6;
    options.warmup_steps = 0;
    ptsne_model *model;
    ptsne_fit_report report;
    ptsne_error err;
    assert_int_equal(pt_training_run(be, blobs, N, D, &options, NULL, &model, &report, &err), PTSNE_ERR_DIVERGED);
    assert_non_null(strstr(err.message, "diverged"));
    assert_null(model);
    /* numbers lost in step k: in the second epoch's middle, in its last step, in the first epoch */
    const size_t lost[] = {9, 12, 3};
    options = small_options(PTSNE_MODE_EDGES);
    for (size_t i = 0; i < 3; i++) {
        const pt_backend_ops *real = be->ops;
        pt_backend_ops table = *real;
        table.adam_step = adam_step_lossy;
        lossy.real = real, lossy.calls = 0, lossy.lose_at = lost[i];
        be->ops = &table;
        const ptsne_status status = pt_training_run(be, blobs, N, D, &options, NULL, &model, &report, &err);
        be->ops = real;
        assert_int_equal(status, PTSNE_ERR_DIVERGED);
        assert_int_equal(report.epochs, lost[i] / 7);
        assert_true((model != NULL) == (report.epochs > 0));
        for (size_t j = 0; model != NULL && j < model->net.n_parameters; j++) {
            assert_true(isfinite(model->parameters[j]));
        }
        pt_model_destroy(model);
    }
}

static void test_collapsed(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_EDGES);
    listener l;
    const ptsne_observer observer = observer_of(&l);
    ptsne_model *model;
    options.exaggeration = 1000.0; /* nothing pushes */
    options.dropout = options.input_dropout = 0.0;
    options.net = "";
    options.epochs = 400;
    CHECK(pt_training_run(be, blobs, N, D, &options, &observer, &model, NULL, NULL));
    assert_non_null(strstr(l.warnings, "the map has collapsed"));
    pt_model_destroy(model);
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

/* ---- bad input ---- */

static void refused(pt_backend *be, const float *x, size_t n, const ptsne_fit_options *options, ptsne_status status,
                    const char *says)
{
    ptsne_model *model;
    ptsne_error err = {0};
    const ptsne_status got = pt_training_run(be, x, n, D, options, NULL, &model, NULL, &err);
    if (got != status || strstr(err.message, says) == NULL) {
        fail_msg("status %d, \"%s\"; expected %d, \"%s\"", (int)got, err.message, (int)status, says);
    }
    assert_null(model);
}

static void test_refusals(void **state)
{
    pt_backend *be = *state;
    const ptsne_fit_options good = small_options(PTSNE_MODE_EDGES), batch = small_options(PTSNE_MODE_BATCH);
    ptsne_fit_options o;
    const float before = blobs[7 * D + 2];
    blobs[7 * D + 2] = INFINITY;
    refused(be, blobs, N, &good, PTSNE_ERR_DATA, "row 8, column 3 is inf");
    blobs[7 * D + 2] = before;
    float equal[6 * D];
    for (size_t i = 0; i < 6 * D; i++) { equal[i] = (float)(i % D); }
    refused(be, equal, 6, &good, PTSNE_ERR_DATA, "all 6 rows are equal");
    refused(be, blobs, 3, &good, PTSNE_ERR_ARGUMENT, "3 rows");
    o = batch, o.perplexities[0] = 27.0;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "perplexity 27 is too large for batches of 80 rows: at most 26.33");
    o = batch, o.n_perplexities = 0;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "n_perplexities");
    o = good, o.n_components = 4;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "n_components is 4, but has to be from 2 to 3");
    o = good, o.dropout = 1.0;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "dropout is 1, but has to be from 0 to below 1");
    o = good, o.learning_rate = (double)NAN;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "learning_rate is nan");
    o = good, o.net = "5,,5";
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "network: an empty item");
    o = good, o.metric = "hamming";
    refused(be, blobs, N, &o, PTSNE_ERR_UNAVAILABLE, "hamming");
}

/* Repeated rows and constant columns are counted and said; fewer rows than neighbours are taken as they are. */
static void test_odd_data(void **state)
{
    pt_backend *be = *state;
    enum { ROWS = 12 };
    float x[ROWS * D];
    memcpy(x, blobs, sizeof x);
    for (size_t i = 0; i < ROWS; i++) { x[i * D + 4] = 8.0f, x[i * D + 5] = -1.0f; }
    memcpy(x + 9 * D, x + 2 * D, D * sizeof *x);
    memcpy(x + 10 * D, x + 2 * D, D * sizeof *x);
    ptsne_fit_options options = small_options(PTSNE_MODE_EDGES);
    listener l;
    const ptsne_observer observer = observer_of(&l);
    ptsne_fit_report report;
    ptsne_model *model;
    options.n_neighbors = 15;
    CHECK(pt_training_run(be, x, ROWS, D, &options, &observer, &model, &report, NULL));
    assert_int_equal(report.duplicates, 2);
    assert_int_equal(report.constant_columns, 2);
    assert_non_null(strstr(l.warnings, "2 of 12 rows repeat an earlier one"));
    assert_non_null(strstr(l.warnings, "2 of 12 columns have the same value"));
    assert_non_null(strstr(l.warnings, "n_neighbors is 15, but 12 rows have 11 neighbours"));
    pt_model_destroy(model);
}

/* ---- backends ---- */

/* Losses of the first 20 steps. */
static void losses_make(pt_backend *be, ptsne_mode mode, float losses[20])
{
    ptsne_fit_options given = small_options(mode), settings;
    given.batch_size = 24; /* so that an epoch has steps enough */
    given.perplexities[0] = 5.0;
    given.epochs = 20;
    given.n_neighbors = 5;
    if (mode == PTSNE_MODE_BATCH) { given.batch_size = 12, given.perplexities[0] = 3.0; }
    pt_net net;
    pt_graph graph;
    pt_summary summary;
    pt_sampler sampler;
    pt_trainer trainer;
    CHECK(pt_settings_resolve(&given, N, D, NULL, &settings, NULL));
    const pt_shape input = pt_shape_columns(D);
    CHECK(pt_net_parse(settings.net, settings.activation, &input, &net, NULL));
    CHECK(pt_net_append(&net, 2, PT_LINEAR, NULL));
    CHECK(pt_summary_create(blobs, N, D, &summary, NULL));
    settings.pca = 0; /* ties and signs are another test's */
    CHECK(pt_graph_create(be, blobs, N, D, &settings, NULL, &graph, NULL));
    const pt_trainer_plan plan = {.settings = &settings,
                                  .net = &net,
                                  .summary = &summary,
                                  .x = blobs,
                                  .features = blobs,
                                  .n = N,
                                  .n_features = D,
                                  .n_feature_columns = D,
                                  .n_steps = 20};
    CHECK(pt_trainer_create(be, &plan, &trainer, NULL));
    CHECK(pt_sampler_create(&settings, graph.neighbors, N, &sampler, NULL));
    float *parameters = malloc(net.n_parameters * sizeof *parameters);
    assert_non_null(parameters);
    pt_net_start(&net, settings.seed, parameters);
    CHECK(pt_upload(be, parameters, &trainer.parameters, NULL));
    pt_sampler_epoch(&sampler, 0);
    CHECK(pt_trainer_load(be, &trainer, &sampler, 0, 20, NULL));
    for (size_t s = 0; s < 20; s++) { CHECK(pt_trainer_step(be, &trainer, s, s, NULL)); }
    CHECK(pt_trainer_losses(be, &trainer, 20, NULL));
    memcpy(losses, trainer.host_losses, 20 * sizeof *losses);
    free(parameters);
    pt_trainer_destroy(be, &trainer);
    pt_sampler_destroy(&sampler);
    pt_graph_destroy(&graph);
    pt_summary_destroy(&summary);
}

static void test_backends(void **state)
{
    pt_backend *cpu = *state, *other;
    for (size_t b = 0; b < pt_backend_count(); b++) {
        ptsne_error err;
        if (strcmp(pt_backend_name(b), "cpu") == 0) { continue; }
        if (pt_backend_open(pt_backend_name(b), &other, &err) != PTSNE_OK) {
            if (backend_missing(pt_backend_name(b), &err)) { fail(); }
            continue;
        }
        for (int mode = 0; mode < 2; mode++) {
            float here[20], there[20];
            losses_make(cpu, (ptsne_mode)mode, here);
            losses_make(other, (ptsne_mode)mode, there);
            for (size_t s = 0; s < 20; s++) {
                if (!(fabsf(here[s] - there[s]) <= 1e-3f * fabsf(here[s]))) {
                    fail_msg("mode %d, step %zu: loss %.7g on the cpu, %.7g on %s", mode, s, (double)here[s],
                             (double)there[s], pt_backend_name(b));
                }
            }
        }
        pt_backend_close(other);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) { cmocka_set_test_filter(argv[1]); } /* the name of one test */
    pt_backend *be;
    ptsne_error err;
    const pt_backend_config config = {.spec = "cpu", .threads = 1}; /* work as small as this is slower on more */
    if (!directory_make("fit", directory) || pt_backend_open_config(&config, &be, &err) != PTSNE_OK) {
        fprintf(stderr, "no directory or no cpu backend\n");
        return 1;
    }
    blobs_make();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_map, be),
        cmocka_unit_test_prestate(test_switches, be),
        cmocka_unit_test_prestate(test_threads, be),
        cmocka_unit_test_prestate(test_rows, be),
        cmocka_unit_test_prestate(test_transform, be),
        cmocka_unit_test_prestate(test_resume, be),
        cmocka_unit_test_prestate(test_resume_refused, be),
        cmocka_unit_test_prestate(test_state_removed, be),
        cmocka_unit_test_prestate(test_state_unwritable, be),
        cmocka_unit_test_prestate(test_diverged, be),
        cmocka_unit_test_prestate(test_collapsed, be),
        cmocka_unit_test_prestate(test_dead_dimension, be),
        cmocka_unit_test_prestate(test_refusals, be),
        cmocka_unit_test_prestate(test_odd_data, be),
        cmocka_unit_test_prestate(test_backends, be),
    };
    const int failed = cmocka_run_group_tests_name("parametric", tests, NULL, NULL);
    pt_backend_close(be);
    const char *const names[] = {"state", "refused", "dead"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) { unlink(file_in(names[i])); }
    rmdir(directory);
    return failed;
}
