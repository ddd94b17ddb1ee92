/* How fast the ops of a convolutional net run at the shapes of one step of MNIST's classifier, 512 images: milliseconds, GFLOP/s or
 * GB/s, best of several rounds. The cpu with 1 thread is measured in its own time, not by the clock on the wall.
 *
 *   bench_images [DEVICE [THREADS [PART OF A NAME]]]     bench_images cpu 1 convolution */
#include "backend/backend.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IMAGES ((size_t)512)

static ptsne_error err;

typedef struct bench {
    pt_backend *be;
    const char *part;
    bool own_time;
    double total;
} bench;

static void must(ptsne_status status)
{
    if (status != PTSNE_OK) {
        fprintf(stderr, "bench_images: %s\n", err.message);
        exit(1);
    }
}

static double seconds_now(const bench *b)
{
    return b->own_time ? (double)clock() / (double)CLOCKS_PER_SEC : pt_seconds();
}

/* count numbers in -1 .. 1 on the device. */
static pt_buffer numbers(const bench *b, size_t count)
{
    pt_buffer buffer;
    pt_random random = {.seed = count, .stream = 3};
    float *x = pt_array_aligned(count, sizeof *x);
    if (x == NULL) { must(pt_fail_memory(&err, "numbers", 4.0 * (double)count)); }
    for (size_t t = 0; t < count; t++) { x[t] = 2.0f * pt_random_uniform(&random) - 1.0f; }
    must(pt_buffer_create(b->be, count, &buffer, &err));
    must(pt_upload(b->be, x, &buffer, &err));
    free(x);
    return buffer;
}

/* The buffers of one layer; its ops are run one after the other by `which`. */
typedef struct layer {
    pt_window window;
    size_t filters, rows, columns;
    pt_buffer x, y, gx, g, w, gw, scratch, which, column[6], loss;
} layer;

typedef void run_op(pt_backend *be, const layer *l);

static void report(bench *b, const char *op, const char *size, double work, const char *unit, run_op *run,
                   const layer *l)
{
    char name[64];
    snprintf(name, sizeof name, "%s, %s", op, size);
    if (b->part != NULL && strstr(name, b->part) == NULL) { return; }
    double best = 1.0e30;
    const double began = seconds_now(b);
    for (int round = 0; round < 50 && (round < 3 || seconds_now(b) - began < 0.5); round++) {
        float first;
        const double start = seconds_now(b);
        run(b->be, l);
        const pt_buffer view = pt_buffer_view(&l->loss, 0, 1);
        must(pt_download(b->be, &view, &first, &err)); /* waits */
        const double seconds = seconds_now(b) - start;
        if (seconds < best) { best = seconds; }
    }
    b->total += best;
    printf("%-44s %9.3f ms  %8.2f %s\n", name, best * 1.0e3, work / best * 1.0e-9, unit);
    fflush(stdout);
}

static void run_convolution(pt_backend *be, const layer *l)
{
    must(pt_convolution(be, &l->window, &l->x, IMAGES, l->filters, &l->w, &l->scratch, &l->y, &err));
}

static void run_inputs(pt_backend *be, const layer *l)
{
    must(pt_convolution_inputs(be, &l->window, &l->g, IMAGES, l->filters, &l->w, &l->scratch, &l->gx, &err));
}

static void run_weights(pt_backend *be, const layer *l)
{
    must(pt_convolution_weights(be, &l->window, &l->x, &l->g, IMAGES, l->filters, &l->scratch, &l->gw, &err));
}

static void run_pool(pt_backend *be, const layer *l)
{
    must(pt_max_pool(be, &l->window, &l->x, IMAGES, &l->y, &l->which, &err));
}

static void run_pool_gradient(pt_backend *be, const layer *l)
{
    must(pt_max_pool_gradient(be, &l->window, &l->g, &l->which, IMAGES, &l->gx, &err));
}

static void run_moments(pt_backend *be, const layer *l)
{
    must(pt_column_moments(be, &l->x, l->rows, l->columns, &l->scratch, &l->column[0], &l->column[1], &err));
}

static void run_normalize(pt_backend *be, const layer *l)
{
    must(pt_normalize(be, &l->x, l->rows, l->columns, &l->column[0], &l->column[1], &l->column[2], &l->column[3],
                      1.0e-5f, PT_RELU, &l->y, &err));
}

static void run_normalize_gradient(pt_backend *be, const layer *l)
{
    must(pt_normalize_gradient(be, &l->x, l->rows, l->columns, &l->column[0], &l->column[1], &l->column[2], 1.0e-5f,
                               &l->g, &l->scratch, &l->column[4], &l->column[5], &err));
}

static void run_relu_gradient(pt_backend *be, const layer *l)
{
    must(pt_activation_gradient(be, &l->y, l->rows * l->columns, PT_RELU, &l->g, &err));
}

static void run_sums(pt_backend *be, const layer *l)
{
    must(pt_column_sums(be, &l->x, l->rows, l->columns, &l->column[4], &err));
}

