/* c = alpha op(a) op(b) + beta c.
 *
 * The output is cut into tiles whose size follows from the shape alone, and each tile is one product on one thread: by oneDNN
 * where it is there, else by our own code (product_own.c). So the bits do not depend on the number of threads. */
#include "backend/cpu/level.h"

#include <omp.h>

#include "base/memory.h"

/* Tiles of about PT_CPU_TILE_ROWS and this many columns: few enough rows that a training batch makes tiles for all threads. A
 * multiple of those rows is cut into tiles of just so many, so a row of c has the same bits for any such m: the promise of
 * row_block. oneDNN on one thread, by rows of a tile 128, 256, 512: 1000 x 500 x 784 103, 93, 101 GFLOP/s, 1000 x 2000 x 500
 * 103, 87, 104, 2048^3 82, 94, 98. */
#define TILE_COLUMNS ((size_t)512)

ptsne_status cpu_product_begin(pt_backend *be, ptsne_error *err)
{
    pt_cpu *cpu = (pt_cpu *)be;
    if (!cpu->sgemm_sought) {
        cpu->sgemm = pt_sgemm_find();
        cpu->sgemm_sought = true;
    }
    if (cpu->sgemm.run == NULL && cpu->packs == NULL) {
        cpu->packs = pt_array_aligned(be->threads * PT_CPU_PACK, sizeof(float));
        if (cpu->packs == NULL) {
            return pt_fail_memory(err, "the product's panels",
                                  (double)be->threads * (double)PT_CPU_PACK * (double)sizeof(float));
        }
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

bool cpu_product_tile(pt_cpu *cpu, const pt_product_shape *shape, const float *a, const float *b, float *c, int thread)
{
    if (cpu->sgemm.run != NULL) { return tile_by_sgemm(&cpu->sgemm, shape, a, b, c); }
    cpu_product_own(shape, a, b, c, cpu->packs + (size_t)thread * PT_CPU_PACK);
    return true;
}

/* Cut n into equal parts of about `size`, each a multiple of 16. */
static size_t even(size_t n, size_t size)
{
    const size_t parts = (n + size - 1) / size, part = (n + parts - 1) / parts;
    return (part + 15) / 16 * 16;
}

ptsne_status cpu_product(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                         const pt_buffer *c, ptsne_error *err)
{
    const ptsne_status status = cpu_product_begin(be, err);
    if (status != PTSNE_OK) { return status; }
    const float *pa = pt_cpu_floats(a), *pb = pt_cpu_floats(b);
    float *pc = pt_cpu_floats(c);
    const size_t rows = even(shape->m, PT_CPU_TILE_ROWS), columns = even(shape->n, TILE_COLUMNS);
    const size_t down = (shape->m + rows - 1) / rows, across = (shape->n + columns - 1) / columns;
    int failed = 0;
#pragma omp parallel for num_threads(pt_cpu_threads(be, down *across)) reduction(| : failed) schedule(dynamic)
    for (size_t t = 0; t < down * across; t++) {
        const size_t i = t % down * rows, j = t / down * columns;
        pt_product_shape tile = *shape;
        tile.m = shape->m - i < rows ? shape->m - i : rows;
        tile.n = shape->n - j < columns ? shape->n - j : columns;
        const float *from_a = pa + (shape->transpose_a ? i : i * shape->stride_a);
        const float *from_b = pb + (shape->transpose_b ? j * shape->stride_b : j);
        failed |=
            !cpu_product_tile((pt_cpu *)be, &tile, from_a, from_b, pc + i * shape->stride_c + j, omp_get_thread_num());
    }
    return failed ? pt_fail(err, PTSNE_ERR_MEMORY, "product: oneDNN had no memory for a tile") : PTSNE_OK;
}
