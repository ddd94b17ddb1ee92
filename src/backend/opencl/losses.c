/* What stands at the end of a network: anchors, losses. */
#include "backend/opencl/opencl.h"

#define LEAST_ELEMENTS ((size_t)1024) /* that a group of squared_error goes through at least */
#define LEAST_ROWS     ((size_t)256)  /* the same of cauchy_error */

ptsne_status opencl_anchors(pt_backend *be, const pt_buffer *z, size_t n, size_t k, size_t d, const pt_buffer *a,
                            const pt_buffer *p, const pt_buffer *y, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(z), pt_arg_uint(k), pt_arg_uint(d), pt_arg_buffer(a), pt_arg_buffer(p), pt_arg_buffer(y),
    };
    return pt_device_launch(device, &device->kernels[PT_KERNEL_ANCHORS], PT_ARGS(args), n, (double)(k + d), err);
}

ptsne_status opencl_anchors_gradient(pt_backend *be, const pt_buffer *p, size_t n, size_t k, size_t d,
                                     const pt_buffer *a, const pt_buffer *g, const pt_buffer *class_of, float weight,
                                     const pt_buffer *gz, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(p),
        pt_arg_uint(k),
        pt_arg_uint(d),
        pt_arg_buffer(a),
        pt_arg_buffer(g),
        pt_arg_uint(class_of != NULL),
        pt_arg_buffer(class_of != NULL ? class_of : p), /* p: not read */
        pt_arg_float((float)((double)weight / (double)n)),
        pt_arg_buffer(gz),
    };
    return pt_device_launch(device, &device->kernels[PT_KERNEL_ANCHORS_GRADIENT], PT_ARGS(args), n, (double)(k + d),
                            err);
}

/* ---- losses ---- */

/* loss[at] = scale sum of the parts. */
static ptsne_status add_up(pt_device *device, const pt_buffer *parts, size_t from, size_t count, double scale,
                           const pt_buffer *loss, size_t at, ptsne_error *err)
{
    const pt_buffer some = pt_buffer_from(parts, from), to = pt_buffer_from(loss, at);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(&some),
        pt_arg_uint(count),
        pt_arg_float((float)scale),
        pt_arg_buffer(&to),
    };
    return pt_device_launch(device, &device->kernels[PT_KERNEL_LOSS_TOTAL], PT_ARGS(args), 1, (double)count, err);
}

ptsne_status opencl_cross_entropy(pt_backend *be, const pt_buffer *z, const pt_buffer *class_of, size_t n, size_t k,
                                  const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                  ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const size_t chunk = pt_group_share(n, PT_MAP_CHUNKS, 1), groups = pt_ceil_div(n, chunk);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(z),
        pt_arg_buffer(class_of),
        pt_arg_uint(n),
        pt_arg_uint(k),
        pt_arg_uint(chunk),
        pt_arg_uint(groups),
        pt_arg_float((float)(1.0 / (double)n)),
        pt_arg_uint(gradient != NULL),
        pt_arg_buffer(scratch),
        pt_arg_buffer(gradient != NULL ? gradient : scratch), /* scratch: not written as a gradient */
    };
    pt_kernel *kernel = &device->kernels[PT_KERNEL_CROSS_ENTROPY];
    ptsne_status status = pt_device_launch(device, kernel, PT_ARGS(args), groups, (double)chunk * (double)k, err);
    if (status == PTSNE_OK) { status = add_up(device, scratch, 0, groups, 1.0 / (double)n, loss, 0, err); }
    return status != PTSNE_OK ? status : add_up(device, scratch, groups, groups, 1.0, loss, 1, err);
}

ptsne_status opencl_squared_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                                  const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                  ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const size_t count = n * d, chunk = pt_group_share(count, PT_MAP_CHUNKS, LEAST_ELEMENTS);
    const size_t groups = pt_ceil_div(count, chunk);
    const double share = 1.0 / (double)count;
    const pt_kernel_arg args[] = {
        pt_arg_buffer(y),
        pt_arg_buffer(target),
        pt_arg_ulong(count),
        pt_arg_ulong(chunk),
        pt_arg_float((float)(2.0 * share)),
        pt_arg_uint(gradient != NULL),
        pt_arg_buffer(scratch),
        pt_arg_buffer(gradient != NULL ? gradient : scratch), /* scratch: not written as a gradient */
    };
    pt_kernel *kernel = &device->kernels[PT_KERNEL_SQUARED_ERROR];
    const ptsne_status status = pt_device_launch(device, kernel, PT_ARGS(args), groups, (double)chunk, err);
    return status != PTSNE_OK ? status : add_up(device, scratch, 0, groups, share, loss, 0, err);
}

ptsne_status opencl_cauchy_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                                 float h, const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                 ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const size_t chunk = pt_group_share(n, PT_MAP_CHUNKS, LEAST_ROWS), groups = pt_ceil_div(n, chunk);
    const double share = (double)h / (double)n;
    const pt_kernel_arg args[] = {
        pt_arg_buffer(y),
        pt_arg_buffer(target),
        pt_arg_uint(n),
        pt_arg_uint(d),
        pt_arg_uint(chunk),
        pt_arg_float(h),
        pt_arg_float((float)(2.0 * share)),
        pt_arg_uint(gradient != NULL),
        pt_arg_buffer(scratch),
        pt_arg_buffer(gradient != NULL ? gradient : scratch), /* scratch: not written as a gradient */
    };
    pt_kernel *kernel = &device->kernels[PT_KERNEL_CAUCHY_ERROR];
    const ptsne_status status = pt_device_launch(device, kernel, PT_ARGS(args), groups, (double)(chunk * d), err);
    return status != PTSNE_OK ? status : add_up(device, scratch, 0, groups, share, loss, 0, err);
}
