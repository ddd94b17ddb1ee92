#define _GNU_SOURCE
/* Neighbours by cells against a float64 search of all pairs: the recall that was asked for and the one that is reported, the
 * distances, and data that cells do not like (copies, one cell, clusters far apart, rows of zeros). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "base/random.h"
#include "faults.h"
#include "tsne/cells.h"

typedef enum kind { GROUPS, NOISE, DISTANT, COPIES, EQUAL, LOPSIDED } kind;

static const char *const kind_names[] = {"groups", "noise", "distant", "copies", "equal", "lopsided"};

static float *make_data(kind what, size_t n, size_t d, uint64_t seed)
{
    pt_random random = {.seed = seed, .stream = 1};
    float *x = malloc(n * d * sizeof *x), center[20][64];
    assert_non_null(x);
    for (size_t g = 0; g < 20; g++) {
        for (size_t j = 0; j < d; j++) { center[g][j] = 3.0f * pt_random_normal(&random); }
    }
    for (size_t i = 0; i < n; i++) {
        const float *c = center[pt_random_below(&random, 20)];
        for (size_t j = 0; j < d; j++) {
            float value = c[j] + pt_random_normal(&random);
            if (what == NOISE) { value -= c[j]; }
            if (what == DISTANT) { value += 3.0e3f * c[j]; }
            if (what == EQUAL) { value = 0.1f * (float)j; }
            if (what == LOPSIDED && i % 8 != 0) { value = 1.0e-3f * (value - c[j]); } /* most points in one place */
            x[i * d + j] = value;
        }
    }
    for (size_t i = 7; i < n && what == COPIES; i++) { /* each point 12 times */
        if (i >= n / 12) { memcpy(x + i * d, x + i % (n / 12) * d, d * sizeof *x); }
    }
    return x;
}

static double oracle_distance(bool cosine, const float *a, const float *b, size_t d)
{
    double squares = 0.0, aa = 0.0, bb = 0.0, ab = 0.0;
    for (size_t j = 0; j < d; j++) {
        const double u = (double)a[j], v = (double)b[j];
        squares += (u - v) * (u - v);
        aa += u * u;
        bb += v * v;
        ab += u * v;
    }
    if (cosine) { return aa > 0.0 && bb > 0.0 ? 1.0 - ab / sqrt(aa * bb) : 1.0; }
    return squares;
}

static void swap_values(double *a, double *b)
{
    const double value = *a;
    *a = *b;
    *b = value;
}

/* The value that has k others before it in order (Hoare's selection); all comes into another order. */
static double select_value(double *all, size_t n, size_t k)
{
    for (size_t first = 0, last = n - 1; first < last;) {
        const double pivot = all[first + (last - first) / 2];
        size_t i = first, j = last;
        for (;; i++, j--) {
            while (all[i] < pivot) { i++; }
            while (all[j] > pivot) { j--; }
            if (i >= j) { break; }
            swap_values(&all[i], &all[j]);
        }
        if (k <= j) {
            last = j;
        } else {
            first = j + 1;
        }
    }
    return all[k];
}

/* The k-th least distance of row i to another. */
static double oracle_last(bool cosine, const float *x, size_t n, size_t d, size_t i, size_t k)
{
    double *all = malloc(n * sizeof *all);
    assert_non_null(all);
    for (size_t j = 0; j < n; j++) {
        all[j] = j == i ? (double)INFINITY : oracle_distance(cosine, x + i * d, x + j * d, d);
    }
    const double last = select_value(all, n, k - 1);
    free(all);
    return last;
}

typedef struct result {
    uint32_t *index;
    float *distance;
    pt_cells_report report;
} result;

static result find(pt_backend *be, const float *x, size_t n, size_t d, const char *metric, size_t k, double recall)
{
    result found = {malloc(n * k * sizeof(uint32_t)), malloc(n * k * sizeof(float)), {0}};
    assert_true(found.index != NULL && found.distance != NULL);
    ptsne_error err = {0};
    if (pt_cells_find(be, x, n, d, metric, k, recall, 5, NULL, found.index, found.distance, &found.report, &err) !=
        PTSNE_OK) {
        fail_msg("%s", err.message);
    }
    return found;
}

static void result_free(result *found)
{
    free(found->index);
    free(found->distance);
}

/* A list is in order, has no point twice nor the row itself, and its distances are right. seen: n, of each point the last list
 * that had it, from 1. */
