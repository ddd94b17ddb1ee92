/* The float64 oracles: each op from its formula in the paper, entry by entry, with the sums of |terms| that a bound needs. */
#ifndef TESTS_ORACLES_H
#define TESTS_ORACLES_H

#include "backend/backend.h"

/* An entry, and the size of what was added to get it. */
typedef struct oracle_entry {
    double value, terms;
} oracle_entry;

/* Entry i, j of alpha op(a) op(b) + beta c. */
oracle_entry oracle_product(const pt_product_shape *shape, const float *a, const float *b, const float *c, size_t i,
                            size_t j);

double oracle_activation(pt_activation activation, double x);
/* Its derivative, told from the result y. */
double oracle_activation_slope(pt_activation activation, double y);

/* Of two rows of d; terms is what the error scales with: |a|^2 + |b|^2, 1, or the distance. */
oracle_entry oracle_euclidean(const float *a, const float *b, size_t d);
oracle_entry oracle_cosine(const float *a, const float *b, size_t d);
oracle_entry oracle_manhattan(const float *a, const float *b, size_t d);

/* Affinities of one row at a given beta, `self` (k: none) left out: p sums to 1; the entropy in bits is returned. */
double oracle_affinities(const float *d2, size_t k, size_t self, double beta, double *p);

/* z of row i of the map. */
double oracle_student_sum(const float *y, size_t n, size_t d, size_t i);

/* gradient, terms n x d (terms: the sums of |terms|); the loss is returned with its own. */
oracle_entry oracle_tsne_gradient(const float *p, const float *y, size_t n, size_t d, double exaggeration,
                                  double *gradient, double *terms);
oracle_entry oracle_edges_gradient(const float *y, const uint32_t *sample, size_t m, size_t d, double exaggeration,
                                   double *gradient, double *terms);

/* Of the parts of the gradient at any dof: force, terms m x d, the columns of edges being points of `to`; the loss is returned. */
oracle_entry oracle_attraction(const uint32_t *row, const uint32_t *column, const float *p, const float *y,
                               const float *to, size_t m, size_t d, double dof, double *force, double *terms);
/* The potential of one point against n points of `to`; force, terms d. */
double oracle_repulsion(const float *y, const float *to, size_t n, size_t d, double dof, double *force, double *terms);
/* One coordinate's step up to the velocity before it is shortened; sign(0) is 0. The gain is changed. */
double oracle_velocity(const pt_descent *by, double gradient, double velocity, double *gain);

/* Grids. charge and near have an entry a node; near counts the points whose splines reach it. */
void oracle_grid_spread(const pt_grid *grid, const float *y, size_t n, double *charge, double *near);
/* psi at one point and its gradient (slope, 3); terms is the sum of |values| that it meets. */
oracle_entry oracle_grid_read(const pt_grid *grid, const float *values, const float *y, double *slope);
/* to, and terms: the sums of |terms|. */
void oracle_grid_restrict(const pt_grid *fine, const float *from, const pt_grid *coarse, double *to, double *terms);
void oracle_grid_prolong(const pt_grid *coarse, const float *from, const pt_grid *fine, const float *before, double *to,
                         double *terms);
void oracle_grid_convolve(const pt_grid *grid, const pt_grid_kernel *kernel, const float *charge, double *to,
                          double *terms);

#endif
