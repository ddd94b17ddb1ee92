#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/output.h"

json_t *report_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *report_count(size_t value)
{
    return json_integer((json_int_t)value);
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