static void check_list(const char *name, bool cosine, const float *x, size_t n, size_t d, size_t i, size_t k,
                       const result *found, uint32_t *seen)
{
    const uint32_t *index = found->index + i * k;
    const float *distance = found->distance + i * k;
    for (size_t l = 0; l < k; l++) {
        assert_true(index[l] < n && index[l] != i);
        assert_int_not_equal(seen[index[l]], i + 1); /* not in this list already */
        seen[index[l]] = (uint32_t)i + 1;
        const double want = oracle_distance(cosine, x + i * d, x + index[l] * d, d);
        const double bound = cosine ? 8.0 * (double)FLT_EPSILON : (double)FLT_EPSILON * want;
        if (!(fabs((double)distance[l] - want) <= bound)) {
            fail_msg("%s: row %zu, neighbour %zu: distance %.9g, oracle %.9g", name, i, l, (double)distance[l], want);
        }
        if (l == 0) { continue; }
        assert_true(distance[l - 1] <= distance[l]);
        const double one = oracle_distance(cosine, x + i * d, x + index[l - 1] * d, d);
        if (one == want && !cosine) { assert_true(index[l - 1] < index[l]); }
    }
}

/* All lists in order, and the true recall of every third row or so. */
static double check_all(const char *name, bool cosine, const float *x, size_t n, size_t d, size_t k,
                        const result *found)
{
    size_t good = 0, looked = 0;
    uint32_t *seen = calloc(n, sizeof *seen);
    assert_non_null(seen);
    for (size_t i = 0; i < n; i++) {
        check_list(name, cosine, x, n, d, i, k, found, seen);
        if (i % (n / 300 + 1) != 0) { continue; }
        const double last = oracle_last(cosine, x, n, d, i, k);
        for (size_t l = 0; l < k; l++) {
            const double here = oracle_distance(cosine, x + i * d, x + found->index[i * k + l] * d, d);
            good += here <= last * (1.0 + (double)FLT_EPSILON) + (cosine ? (double)FLT_EPSILON : 0.0);
            looked++;
        }
    }
    free(seen);
    return (double)good / (double)looked;
}

static const struct {
    kind what;
    size_t n, d, k;
    double recall;
} cases[] = {
    {GROUPS, 3500, 12, 15, 0.99}, {GROUPS, 3500, 12, 15, 0.8},  {NOISE, 3500, 8, 20, 0.99},
    {NOISE, 3000, 3, 5, 0.95},    {NOISE, 2000, 30, 30, 0.99},  {DISTANT, 3000, 10, 90, 0.99},
    {COPIES, 3000, 6, 10, 0.99},  {EQUAL, 1500, 4, 7, 0.99},    {LOPSIDED, 3000, 5, 9, 0.99},
    {NOISE, 2, 5, 1, 0.99},       {NOISE, 70, 3, 69, 0.99},     {GROUPS, 150, 5, 149, 0.5},
    {GROUPS, 1300, 4, 600, 0.9},  {NOISE, 1200, 2, 1024, 0.99}, {NOISE, 300, 1, 4, 1.0},
};

static void test_recall(void **state)
{
    pt_backend *be = *state;
    for (size_t t = 0; t < sizeof cases / sizeof cases[0]; t++) {
        const size_t n = cases[t].n, d = cases[t].d, k = cases[t].k;
        const char *name = kind_names[cases[t].what];
        float *x = make_data(cases[t].what, n, d, t);
        result found = find(be, x, n, d, "euclidean", k, cases[t].recall);
        const double recall = check_all(name, false, x, n, d, k, &found);
        if (!(recall >= cases[t].recall - 0.004) || !(fabs(recall - found.report.recall) < 0.02)) {
            fail_msg("case %zu, %s: recall %.4f, reported %.4f, asked %.4f", t, name, recall, found.report.recall,
                     cases[t].recall);
        }
        assert_true(found.report.n_cells >= 1 && found.report.n_probed >= 1 &&
                    found.report.n_probed <= found.report.n_cells);
        assert_true(found.report.share_of_pairs > 0.0 && found.report.share_of_pairs <= 1.0);
        result_free(&found);
        free(x);
    }
}

