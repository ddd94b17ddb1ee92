/* Our own product: for steady products, whose rows must not depend on each other, and for all on machines without oneDNN. An entry of c
 * is summed in one order, which follows from k alone, whatever tile it is in.
 *
 * The usual blocking (Goto and van de Geijn, ACM TOMS 2008): op(a) and op(b) are packed by strips, so that the kernel reads both in
 * order, and KERNEL_ROWS x KERNEL_COLUMNS entries of c stay in registers over a block of the inner dimension. */
#include "backend/cpu/level.h"

#include <omp.h>
#include <string.h>

#include "backend/cpu/lanes.h"

#if defined(__AVX512F__)
#define KERNEL_ROWS ((size_t)12)
#else
#define KERNEL_ROWS ((size_t)6)
#endif
#define KERNEL_VECTORS ((size_t)2)
#define KERNEL_COLUMNS (KERNEL_VECTORS * LANES)

/* Of the inner dimension: so many that c, which is read and written once for each block, is a small part of the traffic. In blocks of 256
 * the product 2048 x 2000 x 500 ran at 0.8 of this rate. */
#define BLOCK_K       ((size_t)512)
#define PANEL_ROWS    ((size_t)120) /* of a, packed: a block of them stays in the second cache */
#define PANEL_COLUMNS ((size_t)384) /* of b, where a tile has to do on one thread */
#define AHEAD         ((size_t)8)   /* steps of the kernel that a line of b is asked for in advance */

_Static_assert((PANEL_ROWS + PANEL_COLUMNS) * BLOCK_K <= PT_CPU_PACK, "both panels fit");
_Static_assert(PANEL_ROWS % KERNEL_ROWS == 0 && PANEL_COLUMNS % KERNEL_COLUMNS == 0, "whole strips");

/* The factors as the loops go through them: element (v, l) of one lies at v * across + l * down. */
typedef struct factor {
    const float *from;
    size_t across, down;
} factor;

static factor factor_a(const pt_product_shape *s, const float *a)
{
    return (factor){a, s->transpose_a ? 1 : s->stride_a, s->transpose_a ? s->stride_a : 1};
}

static factor factor_b(const pt_product_shape *s, const float *b)
{
    return (factor){b, s->transpose_b ? s->stride_b : 1, s->transpose_b ? 1 : s->stride_b};
}

static const float *factor_at(const factor *f, size_t v, size_t l)
{
    return f->from + v * f->across + l * f->down;
}

/* Blocks of the inner dimension are as equal as can be. */
static size_t depth_of(size_t k)
{
    const size_t blocks = pt_ceil_div(k, BLOCK_K);
    return pt_ceil_div(k, blocks);
}

/* ---- packing ---- */

#if defined(__clang__) || __GNUC__ >= 12
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

/* to[l][v] = from[v][l], 4 x 4. Element by element the packing took twice as long. */
static inline void turn(const float *from, size_t across, float *to, size_t strip)
{
    const four *a = (const four *)(const void *)from, *b = (const four *)(const void *)(from + across);
    const four *c = (const four *)(const void *)(from + 2 * across),
               *d = (const four *)(const void *)(from + 3 * across);
    const four low = __builtin_shufflevector(*a, *b, 0, 4, 1, 5), high = __builtin_shufflevector(*a, *b, 2, 6, 3, 7);
    const four low2 = __builtin_shufflevector(*c, *d, 0, 4, 1, 5), high2 = __builtin_shufflevector(*c, *d, 2, 6, 3, 7);
    *(four *)(void *)to = __builtin_shufflevector(low, low2, 0, 1, 4, 5);
    *(four *)(void *)(to + strip) = __builtin_shufflevector(low, low2, 2, 3, 6, 7);
    *(four *)(void *)(to + 2 * strip) = __builtin_shufflevector(high, high2, 0, 1, 4, 5);
    *(four *)(void *)(to + 3 * strip) = __builtin_shufflevector(high, high2, 2, 3, 6, 7);
}
#else
static inline void turn(const float *from, size_t across, float *to, size_t strip)
{
    for (size_t v = 0; v < 4; v++) {
        for (size_t l = 0; l < 4; l++) { to[l * strip + v] = from[v * across + l]; }
    }
}
#endif

/* `width` vectors of `depth` elements, one behind the other in memory, into a strip: element after element of all vectors. */
static inline void pack_turned(const float *from, size_t across, size_t width, size_t depth, size_t strip, float *to)
{
    const size_t whole = depth / 4 * 4, fours = width / 4 * 4;
    for (size_t l = 0; l < whole; l += 4) {
        for (size_t v = 0; v < fours; v += 4) { turn(from + v * across + l, across, to + l * strip + v, strip); }
    }
    for (size_t v = 0; v < width; v++) {
        for (size_t l = v < fours ? whole : 0; l < depth; l++) { to[l * strip + v] = from[v * across + l]; }
    }
}

