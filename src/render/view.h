/* From the map's units to pixels: one scale for both axes, y upwards, the middle of the map in the middle of the plot. */
#ifndef PT_RENDER_VIEW_H
#define PT_RENDER_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct pt_view {
    double left, top, width, height; /* of the plot, pixels */
    double middle[2];                /* of what is shown, in the map's units */
    double extent[2];                /* of what is shown, likewise; not 0 */
    double scale;                    /* pixels a unit */
    bool cropped;                    /* far outliers lie beyond the plot */
} pt_view;

/* What to show of the map (n x n_components, the first two are drawn): all of it, or, where some points lie far out, what
 * lies between the 0.1 and 99.9 percentiles and 4 % more; full: always all. Sets middle, extent and cropped.
 * PTSNE_ERR_DATA: a value is not finite. */
ptsne_status pt_view_choose(const float *map, size_t n, size_t n_components, bool full, pt_view *view,
                            ptsne_error *err);

/* Fit what is shown into a plot, `inset` pixels away from its edges. */
void pt_view_fit(pt_view *view, double left, double top, double width, double height, double inset);

/* Pixels of a point. */
static inline void pt_view_place(const pt_view *view, const float *point, double *x, double *y)
{
    *x = view->left + 0.5 * view->width + ((double)point[0] - view->middle[0]) * view->scale;
    *y = view->top + 0.5 * view->height - ((double)point[1] - view->middle[1]) * view->scale;
}

/* Is the point within what is shown? */
static inline bool pt_view_shows(const pt_view *view, const float *point)
{
    const double x = (double)point[0] - view->middle[0], y = (double)point[1] - view->middle[1];
    return !view->cropped ||
           (2.0 * (x < 0.0 ? -x : x) <= view->extent[0] && 2.0 * (y < 0.0 ? -y : y) <= view->extent[1]);
}

#endif
