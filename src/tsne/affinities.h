/* Sparse joint affinities from nearest neighbours (van der Maaten, Accelerating t-SNE using tree-based algorithms, JMLR 2014,
 * section 3): conditional ones over each point's k neighbours, p_ij = (p_j|i + p_i|j) / (sum of all).
 *
 * A neighbour is missing where its number is UINT32_MAX or its distance is not below INFINITY: graphs made elsewhere, and
 * metrics, leave such places. */
#ifndef PT_TSNE_AFFINITIES_H
#define PT_TSNE_AFFINITIES_H

#include <stdbool.h>

#include "backend/backend.h"

/* A symmetric n x n matrix in compressed rows: entries row[i] .. row[i + 1] - 1 are row i's, columns ascending. */
typedef struct pt_affinities {
    size_t n;
    size_t *row;      /* n + 1; row[n], the number of entries, fits 32 bits */
    uint32_t *column; /* row[n] */
    float *p;         /* row[n], above 0; p[i][j] and p[j][i] are the same bits; the whole sums to 1 */
} pt_affinities;

typedef struct pt_affinities_settings {
    const double *perplexities; /* several: the mean of their conditional affinities; each at least 1 */
    size_t n_perplexities;
    bool uniform; /* instead: a row's neighbours all the same */
} pt_affinities_settings;

/* What was found; counts of rows. */
typedef struct pt_affinities_report {
    size_t duplicates; /* with a neighbour at distance 0 */
    size_t isolated;   /* without any neighbour; others may still have them for one */
    size_t
        unreached; /* with neighbours, but fewer than a perplexity, or more than that at the same least distance: uniform */
} pt_affinities_report;

/* Whether a graph made elsewhere is one: index n x k, distance n x k. PTSNE_ERR_DATA names row and place of a number that is
 * no row's, is the row's own or stands there twice, and of a distance that is NaN or negative. PTSNE_ERR_MEMORY. */
ptsne_status pt_graph_check(const uint32_t *index, const float *distance, size_t n, size_t k, size_t threads,
                            ptsne_error *err);

/* Joint affinities from k neighbours a point: index and distance n x k (squared euclidean, or what the metric gives) as
 * pt_neighbors_find fills them, or as pt_graph_check lets them pass; borrowed. Where a row cannot have a perplexity,
 * pt_affinities_conditional says what it gets.
 *
 * Stage "affinities" is told to the observer. report may be NULL. On a failure *joint is empty. PTSNE_ERR_ARGUMENT: a
 * perplexity below 1, or more entries than 32 bits count; PTSNE_ERR_DATA: not one neighbour in the graph; PTSNE_ERR_STOPPED. */
ptsne_status pt_affinities_build(pt_backend *be, const uint32_t *index, const float *distance, size_t n, size_t k,
                                 const pt_affinities_settings *settings, const ptsne_observer *observer,
                                 pt_affinities *joint, pt_affinities_report *report, ptsne_error *err);
void pt_affinities_destroy(pt_affinities *joint);

/* The same points under other numbers, to the device: row r of edges, whose buffers have the room, is row order[r] of `from`, and
 * so are the columns. order: n, each number once (else PTSNE_ERR_ARGUMENT). After a failure edges mean nothing. */
ptsne_status pt_affinities_upload(pt_backend *be, const pt_affinities *from, const uint32_t *order,
                                  const pt_edges *edges, ptsne_error *err);

/* A row of edges among n columns ends as pt_edges asks: its entry of column n - 1, where it has one, changes places with its last
 * one. column and p count. */
void pt_edges_row_end(uint32_t *column, float *p, size_t count, size_t n);

/* Host bytes that pt_affinities_build takes at its peak beside index and distance, *joint among them: of what n points with k
 * neighbours usually come to. */
size_t pt_affinities_bytes(size_t n, size_t k);

#endif