/* Vectors first .. first + width - 1 and their elements from l on into a strip; missing ones are 0. */
static inline __attribute__((always_inline)) void pack(const factor *f, size_t first, size_t width, size_t l,
                                                       size_t depth, size_t strip, float *to)
{
    const float *from = factor_at(f, first, l);
    for (size_t v = width; v < strip; v++) {
        for (size_t t = 0; t < depth; t++) { to[t * strip + v] = 0.0f; }
    }
    if (f->across != 1) {
        pack_turned(from, f->across, width, depth, strip, to);
    } else if (width == strip) { /* a length that the compiler knows */
        for (size_t t = 0; t < depth; t++) { memcpy(to + t * strip, from + t * f->down, strip * sizeof *to); }
    } else {
        for (size_t t = 0; t < depth; t++) { memcpy(to + t * strip, from + t * f->down, width * sizeof *to); }
    }
}

static void pack_rows(const factor *a, size_t first, size_t rows, size_t l, size_t depth, float *to)
{
    for (size_t i = 0; i < rows; i += KERNEL_ROWS) {
        pack(a, first + i, pt_smaller(rows - i, KERNEL_ROWS), l, depth, KERNEL_ROWS, to + i * depth);
    }
}

static void pack_columns(const factor *b, size_t first, size_t columns, size_t l, size_t depth, float *to)
{
    for (size_t j = 0; j < columns; j += KERNEL_COLUMNS) {
        pack(b, first + j, pt_smaller(columns - j, KERNEL_COLUMNS), l, depth, KERNEL_COLUMNS, to + j * depth);
    }
}

/* ---- multiplying ---- */

/* Where a product of packed strips goes: c = alpha sum + beta c on the rows x columns entries that are there. */
typedef struct target {
    float *c;
    size_t stride, rows, columns;
    float alpha, beta;
} target;

static inline void store(const target *t, size_t row, size_t first, lanes sum)
{
    float *to = t->c + row * t->stride + first;
    const size_t count = pt_smaller(t->columns - first, LANES);
    lanes value = t->alpha * sum;
    if (t->beta != 0.0f) { value += t->beta * lanes_load_first(to, count); }
    lanes_store_first(to, count, value);
}

/* A strip of a times `vectors` vectors of a strip of b. */
static inline __attribute__((always_inline)) void multiply(const float *a, const float *b, size_t depth, size_t vectors,
                                                           const target *t)
{
    lanes sum[KERNEL_ROWS][KERNEL_VECTORS];
    for (size_t r = 0; r < KERNEL_ROWS; r++) {
        for (size_t v = 0; v < vectors; v++) { sum[r][v] = (lanes){0}; }
    }
    for (size_t l = 0; l < depth; l++) {
        lanes column[KERNEL_VECTORS];
        for (size_t v = 0; v < vectors; v++) {
            column[v] = lanes_load(b + v * LANES);
            __builtin_prefetch(b + AHEAD * KERNEL_COLUMNS + v * LANES);
        }
        for (size_t r = 0; r < KERNEL_ROWS; r++) {
            for (size_t v = 0; v < vectors; v++) { sum[r][v] += a[r] * column[v]; }
        }
        a += KERNEL_ROWS;
        b += KERNEL_COLUMNS;
    }
    for (size_t r = 0; r < t->rows; r++) {
        for (size_t v = 0; v < vectors; v++) { store(t, r, v * LANES, sum[r][v]); }
    }
}

/* Packed panels to their place in c. */
static void multiply_panels(const float *a, const float *b, size_t depth, const target *all)
{
    for (size_t j = 0; j < all->columns; j += KERNEL_COLUMNS) {
        for (size_t i = 0; i < all->rows; i += KERNEL_ROWS) {
            target t = *all;
            t.c += i * t.stride + j;
            t.rows = pt_smaller(all->rows - i, KERNEL_ROWS);
            t.columns = pt_smaller(all->columns - j, KERNEL_COLUMNS);
            if (t.columns > LANES) {
                multiply(a + i * depth, b + j * depth, depth, KERNEL_VECTORS, &t);
            } else {
                multiply(a + i * depth, b + j * depth, depth, 1, &t);
            }
        }
    }
}

/* Entries from (i, j) on, of the inner dimension's block at l. */
static target target_of(const pt_product_shape *s, float *c, size_t i, size_t j, size_t rows, size_t columns, size_t l)
{
    return (target){c + i * s->stride_c + j, s->stride_c, rows, columns, s->alpha, l == 0 ? s->beta : 1.0f};
}

