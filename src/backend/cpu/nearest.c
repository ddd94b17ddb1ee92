/* The k nearest without a tile in memory: each tile of distances is scanned while it is in the cache, by rows, and where the
 * distances are wanted from both sides by columns too.
 *
 * A row of `lists` is a head (how many, the limit, its last index) of one cache line, then distances, then indices. Threads take
 * tiles in an order that keeps them apart and lock the lists of a tile's rows and columns while they scan: what is kept does
 * not depend on the order (nearest_list.h). Measured on two cores at 70,000 x 128: scanning takes a seventh of the time. */
#include "backend/cpu/level.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "backend/cpu/nearest_list.h"
#include "base/memory.h"

#define ROWS    ((size_t)512) /* of a tile: half a MiB of distances */
#define COLUMNS ((size_t)256)
#define STRIDE                                                                                                         \
    (COLUMNS + 16) /* from row to row: not a power of two, or a strip of columns would lie in few sets of the cache */
#define HEAD ((size_t)16)

static nearest_list list_load(const pt_buffer *lists, size_t row, size_t k)
{
    const size_t stride = pt_nearest_room(k), half = (stride - HEAD) / 2;
    float *head = pt_cpu_floats(lists) + row * stride;
    const uint32_t *words = pt_cpu_words(lists) + row * stride;
    return (nearest_list){
        .d = head + HEAD,
        .index = pt_cpu_words(lists) + row * stride + HEAD + half,
        .k = k,
        .count = words[0],
        .room = half - NEAREST_LANES,
        .limit = head[1],
        .last = words[2],
    };
}

static void list_store(const pt_buffer *lists, size_t row, const nearest_list *list)
{
    const size_t at = row * pt_nearest_room(list->k);
    pt_cpu_words(lists)[at] = (uint32_t)list->count;
    pt_cpu_floats(lists)[at + 1] = list->limit;
    pt_cpu_words(lists)[at + 2] = list->last;
}

ptsne_status cpu_nearest_begin(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, ptsne_error *err)
{
    (void)be, (void)err; /* nothing here can fail */
    const nearest_list empty = {.k = k, .count = 0, .limit = INFINITY, .last = UINT32_MAX};
    for (size_t i = 0; i < m; i++) { list_store(lists, i, &empty); }
    return PTSNE_OK;
}

/* What the tiles of one call share. */
typedef struct work {
    pt_backend *be;
    bool own; /* the product is our own code */
    int metric;
    const float *a, *b;
    size_t m, n, d, k;
    size_t row_from, column_from;
    const pt_buffer *lists, *lists_b; /* lists_b may be NULL */
    size_t down, across;
    float *norm_a, *norm_b, *tiles; /* m, n, a tile for each thread */
    omp_lock_t *locks;              /* down, across */
} work;

/* Rows i .. i + m of a against columns j .. j + n of b, whose distances lie in tile. */
static void scan_rows(const work *w, size_t i, size_t m, size_t j, size_t n, const float *tile, bool add)
{
    for (size_t t = 0; t < m; t++) {
        nearest_list list = list_load(w->lists, i + t, w->k);
        const size_t row = w->row_from + i + t, column = w->column_from + j;
        const size_t self = w->row_from == SIZE_MAX || row < column ? SIZE_MAX : row - column;
        const float own = add ? w->norm_a[i + t] : 0.0f;
        nearest_scan(&list, tile + t * STRIDE, n, own, add ? w->norm_b + j : NULL, self, (uint32_t)column);
        list_store(w->lists, i + t, &list);
    }
}

/* A strip of at most NEAREST_LANES columns, whose lists stay in the first cache while all rows pass. */
static void scan_strip(const work *w, size_t i, size_t m, size_t j, size_t n, const float *tile, bool add)
{
    nearest_list list[NEAREST_LANES];
    float limit[NEAREST_LANES], norm[NEAREST_LANES];
    for (size_t c = 0; c < NEAREST_LANES; c++) {
        if (c < n) { list[c] = list_load(w->lists_b, j + c, w->k); }
        limit[c] = c < n ? list[c].limit : -INFINITY; /* nothing is taken there */
        norm[c] = add && c < n ? w->norm_b[j + c] : 0.0f;
    }
    for (size_t t = 0; t < m; t++) {
        const float *row = tile + t * STRIDE, own = add ? w->norm_a[i + t] : 0.0f;
        float d[NEAREST_LANES];
        uint32_t hits = 0;
#if defined(__AVX512F__)
        const __m512 here =
            _mm512_add_ps(_mm512_add_ps(_mm512_loadu_ps(norm), _mm512_loadu_ps(row)), _mm512_set1_ps(own));
        hits = _mm512_cmp_ps_mask(here, _mm512_loadu_ps(limit), _CMP_LE_OQ);
        if (hits == 0) { continue; }
        _mm512_storeu_ps(d, here);
#else
#pragma omp simd reduction(| : hits)
        for (size_t c = 0; c < NEAREST_LANES; c++) {
            d[c] = norm[c] + row[c] + own;
            hits |= (uint32_t)(d[c] <= limit[c]) << c;
        }
#endif
        for (; hits != 0; hits &= hits - 1) {
            const size_t c = (size_t)__builtin_ctz(hits);
            if (w->row_from + i + t == w->column_from + j + c) { continue; }
            nearest_append(&list[c], d[c] < 0.0f ? 0.0f : d[c], (uint32_t)(w->row_from + i + t));
            limit[c] = list[c].limit;
        }
    }
    for (size_t c = 0; c < n; c++) { list_store(w->lists_b, j + c, &list[c]); }
}

