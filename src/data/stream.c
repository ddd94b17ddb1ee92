#define _POSIX_C_SOURCE 200809L

#include "data/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"

#define CHUNK ((size_t)1 << 18)

typedef struct pt_gzip {
    z_stream z;
    bool between; /* one member has ended, the next one has not begun */
    bool ended;
    unsigned char packed[CHUNK];
} pt_gzip;

/* Bytes as they come from the source; *got = 0 at its end. */
static ptsne_status raw_read(pt_stream *stream, void *to, size_t room, size_t *got, ptsne_error *err)
{
    if (stream->fd < 0) {
        *got = room < stream->from_left ? room : stream->from_left;
        if (*got > 0) { memcpy(to, stream->from, *got); }
        stream->from += *got;
        stream->from_left -= *got;
        return PTSNE_OK;
    }
    const size_t most = (size_t)1 << 30; /* one read() may be asked for less than 2 GiB */
    const ssize_t n = read(stream->fd, to, room < most ? room : most);
    if (n < 0) {
        *got = 0;
        /* Only a handler that was installed without SA_RESTART gets here: its owner wants to be asked, and a pipe may
         * stay silent for ever. */
        if (errno == EINTR) { return pt_fail(err, PTSNE_ERR_STOPPED, "%s: reading was interrupted", stream->name); }
        return pt_fail(err, PTSNE_ERR_IO, "%s: cannot be read: %s", stream->name, strerror(errno));
    }
    *got = (size_t)n;
    return PTSNE_OK;
}

/* More packed bytes, if the last ones are used up. */
static ptsne_status gzip_feed(pt_stream *stream, ptsne_error *err)
{
    pt_gzip *gzip = stream->gzip;
    if (gzip->z.avail_in > 0) { return PTSNE_OK; }
    size_t got;
    const ptsne_status status = raw_read(stream, gzip->packed, CHUNK, &got, err);
    gzip->z.next_in = gzip->packed;
    gzip->z.avail_in = (uInt)got;
    return status;
}

/* After a member: the next one (files joined by cat), zeros (tapes pad so), or the end. */
static ptsne_status gzip_next_member(pt_stream *stream, ptsne_error *err)
{
    pt_gzip *gzip = stream->gzip;
    for (;;) {
        const ptsne_status status = gzip_feed(stream, err);
        if (status != PTSNE_OK) { return status; }
        if (gzip->z.avail_in == 0) {
            gzip->ended = true;
            return PTSNE_OK;
        }
        if (*gzip->z.next_in == 0x1f) {
            gzip->between = false;
            inflateReset(&gzip->z);
            return PTSNE_OK;
        }
        if (*gzip->z.next_in != 0) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s: there is something else after the gzip data", stream->name);
        }
        gzip->z.next_in++;
        gzip->z.avail_in--;
    }
}

static ptsne_status gzip_read(pt_stream *stream, void *to, size_t room, size_t *got, ptsne_error *err)
{
    pt_gzip *gzip = stream->gzip;
    *got = 0;
    if (room > CHUNK * 16) { room = CHUNK * 16; }
    while (*got == 0 && !gzip->ended) {
        ptsne_status status = gzip->between ? gzip_next_member(stream, err) : gzip_feed(stream, err);
        if (status != PTSNE_OK) { return status; }
        if (gzip->ended) { break; }
        if (gzip->z.avail_in == 0) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s: truncated: the gzip data ends early", stream->name);
        }
        gzip->z.next_out = to;
        gzip->z.avail_out = (uInt)room;
        const int code = inflate(&gzip->z, Z_NO_FLUSH);
        *got = room - gzip->z.avail_out;
        if (code == Z_STREAM_END) {
            gzip->between = true;
        } else if (code == Z_MEM_ERROR) {
            return pt_fail_memory(err, "gzip", 65536.0);
        } else if (code != Z_OK) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s: damaged gzip data: %s", stream->name,
                           gzip->z.msg != NULL ? gzip->z.msg : "it makes no sense");
        }
    }
    return PTSNE_OK;
}

