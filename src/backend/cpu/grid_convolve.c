/* potential = kernel * charge, the kernel a sum of separable terms: taps along each axis in turn.
 *
 * A row of the result is made in strips that stay in the first cache: taps across rows for both terms at once, which read each
 * row once, then taps along the row. In three dimensions the taps across planes go first, into the thread's part of the scratch.
 * For points that alone will read it, only stretches of rows near them are computed.
 * Sums stay in registers, 16 nodes in a vector; rows that end within one overlap the last two vectors, which then write the same
 * numbers twice. */
#include "backend/cpu/level.h"

#include <omp.h>
#include <string.h>

#include "backend/cpu/stretches.h"

#define LANES ((size_t)16)
#define STRIP ((size_t)480) /* nodes of a row at a time: with the reach on both sides, 2 kB */
#define WIDE  (STRIP + 2 * PT_GRID_REACH)
#define SMALL ((size_t)4096) /* nodes that are not worth a second thread */

typedef float lanes __attribute__((__vector_size__(64)));

static const float zeros[WIDE]; /* a row beyond the grid */

/* Rows that taps across meet: row[k] and row[-k] of the middle, in one array. */
typedef struct rows {
    const float *row[2 * PT_GRID_REACH + 1];
} rows;

/* Sixteen nodes from `at` on, taps across rows; both terms of one array of rows, or (other) each of its own. */
static inline void across_lanes(const pt_grid_kernel *kernel, const rows *r, const rows *other, size_t at, lanes *first,
                                lanes *second)
{
    const size_t reach = kernel->reach;
    lanes x, y;
    memcpy(&x, r->row[reach] + at, sizeof x);
    lanes a = kernel->tap[0][0] * x;
    if (other != NULL) { memcpy(&x, other->row[reach] + at, sizeof x); }
    lanes b = kernel->tap[1][0] * x;
    for (size_t k = 1; k <= reach; k++) {
        memcpy(&x, r->row[reach - k] + at, sizeof x);
        memcpy(&y, r->row[reach + k] + at, sizeof y);
        x += y;
        a += kernel->tap[0][k] * x;
        if (other != NULL) {
            memcpy(&x, other->row[reach - k] + at, sizeof x);
            memcpy(&y, other->row[reach + k] + at, sizeof y);
            x += y;
        }
        b += kernel->tap[1][k] * x;
    }
    *first = a, *second = b;
}

/* The same for one node. */
static inline float across_one(const pt_grid_kernel *kernel, size_t term, const rows *r, size_t at)
{
    const size_t reach = kernel->reach;
    float sum = kernel->tap[term][0] * r->row[reach][at];
    for (size_t k = 1; k <= reach; k++) {
        sum += kernel->tap[term][k] * (r->row[reach - k][at] + r->row[reach + k][at]);
    }
    return sum;
}

/* first and second = count nodes, taps across rows. */
static inline void across(const pt_grid_kernel *kernel, const rows *r, const rows *other, size_t count, float *first,
                          float *second)
{
    lanes a, b;
    if (count < LANES) {
        for (size_t t = 0; t < count; t++) {
            first[t] = across_one(kernel, 0, r, t);
            second[t] = across_one(kernel, 1, other == NULL ? r : other, t);
        }
        return;
    }
    for (size_t t = 0; t < count; t += LANES) {
        const size_t at = t + LANES < count ? t : count - LANES;
        across_lanes(kernel, r, other, at, &a, &b);
        memcpy(first + at, &a, sizeof a);
        memcpy(second + at, &b, sizeof b);
    }
}

/* Sixteen nodes, taps along the row, both terms added up with their weights; first and second point at the middle. */
static inline void along_lanes(const pt_grid_kernel *kernel, const float *first, const float *second, float *to)
{
    lanes x, y, a, b;
    memcpy(&a, first, sizeof a);
    memcpy(&b, second, sizeof b);
    a *= kernel->tap[0][0];
    b *= kernel->tap[1][0];
    for (size_t k = 1; k <= kernel->reach; k++) {
        memcpy(&x, first - k, sizeof x);
        memcpy(&y, first + k, sizeof y);
        a += kernel->tap[0][k] * (x + y);
        memcpy(&x, second - k, sizeof x);
        memcpy(&y, second + k, sizeof y);
        b += kernel->tap[1][k] * (x + y);
    }
    a = kernel->weight[0] * a + kernel->weight[1] * b;
    memcpy(to, &a, sizeof a);
}

