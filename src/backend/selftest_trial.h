/* What the trials of the self-test are made of: inputs, and what came out. */
#ifndef PT_BACKEND_SELFTEST_TRIAL_H
#define PT_BACKEND_SELFTEST_TRIAL_H

#include <assert.h>

#include "backend/backend.h"
#include "base/random.h"

enum { MOST_BUFFERS = 8, MOST_TAKES = 16, MOST_RESULTS = 16384, SIDE = 67 };

/* What came out in one buffer. */
typedef struct trial_take {
    size_t from, count; /* of the results */
    bool exact;         /* whole numbers, or copies */
} trial_take;

typedef struct trial {
    pt_backend *be;
    pt_random random;
    pt_buffer buffers[MOST_BUFFERS];
    size_t n_buffers;
    trial_take takes[MOST_TAKES];
    size_t n_takes, n_results;
    float *results;
    ptsne_status status; /* of the first failure: what follows it does nothing */
    ptsne_error *err;
} trial;

static inline pt_buffer *put_room(trial *t, size_t count)
{
    assert(t->n_buffers < MOST_BUFFERS);
    pt_buffer *buffer = &t->buffers[t->n_buffers];
    if (t->status == PTSNE_OK) { t->status = pt_buffer_create(t->be, count, buffer, t->err); }
    if (t->status == PTSNE_OK) { t->n_buffers++; }
    return buffer;
}

/* A buffer with these elements. */
static inline const pt_buffer *put(trial *t, const void *elements, size_t count)
{
    const pt_buffer *buffer = put_room(t, count);
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

/* The same number everywhere: NAN where an op writes or works, INFINITY for empty lists. */
static inline const pt_buffer *put_constant(trial *t, size_t count, float value)
{
    const pt_buffer *buffer = put_room(t, count);
    if (t->status == PTSNE_OK) { t->status = pt_fill(t->be, buffer, value, t->err); }
    return buffer;
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
    assert(t->n_takes < MOST_TAKES && count <= MOST_RESULTS - t->n_results);
    if (t->status == PTSNE_OK) {
        const pt_buffer view = pt_buffer_view(buffer, 0, count);
        t->status = pt_download(t->be, &view, t->results + t->n_results, t->err);
    }
    t->takes[t->n_takes++] = (trial_take){t->n_results, count, exact};
    t->n_results += count;
}

typedef struct trial_row {
    const char *name;
    void (*run)(trial *t);
} trial_row;

/* Those of the ops that networks are made of; selftest.c has the others. */
extern const trial_row pt_layer_trials[];
extern const size_t pt_layer_trial_count;

#endif
