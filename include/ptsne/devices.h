/* Devices: a GPU or another OpenCL device, or the cpu. */
#ifndef PTSNE_DEVICES_H
#define PTSNE_DEVICES_H

#include "ptsne/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ptsne_device ptsne_device;

typedef struct ptsne_device_options {
    /* "auto" (NULL: $PTSNE_DEVICE, else auto), "cpu", "gpu", "opencl", "opencl:P.D" or "P.D" (platform and device, from
       0), "opencl:all" (every GPU, or where there is none every OpenCL device: they share the exact search of euclidean
       neighbours, and the best does the rest), or a part of "platform / device" as ptsne_devices_list has them, in
       either case */
    const char *spec;
    size_t threads;      /* of the cpu backend; 0: as many as the process may use */
    size_t memory;       /* bytes the device may be asked for; 0: what it has */
    const char *kernels; /* directory searched first for NAME.cl; NULL: $PTSNE_KERNEL_PATH, else none */
} ptsne_device_options;

typedef struct ptsne_device_info {
    char spec[32];           /* what --device takes: "cpu", "opencl:0.1" */
    char name[128];          /* as the driver says it */
    char platform[128];      /* OpenCL platform; "" for cpu */
    char driver[128];        /* driver version, or the cpu's instruction-set level */
    char type[16];           /* "cpu", "gpu", "accelerator" */
    uint64_t memory;         /* bytes */
    uint64_t max_allocation; /* bytes of one buffer */
    uint64_t local_memory;   /* bytes of a work-group */
    uint32_t compute_units;  /* cores or compute units */
    uint32_t max_work_group; /* work-items */
    char refused[256];       /* why auto would not choose it; "" if it would */
} ptsne_device_info;

/** All members zero or NULL: auto, every thread, all memory. */
PTSNE_API void ptsne_device_options_default(ptsne_device_options *options);

/**
 * Open a device.
 *
 * "auto" takes the best GPU that passes the self-test, and else the CPU: then warning says why. A device
 * that is named is opened or the call fails.
 *
 * @param options   May be NULL: defaults.
 * @param observer  Told in one line when auto falls back, or when opencl:all goes on without a device; may be NULL.
 * @param device    The caller destroys it after everything that was made on it.
 * @return PTSNE_OK, PTSNE_ERR_ARGUMENT (no such spec), PTSNE_ERR_UNAVAILABLE (no such device, no OpenCL;
 *         the message says what there is, or what is missing), PTSNE_ERR_DEVICE (the self-test failed, a kernel did not
 *         compile), PTSNE_ERR_MEMORY.
 */
PTSNE_API ptsne_status ptsne_device_open(const ptsne_device_options *options, const ptsne_observer *observer,
                                         ptsne_device **device, ptsne_error *err);

/** Close the device, after everything that was made on it; NULL does nothing. */
PTSNE_API void ptsne_device_destroy(ptsne_device *device);

/** What the open device is; info is the caller's and is filled whole. Neither may be NULL. */
PTSNE_API void ptsne_device_describe(const ptsne_device *device, ptsne_device_info *info);

/**
 * Every device of this machine, cpu first. OpenCL platforms are asked in a child process with a time limit, so a
 * driver that crashes or hangs costs its own rows only.
 *
 * @param list   Released by ptsne_free.
 * @return PTSNE_OK also where there is no OpenCL; PTSNE_ERR_MEMORY.
 */
PTSNE_API ptsne_status ptsne_devices_list(ptsne_device_info **list, size_t *count, ptsne_error *err);

/**
 * Measure the device: matrix products of 2048 x 2048 x 2048 and copies of 256 MiB, best of about a second of each. Takes
 * 512 MiB on the device.
 *
 * @param gflops     Product rate, 1e9 floating-point operations a second.
 * @param gigabytes  Copy rate, 1e9 bytes read plus written a second.
 */
PTSNE_API ptsne_status ptsne_device_bench(ptsne_device *device, double *gflops, double *gigabytes, ptsne_error *err);

#ifdef __cplusplus
}
#endif

#endif