/* Less is looked at where less is asked for, and groups are not looked for in each other. */
static void test_shares(void **state)
{
    pt_backend *be = *state;
    const size_t n = 9000, d = 12, k = 15;
    const double recalls[] = {0.999, 0.99, 0.9, 0.6};
    float *x = make_data(GROUPS, n, d, 90);
    double before = 1.0;
    for (size_t t = 0; t < 4; t++) {
        result found = find(be, x, n, d, "euclidean", k, recalls[t]);
        assert_true(found.report.share_of_pairs < before);
        before = found.report.share_of_pairs;
        if (t == 1) { assert_true(before < 0.1); } /* one of 20 groups is 0.05 */
        assert_true(found.report.recall < 1.0);
        result_free(&found);
    }
    free(x);
}

static void test_cosine(void **state)
{
    pt_backend *be = *state;
    for (size_t zeros = 0; zeros < 2; zeros++) {
        const size_t n = 3000, d = 9, k = 12;
        float *x = make_data(GROUPS, n, d, 50);
        for (size_t i = 0; i < n; i++) { /* lengths do not matter */
            for (size_t j = 0; j < d; j++) { x[i * d + j] *= (float)(i % 7 + 1); }
        }
        for (size_t i = 0; i < 40 && zeros; i++) { memset(x + i * 31 * d, 0, d * sizeof *x); }
        result found = find(be, x, n, d, "cosine", k, 0.99);
        const double recall = check_all("cosine", true, x, n, d, k, &found);
        if (!(recall >= 0.985)) { fail_msg("cosine: recall %.4f, reported %.4f", recall, found.report.recall); }
        for (size_t l = 0; l < k && zeros; l++) { assert_float_equal(found.distance[31 * k + l], 1.0f, 0.0f); }
        result_free(&found);
        free(x);
    }
}

/* Threads change no byte; too little memory for all points changes no list to speak of. */
static void test_same_bytes(void **state)
{
    (void)state;
    const kind kinds[] = {GROUPS, NOISE, DISTANT};
    const size_t threads[] = {1, 2, 3, 2}, n = 4000, d = 20, k = 12;
    for (size_t t = 0; t < 3; t++) {
        float *x = make_data(kinds[t], n, d, 60 + t);
        result found[4];
        for (size_t r = 0; r < 4; r++) {
            pt_backend *be = backend_cpu(threads[r], r < 3 ? 0 : (size_t)340 << 10);
            found[r] = find(be, x, n, d, "euclidean", k, 0.99);
            assert_int_equal(be->memory_used, 0);
            pt_backend_close(be);
        }
        for (size_t r = 1; r < 3; r++) {
            assert_memory_equal(found[0].index, found[r].index, n * k * sizeof(uint32_t));
            assert_memory_equal(found[0].distance, found[r].distance, n * k * sizeof(float));
            assert_memory_equal(&found[0].report, &found[r].report, sizeof(pt_cells_report));
        }
        assert_true(check_all(kind_names[kinds[t]], false, x, n, d, k, &found[3]) >= 0.985);
        for (size_t r = 0; r < 4; r++) { result_free(&found[r]); }
        free(x);
    }
}

static void test_refusals(void **state)
{
    pt_backend *be = *state;
    float *x = make_data(NOISE, 20, 4, 1);
    uint32_t index[400];
    ptsne_error err = {0};
    const struct {
        size_t n, d, k;
        const char *metric;
        double recall;
        const char *said;
    } refused[] = {
        {20, 4, 20, "euclidean", 0.99, "at most 19"},   {20, 4, 0, "euclidean", 0.99, "0 neighbours"},
        {0, 4, 1, "euclidean", 0.99, "of 0 points"},    {20, 0, 1, "euclidean", 0.99, "0 columns"},
        {20, 4, 3, "manhattan", 0.99, "\"manhattan\""}, {20, 4, 3, "cosine", 0.0, "recall 0 "},
        {20, 4, 3, "euclidean", 1.5, "recall 1.5"},     {20, 4, 3, "euclidean", (double)NAN, "recall nan"},
    };
    for (size_t t = 0; t < sizeof refused / sizeof refused[0]; t++) {
        assert_int_equal(pt_cells_find(be, x, refused[t].n, refused[t].d, refused[t].metric, refused[t].k,
                                       refused[t].recall, 1, NULL, index, NULL, NULL, &err),
                         PTSNE_ERR_ARGUMENT);
        if (strstr(err.message, refused[t].said) == NULL) { fail_msg("refusal %zu: \"%s\"", t, err.message); }
    }
    assert_int_equal(pt_cells_find(be, x, 20, 4, "euclidean", 19, 0.99, 1, NULL, index, NULL, NULL, &err), PTSNE_OK);
    for (size_t t = 0; t < 80; t++) { x[t] *= 1.0e30f; }
    assert_int_equal(pt_cells_find(be, x, 20, 4, "euclidean", 3, 0.99, 1, NULL, index, NULL, NULL, &err),
                     PTSNE_ERR_DATA);
    free(x);
}

