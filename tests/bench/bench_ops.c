/* How fast each op runs at the shapes of training and of the neighbour search: milliseconds, and GFLOP/s, GB/s or 1e9 pairs a
 * second, best of several rounds. The cpu with 1 thread is measured in its own time, not by the clock on the wall.
 *
 *   bench_ops [DEVICE [THREADS [PART OF A NAME]]]     bench_ops cpu 0 product */
#include "backend/backend.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With one thread on the cpu, the process's own time: what else the machine does is no part of it. */
static bool own_time;

static double seconds_now(void)
{
    return own_time ? (double)clock() / (double)CLOCKS_PER_SEC : pt_seconds();
}

static void must(ptsne_status status, const ptsne_error *err)
{
    if (status != PTSNE_OK) {
        fprintf(stderr, "bench_ops: %s\n", err->message);
        exit(1);
    }
}

static ptsne_error err;

/* count numbers in 0 .. scale on the device. */
static pt_buffer numbers(pt_backend *be, size_t count, float scale)
{
    pt_buffer buffer;
    uint32_t state =
        (uint32_t)count; /* a plain congruential generator: preparing must not take longer than measuring */
    float *x = pt_array_aligned(count, sizeof *x);
    if (x == NULL) { must(pt_fail_memory(&err, "numbers", 4.0 * (double)count), &err); }
    for (size_t t = 0; t < count; t++) {
        state = state * 1664525u + 1013904223u;
        x[t] = scale * (float)(state >> 8) * 0x1p-24f;
    }
    must(pt_buffer_create(be, count, &buffer, &err), &err);
    must(pt_upload(be, x, &buffer, &err), &err);
    free(x);
    return buffer;
}

/* count numbers below `bound`, as uint32_t. */
static pt_buffer indices(pt_backend *be, size_t count, size_t bound)
{
    pt_buffer buffer;
    pt_random random = {.seed = count, .stream = 2};
    uint32_t *x = pt_array_aligned(count, sizeof *x);
    if (x == NULL) { must(pt_fail_memory(&err, "indices", 4.0 * (double)count), &err); }
    for (size_t t = 0; t < count; t++) { x[t] = (uint32_t)pt_random_below(&random, bound); }
    must(pt_buffer_create(be, count, &buffer, &err), &err);
    must(pt_upload(be, x, &buffer, &err), &err);
    free(x);
    return buffer;
}

/* One row of the table: run() once is `work` units. */
typedef struct bench {
    pt_backend *be;
    const char *name, *unit; /* "GFLOP/s", "GB/s", "Gpair/s" */
    double work;
    pt_buffer b[8];
    size_t m, n, k;
    pt_product_shape shape;
    int number;
} bench;

static void report(bench *b, void (*run)(bench *), const char *part)
{
    if (part != NULL && strstr(b->name, part) == NULL) { return; }
    double best = 1.0e30, began = seconds_now();
    float first;
    for (int round = 0; round < 50 && (round < 3 || seconds_now() - began < 0.5); round++) {
        const double start = seconds_now();
        run(b);
        const pt_buffer view = pt_buffer_view(&b->b[2], 0, 1);
        must(pt_download(b->be, &view, &first, &err), &err);
        const double seconds = seconds_now() - start;
        if (seconds < best) { best = seconds; }
    }
    printf("%-44s %9.3f ms  %8.2f %s\n", b->name, best * 1.0e3, b->work / best * 1.0e-9, b->unit);
    fflush(stdout);
}

static void release(bench *b)
{
    for (size_t k = 0; k < sizeof b->b / sizeof b->b[0]; k++) { pt_buffer_destroy(b->be, &b->b[k]); }
}

/* ---- products ---- */

static void run_product(bench *b)
{
    must(pt_product(b->be, &b->shape, &b->b[0], &b->b[1], &b->b[2], &err), &err);
}

