#define _POSIX_C_SOURCE 200809L
/* Mode teacher, anchors, averaging, and training that goes on from a model: the map that is learnt, its units, bits, interruptions
 * and refusals. */
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
#include <time.h>
#include <unistd.h>

#include "backends.h"
#include "base/random.h"
#include "directory.h"
#include "network/state_file.h"
#include "network/transform.h"
#include "parametric/settings.h"
#include "parametric/start.h"
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

static ptsne_fit_options small_options(void)
{
    ptsne_fit_options options;
    pt_settings_default(&options);
    options.mode = PTSNE_MODE_TEACHER;
    options.net = "24,16";
    options.epochs = 40;
    options.batch_size = 40;
    options.n_neighbors = 6;
    options.perplexities[0] = 8.0;
    options.pca = 5;
    options.n_anchors = 12;
    options.teacher_phases[0] = (ptsne_phase){60, 12.0};
    options.teacher_phases[1] = (ptsne_phase){90, 2.0};
    options.n_teacher_phases = 2;
    options.learning_rate = 5e-3;
    options.warmup_steps = 10;
    options.seed = 4;
    return options;
}

static ptsne_model *fit_heard(pt_backend *be, const ptsne_fit_options *options, const ptsne_observer *observer,
                              ptsne_fit_report *report)
{
    ptsne_model *model;
    ptsne_error err;
    if (pt_training_run(be, blobs, N, D, options, observer, &model, report, &err) != PTSNE_OK) {
        fail_msg("%s", err.message);
    }
    return model;
}

static ptsne_model *fit(pt_backend *be, const ptsne_fit_options *options, ptsne_fit_report *report)
{
    return fit_heard(be, options, NULL, report);
}

/* Stops a stage at one of its steps. */
typedef struct stopper {
    const char *stage;
    size_t at;
    char stages[512]; /* that began */
} stopper;

static int hear_progress(const ptsne_progress *progress, void *user)
{
    stopper *s = user;
    if (progress->step == 0) {
        strncat(s->stages, progress->stage, sizeof s->stages - strlen(s->stages) - 2);
        strncat(s->stages, " ", sizeof s->stages - strlen(s->stages) - 2);
    }
    if (s->stage == NULL || strcmp(progress->stage, s->stage) != 0) { return 0; }
    const struct timespec pause = {.tv_nsec = 55000000}; /* so that each step is told */
    nanosleep(&pause, NULL);
    return progress->step >= s->at;
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

/* Root mean square of the differences of two maps over that of the first one's deviations. */
static double difference(const float *one, const float *two, size_t d)
{
    double mean[3] = {0}, apart = 0.0, spread = 0.0;
    for (size_t i = 0; i < N * d; i++) { mean[i % d] += (double)one[i] / (double)N; }
    for (size_t i = 0; i < N * d; i++) {
        apart += pow((double)two[i] - (double)one[i], 2.0);
        spread += pow((double)one[i] - mean[i % d], 2.0);
    }
    return sqrt(apart / spread);
}

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
        ptsne_fit_options options = small_options();
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
        assert_true(isnan(report.teacher_kl) == (cases[i].mode == PTSNE_MODE_EDGES));
        for (size_t c = 0; c < cases[i].d; c++) { assert_true(report.spread[c] > 0.1); }
        pt_model_destroy(model);
    }
}

/* Three clusters, somewhere. */
static void map_make(float map[N * 2])
{
    for (size_t i = 0; i < N; i++) {
        map[2 * i] = 1000.0f + 40.0f * (float)(i % CLUSTERS) + 0.1f * blobs[i * D];
        map[2 * i + 1] = -300.0f + (i % CLUSTERS == 1 ? 60.0f : 0.0f) + 0.1f * blobs[i * D + 1];
    }
}

