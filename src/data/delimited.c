/* CSV, TSV, columns between blanks, and lines of labels. The dialect is told from the first records; then records
 * are cut from the stream one by one, columns in use are parsed and the others passed over. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/dialect.h"
#include "data/format.h"
#include "data/number.h"
#include "data/record.h"
#include "data/selection.h"
#include "data/text.h"

#define FIRST_LOOK  ((size_t)1 << 16)
#define MOST_RECORD ((size_t)1 << 28) /* bytes of a line; more is no table */

typedef struct delimited {
    pt_dialect dialect;
    char **names;     /* of the header, fields of them; NULL without one */
    bool *used;       /* fields: the columns of numbers that are read */
    size_t label;     /* index of the label column, or PTSNE_UNKNOWN */
    size_t line;      /* number of the next line, from 1 */
    size_t head_line; /* of the first record */
    char *text;       /* a label without its quotes */
    size_t text_capacity;
} delimited;

/* Text: no zero byte, for a start. What kind of text shows when it is opened. */
static bool delimited_recognises(const unsigned char *bytes, size_t n)
{
    return n > 0 && memchr(bytes, 0, n) == NULL;
}

/* "x.csv:17: column 4 ("age"): what: "n/a"" */
static ptsne_status field_fail(const ptsne_reader *reader, size_t line, size_t column, const char *what,
                               const pt_field *field, ptsne_error *err)
{
    const delimited *state = reader->state;
    char name[PT_QUOTED_SIZE] = "", value[PT_QUOTED_SIZE] = "";
    if (state->names != NULL) { pt_quoted(state->names[column], strlen(state->names[column]), name); }
    if (field != NULL) { pt_quoted(field->text, field->length, value); }
    return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: column %zu%s%s%s: %s%s%s", reader->stream.name, line, column + 1,
                   name[0] != '\0' ? " (" : "", name, name[0] != '\0' ? ")" : "", what, field != NULL ? ": " : "",
                   value);
}

/* The next record that is not blank or a comment, whole in the stream's buffer and not yet taken. *found is false
 * at the end. */
static ptsne_status record_next(ptsne_reader *reader, pt_record *record, bool *found, ptsne_error *err)
{
    delimited *state = reader->state;
    pt_stream *stream = &reader->stream;
    *found = false;
    for (size_t want = 1;;) {
        const ptsne_status status = pt_stream_fill(stream, want, err);
        if (status != PTSNE_OK) { return status; }
        const size_t seen = pt_stream_seen(stream);
        if (seen == 0) { return PTSNE_OK; }
        const char *text = (const char *)pt_stream_bytes(stream);
        const bool last = seen < want; /* the stream had no more */
        const pt_record_state cut = pt_record_find(text, seen, state->dialect.delimiter, last, record);
        if (cut == PT_RECORD_WHOLE) {
            if (!pt_dialect_skips(text, record->length, reader->labels_only)) {
                *found = true;
                return PTSNE_OK;
            }
            pt_stream_take(stream, record->bytes);
            state->line += record->lines;
            want = 1;
            continue;
        }
        if (last) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: a quote is opened and never closed", stream->name,
                           state->line);
        }
        if (seen >= MOST_RECORD) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: a line of more than %zu MiB", stream->name, state->line,
                           MOST_RECORD >> 20);
        }
        want = seen * 2;
    }
}

/* Take the header's names and pass it over. */
static ptsne_status header_read(ptsne_reader *reader, delimited *state, ptsne_error *err)
{
    pt_record record;
    bool found;
    ptsne_status status = record_next(reader, &record, &found, err);
    if (status != PTSNE_OK || !found) { return status; }
    state->names = pt_array_zeroed(state->dialect.fields, sizeof *state->names);
    if (state->names == NULL) { return pt_fail_memory(err, "columns", (double)state->dialect.fields * 8.0); }
    pt_fields walk =
        pt_fields_begin((const char *)pt_stream_bytes(&reader->stream), record.length, state->dialect.delimiter);
    pt_field field;
    for (size_t c = 0; c < state->dialect.fields && pt_fields_next(&walk, &field); c++) {
        state->names[c] = malloc(field.length + 1);
        if (state->names[c] == NULL) { return pt_fail_memory(err, "a column's name", (double)field.length); }
        pt_field_text(&field, state->names[c]);
    }
    pt_stream_take(&reader->stream, record.bytes);
    state->line += record.lines;
    return PTSNE_OK;
}

