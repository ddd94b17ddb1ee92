#include "data/dialect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "data/number.h"
#include "data/record.h"

#define SAMPLE 200 /* records looked at */

typedef struct sample {
    const char *text;
    size_t n;
    bool last, labels;
} sample;

static bool matches(const char *word, const char *text, size_t length)
{
    return strlen(word) == length && strncasecmp(word, text, length) == 0;
}

bool pt_dialect_label_name(const char *text, size_t length)
{
    static const char *const names[] = {"label", "class", "target", "species"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (matches(names[i], text, length)) { return true; }
    }
    return false;
}

/* Words that stand where a number is missing. */
static bool is_missing(const char *text, size_t length)
{
    static const char *const words[] = {"",  "na", "n/a",     "#n/a", "nan",  "-nan",     "null",      "none", "?",
                                        "-", ".",  "missing", "inf",  "-inf", "infinity", "-infinity", "+inf"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (matches(words[i], text, length)) { return true; }
    }
    return false;
}

bool pt_dialect_skips(const char *text, size_t length, bool labels)
{
    size_t at = 0;
    while (at < length && (text[at] == ' ' || text[at] == '\t')) { at++; }
    return at == length || (text[at] == '#' && (!labels || (at + 1 < length && text[at + 1] == ' ')));
}

/* The next record that is not passed over. */
static bool sample_next(sample *s, char delimiter, const char **text, pt_record *record)
{
    while (s->n > 0 && pt_record_find(s->text, s->n, delimiter, s->last, record) == PT_RECORD_WHOLE) {
        *text = s->text;
        s->text += record->bytes;
        s->n -= record->bytes;
        if (!pt_dialect_skips(*text, record->length, s->labels)) { return true; }
    }
    return false;
}

typedef struct delimiter_count {
    size_t first, records, several; /* fields of the first record; records, and those of 2 fields and more */
    bool steady, commas;            /* all as the first; all fields of the last are numbers with a comma */
} delimiter_count;

static delimiter_count delimiter_try(sample s, char delimiter)
{
    delimiter_count count = {.steady = true};
    const char *text;
    pt_record record;
    while (count.records < SAMPLE && sample_next(&s, delimiter, &text, &record)) {
        const size_t fields = pt_fields_count(text, record.length, delimiter);
        if (count.records == 0) { count.first = fields; }
        count.records++;
        count.several += fields > 1;
        count.steady = count.steady && fields > 1 && fields == count.first;
        count.commas = true;
        pt_fields walk = pt_fields_begin(text, record.length, delimiter);
        for (pt_field field; pt_fields_next(&walk, &field);) {
            count.commas = count.commas && pt_number_has_comma(field.text, field.length);
        }
    }
    count.steady = count.steady && count.records > 0;
    return count;
}

/* The first delimiter that cuts all records alike, or most of them into several fields; else none. */
static char delimiter_find(const sample *s, bool blanks)
{
    static const char candidates[] = {'\t', ';', ',', ' '};
    char best = 0;
    size_t most = 0;
    const delimiter_count by_blanks = delimiter_try(*s, ' ');
    for (size_t i = 0; i < (blanks ? 4u : 3u); i++) {
        const delimiter_count count = candidates[i] == ' ' ? by_blanks : delimiter_try(*s, candidates[i]);
        if (candidates[i] == ',' && by_blanks.steady && by_blanks.commas && blanks) { return ' '; } /* "1,5 2,5" */
        if (count.steady) { return candidates[i]; }
        if (count.several * 2 > count.records && count.several > most) {
            best = candidates[i];
            most = count.several;
        }
    }
    return best;
}

typedef struct column_count {
    size_t numbers, present, words; /* fields that are numbers; that are not missing; that are not empty */
} column_count;

static bool looks_numeric(const pt_field *field)
{
    float value;
    return pt_number_parse(field->text, field->length, &value) || pt_number_has_comma(field->text, field->length);
}

static void record_count(const char *text, size_t length, const pt_dialect *dialect, column_count *columns)
{
    pt_fields walk = pt_fields_begin(text, length, dialect->delimiter);
    pt_field field;
    for (size_t c = 0; c < dialect->fields && pt_fields_next(&walk, &field); c++) {
        columns[c].words += field.length > 0;
        if (is_missing(field.text, field.length)) { continue; }
        columns[c].present++;
        columns[c].numbers += looks_numeric(&field);
    }
}

