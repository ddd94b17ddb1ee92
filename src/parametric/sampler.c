#include "parametric/sampler.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "network/streams.h"

ptsne_status pt_sampler_create(const ptsne_fit_options *settings, const uint32_t *neighbors, size_t n,
                               pt_sampler *sampler, ptsne_error *err)
{
    const bool edges = settings->mode == PTSNE_MODE_EDGES;
    *sampler = (pt_sampler){
        .settings = settings,
        .neighbors = neighbors,
        .n = n,
        .heads = edges ? settings->batch_size / 2 : settings->batch_size,
        .rows = settings->batch_size,
    };
    sampler->order = pt_array_zeroed(n, sizeof *sampler->order);
    if (sampler->order == NULL) { return pt_fail_memory(err, "the order of the rows", (double)n * sizeof(uint32_t)); }
    return PTSNE_OK;
}

void pt_sampler_destroy(pt_sampler *sampler)
{
    free(sampler->order);
    *sampler = (pt_sampler){0};
}

void pt_sampler_epoch(pt_sampler *sampler, size_t epoch)
{
    pt_random random = {.seed = sampler->settings->seed, .stream = pt_stream(PT_FOR_ORDER, epoch)};
    pt_random_permutation(&random, sampler->order, sampler->n);
    sampler->epoch = epoch;
}

/* One of a row's neighbours. A word times k leaves a bias of k / 2^32, and takes always one word. */
static uint32_t neighbor_draw(const pt_sampler *sampler, uint32_t row, pt_random *random)
{
    const size_t k = sampler->settings->n_neighbors;
    const size_t place = (size_t)((uint64_t)pt_random_word(random) * k >> 32);
    return sampler->neighbors[row * k + place];
}

void pt_sampler_lists(const pt_sampler *sampler, size_t first_step, size_t n_steps, uint32_t *row, uint32_t *partner,
                      float *share)
{
    const size_t heads = sampler->heads, rows = sampler->rows;
    const uint64_t seed = sampler->settings->seed;
    pt_random tails = {.seed = seed, .stream = pt_stream(PT_FOR_TAILS, sampler->epoch), .position = first_step * heads};
    pt_random moves = {
        .seed = seed, .stream = pt_stream(PT_FOR_MOVES, sampler->epoch), .position = 2 * first_step * rows};
    for (size_t s = 0; s < n_steps; s++, row += rows) {
        for (size_t i = 0; i < heads; i++) {
            row[i] = sampler->order[(first_step + s) * heads + i];
            if (heads < rows) { row[heads + i] = neighbor_draw(sampler, row[i], &tails); }
        }
        if (sampler->settings->interpolation == 0.0) { continue; }
        for (size_t i = 0; i < rows; i++) {
            partner[s * rows + i] = neighbor_draw(sampler, row[i], &moves);
            share[s * rows + i] = (float)sampler->settings->interpolation * pt_random_uniform(&moves);
        }
    }
}
