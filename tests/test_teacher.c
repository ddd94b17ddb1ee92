#define _POSIX_C_SOURCE 200809L
/* Mode teacher, anchors and averaging: the map that is learnt, its units, its gradient, bits, interruptions and refusals. */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "base/random.h"
#include "fits.h"
#include "network/state_file.h"
#include "parametric/settings.h"

/* ---- what is learnt ---- */

static void test_map(void **state)
{
    pt_backend *be = *state;
    static const struct {
        ptsne_mode mode;
        ptsne_head head;
        const char *metric;
        size_t d;
        double averaging;
    } cases[] = {
        {PTSNE_MODE_TEACHER, PTSNE_HEAD_AUTO, "euclidean", 2, 0.0},
        {PTSNE_MODE_TEACHER, PTSNE_HEAD_ANCHORS, "euclidean", 3, 0.98},
        {PTSNE_MODE_TEACHER, PTSNE_HEAD_LINEAR, "manhattan", 2, 0.0},
        {PTSNE_MODE_EDGES, PTSNE_HEAD_ANCHORS, "euclidean", 2, 0.98},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
        ptsne_fit_report first, report;
        options.mode = cases[i].mode;
        options.head = cases[i].head;
        options.metric = cases[i].metric;
        options.n_components = cases[i].d;
        options.averaging = cases[i].averaging;
        options.epochs = 1;
        pt_model_destroy(fit(be, &options, &first));
        options.epochs = 120;
        ptsne_model *model = fit(be, &options, &report);
        const pt_layer *last = &model->net.layers[model->net.n_layers - 1];
        assert_int_equal(last->kind, cases[i].head == PTSNE_HEAD_LINEAR ? PT_DENSE : PT_ANCHORS);
        const double error = error_of(model, cases[i].d);
        if (!(report.loss < first.loss && error < 0.05)) {
            fail_msg("case %zu: loss %g, then %g; %g of the points are beside another cluster's", i, first.loss,
                     report.loss, error);
        }
        const bool edges = cases[i].mode == PTSNE_MODE_EDGES;
        assert_true(isnan(report.teacher_kl) == edges);
        const double before = edges ? report.neighbor_seconds : report.teacher_seconds;
        assert_true((report.teacher_seconds == 0.0) == edges);
        assert_true(report.neighbor_seconds > 0.0 && report.neighbor_seconds <= before);
        assert_true(before + report.training_seconds <= report.seconds);
        for (size_t c = 0; c < cases[i].d; c++) { assert_true(report.spread[c] > 0.1); }
        pt_model_destroy(model);
    }
}

/* A map that is given comes back in its own units, wherever it lies. */
static void test_units(void **state)
{
    pt_backend *be = *state;
    static float map[N * 2], learnt[N * 2];
    map_make(map);
    for (int head = PTSNE_HEAD_LINEAR; head <= PTSNE_HEAD_ANCHORS; head++) {
        ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
        ptsne_fit_report report;
        options.head = (ptsne_head)head;
        options.teacher = map;
        options.epochs = 150;
        options.dropout = options.input_dropout = options.interpolation = 0.0;
        listener heard;
        const ptsne_observer observer = observer_of(&heard);
        ptsne_model *model = fit_heard(be, &options, &observer, &report);
        CHECK(pt_model_transform(model, blobs, N, learnt, NULL));
        const double apart = difference(map, learnt, 2);
        if (!(apart < 0.05)) { fail_msg("head %d: the map is %g of its extent away from the teacher's", head, apart); }
        assert_true(isnan(report.teacher_kl));
        assert_true(strstr(heard.stages, "training") != NULL && strstr(heard.stages, "neighbours") == NULL);
        pt_model_destroy(model);
    }
}

/* ---- the gradient ---- */

