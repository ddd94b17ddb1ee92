/* charge[node] = sum_i prod_a B((y_ia - node's place) / spacing).
 *
 * Points are put in bands of rows (of planes, in three dimensions) along the first axis, in their own order within each, by
 * counting over fixed chunks. A band writes to its own rows and the three that follow, so that bands of even number can be
 * spread at the same time, and then the odd ones: each node sums its points in one order, however many threads there are.
 *
 * Where nodes are few for the points, as while a map is small, sums are float64: of 200,000 points in one cell float32 lost a part in a
 * thousand, and slopes of the field 4 %. */
#include "backend/cpu/level.h"

#include <string.h>

#include "backend/cpu/splines.h"

#define BAND        ((size_t)8)  /* rows; at least the three that a band writes of the next one's */
#define MOST_CHUNKS ((size_t)64) /* for the counts: chunks x bands of them have to fit in the scratch */
#define FEW         ((size_t)4096)
#define CROWD       ((size_t)16) /* points a node: from here on sums are float64 */

static inline void add_plane(const pt_grid *grid, const spline_block *at, size_t i, float *charge)
{
    spline_four w0, w1, row;
    spline_values(at->x[0][i], &w0), spline_values(at->x[1][i], &w1);
    float *to = charge + (size_t)at->first[0][i] * grid->size[1] + at->first[1][i];
    for (size_t j = 0; j < 4; j++, to += grid->size[1]) {
        memcpy(&row, to, sizeof row);
        row += w0[j] * w1;
        memcpy(to, &row, sizeof row);
    }
}

static inline void add_space(const pt_grid *grid, const spline_block *at, size_t i, float *charge)
{
    spline_four w[3], row;
    for (size_t a = 0; a < 3; a++) { spline_values(at->x[a][i], &w[a]); }
    const size_t stride = grid->size[2], plane = grid->size[1] * stride;
    float *from = charge + at->first[0][i] * plane + at->first[1][i] * stride + at->first[2][i];
    for (size_t j = 0; j < 4; j++) {
        for (size_t k = 0; k < 4; k++) {
            float *to = from + j * plane + k * stride;
            memcpy(&row, to, sizeof row);
            row += w[0][j] * w[1][k] * w[2];
            memcpy(to, &row, sizeof row);
        }
    }
}

/* Either, to float64; d is a constant after inlining. */
static inline void add_wide(const pt_grid *grid, size_t d, const spline_block *at, size_t i, double *charge)
{
    spline_four w[3];
    for (size_t a = 0; a < d; a++) { spline_values(at->x[a][i], &w[a]); }
    const size_t stride = grid->size[d - 1], plane = d == 3 ? grid->size[1] * stride : stride;
    double *from = charge + at->first[0][i] * plane + at->first[d - 1][i] + (d == 3 ? at->first[1][i] * stride : 0);
    for (size_t j = 0; j < 4; j++) {
        for (size_t k = 0; k < (d == 3 ? 4 : 1); k++) {
            double *to = from + j * plane + k * stride;
            const float part = d == 3 ? w[0][j] * w[1][k] : w[0][j];
            for (size_t l = 0; l < 4; l++) { to[l] += (double)part * (double)w[d - 1][l]; }
        }
    }
}

/* Add points to charge, or where that is not NULL to wide. */
static void add_points(const pt_grid *grid, const float *y, size_t n, float *charge, double *wide)
{
    spline_block at;
    const size_t d = grid->d;
    for (size_t from = 0; from < n; from += SPLINE_BLOCK) {
        const size_t m = n - from < SPLINE_BLOCK ? n - from : SPLINE_BLOCK;
        if (d == 2) {
            spline_cells(grid, 2, y + from * 2, m, &at);
            for (size_t i = 0; i < m && wide == NULL; i++) { add_plane(grid, &at, i, charge); }
            for (size_t i = 0; i < m && wide != NULL; i++) { add_wide(grid, 2, &at, i, wide); }
        } else {
            spline_cells(grid, 3, y + from * 3, m, &at);
            for (size_t i = 0; i < m && wide == NULL; i++) { add_space(grid, &at, i, charge); }
            for (size_t i = 0; i < m && wide != NULL; i++) { add_wide(grid, 3, &at, i, wide); }
        }
    }
}

/* Points in bands: chunks x bands counts, which become each chunk's first place in each band. */
typedef struct bands {
    const pt_grid *grid;
    const float *y;
    size_t n, n_bands, n_chunks, chunk;
    uint32_t *place; /* n_chunks x n_bands */
    float *sorted;   /* n x d */
    double *wide;    /* a node each; NULL: sums are float32 */
} bands;

