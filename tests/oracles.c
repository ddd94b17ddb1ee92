#include "oracles.h"

#include <math.h>
#include <string.h>

oracle_entry oracle_product(const pt_product_shape *shape, const float *a, const float *b, const float *c, size_t i,
                            size_t j)
{
    oracle_entry entry = {0};
    for (size_t l = 0; l < shape->k; l++) {
        const float left = shape->transpose_a ? a[l * shape->stride_a + i] : a[i * shape->stride_a + l];
        const float right = shape->transpose_b ? b[j * shape->stride_b + l] : b[l * shape->stride_b + j];
        const double term = (double)shape->alpha * (double)left * (double)right;
        entry.value += term;
        entry.terms += fabs(term);
    }
    if (shape->beta != 0.0f) {
        const double old = (double)shape->beta * (double)c[i * shape->stride_c + j];
        entry.value += old;
        entry.terms += fabs(old);
    }
    return entry;
}

double oracle_activation(pt_activation activation, double x)
{
    switch (activation) {
    case PT_LINEAR:
        return x;
    case PT_RELU:
        return x > 0.0 ? x : 0.0;
    case PT_ELU:
        return x > 0.0 ? x : expm1(x);
    case PT_TANH:
        return tanh(x);
    case PT_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    }
    return (double)NAN;
}

double oracle_activation_slope(pt_activation activation, double y)
{
    switch (activation) {
    case PT_LINEAR:
        return 1.0;
    case PT_RELU:
        return y > 0.0 ? 1.0 : 0.0;
    case PT_ELU:
        return y > 0.0 ? 1.0 : y + 1.0;
    case PT_TANH:
        return 1.0 - y * y;
    case PT_SIGMOID:
        return y * (1.0 - y);
    }
    return (double)NAN;
}

oracle_entry oracle_euclidean(const float *a, const float *b, size_t d)
{
    oracle_entry entry = {0};
    for (size_t l = 0; l < d; l++) {
        const double x = (double)a[l], y = (double)b[l];
        entry.value += (x - y) * (x - y);
        entry.terms += x * x + y * y;
    }
    return entry;
}

oracle_entry oracle_cosine(const float *a, const float *b, size_t d)
{
    double aa = 0.0, bb = 0.0, ab = 0.0;
    for (size_t l = 0; l < d; l++) {
        aa += (double)a[l] * (double)a[l];
        bb += (double)b[l] * (double)b[l];
        ab += (double)a[l] * (double)b[l];
    }
    return (oracle_entry){aa == 0.0 || bb == 0.0 ? 1.0 : 1.0 - ab / sqrt(aa * bb), 1.0};
}

oracle_entry oracle_manhattan(const float *a, const float *b, size_t d)
{
    double sum = 0.0;
    for (size_t l = 0; l < d; l++) { sum += fabs((double)a[l] - (double)b[l]); }
    return (oracle_entry){sum, sum};
}

double oracle_affinities(const float *d2, size_t k, size_t self, double beta, double *p)
{
    double least = (double)INFINITY, sum = 0.0, entropy = 0.0;
    for (size_t j = 0; j < k; j++) {
        if (j != self && (double)d2[j] < least) { least = (double)d2[j]; }
    }
    for (size_t j = 0; j < k; j++) {
        p[j] = j == self || !isfinite(d2[j]) ? 0.0 : exp(-beta * ((double)d2[j] - least));
        sum += p[j];
    }
    for (size_t j = 0; j < k; j++) {
        p[j] /= sum;
        if (p[j] > 0.0) { entropy -= p[j] * log2(p[j]); }
    }
    return entropy;
}

/* 1 / (1 + |y_i - y_j|^2). */
static double student(const float *y, size_t d, size_t i, size_t j)
{
    double square = 0.0;
    for (size_t c = 0; c < d; c++) {
        const double apart = (double)y[i * d + c] - (double)y[j * d + c];
        square += apart * apart;
    }
    return 1.0 / (1.0 + square);
}

double oracle_student_sum(const float *y, size_t n, size_t d, size_t i)
{
    double z = 0.0;
    for (size_t j = 0; j < n; j++) {
        if (j != i) { z += student(y, d, i, j); }
    }
    return z;
}

/* Add factor (y_i - y_j) to row i. */
static void add_force(const float *y, size_t d, size_t i, size_t j, double factor, double *gradient, double *terms)
{
    for (size_t c = 0; c < d; c++) {
        const double term = factor * ((double)y[i * d + c] - (double)y[j * d + c]);
        gradient[i * d + c] += term;
        terms[i * d + c] += fabs(term);
    }
}

