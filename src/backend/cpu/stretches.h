/* Stretches of a grid's rows that points read, or are near to: a byte for each STEP nodes of each row, 1 where there is one. */
#ifndef PT_BACKEND_CPU_STRETCHES_H
#define PT_BACKEND_CPU_STRETCHES_H

#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/splines.h"
#include "base/sizes.h"

#define STRETCH_STEP  ((size_t)16)
#define STRETCH_CHUNK ((size_t)4096) /* points */

/* Nodes begin .. end - 1 of a row. */
typedef struct stretch {
    size_t begin, end;
} stretch;

/* Bytes for a row. */
static inline size_t stretch_steps(const pt_grid *grid)
{
    return pt_ceil_div(grid->size[grid->d - 1], STRETCH_STEP);
}

/* Mark what a block of m points reads, and `beside` nodes before and behind that; d is a constant after inlining. */
static inline void stretch_mark_block(const pt_grid *grid, size_t d, const spline_block *at, size_t m, size_t beside,
                                      uint8_t *marks)
{
    const size_t width = grid->size[d - 1], steps = stretch_steps(grid);
    const size_t inner = d == 3 ? PT_GRID_ORDER : 1, plane = d == 3 ? grid->size[1] * steps : steps;
    for (size_t i = 0; i < m; i++) {
        const size_t first = at->first[d - 1][i], end = first + PT_GRID_ORDER + beside;
        const size_t from = (first > beside ? first - beside : 0) / STRETCH_STEP;
        const size_t to = ((end < width ? end : width) - 1) / STRETCH_STEP;
        uint8_t *mark = marks + at->first[0][i] * plane + (d == 3 ? at->first[1][i] * steps : 0);
        for (size_t s = from; s <= to; s++) {
            uint8_t *row = mark + s;
            for (size_t j = 0; j < PT_GRID_ORDER; j++, row += plane) {
                for (size_t k = 0; k < inner; k++) {
#pragma omp atomic write
                    row[k * steps] = 1;
                }
            }
        }
    }
}

/* Mark the rows of a grid for n points, from nothing. */
static inline void stretch_mark(const pt_backend *be, const pt_grid *grid, const float *y, size_t n, size_t beside,
                                uint8_t *marks)
{
    const size_t d = grid->d, chunks = pt_ceil_div(n, STRETCH_CHUNK);
    memset(marks, 0, pt_grid_nodes(grid) / grid->size[d - 1] * stretch_steps(grid));
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks))
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * STRETCH_CHUNK < n ? (c + 1) * STRETCH_CHUNK : n;
        spline_block at;
        for (size_t from = c * STRETCH_CHUNK; from < end; from += SPLINE_BLOCK) {
            const size_t m = end - from < SPLINE_BLOCK ? end - from : SPLINE_BLOCK;
            spline_cells(grid, d, y + from * d, m, &at);
            if (d == 2) {
                stretch_mark_block(grid, 2, &at, m, beside, marks);
            } else {
                stretch_mark_block(grid, 3, &at, m, beside, marks);
            }
        }
    }
}

/* The next marked stretch of a row of so many nodes, behind *s, which begins as {0, 0}; false where there is none. Of STEP nodes at
 * least, if the row has them: the last one may reach back over nodes that are not marked. */
static inline bool stretch_next(const uint8_t *marks, size_t width, stretch *s)
{
    const size_t steps = pt_ceil_div(width, STRETCH_STEP);
    size_t at = pt_ceil_div(s->end, STRETCH_STEP);
    while (at < steps && marks[at] == 0) { at++; }
    if (at == steps) { return false; }
    s->begin = at * STRETCH_STEP;
    while (at < steps && marks[at] != 0) { at++; }
    s->end = at * STRETCH_STEP < width ? at * STRETCH_STEP : width;
    if (s->end - s->begin < STRETCH_STEP) { s->begin = width > STRETCH_STEP ? width - STRETCH_STEP : 0; }
    return true;
}

#endif
