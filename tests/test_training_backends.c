/* Training on every other backend that opens: the losses of its first steps are the cpu's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "backends.h"
#include "fits.h"
#include "lessons.h"

#define STEPS ((size_t)20)

static pt_backend *cpu;

static void losses_compare(const char *what, const pt_backend *be, const double *here, const double *there,
                           size_t count, double share, double least)
{
    for (size_t s = 0; s < count; s++) {
        if (!(fabs(here[s] - there[s]) <= share * (fabs(here[s]) + least))) {
            fail_msg("%s, step %zu: loss %.7g on the cpu, %.7g on %s", what, s, here[s], there[s], be->ops->name);
        }
    }
}

/* ---- maps ---- */

static void edges_or_batch_losses(pt_backend *be, ptsne_mode mode, double losses[STEPS])
{
    ptsne_fit_options options = small_options(mode);
    options.batch_size = mode == PTSNE_MODE_BATCH ? 12 : 24; /* so that an epoch has steps enough */
    options.perplexities[0] = mode == PTSNE_MODE_BATCH ? 3.0 : 5.0;
    options.epochs = 20;
    options.n_neighbors = 5;
    options.pca = 0; /* ties and signs are another test's */
    bench *b = malloc(sizeof *b);
    assert_non_null(b);
    bench_open(be, &options, STEPS, b);
    CHECK(pt_upload(be, b->parameters, &b->trainer.parameters, NULL));
    for (size_t s = 0; s < STEPS; s++) { CHECK(pt_trainer_step(be, &b->trainer, s, s, NULL)); }
    CHECK(pt_trainer_losses(be, &b->trainer, STEPS, NULL));
    for (size_t s = 0; s < STEPS; s++) { losses[s] = (double)b->trainer.host_losses[s]; }
    bench_close(be, b);
    free(b);
}

static void test_edges_and_batch(void **state)
{
    static const struct {
        ptsne_mode mode;
        const char *name;
        double share; /* searches for a precision end within 1e-5 bits, wherever that is */
    } modes[] = {{PTSNE_MODE_EDGES, "edges", 1e-4}, {PTSNE_MODE_BATCH, "batch", 3e-4}};
    for (size_t m = 0; m < 2; m++) {
        double here[STEPS], there[STEPS];
        edges_or_batch_losses(cpu, modes[m].mode, here);
        edges_or_batch_losses(*state, modes[m].mode, there);
        losses_compare(modes[m].name, *state, here, there, STEPS, modes[m].share, 0.0);
    }
}

static void test_teacher(void **state)
{
    pt_backend *const both[] = {cpu, *state};
    double loss[2][8];
    static float map[N * 2];
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
    bench *b = malloc(sizeof *b);
    assert_non_null(b);
    map_make(map);
    options.teacher = map;
    options.n_anchors = CLUSTERS; /* the same ones however the last bits fall */
    options.interpolation = 0.0;
    for (size_t e = 0; e < 2; e++) {
        bench_open(both[e], &options, 1, b);
        for (size_t s = 0; s < 8; s++) {
            loss[e][s] = bench_step(both[e], b, s);
            CHECK(pt_download(both[e], &b->trainer.parameters, b->parameters, NULL));
        }
        bench_close(both[e], b);
    }
    free(b);
    losses_compare("teacher", *state, loss[0], loss[1], 8, 1e-4, 0.1);
}

/* A whole run, its teacher's map included. */
static void test_whole(void **state)
{
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
    options.epochs = 40;
    ptsne_model *model = fit(*state, &options, NULL);
    assert_true(error_of(model, 2) < 0.05);
    pt_model_destroy(model);
}

/* ---- classes ---- */

static void test_classifier(void **state)
{
    pt_backend *const both[] = {cpu, *state};
    double loss[2][2];
    for (size_t e = 0; e < 2; e++) {
        record heard = {.count = 0};
        ptsne_classify_options options = classify_options(&heard);
        ptsne_model *model;
        ptsne_error err;
        options.net = "conv 4 3x3 same, bn, relu, pool 2, 12, relu, dropout 0.1";
        options.input[0] = 4, options.input[1] = 3, options.input[2] = 1;
        options.learn.stretches[0].epochs = 2;
        options.learn.kernel_l2 = 1e-3;
        check(pt_classifier_train(both[e], blobs, labels, N, D, &options, NULL, &model, NULL, &err), &err);
        pt_model_destroy(model);
        for (size_t s = 0; s < 2; s++) { loss[e][s] = heard.epochs[s].loss; }
    }
    losses_compare("classifier", *state, loss[0], loss[1], 2, 1e-4, 0.0);
}

int main(int argc, char **argv)
{
    int failed = 0;
    cpu = lessons_open(argc, argv);
    if (cpu == NULL) { return 1; }
    pt_backend *be;
    for (size_t b = 0; (be = backend_next(&b, &failed)) != NULL;) {
        if (!backend_is_cpu(be)) {
            const struct CMUnitTest tests[] = {
                cmocka_unit_test_prestate(test_edges_and_batch, be),
                cmocka_unit_test_prestate(test_teacher, be),
                cmocka_unit_test_prestate(test_whole, be),
                cmocka_unit_test_prestate(test_classifier, be),
            };
            failed += cmocka_run_group_tests_name(be->ops->name, tests, NULL, NULL);
        }
        pt_backend_close(be);
    }
    lessons_close(cpu);
    return failed;
}
