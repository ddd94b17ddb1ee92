/* A point's cell on a grid over the map becomes its place on the curve, 32 bits; a radix sort by that key is stable. */
#include "tsne/order.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

#define KEY_BITS 32u

typedef struct box {
    float low[3], scale[3]; /* cells a unit of length */
} box;

static box box_of(const float *y, size_t n, size_t d, float cells)
{
    box b = {0};
    for (size_t a = 0; a < d; a++) {
        float low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            low = fminf(low, y[i * d + a]);
            high = fmaxf(high, y[i * d + a]);
        }
        b.low[a] = low;
        b.scale[a] = high > low ? (cells - 1.0f) / (high - low) : 0.0f;
    }
    return b;
}

/* Place on the curve of the cell at x (d coordinates of `bits` bits): its bits transposed, Skilling's AxestoTranspose. */
static uint32_t hilbert_key(uint32_t x[3], size_t d, unsigned bits)
{
    const uint32_t top = 1u << (bits - 1);
    for (uint32_t q = top; q > 1; q >>= 1) {
        const uint32_t below = q - 1;
        for (size_t a = 0; a < d; a++) {
            if ((x[a] & q) != 0) {
                x[0] ^= below;
            } else {
                const uint32_t swapped = (x[0] ^ x[a]) & below;
                x[0] ^= swapped;
                x[a] ^= swapped;
            }
        }
    }
    for (size_t a = 1; a < d; a++) { x[a] ^= x[a - 1]; }
    uint32_t flips = 0;
    for (uint32_t q = top; q > 1; q >>= 1) {
        if ((x[d - 1] & q) != 0) { flips ^= q - 1; }
    }
    uint32_t key = 0;
    for (unsigned b = bits; b-- > 0;) {
        for (size_t a = 0; a < d; a++) { key = key << 1 | (((x[a] ^ flips) >> b) & 1u); }
    }
    return key;
}

static void keys_fill(const float *y, size_t n, size_t d, size_t threads, uint32_t *keys)
{
    const unsigned bits = KEY_BITS / (unsigned)d;
    const box b = box_of(y, n, d, (float)(1u << bits));
    const float most = (float)((1u << bits) - 1);
#pragma omp parallel for num_threads((int)threads) schedule(static)
    for (size_t i = 0; i < n; i++) {
        uint32_t x[3] = {0};
        for (size_t a = 0; a < d; a++) {
            x[a] = (uint32_t)fminf(fmaxf((y[i * d + a] - b.low[a]) * b.scale[a], 0.0f), most);
        }
        keys[i] = hilbert_key(x, d, bits);
    }
}

/* One digit of the radix sort: places by (digit, place before). */
static void digit_sort(const uint32_t *keys, const uint32_t *from, size_t n, unsigned shift, uint32_t *to)
{
    size_t place[257] = {0};
    for (size_t r = 0; r < n; r++) { place[((keys[from[r]] >> shift) & 255u) + 1]++; }
    for (size_t v = 0; v < 256; v++) { place[v + 1] += place[v]; }
    for (size_t r = 0; r < n; r++) { to[place[(keys[from[r]] >> shift) & 255u]++] = from[r]; }
}

ptsne_status pt_map_order(const float *y, size_t n, size_t d, size_t threads, uint32_t *order, ptsne_error *err)
{
    uint32_t *keys = pt_array_aligned(n, sizeof *keys), *other = pt_array_aligned(n, sizeof *other);
    if (keys == NULL || other == NULL) {
        free(keys);
        free(other);
        return pt_fail_memory(err, "the order of the map's points", 8.0 * (double)n);
    }
    keys_fill(y, n, d, threads, keys);
    for (size_t i = 0; i < n; i++) { order[i] = (uint32_t)i; }
    for (unsigned shift = 0; shift < KEY_BITS; shift += 16) {
        digit_sort(keys, order, n, shift, other);
        digit_sort(keys, other, n, shift + 8, order);
    }
    free(keys);
    free(other);
    return PTSNE_OK;
}

ptsne_status pt_graph_order(const pt_affinities *graph, uint32_t *order, ptsne_error *err)
{
    unsigned char *seen = pt_array_zeroed(graph->n, 1);
    if (seen == NULL) { return pt_fail_memory(err, "the order of the graph's points", (double)graph->n); }
    size_t count = 0, next = 0;
    for (size_t first = 0; first < graph->n; first++) {
        if (seen[first]) { continue; }
        seen[first] = 1;
        order[count++] = (uint32_t)first;
        for (; next < count; next++) {
            const size_t end = graph->row[order[next] + 1];
            for (size_t e = graph->row[order[next]]; e < end; e++) {
                const uint32_t point = graph->column[e];
                if (seen[point]) { continue; }
                seen[point] = 1;
                order[count++] = point;
            }
        }
    }
    free(seen);
    return PTSNE_OK;
}
