/* Distances, running lists of the nearest, ranks. */
#include <stdint.h>
#include <string.h>

#include "backend/opencl/gemm.h"
#include "backend/opencl/opencl.h"
#include "backend/opencl/source.h"

#define DIRECT_COLUMNS ((size_t)32) /* up to here coordinate by coordinate is faster than a product, and more exact */

ptsne_status opencl_metric_find(pt_backend *be, const char *name, int *metric, ptsne_error *err)
{
    return pt_device_metric(pt_device_of(be), name, metric, err);
}

/* Any metric: coordinates through the tile kernel that has the metric in it. */
static ptsne_status distances_direct(pt_device *device, pt_metric *metric, const pt_buffer *a, size_t m,
                                     const pt_buffer *b, size_t n, size_t d, const pt_buffer *out, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(a), pt_arg_uint(m), pt_arg_buffer(b), pt_arg_uint(n), pt_arg_uint(d), pt_arg_buffer(out),
    };
    pt_kernel *kernel = &metric->kernel;
    const size_t wide = pt_group_wide(kernel->group);
    const size_t columns = 2 * wide, rows = 2 * (kernel->group / wide); /* TILE_N, TILE_M of distance_tile.cl */
    const size_t groups = pt_ceil_div(m, rows) * pt_ceil_div(n, columns);
    return pt_device_launch(device, kernel, PT_ARGS(args), groups, (double)(rows * columns) * (double)d, err);
}

static ptsne_status norms(pt_device *device, const pt_buffer *x, size_t n, size_t d, const pt_buffer *norm,
                          ptsne_error *err)
{
    const pt_kernel_arg args[] = {pt_arg_buffer(x), pt_arg_uint(d), pt_arg_buffer(norm)};
    return pt_device_launch(device, &device->kernels[PT_KERNEL_ROW_NORMS], PT_ARGS(args), n, (double)d, err);
}

/* Squared euclidean: |a|^2 + |b|^2 - 2 a b'. */
static ptsne_status distances_product(pt_device *device, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                                      size_t d, const pt_buffer *out, ptsne_error *err)
{
    const pt_product_shape shape = {
        .transpose_b = true, .m = m, .n = n, .k = d, .alpha = -2.0f, .stride_a = d, .stride_b = d, .stride_c = n};
    pt_buffer norm_a;
    ptsne_status status = pt_device_scratch(device, PT_SCRATCH_OP, m + n, &norm_a, err);
    if (status != PTSNE_OK) { return status; }
    const pt_buffer norm_b = pt_buffer_from(&norm_a, m);
    if ((status = norms(device, a, m, d, &norm_a, err)) != PTSNE_OK) { return status; }
    if ((status = norms(device, b, n, d, &norm_b, err)) != PTSNE_OK) { return status; }
    if ((status = pt_gemm(device, &shape, a, b, out, err)) != PTSNE_OK) { return status; }
    const pt_kernel_arg args[] = {
        pt_arg_buffer(&norm_a), pt_arg_buffer(&norm_b), pt_arg_uint(n), pt_arg_ulong(m * n), pt_arg_buffer(out),
    };
    return pt_device_launch_elements(device, PT_KERNEL_DISTANCE_FINISH, PT_ARGS(args), m * n, PT_EACH, err);
}

ptsne_status opencl_distances(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                              size_t d, const pt_buffer *out, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    if (metric < 0 || metric >= device->n_metrics) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "distances: no metric number %d", metric);
    }
    pt_metric *chosen = &device->metrics[metric];
    const bool product = strcmp(chosen->name, "euclidean") == 0 && d > DIRECT_COLUMNS &&
                         !pt_source_replaced(device->directory, "metric_euclidean.cl") &&
                         !pt_source_replaced(device->directory, "distance_tile.cl");
    if (product) { return distances_product(device, a, m, b, n, d, out, err); }
    return distances_direct(device, chosen, a, m, b, n, d, out, err);
}

/* Row i of the tile leaves out column self_from + i, modulo 2^64; nothing where row_from is SIZE_MAX. */
static pt_kernel_arg has_self(size_t row_from)
{
    return pt_arg_uint(row_from != SIZE_MAX);
}

static pt_kernel_arg self_from(size_t row_from, size_t column_from)
{
    return pt_arg_ulong((uint64_t)row_from - (uint64_t)column_from);
}

ptsne_status opencl_distance_roots(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                   size_t column_from, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(tile), pt_arg_ulong(m * n), pt_arg_uint(n), has_self(row_from), self_from(row_from, column_from),
    };
    return pt_device_launch_elements(pt_device_of(be), PT_KERNEL_DISTANCE_ROOTS, PT_ARGS(args), m * n, PT_EACH, err);
}

/* Lists whose rows lie `stride` elements apart. */
static ptsne_status merge(pt_device *device, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                          size_t column_from, size_t k, size_t stride, const pt_buffer *best_d, const pt_buffer *best_i,
                          ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(tile),      pt_arg_uint(n), has_self(row_from),  self_from(row_from, column_from),
        pt_arg_uint(column_from), pt_arg_uint(k), pt_arg_uint(stride), pt_arg_buffer(best_d),
        pt_arg_buffer(best_i),
    };
    return pt_device_launch(device, &device->kernels[PT_KERNEL_NEAREST_MERGE], PT_ARGS(args), m, (double)(n + 8 * k),
                            err);
}

