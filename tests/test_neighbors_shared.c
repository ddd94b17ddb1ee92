/* The search by several devices against the same search by one: the same bytes. The devices are cpu backends, and where there is OpenCL
 * all that "opencl:all" opens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "api/device.h"
#include "backends.h"
#include "base/random.h"
#include "tsne/neighbors.h"
#include "tsne/neighbors_shared.h"

enum { POINTS = 5001, QUERIES = 4500, COLUMNS = 5, K = 12 };

/* Clusters, and many copies of one row: more than a list holds. */
static float *make_points(size_t n, uint64_t seed)
{
    pt_random random = {.seed = seed};
    float *x = malloc(n * COLUMNS * sizeof *x);
    assert_non_null(x);
    for (size_t t = 0; t < n * COLUMNS; t++) { x[t] = pt_random_normal(&random) + (float)(t / COLUMNS % 4) * 3.0f; }
    for (size_t i = 40; i < n; i += 90) { memcpy(x + i * COLUMNS, x, COLUMNS * sizeof *x); }
    return x;
}

typedef struct lists {
    uint32_t *index;
    float *distance;
} lists;

static lists lists_make(size_t m)
{
    const lists made = {malloc(m * K * sizeof *made.index), malloc(m * K * sizeof *made.distance)};
    assert_non_null(made.index);
    assert_non_null(made.distance);
    return made;
}

static void lists_free(lists *of)
{
    free(of->index);
    free(of->distance);
}

/* One device and several of them find the same. */
static void check_same(pt_backend *one, pt_backend *several)
{
    float *x = make_points(POINTS, 1), *query = make_points(QUERIES, 2);
    memcpy(query, x, COLUMNS * sizeof *x);
    for (int queries = 0; queries < 2; queries++) {
        const size_t m = queries ? QUERIES : POINTS;
        lists want = lists_make(m), have = lists_make(m);
        ptsne_error err = {0};
        const float *asked = queries ? query : NULL;
        assert_int_equal(
            pt_neighbors_find(one, x, POINTS, asked, m, COLUMNS, "euclidean", K, NULL, want.index, want.distance, &err),
            PTSNE_OK);
        if (pt_neighbors_shared(several, x, POINTS, asked, m, COLUMNS, "euclidean", K, NULL, have.index, have.distance,
                                &err) != PTSNE_OK) {
            fail_msg("%s", err.message);
        }
        assert_memory_equal(have.index, want.index, m * K * sizeof *have.index);
        assert_memory_equal(have.distance, want.distance, m * K * sizeof *have.distance);
        memset(have.index, 0, m * K * sizeof *have.index);
        assert_int_equal(
            pt_neighbors_shared(several, x, POINTS, asked, m, COLUMNS, "euclidean", K, NULL, have.index, NULL, &err),
            PTSNE_OK);
        assert_memory_equal(have.index, want.index, m * K * sizeof *have.index);
        lists_free(&want);
        lists_free(&have);
    }
    free(x);
    free(query);
}

static void test_processors(void **state)
{
    (void)state;
    pt_backend *one = backend_cpu(1, 0), *several = backend_cpu(1, 0);
    several->next = backend_cpu(1, 0);
    several->next->next = backend_cpu(1, 0);
    check_same(one, several);
    pt_backend_close(several); /* all three: the leak checker would see */
    pt_backend_close(one);
}

static ptsne_status broken_upload(pt_backend *be, const void *from, const pt_buffer *to, ptsne_error *err)
{
    (void)be, (void)from, (void)to;
    return pt_fail(err, PTSNE_ERR_DEVICE, "the second device is broken");
}

static void test_failure(void **state)
{
    (void)state;
    pt_backend *be = backend_cpu(1, 0);
    be->next = backend_cpu(1, 0);
    pt_backend_ops broken = *be->next->ops;
    broken.upload = broken_upload;
    be->next->ops = &broken;
    float *x = make_points(POINTS, 1);
    lists have = lists_make(POINTS);
    ptsne_error err = {0};
    assert_int_equal(pt_neighbors_shared(be, x, POINTS, NULL, 0, COLUMNS, "euclidean", K, NULL, have.index, NULL, &err),
                     PTSNE_ERR_DEVICE);
    assert_string_equal(err.message, "the second device is broken");
    lists_free(&have);
    free(x);
    pt_backend_close(be);
}

static int stop_at_once(const ptsne_progress *progress, void *user)
{
    (void)progress;
    ++*(size_t *)user;
    return 1;
}

static void test_stop(void **state)
{
    (void)state;
    size_t calls = 0;
    const ptsne_observer observer = {.progress = stop_at_once, .user = &calls};
    pt_backend *be = backend_cpu(1, 0);
    be->next = backend_cpu(1, 0);
    float *x = make_points(POINTS, 1);
    lists have = lists_make(POINTS);
    ptsne_error err = {0};
    assert_int_equal(
        pt_neighbors_shared(be, x, POINTS, NULL, 0, COLUMNS, "euclidean", K, &observer, have.index, NULL, &err),
        PTSNE_ERR_STOPPED);
    assert_true(calls > 0);
    lists_free(&have);
    free(x);
    pt_backend_close(be);
}

static void test_opencl(void **state)
{
    (void)state;
    const ptsne_device_options options = {.spec = "opencl:all"};
    ptsne_device *all = NULL;
    ptsne_error err = {0};
    if (ptsne_device_open(&options, NULL, &all, &err) != PTSNE_OK) {
        if (backend_missing("opencl", &err)) { fail(); }
        return;
    }
    pt_backend *one = backend_cpu(1, 0);
    check_same(one, all->be);
    pt_backend_close(one);
    ptsne_device_destroy(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_processors),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_opencl),
    };
    return cmocka_run_group_tests_name("neighbors_shared", tests, NULL, NULL);
}
