/* psi(y) = base + sum over nodes of value prod_a B(..): potential[i] = psi(y_i), force[i] = scale grad psi(y_i). */
#include "backend/cpu/level.h"

#include "backend/cpu/splines.h"

#define CHUNK ((size_t)1024) /* points */

/* psi less its base and its gradient at one point; d and order are constants after inlining. */
static inline float read_point(const pt_grid *grid, size_t d, size_t order, float inverse, const float *values,
                               const float *y, float gradient[3])
{
    float w[3][SPLINE_MOST], s[3][SPLINE_MOST];
    size_t first[3] = {0, 0, 0};
    float psi = 0.0f, g0 = 0.0f, g1 = 0.0f, g2 = 0.0f;
    for (size_t a = 0; a < d; a++) {
        float x;
        first[a] = spline_first(order, grid->size[a], y[a], grid->origin[a], inverse, &x);
        spline_weights(order, x, w[a], s[a]);
    }
    for (size_t i = 0; i < order; i++) {
        for (size_t j = 0; j < (d == 3 ? order : 1); j++) {
            const size_t plane = d == 3 ? (first[0] + i) * grid->size[1] + first[1] + j : first[0] + i;
            const float *row = values + plane * grid->size[d - 1] + first[d - 1];
            const float *last = w[d - 1], *last_slope = s[d - 1];
            float value = 0.0f, slope = 0.0f;
            for (size_t k = 0; k < order; k++) {
                value += last[k] * row[k];
                slope += last_slope[k] * row[k];
            }
            const float part = d == 3 ? w[0][i] * w[1][j] : w[0][i];
            psi += part * value;
            g0 += (d == 3 ? s[0][i] * w[1][j] : s[0][i]) * value;
            g1 += d == 3 ? w[0][i] * s[1][j] * value : part * slope;
            g2 += d == 3 ? part * slope : 0.0f;
        }
    }
    gradient[0] = g0 * inverse, gradient[1] = g1 * inverse, gradient[2] = g2 * inverse;
    return psi;
}

static inline void read_points(const pt_grid *grid, size_t d, size_t order, const float *values, const float *y,
                               size_t n, float base, float scale, float *force, float *potential)
{
    const float inverse = 1.0f / grid->spacing;
    for (size_t i = 0; i < n; i++) {
        float gradient[3];
        potential[i] = base + read_point(grid, d, order, inverse, values, y + i * d, gradient);
        for (size_t a = 0; a < d; a++) { force[i * d + a] = scale * gradient[a]; }
    }
}

ptsne_status cpu_grid_gather(pt_backend *be, const pt_grid *grid, const pt_buffer *values, const pt_buffer *y, size_t n,
                             float base, float scale, const pt_buffer *force, const pt_buffer *potential,
                             ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *nodes = pt_cpu_floats(values), *points = pt_cpu_floats(y);
    float *f = pt_cpu_floats(force), *psi = pt_cpu_floats(potential);
    const size_t d = grid->d, chunks = (n + CHUNK - 1) / CHUNK;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t from = c * CHUNK, m = n - from < CHUNK ? n - from : CHUNK;
        const float *part = points + from * d;
        if (d == 2 && grid->order == 4) {
            read_points(grid, 2, 4, nodes, part, m, base, scale, f + from * d, psi + from);
        } else if (d == 2) {
            read_points(grid, 2, 6, nodes, part, m, base, scale, f + from * d, psi + from);
        } else if (grid->order == 4) {
            read_points(grid, 3, 4, nodes, part, m, base, scale, f + from * d, psi + from);
        } else {
            read_points(grid, 3, 6, nodes, part, m, base, scale, f + from * d, psi + from);
        }
    }
    return PTSNE_OK;
}
