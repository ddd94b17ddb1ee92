#include "verb_devices.h"

#include <stdlib.h>
#include <string.h>

#include "base/device_spec.h"
#include "common.h"
#include "outputs.h"
#include "report.h"

typedef struct devices_settings {
    console_settings console;
    bool bench, verbose;
    const char *json;
    device_settings device;
} devices_settings;

/* What the OpenCL loader, the drivers and we read: most reports of missing devices are explained by one of them. */
static const char *const variables[] = {
    "PTSNE_DEVICE",          "PTSNE_KERNEL_PATH",    "OCL_ICD_VENDORS",        "OCL_ICD_FILENAMES",
    "OCL_ICD_PLATFORM_SORT", "OPENCL_VENDOR_PATH",   "RUSTICL_ENABLE",         "RUSTICL_FEATURES",
    "POCL_DEVICES",          "POCL_CACHE_DIR",       "POCL_MAX_PTHREAD_COUNT", "CLBLAST_BUILD_OPTIONS",
    "CUDA_VISIBLE_DEVICES",  "ROCR_VISIBLE_DEVICES", "OMP_NUM_THREADS",        "LD_LIBRARY_PATH",
};

typedef struct bench {
    bool done;
    double gflops, gigabytes;
    char failure[256];
} bench;

static void write_bytes(char *text, size_t size, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024.0 && unit + 1 < CLI_LENGTH(units); unit++) { value /= 1024.0; }
    snprintf(text, size, value < 10.0 && unit > 0 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static void measure(const devices_settings *settings, const ptsne_device_info *info, bench *result)
{
    ptsne_error err = {0};
    ptsne_device *device = NULL;
    ptsne_device_options options = device_settings_use(&settings->device);
    options.spec = info->spec;
    ptsne_status status = ptsne_device_open(&options, NULL, &device, &err);
    if (status == PTSNE_OK) { status = ptsne_device_bench(device, &result->gflops, &result->gigabytes, &err); }
    ptsne_device_destroy(device);
    result->done = status == PTSNE_OK;
    if (status != PTSNE_OK) { snprintf(result->failure, sizeof result->failure, "%.255s", err.message); }
}

static void print_device(const ptsne_device_info *info, const bench *measured, bool verbose)
{
    char memory[32], largest[32], local[32];
    write_bytes(memory, sizeof memory, info->memory);
    write_bytes(largest, sizeof largest, info->max_allocation);
    write_bytes(local, sizeof local, info->local_memory);
    printf("%-12s %-12s %9s %6u  ", info->spec, info->type, memory, info->compute_units);
    if (measured != NULL && measured->done) {
        printf("%9.0f %8.1f  ", measured->gflops, measured->gigabytes);
    } else if (measured != NULL) {
        printf("%9s %8s  ", "-", "-");
    }
    printf("%s\n", info->name);
    const char *indent = "             ";
    if (measured != NULL && measured->failure[0] != '\0') { printf("%s%s\n", indent, measured->failure); }
    if (info->refused[0] != '\0') { printf("%snot chosen by auto: %s\n", indent, info->refused); }
    if (!verbose) { return; }
    if (info->platform[0] != '\0') { printf("%splatform: %s\n", indent, info->platform); }
    printf("%s%s: %s\n", indent, info->platform[0] != '\0' ? "driver" : "instructions", info->driver);
    printf("%slargest buffer: %s\n", indent, largest);
    if (info->platform[0] != '\0') { printf("%swork-group: %u work-items, %s\n", indent, info->max_work_group, local); }
}

static void print_all(const ptsne_device_info *list, const bench *measured, size_t count, bool verbose)
{
    printf("%-12s %-12s %9s %6s  ", "DEVICE", "TYPE", "MEMORY", "UNITS");
    if (measured != NULL) { printf("%9s %8s  ", "GFLOP/S", "GB/S"); }
    printf("NAME\n");
    for (size_t i = 0; i < count; i++) { print_device(&list[i], measured == NULL ? NULL : &measured[i], verbose); }
    if (!verbose) { return; }
    printf("\nEnvironment:\n");
    for (size_t v = 0; v < CLI_LENGTH(variables); v++) {
        const char *value = getenv(variables[v]);
        printf("  %-24s %s\n", variables[v], value == NULL ? "(not set)" : value);
    }
}

static json_t *device_report(const ptsne_device_info *info, const bench *measured)
{
    json_t *report = json_pack(
        "{s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "device", info->spec, "name",
        report_text(info->name), "platform", report_text(info->platform), "driver", report_text(info->driver), "type",
        info->type, "memory", (json_int_t)info->memory, "max_allocation", (json_int_t)info->max_allocation,
        "local_memory", (json_int_t)info->local_memory, "compute_units", (json_int_t)info->compute_units,
        "max_work_group", (json_int_t)info->max_work_group, "refused", report_text(info->refused));
    if (report == NULL || measured == NULL) { return report; }
    json_object_set_new(report, "gflops", measured->done ? report_number(measured->gflops) : json_null());
    json_object_set_new(report, "gigabytes_per_second",
                        measured->done ? report_number(measured->gigabytes) : json_null());
    return report;
}

static int report(const cli_call *call, const ptsne_device_info *list, const bench *measured, size_t count)
{
    const devices_settings *settings = call->settings;
    json_t *devices = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(devices, device_report(&list[i], measured == NULL ? NULL : &measured[i]));
    }
    json_t *whole = json_pack("{s:s, s:o}", "version", ptsne_version(), "devices", devices);
    return report_write(call->console, settings->json, whole);
}