/* A map that is given comes back in its own units, wherever it lies. */
static void test_units(void **state)
{
    pt_backend *be = *state;
    static float map[N * 2], learnt[N * 2];
    map_make(map);
    for (int head = PTSNE_HEAD_LINEAR; head <= PTSNE_HEAD_ANCHORS; head++) {
        ptsne_fit_options options = small_options();
        ptsne_fit_report report;
        options.head = (ptsne_head)head;
        options.teacher = map;
        options.epochs = 150;
        options.dropout = options.input_dropout = options.interpolation = 0.0;
        stopper heard = {0};
        const ptsne_observer observer = {.progress = hear_progress, .user = &heard};
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

typedef struct bench {
    ptsne_fit_options settings;
    pt_net net;
    pt_graph graph;
    pt_summary summary;
    pt_teacher teacher;
    pt_sampler sampler;
    pt_trainer trainer;
    float map[N * 3], *parameters, *gradient;
} bench;

static void bench_open(pt_backend *be, const ptsne_fit_options *given, bench *b)
{
    double kl;
    *b = (bench){0};
    CHECK(pt_settings_resolve(given, N, D, NULL, &b->settings, NULL));
    CHECK(pt_start_net(&b->settings, D, &b->net, NULL));
    CHECK(pt_summary_create(blobs, N, D, &b->summary, NULL));
    if (given->teacher != NULL) {
        memcpy(b->map, given->teacher, N * b->settings.n_components * sizeof *b->map);
    } else {
        CHECK(pt_teacher_map(be, blobs, N, D, &b->settings, false, NULL, &b->graph, b->map, &kl, NULL));
    }
    CHECK(pt_teacher_create(b->map, N, b->settings.n_components, &b->teacher, NULL));
    CHECK(pt_teacher_classes(be, N, &b->settings, NULL, NULL, &b->teacher, NULL));
    const pt_trainer_plan plan = {.settings = &b->settings,
                                  .net = &b->net,
                                  .summary = &b->summary,
                                  .x = blobs,
                                  .target = b->teacher.target,
                                  .class_of = b->teacher.class_of,
                                  .features = blobs,
                                  .n = N,
                                  .n_features = D,
                                  .n_feature_columns = D,
                                  .n_steps = pt_settings_steps(&b->settings, N)};
    CHECK(pt_trainer_create(be, &plan, &b->trainer, NULL));
    CHECK(pt_sampler_create(&b->settings, b->graph.neighbors, N, &b->sampler, NULL));
    b->parameters = calloc(b->net.n_parameters, sizeof *b->parameters);
    b->gradient = calloc(b->net.n_parameters, sizeof *b->gradient);
    assert_true(b->parameters != NULL && b->gradient != NULL);
    pt_start_parameters(&b->settings, &b->net, &b->summary, &b->teacher, b->parameters);
    pt_sampler_epoch(&b->sampler, 0);
    CHECK(pt_trainer_load(be, &b->trainer, &b->sampler, 0, 1, NULL));
}

static void bench_close(pt_backend *be, bench *b)
{
    pt_trainer_destroy(be, &b->trainer);
    pt_sampler_destroy(&b->sampler);
    pt_graph_destroy(&b->graph);
    pt_summary_destroy(&b->summary);
    pt_teacher_destroy(&b->teacher);
    free(b->parameters);
    free(b->gradient);
}

/* The loss of the first batch for parameters as they are, at step number `step` of the run; gradient gets the slope there. */
static double bench_step(pt_backend *be, bench *b, size_t step)
{
    CHECK(pt_upload(be, b->parameters, &b->trainer.parameters, NULL));
    CHECK(pt_trainer_step(be, &b->trainer, 0, step, NULL));
    CHECK(pt_trainer_losses(be, &b->trainer, 1, NULL));
    CHECK(pt_download(be, &b->trainer.gradient, b->gradient, NULL));
    return (double)b->trainer.host_losses[0];
}

static void test_gradient(void **state)
{
    pt_backend *be = *state;
    for (size_t d = 2; d <= 3; d++) {
        ptsne_fit_options options = small_options();
        options.n_components = d;
        options.activation = "tanh"; /* smooth */
        options.dropout = options.input_dropout = options.class_weight = 0.0;
        options.error_width = 0.5;
        bench *b = malloc(sizeof *b);
        assert_non_null(b);
        bench_open(be, &options, b);
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
        ptsne_fit_options options = small_options();
        options.class_weight = 0.5 * (double)w;
        options.class_share = 0.25;
        bench_open(be, &options, b);
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
    ptsne_fit_options options = small_options();
    ptsne_model *models[2];
    pt_backend *be[2];
    options.epochs = 5;
    options.averaging = 0.9;
    for (size_t t = 0; t < 2; t++) {
        const pt_backend_config config = {.spec = "cpu", .threads = t + 1};
        CHECK(pt_backend_open_config(&config, &be[t], NULL));
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
    ptsne_fit_options options = small_options();
    options.epochs = 3;
    options.averaging = 0.9;
    ptsne_fit_report whole, report;
    ptsne_model *wanted = fit(be, &options, &whole), *model;
    const stopper stops[] = {
        {"neighbours", 1, ""}, {"embedding", 3, ""}, {"embedding", 62, ""},
        {"training", 1, ""},   {"training", 6, ""},  {"training", 8, ""},
    };
    char *path = strdup(file_in("state"));
    options.checkpoint = path;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        stopper s = stops[i];
        const ptsne_observer observer = {.progress = hear_progress, .user = &s};
        ptsne_error err;
        options.resume = 0;
        assert_int_equal(pt_training_run(be, blobs, N, D, &options, &observer, &model, &report, &err),
                         PTSNE_ERR_STOPPED);
        const bool trained = strcmp(s.stage, "training") == 0 && s.at >= 6;
        assert_true((model != NULL) == trained);
        pt_model_destroy(model);
        assert_int_equal(access(path, F_OK) == 0, i > 0);
        s = (stopper){0};
        options.resume = 1;
        assert_int_equal(pt_training_run(be, blobs, N, D, &options, &observer, &model, &report, &err), PTSNE_OK);
        same_model(wanted, model);
        pt_model_destroy(model);
        assert_true(report.loss == whole.loss);
        assert_int_equal(report.steps, whole.steps);
        /* the map is made anew only where there was none */
        assert_true((strstr(s.stages, "embedding") != NULL) == (strcmp(stops[i].stage, "training") != 0));
    }
    model = fit(be, &options, &report); /* the run is finished */
    same_model(wanted, model);
    assert_true(report.training_seconds == 0.0);
    pt_model_destroy(model);
    options.resume = 0;
    options.checkpoint_minutes = 1e-9; /* a state after each step, t-SNE's too */
    model = fit(be, &options, NULL);
    same_model(wanted, model);
    pt_model_destroy(model);
    pt_model_destroy(wanted);
    free(path);
}

/* ---- going on from a model ---- */

/* A run that changes nothing gives the model back: all units are turned there and back. */
static void test_init_units(void **state)
{
    pt_backend *be = *state;
    static float before[N * 3], after[N * 3];
    static const struct {
        const char *net;
        size_t input[3];
        ptsne_mode mode;
        ptsne_head head;
    } cases[] = {
        {"24,16", {0}, PTSNE_MODE_EDGES, PTSNE_HEAD_LINEAR},
        {"24,16", {0}, PTSNE_MODE_TEACHER, PTSNE_HEAD_LINEAR},
        {"", {0}, PTSNE_MODE_TEACHER, PTSNE_HEAD_ANCHORS},
        {"conv 6 2x2 same, bn, relu, dense 16, relu", {2, 3, 2}, PTSNE_MODE_TEACHER, PTSNE_HEAD_ANCHORS},
        {"bn, 24, bn", {0}, PTSNE_MODE_EDGES, PTSNE_HEAD_ANCHORS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ptsne_fit_options options = small_options();
        options.net = cases[i].net;
        memcpy(options.input, cases[i].input, sizeof options.input);
        options.head = cases[i].head;
        options.n_components = 3;
        ptsne_model *model = fit(be, &options, NULL);
        CHECK(pt_model_transform(model, blobs, N, before, NULL));
        options.mode = cases[i].mode;
        options.init = model;
        options.n_components = 2; /* not read */
        options.learning_rate = 1e-12;
        options.epochs = 1;
        ptsne_model *same = fit(be, &options, NULL);
        CHECK(pt_model_transform(same, blobs, N, after, NULL));
        const double apart = difference(before, after, 3);
        const double most =
            strncmp(cases[i].net, "bn", 2) == 0 ? 0.03 : 1e-3; /* a norm in front stays one, and its statistics move */
        if (!(apart < most)) { fail_msg("case %zu: %g of its extent away", i, apart); }
        pt_model_destroy(same);
        pt_model_destroy(model);
    }
}

/* New rows of the same kind: the run begins better than one from chance, and its map resembles the old one. */
static void test_init(void **state)
{
    pt_backend *be = *state;
    static float before[N * 2], after[N * 2];
    ptsne_fit_options options = small_options();
    ptsne_fit_report fresh, report;
    options.epochs = 100;
    ptsne_model *model = fit(be, &options, NULL);
    CHECK(pt_model_transform(model, blobs, N, before, NULL));
    options.init = model;
    options.n_teacher_phases = 0; /* the last two of the default */
    ptsne_model *later = fit(be, &options, &report);
    CHECK(pt_model_transform(later, blobs, N, after, NULL));
    double turned = 0.0;
    for (size_t i = 0; i < CLUSTERS; i++) { /* where clusters lie seen from their middle, before and after */
        const size_t a = i, b = (i + 1) % CLUSTERS;
        const double one =
            atan2((double)(before[2 * b + 1] - before[2 * a + 1]), (double)(before[2 * b] - before[2 * a]));
        const double two = atan2((double)(after[2 * b + 1] - after[2 * a + 1]), (double)(after[2 * b] - after[2 * a]));
        turned = fmax(turned, fabs(remainder(one - two, 2.0 * acos(-1.0))));
    }
    if (!(turned < 0.5)) { fail_msg("the map turned by %g", turned); }
    pt_model_destroy(later);
    options.epochs = 1;
    pt_model_destroy(fit(be, &options, &report));
    options.init = NULL;
    pt_model_destroy(fit(be, &options, &fresh));
    assert_true(report.loss < fresh.loss);
    pt_model_destroy(model);
}

/* ---- refusals ---- */

static void refused(pt_backend *be, const ptsne_fit_options *options, ptsne_status status, const char *says)
{
    ptsne_model *model;
    ptsne_error err = {0};
    const ptsne_status got = pt_training_run(be, blobs, N, D, options, NULL, &model, NULL, &err);
    if (got != status || strstr(err.message, says) == NULL) {
        fail_msg("status %d, \"%s\"; expected %d, \"%s\"", (int)got, err.message, (int)status, says);
    }
    assert_null(model);
}

static void test_refusals(void **state)
{
    pt_backend *be = *state;
    const ptsne_fit_options good = small_options();
    ptsne_fit_options o;
    static float map[N * 2];
    o = good, o.error_width = 0.0;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "error_width is 0, but has to be from 0.001 to 1000");
    o = good, o.n_anchors = 1;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "n_anchors is 1, but has to be from 2 to 4096");
    o = good, o.head = (ptsne_head)3;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "head is 3");
    o = good, o.class_weight = -1.0;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "class_weight is -1");
    o = good, o.averaging = 1.0;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "averaging is 1, but has to be from 0 to below 1");
    o = good, o.perplexities[0] = 100.0;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "perplexity 100 is too large for 240 rows: at most 79.66");
    o = good, o.teacher_phases[1].exaggeration = 0.0;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "exaggeration of a phase is 0");
    o = good, o.mode = (ptsne_mode)3;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "mode 3: there are 0 (edges), 1 (batch) and 2 (teacher)");
    o = good, o.teacher = map;
    refused(be, &o, PTSNE_ERR_DATA, "the teacher's map is one point");
    map[7] = NAN;
    refused(be, &o, PTSNE_ERR_DATA, "the teacher's map, row 4, column 2: NaN or infinity");
    o = good, o.input[0] = o.input[1] = 3, o.input[2] = 1;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "images of 3 x 3 x 1 have 9 values, the rows 12");
    ptsne_model *model = fit(be, &good, NULL);
    model->net.layers[0].n_in--; /* of other data */
    model->net.input.channels--;
    o = good, o.init = model;
    refused(be, &o, PTSNE_ERR_ARGUMENT, "the model to go on from takes 11 columns, the data have 12");
    model->net.layers[0].n_in++;
    model->net.input.channels++;
    pt_model_destroy(model);
}

