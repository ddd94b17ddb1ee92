/* What .npy and IDX have in common: N rows of elements of one type, one after the other. */
#include <stdlib.h>
#include <string.h>

#include "base/sizes.h"
#include "data/format.h"

#define BLOCK_BYTES ((size_t)1 << 16)

ptsne_status pt_array_shape(ptsne_reader *reader, const size_t *dims, size_t n, size_t element_bytes, ptsne_error *err)
{
    const char *name = reader->stream.name;
    size_t columns = 1;
    for (size_t i = 1; i < n; i++) {
        if (dims[i] == 0) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s: rows without columns: axis %zu has length 0", name, i + 1);
        }
        if (columns > SIZE_MAX / dims[i]) {
            return pt_fail(err, PTSNE_ERR_DATA,
                           "%s: the header's sizes are too large: a row would have over %zu values", name, SIZE_MAX);
        }
        columns *= dims[i];
    }
    const size_t rows = dims[0];
    if (rows == 0) { return pt_fail(err, PTSNE_ERR_DATA, "%s: no rows", name); }
    if (columns > SIZE_MAX / 8 / element_bytes || rows > SIZE_MAX / 8 / element_bytes / columns) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: the header's sizes are too large: %zu rows of %zu values", name, rows,
                       columns);
    }
    const uint64_t bytes = (uint64_t)rows * columns * element_bytes, left = pt_stream_left(&reader->stream);
    if (left != PT_LEFT_UNKNOWN && left < bytes) {
        return pt_fail(err, PTSNE_ERR_DATA,
                       "%s: truncated: the header promises %zu rows of %zu values (%llu bytes), but only %llu follow",
                       name, rows, columns, (unsigned long long)bytes, (unsigned long long)left);
    }
    reader->rows = rows;
    reader->columns = columns;
    if (n == 3 || n == 4) {
        reader->image[0] = dims[1];
        reader->image[1] = dims[2];
        reader->image[2] = n == 4 ? dims[3] : 1;
    }
    return PTSNE_OK;
}

ptsne_status pt_array_truncated(const ptsne_reader *reader, size_t row, ptsne_error *err)
{
    return pt_fail(err, PTSNE_ERR_DATA, "%s: truncated: the header promises %zu rows, the file ends in row %zu",
                   reader->stream.name, reader->rows, row + 1);
}

ptsne_status pt_array_end(ptsne_reader *reader, ptsne_error *err)
{
    const ptsne_status status = pt_stream_fill(&reader->stream, 1, err);
    if (status != PTSNE_OK) { return status; }
    if (pt_stream_seen(&reader->stream) > 0) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: there are more bytes than the header's %zu rows of %zu values need",
                       reader->stream.name, reader->rows, reader->columns);
    }
    return PTSNE_OK;
}

ptsne_status pt_array_next(ptsne_reader *reader, const pt_element *type, float *rows, size_t capacity, size_t *got,
                           ptsne_error *err)
{
    *got = 0;
    const size_t left = reader->rows - reader->row;
    if (left == 0) { return pt_array_end(reader, err); }
    const size_t n = capacity < left ? capacity : left, total = n * reader->columns;
    const size_t block = BLOCK_BYTES / type->bytes;
    size_t done = 0;
    if (type->kind == 'f' && type->bytes == sizeof *rows && !type->swapped) { /* floats need no second place */
        const ptsne_status status = pt_stream_read(&reader->stream, rows, total * sizeof *rows, &done, err);
        if (status != PTSNE_OK) { return status; }
        done /= sizeof *rows;
        if (done < total) { return pt_array_truncated(reader, reader->row + done / reader->columns, err); }
    }
    while (done < total) {
        const size_t count = pt_smaller(total - done, block);
        unsigned char bytes[BLOCK_BYTES];
        size_t filled;
        const ptsne_status status = pt_stream_read(&reader->stream, bytes, count * type->bytes, &filled, err);
        if (status != PTSNE_OK) { return status; }
        if (filled < count * type->bytes) {
            return pt_array_truncated(reader, reader->row + (done + filled / type->bytes) / reader->columns, err);
        }
        pt_elements_float(type, bytes, count, rows + done);
        done += count;
    }
    *got = n;
    reader->row += n;
    return PTSNE_OK;
}

