/* One message a failure, written where the fault is found. */
#ifndef PT_BASE_ERROR_H
#define PT_BASE_ERROR_H

#include "ptsne.h"

#if defined(__GNUC__)
#define PT_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define PT_PRINTF(text, first)
#endif

/* Write status and message into err, which may be NULL, and return status. */
ptsne_status pt_fail(ptsne_error *err, ptsne_status status, const char *format, ...) PT_PRINTF(3, 4);

/* Put "prefix: " in front of the message that is there, and return status. */
ptsne_status pt_within(ptsne_error *err, ptsne_status status, const char *format, ...) PT_PRINTF(3, 4);

/* "not enough memory for WHAT (1.25 GiB)". */
ptsne_status pt_fail_memory(ptsne_error *err, const char *what, double bytes);

/* Hand a warning to the observer, which may be NULL or have no ear for it. */
void pt_warn(const ptsne_observer *observer, const char *format, ...) PT_PRINTF(2, 3);

#endif
