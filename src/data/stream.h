/* Bytes in: from a file, standard input or memory, read ahead so that content can be looked at before it is
 * used, with gzip seen through. Nothing here seeks, so pipes are as good as files. */
#ifndef PT_DATA_STREAM_H
#define PT_DATA_STREAM_H

#include <stdbool.h>

#include "base/error.h"

#define PT_LEFT_UNKNOWN UINT64_MAX

typedef struct pt_stream {
    char *name;                /* for messages */
    int fd;                    /* -1: from memory */
    const unsigned char *from; /* memory: what is still to be read */
    size_t from_left;
    unsigned char *buffer; /* [at, end) is read and not yet taken */
    size_t at, end, capacity;
    uint64_t taken;       /* bytes handed over so far, after decompression */
    uint64_t size;        /* bytes in all where the source is plain and tells, else PT_LEFT_UNKNOWN */
    uint64_t file_start;  /* where in a regular file the first byte was */
    bool mappable;        /* a plain regular file */
    bool ended;           /* nothing after `end` */
    struct pt_gzip *gzip; /* NULL: plain */
    unsigned char *whole; /* pt_stream_rest's memory, or */
    void *mapping;        /* its mapping */
    size_t mapping_bytes;
} pt_stream;

/* Open path, "-" for standard input, and look at its first bytes. */
ptsne_status pt_stream_open(const char *path, pt_stream *stream, ptsne_error *err);
/* The same over `bytes` of borrowed memory. */
ptsne_status pt_stream_open_memory(const void *data, size_t bytes, const char *name, pt_stream *stream,
                                   ptsne_error *err);
/* Release; a stream of zeros is fine. */
void pt_stream_close(pt_stream *stream);

/* Read ahead until `want` bytes can be seen, or all that are left. */
ptsne_status pt_stream_fill(pt_stream *stream, size_t want, ptsne_error *err);
/* The bytes that can be seen; valid until the next call. */
static inline const unsigned char *pt_stream_bytes(const pt_stream *stream)
{
    return stream->buffer + stream->at;
}
static inline size_t pt_stream_seen(const pt_stream *stream)
{
    return stream->end - stream->at;
}
/* Pass over bytes that were seen. */
void pt_stream_take(pt_stream *stream, size_t bytes);
/* Copy and pass over; *got < bytes only at the end. */
ptsne_status pt_stream_read(pt_stream *stream, void *to, size_t bytes, size_t *got, ptsne_error *err);
/* Bytes not yet taken, PT_LEFT_UNKNOWN for pipes and gzip. */
uint64_t pt_stream_left(const pt_stream *stream);
/* The next `bytes` bytes at once, mapped where that can be and else read; *got of them are there. They live as
 * long as the stream and lie at a multiple of 4 where the stream's position does; they are taken. */
ptsne_status pt_stream_rest(pt_stream *stream, size_t bytes, const unsigned char **data, size_t *got, ptsne_error *err);

#endif
