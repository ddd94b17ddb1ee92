/* Letters: x n x d less its means; v the basis, l x d, its rows orthonormal, l = k and some more; t = x v^T, n x l.
 *
 * The products over all rows are the device's, float32; the basis is made orthonormal in float64, in the order of the
 * singular values, so that a weak component is not drowned by a strong one (each round takes the strong ones
 * out exactly). At the end the l x l covariance of t is taken apart in float64 (Rayleigh and Ritz). */
#include "analysis/pca.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/eigen.h"
#include "base/columns.h"
#include "base/memory.h"

#define ROUNDS       8 /* of x^T x: the spectrum's tail is flat, and each costs 4 n d l operations */
#define OVERSAMPLING ((size_t)10)
#define TILE_ROWS    ((size_t)8192)
#define CHUNKS       ((size_t)16)       /* of rows in host sums; fixed, whatever the number of threads */
#define STREAM       UINT64_C(0x504341) /* "PCA" */

typedef struct work {
    pt_backend *be;
    const float *x;
    size_t n, d, k, l;
    size_t tile_rows;
    bool resident; /* all of x is on the device, else a tile at a time */
    pt_buffer points, basis, products, image;
    float *staged;  /* tile_rows x d */
    float *single;  /* l x d, a basis on its way */
    float *t;       /* n x l */
    double *mean;   /* d */
    double *v;      /* l x d */
    double *gram;   /* CHUNKS x l x l */
    double *value;  /* l */
    double *vector; /* l x l */
} work;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void work_destroy(work *w)
{
    pt_buffer_destroy(w->be, &w->points);
    pt_buffer_destroy(w->be, &w->basis);
    pt_buffer_destroy(w->be, &w->products);
    pt_buffer_destroy(w->be, &w->image);
    free(w->staged);
    free(w->single);
    free(w->t);
    free(w->mean);
    free(w->v);
    free(w->gram);
    free(w->value);
    free(w->vector);
}

static void plan(work *w)
{
    ptsne_device_info info = {0};
    w->be->ops->describe(w->be, &info);
    const size_t free_bytes = w->be->memory > w->be->memory_used ? w->be->memory - w->be->memory_used : 0;
    const size_t budget = free_bytes / 4 / 8 * 7; /* elements; an op's own scratch has the rest */
    const uint64_t one = info.max_allocation > 0 ? info.max_allocation / 4 : UINT64_MAX;
    w->tile_rows = smaller(w->n, smaller(TILE_ROWS, ((size_t)1 << 24) / w->d + 1));
    const size_t rest = 2 * w->l * w->d + w->tile_rows * w->l;
    w->resident = w->n <= one / w->d && rest < budget && w->n <= (budget - rest) / w->d;
    while (!w->resident && w->tile_rows > 16 && 2 * w->l * w->d + w->tile_rows * (w->l + w->d) > budget) {
        w->tile_rows = (w->tile_rows + 1) / 2;
    }
}

static ptsne_status work_create(work *w, ptsne_error *err)
{
    plan(w);
    const size_t n = w->n, d = w->d, l = w->l;
    w->staged = pt_array_aligned(w->tile_rows * d, sizeof *w->staged);
    w->single = pt_array_aligned(l * d, sizeof *w->single);
    w->t = n > SIZE_MAX / l ? NULL : pt_array_aligned(n * l, sizeof *w->t);
    w->mean = pt_array_zeroed(d, sizeof *w->mean);
    w->v = pt_array_aligned(l * d, sizeof *w->v);
    w->gram = pt_array_aligned(CHUNKS * l * l, sizeof *w->gram);
    w->value = pt_array_aligned(l, sizeof *w->value);
    w->vector = pt_array_aligned(l * l, sizeof *w->vector);
    if (!w->staged || !w->single || !w->t || !w->mean || !w->v || !w->gram || !w->value || !w->vector) {
        const double side = (double)l;
        return pt_fail_memory(err, "principal components",
                              4.0 * ((double)w->tile_rows * (double)d + (double)n * side + 3.0 * side * (double)d) +
                                  8.0 * side * side * (double)(CHUNKS + 1));
    }
    ptsne_status status;
    if ((status = pt_buffer_create(w->be, (w->resident ? n : w->tile_rows) * d, &w->points, err)) != PTSNE_OK ||
        (status = pt_buffer_create(w->be, l * d, &w->basis, err)) != PTSNE_OK ||
        (status = pt_buffer_create(w->be, l * d, &w->image, err)) != PTSNE_OK) {
        return status;
    }
    return pt_buffer_create(w->be, w->tile_rows * l, &w->products, err);
}

/* ---- products on the device ---- */

static ptsne_status tile_upload(work *w, size_t from, size_t rows, const pt_buffer *to, ptsne_error *err)
{
    pt_rows_centred(w->x + from * w->d, NULL, rows, w->d, w->mean, w->be->threads, w->staged);
    return pt_upload(w->be, w->staged, to, err);
}

