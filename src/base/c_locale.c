#define _POSIX_C_SOURCE 200809L

#include "base/c_locale.h"

#include <locale.h>
#include <stdio.h>

/* This thread's locale is C from begin to end; (locale_t)0: there is no memory for it, and nothing to end. */
static locale_t c_begin(locale_t *before)
{
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale != (locale_t)0) { *before = uselocale(c_locale); }
    return c_locale;
}

static void c_end(locale_t c_locale, locale_t before)
{
    uselocale(before);
    freelocale(c_locale);
}

int pt_c_print_list(char *text, size_t size, const char *format, va_list args)
{
    locale_t before;
    const locale_t c_locale = c_begin(&before);
    if (c_locale == (locale_t)0) { return -1; }
    const int length = vsnprintf(text, size, format, args);
    c_end(c_locale, before);
    return length;
}

int pt_c_print(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = pt_c_print_list(text, size, format, args);
    va_end(args);
    return length;
}

int pt_c_scan(const char *text, const char *format, ...)
{
    locale_t before;
    const locale_t c_locale = c_begin(&before);
    if (c_locale == (locale_t)0) { return -1; }
    va_list args;
    va_start(args, format);
    const int count = vsscanf(text, format, args);
    va_end(args);
    c_end(c_locale, before);
    return count;
}