/* Look at enough of the text to tell its dialect: two lines at least. */
static ptsne_status dialect_look(ptsne_reader *reader, delimited *state, ptsne_error *err)
{
    pt_stream *stream = &reader->stream;
    const char *format = reader->options.format;
    pt_dialect_hints hints = {'?', reader->options.header, true, reader->labels_only};
    if (format != NULL && strcmp(format, "tsv") == 0) { hints.delimiter = '\t'; }
    if (format != NULL && strcmp(format, "lines") == 0) { hints.delimiter = 0; }
    if (reader->labels_only && reader->options.label_column == NULL) { hints.blanks_may_cut = false; } /* "New York" */
    for (size_t want = FIRST_LOOK;; want *= 2) {
        ptsne_status status = pt_stream_fill(stream, want, err);
        if (status != PTSNE_OK) { return status; }
        const char *text = (const char *)pt_stream_bytes(stream);
        const size_t seen = pt_stream_seen(stream);
        const bool last = seen < want;
        status = pt_dialect_sniff(text, seen, last, &hints, &state->dialect, err);
        if (status != PTSNE_OK || last || state->dialect.records >= 3 || want >= MOST_RECORD) { return status; }
        pt_dialect_release(&state->dialect);
    }
}

static ptsne_status byte_order_mark_skip(pt_stream *stream, ptsne_error *err)
{
    const ptsne_status status = pt_stream_fill(stream, 3, err);
    if (status != PTSNE_OK) { return status; }
    if (pt_stream_seen(stream) >= 3 && memcmp(pt_stream_bytes(stream), "\xef\xbb\xbf", 3) == 0) {
        pt_stream_take(stream, 3);
    }
    return PTSNE_OK;
}

/* Which columns are read, which one is the label. */
static ptsne_status columns_choose(ptsne_reader *reader, delimited *state, ptsne_error *err)
{
    const size_t fields = state->dialect.fields;
    const pt_columns columns = {reader->stream.name, state->names, fields};
    state->used = pt_array_zeroed(fields, sizeof *state->used);
    if (state->used == NULL) { return pt_fail_memory(err, "columns", (double)fields); }
    ptsne_status status =
        pt_label_column_find(&columns, reader->options.label_column, reader->labels_only, &state->label, err);
    if (status != PTSNE_OK || reader->labels_only) { return status; }
    if (reader->options.columns != NULL) {
        status = pt_columns_select(&columns, reader->options.columns, state->used, err);
        if (status != PTSNE_OK) { return status; }
    } else {
        for (size_t c = 0; c < fields; c++) {
            const bool row_names = c == 0 && fields > 1 && state->names != NULL && state->names[0][0] == '\0';
            state->used[c] = state->dialect.numeric[c] && c != state->label && !row_names; /* pandas' and R's index */
        }
    }
    for (size_t c = 0; c < fields; c++) { reader->columns += state->used[c]; }
    return PTSNE_OK;
}

static ptsne_status delimited_open(ptsne_reader *reader, ptsne_error *err)
{
    delimited *state = calloc(1, sizeof *state);
    if (state == NULL) { return pt_fail_memory(err, "a reader", (double)sizeof *state); }
    reader->state = state;
    reader->rows = PTSNE_UNKNOWN;
    state->line = 1;
    ptsne_status status = byte_order_mark_skip(&reader->stream, err);
    if (status == PTSNE_OK) { status = dialect_look(reader, state, err); }
    if (status != PTSNE_OK) { return status; }
    pt_record record;
    bool found;
    status = record_next(reader, &record, &found, err);
    if (status != PTSNE_OK) { return status; }
    if (!found) { return pt_fail(err, PTSNE_ERR_DATA, "%s: no rows", reader->stream.name); }
    state->head_line = state->line;
    if (state->dialect.header && (status = header_read(reader, state, err)) != PTSNE_OK) { return status; }
    if (state->dialect.header) {
        status = record_next(reader, &record, &found, err);
        if (status == PTSNE_OK && !found) {
            status = pt_fail(err, PTSNE_ERR_DATA, "%s: only a header, no rows", reader->stream.name);
        }
        if (status != PTSNE_OK) { return status; }
    }
    status = columns_choose(reader, state, err);
    if (status == PTSNE_OK && reader->columns == 0 && !reader->labels_only) {
        char begin[PT_QUOTED_SIZE];
        const char *text = (const char *)pt_stream_bytes(&reader->stream);
        pt_quoted(text, record.length, begin);
        status = pt_fail(err, PTSNE_ERR_DATA, "%s: text without a column of numbers: line %zu is %s",
                         reader->stream.name, state->line, begin);
    }
    return status;
}

static ptsne_status ragged(const ptsne_reader *reader, size_t fields, ptsne_error *err)
{
    const delimited *state = reader->state;
    return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: %zu field%s, but line %zu has %zu", reader->stream.name, state->line,
                   fields, fields == 1 ? "" : "s", state->head_line, state->dialect.fields);
}