static void bench_product(pt_backend *be, const char *kind, bool ta, bool tb, size_t m, size_t n, size_t k,
                          const char *part)
{
    char name[96];
    snprintf(name, sizeof name, "product %s %s%s %zu x %zu x %zu", kind, ta ? "T" : "N", tb ? "T" : "N", m, n, k);
    if (part != NULL && strstr(name, part) == NULL) { return; }
    bench b = {.be = be, .name = name, .unit = "GFLOP/s", .work = 2.0 * (double)m * (double)n * (double)k};
    b.shape = (pt_product_shape){.transpose_a = ta,
                                 .transpose_b = tb,
                                 .m = m,
                                 .n = n,
                                 .k = k,
                                 .alpha = 1.0f,
                                 .stride_a = ta ? m : k,
                                 .stride_b = tb ? k : n,
                                 .stride_c = n};
    b.b[0] = numbers(be, m * k, 1.0f), b.b[1] = numbers(be, k * n, 1.0f), b.b[2] = numbers(be, m * n, 1.0f);
    report(&b, run_product, NULL);
    release(&b);
}

static void bench_products(pt_backend *be, const char *part)
{
    bench_product(be, "square", false, false, 2048, 2048, 2048, part);
    bench_product(be, "square", false, false, 4096, 4096, 4096, part);
    const size_t batches[] = {500, 1000};
    const size_t layers[] = {784, 500, 500, 2000, 2};
    for (size_t s = 0; s < 2; s++) {
        for (size_t l = 0; l < 4; l++) {
            const size_t batch = batches[s], in = layers[l], out = layers[l + 1];
            bench_product(be, "forward", false, true, batch, out, in, part);
            bench_product(be, "weights", true, false, out, in, batch, part);
            bench_product(be, "inputs", false, false, batch, in, out, part);
        }
    }
    bench_product(be, "tile", false, true, 1024, 4096, 50, part);
    bench_product(be, "tile", false, true, 1024, 4096, 784, part);
}

/* ---- neighbours ---- */

static void run_distances(bench *b)
{
    must(pt_distances(b->be, b->number, &b->b[0], b->m, &b->b[1], b->n, b->k, &b->b[2], &err), &err);
}

/* Four tiles, as of one stripe of the neighbour search: the lists begin empty. */
static void run_nearest(bench *b)
{
    must(pt_fill(b->be, &b->b[2], INFINITY, &err), &err);
    for (size_t t = 0; t < 4; t++) {
        const pt_buffer tile = pt_buffer_view(&b->b[0], t * b->m * b->n, b->m * b->n);
        must(pt_nearest_merge(b->be, &tile, b->m, b->n, SIZE_MAX, t * b->n, b->k, &b->b[2], &b->b[1], &err), &err);
    }
}

/* A block of rows against all others, seen from both sides: what remains beside the product is the scan. */
static void run_lists(bench *b)
{
    const size_t room = pt_nearest_room(109);
    const pt_buffer mine = pt_buffer_view(&b->b[2], 0, b->m * room);
    const pt_buffer theirs = pt_buffer_view(&b->b[2], b->m * room, b->n * room);
    must(pt_nearest_begin(b->be, b->m + b->n, 109, &b->b[2], &err), &err);
    must(pt_nearest_add(b->be, b->number, &b->b[0], b->m, &b->b[1], b->n, b->k, 0, b->m, 109, &mine, &theirs, &err),
         &err);
}

static void run_ranks(bench *b)
{
    must(pt_rank_counts(b->be, &b->b[0], b->m, b->n, SIZE_MAX, 0, &b->b[1], b->k, &b->b[2], &err), &err);
}

static void run_conditional(bench *b)
{
    must(pt_affinities_conditional(b->be, &b->b[0], b->m, b->n, b->k, 30.0f, 1.0f, false, &b->b[1], &b->b[2], &err),
         &err);
}

static void run_joint(bench *b)
{
    must(pt_affinities_joint(b->be, &b->b[0], b->n, &b->b[2], &err), &err);
}

