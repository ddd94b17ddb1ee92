/* Where the time of a fit goes: seconds and calls of each op, the products' rate beside the device's own, and the losses.
 *
 *   bench_fit [FILE | -] [mode] [epochs] [batch] [device]
 *
 * Without a file: 20,000 rows of 784 random columns. Times are whole on a device whose ops end when they
 * return (cpu); elsewhere the waiting shows as download. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/device.h"
#include "base/clock.h"
#include "base/random.h"

typedef enum op {
    OP_UPLOAD,
    OP_DOWNLOAD,
    OP_COPY,
    OP_PRODUCT,
    OP_COLUMN_SUMS,
    OP_GATHER_ROWS,
    OP_DISTANCES,
    OP_CONDITIONAL,
    OP_JOINT,
    OP_TSNE_GRADIENT,
    OP_EDGES_GRADIENT,
    OP_BIAS_ACTIVATION,
    OP_ACTIVATION_GRADIENT,
    OP_DROPOUT,
    OP_ADAM_STEP,
    OP_COUNT
} op;

static const char *const op_names[OP_COUNT] = {
    "upload",
    "download",
    "copy",
    "product",
    "column_sums",
    "gather_rows",
    "distances",
    "affinities_conditional",
    "affinities_joint",
    "tsne_gradient",
    "edges_gradient",
    "bias_activation",
    "activation_gradient",
    "dropout",
    "adam_step",
};

static struct {
    const pt_backend_ops *real;
    double seconds[OP_COUNT], flop; /* flop: of the products */
    size_t calls[OP_COUNT];
} watch;

static ptsne_status spent(op which, double began, ptsne_status status)
{
    watch.seconds[which] += pt_seconds() - began;
    watch.calls[which]++;
    return status;
}

static ptsne_status watch_upload(pt_backend *be, const void *from, const pt_buffer *to, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_UPLOAD, began, watch.real->upload(be, from, to, err));
}

static ptsne_status watch_download(pt_backend *be, const pt_buffer *from, void *to, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_DOWNLOAD, began, watch.real->download(be, from, to, err));
}

static ptsne_status watch_copy(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_COPY, began, watch.real->copy(be, from, to, err));
}

static ptsne_status watch_product(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                                  const pt_buffer *c, ptsne_error *err)
{
    const double began = pt_seconds();
    watch.flop += 2.0 * (double)shape->m * (double)shape->n * (double)shape->k;
    return spent(OP_PRODUCT, began, watch.real->product(be, shape, a, b, c, err));
}

static ptsne_status watch_column_sums(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                                      ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_COLUMN_SUMS, began, watch.real->column_sums(be, x, n, d, out, err));
}

static ptsne_status watch_gather_rows(pt_backend *be, const pt_buffer *x, size_t rows, size_t d, const pt_buffer *a,
                                      const pt_buffer *b, const pt_buffer *t, size_t n, const pt_buffer *out,
                                      ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_GATHER_ROWS, began, watch.real->gather_rows(be, x, rows, d, a, b, t, n, out, err));
}

static ptsne_status watch_distances(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b,
                                    size_t n, size_t d, const pt_buffer *out, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_DISTANCES, began, watch.real->distances(be, metric, a, m, b, n, d, out, err));
}

static ptsne_status watch_affinities_conditional(pt_backend *be, const pt_buffer *d2, size_t m, size_t k,
                                                 size_t self_from, float perplexity, float weight, bool accumulate,
                                                 const pt_buffer *p, const pt_buffer *beta, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(
        OP_CONDITIONAL, began,
        watch.real->affinities_conditional(be, d2, m, k, self_from, perplexity, weight, accumulate, p, beta, err));
}

static ptsne_status watch_affinities_joint(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint,
                                           ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_JOINT, began, watch.real->affinities_joint(be, p, n, joint, err));
}

static ptsne_status watch_tsne_gradient(pt_backend *be, const pt_buffer *p, const pt_buffer *y, size_t n, size_t d,
                                        float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                        const pt_buffer *loss, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_TSNE_GRADIENT, began,
                 watch.real->tsne_gradient(be, p, y, n, d, exaggeration, scratch, gradient, loss, err));
}

static ptsne_status watch_edges_gradient(pt_backend *be, const pt_buffer *y, const pt_buffer *sample, size_t m,
                                         size_t d, float exaggeration, const pt_buffer *scratch,
                                         const pt_buffer *gradient, const pt_buffer *loss, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_EDGES_GRADIENT, began,
                 watch.real->edges_gradient(be, y, sample, m, d, exaggeration, scratch, gradient, loss, err));
}

static ptsne_status watch_bias_activation(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *bias,
                                          pt_activation activation, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_BIAS_ACTIVATION, began, watch.real->bias_activation(be, x, n, d, bias, activation, err));
}

static ptsne_status watch_activation_gradient(pt_backend *be, const pt_buffer *y, size_t count,
                                              pt_activation activation, const pt_buffer *g, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_ACTIVATION_GRADIENT, began, watch.real->activation_gradient(be, y, count, activation, g, err));
}

static ptsne_status watch_dropout(pt_backend *be, const pt_buffer *x, size_t count, const pt_mask *mask,
                                  ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_DROPOUT, began, watch.real->dropout(be, x, count, mask, err));
}

static ptsne_status watch_adam_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                                    const pt_buffer *v, const pt_adam *adam, ptsne_error *err)
{
    const double began = pt_seconds();
    return spent(OP_ADAM_STEP, began, watch.real->adam_step(be, w, g, m, v, adam, err));
}

