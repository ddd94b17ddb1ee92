#define _POSIX_C_SOURCE 200809L

#include "backend/opencl/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum { MAX_PLATFORMS = 32, MAX_DEVICES = 32 };
#define PROBE_SECONDS 5.0 /* for all platforms; cold drivers take up to 3 */

/* What the asker tells, in order: PLATFORM before it asks one, FOUND for a device, DONE. */
typedef enum message_kind { PLATFORM, FOUND, DONE } message_kind;

typedef struct message {
    message_kind kind;
    cl_uint platform;
    pt_found found;
} message;

/* Where messages go: down a pipe, or straight into the list. */
typedef struct teller {
    int pipe; /* below 0: into the array */
    message *list;
    size_t count, capacity;
} teller;

static bool tell(teller *to, const message *said)
{
    if (to->pipe >= 0) { return write(to->pipe, said, sizeof *said) == (ssize_t)sizeof *said; } /* less than PIPE_BUF */
    if (pt_array_grow((void **)&to->list, &to->capacity, to->count + 1, sizeof *to->list, "devices", NULL) !=
        PTSNE_OK) {
        return false;
    }
    to->list[to->count++] = *said;
    return true;
}

/* ---- asking ---- */

static void text_of(cl_device_id id, cl_device_info what, char *text, size_t bytes)
{
    char long_text[1024] = "";
    if (clGetDeviceInfo(id, what, sizeof long_text - 1, long_text, NULL) != CL_SUCCESS) { long_text[0] = '\0'; }
    const char *from = long_text + strspn(long_text, " ");
    snprintf(text, bytes, "%s", from);
    for (size_t length = strlen(text); length > 0 && text[length - 1] == ' '; length--) { text[length - 1] = '\0'; }
}

#define ASK(id, what, value)                                                                                           \
    do {                                                                                                               \
        if (clGetDeviceInfo((id), (what), sizeof(value), &(value), NULL) != CL_SUCCESS) { (value) = 0; }               \
    } while (0)

/* Why auto would leave a device alone; "" if it would not. */
static const char *refusal(cl_device_id id, cl_device_type type, const ptsne_device_info *info)
{
    cl_bool available = CL_FALSE, compiler = CL_FALSE, little = CL_FALSE;
    cl_device_fp_config single = 0;
    char version[64] = "";
    ASK(id, CL_DEVICE_AVAILABLE, available);
    ASK(id, CL_DEVICE_COMPILER_AVAILABLE, compiler);
    ASK(id, CL_DEVICE_ENDIAN_LITTLE, little);
    ASK(id, CL_DEVICE_SINGLE_FP_CONFIG, single);
    text_of(id, CL_DEVICE_OPENCL_C_VERSION, version, sizeof version);
    int major = 0, minor = 0;
    if (sscanf(version, "OpenCL C %d.%d", &major, &minor) != 2 || major < 1 || (major == 1 && minor < 2)) {
        return "its OpenCL C is older than 1.2";
    }
    if (!available) { return "not available"; }
    if (!compiler) { return "no compiler"; }
    if (!little) { return "big-endian"; }
    if ((single & CL_FP_INF_NAN) == 0) { return "no infinity and NaN"; }
    if (strstr(info->name, "Oclgrind") != NULL) { return "a simulator"; }
    if ((type & (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR)) == 0) { return "a CPU: the cpu backend is faster"; }
    return "";
}

/* Lanes of a compute unit, as FluidX3D counts them; only the order matters. */
static double lanes(cl_uint vendor)
{
    switch (vendor) {
    case 0x10DE:
        return 128.0; /* NVIDIA */
    case 0x1002:
        return 64.0; /* AMD */
    default:
        return 8.0;
    }
}

