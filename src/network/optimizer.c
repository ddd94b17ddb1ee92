#include "network/optimizer.h"

#include <math.h>

const char *pt_optimizer_name(ptsne_optimizer kind)
{
    static const char *const names[] = {[PTSNE_OPTIMIZER_ADAM] = "adam", [PTSNE_OPTIMIZER_SGD] = "sgd"};
    return names[kind];
}

const char *pt_schedule_name(ptsne_schedule schedule)
{
    static const char *const names[] = {
        [PTSNE_SCHEDULE_COSINE] = "cosine",
        [PTSNE_SCHEDULE_LINEAR] = "linear",
        [PTSNE_SCHEDULE_CONSTANT] = "constant",
    };
    return names[schedule];
}

size_t pt_optimizer_moments(const pt_optimizer *optimizer)
{
    return optimizer->kind == PTSNE_OPTIMIZER_ADAM ? 2 : 1;
}

ptsne_status pt_optimizer_create(pt_backend *be, size_t count, pt_optimizer *optimizer, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    for (size_t i = 0; i < pt_optimizer_moments(optimizer) && status == PTSNE_OK; i++) {
        status = pt_buffer_create(be, count, &optimizer->moments[i], err);
        if (status == PTSNE_OK) { status = pt_fill(be, &optimizer->moments[i], 0.0f, err); }
    }
    if (status != PTSNE_OK) { pt_optimizer_destroy(be, optimizer); }
    return status;
}

void pt_optimizer_destroy(pt_backend *be, pt_optimizer *optimizer)
{
    for (size_t i = 0; i < 2; i++) {
        pt_buffer_destroy(be, &optimizer->moments[i]);
        optimizer->moments[i] = (pt_buffer){0};
    }
}

double pt_optimizer_rate(const pt_optimizer *optimizer, size_t step)
{
    const double done = (double)step / (double)optimizer->n_steps;
    double rate = optimizer->learning_rate;
    if (step + 1 < optimizer->warmup_steps) { rate *= (double)(step + 1) / (double)optimizer->warmup_steps; }
    switch (optimizer->schedule) {
    case PTSNE_SCHEDULE_COSINE:
        return rate * 0.5 * (1.0 + cos(3.141592653589793 * done));
    case PTSNE_SCHEDULE_LINEAR:
        return rate * (1.0 - done);
    case PTSNE_SCHEDULE_CONSTANT:
        break;
    }
    return rate;
}

ptsne_status pt_optimizer_step(pt_backend *be, const pt_optimizer *optimizer, size_t step, const pt_buffer *gradient,
                               const pt_buffer *parameters, ptsne_error *err)
{
    const double rate = pt_optimizer_rate(optimizer, step);
    if (optimizer->kind == PTSNE_OPTIMIZER_SGD) {
        return pt_sgd_step(be, parameters, gradient, &optimizer->moments[0], (float)rate, (float)optimizer->momentum,
                           err);
    }
    const double beta1 = 0.9, beta2 = 0.999, t = (double)step + 1.0;
    const pt_adam adam = {
        .learning_rate = (float)rate,
        .beta1 = (float)beta1,
        .beta2 = (float)beta2,
        .epsilon = 1e-8f,
        .correction1 = (float)(1.0 / (1.0 - pow(beta1, t))),
        .correction2 = (float)(1.0 / (1.0 - pow(beta2, t))),
    };
    return pt_adam_step(be, parameters, gradient, &optimizer->moments[0], &optimizer->moments[1], &adam, err);
}
