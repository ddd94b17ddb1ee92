/* Letters: x points (n x d) less their mean, v the directions (rows, orthonormal in float64, rounded to float32), y = v x', t the
 * length of x - v' y; e the error of y, and E that of (y, t), relative to |x|. */
#include "tsne/bounds.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/eigen.h"
#include "base/columns.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sizes.h"

#define DIRECTIONS ((size_t)191)  /* at most */
#define STEP       ((size_t)32)   /* widths that are tried */
#define SAMPLE     ((size_t)4096) /* points of the sample */
#define ASKED      ((size_t)128)  /* of them asked for their neighbours */
#define ROUNDS     3
#define SLICE      ((size_t)128) /* columns of one float32 product */
#define TILE_ROWS  ((size_t)1024)
#define LEAF       ((size_t)256) /* rows that are kept together */
#define AXES       ((size_t)16)  /* directions that are looked at for it */
#define SEED       UINT64_C(0x424F554E4453)
/* What an entry of a candidate's exact distance costs, in multiplications of a product: rows are fetched from memory. So that the width is
 * chosen that was fastest at 70,000 x 784 (96: 18.1 s, 128: 14.6, 160: 13.3, 192: 13.4). */
#define CANDIDATE_COST 20.0
#define LIST_COST      600.0 /* of a place in the lists, in the same unit */

void pt_bounds_destroy(pt_bounds *bounds)
{
    if (bounds->queries != bounds->points) { free(bounds->queries); }
    if (bounds->asker != bounds->point) { free(bounds->asker); }
    free(bounds->point);
    free(bounds->points);
    free(bounds->norm);
    *bounds = (pt_bounds){0};
}

double pt_bounds_limit(const pt_bounds *bounds, double norm, double tau)
{
    const double own = sqrt(norm), reach = sqrt(tau), other = own + reach; /* no point within tau is farther out */
    if (!(other < 1.0e15)) { return (double)INFINITY; } /* tiles may overflow float32: they say nothing */
    const double rows = reach + bounds->relative * (own + other);
    const double tile = (8.0 + 4.0 * (double)bounds->width) * (double)FLT_EPSILON * (norm + other * other) * 1.1;
    return rows * rows + tile;
}

/* ---- the sample ---- */

typedef struct sample {
    size_t n;        /* points */
    size_t asked;    /* the first ones */
    size_t l;        /* directions */
    float *x;        /* n x d, less the mean */
    float *v;        /* l x d */
    float *y;        /* n x l */
    float *distance; /* asked x n */
    double *norm;    /* n */
} sample;

static void sample_destroy(sample *s)
{
    free(s->x);
    free(s->v);
    free(s->y);
    free(s->distance);
    free(s->norm);
}

static ptsne_status sample_create(const pt_bounds_request *r, sample *s, ptsne_error *err)
{
    const size_t d = r->d;
    *s = (sample){.n = pt_smaller(r->n, SAMPLE), .l = pt_smaller(DIRECTIONS, pt_smaller(d, r->n) / 2)};
    s->asked = pt_smaller(s->n, ASKED);
    s->x = pt_array_aligned(s->n * d, sizeof *s->x);
    s->v = pt_array_aligned(s->l * d, sizeof *s->v);
    s->y = pt_array_aligned(s->n * s->l, sizeof *s->y);
    s->distance = pt_array_aligned(s->asked * s->n, sizeof *s->distance);
    s->norm = pt_array_aligned(s->n, sizeof *s->norm);
    uint32_t *rows = pt_array_aligned(s->n, sizeof *rows);
    if (!s->x || !s->v || !s->y || !s->distance || !s->norm || !rows) {
        free(rows);
        return pt_fail_memory(err, "a sample of points", 4.0 * (double)s->n * (double)(d + s->l + s->asked));
    }
    for (size_t i = 0; i < s->n; i++) { /* evenly spread; of a power of two, in an order that is not that of the data */
        const size_t place = s->n == SAMPLE ? i * 1597 % SAMPLE : i;
        rows[i] = (uint32_t)((double)place / (double)s->n * (double)r->n);
    }
    pt_rows_centred(r->x, rows, s->n, d, r->mean, r->be->threads, s->x);
    free(rows);
    return PTSNE_OK;
}

