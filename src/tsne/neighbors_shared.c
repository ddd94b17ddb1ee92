/* One host thread a device. Queries are dealt out in blocks that get smaller towards the end, so that a slow device does not keep
 * the others waiting. A block of the points themselves is asked as queries with one neighbour more, and the point is taken out of
 * its own list: the order by distance and number makes that the list it would have had. */
#include "tsne/neighbors_shared.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/progress.h"
#include "base/sizes.h"
#include "tsne/neighbors.h"

#define LEAST_BLOCK   ((size_t)2048) /* queries: each block sends the points to the device and prepares them */
#define LARGEST_BLOCK ((size_t)32768)
#define SWEEP_COLUMNS ((size_t)3) /* up to so many columns the host does the work */
#define MOST_DEVICES  ((size_t)16)

typedef struct shared {
    const float *x; /* n x d */
    size_t n;
    const float *query; /* m x d */
    size_t m, d;
    size_t k, asked; /* neighbours wanted, and asked of a device: one more where queries are the points */
    uint32_t *index; /* m x k */
    float *distance; /* m x k, may be NULL */
    size_t n_devices;
    pt_stage stage;
    pthread_mutex_t lock; /* of what follows */
    size_t next, done;    /* queries dealt out, and settled */
    ptsne_status status;  /* of the first failure: no more is dealt out */
    ptsne_error *err;
} shared;

/* A device at work: its lists of one block. */
typedef struct worker {
    shared *of;
    pt_backend *be;
    pthread_t thread;
    bool first; /* the caller's own thread, which alone talks to the observer */
    uint32_t *near;
    float *far;
} worker;

/* ---- the dealing ---- */

/* The next block, of *rows queries from *from on; false where there is none, or one failed. */
static bool block_take(shared *of, size_t *from, size_t *rows)
{
    pthread_mutex_lock(&of->lock);
    const size_t left = of->m - of->next, last = of->m / (8 * of->n_devices);
    const size_t least = last > LEAST_BLOCK ? last : LEAST_BLOCK, share = left / (2 * of->n_devices);
    *from = of->next;
    *rows = pt_smaller(pt_smaller(left, LARGEST_BLOCK), share > least ? share : least);
    const bool more = of->status == PTSNE_OK && left > 0;
    of->next += more ? *rows : 0;
    pthread_mutex_unlock(&of->lock);
    return more;
}

static void block_failed(shared *of, ptsne_status status, const ptsne_error *err)
{
    pthread_mutex_lock(&of->lock);
    if (of->status == PTSNE_OK) {
        of->status = status;
        if (of->err != NULL) { *of->err = *err; }
    }
    pthread_mutex_unlock(&of->lock);
}

static size_t block_done(shared *of, size_t rows)
{
    pthread_mutex_lock(&of->lock);
    of->done += rows;
    const size_t done = of->done;
    pthread_mutex_unlock(&of->lock);
    return done;
}

/* ---- a device's part ---- */

/* Lists of k + 1 become lists of k: without the point itself, or without the last where copies have pushed it out. */
static void lists_settle(const worker *w, size_t from, size_t rows)
{
    const shared *of = w->of;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t *near = w->near + i * of->asked;
        const float *far = w->far + i * of->asked;
        uint32_t *index = of->index + (from + i) * of->k;
        size_t own = 0;
        while (own < of->k && near[own] != from + i) { own++; }
        memcpy(index, near, own * sizeof *index);
        memcpy(index + own, near + own + 1, (of->k - own) * sizeof *index);
        if (of->distance == NULL) { continue; }
        float *distance = of->distance + (from + i) * of->k;
        memcpy(distance, far, own * sizeof *distance);
        memcpy(distance + own, far + own + 1, (of->k - own) * sizeof *distance);
    }
}

static ptsne_status block_run(const worker *w, size_t from, size_t rows, ptsne_error *err)
{
    const shared *of = w->of;
    const float *query = of->query + from * of->d;
    if (of->asked == of->k) {
        float *distance = of->distance == NULL ? NULL : of->distance + from * of->k;
        return pt_neighbors_find(w->be, of->x, of->n, query, rows, of->d, "euclidean", of->k, NULL,
                                 of->index + from * of->k, distance, err);
    }
    const ptsne_status status =
        pt_neighbors_find(w->be, of->x, of->n, query, rows, of->d, "euclidean", of->asked, NULL, w->near, w->far, err);
    if (status == PTSNE_OK) { lists_settle(w, from, rows); }
    return status;
}

