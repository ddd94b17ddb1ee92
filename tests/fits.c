#define _POSIX_C_SOURCE 200809L

#include "fits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blobs.h"
#include "directory.h"
#include "parametric/settings.h"

float blobs[N * D];

static char directory[DIRECTORY_ROOM];

/* ---- the program ---- */

pt_backend *fits_open(int argc, char **argv, const char *name)
{
    if (argc > 1) { cmocka_set_test_filter(argv[1]); }
    pt_backend *be;
    ptsne_error err;
    const pt_backend_config config = {.spec = "cpu", .threads = 1}; /* work as small as this is slower on more */
    if (!directory_make(name, directory)) {
        fprintf(stderr, "no directory\n");
        return NULL;
    }
    if (pt_backend_open_config(&config, &be, &err) != PTSNE_OK) {
        fprintf(stderr, "%s\n", err.message);
        directory_remove(directory);
        return NULL;
    }
    blobs_fill(blobs, N, D, CLUSTERS, 100.0f, 3.0f, (pt_random){.seed = 77});
    return be;
}

void fits_close(pt_backend *be)
{
    pt_backend_close(be);
    directory_remove(directory);
}

void check(ptsne_status status, const ptsne_error *err)
{
    if (status != PTSNE_OK) { fail_msg("%s", err == NULL ? "a call failed" : err->message); }
}

