/* psi(y) = base + sum over nodes of value prod_a B(..): potential[i] = psi(y_i), force[i] = scale grad psi(y_i); with `add`, added to what
 * stands there. */
#include "backend/cpu/level.h"

#include <string.h>

#include "backend/cpu/splines.h"

#define CHUNK ((size_t)1024) /* points */

/* For each point of a block, psi and the d slopes, each as four parts that are yet to be added up. */
typedef spline_four block_parts[4][SPLINE_BLOCK];

static inline void read_plane(const pt_grid *grid, const spline_block *at, size_t i, const float *values,
                              block_parts parts)
{
    spline_four w0, s0, w1, s1, row, value = {0.0f}, slope = {0.0f};
    spline_values(at->x[0][i], &w0), spline_slopes(at->x[0][i], &s0);
    spline_values(at->x[1][i], &w1), spline_slopes(at->x[1][i], &s1);
    const float *from = values + (size_t)at->first[0][i] * grid->size[1] + at->first[1][i];
    for (size_t j = 0; j < 4; j++) {
        memcpy(&row, from + j * grid->size[1], sizeof row);
        value += w0[j] * row;
        slope += s0[j] * row;
    }
    parts[0][i] = value * w1;
    parts[1][i] = slope * w1;
    parts[2][i] = value * s1;
}

static inline void read_space(const pt_grid *grid, const spline_block *at, size_t i, const float *values,
                              block_parts parts)
{
    spline_four w[3], s[3], row, value = {0.0f}, slope0 = {0.0f}, slope1 = {0.0f};
    for (size_t a = 0; a < 3; a++) { spline_values(at->x[a][i], &w[a]), spline_slopes(at->x[a][i], &s[a]); }
    const size_t stride = grid->size[2], plane = grid->size[1] * stride;
    const float *from = values + at->first[0][i] * plane + at->first[1][i] * stride + at->first[2][i];
    for (size_t j = 0; j < 4; j++) {
        spline_four sum = {0.0f}, sloped = {0.0f};
        for (size_t k = 0; k < 4; k++) {
            memcpy(&row, from + j * plane + k * stride, sizeof row);
            sum += w[1][k] * row;
            sloped += s[1][k] * row;
        }
        value += w[0][j] * sum;
        slope0 += s[0][j] * sum;
        slope1 += w[0][j] * sloped;
    }
    parts[0][i] = value * w[2];
    parts[1][i] = slope0 * w[2];
    parts[2][i] = slope1 * w[2];
    parts[3][i] = value * s[2];
}

/* to[i stride] = or += base + scale (the sum of point i's parts). */
static inline void add_up(const spline_four *parts, size_t m, float base, float scale, bool add, size_t stride,
                          float *to)
{
    const float(*part)[4] = (const float(*)[4])parts;
#pragma omp simd
    for (size_t i = 0; i < m; i++) {
        const float sum = base + scale * ((part[i][0] + part[i][1]) + (part[i][2] + part[i][3]));
        to[i * stride] = add ? to[i * stride] + sum : sum;
    }
}

/* d is a constant after inlining. */
static inline void read_points(const pt_grid *grid, size_t d, const float *values, const float *y, size_t n, float base,
                               float scale, bool add, float *force, float *potential)
{
    spline_block at;
    block_parts parts;
    for (size_t from = 0; from < n; from += SPLINE_BLOCK) {
        const size_t m = n - from < SPLINE_BLOCK ? n - from : SPLINE_BLOCK;
        spline_cells(grid, d, y + from * d, m, &at);
        for (size_t i = 0; i < m; i++) {
            if (d == 2) {
                read_plane(grid, &at, i, values, parts);
            } else {
                read_space(grid, &at, i, values, parts);
            }
        }
        add_up(parts[0], m, base, 1.0f, add, 1, potential + from);
        for (size_t a = 0; a < d; a++) {
            add_up(parts[1 + a], m, 0.0f, scale / grid->spacing, add, d, force + from * d + a);
        }
    }
}

ptsne_status cpu_grid_gather(pt_backend *be, const pt_grid *grid, const pt_buffer *values, const pt_buffer *y, size_t n,
                             float base, float scale, bool add, const pt_buffer *force, const pt_buffer *potential,
                             ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *nodes = pt_cpu_floats(values), *points = pt_cpu_floats(y);
    float *f = pt_cpu_floats(force), *psi = pt_cpu_floats(potential);
    const size_t d = grid->d, chunks = pt_ceil_div(n, CHUNK);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t from = c * CHUNK, m = n - from < CHUNK ? n - from : CHUNK;
        if (d == 2) {
            read_points(grid, 2, nodes, points + from * 2, m, base, scale, add, f + from * 2, psi + from);
        } else {
            read_points(grid, 3, nodes, points + from * 3, m, base, scale, add, f + from * 3, psi + from);
        }
    }
    return PTSNE_OK;
}
