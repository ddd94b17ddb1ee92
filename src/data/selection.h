/* Which columns people mean: names, 1-based numbers, ranges. */
#ifndef PT_DATA_SELECTION_H
#define PT_DATA_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct pt_columns {
    const char *file;   /* for messages */
    char *const *names; /* count; NULL where there is no header; entries may be NULL */
    size_t count;
} pt_columns;

/* "a,b,5-20": sets used[c] of those columns. A name beats a number. */
ptsne_status pt_columns_select(const pt_columns *columns, const char *selection, bool *used, ptsne_error *err);

/* The label column by name or number; NULL: by the names that labels go by; "": none. *index is PTSNE_UNKNOWN where
 * there is none; with `required` that is an error, unless there is only one column. */
ptsne_status pt_label_column_find(const pt_columns *columns, const char *wanted, bool required, size_t *index,
                                  ptsne_error *err);

#endif
