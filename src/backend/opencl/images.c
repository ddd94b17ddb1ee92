/* Convolutions by patches and products, and pooling.
 *
 * Patches of as many places as fit into TILE_ELEMENTS lie in the scratch at a time, of whole images where one fits. Weights' gradients have
 * few entries, but a term for every place of every image: products of slices of the places side by side, added in order. */
#include "backend/opencl/gemm.h"
#include "backend/opencl/opencl.h"

#define TILE_ELEMENTS ((size_t)1 << 24) /* of patches at a time: 64 MiB, less on a small device */
#define LEAST_SLICE   ((size_t)256)     /* places that one work-group of a product goes through at least */
#define MOST_SLICES   ((size_t)1024)
#define FEW_TILES     ((size_t)128) /* work-groups of a product that leave a device idle */

/* How n images are gone through. */
typedef struct image_plan {
    size_t depth;  /* elements of a patch */
    size_t places; /* of one image */
    size_t all;    /* places of all images */
    size_t rows;   /* places of a tile, at most */
    size_t slice;  /* places of a slice; 0: weights by one product a tile */
    size_t slices; /* of all tiles */
} image_plan;

/* Elements of patches that may lie there at a time. */
static size_t room_of(const pt_device *device)
{
    const uint64_t share = device->base.memory / 64, half = device->info.max_allocation / 8;
    return pt_smaller(TILE_ELEMENTS, (size_t)(share < half ? share : half));
}

/* Whether weights' gradients are small enough, and places many enough, to be cut into slices. */
static bool is_sliced(const pt_device *device, size_t filters, const image_plan *plan)
{
    return pt_gemm_tiles(device, filters, plan->depth) < FEW_TILES && plan->all >= 2 * LEAST_SLICE;
}

/* Slices that there is room for, about. */
static size_t slices_fitting(const pt_device *device, size_t filters, const image_plan *plan)
{
    return pt_smaller(MOST_SLICES, room_of(device) / 4 / (filters * plan->depth) + 1);
}

/* Slices of so many places or fewer, at most: a few more images may have fewer slices. */
static size_t slices_most(const pt_device *device, size_t filters, const image_plan *plan)
{
    if (!is_sliced(device, filters, plan)) { return 0; }
    const size_t tiles = plan->all / plan->rows, rest = plan->all % plan->rows;
    return pt_smaller(2 * slices_fitting(device, filters, plan),
                      tiles * pt_ceil_div(plan->rows, LEAST_SLICE) + pt_ceil_div(rest, LEAST_SLICE));
}

/* Cut the places of every tile into slices, where weights' gradients are small enough for that. */
static void plan_slices(const pt_device *device, size_t filters, image_plan *plan)
{
    if (!is_sliced(device, filters, plan)) { return; }
    const size_t fit = slices_fitting(device, filters, plan);
    const size_t slice = pt_group_share(plan->all, fit, LEAST_SLICE);
    const size_t tiles = plan->all / plan->rows, rest = plan->all % plan->rows;
    const size_t slices = tiles * pt_ceil_div(plan->rows, slice) + pt_ceil_div(rest, slice);
    if (slices > 2 * fit) { return; } /* tiles of few places, because patches are large */
    plan->slice = slice;
    plan->slices = slices;
}

static image_plan plan_of(const pt_device *device, const pt_window *w, size_t n, size_t filters)
{
    image_plan plan = {.depth = w->kernel_height * w->kernel_width * w->channels,
                       .places = w->out_height * w->out_width};
    const size_t most = room_of(device) / plan.depth;
    const size_t rows = most > plan.places ? most - most % plan.places : most;
    plan.all = n * plan.places;
    plan.rows = pt_smaller(rows > 0 ? rows : 1, plan.all);
    plan_slices(device, filters, &plan);
    return plan;
}

/* The scratch: patches rows x depth, where it trains slices slices x filters x depth; enough for fewer images, too. */
size_t opencl_convolution_scratch(const pt_backend *be, const pt_window *window, size_t n, size_t filters,
                                  bool training)
{
    const image_plan plan = plan_of((const pt_device *)be, window, n, filters);
    const size_t slices = training ? slices_most((const pt_device *)be, filters, &plan) : 0;
    return (plan.rows + slices * filters) * plan.depth;
}

