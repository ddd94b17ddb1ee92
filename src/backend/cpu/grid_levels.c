/* Up and down a pyramid of grids by the two-scale relation of cubic B-splines: along each axis a spline of the coarser grid is
 * (1 4 6 4 1) / 8 of the finer grid's. Coarser node J lies on finer node 2 (J - margin).
 *
 * A row of the result first sums rows of the other grid along the other axes, in strips that stay in the first cache. */
#include "backend/cpu/level.h"

#include <string.h>

#define HALF  ((ptrdiff_t)2)
#define STRIP ((ptrdiff_t)512) /* nodes of the coarser row */
#define SIDE  ((ptrdiff_t)4)   /* zeros before and behind */
#define SMALL ((size_t)4096)   /* nodes that are not worth a second thread */

static const float coefficient[3] = {6.0f / 8.0f, 4.0f / 8.0f, 1.0f / 8.0f};

/* Rows of another grid, each with a factor: their sum is wanted. The last ones again, by 0, fill them up to a multiple of three. */
typedef struct row_sum {
    const float *row[27];
    float factor[27];
    size_t count;
} row_sum;

/* Nodes of the other grid along one axis that a node meets, in order: at most five. */
typedef struct meeting {
    size_t node[5];
    float factor[5];
    size_t count;
} meeting;

/* down: the node is of the finer grid, the other is the coarser one. */
static meeting meet(const pt_grid *grid, const pt_grid *other, size_t axis, size_t node, bool down)
{
    meeting m = {.count = 0};
    const ptrdiff_t margin = (ptrdiff_t)(down ? other->margin : grid->margin), at = (ptrdiff_t)node;
    for (ptrdiff_t k = -HALF; k <= HALF; k++) {
        if (down && (at + k) % 2 != 0) { continue; }
        const ptrdiff_t to = down ? (at + k) / 2 + margin : 2 * (at - margin) + k;
        if (to < 0 || to >= (ptrdiff_t)other->size[axis]) { continue; }
        m.node[m.count] = (size_t)to;
        m.factor[m.count++] = coefficient[k < 0 ? -k : k];
    }
    return m;
}

/* Rows of `other` that row r of `grid` meets. */
static row_sum meet_rows(const pt_grid *grid, const pt_grid *other, const float *from, size_t r, bool down)
{
    row_sum sum = {.count = 0};
    const size_t inner = grid->d == 3 ? grid->size[1] : 1, length = other->size[other->d - 1];
    const meeting m0 = meet(grid, other, 0, r / inner, down);
    meeting m1 = {.node = {0}, .factor = {1.0f}, .count = 1};
    if (grid->d == 3) { m1 = meet(grid, other, 1, r % inner, down); }
    for (size_t i = 0; i < m0.count; i++) {
        for (size_t j = 0; j < m1.count; j++) {
            const size_t row = grid->d == 3 ? m0.node[i] * other->size[1] + m1.node[j] : m0.node[i];
            sum.row[sum.count] = from + row * length;
            sum.factor[sum.count++] = m0.factor[i] * m1.factor[j];
        }
    }
    for (size_t k = sum.count; k % 3 != 0; k++) {
        sum.row[k] = sum.row[sum.count - 1];
        sum.factor[k] = 0.0f;
    }
    return sum;
}

/* to[0 .. count) = entries `first` on of the sum of rows, which are `length` long; 0 outside. Three rows at a time: in three
 * dimensions there are up to 25. */
static void sum_rows(const row_sum *sum, ptrdiff_t first, ptrdiff_t count, ptrdiff_t length, float *to)
{
    const ptrdiff_t begin = first < 0 ? -first : 0, end = first + count < length ? count : length - first;
    memset(to, 0, (size_t)count * sizeof *to);
    for (size_t k = 0; k < sum->count; k += 3) {
        const float *r0 = sum->row[k] + first, *r1 = sum->row[k + 1] + first, *r2 = sum->row[k + 2] + first;
        const float f0 = sum->factor[k], f1 = sum->factor[k + 1], f2 = sum->factor[k + 2];
#pragma omp simd
        for (ptrdiff_t t = begin; t < end; t++) { to[t] += f0 * r0[t] + f1 * r1[t] + f2 * r2[t]; }
    }
}

