#define _GNU_SOURCE
/* Neighbour graphs in files, and films: what goes out comes back bit for bit, what others wrote is put in order, what is wrong is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "ptsne.h"

static char directory[DIRECTORY_ROOM];
static char index_path[DIRECTORY_ROOM + 16], distance_path[DIRECTORY_ROOM + 16];

/* An .npy of n x k elements of a type of `bytes` bytes. */
static void npy_put(const char *path, const char *type, size_t n, size_t k, const void *values, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    char text[119];
    const int length =
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%zu, %zu), }", type, n, k);
    memset(text + length, ' ', sizeof text - (size_t)length);
    text[117] = '\n';
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
    fwrite(text, 1, 118, file);
    fwrite(values, bytes, n * k, file);
    fclose(file);
}

static ptsne_graph graph_get(const char *metric)
{
    ptsne_graph graph;
    ptsne_error err = {0};
    if (ptsne_graph_read(index_path, distance_path, metric, &graph, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
    return graph;
}

static void expect(const ptsne_graph *graph, size_t n, size_t k, const uint32_t *index, const float *distance)
{
    assert_int_equal(graph->n, n);
    assert_int_equal(graph->k, k);
    assert_memory_equal(graph->index, index, n * k * sizeof *index);
    assert_memory_equal(graph->distance, distance, n * k * sizeof *distance);
}

/* Every float32 survives the way to its root and back. */
static void test_round_trip(void **state)
{
    (void)state;
    enum { N = 1000, K = 7 };
    uint32_t *index = calloc(N * K, sizeof *index);
    float *distance = calloc(N * K, sizeof *distance);
    assert_non_null(index);
    assert_non_null(distance);
    for (size_t i = 0; i < N * K; i++) {
        index[i] = (uint32_t)((i / K + 1 + i % K) % N);
        distance[i] = (float)(i % K) * 1.7f + 0.0123f * (float)(i / K + 1);
    }
    index[K - 1] = UINT32_MAX, distance[K - 1] = INFINITY;
    distance[K] = 1e-40f, distance[2 * K] = 0.0f, distance[4 * K - 1] = 3.4e38f;
    const ptsne_graph out = {N, K, index, distance};
    static const char *const metrics[] = {"euclidean", "cosine"};
    for (size_t m = 0; m < 2; m++) {
        ptsne_error err = {0};
        if (ptsne_graph_write(&out, metrics[m], index_path, distance_path, m > 0, &err) != PTSNE_OK) {
            fail_msg("%s", err.message);
        }
        ptsne_graph in = graph_get(metrics[m]);
        expect(&in, N, K, index, distance);
        ptsne_graph_release(&in);
        assert_null(in.index);
    }
    ptsne_error err = {0};
    assert_int_equal(ptsne_graph_write(&out, "euclidean", index_path, distance_path, 0, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "exists already"));
    free(index);
    free(distance);
}

/* As scikit-learn has it: int64, each point first among its own; a duplicate may be before it, and push it out. */
static void test_own_points(void **state)
{
    (void)state;
    const int64_t index[] = {0, 2, 1, 1, 0, 2, 0, 2, 1, 1, 0, 2};
    const double distance[] = {0, 1, 3, 0, 3, 4, 0, 0.5, 4, 1, 2, 5};
    npy_put(index_path, "<i8", 4, 3, index, sizeof *index);
    npy_put(distance_path, "<f8", 4, 3, distance, sizeof *distance);
    ptsne_graph graph = graph_get("euclidean");
    expect(&graph, 4, 2, (const uint32_t[]){2, 1, 0, 2, 0, 1, 1, 0}, (const float[]){1, 9, 9, 16, 0, 16, 1, 4});
    ptsne_graph_release(&graph);
}

/* Missing neighbours in the words of all programs, and rows out of order. */
static void test_order(void **state)
{
    (void)state;
    const uint32_t index[] = {UINT32_MAX, 1, 2, 2, 3, 0, 3, 0, 1, 0, 1, 2};
    const float distance[] = {NAN, 3, 2, 1, 1, INFINITY, 2, 1, 2, 5, 6, 4};
    npy_put(index_path, "<u4", 4, 3, index, sizeof *index);
    npy_put(distance_path, "<f4", 4, 3, distance, sizeof *distance);
    ptsne_graph graph = graph_get("cosine");
    expect(&graph, 4, 3, (const uint32_t[]){2, 1, UINT32_MAX, 2, 3, UINT32_MAX, 0, 3, 1, 2, 0, 1},
           (const float[]){2, 3, INFINITY, 1, 1, INFINITY, 1, 2, 2, 4, 5, 6});
    ptsne_graph_release(&graph);
    const int8_t big[] = {1, -1};
    const uint8_t swapped[] = {0x3f, 0x80, 0, 0, 0x40, 0, 0, 0};
    npy_put(index_path, "|i1", 2, 1, big, 1);
    npy_put(distance_path, ">f4", 2, 1, swapped, 4);
    graph = graph_get("euclidean");
    expect(&graph, 2, 1, (const uint32_t[]){1, UINT32_MAX}, (const float[]){1, INFINITY});
    ptsne_graph_release(&graph);
}

static void refused(const char *words)
{
    ptsne_graph graph;
    ptsne_error err = {0};
    const ptsne_status status = ptsne_graph_read(index_path, distance_path, "euclidean", &graph, &err);
    if (status != PTSNE_ERR_DATA || strstr(err.message, words) == NULL) {
        fail_msg("status %d, \"%s\" lacks \"%s\"", status, err.message, words);
    }
    assert_null(graph.index);
}

static void test_refusals(void **state)
{
    (void)state;
    const struct {
        int32_t index[2];
        float distance[2];
        const char *words;
    } cases[] = {
        {{1, 2}, {1, 1}, "index.npy: row 2, column 1: 2 is none of the rows 0 to 1"},
        {{-2, 0}, {1, 1}, "index.npy: row 1, column 1: -2 is none of the rows 0 to 1"},
        {{1, 0}, {1, NAN}, "distance.npy: row 2, column 1: nan is no distance"},
        {{1, 0}, {-1, 1}, "distance.npy: row 1, column 1: -1 is no distance"},
        {{1, 0}, {1e30f, 1}, "distance.npy: row 1, column 1: 1e+30 is too far"},
        {{0, 0}, {0, 1}, "the points themselves are their only neighbours"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        npy_put(index_path, "<i4", 2, 1, cases[i].index, 4);
        npy_put(distance_path, "<f4", 2, 1, cases[i].distance, 4);
        refused(cases[i].words);
    }
    npy_put(distance_path, "<f4", 1, 2, cases[0].distance, 4);
    refused("distance.npy: 1 x 2 distances, but ");
    npy_put(index_path, "<f4", 2, 1, cases[0].distance, 4);
    refused("index.npy: these are not whole numbers");
    npy_put(index_path, "<i4", 2, 1, cases[0].index, 2);
    refused("index.npy: truncated");
    ptsne_graph graph;
    ptsne_error err = {0};
    assert_int_equal(ptsne_graph_read("/nonexistent/i.npy", distance_path, "euclidean", &graph, &err), PTSNE_ERR_IO);
}

static void test_frames(void **state)
{
    (void)state;
    const float frame[6] = {1, 2, 3, 4, 5, 6};
    ptsne_writer *writer;
    ptsne_error err = {0};
    assert_int_equal(ptsne_writer_open_frames(index_path, 3, 2, 1, &writer, &err), PTSNE_OK);
    for (size_t i = 0; i < 4; i++) { assert_int_equal(ptsne_writer_rows(writer, frame, 3, &err), PTSNE_OK); }
    assert_int_equal(ptsne_writer_commit(writer, &err), PTSNE_OK);
    char header[128];
    FILE *file = fopen(index_path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(header, 1, sizeof header, file), sizeof header);
    fclose(file);
    assert_memory_equal(header + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3, 2), } ", 63);
    ptsne_table *table;
    assert_int_equal(ptsne_table_read(index_path, NULL, &table, &err), PTSNE_OK);
    assert_int_equal(ptsne_table_rows(table), 4);
    assert_int_equal(ptsne_table_columns(table), 6);
    assert_memory_equal(ptsne_table_values(table) + 18, frame, sizeof frame);
    ptsne_table_destroy(table);

    assert_int_equal(ptsne_writer_open_frames(index_path, 3, 2, 1, &writer, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_rows(writer, frame, 2, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_commit(writer, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "the last frame has 2 rows of 3"));
    assert_int_equal(ptsne_writer_open_frames("-", 3, 2, 1, &writer, &err), PTSNE_ERR_ARGUMENT);
    assert_string_equal(
        err.message, "standard output: .npy begins with the number of frames, which is not known yet: write to a file");
    assert_int_equal(ptsne_writer_open_frames(index_path, 0, 2, 1, &writer, &err), PTSNE_ERR_ARGUMENT);
}

int main(void)
{
    if (!directory_make("graph", directory)) { return 1; }
    snprintf(index_path, sizeof index_path, "%s/index.npy", directory);
    snprintf(distance_path, sizeof distance_path, "%s/distance.npy", directory);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_own_points), cmocka_unit_test(test_order),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_frames),
    };
    const int failed = cmocka_run_group_tests_name("graph_file", tests, NULL, NULL);
    unlink(index_path);
    unlink(distance_path);
    return rmdir(directory) == 0 ? failed : 1; /* nothing else was left there */
}
