/* A row of the joint matrix is the sum of two sorted lists: the point's own neighbours, and the points that have it for a
 * neighbour. The second list needs all edges in the order of the points they lead to, which is not the order of the
 * graph; so edges are dealt out to blocks of rows that fit a core's cache, in the order of the graph, and within a block a
 * counting sort finishes. Each entry is one sum of two numbers, the same from either side, and no thread's timing shows.
 *
 * All edges at once would be more memory than the result: they are taken in bands of blocks, and the graph is read once for
 * each band. */
#include "tsne/joint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "base/memory.h"
#include "base/sizes.h"

#define CHUNKS     ((size_t)64)      /* of rows whose edges are dealt out; fixed, whatever the number of threads */
#define BLOCK      ((size_t)512)     /* rows whose lists one thread makes at a time: near 1 MB at 90 neighbours */
#define BAND_LEAST ((size_t)1 << 23) /* entries of a band, own and incoming */
#define BAND_SHARE ((size_t)4)       /* ... or this part of all */
#define NEGLIGIBLE 1e-20f       /* of a row that sums to 1; so what stays is no denormal number, which would be slow */
#define DIGIT      7            /* bits a pass of the sort */
#define FEW        ((size_t)24) /* entries that are sorted by insertion */
#define NO_POINT   UINT32_MAX   /* ends a list */
#define EDGE_LIMIT ((double)UINT32_MAX)

typedef struct edge {
    uint32_t from, to;
    float p;
} edge;

typedef struct work {
    const uint32_t *index;
    const float *conditional;
    size_t n, k, threads, n_blocks;
    double scale;
    size_t *at; /* (n_blocks + 1) x CHUNKS: how many edges of a chunk lead to a block; then where the next one goes */
    size_t *incoming;   /* n_blocks: edges that lead to it */
    size_t widest;      /* the most of these */
    size_t most_edges;  /* of any band */
    size_t most_merged; /* entries of any band, if no pair were mutual */
    edge *edges;        /* most_edges + CHUNKS */
    size_t *start;      /* n_blocks: the block's edges in `edges` */
    pt_entry *merged;   /* most_merged */
    size_t *merged_at;  /* n_blocks: the block's entries in `merged` */
    pt_entry *lists;    /* threads x list_room */
    size_t list_room;
} work;

/* ---- sorting ---- */

static void sort_few(pt_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const pt_entry entry = entries[i];
        size_t at = i;
        for (; at > 0 && entries[at - 1].point > entry.point; at--) { entries[at] = entries[at - 1]; }
        entries[at] = entry;
    }
}

void pt_entries_sort(pt_entry *entries, size_t count, size_t n, pt_entry *spare)
{
    if (count <= FEW) {
        sort_few(entries, count);
        return;
    }
    unsigned bits = 1; /* of a number */
    while (bits < 32 && (n - 1) >> bits != 0) { bits++; }
    const unsigned passes = (bits + DIGIT - 1) / DIGIT, digit = (bits + passes - 1) / passes, mask = (1u << digit) - 1;
    pt_entry *from = entries, *to = spare;
    for (unsigned shift = 0; shift < bits; shift += digit) {
        uint32_t place[1 << DIGIT] = {0};
        for (size_t e = 0; e < count; e++) { place[from[e].point >> shift & mask]++; }
        uint32_t sum = 0;
        for (unsigned d = 0; d <= mask; d++) {
            const uint32_t some = place[d];
            place[d] = sum;
            sum += some;
        }
        for (size_t e = 0; e < count; e++) { to[place[from[e].point >> shift & mask]++] = from[e]; }
        pt_entry *turned = from;
        from = to;
        to = turned;
    }
    if (from != entries) { memcpy(entries, from, count * sizeof *entries); }
}

/* ---- the plan ---- */

static size_t chunk_begin(const work *w, size_t chunk)
{
    return pt_smaller(w->n, chunk * (w->n / CHUNKS + 1));
}