static bool is_numeric(const column_count *column)
{
    if (column->present == 0) { return column->words > 0; } /* "NA" throughout is a fault worth naming */
    return column->numbers * 2 >= column->present;
}

/* "0,1,2,3": the names that pandas gives to columns without names; ",0,1": the same, behind a row index. */
static bool header_counts(const char *text, size_t length, const pt_dialect *dialect)
{
    pt_fields walk = pt_fields_begin(text, length, dialect->delimiter);
    pt_field field;
    size_t index = 0;
    for (size_t next = 0; pt_fields_next(&walk, &field); index++) {
        if (index == 0 && field.length == 0) { continue; }
        char number[24];
        const int digits = snprintf(number, sizeof number, "%zu", next++);
        if (field.length != (size_t)digits || memcmp(field.text, number, (size_t)digits) != 0) { return false; }
        if (index == 0 && dialect->fields < 4) { return false; } /* too few to be no chance */
    }
    return index > 1;
}

/* Is the first record a header? A word above numbers, or the name of a label column. Above a single column all must
 * be numbers: a list of labels may well have some. */
static bool header_find(const char *text, size_t length, const pt_dialect *dialect, const column_count *below,
                        bool labels)
{
    pt_fields walk = pt_fields_begin(text, length, dialect->delimiter);
    pt_field field;
    bool any_number = false;
    if (header_counts(text, length, dialect)) { return true; }
    for (size_t c = 0; c < dialect->fields && pt_fields_next(&walk, &field); c++) {
        const bool number = looks_numeric(&field);
        any_number = any_number || number;
        if (number) { continue; }
        if (pt_dialect_label_name(field.text, field.length)) { return true; }
        const bool numbers = below[c].numbers > 0 && is_numeric(&below[c]) &&
                             (dialect->fields > 1 || below[c].numbers == below[c].present);
        if (numbers && !is_missing(field.text, field.length)) { return true; }
    }
    return dialect->records < 2 && !any_number && !labels; /* one line of words: a label, if labels are sought */
}

static ptsne_status columns_sniff(const sample *all, int header, pt_dialect *dialect, ptsne_error *err)
{
    sample s = *all;
    const char *first, *text;
    pt_record record, next;
    if (!sample_next(&s, dialect->delimiter, &first, &record)) { return PTSNE_OK; }
    dialect->first = (size_t)(first - all->text);
    for (const char *at = all->text; at < first; at++) { dialect->first_lines += *at == '\n'; }
    dialect->fields = pt_fields_count(first, record.length, dialect->delimiter);
    dialect->records = 1;
    column_count *columns = pt_array_zeroed(dialect->fields, sizeof *columns);
    dialect->numeric = pt_array_zeroed(dialect->fields, sizeof *dialect->numeric);
    if (columns == NULL || dialect->numeric == NULL) {
        free(columns);
        return pt_fail_memory(err, "columns", (double)dialect->fields * sizeof *columns);
    }
    for (; dialect->records < SAMPLE && sample_next(&s, dialect->delimiter, &text, &next); dialect->records++) {
        record_count(text, next.length, dialect, columns);
    }
    dialect->header = header >= 0 ? header != 0 : header_find(first, record.length, dialect, columns, all->labels);
    if (!dialect->header) { record_count(first, record.length, dialect, columns); }
    for (size_t c = 0; c < dialect->fields; c++) { dialect->numeric[c] = is_numeric(&columns[c]); }
    free(columns);
    return PTSNE_OK;
}

ptsne_status pt_dialect_sniff(const char *text, size_t n, bool last, const pt_dialect_hints *hints, pt_dialect *dialect,
                              ptsne_error *err)
{
    *dialect = (pt_dialect){.delimiter = hints->delimiter};
    const sample all = {text, n, last, hints->labels};
    if (hints->delimiter == '?') { dialect->delimiter = delimiter_find(&all, hints->blanks_may_cut); }
    return columns_sniff(&all, hints->header, dialect, err);
}

void pt_dialect_release(pt_dialect *dialect)
{
    free(dialect->numeric);
    *dialect = (pt_dialect){0};
}