/* Models that make no map, whatever they are, in every mode. */
static void test_init_refused(void **state)
{
    pt_backend *be = *state;
    static const struct {
        const char *net;
        size_t input[3];
        bool shift;
        const char *says;
    } cases[] = {
        {"12, 2, linear, dropout 0.5", {1, 1, D}, false, "and is drop1"},
        {"2, relu", {1, 1, D}, false, "and is dense1 with an activation"},
        {"2, linear, dropout 0.1, bn", {1, 1, D}, false, "and is norm1"},
        {"conv 2 2x6", {2, 6, 1}, false, "and is conv1"},
        {"pool 2x3 stride 3", {2, 6, 1}, false, "and is pool1"},
        {"dropout 0.5", {1, 1, 2}, false, "and is drop1"},
        {"", {1, 1, 2}, true, "and is none"},
    };
    for (size_t i = 0; i < 3 * sizeof cases / sizeof cases[0]; i++) {
        const size_t c = i / 3;
        const pt_shape input = {cases[c].input[0], cases[c].input[1], cases[c].input[2]};
        ptsne_fit_options options = small_options();
        pt_net net;
        ptsne_model *model;
        ptsne_error err;
        if (pt_net_parse(cases[c].net, "relu", &input, &net, &err) != PTSNE_OK) {
            fail_msg("%s: %s", cases[c].net, err.message);
        }
        if (cases[c].shift) { CHECK(pt_net_append_shift(&net, NULL)); }
        CHECK(pt_model_create(be, &net, &model, NULL));
        options.mode = (ptsne_mode)(i % 3);
        options.init = model;
        refused(be, &options, PTSNE_ERR_ARGUMENT, cases[c].says);
        pt_model_destroy(model);
    }
}

