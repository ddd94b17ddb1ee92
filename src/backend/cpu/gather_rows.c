/* out[i][:] = x[a[i]][:] + t[i] (x[b[i]][:] - x[a[i]][:]), or x[a[i]][:] alone. */
#include "backend/cpu/level.h"

#include <string.h>

#define ROWS ((size_t)16) /* of one chunk */

ptsne_status cpu_gather_rows(pt_backend *be, const pt_buffer *x, size_t rows, size_t d, const pt_buffer *a,
                             const pt_buffer *b, const pt_buffer *t, size_t n, const pt_buffer *out, ptsne_error *err)
{
    (void)rows, (void)err; /* nothing here can fail */
    const float *from = pt_cpu_floats(x);
    float *to = pt_cpu_floats(out);
    const uint32_t *first = pt_cpu_words(a), *second = b == NULL ? NULL : pt_cpu_words(b);
    const float *share = t == NULL ? NULL : pt_cpu_floats(t);
    const size_t chunks = pt_ceil_div(n, ROWS);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (n * d > 16384)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * ROWS < n ? (c + 1) * ROWS : n;
        for (size_t i = c * ROWS; i < end; i++) {
            const float *p = from + (size_t)first[i] * d;
            float *restrict row = to + i * d;
            if (second == NULL) {
                memcpy(row, p, d * sizeof(float));
                continue;
            }
            const float *q = from + (size_t)second[i] * d;
            const float s = share[i];
            for (size_t j = 0; j < d; j++) { row[j] = p[j] + s * (q[j] - p[j]); }
        }
    }
    return PTSNE_OK;
}
