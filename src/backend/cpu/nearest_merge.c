/* Merge a tile of distances into running lists of the k nearest.
 *
 * A candidate is one 64-bit key, (distance, index), so that one comparison settles ties to the smaller index. A row is
 * scanned against the worst key kept; survivors gather behind the list, and when there is no more room, or at the row's
 * end, the k least of all are selected. */
#include "backend/cpu/level.h"

#include "backend/cpu/vector_math.h"

#define BLOCK     ((size_t)64) /* columns compared at once */
#define MOST_K    ((size_t)1024)
#define SURVIVORS (2 * MOST_K + 2 * BLOCK) /* keys of a list and its candidates */
#define ROWS      ((size_t)8)              /* of one chunk */

/* Order-preserving: the bits of a float as an unsigned number, -0 put with 0. */
static uint64_t key_of(float distance, uint32_t index)
{
    const uint32_t bits = cpu_as_bits(distance + 0.0f);
    const uint32_t order = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (uint64_t)order << 32 | index;
}

static float distance_of(uint64_t key)
{
    const uint32_t order = (uint32_t)(key >> 32);
    return cpu_as_float(order & 0x80000000u ? order & 0x7FFFFFFFu : ~order);
}

static void swap(uint64_t *a, uint64_t *b)
{
    const uint64_t t = *a;
    *a = *b;
    *b = t;
}

/* Order keys so that the k least come first, in any order (Hoare's quickselect, median of three). */
static void select_least(uint64_t *key, size_t n, size_t k)
{
    size_t low = 0, high = n; /* the k-th is within */
    while (high - low > 8) {
        const size_t middle = low + (high - low) / 2, last = high - 1;
        if (key[middle] < key[low]) { swap(&key[middle], &key[low]); }
        if (key[last] < key[low]) { swap(&key[last], &key[low]); }
        if (key[last] < key[middle]) { swap(&key[last], &key[middle]); }
        const uint64_t pivot = key[middle];
        size_t i = low, j = last;
        while (true) {
            while (key[i] < pivot) { i++; }
            while (key[j] > pivot) { j--; }
            if (i >= j) { break; }
            swap(&key[i++], &key[j--]);
        }
        if (k <= j + 1) { /* key[low .. j] <= pivot <= key[j + 1 .. high) */
            high = j + 1;
        } else {
            low = j + 1;
        }
    }
    for (size_t i = low + 1; i < high; i++) {
        for (size_t j = i; j > low && key[j] < key[j - 1]; j--) { swap(&key[j], &key[j - 1]); }
    }
}

static void sift_down(uint64_t *key, size_t root, size_t n)
{
    const uint64_t moved = key[root];
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && key[child + 1] > key[child]) { child++; }
        if (key[child] <= moved) { break; }
        key[root] = key[child];
    }
    key[root] = moved;
}

/* Ascending, by a heap: no stack, no bad case. */
static void sort(uint64_t *key, size_t n)
{
    for (size_t root = n / 2; root-- > 0;) { sift_down(key, root, n); }
    for (size_t last = n; last-- > 1;) {
        swap(&key[0], &key[last]);
        sift_down(key, 0, last);
    }
}

static uint64_t greatest(const uint64_t *key, size_t n)
{
    uint64_t most = key[0];
    for (size_t i = 1; i < n; i++) { most = key[i] > most ? key[i] : most; }
    return most;
}

/* `more` keys follow key[0 .. k), which may be sorted: sort the k least of all into the front. */
static void settle(uint64_t *key, size_t k, size_t more, bool sorted)
{
    if (sorted && more <= 8) {
        for (size_t c = k; c < k + more; c++) {
            const uint64_t moved = key[c];
            if (moved >= key[k - 1]) { continue; }
            size_t at = k - 1;
            for (; at > 0 && key[at - 1] > moved; at--) { key[at] = key[at - 1]; }
            key[at] = moved;
        }
        return;
    }
    select_least(key, k + more, k);
    sort(key, k);
}

static bool any_within(const float *distance, size_t n, float limit)
{
    int hit = 0;
#pragma omp simd reduction(| : hit)
    for (size_t j = 0; j < n; j++) { hit |= distance[j] <= limit; }
    return hit != 0;
}

/* One row of the tile; `self` is the column left out, n or more for none. */
static void merge_row(const float *distance, size_t n, size_t self, size_t column_from, size_t k, uint64_t *key)
{
    const size_t room = 2 * (k + BLOCK); /* small, so that the limit comes down soon */
    size_t more = 0;
    uint64_t worst = key[k - 1];
    float limit = distance_of(worst);
    bool sorted = true;
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t width = n - first < BLOCK ? n - first : BLOCK;
        if (!any_within(distance + first, width, limit)) { continue; }
        for (size_t j = first; j < first + width; j++) {
            const uint64_t candidate = key_of(distance[j], (uint32_t)(column_from + j));
            if (distance[j] <= limit && candidate < worst && j != self) { key[k + more++] = candidate; }
        }
        if (k + more + BLOCK <= room) { continue; }
        select_least(key, k + more, k);
        sorted = false;
        more = 0;
        worst = greatest(key, k);
        limit = distance_of(worst);
    }
    settle(key, k, more, sorted);
}

ptsne_status cpu_nearest_merge(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                               size_t column_from, size_t k, const pt_buffer *best_d, const pt_buffer *best_i,
                               ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *distance = pt_cpu_floats(tile);
    const size_t chunks = (m + ROWS - 1) / ROWS;
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks))
    for (size_t c = 0; c < chunks; c++) {
        uint64_t key[SURVIVORS];
        const size_t end = (c + 1) * ROWS < m ? (c + 1) * ROWS : m;
        for (size_t i = c * ROWS; i < end; i++) {
            float *d = pt_cpu_floats(best_d) + i * k;
            uint32_t *index = pt_cpu_words(best_i) + i * k;
            const size_t self =
                row_from == SIZE_MAX || row_from + i < column_from ? SIZE_MAX : row_from + i - column_from;
            for (size_t l = 0; l < k; l++) { key[l] = key_of(d[l], index[l]); }
            merge_row(distance + i * n, n, self, column_from, k, key);
            for (size_t l = 0; l < k; l++) {
                d[l] = distance_of(key[l]);
                index[l] = (uint32_t)key[l];
            }
        }
    }
    return PTSNE_OK;
}
