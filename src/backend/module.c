#define _GNU_SOURCE /* dladdr */

#include "backend/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__APPLE__)
#define SUFFIX ".dylib"
#else
#define SUFFIX ".so"
#endif

/* The directory of the library (or, in a test, of the program) that holds this code; its length, or 0 where unknown. */
static size_t home(char path[PATH_MAX])
{
    Dl_info info;
    char resolved[PATH_MAX];
    static const char marker = 0; /* any address of ours */
    if (dladdr(&marker, &info) == 0 || info.dli_fname == NULL) { return 0; }
    if (realpath(info.dli_fname, resolved) == NULL) { return 0; }
    const char *slash = strrchr(resolved, '/');
    if (slash == NULL) { return 0; }
    const size_t length = (size_t)(slash - resolved);
    memcpy(path, resolved, length);
    path[length] = '\0';
    return length;
}

/* Whether DIRECTORY/libptsne-NAME.so is there; its path. */
static bool found(const char *directory, size_t length, const char *within, const char *name, char path[PATH_MAX])
{
    const int written = snprintf(path, PATH_MAX, "%.*s%s/libptsne-%s" SUFFIX, (int)length, directory, within, name);
    return written > 0 && written < PATH_MAX && access(path, R_OK) == 0;
}

static bool locate(const char *name, char path[PATH_MAX], char sought[PATH_MAX])
{
    const char *list = getenv("PTSNE_MODULE_PATH");
    if (list != NULL && *list != '\0') {
        snprintf(sought, PATH_MAX, "%s", list);
        while (true) {
            const size_t length = strcspn(list, ":");
            if (length > 0 && length < PATH_MAX && found(list, length, "", name, path)) { return true; }
            if (list[length] == '\0') { return false; }
            list += length + 1;
        }
    }
    const size_t length = home(sought);
    return length > 0 && (found(sought, length, "", name, path) || found(sought, length, "/ptsne", name, path));
}

ptsne_status pt_module_open(const char *name, const pt_backend_module **module, ptsne_error *err)
{
    char path[PATH_MAX] = "", sought[PATH_MAX] = "";
    if (!locate(name, path, sought)) {
        return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no %s: libptsne-%s" SUFFIX " is not in %.600s", name, name, sought);
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) { return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no %s: %.900s", name, dlerror()); }
    const pt_backend_module *candidate = dlsym(library, "pt_module");
    if (candidate == NULL) { return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no %s: %.600s has no pt_module", name, path); }
    if (candidate->version != PT_BACKEND_VERSION) {
        return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no %s: %.600s was built for table version %u, this is version %u",
                       name, path, (unsigned)candidate->version, (unsigned)PT_BACKEND_VERSION);
    }
    *module = candidate;
    return PTSNE_OK;
}
