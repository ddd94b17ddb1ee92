#include "render/view.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* The k-th smallest of n values, which are moved about (Hoare's selection, as Wirth writes it). */
static float select_kth(float *values, size_t n, size_t k)
{
    ptrdiff_t low = 0, high = (ptrdiff_t)n - 1;
    while (low < high) {
        const float pivot = values[k];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) { i++; }
            while (pivot < values[j]) { j--; }
            if (i <= j) {
                const float kept = values[i];
                values[i++] = values[j];
                values[j--] = kept;
            }
        }
        if (j < (ptrdiff_t)k) { low = i; }
        if ((ptrdiff_t)k < i) { high = j; }
    }
    return values[k];
}

/* What to show along one axis. */
static void axis_choose(float *values, size_t n, bool full, double *from, double *to, bool *cropped)
{
    static const double TAIL = 0.001, MARGIN = 0.04, NEAR = 0.15;
    double least = (double)values[0], most = (double)values[0];
    for (size_t i = 1; i < n; i++) {
        least = fmin(least, (double)values[i]);
        most = fmax(most, (double)values[i]);
    }
    *from = least, *to = most;
    const size_t tail = (size_t)(TAIL * (double)n);
    if (full || tail == 0) { return; }
    const double low = (double)select_kth(values, n, tail), high = (double)select_kth(values, n, n - 1 - tail);
    const double reach = high - low;
    if (least >= low - NEAR * reach && most <= high + NEAR * reach) { return; } /* nothing is far out */
    if (reach == 0.0) { return; }
    *from = fmax(least, low - MARGIN * reach);
    *to = fmin(most, high + MARGIN * reach);
    *cropped = true;
}

ptsne_status pt_view_choose(const float *map, size_t n, size_t n_components, bool full, pt_view *view, ptsne_error *err)
{
    *view = (pt_view){0};
    float *values = pt_array_aligned(n, sizeof *values);
    if (values == NULL) { return pt_fail_memory(err, "one axis of the map", (double)(n * sizeof *values)); }
    for (size_t axis = 0; axis < 2; axis++) {
        for (size_t i = 0; i < n; i++) {
            values[i] = map[i * n_components + axis];
            if (!isfinite(values[i])) {
                free(values);
                return pt_fail(err, PTSNE_ERR_DATA, "row %zu, column %zu of the map is not a finite number", i + 1,
                               axis + 1);
            }
        }
        double from, to;
        axis_choose(values, n, full, &from, &to, &view->cropped);
        view->middle[axis] = 0.5 * (from + to);
        view->extent[axis] = to - from;
    }
    free(values);
    const double larger = fmax(view->extent[0], view->extent[1]);
    for (size_t axis = 0; axis < 2; axis++) {
        /* one point, or all on a line: some room around it; doubles hold any difference of floats */
        view->extent[axis] = fmax(view->extent[axis], larger > 0.0 ? 1e-3 * larger : 1.0);
    }
    return PTSNE_OK;
}

void pt_view_fit(pt_view *view, double left, double top, double width, double height, double inset)
{
    view->left = left, view->top = top, view->width = width, view->height = height;
    view->scale =
        fmin(fmax(width - 2.0 * inset, 1.0) / view->extent[0], fmax(height - 2.0 * inset, 1.0) / view->extent[1]);
}
