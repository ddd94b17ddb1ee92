#include "data/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t pt_letter_length(const char *bytes, size_t left)
{
    const unsigned char *text = (const unsigned char *)bytes;
    const unsigned char c = text[0];
    if (c < 0x80) { return c == 0 ? 0 : 1; }
    const size_t length = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (length == 0 || length > left) { return 0; }
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) { return 0; }
    }
    if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xf0 && text[1] < 0x90)) { return 0; }   /* too long a form */
    if ((c == 0xed && text[1] >= 0xa0) || (c == 0xf4 && text[1] >= 0x90)) { return 0; } /* no such letter */
    return length;
}

char *pt_text_clean(const char *text, size_t length)
{
    if (length > SIZE_MAX / 3 - 1) { return NULL; }
    char *clean = malloc(3 * length + 1);
    if (clean == NULL) { return NULL; }
    size_t to = 0;
    for (size_t at = 0; at < length;) {
        const size_t letter = pt_letter_length(text + at, length - at);
        memcpy(clean + to, letter == 0 ? "\xef\xbf\xbd" : text + at, letter == 0 ? 3 : letter);
        to += letter == 0 ? 3 : letter;
        at += letter == 0 ? 1 : letter;
    }
    clean[to] = '\0';
    char *fitting = realloc(clean, to + 1);
    return fitting != NULL ? fitting : clean;
}

bool pt_text_is_clean(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        const size_t letter = pt_letter_length(text + at, length - at);
        if (letter == 0) { return false; }
        at += letter;
    }
    return true;
}

const char *pt_quoted(const char *text, size_t length, char out[PT_QUOTED_SIZE])
{
    size_t to = 0, at = 0;
    out[to++] = '"';
    while (at < length && to < 40) {
        const size_t letter = pt_letter_length(text + at, length - at);
        const unsigned char c = (unsigned char)text[at];
        if (letter == 0 || c < 0x20 || c == 0x7f) {
            out[to++] = '?';
            at++;
            continue;
        }
        memcpy(out + to, text + at, letter);
        to += letter;
        at += letter;
    }
    snprintf(out + to, PT_QUOTED_SIZE - to, "\"%s", at < length ? "..." : "");
    return out;
}
