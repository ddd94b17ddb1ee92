/* charge[node] = sum_i prod_a B((y_ia - node's place) / spacing). */
#include "backend/cpu/level.h"

#include <string.h>

#include "backend/cpu/splines.h"

/* Add one point; d and order are constants after inlining. */
static inline void add_point(const pt_grid *grid, size_t d, size_t order, float inverse, const float *y, float *charge)
{
    float w[3][SPLINE_MOST] = {{0.0f}};
    size_t first[3] = {0, 0, 0};
    for (size_t a = 0; a < d; a++) {
        float x;
        first[a] = spline_first(order, grid->size[a], y[a], grid->origin[a], inverse, &x);
        spline_weights(order, x, w[a], NULL);
    }
    for (size_t i = 0; i < order; i++) {
        for (size_t j = 0; j < (d == 3 ? order : 1); j++) {
            const size_t plane = d == 3 ? (first[0] + i) * grid->size[1] + first[1] + j : first[0] + i;
            float *row = charge + plane * grid->size[d - 1] + first[d - 1];
            const float part = d == 3 ? w[0][i] * w[1][j] : w[0][i];
            for (size_t k = 0; k < order; k++) { row[k] += part * w[d - 1][k]; }
        }
    }
}

ptsne_status cpu_grid_spread(pt_backend *be, const pt_grid *grid, const pt_buffer *y, size_t n,
                             const pt_buffer *scratch, const pt_buffer *charge, ptsne_error *err)
{
    (void)be, (void)scratch, (void)err; /* nothing here can fail */
    const float *points = pt_cpu_floats(y);
    float *to = pt_cpu_floats(charge);
    const float inverse = 1.0f / grid->spacing;
    memset(to, 0, pt_grid_nodes(grid) * sizeof *to);
    for (size_t i = 0; i < n; i++) {
        if (grid->d == 2 && grid->order == 4) {
            add_point(grid, 2, 4, inverse, points + 2 * i, to);
        } else if (grid->d == 2) {
            add_point(grid, 2, 6, inverse, points + 2 * i, to);
        } else if (grid->order == 4) {
            add_point(grid, 3, 4, inverse, points + 3 * i, to);
        } else {
            add_point(grid, 3, 6, inverse, points + 3 * i, to);
        }
    }
    return PTSNE_OK;
}
