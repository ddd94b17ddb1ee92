/* Central B-splines between points and the nodes of a regular grid (Essmann et al., J. Chem. Phys. 103, 1995). */
#ifndef PT_BACKEND_CPU_SPLINES_H
#define PT_BACKEND_CPU_SPLINES_H

#include <math.h>
#include <stddef.h>

#define SPLINE_MOST ((size_t)6) /* nodes along an axis */

/* The first of a point's nodes on an axis of `size` nodes; *x is how far into the cell between its middle nodes the point lies,
 * 0 to 1. A point outside, or NaN, gets nodes of the grid and an x beyond that. */
static inline size_t spline_first(size_t order, size_t size, float y, float origin, float inverse, float *x)
{
    const float u = (y - origin) * inverse;
    const float least = (float)(order / 2 - 1), most = (float)(size - 1 - order / 2);
    float cell = floorf(u);
    cell = cell > least ? cell : least; /* written so that NaN takes a bound */
    cell = cell < most ? cell : most;
    *x = u - cell;
    return (size_t)cell - (order / 2 - 1);
}

/* Values at x by the recursion of orders, from order 2; slope (NULL: not wanted) gets the derivatives for x. order is a constant
 * after inlining. */
static inline void spline_weights(size_t order, float x, float *value, float *slope)
{
    for (size_t k = 2; k < order; k++) { value[k] = 0.0f; }
    value[0] = 1.0f - x;
    value[1] = x;
    for (size_t k = 3; k <= order; k++) {
        const float part = 1.0f / (float)(k - 1);
        if (k == order && slope != NULL) {
            slope[0] = -value[0];
            for (size_t l = 1; l < order; l++) { slope[l] = value[l - 1] - value[l]; }
        }
        value[k - 1] = part * x * value[k - 2];
        for (size_t l = k - 2; l > 0; l--) {
            const float far = (float)(k - 1 - l);
            value[l] = part * ((x + far) * value[l - 1] + ((float)k - far - x) * value[l]);
        }
        value[0] = part * (1.0f - x) * value[0];
    }
}

#endif
