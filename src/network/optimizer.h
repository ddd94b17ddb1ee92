/* Steps of the parameters against their gradient: Adam, or SGD with momentum, at a rate that follows a schedule. */
#ifndef PT_NETWORK_OPTIMIZER_H
#define PT_NETWORK_OPTIMIZER_H

#include "backend/backend.h"

typedef struct pt_optimizer {
    ptsne_optimizer kind;
    ptsne_schedule schedule;
    double learning_rate, momentum;
    size_t warmup_steps, n_steps;
    pt_buffer moments[2]; /* Adam: both; SGD: the velocity alone */
} pt_optimizer;

/* As files and options call them: "adam", "cosine". */
const char *pt_optimizer_name(ptsne_optimizer kind);
const char *pt_schedule_name(ptsne_schedule schedule);

/* Moments in an optimizer: 2 or 1. */
size_t pt_optimizer_moments(const pt_optimizer *optimizer);

/* Take the moments' memory for count parameters and set it to 0. The settings above it are the caller's to fill first. */
ptsne_status pt_optimizer_create(pt_backend *be, size_t count, pt_optimizer *optimizer, ptsne_error *err);
void pt_optimizer_destroy(pt_backend *be, pt_optimizer *optimizer);

/* The rate of step 0, 1, ... n_steps - 1: times (step + 1) / warmup_steps while that is below 1, and
 * cosine (1 + cos(pi step / n_steps)) / 2; linear 1 - step / n_steps; constant 1. */
double pt_optimizer_rate(const pt_optimizer *optimizer, size_t step);

/* Step number `step` (from 0). */
ptsne_status pt_optimizer_step(pt_backend *be, const pt_optimizer *optimizer, size_t step, const pt_buffer *gradient,
                               const pt_buffer *parameters, ptsne_error *err);

#endif
