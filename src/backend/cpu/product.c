/* c = alpha op(a) op(b) + beta c.
 *
 * By oneDNN where it is there and the product need not be steady: the output is cut into tiles whose size follows from the shape alone,
 * and each tile is one product on one thread. Else by our own code (product_own.c), whose bits do not depend on tiles. So the bits do
 * not depend on the number of threads. */
#include "backend/cpu/level.h"

#include <omp.h>

#include "base/memory.h"

/* So few rows that our own code takes as long to pack b for all threads as to multiply. */
#define OWN_FEW_ROWS ((size_t)64)

/* Rows and columns of a tile, about. */
typedef struct tiling {
    size_t rows, columns;
} tiling;

/* oneDNN: few enough rows that a training batch makes tiles for all threads. On two cores, in GFLOP/s, 128 x 512, 256 x 512, 512 x 512
 * and the whole product as one call: 1000 x 2000 x 500 235, 194, 227, 251; 500 x 784 x 1000 239, 235, 234, 226; but 2048^3 194,
 * 212, 225, 259, so large ones get larger tiles. Of our own code's few rows each tile has some columns. */
static tiling tiles_of(const pt_product_shape *shape, bool own)
{
    if (own) { return (tiling){OWN_FEW_ROWS, 128}; }
    return shape->m >= 2048 && shape->n >= 2048 ? (tiling){512, 1024} : (tiling){128, 512};
}

/* Whether our own code makes the product: its rows do not depend on each other, and it starts at once, where oneDNN first
 * writes code for 50 ms. */
static bool is_own(pt_cpu *cpu, const pt_product_shape *shape)
{
    if (shape->steady) { return true; }
    if (!cpu->sgemm_sought) {
        cpu->sgemm = pt_sgemm_find();
        cpu->sgemm_sought = true;
    }
    return cpu->sgemm.run == NULL;
}

ptsne_status cpu_product_begin(pt_backend *be, const pt_product_shape *shape, bool *own, ptsne_error *err)
{
    pt_cpu *cpu = (pt_cpu *)be;
    *own = is_own(cpu, shape);
    if (*own && cpu->packs == NULL) {
        const size_t count = PT_CPU_SHARED + be->threads * PT_CPU_PACK;
        cpu->packs = pt_array_aligned(count, sizeof(float));
        if (cpu->packs == NULL) { return pt_fail_memory(err, "the product's panels", (double)count * sizeof(float)); }
    }
    return PTSNE_OK;
}

/* oneDNN takes one thread inside a parallel region only if it runs on the same OpenMP as we do, and if the region has more
 * than one thread: so it is told, and the calling thread's setting put back. */
static bool tile_by_sgemm(const pt_sgemm *sgemm, const pt_product_shape *s, const float *a, const float *b, float *c)
{
    const int before = sgemm->get_threads();
    sgemm->set_threads(1);
    const int status =
        sgemm->run(s->transpose_a ? 'T' : 'N', s->transpose_b ? 'T' : 'N', (int64_t)s->m, (int64_t)s->n, (int64_t)s->k,
                   s->alpha, a, (int64_t)s->stride_a, b, (int64_t)s->stride_b, s->beta, c, (int64_t)s->stride_c);
    sgemm->set_threads(before);
    return status == 0;
}

bool cpu_product_tile(pt_cpu *cpu, bool own, const pt_product_shape *shape, const float *a, const float *b, float *c,
                      int thread)
{
    if (!own) { return tile_by_sgemm(&cpu->sgemm, shape, a, b, c); }
    cpu_product_own_tile(shape, a, b, c, cpu->packs + PT_CPU_SHARED + (size_t)thread * PT_CPU_PACK);
    return true;
}

/* Cut n into equal parts of about `size`, each a multiple of 16. */
static size_t even(size_t n, size_t size)
{
    const size_t parts = pt_ceil_div(n, size), part = pt_ceil_div(n, parts);
    return pt_round_up(part, 16);
}

ptsne_status cpu_product(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                         const pt_buffer *c, ptsne_error *err)
{
    bool own;
    const ptsne_status status = cpu_product_begin(be, shape, &own, err);
    if (status != PTSNE_OK) { return status; }
    const float *pa = pt_cpu_floats(a), *pb = pt_cpu_floats(b);
    float *pc = pt_cpu_floats(c);
    if (own && shape->m > OWN_FEW_ROWS) {
        cpu_product_own((pt_cpu *)be, shape, pa, pb, pc);
        return PTSNE_OK;
    }
    const tiling about = tiles_of(shape, own);
    const size_t rows = even(shape->m, about.rows), columns = even(shape->n, about.columns);
    const size_t down = pt_ceil_div(shape->m, rows), across = pt_ceil_div(shape->n, columns);
    int failed = 0;
#pragma omp parallel for num_threads(pt_cpu_threads(be, down *across)) reduction(| : failed) schedule(dynamic)
    for (size_t t = 0; t < down * across; t++) {
        const size_t i = t % down * rows, j = t / down * columns;
        pt_product_shape tile = *shape;
        tile.m = shape->m - i < rows ? shape->m - i : rows;
        tile.n = shape->n - j < columns ? shape->n - j : columns;
        const float *from_a = pa + (shape->transpose_a ? i : i * shape->stride_a);
        const float *from_b = pb + (shape->transpose_b ? j * shape->stride_b : j);
        failed |= !cpu_product_tile((pt_cpu *)be, own, &tile, from_a, from_b, pc + i * shape->stride_c + j,
                                    omp_get_thread_num());
    }
    return failed ? pt_fail(err, PTSNE_ERR_MEMORY, "product: oneDNN had no memory for a tile") : PTSNE_OK;
}
