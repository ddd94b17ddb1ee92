#include "data/record.h"

#include <string.h>

static bool is_blank(char c, char delimiter)
{
    return c == ' ' || (c == '\t' && delimiter != '\t');
}

/* Where the quoted field that opens at text ends: behind its closing quote, or NULL. */
static const char *quotes_end(const char *text, const char *end)
{
    const char *at = text + 1;
    while (at < end && (at = memchr(at, '"', (size_t)(end - at))) != NULL) {
        if (at + 1 == end || at[1] != '"') { return at + 1; }
        at += 2; /* a doubled one stands for itself */
    }
    return NULL;
}

/* The end of a record with quotes in it: the first line end outside them. NULL inside quotes, `end` outside. */
static const char *quoted_record_end(const char *text, const char *end, char delimiter)
{
    bool field_begins = true;
    for (const char *at = text; at < end; at++) {
        if (*at == '\n') { return at; }
        if (*at == '"' && field_begins) {
            at = quotes_end(at, end);
            if (at == NULL) { return NULL; }
            at--;
            field_begins = false;
        } else if (*at == delimiter || (delimiter == ' ' && *at == '\t')) {
            field_begins = true;
        } else if (!is_blank(*at, delimiter)) {
            field_begins = false;
        }
    }
    return end;
}

pt_record_state pt_record_find(const char *text, size_t n, char delimiter, bool last, pt_record *record)
{
    const char *end = n > 0 ? memchr(text, '\n', n) : NULL;
    const size_t line = end != NULL ? (size_t)(end - text) : n;
    record->lines = 1;
    if (delimiter != 0 && line > 0 && memchr(text, '"', line) != NULL) {
        const char *found = quoted_record_end(text, text + n, delimiter);
        if (found == NULL) { return PT_RECORD_UNCLOSED; }
        end = found < text + n ? found : NULL;
        for (const char *at = text; at < found; at++) { record->lines += *at == '\n'; }
    }
    if (end == NULL && !last) { return PT_RECORD_CUT; }
    record->length = end != NULL ? (size_t)(end - text) : n;
    record->bytes = record->length + (end != NULL);
    if (record->length > 0 && text[record->length - 1] == '\r') { record->length--; }
    return PT_RECORD_WHOLE;
}

pt_fields pt_fields_begin(const char *text, size_t length, char delimiter)
{
    return (pt_fields){text, text + length, delimiter, true};
}

static void blanks_trim(pt_field *field, char delimiter)
{
    while (field->length > 0 && is_blank(field->text[0], delimiter)) {
        field->text++;
        field->length--;
    }
    while (field->length > 0 && is_blank(field->text[field->length - 1], delimiter)) { field->length--; }
}

/* Take the quotes off a field that is quoted at both ends. */
static void quotes_strip(pt_field *field)
{
    if (field->length == 0 || field->text[0] != '"') { return; }
    const char *end = field->text + field->length, *close = quotes_end(field->text, end);
    if (close != end) {
        field->wrong = true;
        return;
    }
    field->quoted = true;
    field->text++;
    field->length -= 2;
}

bool pt_fields_next(pt_fields *fields, pt_field *field)
{
    const char delimiter = fields->delimiter;
    const char *at = fields->at, *end = fields->end;
    if (delimiter == ' ') {
        while (at < end && is_blank(*at, ' ')) { at++; }
        fields->more = at < end;
    }
    if (!fields->more) { return false; }
    const char *begin = at;
    while (delimiter != 0 && at < end && is_blank(*at, delimiter)) { at++; }
    if (delimiter != 0 && at < end && *at == '"') {
        const char *close = quotes_end(at, end);
        at = close != NULL ? close : end;
    }
    if (delimiter == 0) {
        at = end;
    } else if (delimiter == ' ') {
        while (at < end && !is_blank(*at, ' ')) { at++; }
    } else {
        while (at < end && *at != delimiter) { at++; }
    }
    fields->more = at < end;
    fields->at = at < end ? at + 1 : at;
    *field = (pt_field){.text = begin, .length = (size_t)(at - begin)};
    blanks_trim(field, delimiter);
    quotes_strip(field);
    return true;
}

size_t pt_fields_count(const char *text, size_t length, char delimiter)
{
    pt_fields fields = pt_fields_begin(text, length, delimiter);
    pt_field field;
    size_t count = 0;
    while (pt_fields_next(&fields, &field)) { count++; }
    return count;
}

size_t pt_field_text(const pt_field *field, char *out)
{
    size_t length = 0;
    for (size_t i = 0; i < field->length; i++) {
        out[length++] = field->text[i];
        if (field->quoted && field->text[i] == '"') { i++; } /* the first of two */
    }
    out[length] = '\0';
    return length;
}