/* UCS-4 up to its padding as UTF-8; returns the length. */
static size_t ucs4_text(const unsigned char *from, size_t letters, bool swapped, char *to)
{
    size_t length = 0;
    const bool little = pt_little_endian() != swapped;
    for (size_t i = 0; i < letters; i++, from += 4) {
        const uint32_t c =
            little ? (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24
                   : (uint32_t)from[3] | (uint32_t)from[2] << 8 | (uint32_t)from[1] << 16 | (uint32_t)from[0] << 24;
        if (c == 0) { break; }
        const uint32_t letter = c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0xfffd : c;
        if (letter < 0x80) {
            to[length++] = (char)letter;
        } else if (letter < 0x800) {
            to[length++] = (char)(0xc0 | letter >> 6);
            to[length++] = (char)(0x80 | (letter & 63));
        } else {
            if (letter < 0x10000) {
                to[length++] = (char)(0xe0 | letter >> 12);
            } else {
                to[length++] = (char)(0xf0 | letter >> 18);
                to[length++] = (char)(0x80 | (letter >> 12 & 63));
            }
            to[length++] = (char)(0x80 | (letter >> 6 & 63));
            to[length++] = (char)(0x80 | (letter & 63));
        }
    }
    return length;
}

static ptsne_status label_add(ptsne_reader *reader, const pt_element *type, const unsigned char *bytes, char *text,
                              pt_label_list *list, ptsne_error *err)
{
    size_t length;
    const char *label = text;
    char number[PT_ELEMENT_TEXT];
    if (type->kind == 'U') {
        length = ucs4_text(bytes, type->bytes / 4, type->swapped, text);
    } else if (type->kind == 'S') {
        const unsigned char *end = memchr(bytes, 0, type->bytes);
        length = end == NULL ? type->bytes : (size_t)(end - bytes);
        label = (const char *)bytes;
    } else {
        length = pt_element_text(type, bytes, number);
        label = number;
    }
    if (length == 0) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: row %zu: no label", reader->stream.name, reader->row + 1);
    }
    const ptsne_status status = pt_label_list_add(list, label, length, err);
    return status == PTSNE_OK ? PTSNE_OK : pt_within(err, status, "%s", reader->stream.name);
}

ptsne_status pt_array_labels(ptsne_reader *reader, const pt_element *type, size_t column, pt_label_list *list,
                             size_t capacity, size_t *got, ptsne_error *err)
{
    *got = 0;
    if (reader->row == reader->rows) { return pt_array_end(reader, err); }
    const size_t row_bytes = reader->columns * type->bytes;
    unsigned char *bytes = malloc(row_bytes);
    char *text = malloc(type->bytes); /* UTF-8 of a letter is never longer than its UCS-4 */
    ptsne_status status = PTSNE_OK;
    if (bytes == NULL || text == NULL) {
        status = pt_fail_memory(err, "a label", (double)row_bytes + (double)type->bytes);
    }
    while (status == PTSNE_OK && *got < capacity && reader->row < reader->rows) {
        size_t filled;
        status = pt_stream_read(&reader->stream, bytes, row_bytes, &filled, err);
        if (status == PTSNE_OK && filled < row_bytes) { status = pt_array_truncated(reader, reader->row, err); }
        if (status == PTSNE_OK && list != NULL) {
            status = label_add(reader, type, bytes + column * type->bytes, text, list, err);
        }
        if (status == PTSNE_OK) {
            reader->row++;
            ++*got;
        }
    }
    free(bytes);
    free(text);
    return status;
}
