/* Devices: which one a spec means, opening it, listing and measuring. */
#include "api/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/device_spec.h"
#include "base/memory.h"

void ptsne_device_options_default(ptsne_device_options *options)
{
    *options = (ptsne_device_options){0};
}

/* ---- what a spec means ---- */

/* A listing, and where in it to look. */
typedef struct listing {
    ptsne_device_info *rows;
    size_t count;
} listing;

/* "no device ...; there are cpu (Name), opencl:0.0 (Platform / Name)". */
static ptsne_status fail_with_list(ptsne_error *err, const listing *list, const char *spec)
{
    char text[700];
    size_t used = 0;
    text[0] = '\0';
    for (size_t k = 0; k < list->count && used < sizeof text; k++) {
        const ptsne_device_info *row = &list->rows[k];
        const int written = snprintf(text + used, sizeof text - used, "%s%s (%s%s%s)", k == 0 ? "" : ", ", row->spec,
                                     row->platform, row->platform[0] == '\0' ? "" : " / ", row->name);
        used += written > 0 ? (size_t)written : 0;
    }
    return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no device \"%.64s\"; there %s %s", spec,
                   list->count == 1 ? "is" : "are", text);
}

static ptsne_status open_spec(const pt_backend_config *like, const char *spec, pt_backend **be, ptsne_error *err)
{
    pt_backend_config config = *like;
    config.spec = spec;
    return pt_backend_open_config(&config, be, err);
}

/* The first GPU of the listing, which has the best first, that opens; with `why` the fault of the first that was refused. */
static bool open_gpu(const listing *list, const pt_backend_config *config, pt_backend **be, ptsne_error *why)
{
    for (size_t k = 0; k < list->count; k++) {
        const ptsne_device_info *row = &list->rows[k];
        ptsne_error err = {0};
        if (!pt_device_is_gpu(row)) { continue; }
        if (row->refused[0] != '\0') {
            pt_fail(&err, PTSNE_ERR_UNAVAILABLE, "%s (%s): %s", row->spec, row->name, row->refused);
        } else {
            const ptsne_status status = open_spec(config, row->spec, be, &err);
            if (status == PTSNE_OK) { return true; }
            pt_within(&err, status, "%s (%s)", row->spec, row->name);
        }
        if (why->status == PTSNE_OK) { *why = err; }
    }
    return false;
}

static ptsne_status open_auto(const pt_backend_config *config, const ptsne_observer *observer, pt_backend **be,
                              ptsne_error *err)
{
    listing list;
    ptsne_error why = {0};
    ptsne_status status = pt_backend_devices(&list.rows, &list.count, err);
    if (status != PTSNE_OK) { return status; }
    if (!open_gpu(&list, config, be, &why)) {
        if (why.status != PTSNE_OK) { pt_warn(observer, "%s; using the cpu", why.message); }
        status = open_spec(config, "cpu", be, err);
    }
    free(list.rows);
    return status;
}

/* Any GPU, or a device by a part of its name. */
static ptsne_status open_listed(const pt_backend_config *config, const char *spec, pt_backend **be, ptsne_error *err)
{
    listing list;
    ptsne_error why = {0};
    ptsne_status status = pt_backend_devices(&list.rows, &list.count, err);
    if (status != PTSNE_OK) { return status; }
    if (strcmp(spec, "gpu") == 0) {
        if (!open_gpu(&list, config, be, &why)) {
            status =
                why.status != PTSNE_OK ? pt_fail(err, why.status, "%s", why.message) : fail_with_list(err, &list, spec);
        }
    } else {
        size_t k = 0;
        while (k < list.count && !pt_device_named(&list.rows[k], spec)) { k++; }
        status = k < list.count ? open_spec(config, list.rows[k].spec, be, err) : fail_with_list(err, &list, spec);
    }
    free(list.rows);
    return status;
}

