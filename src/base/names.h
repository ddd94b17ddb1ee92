/* Distinct texts, numbered in the order in which they came, and found by a hash table. */
#ifndef PT_BASE_NAMES_H
#define PT_BASE_NAMES_H

#include "base/error.h"

#define PT_NO_NAME SIZE_MAX

/* All zeros is an empty list. */
typedef struct pt_names {
    char **text; /* count */
    size_t count, capacity;
    size_t *slots; /* a text's number and 1; 0: free. A power of two, at most half of them taken */
    size_t n_slots;
} pt_names;

/* The number of the text's first `length` bytes, none of them 0, or PT_NO_NAME. */
size_t pt_names_find(const pt_names *names, const char *text, size_t length);

/* The same, a new number where it is not there; the text is copied. what: for the message where there is no room, which leaves the
 * list as it was. */
ptsne_status pt_names_add(pt_names *names, const char *text, size_t length, const char *what, size_t *number,
                          ptsne_error *err);

void pt_names_release(pt_names *names);

#endif
