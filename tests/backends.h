/* Backends that a test does without. */
#ifndef TESTS_BACKENDS_H
#define TESTS_BACKENDS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ptsne.h"

/* Says that the backend did not open. Is that a failure? PTSNE_TEST_BACKENDS=cpu,opencl names those that must. */
static inline bool backend_missing(const char *name, const ptsne_error *err)
{
    const char *required = getenv("PTSNE_TEST_BACKENDS");
    const bool missing = required != NULL && strstr(required, name) != NULL;
    print_message("%s: %s: %s\n", missing ? "FAILED" : "SKIPPED", name, err->message);
    return missing;
}

#endif
