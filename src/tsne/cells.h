/* Approximate nearest neighbours of many points: an inverted file. The points lie in the cells of a k-means, and the points
 * of a cell meet those of the cells where their neighbours are, distances being exact.
 *
 * Which cells: a cell c is worth what its own cell's rows say of it, the soft minimum over some rows x of
 * |x - centre of c| - |x - own centre|. On a random sample of rows, whose exact neighbours are found by brute force, the value is
 * chosen below which the asked share of neighbours lies; so the recall is aimed at and not tried out. Another
 * sample measures the recall of the result.
 *
 * Inverted files: Jegou, Douze and Schmid, Product quantization for nearest neighbor search, TPAMI 2011. */
#ifndef PT_TSNE_CELLS_H
#define PT_TSNE_CELLS_H

#include "backend/backend.h"

/* From so many points on the cells are quicker than all pairs, about. */
#define PT_CELLS_FROM ((size_t)100000)

typedef struct pt_cells_report {
    size_t n_cells;
    size_t n_probed;         /* cells that a row has met, the mean over all rows, rounded up */
    double share_of_pairs;   /* distances computed for the lists, of n^2 */
    double recall;           /* share of the nearest k found, measured on a sample of rows; ties count as found */
    double recall_deviation; /* its standard deviation, from the spread over the sample's rows */
} pt_cells_report;

/* Of each point of x (n x d, finite, borrowed) about its k nearest others, as pt_neighbors_find gives them: nearest
 * first, ties to the smaller index, no point its own neighbour.
 *
 * metric   euclidean (distance is squared) or cosine; others are refused: PTSNE_ERR_ARGUMENT.
 * recall   share of the true neighbours to aim at, above 0 and at most 1; 1 is what the sample knows of, not a promise.
 * seed     of the cells and the samples: the same seed gives the same bytes, whatever the number of threads.
 * index    n x k, distance n x k: the caller's; distance may be NULL. report may be NULL.
 * Stages "k-means" and "neighbours" are told to the observer; PTSNE_ERR_STOPPED when it asks to stop.
 * PTSNE_ERR_ARGUMENT where k is 0, above n - 1 or above PT_NEIGHBORS_MAX. */
ptsne_status pt_cells_find(pt_backend *be, const float *x, size_t n, size_t d, const char *metric, size_t k,
                           double recall, uint64_t seed, const ptsne_observer *observer, uint32_t *index,
                           float *distance, pt_cells_report *report, ptsne_error *err);

#endif
