#include "tsne/affinities.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "base/memory.h"
#include "base/sizes.h"
#include "tsne/joint.h"

#define TILE_ENTRIES ((size_t)1 << 21)
#define SHIPPED      ((size_t)1 << 18) /* entries that go to the device at a time: they stay in a cache */
#define LINE         ((size_t)16)      /* entries of a line of the cache */

/* ---- a graph made elsewhere ---- */

typedef enum fault { FAULT_NONE = 0, FAULT_NUMBER, FAULT_SELF, FAULT_TWICE, FAULT_DISTANCE } fault;

/* The first place of row i with a fault, and which. entries: room for 2 k. */
static fault row_fault(const uint32_t *index, const float *distance, size_t n, size_t k, size_t i, pt_entry *entries,
                       size_t *place)
{
    size_t count = 0;
    for (size_t l = 0; l < k; l++) {
        *place = l;
        if (isnan(distance[l]) || distance[l] < 0.0f) { return FAULT_DISTANCE; }
        if (index[l] == UINT32_MAX) { continue; }
        if (index[l] >= n) { return FAULT_NUMBER; }
        if (index[l] == i) { return FAULT_SELF; }
        entries[count++] = (pt_entry){index[l], 0.0f};
    }
    pt_entries_sort(entries, count, n, entries + k);
    for (size_t e = 1; e < count; e++) {
        if (entries[e].point != entries[e - 1].point) { continue; }
        size_t found = 0;
        for (*place = 0;; ++*place) {
            found += index[*place] == entries[e].point;
            if (found == 2) { return FAULT_TWICE; }
        }
    }
    return FAULT_NONE;
}

static ptsne_status tell_fault(fault what, const uint32_t *index, const float *distance, size_t n, size_t k, size_t i,
                               size_t place, ptsne_error *err)
{
    const uint32_t number = index[i * k + place];
    switch (what) {
    case FAULT_NUMBER:
        return pt_fail(err, PTSNE_ERR_DATA, "neighbour graph: row %zu, place %zu: %u is no row (0 to %zu)", i, place,
                       number, n - 1);
    case FAULT_SELF:
        return pt_fail(err, PTSNE_ERR_DATA, "neighbour graph: row %zu, place %zu: the row itself", i, place);
    case FAULT_TWICE:
        return pt_fail(err, PTSNE_ERR_DATA, "neighbour graph: row %zu, place %zu: %u for the second time", i, place,
                       number);
    default:
        return pt_fail(err, PTSNE_ERR_DATA, "neighbour graph: row %zu, place %zu: a distance of %g", i, place,
                       (double)distance[i * k + place]);
    }
}

ptsne_status pt_graph_check(const uint32_t *index, const float *distance, size_t n, size_t k, size_t threads,
                            ptsne_error *err)
{
    pt_entry *entries = k > SIZE_MAX / 2 / threads ? NULL : pt_array_aligned(threads * 2 * k, sizeof *entries);
    if (entries == NULL) { return pt_fail_memory(err, "the graph's check", 16.0 * (double)threads * (double)k); }
    size_t first = n; /* row with a fault */
#pragma omp parallel for schedule(static) num_threads((int)threads) reduction(min : first)
    for (size_t i = 0; i < n; i++) {
        pt_entry *own = entries + (size_t)omp_get_thread_num() * 2 * k;
        size_t place;
        if (i < first && row_fault(index + i * k, distance + i * k, n, k, i, own, &place) != FAULT_NONE) { first = i; }
    }
    ptsne_status status = PTSNE_OK;
    if (first < n) {
        size_t place = 0;
        const fault what = row_fault(index + first * k, distance + first * k, n, k, first, entries, &place);
        status = tell_fault(what, index, distance, n, k, first, place, err);
    }
    free(entries);
    return status;
}

/* ---- conditional affinities ---- */

typedef struct work {
    pt_backend *be;
    const uint32_t *index;
    const float *distance;
    size_t n, k, tile_rows;
    const pt_affinities_settings *settings;
    double least_perplexity, most_perplexity;
    pt_buffer d2, p, beta;
    float *conditional; /* n x k; a tile's distances on their way to the device, then p_j|i */
    pt_affinities_report report;
} work;

