/* Moments of columns and batch normalisation. */
#include "backend/opencl/opencl.h"

#define LEAST_ROWS  ((size_t)256) /* that a group goes through at least */
#define MOST_CHUNKS ((size_t)256)

/* How rows and columns are shared out among groups. */
typedef struct columns_cut {
    size_t chunk, chunks; /* rows of a group; how many times */
    size_t blocks;        /* of columns */
    size_t columns;       /* of a block */
    double work;          /* elements of one group */
} columns_cut;

static columns_cut cut(const pt_kernel *kernel, size_t n, size_t d)
{
    const size_t columns = pt_group_columns(kernel->group), chunk = pt_group_share(n, MOST_CHUNKS, LEAST_ROWS);
    return (columns_cut){
        .chunk = chunk,
        .chunks = pt_ceil_div(n, chunk),
        .blocks = pt_ceil_div(d, columns),
        .columns = columns,
        .work = (double)(pt_smaller(n, chunk) * columns),
    };
}

/* Mean and variance from the sums about `shift`. */
static ptsne_status moments_about(pt_device *device, const pt_buffer *x, size_t n, size_t d, const pt_buffer *shift,
                                  const pt_buffer *parts, const pt_buffer *mean, const pt_buffer *variance,
                                  ptsne_error *err)
{
    pt_kernel *kernels = device->kernels;
    const columns_cut by = cut(&kernels[PT_KERNEL_MOMENTS_PARTS], n, d);
    const pt_kernel_arg sums[] = {
        pt_arg_buffer(x),      pt_arg_uint(n),       pt_arg_uint(d),
        pt_arg_uint(by.chunk), pt_arg_buffer(shift), pt_arg_buffer(parts),
    };
    const pt_kernel_arg total[] = {
        pt_arg_buffer(parts), pt_arg_uint(by.chunks), pt_arg_uint(n),          pt_arg_uint(d),
        pt_arg_buffer(shift), pt_arg_buffer(mean),    pt_arg_buffer(variance),
    };
    const ptsne_status status =
        pt_device_launch(device, &kernels[PT_KERNEL_MOMENTS_PARTS], PT_ARGS(sums), by.chunks * by.blocks, by.work, err);
    if (status != PTSNE_OK) { return status; }
    return pt_device_launch(device, &kernels[PT_KERNEL_MOMENTS_TOTAL], PT_ARGS(total), by.blocks,
                            (double)(by.chunks * by.columns), err);
}

/* The scratch: parts, chunks x 2 x d. */
ptsne_status opencl_column_moments(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *scratch,
                                   const pt_buffer *mean, const pt_buffer *variance, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const ptsne_status status = moments_about(device, x, n, d, x, scratch, mean, variance, err); /* the first row */
    return status != PTSNE_OK ? status : moments_about(device, x, n, d, mean, scratch, mean, variance, err);
}

ptsne_status opencl_normalize(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                              const pt_buffer *variance, const pt_buffer *gain, const pt_buffer *shift, float epsilon,
                              pt_activation activation, const pt_buffer *y, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(x),        pt_arg_ulong(n * d), pt_arg_uint(d),       pt_arg_buffer(mean),
        pt_arg_buffer(variance), pt_arg_buffer(gain), pt_arg_buffer(shift), pt_arg_float(epsilon),
        pt_arg_uint(activation), pt_arg_buffer(y),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_NORMALIZE_APPLY, PT_ARGS(args), n * d, PT_EACH, err);
}

ptsne_status opencl_normalize_gradient(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                                       const pt_buffer *variance, const pt_buffer *gain, float epsilon,
                                       const pt_buffer *g, const pt_buffer *scratch, const pt_buffer *gain_gradient,
                                       const pt_buffer *shift_gradient, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    pt_kernel *kernels = device->kernels;
    const columns_cut by = cut(&kernels[PT_KERNEL_NORMALIZE_PARTS], n, d);
    const pt_kernel_arg sums[] = {
        pt_arg_buffer(x),        pt_arg_uint(n),        pt_arg_uint(d),   pt_arg_uint(by.chunk),  pt_arg_buffer(mean),
        pt_arg_buffer(variance), pt_arg_float(epsilon), pt_arg_buffer(g), pt_arg_buffer(scratch),
    };
    const pt_kernel_arg total[] = {
        pt_arg_buffer(scratch),       pt_arg_uint(by.chunks),        pt_arg_uint(d),
        pt_arg_buffer(gain_gradient), pt_arg_buffer(shift_gradient),
    };
    const pt_kernel_arg back[] = {
        pt_arg_buffer(x),
        pt_arg_ulong(n * d),
        pt_arg_uint(n),
        pt_arg_uint(d),
        pt_arg_buffer(mean),
        pt_arg_buffer(variance),
        pt_arg_buffer(gain),
        pt_arg_float(epsilon),
        pt_arg_buffer(gain_gradient),
        pt_arg_buffer(shift_gradient),
        pt_arg_buffer(g),
    };
    ptsne_status status = pt_device_launch(device, &kernels[PT_KERNEL_NORMALIZE_PARTS], PT_ARGS(sums),
                                           by.chunks * by.blocks, by.work, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_device_launch(device, &kernels[PT_KERNEL_NORMALIZE_TOTAL], PT_ARGS(total), by.blocks,
                              (double)(by.chunks * by.columns), err);
    if (status != PTSNE_OK) { return status; }
    return pt_device_launch_elements(device, PT_KERNEL_NORMALIZE_GRADIENT, PT_ARGS(back), n * d, PT_EACH, err);
}