ptsne_status opencl_nearest_merge(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                  size_t column_from, size_t k, const pt_buffer *best_d, const pt_buffer *best_i,
                                  ptsne_error *err)
{
    return merge(pt_device_of(be), tile, m, n, row_from, column_from, k, k, best_d, best_i, err);
}

/* A row of lists is k distances, then k indices. */
static pt_buffer list_distances(const pt_buffer *lists, size_t row, size_t k)
{
    return pt_buffer_from(lists, row * pt_nearest_room(k));
}

static pt_buffer list_indices(const pt_buffer *lists, size_t row, size_t k)
{
    return pt_buffer_from(lists, row * pt_nearest_room(k) + k);
}

ptsne_status opencl_nearest_begin(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const pt_buffer list_d = list_distances(lists, 0, k), list_i = list_indices(lists, 0, k);
    const pt_kernel_arg args[] = {pt_arg_uint(k), pt_arg_uint(pt_nearest_room(k)), pt_arg_buffer(&list_d),
                                  pt_arg_buffer(&list_i)};
    return pt_device_launch(device, &device->kernels[PT_KERNEL_NEAREST_BEGIN], PT_ARGS(args), m, (double)k, err);
}

/* One tile of distances, by rows alone. */
static ptsne_status tile_add(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                             size_t d, size_t row_from, size_t column_from, size_t k, const pt_buffer *lists,
                             size_t row, const pt_buffer *tile, ptsne_error *err)
{
    const pt_buffer list_d = list_distances(lists, row, k), list_i = list_indices(lists, row, k);
    const ptsne_status status = opencl_distances(be, metric, a, m, b, n, d, tile, err);
    if (status != PTSNE_OK) { return status; }
    return merge(pt_device_of(be), tile, m, n, row_from, column_from, k, pt_nearest_room(k), &list_d, &list_i, err);
}

/* Rows and columns of a tile that keep a device busy, in an eighth of its memory. */
static void tile_of(const pt_device *device, size_t m, size_t n, size_t *rows, size_t *columns)
{
    const size_t share = pt_elements_left(&device->base) / 8;
    const uint64_t one = device->info.max_allocation / sizeof(float);
    const size_t most = one > 0 && one < share ? (size_t)one : share;
    const size_t kept = device->scratch[PT_SCRATCH_TILE].count; /* there already */
    *rows = pt_smaller(m, 4096);
    *columns = pt_smaller(n, 16384);
    while (*columns > 64 && *rows * *columns > most && *rows * *columns > kept) { *columns = (*columns + 1) / 2; }
    while (*rows > 16 && *rows * *columns > most && *rows * *columns > kept) { *rows = (*rows + 1) / 2; }
}

/* Seen from b the distances are computed once more: a tile by its columns would be read against the grain. */
ptsne_status opencl_nearest_add(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                                size_t d, size_t row_from, size_t column_from, size_t k, const pt_buffer *lists,
                                const pt_buffer *lists_b, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    size_t rows, columns;
    pt_buffer tile;
    tile_of(device, m, n, &rows, &columns);
    ptsne_status status = pt_device_scratch(device, PT_SCRATCH_TILE, rows * columns, &tile, err);
    for (size_t i = 0; i < m && status == PTSNE_OK; i += rows) {
        const size_t height = pt_smaller(m - i, rows), from = row_from == SIZE_MAX ? SIZE_MAX : row_from + i;
        const pt_buffer part = pt_buffer_from(a, i * d);
        for (size_t j = 0; j < n && status == PTSNE_OK; j += columns) {
            const size_t width = pt_smaller(n - j, columns);
            const pt_buffer other = pt_buffer_from(b, j * d);
            status =
                tile_add(be, metric, &part, height, &other, width, d, from, column_from + j, k, lists, i, &tile, err);
            if (status != PTSNE_OK || lists_b == NULL) { continue; }
            status =
                tile_add(be, metric, &other, width, &part, height, d, column_from + j, from, k, lists_b, j, &tile, err);
        }
    }
    return status;
}

ptsne_status opencl_nearest_end(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, const pt_buffer *best_d,
                                const pt_buffer *best_i, ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    const pt_buffer list_d = list_distances(lists, 0, k), list_i = list_indices(lists, 0, k);
    const pt_kernel_arg args[] = {
        pt_arg_uint(k),         pt_arg_uint(pt_nearest_room(k)), pt_arg_buffer(&list_d),
        pt_arg_buffer(&list_i), pt_arg_buffer(best_d),           pt_arg_buffer(best_i),
    };
    return pt_device_launch(device, &device->kernels[PT_KERNEL_NEAREST_END], PT_ARGS(args), m, (double)k, err);
}

ptsne_status opencl_rank_counts(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                size_t column_from, const pt_buffer *limit, size_t k, const pt_buffer *count,
                                ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    pt_kernel *kernel = &device->kernels[PT_KERNEL_RANK_COUNTS];
    const size_t across = pt_smaller(k, kernel->group);
    const pt_kernel_arg args[] = {
        pt_arg_buffer(tile),  pt_arg_uint(n), has_self(row_from),  self_from(row_from, column_from),
        pt_arg_buffer(limit), pt_arg_uint(k), pt_arg_uint(across), pt_arg_buffer(count),
    };
    return pt_device_launch(device, kernel, PT_ARGS(args), m, (double)n * (double)k, err);
}
