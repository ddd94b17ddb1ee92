/* Squared euclidean distances of two rows in float64: the ones that decide. */
#ifndef PT_TSNE_DISTANCE_H
#define PT_TSNE_DISTANCE_H

#include <stddef.h>

/* |a - b|^2 of d entries, differences and sum in float64, summed in one fixed order on every processor. */
double pt_distance_squared(const float *a, const float *b, size_t d);

/* The same where it is at most limit; else anything above limit. */
double pt_distance_within(const float *a, const float *b, size_t d, double limit);

/* A row that the next call will want: its first columns are fetched from memory meanwhile. */
static inline void pt_distance_soon(const float *b, size_t d)
{
#if defined(__GNUC__)
    for (size_t t = 0; t < d && t < 512; t += 16) { __builtin_prefetch(b + t); }
#else
    (void)b, (void)d;
#endif
}

/* |a - mean|^2. */
double pt_distance_from_mean(const float *a, const double *mean, size_t d);

#endif
