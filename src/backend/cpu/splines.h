/* Cubic B-splines between points and the nodes of a regular grid (Essmann et al., J. Chem. Phys. 103, 1995): a point meets four
 * nodes on each axis. Four weights are one vector, and a block of points finds its cells in one loop. */
#ifndef PT_BACKEND_CPU_SPLINES_H
#define PT_BACKEND_CPU_SPLINES_H

#include <math.h>

#include "backend/backend.h"

#define SPLINE_BLOCK ((size_t)64) /* points */

typedef float spline_four __attribute__((__vector_size__(16)));

/* Where the points of a block lie: each one's first node, and how far into the cell between its middle nodes it is. */
typedef struct spline_block {
    uint32_t first[3][SPLINE_BLOCK];
    float x[3][SPLINE_BLOCK]; /* 0 to 1; beyond, or NaN, for a point outside the grid */
} spline_block;

/* First nodes on one axis of m points, y_a every d floats. A point outside, or NaN, still gets nodes of the grid. */
static inline void spline_axis(const pt_grid *grid, size_t d, size_t a, const float *y, size_t m, uint32_t *first,
                               float *x)
{
    const float origin = grid->origin[a], inverse = 1.0f / grid->spacing, most = (float)(grid->size[a] - 3);
#pragma omp simd
    for (size_t i = 0; i < m; i++) {
        const float u = (y[i * d + a] - origin) * inverse;
        float cell = floorf(u);
        cell = cell > 1.0f ? cell : 1.0f; /* written so that NaN takes a bound */
        cell = cell < most ? cell : most;
        x[i] = u - cell;
        first[i] = (uint32_t)(int)cell - 1u;
    }
}

static inline void spline_cells(const pt_grid *grid, size_t d, const float *y, size_t m, spline_block *block)
{
    for (size_t a = 0; a < d; a++) { spline_axis(grid, d, a, y, m, block->first[a], block->x[a]); }
}

/* The four weights at x, and their derivatives for x. */
static inline void spline_values(float x, spline_four *value)
{
    const spline_four c0 = {1.0f / 6.0f, 4.0f / 6.0f, 1.0f / 6.0f, 0.0f}, c1 = {-0.5f, 0.0f, 0.5f, 0.0f};
    const spline_four c2 = {0.5f, -1.0f, 0.5f, 0.0f}, c3 = {-1.0f / 6.0f, 0.5f, -0.5f, 1.0f / 6.0f};
    *value = c0 + x * (c1 + x * (c2 + x * c3));
}

static inline void spline_slopes(float x, spline_four *slope)
{
    const spline_four c1 = {-0.5f, 0.0f, 0.5f, 0.0f}, c2 = {1.0f, -2.0f, 1.0f, 0.0f};
    const spline_four c3 = {-0.5f, 1.5f, -1.5f, 0.5f};
    *slope = c1 + x * (c2 + x * c3);
}

#endif