/* "opencl" and "opencl:0" mean all that begin so. */
static bool begins(const char *full, const char *spec)
{
    const size_t length = strlen(spec);
    const char end = strncmp(full, spec, length) == 0 ? full[length] : 'x';
    return end == '\0' || end == ':' || end == '.';
}

/* The same words as where a device is opened. */
static bool meant(const ptsne_device_info *device, const char *spec)
{
    char numbered[PT_DEVICE_SPEC];
    if (*spec == '\0') { return false; }
    if (strcmp(spec, "auto") == 0) { return true; }
    if (strcmp(spec, "opencl:all") == 0) { return begins(device->spec, "opencl"); }
    if (strcmp(spec, "gpu") == 0) { return pt_device_is_gpu(device); }
    if (strcmp(spec, "cpu") == 0 || strcmp(spec, "opencl") == 0 || strncmp(spec, "opencl:", 7) == 0) {
        return begins(device->spec, spec);
    }
    if (pt_device_numbered(spec, numbered)) { return strcmp(device->spec, numbered) == 0; }
    return pt_device_named(device, spec);
}

/* Keep the devices that --device may mean. False if none is left. */
static bool choose(ptsne_device_info *list, size_t *count, const char *spec)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (meant(&list[i], spec)) { list[kept++] = list[i]; }
    }
    *count = kept;
    return kept > 0;
}

static int devices_run(const cli_call *call)
{
    const devices_settings *settings = call->settings;
    ptsne_error err = {0};
    ptsne_device_info *list = NULL;
    bench *measured = NULL;
    size_t count = 0;
    const output_file report_file = {"--json", settings->json, true};
    int code = outputs_check(call, &report_file, 1, NULL, 0);
    if (code != EXIT_SUCCESS) { return code; }
    if (ptsne_devices_list(&list, &count, &err) != PTSNE_OK) { return console_fail(call->console, NULL, &err); }
    if (settings->device.device != NULL && !choose(list, &count, settings->device.device)) {
        console_error(call->console, "there is no device %s here; ptsne devices lists what there is",
                      settings->device.device);
        code = EXIT_UNAVAILABLE;
        goto done;
    }
    if (settings->bench) {
        measured = calloc(count, sizeof *measured);
        if (measured == NULL) {
            console_error(call->console, "not enough memory");
            code = EXIT_FAILED;
            goto done;
        }
        for (size_t i = 0; i < count; i++) { measure(settings, &list[i], &measured[i]); }
    }
    if (!output_streams(settings->json)) { print_all(list, measured, count, settings->verbose); }
    if (settings->json != NULL) { code = report(call, list, measured, count); }
done:
    free(measured);
    ptsne_free(list);
    return code;
}

#define AT(member) offsetof(devices_settings, member)

static const cli_option own_options[] = {
    {.name = "bench",
     .kind = CLI_FLAG,
     .member = AT(bench),
     .help = "measure matrix products (GFLOP/s) and copies (GB/s) of each device"},
    {.name = "verbose",
     .letter = 'v',
     .kind = CLI_FLAG,
     .member = AT(verbose),
     .help = "drivers, limits, and the environment variables that decide what is seen"},
    REPORT_OPTION(AT(json), "write the list as JSON; - is standard output, then without the table"),
};

static const cli_section sections[] = {
    {"Options", own_options, CLI_LENGTH(own_options), 0, false},
    {"Device", device_options, CLI_LENGTH(device_options), AT(device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

const cli_verb verb_devices = {
    .name = "devices",
    .summary = "list the devices, and measure them",
    .usage = "[--bench] [-v]",
    .description =
        "Lists the cpu and every OpenCL device. The first column is what --device takes. Drivers are asked in a "
        "child process, so one that crashes or hangs costs its own devices only.",
    .examples = "  ptsne devices\n"
                "  ptsne devices --bench --device cpu\n"
                "  ptsne devices --json - | jq '.devices[].name'\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(devices_settings),
    .console = AT(console),
    .run = devices_run,
};
