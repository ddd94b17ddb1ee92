/* All pairs of y and `to`, K(r) = (1 + r^2 / dof)^(-(dof + 1) / 2):
 *   potential[i] = sum_j K(|y_i - to_j|), force[i] = sum_j K (1 + d^2 / dof)^-1 (y_i - to_j).
 *
 * With AVX-512 the inner loop for dof 1 is written by hand for its reciprocal: the compiler divides, which takes twice the time. */
#include "backend/cpu/level.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#define BY_HAND 1
#else
#define BY_HAND 0
#endif

#include "backend/cpu/pairs.h"
#include "backend/cpu/vector_math.h"

typedef struct pushed {
    double force[3], potential;
} pushed;

/* Add a block's push on one row; d and whether dof is 1 are constants after inlining. */
static inline void add_block(const pair_block *block, const float *y, size_t d, bool plain, float dof, pushed *row)
{
    const float y0 = y[0], y1 = y[1], y2 = d == 3 ? y[2] : 0.0f;
    const float inverse_dof = 1.0f / dof, power = -0.5f * (dof + 1.0f);
    float f0 = 0.0f, f1 = 0.0f, f2 = 0.0f, psi = 0.0f;
#pragma omp simd reduction(+ : f0, f1, f2, psi)
    for (size_t j = 0; j < block->n; j++) {
        const float d0 = y0 - block->y[0][j], d1 = y1 - block->y[1][j];
        const float d2 = d == 3 ? y2 - block->y[2][j] : 0.0f;
        const float square = d0 * d0 + d1 * d1 + (d == 3 ? d2 * d2 : 0.0f);
        const float u = plain ? 1.0f + square : 1.0f + square * inverse_dof;
        const float w = 1.0f / u, kernel = plain ? w : cpu_exp(power * cpu_log(u));
        const float push = kernel * w;
        psi += kernel;
        f0 += push * d0;
        f1 += push * d1;
        if (d == 3) { f2 += push * d2; }
    }
    row->force[0] += (double)f0, row->force[1] += (double)f1, row->force[2] += (double)f2;
    row->potential += (double)psi;
}

#if BY_HAND

#define LANES ((size_t)16)
#define AWAY  1.0e18f /* so far that K is nothing, and its square still a float */

/* Fill a block's last vector with points that do not push. */
static void pad(pair_block *block)
{
    for (size_t c = 0; c < 3; c++) {
        for (size_t j = block->n; j % LANES != 0; j++) { block->y[c][j] = AWAY; }
    }
}

#define TOGETHER                                                                                                       \
    ((size_t)4) /* rows: one row's chain of operations is too long for the core to overlap with the next vector's */

#define EACH_ROW for (size_t r = 0; r < TOGETHER; r++)

/* add_block for dof 1 and TOGETHER rows, each operation for all of them before the next. */
static inline void add_together(const pair_block *block, const float *const *y, size_t d, pushed *const *row)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    __m512 f[3][TOGETHER], psi[TOGETHER], apart[3][TOGETHER], u[TOGETHER], w[TOGETHER];
    EACH_ROW
    {
        f[0][r] = f[1][r] = f[2][r] = psi[r] = _mm512_setzero_ps();
    }
    for (size_t j = 0; j < block->n; j += LANES) {
        for (size_t c = 0; c < d; c++) {
            const __m512 other = _mm512_loadu_ps(&block->y[c][j]);
            EACH_ROW
            {
                apart[c][r] = _mm512_sub_ps(_mm512_set1_ps(y[r][c]), other);
            }
        }
        EACH_ROW
        {
            u[r] = _mm512_fmadd_ps(apart[0][r], apart[0][r], one);
        }
        for (size_t c = 1; c < d; c++) {
            EACH_ROW
            {
                u[r] = _mm512_fmadd_ps(apart[c][r], apart[c][r], u[r]);
            }
        }
        EACH_ROW
        {
            w[r] = _mm512_rcp14_ps(u[r]);
        } /* and one step of Newton's method */
        EACH_ROW
        {
            u[r] = _mm512_fnmadd_ps(u[r], w[r], one);
        }
        EACH_ROW
        {
            w[r] = _mm512_fmadd_ps(w[r], u[r], w[r]);
        }
        EACH_ROW
        {
            psi[r] = _mm512_add_ps(psi[r], w[r]);
        }
        EACH_ROW
        {
            w[r] = _mm512_mul_ps(w[r], w[r]);
        }
        for (size_t c = 0; c < d; c++) {
            EACH_ROW
            {
                f[c][r] = _mm512_fmadd_ps(w[r], apart[c][r], f[c][r]);
            }
        }
    }
    EACH_ROW
    {
        for (size_t c = 0; c < d; c++) { row[r]->force[c] += (double)_mm512_reduce_add_ps(f[c][r]); }
        row[r]->potential += (double)_mm512_reduce_add_ps(psi[r]);
    }
}

