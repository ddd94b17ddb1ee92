/* The gradient of t-SNE over all pairs, and its loss (van der Maaten and Hinton, JMLR 2008), with w_ij = 1 / (1 + |y_i - y_j|^2)
 * and Z = sum of all w:
 *   gradient[i] = 4 (exaggeration sum_j p_ij w_ij (y_i - y_j) - sum_j w_ij^2 (y_i - y_j) / Z),
 *   loss = sum p_ij log(p_ij / w_ij) + log Z sum p_ij.
 * One pass over the pairs takes both sums of every row, its part of Z and of the loss; Z joins afterwards. */
#include "backend/cpu/level.h"

#include <float.h>
#include <math.h>

#include "backend/cpu/pairs.h"
#include "backend/cpu/vector_math.h"

typedef struct map_columns {
    float *y[3]; /* n each; with two columns the third is the second again */
} map_columns;

/* Sums of one row. */
typedef struct row_sums {
    double pull[3], push[3]; /* sum p w (y_i - y_j), sum w^2 (y_i - y_j) */
    double z, loss, p;       /* sum w, sum p log(p / w), sum p */
} row_sums;

/* Add points from .. to, at most PAIR_COLUMNS; the map comes by columns, p is the row's. d is a constant after inlining. */
static inline void add_range(const map_columns *map, const float *p, const float *y, size_t d, size_t from, size_t to,
                             row_sums *row)
{
    const float *x0 = map->y[0], *x1 = map->y[1], *x2 = map->y[2];
    const float y0 = y[0], y1 = y[1], y2 = d == 3 ? y[2] : 0.0f;
    float pull0 = 0.0f, pull1 = 0.0f, pull2 = 0.0f, push0 = 0.0f, push1 = 0.0f, push2 = 0.0f;
    float z = 0.0f, loss = 0.0f, p_sum = 0.0f;
#pragma omp simd reduction(+ : pull0, pull1, pull2, push0, push1, push2, z, loss, p_sum)
    for (size_t j = from; j < to; j++) {
        const float d0 = y0 - x0[j], d1 = y1 - x1[j], d2 = d == 3 ? y2 - x2[j] : 0.0f;
        const float inverse = 1.0f + d0 * d0 + d1 * d1 + (d == 3 ? d2 * d2 : 0.0f);
        const float w = 1.0f / inverse, pw = p[j] * w, w2 = w * w;
        const float ratio = p[j] * inverse;
        z += w;
        p_sum += p[j];
        loss += p[j] * cpu_log(ratio < FLT_MIN ? FLT_MIN : ratio); /* p of 0 adds 0 */
        pull0 += pw * d0;
        pull1 += pw * d1;
        push0 += w2 * d0;
        push1 += w2 * d1;
        if (d == 3) {
            pull2 += pw * d2;
            push2 += w2 * d2;
        }
    }
    row->pull[0] += (double)pull0, row->pull[1] += (double)pull1, row->pull[2] += (double)pull2;
    row->push[0] += (double)push0, row->push[1] += (double)push1, row->push[2] += (double)push2;
    row->z += (double)z, row->loss += (double)loss, row->p += (double)p_sum;
}

/* All of from .. to. */
static void add_columns(const map_columns *map, const float *p, const float *y, size_t d, size_t from, size_t to,
                        row_sums *row)
{
    for (; from < to; from += PAIR_COLUMNS) {
        const size_t end = to - from < PAIR_COLUMNS ? to : from + PAIR_COLUMNS;
        if (d == 2) {
            add_range(map, p, y, 2, from, end, row);
        } else {
            add_range(map, p, y, 3, from, end, row);
        }
    }
}

/* What lies in the scratch. */
typedef struct places {
    map_columns map;
    float *pull, *push;   /* n x d each */
    double *z, *loss, *p; /* n each */
} places;

static places places_in(float *scratch, size_t n, size_t d)
{
    double *doubles = pair_doubles(scratch);
    float *floats = (float *)(doubles + 3 * n);
    float *columns = floats + 2 * n * d;
    return (places){.map = {{columns, columns + n, columns + (d - 1) * n}},
                    .pull = floats,
                    .push = floats + n * d,
                    .z = doubles,
                    .loss = doubles + n,
                    .p = doubles + 2 * n};
}

/* The map by columns: a row of p is then read once from end to end. */
static void turn(const float *y, size_t n, size_t d, const map_columns *map)
{
    for (size_t c = 0; c < d; c++) {
        for (size_t i = 0; i < n; i++) { map->y[c][i] = y[i * d + c]; }
    }
}

static void sum_row(const float *p, const float *y, size_t n, size_t d, size_t i, const places *to)
{
    row_sums row = {0};
    add_columns(&to->map, p + i * n, y + i * d, d, 0, i, &row);
    add_columns(&to->map, p + i * n, y + i * d, d, i + 1, n, &row);
    for (size_t c = 0; c < d; c++) {
        to->pull[i * d + c] = (float)row.pull[c];
        to->push[i * d + c] = (float)row.push[c];
    }
    to->z[i] = row.z;
    to->loss[i] = row.loss;
    to->p[i] = row.p;
}

ptsne_status cpu_tsne_gradient(pt_backend *be, const pt_buffer *p, const pt_buffer *y, size_t n, size_t d,
                               float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                               const pt_buffer *loss, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const places sums = places_in(pt_cpu_floats(scratch), n, d);
    const size_t chunks = pt_ceil_div(n, PAIR_ROWS);
    turn(pt_cpu_floats(y), n, d, &sums.map);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) schedule(dynamic)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * PAIR_ROWS < n ? (c + 1) * PAIR_ROWS : n;
        for (size_t i = c * PAIR_ROWS; i < end; i++) { sum_row(pt_cpu_floats(p), pt_cpu_floats(y), n, d, i, &sums); }
    }
    double z = 0.0, total = 0.0, mass = 0.0;
    for (size_t i = 0; i < n; i++) {
        z += sums.z[i];
        total += sums.loss[i];
        mass += sums.p[i];
    }
    float *to = pt_cpu_floats(gradient);
    const double share = z > 0.0 ? 1.0 / z : 0.0;
    for (size_t t = 0; t < n * d; t++) {
        to[t] = (float)(4.0 * ((double)exaggeration * (double)sums.pull[t] - share * (double)sums.push[t]));
    }
    pt_cpu_floats(loss)[0] = (float)(z > 0.0 ? total + mass * log(z) : total);
    return PTSNE_OK;
}
