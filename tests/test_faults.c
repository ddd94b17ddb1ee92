#define _POSIX_C_SOURCE 200809L
/* A small fit with its state and model files, and a transform; an embedding with its state file, and new points beside it: every
 * allocation and every op failing in turn. What comes out is an error with a message, or, where the library can do without, the same
 * bits as without a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "directory.h"
#include "faults.h"
#include "network/transform.h"
#include "parametric/settings.h"
#include "parametric/training.h"
#include "tsne/embed.h"
#include "tsne/embed_settings.h"

enum { N = 40, D = 6 };

static char directory[DIRECTORY_ROOM];
static float rows[N * D];

typedef struct job {
    ptsne_fit_options options;
    bool known; /* the map below is that of a run without failures */
    float map[N * 2];
    char state[DIRECTORY_ROOM + 16], model[DIRECTORY_ROOM + 16];
} job;

static ptsne_status fit_save_load_transform(pt_backend *be, void *context, ptsne_error *err)
{
    job *j = context;
    float map[N * 2];
    ptsne_model *model = NULL, *back = NULL;
    ptsne_status status = pt_training_run(be, rows, N, D, &j->options, NULL, &model, NULL, err);
    if (status == PTSNE_OK) { status = pt_model_write(model, j->model, true, err); }
    if (status == PTSNE_OK) { status = pt_model_read(be, j->model, &back, err); }
    if (status == PTSNE_OK) { status = pt_model_transform(back, rows, N, map, err); }
    pt_model_destroy(back);
    pt_model_destroy(model);
    if (status != PTSNE_OK) { return status; }
    if (j->known && memcmp(map, j->map, sizeof map) == 0) { faults.forgiven = true; }
    memcpy(j->map, map, sizeof map);
    j->known = true;
    return PTSNE_OK;
}

/* Files left in the directory. */
static size_t files_count(void)
{
    size_t count = 0;
    DIR *listing = opendir(directory);
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) { count += entry->d_name[0] != '.'; }
    closedir(listing);
    return count;
}

static void walk(pt_backend *be, ptsne_mode mode, bool resume)
{
    job j = {0};
    ptsne_error err;
    pt_settings_default(&j.options);
    snprintf(j.state, sizeof j.state, "%s/state", directory);
    snprintf(j.model, sizeof j.model, "%s/model", directory);
    j.options.mode = mode;
    j.options.net = "8";
    j.options.activation = "elu"; /* keeps what dropout scales: more to take and to release */
    j.options.epochs = 1;
    j.options.batch_size = 20;
    j.options.pca = 3;
    j.options.n_neighbors = 4;
    j.options.perplexities[0] = 5.0;
    j.options.dropout = 0.1;
    j.options.averaging = mode == PTSNE_MODE_TEACHER ? 0.9 : 0.0;
    j.options.n_anchors = 4;
    j.options.teacher_phases[0] = (ptsne_phase){4, 12.0};
    j.options.n_teacher_phases = 1;
    j.options.optimizer = resume ? PTSNE_OPTIMIZER_SGD : PTSNE_OPTIMIZER_ADAM;
    j.options.checkpoint = j.state;
    assert_int_equal(fit_save_load_transform(be, &j, &err), PTSNE_OK);
    j.options.resume = resume;
    assert_true(faults_walk(be, fit_save_load_transform, &j) > (resume ? 40 : 150));
    assert_int_equal(files_count(), 2); /* no half-written file stays */
}

static void test_edges(void **state)
{
    walk(*state, PTSNE_MODE_EDGES, false);
}

static void test_batch(void **state)
{
    walk(*state, PTSNE_MODE_BATCH, false);
}

static void test_teacher(void **state)
{
    walk(*state, PTSNE_MODE_TEACHER, false);
}

static void test_resume(void **state)
{
    walk(*state, PTSNE_MODE_EDGES, true);
}

/* ---- embeddings ---- */

typedef struct embed_job {
    ptsne_embed_options options;
    bool known;
    float map[N * 2];
    char state[DIRECTORY_ROOM + 16];
} embed_job;

static ptsne_status embed_and_add(pt_backend *be, void *context, ptsne_error *err)
{
    embed_job *j = context;
    enum { OLD = N - 8 };
    float map[N * 2];
    ptsne_embed_report report;
    ptsne_status status = pt_embed(be, rows, OLD, D, NULL, &j->options, NULL, map, &report, err);
    ptsne_add_options add;
    pt_add_settings_default(&add);
    add.phases[0].iterations = 3;
    add.method = j->options.method;
    if (status == PTSNE_OK) {
        status =
            pt_embed_add(be, rows, map, OLD, D, 2, rows + OLD * D, N - OLD, &add, NULL, map + 2 * OLD, &report, err);
    }
    if (status != PTSNE_OK) { return status; }
    if (j->known && memcmp(map, j->map, sizeof map) == 0) { faults.forgiven = true; }
    memcpy(j->map, map, sizeof map);
    j->known = true;
    return PTSNE_OK;
}

static void embed_walk(pt_backend *be, ptsne_method method, bool resume)
{
    embed_job j = {0};
    ptsne_error err;
    pt_embed_settings_default(&j.options);
    snprintf(j.state, sizeof j.state, "%s/state", directory);
    unlink(j.state);
    j.options.method = method;
    j.options.perplexities[0] = 4.0;
    j.options.pca = 3;
    j.options.phases[0].iterations = 26; /* past the first new order */
    j.options.phases[1].iterations = 2;
    j.options.checkpoint = j.state;
    assert_int_equal(embed_and_add(be, &j, &err), PTSNE_OK);
    j.options.resume = resume;
    assert_true(faults_walk(be, embed_and_add, &j) > (resume ? 60 : 150));
    assert_int_equal(access(j.state, F_OK), 0);
    unlink(j.state);
}

static void test_embed_field(void **state)
{
    embed_walk(*state, PTSNE_METHOD_FIELD, false);
}

static void test_embed_tree(void **state)
{
    embed_walk(*state, PTSNE_METHOD_BARNES_HUT, false);
}

static void test_embed_resume(void **state)
{
    embed_walk(*state, PTSNE_METHOD_EXACT, true);
}

int main(void)
{
    pt_backend *be;
    ptsne_error err;
    const pt_backend_config config = {.spec = "cpu", .threads = 1};
    json_set_alloc_funcs(__wrap_malloc, free);
    if (access("/dev/shm", W_OK) == 0) { setenv("TMPDIR", "/dev/shm", 0); } /* hundreds of synced files: in memory */
    if (!directory_make("faults", directory) || pt_backend_open_config(&config, &be, &err) != PTSNE_OK) {
        fprintf(stderr, "no directory or no cpu backend\n");
        return 1;
    }
    pt_random random = {.seed = 3};
    for (size_t i = 0; i < N * D; i++) { rows[i] = pt_random_normal(&random); }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_edges, be),        cmocka_unit_test_prestate(test_batch, be),
        cmocka_unit_test_prestate(test_teacher, be),      cmocka_unit_test_prestate(test_resume, be),
        cmocka_unit_test_prestate(test_embed_field, be),  cmocka_unit_test_prestate(test_embed_tree, be),
        cmocka_unit_test_prestate(test_embed_resume, be),
    };
    const int failed = cmocka_run_group_tests_name("faults", tests, NULL, NULL);
    pt_backend_close(be);
    directory_remove(directory);
    return failed;
}
