/* Which backends a test runs on. PTSNE_TEST_BACKENDS=cpu,opencl names those that must open, and only those run; without it one
 * that does not open is passed over. */
#ifndef TESTS_BACKENDS_H
#define TESTS_BACKENDS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ptsne.h"

/* Does the test run on this backend? */
static inline bool backend_wanted(const char *name)
{
    const char *required = getenv("PTSNE_TEST_BACKENDS");
    return required == NULL || strstr(required, name) != NULL;
}

/* Says that the backend did not open. Is that a failure? */
static inline bool backend_missing(const char *name, const ptsne_error *err)
{
    const bool missing = getenv("PTSNE_TEST_BACKENDS") != NULL && backend_wanted(name);
    print_message("%s: %s: %s\n", missing ? "FAILED" : "SKIPPED", name, err->message);
    return missing;
}

#endif