/* Distances of one row, INFINITY where there is no neighbour; what kind of row it is goes to the report. */
static void row_survey(const work *w, size_t i, float *distance, pt_affinities_report *report)
{
    const uint32_t *index = w->index + i * w->k;
    const float *given = w->distance + i * w->k;
    float least = INFINITY;
    unsigned finite = 0, at_least = 0;
#pragma omp simd reduction(min : least) reduction(+ : finite)
    for (size_t l = 0; l < w->k; l++) {
        const bool there = index[l] != UINT32_MAX && given[l] < INFINITY;
        distance[l] = there ? given[l] : INFINITY;
        least = distance[l] < least ? distance[l] : least;
        finite += there;
    }
#pragma omp simd reduction(+ : at_least)
    for (size_t l = 0; l < w->k; l++) { at_least += distance[l] == least; }
    report->isolated += finite == 0;
    report->duplicates += least == 0.0f;
    report->unreached +=
        finite > 0 && !w->settings->uniform && (finite < w->most_perplexity || at_least > w->least_perplexity);
}

static void tile_survey(work *w, size_t from, size_t rows)
{
    size_t duplicates = 0, isolated = 0, unreached = 0;
#pragma omp parallel for schedule(static) num_threads((int)w->be->threads) reduction(+ : duplicates, isolated, unreached)
    for (size_t i = from; i < from + rows; i++) {
        pt_affinities_report row = {0};
        row_survey(w, i, w->conditional + i * w->k, &row);
        duplicates += row.duplicates;
        isolated += row.isolated;
        unreached += row.unreached;
    }
    w->report.duplicates += duplicates;
    w->report.isolated += isolated;
    w->report.unreached += unreached;
}

/* From distances to equal shares. */
static void tile_uniform(const work *w, size_t from, size_t rows)
{
#pragma omp parallel for schedule(static) num_threads((int)w->be->threads)
    for (size_t i = from; i < from + rows; i++) {
        float *row = w->conditional + i * w->k;
        unsigned finite = 0;
        for (size_t l = 0; l < w->k; l++) { finite += row[l] < INFINITY; }
        for (size_t l = 0; l < w->k; l++) { row[l] = row[l] < INFINITY ? 1.0f / (float)finite : 0.0f; }
    }
}

static ptsne_status tile_search(const work *w, size_t from, size_t rows, ptsne_error *err)
{
    const pt_affinities_settings *settings = w->settings;
    const pt_buffer d2 = pt_buffer_view(&w->d2, 0, rows * w->k), p = pt_buffer_view(&w->p, 0, rows * w->k);
    float *tile = w->conditional + from * w->k;
    ptsne_status status = pt_upload(w->be, tile, &d2, err);
    const float weight = 1.0f / (float)settings->n_perplexities;
    for (size_t t = 0; t < settings->n_perplexities && status == PTSNE_OK; t++) {
        status = pt_affinities_conditional(w->be, &d2, rows, w->k, SIZE_MAX, (float)settings->perplexities[t], weight,
                                           t > 0, &p, &w->beta, err);
    }
    return status == PTSNE_OK ? pt_download(w->be, &p, tile, err) : status;
}

