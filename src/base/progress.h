/* Tell the caller's observer how a stage goes, not more often than it is useful. */
#ifndef PT_BASE_PROGRESS_H
#define PT_BASE_PROGRESS_H

#include "base/error.h"

typedef struct pt_stage {
    const ptsne_observer *observer; /* may be NULL */
    const char *name;               /* static memory */
    size_t n_steps;
    double began, told; /* pt_seconds */
} pt_stage;

/* A stage begins: tells step 0. */
pt_stage pt_stage_begin(const ptsne_observer *observer, const char *name, size_t n_steps);

/* `step` of the steps are done. Tells the observer at most 20 times a second, and always the last
 * step. loss and rate may be NAN. Returns PTSNE_OK or PTSNE_ERR_STOPPED ("stopped"). */
ptsne_status pt_stage_step(pt_stage *stage, size_t step, double loss, double rate, ptsne_error *err);

/* Seconds since the stage began. */
double pt_stage_seconds(const pt_stage *stage);

#endif
