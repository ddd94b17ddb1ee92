/* Text that programs read, numbers in it: the same whatever the caller's locale is. */
#ifndef PT_BASE_C_LOCALE_H
#define PT_BASE_C_LOCALE_H

#include <stdarg.h>
#include <stddef.h>

#include "base/error.h"

/* As vsnprintf, snprintf and sscanf, in the C locale; -1 where the system has no memory for that. */
int pt_c_print_list(char *text, size_t size, const char *format, va_list args) PT_PRINTF(3, 0);
int pt_c_print(char *text, size_t size, const char *format, ...) PT_PRINTF(3, 4);
int pt_c_scan(const char *text, const char *format, ...) __attribute__((__format__(__scanf__, 2, 3)));

#endif
