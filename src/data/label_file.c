/* Labels from a file of any format, and from the caller's numbers. */
#include <inttypes.h>
#include <stdio.h>

#include "data/reader.h"

#define BLOCK ((size_t)1 << 20) /* rows between looks at how many are still wanted */

static ptsne_status labels_of(ptsne_reader *reader, ptsne_labels **labels, ptsne_error *err)
{
    pt_label_list list = {0};
    ptsne_status status = PTSNE_OK;
    const size_t most = reader->options.n_rows;
    for (size_t got = 1; status == PTSNE_OK && got > 0 && list.count < most;) {
        const size_t left = most - list.count;
        status = reader->format->labels(reader, &list, left < BLOCK ? left : BLOCK, &got, err);
    }
    if (status == PTSNE_OK && list.count == 0) { status = pt_reader_no_rows(reader, err); }
    if (status == PTSNE_OK) { status = pt_label_list_finish(&list, labels, err); }
    pt_label_list_release(&list);
    ptsne_reader_destroy(reader);
    return status;
}

ptsne_status ptsne_labels_read(const char *path, const ptsne_read_options *options, ptsne_labels **labels,
                               ptsne_error *err)
{
    *labels = NULL;
    pt_stream stream;
    ptsne_reader *reader;
    ptsne_status status = pt_stream_open(path, &stream, err);
    if (status == PTSNE_OK) { status = pt_reader_begin(&stream, options, true, &reader, err); }
    return status == PTSNE_OK ? labels_of(reader, labels, err) : status;
}

ptsne_status pt_labels_read_memory(const void *data, size_t bytes, const ptsne_read_options *options,
                                   ptsne_labels **labels, ptsne_error *err)
{
    *labels = NULL;
    pt_stream stream;
    ptsne_reader *reader;
    ptsne_status status = pt_stream_open_memory(data, bytes, "memory", &stream, err);
    if (status == PTSNE_OK) { status = pt_reader_begin(&stream, options, true, &reader, err); }
    return status == PTSNE_OK ? labels_of(reader, labels, err) : status;
}

ptsne_status ptsne_labels_create(const int64_t *codes, size_t n, ptsne_labels **labels, ptsne_error *err)
{
    *labels = NULL;
    pt_label_list list = {0};
    ptsne_status status = PTSNE_OK;
    for (size_t i = 0; status == PTSNE_OK && i < n; i++) {
        char text[24];
        const int length = snprintf(text, sizeof text, "%" PRId64, codes[i]);
        status = pt_label_list_add(&list, text, (size_t)length, err);
    }
    if (status == PTSNE_OK) { status = pt_label_list_finish(&list, labels, err); }
    pt_label_list_release(&list);
    return status;
}
