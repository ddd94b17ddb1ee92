#include "data/selection.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "data/dialect.h"
#include "data/text.h"

/* A 1-based number that text[0 .. length) wholly is; false if it is none. */
static bool number_read(const char *text, size_t length, size_t *number)
{
    *number = 0;
    if (length == 0 || length > 18) { return false; }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') { return false; }
        *number = *number * 10 + (size_t)(text[i] - '0');
    }
    return true;
}

static size_t name_find(const pt_columns *columns, const char *text, size_t length)
{
    for (size_t c = 0; columns->names != NULL && c < columns->count; c++) {
        const char *name = columns->names[c];
        if (name != NULL && strlen(name) == length && memcmp(name, text, length) == 0) { return c; }
    }
    return PTSNE_UNKNOWN;
}

/* The columns that there are, in words that fit a message. */
static const char *columns_words(const pt_columns *columns, char *out, size_t room)
{
    size_t at = (size_t)snprintf(out, room, "there are %zu columns", columns->count);
    for (size_t c = 0; columns->names != NULL && c < columns->count && at + 80 < room; c++) {
        const char *name = columns->names[c] != NULL ? columns->names[c] : "";
        char quoted[PT_QUOTED_SIZE];
        at +=
            (size_t)snprintf(out + at, room - at, "%s%s", c == 0 ? ": " : ", ", pt_quoted(name, strlen(name), quoted));
        if (at + 80 >= room && c + 1 < columns->count) { snprintf(out + at, room - at, " ..."); }
    }
    return out;
}

static ptsne_status no_such_column(const pt_columns *columns, const char *text, size_t length, ptsne_error *err)
{
    char quoted[PT_QUOTED_SIZE], words[400];
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: no column %s: %s", columns->file, pt_quoted(text, length, quoted),
                   columns_words(columns, words, sizeof words));
}

/* One name, number or range of a selection. */
static ptsne_status item_select(const pt_columns *columns, const char *text, size_t length, bool *used,
                                ptsne_error *err)
{
    const size_t named = name_find(columns, text, length);
    if (named != PTSNE_UNKNOWN) {
        used[named] = true;
        return PTSNE_OK;
    }
    const char *dash = memchr(text, '-', length);
    size_t first, last;
    const bool range = dash != NULL && number_read(text, (size_t)(dash - text), &first) &&
                       number_read(dash + 1, length - (size_t)(dash - text) - 1, &last);
    if (!range) {
        if (!number_read(text, length, &first)) { return no_such_column(columns, text, length, err); }
        last = first;
    }
    if (first < 1 || last > columns->count || first > last) { return no_such_column(columns, text, length, err); }
    for (size_t c = first - 1; c < last; c++) { used[c] = true; }
    return PTSNE_OK;
}

ptsne_status pt_columns_select(const pt_columns *columns, const char *selection, bool *used, ptsne_error *err)
{
    for (const char *at = selection;;) {
        const size_t length = strcspn(at, ",");
        const ptsne_status status = item_select(columns, at, length, used, err);
        if (status != PTSNE_OK) { return status; }
        if (at[length] == '\0') { return PTSNE_OK; }
        at += length + 1;
    }
}

/* The column by one of the names that labels go by; "y" only where it is no coordinate. */
static size_t label_guess(const pt_columns *columns)
{
    size_t y = PTSNE_UNKNOWN;
    bool x = false;
    for (size_t c = 0; columns->names != NULL && c < columns->count; c++) {
        const char *name = columns->names[c];
        if (name == NULL) { continue; }
        if (pt_dialect_label_name(name, strlen(name))) { return c; }
        x = x || strcasecmp(name, "x") == 0;
        if (strcasecmp(name, "y") == 0) { y = c; }
    }
    return x ? PTSNE_UNKNOWN : y;
}

ptsne_status pt_label_column_find(const pt_columns *columns, const char *wanted, bool required, size_t *index,
                                  ptsne_error *err)
{
    *index = PTSNE_UNKNOWN;
    if (wanted != NULL && wanted[0] != '\0') {
        const size_t length = strlen(wanted);
        size_t number;
        *index = name_find(columns, wanted, length);
        if (*index == PTSNE_UNKNOWN && number_read(wanted, length, &number) && number >= 1 &&
            number <= columns->count) {
            *index = number - 1;
        }
        return *index == PTSNE_UNKNOWN ? no_such_column(columns, wanted, length, err) : PTSNE_OK;
    }
    if (wanted == NULL) { *index = label_guess(columns); }
    if (*index == PTSNE_UNKNOWN && required && columns->count == 1) { *index = 0; }
    if (*index == PTSNE_UNKNOWN && required) {
        char words[400];
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: which column is the label? %s", columns->file,
                       columns_words(columns, words, sizeof words));
    }
    return PTSNE_OK;
}