static ptsne_status points_upload(work *w, ptsne_error *err)
{
    for (size_t from = 0; from < w->n && w->resident; from += w->tile_rows) {
        const size_t rows = smaller(w->tile_rows, w->n - from);
        const pt_buffer to = pt_buffer_view(&w->points, from * w->d, rows * w->d);
        const ptsne_status status = tile_upload(w, from, rows, &to, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

static ptsne_status basis_upload(work *w, ptsne_error *err)
{
    for (size_t e = 0; e < w->l * w->d; e++) { w->single[e] = (float)w->v[e]; }
    return pt_upload(w->be, w->single, &w->basis, err);
}

/* products = rows of x times v^T; *points is where these rows are on the device. */
static ptsne_status tile_project(work *w, size_t from, size_t rows, pt_buffer *points, pt_buffer *products,
                                 ptsne_error *err)
{
    *points = pt_buffer_view(&w->points, w->resident ? from * w->d : 0, rows * w->d);
    *products = pt_buffer_view(&w->products, 0, rows * w->l);
    if (!w->resident) {
        const ptsne_status status = tile_upload(w, from, rows, points, err);
        if (status != PTSNE_OK) { return status; }
    }
    const pt_product_shape shape = {
        .transpose_b = true,
        .m = rows,
        .n = w->l,
        .k = w->d,
        .alpha = 1.0f,
        .stride_a = w->d,
        .stride_b = w->d,
        .stride_c = w->l,
    };
    return pt_product(w->be, &shape, points, &w->basis, products, err);
}

/* v := rows of v x^T x, made orthonormal. */
static ptsne_status round_run(work *w, pt_random *random, ptsne_error *err)
{
    ptsne_status status;
    if ((status = basis_upload(w, err)) != PTSNE_OK) { return status; }
    for (size_t from = 0; from < w->n; from += w->tile_rows) {
        const size_t rows = smaller(w->tile_rows, w->n - from);
        pt_buffer points, products;
        if ((status = tile_project(w, from, rows, &points, &products, err)) != PTSNE_OK) { return status; }
        const pt_product_shape shape = {
            .transpose_a = true,
            .m = w->l,
            .n = w->d,
            .k = rows,
            .alpha = 1.0f,
            .beta = from == 0 ? 0.0f : 1.0f,
            .stride_a = w->l,
            .stride_b = w->d,
            .stride_c = w->d,
        };
        if ((status = pt_product(w->be, &shape, &products, &points, &w->image, err)) != PTSNE_OK) { return status; }
    }
    if ((status = pt_download(w->be, &w->image, w->single, err)) != PTSNE_OK) { return status; }
    for (size_t e = 0; e < w->l * w->d; e++) { w->v[e] = (double)w->single[e]; }
    pt_orthonormalize(w->v, w->l, w->d, random);
    return PTSNE_OK;
}

static ptsne_status project_all(work *w, ptsne_error *err)
{
    ptsne_status status;
    if ((status = basis_upload(w, err)) != PTSNE_OK) { return status; }
    for (size_t from = 0; from < w->n; from += w->tile_rows) {
        const size_t rows = smaller(w->tile_rows, w->n - from);
        pt_buffer points, products;
        if ((status = tile_project(w, from, rows, &points, &products, err)) != PTSNE_OK) { return status; }
        if ((status = pt_download(w->be, &products, w->t + from * w->l, err)) != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

/* ---- sums on the host ---- */

/* The upper triangle of t^T t / (n - 1), both halves, into gram's first l x l. */
static void covariance(work *w)
{
    const size_t l = w->l;
    memset(w->gram, 0, CHUNKS * l * l * sizeof *w->gram);
#pragma omp parallel for schedule(static) num_threads((int)w->be->threads)
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
        double *gram = w->gram + chunk * l * l;
        const size_t rows = w->n / CHUNKS + 1;
        for (size_t i = chunk * rows; i < w->n && i < (chunk + 1) * rows; i++) {
            const float *row = w->t + i * l;
            for (size_t a = 0; a < l; a++) {
                const double factor = (double)row[a];
                for (size_t b = a; b < l; b++) { gram[a * l + b] += factor * (double)row[b]; }
            }
        }
    }
    const double scale = w->n > 1 ? 1.0 / (double)(w->n - 1) : 0.0;
    for (size_t a = 0; a < l; a++) {
        for (size_t b = a; b < l; b++) {
            double sum = 0.0;
            for (size_t chunk = 0; chunk < CHUNKS; chunk++) { sum += w->gram[(chunk * l + a) * l + b]; }
            w->gram[a * l + b] = sum * scale;
        }
    }
    for (size_t a = 0; a < l; a++) {
        for (size_t b = 0; b < a; b++) { w->gram[a * l + b] = w->gram[b * l + a]; }
    }
}

static double total_variance(const work *w)
{
    double parts[CHUNKS] = {0};
#pragma omp parallel for schedule(static) num_threads((int)w->be->threads)
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
        const size_t rows = w->n / CHUNKS + 1;
        double sum = 0.0;
        for (size_t i = chunk * rows; i < w->n && i < (chunk + 1) * rows; i++) {
            for (size_t j = 0; j < w->d; j++) {
                const double centred = (double)w->x[i * w->d + j] - w->mean[j];
                sum += centred * centred;
            }
        }
        parts[chunk] = sum;
    }
    double total = 0.0;
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) { total += parts[chunk]; }
    return w->n > 1 ? total / (double)(w->n - 1) : 0.0;
}

/* Turn row c of vector so that the component's largest entry (the first of equals) is positive; 0 for no variance. */
static void settle_sign(work *w, size_t c, double smallest)
{
    double *turn = w->vector + c * w->l;
    double largest = 0.0;
    for (size_t j = 0; j < w->d; j++) {
        double entry = 0.0;
        for (size_t a = 0; a < w->l; a++) { entry += turn[a] * w->v[a * w->d + j]; }
        if (fabs(entry) > fabs(largest)) { largest = entry; }
    }
    const bool empty = !(w->value[c] > smallest);
    const double factor = empty ? 0.0 : largest < 0.0 ? -1.0 : 1.0;
    for (size_t a = 0; a < w->l; a++) { turn[a] *= factor; }
    if (empty) { w->value[c] = 0.0; }
}

/* scores = t vector^T, the first k. */
static void turn_scores(const work *w, float *scores)
{
    enum { BLOCK = 64 };
#pragma omp parallel for schedule(static) num_threads((int)w->be->threads)
    for (size_t i = 0; i < w->n; i++) {
        for (size_t from = 0; from < w->k; from += BLOCK) {
            const size_t some = smaller(BLOCK, w->k - from);
            double sum[BLOCK] = {0};
            for (size_t a = 0; a < w->l; a++) {
                const double factor = (double)w->t[i * w->l + a];
                const double *column = w->gram + a * w->k + from; /* vector^T, see below */
                for (size_t c = 0; c < some; c++) { sum[c] += factor * column[c]; }
            }
            for (size_t c = 0; c < some; c++) { scores[i * w->k + from + c] = (float)sum[c]; }
        }
    }
}

static ptsne_status run(work *w, uint64_t seed, float *scores, double *variance, double *total, ptsne_error *err)
{
    pt_random random = {.seed = seed, .stream = STREAM};
    ptsne_status status = pt_column_means(w->x, w->n, w->d, w->be->threads, w->mean, err);
    if (status != PTSNE_OK) { return status; }
    if ((status = points_upload(w, err)) != PTSNE_OK) { return status; }
    for (size_t e = 0; e < w->l * w->d; e++) { w->v[e] = (double)pt_random_normal(&random); }
    pt_orthonormalize(w->v, w->l, w->d, &random);
    for (int round = 0; round < ROUNDS && w->l < w->d; round++) { /* l = d: any basis is a whole one */
        if ((status = round_run(w, &random, err)) != PTSNE_OK) { return status; }
    }
    if ((status = project_all(w, err)) != PTSNE_OK) { return status; }
    covariance(w);
    pt_eigen_symmetric(w->gram, w->l, w->value, w->vector);
    const double all = total_variance(w);
    /* Below this a component is what float32 products leave of the strong ones: each entry of t may be wrong by some
     * sqrt(d) FLT_EPSILON of its row's length. */
    const double smallest = 4.0 * (double)w->d * (double)FLT_EPSILON * (double)FLT_EPSILON * all;
    for (size_t c = 0; c < w->k; c++) { settle_sign(w, c, smallest); }
    for (size_t a = 0; a < w->l; a++) { /* gram is free now: keep vector^T there, l x k */
        for (size_t c = 0; c < w->k; c++) { w->gram[a * w->k + c] = w->vector[c * w->l + a]; }
    }
    turn_scores(w, scores);
    if (variance != NULL) { memcpy(variance, w->value, w->k * sizeof *variance); }
    if (total != NULL) { *total = all; }
    return PTSNE_OK;
}

ptsne_status pt_pca_scores(pt_backend *be, const float *x, size_t n, size_t d, size_t k, uint64_t seed, float *scores,
                           double *variance, double *total, ptsne_error *err)
{
    const size_t most = smaller(n, d);
    if (k == 0 || k > most) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu components of %zu points with %zu columns (at most %zu)", k, n, d,
                       most);
    }
    work w = {.be = be, .x = x, .n = n, .d = d, .k = k, .l = smaller(k + OVERSAMPLING, most)};
    ptsne_status status = work_create(&w, err);
    if (status == PTSNE_OK) { status = run(&w, seed, scores, variance, total, err); }
    work_destroy(&w);
    return status;
}