static void bench_neighbors(pt_backend *be, const char *part)
{
    const char *const metrics[] = {"euclidean", "cosine", "manhattan"};
    const size_t m = 1024, n = 4096;
    for (size_t c = 0; c < 6; c++) {
        char name[64];
        const size_t d = c / 3 == 0 ? 50 : 784;
        snprintf(name, sizeof name, "distances %s d = %zu", metrics[c % 3], d);
        bench b = {
            .be = be, .name = name, .unit = "GFLOP/s", .work = 2.0 * (double)(m * n * d), .m = m, .n = n, .k = d};
        must(pt_metric_find(be, metrics[c % 3], &b.number, &err), &err);
        b.b[0] = numbers(be, m * d, 1.0f), b.b[1] = numbers(be, n * d, 1.0f), b.b[2] = numbers(be, m * n, 1.0f);
        report(&b, run_distances, part);
        release(&b);
    }
    for (size_t c = 0; c < 2; c++) {
        char name[64];
        const size_t rows = 2048, points = 16384, d = c == 0 ? 50 : 128, room = pt_nearest_room(109);
        snprintf(name, sizeof name, "nearest_add both 2048 x 16384, d = %zu", d);
        bench b = {.be = be, .name = name, .unit = "GFLOP/s", .work = 2.0 * (double)(rows * points * d)};
        b.m = rows, b.n = points, b.k = d;
        must(pt_metric_find(be, "euclidean", &b.number, &err), &err);
        b.b[0] = numbers(be, rows * d, 1.0f), b.b[1] = numbers(be, points * d, 1.0f);
        b.b[2] = numbers(be, (rows + points) * room, 1.0f);
        report(&b, run_lists, part);
        release(&b);
    }
    bench nearest = {.be = be,
                     .name = "nearest_merge 4 of 1024 x 4096, k = 90",
                     .unit = "Gpair/s",
                     .m = m,
                     .n = n,
                     .k = 90,
                     .work = 4.0 * (double)(m * n)};
    nearest.b[0] = numbers(be, 4 * m * n, 1.0f), nearest.b[1] = indices(be, m * 90, 1000);
    nearest.b[2] = numbers(be, m * 90, 1.0f);
    report(&nearest, run_nearest, part);
    release(&nearest);
    bench ranks = {.be = be,
                   .name = "rank_counts 1024 x 4096, k = 12",
                   .unit = "Gpair/s",
                   .m = m,
                   .n = n,
                   .k = 12,
                   .work = (double)(m * n * 12)};
    ranks.b[0] = numbers(be, m * n, 1.0f), ranks.b[1] = numbers(be, m * 12, 1.0f), ranks.b[2] = indices(be, m * 12, 10);
    report(&ranks, run_ranks, part);
    release(&ranks);
    const size_t rows[][3] = {{10000, 90, SIZE_MAX}, {1000, 1000, 0}, {5000, 5000, 0}};
    for (size_t c = 0; c < 3; c++) {
        char name[64];
        snprintf(name, sizeof name, "affinities_conditional %zu x %zu", rows[c][0], rows[c][1]);
        bench b = {.be = be,
                   .name = name,
                   .unit = "Gpair/s",
                   .m = rows[c][0],
                   .n = rows[c][1],
                   .k = rows[c][2],
                   .work = (double)(rows[c][0] * rows[c][1])};
        b.b[0] = numbers(be, b.m * b.n, 10.0f), b.b[1] = numbers(be, b.m * b.n, 1.0f), b.b[2] = numbers(be, b.m, 1.0f);
        report(&b, run_conditional, part);
        release(&b);
    }
    bench joint = {.be = be, .name = "affinities_joint 5000", .unit = "GB/s", .n = 5000, .work = 12.0 * 25.0e6};
    joint.b[0] = numbers(be, 25000000, 1.0f), joint.b[2] = numbers(be, 25000000, 1.0f);
    report(&joint, run_joint, part);
    release(&joint);
}

/* ---- gradients ---- */

static void run_student(bench *b)
{
    must(pt_student_sums(b->be, &b->b[0], b->n, b->k, 0, b->m, &b->b[2], &err), &err);
}

static void run_tsne(bench *b)
{
    must(pt_tsne_gradient(b->be, &b->b[0], &b->b[1], b->n, b->k, 1.0f, &b->b[3], &b->b[2], &b->b[4], &err), &err);
}

static void run_edges(bench *b)
{
    must(pt_edges_gradient(b->be, &b->b[0], &b->b[1], b->m, b->k, 4.0f, &b->b[3], &b->b[2], &b->b[4], &err), &err);
}