static void test_gradient(void **state)
{
    pt_backend *be = *state;
    for (size_t d = 2; d <= 3; d++) {
        ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
        options.n_components = d;
        options.activation = "tanh"; /* smooth */
        options.dropout = options.input_dropout = options.class_weight = 0.0;
        options.error_width = 0.5;
        bench *b = malloc(sizeof *b);
        assert_non_null(b);
        bench_open(be, &options, 1, b);
        const pt_layer *anchors = &b->net.layers[b->net.n_layers - 1], *dense = anchors - 1, *first = b->net.layers;
        pt_random random = {.seed = d}; /* away from the start, where the last layer is nearly 0 */
        for (size_t i = 0; i < dense->n_weight; i++) {
            b->parameters[dense->weight + i] = 0.5f * pt_random_normal(&random);
        }
        const size_t at[] = {anchors->weight,  anchors->weight + 5,         dense->weight + 7, dense->bias + 3,
                             dense->bias + 12, dense->weight + 12 * 16 + 3, first->weight + 2, first->bias + 1};
        float want[sizeof at / sizeof at[0]];
        bench_step(be, b, 0);
        for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) { want[i] = b->gradient[at[i]]; }
        for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
            const float before = b->parameters[at[i]], move = 0.01f;
            b->parameters[at[i]] = before + move;
            const double above = bench_step(be, b, 0);
            b->parameters[at[i]] = before - move;
            const double below = bench_step(be, b, 0);
            b->parameters[at[i]] = before;
            const double slope = (above - below) / 0.02;
            if (!(fabs(slope - (double)want[i]) < 2e-4 + 5e-3 * fabs(slope))) {
                fail_msg("d = %zu, parameter %zu: gradient %g, differences say %g", d, i, (double)want[i], slope);
            }
        }
        bench_close(be, b);
        free(b);
    }
}

/* The class term pulls at the start, in proportion to its weight, and is gone after its share of the run. */
static void test_class_term(void **state)
{
    pt_backend *be = *state;
    double pull[3][2]; /* of weights 0, 0.5, 1 on the first anchor's bias, at the start and at the end */
    bench *b = malloc(sizeof *b);
    assert_non_null(b);
    for (size_t w = 0; w < 3; w++) {
        ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
        options.class_weight = 0.5 * (double)w;
        options.class_share = 0.25;
        bench_open(be, &options, 1, b);
        const pt_layer *dense = &b->net.layers[b->net.n_layers - 2];
        const size_t n_steps = b->settings.epochs * pt_settings_steps(&b->settings, N);
        const size_t steps[] = {0, n_steps / 4};
        for (size_t s = 0; s < 2; s++) {
            bench_step(be, b, steps[s]);
            pull[w][s] = (double)b->gradient[dense->bias];
        }
        bench_close(be, b);
    }
    free(b);
    assert_true(fabs(pull[1][0] - pull[0][0]) > 1e-4);
    assert_true(fabs((pull[2][0] - pull[0][0]) - 2.0 * (pull[1][0] - pull[0][0])) < 1e-6);
    assert_true(pull[1][1] == pull[0][1] && pull[2][1] == pull[0][1]);
}

/* ---- bits ---- */

static void test_threads(void **state)
{
    (void)state;
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
    ptsne_model *models[2];
    pt_backend *be[2];
    options.epochs = 5;
    options.averaging = 0.9;
    for (size_t t = 0; t < 2; t++) {
        be[t] = backend_cpu(t + 1, 0);
        models[t] = fit(be[t], &options, NULL);
        same_model(models[0], models[t]);
    }
    options.averaging = 0.0;
    ptsne_model *last = fit(be[0], &options, NULL);
    assert_true(last->parameters[0] != models[0]->parameters[0]);
    pt_model_destroy(last);
    for (size_t t = 0; t < 2; t++) {
        pt_model_destroy(models[t]);
        pt_backend_close(be[t]);
    }
}