oracle_entry oracle_tsne_gradient(const float *p, const float *y, size_t n, size_t d, double exaggeration,
                                  double *gradient, double *terms)
{
    double z = 0.0;
    oracle_entry loss = {0};
    memset(gradient, 0, n * d * sizeof *gradient);
    memset(terms, 0, n * d * sizeof *terms);
    for (size_t i = 0; i < n; i++) { z += oracle_student_sum(y, n, d, i); }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            const double w = student(y, d, i, j), share = (double)p[i * n + j];
            if (j == i) { continue; }
            add_force(y, d, i, j, 4.0 * exaggeration * share * w, gradient, terms);
            add_force(y, d, i, j, -4.0 * w / z * w, gradient, terms);
            if (share > 0.0) {
                loss.value += share * log(share / (w / z));
                loss.terms += share * (1.0 + fabs(log(share)) + fabs(log(w)) + fabs(log(z)));
            }
        }
    }
    return loss;
}

oracle_entry oracle_edges_gradient(const float *y, const uint32_t *sample, size_t m, size_t d, double exaggeration,
                                   double *gradient, double *terms)
{
    const size_t n = 2 * m;
    double z = 0.0;
    oracle_entry loss = {0};
    memset(gradient, 0, n * d * sizeof *gradient);
    memset(terms, 0, n * d * sizeof *terms);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            if (j % m != i % m && sample[i] != sample[j]) { z += student(y, d, i, j); }
        }
    }
    if (z < 1.0e-12) { z = 1.0e-12; }
    for (size_t i = 0; i < n; i++) {
        const size_t t = (i + m) % n;
        for (size_t j = 0; j < n; j++) {
            const double w = student(y, d, i, j);
            if (j % m != i % m && sample[i] != sample[j]) { add_force(y, d, i, j, -4.0 / z * w * w, gradient, terms); }
        }
        if (sample[i] == sample[t]) { continue; }
        const double w = student(y, d, i, t), scale = exaggeration / (double)m;
        add_force(y, d, i, t, 2.0 * scale * w, gradient, terms);
        if (i < m) { loss.value -= scale * log(w); }
    }
    loss.terms = 1.0 + fabs(loss.value) + fabs(log(z));
    loss.value += log(z);
    return loss;
}

/* |a - b|^2 / dof. */
static double apart(const float *a, const float *b, size_t d, double dof)
{
    double square = 0.0;
    for (size_t c = 0; c < d; c++) { square += ((double)a[c] - (double)b[c]) * ((double)a[c] - (double)b[c]); }
    return square / dof;
}

oracle_entry oracle_attraction(const uint32_t *row, const uint32_t *column, const float *p, const float *y,
                               const float *to, size_t m, size_t d, double dof, double *force, double *terms)
{
    oracle_entry loss = {0};
    memset(force, 0, m * d * sizeof *force);
    memset(terms, 0, m * d * sizeof *terms);
    for (size_t i = 0; i < m; i++) {
        for (size_t e = row[i]; e < row[i + 1]; e++) {
            const float *a = y + i * d, *b = to + column[e] * d;
            const double x = apart(a, b, d, dof), pull = (double)p[e] / (1.0 + x);
            for (size_t c = 0; c < d; c++) {
                force[i * d + c] += pull * ((double)a[c] - (double)b[c]);
                terms[i * d + c] += pull * fabs((double)a[c] - (double)b[c]);
            }
            loss.value += (double)p[e] * 0.5 * (dof + 1.0) * log1p(x);
        }
    }
    loss.terms = loss.value;
    return loss;
}

double oracle_repulsion(const float *y, const float *to, size_t n, size_t d, double dof, double *force, double *terms)
{
    double potential = 0.0;
    memset(force, 0, d * sizeof *force);
    memset(terms, 0, d * sizeof *terms);
    for (size_t j = 0; j < n; j++) {
        const double u = 1.0 + apart(y, to + j * d, d, dof), kernel = pow(u, -0.5 * (dof + 1.0));
        for (size_t c = 0; c < d; c++) {
            const double term = kernel / u * ((double)y[c] - (double)to[j * d + c]);
            force[c] += term;
            terms[c] += fabs(term);
        }
        potential += kernel;
    }
    return potential;
}

static int sign(double x)
{
    return (x > 0.0) - (x < 0.0);
}

double oracle_velocity(const pt_descent *by, double gradient, double velocity, double *gain)
{
    const double changed = sign(gradient) == sign(velocity) ? *gain * 0.8 : *gain + 0.2;
    *gain = changed < (double)by->least_gain ? (double)by->least_gain : changed;
    return (double)by->momentum * velocity - (double)by->learning_rate * *gain * gradient;
}