static void *work(void *data)
{
    const worker *w = data;
    shared *of = w->of;
    ptsne_error err = {0};
    for (size_t from, rows; block_take(of, &from, &rows);) {
        ptsne_status status = block_run(w, from, rows, &err);
        const size_t done = status == PTSNE_OK ? block_done(of, rows) : 0;
        if (status == PTSNE_OK && w->first && done < of->m) {
            status = pt_stage_step(&of->stage, done, (double)NAN, (double)done / pt_stage_seconds(&of->stage), &err);
        }
        if (status != PTSNE_OK) { block_failed(of, status, &err); }
    }
    return NULL;
}

/* ---- all of them ---- */

static size_t devices_count(const pt_backend *be)
{
    size_t count = 0;
    for (; be != NULL && count < MOST_DEVICES; be = be->next) { count++; }
    return count;
}

static ptsne_status lists_create(const shared *of, worker *workers, ptsne_error *err)
{
    const size_t count = pt_smaller(of->m, LARGEST_BLOCK) * of->asked;
    for (size_t t = 0; t < of->n_devices && of->asked > of->k; t++) {
        workers[t].near = malloc(count * sizeof *workers[t].near);
        workers[t].far = malloc(count * sizeof *workers[t].far);
        if (workers[t].near == NULL || workers[t].far == NULL) {
            return pt_fail_memory(err, "lists of neighbours", 8.0 * (double)count);
        }
    }
    return PTSNE_OK;
}

/* A device whose thread does not start is done without. */
static void all_work(shared *of, worker *workers)
{
    bool started[MOST_DEVICES] = {false};
    for (size_t t = 1; t < of->n_devices; t++) {
        started[t] = pthread_create(&workers[t].thread, NULL, work, &workers[t]) == 0;
    }
    work(&workers[0]);
    for (size_t t = 1; t < of->n_devices; t++) {
        if (started[t]) { pthread_join(workers[t].thread, NULL); }
    }
}

static ptsne_status run(shared *of, pt_backend *be, const ptsne_observer *observer)
{
    worker workers[MOST_DEVICES] = {{0}};
    for (size_t t = 0; t < of->n_devices; t++, be = be->next) {
        workers[t] = (worker){.of = of, .be = be, .first = t == 0};
    }
    of->stage = pt_stage_begin(observer, "neighbours", of->m);
    of->status = lists_create(of, workers, of->err);
    if (of->status == PTSNE_OK) { all_work(of, workers); }
    if (of->status == PTSNE_OK) {
        of->status =
            pt_stage_step(&of->stage, of->m, (double)NAN, (double)of->m / pt_stage_seconds(&of->stage), of->err);
    }
    for (size_t t = 0; t < of->n_devices; t++) {
        free(workers[t].near);
        free(workers[t].far);
    }
    return of->status;
}

ptsne_status pt_neighbors_shared(pt_backend *be, const float *x, size_t n, const float *query, size_t m, size_t d,
                                 const char *metric, size_t k, const ptsne_observer *observer, uint32_t *index,
                                 float *distance, ptsne_error *err)
{
    const size_t rows = query == NULL ? n : m, asked = query == NULL ? k + 1 : k;
    if (be->next == NULL || strcmp(metric, "euclidean") != 0 || d <= SWEEP_COLUMNS || rows < 2 * LEAST_BLOCK ||
        k == 0 || asked > n || asked > PT_NEIGHBORS_MAX) {
        return pt_neighbors_find(be, x, n, query, m, d, metric, k, observer, index, distance, err);
    }
    shared of = {
        .x = x,
        .n = n,
        .query = query == NULL ? x : query,
        .m = rows,
        .d = d,
        .k = k,
        .asked = asked,
        .index = index,
        .distance = distance,
        .n_devices = devices_count(be),
        .err = err,
    };
    if (pthread_mutex_init(&of.lock, NULL) != 0) { return pt_fail_memory(err, "a lock", (double)sizeof of.lock); }
    const ptsne_status status = run(&of, be, observer);
    pthread_mutex_destroy(&of.lock);
    return status;
}
