/* Letters: x n x d less its means; v the basis, its rows orthonormal, of which the first l = k and some more are used in the
 * end; t = x v^T, n x l.
 *
 * The products over all rows are the device's, float32. With few columns, one pass over x makes c = x^T x / n, and the basis
 * comes from powers of c; else, and where components are so weak beside the first that float32's c does not know them,
 * each round of the iteration goes over x. The basis is made orthonormal in float64, in the order of the singular values, so
 * that a weak component is not drowned by a strong one (each round takes the strong ones out exactly). At the end
 * the l x l covariance of t is taken apart in float64.
 *
 * 70,000 x 784 to 50 components, in floating-point operations: the upper blocks of c 57e9, its powers 2e9, t 7e9; 8 rounds over
 * x, which find less, 105e9. */
#include "analysis/pca.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/eigen.h"
#include "base/columns.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/sizes.h"

#define ROUNDS       8  /* over x: the spectrum's tail is flat, and each costs 4 n d l operations */
#define FEW_ROUNDS   4  /* for directions that only have to be good */
#define POWERS       10 /* of c^2: they cost next to nothing, so more of them, on a wider basis */
#define OVERSAMPLING ((size_t)10)
#define GRAM_COLUMNS ((size_t)1536) /* c is made of so many columns at most ... */
#define GRAM_ROWS    ((size_t)4)    /* ... and at least so many rows a column */
#define GRAM_BLOCK   ((size_t)256)  /* columns, at most; below the diagonal blocks c is a mirror image */
#define WEAK         1e-4           /* of the first variance */
#define TILE_ROWS    ((size_t)2048)
#define CHUNKS       ((size_t)16)       /* of rows in host sums; fixed, whatever the number of threads */
#define STREAM       UINT64_C(0x504341) /* "PCA" */

typedef struct work {
    pt_backend *be;
    const float *x;
    size_t n, d, k, l;
    size_t wide; /* rows of the basis while powers of c are taken; l where there is no c */
    size_t tile_rows;
    bool by_gram;  /* c is made */
    bool rough;    /* a few rounds do */
    bool resident; /* all of x is on the device, else a tile at a time */
    size_t done;   /* rows, over all passes */
    pt_stage stage;
    pt_buffer points, basis, products, image, gram_matrix;
    float *staged;  /* tile_rows x d */
    float *single;  /* wide x d, a basis on its way; d x d where c is */
    float *t;       /* n x l */
    double *mean;   /* d */
    double *v;      /* wide x d */
    double *gram;   /* CHUNKS x l x l */
    double *value;  /* l */
    double *vector; /* l x l */
} work;

static void work_destroy(work *w)
{
    pt_buffer_destroy(w->be, &w->points);
    pt_buffer_destroy(w->be, &w->basis);
    pt_buffer_destroy(w->be, &w->products);
    pt_buffer_destroy(w->be, &w->image);
    pt_buffer_destroy(w->be, &w->gram_matrix);
    free(w->staged);
    free(w->single);
    free(w->t);
    free(w->mean);
    free(w->v);
    free(w->gram);
    free(w->value);
    free(w->vector);
}

static size_t smaller_tile(const work *w, size_t budget, size_t fixed)
{
    size_t rows = w->tile_rows;
    while (rows > 16 && fixed + rows * (w->l + w->d) > budget) { rows = (rows + 1) / 2; }
    return rows;
}

static void plan(work *w)
{
    const size_t budget = pt_elements_planned(w->be), one = pt_elements_largest(w->be);
    w->tile_rows = pt_smaller(w->n, pt_smaller(TILE_ROWS, ((size_t)1 << 24) / w->d + 1));
    const size_t wide = pt_smaller(w->k + w->k / 2 + OVERSAMPLING, w->d), square = (2 * wide + w->d) * w->d;
    w->by_gram = !w->rough && w->l < w->d && w->d <= GRAM_COLUMNS && w->n / GRAM_ROWS >= w->d && square < budget / 2;
    if (w->by_gram) {
        w->wide = wide;
        w->tile_rows = smaller_tile(w, budget, square);
        return;
    }
    w->wide = w->l;
    const size_t rest = 2 * w->l * w->d + w->tile_rows * w->l;
    w->resident = w->l < w->d && w->n <= one / w->d && rest < budget && w->n <= (budget - rest) / w->d;
    if (!w->resident) { w->tile_rows = smaller_tile(w, budget, 2 * w->l * w->d); }
}