static void bench_gradients(pt_backend *be, const char *part)
{
    for (size_t d = 2; d <= 3; d++) {
        char name[64];
        bench b = {.be = be, .name = name, .unit = "Gpair/s", .k = d};
        snprintf(name, sizeof name, "student_sums 4000 of 70000, d = %zu", d);
        b.n = 70000, b.m = 4000, b.work = (double)b.n * (double)b.m;
        b.b[0] = numbers(be, b.n * d, 100.0f), b.b[2] = numbers(be, b.m, 1.0f);
        report(&b, run_student, part);
        release(&b);
        const size_t sides[] = {1000, 5000};
        for (size_t s = 0; s < 2; s++) {
            const size_t n = sides[s];
            snprintf(name, sizeof name, "tsne_gradient n = %zu, d = %zu", n, d);
            b.n = n, b.work = (double)n * (double)n;
            b.b[0] = numbers(be, n * n, 1.0f / (float)(n * n)), b.b[1] = numbers(be, n * d, 30.0f);
            b.b[2] = numbers(be, n * d, 1.0f), b.b[3] = numbers(be, pt_gradient_scratch(n, d), 1.0f);
            b.b[4] = numbers(be, 1, 1.0f);
            report(&b, run_tsne, part);
            release(&b);
        }
        const size_t edges[] = {250, 500, 1000};
        for (size_t s = 0; s < 3; s++) {
            const size_t n = 2 * edges[s];
            snprintf(name, sizeof name, "edges_gradient %zu rows, d = %zu", n, d);
            b.m = edges[s], b.work = (double)n * (double)n;
            b.b[0] = numbers(be, n * d, 30.0f), b.b[1] = indices(be, n, 60000), b.b[2] = numbers(be, n * d, 1.0f);
            b.b[3] = numbers(be, pt_gradient_scratch(n, d), 1.0f), b.b[4] = numbers(be, 1, 1.0f);
            report(&b, run_edges, part);
            release(&b);
        }
    }
}

/* ---- the iteration of a map ---- */

#define ENTRIES ((size_t)128) /* of a row */

/* Columns as of a map in the order of a space-filling curve: three quarters of a row near it, the others within 16384 places. */
static pt_buffer near_columns(pt_backend *be, size_t n)
{
    pt_buffer buffer;
    uint32_t state = (uint32_t)n; /* as in numbers() */
    uint32_t *x = pt_array_aligned(n * ENTRIES, sizeof *x);
    if (x == NULL) { must(pt_fail_memory(&err, "columns", 4.0 * (double)(n * ENTRIES)), &err); }
    for (size_t i = 0; i < n; i++) {
        const size_t middle = i < 16384 ? 16384 : i > n - 16384 ? n - 16384 : i;
        uint32_t *row = x + i * ENTRIES;
        for (size_t k = 0; k < ENTRIES; k++) {
            const bool near = k >= 16 && k < 112;
            const size_t stride = near ? 10 : 992, from = near     ? 15904 + (k - 16) * 10
                                                          : k < 16 ? k * 992
                                                                   : 16896 + (k - 112) * 992;
            state = state * 1664525u + 1013904223u;
            row[k] = (uint32_t)(middle - 16384 + from + (state >> 8) % stride);
        }
    }
    must(pt_buffer_create(be, n * ENTRIES, &buffer, &err), &err);
    must(pt_upload(be, x, &buffer, &err), &err);
    free(x);
    return buffer;
}

static void run_attraction(bench *b)
{
    const pt_edges edges = {.m = b->n, .n = b->n, .row = b->b[0], .column = b->b[1], .p = b->b[3]};
    must(pt_attraction(b->be, &edges, &b->b[4], &b->b[4], b->k, 1.0f, &b->b[5], &b->b[2],
                       b->number == 0 ? NULL : &b->b[6], &err),
         &err);
}