/* Every OpenCL device: GPUs, or where there is none all that there are. The first that opens does what one alone must do; one
 * that is refused costs a warning while there are others. */
static ptsne_status open_all(const pt_backend_config *config, const ptsne_observer *observer, pt_backend **be,
                             ptsne_error *err)
{
    listing list;
    ptsne_error why = {0};
    pt_backend **end = be;
    bool gpus = false;
    *be = NULL;
    ptsne_status status = pt_backend_devices(&list.rows, &list.count, err);
    if (status != PTSNE_OK) { return status; }
    for (size_t k = 0; k < list.count; k++) { gpus |= pt_device_is_gpu(&list.rows[k]) && !list.rows[k].refused[0]; }
    for (size_t k = 0; k < list.count; k++) {
        const ptsne_device_info *row = &list.rows[k];
        ptsne_error fault = {0};
        const bool wanted = gpus ? pt_device_is_gpu(row) && !row->refused[0] : strncmp(row->spec, "opencl", 6) == 0;
        if (!wanted) { continue; }
        const ptsne_status opened = open_spec(config, row->spec, end, &fault);
        if (opened == PTSNE_OK) {
            end = &(*end)->next;
            continue;
        }
        pt_within(&fault, opened, "%s (%s)", row->spec, row->name);
        if (why.status == PTSNE_OK) { why = fault; }
    }
    if (*be != NULL && why.status != PTSNE_OK) {
        pt_warn(observer, "%s; going on without it", why.message);
    } else if (why.status != PTSNE_OK) {
        status = pt_fail(err, why.status, "%s", why.message);
    } else if (*be == NULL) {
        status = open_spec(config, "opencl", be, err); /* says what is missing */
    }
    free(list.rows);
    return status;
}

static ptsne_status open_any(const pt_backend_config *config, const ptsne_observer *observer, pt_backend **be,
                             ptsne_error *err)
{
    const char *spec = config->spec;
    char numbered[PT_DEVICE_SPEC];
    if (*spec == '\0') { return pt_fail(err, PTSNE_ERR_ARGUMENT, "the device is an empty text"); }
    if (strcmp(spec, "auto") == 0) { return open_auto(config, observer, be, err); }
    if (strcmp(spec, "opencl:all") == 0) { return open_all(config, observer, be, err); }
    if (strcmp(spec, "cpu") == 0 || strcmp(spec, "opencl") == 0 || strncmp(spec, "opencl:", 7) == 0) {
        return open_spec(config, spec, be, err);
    }
    if (pt_device_numbered(spec, numbered)) { return open_spec(config, numbered, be, err); }
    return open_listed(config, spec, be, err);
}

/* ---- public ---- */

/* An environment variable that is set and not empty, or NULL. */
static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

ptsne_status ptsne_device_open(const ptsne_device_options *options, const ptsne_observer *observer,
                               ptsne_device **device, ptsne_error *err)
{
    const ptsne_device_options given = options != NULL ? *options : (ptsne_device_options){0};
    pt_backend_config config = {
        .spec = given.spec, .threads = given.threads, .memory = given.memory, .kernels = given.kernels};
    const bool from_environment = config.spec == NULL && setting("PTSNE_DEVICE") != NULL;
    if (config.spec == NULL) { config.spec = from_environment ? setting("PTSNE_DEVICE") : "auto"; }
    if (config.kernels == NULL) { config.kernels = setting("PTSNE_KERNEL_PATH"); }
    *device = NULL;
    ptsne_device *opened = malloc(sizeof *opened);
    if (opened == NULL) { return pt_fail_memory(err, "a device", (double)sizeof *opened); }
    const ptsne_status status = open_any(&config, observer, &opened->be, err);
    if (status != PTSNE_OK) {
        free(opened);
        return from_environment ? pt_within(err, status, "PTSNE_DEVICE=%.64s", config.spec) : status;
    }
    *device = opened;
    return PTSNE_OK;
}

