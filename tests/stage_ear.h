/* Hears one stage, asserts that its steps go up to their number, and may stop it. */
#ifndef TESTS_STAGE_EAR_H
#define TESTS_STAGE_EAR_H

#include "ptsne.h"

typedef struct stage_ear {
    const char *stage; /* the only one that there may be */
    size_t stop_at;    /* call that stops it, from 1; 0: none */
    size_t calls, last, n_steps;
} stage_ear;

static inline int stage_hear(const ptsne_progress *progress, void *user)
{
    stage_ear *heard = user;
    assert_string_equal(progress->stage, heard->stage);
    assert_true(progress->step >= heard->last && progress->step <= progress->n_steps);
    heard->last = progress->step;
    heard->n_steps = progress->n_steps;
    return ++heard->calls >= heard->stop_at && heard->stop_at > 0;
}

static inline ptsne_observer stage_observer(stage_ear *ear)
{
    return (ptsne_observer){.progress = stage_hear, .user = ear};
}

#endif
