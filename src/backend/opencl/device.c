#define _POSIX_C_SOURCE 200809L

#include "backend/opencl/device.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/opencl/gemm.h"
#include "backend/opencl/program.h"
#include "backend/opencl/source.h"
#include "base/clock.h"
#include "base/memory.h"

#define GROUP         ((size_t)64)
#define SMALLEST      ((size_t)16)      /* bytes: a buffer of none is refused by drivers */
#define FIRST_RATE    1.0e9             /* units of work a second, before anything was measured */
#define QUEUED_MOST   0.5               /* seconds of work that may wait in the queue */
#define CHUNK_SECONDS 0.05              /* of one launch; PTSNE_CHUNK_MS */
#define LAUNCH_ITEMS  ((size_t)1 << 22) /* work-items of one launch */
#define GLOBAL_ITEMS  ((size_t)1 << 31) /* work-items of a call, all launches: ids stay in 32 bits */

/* ---- failures ---- */

ptsne_status pt_device_usable(const pt_device *device, ptsne_error *err)
{
    if (!device->lost) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_DEVICE, "%s failed before and is not used any more", device->info.spec);
}

ptsne_status pt_device_failed(pt_device *device, const char *what, cl_int code, ptsne_error *err)
{
    device->lost = true;
    const bool memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY;
    return pt_fail(err, memory ? PTSNE_ERR_MEMORY : PTSNE_ERR_DEVICE, "%s: %s: %s (%d)", device->info.spec, what,
                   pt_cl_error(code), code);
}

/* ---- pace ---- */

double pt_device_chunk(const pt_device *device, const pt_kernel *kernel)
{
    return device->chunk * (kernel->rate > 0.0 ? kernel->rate : FIRST_RATE);
}

ptsne_status pt_device_pace(pt_device *device, pt_kernel *kernel, double work, bool more, double began,
                            ptsne_error *err)
{
    const double rate = kernel->rate > 0.0 ? kernel->rate : FIRST_RATE;
    const bool alone = device->queued == 0.0; /* nothing else would be measured */
    device->queued += work / rate;
    if (more || device->queued > device->chunk) {
        const cl_int code = clFlush(device->queue);
        if (code != CL_SUCCESS) { return pt_device_failed(device, kernel->name, code, err); }
    }
    const bool learn = more && (kernel->rate == 0.0 || (alone && work / rate > 0.25 * device->chunk));
    if (!learn && device->queued < QUEUED_MOST) { return PTSNE_OK; }
    const cl_int code = clFinish(device->queue);
    if (code != CL_SUCCESS) { return pt_device_failed(device, kernel->name, code, err); }
    device->queued = 0.0;
    if (learn && alone) {
        const double seconds = pt_seconds() - began;
        const double measured = work / (seconds > 1.0e-6 ? seconds : 1.0e-6);
        kernel->rate = measured < 16.0 * rate ? measured : 16.0 * rate; /* one lucky clock reading is not believed */
    }
    return PTSNE_OK;
}

/* ---- launches ---- */

static ptsne_status set_one(pt_device *device, const pt_kernel *kernel, cl_uint *at, size_t bytes, const void *value,
                            ptsne_error *err)
{
    const cl_int code = clSetKernelArg(kernel->handle, *at, bytes, value);
    if (code != CL_SUCCESS) {
        return pt_fail(err, PTSNE_ERR_DEVICE, "%s: kernel %s: argument %u: %s (%d)", device->info.spec, kernel->name,
                       *at, pt_cl_error(code), code);
    }
    (*at)++;
    return PTSNE_OK;
}

static ptsne_status set_arguments(pt_device *device, const pt_kernel *kernel, const pt_kernel_arg *args, size_t n_args,
                                  ptsne_error *err)
{
    cl_uint at = 0;
    ptsne_status status = PTSNE_OK;
    for (size_t i = 0; i < n_args && status == PTSNE_OK; i++) {
        const cl_uint narrow = (cl_uint)args[i].whole;
        switch (args[i].kind) {
        case PT_ARG_BUFFER:
            status = set_one(device, kernel, &at, sizeof args[i].memory, &args[i].memory, err);
            if (status == PTSNE_OK) {
                status = set_one(device, kernel, &at, sizeof args[i].whole, &args[i].whole, err);
            }
            break;
        case PT_ARG_UINT:
            assert(narrow == args[i].whole);
            status = set_one(device, kernel, &at, sizeof narrow, &narrow, err);
            break;
        case PT_ARG_ULONG:
            status = set_one(device, kernel, &at, sizeof args[i].whole, &args[i].whole, err);
            break;
        case PT_ARG_FLOAT:
            status = set_one(device, kernel, &at, sizeof args[i].real, &args[i].real, err);
            break;
        case PT_ARG_FLOAT16:
            status = set_one(device, kernel, &at, 16 * sizeof(cl_float), args[i].reals, err);
            break;
        }
    }
    return status;
}