static double host_bytes(const work *w)
{
    const double n = (double)w->n, d = (double)w->d, l = (double)w->l, wide = (double)w->wide;
    const double single = w->by_gram ? d : wide;
    return 4.0 * ((double)w->tile_rows * d + single * d + n * l) +
           8.0 * (d + wide * d + (double)CHUNKS * l * l + l + l * l);
}

static double device_bytes(const work *w)
{
    const double d = (double)w->d, rows = (double)w->tile_rows;
    return 4.0 * ((w->resident ? (double)w->n : rows) * d + 2.0 * (double)w->wide * d + (w->by_gram ? d * d : 0.0) +
                  rows * (double)w->l);
}

static ptsne_status work_create(work *w, ptsne_error *err)
{
    plan(w);
    const size_t n = w->n, d = w->d, l = w->l, wide = w->wide;
    w->staged = pt_array_aligned(w->tile_rows * d, sizeof *w->staged);
    w->single = pt_array_aligned((w->by_gram ? d : wide) * d, sizeof *w->single);
    w->t = n > SIZE_MAX / l ? NULL : pt_array_aligned(n * l, sizeof *w->t);
    w->mean = pt_array_zeroed(d, sizeof *w->mean);
    w->v = pt_array_aligned(wide * d, sizeof *w->v);
    w->gram = pt_array_aligned(CHUNKS * l * l, sizeof *w->gram);
    w->value = pt_array_aligned(l, sizeof *w->value);
    w->vector = pt_array_aligned(l * l, sizeof *w->vector);
    if (!w->staged || !w->single || !w->t || !w->mean || !w->v || !w->gram || !w->value || !w->vector) {
        return pt_fail_memory(err, "principal components", host_bytes(w));
    }
    ptsne_status status;
    if ((status = pt_buffer_create(w->be, (w->resident ? n : w->tile_rows) * d, &w->points, err)) != PTSNE_OK ||
        (status = pt_buffer_create(w->be, wide * d, &w->basis, err)) != PTSNE_OK ||
        (status = pt_buffer_create(w->be, wide * d, &w->image, err)) != PTSNE_OK) {
        return status;
    }
    if (w->by_gram && (status = pt_buffer_create(w->be, d * d, &w->gram_matrix, err)) != PTSNE_OK) { return status; }
    return pt_buffer_create(w->be, w->tile_rows * l, &w->products, err);
}

