/* Most numbers are read in double precision by one or two roundings, and the float nearest to that double is the
 * float nearest to the text unless the double lies within its own error of the middle between two floats. Only then,
 * and below the normal floats, does the slow and exact strtof of the C locale decide. */
#define _POSIX_C_SOURCE 200809L

#include "data/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_KEPT 19 /* 10^19 < 2^64; those dropped are below 1e-18 of the value */

typedef struct decimal {
    uint64_t digits; /* value = digits * 10^exponent */
    int64_t exponent;
    bool negative;
} decimal;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *exponent_read(const char *at, const char *end, int64_t *exponent)
{
    const char *next = at + 1; /* at is the e */
    const bool negative = next < end && *next == '-';
    if (next < end && (*next == '-' || *next == '+')) { next++; }
    if (next == end || !is_digit(*next)) { return at; }
    int64_t value = 0;
    for (; next < end && is_digit(*next); next++) {
        if (value < 1000000) { value = value * 10 + (*next - '0'); }
    }
    *exponent += negative ? -value : value;
    return next;
}

static bool decimal_read(const char *text, size_t length, decimal *number)
{
    const char *at = text, *end = text + length;
    while (at < end && is_blank(*at)) { at++; }
    while (end > at && is_blank(end[-1])) { end--; }
    *number = (decimal){.negative = at < end && *at == '-'};
    if (at < end && (*at == '-' || *at == '+')) { at++; }
    int kept = 0;
    bool any = false, point = false;
    for (; at < end; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(*at)) { break; }
        any = true;
        if (kept < DIGITS_KEPT) {
            number->digits = number->digits * 10 + (uint64_t)(*at - '0');
            if (number->digits != 0) { kept++; } /* leading zeros do not count */
            if (point) { number->exponent--; }
        } else if (!point) {
            number->exponent++;
        }
    }
    if (!any) { return false; }
    if (at < end && (*at == 'e' || *at == 'E')) { at = exponent_read(at, end, &number->exponent); }
    return at == end;
}

/* |number|, off by less than 4 units in the last place; 0 or infinity where doubles end. */
static double magnitude(const decimal *number)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (number->digits == 0) { return 0.0; }
    if (number->exponent > 400) { return (double)INFINITY; }
    if (number->exponent < -400) { return 0.0; }
    int exponent = (int)number->exponent;
    double value = (double)number->digits;
    for (; exponent > 22; exponent -= 22) { value *= 1e22; }
    for (; exponent < -22; exponent += 22) { value /= 1e22; }
    return exponent >= 0 ? value * powers[exponent] : value / powers[-exponent];
}

/* text as the C library reads it in the C locale; text is a number, so a copy may be cut only if it is very long. */
static float exact(const char *text, size_t length)
{
    char small[256];
    char *copy = length < sizeof small ? small : malloc(length + 1);
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    float value = NAN;
    if (copy != NULL && c_locale != (locale_t)0) {
        memcpy(copy, text, length);
        copy[length] = '\0';
        const locale_t before = uselocale(c_locale);
        value = strtof(copy, NULL);
        uselocale(before);
    }
    if (c_locale != (locale_t)0) { freelocale(c_locale); }
    if (copy != small) { free(copy); }
    return value;
}

bool pt_number_parse(const char *text, size_t length, float *value)
{
    decimal number;
    if (!decimal_read(text, length, &number)) { return false; }
    const double near = magnitude(&number);
    uint64_t bits;
    memcpy(&bits, &near, sizeof bits);
    const uint64_t below = bits & 0x1fffffffu; /* the 29 bits that a float has not */
    const bool clear = below + 8 < 0x10000000u || below > 0x10000000u + 8;
    if (number.digits == 0 || near > 2.0 * (double)FLT_MAX || (clear && near >= (double)FLT_MIN)) {
        const float rounded = near > 2.0 * (double)FLT_MAX ? INFINITY : (float)near;
        *value = number.negative ? -rounded : rounded;
        return true;
    }
    *value = exact(text, length);
    if (isnan(*value)) { *value = (float)(number.negative ? -near : near); } /* no memory: half a unit off at worst */
    return true;
}

/* Seven digits and the power of ten are exact floats, so their quotient is rounded once. */
const char *pt_number_quick(const char *at, const char *end, char stop, float *value)
{
    static const float powers[] = {1e0f, 1e1f, 1e2f, 1e3f, 1e4f, 1e5f, 1e6f, 1e7f};
    const bool negative = at < end && *at == '-';
    at += negative;
    uint32_t digits = 0;
    const char *begin = at;
    while (at < end && is_digit(*at) && at - begin < 7) { digits = digits * 10 + (uint32_t)(*at++ - '0'); }
    if (at == begin) { return NULL; }
    ptrdiff_t decimals = 0;
    if (at < end && *at == '.') {
        const char *point = at++;
        while (at < end && is_digit(*at) && at - begin < 8) { digits = digits * 10 + (uint32_t)(*at++ - '0'); }
        decimals = at - point - 1;
    }
    if (at < end && *at != stop) { return NULL; }
    const float magnitude_read = (float)digits / powers[decimals];
    *value = negative ? -magnitude_read : magnitude_read;
    return at;
}

bool pt_number_approximate(const char *text, size_t length, double *value)
{
    decimal number;
    if (!decimal_read(text, length, &number)) { return false; }
    *value = number.negative ? -magnitude(&number) : magnitude(&number);
    return true;
}

bool pt_number_has_comma(const char *text, size_t length)
{
    const char *comma = memchr(text, ',', length);
    if (comma == NULL) { return false; }
    const size_t before = (size_t)(comma - text), after = length - before - 1;
    float value;
    return before > 0 && after > 0 && is_digit(comma[1]) && pt_number_parse(text, before, &value) &&
           pt_number_parse(comma + 1, after, &value) && memchr(text, '.', length) == NULL;
}