void ptsne_device_destroy(ptsne_device *device)
{
    if (device == NULL) { return; }
    pt_backend_close(device->be);
    free(device);
}

void ptsne_device_describe(const ptsne_device *device, ptsne_device_info *info)
{
    device->be->ops->describe(device->be, info);
}

ptsne_status ptsne_devices_list(ptsne_device_info **list, size_t *count, ptsne_error *err)
{
    return pt_backend_devices(list, count, err);
}

/* ---- measuring ---- */

#define BENCH_SIDE    ((size_t)2048)
#define BENCH_COPY    ((size_t)256 * 1024 * 1024 / sizeof(float)) /* elements */
#define BENCH_SECONDS 1.0
#define BENCH_ROUNDS  100

/* Wait for what was queued: the first element comes back. */
static ptsne_status wait_for(pt_backend *be, const pt_buffer *buffer, ptsne_error *err)
{
    float first;
    const pt_buffer view = pt_buffer_view(buffer, 0, 1);
    return pt_download(be, &view, &first, err);
}

/* Least seconds of one round of `work` into to, over about a second of rounds; the first one warms up. */
typedef ptsne_status bench_work(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err);

static ptsne_status best_of(pt_backend *be, bench_work *work, const pt_buffer *from, const pt_buffer *to, double *best,
                            ptsne_error *err)
{
    ptsne_status status;
    const double began = pt_seconds();
    *best = 1.0e30;
    for (int round = 0; round < BENCH_ROUNDS; round++) {
        const double start = pt_seconds();
        if ((status = work(be, from, to, err)) != PTSNE_OK) { return status; }
        if ((status = wait_for(be, to, err)) != PTSNE_OK) { return status; }
        const double now = pt_seconds();
        if (round > 0 && now - start < *best) { *best = now - start; }
        if (round >= 3 && now - began > BENCH_SECONDS) { break; }
    }
    return PTSNE_OK;
}

static ptsne_status multiply(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err)
{
    const pt_product_shape shape = {.m = BENCH_SIDE,
                                    .n = BENCH_SIDE,
                                    .k = BENCH_SIDE,
                                    .alpha = 1.0f,
                                    .stride_a = BENCH_SIDE,
                                    .stride_b = BENCH_SIDE,
                                    .stride_c = BENCH_SIDE};
    const size_t matrix = BENCH_SIDE * BENCH_SIDE;
    const pt_buffer a = pt_buffer_view(from, 0, matrix), b = pt_buffer_view(from, matrix, matrix);
    return pt_product(be, &shape, &a, &b, to, err);
}

static ptsne_status move(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err)
{
    return pt_copy(be, from, to, err);
}

ptsne_status ptsne_device_bench(ptsne_device *device, double *gflops, double *gigabytes, ptsne_error *err)
{
    pt_backend *be = device->be;
    pt_buffer from = {0}, to = {0};
    double product = 0.0, copy = 0.0;
    ptsne_status status;
    if ((status = pt_buffer_create(be, BENCH_COPY, &from, err)) != PTSNE_OK) { goto done; }
    if ((status = pt_buffer_create(be, BENCH_COPY, &to, err)) != PTSNE_OK) { goto done; }
    if ((status = pt_fill(be, &from, 0.5f, err)) != PTSNE_OK) { goto done; }
    if ((status = best_of(be, multiply, &from, &to, &product, err)) != PTSNE_OK) { goto done; }
    if ((status = best_of(be, move, &from, &to, &copy, err)) != PTSNE_OK) { goto done; }
    *gflops = 2.0e-9 * (double)BENCH_SIDE * (double)BENCH_SIDE * (double)BENCH_SIDE / product;
    *gigabytes = 2.0e-9 * (double)(BENCH_COPY * sizeof(float)) / copy;
done:
    pt_buffer_destroy(be, &to);
    pt_buffer_destroy(be, &from);
    return status;
}
