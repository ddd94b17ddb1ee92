/* Charges and potentials on a pyramid of grids. */
#include "backend/opencl/buffers.h"
#include "backend/opencl/opencl.h"

#define OUTPUTS ((size_t)4) /* of grid_convolve.cl */
#define ORDER   ((size_t)4) /* PT_ORDER of grid.clh: the only one */

/* A grid as the kernels see it: three axes, the last one contiguous; a flat one has one node along axis 0. */
typedef struct axes {
    size_t size[3];
    float origin[3];
} axes;

static axes axes_of(const pt_grid *grid)
{
    axes of = {{1, 1, 1}, {0.0f, 0.0f, 0.0f}};
    for (size_t a = 0; a < grid->d; a++) {
        of.size[a + 3 - grid->d] = grid->size[a];
        of.origin[a + 3 - grid->d] = grid->origin[a];
    }
    return of;
}

static size_t nodes_of(const axes *of)
{
    return of->size[0] * of->size[1] * of->size[2];
}

/* low, high (uint32, nodes each), spoiled (one). */
size_t opencl_grid_spread_scratch(const pt_backend *be, const pt_grid *grid, size_t n)
{
    (void)be, (void)n;
    const axes of = axes_of(grid);
    return 2 * nodes_of(&of) + 1;
}

ptsne_status opencl_grid_spread(pt_backend *be, const pt_grid *grid, const pt_buffer *y, size_t n,
                                const pt_buffer *scratch, const pt_buffer *charge, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const axes of = axes_of(grid);
    const size_t nodes = nodes_of(&of);
    const pt_buffer words = {scratch->handle, scratch->offset, 2 * nodes + 1};
    const pt_buffer low = {words.handle, words.offset, nodes}, high = {words.handle, words.offset + nodes, nodes};
    const pt_buffer spoiled = {words.handle, words.offset + 2 * nodes, 1};
    const pt_kernel_arg spread[] = {
        pt_arg_buffer(y),           pt_arg_uint(n),
        pt_arg_uint(grid->d),       pt_arg_uint(of.size[0]),
        pt_arg_uint(of.size[1]),    pt_arg_uint(of.size[2]),
        pt_arg_float(of.origin[0]), pt_arg_float(of.origin[1]),
        pt_arg_float(of.origin[2]), pt_arg_float(grid->spacing),
        pt_arg_buffer(&low),        pt_arg_buffer(&high),
        pt_arg_buffer(&spoiled),
    };
    const pt_kernel_arg finish[] = {
        pt_arg_buffer(&low), pt_arg_buffer(&high), pt_arg_buffer(&spoiled), pt_arg_ulong(nodes), pt_arg_buffer(charge),
    };
    pt_kernel *kernel = &device->kernels[PT_KERNEL_GRID_SPREAD];
    const size_t groups = pt_ceil_div(n * ORDER, kernel->group);
    const double work = (double)kernel->group * (double)(grid->d == 3 ? ORDER * ORDER : ORDER);
    ptsne_status status = pt_buffer_fill(device, &words, 0.0f, err);
    if (status == PTSNE_OK) { status = pt_device_launch(device, kernel, PT_ARGS(spread), groups, work, err); }
    if (status != PTSNE_OK) { return status; }
    return pt_device_launch_elements(device, PT_KERNEL_GRID_SPREAD_FINISH, PT_ARGS(finish), nodes, PT_EACH, err);
}

static ptsne_status between_levels(pt_device *device, pt_kernel_id id, const pt_buffer *from, const pt_grid *fine,
                                   const pt_grid *coarse, const pt_buffer *to, ptsne_error *err)
{
    const axes finer = axes_of(fine), coarser = axes_of(coarse);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(from),          pt_arg_uint(fine->d),
        pt_arg_uint(finer.size[0]),   pt_arg_uint(finer.size[1]),
        pt_arg_uint(finer.size[2]),   pt_arg_uint(coarse->margin),
        pt_arg_uint(coarser.size[0]), pt_arg_uint(coarser.size[1]),
        pt_arg_uint(coarser.size[2]), pt_arg_buffer(to),
    };
    pt_kernel *kernel = &device->kernels[id];
    const size_t nodes = nodes_of(id == PT_KERNEL_GRID_PROLONG ? &finer : &coarser);
    return pt_device_launch(device, kernel, PT_ARGS(args), pt_ceil_div(nodes, kernel->group),
                            (double)kernel->group * (fine->d == 3 ? 64.0 : 16.0), err);
}

ptsne_status opencl_grid_restrict(pt_backend *be, const pt_grid *fine, const pt_buffer *from, const pt_grid *coarse,
                                  const pt_buffer *to, ptsne_error *err)
{
    return between_levels(pt_device_of(be), PT_KERNEL_GRID_RESTRICT, from, fine, coarse, to, err);
}

