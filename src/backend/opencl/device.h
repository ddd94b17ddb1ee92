/* One open OpenCL device: context, queue, programs, the budget of bytes, and the one place where kernels are launched.
 *
 * Launches are cut into chunks that take some tens of milliseconds, so that none holds a display's watchdog, by what was measured of the
 * same kernel before; not more than half a second of work is ever queued. After a failure of the queue nothing the device says is
 * believed any more: every later call fails. */
#ifndef PT_OPENCL_DEVICE_H
#define PT_OPENCL_DEVICE_H

#include <CL/cl.h>

#include "backend/backend.h"
#include "base/sizes.h"

/* The kernels that are built when the device opens; the table in device.c has their files. */
typedef enum pt_kernel_id {
    PT_KERNEL_PRODUCT_TILED,
    PT_KERNEL_PRODUCT_NARROW,
    PT_KERNEL_PRODUCT_NARROW_TRANSPOSED,
    PT_KERNEL_PRODUCT_SHALLOW,
    PT_KERNEL_PRODUCT_SLICES,
    PT_KERNEL_COLUMN_SUMS,
    PT_KERNEL_GATHER_ROWS,
    PT_KERNEL_GATHER_MIX,
    PT_KERNEL_ROW_NORMS,
    PT_KERNEL_DISTANCE_FINISH,
    PT_KERNEL_DISTANCE_ROOTS,
    PT_KERNEL_RANK_COUNTS,
    PT_KERNEL_AFFINITIES_JOINT,
    PT_KERNEL_NEAREST_MERGE,
    PT_KERNEL_NEAREST_BEGIN,
    PT_KERNEL_NEAREST_END,
    PT_KERNEL_AFFINITIES_CONDITIONAL,
    PT_KERNEL_STUDENT_SUMS,
    PT_KERNEL_TSNE_ROWS,
    PT_KERNEL_TSNE_TOTAL,
    PT_KERNEL_TSNE_FINISH,
    PT_KERNEL_EDGES_ROWS,
    PT_KERNEL_EDGES_TOTAL,
    PT_KERNEL_EDGES_FINISH,
    PT_KERNEL_ATTRACTION,
    PT_KERNEL_ATTRACTION_TOTAL,
    PT_KERNEL_POTENTIAL_SUM,
    PT_KERNEL_POTENTIAL_TOTAL,
    PT_KERNEL_EMBEDDING_STEP,
    PT_KERNEL_EMBEDDING_STATS,
    PT_KERNEL_REPULSION,
    PT_KERNEL_GRID_SPREAD,
    PT_KERNEL_GRID_SPREAD_FINISH,
    PT_KERNEL_GRID_RESTRICT,
    PT_KERNEL_GRID_PROLONG,
    PT_KERNEL_GRID_CONVOLVE,
    PT_KERNEL_GRID_GATHER,
    PT_KERNEL_BIAS_ACTIVATION,
    PT_KERNEL_ACTIVATION_GRADIENT,
    PT_KERNEL_DROPOUT,
    PT_KERNEL_PATCHES,
    PT_KERNEL_PATCHES_SUM,
    PT_KERNEL_MAX_POOL,
    PT_KERNEL_MAX_POOL_GRADIENT,
    PT_KERNEL_MOMENTS_PARTS,
    PT_KERNEL_MOMENTS_TOTAL,
    PT_KERNEL_NORMALIZE_APPLY,
    PT_KERNEL_NORMALIZE_PARTS,
    PT_KERNEL_NORMALIZE_TOTAL,
    PT_KERNEL_NORMALIZE_GRADIENT,
    PT_KERNEL_ANCHORS,
    PT_KERNEL_ANCHORS_GRADIENT,
    PT_KERNEL_CROSS_ENTROPY,
    PT_KERNEL_SQUARED_ERROR,
    PT_KERNEL_CAUCHY_ERROR,
    PT_KERNEL_LOSS_TOTAL,
    PT_KERNEL_SGD_STEP,
    PT_KERNEL_ADAM_STEP,
    PT_KERNEL_BLEND,
    PT_KERNEL_COUNT
} pt_kernel_id;

typedef struct pt_kernel {
    cl_kernel handle;
    const char *name;
    size_t group; /* work-items of a work-group: what WG was when it was built */
    double rate;  /* units of work a second, as measured; 0: not yet */
} pt_kernel;

/* A metric: distance_tile.cl with the metric's file in it. */
typedef struct pt_metric {
    char name[64];
    cl_program program;
    pt_kernel kernel;
} pt_metric;

/* Buffers that ops use inside, grown when needed and kept. */
typedef enum pt_scratch { PT_SCRATCH_PRODUCT, PT_SCRATCH_OP, PT_SCRATCH_TILE, PT_SCRATCH_COUNT } pt_scratch;

enum { PT_MAX_PROGRAMS = 16, PT_MAX_METRICS = 32 };