/* The shape of images is the model's, whatever the options say. */
static void test_init_images(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options();
    options.mode = PTSNE_MODE_EDGES;
    options.epochs = 1;
    options.net = "conv 2 2x2, 4";
    options.input[0] = 2, options.input[1] = 3, options.input[2] = 2;
    ptsne_model *model = fit(be, &options, NULL);
    options.init = model;
    options.input[0] = 9, options.input[1] = 9, options.input[2] = 9;
    ptsne_model *later = fit(be, &options, NULL);
    assert_string_equal(pt_metadata_get(&later->metadata, "ptsne.input"), "2x3x2");
    pt_model_destroy(later);
    pt_model_destroy(model);
}

/* More neighbours than few rows have are all of them, also where t-SNE alone looks for them. */
static void test_few_rows(void **state)
{
    ptsne_fit_options options = small_options();
    options.n_neighbors = 15;
    options.perplexities[0] = 2.0;
    options.n_anchors = 4;
    options.epochs = 1;
    for (size_t i = 0; i < 2; i++) {
        ptsne_model *model;
        ptsne_error err;
        options.interpolation = 0.5 * (double)i;
        if (pt_training_run(*state, blobs, 10, D, &options, NULL, &model, NULL, &err) != PTSNE_OK) {
            fail_msg("%s", err.message);
        }
        pt_model_destroy(model);
    }
}

