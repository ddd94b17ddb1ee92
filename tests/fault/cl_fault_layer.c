/* An OpenCL layer (OPENCL_LAYERS of the ICD loader) between a program and its driver: makes chosen calls fail, refuses memory, changes
 * a word that is read, and counts what was not released. With FI_REPORT set it ends the program with code 99 when objects are
 * alive at exit, and writes the number of calls into the file FI_REPORT names.
 *
 * The function table's other entries stay NULL: the loader passes them through. */
#define _GNU_SOURCE
#include "fault/cl_fault_layer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CL/cl_layer.h>

__attribute__((visibility("default"))) extern cl_fault cl_fault_state;
cl_fault cl_fault_state;
static cl_fault *const state = &cl_fault_state;
static const cl_icd_dispatch *next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* some drivers call back from threads of their own */

enum { CONTEXT, QUEUE, BUFFER, PROGRAM, KERNEL, EVENT };

/* Whether this call is one that fails. */
static bool due(const char *name)
{
    if (state->only != NULL && strstr(name, state->only) == NULL) { return false; }
    pthread_mutex_lock(&lock);
    const long number = ++state->calls;
    const bool fails = state->fail_at > 0 && number >= state->fail_at &&
                       (state->fail_for < 0 || number < state->fail_at + state->fail_for);
    state->failed += fails;
    pthread_mutex_unlock(&lock);
    return fails;
}

static void count(int kind, long change, bool happened)
{
    if (!happened) { return; }
    pthread_mutex_lock(&lock);
    state->alive[kind] += change;
    pthread_mutex_unlock(&lock);
}

static void *refuse(cl_int *code)
{
    if (code != NULL) { *code = state->error; }
    return NULL;
}

/* ---- platforms and devices ---- */

static cl_int CL_API_CALL get_platforms(cl_uint n, cl_platform_id *list, cl_uint *found)
{
    return due("clGetPlatformIDs") ? state->error : next->clGetPlatformIDs(n, list, found);
}

static cl_int CL_API_CALL get_platform_info(cl_platform_id id, cl_platform_info what, size_t n, void *to, size_t *size)
{
    return due("clGetPlatformInfo") ? state->error : next->clGetPlatformInfo(id, what, n, to, size);
}

static cl_int CL_API_CALL get_devices(cl_platform_id id, cl_device_type type, cl_uint n, cl_device_id *list,
                                      cl_uint *found)
{
    return due("clGetDeviceIDs") ? state->error : next->clGetDeviceIDs(id, type, n, list, found);
}

static cl_int CL_API_CALL get_device_info(cl_device_id id, cl_device_info what, size_t n, void *to, size_t *size)
{
    return due("clGetDeviceInfo") ? state->error : next->clGetDeviceInfo(id, what, n, to, size);
}

/* ---- contexts and queues ---- */

static cl_context CL_API_CALL create_context(const cl_context_properties *properties, cl_uint n,
                                             const cl_device_id *ids,
                                             void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *),
                                             void *user, cl_int *code)
{
    if (due("clCreateContext")) { return refuse(code); }
    cl_context made = next->clCreateContext(properties, n, ids, notify, user, code);
    count(CONTEXT, 1, made != NULL);
    return made;
}