static pt_backend_ops watched(const pt_backend_ops *real)
{
    watch.real = real;
    pt_backend_ops table = *real;
    table.upload = watch_upload;
    table.download = watch_download;
    table.copy = watch_copy;
    table.product = watch_product;
    table.column_sums = watch_column_sums;
    table.gather_rows = watch_gather_rows;
    table.distances = watch_distances;
    table.affinities_conditional = watch_affinities_conditional;
    table.affinities_joint = watch_affinities_joint;
    table.tsne_gradient = watch_tsne_gradient;
    table.edges_gradient = watch_edges_gradient;
    table.bias_activation = watch_bias_activation;
    table.activation_gradient = watch_activation_gradient;
    table.dropout = watch_dropout;
    table.adam_step = watch_adam_step;
    return table;
}

/* The graph is done when training begins: from here on the steps alone count. */
static int hear(const ptsne_progress *progress, void *user)
{
    double *shown = user;
    if (strcmp(progress->stage, "training") != 0) { return 0; }
    if (progress->step == 0) {
        memset(watch.seconds, 0, sizeof watch.seconds);
        memset(watch.calls, 0, sizeof watch.calls);
        watch.flop = 0.0;
        *shown = 0.0;
    } else if (progress->seconds >= *shown || progress->step == progress->n_steps) {
        fprintf(stderr, "%7.1f s  step %zu of %zu  loss %.4f  %.0f rows/s\n", progress->seconds, progress->step,
                progress->n_steps, progress->loss, progress->rate);
        *shown = progress->seconds + 5.0;
    }
    return 0;
}

static float *random_rows(size_t n, size_t d)
{
    float *x = malloc(n * d * sizeof *x);
    pt_random random = {.seed = 1};
    for (size_t i = 0; x != NULL && i < n * d; i++) { x[i] = pt_random_uniform(&random); }
    return x;
}

static void report_print(const ptsne_fit_report *report, double gflops)
{
    const double seconds = report->training_seconds;
    double known = 0.0;
    for (size_t i = 0; i < OP_COUNT; i++) {
        known += watch.seconds[i];
        if (watch.calls[i] == 0) { continue; }
        printf("%-24s %7zu calls %9.3f s %6.1f %%\n", op_names[i], watch.calls[i], watch.seconds[i],
               100.0 * watch.seconds[i] / seconds);
    }
    printf("%-24s %13s %9.3f s %6.1f %%\n", "elsewhere", "", seconds - known, 100.0 * (seconds - known) / seconds);
    printf("graph %.2f s, training %.2f s, %zu steps of %.2f ms, loss %.5f\n", report->neighbor_seconds, seconds,
           report->steps, 1e3 * seconds / (double)report->steps, report->loss);
    printf("products %.1f GFLOP/s while they run; fit %.1f GFLOP/s = %.0f %% of the device's %.1f GFLOP/s\n",
           1e-9 * watch.flop / watch.seconds[OP_PRODUCT], 1e-9 * report->product_flop / seconds,
           1e-7 * report->product_flop / seconds / gflops, gflops);
}

static ptsne_status bench(ptsne_device *device, const float *x, size_t n, size_t d, const ptsne_fit_options *options,
                          ptsne_error *err)
{
    double gflops, gigabytes, shown = 0.0;
    const ptsne_observer observer = {.progress = hear, .user = &shown};
    ptsne_model *model = NULL;
    ptsne_fit_report report;
    ptsne_status status = ptsne_device_bench(device, &gflops, &gigabytes, err);
    if (status != PTSNE_OK) { return status; }
    const pt_backend_ops watching = watched(device->be->ops);
    device->be->ops = &watching;
    status = ptsne_fit(device, x, n, d, options, &observer, &model, &report, err);
    device->be->ops = watch.real;
    ptsne_model_destroy(model);
    if (status == PTSNE_OK) { report_print(&report, gflops); }
    return status;
}

int main(int argc, char **argv)
{
    const ptsne_device_options device_options = {.spec = argc > 5 ? argv[5] : "cpu"};
    const char *path = argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
    ptsne_fit_options options;
    ptsne_fit_options_default(&options);
    if (argc > 2 && strcmp(argv[2], "batch") == 0) { options.mode = PTSNE_MODE_BATCH; }
    options.epochs = argc > 3 ? (size_t)strtoull(argv[3], NULL, 10) : 1;
    options.batch_size = argc > 4 ? (size_t)strtoull(argv[4], NULL, 10) : 0;

    ptsne_error err = {0};
    ptsne_device *device = NULL;
    ptsne_table *table = NULL;
    float *made = NULL;
    ptsne_status status = ptsne_device_open(&device_options, NULL, &device, &err);
    if (status == PTSNE_OK && path != NULL) {
        status = ptsne_table_read(path, NULL, &table, &err);
        if (status == PTSNE_OK) {
            status = bench(device, ptsne_table_values(table), ptsne_table_rows(table), ptsne_table_columns(table),
                           &options, &err);
        }
    } else if (status == PTSNE_OK) {
        made = random_rows(20000, 784);
        status = made == NULL ? pt_fail_memory(&err, "rows", 20000.0 * 784.0 * sizeof *made)
                              : bench(device, made, 20000, 784, &options, &err);
    }
    if (status != PTSNE_OK) { fprintf(stderr, "bench_fit: %s\n", err.message); }
    free(made);
    ptsne_table_destroy(table);
    ptsne_device_destroy(device);
    return status == PTSNE_OK ? 0 : 1;
}
