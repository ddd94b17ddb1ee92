#include "base/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sizes.h"

#define CHUNKS ((size_t)64)   /* of rows; fixed, whatever the number of threads */
#define BLOCK  ((size_t)4096) /* values looked at before asking whether one was bad */

ptsne_status pt_column_means(const float *x, size_t n, size_t d, size_t threads, double *mean, ptsne_error *err)
{
    double *sums = d > SIZE_MAX / CHUNKS ? NULL : pt_array_zeroed(CHUNKS * d, sizeof *sums); /* CHUNKS x d */
    if (sums == NULL) {
        return pt_fail_memory(err, "sums of columns", (double)CHUNKS * (double)d * (double)sizeof *sums);
    }
#pragma omp parallel for schedule(static) num_threads((int)threads)
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
        double *sum = sums + chunk * d;
        const size_t rows = n / CHUNKS + 1;
        for (size_t i = chunk * rows; i < n && i < (chunk + 1) * rows; i++) {
            for (size_t j = 0; j < d; j++) { sum[j] += (double)x[i * d + j]; }
        }
    }
    memset(mean, 0, d * sizeof *mean);
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
        for (size_t j = 0; j < d; j++) { mean[j] += sums[chunk * d + j]; }
    }
    for (size_t j = 0; j < d; j++) { mean[j] /= (double)n; }
    free(sums);
    return PTSNE_OK;
}

void pt_rows_centred(const float *x, const uint32_t *index, size_t rows, size_t d, const double *mean, size_t threads,
                     float *to)
{
#pragma omp parallel for schedule(static) num_threads((int)threads)
    for (size_t i = 0; i < rows; i++) {
        const float *row = x + (index == NULL ? i : (size_t)index[i]) * d;
        for (size_t j = 0; j < d; j++) { to[i * d + j] = (float)((double)row[j] - mean[j]); }
    }
}

/* An exponent of all ones is a NaN or an infinity. Bits, because this loop is vectorised, and one that leaves at the first bad
 * value is not: it would cost a tenth of a transform. */
static bool block_finite(const float *x, size_t count)
{
    const uint32_t exponent = 0x7f800000u;
    uint32_t bad = 0;
#pragma omp simd reduction(| : bad)
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bad |= (bits & exponent) == exponent;
    }
    return bad == 0;
}

bool pt_find_not_finite(const float *x, size_t count, size_t *at)
{
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        if (block_finite(x + begin, pt_smaller(count - begin, BLOCK))) { continue; }
        for (*at = begin; isfinite(x[*at]); ++*at) {}
        return true;
    }
    return false;
}

ptsne_status pt_finite_check(const char *what, const float *x, size_t n, size_t d, ptsne_error *err)
{
    size_t at;
    if (!pt_find_not_finite(x, n * d, &at)) { return PTSNE_OK; }
    const size_t row = at / d + 1, column = at % d + 1;
    const double value = (double)x[at];
    if (what == NULL) { return pt_fail(err, PTSNE_ERR_DATA, "row %zu, column %zu is %g", row, column, value); }
    return pt_fail(err, PTSNE_ERR_DATA, "%s: row %zu, column %zu: %g", what, row, column, value);
}

static uint64_t row_hash(const float *row, size_t d)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a over words, and a last stir: tables look at the low bits */
    for (size_t j = 0; j < d; j++) {
        const float value = row[j] + 0.0f; /* -0 becomes 0 */
        uint32_t word;
        memcpy(&word, &value, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x100000001B3);
    }
    return hash ^ hash >> 32;
}

static bool rows_equal(const float *a, const float *b, size_t d)
{
    for (size_t j = 0; j < d; j++) {
        if (a[j] != b[j]) { return false; }
    }
    return true;
}

ptsne_status pt_rows_distinct(const float *x, size_t n, size_t d, size_t enough, size_t *count, ptsne_error *err)
{
    *count = 0;
    size_t places = 16; /* a power of two, at most half of them taken */
    while (places / 2 < (enough < n ? enough : n)) { places *= 2; }
    size_t *taken = pt_array_zeroed(places, sizeof *taken); /* a row's number and 1; 0: free */
    if (taken == NULL) { return pt_fail_memory(err, "different rows", (double)places * sizeof *taken); }
    for (size_t i = 0; i < n && *count < enough; i++) {
        const float *row = x + i * d;
        size_t at = (size_t)row_hash(row, d) & (places - 1);
        while (taken[at] != 0 && !rows_equal(row, x + (taken[at] - 1) * d, d)) { at = (at + 1) & (places - 1); }
        if (taken[at] != 0) { continue; }
        taken[at] = i + 1;
        ++*count;
    }
    free(taken);
    return PTSNE_OK;
}
