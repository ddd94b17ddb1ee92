/* Small dense linear algebra in float64 on the host: what stays when the products over all the data are done. */
#ifndef PT_ANALYSIS_EIGEN_H
#define PT_ANALYSIS_EIGEN_H

#include <stddef.h>

#include "base/random.h"

/* Eigenvalues, descending, and vectors of a symmetric matrix by Jacobi's rotations. a: n x n, destroyed; value: n;
 * vector: n x n, its rows are the eigenvectors in the order of the values. */
void pt_eigen_symmetric(double *a, size_t n, double *value, double *vector);

/* Make rows orthonormal, in order, by Gram and Schmidt twice over; v: rows x d, rows at most d. A row that the earlier ones
 * span is replaced by a random one from `random`. */
void pt_orthonormalize(double *v, size_t rows, size_t d, pt_random *random);

#endif
