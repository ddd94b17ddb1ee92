#include "tsne/sweep.h"

#include <math.h>
#include <stdlib.h>

#include "base/columns.h"
#include "base/memory.h"

size_t pt_nearest_insert(double distance, uint32_t point, size_t count, size_t k, uint32_t *index, double *distances)
{
    if (count == k) {
        const double last = distances[k - 1];
        if (distance > last || (distance == last && point > index[k - 1])) { return count; }
        count--;
    }
    size_t at = count;
    for (; at > 0; at--) {
        if (distances[at - 1] < distance || (distances[at - 1] == distance && index[at - 1] < point)) { break; }
        distances[at] = distances[at - 1];
        index[at] = index[at - 1];
    }
    distances[at] = distance;
    index[at] = point;
    return count + 1;
}

/* The column of the largest variance. */
static ptsne_status widest_column(const float *x, size_t n, size_t d, size_t threads, size_t *column, ptsne_error *err)
{
    double *mean = pt_array_zeroed(d, sizeof *mean);
    double *squares = pt_array_zeroed(d, sizeof *squares);
    ptsne_status status = PTSNE_OK;
    if (mean == NULL || squares == NULL) {
        status = pt_fail_memory(err, "means of columns", 2.0 * (double)d * (double)sizeof *mean);
        goto done;
    }
    if ((status = pt_column_means(x, n, d, threads, mean, err)) != PTSNE_OK) { goto done; }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++) {
            const double centred = (double)x[i * d + j] - mean[j];
            squares[j] += centred * centred;
        }
    }
    *column = 0;
    for (size_t j = 1; j < d; j++) {
        if (squares[j] > squares[*column]) { *column = j; }
    }
done:
    free(mean);
    free(squares);
    return status;
}

typedef struct keyed {
    float key;
    uint32_t point;
} keyed;

static int compare_keys(const void *left, const void *right)
{
    const keyed *a = left, *b = right;
    if (a->key != b->key) { return a->key < b->key ? -1 : 1; }
    return (a->point > b->point) - (a->point < b->point);
}

ptsne_status pt_sweep_create(const float *x, size_t n, size_t d, size_t threads, pt_sweep *sweep, ptsne_error *err)
{
    *sweep = (pt_sweep){.x = x, .n = n, .d = d};
    ptsne_status status;
    if ((status = widest_column(x, n, d, threads, &sweep->column, err)) != PTSNE_OK) { return status; }
    keyed *sorted = pt_array_aligned(n, sizeof *sorted);
    sweep->key = pt_array_aligned(n, sizeof *sweep->key);
    sweep->order = pt_array_aligned(n, sizeof *sweep->order);
    if (sorted == NULL || sweep->key == NULL || sweep->order == NULL) {
        status = pt_fail_memory(err, "points in order", (double)n * 16.0);
        pt_sweep_destroy(sweep);
        goto done;
    }
    for (size_t i = 0; i < n; i++) { sorted[i] = (keyed){x[i * d + sweep->column], (uint32_t)i}; }
    qsort(sorted, n, sizeof *sorted, compare_keys);
    for (size_t i = 0; i < n; i++) {
        sweep->key[i] = sorted[i].key;
        sweep->order[i] = sorted[i].point;
    }
done:
    free(sorted);
    return status;
}

void pt_sweep_destroy(pt_sweep *sweep)
{
    free(sweep->key);
    free(sweep->order);
    *sweep = (pt_sweep){0};
}

/* The first place whose key is not below value. */
static size_t place_of(const pt_sweep *sweep, float value)
{
    size_t low = 0, high = sweep->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sweep->key[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void pt_sweep_nearest(const pt_sweep *sweep, const float *query, size_t own, size_t k, double limit, uint32_t *index,
                      double *distance)
{
    const float value = query[sweep->column];
    size_t right = place_of(sweep, value), left = right; /* [left, right) is done */
    size_t count = 0;
    while (left > 0 || right < sweep->n) {
        const double below = left > 0 ? (double)value - (double)sweep->key[left - 1] : (double)INFINITY;
        const double above = right < sweep->n ? (double)sweep->key[right] - (double)value : (double)INFINITY;
        const double gap = below < above ? below : above;
        if (gap * gap > limit) { break; } /* equal: a smaller index may be there */
        const uint32_t point = sweep->order[below < above ? --left : right++];
        if (point == own) { continue; }
        const double here = pt_distance_within(query, sweep->x + point * sweep->d, sweep->d, limit);
        if (!(here <= limit)) { continue; }
        count = pt_nearest_insert(here, point, count, k, index, distance);
        if (count == k && distance[k - 1] < limit) { limit = distance[k - 1]; }
    }
}

size_t pt_sweep_nearer(const pt_sweep *sweep, size_t of, size_t point)
{
    const float *a = sweep->x + of * sweep->d;
    const double limit = pt_distance_squared(a, sweep->x + point * sweep->d, sweep->d);
    const float value = a[sweep->column];
    const size_t middle = place_of(sweep, value);
    size_t count = 0;
    for (int side = 0; side < 2; side++) {
        for (size_t t = side == 0 ? middle : middle - 1; t < sweep->n; side == 0 ? t++ : t--) { /* below 0: wraps */
            const double gap = (double)sweep->key[t] - (double)value;
            if (gap * gap >= limit) { break; }
            const size_t other = sweep->order[t];
            if (other == of) { continue; }
            count += pt_distance_within(a, sweep->x + other * sweep->d, sweep->d, limit) < limit;
        }
    }
    return count;
}
