/* joint[i][j] = (p[i][j] + p[j][i]) / (2 n). */
#include "backend/cpu/level.h"

#define TILE ((size_t)64)

/* Rows i0 .. i1 and columns j0 .. j1: a tile of p and the transposed one both fit the first cache. */
static void join_tile(const float *p, size_t n, size_t i0, size_t j0, float *joint)
{
    const size_t i1 = i0 + TILE < n ? i0 + TILE : n, j1 = j0 + TILE < n ? j0 + TILE : n;
    const float scale = 0.5f / (float)n;
    for (size_t i = i0; i < i1; i++) {
        for (size_t j = j0; j < j1; j++) { joint[i * n + j] = (p[i * n + j] + p[j * n + i]) * scale; }
    }
}

ptsne_status cpu_affinities_joint(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint,
                                  ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t side = (n + TILE - 1) / TILE;
#pragma omp parallel for num_threads(pt_cpu_threads(be, side)) if (n > 128)
    for (size_t t = 0; t < side; t++) {
        for (size_t j0 = 0; j0 < n; j0 += TILE) { join_tile(pt_cpu_floats(p), n, t * TILE, j0, pt_cpu_floats(joint)); }
    }
    return PTSNE_OK;
}
