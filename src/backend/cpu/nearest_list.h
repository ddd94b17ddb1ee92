/* A list of the k nearest, as the ops that fill it see it: candidates that are not above a limit are appended, and when there is
 * no more room, the list is narrowed to the k least and perhaps some more, which brings the limit down.
 *
 * Order is by (distance, index), so that what is kept does not depend on the order of appending. With AVX-512 a survivor of the
 * scan is stored by compressing; elsewhere blocks are tested first, by loops that the compiler vectorises. */
#ifndef PT_BACKEND_CPU_NEAREST_LIST_H
#define PT_BACKEND_CPU_NEAREST_LIST_H

#include "backend/cpu/level.h"

#include <math.h>

#include "backend/cpu/vector_math.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define NEAREST_LANES ((size_t)16) /* a vector; appending may write so many elements behind the last one */
#define NEAREST_MOST  ((size_t)1024)

typedef struct nearest_list {
    float *d;        /* room + NEAREST_LANES */
    uint32_t *index; /* as many */
    size_t k, count, room;
    float limit;   /* a candidate must be below it, or equal with an index below last */
    uint32_t last; /* UINT32_MAX: any index will do */
} nearest_list;

/* Order-preserving: the bits of a float as a number, -0 put with 0; and back. */
static inline uint32_t nearest_order(float distance)
{
    const uint32_t bits = cpu_as_bits(distance + 0.0f);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static inline float nearest_distance(uint32_t order)
{
    return cpu_as_float(order & 0x80000000u ? order & 0x7FFFFFFFu : ~order);
}

static inline size_t nearest_within(const float *d, size_t n, float limit)
{
    uint32_t count = 0;
#pragma omp simd reduction(+ : count)
    for (size_t t = 0; t < n; t++) { count += d[t] <= limit; }
    return count;
}

static inline size_t nearest_ties(const nearest_list *list, float limit, uint32_t last)
{
    const float *d = list->d;
    const uint32_t *index = list->index;
    uint32_t count = 0;
#pragma omp simd reduction(+ : count)
    for (size_t t = 0; t < list->count; t++) { count += (d[t] < limit) | ((d[t] == limit) & (index[t] <= last)); }
    return count;
}

/* Keep what is below the limit, or equal to it with an index up to last. */
static inline void nearest_keep(nearest_list *list, float limit, uint32_t last)
{
    size_t kept = 0, t = 0;
#if defined(__AVX512F__)
    const __m512 bound = _mm512_set1_ps(limit);
    const __m512i most = _mm512_set1_epi32((int)last);
    for (; t < list->count; t += NEAREST_LANES) { /* what lies behind the last one is masked out */
        const size_t left = list->count - t;
        const __mmask16 there = (__mmask16)(left < NEAREST_LANES ? (1u << left) - 1u : 0xFFFFu);
        const __m512 d = _mm512_loadu_ps(list->d + t);
        const __m512i index = _mm512_loadu_si512(list->index + t);
        const __mmask16 below = _mm512_mask_cmp_ps_mask(there, d, bound, _CMP_LT_OQ);
        const __mmask16 equal = _mm512_mask_cmp_ps_mask(there, d, bound, _CMP_EQ_OQ);
        const __mmask16 keep = below | _mm512_mask_cmple_epu32_mask(equal, index, most);
        _mm512_storeu_ps(list->d + kept, _mm512_maskz_compress_ps(keep, d));
        _mm512_storeu_si512(list->index + kept, _mm512_maskz_compress_epi32(keep, index));
        kept += (size_t)__builtin_popcount(keep);
    }
#endif
    for (; t < list->count; t++) {
        const float d = list->d[t];
        const uint32_t index = list->index[t];
        list->d[kept] = d;
        list->index[kept] = index;
        kept += (d < limit) | ((d == limit) & (index <= last));
    }
    list->count = kept;
    list->limit = limit;
    list->last = last;
}

/* Narrow to the k least and at most `most` - k others, k <= most. Bisection on the distances: a look at all of them costs less than
 * partitioning them once. */
static inline void nearest_narrow(nearest_list *list, size_t most)
{
    if (list->count <= most) { return; }
    float least = list->d[0], greatest = list->d[0];
#pragma omp simd reduction(min : least) reduction(max : greatest)
    for (size_t t = 0; t < list->count; t++) {
        least = list->d[t] < least ? list->d[t] : least;
        greatest = list->d[t] > greatest ? list->d[t] : greatest;
    }
    int64_t low = (int64_t)nearest_order(least) - 1, high = nearest_order(greatest); /* fewer than k, at least k */
    size_t within = list->count;
    while (within > most && high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        const size_t here = nearest_within(list->d, list->count, nearest_distance((uint32_t)middle));
        if (here < list->k) {
            low = middle;
        } else {
            high = middle;
            within = here;
        }
    }
    const float limit = nearest_distance((uint32_t)high);
    uint32_t last = UINT32_MAX;
    if (within > most) { /* too many at the same distance: the smaller indices */
        int64_t from = -1, to = UINT32_MAX;
        while (to - from > 1) {
            const int64_t middle = from + (to - from) / 2;
            if (nearest_ties(list, limit, (uint32_t)middle) < list->k) {
                from = middle;
            } else {
                to = middle;
            }
        }
        last = (uint32_t)to;
    }
    nearest_keep(list, limit, last);
}

/* When a list is full: room for as many again as were kept on top of k. */
static inline void nearest_make_room(nearest_list *list)
{
    if (list->count >= list->room) { nearest_narrow(list, list->k + (list->room - list->k) / 4); }
}

static inline void nearest_append(nearest_list *list, float d, uint32_t index)
{
    if (!(d <= list->limit) || (d == list->limit && index >= list->last)) { return; }
    list->d[list->count] = d;
    list->index[list->count++] = index;
    nearest_make_room(list);
}

/* Candidates at distances max(0, own + norm[j] + row[j]), or row[j] itself where norm is NULL, with the indices from + j; the
 * one at `self` is left out, n or more for none. */
static inline void nearest_scan(nearest_list *list, const float *row, size_t n, float own, const float *norm,
                                size_t self, uint32_t from)
{
    size_t j = 0;
#if defined(__AVX512F__)
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512 base = _mm512_set1_ps(own);
    __m512 limit = _mm512_set1_ps(list->limit);
    for (; j < n; j += NEAREST_LANES) {
        const size_t left = n - j;
        const __mmask16 there = (__mmask16)(left < NEAREST_LANES ? (1u << left) - 1u : 0xFFFFu);
        __m512 d = _mm512_maskz_loadu_ps(there, row + j);
        if (norm != NULL) { d = _mm512_add_ps(_mm512_add_ps(_mm512_maskz_loadu_ps(there, norm + j), d), base); }
        __mmask16 hit = _mm512_mask_cmp_ps_mask(there, d, limit, _CMP_LE_OQ);
        if (hit == 0) { continue; }
        if (norm != NULL) { d = _mm512_max_ps(d, _mm512_setzero_ps()); }
        const __m512i index = _mm512_add_epi32(_mm512_set1_epi32((int)(from + (uint32_t)j)), lane);
        hit = _mm512_mask_cmp_ps_mask(hit, d, limit, _CMP_LT_OQ) |
              _mm512_mask_cmplt_epu32_mask(hit, index, _mm512_set1_epi32((int)list->last));
        if (self - j < NEAREST_LANES) { hit &= (__mmask16) ~(1u << (self - j)); }
        _mm512_storeu_ps(list->d + list->count, _mm512_maskz_compress_ps(hit, d));
        _mm512_storeu_si512(list->index + list->count, _mm512_maskz_compress_epi32(hit, index));
        list->count += (size_t)__builtin_popcount(hit);
        if (list->count >= list->room) {
            nearest_make_room(list);
            limit = _mm512_set1_ps(list->limit);
        }
    }
#else
    enum { BLOCK = 64 };
    for (; j < n; j += BLOCK) {
        const size_t width = n - j < BLOCK ? n - j : BLOCK;
        float d[BLOCK];
        const float limit = list->limit;
        int any = 0;
#pragma omp simd reduction(| : any)
        for (size_t t = 0; t < width; t++) {
            const float here = norm != NULL ? norm[j + t] + row[j + t] + own : row[j + t];
            d[t] = norm != NULL && here < 0.0f ? 0.0f : here;
            any |= here <= limit;
        }
        for (size_t t = 0; t < width && any; t++) {
            if (d[t] <= list->limit && j + t != self) { nearest_append(list, d[t], from + (uint32_t)(j + t)); }
        }
    }
#endif
}

/* ---- sorting ---- */

static inline void nearest_swap(uint64_t *a, uint64_t *b)
{
    const uint64_t t = *a;
    *a = *b;
    *b = t;
}

static inline void nearest_sift_down(uint64_t *key, size_t root, size_t n)
{
    const uint64_t moved = key[root];
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && key[child + 1] > key[child]) { child++; }
        if (key[child] <= moved) { break; }
        key[root] = key[child];
    }
    key[root] = moved;
}

