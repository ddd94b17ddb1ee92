/* Word vectors as text: a word and D numbers a line, blanks between, perhaps one more behind. fastText and word2vec
 * write "N D" in front, GloVe nothing. A word may have blanks in it, so the numbers are counted from the right. */
#include <stdlib.h>
#include <string.h>

#include "data/format.h"
#include "data/line.h"
#include "data/number.h"
#include "data/text.h"

#define SAMPLE 50 /* lines looked at */

typedef struct vectors {
    size_t line; /* lines passed */
} vectors;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The last token before `end`; its beginning is returned, its end is in *token_end. NULL if there is none. */
static const char *token_before(const char *text, const char *end, const char **token_end)
{
    while (end > text && is_blank(end[-1])) { end--; }
    *token_end = end;
    const char *begin = end;
    while (begin > text && !is_blank(begin[-1])) { begin--; }
    return begin < end ? begin : NULL;
}

typedef struct line_count {
    size_t tokens, numbers; /* numbers: those at the right end without a gap */
} line_count;

static line_count line_look(const char *text, size_t length)
{
    line_count count = {0};
    const char *end = text + length, *token_end;
    for (const char *token; (token = token_before(text, end, &token_end)) != NULL; end = token) {
        float value;
        const bool number = pt_number_parse(token, (size_t)(token_end - token), &value);
        count.numbers += number && count.numbers == count.tokens;
        count.tokens++;
    }
    return count;
}

static bool whole_number(const char *text, size_t length, size_t *number)
{
    *number = 0;
    if (length == 0 || length > 18) { return false; }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') { return false; }
        *number = *number * 10 + (size_t)(text[i] - '0');
    }
    return true;
}

/* Is the line "N D"? */
static bool header_read(const char *text, size_t length, size_t *rows, size_t *columns)
{
    const char *second_end, *first_end;
    const char *second = token_before(text, text + length, &second_end);
    const char *first = second == NULL ? NULL : token_before(text, second, &first_end);
    const char *none_end;
    return first != NULL && token_before(text, first, &none_end) == NULL &&
           whole_number(first, (size_t)(first_end - first), rows) &&
           whole_number(second, (size_t)(second_end - second), columns);
}

/* The whole line at `at` in n bytes; false where it is cut. */
static bool line_at(const char *text, size_t n, size_t at, size_t *length)
{
    const char *end = at < n ? memchr(text + at, '\n', n - at) : NULL;
    if (end != NULL) { *length = (size_t)(end - text) - at; }
    return end != NULL;
}

/* With a header: a line of D numbers, or D and a word, follows. D of 1 looks like two columns of numbers. Without
 * one: D >= 2 numbers end each line, one token stands before them in most, and not all of those are numbers. */
static bool vectors_recognises(const unsigned char *bytes, size_t n)
{
    const char *text = (const char *)bytes;
    size_t length, rows, columns, at = 0;
    if (!line_at(text, n, 0, &length)) { return false; }
    if (header_read(text, length, &rows, &columns)) {
        at = length + 1;
        if (columns < 2 || !line_at(text, n, at, &length)) { return false; }
        const line_count count = line_look(text + at, length);
        return count.tokens >= columns && count.numbers >= columns && count.numbers <= columns + 1;
    }
    line_count lines[SAMPLE];
    size_t n_lines = 0, single = 0, words = 0;
    columns = SIZE_MAX;
    for (; n_lines < SAMPLE && line_at(text, n, at, &length); at += length + 1) {
        const line_count count = line_look(text + at, length);
        if (count.tokens == 0) { continue; }
        columns = count.numbers < columns ? count.numbers : columns;
        lines[n_lines++] = count;
    }
    for (size_t i = 0; i < n_lines; i++) {
        if (lines[i].tokens <= columns) { return false; }
        single += lines[i].tokens == columns + 1;
        words += lines[i].numbers == columns;
    }
    return n_lines > 0 && columns >= 2 && single * 2 > n_lines && words > 0;
}

/* The next line that is not blank; *bytes is 0 at the end. */
static ptsne_status line_next(ptsne_reader *reader, const char **text, size_t *length, size_t *bytes, ptsne_error *err)
{
    vectors *state = reader->state;
    *text = "";
    for (;;) {
        const ptsne_status status = pt_line_find(&reader->stream, state->line + 1, length, bytes, err);
        if (status != PTSNE_OK || *bytes == 0) { return status; }
        *text = (const char *)pt_stream_bytes(&reader->stream);
        const char *end;
        if (token_before(*text, *text + *length, &end) != NULL) { return PTSNE_OK; }
        pt_stream_take(&reader->stream, *bytes);
        state->line++;
    }
}

