/* Up and down a pyramid of grids by the two-scale relation of B-splines: along each axis a spline of the coarser grid is
 * sum_k c[k] of the finer grid's, k nodes from its middle, c[k] = 2^(1 - order) binomial(order, order / 2 + k).
 * Coarser node J lies on finer node 2 (J - margin). */
#include "backend/cpu/level.h"

/* c[0 .. half], half = order / 2. */
static const float coefficients[2][4] = {{6.0f / 8.0f, 4.0f / 8.0f, 1.0f / 8.0f, 0.0f},
                                         {20.0f / 32.0f, 15.0f / 32.0f, 6.0f / 32.0f, 1.0f / 32.0f}};

/* One axis of one node: the other grid's nodes that it meets, and their coefficients. */
typedef struct meeting {
    size_t first, count;
    float c[8];
} meeting;

/* Finer nodes that coarser node J meets. */
static meeting meet_fine(const pt_grid *fine, const pt_grid *coarse, size_t a, size_t j)
{
    meeting m = {0};
    const long half = (long)(fine->order / 2), size = (long)fine->size[a];
    const long middle = 2 * ((long)j - (long)coarse->margin);
    const float *c = coefficients[half - 2];
    if (a >= fine->d) { return (meeting){0, 1, {1.0f}}; }
    for (long i = middle - half; i <= middle + half; i++) {
        if (i < 0 || i >= size) { continue; }
        if (m.count == 0) { m.first = (size_t)i; }
        m.c[m.count++] = c[i < middle ? middle - i : i - middle];
    }
    return m;
}

/* Coarser nodes that finer node i meets. */
static meeting meet_coarse(const pt_grid *fine, const pt_grid *coarse, size_t a, size_t i)
{
    meeting m = {0};
    const long half = (long)(fine->order / 2), margin = (long)coarse->margin;
    const float *c = coefficients[half - 2];
    if (a >= fine->d) { return (meeting){0, 1, {1.0f}}; }
    for (long j = 0; j < (long)coarse->size[a]; j++) {
        const long off = (long)i - 2 * (j - margin);
        if (off < -half || off > half) { continue; }
        if (m.count == 0) { m.first = (size_t)j; }
        m.c[m.count++] = c[off < 0 ? -off : off];
    }
    return m;
}

/* One node of `to`: the nodes of `grid` that it meets along each axis. */
static float meeting_sum(const pt_grid *grid, const float *from, const meeting *m0, const meeting *m1,
                         const meeting *m2)
{
    float sum = 0.0f;
    for (size_t i = 0; i < m0->count; i++) {
        for (size_t j = 0; j < m1->count; j++) {
            const float *row = from + ((m0->first + i) * grid->size[1] + m1->first + j) * grid->size[2] + m2->first;
            float part = 0.0f;
            for (size_t k = 0; k < m2->count; k++) { part += m2->c[k] * row[k]; }
            sum += m0->c[i] * m1->c[j] * part;
        }
    }
    return sum;
}

ptsne_status cpu_grid_restrict(pt_backend *be, const pt_grid *fine, const pt_buffer *from, const pt_grid *coarse,
                               const pt_buffer *to, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *charge = pt_cpu_floats(from);
    float *sums = pt_cpu_floats(to);
    const size_t *size = coarse->size;
#pragma omp parallel for num_threads(pt_cpu_threads(be, size[0]))
    for (size_t i = 0; i < size[0]; i++) {
        const meeting m0 = meet_fine(fine, coarse, 0, i);
        for (size_t j = 0; j < size[1]; j++) {
            const meeting m1 = meet_fine(fine, coarse, 1, j);
            for (size_t k = 0; k < size[2]; k++) {
                const meeting m2 = meet_fine(fine, coarse, 2, k);
                sums[(i * size[1] + j) * size[2] + k] = meeting_sum(fine, charge, &m0, &m1, &m2);
            }
        }
    }
    return PTSNE_OK;
}

ptsne_status cpu_grid_prolong(pt_backend *be, const pt_grid *coarse, const pt_buffer *from, const pt_grid *fine,
                              const pt_buffer *to, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *potential = pt_cpu_floats(from);
    float *sums = pt_cpu_floats(to);
    const size_t *size = fine->size;
#pragma omp parallel for num_threads(pt_cpu_threads(be, size[0]))
    for (size_t i = 0; i < size[0]; i++) {
        const meeting m0 = meet_coarse(fine, coarse, 0, i);
        for (size_t j = 0; j < size[1]; j++) {
            const meeting m1 = meet_coarse(fine, coarse, 1, j);
            for (size_t k = 0; k < size[2]; k++) {
                const meeting m2 = meet_coarse(fine, coarse, 2, k);
                sums[(i * size[1] + j) * size[2] + k] += meeting_sum(coarse, potential, &m0, &m1, &m2);
            }
        }
    }
    return PTSNE_OK;
}
