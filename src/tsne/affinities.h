/* Sparse joint affinities from nearest neighbours (van der Maaten, Accelerating t-SNE using tree-based algorithms, JMLR 2014,
 * section 3): conditional ones over each point's k neighbours, p_ij = (p_j|i + p_i|j) / (2 n). */
#ifndef PT_TSNE_AFFINITIES_H
#define PT_TSNE_AFFINITIES_H

#include "backend/backend.h"

/* A symmetric n x n matrix in compressed rows: entries row[i] .. row[i + 1] - 1 are row i's, columns ascending. */
typedef struct pt_affinities {
    size_t n;
    size_t *row;      /* n + 1 */
    uint32_t *column; /* row[n] */
    float *p;         /* row[n]; p[i][j] and p[j][i] are the same bits; the whole sums to 1 */
} pt_affinities;

/* Joint affinities at a perplexity, from k neighbours a point: index n x k and distance n x k (squared euclidean, or what
 * the metric gives), as pt_neighbors_find fills them. Where a row cannot have the perplexity, pt_affinities_conditional
 * says what it gets. On a failure *joint is empty. PTSNE_ERR_ARGUMENT for a perplexity below 1. */
ptsne_status pt_affinities_create(pt_backend *be, const uint32_t *index, const float *distance, size_t n, size_t k,
                                  double perplexity, pt_affinities *joint, ptsne_error *err);
void pt_affinities_destroy(pt_affinities *joint);

#endif