static ptsne_status any_read(pt_stream *stream, void *to, size_t room, size_t *got, ptsne_error *err)
{
    const ptsne_status status =
        stream->gzip != NULL ? gzip_read(stream, to, room, got, err) : raw_read(stream, to, room, got, err);
    if (status == PTSNE_OK && *got == 0) { stream->ended = true; }
    return status;
}

/* Move what was read so far, which is packed, under the decompressor. */
static ptsne_status gzip_begin(pt_stream *stream, ptsne_error *err)
{
    pt_gzip *gzip = malloc(sizeof *gzip);
    if (gzip == NULL) { return pt_fail_memory(err, "gzip", (double)sizeof *gzip); }
    memset(&gzip->z, 0, sizeof gzip->z);
    gzip->between = gzip->ended = false;
    const size_t seen = pt_stream_seen(stream);
    memcpy(gzip->packed, pt_stream_bytes(stream), seen); /* a first fill is at most a CHUNK */
    gzip->z.next_in = gzip->packed;
    gzip->z.avail_in = (uInt)seen;
    if (inflateInit2(&gzip->z, 15 + 16) != Z_OK) {
        free(gzip);
        return pt_fail_memory(err, "gzip", 65536.0);
    }
    stream->gzip = gzip;
    stream->at = stream->end = 0;
    stream->ended = false;
    stream->size = PT_LEFT_UNKNOWN;
    stream->mappable = false;
    return PTSNE_OK;
}

static ptsne_status stream_begin(pt_stream *stream, const char *name, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    stream->name = pt_text_copy(name);
    if (stream->name == NULL) {
        status = pt_fail_memory(err, "a file name", (double)strlen(name));
    } else {
        status = pt_stream_fill(stream, 3, err);
    }
    const size_t seen = pt_stream_seen(stream);
    if (status == PTSNE_OK && seen > 0 && memcmp(pt_stream_bytes(stream), "\x1f\x8b\x08", seen < 3 ? seen : 3) == 0) {
        status = gzip_begin(stream, err);
    }
    if (status != PTSNE_OK) { pt_stream_close(stream); }
    return status;
}

ptsne_status pt_stream_open(const char *path, pt_stream *stream, ptsne_error *err)
{
    *stream = (pt_stream){.size = PT_LEFT_UNKNOWN};
    const bool standard = strcmp(path, "-") == 0;
    stream->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (stream->fd < 0) {
        const int cause = errno;
        *stream = (pt_stream){0};
        return pt_fail(err, PTSNE_ERR_IO, "%s: cannot be opened: %s", path, strerror(cause));
    }
    struct stat about;
    if (fstat(stream->fd, &about) == 0) {
        if (S_ISDIR(about.st_mode)) {
            close(stream->fd);
            *stream = (pt_stream){0};
            return pt_fail(err, PTSNE_ERR_IO, "%s: is a directory", path);
        }
        const off_t start = lseek(stream->fd, 0, SEEK_CUR);
        if (S_ISREG(about.st_mode) && start >= 0 && about.st_size > start) { /* /proc says 0 and lies */
            stream->size = (uint64_t)(about.st_size - start);
            stream->file_start = (uint64_t)start;
            stream->mappable = true;
        }
    }
    return stream_begin(stream, standard ? "standard input" : path, err);
}

ptsne_status pt_stream_open_memory(const void *data, size_t bytes, const char *name, pt_stream *stream,
                                   ptsne_error *err)
{
    *stream = (pt_stream){.fd = -1, .from = data, .from_left = bytes, .size = bytes};
    return stream_begin(stream, name, err);
}

void pt_stream_close(pt_stream *stream)
{
    if (stream->fd > STDIN_FILENO) { close(stream->fd); }
    if (stream->gzip != NULL) { inflateEnd(&stream->gzip->z); }
    if (stream->mapping != NULL) { munmap(stream->mapping, stream->mapping_bytes); }
    free(stream->gzip);
    free(stream->whole);
    free(stream->buffer);
    free(stream->name);
    *stream = (pt_stream){0};
}

