/* Queries go in groups whose lists the device holds at once; inside a group each pair of blocks is computed once, for both. */
#include "tsne/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/rows.h"
#include "base/memory.h"
#include "base/sizes.h"

#define BLOCK_ROWS ((size_t)2048) /* queries of one call of nearest_add: progress is told in between */
#define CHUNK_ROWS ((size_t)4096) /* lists that are taken to the host at a time */

typedef struct work {
    const pt_candidates *s;
    bool once;     /* each pair of a group is computed once */
    bool resident; /* all points are on the device */
    size_t group, columns, chunk;
    pt_buffer points, queries, lists, best_d, best_i;
    float *near_d;    /* chunk x c */
    uint32_t *near_i; /* chunk x c */
    double done, all; /* pairs */
} work;

/* ---- the plan ---- */

static bool queries_apart(const work *w)
{
    return w->s->list != NULL || !w->s->self || !w->resident;
}

static double elements(const work *w)
{
    const pt_candidates *s = w->s;
    const double points = (double)(w->resident ? s->n : w->columns) * (double)s->d;
    const double row = (double)pt_nearest_room(s->c) + (queries_apart(w) ? (double)s->d : 0.0);
    return points + (double)w->group * row + 2.0 * (double)w->chunk * (double)s->c;
}

/* As much at a time as fits into three quarters of what is free, the points into half of that: an op's own tiles need room too. */
static void plan(work *w)
{
    const pt_candidates *s = w->s;
    ptsne_device_info info = {0};
    s->be->ops->describe(s->be, &info);
    const double budget = 0.75 * (double)pt_elements_left(s->be), one = (double)pt_elements_largest(s->be);
    const double points = (double)s->n * (double)s->d, room = (double)pt_nearest_room(s->c);
    w->resident = points <= one && points <= budget / 2.0;
    w->once = strcmp(info.type, "cpu") == 0 && s->self && s->list == NULL && w->resident;
    w->group = pt_smaller(s->count, PT_LISTS_MOST / pt_nearest_room(s->c) + 1);
    w->columns = w->resident ? s->n : pt_smaller(s->n, 16384);
    w->chunk = pt_smaller(w->group, CHUNK_ROWS);
    while (w->group > 16 && (elements(w) > budget || (double)w->group * room > one)) {
        w->group = (w->group + 1) / 2;
        w->chunk = pt_smaller(w->chunk, w->group);
        if (!w->resident && w->columns > w->group) { w->columns = (w->columns + 1) / 2; }
    }
}

static ptsne_status work_create(work *w, ptsne_error *err)
{
    plan(w);
    const pt_candidates *s = w->s;
    const size_t points = (w->resident ? s->n : w->columns) * s->d, chunk = w->chunk * s->c;
    ptsne_status status;
    if ((status = pt_buffer_create(s->be, points, &w->points, err)) != PTSNE_OK) { return status; }
    if (queries_apart(w) && (status = pt_buffer_create(s->be, w->group * s->d, &w->queries, err)) != PTSNE_OK) {
        return status;
    }
    status = pt_buffer_create(s->be, w->group * pt_nearest_room(s->c), &w->lists, err);
    if (status != PTSNE_OK) { return status; }
    if ((status = pt_buffer_create(s->be, chunk, &w->best_d, err)) != PTSNE_OK) { return status; }
    if ((status = pt_buffer_create(s->be, chunk, &w->best_i, err)) != PTSNE_OK) { return status; }
    w->near_d = pt_array_aligned(chunk, sizeof *w->near_d);
    w->near_i = pt_array_aligned(chunk, sizeof *w->near_i);
    if (w->near_d == NULL || w->near_i == NULL) {
        return pt_fail_memory(err, "lists of neighbours", 8.0 * (double)chunk);
    }
    return PTSNE_OK;
}

static void work_destroy(work *w)
{
    pt_buffer *buffers[] = {&w->points, &w->queries, &w->lists, &w->best_d, &w->best_i};
    for (size_t b = 0; b < sizeof buffers / sizeof buffers[0]; b++) { pt_buffer_destroy(w->s->be, buffers[b]); }
    free(w->near_d);
    free(w->near_i);
}

/* ---- a group of queries ---- */

static pt_buffer rows_of(const pt_buffer *buffer, size_t from, size_t rows, size_t width)
{
    return pt_buffer_view(buffer, from * width, rows * width);
}

/* Block i .. i + m of the group against points j .. j + n, which begin at element `at` of points. both: lists of those, too,
 * which begin at row j - group's first of the lists. */
