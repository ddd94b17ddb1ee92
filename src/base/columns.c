#include "base/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define CHUNKS ((size_t)64) /* of rows; fixed, whatever the number of threads */

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

bool pt_find_not_finite(const float *x, size_t n, size_t d, size_t *row, size_t *column)
{
    for (size_t i = 0; i < n; i++) {
        float check = 0.0f; /* stays 0, or becomes NaN: no branch an entry */
        for (size_t j = 0; j < d; j++) { check += x[i * d + j] * 0.0f; }
        if (check == 0.0f) { continue; }
        for (size_t j = 0; j < d; j++) {
            if (isfinite(x[i * d + j])) { continue; }
            *row = i;
            *column = j;
            return true;
        }
    }
    return false;
}
