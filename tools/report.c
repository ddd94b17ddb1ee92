#define _POSIX_C_SOURCE 200809L

#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"

json_t *report_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Bytes of the UTF-8 character at text, 0 where there is none. jansson is the judge: it decides what a report may hold. */
static size_t character_bytes(const char *text)
{
    for (size_t bytes = 1; bytes <= 4 && text[bytes - 1] != '\0'; bytes++) {
        json_t *character = json_stringn(text, bytes);
        json_decref(character);
        if (character != NULL) { return bytes; }
    }
    return 0;
}

json_t *report_text(const char *text)
{
    json_t *whole = json_string(text);
    char *copy = whole != NULL ? NULL : strdup(text);
    if (copy == NULL) { return whole; }
    for (char *at = copy; *at != '\0';) {
        const size_t bytes = character_bytes(at);
        if (bytes == 0) { *at = '?'; }
        at += bytes == 0 ? 1 : bytes;
    }
    whole = json_string(copy);
    free(copy);
    return whole;
}

json_t *report_count(size_t value)
{
    return json_integer((json_int_t)value);
}

void report_add_sizes(json_t *whole, const report_size *sizes, size_t n)
{
    for (size_t i = 0; whole != NULL && i < n; i++) {
        json_object_set_new(whole, sizes[i].key, report_count(sizes[i].value));
    }
}

void report_add_figures(json_t *whole, const report_figure *figures, size_t n)
{
    for (size_t i = 0; whole != NULL && i < n; i++) {
        json_object_set_new(whole, figures[i].key, report_number(figures[i].value));
    }
}

json_t *report_head(const ptsne_device *device, const char *outcome, const char *data, size_t rows, size_t columns)
{
    ptsne_device_info info;
    ptsne_device_describe(device, &info);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:I}", "version", ptsne_version(), "outcome", outcome, "device",
                     info.spec, "device_name", report_text(info.name), "data",
                     data == NULL ? json_null() : report_text(data), "rows", (json_int_t)rows, "columns",
                     (json_int_t)columns);
}

json_t *report_join(json_t *report, json_t *more)
{
    if (json_object_update(report, more) != 0) { /* one of them is NULL, or without memory */
        json_decref(report);
        report = NULL;
    }
    json_decref(more);
    return report;
}

int report_write(cli_console *console, const char *path, json_t *report)
{
    ptsne_error err = {0};
    pt_output output = {0};
    char *text = report == NULL ? NULL : json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(report);
    if (text == NULL) {
        console_error(console, "%s: not enough memory for the report", path);
        return EXIT_FAILED;
    }
    ptsne_status status = pt_output_open(path, true, &output, &err);
    if (status == PTSNE_OK) { status = pt_output_write(&output, text, strlen(text), &err); }
    if (status == PTSNE_OK) { status = pt_output_write(&output, "\n", 1, &err); }
    if (status == PTSNE_OK) {
        status = pt_output_commit(&output, &err);
    } else {
        pt_output_discard(&output);
    }
    free(text);
    return status == PTSNE_OK ? EXIT_SUCCESS : console_fail(console, NULL, &err);
}
