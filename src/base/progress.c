#include "base/progress.h"

#include <math.h>

#include "base/clock.h"

static ptsne_status tell(pt_stage *stage, size_t step, double loss, double rate, ptsne_error *err)
{
    if (stage->observer == NULL || stage->observer->progress == NULL) { return PTSNE_OK; }
    const double now = pt_seconds();
    stage->told = now;
    const ptsne_progress progress = {
        .stage = stage->name,
        .step = step,
        .n_steps = stage->n_steps,
        .seconds = now - stage->began,
        .loss = loss,
        .rate = rate,
    };
    if (stage->observer->progress(&progress, stage->observer->user) == 0) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_STOPPED, "%s: stopped", stage->name);
}

pt_stage pt_stage_begin(const ptsne_observer *observer, const char *name, size_t n_steps)
{
    pt_stage stage = {.observer = observer, .name = name, .n_steps = n_steps, .began = pt_seconds()};
    (void)tell(&stage, 0, (double)NAN, (double)NAN, NULL); /* a wish to stop is heard at the first step */
    return stage;
}

ptsne_status pt_stage_step(pt_stage *stage, size_t step, double loss, double rate, ptsne_error *err)
{
    const double pause = 0.05; /* seconds */
    if (step < stage->n_steps && pt_seconds() - stage->told < pause) { return PTSNE_OK; }
    return tell(stage, step, loss, rate, err);
}

double pt_stage_seconds(const pt_stage *stage)
{
    return pt_seconds() - stage->began;
}