/* Count the points of a chunk by bands, or move them to their places. */
static void sort_chunk(const bands *b, size_t c, bool move)
{
    const size_t d = b->grid->d, from = c * b->chunk, end = from + b->chunk < b->n ? from + b->chunk : b->n;
    uint32_t first[SPLINE_BLOCK], *place = b->place + c * b->n_bands;
    float x[SPLINE_BLOCK];
    if (!move) { memset(place, 0, b->n_bands * sizeof *place); }
    for (size_t at = from; at < end; at += SPLINE_BLOCK) {
        const size_t m = end - at < SPLINE_BLOCK ? end - at : SPLINE_BLOCK;
        const float *y = b->y + at * d;
        spline_axis(b->grid, d, 0, y, m, first, x);
        for (size_t i = 0; i < m; i++) {
            const uint32_t to = place[first[i] / BAND]++;
            if (!move) { continue; }
            if (d == 2) {
                memcpy(b->sorted + (size_t)to * 2, y + i * 2, 2 * sizeof *y);
            } else {
                memcpy(b->sorted + (size_t)to * 3, y + i * 3, 3 * sizeof *y);
            }
        }
    }
}

static void spread_bands(pt_backend *be, const bands *b, float *charge)
{
    const size_t d = b->grid->d, last = b->n_chunks - 1;
    const int threads = pt_cpu_threads(be, b->n_chunks);
#pragma omp parallel num_threads(threads)
    {
#pragma omp for
        for (size_t c = 0; c < b->n_chunks; c++) { sort_chunk(b, c, false); }
#pragma omp single
        for (size_t k = 0, at = 0; k < b->n_bands; k++) {
            for (size_t c = 0; c < b->n_chunks; c++) {
                const uint32_t count = b->place[c * b->n_bands + k];
                b->place[c * b->n_bands + k] = (uint32_t)at;
                at += count;
            }
        }
#pragma omp for
        for (size_t c = 0; c < b->n_chunks; c++) { sort_chunk(b, c, true); }
        for (size_t odd = 0; odd < 2; odd++) { /* now the last chunk's places are the bands' ends */
#pragma omp for schedule(dynamic)
            for (size_t k = odd; k < b->n_bands; k += 2) {
                const size_t from = k == 0 ? 0 : b->place[last * b->n_bands + k - 1];
                const size_t end = b->place[last * b->n_bands + k];
                add_points(b->grid, b->sorted + from * d, end - from, charge, b->wide);
            }
        }
    }
}

/* n x d points; counts from 3n on; where nodes are few, float64 sums from 4n on, as counts are then fewer than n; 2 to align them. */
size_t cpu_grid_spread_scratch(const pt_backend *be, const pt_grid *grid, size_t n)
{
    (void)be;
    return 4 * n + n / CROWD * 2 + MOST_CHUNKS * pt_ceil_div(grid->size[0], BAND) + 2;
}

ptsne_status cpu_grid_spread(pt_backend *be, const pt_grid *grid, const pt_buffer *y, size_t n,
                             const pt_buffer *scratch, const pt_buffer *charge, ptsne_error *err)
{
    float *to = pt_cpu_floats(charge), *room = pt_cpu_floats(scratch);
    const size_t chunks = pt_ceil_div(n, FEW), nodes = pt_grid_nodes(grid);
    const pt_buffer all = {charge->handle, charge->offset, nodes};
    const ptsne_status status = cpu_fill(be, &all, 0.0f, err);
    bands b = {.grid = grid, .y = pt_cpu_floats(y), .n = n, .n_bands = (grid->size[0] + BAND - 1) / BAND};
    b.n_chunks = chunks < MOST_CHUNKS ? chunks : MOST_CHUNKS;
    b.chunk = pt_ceil_div(n, b.n_chunks);
    b.sorted = room;
    b.place = (uint32_t *)(void *)(room + 3 * n);
    if (n >= FEW &&
        n / CROWD >= nodes) { /* so few nodes have fewer counts than points: the rest of the scratch is free */
        const uintptr_t free = (uintptr_t)(room + 4 * n);
        b.wide = (double *)(free + (0 - free) % sizeof *b.wide);
        memset(b.wide, 0, nodes * sizeof *b.wide);
    }
    if (n < FEW) {
        add_points(grid, b.y, n, to, NULL);
    } else {
        spread_bands(be, &b, to);
    }
    for (size_t t = 0; t < nodes && b.wide != NULL; t++) { to[t] = (float)b.wide[t]; }
    return status;
}