static void along(const pt_grid_kernel *kernel, const float *first, const float *second, size_t count, float *to)
{
    for (size_t t = 0; t < count && count >= LANES; t += LANES) {
        const size_t at = t + LANES < count ? t : count - LANES;
        along_lanes(kernel, first + at, second + at, to + at);
    }
    for (size_t t = 0; t < count && count < LANES; t++) {
        float a = kernel->tap[0][0] * first[t], b = kernel->tap[1][0] * second[t];
        for (size_t k = 1; k <= kernel->reach; k++) {
            a += kernel->tap[0][k] * (first[t - k] + first[t + k]);
            b += kernel->tap[1][k] * (second[t - k] + second[t + k]);
        }
        to[t] = kernel->weight[0] * a + kernel->weight[1] * b;
    }
}

/* Rows around row i of `length`, each `stride` floats, from column `at` on; zeros beyond. */
static rows rows_around(const float *from, size_t length, size_t stride, size_t i, size_t at, size_t reach)
{
    rows r;
    for (size_t k = 0; k <= 2 * reach; k++) {
        r.row[k] = i + k < reach || i + k - reach >= length ? zeros : from + (i + k - reach) * stride + at;
    }
    return r;
}

/* A stretch of row i of a plane of `length` rows, `width` nodes each: taps across rows of first and second (which may be the same),
 * then along. */
static void plane_row(const pt_grid_kernel *kernel, const float *first, const float *second, size_t length,
                      size_t width, size_t i, const stretch *s, float *to)
{
    float a[WIDE], b[WIDE];
    const size_t reach = kernel->reach;
    for (size_t t = s->begin; t < s->end; t += STRIP) {
        const size_t count = s->end - t < STRIP ? s->end - t : STRIP;
        const size_t before = t < reach ? t : reach, rest = width - t - count, behind = rest < reach ? rest : reach;
        const rows r = rows_around(first, length, width, i, t - before, reach);
        memset(a, 0, reach * sizeof *a), memset(b, 0, reach * sizeof *b);
        memset(a + reach + count, 0, reach * sizeof *a), memset(b + reach + count, 0, reach * sizeof *b);
        if (first == second) {
            across(kernel, &r, NULL, before + count + behind, a + reach - before, b + reach - before);
        } else {
            const rows other = rows_around(second, length, width, i, t - before, reach);
            across(kernel, &r, &other, before + count + behind, a + reach - before, b + reach - before);
        }
        along(kernel, a + reach, b + reach, count, to + t);
    }
}

/* Taps across planes for a stretch of row j of plane i, to first and second. */
static void across_planes(const pt_grid *grid, const pt_grid_kernel *kernel, const float *charge, size_t i, size_t j,
                          const stretch *s, float *first, float *second)
{
    const size_t plane = grid->size[1] * grid->size[2];
    for (size_t t = s->begin; t < s->end; t += STRIP) {
        const size_t at = j * grid->size[2] + t;
        const rows r = rows_around(charge, grid->size[0], plane, i, at, kernel->reach);
        across(kernel, &r, NULL, s->end - t < STRIP ? s->end - t : STRIP, first + at, second + at);
    }
}

/* What is wanted of a grid, as marks of stretches.h. */
typedef struct wanted {
    size_t steps;    /* bytes a row */
    uint8_t *nodes;  /* that points read */
    uint8_t *beside; /* of a solid grid: the same and what taps along rows meet */
    uint8_t *around; /* of a solid grid, a plane for each thread: and what taps across rows meet */
} wanted;

