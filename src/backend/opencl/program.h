/* Building one kernel file for a device. */
#ifndef PT_OPENCL_PROGRAM_H
#define PT_OPENCL_PROGRAM_H

#include <CL/cl.h>

#include "base/error.h"

/* CL_OUT_OF_RESOURCES for -5, and so on. */
const char *pt_cl_error(cl_int code);

typedef struct pt_program_request {
    cl_context context;
    cl_device_id device;
    const char *directory; /* searched first; may be NULL */
    const char *file;      /* "product.cl" */
    const char *metric;    /* what metric.clh is; may be NULL */
    const char *const *names;
    size_t n_names; /* of the kernels in it */
} pt_program_request;

/* Build it with groups of *group work-items, or fewer where a kernel needs that; kernels receives n_names handles. PTSNE_ERR_DEVICE has
 * the compiler's log, with the file's own line numbers. */
ptsne_status pt_program_build(const pt_program_request *request, size_t *group, cl_program *program, cl_kernel *kernels,
                              ptsne_error *err);

#endif
