/* Our own product of one tile: for steady products, whose rows must not depend on each other, and for all on machines
 * without oneDNN. An entry of c is summed in one order, whatever tile it is in.
 *
 * The usual blocking (Goto and van de Geijn, ACM TOMS 2008): panels of op(a) and op(b) are packed so that the kernel
 * reads both in order, KERNEL_ROWS x KERNEL_COLUMNS entries of c stay in registers over a block of the inner dimension. */
#include "backend/cpu/level.h"

#include <string.h>

#if defined(__AVX512F__)
#define LANES       16
#define KERNEL_ROWS 12
#elif defined(__AVX2__)
#define LANES       8
#define KERNEL_ROWS 6
#else
#define LANES       4
#define KERNEL_ROWS 6
#endif
#define KERNEL_COLUMNS (2 * LANES)

#define BLOCK_K       ((size_t)256)
#define PANEL_ROWS    ((size_t)240) /* of a, packed; a multiple of every KERNEL_ROWS */
#define PACK_STEP     ((size_t)16)
#define PANEL_COLUMNS ((size_t)512) /* of b, packed */

_Static_assert((PANEL_ROWS + PANEL_COLUMNS) * BLOCK_K <= PT_CPU_PACK, "both panels fit");

typedef float lanes __attribute__((vector_size(LANES * 4), aligned(LANES * 4)));
typedef float lanes_anywhere __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

/* Pack `width` vectors of length k, vector v at from + v * stride_v, element l at + l * stride_l, into strips of
 * `strip` vectors: strip after strip, in it element after element. Missing vectors are zero. */
static void pack(const float *from, size_t width, size_t k, size_t stride_v, size_t stride_l, size_t strip, float *to)
{
    for (size_t first = 0; first < width; first += strip) {
        const size_t filled = width - first < strip ? width - first : strip;
        const float *corner = from + first * stride_v;
        for (size_t v = filled; v < strip; v++) {
            for (size_t l = 0; l < k; l++) { to[l * strip + v] = 0.0f; }
        }
        if (stride_v == 1) {
            for (size_t l = 0; l < k; l++) { memcpy(to + l * strip, corner + l * stride_l, filled * sizeof(float)); }
        } else {
            for (size_t from_l = 0; from_l < k; from_l += PACK_STEP) { /* a cache line of every vector */
                const size_t end = k - from_l < PACK_STEP ? k : from_l + PACK_STEP;
                for (size_t v = 0; v < filled; v++) {
                    for (size_t l = from_l; l < end; l++) { to[l * strip + v] = corner[v * stride_v + l * stride_l]; }
                }
            }
        }
        to += strip * k;
    }
}

/* sum = strip of a times strip of b over k; KERNEL_ROWS x KERNEL_COLUMNS. */
static void multiply(const float *a, const float *b, size_t k, lanes sum[KERNEL_ROWS][2])
{
    lanes s[KERNEL_ROWS][2] = {{{0}}};
    for (size_t l = 0; l < k; l++) {
        const lanes b0 = *(const lanes *)(const void *)b, b1 = *(const lanes *)(const void *)(b + LANES);
        for (int r = 0; r < KERNEL_ROWS; r++) {
            s[r][0] += a[r] * b0;
            s[r][1] += a[r] * b1;
        }
        a += KERNEL_ROWS;
        b += KERNEL_COLUMNS;
    }
    memcpy(sum, s, sizeof s);
}

/* c = alpha sum + beta c on the rows x columns entries that are there. */
static void store(const float *sum, size_t rows, size_t columns, float alpha, float beta, float *c, size_t stride)
{
    for (size_t i = 0; i < rows; i++) {
        const float *s = sum + i * KERNEL_COLUMNS;
        float *to = c + i * stride;
        if (beta == 0.0f) {
            for (size_t j = 0; j < columns; j++) { to[j] = alpha * s[j]; }
        } else {
            for (size_t j = 0; j < columns; j++) { to[j] = alpha * s[j] + beta * to[j]; }
        }
    }
}

/* c (rows x columns) = alpha packed_a packed_b + beta c. */
static void multiply_panels(const float *a, const float *b, size_t rows, size_t columns, size_t k, float alpha,
                            float beta, float *c, size_t stride)
{
    for (size_t j = 0; j < columns; j += KERNEL_COLUMNS) {
        const size_t width = columns - j < KERNEL_COLUMNS ? columns - j : KERNEL_COLUMNS;
        for (size_t i = 0; i < rows; i += KERNEL_ROWS) {
            const size_t height = rows - i < KERNEL_ROWS ? rows - i : KERNEL_ROWS;
            lanes sum[KERNEL_ROWS][2];
            multiply(a + i * k, b + j * k, k, sum);
            store((const float *)sum, height, width, alpha, beta, c + i * stride + j, stride);
        }
    }
}

void cpu_product_own(const pt_product_shape *shape, const float *a, const float *b, float *c, float *pack_room)
{
    float *panel_a = pack_room, *panel_b = pack_room + PANEL_ROWS * BLOCK_K;
    const size_t a_row = shape->transpose_a ? 1 : shape->stride_a, a_inner = shape->transpose_a ? shape->stride_a : 1;
    const size_t b_column = shape->transpose_b ? shape->stride_b : 1;
    const size_t b_inner = shape->transpose_b ? 1 : shape->stride_b;
    for (size_t j = 0; j < shape->n; j += PANEL_COLUMNS) {
        const size_t columns = shape->n - j < PANEL_COLUMNS ? shape->n - j : PANEL_COLUMNS;
        for (size_t l = 0; l < shape->k; l += BLOCK_K) {
            const size_t inner = shape->k - l < BLOCK_K ? shape->k - l : BLOCK_K;
            const float beta = l == 0 ? shape->beta : 1.0f;
            pack(b + j * b_column + l * b_inner, columns, inner, b_column, b_inner, KERNEL_COLUMNS, panel_b);
            for (size_t i = 0; i < shape->m; i += PANEL_ROWS) {
                const size_t rows = shape->m - i < PANEL_ROWS ? shape->m - i : PANEL_ROWS;
                pack(a + i * a_row + l * a_inner, rows, inner, a_row, a_inner, KERNEL_ROWS, panel_a);
                multiply_panels(panel_a, panel_b, rows, columns, inner, shape->alpha, beta, c + i * shape->stride_c + j,
                                shape->stride_c);
            }
        }
    }
}