/* Count the edges from each chunk to each block, and sum them all. */
static double edges_count(work *w)
{
    double sums[CHUNKS];
#pragma omp parallel for schedule(dynamic) num_threads((int)w->threads)
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
        const size_t end = chunk_begin(w, chunk + 1) * w->k;
        double sum = 0.0;
        for (size_t e = chunk_begin(w, chunk) * w->k; e < end; e++) {
            if (w->conditional[e] > NEGLIGIBLE) {
                w->at[w->index[e] / BLOCK * CHUNKS + chunk]++;
                sum += (double)w->conditional[e];
            }
        }
        sums[chunk] = sum;
    }
    double sum = 0.0;
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) { sum += sums[chunk]; }
    for (size_t block = 0; block < w->n_blocks; block++) {
        for (size_t chunk = 0; chunk < CHUNKS; chunk++) { w->incoming[block] += w->at[block * CHUNKS + chunk]; }
        w->widest = w->incoming[block] > w->widest ? w->incoming[block] : w->widest;
    }
    return sum;
}

static size_t band_room(size_t n, size_t k)
{
    const size_t share = 2 * n * k / BAND_SHARE;
    return share > BAND_LEAST ? share : BAND_LEAST;
}

/* Entries of a block's rows if no pair is mutual. */
static size_t block_room(const work *w, size_t block)
{
    return pt_smaller(BLOCK, w->n - block * BLOCK) * w->k + w->incoming[block];
}

/* The block after the band that begins at `first`: as many as there is room for, and at least one. */
static size_t band_end(const work *w, size_t first, size_t *edges, size_t *merged)
{
    const size_t room = band_room(w->n, w->k);
    size_t end = first;
    *edges = *merged = 0;
    while (end < w->n_blocks && (end == first || *merged + block_room(w, end) <= room)) {
        *edges += w->incoming[end];
        *merged += block_room(w, end);
        end++;
    }
    return end;
}

static ptsne_status work_create(work *w, ptsne_error *err)
{
    const size_t blocks = w->n_blocks;
    w->at = pt_array_zeroed((blocks + 1) * CHUNKS, sizeof *w->at);
    w->incoming = pt_array_zeroed(blocks, sizeof *w->incoming);
    w->start = pt_array_zeroed(blocks, sizeof *w->start);
    w->merged_at = pt_array_zeroed(blocks, sizeof *w->merged_at);
    if (!w->at || !w->incoming || !w->start || !w->merged_at) {
        return pt_fail_memory(err, "joint affinities", 8.0 * (double)blocks * (double)(CHUNKS + 3));
    }
    w->scale = 1.0 / (2.0 * edges_count(w));
    for (size_t block = 0; block < blocks;) {
        size_t edges, merged;
        block = band_end(w, block, &edges, &merged);
        w->most_edges = edges > w->most_edges ? edges : w->most_edges;
        w->most_merged = merged > w->most_merged ? merged : w->most_merged;
    }
    w->list_room = w->widest + BLOCK + 2 * w->k + 1;
    w->edges = pt_array_aligned(w->most_edges + CHUNKS, sizeof *w->edges);
    w->merged = pt_array_aligned(w->most_merged, sizeof *w->merged);
    w->lists = pt_array_aligned(w->threads * w->list_room, sizeof *w->lists);
    if (!w->edges || !w->merged || !w->lists) {
        return pt_fail_memory(err, "joint affinities",
                              12.0 * (double)w->most_edges + 8.0 * (double)w->most_merged +
                                  8.0 * (double)w->threads * (double)w->list_room);
    }
    return PTSNE_OK;
}

static void work_destroy(work *w)
{
    free(w->at);
    free(w->incoming);
    free(w->start);
    free(w->merged_at);
    free(w->edges);
    free(w->merged);
    free(w->lists);
}

/* ---- one band ---- */

