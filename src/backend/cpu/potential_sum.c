/* z[0] = sum_i (potential[i] - self), in float64: potentials are near n where the map is small, and their sum has 2^40. */
#include "backend/cpu/level.h"

#include <float.h>

#include "backend/cpu/pairs.h"

#define LEAST_CHUNK ((size_t)4096)

ptsne_status cpu_potential_sum(pt_backend *be, const pt_buffer *potential, size_t n, float self,
                               const pt_buffer *scratch, const pt_buffer *z, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *psi = pt_cpu_floats(potential);
    double *parts = pair_doubles(pt_cpu_floats(scratch));
    const size_t step = pair_chunk(n, LEAST_CHUNK), chunks = pt_ceil_div(n, step);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * step < n ? (c + 1) * step : n;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (size_t i = c * step; i < end; i++) { sum += (double)psi[i] - (double)self; }
        parts[c] = sum;
    }
    double total = 0.0;
    for (size_t c = 0; c < chunks; c++) { total += parts[c]; }
    pt_cpu_floats(z)[0] = total < (double)FLT_MIN ? FLT_MIN : (float)total;
    return PTSNE_OK;
}
