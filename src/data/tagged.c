/* fastText's training lines as labels: the first __label__ token of each line. */
#include <stdlib.h>
#include <string.h>

#include "data/format.h"
#include "data/line.h"

#define TAG        "__label__"
#define TAG_LENGTH ((size_t)9)

static bool tagged_recognises(const unsigned char *bytes, size_t n)
{
    size_t at = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < n && (bytes[at] == '\n' || bytes[at] == '\r')) { at++; }
    return n - at >= TAG_LENGTH && memcmp(bytes + at, TAG, TAG_LENGTH) == 0;
}

static ptsne_status tagged_open(ptsne_reader *reader, ptsne_error *err)
{
    size_t *line = calloc(1, sizeof *line); /* lines passed */
    if (line == NULL) { return pt_fail_memory(err, "a reader", (double)sizeof *line); }
    reader->state = line;
    reader->rows = PTSNE_UNKNOWN;
    return PTSNE_OK;
}

/* The first token of the line that is a tag, without the tag; false if there is none. */
static bool tag_find(const char *line, size_t length, const char **label, size_t *label_length)
{
    for (size_t at = 0; at < length;) {
        while (at < length && strchr(" \t\r\v\f", line[at]) != NULL && line[at] != '\0') { at++; }
        const size_t begin = at;
        while (at < length && (line[at] == '\0' || strchr(" \t\r\v\f", line[at]) == NULL)) { at++; }
        if (at - begin > TAG_LENGTH && memcmp(line + begin, TAG, TAG_LENGTH) == 0) {
            *label = line + begin + TAG_LENGTH;
            *label_length = at - begin - TAG_LENGTH;
            return true;
        }
    }
    return false;
}

static ptsne_status tagged_labels(ptsne_reader *reader, pt_label_list *list, size_t capacity, size_t *got,
                                  ptsne_error *err)
{
    size_t *line = reader->state;
    for (*got = 0; *got < capacity;) {
        size_t length, bytes, label_length;
        ptsne_status status = pt_line_find(&reader->stream, *line + 1, &length, &bytes, err);
        if (status != PTSNE_OK || bytes == 0) { return status; }
        const char *text = (const char *)pt_stream_bytes(&reader->stream), *label;
        ++*line;
        const bool blank = length == 0 || (length == 1 && text[0] == '\r');
        if (!blank && !tag_find(text, length, &label, &label_length)) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: no " TAG " token", reader->stream.name, *line);
        }
        if (!blank && list != NULL) { status = pt_label_list_add(list, label, label_length, err); }
        if (status != PTSNE_OK) { return pt_within(err, status, "%s:%zu", reader->stream.name, *line); }
        pt_stream_take(&reader->stream, bytes);
        *got += !blank;
        reader->row += !blank;
    }
    return PTSNE_OK;
}

static void tagged_close(ptsne_reader *reader)
{
    free(reader->state);
}

const pt_format pt_format_tagged = {"tagged", tagged_recognises, tagged_open, NULL, tagged_labels, tagged_close, false};
