/* NumPy's .npy, versions 1.0 to 3.0, either byte order, rows or columns first. */
#include <stdlib.h>
#include <string.h>

#include "base/sizes.h"
#include "data/format.h"
#include "data/npy_header.h"
#include "data/selection.h"

#define MOST_HEADER 10000 /* NumPy's own limit */
#define TILE        256   /* rows transposed at a time: a column's part is a few cache lines, a tile fits the cache */

typedef struct npy_state {
    pt_npy_header header;
    const unsigned char *columns; /* Fortran order: all elements */
    size_t label;                 /* the column of labels, where there are several */
} npy_state;

static bool npy_recognises(const unsigned char *bytes, size_t n)
{
    return n > 0 && memcmp(bytes, "\x93NUMPY", n < 6 ? n : 6) == 0; /* cut before that, it is still no text */
}

/* Read magic, version and dictionary. */
static ptsne_status header_read(ptsne_reader *reader, pt_npy_header *header, ptsne_error *err)
{
    pt_stream *stream = &reader->stream;
    ptsne_status status = pt_stream_fill(stream, 12, err);
    if (status != PTSNE_OK) { return status; }
    const unsigned char *bytes = pt_stream_bytes(stream);
    if (!npy_recognises(bytes, pt_stream_seen(stream))) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: not a .npy file", stream->name);
    }
    if (pt_stream_seen(stream) < 12) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: truncated: the .npy header is cut off", stream->name);
    }
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: .npy version %d.%d is not known (1.0 to 3.0 are)", stream->name,
                       bytes[6], bytes[7]);
    }
    const size_t prefix = bytes[6] == 1 ? 10 : 12;
    size_t length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1) { length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24; }
    if (length > MOST_HEADER) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: a .npy header of %zu bytes (%d at most)", stream->name, length,
                       MOST_HEADER);
    }
    status = pt_stream_fill(stream, prefix + length, err);
    if (status != PTSNE_OK) { return status; }
    if (pt_stream_seen(stream) < prefix + length) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: truncated: the .npy header is cut off", stream->name);
    }
    const char *text = (const char *)pt_stream_bytes(stream) + prefix;
    status = pt_npy_header_parse(text, length, stream->name, header, err);
    pt_stream_take(stream, prefix + length);
    return status;
}

/* Which of several columns has the labels. */
static ptsne_status label_choose(ptsne_reader *reader, npy_state *state, ptsne_error *err)
{
    const char *wanted = reader->options.label_column;
    if (wanted == NULL || wanted[0] == '\0' || (state->header.fortran && state->header.axes > 1)) {
        return pt_fail(err, PTSNE_ERR_DATA,
                       "%s: %zu values a row: labels have one%s (of one-hot rows take np.argmax(y, axis=1))",
                       reader->stream.name, reader->columns,
                       state->header.fortran ? "" : ": choose by its number as the label column");
    }
    const pt_columns columns = {reader->stream.name, NULL, reader->columns};
    return pt_label_column_find(&columns, wanted, true, &state->label, err);
}

static ptsne_status npy_open(ptsne_reader *reader, ptsne_error *err)
{
    npy_state *state = calloc(1, sizeof *state);
    if (state == NULL) { return pt_fail_memory(err, "a reader", (double)sizeof *state); }
    reader->state = state;
    ptsne_status status = header_read(reader, &state->header, err);
    if (status != PTSNE_OK) { return status; }
    const pt_npy_header *header = &state->header;
    if (header->axes == 0) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: a single value (shape ()), not rows", reader->stream.name);
    }
    status = pt_array_shape(reader, header->dims, header->axes, header->type.bytes, err);
    if (status != PTSNE_OK) { return status; }
    const bool words = header->type.kind == 'U' || header->type.kind == 'S';
    if (words && !reader->labels_only) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: text (dtype \"%s\"), not numbers: these are labels",
                       reader->stream.name, header->descr);
    }
    return reader->labels_only && reader->columns != 1 ? label_choose(reader, state, err) : PTSNE_OK;
}

/* Which element of a column-major array is in row-major column c of row 0; the array's strides run the other way. */
static size_t column_begin(const pt_npy_header *header, size_t c)
{
    size_t stride[PT_NPY_MAX_AXES], at = 0;
    stride[0] = 1;
    for (size_t i = 1; i < header->axes; i++) { stride[i] = stride[i - 1] * header->dims[i - 1]; }
    for (size_t i = header->axes - 1; i > 0; i--) {
        at += c % header->dims[i] * stride[i];
        c /= header->dims[i];
    }
    return at;
}

static ptsne_status columns_load(ptsne_reader *reader, npy_state *state, ptsne_error *err)
{
    const size_t row_bytes = reader->columns * state->header.type.bytes;
    size_t got;
    const ptsne_status status = pt_stream_rest(&reader->stream, reader->rows * row_bytes, &state->columns, &got, err);
    if (status != PTSNE_OK || got == reader->rows * row_bytes) { return status; }
    state->columns = NULL;
    return pt_fail(err, PTSNE_ERR_DATA, "%s: truncated: the header promises %zu bytes of values, %zu are there",
                   reader->stream.name, reader->rows * row_bytes, got);
}