/* Coarser nodes from `first` on, of one row. */
static void restrict_strip(const row_sum *sum, ptrdiff_t margin, ptrdiff_t length, ptrdiff_t first, ptrdiff_t count,
                           float *to)
{
    float row[2 * (STRIP + 2 * SIDE)];
    sum_rows(sum, 2 * (first - margin) - SIDE, 2 * (count + SIDE), length, row);
#pragma omp simd
    for (ptrdiff_t t = 0; t < count; t++) {
        const float *at = row + SIDE + 2 * t;
        to[t] = coefficient[0] * at[0] + coefficient[1] * (at[-1] + at[1]) + coefficient[2] * (at[-2] + at[2]);
    }
}

/* Finer nodes from 2 first on, of one row. */
static void prolong_strip(const row_sum *sum, ptrdiff_t margin, ptrdiff_t length, ptrdiff_t first, ptrdiff_t count,
                          float *to)
{
    float row[STRIP + 2 * SIDE];
    const ptrdiff_t pairs = count / 2;
    sum_rows(sum, first + margin - SIDE, (count + 1) / 2 + 2 * SIDE, length, row);
    const float *at = row + SIDE;
#pragma omp simd
    for (ptrdiff_t t = 0; t < pairs; t++) {
        to[2 * t] += coefficient[0] * at[t] + coefficient[2] * (at[t - 1] + at[t + 1]);
        to[2 * t + 1] += coefficient[1] * (at[t] + at[t + 1]);
    }
    if (count % 2 != 0) {
        to[count - 1] += coefficient[0] * at[pairs] + coefficient[2] * (at[pairs - 1] + at[pairs + 1]);
    }
}

static size_t rows_of(const pt_grid *grid)
{
    return pt_grid_nodes(grid) / grid->size[grid->d - 1];
}

ptsne_status cpu_grid_restrict(pt_backend *be, const pt_grid *fine, const pt_buffer *from, const pt_grid *coarse,
                               const pt_buffer *to, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *charge = pt_cpu_floats(from);
    float *result = pt_cpu_floats(to);
    const size_t rows = rows_of(coarse), last = fine->d - 1;
    const ptrdiff_t length = (ptrdiff_t)fine->size[last], width = (ptrdiff_t)coarse->size[last];
#pragma omp parallel for num_threads(pt_cpu_threads(be, rows)) if (pt_grid_nodes(fine) > SMALL)
    for (size_t r = 0; r < rows; r++) {
        const row_sum sum = meet_rows(coarse, fine, charge, r, false);
        for (ptrdiff_t t = 0; t < width; t += STRIP) {
            const ptrdiff_t count = width - t < STRIP ? width - t : STRIP;
            restrict_strip(&sum, (ptrdiff_t)coarse->margin, length, t, count, result + (ptrdiff_t)r * width + t);
        }
    }
    return PTSNE_OK;
}

ptsne_status cpu_grid_prolong(pt_backend *be, const pt_grid *coarse, const pt_buffer *from, const pt_grid *fine,
                              const pt_buffer *to, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *potential = pt_cpu_floats(from);
    float *result = pt_cpu_floats(to);
    const size_t rows = rows_of(fine), last = fine->d - 1;
    const ptrdiff_t length = (ptrdiff_t)coarse->size[last], width = (ptrdiff_t)fine->size[last];
#pragma omp parallel for num_threads(pt_cpu_threads(be, rows)) if (pt_grid_nodes(fine) > SMALL)
    for (size_t r = 0; r < rows; r++) {
        const row_sum sum = meet_rows(fine, coarse, potential, r, true);
        for (ptrdiff_t t = 0; t < width; t += 2 * STRIP) {
            const ptrdiff_t count = width - t < 2 * STRIP ? width - t : 2 * STRIP;
            prolong_strip(&sum, (ptrdiff_t)coarse->margin, length, t / 2, count, result + (ptrdiff_t)r * width + t);
        }
    }
    return PTSNE_OK;
}
