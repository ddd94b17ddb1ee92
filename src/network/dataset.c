#include "network/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/columns.h"
#include "base/memory.h"
#include "base/sizes.h"

#define UPLOAD_ROWS ((size_t)4096)

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

/* Four lanes, so that the multiplications overlap: the memory's speed, not theirs, is the limit. */
static uint64_t hash_values(const float *x, size_t n, size_t d)
{
    uint64_t lanes[4] = {n, d, 3, 4};
    const unsigned char *bytes = (const unsigned char *)x;
    const size_t size = n * d * sizeof *x;
    size_t at = 0;
    for (; at + 32 <= size; at += 32) {
        uint64_t words[4];
        memcpy(words, bytes + at, sizeof words);
        for (size_t l = 0; l < 4; l++) { lanes[l] = mix(lanes[l], words[l]); }
    }
    for (; at < size; at++) { lanes[0] = mix(lanes[0], bytes[at]); }
    return mix(mix(mix(mix(size, lanes[0]), lanes[1]), lanes[2]), lanes[3]);
}

/* Two sweeps, means before squares: the squares then lose nothing to a large mean. */
static void moments(const float *x, size_t n, size_t d, double *mean, double *square)
{
    memset(mean, 0, d * sizeof *mean);
    memset(square, 0, d * sizeof *square);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) { mean[j] += (double)x[i * d + j]; }
    }
    for (size_t j = 0; j < d; j++) { mean[j] /= (double)n; }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            const double from_mean = (double)x[i * d + j] - mean[j];
            square[j] += from_mean * from_mean;
        }
    }
}

static bool column_constant(const float *x, size_t n, size_t d, size_t j)
{
    for (size_t i = 1; i < n; i++) {
        if (x[i * d + j] != x[j]) { return false; }
    }
    return true;
}

ptsne_status pt_summary_create(const float *x, size_t n, size_t d, pt_summary *summary, ptsne_error *err)
{
    *summary = (pt_summary){0};
    ptsne_status status = pt_finite_check(NULL, x, n, d, err);
    if (status != PTSNE_OK) { return status; }
    double *mean = pt_array_zeroed(2 * d, sizeof *mean), *square = mean == NULL ? NULL : mean + d;
    summary->mean = pt_array_zeroed(d, sizeof *summary->mean);
    if (mean == NULL || summary->mean == NULL) {
        free(mean);
        pt_summary_destroy(summary);
        return pt_fail_memory(err, "the columns' means", 3.0 * (double)d * sizeof *mean);
    }
    moments(x, n, d, mean, square);
    double total = 0.0, largest = 0.0;
    for (size_t j = 0; j < d; j++) {
        summary->mean[j] = (float)mean[j];
        total += square[j] / (double)n;
        largest = fmax(largest, fabs(mean[j]));
        if (column_constant(x, n, d, j)) { summary->constant_columns++; }
    }
    free(mean);
    const double variance = total / (double)d;
    summary->scale = (float)(0.5 / sqrt(variance));
    summary->offset = largest / sqrt(variance);
    summary->hash = hash_values(x, n, d);
    if (summary->constant_columns == d) {
        status = pt_fail(err, PTSNE_ERR_DATA, "all %zu rows are equal: there is nothing to learn from", n);
    } else if (!isfinite(summary->scale) || summary->scale == 0.0f) {
        status = pt_fail(err, PTSNE_ERR_DATA, "values as far apart as these (standard deviation %g) leave float32",
                         sqrt(variance));
    }
    if (status != PTSNE_OK) { pt_summary_destroy(summary); }
    return status;
}

void pt_summary_destroy(pt_summary *summary)
{
    free(summary->mean);
    *summary = (pt_summary){0};
}

/* One row as training sees it. */
static void row_take(const pt_rows *rows, size_t row, float *to)
{
    const float *from = rows->host + row * rows->d;
    if (rows->mean == NULL) {
        for (size_t j = 0; j < rows->d; j++) { to[j] = from[j] * rows->scale; }
        return;
    }
    for (size_t j = 0; j < rows->d; j++) { to[j] = (from[j] - rows->mean[j]) * rows->scale; }
}