/* A product of the sample's: op(a) op(b), rows as long as they are wide. */
static ptsne_status multiply(const pt_bounds_request *r, bool transpose_a, bool transpose_b, size_t m, size_t n,
                             size_t k, const pt_buffer *a, const pt_buffer *b, const pt_buffer *c, ptsne_error *err)
{
    const pt_product_shape shape = {.transpose_a = transpose_a,
                                    .transpose_b = transpose_b,
                                    .m = m,
                                    .n = n,
                                    .k = k,
                                    .alpha = 1.0f,
                                    .stride_a = transpose_a ? m : k,
                                    .stride_b = transpose_b ? k : n,
                                    .stride_c = n};
    return pt_product(r->be, &shape, a, b, c, err);
}

/* Every row to length 1. */
static void rows_scale(double *v, size_t rows, size_t d)
{
    for (size_t i = 0; i < rows; i++) {
        double *row = v + i * d, sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < d; j++) { sum += row[j] * row[j]; }
        const double scale = sum > 0.0 ? 1.0 / sqrt(sum) : 0.0;
        for (size_t j = 0; j < d; j++) { row[j] *= scale; }
    }
}

/* v: near the leading principal directions of the sample, by a few rounds of v := v x' x, made orthonormal in float64; then y. At
 * first they are only scaled: random rows nearly are orthonormal, and float32 bears what one round does to them.
 * pt_pca_directions would take the sample to the device once more, where it is for its distances, and make one round more. */
static ptsne_status directions_find(const pt_bounds_request *r, sample *s, const pt_buffer *x, const pt_buffer *v,
                                    const pt_buffer *y, ptsne_error *err)
{
    const size_t count = s->l * r->d;
    pt_random random = {.seed = SEED};
    double *basis = pt_array_aligned(count, sizeof *basis);
    if (basis == NULL) { return pt_fail_memory(err, "directions", (double)count * (double)sizeof *basis); }
    for (size_t e = 0; e < count; e++) { basis[e] = (double)pt_random_normal(&random); }
    ptsne_status status = PTSNE_OK;
    for (int round = 0; status == PTSNE_OK; round++) {
        if (round > 1) {
            pt_orthonormalize(basis, s->l, r->d, &random);
        } else {
            rows_scale(basis, s->l, r->d);
        }
        for (size_t e = 0; e < count; e++) { s->v[e] = (float)basis[e]; }
        if ((status = pt_upload(r->be, s->v, v, err)) != PTSNE_OK) { break; }
        if ((status = multiply(r, false, true, s->n, s->l, r->d, x, v, y, err)) != PTSNE_OK) { break; }
        if (round == ROUNDS) { break; }
        if ((status = multiply(r, true, false, s->l, r->d, s->n, y, x, v, err)) != PTSNE_OK) { break; }
        if ((status = pt_download(r->be, v, s->v, err)) != PTSNE_OK) { break; }
        for (size_t e = 0; e < count; e++) { basis[e] = isfinite(s->v[e]) ? (double)s->v[e] : 0.0; }
    }
    free(basis);
    return status;
}

/* Directions, coordinates and distances of the sample. */
static ptsne_status sample_measure(const pt_bounds_request *r, sample *s, ptsne_error *err)
{
    pt_buffer x = {0}, v = {0}, y = {0}, distance = {0};
    ptsne_status status;
    if ((status = pt_buffer_create(r->be, s->n * r->d, &x, err)) != PTSNE_OK ||
        (status = pt_buffer_create(r->be, s->l * r->d, &v, err)) != PTSNE_OK ||
        (status = pt_buffer_create(r->be, s->n * s->l, &y, err)) != PTSNE_OK ||
        (status = pt_buffer_create(r->be, s->asked * s->n, &distance, err)) != PTSNE_OK ||
        (status = pt_upload(r->be, s->x, &x, err)) != PTSNE_OK ||
        (status = directions_find(r, s, &x, &v, &y, err)) != PTSNE_OK ||
        (status = pt_download(r->be, &y, s->y, err)) != PTSNE_OK ||
        (status = pt_distances(r->be, r->metric, &x, s->asked, &x, s->n, r->d, &distance, err)) != PTSNE_OK) {
        goto done;
    }
    status = pt_download(r->be, &distance, s->distance, err);
    for (size_t i = 0; i < s->n; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < r->d; j++) { sum += (double)s->x[i * r->d + j] * (double)s->x[i * r->d + j]; }
        s->norm[i] = sum;
    }
