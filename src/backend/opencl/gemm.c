#include "backend/opencl/gemm.h"

#include <clblast_c.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/opencl/buffers.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"

#define NARROW          ((size_t)4)                   /* columns, or inner size, below which CLBlast is slow */
#define LAUNCH_PRODUCTS ((double)((uint64_t)1 << 32)) /* multiplications of one CLBlast call: 43 ms at 200 GFLOP/s */
#define CLBLAST_RATE    2.0e10                        /* multiplications a second, for the estimate of what is queued */

/* ---- our own kernels ---- */

/* Rows and columns of the tile of product_tiled with groups of that size; as in product.cl. */
static void tile_of(size_t group, size_t *rows, size_t *columns)
{
    const size_t wide = pt_group_wide(group);
    *columns = 4 * wide;
    *rows = 4 * (group / wide);
}

static ptsne_status own_product(pt_device *device, const pt_product_shape *shape, const pt_buffer *a,
                                const pt_buffer *b, const pt_buffer *c, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(a),
        pt_arg_buffer(b),
        pt_arg_buffer(c),
        pt_arg_uint(shape->transpose_a),
        pt_arg_uint(shape->transpose_b),
        pt_arg_uint(shape->m),
        pt_arg_uint(shape->n),
        pt_arg_uint(shape->k),
        pt_arg_float(shape->alpha),
        pt_arg_float(shape->beta),
        pt_arg_ulong(shape->stride_a),
        pt_arg_ulong(shape->stride_b),
        pt_arg_ulong(shape->stride_c),
    };
    const size_t m = shape->m, n = shape->n, k = shape->k;
    if (k <= NARROW) {
        return pt_device_launch_elements(device, PT_KERNEL_PRODUCT_SHALLOW, PT_ARGS(args), m * n, PT_EACH, err);
    }
    if (n <= NARROW && !shape->transpose_a) {
        pt_kernel *kernel = &device->kernels[PT_KERNEL_PRODUCT_NARROW];
        return pt_device_launch(device, kernel, PT_ARGS(args), m, (double)k, err);
    }
    if (n <= NARROW) {
        pt_kernel *kernel = &device->kernels[PT_KERNEL_PRODUCT_NARROW_TRANSPOSED];
        const size_t rows = pt_smaller(kernel->group, 16); /* ROWS of product.cl */
        return pt_device_launch(device, kernel, PT_ARGS(args), pt_ceil_div(m, rows), (double)k * (double)rows, err);
    }
    pt_kernel *kernel = &device->kernels[PT_KERNEL_PRODUCT_TILED];
    size_t rows, columns;
    tile_of(kernel->group, &rows, &columns);
    return pt_device_launch(device, kernel, PT_ARGS(args), pt_ceil_div(m, rows) * pt_ceil_div(n, columns),
                            (double)k * (double)(rows * columns), err);
}

size_t pt_gemm_tiles(const pt_device *device, size_t m, size_t n)
{
    size_t rows, columns;
    tile_of(device->kernels[PT_KERNEL_PRODUCT_SLICES].group, &rows, &columns);
    return pt_ceil_div(m, rows) * pt_ceil_div(n, columns);
}

ptsne_status pt_gemm_slices(pt_device *device, size_t m, size_t n, size_t k, size_t slice, const pt_buffer *a,
                            const pt_buffer *b, const pt_buffer *parts, ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(a),   pt_arg_buffer(b), pt_arg_uint(m),  pt_arg_uint(n),       pt_arg_uint(k),
        pt_arg_uint(slice), pt_arg_ulong(m),  pt_arg_ulong(n), pt_arg_buffer(parts),
    };
    pt_kernel *kernel = &device->kernels[PT_KERNEL_PRODUCT_SLICES];
    size_t rows, columns;
    tile_of(kernel->group, &rows, &columns);
    return pt_device_launch(device, kernel, PT_ARGS(args), pt_ceil_div(k, slice) * pt_gemm_tiles(device, m, n),
                            (double)pt_smaller(slice, k) * (double)(rows * columns), err);
}

/* ---- CLBlast ---- */

/* The whole array can be indexed by int, from the beginning of its memory. */
static bool fits_int(const pt_buffer *buffer, size_t rows, size_t stride)
{
    return buffer->offset < INT32_MAX && (double)rows * (double)stride + (double)buffer->offset < (double)INT32_MAX;
}

