#define _GNU_SOURCE

#include "backend/cpu/sgemm.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* oneDNN is not linked but opened: it is 39 MB with libstdc++ and the OpenCL loader behind it, which every start of a
 * program would pay for, and which a machine may lack. PTSNE_DNNL_SONAME comes from the library found at build time. */
pt_sgemm pt_sgemm_find(void)
{
    pt_sgemm found = {0};
#if PTSNE_HAVE_ONEDNN
    const char *choice = getenv("PTSNE_CPU_PRODUCT");
    if (choice != NULL && strcmp(choice, "own") == 0) { return found; }
    void *library = dlopen(PTSNE_DNNL_SONAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) { return found; }
    *(void **)&found.run = dlsym(library, "dnnl_sgemm"); /* POSIX's way around object and function pointers */
    *(void **)&found.set_threads = dlsym(library, "omp_set_num_threads");
    *(void **)&found.get_threads = dlsym(library, "omp_get_max_threads");
    if (found.run == NULL || found.set_threads == NULL || found.get_threads == NULL) { found = (pt_sgemm){0}; }
#endif
    return found;
}