static inline void nearest_sort_heap(uint64_t *key, size_t n)
{
    for (size_t root = n / 2; root-- > 0;) { nearest_sift_down(key, root, n); }
    for (size_t last = n; last-- > 1;) {
        nearest_swap(&key[0], &key[last]);
        nearest_sift_down(key, 0, last);
    }
}

/* Hoare's partition, median of three: keys up to the place returned are none above those behind it. n at least 3. */
static inline size_t nearest_partition(uint64_t *key, size_t n)
{
    const size_t middle = n / 2, last = n - 1;
    if (key[middle] < key[0]) { nearest_swap(&key[middle], &key[0]); }
    if (key[last] < key[0]) { nearest_swap(&key[last], &key[0]); }
    if (key[last] < key[middle]) { nearest_swap(&key[last], &key[middle]); }
    const uint64_t pivot = key[middle];
    size_t i = 0, j = last;
    while (true) {
        while (key[i] < pivot) { i++; }
        while (key[j] > pivot) { j--; }
        if (i >= j) { return j; }
        nearest_swap(&key[i++], &key[j--]);
    }
}

/* Ascending: quicksort, and where its parts get too uneven a heap. */
static inline void nearest_sort_keys(uint64_t *key, size_t n)
{
    struct {
        size_t from, n, turns;
    } part[64] = {{0, n, 40}};
    size_t parts = 1;
    while (parts > 0) {
        const size_t from = part[parts - 1].from, some = part[parts - 1].n, turns = part[parts - 1].turns;
        uint64_t *here = key + from;
        parts--;
        if (some <= 16) {
            for (size_t i = 1; i < some; i++) {
                const uint64_t moved = here[i];
                size_t at = i;
                for (; at > 0 && here[at - 1] > moved; at--) { here[at] = here[at - 1]; }
                here[at] = moved;
            }
        } else if (turns == 0) {
            nearest_sort_heap(here, some);
        } else {
            const size_t left = nearest_partition(here, some) + 1;
            part[parts].from = from, part[parts].n = left, part[parts++].turns = turns - 1;
            part[parts].from = from + left, part[parts].n = some - left, part[parts++].turns = turns - 1;
        }
    }
}

/* Narrow to exactly the k least, ascending, into d and index; empty places hold INFINITY and UINT32_MAX. key has room for k. */
static inline void nearest_settle(nearest_list *list, uint64_t *key, float *d, uint32_t *index)
{
    nearest_narrow(list, list->k);
    for (size_t t = 0; t < list->count; t++) { key[t] = (uint64_t)nearest_order(list->d[t]) << 32 | list->index[t]; }
    nearest_sort_keys(key, list->count);
    for (size_t t = 0; t < list->k; t++) {
        d[t] = t < list->count ? nearest_distance((uint32_t)(key[t] >> 32)) : INFINITY;
        index[t] = t < list->count ? (uint32_t)key[t] : UINT32_MAX;
    }
}

#endif