done:
    pt_buffer_destroy(r->be, &x);
    pt_buffer_destroy(r->be, &v);
    pt_buffer_destroy(r->be, &y);
    pt_buffer_destroy(r->be, &distance);
    return status;
}

static int ascending(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The distance of the k-th neighbour of an asked point, as the sample shows it; sorted has room for n. */
static double sample_reach(const sample *s, const pt_bounds_request *r, size_t q, float *sorted)
{
    const size_t place = 1 + (size_t)((double)r->k * (double)s->n / (double)r->n); /* the point itself is 0 */
    memcpy(sorted, s->distance + q * s->n, s->n * sizeof *sorted);
    qsort(sorted, s->n, sizeof *sorted, ascending);
    return (double)sorted[pt_smaller(place, s->n - 1)];
}

/* Points of all n whose bound, for widths STEP, 2 STEP .., is within reach of asked point q. */
static void sample_count(const sample *s, const pt_bounds_request *r, size_t q, double reach, size_t widths,
                         float *count)
{
    for (size_t t = 0; t < widths; t++) { count[t] = 0.0f; }
    for (size_t i = 0; i < s->n; i++) {
        double sum = 0.0, own = 0.0, other = 0.0;
        for (size_t t = 0, l = 0; t < widths; t++) {
            for (; l + 1 < (t + 1) * STEP && l < s->l; l++) {
                const double a = (double)s->y[q * s->l + l], b = (double)s->y[i * s->l + l];
                sum += (a - b) * (a - b);
                own += a * a;
                other += b * b;
            }
            const double rest = sqrt(fmax(0.0, s->norm[q] - own)) - sqrt(fmax(0.0, s->norm[i] - other));
            if (sum > reach) { break; }
            count[t] += sum + rest * rest <= reach ? 1.0f : 0.0f;
        }
    }
    for (size_t t = 0; t < widths; t++) { count[t] *= (float)((double)r->n / (double)s->n); }
}

/* The width that costs least, and the candidates that four of five rows need with it; width 0 where the plain search costs less. */
static ptsne_status width_choose(const pt_bounds_request *r, const sample *s, pt_bounds *bounds, ptsne_error *err)
{
    const size_t widths = (s->l + 1) / STEP > 0 ? (s->l + 1) / STEP : 1;
    float *count = pt_array_zeroed(widths * s->asked, sizeof *count), *sorted = NULL;
    if (count == NULL || (sorted = pt_array_aligned(s->n * s->asked, sizeof *sorted)) == NULL) {
        free(count);
        return pt_fail_memory(err, "a sample of points", 4.0 * (double)s->n * (double)s->asked);
    }
#pragma omp parallel for schedule(static) num_threads((int)r->be->threads)
    for (size_t q = 0; q < s->asked; q++) {
        const double reach = sample_reach(s, r, q, sorted + q * s->n);
        float here[DIRECTIONS];
        sample_count(s, r, q, reach, widths, here);
        for (size_t t = 0; t < widths; t++) { count[t * s->asked + q] = here[t]; }
    }
    const double pairs = (double)r->n * (r->self ? 0.5 : 1.0), k = (double)r->k;
    const double plain = 0.7 * (pairs * (double)r->d + CANDIDATE_COST * k * (double)r->d);
    double least = r->always ? (double)INFINITY : plain;
    for (size_t t = 0; t < widths; t++) {
        const size_t width = pt_smaller((t + 1) * STEP, s->l + 1);
        float *here = count + t * s->asked;
        qsort(here, s->asked, sizeof *here, ascending);
        double mean = 0.0;
        for (size_t q = 0; q < s->asked; q++) { mean += (double)here[q] / (double)s->asked; }
        const double most = 1.1 * (double)here[s->asked * 4 / 5] + 0.25 * k + 16.0;
        const size_t c = (size_t)fmin(fmin(1024.0, most), (double)(r->n - (r->self)));
        const double cost =
            pairs * (double)width + CANDIDATE_COST * (double)r->d * fmax(mean, k) + LIST_COST * (double)c;
        if (cost < least) {
            least = cost;
            bounds->width = width;
            bounds->c = c;
        }
    }
    free(sorted);
    free(count);
    return PTSNE_OK;
}

/* ---- all rows ---- */

/* Room to turn a tile of rows. */
typedef struct turn {
    pt_buffer x, v, y;
    float *stage; /* rows x d */
    float *part;  /* rows x directions */
    double *sum;  /* rows x directions */
} turn;

/* sum = x v', slice by slice of the columns. */
static ptsne_status tile_turn(const pt_bounds_request *r, turn *w, size_t rows, size_t directions, ptsne_error *err)
{
    const pt_buffer x = pt_buffer_view(&w->x, 0, rows * r->d), y = pt_buffer_view(&w->y, 0, rows * directions);
    memset(w->sum, 0, rows * directions * sizeof *w->sum);
    ptsne_status status = pt_upload(r->be, w->stage, &x, err);
    for (size_t from = 0; from < r->d && status == PTSNE_OK; from += SLICE) {
        const pt_buffer a = pt_buffer_view(&x, from, x.count - from),
                        b = pt_buffer_view(&w->v, from, w->v.count - from);
        const pt_product_shape shape = {.transpose_b = true,
                                        .m = rows,
                                        .n = directions,
                                        .k = pt_smaller(SLICE, r->d - from),
                                        .alpha = 1.0f,
                                        .stride_a = r->d,
                                        .stride_b = r->d,
                                        .stride_c = directions};
        if ((status = pt_product(r->be, &shape, &a, &b, &y, err)) != PTSNE_OK) { break; }
        if ((status = pt_download(r->be, &y, w->part, err)) != PTSNE_OK) { break; }
#pragma omp parallel for schedule(static) num_threads((int)r->be->threads)
        for (size_t i = 0; i < rows; i++) {
            for (size_t l = i * directions; l < (i + 1) * directions; l++) { w->sum[l] += (double)w->part[l]; }
        }
    }
    return status;
}

/* One row of the result, and by how much it may be off. */
static double row_finish(const float *x, size_t d, const double *sum, size_t directions, float *y, double *norm)
{
    double whole = 0.0, kept = 0.0;
#pragma omp simd reduction(+ : whole)
    for (size_t j = 0; j < d; j++) { whole += (double)x[j] * (double)x[j]; }
    for (size_t l = 0; l < directions; l++) {
        kept += sum[l] * sum[l];
        y[l] = (float)sum[l];
    }
    const double rest = sqrt(fmax(0.0, whole - kept)), length = sqrt(whole);
    y[directions] = (float)rest;
    *norm = whole;
    if (whole == 0.0) { return 0.0; }
    if (!(whole > 1e-60) || !isfinite(kept)) { return (double)INFINITY; } /* beyond float32: nothing can be said */
    /* A product of SLICE columns is off by SLICE + 4 FLT_EPSILON of its terms, which all in all are at most |v| |x| = |x|; v, x and y were
     * rounded. */
    const double e = ((double)SLICE + 8.0) * (double)FLT_EPSILON * sqrt((double)directions) * length;
    const double square = e * (2.0 * length + e); /* error of kept, and so of the square of rest */
    const double tail = rest * rest > square ? square / rest : sqrt(square);
    return (sqrt(e * e + tail * tail) + 2.0 * (double)FLT_EPSILON * length) / length;
}

/* Rows of x (count x d) into to (count x width); relative grows to the largest error, norm may be NULL. */
static ptsne_status rows_turn(const pt_bounds_request *r, turn *w, const float *x, size_t count, size_t width,
                              float *to, double *norm, double *relative, ptsne_error *err)
{
    const size_t directions = width - 1;
    for (size_t from = 0; from < count; from += TILE_ROWS) {
        const size_t rows = pt_smaller(TILE_ROWS, count - from);
        pt_rows_centred(x + from * r->d, NULL, rows, r->d, r->mean, r->be->threads, w->stage);
        const ptsne_status status = tile_turn(r, w, rows, directions, err);
        if (status != PTSNE_OK) { return status; }
        double most = *relative;
#pragma omp parallel for schedule(static) num_threads((int)r->be->threads) reduction(max : most)
        for (size_t i = 0; i < rows; i++) {
            double here;
            const double off = row_finish(w->stage + i * r->d, r->d, w->sum + i * directions, directions,
                                          to + (from + i) * width, &here);
            most = off > most ? off : most;
            if (norm != NULL) { norm[from + i] = here; }
        }
        *relative = most;
    }
    return PTSNE_OK;
}

/* ---- order ---- */

/* The direction in which these rows differ most, by some of them. */
static size_t axis_widest(const float *y, size_t width, const uint32_t *row, size_t n)
{
    const size_t step = n / 64 + 1, axes = pt_smaller(AXES, width);
    size_t widest = 0;
    double most = -1.0;
    for (size_t a = 0; a < axes; a++) {
        double sum = 0.0, squares = 0.0, count = 0.0;
        for (size_t t = 0; t < n; t += step) {
            const double value = (double)y[row[t] * width + a];
            sum += value;
            squares += value * value;
            count += 1.0;
        }
        const double spread = squares - sum * sum / count;
        if (spread > most) {
            most = spread;
            widest = a;
        }
    }
    return widest;
}

/* Put the rows with the smaller entries along an axis into the first half (Hoare's quickselect). */
static void halve(const float *y, size_t width, size_t axis, uint32_t *row, size_t n)
{
    const size_t half = n / 2;
    size_t low = 0, high = n - 1;
    for (int turns = 0; low < high && turns < 64; turns++) { /* an order, not a result: a bad case may stop early */
        const float pivot = y[row[low + (high - low) / 2] * width + axis];
        size_t i = low, j = high + 1;
        while (i < j) {
            while (i < j && y[row[i] * width + axis] < pivot) { i++; }
            while (i < j && y[row[j - 1] * width + axis] > pivot) { j--; }
            if (i >= j) { break; }
            const uint32_t t = row[i];
            row[i++] = row[--j];
            row[j] = t;
        }
        if (half < i) {
            high = i - 1;
        } else {
            low = i;
        }
    }
}

/* Halves of halves, until LEAF are left. */
static void rows_order(const float *y, size_t width, uint32_t *row, size_t n)
{
    if (n <= LEAF) { return; }
    halve(y, width, axis_widest(y, width, row, n), row, n);
    rows_order(y, width, row, n / 2);
    rows_order(y, width, row + n / 2, n - n / 2);
}

/* *rows (n x width) and norm, which may be NULL, in the new order; *row tells it. */
static ptsne_status rows_sort(float **rows, size_t n, size_t width, double *norm, uint32_t **row, ptsne_error *err)
{
    float *sorted = pt_array_aligned(n * width, sizeof *sorted);
    double *sorted_norm = pt_array_aligned(n, sizeof *sorted_norm);
    *row = pt_array_aligned(n, sizeof **row);
    if (sorted == NULL || sorted_norm == NULL || *row == NULL) {
        free(sorted);
        free(sorted_norm);
        return pt_fail_memory(err, "bounds of distances", 4.0 * (double)n * (double)(width + 3));
    }
    for (size_t i = 0; i < n; i++) { (*row)[i] = (uint32_t)i; }
    rows_order(*rows, width, *row, n);
    for (size_t i = 0; i < n; i++) {
        memcpy(sorted + i * width, *rows + (*row)[i] * width, width * sizeof *sorted);
        if (norm != NULL) { sorted_norm[i] = norm[(*row)[i]]; }
    }
    if (norm != NULL) { memcpy(norm, sorted_norm, n * sizeof *norm); }
    free(sorted_norm);
    free(*rows);
    *rows = sorted;
    return PTSNE_OK;
}

static ptsne_status all_sort(const pt_bounds_request *r, pt_bounds *bounds, ptsne_error *err)
{
    const bool self = r->self;
    ptsne_status status =
        rows_sort(&bounds->points, r->n, bounds->width, self ? bounds->norm : NULL, &bounds->point, err);
    if (self) {
        bounds->queries = bounds->points;
        bounds->asker = bounds->point;
    } else if (status == PTSNE_OK) {
        status = rows_sort(&bounds->queries, r->m, bounds->width, bounds->norm, &bounds->asker, err);
    }
    return status;
}

static ptsne_status all_turn(const pt_bounds_request *r, const sample *s, pt_bounds *bounds, ptsne_error *err)
{
    const size_t width = bounds->width, directions = width - 1, rows = pt_smaller(TILE_ROWS, r->n > r->m ? r->n : r->m);
    const bool self = r->self;
    turn w = {.stage = pt_array_aligned(rows * r->d, sizeof *w.stage),
              .part = pt_array_aligned(rows * directions, sizeof *w.part),
              .sum = pt_array_aligned(rows * directions, sizeof *w.sum)};
    bounds->points = pt_array_aligned(r->n * width, sizeof *bounds->points);
    bounds->queries = self ? bounds->points : pt_array_aligned(r->m * width, sizeof *bounds->queries);
    bounds->norm = pt_array_aligned(r->m, sizeof *bounds->norm);
    ptsne_status status;
    if (!w.stage || !w.part || !w.sum || !bounds->points || !bounds->queries || !bounds->norm) {
        status = pt_fail_memory(err, "bounds of distances", 4.0 * (double)(r->n + (self ? 0 : r->m)) * (double)width);
        goto done;
    }
    const pt_buffer *v = &w.v;
    if ((status = pt_buffer_create(r->be, rows * r->d, &w.x, err)) != PTSNE_OK ||
        (status = pt_buffer_create(r->be, directions * r->d, &w.v, err)) != PTSNE_OK ||
        (status = pt_buffer_create(r->be, rows * directions, &w.y, err)) != PTSNE_OK ||
        (status = pt_upload(r->be, s->v, v, err)) != PTSNE_OK) {
        goto done;
    }
    status = rows_turn(r, &w, r->x, r->n, width, bounds->points, self ? bounds->norm : NULL, &bounds->relative, err);
    if (status == PTSNE_OK && !self) {
        status = rows_turn(r, &w, r->query, r->m, width, bounds->queries, bounds->norm, &bounds->relative, err);
    }
done:
    pt_buffer_destroy(r->be, &w.x);
    pt_buffer_destroy(r->be, &w.v);
    pt_buffer_destroy(r->be, &w.y);
    free(w.stage);
    free(w.part);
    free(w.sum);
    return status;
}

ptsne_status pt_bounds_create(const pt_bounds_request *request, pt_bounds *bounds, ptsne_error *err)
{
    *bounds = (pt_bounds){0};
    const double pairs = (double)request->n * (double)request->m;
    const bool small = request->d < PT_BOUNDS_LEAST_COLUMNS || request->n < 2 * ASKED ||
                       pairs * (double)request->d < PT_BOUNDS_LEAST_PRODUCT;
    if (small && !request->always) { return PTSNE_OK; }
    sample s;
    ptsne_status status = sample_create(request, &s, err);
    if (status == PTSNE_OK) { status = sample_measure(request, &s, err); }
    if (status == PTSNE_OK) { status = width_choose(request, &s, bounds, err); }
    if (status == PTSNE_OK && bounds->width > 0) { status = all_turn(request, &s, bounds, err); }
    if (status == PTSNE_OK && bounds->width > 0) { status = all_sort(request, bounds, err); }
    sample_destroy(&s);
    if (status != PTSNE_OK) { pt_bounds_destroy(bounds); }
    return status;
}
