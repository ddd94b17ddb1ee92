/* Squared euclidean distances of two rows in float64: the ones that decide. */
#ifndef PT_TSNE_DISTANCE_H
#define PT_TSNE_DISTANCE_H

#include <stddef.h>

/* |a - b|^2 of d entries, differences and sum in float64, summed in one fixed order on every processor. */
double pt_distance_squared(const float *a, const float *b, size_t d);

/* The same where it is at most limit; else anything above limit. */
double pt_distance_within(const float *a, const float *b, size_t d, double limit);

/* The same, and next, a row that the call after this one will want, is fetched from memory meanwhile, piece by piece: all at once it
 * would hold up what is computed. */
double pt_distance_within_then(const float *a, const float *b, size_t d, double limit, const float *next);

/* |a - mean|^2. */
double pt_distance_from_mean(const float *a, const double *mean, size_t d);

#endif
