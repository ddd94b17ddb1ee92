/* Decimal text to numbers, the same in every locale. */
#ifndef PT_DATA_NUMBER_H
#define PT_DATA_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Read the number that text[0 .. length) wholly is (blanks around it allowed): sign, digits, point, exponent. No
 * hexadecimal, no nan, no inf. *value is the nearest float, ties to even; an infinity where it is beyond FLT_MAX. */
bool pt_number_parse(const char *text, size_t length, float *value);

/* The number at the beginning of [at, end) if it is a short one, digits with a point at most, followed by `stop` or the
 * end: returns where it ends. NULL where more has to be looked at. Never differs from pt_number_parse. */
const char *pt_number_quick(const char *at, const char *end, char stop, float *value);

/* The same as a double, within 4 units in the last place: for putting numbers in order. */
bool pt_number_approximate(const char *text, size_t length, double *value);

/* Is it digits, one comma, digits: a number as some locales write it? */
bool pt_number_has_comma(const char *text, size_t length);

#endif
