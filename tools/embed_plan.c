#include "embed_plan.h"

#include <stdlib.h>
#include <string.h>

#include "embed_report.h"
#include "outputs.h"

/* Rows and columns of the data: of text only reading tells. */
static int measure(const cli_call *call, size_t *n, size_t *columns)
{
    const embed_settings *settings = call->settings;
    const ptsne_read_options read = read_settings_use(&settings->read);
    ptsne_reader *reader = NULL;
    ptsne_table *x = NULL;
    ptsne_error err = {0};
    if (strcmp(settings->input, "-") != 0) {
        if (ptsne_reader_open(settings->input, &read, &reader, &err) != PTSNE_OK) {
            return console_fail(call->console, settings->input, &err);
        }
        *n = ptsne_reader_rows(reader);
        *columns = ptsne_reader_columns(reader);
        ptsne_reader_destroy(reader);
        if (*n != PTSNE_UNKNOWN) { return EXIT_SUCCESS; }
    }
    const int code = table_read(call, settings->input, &read, &x);
    if (code != EXIT_SUCCESS) { return code; }
    *n = ptsne_table_rows(x);
    *columns = ptsne_table_columns(x);
    ptsne_table_destroy(x);
    return EXIT_SUCCESS;
}

/* 1536 -> "1.5 KiB". */
static const char *size_text(size_t bytes, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1023.95 && unit + 1 < CLI_LENGTH(units); unit++) { value /= 1024.0; }
    snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

/* The stages' largest sizes, and all their seconds. */
static ptsne_plan_stage sum_up(const ptsne_plan_stage *stages, size_t count)
{
    ptsne_plan_stage all = {.name = "in all"};
    for (size_t i = 0; i < count; i++) {
        if (stages[i].host_bytes > all.host_bytes) { all.host_bytes = stages[i].host_bytes; }
        if (stages[i].device_bytes > all.device_bytes) { all.device_bytes = stages[i].device_bytes; }
        all.seconds += stages[i].seconds;
    }
    return all;
}

static void print_stage(const ptsne_plan_stage *stage)
{
    char host[32], device[32];
    printf("%-12s %12s %12s %10.1f\n", stage->name, size_text(stage->host_bytes, host),
           size_text(stage->device_bytes, device), stage->seconds);
}

static void print_table(const ptsne_plan_stage *stages, size_t count, const ptsne_device *device)
{
    ptsne_device_info info;
    ptsne_device_describe(device, &info);
    const bool one_memory = strcmp(info.spec, "cpu") == 0;
    const ptsne_plan_stage all = sum_up(stages, count);
    char text[32];
    printf("%-12s %12s %12s %10s\n", "stage", "host", "device", "seconds");
    for (size_t i = 0; i < count; i++) { print_stage(&stages[i]); }
    printf("peak: %s", size_text(all.host_bytes, text));
    if (one_memory) {
        printf(" (the device is the cpu: its bytes are among the host's)");
    } else {
        printf(" on the host, %s on the device", size_text(all.device_bytes, text));
    }
    printf("\ntime: about %.1f s in all on %s (%s)\n", all.seconds, info.spec, info.name);
}

static json_t *stage_report(const ptsne_plan_stage *stage)
{
    json_t *report = json_pack("{s:s, s:I, s:I}", "name", stage->name, "host_bytes", (json_int_t)stage->host_bytes,
                               "device_bytes", (json_int_t)stage->device_bytes);
    if (report != NULL) { json_object_set_new(report, "seconds", report_number(stage->seconds)); }
    return report;
}

static json_t *plan_report(const ptsne_plan_stage *stages, size_t count)
{
    const ptsne_plan_stage all = sum_up(stages, count);
    json_t *report = json_pack("{s:I, s:I}", "peak_host_bytes", (json_int_t)all.host_bytes, "peak_device_bytes",
                               (json_int_t)all.device_bytes);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) { json_array_append_new(list, stage_report(&stages[i])); }
    if (report == NULL || json_object_set_new(report, "stages", list) != 0) {
        json_decref(report);
        return NULL;
    }
    json_object_set_new(report, "seconds", report_number(all.seconds));
    return report;
}

int embed_plan(const cli_call *call)
{
    const embed_settings *settings = call->settings;
    const ptsne_embed_options options = embed_options(call);
    ptsne_plan_stage stages[PTSNE_PLAN_STAGES];
    size_t n = 0, columns = 0, count = 0;
    ptsne_device *device = NULL;
    ptsne_error err = {0};
    const output_file report = {"--json", settings->json, true};
    int code = outputs_check(call, &report, 1, &settings->input, 1);
    if (code == EXIT_SUCCESS) { code = measure(call, &n, &columns); }
    if (code == EXIT_SUCCESS) { code = device_settings_open(call, &settings->device, &device); }
    if (code != EXIT_SUCCESS) { return code; }
    if (ptsne_embed_plan(device, n, columns, &options, stages, &count, &err) != PTSNE_OK) {
        code = console_fail(call->console, settings->input, &err);
    } else {
        if (!output_streams(settings->json)) { print_table(stages, count, device); }
        if (settings->json != NULL) {
            code = embed_report_write(call, plan_report(stages, count), "planned", device, n, columns,
                                      options.n_components, options.seed);
        }
    }
    ptsne_device_destroy(device);
    return code;
}