/* Every block's edges together, in the order of the graph. */
static void edges_deal(work *w, size_t first, size_t end)
{
    size_t sum = 0, merged = 0;
    for (size_t block = first; block < end; block++) {
        w->start[block] = sum;
        w->merged_at[block] = merged;
        merged += block_room(w, block);
        for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
            const size_t some = w->at[block * CHUNKS + chunk];
            w->at[block * CHUNKS + chunk] = sum;
            sum += some;
        }
    }
    for (size_t chunk = 0; chunk < CHUNKS;
         chunk++) { /* edges of other bands go to a place each chunk has for them: no branch */
        w->at[w->n_blocks * CHUNKS + chunk] = w->most_edges + chunk;
    }
    const size_t row_first = first * BLOCK, row_end = pt_smaller(w->n, end * BLOCK);
#pragma omp parallel for schedule(dynamic) num_threads((int)w->threads)
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
        for (size_t i = chunk_begin(w, chunk); i < chunk_begin(w, chunk + 1); i++) {
            for (size_t e = i * w->k; e < (i + 1) * w->k; e++) {
                const uint32_t to = w->index[e];
                const bool here = w->conditional[e] > NEGLIGIBLE && to >= row_first && to < row_end;
                size_t *at = &w->at[(here ? to / BLOCK : w->n_blocks) * CHUNKS + chunk];
                w->edges[*at] = (edge){(uint32_t)i, to, w->conditional[e]};
                *at += here;
            }
        }
    }
}

/* The block's incoming edges, row after row, each row in the order of its points and with an end mark: row r's begin at
 * begin[r]. */
static void incoming_sort(const work *w, size_t block, size_t *begin, pt_entry *sorted)
{
    const edge *edges = w->edges + w->start[block];
    size_t next[BLOCK] = {0};
    for (size_t e = 0; e < w->incoming[block]; e++) { next[edges[e].to % BLOCK]++; }
    size_t sum = 0;
    for (size_t r = 0; r < BLOCK; r++) {
        begin[r] = sum;
        sum += next[r];
        sorted[sum++] = (pt_entry){NO_POINT, 0.0f};
        next[r] = begin[r];
    }
    for (size_t e = 0; e < w->incoming[block]; e++) {
        sorted[next[edges[e].to % BLOCK]++] = (pt_entry){edges[e].from, edges[e].p};
    }
}

/* own: row i's neighbours in the order of their numbers, and an end mark. */
static void own_sort(const work *w, size_t i, pt_entry *own, pt_entry *spare)
{
    size_t count = 0;
    for (size_t e = i * w->k; e < (i + 1) * w->k; e++) {
        own[count] = (pt_entry){w->index[e], w->conditional[e]};
        count += w->conditional[e] > NEGLIGIBLE;
    }
    pt_entries_sort(own, count, w->n, spare);
    own[count] = (pt_entry){NO_POINT, 0.0f};
}

/* The union of two lists; entries are the scaled sums. No branch but the last, for which list comes next is not to be guessed. */
static size_t rows_merge(const pt_entry *a, const pt_entry *b, double scale, pt_entry *to)
{
    size_t count = 0;
    for (;;) {
        const uint32_t point = a->point < b->point ? a->point : b->point;
        if (point == NO_POINT) { return count; }
        const bool first = a->point == point, second = b->point == point;
        const double p = (double)(first ? a->p : 0.0f) + (double)(second ? b->p : 0.0f);
        to[count++] = (pt_entry){point, (float)(scale * p)};
        a += first;
        b += second;
    }
}

static void block_merge(work *w, size_t block, pt_entry *lists, size_t *row)
{
    pt_entry *sorted = lists, *own = lists + w->widest + BLOCK, *spare = own + w->k + 1;
    size_t begin[BLOCK];
    incoming_sort(w, block, begin, sorted);
    pt_entry *to = w->merged + w->merged_at[block];
    const size_t end = pt_smaller(w->n, (block + 1) * BLOCK);
    for (size_t i = block * BLOCK; i < end; i++) {
        own_sort(w, i, own, spare);
        const size_t count = rows_merge(own, sorted + begin[i % BLOCK], w->scale, to);
        row[i + 1] = count;
        to += count;
    }
}