static void bench_attraction(pt_backend *be, size_t n, size_t d, const char *part)
{
    char name[64];
    snprintf(name, sizeof name, "attraction %zu x %zu, d = %zu", n, ENTRIES, d);
    if (part != NULL && strstr(name, part) == NULL) { return; }
    bench b = {.be = be, .name = name, .unit = "GB/s", .n = n, .k = d, .work = 8.0 * (double)(n * ENTRIES)};
    uint32_t *row = pt_array_aligned(n + 1, sizeof *row);
    if (row == NULL) { must(pt_fail_memory(&err, "rows", 4.0 * (double)n), &err); }
    for (size_t i = 0; i <= n; i++) { row[i] = (uint32_t)(i * ENTRIES); }
    must(pt_buffer_create(be, n + 1, &b.b[0], &err), &err);
    must(pt_upload(be, row, &b.b[0], &err), &err);
    free(row);
    b.b[1] = near_columns(be, n), b.b[2] = numbers(be, n * d, 1.0f), b.b[3] = numbers(be, n * ENTRIES, 1.0f);
    b.b[4] = numbers(be, n * d, 100.0f), b.b[5] = numbers(be, pt_map_scratch(n, d), 1.0f),
    b.b[6] = numbers(be, 1, 1.0f);
    report(&b, run_attraction, NULL);
    snprintf(name, sizeof name, "attraction and loss %zu x %zu, d = %zu", n, ENTRIES, d);
    b.number = 1;
    report(&b, run_attraction, NULL);
    release(&b);
}

static void run_repulsion(bench *b)
{
    must(pt_repulsion(b->be, &b->b[0], b->m, &b->b[0], b->n, b->k, (float)b->number, &b->b[2], &b->b[1], &err), &err);
}

static void run_potential_sum(bench *b)
{
    must(pt_potential_sum(b->be, &b->b[0], b->n, 1.0f, &b->b[1], &b->b[2], &err), &err);
}

static void run_step(bench *b)
{
    const pt_descent by = {
        .exaggeration = 1.0f, .learning_rate = 1.0e-3f, .momentum = 0.8f, .least_gain = 0.01f, .max_step = INFINITY};
    must(pt_embedding_step(b->be, &by, &b->b[0], &b->b[1], &b->b[3], b->n, b->k, &b->b[2], &b->b[4], &b->b[5], &b->b[6],
                           &b->b[7], &err),
         &err);
}

static void bench_map(pt_backend *be, const char *part)
{
    const size_t n = 70000;
    char name[64];
    bench_attraction(be, n, 2, part);
    bench_attraction(be, n, 3, part);
    bench_attraction(be, 1000000, 2, part);
    for (size_t d = 2; d <= 3; d++) {
        bench b = {.be = be, .name = name, .unit = "Gpair/s", .n = n, .m = 4000, .k = d, .work = 4000.0 * (double)n};
        b.b[0] = numbers(be, n * d, 100.0f), b.b[1] = numbers(be, n, 1.0f), b.b[2] = numbers(be, n * d, 1.0f);
        for (b.number = 1; b.number <= 3; b.number += 2) {
            snprintf(name, sizeof name, "repulsion 4000 of 70000, d = %zu, dof = %d", d, b.number);
            report(&b, run_repulsion, part);
        }
        release(&b);
        bench step = {.be = be, .name = name, .unit = "GB/s", .n = n, .k = d, .work = 32.0 * (double)(n * d)};
        for (size_t k = 0; k < 6; k++) { step.b[k] = numbers(be, n * d, 1.0f); }
        step.b[6] = numbers(be, pt_map_scratch(n, d), 1.0f), step.b[7] = numbers(be, PT_STEP_STATS(d), 1.0f);
        snprintf(name, sizeof name, "embedding_step 70000, d = %zu", d);
        report(&step, run_step, part);
        release(&step);
    }
    bench sum = {.be = be, .name = "potential_sum 70000", .unit = "GB/s", .n = n, .work = 4.0 * (double)n};
    sum.b[0] = numbers(be, n, 1.0f), sum.b[1] = numbers(be, pt_map_scratch(n, 2), 1.0f),
    sum.b[2] = numbers(be, 1, 1.0f);
    report(&sum, run_potential_sum, part);
    release(&sum);
}

/* ---- layers ---- */

static void run_activation(bench *b)
{
    must(pt_bias_activation(b->be, &b->b[2], b->m, b->n, &b->b[0], (pt_activation)b->number, &err), &err);
}

static void run_activation_gradient(bench *b)
{
    must(pt_activation_gradient(b->be, &b->b[0], b->m * b->n, (pt_activation)b->number, &b->b[2], &err), &err);
}

static void run_dropout(bench *b)
{
    const pt_mask mask = {0.1f, 1, 2};
    must(pt_dropout(b->be, &b->b[2], b->m * b->n, &mask, &err), &err);
}