static ptsne_status rows_upload(pt_backend *be, const pt_rows *rows, float *staging, size_t chunk, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    for (size_t from = 0; from < rows->n && status == PTSNE_OK; from += chunk) {
        const size_t count = pt_smaller(rows->n - from, chunk);
        for (size_t i = 0; i < count; i++) { row_take(rows, from + i, staging + i * rows->d); }
        const pt_buffer view = pt_buffer_view(&rows->device, from * rows->d, count * rows->d);
        status = pt_upload(be, staging, &view, err);
    }
    return status;
}

/* 0, 1, 2, ... on the device: the places of a batch's rows among those picked on the host. */
static ptsne_status places_create(pt_backend *be, pt_rows *rows, ptsne_error *err)
{
    uint32_t *places = pt_array_zeroed(2 * rows->most, sizeof *places);
    if (places == NULL) { return pt_fail_memory(err, "a batch's rows", 2.0 * (double)rows->most * sizeof *places); }
    for (size_t i = 0; i < 2 * rows->most; i++) { places[i] = (uint32_t)i; }
    ptsne_status status = pt_buffer_create(be, rows->most, &rows->first, err);
    if (status == PTSNE_OK) { status = pt_buffer_create(be, rows->most, &rows->second, err); }
    if (status == PTSNE_OK) { status = pt_upload(be, places, &rows->first, err); }
    if (status == PTSNE_OK) { status = pt_upload(be, places + rows->most, &rows->second, err); }
    free(places);
    return status;
}

ptsne_status pt_rows_create(pt_backend *be, const float *host, size_t n, size_t d, const float *mean, float scale,
                            size_t most, pt_rows *rows, ptsne_error *err)
{
    *rows = (pt_rows){.host = host, .mean = mean, .scale = scale, .n = n, .d = d, .most = most};
    ptsne_status status = PTSNE_ERR_MEMORY;
    if (n <= pt_elements_left(be) / 2 / d) { status = pt_buffer_create(be, n * d, &rows->device, err); }
    const bool whole = status == PTSNE_OK;
    if (status == PTSNE_ERR_MEMORY) {
        status = pt_buffer_create(be, 2 * most * d, &rows->device, err);
        if (status == PTSNE_OK) { status = places_create(be, rows, err); }
    }
    const size_t chunk = whole ? (n < UPLOAD_ROWS ? n : UPLOAD_ROWS) : 2 * most;
    float *staging = NULL;
    if (status == PTSNE_OK && (staging = pt_array_aligned(chunk * d, sizeof *staging)) == NULL) {
        status = pt_fail_memory(err, "a batch's rows", (double)chunk * (double)d * sizeof *staging);
    }
    if (status == PTSNE_OK && whole) { status = rows_upload(be, rows, staging, chunk, err); }
    if (status == PTSNE_OK && !whole) {
        rows->staging = staging;
    } else {
        free(staging);
    }
    if (status != PTSNE_OK) { pt_rows_destroy(be, rows); }
    return status;
}

void pt_rows_destroy(pt_backend *be, pt_rows *rows)
{
    pt_buffer_destroy(be, &rows->device);
    pt_buffer_destroy(be, &rows->first);
    pt_buffer_destroy(be, &rows->second);
    free(rows->staging);
    *rows = (pt_rows){0};
}

ptsne_status pt_rows_gather(pt_backend *be, const pt_rows *rows, const pt_row_list *a, const pt_row_list *b,
                            const pt_buffer *t, size_t count, const pt_buffer *out, ptsne_error *err)
{
    if (rows->staging == NULL) {
        return pt_gather_rows(be, &rows->device, rows->n, rows->d, &a->device, b == NULL ? NULL : &b->device,
                              b == NULL ? NULL : t, count, out, err);
    }
    for (size_t i = 0; i < count; i++) {
        row_take(rows, a->host[i], rows->staging + i * rows->d);
        if (b != NULL) { row_take(rows, b->host[i], rows->staging + (rows->most + i) * rows->d); }
    }
    const pt_buffer used = pt_buffer_view(&rows->device, 0, (b == NULL ? count : rows->most + count) * rows->d);
    const pt_buffer first = pt_buffer_view(&rows->first, 0, count), second = pt_buffer_view(&rows->second, 0, count);
    const ptsne_status status = pt_upload(be, rows->staging, &used, err);
    if (status != PTSNE_OK) { return status; }
    return pt_gather_rows(be, &rows->device, 2 * rows->most, rows->d, &first, b == NULL ? NULL : &second,
                          b == NULL ? NULL : t, count, out, err);
}