/* y NULL: all of it. */
static wanted wanted_of(const pt_backend *be, const pt_grid *grid, size_t reach, const float *y, size_t n, void *room)
{
    const size_t bytes = pt_grid_nodes(grid) / grid->size[grid->d - 1] * stretch_steps(grid);
    wanted w = {.steps = stretch_steps(grid), .nodes = room};
    w.beside = w.nodes + bytes;
    w.around = w.beside + bytes;
    if (y == NULL) {
        memset(w.nodes, 1, 2 * bytes);
        return w;
    }
    stretch_mark(be, grid, y, n, 0, w.nodes);
    if (grid->d == 3) { stretch_mark(be, grid, y, n, reach, w.beside); }
    return w;
}

/* One plane of a solid grid. */
static void convolve_plane(const pt_grid *grid, const pt_grid_kernel *kernel, const wanted *w, const float *charge,
                           size_t i, size_t thread, float *room, float *to)
{
    const size_t length = grid->size[1], width = grid->size[2], bytes = length * w->steps;
    float *first = room + 2 * thread * length * width, *second = first + length * width;
    const uint8_t *nodes = w->nodes + i * bytes, *beside = w->beside + i * bytes;
    uint8_t *around = w->around + thread * bytes;
    if (memchr(nodes, 1, bytes) == NULL) { return; }
    memcpy(around, beside, bytes);
    for (size_t k = 1; k <= kernel->reach && k < length; k++) {
        const size_t off = k * w->steps;
#pragma omp simd
        for (size_t t = off; t < bytes; t++) { around[t] |= beside[t - off]; }
#pragma omp simd
        for (size_t t = off; t < bytes; t++) { around[t - off] |= beside[t]; }
    }
    for (size_t j = 0; j < length; j++) {
        for (stretch s = {0, 0}; stretch_next(around + j * w->steps, width, &s);) {
            across_planes(grid, kernel, charge, i, j, &s, first, second);
        }
    }
    for (size_t j = 0; j < length; j++) {
        for (stretch s = {0, 0}; stretch_next(nodes + j * w->steps, width, &s);) {
            plane_row(kernel, first, second, length, width, j, &s, to + (i * length + j) * width);
        }
    }
}

/* Room for two planes of a solid grid for each thread. */
static size_t planes_of(const pt_backend *be, const pt_grid *grid)
{
    const size_t threads = (size_t)pt_cpu_threads(be, grid->size[0]);
    return grid->d == 3 ? 2 * threads * grid->size[1] * grid->size[2] : 0;
}

size_t cpu_grid_convolve_scratch(const pt_backend *be, const pt_grid *grid)
{
    const size_t marked = 2 * pt_grid_nodes(grid) / grid->size[grid->d - 1];
    const size_t around = grid->d == 3 ? (size_t)pt_cpu_threads(be, grid->size[0]) * grid->size[1] : 0;
    return planes_of(be, grid) + pt_ceil_div((marked + around) * stretch_steps(grid), sizeof(float));
}

ptsne_status cpu_grid_convolve(pt_backend *be, const pt_grid *grid, const pt_grid_kernel *kernel,
                               const pt_buffer *charge, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                               const pt_buffer *potential, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *from = pt_cpu_floats(charge);
    float *room = pt_cpu_floats(scratch), *to = pt_cpu_floats(potential);
    const size_t *size = grid->size, nodes = pt_grid_nodes(grid);
    const wanted w =
        wanted_of(be, grid, kernel->reach, y == NULL ? NULL : pt_cpu_floats(y), n, room + planes_of(be, grid));
#pragma omp parallel for num_threads(pt_cpu_threads(be, size[0])) schedule(dynamic) if (nodes > SMALL)
    for (size_t i = 0; i < size[0]; i++) {
        if (grid->d == 3) {
            convolve_plane(grid, kernel, &w, from, i, (size_t)omp_get_thread_num(), room, to);
            continue;
        }
        for (stretch s = {0, 0}; stretch_next(w.nodes + i * w.steps, size[1], &s);) {
            plane_row(kernel, from, from, size[0], size[1], i, &s, to + i * size[1]);
        }
    }
    return PTSNE_OK;
}