static void scan_columns(const work *w, size_t i, size_t m, size_t j, size_t n, const float *tile, bool add)
{
    for (size_t c = 0; c < n; c += NEAREST_LANES) {
        scan_strip(w, i, m, j + c, n - c < NEAREST_LANES ? n - c : NEAREST_LANES, tile + c, add);
    }
}

static bool tile_run(const work *w, size_t t)
{
    const size_t down = t % w->down, across = (t / w->down + down) % w->across; /* neighbours share no list */
    const size_t i = down * ROWS, j = across * COLUMNS;
    const size_t m = w->m - i < ROWS ? w->m - i : ROWS, n = w->n - j < COLUMNS ? w->n - j : COLUMNS;
    float *tile = w->tiles + (size_t)omp_get_thread_num() * ROWS * STRIDE;
    bool add;
    if (!cpu_distance_tile((pt_cpu *)w->be, w->own, w->metric, w->a + i * w->d, m, w->norm_a + i, w->b + j * w->d, n,
                           w->norm_b + j, w->d, tile, STRIDE, &add)) {
        return false;
    }
    omp_set_lock(&w->locks[down]);
    scan_rows(w, i, m, j, n, tile, add);
    omp_unset_lock(&w->locks[down]);
    if (w->lists_b != NULL) {
        omp_set_lock(&w->locks[w->down + across]);
        scan_columns(w, i, m, j, n, tile, add);
        omp_unset_lock(&w->locks[w->down + across]);
    }
    return true;
}

static ptsne_status tiles_run(work *w, ptsne_error *err)
{
    cpu_distance_norms(w->be, w->metric, w->a, w->m, w->d, w->norm_a);
    cpu_distance_norms(w->be, w->metric, w->b, w->n, w->d, w->norm_b);
    for (size_t l = 0; l < w->down + w->across; l++) { omp_init_lock(&w->locks[l]); }
    const size_t tiles = w->down * w->across;
    int failed = 0;
#pragma omp parallel for num_threads(pt_cpu_threads(w->be, tiles)) reduction(| : failed) schedule(dynamic)
    for (size_t t = 0; t < tiles; t++) { failed |= !tile_run(w, t); }
    for (size_t l = 0; l < w->down + w->across; l++) { omp_destroy_lock(&w->locks[l]); }
    return failed ? pt_fail(err, PTSNE_ERR_MEMORY, "nearest_add: oneDNN had no memory for a tile") : PTSNE_OK;
}

ptsne_status cpu_nearest_add(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                             size_t d, size_t row_from, size_t column_from, size_t k, const pt_buffer *lists,
                             const pt_buffer *lists_b, ptsne_error *err)
{
    work w = {
        .be = be,
        .metric = metric,
        .a = pt_cpu_floats(a),
        .b = pt_cpu_floats(b),
        .m = m,
        .n = n,
        .d = d,
        .k = k,
        .row_from = row_from,
        .column_from = column_from,
        .lists = lists,
        .lists_b = lists_b,
        .down = pt_ceil_div(m, ROWS),
        .across = pt_ceil_div(n, COLUMNS),
    };
    const pt_product_shape shape = {.m = m, .n = n, .k = d};
    ptsne_status status = cpu_product_begin(be, &shape, &w.own, err);
    if (status != PTSNE_OK) { return status; }
    const size_t tiles = be->threads * ROWS * STRIDE;
    w.norm_a = pt_array_aligned(m, sizeof *w.norm_a);
    w.norm_b = pt_array_aligned(n, sizeof *w.norm_b);
    w.tiles = pt_array_aligned(tiles, sizeof *w.tiles);
    w.locks = pt_array_aligned(w.down + w.across, sizeof *w.locks);
    if (w.norm_a == NULL || w.norm_b == NULL || w.tiles == NULL || w.locks == NULL) {
        status = pt_fail_memory(err, "tiles of distances", 4.0 * (double)(m + n + tiles));
    } else {
        status = tiles_run(&w, err);
    }
    free(w.norm_a);
    free(w.norm_b);
    free(w.tiles);
    free(w.locks);
    return status;
}

ptsne_status cpu_nearest_end(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, const pt_buffer *best_d,
                             const pt_buffer *best_i, ptsne_error *err)
{
    (void)err;
    const size_t rows = 16, chunks = pt_ceil_div(m, rows);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) schedule(dynamic)
    for (size_t c = 0; c < chunks; c++) {
        uint64_t key[NEAREST_MOST];
        for (size_t i = c * rows; i < m && i < (c + 1) * rows; i++) {
            nearest_list list = list_load(lists, i, k);
            nearest_settle(&list, key, pt_cpu_floats(best_d) + i * k, pt_cpu_words(best_i) + i * k);
        }
    }
    return PTSNE_OK;
}