static bool clblast_can(const pt_device *device, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                        const pt_buffer *c)
{
    return !device->own_product && shape->k > NARROW && shape->n > NARROW &&
           fits_int(a, shape->transpose_a ? shape->k : shape->m, shape->stride_a) &&
           fits_int(b, shape->transpose_b ? shape->n : shape->k, shape->stride_b) &&
           fits_int(c, shape->m, shape->stride_c);
}

static CLBlastTranspose transposed(bool yes)
{
    return yes ? CLBlastTransposeYes : CLBlastTransposeNo;
}

static ptsne_status fail_clblast(pt_device *device, int code, ptsne_error *err)
{
    if (code > -1000) { return pt_device_failed(device, "CLBlast", code, err); } /* OpenCL's own */
    return pt_fail(err, PTSNE_ERR_DEVICE, "%s: CLBlast: code %d", device->info.spec, code);
}

/* One call of CLBlast; the only one. Its failures come back in *code; the status is that of our own buffer. */
static ptsne_status clblast_call(pt_device *device, const pt_product_shape *shape, const pt_buffer *a,
                                 const pt_buffer *b, const pt_buffer *c, int *code, ptsne_error *err)
{
    const CLBlastTranspose ta = transposed(shape->transpose_a), tb = transposed(shape->transpose_b);
    size_t bytes = 0;
    pt_buffer scratch = {0};
    *code = CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, ta, tb, shape->m, shape->n, shape->k, a->offset,
                                       shape->stride_a, b->offset, shape->stride_b, c->offset, shape->stride_c,
                                       &device->queue, &bytes);
    if (*code != 0) { return PTSNE_OK; }
    if (bytes > 0) {
        const ptsne_status status = pt_device_scratch(device, PT_SCRATCH_PRODUCT, pt_ceil_div(bytes, 4), &scratch, err);
        if (status != PTSNE_OK) { return status; }
    }
    *code =
        CLBlastSgemmWithTempBuffer(CLBlastLayoutRowMajor, ta, tb, shape->m, shape->n, shape->k, shape->alpha, a->handle,
                                   a->offset, shape->stride_a, b->handle, b->offset, shape->stride_b, shape->beta,
                                   c->handle, c->offset, shape->stride_c, &device->queue, NULL, scratch.handle);
    return PTSNE_OK;
}

static ptsne_status clblast_product(pt_device *device, const pt_product_shape *shape, const pt_buffer *a,
                                    const pt_buffer *b, const pt_buffer *c, ptsne_error *err)
{
    const double began = pt_seconds();
    int code = 0;
    ptsne_status status = pt_device_usable(device, err);
    if (status == PTSNE_OK) { status = clblast_call(device, shape, a, b, c, &code, err); }
    if (status == PTSNE_ERR_MEMORY && !device->lost) { return own_product(device, shape, a, b, c, err); }
    if (status != PTSNE_OK) { return status; }
    if (code != 0) { return fail_clblast(device, code, err); }
    const double work = (double)shape->m * (double)shape->n * (double)shape->k;
    return pt_device_pace(device, &device->clblast, work, false, began, err);
}

ptsne_status pt_gemm(pt_device *device, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                     const pt_buffer *c, ptsne_error *err)
{
    if (!clblast_can(device, shape, a, b, c)) { return own_product(device, shape, a, b, c, err); }
    const double fit = LAUNCH_PRODUCTS / ((double)shape->n * (double)shape->k);
    const size_t rows = fit < 64.0 ? 64 : fit > (double)shape->m ? shape->m : (size_t)fit / 64 * 64;
    pt_product_shape part = *shape;
    pt_buffer part_a = *a, part_c = *c;
    ptsne_status status = PTSNE_OK;
    for (size_t done = 0; done < shape->m && status == PTSNE_OK; done += part.m) {
        part.m = pt_smaller(shape->m - done, rows);
        part_a.offset = a->offset + (shape->transpose_a ? done : done * shape->stride_a);
        part_c.offset = c->offset + done * shape->stride_c;
        status = clblast_product(device, &part, &part_a, b, &part_c, err);
    }
    return status;
}

void pt_gemm_forget(void)
{
    CLBlastClearCache();
}

/* ---- the check ---- */

enum { CHECK_M = 37, CHECK_N = 21, CHECK_K = 70 };

typedef struct check_data {
    float *a, *b, *c;
    size_t m, n, k;
} check_data;

