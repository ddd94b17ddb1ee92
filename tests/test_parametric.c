/* Training a map: what it finds, the bits that neither threads nor splits change, runs that went wrong, and bad input. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "fits.h"

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

/* Everything that has a switch runs, and makes another map. */
static void test_switches(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options plain = small_options(PTSNE_MODE_BATCH), o[10];
    size_t n = 0;
    plain.epochs = 3;
    o[n] = plain, o[n].perplexities[1] = 20.0, o[n++].n_perplexities = 2;
    o[n] = plain, o[n++].early_epochs = 1;
    o[n] = plain, o[n++].exaggeration = 2.0;
    o[n] = plain, o[n++].interpolation = 0.3;
    o[n] = plain, o[n++].dropout = 0.1;
    o[n] = plain, o[n++].input_dropout = 0.1;
    o[n] = plain, o[n++].net = "";
    o[n] = plain, o[n++].activation = "tanh";
    o[n] = plain, o[n++].metric = "cosine";
    o[n] = plain, o[n++].schedule = PTSNE_SCHEDULE_LINEAR;
    ptsne_model *model = fit(be, &plain, NULL);
    static float map[N * 2], other[N * 2];
    CHECK(pt_model_transform(model, blobs, N, map, NULL));
    pt_model_destroy(model);
    for (size_t i = 0; i < n; i++) {
        model = fit(be, &o[i], NULL);
        CHECK(pt_model_transform(model, blobs, N, other, NULL));
        pt_model_destroy(model);
        if (memcmp(map, other, sizeof map) == 0) { fail_msg("switch %zu changes nothing", i); }
    }
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
            be[t] = backend_cpu(t + 1, 0);
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
        CHECK(ptsne_transform(model, x, 0, y, &err));
        x[1234 * D + 5] = NAN;
        assert_int_equal(ptsne_transform(model, x, ROWS, y, &err), PTSNE_ERR_DATA);
        assert_string_equal(err.message, "row 1235, column 6 is nan");
        x[1234 * D + 5] = -INFINITY;
        assert_int_equal(ptsne_transform(model, x, ROWS, y, &err), PTSNE_ERR_DATA);
        assert_string_equal(err.message, "row 1235, column 6 is -inf");
        pt_model_destroy(model);
    }
    free(x);
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

/* ---- bad input ---- */

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

int main(int argc, char **argv)
{
    pt_backend *be = fits_open(argc, argv, "parametric");
    if (be == NULL) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_map, be),       cmocka_unit_test_prestate(test_switches, be),
        cmocka_unit_test_prestate(test_threads, be),   cmocka_unit_test_prestate(test_rows, be),
        cmocka_unit_test_prestate(test_transform, be), cmocka_unit_test_prestate(test_diverged, be),
        cmocka_unit_test_prestate(test_collapsed, be), cmocka_unit_test_prestate(test_refusals, be),
        cmocka_unit_test_prestate(test_odd_data, be),
    };
    const int failed = cmocka_run_group_tests_name("parametric", tests, NULL, NULL);
    fits_close(be);
    return failed;
}