/* Groups that the next launch takes, of those left. */
static size_t next_groups(const pt_device *device, const pt_kernel *kernel, size_t left, double work)
{
    const double fit = pt_device_chunk(device, kernel) / (work > 1.0 ? work : 1.0);
    size_t groups = left;
    if (fit < (double)groups) { groups = fit < 1.0 ? 1 : (size_t)fit; }
    return pt_smaller(groups, LAUNCH_ITEMS / kernel->group);
}

ptsne_status pt_device_launch(pt_device *device, pt_kernel *kernel, const pt_kernel_arg *args, size_t n_args,
                              size_t groups, double work, ptsne_error *err)
{
    if (groups == 0) { return PTSNE_OK; }
    if (groups > GLOBAL_ITEMS / kernel->group) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: kernel %s: %zu work-groups are too many in one call",
                       device->info.spec, kernel->name, groups);
    }
    ptsne_status status = pt_device_usable(device, err);
    if (status == PTSNE_OK) { status = set_arguments(device, kernel, args, n_args, err); }
    for (size_t done = 0; done < groups && status == PTSNE_OK;) {
        const double began = pt_seconds();
        const size_t now = next_groups(device, kernel, groups - done, work);
        const size_t offset = done * kernel->group, items = now * kernel->group;
        const cl_int code =
            clEnqueueNDRangeKernel(device->queue, kernel->handle, 1, &offset, &items, &kernel->group, 0, NULL, NULL);
        if (code != CL_SUCCESS) { return pt_device_failed(device, kernel->name, code, err); }
        const bool more = now < groups; /* one of several */
        done += now;
        status = pt_device_pace(device, kernel, (double)now * (work > 1.0 ? work : 1.0), more, began, err);
    }
    return status;
}

ptsne_status pt_device_launch_elements(pt_device *device, pt_kernel_id id, const pt_kernel_arg *args, size_t n_args,
                                       size_t count, size_t each, ptsne_error *err)
{
    pt_kernel *kernel = &device->kernels[id];
    const size_t one = kernel->group * each;
    return pt_device_launch(device, kernel, args, n_args, pt_ceil_div(count, one), (double)one, err);
}

/* ---- memory ---- */

