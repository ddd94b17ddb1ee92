/* Affinities and the gradients of the maps. */
#include <math.h>
#include <stdint.h>

#include "backend/opencl/opencl.h"

ptsne_status opencl_affinities_conditional(pt_backend *be, const pt_buffer *d2, size_t m, size_t k, size_t self_from,
                                           float perplexity, float weight, bool accumulate, const pt_buffer *p,
                                           const pt_buffer *beta, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(d2),        pt_arg_uint(k),
        pt_arg_ulong(self_from),  pt_arg_uint(self_from != SIZE_MAX),
        pt_arg_float(perplexity), pt_arg_float((float)log((double)perplexity)),
        pt_arg_float(weight),     pt_arg_uint(accumulate),
        pt_arg_buffer(p),         pt_arg_buffer(beta),
    };
    const double work = 20.0 * (double)k; /* steps of the search, about */
    return pt_device_launch(device, &device->kernels[PT_KERNEL_AFFINITIES_CONDITIONAL], PT_ARGS(args), m, work, err);
}

ptsne_status opencl_affinities_joint(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint,
                                     ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(p),
        pt_arg_uint(n),
        pt_arg_float(2.0f * (float)n),
        pt_arg_buffer(joint),
    };
    const size_t across = pt_ceil_div(n, 32); /* SIDE of affinities_joint.cl */
    return pt_device_launch(device, &device->kernels[PT_KERNEL_AFFINITIES_JOINT], PT_ARGS(args), across * across,
                            32.0 * 32.0, err);
}

ptsne_status opencl_student_sums(pt_backend *be, const pt_buffer *y, size_t n, size_t d, size_t from, size_t m,
                                 const pt_buffer *z, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    pt_kernel *kernel = &device->kernels[PT_KERNEL_STUDENT_SUMS];
    const pt_kernel_arg args[] = {
        pt_arg_buffer(y), pt_arg_uint(n), pt_arg_uint(d), pt_arg_uint(from), pt_arg_uint(m), pt_arg_buffer(z),
    };
    return pt_device_launch(device, kernel, PT_ARGS(args), pt_ceil_div(m, kernel->group),
                            (double)n * (double)kernel->group, err);
}

/* The scratch: push n x d, sums n x 3, Z. */
ptsne_status opencl_tsne_gradient(pt_backend *be, const pt_buffer *p, const pt_buffer *y, size_t n, size_t d,
                                  float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                  const pt_buffer *loss, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const pt_buffer push = *scratch, sums = pt_buffer_from(&push, n * d), total = pt_buffer_from(&sums, 3 * n);
    const float pairs = n > 1 ? (float)((double)n * (double)(n - 1)) : 1.0f;
    const pt_kernel_arg rows[] = {
        pt_arg_buffer(p),    pt_arg_buffer(y),        pt_arg_uint(n),       pt_arg_uint(d),
        pt_arg_float(pairs), pt_arg_buffer(gradient), pt_arg_buffer(&push), pt_arg_buffer(&sums),
    };
    const pt_kernel_arg one[] = {
        pt_arg_buffer(&sums), pt_arg_uint(n), pt_arg_float(pairs), pt_arg_buffer(&total), pt_arg_buffer(loss),
    };
    const pt_kernel_arg finish[] = {
        pt_arg_buffer(&total),      pt_arg_buffer(&push),    pt_arg_ulong(n * d),
        pt_arg_float(exaggeration), pt_arg_buffer(gradient),
    };
    pt_kernel *kernels = device->kernels;
    ptsne_status status = pt_device_launch(device, &kernels[PT_KERNEL_TSNE_ROWS], PT_ARGS(rows), n, (double)n, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_device_launch(device, &kernels[PT_KERNEL_TSNE_TOTAL], PT_ARGS(one), 1, (double)n, err);
    if (status != PTSNE_OK) { return status; }
    return pt_device_launch_elements(device, PT_KERNEL_TSNE_FINISH, PT_ARGS(finish), n * d, PT_EACH, err);
}

/* The scratch: sums 2m x 2, Z. */
ptsne_status opencl_edges_gradient(pt_backend *be, const pt_buffer *y, const pt_buffer *sample, size_t m, size_t d,
                                   float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                   const pt_buffer *loss, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const size_t n = 2 * m;
    const pt_buffer sums = *scratch, total = pt_buffer_from(scratch, 2 * n);
    const pt_kernel_arg rows[] = {
        pt_arg_buffer(y), pt_arg_buffer(sample),   pt_arg_uint(m),
        pt_arg_uint(d),   pt_arg_buffer(gradient), pt_arg_buffer(&sums),
    };
    const pt_kernel_arg one[] = {
        pt_arg_buffer(&sums), pt_arg_uint(m), pt_arg_float(exaggeration), pt_arg_buffer(&total), pt_arg_buffer(loss),
    };
    const pt_kernel_arg finish[] = {
        pt_arg_buffer(y),           pt_arg_buffer(sample), pt_arg_uint(m),          pt_arg_uint(d),
        pt_arg_float(exaggeration), pt_arg_buffer(&total), pt_arg_buffer(gradient),
    };
    pt_kernel *kernels = device->kernels;
    ptsne_status status = pt_device_launch(device, &kernels[PT_KERNEL_EDGES_ROWS], PT_ARGS(rows), n, (double)n, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_device_launch(device, &kernels[PT_KERNEL_EDGES_TOTAL], PT_ARGS(one), 1, (double)n, err);
    if (status != PTSNE_OK) { return status; }
    return pt_device_launch_elements(device, PT_KERNEL_EDGES_FINISH, PT_ARGS(finish), n, 1, err);
}
