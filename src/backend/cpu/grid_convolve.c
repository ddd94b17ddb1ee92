/* potential = kernel * charge, the kernel a sum of separable terms: one pass along each axis for each term. */
#include "backend/cpu/level.h"

#include <string.h>

/* to (+)= scale sum_k tap[|k|] from[.. + k ..] along the middle one of three axes, outer x length x inner; 0 beyond. One
 * outer place, node i of the axis. */
static void tap_rows(const float *from, size_t length, size_t inner, size_t i, size_t reach, const float *tap,
                     float scale, bool add, float *to)
{
    float *row = to + i * inner;
    const size_t least = i > reach ? i - reach : 0, most = i + reach < length ? i + reach : length - 1;
    if (!add) { memset(row, 0, inner * sizeof *row); }
    for (size_t k = least; k <= most; k++) {
        const float c = scale * tap[k > i ? k - i : i - k];
        const float *other = from + k * inner;
#pragma omp simd
        for (size_t t = 0; t < inner; t++) { row[t] += c * other[t]; }
    }
}

static void tap_axis(pt_backend *be, const pt_grid *grid, size_t axis, size_t reach, const float *tap, float scale,
                     bool add, const float *from, float *to)
{
    size_t outer = 1, inner = 1;
    const size_t length = grid->size[axis];
    for (size_t a = 0; a < axis; a++) { outer *= grid->size[a]; }
    for (size_t a = axis + 1; a < grid->d; a++) { inner *= grid->size[a]; }
#pragma omp parallel for num_threads(pt_cpu_threads(be, outer *length))
    for (size_t t = 0; t < outer * length; t++) {
        const size_t o = t / length;
        tap_rows(from + o * length * inner, length, inner, t % length, reach, tap, scale, add, to + o * length * inner);
    }
}

ptsne_status cpu_grid_convolve(pt_backend *be, const pt_grid *grid, const pt_grid_kernel *kernel,
                               const pt_buffer *charge, const pt_buffer *scratch, const pt_buffer *potential,
                               ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t nodes = pt_grid_nodes(grid);
    float *once = pt_cpu_floats(scratch), *twice = once + nodes;
    for (size_t t = 0; t < PT_GRID_TERMS; t++) {
        const float *tap = kernel->tap[t];
        tap_axis(be, grid, 0, kernel->reach, tap, 1.0f, false, pt_cpu_floats(charge), once);
        if (grid->d == 3) { tap_axis(be, grid, 1, kernel->reach, tap, 1.0f, false, once, twice); }
        tap_axis(be, grid, grid->d - 1, kernel->reach, tap, kernel->weight[t], t > 0, grid->d == 3 ? twice : once,
                 pt_cpu_floats(potential));
    }
    return PTSNE_OK;
}
