/* Backends that a test opens, and those that it does without. */
#ifndef TESTS_BACKENDS_H
#define TESTS_BACKENDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those above first */
#include <cmocka.h>

#include "backend/backend.h"

/* Whether `name` is a word of a list with commas. */
static inline bool backend_listed(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length) {
        if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0')) { return true; }
    }
    return false;
}

/* PTSNE_TEST_BACKENDS=cpu,opencl names the backends that must open, and only those are tested; without it all that open. */
static inline bool backend_required(const char *name)
{
    const char *required = getenv("PTSNE_TEST_BACKENDS");
    return required != NULL && backend_listed(required, name);
}

static inline bool backend_wanted(const char *name)
{
    return getenv("PTSNE_TEST_BACKENDS") == NULL || backend_required(name);
}

/* Says that the backend did not open. Is that a failure? */
static inline bool backend_missing(const char *name, const ptsne_error *err)
{
    const bool missing = backend_required(name);
    print_message("%s: %s: %s\n", missing ? "FAILED" : "SKIPPED", name, err->message);
    return missing;
}

/* The next backend that opens and is to be tested, from number *at on, which becomes its successor's; NULL: there is none.
 * *missing counts those that should have opened. */
static inline pt_backend *backend_next(size_t *at, int *missing)
{
    while (*at < pt_backend_count()) {
        const char *name = pt_backend_name((*at)++);
        pt_backend *be;
        ptsne_error err = {0};
        if (!backend_wanted(name)) { continue; }
        if (pt_backend_open(name, &be, &err) == PTSNE_OK) { return be; }
        *missing += backend_missing(name, &err);
    }
    return NULL;
}

static inline bool backend_is_cpu(const pt_backend *be)
{
    return strcmp(be->ops->name, "cpu") == 0;
}

/* The cpu backend; threads 0: all, memory 0: what there is. */
static inline pt_backend *backend_cpu(size_t threads, size_t memory)
{
    const pt_backend_config config = {.spec = "cpu", .threads = threads, .memory = memory};
    pt_backend *be = NULL;
    ptsne_error err = {0};
    if (pt_backend_open_config(&config, &be, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
    return be;
}

#endif
