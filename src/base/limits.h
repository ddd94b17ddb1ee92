/* Numbers that the caller chose, against what they may be. */
#ifndef PT_BASE_LIMITS_H
#define PT_BASE_LIMITS_H

#include <stdbool.h>

#include "base/error.h"

/* One number and the limits it has to keep; NaN keeps none. */
typedef struct pt_limit {
    const char *name;
    double value, least, most;
    bool below; /* most itself is too much */
} pt_limit;

/* PTSNE_ERR_ARGUMENT names the first that is outside, its value and its limits. */
ptsne_status pt_limits_check(const pt_limit *limits, size_t count, ptsne_error *err);

#endif