static void ask_device(cl_device_id id, const char *platform, pt_found *found)
{
    ptsne_device_info *info = &found->info;
    cl_device_type type = 0;
    cl_ulong memory = 0, allocation = 0, local = 0;
    cl_uint units = 0, clock = 0, vendor = 0;
    size_t group = 0;
    cl_bool unified = CL_FALSE;
    ASK(id, CL_DEVICE_TYPE, type);
    ASK(id, CL_DEVICE_GLOBAL_MEM_SIZE, memory);
    ASK(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, allocation);
    ASK(id, CL_DEVICE_LOCAL_MEM_SIZE, local);
    ASK(id, CL_DEVICE_MAX_COMPUTE_UNITS, units);
    ASK(id, CL_DEVICE_MAX_CLOCK_FREQUENCY, clock);
    ASK(id, CL_DEVICE_VENDOR_ID, vendor);
    ASK(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, group);
    ASK(id, CL_DEVICE_HOST_UNIFIED_MEMORY, unified);
    snprintf(info->spec, sizeof info->spec, "opencl:%u.%u", found->platform, found->device);
    snprintf(info->platform, sizeof info->platform, "%s", platform);
    text_of(id, CL_DEVICE_NAME, info->name, sizeof info->name);
    text_of(id, CL_DRIVER_VERSION, info->driver, sizeof info->driver);
    info->memory = memory;
    info->max_allocation = allocation;
    info->local_memory = local;
    info->compute_units = units;
    info->max_work_group = (uint32_t)(group < UINT32_MAX ? group : UINT32_MAX);
    snprintf(info->refused, sizeof info->refused, "%s", refusal(id, type, info));
    const bool gpu = (type & CL_DEVICE_TYPE_GPU) != 0 && (type & CL_DEVICE_TYPE_CPU) == 0;
    const bool accelerator = (type & CL_DEVICE_TYPE_ACCELERATOR) != 0 && (type & CL_DEVICE_TYPE_CPU) == 0;
    snprintf(info->type, sizeof info->type, "%s", gpu ? "gpu" : accelerator ? "accelerator" : "cpu");
    found->rank = (unified ? 0.0 : 1.0e12) + (double)units * (double)(clock > 0 ? clock : 1) * lanes(vendor) +
                  (double)memory * 1.0e-15;
}

static void ask_platform(cl_platform_id id, cl_uint index, teller *to)
{
    cl_device_id devices[MAX_DEVICES];
    cl_uint count = 0; /* left as it is by platforms without devices */
    char name[128] = "";
    if (clGetPlatformInfo(id, CL_PLATFORM_NAME, sizeof name - 1, name, NULL) != CL_SUCCESS) { return; }
    if (clGetDeviceIDs(id, CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &count) != CL_SUCCESS) { return; }
    for (cl_uint i = 0; i < count && i < MAX_DEVICES; i++) {
        message said;
        memset(&said, 0, sizeof said);
        said.kind = FOUND;
        said.platform = said.found.platform = index;
        said.found.device = i;
        ask_device(devices[i], name, &said.found);
        if (!tell(to, &said)) { return; }
    }
}

/* Ask every platform from `first` on. */
static void ask(cl_uint first, teller *to)
{
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint count = 0;
    const cl_int code = clGetPlatformIDs(MAX_PLATFORMS, platforms, &count);
    if (code != CL_SUCCESS) { count = 0; } /* -1001 is how the loader says that there is none */
    message said;
    memset(&said, 0, sizeof said);
    for (cl_uint i = first; i < count && i < MAX_PLATFORMS; i++) {
        said.kind = PLATFORM;
        said.platform = i;
        if (!tell(to, &said)) { return; }
        ask_platform(platforms[i], i, to);
    }
    said.kind = DONE;
    said.platform = count;
    tell(to, &said);
}

/* ---- the child ---- */

static void child(cl_uint first, int pipe_end)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const int nowhere = open("/dev/null", O_RDWR);
    if (nowhere >= 0) { /* drivers talk */
        dup2(nowhere, 0);
        dup2(nowhere, 1);
        dup2(nowhere, 2);
    }
    static const int fatal[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) { signal(fatal[i], SIG_DFL); }
    teller to = {.pipe = pipe_end};
    ask(first, &to);
    _exit(0);
}

/* Read one message before the deadline: 1, 0 at the end, -1 when time is up. */
static int hear(int pipe_end, double deadline, message *heard)
{
    size_t have = 0;
    while (have < sizeof *heard) {
        const double left = deadline - pt_seconds();
        if (left <= 0.0) { return -1; }
        struct pollfd wait = {.fd = pipe_end, .events = POLLIN};
        const int ready = poll(&wait, 1, (int)(left * 1000.0) + 1);
        if (ready < 0 && errno != EINTR) { return 0; }
        if (ready <= 0) { continue; }
        const ssize_t bytes = read(pipe_end, (char *)heard + have, sizeof *heard - have);
        if (bytes < 0 && errno == EINTR) { continue; }
        if (bytes <= 0) { return 0; }
        have += (size_t)bytes;
    }
    return 1;
}