static ptsne_status conditional_fill(work *w, pt_stage *stage, ptsne_error *err)
{
    for (size_t from = 0; from < w->n; from += w->tile_rows) {
        const size_t rows = pt_smaller(w->n - from, w->tile_rows);
        ptsne_status status = PTSNE_OK;
        tile_survey(w, from, rows);
        if (w->settings->uniform) {
            tile_uniform(w, from, rows);
        } else {
            status = tile_search(w, from, rows, err);
        }
        if (status != PTSNE_OK) { return status; }
        status = pt_stage_step(stage, from + rows, (double)NAN, (double)NAN, err);
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

static ptsne_status work_create(work *w, ptsne_error *err)
{
    const size_t tile = w->tile_rows * w->k;
    w->conditional = pt_array_aligned(w->n * w->k, sizeof *w->conditional);
    if (w->conditional == NULL) { return pt_fail_memory(err, "affinities", 4.0 * (double)w->n * (double)w->k); }
    if (w->settings->uniform) { return PTSNE_OK; }
    ptsne_status status;
    if ((status = pt_buffer_create(w->be, tile, &w->d2, err)) != PTSNE_OK) { return status; }
    if ((status = pt_buffer_create(w->be, tile, &w->p, err)) != PTSNE_OK) { return status; }
    return pt_buffer_create(w->be, w->tile_rows, &w->beta, err);
}

static void buffers_destroy(work *w)
{
    pt_buffer_destroy(w->be, &w->beta);
    pt_buffer_destroy(w->be, &w->p);
    pt_buffer_destroy(w->be, &w->d2);
}

/* ---- all of it ---- */

static ptsne_status settings_check(work *w, ptsne_error *err)
{
    const pt_affinities_settings *settings = w->settings;
    if (w->n == 0 || w->k == 0 || w->n >= UINT32_MAX || w->k > UINT32_MAX / w->n) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "affinities: %zu neighbours of %zu points (1 to %u pairs)", w->k, w->n,
                       UINT32_MAX);
    }
    if (settings->uniform) { return PTSNE_OK; }
    if (settings->n_perplexities == 0) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "affinities: no perplexity"); }
    w->least_perplexity = w->most_perplexity = settings->perplexities[0];
    for (size_t t = 0; t < settings->n_perplexities; t++) {
        const double perplexity = settings->perplexities[t];
        if (!(perplexity >= 1.0) || !isfinite(perplexity)) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "affinities: a perplexity of %g (at least 1)", perplexity);
        }
        w->least_perplexity = perplexity < w->least_perplexity ? perplexity : w->least_perplexity;
        w->most_perplexity = perplexity > w->most_perplexity ? perplexity : w->most_perplexity;
    }
    return PTSNE_OK;
}

ptsne_status pt_affinities_build(pt_backend *be, const uint32_t *index, const float *distance, size_t n, size_t k,
                                 const pt_affinities_settings *settings, const ptsne_observer *observer,
                                 pt_affinities *joint, pt_affinities_report *report, ptsne_error *err)
{
    *joint = (pt_affinities){.n = n};
    work w = {.be = be, .index = index, .distance = distance, .n = n, .k = k, .settings = settings};
    ptsne_status status = settings_check(&w, err);
    if (status == PTSNE_OK) {
        w.tile_rows = n < TILE_ENTRIES / k + 1 ? n : TILE_ENTRIES / k + 1;
        status = work_create(&w, err);
    }
    if (status == PTSNE_OK) {
        pt_stage stage = pt_stage_begin(observer, "affinities", 2 * n);
        status = conditional_fill(&w, &stage, err);
        buffers_destroy(&w); /* joining does without */
        if (status == PTSNE_OK) { status = pt_joint_fill(index, w.conditional, k, be->threads, &stage, joint, err); }
    }
    buffers_destroy(&w);
    free(w.conditional);
    if (status != PTSNE_OK) { pt_affinities_destroy(joint); }
    if (report != NULL) { *report = w.report; }
    return status;
}

void pt_affinities_destroy(pt_affinities *joint)
{
    free(joint->row);
    free(joint->column);
    free(joint->p);
    *joint = (pt_affinities){0};
}

size_t pt_affinities_bytes(size_t n, size_t k)
{
    /* MNIST's images make 1.39 entries a pair at k = 90; the more columns count, the fewer pairs are mutual: at most 2. */
    const size_t pairs = n * k, entries = pairs + pairs / 2;
    return pairs * sizeof(float) + entries * (sizeof(uint32_t) + sizeof(float)) + n * sizeof(size_t) +
           pt_joint_scratch(n, k);
}

/* ---- other numbers ---- */

/* inverse: n, where each number stands in order. */
static ptsne_status order_invert(const uint32_t *order, size_t n, uint32_t *inverse, ptsne_error *err)
{
    memset(inverse, 0xff, n * sizeof *inverse); /* UINT32_MAX: no point has that number */
    for (size_t r = 0; r < n; r++) {
        if (order[r] >= n || inverse[order[r]] != UINT32_MAX) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "affinities: place %zu of the order: %u, %s", r, order[r],
                           order[r] >= n ? "which is no row" : "for the second time");
        }
        inverse[order[r]] = (uint32_t)r;
    }
    return PTSNE_OK;
}

void pt_edges_row_end(uint32_t *column, float *p, size_t count, size_t n)
{
    for (size_t e = 0; e < count; e++) {
        if (column[e] != n - 1) { continue; }
        const float share = p[e];
        column[e] = column[count - 1], p[e] = p[count - 1];
        column[count - 1] = (uint32_t)(n - 1), p[count - 1] = share;
        return;
    }
}

