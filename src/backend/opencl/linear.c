/* Products, column sums and gathered rows. */
#include "backend/opencl/gemm.h"
#include "backend/opencl/opencl.h"

#define CHUNK_ROWS ((size_t)1024) /* that one work-group of column_sums adds up */

ptsne_status opencl_product(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                            const pt_buffer *c, ptsne_error *err)
{
    return pt_gemm(pt_device_of(be), shape, a, b, c, err);
}

static ptsne_status sum_chunks(pt_device *device, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                               ptsne_error *err)
{
    const pt_kernel_arg args[] = {
        pt_arg_buffer(x), pt_arg_uint(n), pt_arg_uint(d), pt_arg_uint(CHUNK_ROWS), pt_arg_buffer(out),
    };
    pt_kernel *kernel = &device->kernels[PT_KERNEL_COLUMN_SUMS];
    const size_t columns = pt_group_columns(kernel->group), rows = pt_smaller(n, CHUNK_ROWS);
    const size_t chunks = pt_ceil_div(n, CHUNK_ROWS), blocks = pt_ceil_div(d, columns);
    return pt_device_launch(device, kernel, PT_ARGS(args), chunks * blocks, (double)(rows * columns), err);
}

/* Sums of chunks of rows, then the sums of those, until one row is left. */
ptsne_status opencl_column_sums(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                                ptsne_error *err)
{
    pt_device *device = pt_device_of(be);
    if (n <= CHUNK_ROWS) { return sum_chunks(device, x, n, d, out, err); }
    const size_t first = pt_ceil_div(n, CHUNK_ROWS), second = pt_ceil_div(first, CHUNK_ROWS);
    pt_buffer scratch;
    ptsne_status status = pt_device_scratch(device, PT_SCRATCH_OP, (first + second) * d, &scratch, err);
    pt_buffer from = *x, to = scratch;
    for (size_t rows = n; rows > 1 && status == PTSNE_OK;) {
        const size_t chunks = pt_ceil_div(rows, CHUNK_ROWS);
        status = sum_chunks(device, &from, rows, d, chunks == 1 ? out : &to, err);
        from = to;
        to.offset = to.offset == 0 ? first * d : 0; /* the two parts of the scratch by turns */
        rows = chunks;
    }
    return status;
}

ptsne_status opencl_gather_rows(pt_backend *be, const pt_buffer *x, size_t rows, size_t d, const pt_buffer *a,
                                const pt_buffer *b, const pt_buffer *t, size_t n, const pt_buffer *out,
                                ptsne_error *err)
{
    (void)rows; /* how many there are to choose from */
    pt_device *device = pt_device_of(be);
    if (b == NULL) {
        const pt_kernel_arg args[] = {
            pt_arg_buffer(x), pt_arg_uint(d), pt_arg_buffer(a), pt_arg_ulong(n * d), pt_arg_buffer(out),
        };
        return pt_device_launch_elements(device, PT_KERNEL_GATHER_ROWS, PT_ARGS(args), n * d, PT_EACH, err);
    }
    const pt_kernel_arg args[] = {
        pt_arg_buffer(x), pt_arg_uint(d),      pt_arg_buffer(a),   pt_arg_buffer(b),
        pt_arg_buffer(t), pt_arg_ulong(n * d), pt_arg_buffer(out),
    };
    return pt_device_launch_elements(device, PT_KERNEL_GATHER_MIX, PT_ARGS(args), n * d, PT_EACH, err);
}
