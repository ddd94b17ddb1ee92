#define _DEFAULT_SOURCE

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT ((size_t)64)
#define HUGE_PAGE ((size_t)2 << 20)
#define HUGE_FROM ((size_t)4 << 20) /* bytes: arrays so large lie in huge pages where the system has them */

void *pt_array_zeroed(size_t count, size_t size)
{
    return calloc(count == 0 ? 1 : count, size);
}

void *pt_array_aligned(size_t count, size_t size)
{
    if (count == 0) { count = 1; }
    if (count > (SIZE_MAX - ALIGNMENT) / size) { return NULL; }
    const size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *memory = NULL;
    if (posix_memalign(&memory, bytes >= HUGE_FROM ? HUGE_PAGE : ALIGNMENT, bytes) != 0) { return NULL; }
#ifdef MADV_HUGEPAGE
    if (bytes >= HUGE_FROM) { madvise(memory, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); } /* a wish: may fail */
#endif
    return memory;
}

ptsne_status pt_array_grow(void **array, size_t *capacity, size_t count, size_t size, const char *what,
                           ptsne_error *err)
{
    if (count <= *capacity) { return PTSNE_OK; }
    const size_t half_more = *capacity + *capacity / 2 + 16;
    const size_t wanted = count > half_more ? count : half_more;
    if (wanted > SIZE_MAX / size) { return pt_fail_memory(err, what, (double)wanted * (double)size); }
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL) { return pt_fail_memory(err, what, (double)wanted * (double)size); }
    *array = grown;
    *capacity = wanted;
    return PTSNE_OK;
}

char *pt_text_copy(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);
    if (copy != NULL) { memcpy(copy, text, bytes); }
    return copy;
}
