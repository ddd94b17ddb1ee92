#include "data/line.h"

#include <string.h>

#define MOST_LINE ((size_t)1 << 28) /* bytes; more is no text */

ptsne_status pt_line_find(pt_stream *stream, size_t number, size_t *length, size_t *bytes, ptsne_error *err)
{
    for (size_t want = 1;;) {
        const ptsne_status status = pt_stream_fill(stream, want, err);
        if (status != PTSNE_OK) { return status; }
        const size_t seen = pt_stream_seen(stream);
        const char *text = (const char *)pt_stream_bytes(stream);
        const char *end = seen > 0 ? memchr(text, '\n', seen) : NULL;
        if (end != NULL || seen < want) {
            *length = end != NULL ? (size_t)(end - text) : seen;
            *bytes = *length + (end != NULL);
            return PTSNE_OK;
        }
        if (seen >= MOST_LINE) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: a line of more than %zu MiB", stream->name, number,
                           MOST_LINE >> 20);
        }
        want = seen * 2;
    }
}
