/* Neighbour graphs in and out: two .npy arrays of n x k, indices and distances, as other programs give them.
 *
 * Distances are plain in files, and euclidean ones squared in memory. They are written as float64: the root of a float32, rounded to
 * float32, would not always square to the same number again. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/output.h"
#include "base/sizes.h"
#include "data/npy_header.h"
#include "data/reader.h"

static const double no_index = (double)UINT32_MAX;

/* The two files while they are read. */
typedef struct graph_files {
    ptsne_reader *index, *distance;
    double *indices, *distances; /* a row of each */
    size_t n, k;
    bool squared;
} graph_files;

static ptsne_status array_open(const char *path, ptsne_reader **reader, ptsne_error *err)
{
    *reader = NULL;
    pt_stream stream;
    ptsne_read_options options;
    ptsne_read_options_default(&options);
    options.format = "npy";
    const ptsne_status status = pt_stream_open(path, &stream, err);
    return status == PTSNE_OK ? pt_reader_begin(&stream, &options, false, reader, err) : status;
}

static ptsne_status files_open(const char *index, const char *distance, graph_files *files, ptsne_error *err)
{
    ptsne_status status;
    if ((status = array_open(index, &files->index, err)) != PTSNE_OK) { return status; }
    if ((status = array_open(distance, &files->distance, err)) != PTSNE_OK) { return status; }
    const size_t n = files->index->rows, k = files->index->columns;
    if (strchr("iu", pt_npy_type(files->index).kind) == NULL) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: these are not whole numbers: indices of neighbours are int32 or int64",
                       index);
    }
    if (files->distance->rows != n || files->distance->columns != k) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: %zu x %zu distances, but %s has %zu x %zu indices", distance,
                       files->distance->rows, files->distance->columns, index, n, k);
    }
    if (n >= UINT32_MAX) { return pt_fail(err, PTSNE_ERR_DATA, "%s: more than %u rows", index, UINT32_MAX - 1); }
    files->n = n;
    files->k = k;
    files->indices = pt_array_zeroed(k, sizeof *files->indices);
    files->distances = pt_array_zeroed(k, sizeof *files->distances);
    if (files->indices != NULL && files->distances != NULL) { return PTSNE_OK; }
    return pt_fail_memory(err, "a row of the graph", 16.0 * (double)k);
}

/* One row from the files' words to ours; none of it in order yet. */
static ptsne_status row_convert(const graph_files *files, size_t row, uint32_t *index, float *distance,
                                ptsne_error *err)
{
    for (size_t j = 0; j < files->k; j++) {
        const double at = files->indices[j], length = files->distances[j];
        index[j] = UINT32_MAX;
        distance[j] = INFINITY;
        if (at == -1.0 || at == no_index || (isinf(length) && length > 0.0)) { continue; }
        if (!(at >= 0.0 && at < (double)files->n)) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s: row %zu, column %zu: %.0f is none of the rows 0 to %zu",
                           files->index->stream.name, row + 1, j + 1, at, files->n - 1);
        }
        if (!(length >= 0.0)) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s: row %zu, column %zu: %g is no distance",
                           files->distance->stream.name, row + 1, j + 1, length);
        }
        const double kept = files->squared ? length * length : length;
        if (kept > (double)FLT_MAX) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s: row %zu, column %zu: %g is too far", files->distance->stream.name,
                           row + 1, j + 1, length);
        }
        index[j] = (uint32_t)at;
        distance[j] = (float)kept;
    }
    return PTSNE_OK;
}

/* By distance, equal ones as they were; mostly they come so. */
static void row_sort(size_t k, uint32_t *index, float *distance)
{
    for (size_t i = 1; i < k; i++) {
        const uint32_t at = index[i];
        const float length = distance[i];
        size_t j = i;
        for (; j > 0 && distance[j - 1] > length; j--) {
            index[j] = index[j - 1];
            distance[j] = distance[j - 1];
        }
        index[j] = at;
        distance[j] = length;
    }
}

static ptsne_status rows_read(graph_files *files, uint32_t *index, float *distance, ptsne_error *err)
{
    for (size_t i = 0; i < files->n; i++) {
        ptsne_status status = pt_npy_row(files->index, files->indices, err);
        if (status == PTSNE_OK) { status = pt_npy_row(files->distance, files->distances, err); }
        if (status == PTSNE_OK) { status = row_convert(files, i, index + i * files->k, distance + i * files->k, err); }
        if (status != PTSNE_OK) { return status; }
        row_sort(files->k, index + i * files->k, distance + i * files->k);
    }
    const ptsne_status status = pt_npy_row(files->index, files->indices, err);
    return status == PTSNE_OK ? pt_npy_row(files->distance, files->distances, err) : status;
}

static bool has_own_points(size_t n, size_t k, const uint32_t *index)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < k; j++) {
            if (index[i * k + j] == i) { return true; }
        }
    }
    return false;
}

