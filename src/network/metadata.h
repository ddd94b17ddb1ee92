/* Text pairs about a file or a run, in the order in which they were first set. */
#ifndef PT_NETWORK_METADATA_H
#define PT_NETWORK_METADATA_H

#include <stdbool.h>

#include "base/names.h"

/* All zeros is an empty one. */
typedef struct pt_metadata {
    pt_names keys;
    char **values; /* of each key */
    size_t capacity;
} pt_metadata;

/* Add a pair, or give a key that is there a new value. */
ptsne_status pt_metadata_set(pt_metadata *metadata, ptsne_error *err, const char *key, const char *format, ...)
    PT_PRINTF(4, 5);
/* NULL where there is no such key. */
const char *pt_metadata_get(const pt_metadata *metadata, const char *key);
/* Set all that `from` has. */
ptsne_status pt_metadata_copy(const pt_metadata *from, pt_metadata *to, ptsne_error *err);
void pt_metadata_destroy(pt_metadata *metadata);

/* A number that is told where it is used. */
typedef struct pt_metadata_number {
    const char *key;
    double value;
    bool used;
} pt_metadata_number;

/* Set those of the numbers that are used, with so many digits. */
ptsne_status pt_metadata_set_numbers(pt_metadata *metadata, const pt_metadata_number *numbers, size_t count, int digits,
                                     ptsne_error *err);

#endif
