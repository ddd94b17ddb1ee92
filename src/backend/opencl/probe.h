/* What OpenCL devices there are.
 *
 * Drivers crash and hang in the first call that names them, so they are asked in a child process with a time limit, before this
 * process makes any OpenCL call; a driver that dies costs its own platform. PTSNE_NO_PROBE=1 asks in this process. */
#ifndef PT_OPENCL_PROBE_H
#define PT_OPENCL_PROBE_H

#include <CL/cl.h>

#include "base/error.h"

typedef struct pt_found {
    ptsne_device_info info;
    cl_uint platform, device; /* indices as the loader counts */
    double rank;              /* among devices of one kind: greater is better */
} pt_found;

/* All devices, best first, those that auto would not choose last. *list by malloc, NULL where there is none. PTSNE_OK with
 * none: why says in a few words what was found instead ("no platform", "a driver crashed (signal 11)"); also with some, where a
 * platform was lost. */
ptsne_status pt_probe(pt_found **list, size_t *count, char *why, size_t why_bytes, ptsne_error *err);

/* The handles of a device that pt_probe found; in this process, so only after it. */
ptsne_status pt_probe_handles(const pt_found *found, cl_platform_id *platform, cl_device_id *device, ptsne_error *err);

#endif
