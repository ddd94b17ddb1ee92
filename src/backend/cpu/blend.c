/* y = alpha x + beta y. */
#include "backend/cpu/level.h"

#define CHUNK ((size_t)32768) /* elements of one chunk */

ptsne_status cpu_blend(pt_backend *be, float alpha, const pt_buffer *x, float beta, const pt_buffer *y,
                       ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *from = pt_cpu_floats(x);
    float *to = pt_cpu_floats(y);
    const size_t count = y->count, chunks = pt_ceil_div(count, CHUNK);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * CHUNK < count ? (c + 1) * CHUNK : count;
        if (beta == 0.0f) {
            for (size_t t = c * CHUNK; t < end; t++) { to[t] = alpha * from[t]; }
        } else {
            for (size_t t = c * CHUNK; t < end; t++) { to[t] = alpha * from[t] + beta * to[t]; }
        }
    }
    return PTSNE_OK;
}