/* ---- grids ---- */

/* The B-spline of an order with knots 0, 1 .. order (de Boor, A Practical Guide to Splines, 1978). */
static double spline_at(size_t order, double x)
{
    if (order == 1) { return x >= 0.0 && x < 1.0 ? 1.0 : 0.0; }
    return (x * spline_at(order - 1, x) + ((double)order - x) * spline_at(order - 1, x - 1.0)) / (double)(order - 1);
}

/* The central one at u, or its derivative. */
static double central_spline(size_t order, double u, bool slope)
{
    const double x = u + 0.5 * (double)order;
    return slope ? spline_at(order - 1, x) - spline_at(order - 1, x - 1.0) : spline_at(order, x);
}

/* Nodes from a point to node t, along each axis. */
static void nodes_apart(const pt_grid *grid, const float *y, size_t t, double u[3])
{
    const size_t at[3] = {t / (grid->size[1] * grid->size[2]), t / grid->size[2] % grid->size[1], t % grid->size[2]};
    for (size_t a = 0; a < 3; a++) {
        u[a] = a < grid->d ? ((double)y[a] - (double)grid->origin[a]) / (double)grid->spacing - (double)at[a] : 0.0;
    }
}

static bool reached(const double u[3])
{
    const double reach = 0.5 * (double)PT_GRID_ORDER + 1.0e-3;
    return fabs(u[0]) < reach && fabs(u[1]) < reach && fabs(u[2]) < reach;
}

/* The nodes that may reach a point, in the order of the grid: all others are too far along some axis. Returns how many. */
#define NEAR_SIDE ((size_t)PT_GRID_ORDER + 4)
static size_t nodes_near(const pt_grid *grid, const float *y, size_t list[NEAR_SIDE * NEAR_SIDE * NEAR_SIDE])
{
    size_t least[3] = {0, 0, 0}, end[3] = {1, 1, 1}, at[3], count = 0;
    for (size_t a = 0; a < grid->d; a++) {
        const double place = ((double)y[a] - (double)grid->origin[a]) / (double)grid->spacing;
        const double low = floor(place) - 0.5 * (double)PT_GRID_ORDER - 1.0, high = low + (double)NEAR_SIDE;
        least[a] = low > 0.0 ? (size_t)low : 0;
        end[a] = high < (double)grid->size[a] ? (size_t)high : grid->size[a];
    }
    for (at[0] = least[0]; at[0] < end[0]; at[0]++) {
        for (at[1] = least[1]; at[1] < end[1]; at[1]++) {
            for (at[2] = least[2]; at[2] < end[2]; at[2]++) {
                list[count++] = (at[0] * grid->size[1] + at[1]) * grid->size[2] + at[2];
            }
        }
    }
    return count;
}

void oracle_grid_spread(const pt_grid *grid, const float *y, size_t n, double *charge, double *near)
{
    size_t list[NEAR_SIDE * NEAR_SIDE * NEAR_SIDE];
    double u[3];
    for (size_t t = 0; t < pt_grid_nodes(grid); t++) { charge[t] = near[t] = 0.0; }
    for (size_t i = 0; i < n; i++) {
        const size_t count = nodes_near(grid, y + i * grid->d, list);
        for (size_t l = 0; l < count; l++) {
            nodes_apart(grid, y + i * grid->d, list[l], u);
            if (!reached(u)) { continue; }
            double weight = 1.0;
            for (size_t a = 0; a < grid->d; a++) { weight *= central_spline(PT_GRID_ORDER, u[a], false); }
            charge[list[l]] += weight;
            near[list[l]] += 1.0;
        }
    }
}

oracle_entry oracle_grid_read(const pt_grid *grid, const float *values, const float *y, double *slope)
{
    size_t list[NEAR_SIDE * NEAR_SIDE * NEAR_SIDE];
    oracle_entry psi = {0};
    double u[3];
    slope[0] = slope[1] = slope[2] = 0.0;
    const size_t count = nodes_near(grid, y, list);
    for (size_t l = 0; l < count; l++) {
        nodes_apart(grid, y, list[l], u);
        if (!reached(u)) { continue; }
        double value = (double)values[list[l]];
        psi.terms += fabs(value);
        for (size_t a = 0; a < grid->d; a++) { value *= central_spline(PT_GRID_ORDER, u[a], false); }
        psi.value += value;
        for (size_t a = 0; a < grid->d; a++) {
            double part = (double)values[list[l]] / (double)grid->spacing;
            for (size_t b = 0; b < grid->d; b++) { part *= central_spline(PT_GRID_ORDER, u[b], a == b); }
            slope[a] += part;
        }
    }
    return psi;
}