static ptsne_status grow(pt_affinities *joint, size_t count, ptsne_error *err)
{
    if ((double)count > EDGE_LIMIT) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "more than %.0f joint affinities; fewer neighbours make fewer",
                       EDGE_LIMIT);
    }
    uint32_t *column = realloc(joint->column, (count + 1) * sizeof *column);
    if (column != NULL) { joint->column = column; }
    float *p = realloc(joint->p, (count + 1) * sizeof *p);
    if (p != NULL) { joint->p = p; }
    return column != NULL && p != NULL ? PTSNE_OK : pt_fail_memory(err, "joint affinities", 8.0 * (double)count);
}

static void block_copy(const work *w, size_t block, pt_affinities *joint)
{
    const size_t first = joint->row[block * BLOCK], end = joint->row[pt_smaller(w->n, (block + 1) * BLOCK)];
    const pt_entry *from = w->merged + w->merged_at[block];
    for (size_t e = first; e < end; e++) {
        joint->column[e] = from[e - first].point;
        joint->p[e] = from[e - first].p;
    }
}

static ptsne_status band_run(work *w, size_t first, size_t end, pt_affinities *joint, ptsne_error *err)
{
    edges_deal(w, first, end);
#pragma omp parallel for schedule(dynamic) num_threads((int)w->threads)
    for (size_t block = first; block < end; block++) {
        block_merge(w, block, w->lists + (size_t)omp_get_thread_num() * w->list_room, joint->row);
    }
    const size_t row_end = pt_smaller(w->n, end * BLOCK);
    for (size_t i = first * BLOCK; i < row_end; i++) { joint->row[i + 1] += joint->row[i]; }
    const ptsne_status status = grow(joint, joint->row[row_end], err);
    if (status != PTSNE_OK) { return status; }
#pragma omp parallel for schedule(dynamic) num_threads((int)w->threads)
    for (size_t block = first; block < end; block++) { block_copy(w, block, joint); }
    return PTSNE_OK;
}

ptsne_status pt_joint_fill(const uint32_t *index, const float *conditional, size_t k, size_t threads, pt_stage *stage,
                           pt_affinities *joint, ptsne_error *err)
{
    const size_t n = joint->n;
    work w = {.index = index, .conditional = conditional, .n = n, .k = k, .threads = threads};
    w.n_blocks = (n + BLOCK - 1) / BLOCK;
    joint->row = pt_array_zeroed(n + 1, sizeof *joint->row);
    ptsne_status status = PTSNE_OK;
    if (joint->row == NULL) { status = pt_fail_memory(err, "joint affinities", 8.0 * (double)n); }
    if (status == PTSNE_OK) { status = work_create(&w, err); }
    if (status == PTSNE_OK && !isfinite(w.scale)) {
        status = pt_fail(err, PTSNE_ERR_DATA, "the neighbour graph of %zu points has no neighbour in it", n);
    }
    for (size_t block = 0; block < w.n_blocks && status == PTSNE_OK;) {
        size_t edges, merged;
        const size_t end = band_end(&w, block, &edges, &merged);
        status = band_run(&w, block, end, joint, err);
        if (status != PTSNE_OK) { break; }
        status = pt_stage_step(stage, n + pt_smaller(n, end * BLOCK), (double)NAN, (double)NAN, err);
        block = end;
    }
    work_destroy(&w);
    return status;
}

size_t pt_joint_scratch(size_t n, size_t k)
{
    /* as if every block had as many edges coming in as going out */
    const size_t merged = pt_smaller(2 * n * k, band_room(n, k));
    return merged / 2 * sizeof(edge) + merged * sizeof(pt_entry) + n / BLOCK * CHUNKS * sizeof(size_t);
}
