/* IDX, the format of the MNIST family: 0, 0, type, number of axes; a big-endian u32 an axis; big-endian elements. */
#include <stdlib.h>

#include "data/format.h"

#define MAX_AXES 8

static bool type_of(unsigned char code, pt_element *type)
{
    const bool swap = pt_little_endian();
    switch (code) {
    case 0x08:
        *type = (pt_element){'u', 1, false};
        return true;
    case 0x09:
        *type = (pt_element){'i', 1, false};
        return true;
    case 0x0b:
        *type = (pt_element){'i', 2, swap};
        return true;
    case 0x0c:
        *type = (pt_element){'i', 4, swap};
        return true;
    case 0x0d:
        *type = (pt_element){'f', 4, swap};
        return true;
    case 0x0e:
        *type = (pt_element){'f', 8, swap};
        return true;
    default:
        return false;
    }
}

static bool idx_recognises(const unsigned char *bytes, size_t n)
{
    pt_element type;
    return n >= 4 && bytes[0] == 0 && bytes[1] == 0 && type_of(bytes[2], &type) && bytes[3] >= 1 &&
           bytes[3] <= MAX_AXES;
}

static ptsne_status idx_open(ptsne_reader *reader, ptsne_error *err)
{
    const char *name = reader->stream.name;
    ptsne_status status = pt_stream_fill(&reader->stream, 4 + 4 * MAX_AXES, err);
    if (status != PTSNE_OK) { return status; }
    const unsigned char *bytes = pt_stream_bytes(&reader->stream);
    const size_t seen = pt_stream_seen(&reader->stream);
    if (!idx_recognises(bytes, seen)) { return pt_fail(err, PTSNE_ERR_DATA, "%s: not an IDX file", name); }
    const size_t axes = bytes[3];
    if (seen < 4 + 4 * axes) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: truncated: an IDX header of %zu axes has %zu bytes, the file has %zu",
                       name, axes, 4 + 4 * axes, seen);
    }
    pt_element *type = malloc(sizeof *type);
    if (type == NULL) { return pt_fail_memory(err, "a reader", (double)sizeof *type); }
    reader->state = type;
    type_of(bytes[2], type);
    size_t dims[MAX_AXES];
    for (size_t i = 0; i < axes; i++) {
        const unsigned char *b = bytes + 4 + 4 * i;
        dims[i] = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    }
    pt_stream_take(&reader->stream, 4 + 4 * axes);
    return pt_array_shape(reader, dims, axes, type->bytes, err);
}

static ptsne_status idx_next(ptsne_reader *reader, float *rows, size_t capacity, size_t *got, ptsne_error *err)
{
    return pt_array_next(reader, reader->state, rows, capacity, got, err);
}

static ptsne_status idx_labels(ptsne_reader *reader, pt_label_list *list, size_t capacity, size_t *got,
                               ptsne_error *err)
{
    if (reader->columns != 1) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: %zu values a row: labels have one", reader->stream.name,
                       reader->columns);
    }
    return pt_array_labels(reader, reader->state, 0, list, capacity, got, err);
}

static void idx_close(ptsne_reader *reader)
{
    free(reader->state);
}

const pt_format pt_format_idx = {"idx", idx_recognises, idx_open, idx_next, idx_labels, idx_close, false};
