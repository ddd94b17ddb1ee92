/* Gaussians that lie apart, and whether a map of them keeps them apart. */
#ifndef TESTS_BLOBS_H
#define TESTS_BLOBS_H

#include <math.h>
#include <stdlib.h>

#include "base/random.h"

/* x: n x d; row i is of group i % groups, whose centre is `middle` and spread times a normal number in each column. */
static inline void blobs_fill(float *x, size_t n, size_t d, size_t groups, float middle, float spread, pt_random random)
{
    float *centre = calloc(groups * d, sizeof *centre);
    assert_non_null(centre);
    for (size_t t = 0; t < groups * d; t++) { centre[t] = middle + spread * pt_random_normal(&random); }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) { x[i * d + j] = centre[i % groups * d + j] + pt_random_normal(&random); }
    }
    free(centre);
}

/* Share of rows whose nearest neighbour in the map, n x dims, is of another group. */
static inline double blobs_strangers(const float *map, size_t n, size_t dims, size_t groups)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        double least = HUGE_VAL;
        size_t nearest = i;
        for (size_t j = 0; j < n; j++) {
            double square = 0.0;
            for (size_t a = 0; a < dims; a++) {
                square += pow((double)map[i * dims + a] - (double)map[j * dims + a], 2.0);
            }
            if (j != i && square < least) { least = square, nearest = j; }
        }
        wrong += nearest % groups != i % groups;
    }
    return (double)wrong / (double)n;
}

#endif