/* The wanted entry of c, and how far the device may be from it. */
static bool right(const check_data *data, const pt_product_shape *shape, size_t i, size_t j)
{
    double want = 0.0, size = 0.0;
    for (size_t z = 0; z < data->k; z++) {
        const double left = (double)data->a[shape->transpose_a ? z * data->m + i : i * data->k + z];
        const double term = left * (double)data->b[shape->transpose_b ? j * data->k + z : z * data->n + j];
        want += term;
        size += fabs(term);
    }
    return fabs((double)data->c[i * data->n + j] - want) <= 4.0 * (double)data->k * (double)FLT_EPSILON * size;
}

/* One product of each transpose; *good becomes false where CLBlast fails or is wrong. Looks at every `stride`-th entry. */
static ptsne_status check_transposes(pt_device *device, check_data *data, const pt_buffer buffers[3], size_t stride,
                                     bool *good, ptsne_error *err)
{
    ptsne_status status = pt_buffer_write(device, data->a, &buffers[0], err);
    if (status == PTSNE_OK) { status = pt_buffer_write(device, data->b, &buffers[1], err); }
    for (unsigned way = 0; way < 4 && status == PTSNE_OK && *good; way++) {
        pt_product_shape shape = {.transpose_a = (way & 1) != 0,
                                  .transpose_b = (way & 2) != 0,
                                  .m = data->m,
                                  .n = data->n,
                                  .k = data->k,
                                  .alpha = 1.0f,
                                  .stride_c = data->n};
        shape.stride_a = shape.transpose_a ? data->m : data->k;
        shape.stride_b = shape.transpose_b ? data->k : data->n;
        int code = 0;
        status = clblast_call(device, &shape, &buffers[0], &buffers[1], &buffers[2], &code, err);
        if (status != PTSNE_OK || code != 0) {
            *good = false;
            break;
        }
        status = pt_buffer_read(device, &buffers[2], data->c, err);
        for (size_t at = 0; status == PTSNE_OK && at < data->m * data->n; at += stride) {
            *good = *good && right(data, &shape, at / data->n, at % data->n);
        }
    }
    return status;
}

/* Check products of that shape. */
static ptsne_status check_shape(pt_device *device, size_t m, size_t n, size_t k, size_t stride, bool *good,
                                ptsne_error *err)
{
    const size_t counts[3] = {m * k, k * n, m * n};
    check_data data = {.m = m, .n = n, .k = k};
    pt_buffer buffers[3] = {{0}, {0}, {0}};
    ptsne_status status = PTSNE_OK;
    float *host = pt_array_aligned(counts[0] + counts[1] + counts[2], sizeof *host);
    if (host == NULL) { return pt_fail_memory(err, "the check of CLBlast", 4.0 * (double)(m * k + k * n + m * n)); }
    data.a = host, data.b = host + counts[0], data.c = host + counts[0] + counts[1];
    pt_random random = {.seed = 1};
    for (size_t i = 0; i < counts[0] + counts[1]; i++) { host[i] = pt_random_uniform(&random) - 0.5f; }
    memset(data.c, 0, counts[2] * sizeof *host);
    for (size_t i = 0; i < 3 && status == PTSNE_OK; i++) {
        status = pt_device_buffer(device, counts[i], &buffers[i], err);
    }
    if (status == PTSNE_OK) { status = check_transposes(device, &data, buffers, stride, good, err); }
    for (size_t i = 0; i < 3; i++) { pt_device_release(device, &buffers[i]); }
    free(host);
    return status;
}

/* The smallest square product for which CLBlast takes its other, indirect kernels; 0 where that is not small. */
static size_t indirect_side(pt_device *device)
{
    static const size_t sides[] = {128, 320, 576, 896, 1472, 1984};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        const size_t s = sides[i];
        size_t bytes = 0;
        const int code = CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeNo, s, s,
                                                    s + 1, 0, s + 1, 0, s, 0, s, &device->queue, &bytes);
        if (code == 0 && bytes > 0) { return s; }
    }
    return 0;
}

ptsne_status pt_gemm_check(pt_device *device, ptsne_error *err)
{
    bool good = true;
    ptsne_status status = check_shape(device, CHECK_M, CHECK_N, CHECK_K, 1, &good, err);
    /* Tuned parameters have been wrong for single devices; on CPUs, which have no such, it would take 0.1 s. */
    const size_t side = good && status == PTSNE_OK && strcmp(device->info.type, "cpu") != 0 ? indirect_side(device) : 0;
    if (side > 0) { status = check_shape(device, side, side, side + 1, 4099, &good, err); }
    pt_device_release(device, &device->scratch[PT_SCRATCH_PRODUCT]); /* the check's is not what will be needed */
    device->own_product = !good;
    device->clblast.rate = CLBLAST_RATE;
    return good || device->lost ? status : PTSNE_OK;
}