/* The patches of `rows` places from `from` on. */
static ptsne_status lay_out(pt_device *device, const pt_window *w, const image_plan *plan, const pt_buffer *x,
                            size_t from, size_t rows, const pt_buffer *v, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(x),
        pt_arg_ulong(from),
        pt_arg_ulong(rows * plan->depth),
        pt_arg_uint(w->height),
        pt_arg_uint(w->width * w->channels),
        pt_arg_uint(w->kernel_width * w->channels),
        pt_arg_uint(plan->depth),
        pt_arg_uint(w->stride),
        pt_arg_uint(w->stride * w->channels),
        pt_arg_uint(w->pad_top),
        pt_arg_uint(w->pad_left * w->channels),
        pt_arg_uint(plan->places),
        pt_arg_uint(w->out_width),
        pt_arg_buffer(v),
    };
    return pt_device_launch_elements(device, PT_KERNEL_PATCHES, PT_ARGS(args), rows * plan->depth, PT_EACH, err);
}

/* gx of the images that the places belong to. */
static ptsne_status gather_back(pt_device *device, const pt_window *w, const image_plan *plan, const pt_buffer *v,
                                size_t from, size_t rows, const pt_buffer *gx, ptsne_error *err)
{
    const size_t image = from / plan->places, images = (from + rows - 1) / plan->places - image + 1;
    const size_t count = images * w->height * w->width * w->channels;
    const pt_kernel_arg args[] = {
        pt_arg_buffer(v),
        pt_arg_ulong(from),
        pt_arg_uint(rows),
        pt_arg_uint(image),
        pt_arg_ulong(count),
        pt_arg_uint(w->height),
        pt_arg_uint(w->width),
        pt_arg_uint(w->channels),
        pt_arg_uint(w->kernel_height),
        pt_arg_uint(w->kernel_width),
        pt_arg_uint(w->stride),
        pt_arg_uint(w->pad_top),
        pt_arg_uint(w->pad_left),
        pt_arg_uint(w->out_height),
        pt_arg_uint(w->out_width),
        pt_arg_buffer(gx),
    };
    const size_t windows = pt_ceil_div(w->kernel_height, w->stride) * pt_ceil_div(w->kernel_width, w->stride);
    pt_kernel *kernel = &device->kernels[PT_KERNEL_PATCHES_SUM];
    const size_t one = kernel->group * PT_EACH;
    return pt_device_launch(device, kernel, PT_ARGS(args), pt_ceil_div(count, one), (double)(one * (windows + 1)), err);
}

ptsne_status opencl_convolution(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, size_t filters,
                                const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *y, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const image_plan plan = plan_of(device, window, n, filters);
    pt_product_shape shape = {.transpose_b = true,
                              .n = filters,
                              .k = plan.depth,
                              .alpha = 1.0f,
                              .stride_a = plan.depth,
                              .stride_b = plan.depth,
                              .stride_c = filters};
    ptsne_status status = PTSNE_OK;
    for (size_t from = 0; from < plan.all && status == PTSNE_OK; from += shape.m) {
        shape.m = pt_smaller(plan.rows, plan.all - from);
        const pt_buffer to = pt_buffer_from(y, from * filters);
        status = lay_out(device, window, &plan, x, from, shape.m, scratch, err);
        if (status == PTSNE_OK) { status = pt_gemm(device, &shape, scratch, w, &to, err); }
    }
    return status;
}

ptsne_status opencl_convolution_inputs(pt_backend *be, const pt_window *window, const pt_buffer *g, size_t n,
                                       size_t filters, const pt_buffer *w, const pt_buffer *scratch,
                                       const pt_buffer *gx, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const image_plan plan = plan_of(device, window, n, filters);
    pt_product_shape shape = {.n = plan.depth,
                              .k = filters,
                              .alpha = 1.0f,
                              .stride_a = filters,
                              .stride_b = plan.depth,
                              .stride_c = plan.depth};
    ptsne_status status = PTSNE_OK;
    for (size_t from = 0; from < plan.all && status == PTSNE_OK; from += shape.m) {
        shape.m = pt_smaller(plan.rows, plan.all - from);
        const pt_buffer part = pt_buffer_from(g, from * filters);
        status = pt_gemm(device, &shape, &part, w, scratch, err);
        if (status == PTSNE_OK) { status = gather_back(device, window, &plan, scratch, from, shape.m, gx, err); }
    }
    return status;
}