/* add_block for dof 1 and all rows; where they end, some are computed twice. */
static inline void add_plain(const pair_block *block, const float *y, size_t rows, size_t d, pushed *row)
{
    pushed none;
    for (size_t i = 0; i < rows; i += TOGETHER) {
        const float *at[TOGETHER];
        pushed *to[TOGETHER];
        EACH_ROW
        {
            at[r] = y + (i + r < rows ? i + r : i) * d;
            to[r] = i + r < rows ? &row[i + r] : &none;
        }
        none = (pushed){{0}, 0.0};
        add_together(block, at, d, to);
    }
}

#else

static inline void pad(pair_block *block)
{
    (void)block; /* loops end where the block does */
}

static inline void add_plain(const pair_block *block, const float *y, size_t rows, size_t d, pushed *row)
{
    for (size_t i = 0; i < rows; i++) { add_block(block, y + i * d, d, true, 1.0f, &row[i]); }
}

#endif

static inline void add_any(const pair_block *block, const float *y, size_t rows, size_t d, float dof, pushed *row)
{
    for (size_t i = 0; i < rows; i++) { add_block(block, y + i * d, d, false, dof, &row[i]); }
}

static void add(const pair_block *block, const float *y, size_t rows, size_t d, float dof, pushed *row)
{
    if (d == 2 && dof == 1.0f) {
        add_plain(block, y, rows, 2, row);
    } else if (d == 2) {
        add_any(block, y, rows, 2, dof, row);
    } else if (dof == 1.0f) {
        add_plain(block, y, rows, 3, row);
    } else {
        add_any(block, y, rows, 3, dof, row);
    }
}

/* Rows of y, PAIR_ROWS at most, against all points. */
static void push_rows(const float *y, size_t rows, const float *to, size_t n, size_t d, float dof, float *force,
                      float *potential)
{
    pushed row[PAIR_ROWS] = {{{0}, 0.0}};
    pair_block block;
    for (size_t from = 0; from < n; from += PAIR_COLUMNS) {
        pair_block_load(to, d, from, n - from < PAIR_COLUMNS ? n - from : PAIR_COLUMNS, &block);
        pad(&block);
        add(&block, y, rows, d, dof, row);
    }
    for (size_t i = 0; i < rows; i++) {
        for (size_t c = 0; c < d; c++) { force[i * d + c] = (float)row[i].force[c]; }
        potential[i] = (float)row[i].potential;
    }
}

ptsne_status cpu_repulsion(pt_backend *be, const pt_buffer *y, size_t m, const pt_buffer *to, size_t n, size_t d,
                           float dof, const pt_buffer *force, const pt_buffer *potential, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const size_t chunks = pt_ceil_div(m, PAIR_ROWS);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) schedule(dynamic)
    for (size_t c = 0; c < chunks; c++) {
        const size_t first = c * PAIR_ROWS, rows = m - first < PAIR_ROWS ? m - first : PAIR_ROWS;
        push_rows(pt_cpu_floats(y) + first * d, rows, pt_cpu_floats(to), n, d, dof, pt_cpu_floats(force) + first * d,
                  pt_cpu_floats(potential) + first);
    }
    return PTSNE_OK;
}