typedef struct listener {
    const char *stop_in; /* the stage to stop, or NULL */
    size_t stop_at, calls;
    uint64_t last, n_steps;
} listener;

static int listen(const ptsne_progress *progress, void *user)
{
    listener *heard = user;
    const bool clusters = strcmp(progress->stage, "k-means") == 0;
    assert_true(clusters || strcmp(progress->stage, "neighbours") == 0);
    assert_true(progress->step <= progress->n_steps);
    if (!clusters) {
        assert_true(progress->step >= heard->last);
        heard->last = progress->step;
        heard->n_steps = progress->n_steps;
    }
    if (heard->stop_in == NULL || strcmp(progress->stage, heard->stop_in) != 0) { return 0; }
    return ++heard->calls >= heard->stop_at;
}

static void test_progress(void **state)
{
    pt_backend *be = *state;
    const size_t n = 3000, d = 6, k = 5;
    float *x = make_data(GROUPS, n, d, 3);
    uint32_t *index = malloc(n * k * sizeof *index);
    assert_non_null(index);
    listener heard = {0};
    const ptsne_observer observer = {.progress = listen, .user = &heard};
    assert_int_equal(pt_cells_find(be, x, n, d, "euclidean", k, 0.99, 1, &observer, index, NULL, NULL, NULL), PTSNE_OK);
    assert_int_equal(heard.last, n);
    assert_int_equal(heard.n_steps, n);
    const char *const stages[] = {"k-means", "neighbours"};
    for (size_t t = 0; t < 2; t++) {
        heard = (listener){.stop_in = stages[t], .stop_at = 2};
        assert_int_equal(pt_cells_find(be, x, n, d, "euclidean", k, 0.99, 1, &observer, index, NULL, NULL, NULL),
                         PTSNE_ERR_STOPPED);
        assert_int_equal(be->memory_used, 0);
    }
    free(index);
    free(x);
}

static ptsne_status do_find(pt_backend *be, void *context, ptsne_error *err)
{
    uint32_t index[130 * 4];
    return pt_cells_find(be, context, 130, 6, "euclidean", 4, 0.9, 1, NULL, index, NULL, NULL, err);
}

static ptsne_status do_wide(pt_backend *be, void *context, ptsne_error *err)
{
    uint32_t index[200 * 4];
    return pt_cells_find(be, context, 200, 40, "euclidean", 4, 0.9, 1, NULL, index, NULL, NULL, err);
}

static ptsne_status do_cosine(pt_backend *be, void *context, ptsne_error *err)
{
    uint32_t index[130 * 4];
    return pt_cells_find(be, context, 130, 6, "cosine", 4, 0.9, 1, NULL, index, NULL, NULL, err);
}

static void test_failures(void **state)
{
    (void)state;
    pt_backend *be = backend_cpu(1, 0); /* thousands of runs: threads would wait for each other */
    float *x = make_data(GROUPS, 130, 6, 8), *far = make_data(DISTANT, 130, 6, 9);
    assert_true(faults_walk(be, do_find, far) > 60);
    assert_true(faults_walk(be, do_cosine, x) > 60);
    float *wide = make_data(GROUPS, 200, 40, 10);
    pt_backend *small = backend_cpu(1, (size_t)48 << 10); /* a tile of columns at a time */
    assert_true(faults_walk(small, do_wide, wide) > 60);
    free(wide);
    pt_backend_close(small);
    pt_backend_close(be);
    free(x);
    free(far);
}

int main(void)
{
    pt_backend *be = backend_cpu(2, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_recall, be),
        cmocka_unit_test_prestate(test_shares, be),
        cmocka_unit_test_prestate(test_cosine, be),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test_prestate(test_refusals, be),
        cmocka_unit_test_prestate(test_progress, be),
        cmocka_unit_test(test_failures),
    };
    const int failed = cmocka_run_group_tests_name("cells", tests, NULL, NULL);
    pt_backend_close(be);
    return failed;
}
