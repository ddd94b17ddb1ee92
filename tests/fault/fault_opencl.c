/* Every OpenCL call of a run failing in turn, through the layer that OPENCL_LAYERS names.
 *
 *   fault_opencl sweep STRIDE   the run is: open the device, every op on small shapes compared with the cpu, close. For call number 1, 1 + STRIDE,
 *                               ... and error codes by turns: right results, or a status with a message; nothing left alive. A difference
 *                               from the cpu is a swallowed error. Then from chosen calls on, all fail: the device is lost.
 *   fault_opencl memory         the device has less and less memory.
 *   fault_opencl flip           one word of one read is changed: the self-test must say which op.
 *
 * All in one process, so that drivers start once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/selftest.h"
#include "fault/cl_fault_layer.h"

static cl_fault *layer;
static int failures;

static void complain(const char *what, const ptsne_error *err)
{
    failures++;
    fprintf(stderr, "fault_opencl: call %ld for %ld, error %d, %ld bytes, flip %ld: %s: %s\n", layer->fail_at,
            layer->fail_for, layer->error, layer->most_bytes, layer->flip_at, what, err->message);
}

static long alive(void)
{
    long sum = 0;
    for (int i = 0; i < 6; i++) { sum += layer->alive[i]; }
    return sum;
}

/* Open, compare every op, close. */
static ptsne_status run(ptsne_error *err)
{
    pt_backend *be = NULL;
    layer->calls = layer->reads = layer->failed = 0;
    *err = (ptsne_error){0};
    setenv("PTSNE_NO_SELFTEST", "1", 1); /* of the opening: it is the run's body */
    ptsne_status status = pt_backend_open("opencl", &be, err);
    unsetenv("PTSNE_NO_SELFTEST");
    if (status != PTSNE_OK) { return status; }
    status = pt_selftest(be, err);
    if (be->memory_used > 0 && status == PTSNE_OK && be->memory_used > be->memory) { complain("over budget", err); }
    pt_backend_close(be);
    return status;
}

/* One run with the layer set up: right, or refused clearly. */
static void expect_clean(void)
{
    ptsne_error err;
    const long before = alive();
    const ptsne_status status = run(&err);
    const bool wrong = strstr(err.message, "is wrong") != NULL;
    if (status != PTSNE_OK && err.message[0] == '\0') { complain("a failure without a message", &err); }
    if (wrong && layer->flip_at == 0) { complain("an error was swallowed", &err); }
    if (alive() != before) { complain("objects are left alive", &err); }
    if (layer->flip_at > 0 && layer->failed > 0 && !wrong) { complain("a changed word was not noticed", &err); }
    if (layer->fail_for < 0 && layer->failed > 0 && status == PTSNE_OK && layer->calls > layer->fail_at + 200) {
        complain("a lost device gave a result", &err);
    }
}

static void reset(void)
{
    layer->fail_at = layer->most_bytes = layer->flip_at = 0;
    layer->fail_for = 1;
}

static void sweep(long stride)
{
    static const int errors[] = {-4, -5, -6, -36, -61, -11, -54};
    ptsne_error err;
    if (run(&err) != PTSNE_OK) { complain("a run without faults", &err); }
    const long calls = layer->calls;
    size_t turn = 0;
    long runs = 0;
    for (long at = 1; at <= calls; at += stride) {
        layer->fail_at = at;
        layer->error = errors[turn++ % (sizeof errors / sizeof errors[0])];
        expect_clean();
        runs++;
    }
    for (long at = 1; at <= calls; at += 7 * stride) {
        layer->fail_at = at;
        layer->fail_for = -1;
        layer->error = errors[turn++ % (sizeof errors / sizeof errors[0])];
        expect_clean();
        runs++;
    }
    printf("fault_opencl: %ld calls a run, %ld runs with a fault, %d wrong\n", calls, runs, failures);
}

static void memory(void)
{
    for (long bytes = 1 << 20; bytes > 0; bytes = bytes * 2 / 3) {
        layer->most_bytes = bytes;
        expect_clean();
    }
    printf("fault_opencl: memory pressure, %d wrong\n", failures);
}

static void flip(void)
{
    ptsne_error err;
    if (run(&err) != PTSNE_OK) { complain("a run without faults", &err); }
    const long reads = layer->reads;
    for (long at = 5; at <= reads; at += 3) { /* the first 4 are the check of CLBlast, which turns to our own kernels */
        layer->flip_at = at;
        expect_clean();
    }
    printf("fault_opencl: %ld reads, one word changed in a third of them, %d wrong\n", reads, failures);
}

int main(int count, char **args)
{
    const char *path = getenv("OPENCL_LAYERS");
    void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW);
    layer = library == NULL ? NULL : dlsym(library, "cl_fault_state");
    if (layer == NULL || count < 2) {
        fprintf(stderr,
                "fault_opencl: OPENCL_LAYERS must name cl_fault_layer.so; fault_opencl sweep STRIDE | memory | flip\n");
        return 2;
    }
    setenv("PTSNE_NO_PROBE", "1", 1); /* a child would count for itself */
    ptsne_error err;
    reset();
    if (run(&err) != PTSNE_OK) { complain("the first run", &err); } /* drivers build their caches */
    reset();
    if (strcmp(args[1], "sweep") == 0) { sweep(count > 2 ? strtol(args[2], NULL, 10) : 1); }
    if (strcmp(args[1], "memory") == 0) { memory(); }
    if (strcmp(args[1], "flip") == 0) { flip(); }
    return failures != 0;
}