static ptsne_status block_add(work *w, size_t group, size_t i, size_t m, size_t j, size_t n, bool both,
                              ptsne_error *err)
{
    const pt_candidates *s = w->s;
    if (n == 0) { return PTSNE_OK; }
    const size_t room = pt_nearest_room(s->c);
    const bool numbered = s->self && s->list == NULL;
    const pt_buffer a = queries_apart(w) ? rows_of(&w->queries, i, m, s->d) : rows_of(&w->points, group + i, m, s->d);
    const pt_buffer b = rows_of(&w->points, w->resident ? j : 0, n, s->d);
    const pt_buffer mine = rows_of(&w->lists, i, m, room);
    const pt_buffer theirs = both ? rows_of(&w->lists, j - group, n, room) : mine;
    const ptsne_status status = pt_nearest_add(s->be, s->metric, &a, m, &b, n, s->d, numbered ? group + i : SIZE_MAX, j,
                                               s->c, &mine, both ? &theirs : NULL, err);
    if (status != PTSNE_OK) { return status; }
    w->done += (double)m * (double)n * (both ? 2.0 : 1.0);
    return s->tell(s->context, w->done / w->all, err);
}

/* Each pair inside the group once, blocks with themselves first: where rows come in an order that keeps neighbours together, lists
 * then begin with low limits. Last the points outside the group. */
static ptsne_status group_once(work *w, size_t group, size_t rows, ptsne_error *err)
{
    const size_t end = group + rows;
    for (size_t i = 0; i < rows; i += BLOCK_ROWS) {
        const size_t m = pt_smaller(BLOCK_ROWS, rows - i);
        const ptsne_status status = block_add(w, group, i, m, group + i, m, false, err);
        if (status != PTSNE_OK) { return status; }
    }
    for (size_t i = 0; i < rows; i += BLOCK_ROWS) {
        const size_t m = pt_smaller(BLOCK_ROWS, rows - i), next = group + i + m;
        ptsne_status status;
        if ((status = block_add(w, group, i, m, next, end - next, true, err)) != PTSNE_OK) { return status; }
        if ((status = block_add(w, group, i, m, 0, group, false, err)) != PTSNE_OK) { return status; }
        if ((status = block_add(w, group, i, m, end, w->s->n - end, false, err)) != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

static ptsne_status group_all(work *w, size_t group, size_t rows, ptsne_error *err)
{
    const pt_candidates *s = w->s;
    ptsne_status status;
    if (queries_apart(w)) {
        const float *first = s->list == NULL ? s->query + group * s->d : s->query;
        status = pt_rows_upload(s->be, first, s->list == NULL ? NULL : s->list + group, rows, s->d, s->mean,
                                &w->queries, err);
        if (status != PTSNE_OK) { return status; }
    }
    for (size_t j = 0; j < s->n; j += w->columns) {
        const size_t n = pt_smaller(w->columns, s->n - j);
        if (!w->resident) {
            status = pt_rows_upload(s->be, s->x + j * s->d, NULL, n, s->d, s->mean, &w->points, err);
            if (status != PTSNE_OK) { return status; }
        }
        for (size_t i = 0; i < rows; i += BLOCK_ROWS) {
            status = block_add(w, group, i, pt_smaller(BLOCK_ROWS, rows - i), j, n, false, err);
            if (status != PTSNE_OK) { return status; }
        }
    }
    return PTSNE_OK;
}

static ptsne_status group_take(work *w, size_t group, size_t rows, ptsne_error *err)
{
    const pt_candidates *s = w->s;
    for (size_t i = 0; i < rows; i += w->chunk) {
        const size_t some = pt_smaller(w->chunk, rows - i);
        const pt_buffer lists = rows_of(&w->lists, i, some, pt_nearest_room(s->c));
        const pt_buffer best_d = rows_of(&w->best_d, 0, some, s->c), best_i = rows_of(&w->best_i, 0, some, s->c);
        ptsne_status status;
        if ((status = pt_nearest_end(s->be, some, s->c, &lists, &best_d, &best_i, err)) != PTSNE_OK ||
            (status = pt_download(s->be, &best_d, w->near_d, err)) != PTSNE_OK ||
            (status = pt_download(s->be, &best_i, w->near_i, err)) != PTSNE_OK ||
            (status = s->take(s->context, group + i, some, w->near_d, w->near_i, err)) != PTSNE_OK) {
            return status;
        }
    }
    return PTSNE_OK;
}

ptsne_status pt_candidates_find(const pt_candidates *search, ptsne_error *err)
{
    work w = {.s = search, .all = (double)search->count * (double)search->n};
    ptsne_status status = work_create(&w, err);
    if (status == PTSNE_OK && w.resident) {
        status = pt_rows_upload(search->be, search->x, NULL, search->n, search->d, search->mean, &w.points, err);
    }
    for (size_t group = 0; group < search->count && status == PTSNE_OK; group += w.group) {
        const size_t rows = pt_smaller(w.group, search->count - group);
        status = pt_nearest_begin(search->be, rows, search->c, &w.lists, err);
        if (status == PTSNE_OK) { status = (w.once ? group_once : group_all)(&w, group, rows, err); }
        if (status == PTSNE_OK) { status = group_take(&w, group, rows, err); }
    }
    work_destroy(&w);
    return status;
}