/* Rows of a column-major array: stretches of each column, converted and put across. */
static ptsne_status fortran_next(ptsne_reader *reader, npy_state *state, float *rows, size_t capacity, size_t *got,
                                 ptsne_error *err)
{
    const pt_element *type = &state->header.type;
    const size_t left = reader->rows - reader->row, n = capacity < left ? capacity : left;
    *got = 0;
    if (state->columns == NULL) {
        const ptsne_status status = columns_load(reader, state, err);
        if (status != PTSNE_OK) { return status; }
    }
    if (n == 0) { return pt_array_end(reader, err); }
    for (size_t first = 0; first < n; first += TILE) {
        const size_t tall = pt_smaller(n - first, TILE);
        for (size_t c = 0; c < reader->columns; c++) {
            const size_t begin = column_begin(&state->header, c) + reader->row + first;
            float stretch[TILE];
            pt_elements_float(type, state->columns + begin * type->bytes, tall, stretch);
            for (size_t i = 0; i < tall; i++) { rows[(first + i) * reader->columns + c] = stretch[i]; }
        }
    }
    *got = n;
    reader->row += n;
    return PTSNE_OK;
}

static ptsne_status npy_next(ptsne_reader *reader, float *rows, size_t capacity, size_t *got, ptsne_error *err)
{
    npy_state *state = reader->state;
    if (state->header.fortran && state->header.axes > 1) {
        return fortran_next(reader, state, rows, capacity, got, err);
    }
    return pt_array_next(reader, &state->header.type, rows, capacity, got, err);
}

static ptsne_status npy_labels(ptsne_reader *reader, pt_label_list *list, size_t capacity, size_t *got,
                               ptsne_error *err)
{
    const npy_state *state = reader->state; /* one value a row, where the order makes no difference; else row-major */
    return pt_array_labels(reader, &state->header.type, state->label, list, capacity, got, err);
}

static void npy_close(ptsne_reader *reader)
{
    free(reader->state);
}

ptsne_status pt_npy_in_place(ptsne_reader *reader, const float **values, ptsne_error *err)
{
    *values = NULL;
    if (reader->format != &pt_format_npy || reader->picked != NULL) { return PTSNE_OK; }
    const pt_npy_header *header = &((const npy_state *)reader->state)->header;
    const bool rows_first = !header->fortran || header->axes == 1;
    if (header->type.kind != 'f' || header->type.bytes != 4 || header->type.swapped || !rows_first) { return PTSNE_OK; }
    if ((reader->stream.file_start + reader->stream.taken) % sizeof(float) != 0 || !reader->stream.mappable) {
        return PTSNE_OK;
    }
    const size_t left = reader->rows - reader->row, bytes = left * reader->columns * sizeof(float);
    const unsigned char *data;
    size_t got;
    ptsne_status status = pt_stream_rest(&reader->stream, bytes, &data, &got, err);
    if (status == PTSNE_OK && got < bytes) {
        status = pt_array_truncated(reader, reader->row + got / sizeof(float) / reader->columns, err);
    }
    if (status == PTSNE_OK) { status = pt_array_end(reader, err); }
    if (status != PTSNE_OK) { return status; }
    *values = (const float *)(const void *)data;
    return PTSNE_OK;
}

pt_element pt_npy_type(const ptsne_reader *reader)
{
    return ((const npy_state *)reader->state)->header.type;
}

ptsne_status pt_npy_row(ptsne_reader *reader, double *row, ptsne_error *err)
{
    enum { CHUNK = 512 };
    const pt_npy_header *header = &((const npy_state *)reader->state)->header;
    if (reader->row == reader->rows) { return pt_array_end(reader, err); }
    if (header->fortran && header->axes > 1) {
        return pt_fail(err, PTSNE_ERR_DATA,
                       "%s: column by column; save it by rows: np.save(f, np.ascontiguousarray(x))",
                       reader->stream.name);
    }
    for (size_t done = 0; done < reader->columns; done += CHUNK) {
        const size_t left = reader->columns - done, n = left < CHUNK ? left : CHUNK;
        unsigned char bytes[CHUNK * 8];
        size_t filled;
        const ptsne_status status = pt_stream_read(&reader->stream, bytes, n * header->type.bytes, &filled, err);
        if (status != PTSNE_OK) { return status; }
        if (filled < n * header->type.bytes) { return pt_array_truncated(reader, reader->row, err); }
        pt_elements_double(&header->type, bytes, n, row + done);
    }
    reader->row++;
    return PTSNE_OK;
}

const pt_format pt_format_npy = {"npy", npy_recognises, npy_open, npy_next, npy_labels, npy_close, false};