/* Row `row` under the new numbers, in the order it has, but as edges end. `next`: the row that is wanted
 * after it. */
static void row_permute(const pt_affinities *from, size_t row, size_t next, const uint32_t *inverse, uint32_t *column,
                        float *p)
{
    const size_t first = from->row[row], count = from->row[row + 1] - first;
    for (size_t e = from->row[next]; e < from->row[next + 1]; e += LINE) {
        __builtin_prefetch(from->column + e);
        __builtin_prefetch(from->p + e);
    }
    for (size_t e = 0; e < count; e++) { column[e] = inverse[from->column[first + e]]; }
    memcpy(p, from->p + first, count * sizeof *p);
    pt_edges_row_end(column, p, count, from->n);
}

/* Rows on their way to the device, as many as there is room for. */
typedef struct shipment {
    pt_backend *be;
    const pt_affinities *from;
    const uint32_t *order;
    const pt_edges *edges;
    size_t room;                      /* entries */
    uint32_t *inverse, *row, *column; /* n, n + 1, room */
    float *p;                         /* room */
} shipment;

static ptsne_status shipment_create(shipment *s, ptsne_error *err)
{
    const size_t n = s->from->n;
    size_t longest = SHIPPED;
    for (size_t i = 0; i < n; i++) {
        const size_t count = s->from->row[i + 1] - s->from->row[i];
        longest = count > longest ? count : longest;
    }
    s->room = s->from->row[n] < longest ? s->from->row[n] : longest;
    s->inverse = pt_array_aligned(n, sizeof *s->inverse);
    s->row = pt_array_aligned(n + 1, sizeof *s->row);
    s->column = pt_array_aligned(s->room, sizeof *s->column);
    s->p = pt_array_aligned(s->room, sizeof *s->p);
    if (s->inverse && s->row && s->column && s->p) { return PTSNE_OK; }
    return pt_fail_memory(err, "affinities in another order", 8.0 * (double)(s->room + n));
}

static void shipment_destroy(shipment *s)
{
    free(s->inverse);
    free(s->row);
    free(s->column);
    free(s->p);
}

/* Rows from .. end of the edges. */
static ptsne_status rows_ship(const shipment *s, size_t from, size_t end, ptsne_error *err)
{
    const size_t begin = s->row[from], count = s->row[end] - begin;
#pragma omp parallel for schedule(dynamic, 64) num_threads((int)s->be->threads)
    for (size_t r = from; r < end; r++) {
        const size_t at = s->row[r] - begin, next = r + 1 < end ? r + 1 : r;
        row_permute(s->from, s->order[r], s->order[next], s->inverse, s->column + at, s->p + at);
    }
    if (count == 0) { return PTSNE_OK; }
    const pt_buffer column = pt_buffer_view(&s->edges->column, begin, count);
    const pt_buffer p = pt_buffer_view(&s->edges->p, begin, count);
    const ptsne_status status = pt_upload(s->be, s->column, &column, err);
    return status == PTSNE_OK ? pt_upload(s->be, s->p, &p, err) : status;
}

ptsne_status pt_affinities_upload(pt_backend *be, const pt_affinities *from, const uint32_t *order,
                                  const pt_edges *edges, ptsne_error *err)
{
    const size_t n = from->n;
    shipment s = {.be = be, .from = from, .order = order, .edges = edges};
    ptsne_status status = shipment_create(&s, err);
    if (status == PTSNE_OK) { status = order_invert(order, n, s.inverse, err); }
    if (status != PTSNE_OK) { goto done; }
    s.row[0] = 0;
    for (size_t r = 0; r < n; r++) {
        s.row[r + 1] = s.row[r] + (uint32_t)(from->row[order[r] + 1] - from->row[order[r]]);
    }
    status = pt_upload(be, s.row, &edges->row, err);
    for (size_t r = 0, end; r < n && status == PTSNE_OK; r = end) {
        for (end = r + 1; end < n && s.row[end + 1] - s.row[r] <= s.room; end++) {}
        status = rows_ship(&s, r, end, err);
    }
done:
    shipment_destroy(&s);
    return status;
}