ptsne_status pt_stream_fill(pt_stream *stream, size_t want, ptsne_error *err)
{
    if (pt_stream_seen(stream) >= want || stream->ended) { return PTSNE_OK; }
    if (stream->at > 0) {
        memmove(stream->buffer, stream->buffer + stream->at, pt_stream_seen(stream));
        stream->end -= stream->at;
        stream->at = 0;
    }
    const uint64_t left = pt_stream_left(stream);
    size_t room = want > CHUNK ? want : CHUNK;
    if (left < room) { room = (size_t)left + 1; } /* one more, to meet the end */
    void *buffer = stream->buffer;
    ptsne_status status = pt_array_grow(&buffer, &stream->capacity, room, 1, "reading ahead", err);
    stream->buffer = buffer;
    while (status == PTSNE_OK && stream->end < want && !stream->ended) {
        size_t got = 0;
        status = any_read(stream, stream->buffer + stream->end, room - stream->end, &got, err);
        stream->end += got;
    }
    return status;
}

void pt_stream_take(pt_stream *stream, size_t bytes)
{
    stream->at += bytes;
    stream->taken += bytes;
}

ptsne_status pt_stream_read(pt_stream *stream, void *to, size_t bytes, size_t *got, ptsne_error *err)
{
    unsigned char *next = to;
    const size_t seen = pt_stream_seen(stream);
    *got = seen < bytes ? seen : bytes;
    if (*got > 0) { memcpy(next, pt_stream_bytes(stream), *got); }
    pt_stream_take(stream, *got);
    while (*got < bytes && !stream->ended) {
        size_t more = 0;
        const ptsne_status status = any_read(stream, next + *got, bytes - *got, &more, err);
        if (status != PTSNE_OK) { return status; }
        *got += more;
        stream->taken += more;
    }
    return PTSNE_OK;
}

uint64_t pt_stream_left(const pt_stream *stream)
{
    if (stream->size == PT_LEFT_UNKNOWN) { return PT_LEFT_UNKNOWN; }
    return stream->size > stream->taken ? stream->size - stream->taken : 0;
}

/* Map the file from its page before the next byte on. */
static bool rest_map(pt_stream *stream, size_t bytes, const unsigned char **data)
{
    if (!stream->mappable || bytes == 0 || pt_stream_left(stream) < bytes) { return false; }
    const uint64_t at = stream->file_start + stream->taken;
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const size_t before = (size_t)(at % page);
    if (bytes > SIZE_MAX - before) { return false; }
    void *mapping = mmap(NULL, before + bytes, PROT_READ, MAP_PRIVATE, stream->fd, (off_t)(at - before));
    if (mapping == MAP_FAILED) { return false; }
    stream->mapping = mapping;
    stream->mapping_bytes = before + bytes;
    *data = (const unsigned char *)mapping + before;
    return true;
}

ptsne_status pt_stream_rest(pt_stream *stream, size_t bytes, const unsigned char **data, size_t *got, ptsne_error *err)
{
    *got = 0;
    if (rest_map(stream, bytes, data)) {
        *got = bytes;
        /* What was read ahead is behind the mapping's end or inside it: what follows must still be seen. */
        if (lseek(stream->fd, (off_t)(stream->file_start + stream->taken + bytes), SEEK_SET) < 0) {
            return pt_fail(err, PTSNE_ERR_IO, "%s: cannot be read: %s", stream->name, strerror(errno));
        }
        stream->at = stream->end = 0;
        stream->taken += bytes;
        stream->ended = false;
        return PTSNE_OK;
    }
    void *whole = NULL;
    size_t capacity = 0;
    ptsne_status status = PTSNE_OK;
    while (*got < bytes && !(stream->ended && pt_stream_seen(stream) == 0)) {
        const size_t step = bytes - *got < CHUNK * 4 ? bytes - *got : CHUNK * 4; /* believes no header */
        status = pt_array_grow(&whole, &capacity, *got + step, 1, "a file", err);
        stream->whole = whole;
        if (status != PTSNE_OK) { return status; }
        size_t more = 0;
        status = pt_stream_read(stream, stream->whole + *got, step, &more, err);
        *got += more;
        if (status != PTSNE_OK) { return status; }
    }
    *data = stream->whole;
    return status;
}