/* A state of another teacher, or another beginning, is another run's. */
static void test_resume_refused(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options();
    char *path = strdup(file_in("refused"));
    options.epochs = 1;
    options.checkpoint = path;
    ptsne_model *model = fit(be, &options, NULL);
    options.resume = 1;
    options.teacher_phases[0].iterations++;
    refused(be, &options, PTSNE_ERR_ARGUMENT, "its teacher_phases is 60:12,90:2, this one's is 61:12,90:2");
    options.teacher_phases[0].iterations--;
    options.init = model;
    refused(be, &options, PTSNE_ERR_ARGUMENT, "its init is not set");
    pt_model_destroy(model);
    free(path);
}

/* A state and what it says of its run, written where a comma is the decimal point, and read where it is none. */
static void test_state_locale(void **state)
{
    (void)state;
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL && setlocale(LC_NUMERIC, "fr_FR.UTF-8") == NULL) { skip(); }
    ptsne_fit_options options = small_options();
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
    if (pt_state_read(file_in("comma"), &here, NULL, &two, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
    assert_true(two.position.loss_sum == 1.7 && two.position.last_loss == 0.1 && two.position.step == 3);
    pt_state_destroy(&one);
    pt_state_destroy(&two);
    pt_metadata_destroy(&here);
    pt_metadata_destroy(&there);
    unlink(file_in("comma"));
}

/* ---- backends ---- */

static void test_backends(void **state)
{
    pt_backend *cpu = *state, *other;
    bench *b = malloc(sizeof *b);
    assert_non_null(b);
    for (size_t i = 0; i < pt_backend_count(); i++) {
        ptsne_error err;
        if (strcmp(pt_backend_name(i), "cpu") == 0) { continue; }
        if (pt_backend_open(pt_backend_name(i), &other, &err) != PTSNE_OK) {
            if (backend_missing(pt_backend_name(i), &err)) { fail(); }
            continue;
        }
        pt_backend *const both[] = {cpu, other};
        double loss[2][8];
        static float map[N * 2];
        ptsne_fit_options options = small_options();
        map_make(map);
        options.teacher = map;
        options.n_anchors = CLUSTERS; /* the same ones however the last bits fall */
        options.interpolation = 0.0;
        for (size_t e = 0; e < 2; e++) {
            bench_open(both[e], &options, b);
            for (size_t s = 0; s < 8; s++) {
                loss[e][s] = bench_step(both[e], b, s);
                CHECK(pt_download(both[e], &b->trainer.parameters, b->parameters, NULL));
            }
            bench_close(both[e], b);
        }
        for (size_t s = 0; s < 8; s++) {
            if (!(fabs(loss[0][s] - loss[1][s]) <= 1e-3 * (fabs(loss[0][s]) + 0.1))) {
                fail_msg("step %zu: loss %.7g on the cpu, %.7g on %s", s, loss[0][s], loss[1][s], pt_backend_name(i));
            }
        }
        options = small_options();
        options.epochs = 120;
        ptsne_model *model = fit(other, &options, NULL);
        assert_true(error_of(model, 2) < 0.05);
        pt_model_destroy(model);
        pt_backend_close(other);
    }
    free(b);
}

int main(int argc, char **argv)
{
    if (argc > 1) { cmocka_set_test_filter(argv[1]); } /* the name of one test */
    pt_backend *be;
    ptsne_error err;
    const pt_backend_config config = {.spec = "cpu", .threads = 1}; /* work as small as this is slower on more */
    if (!directory_make("teacher", directory) || pt_backend_open_config(&config, &be, &err) != PTSNE_OK) {
        fprintf(stderr, "no directory or no cpu backend\n");
        return 1;
    }
    blobs_make();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_map, be),
        cmocka_unit_test_prestate(test_units, be),
        cmocka_unit_test_prestate(test_gradient, be),
        cmocka_unit_test_prestate(test_class_term, be),
        cmocka_unit_test_prestate(test_threads, be),
        cmocka_unit_test_prestate(test_resume, be),
        cmocka_unit_test_prestate(test_init_units, be),
        cmocka_unit_test_prestate(test_init, be),
        cmocka_unit_test_prestate(test_refusals, be),
        cmocka_unit_test_prestate(test_resume_refused, be),
        cmocka_unit_test_prestate(test_backends, be),
        cmocka_unit_test_prestate(test_init_refused, be),
        cmocka_unit_test_prestate(test_few_rows, be),
        cmocka_unit_test_prestate(test_init_images, be),
        cmocka_unit_test(test_state_locale),
    };
    const int failed = cmocka_run_group_tests_name("teacher", tests, NULL, NULL);
    pt_backend_close(be);
    const char *const names[] = {"state", "refused"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) { unlink(file_in(names[i])); }
    rmdir(directory);
    return failed;
}