static void run_sums(bench *b)
{
    must(pt_column_sums(b->be, &b->b[0], b->m, b->n, &b->b[2], &err), &err);
}

static void run_gather(bench *b)
{
    must(pt_gather_rows(b->be, &b->b[0], 60000, b->n, &b->b[1], NULL, NULL, b->m, &b->b[2], &err), &err);
}

static void run_mix(bench *b)
{
    must(pt_gather_rows(b->be, &b->b[0], 60000, b->n, &b->b[1], &b->b[3], &b->b[4], b->m, &b->b[2], &err), &err);
}

static void run_adam(bench *b)
{
    const pt_adam adam = {1.0e-3f, 0.9f, 0.999f, 1.0e-8f, 10.0f, 1000.0f};
    must(pt_adam_step(b->be, &b->b[2], &b->b[0], &b->b[1], &b->b[3], &adam, &err), &err);
}

static void run_sgd(bench *b)
{
    must(pt_sgd_step(b->be, &b->b[2], &b->b[0], &b->b[1], 1.0e-3f, 0.9f, &err), &err);
}

static void bench_layers(pt_backend *be, const char *part)
{
    const char *const activations[] = {"linear", "relu", "elu", "tanh", "sigmoid"};
    const size_t m = 1000, n = 2000;
    const double bytes = 4.0 * (double)(m * n);
    char name[64];
    bench b = {.be = be, .name = name, .unit = "GB/s", .m = m, .n = n};
    b.b[0] = numbers(be, m * n, 1.0f), b.b[2] = numbers(be, m * n, 1.0f);
    for (b.number = 0; b.number < 5; b.number++) {
        snprintf(name, sizeof name, "bias_activation %s 1000 x 2000", activations[b.number]);
        b.work = 2.0 * bytes;
        report(&b, run_activation, part);
        snprintf(name, sizeof name, "activation_gradient %s 1000 x 2000", activations[b.number]);
        b.work = 3.0 * bytes;
        report(&b, run_activation_gradient, part);
    }
    b.name = "dropout 1000 x 2000", b.work = 2.0 * bytes;
    report(&b, run_dropout, part);
    b.name = "column_sums 1000 x 2000", b.work = bytes;
    report(&b, run_sums, part);
    release(&b);
    bench rows = {.be = be, .name = "gather_rows 1000 x 784", .unit = "GB/s", .m = m, .n = 784, .work = 8.0 * 784000.0};
    rows.b[0] = numbers(be, 60000 * 784, 1.0f), rows.b[1] = indices(be, m, 60000), rows.b[3] = indices(be, m, 60000);
    rows.b[2] = numbers(be, m * 784, 1.0f), rows.b[4] = numbers(be, m, 1.0f);
    report(&rows, run_gather, part);
    rows.name = "gather_rows 1000 x 784 of two", rows.work = 12.0 * 784000.0;
    report(&rows, run_mix, part);
    release(&rows);
    const double weights = 784.0 * 500.0 + 500.0 * 500.0 + 500.0 * 2000.0 + 2000.0 * 2.0;
    bench step = {.be = be, .name = "adam_step 1.6 M weights", .unit = "GB/s", .work = 28.0 * weights};
    for (size_t k = 0; k < 4; k++) { step.b[k] = numbers(be, (size_t)weights, 1.0f); }
    report(&step, run_adam, part);
    step.name = "sgd_step 1.6 M weights", step.work = 20.0 * weights;
    report(&step, run_sgd, part);
    release(&step);
}

int main(int argc, char **argv)
{
    pt_backend *be;
    ptsne_device_info info;
    const pt_backend_config config = {.spec = argc > 1 ? argv[1] : "cpu",
                                      .threads = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0};
    const char *part = argc > 3 ? argv[3] : NULL;
    must(pt_backend_open_config(&config, &be, &err), &err);
    be->ops->describe(be, &info);
    own_time = strcmp(config.spec, "cpu") == 0 && be->threads == 1;
    printf("%s, %s, %zu threads\n", info.name, info.driver, be->threads);
    bench_products(be, part);
    bench_neighbors(be, part);
    bench_gradients(be, part);
    bench_map(be, part);
    bench_layers(be, part);
    pt_backend_close(be);
    return 0;
}
