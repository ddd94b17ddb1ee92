/* Decimal text to numbers, the same in every locale. */
#ifndef PT_DATA_NUMBER_H
#define PT_DATA_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Read the number that text[0 .. length) wholly is (blanks around it allowed): sign, digits, point, exponent. No
 * hexadecimal, no nan, no inf. *value is the nearest float, ties to even; an infinity where it is beyond FLT_MAX. */
bool pt_number_parse(const char *text, size_t length, float *value);

/* The same as a double, within 4 units in the last place: for putting numbers in order. */
bool pt_number_approximate(const char *text, size_t length, double *value);

/* Is it digits, one comma, digits: a number as some locales write it? */
bool pt_number_has_comma(const char *text, size_t length);

/* text in quotes fit for a one-line message: cut after some 40 bytes, what cannot be shown as "?". Returns `out`. */
#define PT_QUOTED_SIZE 64
const char *pt_quoted(const char *text, size_t length, char out[PT_QUOTED_SIZE]);

#endif
