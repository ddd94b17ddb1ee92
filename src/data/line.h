/* Lines of text, one after the other. */
#ifndef PT_DATA_LINE_H
#define PT_DATA_LINE_H

#include "data/stream.h"

/* The next line, whole in the stream's buffer: *length without its end, *bytes with it, 0 at the end of the file.
 * It is not taken. number is for messages. */
ptsne_status pt_line_find(pt_stream *stream, size_t number, size_t *length, size_t *bytes, ptsne_error *err);

#endif
