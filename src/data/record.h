/* Records and fields of delimited text, with quotes as in RFC 4180. A delimiter is ',' ';' or a tab; ' ' for runs
 * of blanks; 0 for lines that are one field, in which only a quote at both ends means anything. */
#ifndef PT_DATA_RECORD_H
#define PT_DATA_RECORD_H

#include <stdbool.h>
#include <stddef.h>

typedef enum pt_record_state {
    PT_RECORD_WHOLE,
    PT_RECORD_CUT,     /* the text ends inside the record */
    PT_RECORD_UNCLOSED /* the same, and inside quotes */
} pt_record_state;

typedef struct pt_record {
    size_t length; /* without the line end */
    size_t bytes;  /* with it */
    size_t lines;  /* line ends in it, at least 1 */
} pt_record;

/* The record that begins at text. Where nothing follows the n bytes, `last`, the line end may be missing. */
pt_record_state pt_record_find(const char *text, size_t n, char delimiter, bool last, pt_record *record);

typedef struct pt_field {
    const char *text; /* between the quotes, blanks around it left out */
    size_t length;
    bool quoted;
    bool wrong; /* something follows the closing quote */
} pt_field;

typedef struct pt_fields {
    const char *at, *end;
    char delimiter;
    bool more;
} pt_fields;

/* Walk over the fields of a record. */
pt_fields pt_fields_begin(const char *text, size_t length, char delimiter);
bool pt_fields_next(pt_fields *fields, pt_field *field);
size_t pt_fields_count(const char *text, size_t length, char delimiter);

/* The field's text with "" turned into ", into out, which has room for its length + 1; returns the new length. */
size_t pt_field_text(const pt_field *field, char *out);

#endif
