#include "analysis/eigen.h"

#include <math.h>

/* Rotate rows p and q of m (n columns): (p, q) := (c p - s q, s p + c q). */
static void rotate_rows(double *m, size_t n, size_t p, size_t q, double c, double s)
{
    double *a = m + p * n, *b = m + q * n;
    for (size_t j = 0; j < n; j++) {
        const double x = a[j], y = b[j];
        a[j] = c * x - s * y;
        b[j] = s * x + c * y;
    }
}

/* Zero a[p][q] by a rotation of both sides; Golub and Van Loan, Matrix Computations, section 8.5. */
static void rotate(double *a, double *vector, size_t n, size_t p, size_t q)
{
    const double theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
    const double t = (theta >= 0.0 ? 1.0 : -1.0) / (fabs(theta) + sqrt(1.0 + theta * theta));
    const double c = 1.0 / sqrt(1.0 + t * t), s = t * c;
    rotate_rows(a, n, p, q, c, s);
    for (size_t i = 0; i < n; i++) {
        const double x = a[i * n + p], y = a[i * n + q];
        a[i * n + p] = c * x - s * y;
        a[i * n + q] = s * x + c * y;
    }
    rotate_rows(vector, n, p, q, c, s);
}

static double above_diagonal(const double *a, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) { sum += a[i * n + j] * a[i * n + j]; }
    }
    return sum;
}

static void swap_rows(double *value, double *vector, size_t n, size_t i, size_t j)
{
    const double kept = value[i];
    value[i] = value[j];
    value[j] = kept;
    for (size_t t = 0; t < n; t++) {
        const double x = vector[i * n + t];
        vector[i * n + t] = vector[j * n + t];
        vector[j * n + t] = x;
    }
}

void pt_eigen_symmetric(double *a, size_t n, double *value, double *vector)
{
    double whole = 2.0 * above_diagonal(a, n);
    for (size_t i = 0; i < n; i++) {
        whole += a[i * n + i] * a[i * n + i];
        for (size_t j = 0; j < n; j++) { vector[i * n + j] = i == j ? 1.0 : 0.0; }
    }
    /* Converges quadratically: 6 to 10 sweeps; the bound is for what rounding keeps from falling further. */
    for (int sweep = 0; sweep < 40 && above_diagonal(a, n) > 1e-30 * whole; sweep++) {
        for (size_t p = 0; p < n; p++) {
            for (size_t q = p + 1; q < n; q++) {
                const double small = 1e-18 * sqrt(fabs(a[p * n + p] * a[q * n + q]));
                if (fabs(a[p * n + q]) > small && a[p * n + q] != 0.0) { rotate(a, vector, n, p, q); }
            }
        }
    }
    for (size_t i = 0; i < n; i++) { value[i] = a[i * n + i]; }
    for (size_t i = 0; i < n; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < n; j++) {
            if (value[j] > value[best]) { best = j; }
        }
        if (best != i) { swap_rows(value, vector, n, i, best); }
    }
}

static double length(const double *row, size_t d)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < d; j++) { sum += row[j] * row[j]; }
    return sqrt(sum);
}

/* Take one orthonormal row out of another. */
static void take_one(const double *v, size_t d, double *row)
{
    double share = 0.0;
#pragma omp simd reduction(+ : share)
    for (size_t j = 0; j < d; j++) { share += v[j] * row[j]; }
    for (size_t j = 0; j < d; j++) { row[j] -= share * v[j]; }
}

/* Take four out at once: a third of the time, for the row is read once for four. */
static void take_four(const double *v, size_t d, double *row)
{
    const double *v0 = v, *v1 = v + d, *v2 = v + 2 * d, *v3 = v + 3 * d;
    double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
    for (size_t j = 0; j < d; j++) {
        s0 += v0[j] * row[j];
        s1 += v1[j] * row[j];
        s2 += v2[j] * row[j];
        s3 += v3[j] * row[j];
    }
    for (size_t j = 0; j < d; j++) { row[j] -= s0 * v0[j] + s1 * v1[j] + s2 * v2[j] + s3 * v3[j]; }
}

/* Take the earlier rows out of row i, twice; what is left, as a share of what there was. */
static double project(double *v, size_t i, size_t d)
{
    double *row = v + i * d;
    const double before = length(row, d);
    for (int time = 0; time < 2; time++) {
        size_t e = 0;
        for (; e + 4 <= i; e += 4) { take_four(v + e * d, d, row); }
        for (; e < i; e++) { take_one(v + e * d, d, row); }
    }
    const double after = length(row, d);
    if (!(before > 0.0) || !(after > 0.0)) { return 0.0; }
    for (size_t j = 0; j < d; j++) { row[j] /= after; }
    return after / before;
}

void pt_orthonormalize(double *v, size_t rows, size_t d, pt_random *random)
{
    for (size_t i = 0; i < rows; i++) {
        /* below this share what is left is rounding: of the float32 products that made the row */
        while (project(v, i, d) < 1e-12) {
            for (size_t j = 0; j < d; j++) { v[i * d + j] = (double)pt_random_normal(random); }
        }
    }
}
