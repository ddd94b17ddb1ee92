/* Bytes that are meant to be UTF-8, and bytes fit for a message. */
#ifndef PT_DATA_TEXT_H
#define PT_DATA_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Length of the UTF-8 letter at text, of which `left` bytes follow; 0 if there is none, or it is the zero byte. */
size_t pt_letter_length(const char *text, size_t left);

/* Is text UTF-8 throughout, without zero bytes? */
bool pt_text_is_clean(const char *text, size_t length);

/* A copy in which each bad byte is U+FFFD; released by free(). NULL when there is no room. */
char *pt_text_clean(const char *text, size_t length);

/* text in quotes fit for a one-line message: cut after some 40 bytes, what cannot be shown as "?". Returns `out`. */
#define PT_QUOTED_SIZE 64
const char *pt_quoted(const char *text, size_t length, char out[PT_QUOTED_SIZE]);

#endif