/* The two-scale coefficient between coarser node J and finer node i along axis a. */
static double two_scale(const pt_grid *fine, const pt_grid *coarse, size_t a, size_t J, size_t i)
{
    static const double row4[] = {1, 4, 6, 4, 1}, row6[] = {1, 6, 15, 20, 15, 6, 1}; /* Pascal's triangle */
    const long half = (long)PT_GRID_ORDER / 2, k = (long)i - 2 * ((long)J - (long)coarse->margin) + half;
    if (a >= fine->d) { return 1.0; }
    if (k < 0 || k > 2 * half) { return 0.0; }
    return PT_GRID_ORDER == 4 ? row4[k] / 8.0 : row6[k] / 32.0;
}

/* Node t of a grid along each axis. */
static void node_place(const pt_grid *grid, size_t t, size_t at[3])
{
    at[0] = t / (grid->size[1] * grid->size[2]);
    at[1] = t / grid->size[2] % grid->size[1];
    at[2] = t % grid->size[2];
}

/* Every pair of a coarser and a finer node adds its product to the one side or the other. */
static void two_scale_sums(const pt_grid *fine, const pt_grid *coarse, const float *from, bool down, double *to,
                           double *terms)
{
    size_t J[3], i[3];
    for (size_t c = 0; c < pt_grid_nodes(coarse); c++) {
        node_place(coarse, c, J);
        for (i[0] = 0; i[0] < fine->size[0]; i[0]++) {
            const double c0 = two_scale(fine, coarse, 0, J[0], i[0]);
            for (i[1] = 0; i[1] < fine->size[1] && c0 > 0.0; i[1]++) {
                const double c1 = c0 * two_scale(fine, coarse, 1, J[1], i[1]);
                for (i[2] = 0; i[2] < fine->size[2] && c1 > 0.0; i[2]++) {
                    const size_t f = (i[0] * fine->size[1] + i[1]) * fine->size[2] + i[2];
                    const double part =
                        c1 * two_scale(fine, coarse, 2, J[2], i[2]) * (double)(down ? from[c] : from[f]);
                    to[down ? f : c] += part;
                    terms[down ? f : c] += fabs(part);
                }
            }
        }
    }
}

void oracle_grid_restrict(const pt_grid *fine, const float *from, const pt_grid *coarse, double *to, double *terms)
{
    for (size_t c = 0; c < pt_grid_nodes(coarse); c++) { to[c] = terms[c] = 0.0; }
    two_scale_sums(fine, coarse, from, false, to, terms);
}

void oracle_grid_prolong(const pt_grid *coarse, const float *from, const pt_grid *fine, const float *before, double *to,
                         double *terms)
{
    for (size_t f = 0; f < pt_grid_nodes(fine); f++) {
        to[f] = (double)before[f];
        terms[f] = fabs(to[f]);
    }
    two_scale_sums(fine, coarse, from, true, to, terms);
}

/* The kernel between two nodes. */
static double kernel_between(const pt_grid *grid, const pt_grid_kernel *kernel, const size_t a[3], const size_t b[3])
{
    double sum = 0.0;
    for (size_t k = 0; k < PT_GRID_TERMS; k++) {
        double part = (double)kernel->weight[k];
        for (size_t c = 0; c < grid->d; c++) {
            part *= (double)kernel->tap[k][a[c] > b[c] ? a[c] - b[c] : b[c] - a[c]];
        }
        sum += part;
    }
    return sum;
}

void oracle_grid_convolve(const pt_grid *grid, const pt_grid_kernel *kernel, const float *charge, double *to,
                          double *terms)
{
    const size_t reach = kernel->reach;
    size_t a[3], b[3], least[3], end[3];
    for (size_t t = 0; t < pt_grid_nodes(grid); t++) {
        to[t] = terms[t] = 0.0;
        node_place(grid, t, a);
        for (size_t c = 0; c < 3; c++) {
            least[c] = a[c] > reach ? a[c] - reach : 0;
            end[c] = a[c] + reach + 1 < grid->size[c] ? a[c] + reach + 1 : grid->size[c];
        }
        for (b[0] = least[0]; b[0] < end[0]; b[0]++) {
            for (b[1] = least[1]; b[1] < end[1]; b[1]++) {
                for (b[2] = least[2]; b[2] < end[2]; b[2]++) {
                    const size_t s = (b[0] * grid->size[1] + b[1]) * grid->size[2] + b[2];
                    const double part = kernel_between(grid, kernel, a, b) * (double)charge[s];
                    to[t] += part;
                    terms[t] += fabs(part);
                }
            }
        }
    }
}