/* So many rows more were gone over. */
static ptsne_status rows_done(work *w, size_t rows, ptsne_error *err)
{
    w->done += rows;
    return pt_stage_step(&w->stage, w->done, (double)NAN, (double)NAN, err);
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
        const size_t rows = pt_smaller(w->tile_rows, w->n - from);
        const pt_buffer to = pt_buffer_view(&w->points, from * w->d, rows * w->d);
        const ptsne_status status = tile_upload(w, from, rows, &to, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

static ptsne_status basis_upload(work *w, size_t rows, ptsne_error *err)
{
    for (size_t e = 0; e < rows * w->d; e++) { w->single[e] = (float)w->v[e]; }
    const pt_buffer basis = pt_buffer_view(&w->basis, 0, rows * w->d);
    return pt_upload(w->be, w->single, &basis, err);
}

/* v := what is on the device, 0 where products left float32: no rows of NaN can be made orthonormal. */
static ptsne_status basis_download(work *w, const pt_buffer *from, size_t rows, ptsne_error *err)
{
    const pt_buffer view = pt_buffer_view(from, 0, rows * w->d);
    const ptsne_status status = pt_download(w->be, &view, w->single, err);
    for (size_t e = 0; e < rows * w->d && status == PTSNE_OK; e++) {
        w->v[e] = isfinite(w->single[e]) ? (double)w->single[e] : 0.0;
    }
    return status;
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
    if ((status = basis_upload(w, w->l, err)) != PTSNE_OK) { return status; }
    for (size_t from = 0; from < w->n; from += w->tile_rows) {
        const size_t rows = pt_smaller(w->tile_rows, w->n - from);
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
        if ((status = rows_done(w, rows, err)) != PTSNE_OK) { return status; }
    }
    if ((status = basis_download(w, &w->image, w->l, err)) != PTSNE_OK) { return status; }
    pt_orthonormalize(w->v, w->l, w->d, random);
    return PTSNE_OK;
}

static ptsne_status project_all(work *w, ptsne_error *err)
{
    ptsne_status status;
    if ((status = basis_upload(w, w->l, err)) != PTSNE_OK) { return status; }
    for (size_t from = 0; from < w->n; from += w->tile_rows) {
        const size_t rows = pt_smaller(w->tile_rows, w->n - from);
        pt_buffer points, products;
        if ((status = tile_project(w, from, rows, &points, &products, err)) != PTSNE_OK) { return status; }
        if ((status = pt_download(w->be, &products, w->t + from * w->l, err)) != PTSNE_OK) { return status; }
        if ((status = rows_done(w, rows, err)) != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

/* ---- c and its powers ---- */

/* Add a tile's part to the upper blocks of c. */
static ptsne_status gram_add(work *w, const pt_buffer *points, size_t rows, bool first, ptsne_error *err)
{
    const size_t parts = pt_ceil_div(w->d, GRAM_BLOCK), block = pt_round_up(w->d / parts, 16);
    for (size_t from = 0; from < w->d; from += block) {
        const pt_product_shape shape = {
            .transpose_a = true,
            .m = pt_smaller(block, w->d - from),
            .n = w->d - from,
            .k = rows,
            .alpha = 1.0f / (float)w->n,
            .beta = first ? 0.0f : 1.0f,
            .stride_a = w->d,
            .stride_b = w->d,
            .stride_c = w->d,
        };
        const pt_buffer columns = pt_buffer_view(points, from, rows * w->d - from);
        const pt_buffer to = pt_buffer_view(&w->gram_matrix, from * (w->d + 1), (w->d - from) * w->d - from);
        const ptsne_status status = pt_product(w->be, &shape, &columns, &columns, &to, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

/* Fill in what lies below the diagonal blocks, and scale c so that its trace is 1; *empty where it is 0. */
static ptsne_status gram_finish(work *w, bool *empty, ptsne_error *err)
{
    float *c = w->single;
    ptsne_status status = pt_download(w->be, &w->gram_matrix, c, err);
    if (status != PTSNE_OK) { return status; }
    double trace = 0.0;
    for (size_t i = 0; i < w->d; i++) { trace += (double)c[i * w->d + i]; }
    *empty = !(trace > 0.0);
    const float scale = *empty ? 0.0f : (float)(1.0 / trace);
    for (size_t i = 0; i < w->d; i++) {
        for (size_t j = i; j < w->d; j++) { c[i * w->d + j] *= scale; }
        for (size_t j = 0; j < i; j++) { c[i * w->d + j] = c[j * w->d + i]; }
    }
    return pt_upload(w->be, c, &w->gram_matrix, err);
}

static ptsne_status gram_fill(work *w, bool *empty, ptsne_error *err)
{
    for (size_t from = 0; from < w->n; from += w->tile_rows) {
        const size_t rows = pt_smaller(w->tile_rows, w->n - from);
        const pt_buffer points = pt_buffer_view(&w->points, 0, rows * w->d);
        ptsne_status status;
        if ((status = tile_upload(w, from, rows, &points, err)) != PTSNE_OK) { return status; }
        if ((status = gram_add(w, &points, rows, from == 0, err)) != PTSNE_OK) { return status; }
        if ((status = rows_done(w, rows, err)) != PTSNE_OK) { return status; }
    }
    return gram_finish(w, empty, err);
}

/* to = from c, both wide x d. */
static ptsne_status gram_apply(work *w, const pt_buffer *from, const pt_buffer *to, ptsne_error *err)
{
    const pt_product_shape shape = {
        .m = w->wide,
        .n = w->d,
        .k = w->d,
        .alpha = 1.0f,
        .stride_a = w->d,
        .stride_b = w->d,
        .stride_c = w->d,
    };
    return pt_product(w->be, &shape, from, &w->gram_matrix, to, err);
}

/* Whether the last of the l components is too weak for c; the basis is on the device and in v. */
static ptsne_status gram_weak(work *w, bool *weak, ptsne_error *err)
{
    ptsne_status status = gram_apply(w, &w->basis, &w->image, err);
    if (status != PTSNE_OK) { return status; }
    if ((status = pt_download(w->be, &w->image, w->single, err)) != PTSNE_OK) { return status; }
    double strongest = 0.0, weakest = 0.0; /* v c v^T of the first and of the last row */
    for (size_t j = 0; j < w->d; j++) {
        const size_t last = (w->l - 1) * w->d + j;
        strongest += w->v[j] * (double)w->single[j];
        weakest += w->v[last] * (double)w->single[last];
    }
    *weak = !(weakest > WEAK * strongest);
    return PTSNE_OK;
}

/* v := the first components by powers of c; *weak where rounds over x have to follow. */
static ptsne_status gram_run(work *w, pt_random *random, bool *weak, ptsne_error *err)
{
    bool empty;
    ptsne_status status = gram_fill(w, &empty, err);
    *weak = false;
    if (status != PTSNE_OK || empty) { return status; }
    for (int power = 0; power < POWERS; power++) {
        if ((status = basis_upload(w, w->wide, err)) != PTSNE_OK) { return status; }
        if ((status = gram_apply(w, &w->basis, &w->image, err)) != PTSNE_OK) { return status; }
        if ((status = gram_apply(w, &w->image, &w->basis, err)) != PTSNE_OK) { return status; }
        if ((status = basis_download(w, &w->basis, w->wide, err)) != PTSNE_OK) { return status; }
        pt_orthonormalize(w->v, w->wide, w->d, random);
        if ((status = rows_done(w, 0, err)) != PTSNE_OK) { return status; }
    }
    if ((status = basis_upload(w, w->wide, err)) != PTSNE_OK) { return status; }
    return gram_weak(w, weak, err);
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

/* scores = t vector^T, the first k, on the device: what held the basis and the points has room for it. */
static ptsne_status turn_scores(const work *w, float *scores, ptsne_error *err)
{
    const pt_buffer turn = pt_buffer_view(&w->basis, 0, w->k * w->l);
    for (size_t e = 0; e < w->k * w->l; e++) { w->single[e] = (float)w->vector[e]; }
    ptsne_status status = pt_upload(w->be, w->single, &turn, err);
    for (size_t from = 0; from < w->n && status == PTSNE_OK; from += w->tile_rows) {
        const size_t rows = pt_smaller(w->tile_rows, w->n - from);
        const pt_buffer t = pt_buffer_view(&w->products, 0, rows * w->l);
        const pt_buffer to = pt_buffer_view(&w->points, 0, rows * w->k);
        const pt_product_shape shape = {
            .transpose_b = true,
            .m = rows,
            .n = w->k,
            .k = w->l,
            .alpha = 1.0f,
            .stride_a = w->l,
            .stride_b = w->l,
            .stride_c = w->k,
        };
        if ((status = pt_upload(w->be, w->t + from * w->l, &t, err)) != PTSNE_OK) { break; }
        if ((status = pt_product(w->be, &shape, &t, &turn, &to, err)) != PTSNE_OK) { break; }
        status = pt_download(w->be, &to, scores + from * w->k, err);
    }
    return status;
}

/* v: a basis that the first components lie in. */
static ptsne_status basis_find(work *w, uint64_t seed, ptsne_error *err)
{
    pt_random random = {.seed = seed, .stream = STREAM};
    ptsne_status status = pt_column_means(w->x, w->n, w->d, w->be->threads, w->mean, err);
    if (status != PTSNE_OK) { return status; }
    for (size_t e = 0; e < w->wide * w->d; e++) { w->v[e] = (double)pt_random_normal(&random); }
    pt_orthonormalize(w->v, w->wide, w->d, &random);
    if (w->l == w->d) { return PTSNE_OK; } /* any basis is a whole one */
    size_t rounds = w->rough ? FEW_ROUNDS : ROUNDS;
    if (w->by_gram) {
        bool weak;
        status = gram_run(w, &random, &weak, err);
        rounds = weak ? rounds : 0;
        w->stage.n_steps += rounds * w->n;
    } else {
        status = points_upload(w, err);
    }
    for (size_t round = 0; round < rounds && status == PTSNE_OK; round++) { status = round_run(w, &random, err); }
    return status;
}

static ptsne_status run(work *w, uint64_t seed, float *scores, double *variance, double *total, ptsne_error *err)
{
    ptsne_status status = basis_find(w, seed, err);
    if (status != PTSNE_OK) { return status; }
    if ((status = project_all(w, err)) != PTSNE_OK) { return status; }
    covariance(w);
    pt_eigen_symmetric(w->gram, w->l, w->value, w->vector);
    const double all = total_variance(w);
    /* Below this a component is what float32 products leave of the strong ones: each entry of t may be wrong by some
     * sqrt(d) FLT_EPSILON of its row's length. */
    const double smallest = 4.0 * (double)w->d * (double)FLT_EPSILON * (double)FLT_EPSILON * all;
    for (size_t c = 0; c < w->k; c++) { settle_sign(w, c, smallest); }
    if ((status = turn_scores(w, scores, err)) != PTSNE_OK) { return status; }
    if (variance != NULL) { memcpy(variance, w->value, w->k * sizeof *variance); }
    if (total != NULL) { *total = all; }
    return PTSNE_OK;
}

ptsne_status pt_pca_scores(pt_backend *be, const float *x, size_t n, size_t d, size_t k, uint64_t seed,
                           const ptsne_observer *observer, float *scores, double *variance, double *total,
                           ptsne_error *err)
{
    const size_t most = pt_smaller(n, d);
    if (k == 0 || k > most) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu components of %zu points with %zu columns (at most %zu)", k, n, d,
                       most);
    }
    work w = {.be = be, .x = x, .n = n, .d = d, .k = k, .l = pt_smaller(k + OVERSAMPLING, most)};
    ptsne_status status = work_create(&w, err);
    const size_t passes = w.by_gram ? 2 : w.l < d ? ROUNDS + 1 : 1;
    w.stage = pt_stage_begin(observer, "pca", passes * n);
    if (status == PTSNE_OK) { status = run(&w, seed, scores, variance, total, err); }
    work_destroy(&w);
    return status;
}

pt_pca_cost pt_pca_cost_of(pt_backend *be, size_t n, size_t d, size_t k)
{
    work w = {.be = be, .n = n, .d = d, .k = k, .l = pt_smaller(k + OVERSAMPLING, pt_smaller(n, d))};
    plan(&w);
    const double product = 2.0 * (double)n * (double)d;
    return (pt_pca_cost){
        .host_bytes = (size_t)host_bytes(&w),
        .device_bytes = (size_t)device_bytes(&w),
        .operations = product * (w.by_gram ? 0.7 * (double)d + (double)w.l : (double)((2 * ROUNDS + 1) * w.l)),
    };
}

ptsne_status pt_pca_directions(pt_backend *be, const float *x, size_t n, size_t d, size_t l, uint64_t seed, float *v,
                               ptsne_error *err)
{
    work w = {.be = be, .x = x, .n = n, .d = d, .k = l, .l = l, .rough = true};
    ptsne_status status = work_create(&w, err);
    w.stage = pt_stage_begin(NULL, "pca", FEW_ROUNDS * n);
    if (status == PTSNE_OK) { status = basis_find(&w, seed, err); }
    for (size_t e = 0; status == PTSNE_OK && e < l * d; e++) { v[e] = (float)w.v[e]; }
    work_destroy(&w);
    return status;
}
