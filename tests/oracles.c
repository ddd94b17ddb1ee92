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