static ptsne_status label_take(ptsne_reader *reader, const pt_field *field, pt_label_list *list, ptsne_error *err)
{
    delimited *state = reader->state;
    if (field->length == 0) { return field_fail(reader, state->line, state->label, "no label", NULL, err); }
    void *text = state->text;
    ptsne_status status = pt_array_grow(&text, &state->text_capacity, field->length + 1, 1, "a label", err);
    state->text = text;
    if (status != PTSNE_OK) { return status; }
    const size_t length = pt_field_text(field, state->text);
    status = pt_label_list_add(list, state->text, length, err);
    return status == PTSNE_OK ? PTSNE_OK : pt_within(err, status, "%s", reader->stream.name);
}

static ptsne_status number_take(const ptsne_reader *reader, size_t column, const pt_field *field, float *value,
                                ptsne_error *err)
{
    const delimited *state = reader->state;
    const char *what = "not a number";
    if (pt_number_parse(field->text, field->length, value)) {
        if (*value - *value == 0.0f) { return PTSNE_OK; }
        what = "beyond the range of a float";
    } else if (pt_number_has_comma(field->text, field->length)) {
        what = "a decimal comma (write a point)";
    }
    return field_fail(reader, state->line, column, what, field, err);
}

/* The next field, if it is a plain short number: most are, and each costs. */
static bool short_number_take(pt_fields *walk, float *value)
{
    const char *after = walk->more ? pt_number_quick(walk->at, walk->end, walk->delimiter, value) : NULL;
    if (after == NULL) { return false; }
    walk->more = after < walk->end;
    walk->at = after + walk->more;
    return true;
}

/* One record: numbers into row, which may be NULL, and the label into list, which may be NULL. */
static ptsne_status record_parse(ptsne_reader *reader, const char *text, size_t length, float *row, pt_label_list *list,
                                 ptsne_error *err)
{
    delimited *state = reader->state;
    const size_t fields = state->dialect.fields;
    pt_fields walk = pt_fields_begin(text, length, state->dialect.delimiter);
    pt_field field;
    size_t c = 0;
    for (;; c++) {
        const bool used = c < fields && row != NULL && state->used[c];
        if (used && c != state->label && short_number_take(&walk, row)) {
            row++;
            continue;
        }
        if (!pt_fields_next(&walk, &field)) { break; }
        if (c >= fields) { return ragged(reader, pt_fields_count(text, length, state->dialect.delimiter), err); }
        ptsne_status status = PTSNE_OK;
        if (field.wrong && state->dialect.delimiter != 0) {
            status = field_fail(reader, state->line, c, "something follows a closing quote", &field, err);
        } else if (c == state->label && list != NULL) {
            status = label_take(reader, &field, list, err);
        }
        if (status == PTSNE_OK && used) { status = number_take(reader, c, &field, row++, err); }
        if (status != PTSNE_OK) { return status; }
    }
    return c < fields ? ragged(reader, c, err) : PTSNE_OK;
}

/* Up to capacity records, into rows or into list. */
static ptsne_status records_read(ptsne_reader *reader, float *rows, pt_label_list *list, size_t capacity, size_t *got,
                                 ptsne_error *err)
{
    delimited *state = reader->state;
    for (*got = 0; *got < capacity;) {
        const size_t line_before = state->line;
        pt_record record;
        bool found;
        ptsne_status status = record_next(reader, &record, &found, err);
        if (status != PTSNE_OK || !found) { return status; }
        if (reader->labels_only && state->dialect.delimiter == 0 && state->line != line_before && reader->row > 0) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: no label", reader->stream.name, line_before);
        }
        const char *text = (const char *)pt_stream_bytes(&reader->stream);
        status = record_parse(reader, text, record.length, rows, list, err);
        if (status != PTSNE_OK) { return status; }
        pt_stream_take(&reader->stream, record.bytes);
        state->line += record.lines;
        if (rows != NULL) { rows += reader->columns; }
        reader->row++;
        ++*got;
    }
    return PTSNE_OK;
}

static ptsne_status delimited_next(ptsne_reader *reader, float *rows, size_t capacity, size_t *got, ptsne_error *err)
{
    return records_read(reader, rows, reader->labels, capacity, got, err);
}

static ptsne_status delimited_labels(ptsne_reader *reader, pt_label_list *list, size_t capacity, size_t *got,
                                     ptsne_error *err)
{
    return records_read(reader, NULL, list, capacity, got, err);
}

static void delimited_close(ptsne_reader *reader)
{
    delimited *state = reader->state;
    if (state == NULL) { return; }
    for (size_t c = 0; state->names != NULL && c < state->dialect.fields; c++) { free(state->names[c]); }
    free(state->names);
    free(state->used);
    free(state->text);
    pt_dialect_release(&state->dialect);
    free(state);
}

bool pt_delimited_has_label(const ptsne_reader *reader)
{
    return reader->format == &pt_format_delimited && ((const delimited *)reader->state)->label != PTSNE_UNKNOWN;
}

const pt_format pt_format_delimited = {
    "csv", delimited_recognises, delimited_open, delimited_next, delimited_labels, delimited_close, true};