static cl_int CL_API_CALL retain_context(cl_context context)
{
    const cl_int code = next->clRetainContext(context);
    count(CONTEXT, 1, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL release_context(cl_context context)
{
    const cl_int code = next->clReleaseContext(context);
    count(CONTEXT, -1, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL get_context_info(cl_context context, cl_context_info what, size_t n, void *to, size_t *size)
{
    return due("clGetContextInfo") ? state->error : next->clGetContextInfo(context, what, n, to, size);
}

static cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id id,
                                                 cl_command_queue_properties properties, cl_int *code)
{
    if (due("clCreateCommandQueue")) { return refuse(code); }
    cl_command_queue made = next->clCreateCommandQueue(context, id, properties, code);
    count(QUEUE, 1, made != NULL);
    return made;
}

static cl_int CL_API_CALL retain_queue(cl_command_queue queue)
{
    const cl_int code = next->clRetainCommandQueue(queue);
    count(QUEUE, 1, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL release_queue(cl_command_queue queue)
{
    const cl_int code = next->clReleaseCommandQueue(queue);
    count(QUEUE, -1, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL get_queue_info(cl_command_queue queue, cl_command_queue_info what, size_t n, void *to,
                                         size_t *size)
{
    return due("clGetCommandQueueInfo") ? state->error : next->clGetCommandQueueInfo(queue, what, n, to, size);
}

static cl_int CL_API_CALL flush(cl_command_queue queue)
{
    return due("clFlush") ? state->error : next->clFlush(queue);
}

static cl_int CL_API_CALL finish(cl_command_queue queue)
{
    return due("clFinish") ? state->error : next->clFinish(queue);
}

/* ---- buffers ---- */

static size_t bytes_of(cl_mem buffer)
{
    size_t bytes = 0;
    return next->clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof bytes, &bytes, NULL) == CL_SUCCESS ? bytes : 0;
}

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *code)
{
    if (due("clCreateBuffer")) { return refuse(code); }
    if (state->most_bytes > 0 && state->bytes + (long)bytes > state->most_bytes) {
        if (code != NULL) { *code = CL_MEM_OBJECT_ALLOCATION_FAILURE; }
        state->failed++;
        return NULL;
    }
    cl_mem made = next->clCreateBuffer(context, flags, bytes, host, code);
    count(BUFFER, 1, made != NULL);
    if (made != NULL) { state->bytes += (long)bytes; }
    return made;
}

static cl_int CL_API_CALL retain_buffer(cl_mem buffer)
{
    const cl_int code = next->clRetainMemObject(buffer);
    count(BUFFER, 1, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL release_buffer(cl_mem buffer)
{
    const size_t bytes = bytes_of(buffer);
    const cl_int code = next->clReleaseMemObject(buffer);
    count(BUFFER, -1, code == CL_SUCCESS);
    state->bytes -= (long)bytes; /* nobody here retains a buffer */
    return code;
}

static cl_int CL_API_CALL get_buffer_info(cl_mem buffer, cl_mem_info what, size_t n, void *to, size_t *size)
{
    return due("clGetMemObjectInfo") ? state->error : next->clGetMemObjectInfo(buffer, what, n, to, size);
}

static cl_int CL_API_CALL enqueue_read(cl_command_queue queue, cl_mem buffer, cl_bool block, size_t from, size_t bytes,
                                       void *to, cl_uint n, const cl_event *after, cl_event *event)
{
    if (due("clEnqueueReadBuffer")) { return state->error; }
    const cl_int code = next->clEnqueueReadBuffer(queue, buffer, block, from, bytes, to, n, after, event);
    count(EVENT, 1, code == CL_SUCCESS && event != NULL);
    if (code == CL_SUCCESS && ++state->reads == state->flip_at && bytes >= 4) {
        uint32_t word;
        char *const at = (char *)to + bytes / 8 * 4;
        memcpy(&word, at, sizeof word);
        word ^= 0x40000000u; /* of a float: the top bit of its exponent */
        memcpy(at, &word, sizeof word);
        state->failed++;
    }
    return code;
}

static cl_int CL_API_CALL enqueue_write(cl_command_queue queue, cl_mem buffer, cl_bool block, size_t to, size_t bytes,
                                        const void *from, cl_uint n, const cl_event *after, cl_event *event)
{
    if (due("clEnqueueWriteBuffer")) { return state->error; }
    const cl_int code = next->clEnqueueWriteBuffer(queue, buffer, block, to, bytes, from, n, after, event);
    count(EVENT, 1, code == CL_SUCCESS && event != NULL);
    return code;
}

static cl_int CL_API_CALL enqueue_fill(cl_command_queue queue, cl_mem buffer, const void *pattern, size_t size,
                                       size_t at, size_t bytes, cl_uint n, const cl_event *after, cl_event *event)
{
    if (due("clEnqueueFillBuffer")) { return state->error; }
    const cl_int code = next->clEnqueueFillBuffer(queue, buffer, pattern, size, at, bytes, n, after, event);
    count(EVENT, 1, code == CL_SUCCESS && event != NULL);
    return code;
}

static cl_int CL_API_CALL enqueue_copy(cl_command_queue queue, cl_mem from, cl_mem to, size_t from_at, size_t to_at,
                                       size_t bytes, cl_uint n, const cl_event *after, cl_event *event)
{
    if (due("clEnqueueCopyBuffer")) { return state->error; }
    const cl_int code = next->clEnqueueCopyBuffer(queue, from, to, from_at, to_at, bytes, n, after, event);
    count(EVENT, 1, code == CL_SUCCESS && event != NULL);
    return code;
}

/* ---- programs and kernels ---- */

static cl_program CL_API_CALL create_program(cl_context context, cl_uint n, const char **texts, const size_t *lengths,
                                             cl_int *code)
{
    if (due("clCreateProgramWithSource")) { return refuse(code); }
    cl_program made = next->clCreateProgramWithSource(context, n, texts, lengths, code);
    count(PROGRAM, 1, made != NULL);
    return made;
}

static cl_program CL_API_CALL create_binary(cl_context context, cl_uint n, const cl_device_id *ids,
                                            const size_t *lengths, const unsigned char **binaries, cl_int *status,
                                            cl_int *code)
{
    if (due("clCreateProgramWithBinary")) { return refuse(code); }
    cl_program made = next->clCreateProgramWithBinary(context, n, ids, lengths, binaries, status, code);
    count(PROGRAM, 1, made != NULL);
    return made;
}

static cl_int CL_API_CALL build(cl_program program, cl_uint n, const cl_device_id *ids, const char *options,
                                void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    return due("clBuildProgram") ? state->error : next->clBuildProgram(program, n, ids, options, notify, user);
}

static cl_int CL_API_CALL get_build_info(cl_program program, cl_device_id id, cl_program_build_info what, size_t n,
                                         void *to, size_t *size)
{
    return due("clGetProgramBuildInfo") ? state->error : next->clGetProgramBuildInfo(program, id, what, n, to, size);
}

static cl_int CL_API_CALL get_program_info(cl_program program, cl_program_info what, size_t n, void *to, size_t *size)
{
    return due("clGetProgramInfo") ? state->error : next->clGetProgramInfo(program, what, n, to, size);
}

static cl_int CL_API_CALL retain_program(cl_program program)
{
    const cl_int code = next->clRetainProgram(program);
    count(PROGRAM, 1, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL release_program(cl_program program)
{
    const cl_int code = next->clReleaseProgram(program);
    count(PROGRAM, -1, code == CL_SUCCESS);
    return code;
}

static cl_kernel CL_API_CALL create_kernel(cl_program program, const char *name, cl_int *code)
{
    if (due("clCreateKernel")) { return refuse(code); }
    cl_kernel made = next->clCreateKernel(program, name, code);
    count(KERNEL, 1, made != NULL);
    return made;
}

static cl_int CL_API_CALL retain_kernel(cl_kernel kernel)
{
    const cl_int code = next->clRetainKernel(kernel);
    count(KERNEL, 1, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL release_kernel(cl_kernel kernel)
{
    const cl_int code = next->clReleaseKernel(kernel);
    count(KERNEL, -1, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL get_group_info(cl_kernel kernel, cl_device_id id, cl_kernel_work_group_info what, size_t n,
                                         void *to, size_t *size)
{
    return due("clGetKernelWorkGroupInfo") ? state->error
                                           : next->clGetKernelWorkGroupInfo(kernel, id, what, n, to, size);
}

static cl_int CL_API_CALL set_arg(cl_kernel kernel, cl_uint at, size_t size, const void *value)
{
    return due("clSetKernelArg") ? state->error : next->clSetKernelArg(kernel, at, size, value);
}

static cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                                         const size_t *offset, const size_t *global, const size_t *local, cl_uint n,
                                         const cl_event *after, cl_event *event)
{
    if (due("clEnqueueNDRangeKernel")) { return state->error; }
    const cl_int code = next->clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, n, after, event);
    count(EVENT, 1, code == CL_SUCCESS && event != NULL);
    return code;
}

/* ---- events ---- */

static cl_int CL_API_CALL wait_events(cl_uint n, const cl_event *events)
{
    return due("clWaitForEvents") ? state->error : next->clWaitForEvents(n, events);
}

static cl_int CL_API_CALL retain_event(cl_event event)
{
    const cl_int code = next->clRetainEvent(event);
    count(EVENT, 1, code == CL_SUCCESS);
    return code;
}

static cl_int CL_API_CALL release_event(cl_event event)
{
    const cl_int code = next->clReleaseEvent(event);
    count(EVENT, -1, code == CL_SUCCESS);
    return code;
}

/* ---- the layer ---- */

static const cl_icd_dispatch layer = {
    .clGetPlatformIDs = get_platforms,
    .clGetPlatformInfo = get_platform_info,
    .clGetDeviceIDs = get_devices,
    .clGetDeviceInfo = get_device_info,
    .clCreateContext = create_context,
    .clRetainContext = retain_context,
    .clReleaseContext = release_context,
    .clGetContextInfo = get_context_info,
    .clCreateCommandQueue = create_queue,
    .clRetainCommandQueue = retain_queue,
    .clReleaseCommandQueue = release_queue,
    .clGetCommandQueueInfo = get_queue_info,
    .clFlush = flush,
    .clFinish = finish,
    .clCreateBuffer = create_buffer,
    .clRetainMemObject = retain_buffer,
    .clReleaseMemObject = release_buffer,
    .clGetMemObjectInfo = get_buffer_info,
    .clEnqueueReadBuffer = enqueue_read,
    .clEnqueueWriteBuffer = enqueue_write,
    .clEnqueueFillBuffer = enqueue_fill,
    .clEnqueueCopyBuffer = enqueue_copy,
    .clCreateProgramWithSource = create_program,
    .clCreateProgramWithBinary = create_binary,
    .clBuildProgram = build,
    .clGetProgramBuildInfo = get_build_info,
    .clGetProgramInfo = get_program_info,
    .clRetainProgram = retain_program,
    .clReleaseProgram = release_program,
    .clCreateKernel = create_kernel,
    .clRetainKernel = retain_kernel,
    .clReleaseKernel = release_kernel,
    .clGetKernelWorkGroupInfo = get_group_info,
    .clSetKernelArg = set_arg,
    .clEnqueueNDRangeKernel = enqueue_kernel,
    .clWaitForEvents = wait_events,
    .clRetainEvent = retain_event,
    .clReleaseEvent = release_event,
};

static long number_of(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtol(text, NULL, 10);
}

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info what, size_t size, void *value, size_t *size_back)
{
    static const char name[] = "ptsne faults";
    static const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    const void *from = what == CL_LAYER_NAME ? (const void *)name : (const void *)&version;
    const size_t bytes = what == CL_LAYER_NAME ? sizeof name : sizeof version;
    if (what != CL_LAYER_NAME && what != CL_LAYER_API_VERSION) { return CL_INVALID_VALUE; }
    if (value != NULL && size < bytes) { return CL_INVALID_VALUE; }
    if (value != NULL) { memcpy(value, from, bytes); }
    if (size_back != NULL) { *size_back = bytes; }
    return CL_SUCCESS;
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint n, const cl_icd_dispatch *target, cl_uint *n_back,
                                            const cl_icd_dispatch **back)
{
    if (n < sizeof layer / sizeof(void *) || n_back == NULL || back == NULL) { return CL_INVALID_VALUE; }
    next = target;
    *n_back = sizeof layer / sizeof(void *);
    *back = &layer;
    state->fail_at = number_of("FI_FAIL_AT", 0);
    state->fail_for = number_of("FI_FAIL_FOR", 1);
    state->error = (int)number_of("FI_ERROR", CL_OUT_OF_RESOURCES);
    state->only = getenv("FI_CALL");
    state->most_bytes = number_of("FI_BYTES", 0);
    state->flip_at = number_of("FI_FLIP_AT", 0);
    return CL_SUCCESS;
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("FI_REPORT");
    if (path == NULL || next == NULL) { return; }
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        fprintf(file, "%ld calls, %ld failed\n", state->calls, state->failed);
        fclose(file);
    }
    static const char *const kinds[] = {"contexts", "queues", "buffers", "programs", "kernels", "events"};
    bool leak = false;
    for (int i = 0; i < 6; i++) {
        if (state->alive[i] == 0) { continue; }
        fprintf(stderr, "cl_fault_layer: %ld %s are not released\n", state->alive[i], kinds[i]);
        leak = true;
    }
    if (leak) { _exit(99); }
}