ptsne_status pt_device_buffer(pt_device *device, size_t count, pt_buffer *buffer, ptsne_error *err)
{
    *buffer = (pt_buffer){0};
    ptsne_status status = pt_device_usable(device, err);
    if (status != PTSNE_OK) { return status; }
    if (count > (SIZE_MAX - SMALLEST) / 4 || count * 4 > device->info.max_allocation) {
        char what[96];
        snprintf(what, sizeof what, "a buffer: one may have %llu MiB on this device",
                 (unsigned long long)(device->info.max_allocation >> 20));
        return pt_fail_memory(err, what, 4.0 * (double)count);
    }
    const size_t bytes = count * 4 > SMALLEST ? count * 4 : SMALLEST;
    if (bytes > device->base.memory - device->base.memory_used) {
        char what[96];
        snprintf(what, sizeof what, "a buffer: %zu of %zu MiB are taken", device->base.memory_used >> 20,
                 device->base.memory >> 20);
        return pt_fail_memory(err, what, (double)bytes);
    }
    cl_int code;
    cl_mem memory = clCreateBuffer(device->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (code != CL_SUCCESS) {
        const bool full = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY ||
                          code == CL_OUT_OF_RESOURCES || code == CL_INVALID_BUFFER_SIZE;
        return full ? pt_fail_memory(err, "a buffer of the device", (double)bytes)
                    : pt_device_failed(device, "creating a buffer", code, err);
    }
    device->base.memory_used += bytes;
    *buffer = (pt_buffer){.handle = memory, .count = count};
    return PTSNE_OK;
}

void pt_device_release(pt_device *device, pt_buffer *buffer)
{
    if (buffer->handle == NULL) { return; }
    const size_t bytes = buffer->count * 4;
    clReleaseMemObject(buffer->handle);
    device->base.memory_used -= bytes > SMALLEST ? bytes : SMALLEST;
    *buffer = (pt_buffer){0};
}

ptsne_status pt_device_scratch(pt_device *device, pt_scratch which, size_t count, pt_buffer *buffer, ptsne_error *err)
{
    pt_buffer *kept = &device->scratch[which];
    if (kept->handle == NULL || kept->count < count) {
        pt_device_release(device, kept); /* what is queued on it keeps it alive */
        const ptsne_status status = pt_device_buffer(device, count, kept, err);
        if (status != PTSNE_OK) { return status; }
    }
    *buffer = *kept;
    return PTSNE_OK;
}

/* ---- programs ---- */

enum { PROGRAM_KERNELS = 32 }; /* of one file, at most */

typedef struct program_row {
    const char *file;
    pt_kernel_id first;                     /* of its kernels, which follow one another */
    const char *names[PROGRAM_KERNELS + 1]; /* and a NULL */
} program_row;

static const program_row program_rows[] = {
    {"product.cl",
     PT_KERNEL_PRODUCT_TILED,
     {"product_tiled", "product_narrow", "product_narrow_transposed", "product_shallow", "product_slices"}},
    {"program_rows.cl",
     PT_KERNEL_COLUMN_SUMS,
     {"column_sums", "gather_rows", "gather_mix", "row_norms", "distance_finish", "distance_roots", "rank_counts",
      "affinities_joint"}},
    {"nearest_merge.cl", PT_KERNEL_NEAREST_MERGE, {"nearest_merge", "nearest_begin", "nearest_end"}},
    {"affinities_conditional.cl", PT_KERNEL_AFFINITIES_CONDITIONAL, {"affinities_conditional"}},
    {"program_map.cl",
     PT_KERNEL_STUDENT_SUMS,
     {"student_sums", "tsne_rows", "tsne_total", "tsne_finish", "edges_rows", "edges_total", "edges_finish",
      "attraction", "attraction_total", "potential_sum", "potential_total", "embedding_step", "embedding_stats"}},
    {"repulsion.cl", PT_KERNEL_REPULSION, {"repulsion"}},
    {"program_grids.cl",
     PT_KERNEL_GRID_SPREAD,
     {"grid_spread", "grid_spread_finish", "grid_restrict", "grid_prolong", "grid_convolve", "grid_gather"}},
    {"program_layers.cl",
     PT_KERNEL_BIAS_ACTIVATION,
     {"bias_activation",
      "activation_gradient",
      "dropout",
      "patches",
      "patches_sum",
      "max_pool",
      "max_pool_gradient",
      "moments_parts",
      "moments_total",
      "normalize_apply",
      "normalize_parts",
      "normalize_total",
      "normalize_gradient",
      "anchors",
      "anchors_gradient",
      "cross_entropy",
      "squared_error",
      "cauchy_error",
      "loss_total",
      "sgd_step",
      "adam_step",
      "blend"}},
};

#define PROGRAMS (sizeof program_rows / sizeof program_rows[0])
_Static_assert(PROGRAMS <= PT_MAX_PROGRAMS, "device.h has room for the programs");

static ptsne_status build_programs(pt_device *device, ptsne_error *err)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        const program_row *row = &program_rows[i];
        size_t n_names = 0;
        while (row->names[n_names] != NULL) { n_names++; }
        const pt_program_request request = {device->context, device->id, device->directory, row->file, NULL,
                                            row->names,      n_names};
        cl_kernel handles[PROGRAM_KERNELS] = {0};
        size_t group = device->group;
        const ptsne_status status = pt_program_build(&request, &group, &device->programs[i], handles, err);
        if (status != PTSNE_OK) { return pt_within(err, status, "%s", device->info.spec); }
        for (size_t k = 0; k < n_names; k++) {
            device->kernels[(size_t)row->first + k] = (pt_kernel){handles[k], row->names[k], group, 0.0};
        }
    }
    return PTSNE_OK;
}

static bool metric_name_fits(const char *name)
{
    const size_t length = strlen(name);
    return length > 0 && length < sizeof((pt_metric *)NULL)->name &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == length;
}

ptsne_status pt_device_metric(pt_device *device, const char *name, int *metric, ptsne_error *err)
{
    for (int i = 0; i < device->n_metrics; i++) {
        if (strcmp(device->metrics[i].name, name) == 0) {
            *metric = i;
            return PTSNE_OK;
        }
    }
    char file[96] = "", list[512];
    if (metric_name_fits(name)) { snprintf(file, sizeof file, "metric_%s.cl", name); }
    if (file[0] == '\0' || !pt_source_exists(device->directory, file)) {
        pt_source_metrics(device->directory, list, sizeof list);
        return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no metric \"%.64s\": there are %s", name, list);
    }
    if (device->n_metrics == PT_MAX_METRICS) {
        return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "metric \"%s\": more than %d metrics", name, PT_MAX_METRICS);
    }
    pt_metric *next = &device->metrics[device->n_metrics];
    const char *const names[] = {"distance_tile"};
    const pt_program_request request = {device->context, device->id, device->directory, "distance_tile.cl", file,
                                        names,           1};
    size_t group = device->group;
    cl_kernel handle = NULL;
    const ptsne_status status = pt_program_build(&request, &group, &next->program, &handle, err);
    if (status != PTSNE_OK) { return status; }
    snprintf(next->name, sizeof next->name, "%s", name);
    next->kernel = (pt_kernel){handle, "distance_tile", group, 0.0};
    *metric = device->n_metrics++;
    return PTSNE_OK;
}

