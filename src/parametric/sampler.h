/* Which rows an epoch shows, in which order, with which partners: lists made on the host from counted random numbers, so that
 * any step's list is made at once, without those before it. */
#ifndef PT_PARAMETRIC_SAMPLER_H
#define PT_PARAMETRIC_SAMPLER_H

#include <stdbool.h>

#include "ptsne.h"

typedef struct pt_sampler {
    const ptsne_fit_options *settings; /* resolved; borrowed */
    const uint32_t *neighbors;         /* n x n_neighbors, borrowed; NULL where nothing asks for them */
    size_t n;
    size_t heads, rows; /* of a step; edges mode: rows are the heads and then their tails, else the heads alone */
    size_t epoch;
    uint32_t *order; /* n: of this epoch */
} pt_sampler;

ptsne_status pt_sampler_create(const ptsne_fit_options *settings, const uint32_t *neighbors, size_t n,
                               pt_sampler *sampler, ptsne_error *err);
void pt_sampler_destroy(pt_sampler *sampler);

/* A fresh order for an epoch. */
void pt_sampler_epoch(pt_sampler *sampler, size_t epoch);

/* Lists for n_steps steps of the epoch from first_step on, each n_steps x rows: the row shown, the neighbour that
 * it is moved to, the share of the way. The last two are not written where settings->interpolation is 0. */
void pt_sampler_lists(const pt_sampler *sampler, size_t first_step, size_t n_steps, uint32_t *row, uint32_t *partner,
                      float *share);

#endif