void cpu_product_own_tile(const pt_product_shape *s, const float *a, const float *b, float *c, float *room)
{
    float *panel_a = room, *panel_b = room + PANEL_ROWS * BLOCK_K;
    const factor fa = factor_a(s, a), fb = factor_b(s, b);
    const size_t block = depth_of(s->k);
    for (size_t j = 0; j < s->n; j += PANEL_COLUMNS) {
        const size_t columns = pt_smaller(s->n - j, PANEL_COLUMNS);
        for (size_t l = 0; l < s->k; l += block) {
            const size_t depth = pt_smaller(s->k - l, block);
            pack_columns(&fb, j, columns, l, depth, panel_b);
            for (size_t i = 0; i < s->m; i += PANEL_ROWS) {
                const size_t rows = pt_smaller(s->m - i, PANEL_ROWS);
                const target t = target_of(s, c, i, j, rows, columns, l);
                pack_rows(&fa, i, rows, l, depth, panel_a);
                multiply_panels(panel_a, panel_b, depth, &t);
            }
        }
    }
}

/* ---- all threads ---- */

/* A part of op(b) that is packed for all: columns first .. first + columns - 1, the inner dimension from `from` to `to`, in blocks. */
typedef struct shared {
    size_t first, columns, from, to, block;
    float *packed;
} shared;

/* A block's strips lie together. */
static float *shared_at(const shared *part, size_t l, size_t j)
{
    return part->packed + (l - part->from) * pt_round_up(part->columns, KERNEL_COLUMNS) +
           j * pt_smaller(part->to - l, part->block);
}

/* Rows of c that one thread makes at a time: as many parts as give all threads the same, none above PANEL_ROWS. */
static size_t parts_of(size_t m, size_t threads)
{
    const size_t parts = pt_ceil_div(m, PANEL_ROWS);
    return pt_round_up(parts, threads);
}

/* Where part number `part` of the rows begins: with a strip. */
static size_t part_begin(size_t m, size_t parts, size_t part)
{
    const size_t strips = pt_ceil_div(m, KERNEL_ROWS);
    return pt_smaller(strips * part / parts * KERNEL_ROWS, m);
}

/* Rows i .. i + rows - 1 times the shared part. */
static void rows_multiply(const pt_product_shape *s, const factor *a, const shared *part, float *c, size_t i,
                          size_t rows, float *room)
{
    for (size_t l = part->from; l < part->to && rows > 0; l += part->block) {
        const size_t depth = pt_smaller(part->to - l, part->block);
        const target t = target_of(s, c, i, part->first, rows, part->columns, l);
        pack_rows(a, i, rows, l, depth, room);
        multiply_panels(room, shared_at(part, l, 0), depth, &t);
    }
}

static void part_multiply(const pt_cpu *cpu, const pt_product_shape *s, const factor *a, const factor *b,
                          const shared *part, float *c)
{
    const size_t strips = pt_ceil_div(part->columns, KERNEL_COLUMNS);
    const size_t blocks = pt_ceil_div(part->to - part->from, part->block);
    const size_t parts = parts_of(s->m, cpu->base.threads);
#pragma omp parallel num_threads(pt_cpu_threads(&cpu->base, parts))
    {
        float *room = cpu->packs + PT_CPU_SHARED + (size_t)omp_get_thread_num() * PT_CPU_PACK;
#pragma omp for
        for (size_t t = 0; t < strips * blocks; t++) {
            const size_t l = part->from + t / strips * part->block, j = t % strips * KERNEL_COLUMNS;
            const size_t width = pt_smaller(part->columns - j, KERNEL_COLUMNS),
                         depth = pt_smaller(part->to - l, part->block);
            pack_columns(b, part->first + j, width, l, depth, shared_at(part, l, j));
        }
#pragma omp for schedule(dynamic)
        for (size_t t = 0; t < parts; t++) {
            const size_t begin = part_begin(s->m, parts, t), end = part_begin(s->m, parts, t + 1);
            rows_multiply(s, a, part, c, begin, end - begin, room);
        }
    }
}

void cpu_product_own(const pt_cpu *cpu, const pt_product_shape *s, const float *a, const float *b, float *c)
{
    const factor fa = factor_a(s, a), fb = factor_b(s, b);
    const size_t block = depth_of(s->k);
    for (size_t j = 0; j < s->n; j += PT_CPU_SHARED / BLOCK_K) {
        const size_t columns = pt_smaller(s->n - j, PT_CPU_SHARED / BLOCK_K);
        const size_t wide = pt_round_up(columns, KERNEL_COLUMNS);
        const size_t most = PT_CPU_SHARED / wide / block * block; /* at least one block: wide is a multiple that fits */
        for (size_t l = 0; l < s->k; l += most) {
            const shared part = {j, columns, l, pt_smaller(s->k, l + most), block, cpu->packs};
            part_multiply(cpu, s, &fa, &fb, &part, c);
        }
    }
}
