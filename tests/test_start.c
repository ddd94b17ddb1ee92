/* Training that goes on from a model: units, what becomes of its map, and models that make none. */
#include <math.h>
#include <string.h>

#include "fits.h"

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
        ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
        options.net = cases[i].net;
        memcpy(options.input, cases[i].input, sizeof options.input);
        options.head = cases[i].head;
        options.n_components = 3;
        options.teacher_phases[0].iterations = 20;
        options.teacher_phases[1].iterations = 30;
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
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
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

/* The shape of images is the model's, and the options may not say otherwise. */
static void test_init_images(void **state)
{
    pt_backend *be = *state;
    ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
    options.mode = PTSNE_MODE_EDGES;
    options.epochs = 1;
    options.net = "conv 2 2x2, 4";
    options.input[0] = 2, options.input[1] = 3, options.input[2] = 2;
    ptsne_model *model = fit(be, &options, NULL);
    options.init = model;
    options.input[0] = 3, options.input[1] = 2;
    refused(be, blobs, N, &options, PTSNE_ERR_ARGUMENT,
            "input is 3x2x2, but the model to go on from sees images of 2x3x2");
    options.input[0] = 9;
    refused(be, blobs, N, &options, PTSNE_ERR_ARGUMENT, "images of 9 x 2 x 2 have 36 values, the rows 12");
    options.input[0] = options.input[1] = options.input[2] = 0;
    ptsne_model *later = fit(be, &options, NULL);
    assert_string_equal(pt_metadata_get(&later->metadata, "ptsne.input"), "2x3x2");
    pt_model_destroy(later);
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
        ptsne_fit_options options = small_options(PTSNE_MODE_TEACHER);
        pt_net net;
        ptsne_model *model;
        ptsne_error err;
        check(pt_net_parse(cases[c].net, "relu", &input, &net, &err), &err);
        if (cases[c].shift) { CHECK(pt_net_append_shift(&net, NULL)); }
        CHECK(pt_model_create(be, &net, &model, NULL));
        options.mode = (ptsne_mode)(i % 3);
        options.init = model;
        refused(be, blobs, N, &options, PTSNE_ERR_ARGUMENT, cases[c].says);
        pt_model_destroy(model);
    }
}

int main(int argc, char **argv)
{
    pt_backend *be = fits_open(argc, argv, "start");
    if (be == NULL) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_init_units, be),
        cmocka_unit_test_prestate(test_init, be),
        cmocka_unit_test_prestate(test_init_images, be),
        cmocka_unit_test_prestate(test_init_refused, be),
    };
    const int failed = cmocka_run_group_tests_name("start", tests, NULL, NULL);
    fits_close(be);
    return failed;
}
