#include "tsne/initial.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/pca.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sizes.h"

#define DEVIATION 1e-4                 /* of the map along its first axis */
#define STREAM    UINT64_C(0x494e4954) /* "INIT" */

/* Column c of y, n x n_components: normal numbers. */
static void column_random(size_t n, size_t n_components, size_t c, float deviation, pt_random *random, float *y)
{
    for (size_t i = 0; i < n; i++) { y[i * n_components + c] = deviation * pt_random_normal(random); }
}

/* Columns of scores (n x k) times factor; those that are not there, or 0 in every row, become normal numbers: nothing pulls points
 * out of a line on which all of them lie. */
static void columns_take(const float *scores, size_t n, size_t k, size_t n_components, double factor, uint64_t seed,
                         float *y)
{
    pt_random random = {.seed = seed, .stream = STREAM};
    for (size_t c = 0; c < n_components; c++) {
        bool empty = true;
        for (size_t i = 0; i < n && c < k && empty; i++) { empty = scores[i * k + c] == 0.0f; }
        if (empty) { column_random(n, n_components, c, (float)(0.01 * DEVIATION), &random, y); }
        for (size_t i = 0; i < n && !empty; i++) {
            y[i * n_components + c] = (float)(factor * (double)scores[i * k + c]);
        }
    }
}

ptsne_status pt_pca_initial(pt_backend *be, const float *x, size_t n, size_t d, size_t n_components, uint64_t seed,
                            const ptsne_observer *observer, float *y, ptsne_error *err)
{
    const size_t k = pt_smaller(n_components, pt_smaller(n, d));
    float *scores = pt_array_aligned(n * k, sizeof *scores);
    double *variance = pt_array_zeroed(n_components, sizeof *variance);
    ptsne_status status;
    if (scores == NULL || variance == NULL) {
        status = pt_fail_memory(err, "the initial map", 4.0 * (double)n * (double)k);
        goto done;
    }
    status = pt_pca_scores(be, x, n, d, k, seed, observer, scores, variance, NULL, err);
    if (status != PTSNE_OK) { goto done; }
    columns_take(scores, n, k, n_components, variance[0] > 0.0 ? DEVIATION / sqrt(variance[0]) : 0.0, seed, y);
done:
    free(scores);
    free(variance);
    return status;
}

void pt_scores_initial(const float *scores, size_t n, size_t k, size_t n_components, uint64_t seed, float *y)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) { sum += (double)scores[i * k] * (double)scores[i * k]; }
    columns_take(scores, n, k, n_components, sum > 0.0 ? DEVIATION / sqrt(sum / (double)n) : 0.0, seed, y);
}

void pt_random_initial(size_t n, size_t n_components, uint64_t seed, float *y)
{
    pt_random random = {.seed = seed, .stream = STREAM};
    column_random(n * n_components, 1, 0, (float)DEVIATION, &random, y);
}
