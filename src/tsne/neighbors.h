/* Exact k nearest neighbours, by tiles of distances merged into running lists that stay on the device.
 *
 * Euclidean results are the k nearest by float64 distances of the rows as given, not by the tiles' own numbers: those come
 * from products and lose digits where neighbours are much nearer than the data are wide. So the columns are centred,
 * some more candidates than k are kept, their distances are computed again, and a row is accepted when the op's stated error
 * leaves no room for a point that was missed. The rows left over are searched again with more candidates, and at last on
 * the host (sweep.h). Whole numbers whose products float32 holds exactly need none of this. Data of up to
 * 3 columns go to sweep.h at once. Other metrics are as good as the device's float32 distances.
 *
 * Of data with many columns the candidates come from lower bounds in few (bounds.h), where a sample says that this is
 * cheaper: the same results, by the same right. Rows that these do not settle are looked up once more, every point whose bound
 * is within the distance of the k-th candidate. */
#ifndef PT_TSNE_NEIGHBORS_H
#define PT_TSNE_NEIGHBORS_H

#include "backend/backend.h"

#define PT_NEIGHBORS_MAX 1024 /* k at most */

#define PT_SORTED_MOST ((size_t)1 << 28) /* entries of data that are copied into the bounds' order: 1 GiB */

/* Of each query its k nearest points of x, nearest first, ties to the smaller index.
 *
 * x        n x d, on the host; borrowed. Finite.
 * query    m x d, or NULL: x itself (m = n), and no point is its own neighbour.
 * metric   as ptsne_fit_options has it; distance is squared for euclidean.
 * index    m x k, distance m x k: the caller's; distance may be NULL.
 * Stage "neighbours" is told to the observer; PTSNE_ERR_STOPPED when it asks to stop.
 * PTSNE_ERR_ARGUMENT where k is 0, above n - 1 (n with queries) or above PT_NEIGHBORS_MAX. */
ptsne_status pt_neighbors_find(pt_backend *be, const float *x, size_t n, const float *query, size_t m, size_t d,
                               const char *metric, size_t k, const ptsne_observer *observer, uint32_t *index,
                               float *distance, ptsne_error *err);

/* How candidates are found; by what pt_neighbors_find judges best, if nothing else is said. */
typedef enum pt_neighbors_road { PT_ROAD_BEST, PT_ROAD_PLAIN, PT_ROAD_BOUNDS } pt_neighbors_road;

/* The same by one road or the other, for tests and timings; PT_ROAD_BOUNDS says something of euclidean distances alone. */
ptsne_status pt_neighbors_find_by(pt_backend *be, pt_neighbors_road road, const float *x, size_t n, const float *query,
                                  size_t m, size_t d, const char *metric, size_t k, const ptsne_observer *observer,
                                  uint32_t *index, float *distance, ptsne_error *err);

/* The same for x itself by euclidean distance, and in the same pass the rank of other points among each point's neighbours.
 *
 * other    n x n_others, points of x, not the row's own; n_others at most 32.
 * rank     n x n_others, the caller's: 1 + the number of points that are nearer to x[i] than other[i][l]. Exact where
 *          other[i][l] is one of the k neighbours, for whole numbers, and up to 2,000 points; elsewhere points whose distance
 *          is that of other[i][l] but for the rounding of a float32 product may count half, if they are at most 2 % of the
 *          rank. */
ptsne_status pt_neighbors_ranked(pt_backend *be, const float *x, size_t n, size_t d, size_t k, const uint32_t *other,
                                 size_t n_others, const ptsne_observer *observer, uint32_t *index, float *distance,
                                 uint32_t *rank, ptsne_error *err);

#endif
