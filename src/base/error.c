#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

ptsne_status pt_fail(ptsne_error *err, ptsne_status status, const char *format, ...)
{
    if (err == NULL) { return status; }
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    err->status = status;
    return status;
}

ptsne_status pt_within(ptsne_error *err, ptsne_status status, const char *format, ...)
{
    if (err == NULL) { return status; }
    char message[2 * sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof err->message, format, args);
    va_end(args);
    strcat(message, ": ");
    strncat(message, err->message, sizeof message - strlen(message) - 1);
    memcpy(err->message, message, sizeof err->message - 1);
    err->message[sizeof err->message - 1] = '\0';
    err->status = status;
    return status;
}

ptsne_status pt_fail_memory(ptsne_error *err, const char *what, double bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024.0 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1024.0;
        unit++;
    }
    return pt_fail(err, PTSNE_ERR_MEMORY, "not enough memory for %s (%.4g %s)", what, bytes, units[unit]);
}

void pt_warn(const ptsne_observer *observer, const char *format, ...)
{
    if (observer == NULL || observer->warning == NULL) { return; }
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    observer->warning(message, observer->user);
}