ptsne_status opencl_grid_prolong(pt_backend *be, const pt_grid *coarse, const pt_buffer *from, const pt_grid *fine,
                                 const pt_buffer *to, ptsne_error *err)
{
    return between_levels(pt_device_of(be), PT_KERNEL_GRID_PROLONG, from, fine, coarse, to, err);
}

/* One axis, from two arrays to two, or to the potential. */
static ptsne_status convolve_axis(pt_device *device, const axes *of, size_t axis, const pt_grid_kernel *by,
                                  const pt_buffer *from, const pt_buffer *to, bool last, ptsne_error *err)
{
    size_t lead = 1, trail = 1;
    for (size_t a = 0; a < axis; a++) { lead *= of->size[a]; }
    for (size_t a = axis + 1; a < 3; a++) { trail *= of->size[a]; }
    const size_t length = of->size[axis], items = lead * pt_ceil_div(length, OUTPUTS) * trail;
    const pt_kernel_arg args[] = {
        pt_arg_buffer(&from[0]),     pt_arg_buffer(&from[1]),
        pt_arg_uint(lead),           pt_arg_uint(length),
        pt_arg_uint(trail),          pt_arg_uint(by->reach),
        pt_arg_float(by->tap[0][0]), pt_arg_float16(&by->tap[0][1]),
        pt_arg_float(by->tap[1][0]), pt_arg_float16(&by->tap[1][1]),
        pt_arg_float(by->weight[0]), pt_arg_float(by->weight[1]),
        pt_arg_uint(last),           pt_arg_buffer(&to[0]),
        pt_arg_buffer(&to[1]),
    };
    pt_kernel *kernel = &device->kernels[PT_KERNEL_GRID_CONVOLVE];
    const double taps = (double)(2 * by->reach + OUTPUTS);
    return pt_device_launch(device, kernel, PT_ARGS(args), pt_ceil_div(items, kernel->group),
                            2.0 * (double)kernel->group * taps, err);
}

_Static_assert(PT_GRID_TERMS == 2 && PT_GRID_REACH == 16, "grid_convolve.cl has two terms of 1 + 16 taps");

/* A pair of arrays for each axis but the last one. */
size_t opencl_grid_convolve_scratch(const pt_backend *be, const pt_grid *grid)
{
    (void)be;
    const axes of = axes_of(grid);
    return PT_GRID_TERMS * (grid->d - 1) * nodes_of(&of);
}

/* From the contiguous axis to the first one, at every node. */
ptsne_status opencl_grid_convolve(pt_backend *be, const pt_grid *grid, const pt_grid_kernel *kernel,
                                  const pt_buffer *charge, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                                  const pt_buffer *potential, ptsne_error *err)
{
    (void)y, (void)n;
    const axes of = axes_of(grid);
    const size_t nodes = nodes_of(&of), first = 3 - grid->d;
    pt_buffer from[2] = {*charge, *charge};
    ptsne_status status = PTSNE_OK;
    for (size_t turn = 0; turn < grid->d && status == PTSNE_OK; turn++) {
        const size_t axis = 2 - turn, at = scratch->offset + turn * 2 * nodes;
        pt_buffer to[2] = {{scratch->handle, at, nodes}, {scratch->handle, at + nodes, nodes}};
        if (axis == first) { to[0] = to[1] = *potential; }
        status = convolve_axis(pt_device_of(be), &of, axis, kernel, from, to, axis == first, err);
        from[0] = to[0], from[1] = to[1];
    }
    return status;
}

ptsne_status opencl_grid_gather(pt_backend *be, const pt_grid *grid, const pt_buffer *values, const pt_buffer *y,
                                size_t n, float base, float scale, bool add, const pt_buffer *force,
                                const pt_buffer *potential, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const axes of = axes_of(grid);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(values),
        pt_arg_buffer(y),
        pt_arg_uint(n),
        pt_arg_uint(grid->d),
        pt_arg_uint(of.size[0]),
        pt_arg_uint(of.size[1]),
        pt_arg_uint(of.size[2]),
        pt_arg_float(of.origin[0]),
        pt_arg_float(of.origin[1]),
        pt_arg_float(of.origin[2]),
        pt_arg_float(grid->spacing),
        pt_arg_float(base),
        pt_arg_float(scale),
        pt_arg_uint(add),
        pt_arg_buffer(force),
        pt_arg_buffer(potential),
    };
    pt_kernel *kernel = &device->kernels[PT_KERNEL_GRID_GATHER];
    return pt_device_launch(device, kernel, PT_ARGS(args), pt_ceil_div(n, kernel->group),
                            (double)kernel->group * (grid->d == 3 ? 64.0 : 16.0), err);
}
