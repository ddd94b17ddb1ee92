/* The edges of a sparse P pull: w_e = (1 + d_e^2 / dof)^-1,
 *   force[i] = sum_e p_e w_e (y_i - to_j), loss = sum_e p_e (dof + 1) / 2 log(1 + d_e^2 / dof). */
#include "backend/cpu/level.h"

#include "backend/cpu/pairs.h"
#include "backend/cpu/vector_math.h"

#define LEAST_CHUNK ((size_t)64)
#define BLOCK       ((size_t)1024) /* entries of a row that are summed in float32 */

/* What all rows share. */
typedef struct pull {
    const uint32_t *row, *column;
    const float *p, *to;
    float inverse_dof;
} pull;

typedef struct pulled {
    double force[3], loss;
} pulled;

/* log(u) of u = 1 + x, which was rounded: with what the rounding took, to full accuracy where x is small. */
static inline float log_above(float u, float x, float w)
{
    return cpu_log(u) + (x - (u - 1.0f)) * w;
}

/* Entries from .. end of a row at y; d and whether a loss is wanted are constants after inlining. */
static inline void pull_block(const pull *of, const float *y, size_t d, bool loss, size_t from, size_t end,
                              pulled *sums)
{
    const uint32_t *column = of->column;
    const float *p = of->p, *to = of->to, inverse_dof = of->inverse_dof;
    const float y0 = y[0], y1 = y[1], y2 = d == 3 ? y[2] : 0.0f;
    float f0 = 0.0f, f1 = 0.0f, f2 = 0.0f, cost = 0.0f;
#pragma omp simd reduction(+ : f0, f1, f2, cost)
    for (size_t e = from; e < end; e++) {
        const float *other = to + (size_t)column[e] * d;
        const float d0 = y0 - other[0], d1 = y1 - other[1], d2 = d == 3 ? y2 - other[2] : 0.0f;
        const float x = (d0 * d0 + d1 * d1 + (d == 3 ? d2 * d2 : 0.0f)) * inverse_dof;
        const float u = 1.0f + x, w = 1.0f / u, force = p[e] * w;
        f0 += force * d0;
        f1 += force * d1;
        if (d == 3) { f2 += force * d2; }
        if (loss) { cost += p[e] * log_above(u, x, w); }
    }
    sums->force[0] += (double)f0, sums->force[1] += (double)f1, sums->force[2] += (double)f2;
    sums->loss += (double)cost;
}

static void pull_any(const pull *of, const float *y, size_t d, bool loss, size_t from, size_t end, pulled *sums)
{
    if (d == 2 && !loss) {
        pull_block(of, y, 2, false, from, end, sums);
    } else if (d == 2) {
        pull_block(of, y, 2, true, from, end, sums);
    } else if (!loss) {
        pull_block(of, y, 3, false, from, end, sums);
    } else {
        pull_block(of, y, 3, true, from, end, sums);
    }
}

/* Rows first .. end; the sum of their p log(..) comes back. */
static double pull_rows(const pull *of, const float *y, size_t d, bool loss, size_t first, size_t end, float *force)
{
    double total = 0.0;
    for (size_t i = first; i < end; i++) {
        pulled sums = {{0}, 0.0};
        for (size_t from = of->row[i]; from < of->row[i + 1]; from += BLOCK) {
            const size_t left = of->row[i + 1] - from;
            pull_any(of, y + i * d, d, loss, from, from + (left < BLOCK ? left : BLOCK), &sums);
        }
        for (size_t c = 0; c < d; c++) { force[i * d + c] = (float)sums.force[c]; }
        total += sums.loss;
    }
    return total;
}

ptsne_status cpu_attraction(pt_backend *be, const pt_edges *edges, const pt_buffer *y, const pt_buffer *to, size_t d,
                            float dof, const pt_buffer *scratch, const pt_buffer *force, const pt_buffer *loss,
                            ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const pull of = {
        .row = pt_cpu_words(&edges->row),
        .column = pt_cpu_words(&edges->column),
        .p = pt_cpu_floats(&edges->p),
        .to = pt_cpu_floats(to),
        .inverse_dof = 1.0f / dof,
    };
    const size_t m = edges->m, step = pair_chunk(m, LEAST_CHUNK), chunks = (m + step - 1) / step;
    double *parts = pair_doubles(pt_cpu_floats(scratch)), total = 0.0;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) schedule(dynamic)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * step < m ? (c + 1) * step : m;
        parts[c] = pull_rows(&of, pt_cpu_floats(y), d, loss != NULL, c * step, end, pt_cpu_floats(force));
    }
    if (loss == NULL) { return PTSNE_OK; }
    for (size_t c = 0; c < chunks; c++) { total += parts[c]; }
    pt_cpu_floats(loss)[0] = (float)(total * 0.5 * ((double)dof + 1.0));
    return PTSNE_OK;
}