typedef struct pt_device {
    pt_backend base;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    cl_program programs[PT_MAX_PROGRAMS]; /* in the order of the table */
    pt_kernel kernels[PT_KERNEL_COUNT];
    pt_metric metrics[PT_MAX_METRICS];
    int n_metrics;
    pt_buffer scratch[PT_SCRATCH_COUNT];
    ptsne_device_info info;
    char *directory;   /* searched first for kernels; NULL: none */
    size_t group;      /* work-items of a group that the device can run, at most 64 */
    bool own_product;  /* CLBlast is not to be trusted here */
    pt_kernel clblast; /* its rate only */
    double chunk;      /* seconds that a launch may take */
    double queued;     /* seconds of work in the queue, as estimated */
    bool lost;         /* the queue failed */
} pt_device;

/* ---- arguments of a kernel ---- */

typedef enum pt_arg_kind { PT_ARG_BUFFER, PT_ARG_UINT, PT_ARG_ULONG, PT_ARG_FLOAT, PT_ARG_FLOAT16 } pt_arg_kind;

typedef struct pt_kernel_arg {
    pt_arg_kind kind;
    cl_mem memory;  /* of a buffer */
    cl_ulong whole; /* a number, or the buffer's first element */
    cl_float real;
    const float *reals; /* sixteen */
} pt_kernel_arg;

/* A buffer is two arguments of the kernel: the memory object, and the element at which the view begins (ulong). */
static inline pt_kernel_arg pt_arg_buffer(const pt_buffer *buffer)
{
    return (pt_kernel_arg){.kind = PT_ARG_BUFFER, .memory = buffer->handle, .whole = buffer->offset};
}

static inline pt_kernel_arg pt_arg_uint(size_t value) /* below 2^32 */
{
    return (pt_kernel_arg){.kind = PT_ARG_UINT, .whole = value};
}

static inline pt_kernel_arg pt_arg_ulong(uint64_t value)
{
    return (pt_kernel_arg){.kind = PT_ARG_ULONG, .whole = value};
}

static inline pt_kernel_arg pt_arg_float(float value)
{
    return (pt_kernel_arg){.kind = PT_ARG_FLOAT, .real = value};
}

static inline pt_kernel_arg pt_arg_float16(const float *values) /* copied when the kernel is launched */
{
    return (pt_kernel_arg){.kind = PT_ARG_FLOAT16, .reals = values};
}

#define PT_ARGS(args) (args), sizeof(args) / sizeof((args)[0])

/* Queue a kernel of `groups` work-groups (0: nothing to do); `work`: what one of them does, in some unit that grows with the time
 * it takes. Nothing else in the module enqueues a kernel of ours. */
ptsne_status pt_device_launch(pt_device *device, pt_kernel *kernel, const pt_kernel_arg *args, size_t n_args,
                              size_t groups, double work, ptsne_error *err);

/* The same for kernels that go element by element, `each` elements a work-item. */
ptsne_status pt_device_launch_elements(pt_device *device, pt_kernel_id kernel, const pt_kernel_arg *args, size_t n_args,
                                       size_t count, size_t each, ptsne_error *err);
enum { PT_EACH = 4 }; /* as in ptsne.clh */

/* Work-items side by side where a group is a rectangle: PT_WIDE of ptsne.clh. */
static inline size_t pt_group_wide(size_t group)
{
    return group == 64 ? 8 : group >= 8 ? group / 4 : group;
}

/* Columns that a group sums: COLUMNS of columns.clh. */
static inline size_t pt_group_columns(size_t group)
{
    return pt_smaller(group, 16);
}

/* ---- pace: for what is not launched by pt_device_launch ---- */

/* Units of work that one launch may have now. */
double pt_device_chunk(const pt_device *device, const pt_kernel *kernel);
/* After queueing `work` units, one of several launches or the only one: flushes, waits now and then, learns the rate. */
ptsne_status pt_device_pace(pt_device *device, pt_kernel *kernel, double work, bool more, double began,
                            ptsne_error *err);

/* ---- the rest ---- */

/* count elements inside one of the device's own buffers. */
ptsne_status pt_device_scratch(pt_device *device, pt_scratch which, size_t count, pt_buffer *buffer, ptsne_error *err);
ptsne_status pt_device_buffer(pt_device *device, size_t count, pt_buffer *buffer, ptsne_error *err);
void pt_device_release(pt_device *device, pt_buffer *buffer);

/* PTSNE_ERR_DEVICE where the queue has failed before. */
ptsne_status pt_device_usable(const pt_device *device, ptsne_error *err);
/* A failed call, in words; a failure of the queue makes the device lost. */
ptsne_status pt_device_failed(pt_device *device, const char *what, cl_int code, ptsne_error *err);

/* The metric of that name, compiled if it was not yet. */
ptsne_status pt_device_metric(pt_device *device, const char *name, int *metric, ptsne_error *err);

/* Open the device with what config says (its spec was dealt with); info is the device's row. */
ptsne_status pt_device_open(const pt_backend_config *config, cl_platform_id platform, cl_device_id id,
                            const ptsne_device_info *info, pt_device **device, ptsne_error *err);
void pt_device_close(pt_device *device);

#endif
