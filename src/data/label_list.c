#include "data/label_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/number.h"
#include "data/text.h"

struct ptsne_labels {
    size_t count, classes;
    uint32_t *codes; /* count */
    char **names;    /* classes */
};

/* The class of a clean text, a new one if it was not seen before. */
static ptsne_status class_of(pt_label_list *list, const char *text, size_t length, uint32_t *code, ptsne_error *err)
{
    size_t number;
    const ptsne_status status = pt_names_add(&list->names, text, length, "labels", &number, err);
    if (status != PTSNE_OK) { return status; }
    if (number >= UINT32_MAX - 1) { return pt_fail(err, PTSNE_ERR_DATA, "more than %zu different labels", number); }
    *code = (uint32_t)number;
    return PTSNE_OK;
}

ptsne_status pt_label_list_add(pt_label_list *list, const char *text, size_t length, ptsne_error *err)
{
    void *codes = list->codes;
    ptsne_status status =
        pt_array_grow(&codes, &list->codes_capacity, list->count + 1, sizeof(uint32_t), "labels", err);
    list->codes = codes;
    if (status != PTSNE_OK) { return status; }
    uint32_t code = 0;
    if (pt_text_is_clean(text, length)) {
        status = class_of(list, text, length, &code, err);
    } else {
        char *clean = pt_text_clean(text, length);
        if (clean == NULL) { return pt_fail_memory(err, "a label", 3.0 * (double)length); }
        status = class_of(list, clean, strlen(clean), &code, err);
        free(clean);
    }
    if (status == PTSNE_OK) { list->codes[list->count++] = code; }
    return status;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes and runs of digits, the runs by value. */
static int words_compare(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (is_digit(*a) && is_digit(*b)) {
            while (*a == '0' && is_digit(a[1])) { a++; }
            while (*b == '0' && is_digit(b[1])) { b++; }
            size_t digits_a = 0, digits_b = 0;
            while (is_digit(a[digits_a])) { digits_a++; }
            while (is_digit(b[digits_b])) { digits_b++; }
            if (digits_a != digits_b) { return digits_a < digits_b ? -1 : 1; }
            const int order = memcmp(a, b, digits_a);
            if (order != 0) { return order; }
            a += digits_a;
            b += digits_b;
            continue;
        }
        if (*a != *b) { return (unsigned char)*a < (unsigned char)*b ? -1 : 1; }
        a++;
        b++;
    }
    return *a != '\0' ? 1 : *b != '\0' ? -1 : 0;
}

int pt_natural_compare(const char *a, const char *b)
{
    double value_a = 0, value_b = 0;
    const bool number_a = pt_number_approximate(a, strlen(a), &value_a);
    const bool number_b = pt_number_approximate(b, strlen(b), &value_b);
    if (number_a != number_b) { return number_a ? -1 : 1; }
    if (value_a != value_b) { return value_a < value_b ? -1 : 1; }
    const int order = words_compare(a, b);
    if (order != 0) { return number_a && value_a < 0 ? -order : order; } /* whole numbers past 2^53 */
    return strcmp(a, b);
}

typedef struct named_class {
    char *name;
    uint32_t code;
} named_class;

static int class_compare(const void *a, const void *b)
{
    return pt_natural_compare(((const named_class *)a)->name, ((const named_class *)b)->name);
}

/* Names into natural order, codes with them. */
static ptsne_status classes_sort(pt_label_list *list, ptsne_error *err)
{
    const size_t classes = list->names.count;
    named_class *order = pt_array_zeroed(classes, sizeof *order);
    uint32_t *place = pt_array_zeroed(classes, sizeof *place);
    if (order == NULL || place == NULL) {
        free(order);
        free(place);
        return pt_fail_memory(err, "labels", (double)classes * (double)(sizeof *order + sizeof *place));
    }
    for (size_t c = 0; c < classes; c++) { order[c] = (named_class){list->names.text[c], (uint32_t)c}; }
    qsort(order, classes, sizeof *order, class_compare);
    for (size_t c = 0; c < classes; c++) {
        place[order[c].code] = (uint32_t)c;
        list->names.text[c] = order[c].name;
    }
    for (size_t i = 0; i < list->count; i++) { list->codes[i] = place[list->codes[i]]; }
    free(order);
    free(place);
    return PTSNE_OK;
}

ptsne_status pt_label_list_finish(pt_label_list *list, ptsne_labels **labels, ptsne_error *err)
{
    *labels = NULL;
    const ptsne_status status = classes_sort(list, err);
    if (status != PTSNE_OK) { return status; }
    ptsne_labels *made = calloc(1, sizeof *made);
    if (made == NULL) { return pt_fail_memory(err, "labels", (double)sizeof *made); }
    *made = (ptsne_labels){list->count, list->names.count, list->codes, list->names.text};
    free(list->names.slots);
    *list = (pt_label_list){0};
    *labels = made;
    return PTSNE_OK;
}

void pt_label_list_release(pt_label_list *list)
{
    pt_names_release(&list->names);
    free(list->codes);
    *list = (pt_label_list){0};
}

void ptsne_labels_destroy(ptsne_labels *labels)
{
    if (labels == NULL) { return; }
    for (size_t c = 0; c < labels->classes; c++) { free(labels->names[c]); }
    free(labels->names);
    free(labels->codes);
    free(labels);
}

size_t ptsne_labels_count(const ptsne_labels *labels)
{
    return labels->count;
}

size_t ptsne_labels_classes(const ptsne_labels *labels)
{
    return labels->classes;
}

const uint32_t *ptsne_labels_codes(const ptsne_labels *labels)
{
    return labels->codes;
}

const char *ptsne_labels_name(const ptsne_labels *labels, size_t class_index)
{
    return class_index < labels->classes ? labels->names[class_index] : "";
}