char *file_in(const char *name)
{
    static char path[sizeof directory + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

/* ---- runs ---- */

ptsne_fit_options small_options(ptsne_mode mode)
{
    ptsne_fit_options options;
    pt_settings_default(&options);
    options.mode = mode;
    options.net = "24,16";
    options.epochs = 40;
    options.batch_size = mode == PTSNE_MODE_TEACHER ? 40 : 80;
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

/* Seconds that passed in no time: a stage tells its steps 20 times a second at most, and here it is asked for each of them. */
static double skipped;

double __real_pt_seconds(void);
double __wrap_pt_seconds(void);

double __wrap_pt_seconds(void)
{
    return __real_pt_seconds() + skipped;
}

static void hear_warning(const char *message, void *user)
{
    listener *l = user;
    const size_t used = strlen(l->warnings);
    snprintf(l->warnings + used, sizeof l->warnings - used, "%s\n", message);
}

static int hear_progress(const ptsne_progress *progress, void *user)
{
    listener *l = user;
    if (progress->step == 0) {
        const size_t used = strlen(l->stages);
        snprintf(l->stages + used, sizeof l->stages - used, "%s ", progress->stage);
    }
    if (l->stop_at == 0 || strcmp(progress->stage, l->stage == NULL ? "training" : l->stage) != 0) { return 0; }
    skipped += 0.06;
    return progress->step >= l->stop_at;
}

ptsne_observer observer_of(listener *l)
{
    *l = (listener){.stop_at = 0};
    return (ptsne_observer){.progress = hear_progress, .warning = hear_warning, .user = l};
}

ptsne_model *fit_heard(pt_backend *be, const ptsne_fit_options *options, const ptsne_observer *observer,
                       ptsne_fit_report *report)
{
    ptsne_model *model;
    ptsne_error err;
    check(pt_training_run(be, blobs, N, D, options, observer, &model, report, &err), &err);
    return model;
}

ptsne_model *fit(pt_backend *be, const ptsne_fit_options *options, ptsne_fit_report *report)
{
    return fit_heard(be, options, NULL, report);
}

void finished(pt_backend *be, const ptsne_fit_options *options, const ptsne_model *wanted)
{
    ptsne_fit_options o = *options;
    ptsne_fit_report report;
    o.resume = 1;
    ptsne_model *model = fit(be, &o, &report);
    same_model(wanted, model);
    assert_true(report.training_seconds == 0.0);
    pt_model_destroy(model);
    o.resume = 0;
    o.checkpoint_minutes = 1e-9;
    model = fit(be, &o, NULL);
    same_model(wanted, model);
    pt_model_destroy(model);
}

void refused(pt_backend *be, const float *x, size_t n, const ptsne_fit_options *options, ptsne_status status,
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

/* ---- maps ---- */

void same_model(const ptsne_model *one, const ptsne_model *two)
{
    assert_int_equal(one->net.n_parameters, two->net.n_parameters);
    assert_memory_equal(one->parameters, two->parameters, one->net.n_parameters * sizeof(float));
}

double error_of(ptsne_model *model, size_t d)
{
    static float y[N * 3];
    CHECK(pt_model_transform(model, blobs, N, y, NULL));
    return blobs_strangers(y, N, d, CLUSTERS);
}

double difference(const float *one, const float *two, size_t d)
{
    double mean[3] = {0}, apart = 0.0, spread = 0.0;
    for (size_t i = 0; i < N * d; i++) { mean[i % d] += (double)one[i] / (double)N; }
    for (size_t i = 0; i < N * d; i++) {
        apart += pow((double)two[i] - (double)one[i], 2.0);
        spread += pow((double)one[i] - mean[i % d], 2.0);
    }
    return sqrt(apart / spread);
}

void map_make(float map[N * 2])
{
    for (size_t i = 0; i < N; i++) {
        map[2 * i] = 1000.0f + 40.0f * (float)(i % CLUSTERS) + 0.1f * blobs[i * D];
        map[2 * i + 1] = -300.0f + (i % CLUSTERS == 1 ? 60.0f : 0.0f) + 0.1f * blobs[i * D + 1];
    }
}

/* ---- steps ---- */

/* The map to learn, and its classes. */
static void teacher_make(pt_backend *be, bench *b)
{
    ptsne_fit_report report;
    if (b->settings.teacher != NULL) {
        memcpy(b->map, b->settings.teacher, N * b->settings.n_components * sizeof *b->map);
    } else {
        CHECK(pt_teacher_map(be, blobs, N, D, &b->settings, false, NULL, &b->graph, b->map, &report, NULL));
    }
    CHECK(pt_teacher_create(b->map, N, b->settings.n_components, &b->teacher, NULL));
    CHECK(pt_teacher_classes(be, N, &b->settings, NULL, NULL, &b->teacher, NULL));
}

void bench_open(pt_backend *be, const ptsne_fit_options *given, size_t n_lists, bench *b)
{
    *b = (bench){0};
    CHECK(pt_settings_resolve(given, N, D, NULL, &b->settings, NULL));
    CHECK(pt_start_net(&b->settings, D, &b->net, NULL));
    CHECK(pt_summary_create(blobs, N, D, &b->summary, NULL));
    const bool taught = b->settings.mode == PTSNE_MODE_TEACHER;
    if (taught) {
        teacher_make(be, b);
    } else {
        CHECK(pt_graph_create(be, blobs, N, D, &b->settings, NULL, &b->graph, NULL));
    }
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
    pt_start_parameters(&b->settings, &b->net, &b->summary, taught ? &b->teacher : NULL, b->parameters);
    pt_sampler_epoch(&b->sampler, 0);
    CHECK(pt_trainer_load(be, &b->trainer, &b->sampler, 0, n_lists, NULL));
}

void bench_close(pt_backend *be, bench *b)
{
    pt_trainer_destroy(be, &b->trainer);
    pt_sampler_destroy(&b->sampler);
    pt_graph_destroy(&b->graph);
    pt_summary_destroy(&b->summary);
    pt_teacher_destroy(&b->teacher);
    free(b->parameters);
    free(b->gradient);
}

double bench_step(pt_backend *be, bench *b, size_t step)
{
    CHECK(pt_upload(be, b->parameters, &b->trainer.parameters, NULL));
    CHECK(pt_trainer_step(be, &b->trainer, 0, step, NULL));
    CHECK(pt_trainer_losses(be, &b->trainer, 1, NULL));
    CHECK(pt_download(be, &b->trainer.gradient, b->gradient, NULL));
    return (double)b->trainer.host_losses[0];
}
