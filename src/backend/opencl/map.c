/* The iteration of a map: attraction, repulsion, the sum of potentials, the step. */
#include "backend/opencl/opencl.h"

#define LEAST_CHUNK   ((size_t)256) /* points that a group goes through at least */
#define STEP_PART     ((size_t)10)  /* PART of embedding_step.cl */
#define PUSHED_SLICES ((size_t)4)   /* SLICES of repulsion.cl */
#define PULLED_LANES  ((size_t)16)  /* LANES of attraction.cl */

ptsne_status opencl_attraction(pt_backend *be, const pt_edges *edges, const pt_buffer *y, const pt_buffer *to, size_t d,
                               float dof, const pt_buffer *scratch, const pt_buffer *force, const pt_buffer *loss,
                               ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    pt_kernel *kernel = &device->kernels[PT_KERNEL_ATTRACTION];
    const size_t m = edges->m, rows = kernel->group / pt_smaller(kernel->group, PULLED_LANES);
    const size_t most = PT_MAP_CHUNKS * (4 * d + 8) / 2; /* groups: pt_map_scratch, two numbers each */
    const size_t chunk = rows * pt_ceil_div(pt_ceil_div(m, rows), most), groups = pt_ceil_div(m, chunk);
    const pt_kernel_arg pull[] = {
        pt_arg_buffer(&edges->row),
        pt_arg_buffer(&edges->column),
        pt_arg_buffer(&edges->p),
        pt_arg_buffer(y),
        pt_arg_buffer(to),
        pt_arg_uint(m),
        pt_arg_uint(d),
        pt_arg_uint(chunk),
        pt_arg_float(dof),
        pt_arg_uint(loss != NULL),
        pt_arg_buffer(force),
        pt_arg_buffer(scratch),
    };
    const double entries = (double)edges->column.count / (double)m * (double)chunk;
    const ptsne_status status = pt_device_launch(device, kernel, PT_ARGS(pull), groups, entries, err);
    if (status != PTSNE_OK || loss == NULL) { return status; }
    const pt_kernel_arg total[] = {
        pt_arg_buffer(scratch),
        pt_arg_uint(groups),
        pt_arg_float(0.5f * (dof + 1.0f)),
        pt_arg_buffer(loss),
    };
    return pt_device_launch(device, &device->kernels[PT_KERNEL_ATTRACTION_TOTAL], PT_ARGS(total), 1, (double)groups,
                            err);
}

ptsne_status opencl_repulsion(pt_backend *be, const pt_buffer *y, size_t m, const pt_buffer *to, size_t n, size_t d,
                              float dof, const pt_buffer *force, const pt_buffer *potential, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    pt_kernel *kernel = &device->kernels[PT_KERNEL_REPULSION];
    const size_t rows = kernel->group / pt_smaller(kernel->group, PUSHED_SLICES);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(y), pt_arg_uint(m),    pt_arg_buffer(to),    pt_arg_uint(n),
        pt_arg_uint(d),   pt_arg_float(dof), pt_arg_buffer(force), pt_arg_buffer(potential),
    };
    return pt_device_launch(device, kernel, PT_ARGS(args), pt_ceil_div(m, rows), (double)n * (double)rows, err);
}

ptsne_status opencl_potential_sum(pt_backend *be, const pt_buffer *potential, size_t n, float self,
                                  const pt_buffer *scratch, const pt_buffer *z, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const size_t chunk = pt_group_share(n, PT_MAP_CHUNKS, LEAST_CHUNK), groups = pt_ceil_div(n, chunk);
    const pt_kernel_arg parts[] = {
        pt_arg_buffer(potential), pt_arg_uint(n), pt_arg_uint(chunk), pt_arg_float(self), pt_arg_buffer(scratch),
    };
    const pt_kernel_arg total[] = {
        pt_arg_buffer(scratch),
        pt_arg_uint(groups),
        pt_arg_buffer(z),
    };
    pt_kernel *kernels = device->kernels;
    const ptsne_status status =
        pt_device_launch(device, &kernels[PT_KERNEL_POTENTIAL_SUM], PT_ARGS(parts), groups, (double)chunk, err);
    if (status != PTSNE_OK) { return status; }
    return pt_device_launch(device, &kernels[PT_KERNEL_POTENTIAL_TOTAL], PT_ARGS(total), 1, (double)groups, err);
}

_Static_assert(STEP_PART <= 4 * 2 + 8, "pt_map_scratch has room for a part a group");

ptsne_status opencl_embedding_step(pt_backend *be, const pt_descent *descent, const pt_buffer *attraction,
                                   const pt_buffer *repulsion, const pt_buffer *z, size_t n, size_t d,
                                   const pt_buffer *y, const pt_buffer *velocity, const pt_buffer *gains,
                                   const pt_buffer *scratch, const pt_buffer *stats, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const size_t chunk = pt_group_share(n, PT_MAP_CHUNKS, LEAST_CHUNK), groups = pt_ceil_div(n, chunk);
    const pt_kernel_arg step[] = {
        pt_arg_buffer(attraction),
        pt_arg_buffer(repulsion),
        pt_arg_buffer(z),
        pt_arg_uint(descent->own_z),
        pt_arg_uint(n),
        pt_arg_uint(d),
        pt_arg_uint(chunk),
        pt_arg_float(descent->exaggeration),
        pt_arg_float(descent->learning_rate),
        pt_arg_float(descent->momentum),
        pt_arg_float(descent->least_gain),
        pt_arg_float(descent->max_step),
        pt_arg_buffer(y),
        pt_arg_buffer(velocity),
        pt_arg_buffer(gains),
        pt_arg_buffer(scratch),
    };
    const pt_kernel_arg tell[] = {
        pt_arg_buffer(scratch),
        pt_arg_uint(groups),
        pt_arg_uint(d),
        pt_arg_buffer(stats),
    };
    pt_kernel *kernels = device->kernels;
    const ptsne_status status =
        pt_device_launch(device, &kernels[PT_KERNEL_EMBEDDING_STEP], PT_ARGS(step), groups, (double)(chunk * d), err);
    if (status != PTSNE_OK) { return status; }
    return pt_device_launch(device, &kernels[PT_KERNEL_EMBEDDING_STATS], PT_ARGS(tell), 1, (double)groups, err);
}
