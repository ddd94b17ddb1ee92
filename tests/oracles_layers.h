/* The float64 oracles of the ops that networks are made of, entry by entry, with the sums of |terms| that a bound needs. */
#ifndef TESTS_ORACLES_LAYERS_H
#define TESTS_ORACLES_LAYERS_H

#include "backend/backend.h"

/* Convolutions of n images; results and terms as the op's output, terms being the sums of |terms|. */
void oracle_convolution(const pt_window *w, const float *x, size_t n, size_t filters, const float *weights, double *y,
                        double *terms);
void oracle_convolution_inputs(const pt_window *w, const float *g, size_t n, size_t filters, const float *weights,
                               double *gx, double *terms);
void oracle_convolution_weights(const pt_window *w, const float *x, const float *g, size_t n, size_t filters,
                                double *gw, double *terms);

/* The largest value of one image in one place and channel; its number among the image's values. */
uint32_t oracle_max_pool(const pt_window *w, const float *image, size_t row, size_t column, size_t channel);

/* Mean and variance of column j of x, n x d. */
double oracle_mean(const float *x, size_t n, size_t d, size_t j);
double oracle_variance(const float *x, size_t n, size_t d, size_t j);

/* p = softmax of k scores; log sum exp is returned. */
double oracle_softmax(const float *z, size_t k, double *p);

#endif