/* Close the gaps that rows leave where they lose their own point, or else their last entry. */
static void own_points_drop(size_t n, size_t k, uint32_t *index, float *distance)
{
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        size_t out = k - 1;
        for (size_t j = 0; j < k; j++) {
            if (index[i * k + j] == i) {
                out = j;
                break;
            }
        }
        for (size_t j = 0; j < k; j++) {
            if (j == out) { continue; }
            index[to] = index[i * k + j];
            distance[to++] = distance[i * k + j];
        }
    }
}

static ptsne_status graph_fill(graph_files *files, ptsne_graph *graph, ptsne_error *err)
{
    const size_t n = files->n, k = files->k, count = n > SIZE_MAX / k ? SIZE_MAX : n * k;
    uint32_t *index = pt_array_zeroed(count, sizeof *index);
    float *distance = pt_array_zeroed(count, sizeof *distance);
    ptsne_status status = PTSNE_OK;
    if (index == NULL || distance == NULL) {
        status = pt_fail_memory(err, "the graph", 8.0 * (double)n * (double)k);
    } else {
        status = rows_read(files, index, distance, err);
    }
    const bool own = status == PTSNE_OK && has_own_points(n, k, index);
    if (own && k == 1) {
        status = pt_fail(err, PTSNE_ERR_DATA, "%s: the points themselves are their only neighbours",
                         files->index->stream.name);
    }
    if (status != PTSNE_OK) {
        free(index);
        free(distance);
        return status;
    }
    if (own) { own_points_drop(n, k, index, distance); }
    *graph = (ptsne_graph){.n = n, .k = own ? k - 1 : k, .index = index, .distance = distance};
    return PTSNE_OK;
}

ptsne_status ptsne_graph_read(const char *index, const char *distance, const char *metric, ptsne_graph *graph,
                              ptsne_error *err)
{
    graph_files files = {.squared = strcmp(metric, "euclidean") == 0};
    *graph = (ptsne_graph){0};
    ptsne_status status = files_open(index, distance, &files, err);
    if (status == PTSNE_OK) { status = graph_fill(&files, graph, err); }
    ptsne_reader_destroy(files.index);
    ptsne_reader_destroy(files.distance);
    free(files.indices);
    free(files.distances);
    return status;
}

void ptsne_graph_release(ptsne_graph *graph)
{
    free((void *)graph->index);
    free((void *)graph->distance);
    *graph = (ptsne_graph){0};
}

/* ---- writing ---- */

static void indices_convert(const ptsne_graph *graph, size_t first, size_t count, bool squared, void *to)
{
    int32_t *out = to;
    (void)squared;
    for (size_t i = 0; i < count; i++) {
        const uint32_t at = graph->index[first + i];
        out[i] = at == UINT32_MAX ? -1 : (int32_t)at;
    }
}

static void distances_convert(const ptsne_graph *graph, size_t first, size_t count, bool squared, void *to)
{
    double *out = to;
    for (size_t i = 0; i < count; i++) {
        const double length = (double)graph->distance[first + i];
        out[i] = squared ? sqrt(length) : length;
    }
}

typedef struct graph_column {
    const char *type;
    size_t bytes;
    void (*convert)(const ptsne_graph *graph, size_t first, size_t count, bool squared, void *to);
} graph_column;

static ptsne_status array_write(const ptsne_graph *graph, const graph_column *column, bool squared, pt_output *output,
                                ptsne_error *err)
{
    enum { BLOCK = 4096 };
    double block[BLOCK];
    char header[PT_NPY_HEADER_BYTES];
    const size_t dims[] = {graph->n, graph->k}, total = graph->n * graph->k;
    pt_npy_header_write(column->type, dims, 2, header);
    ptsne_status status = pt_output_write(output, header, sizeof header, err);
    for (size_t done = 0; status == PTSNE_OK && done < total; done += BLOCK) {
        const size_t count = pt_smaller(total - done, BLOCK);
        column->convert(graph, done, count, squared, block);
        status = pt_output_write(output, block, count * column->bytes, err);
    }
    return status;
}

ptsne_status ptsne_graph_write(const ptsne_graph *graph, const char *metric, const char *index, const char *distance,
                               int force, ptsne_error *err)
{
    static const graph_column indices = {"i4", 4, indices_convert}, distances = {"f8", 8, distances_convert};
    const bool squared = strcmp(metric, "euclidean") == 0;
    pt_output outputs[2] = {{0}};
    if (graph->n > INT32_MAX) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: more rows than the indices' int32 can count", index);
    }
    ptsne_status status;
    if ((status = pt_output_open(index, force != 0, &outputs[0], err)) != PTSNE_OK) { return status; }
    status = pt_output_open(distance, force != 0, &outputs[1], err);
    if (status == PTSNE_OK) { status = array_write(graph, &indices, squared, &outputs[0], err); }
    if (status == PTSNE_OK) { status = array_write(graph, &distances, squared, &outputs[1], err); }
    if (status == PTSNE_OK) {
        status = pt_output_commit(&outputs[0], err);
    } else {
        pt_output_discard(&outputs[0]);
    }
    if (status == PTSNE_OK) { return pt_output_commit(&outputs[1], err); }
    pt_output_discard(&outputs[1]);
    return status;
}
