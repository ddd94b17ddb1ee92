/* Host memory: arrays that know about overflow, aligned for vectors. */
#ifndef PT_BASE_MEMORY_H
#define PT_BASE_MEMORY_H

#include "base/error.h"

/* count elements of size bytes, zeroed; NULL when there is no room or the product overflows.
 * Never NULL for a count of 0. Released by free(). */
void *pt_array_zeroed(size_t count, size_t size);

/* The same, not zeroed, at a multiple of 64 bytes; released by free(). */
void *pt_array_aligned(size_t count, size_t size);

/* Make room for at least `count` elements in an array that grows by half at a time; the old array
 * stays valid after a failure. *array may be NULL, then *capacity is 0. */
ptsne_status pt_array_grow(void **array, size_t *capacity, size_t count, size_t size, const char *what,
                           ptsne_error *err);

/* A copy of text, released by free(); NULL when there is no room. */
char *pt_text_copy(const char *text);

#endif
