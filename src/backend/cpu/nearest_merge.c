/* Merge a tile of distances into running lists of the k nearest, which are sorted before and after: a row is scanned against the
 * worst of its list, and only if something was nearer the list is made anew. */
#include "backend/cpu/level.h"

#include "backend/cpu/nearest_list.h"

#define ROOM ((size_t)(2 * NEAREST_MOST)) /* of a list and its candidates */
#define ROWS ((size_t)8)                  /* of one chunk */

/* The first of the least entries from..end of a row, if it is nearer than the one there is. */
static void merge_least(const float *distance, size_t from, size_t end, size_t column_from, float *best_d,
                        uint32_t *best_i)
{
    float least = INFINITY;
#pragma omp simd reduction(min : least)
    for (size_t j = from; j < end; j++) { least = distance[j] < least ? distance[j] : least; }
    if (!(least <= *best_d) || *best_d < least) { return; }
    for (size_t j = from; j < end; j++) {
        if (!(distance[j] == least)) { continue; }
        const uint32_t index = (uint32_t)(column_from + j);
        if (least < *best_d || index < *best_i) { *best_d = least, *best_i = index; }
        return;
    }
}

/* k = 1, as k-means asks: the least of a row without a list, four times as quick. */
static void merge_nearest(const pt_backend *be, const float *distance, size_t m, size_t n, size_t row_from,
                          size_t column_from, float *best_d, uint32_t *best_i)
{
#pragma omp parallel for num_threads(pt_cpu_threads(be, pt_ceil_div(m, ROWS))) schedule(static)
    for (size_t i = 0; i < m; i++) {
        const size_t own = row_from == SIZE_MAX || row_from + i < column_from ? n : row_from + i - column_from;
        const size_t self = own < n ? own : n;
        merge_least(distance + i * n, 0, self, column_from, best_d + i, best_i + i);
        if (self < n) { merge_least(distance + i * n, self + 1, n, column_from, best_d + i, best_i + i); }
    }
}

ptsne_status cpu_nearest_merge(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                               size_t column_from, size_t k, const pt_buffer *best_d, const pt_buffer *best_i,
                               ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *distance = pt_cpu_floats(tile);
    if (k == 1) {
        merge_nearest(be, distance, m, n, row_from, column_from, pt_cpu_floats(best_d), pt_cpu_words(best_i));
        return PTSNE_OK;
    }
    const size_t chunks = pt_ceil_div(m, ROWS);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks))
    for (size_t c = 0; c < chunks; c++) {
        float kept_d[ROOM + NEAREST_LANES];
        uint32_t kept_i[ROOM + NEAREST_LANES];
        uint64_t key[NEAREST_MOST];
        const size_t end = (c + 1) * ROWS < m ? (c + 1) * ROWS : m;
        for (size_t i = c * ROWS; i < end; i++) {
            float *d = pt_cpu_floats(best_d) + i * k;
            uint32_t *index = pt_cpu_words(best_i) + i * k;
            nearest_list list = {.d = kept_d, .index = kept_i, .k = k, .limit = INFINITY, .last = UINT32_MAX};
            list.room = 2 * k + 64 < ROOM ? 2 * k + 64 : ROOM; /* small, so that the limit comes down soon */
            for (size_t l = 0; l < k && index[l] != UINT32_MAX; l++) {
                kept_d[l] = d[l], kept_i[l] = index[l], list.count++;
            }
            if (list.count == k) { list.limit = d[k - 1], list.last = index[k - 1]; }
            const nearest_list before = list;
            const size_t self =
                row_from == SIZE_MAX || row_from + i < column_from ? SIZE_MAX : row_from + i - column_from;
            nearest_scan(&list, distance + i * n, n, 0.0f, NULL, self, (uint32_t)column_from);
            const bool same = list.count == before.count && list.limit == before.limit && list.last == before.last;
            if (!same) { nearest_settle(&list, key, d, index); }
        }
    }
    return PTSNE_OK;
}
