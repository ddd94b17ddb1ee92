/* Array elements as files hold them, any width and byte order, to floats and to label names. */
#ifndef PT_DATA_ELEMENT_H
#define PT_DATA_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct pt_element {
    char kind;    /* 'f' float, 'i' signed, 'u' unsigned, 'b' bool, 'U' UCS-4 text, 'S' bytes of text */
    size_t bytes; /* of one element */
    bool swapped; /* in the other byte order than this machine's */
} pt_element;

/* Is this machine's least significant byte first? */
bool pt_little_endian(void);

/* Convert count numbers; `from` needs no alignment. Doubles beyond FLT_MAX become infinite. */
void pt_elements_float(const pt_element *type, const void *from, size_t count, float *to);
/* The same to doubles, which hold every whole number to 2^53. */
void pt_elements_double(const pt_element *type, const void *from, size_t count, double *to);

/* The name of a class number: "3", "-1", "0.5", "True". Returns its length. */
#define PT_ELEMENT_TEXT 32
size_t pt_element_text(const pt_element *type, const void *from, char text[PT_ELEMENT_TEXT]);

#endif
