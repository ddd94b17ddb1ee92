/* Lower bounds of euclidean distances in few columns: for data of many columns, most of whose variance lies in few directions.
 *
 * A row becomes its coordinates along the leading principal directions of a sample (any orthonormal ones would be right) and the
 * length of what is left of it. Distances of such rows are never above those of the data, but for rounding, and pt_bounds_limit has
 * that: float32 products of at most 128 columns, summed in float64, so that it can be proven and stays small. */
#ifndef PT_TSNE_BOUNDS_H
#define PT_TSNE_BOUNDS_H

#include "backend/backend.h"

#define PT_BOUNDS_LEAST_COLUMNS ((size_t)128) /* below, bounds save too little */
#define PT_BOUNDS_LEAST_PRODUCT 1.5e11        /* n m d; below, finding directions takes longer than the search */

typedef struct pt_bounds {
    size_t width;    /* columns of a row, the length included */
    size_t c;        /* candidates that most rows need, by the sample */
    float *points;   /* n x width, in an order that keeps near ones together */
    float *queries;  /* m x width, likewise; points itself where the queries are the points */
    uint32_t *point; /* n: which row of x it is */
    uint32_t *asker; /* m: which row of the queries; point itself likewise */
    double *norm;    /* m: of each query |q - mean|^2 */
    double relative; /* what a row may be off, as a share of its distance from the mean */
} pt_bounds;

/* What the search asks. */
typedef struct pt_bounds_request {
    pt_backend *be;
    int metric;         /* euclidean's number */
    const float *x;     /* n x d */
    const float *query; /* m x d */
    bool self;          /* the queries are the points, m is n */
    size_t n, m, d, k;
    const double *mean; /* d: of x */
    bool always;        /* whether or not they pay */
} pt_bounds_request;

/* Looks at a sample; *bounds is filled where bounds pay, else its width is 0: few columns or points, or a flat spectrum. At least two
 * points and two columns. */
ptsne_status pt_bounds_create(const pt_bounds_request *request, pt_bounds *bounds, ptsne_error *err);
void pt_bounds_destroy(pt_bounds *bounds);

/* A point whose distance in float32, as pt_distances computes it from these rows, is above this limit is farther than sqrt(tau)
 * from a query whose |q - mean|^2 is norm. */
double pt_bounds_limit(const pt_bounds *bounds, double norm, double tau);

#endif
