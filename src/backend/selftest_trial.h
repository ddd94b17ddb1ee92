/* What the trials of the self-test are made of: inputs, and what came out. */
#ifndef PT_BACKEND_SELFTEST_TRIAL_H
#define PT_BACKEND_SELFTEST_TRIAL_H

#include <math.h>

#include "backend/backend.h"
#include "base/random.h"

enum { MOST_BUFFERS = 8, MOST_RESULTS = 16384, SIDE = 67 };

typedef struct trial {
    pt_backend *be;
    pt_random random;
    pt_buffer buffers[MOST_BUFFERS];
    size_t n_buffers;
    size_t n_results;
    bool exact[MOST_RESULTS / 64 + 1]; /* by blocks of 64: whole numbers */
    float *results;
    ptsne_status status; /* of the first failure: what follows it does nothing */
    ptsne_error *err;
} trial;

/* A buffer with these elements. */
static inline const pt_buffer *put(trial *t, const void *elements, size_t count)
{
    pt_buffer *buffer = &t->buffers[t->n_buffers];
    if (t->status == PTSNE_OK) { t->status = pt_buffer_create(t->be, count, buffer, t->err); }
    if (t->status == PTSNE_OK) { t->n_buffers++; }
    if (t->status == PTSNE_OK) { t->status = pt_upload(t->be, elements, buffer, t->err); }
    return buffer;
}

/* Uniform numbers from low to high. */
static inline const pt_buffer *put_random(trial *t, size_t count, float low, float high)
{
    float host[MOST_RESULTS];
    for (size_t i = 0; i < count; i++) { host[i] = low + (high - low) * pt_random_uniform(&t->random); }
    return put(t, host, count);
}

/* The same number everywhere: NAN where an op writes, INFINITY for empty lists. */
static inline const pt_buffer *put_constant(trial *t, size_t count, float value)
{
    float host[MOST_RESULTS];
    for (size_t i = 0; i < count; i++) { host[i] = value; }
    return put(t, host, count);
}

/* Whole numbers below bound; bound 0: all ones in binary. */
static inline const pt_buffer *put_words(trial *t, size_t count, uint32_t bound)
{
    uint32_t host[MOST_RESULTS];
    for (size_t i = 0; i < count; i++) {
        host[i] = bound == 0 ? UINT32_MAX : (uint32_t)pt_random_below(&t->random, bound);
    }
    return put(t, host, count);
}

static inline void take(trial *t, const pt_buffer *buffer, size_t count, bool exact)
{
    const size_t blocks = (count + 63) / 64;
    if (t->status == PTSNE_OK) {
        const pt_buffer view = pt_buffer_view(buffer, 0, count);
        t->status = pt_download(t->be, &view, t->results + t->n_results, t->err);
    }
    for (size_t i = 0; i < blocks; i++) { t->exact[t->n_results / 64 + i] = exact; }
    t->n_results += blocks * 64;
}

/* Room that an op works in, poisoned. */
static inline const pt_buffer *put_scratch(trial *t, size_t count)
{
    pt_buffer *buffer = &t->buffers[t->n_buffers];
    if (t->status == PTSNE_OK) { t->status = pt_buffer_create(t->be, count, buffer, t->err); }
    if (t->status == PTSNE_OK) { t->n_buffers++; }
    if (t->status == PTSNE_OK) { t->status = pt_fill(t->be, buffer, NAN, t->err); }
    return buffer;
}

typedef struct trial_row {
    const char *name;
    void (*run)(trial *t);
} trial_row;

/* Those of the ops that networks are made of; selftest.c has the others. */
extern const trial_row pt_layer_trials[];
extern const size_t pt_layer_trial_count;

#endif
