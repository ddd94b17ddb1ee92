#include "base/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* FNV-1a. */
static uint64_t hash_of(const char *text, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) { hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u; }
    return hash ^ hash >> 29;
}

/* Where text is in the table, or the free slot where it belongs. */
static size_t slot_find(const pt_names *names, const char *text, size_t length)
{
    size_t slot = (size_t)hash_of(text, length) & (names->n_slots - 1);
    while (names->slots[slot] != 0) {
        const char *here = names->text[names->slots[slot] - 1];
        if (strncmp(here, text, length) == 0 && here[length] == '\0') { break; }
        slot = (slot + 1) & (names->n_slots - 1);
    }
    return slot;
}

size_t pt_names_find(const pt_names *names, const char *text, size_t length)
{
    if (names->n_slots == 0) { return PT_NO_NAME; }
    const size_t taken = names->slots[slot_find(names, text, length)];
    return taken == 0 ? PT_NO_NAME : taken - 1;
}

static ptsne_status slots_grow(pt_names *names, const char *what, ptsne_error *err)
{
    const size_t wanted = names->n_slots == 0 ? 64 : names->n_slots * 2;
    size_t *slots = pt_array_zeroed(wanted, sizeof *slots);
    if (slots == NULL) { return pt_fail_memory(err, what, (double)wanted * sizeof *slots); }
    free(names->slots);
    names->slots = slots;
    names->n_slots = wanted;
    for (size_t i = 0; i < names->count; i++) {
        slots[slot_find(names, names->text[i], strlen(names->text[i]))] = i + 1;
    }
    return PTSNE_OK;
}

ptsne_status pt_names_add(pt_names *names, const char *text, size_t length, const char *what, size_t *number,
                          ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    if (names->count * 2 >= names->n_slots) { status = slots_grow(names, what, err); }
    if (status != PTSNE_OK) { return status; }
    size_t *slot = &names->slots[slot_find(names, text, length)];
    if (*slot == 0) {
        void *grown = names->text;
        status = pt_array_grow(&grown, &names->capacity, names->count + 1, sizeof(char *), what, err);
        names->text = grown;
        if (status != PTSNE_OK) { return status; }
        char *copy = malloc(length + 1);
        if (copy == NULL) { return pt_fail_memory(err, what, (double)length); }
        memcpy(copy, text, length);
        copy[length] = '\0';
        names->text[names->count++] = copy;
        *slot = names->count;
    }
    *number = *slot - 1;
    return PTSNE_OK;
}

void pt_names_release(pt_names *names)
{
    for (size_t i = 0; i < names->count; i++) { free(names->text[i]); }
    free(names->text);
    free(names->slots);
    *names = (pt_names){0};
}
