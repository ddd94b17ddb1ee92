#include "network/metadata.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/memory.h"

static const char what[] = "a model's header"; /* for messages */

static char *format_text(const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = pt_c_print_list(NULL, 0, format, args);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text != NULL) { pt_c_print_list(text, (size_t)length + 1, format, again); }
    va_end(again);
    return text;
}

/* The number of a key, which gets NULL as its value where it is new. */
static ptsne_status key_add(pt_metadata *metadata, const char *key, size_t *number, ptsne_error *err)
{
    void *values = metadata->values;
    const size_t count = metadata->keys.count;
    ptsne_status status = pt_array_grow(&values, &metadata->capacity, count + 1, sizeof(char *), what, err);
    metadata->values = values;
    if (status == PTSNE_OK) { status = pt_names_add(&metadata->keys, key, strlen(key), what, number, err); }
    if (status == PTSNE_OK && *number == count) { metadata->values[count] = NULL; }
    return status;
}

ptsne_status pt_metadata_set(pt_metadata *metadata, ptsne_error *err, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *value = format_text(format, args);
    va_end(args);
    if (value == NULL) { return pt_fail_memory(err, what, 0.0); }
    size_t number;
    const ptsne_status status = key_add(metadata, key, &number, err);
    if (status != PTSNE_OK) {
        free(value);
        return status;
    }
    free(metadata->values[number]);
    metadata->values[number] = value;
    return PTSNE_OK;
}

const char *pt_metadata_get(const pt_metadata *metadata, const char *key)
{
    const size_t number = pt_names_find(&metadata->keys, key, strlen(key));
    return number == PT_NO_NAME ? NULL : metadata->values[number];
}

ptsne_status pt_metadata_copy(const pt_metadata *from, pt_metadata *to, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    for (size_t i = 0; i < from->keys.count && status == PTSNE_OK; i++) {
        status = pt_metadata_set(to, err, from->keys.text[i], "%s", from->values[i]);
    }
    return status;
}

void pt_metadata_destroy(pt_metadata *metadata)
{
    for (size_t i = 0; i < metadata->keys.count; i++) { free(metadata->values[i]); }
    free(metadata->values);
    pt_names_release(&metadata->keys);
    *metadata = (pt_metadata){0};
}

ptsne_status pt_metadata_set_numbers(pt_metadata *metadata, const pt_metadata_number *numbers, size_t count, int digits,
                                     ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    for (size_t i = 0; i < count && status == PTSNE_OK; i++) {
        if (!numbers[i].used) { continue; }
        status = pt_metadata_set(metadata, err, numbers[i].key, "%.*g", digits, numbers[i].value);
    }
    return status;
}
