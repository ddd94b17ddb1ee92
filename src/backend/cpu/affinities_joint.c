/* joint[i][j] = (p[i][j] + p[j][i]) / (2 n). */
#include "backend/cpu/level.h"

#define TILE ((size_t)64)

/* The tile of rows i0 .. and columns j0 ..: its mirror image is read row by row and turned within the first cache. */
static void join_tile(const float *p, size_t n, size_t i0, size_t j0, float *joint)
{
    const size_t rows = n - i0 < TILE ? n - i0 : TILE, columns = n - j0 < TILE ? n - j0 : TILE;
    const float scale = 0.5f / (float)n;
    float mirror[TILE][TILE + 1]; /* one more, so that a column does not fall on one set of the cache */
    for (size_t j = 0; j < columns; j++) {
        const float *row = p + (j0 + j) * n + i0;
        for (size_t i = 0; i < rows; i++) { mirror[i][j] = row[i]; }
    }
    for (size_t i = 0; i < rows; i++) {
        const float *row = p + (i0 + i) * n + j0;
        float *to = joint + (i0 + i) * n + j0;
        for (size_t j = 0; j < columns; j++) { to[j] = (row[j] + mirror[i][j]) * scale; }
    }
}

ptsne_status cpu_affinities_joint(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint,
                                  ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t side = pt_ceil_div(n, TILE);
#pragma omp parallel for num_threads(pt_cpu_threads(be, side)) if (n > 128)
    for (size_t t = 0; t < side; t++) {
        for (size_t j0 = 0; j0 < n; j0 += TILE) { join_tile(pt_cpu_floats(p), n, t * TILE, j0, pt_cpu_floats(joint)); }
    }
    return PTSNE_OK;
}