/* ---- opening and closing ---- */

/* Bytes that buffers may take: drivers promise more than there is, and the display wants some. */
static size_t budget(const pt_backend_config *config, const pt_device *device)
{
    cl_bool unified = CL_FALSE;
    clGetDeviceInfo(device->id, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof unified, &unified, NULL);
    double bytes = (double)device->info.memory * (unified ? 0.5 : 0.8);
    if (config->memory > 0 && (double)config->memory < bytes) { bytes = (double)config->memory; }
    return bytes < (double)(SIZE_MAX / 2) ? (size_t)bytes : SIZE_MAX / 2;
}

static size_t largest_group(const pt_device *device)
{
    size_t group = GROUP;
    while (group > 1 && group > device->info.max_work_group) { group /= 2; }
    return group;
}

static ptsne_status create_queue(pt_device *device, cl_platform_id platform, ptsne_error *err)
{
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)platform, 0};
    cl_int code;
    device->context = clCreateContext(properties, 1, &device->id, NULL, NULL, &code);
    if (code != CL_SUCCESS) {
        device->context = NULL;
        return pt_device_failed(device, "creating a context", code, err);
    }
    device->queue = clCreateCommandQueue(device->context, device->id, 0, &code);
    if (code != CL_SUCCESS) {
        device->queue = NULL;
        return pt_device_failed(device, "creating a queue", code, err);
    }
    return PTSNE_OK;
}

static double chunk_seconds(void)
{
    const char *text = getenv("PTSNE_CHUNK_MS");
    const double milliseconds = text == NULL ? 0.0 : strtod(text, NULL);
    return milliseconds > 0.0 && milliseconds <= 10000.0 ? milliseconds * 1.0e-3 : CHUNK_SECONDS;
}

ptsne_status pt_device_open(const pt_backend_config *config, cl_platform_id platform, cl_device_id id,
                            const ptsne_device_info *info, pt_device **device, ptsne_error *err)
{
    pt_device *opened = calloc(1, sizeof *opened);
    if (opened == NULL) { return pt_fail_memory(err, "a device", (double)sizeof *opened); }
    opened->id = id;
    opened->info = *info;
    opened->base.threads = config->threads > 0 ? config->threads : 1;
    opened->base.memory = budget(config, opened);
    opened->group = largest_group(opened);
    opened->chunk = chunk_seconds();
    opened->clblast.name = "CLBlast's product";
    ptsne_status status = PTSNE_OK;
    int euclidean = 0;
    if (config->kernels != NULL && config->kernels[0] != '\0') {
        opened->directory = pt_text_copy(config->kernels);
        if (opened->directory == NULL) { status = pt_fail_memory(err, "a path", (double)strlen(config->kernels)); }
    }
    if (status == PTSNE_OK) { status = create_queue(opened, platform, err); }
    if (status == PTSNE_OK) { status = build_programs(opened, err); }
    if (status == PTSNE_OK) { status = pt_device_metric(opened, "euclidean", &euclidean, err); }
    if (status == PTSNE_OK) { status = pt_gemm_check(opened, err); }
    if (status != PTSNE_OK) {
        pt_device_close(opened);
        return status;
    }
    *device = opened;
    return PTSNE_OK;
}

static void release_programs(pt_device *device)
{
    for (size_t i = 0; i < PT_KERNEL_COUNT; i++) {
        if (device->kernels[i].handle != NULL) { clReleaseKernel(device->kernels[i].handle); }
    }
    for (size_t i = 0; i < PROGRAMS; i++) {
        if (device->programs[i] != NULL) { clReleaseProgram(device->programs[i]); }
    }
    for (int i = 0; i < device->n_metrics; i++) {
        clReleaseKernel(device->metrics[i].kernel.handle);
        clReleaseProgram(device->metrics[i].program);
    }
}

void pt_device_close(pt_device *device)
{
    if (device == NULL) { return; }
    if (device->queue != NULL) { clFinish(device->queue); }
    for (size_t i = 0; i < PT_SCRATCH_COUNT; i++) { pt_device_release(device, &device->scratch[i]); }
    release_programs(device);
    if (device->context != NULL) { pt_gemm_forget(); }
    if (device->queue != NULL) { clReleaseCommandQueue(device->queue); }
    if (device->context != NULL) { clReleaseContext(device->context); }
    free(device->directory);
    free(device);
}