static void run_bias(pt_backend *be, const layer *l)
{
    must(pt_bias_activation(be, &l->y, l->rows, l->columns, &l->column[3], PT_LINEAR, &err));
}

static void release(pt_backend *be, layer *l)
{
    pt_buffer *all[] = {&l->x, &l->y, &l->gx, &l->g, &l->w, &l->gw, &l->scratch, &l->which, &l->loss};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) { pt_buffer_destroy(be, all[k]); }
    for (size_t k = 0; k < 6; k++) { pt_buffer_destroy(be, &l->column[k]); }
}

static void bench_convolution(bench *b, const char *size, size_t side, size_t channels, size_t filters)
{
    layer l = {.window = {side, side, channels, 5, 5, 1, 2, 2, side, side}, .filters = filters};
    const size_t places = IMAGES * side * side, patch = 25 * channels;
    const double flop = 2.0 * (double)places * (double)patch * (double)filters;
    l.x = numbers(b, places * channels), l.gx = numbers(b, places * channels);
    l.y = numbers(b, places * filters), l.g = numbers(b, places * filters);
    l.w = numbers(b, patch * filters), l.gw = numbers(b, patch * filters);
    l.scratch = numbers(b, pt_convolution_scratch(b->be, &l.window, IMAGES, filters, true)), l.loss = numbers(b, 1);
    report(b, "convolution", size, flop, "GFLOP/s", run_convolution, &l);
    if (channels > 1) { report(b, "convolution_inputs", size, flop, "GFLOP/s", run_inputs, &l); }
    report(b, "convolution_weights", size, flop, "GFLOP/s", run_weights, &l);
    release(b->be, &l);
}

static void bench_norm(bench *b, const char *size, size_t rows, size_t columns)
{
    layer l = {.rows = rows, .columns = columns};
    const double bytes = 4.0 * (double)rows * (double)columns;
    l.x = numbers(b, rows * columns), l.y = numbers(b, rows * columns), l.g = numbers(b, rows * columns);
    l.scratch = numbers(b, pt_column_scratch(rows, columns)), l.loss = numbers(b, 1);
    for (size_t k = 0; k < 6; k++) { l.column[k] = numbers(b, columns); }
    report(b, "bias_activation", size, 2.0 * bytes, "GB/s", run_bias, &l);
    report(b, "column_sums", size, bytes, "GB/s", run_sums, &l);
    report(b, "column_moments", size, bytes, "GB/s", run_moments, &l);
    report(b, "normalize relu", size, 2.0 * bytes, "GB/s", run_normalize, &l);
    report(b, "relu's gradient", size, 3.0 * bytes, "GB/s", run_relu_gradient, &l);
    report(b, "normalize_gradient", size, 5.0 * bytes, "GB/s", run_normalize_gradient, &l);
    release(b->be, &l);
}

static void bench_pool(bench *b, const char *size, size_t side, size_t channels)
{
    layer l = {.window = {side, side, channels, 2, 2, 2, 0, 0, side / 2, side / 2}};
    const size_t values = IMAGES * side * side * channels;
    const double bytes = 4.0 * (double)values;
    l.x = numbers(b, values), l.gx = numbers(b, values), l.y = numbers(b, values / 4), l.g = numbers(b, values / 4);
    l.which = numbers(b, values / 4), l.loss = numbers(b, 1);
    must(pt_max_pool(b->be, &l.window, &l.x, IMAGES, &l.y, &l.which, &err));
    report(b, "max_pool", size, 1.5 * bytes, "GB/s", run_pool, &l);
    report(b, "max_pool_gradient", size, 1.5 * bytes, "GB/s", run_pool_gradient, &l);
    release(b->be, &l);
}

int main(int argc, char **argv)
{
    bench b = {.part = argc > 3 ? argv[3] : NULL};
    ptsne_device_info info;
    const pt_backend_config config = {.spec = argc > 1 ? argv[1] : "cpu",
                                      .threads = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0};
    must(pt_backend_open_config(&config, &b.be, &err));
    b.be->ops->describe(b.be, &info);
    b.own_time = strcmp(config.spec, "cpu") == 0 && b.be->threads == 1;
    printf("%s, %s, %zu threads\n", info.name, info.driver, b.be->threads);
    bench_convolution(&b, "28 x 28 x 1 to 20", 28, 1, 20);
    bench_norm(&b, "28 x 28 x 20", IMAGES * 784, 20);
    bench_pool(&b, "28 x 28 x 20", 28, 20);
    bench_convolution(&b, "14 x 14 x 20 to 40", 14, 20, 40);
    bench_norm(&b, "14 x 14 x 40", IMAGES * 196, 40);
    bench_pool(&b, "14 x 14 x 40", 14, 40);
    printf("%-44s %9.3f ms\n", "together", b.total * 1.0e3);
    pt_backend_close(b.be);
    return 0;
}
