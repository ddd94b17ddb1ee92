/* What columns of data say: their means, rows less the means, entries that are not numbers.
 * x is n x d, row-major, on the host. Sums are float64 over fixed chunks, so that threads change no bit. */
#ifndef PT_BASE_COLUMNS_H
#define PT_BASE_COLUMNS_H

#include <stdbool.h>

#include "base/error.h"

/* mean[j] of column j, d entries; n at least 1. PTSNE_ERR_MEMORY. */
ptsne_status pt_column_means(const float *x, size_t n, size_t d, size_t threads, double *mean, ptsne_error *err);

/* to = rows of x less the means, rounded once; no overlap. index: which rows of x, or NULL: the first ones. */
void pt_rows_centred(const float *x, const uint32_t *index, size_t rows, size_t d, const double *mean, size_t threads,
                     float *to);

/* How many different rows there are, -0 being 0; counted up to `enough`, at which looking ends. Nothing is NaN. PTSNE_ERR_MEMORY. */
ptsne_status pt_rows_distinct(const float *x, size_t n, size_t d, size_t enough, size_t *count, ptsne_error *err);

/* Where the first of count entries is that is NaN or infinite; false, and *at as it was, where there is none. */
bool pt_find_not_finite(const float *x, size_t count, size_t *at);

/* PTSNE_ERR_DATA with row and column, from 1, of the first of n x d values that is NaN or infinite. what: the data's name for the
 * message, or NULL where the caller has only one. */
ptsne_status pt_finite_check(const char *what, const float *x, size_t n, size_t d, ptsne_error *err);

#endif
