#define _POSIX_C_SOURCE 200809L

#include "ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"

#define GUARD  ((size_t)64)
#define POISON 0x7FC0DEADu /* a quiet NaN of our own */

void *ops_memory(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL) { fail_msg("no memory for the test itself"); }
    return memory;
}

float *ops_random(ops_state *ops, size_t count, float scale)
{
    float *x = ops_memory(count, sizeof *x);
    for (size_t t = 0; t < count; t++) { x[t] = scale * (2.0f * pt_random_uniform(&ops->random) - 1.0f); }
    return x;
}

ops_array ops_put(ops_state *ops, const void *values, size_t count)
{
    const size_t front = ops->n_arrays++ % 2 == 0 ? GUARD : GUARD - 27, all = front + count + GUARD;
    ops_array array = {.sent = ops_memory(all, sizeof *array.sent)};
    for (size_t t = 0; t < all; t++) { array.sent[t] = POISON; }
    if (values != NULL) { memcpy(array.sent + front, values, count * sizeof *array.sent); }
    OPS_OK(ops, pt_buffer_create(ops->be, all, &array.whole, &ops->err));
    OPS_OK(ops, pt_upload(ops->be, array.sent, &array.whole, &ops->err));
    array.view = pt_buffer_view(&array.whole, front, count);
    return array;
}

static void digest(ops_state *ops, const uint32_t *result, size_t count) /* FNV-1a */
{
    for (size_t t = 0; t < count; t++) { ops->digest = (ops->digest ^ result[t]) * 0x100000001B3u; }
}

/* What the array holds now; its guards are checked and it is destroyed. */
static uint32_t *take_all(ops_state *ops, ops_array *array)
{
    const size_t front = array->view.offset, count = array->view.count, all = array->whole.count;
    uint32_t *now = ops_memory(all, sizeof *now), *result = ops_memory(count, sizeof *result);
    OPS_OK(ops, pt_download(ops->be, &array->whole, now, &ops->err));
    for (size_t t = 0; t < all; t++) {
        if ((t < front || t >= front + count) && now[t] != POISON) {
            fail_msg("%s: wrote at %lld of an array of %zu", ops->be->ops->name, (long long)t - (long long)front,
                     count);
        }
    }
    memcpy(result, now + front, count * sizeof *result);
    pt_buffer_destroy(ops->be, &array->whole);
    free(array->sent);
    free(now);
    return result;
}

void *ops_take(ops_state *ops, ops_array *array)
{
    uint32_t *result = take_all(ops, array);
    digest(ops, result, array->view.count);
    return result;
}

void *ops_take_some(ops_state *ops, ops_array *array, const size_t *list, size_t count)
{
    uint32_t *result = take_all(ops, array);
    for (size_t k = 0; k < count; k++) { result[k] = result[list[k]]; } /* ascending: none is lost */
    digest(ops, result, count);
    return result;
}

void ops_drop(ops_state *ops, ops_array *array)
{
    uint32_t *sent = array->sent;
    const size_t front = array->view.offset, count = array->view.count;
    array->sent = NULL;
    uint32_t *now = take_all(ops, array);
    for (size_t t = 0; t < count; t++) {
        if (now[t] != sent[front + t]) { fail_msg("%s: changed its input at %zu", ops->be->ops->name, t); }
    }
    free(now);
    free(sent);
}

void ops_discard(ops_state *ops, ops_array *array)
{
    free(take_all(ops, array));
}

void ops_compare(const ops_state *ops, const char *what, const float *got, const double *want, const double *bound,
                 size_t count, size_t columns)
{
    for (size_t t = 0; t < count; t++) {
        const double off = fabs((double)got[t] - want[t]);
        if (!(off <= bound[t])) { /* written so that a NaN fails too */
            fail_msg("%s %s: [%zu][%zu] is %.9g, oracle %.17g, bound %.2g", ops->be->ops->name, what, t / columns,
                     t % columns, (double)got[t], want[t], bound[t]);
        }
    }
}

void ops_same(const ops_state *ops, const char *what, const void *got, const void *want, size_t count)
{
    const uint32_t *a = got, *b = want;
    for (size_t t = 0; t < count; t++) {
        if (a[t] != b[t]) {
            float x, y;
            memcpy(&x, &a[t], sizeof x);
            memcpy(&y, &b[t], sizeof y);
            fail_msg("%s %s: [%zu] is %08x (%.9g), want %08x (%.9g)", ops->be->ops->name, what, t, (unsigned)a[t],
                     (double)x, (unsigned)b[t], (double)y);
        }
    }
}

