/* Arithmetic of counts. */
#ifndef PT_BASE_SIZES_H
#define PT_BASE_SIZES_H

#include <stddef.h>

static inline size_t pt_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t pt_larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* n / parts rounded up; there is no sum that could overflow. */
static inline size_t pt_ceil_div(size_t n, size_t parts)
{
    return n / parts + (n % parts != 0);
}

/* The least multiple of step that is not below n. */
static inline size_t pt_round_up(size_t n, size_t step)
{
    return pt_ceil_div(n, step) * step;
}

#endif