static void test_resume(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
    options.epochs = 3;
    options.averaging = 0.9;
    ptsne_fit_report whole, report;
    ptsne_model *wanted = fit(be, &options, &whole), *model;
    static const struct {
        const char *stage;
        size_t at;
    } stops[] = {{"neighbours", 1}, {"embedding", 3}, {"embedding", 62},
                 {"training", 1},   {"training", 6},  {"training", 8}};
    char *path = strdup(file_in("state"));
    options.checkpoint = path;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        listener l;
        const ptsne_observer observer = observer_of(&l);
        l.stage = stops[i].stage;
        l.stop_at = stops[i].at;
        ptsne_error err;
        options.resume = 0;
        assert_int_equal(pt_training_run(be, blobs, N, D, &options, &observer, &model, &report, &err),
                         PTSNE_ERR_STOPPED);
        const bool trained = strcmp(stops[i].stage, "training") == 0 && stops[i].at >= 6;
        assert_true((model != NULL) == trained);
        pt_model_destroy(model);
        assert_int_equal(access(path, F_OK) == 0, i > 0);
        l = (listener){.stop_at = 0};
        options.resume = 1;
        assert_int_equal(pt_training_run(be, blobs, N, D, &options, &observer, &model, &report, &err), PTSNE_OK);
        same_model(wanted, model);
        pt_model_destroy(model);
        assert_true(report.loss == whole.loss);
        assert_int_equal(report.steps, whole.steps);
        /* the map is made anew only where there was none */
        assert_true((strstr(l.stages, "embedding") != NULL) == (strcmp(stops[i].stage, "training") != 0));
    }
    finished(be, &options, wanted);
    pt_model_destroy(wanted);
    free(path);
}

/* ---- refusals ---- */

static void test_refusals(void **state)
{
    pt_backend *be = *state;
    const ptsne_fit_options good = small_options(PTSNE_MODE_TEACHER);
    ptsne_fit_options o;
    static float map[N * 2];
    o = good, o.error_width = 0.0;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "error_width is 0, but has to be from 0.001 to 1000");
    o = good, o.n_anchors = 1;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "n_anchors is 1, but has to be from 2 to 4096");
    o = good, o.head = (ptsne_head)3;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "head is 3");
    o = good, o.class_weight = -1.0;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "class_weight is -1");
    o = good, o.averaging = 1.0;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "averaging is 1, but has to be from 0 to below 1");
    o = good, o.perplexities[0] = 100.0;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "perplexity 100 is too large for 240 rows: at most 79.66");
    o = good, o.teacher_phases[1].exaggeration = 0.0;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "exaggeration of a phase is 0");
    o = good, o.mode = (ptsne_mode)3;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "mode 3: there are 0 (edges), 1 (batch) and 2 (teacher)");
    o = good, o.teacher = map;
    refused(be, blobs, N, &o, PTSNE_ERR_DATA, "the teacher's map is one point");
    map[7] = NAN;
    refused(be, blobs, N, &o, PTSNE_ERR_DATA, "the teacher's map: row 4, column 2: nan");
    o = good, o.input[0] = o.input[1] = 3, o.input[2] = 1;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "images of 3 x 3 x 1 have 9 values, the rows 12");
    ptsne_model *model = fit(be, &good, NULL);
    model->net.layers[0].n_in--; /* of other data */
    model->net.input.channels--;
    o = good, o.init = model;
    refused(be, blobs, N, &o, PTSNE_ERR_ARGUMENT, "the model to go on from takes 11 columns, the data have 12");
    model->net.layers[0].n_in++;
    model->net.input.channels++;
    pt_model_destroy(model);
}

/* A state of another teacher, or another beginning, is another run's. */
static void test_resume_refused(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
    char *path = strdup(file_in("refused"));
    options.epochs = 1;
    options.checkpoint = path;
    ptsne_model *model = fit(be, &options, NULL);
    options.resume = 1;
    options.teacher_phases[0].iterations++;
    refused(be, blobs, N, &options, PTSNE_ERR_ARGUMENT, "its teacher_phases is 60:12,90:2, this one's is 61:12,90:2");
    options.teacher_phases[0].iterations--;
    options.init = model;
    refused(be, blobs, N, &options, PTSNE_ERR_ARGUMENT, "its init is not set");
    pt_model_destroy(model);
    options.init = NULL;
    options.resume = 0;
    options.early_epochs = 1;
    pt_model_destroy(fit(be, &options, NULL));
    options.resume = 1;
    options.early_epochs = 0;
    refused(be, blobs, N, &options, PTSNE_ERR_ARGUMENT, "its early_exaggeration is 12, this one's is not set");
    free(path);
}