/* Take "N D" and see that the file can hold as much: a number is a digit and a blank at least. */
static ptsne_status header_take(ptsne_reader *reader, size_t bytes, ptsne_error *err)
{
    const char *name = reader->stream.name;
    pt_stream_take(&reader->stream, bytes);
    ((vectors *)reader->state)->line++;
    if (reader->rows == 0) { return pt_fail(err, PTSNE_ERR_DATA, "%s: no rows: the first line says 0 words", name); }
    if (reader->columns == 0) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: rows without columns: the first line says 0 numbers a word", name);
    }
    const uint64_t left = pt_stream_left(&reader->stream);
    const uint64_t most = left == PT_LEFT_UNKNOWN ? PT_LEFT_UNKNOWN : left + 1;
    if (most / 2 / reader->columns < reader->rows) {
        return pt_fail(err, PTSNE_ERR_DATA,
                       "%s: truncated: the first line promises %zu words of %zu numbers, only %llu bytes follow", name,
                       reader->rows, reader->columns, (unsigned long long)left);
    }
    return PTSNE_OK;
}

static ptsne_status vectors_open(ptsne_reader *reader, ptsne_error *err)
{
    vectors *state = calloc(1, sizeof *state);
    if (state == NULL) { return pt_fail_memory(err, "a reader", (double)sizeof *state); }
    reader->state = state;
    const char *text;
    size_t length, bytes;
    ptsne_status status = line_next(reader, &text, &length, &bytes, err);
    if (status != PTSNE_OK) { return status; }
    if (bytes == 0) { return pt_fail(err, PTSNE_ERR_DATA, "%s: no rows", reader->stream.name); }
    if (header_read(text, length, &reader->rows, &reader->columns)) { return header_take(reader, bytes, err); }
    reader->rows = PTSNE_UNKNOWN;
    reader->columns = SIZE_MAX;
    const size_t seen = pt_stream_seen(&reader->stream);
    text = (const char *)pt_stream_bytes(&reader->stream);
    bool words = false; /* does a line have more than its numbers? */
    for (size_t lines = 0, at = 0; lines < SAMPLE && (lines == 0 || line_at(text, seen, at, &length));
         at += length + 1) {
        const line_count count = line_look(text + at, length);
        lines++;
        if (count.tokens == 0) { continue; }
        reader->columns = count.numbers < reader->columns ? count.numbers : reader->columns;
        words = words || count.numbers < count.tokens;
        if (at + length >= seen) { break; }
    }
    if (reader->columns == 0 || !words) {
        return pt_fail(err, PTSNE_ERR_DATA,
                       "%s: not word vectors: line 1 is not \"N D\", and lines are not a word and numbers",
                       reader->stream.name);
    }
    return PTSNE_OK;
}

static ptsne_status few_numbers(const ptsne_reader *reader, const char *text, size_t length, ptsne_error *err)
{
    return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: %zu numbers, but a row has %zu", reader->stream.name,
                   ((const vectors *)reader->state)->line + 1, line_look(text, length).numbers, reader->columns);
}

static ptsne_status line_parse(ptsne_reader *reader, const char *text, size_t length, float *row, ptsne_error *err)
{
    const char *end = text + length, *token_end;
    for (size_t c = reader->columns; c > 0; c--) {
        const char *token = token_before(text, end, &token_end);
        if (token == NULL) { return few_numbers(reader, text, length, err); }
        char value[PT_QUOTED_SIZE];
        if (!pt_number_parse(token, (size_t)(token_end - token), &row[c - 1])) {
            if (token == text) { return few_numbers(reader, text, length, err); } /* that is the word */
            return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: number %zu of the row: not a number: %s", reader->stream.name,
                           ((const vectors *)reader->state)->line + 1, c,
                           pt_quoted(token, (size_t)(token_end - token), value));
        }
        end = token;
    }
    return PTSNE_OK;
}

static ptsne_status vectors_next(ptsne_reader *reader, float *rows, size_t capacity, size_t *got, ptsne_error *err)
{
    vectors *state = reader->state;
    for (*got = 0; *got < capacity;) {
        const char *text;
        size_t length, bytes;
        ptsne_status status = line_next(reader, &text, &length, &bytes, err);
        if (status != PTSNE_OK) { return status; }
        if (bytes == 0 && reader->rows != PTSNE_UNKNOWN && reader->row < reader->rows) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s: truncated: the first line promises %zu words, there are %zu",
                           reader->stream.name, reader->rows, reader->row);
        }
        if (bytes == 0) { return PTSNE_OK; }
        if (reader->row == reader->rows) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: more words than the %zu that the first line promises",
                           reader->stream.name, state->line + 1, reader->rows);
        }
        status = line_parse(reader, text, length, rows + *got * reader->columns, err);
        if (status != PTSNE_OK) { return status; }
        pt_stream_take(&reader->stream, bytes);
        state->line++;
        reader->row++;
        ++*got;
    }
    return PTSNE_OK;
}

static void vectors_close(ptsne_reader *reader)
{
    free(reader->state);
}

const pt_format pt_format_vectors = {"vec", vectors_recognises, vectors_open, vectors_next, NULL, vectors_close, false};
