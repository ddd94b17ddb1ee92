/* What a delimited text looks like, told from its first records. */
#ifndef PT_DATA_DIALECT_H
#define PT_DATA_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct pt_dialect {
    char delimiter; /* as in record.h */
    bool header;
    size_t fields;  /* of the first record */
    bool *numeric;  /* fields: is it a column of numbers? */
    size_t records; /* looked at */
    size_t first;   /* bytes of blank and comment lines before the first record */
    size_t first_lines;
} pt_dialect;

typedef struct pt_dialect_hints {
    char delimiter;      /* where known, else '?' */
    int header;          /* 1 yes, 0 no, -1 to be found out */
    bool blanks_may_cut; /* is a blank a delimiter to think of? */
    bool labels;         /* comments begin with "# ", so that "#1" is a label */
} pt_dialect_hints;

/* Look at n bytes of text, of which the file has no more if `last`. dialect->fields is 0 where there is no record;
 * released by pt_dialect_release. */
ptsne_status pt_dialect_sniff(const char *text, size_t n, bool last, const pt_dialect_hints *hints, pt_dialect *dialect,
                              ptsne_error *err);
void pt_dialect_release(pt_dialect *dialect);

/* A line to be passed over: blank, or a comment. */
bool pt_dialect_skips(const char *text, size_t length, bool labels);

/* One of the names that a column of labels goes by ("y" apart, which is also a coordinate). */
bool pt_dialect_label_name(const char *text, size_t length);

#endif