/* ---- running ---- */

#define MOST_TESTS 16

/* One way to run a backend. */
typedef struct variant {
    const char *backend;
    size_t threads;
    const char *level, *product; /* PTSNE_CPU_LEVEL, PTSNE_CPU_PRODUCT; NULL: unset */
    bool optional;               /* a level that this processor may lack */
} variant;

/* Of the cpu, runs of one level and product follow each other: their digests must be the same. */
static const variant variants[] = {
    {"cpu", 1, NULL, NULL, false},    {"cpu", 2, NULL, NULL, false},  {"cpu", 3, NULL, NULL, false},
    {"cpu", 1, NULL, "own", false},   {"cpu", 3, NULL, "own", false}, {"cpu", 2, "v3", NULL, true},
    {"cpu", 2, "v3", "own", true},    {"cpu", 2, "v2", NULL, true},   {"cpu", 2, "v2", "own", true},
    {"opencl", 0, NULL, NULL, false},
};

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void set_or_unset(const char *name, const char *value)
{
    if (value == NULL) {
        unsetenv(name);
    } else {
        setenv(name, value, 1);
    }
}

static int begin_test(void **state)
{
    ops_state *ops = *state;
    ops->random = (pt_random){.seed = 20261121, .stream = 1};
    ops->n_arrays = 0;
    ops->digest = 0xCBF29CE484222325u;
    return 0;
}

/* Run all tests on one open backend; the number that failed. */
static int run_variant(const variant *v, const struct CMUnitTest *tests, size_t count, ops_state *states)
{
    struct CMUnitTest now[MOST_TESTS];
    char group[128];
    snprintf(group, sizeof group, "%s threads=%zu level=%s product=%s", v->backend, states[0].be->threads,
             v->level == NULL ? "best" : v->level, v->product == NULL ? "best" : v->product);
    for (size_t t = 0; t < count; t++) {
        now[t] = tests[t];
        now[t].setup_func = begin_test;
        now[t].initial_state = &states[t];
    }
    return _cmocka_run_group_tests(group, now, count, NULL, NULL);
}

static bool wants_small(pt_backend *be)
{
    ptsne_device_info info;
    const char *small = getenv("PTSNE_TEST_SMALL");
    be->ops->describe(be, &info);
    return (small != NULL && strcmp(small, "1") == 0) || strstr(info.name, "Oclgrind") != NULL;
}

/* Threads may not change a bit: compare with the variant before, if that differs in threads alone. */
static int compare_digests(const variant *v, const variant *before, const struct CMUnitTest *tests, size_t count,
                           const ops_state *states, uint64_t digests[MOST_TESTS])
{
    int failed = 0;
    const bool comparable = before != NULL && strcmp(v->backend, before->backend) == 0 &&
                            same_text(v->level, before->level) && same_text(v->product, before->product);
    for (size_t t = 0; t < count; t++) {
        if (comparable && states[t].digest != digests[t]) {
            print_error("%s: %s gives other bits with %zu threads than with %zu\n", v->backend, tests[t].name,
                        v->threads, before->threads);
            failed++;
        }
        digests[t] = states[t].digest;
    }
    return failed;
}

int ops_main(const struct CMUnitTest *tests, size_t count)
{
    uint64_t digests[MOST_TESTS] = {0};
    int failed = 0;
    const variant *before = NULL;
    if (count > MOST_TESTS) { return 1; }
    for (size_t k = 0; k < OPS_LENGTH(variants); k++) {
        const variant *v = &variants[k];
        ops_state states[MOST_TESTS] = {{0}};
        ptsne_error err = {0};
        pt_backend *be = NULL;
        if (!backend_wanted(v->backend)) { continue; }
        set_or_unset("PTSNE_CPU_LEVEL", v->level);
        set_or_unset("PTSNE_CPU_PRODUCT", v->product);
        const pt_backend_config config = {.spec = v->backend, .threads = v->threads};
        if (pt_backend_open_config(&config, &be, &err) != PTSNE_OK) {
            const bool missing = backend_required(v->backend) && !v->optional;
            print_message("%s: %s: %s\n", missing ? "FAILED" : "SKIPPED", v->backend, err.message);
            failed += missing;
            continue;
        }
        for (size_t t = 0; t < count; t++) { states[t] = (ops_state){.be = be, .small = wants_small(be)}; }
        failed += run_variant(v, tests, count, states);
        failed += compare_digests(v, before, tests, count, states, digests);
        before = v;
        pt_backend_close(be);
    }
    return failed == 0 ? 0 : 1;
}