/* gw (+)= g' v of one tile. */
static ptsne_status add_tile(pt_device *device, const image_plan *plan, size_t rows, size_t filters, bool first,
                             const pt_buffer *g, const pt_buffer *v, const pt_buffer *gw, ptsne_error *err)
{
    const pt_product_shape shape = {.transpose_a = true,
                                    .m = filters,
                                    .n = plan->depth,
                                    .k = rows,
                                    .alpha = 1.0f,
                                    .beta = first ? 0.0f : 1.0f,
                                    .stride_a = filters,
                                    .stride_b = plan->depth,
                                    .stride_c = plan->depth};
    return pt_gemm(device, &shape, g, v, gw, err);
}

ptsne_status opencl_convolution_weights(pt_backend *be, const pt_window *window, const pt_buffer *x, const pt_buffer *g,
                                        size_t n, size_t filters, const pt_buffer *scratch, const pt_buffer *gw,
                                        ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const image_plan plan = plan_of(device, window, n, filters);
    const size_t entries = filters * plan.depth;
    const pt_buffer slices = pt_buffer_from(scratch, plan.rows * plan.depth);
    size_t done = 0; /* slices */
    ptsne_status status = PTSNE_OK;
    for (size_t from = 0; from < plan.all && status == PTSNE_OK; from += plan.rows) {
        const size_t rows = pt_smaller(plan.rows, plan.all - from);
        const pt_buffer part = pt_buffer_from(g, from * filters), to = pt_buffer_from(&slices, done * entries);
        status = lay_out(device, window, &plan, x, from, rows, scratch, err);
        if (status != PTSNE_OK) { return status; }
        if (plan.slice == 0) {
            status = add_tile(device, &plan, rows, filters, from == 0, &part, scratch, gw, err);
        } else {
            status = pt_gemm_slices(device, filters, plan.depth, rows, plan.slice, &part, scratch, &to, err);
            done += pt_ceil_div(rows, plan.slice);
        }
    }
    if (status != PTSNE_OK || plan.slice == 0) { return status; }
    return opencl_column_sums(be, &slices, plan.slices, entries, gw, err);
}

/* ---- pooling ---- */

ptsne_status opencl_max_pool(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, const pt_buffer *y,
                             const pt_buffer *which, ptsne_error *err)
{
    const pt_window *w = window;
    const size_t count = n * w->out_height * w->out_width * w->channels;
    const pt_kernel_arg args[] = {
        pt_arg_buffer(x),
        pt_arg_ulong(count),
        pt_arg_uint(w->height),
        pt_arg_uint(w->width),
        pt_arg_uint(w->channels),
        pt_arg_uint(w->kernel_height),
        pt_arg_uint(w->kernel_width),
        pt_arg_uint(w->stride),
        pt_arg_uint(w->out_height),
        pt_arg_uint(w->out_width),
        pt_arg_buffer(y),
        pt_arg_buffer(which),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_MAX_POOL, PT_ARGS(args), count, PT_EACH, err);
}

ptsne_status opencl_max_pool_gradient(pt_backend *be, const pt_window *window, const pt_buffer *g,
                                      const pt_buffer *which, size_t n, const pt_buffer *gx, ptsne_error *err)
{
    const pt_window *w = window;
    const size_t count = n * w->height * w->width * w->channels;
    const pt_kernel_arg args[] = {
        pt_arg_buffer(g),       pt_arg_buffer(which),       pt_arg_ulong(count),           pt_arg_uint(w->height),
        pt_arg_uint(w->width),  pt_arg_uint(w->channels),   pt_arg_uint(w->kernel_height), pt_arg_uint(w->kernel_width),
        pt_arg_uint(w->stride), pt_arg_uint(w->out_height), pt_arg_uint(w->out_width),     pt_arg_buffer(gx),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_MAX_POOL_GRADIENT, PT_ARGS(args), count, PT_EACH, err);
}