/* More neighbours than few rows have are all of them, also where t-SNE alone looks for them. */
static void test_few_rows(void **state)
{
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
    options.n_neighbors = 15;
    options.perplexities[0] = 2.0;
    options.n_anchors = 4;
    options.epochs = 1;
    for (size_t i = 0; i < 2; i++) {
        ptsne_model *model;
        ptsne_error err;
        options.interpolation = 0.5 * (double)i;
        check(pt_training_run(*state, blobs, 10, D, &options, NULL, &model, NULL, &err), &err);
        pt_model_destroy(model);
    }
}

/* More anchors than half of the rows are half of them, and that is said where there are any. */
static void test_few_rows_for_anchors(void **state)
{
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
    options.perplexities[0] = 2.0;
    options.n_anchors = 12;
    options.epochs = 1;
    for (size_t i = 0; i < 2; i++) {
        listener l;
        const ptsne_observer observer = observer_of(&l);
        ptsne_model *model;
        ptsne_error err;
        options.head = i == 0 ? PTSNE_HEAD_ANCHORS : PTSNE_HEAD_LINEAR;
        check(pt_training_run(*state, blobs, 10, D, &options, &observer, &model, NULL, &err), &err);
        assert_true((strstr(l.warnings, "n_anchors is 12, but 10 rows bear at most 5") != NULL) == (i == 0));
        const char *anchors = pt_metadata_get(&model->metadata, "ptsne.anchors");
        assert_true(i == 0 ? anchors != NULL && strcmp(anchors, "5") == 0 : anchors == NULL);
        pt_model_destroy(model);
    }
}

/* A state and what it says of its run, written where a comma is the decimal point, and read where it is none. */
static void test_state_locale(void **state)
{
    (void)state;
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL && setlocale(LC_NUMERIC, "fr_FR.UTF-8") == NULL) { skip(); }
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
    options.perplexities[0] = 8.5;
    options.teacher_phases[1].exaggeration = 1.25;
    pt_metadata here = {0}, there = {0};
    pt_state one, two;
    CHECK(pt_state_create(16, 1, 0, &one, NULL));
    CHECK(pt_state_create(16, 1, 0, &two, NULL));
    one.position = (pt_position){.epoch = 2, .step = 3, .loss_sum = 1.7, .last_loss = 0.1};
    const ptsne_status described = pt_settings_describe(&options, &there, NULL);
    const ptsne_status written = pt_state_write(file_in("comma"), &one, &there, NULL);
    setlocale(LC_NUMERIC, "C");
    CHECK(described);
    CHECK(written);
    CHECK(pt_settings_describe(&options, &here, NULL));
    assert_string_equal(pt_metadata_get(&there, "ptsne.perplexity"), "8.5");
    assert_string_equal(pt_metadata_get(&there, "ptsne.teacher_phases"), "60:12,90:1.25");
    ptsne_error err = {0};
    check(pt_state_read(file_in("comma"), &here, NULL, &two, &err), &err);
    assert_true(two.position.loss_sum == 1.7 && two.position.last_loss == 0.1 && two.position.step == 3);
    pt_state_destroy(&one);
    pt_state_destroy(&two);
    pt_metadata_destroy(&here);
    pt_metadata_destroy(&there);
    unlink(file_in("comma"));
}

int main(int argc, char **argv)
{
    pt_backend *be = fits_open(argc, argv, "teacher");
    if (be == NULL) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_map, be),          cmocka_unit_test_prestate(test_units, be),
        cmocka_unit_test_prestate(test_gradient, be),     cmocka_unit_test_prestate(test_class_term, be),
        cmocka_unit_test_prestate(test_threads, be),      cmocka_unit_test_prestate(test_resume, be),
        cmocka_unit_test_prestate(test_refusals, be),     cmocka_unit_test_prestate(test_resume_refused, be),
        cmocka_unit_test_prestate(test_few_rows, be),     cmocka_unit_test_prestate(test_few_rows_for_anchors, be),
        cmocka_unit_test_prestate(test_state_locale, be),
    };
    const int failed = cmocka_run_group_tests_name("teacher", tests, NULL, NULL);
    fits_close(be);
    return failed;
}
