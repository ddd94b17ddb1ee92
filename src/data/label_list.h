/* Labels as they are gathered: each distinct text once, a code a row; then classes in natural order. */
#ifndef PT_DATA_LABEL_LIST_H
#define PT_DATA_LABEL_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/names.h"

typedef struct pt_label_list {
    pt_names names; /* of the classes */
    uint32_t *codes;
    size_t count, codes_capacity;
} pt_label_list;

/* The next row's label; bytes that are no UTF-8, and zeros, become U+FFFD. An empty list is all zeros. */
ptsne_status pt_label_list_add(pt_label_list *list, const char *text, size_t length, ptsne_error *err);
/* Turn the list, which is empty afterwards, into labels with classes in natural order. */
ptsne_status pt_label_list_finish(pt_label_list *list, ptsne_labels **labels, ptsne_error *err);
void pt_label_list_release(pt_label_list *list);

/* "2" before "10", "-3" before "-1"; numbers before words; runs of digits inside words by value. */
int pt_natural_compare(const char *a, const char *b);

#endif