/* One child asks from platform `first` on. *next: the platform to go on with, MAX_PLATFORMS when all is said. */
static ptsne_status ask_child(cl_uint first, double deadline, teller *list, cl_uint *next, char *why, size_t why_bytes,
                              ptsne_error *err)
{
    int ends[2];
    if (pipe(ends) != 0) { return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no OpenCL probe: pipe: %s", strerror(errno)); }
    const pid_t pid = fork();
    if (pid < 0) {
        const int reason = errno;
        close(ends[0]);
        close(ends[1]);
        return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no OpenCL probe: fork: %s", strerror(reason));
    }
    if (pid == 0) {
        close(ends[0]);
        child(first, ends[1]);
    }
    close(ends[1]);
    message heard;
    int more;
    bool done = false, kept = true;
    *next = MAX_PLATFORMS; /* a death before any platform: all are lost */
    while (!done && kept && (more = hear(ends[0], deadline, &heard)) == 1) {
        if (heard.kind == PLATFORM) { *next = heard.platform + 1; }
        if (heard.kind == FOUND) { kept = tell(list, &heard); }
        done = heard.kind == DONE;
    }
    close(ends[0]);
    if (!done) { kill(pid, SIGKILL); }
    int how = 0;
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR) {}
    if (!kept) { return pt_fail_memory(err, "the list of devices", (double)sizeof heard); }
    if (done) {
        *next = MAX_PLATFORMS;
        return PTSNE_OK;
    }
    if (more < 0) {
        snprintf(why, why_bytes, "a driver does not answer within %g s", PROBE_SECONDS);
        *next = MAX_PLATFORMS;
    } else {
        snprintf(why, why_bytes, "a driver crashed when it was asked (%s %d)",
                 WIFSIGNALED(how) ? "signal" : "exit code", WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    }
    return PTSNE_OK;
}

/* ---- the list ---- */

static int better_first(const void *a, const void *b)
{
    const pt_found *left = a, *right = b;
    const bool left_refused = left->info.refused[0] != '\0', right_refused = right->info.refused[0] != '\0';
    if (left_refused != right_refused) { return left_refused ? 1 : -1; }
    if (left->rank != right->rank) { return left->rank > right->rank ? -1 : 1; }
    if (left->platform != right->platform) { return left->platform < right->platform ? -1 : 1; }
    return left->device < right->device ? -1 : left->device > right->device;
}

static bool switched_on(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

/* A child would inherit drivers that run already, and most do not survive a fork. Set when this process has made its first
 * OpenCL call, which is a fact about the process, whoever made it. */
static bool drivers_run;

ptsne_status pt_probe(pt_found **list, size_t *count, char *why, size_t why_bytes, ptsne_error *err)
{
    teller told = {.pipe = -1};
    ptsne_status status = PTSNE_OK;
    *list = NULL;
    *count = 0;
    snprintf(why, why_bytes, "no platform has a device");
    if (drivers_run || switched_on("PTSNE_NO_PROBE")) {
        drivers_run = true;
        ask(0, &told);
    } else {
        const double deadline = pt_seconds() + PROBE_SECONDS;
        for (cl_uint next = 0; next < MAX_PLATFORMS && status == PTSNE_OK;) {
            status = ask_child(next, deadline, &told, &next, why, why_bytes, err);
        }
    }
    size_t found = 0;
    for (size_t i = 0; i < told.count; i++) { found += told.list[i].kind == FOUND; }
    if (status == PTSNE_OK && found > 0) {
        *list = malloc(found * sizeof **list);
        if (*list == NULL) { status = pt_fail_memory(err, "the list of devices", (double)(found * sizeof **list)); }
        for (size_t i = 0; i < told.count && *list != NULL; i++) {
            if (told.list[i].kind == FOUND) { (*list)[(*count)++] = told.list[i].found; }
        }
        if (*count > 1) { qsort(*list, *count, sizeof **list, better_first); }
    }
    free(told.list);
    return status;
}

ptsne_status pt_probe_handles(const pt_found *found, cl_platform_id *platform, cl_device_id *device, ptsne_error *err)
{
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_device_id devices[MAX_DEVICES];
    cl_uint n_platforms = 0, n_devices = 0;
    drivers_run = true;
    cl_int code = clGetPlatformIDs(MAX_PLATFORMS, platforms, &n_platforms);
    if (code == CL_SUCCESS && found->platform < n_platforms) {
        code = clGetDeviceIDs(platforms[found->platform], CL_DEVICE_TYPE_ALL, MAX_DEVICES, devices, &n_devices);
    }
    if (code != CL_SUCCESS || found->platform >= n_platforms || found->device >= n_devices) {
        return pt_fail(err, PTSNE_ERR_DEVICE, "%s was there and is gone (%d)", found->info.spec, code);
    }
    *platform = platforms[found->platform];
    *device = devices[found->device];
    return PTSNE_OK;
}
