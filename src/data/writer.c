/* Rows out: .npy 1.0 that NumPy can map, or CSV; whole or not at all. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/output.h"
#include "data/npy_header.h"

struct ptsne_writer {
    pt_output output;
    bool csv, labels;              /* labels: whole numbers, int32 */
    size_t columns, rows, written; /* rows promised, or PTSNE_UNKNOWN; rows written */
    size_t frame;                  /* rows of a frame; 0: the rows are not in frames */
    locale_t numbers;              /* "1.5" whatever the caller's locale says */
};

static const char *output_name(const ptsne_writer *writer)
{
    return writer->output.path != NULL ? writer->output.path : "standard output";
}

static bool ends_in(const char *text, const char *ending)
{
    const size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcasecmp(text + length - tail, ending) == 0;
}

static ptsne_status format_choose(ptsne_writer *writer, const char *path, const char *format, ptsne_error *err)
{
    if (format == NULL) { format = ends_in(path, ".csv") ? "csv" : "npy"; }
    writer->csv = strcmp(format, "csv") == 0;
    if (!writer->csv && strcmp(format, "npy") != 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "unknown output format \"%s\" (npy, csv)", format);
    }
    return PTSNE_OK;
}

static ptsne_status npy_header_put(ptsne_writer *writer, size_t rows, ptsne_error *err)
{
    char header[PT_NPY_HEADER_BYTES];
    const size_t frames = writer->frame == 0 ? 0 : rows / writer->frame;
    const size_t table[] = {rows, writer->columns}, film[] = {frames, writer->frame, writer->columns};
    const size_t axes = writer->frame != 0 ? 3 : writer->labels && writer->columns == 1 ? 1 : 2;
    pt_npy_header_write(writer->labels ? "i4" : "f4", writer->frame == 0 ? table : film, axes, header);
    return pt_output_write(&writer->output, header, sizeof header, err);
}

/* A name that needs quotes in a header gets them. */
static ptsne_status name_put(ptsne_writer *writer, const char *name, ptsne_error *err)
{
    if (strpbrk(name, ",\"\r\n") == NULL) { return pt_output_write(&writer->output, name, strlen(name), err); }
    ptsne_status status = pt_output_write(&writer->output, "\"", 1, err);
    for (; status == PTSNE_OK && *name != '\0'; name++) {
        status = pt_output_write(&writer->output, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1, err);
    }
    return status == PTSNE_OK ? pt_output_write(&writer->output, "\"", 1, err) : status;
}

static ptsne_status csv_header_put(ptsne_writer *writer, const char *const *names, ptsne_error *err)
{
    static const char *const letters[] = {"x", "y", "z"};
    ptsne_status status = PTSNE_OK;
    for (size_t c = 0; status == PTSNE_OK && c < writer->columns; c++) {
        char made[32];
        snprintf(made, sizeof made, "tsne_%zu", c + 1);
        status = name_put(writer, names != NULL ? names[c] : writer->columns <= 3 ? letters[c] : made, err);
        if (status == PTSNE_OK) {
            status = pt_output_write(&writer->output, c + 1 < writer->columns ? "," : "\n", 1, err);
        }
    }
    return status;
}

static ptsne_status output_begin(ptsne_writer *writer, const char *const *names, ptsne_error *err)
{
    if (writer->csv) {
        writer->numbers = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (writer->numbers == (locale_t)0) { return pt_fail_memory(err, "a locale", 1024.0); }
        return csv_header_put(writer, names, err);
    }
    if (writer->rows == PTSNE_UNKNOWN && writer->output.temporary == NULL) {
        return pt_fail(
            err, PTSNE_ERR_ARGUMENT, "%s: .npy begins with the number of %s, which is not known yet: write %sto a file",
            output_name(writer), writer->frame == 0 ? "rows" : "frames", writer->frame == 0 ? "CSV, or " : "");
    }
    return npy_header_put(writer, writer->rows == PTSNE_UNKNOWN ? 0 : writer->rows, err);
}

static ptsne_status writer_begin(const char *path, const char *format, const ptsne_writer *asked,
                                 const char *const *names, int force, ptsne_writer **writer, ptsne_error *err)
{
    *writer = NULL;
    if (asked->columns == 0) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: rows without columns cannot be written", path);
    }
    ptsne_writer *made = malloc(sizeof *made);
    if (made == NULL) { return pt_fail_memory(err, "a writer", (double)sizeof *made); }
    *made = *asked;
    ptsne_status status = format_choose(made, path, format, err);
    if (status == PTSNE_OK) { status = pt_output_open(path, force != 0, &made->output, err); }
    if (status == PTSNE_OK) { status = output_begin(made, names, err); }
    if (status != PTSNE_OK) {
        ptsne_writer_discard(made);
        return status;
    }
    *writer = made;
    return PTSNE_OK;
}

ptsne_status ptsne_writer_open(const char *path, const char *format, size_t columns, size_t rows,
                               const char *const *names, int force, ptsne_writer **writer, ptsne_error *err)
{
    const ptsne_writer asked = {.columns = columns, .rows = rows};
    return writer_begin(path, format, &asked, names, force, writer, err);
}

ptsne_status ptsne_writer_open_frames(const char *path, size_t rows, size_t columns, int force, ptsne_writer **writer,
                                      ptsne_error *err)
{
    *writer = NULL;
    if (rows == 0) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: frames without rows cannot be written", path); }
    const ptsne_writer asked = {.columns = columns, .rows = PTSNE_UNKNOWN, .frame = rows};
    return writer_begin(path, "npy", &asked, NULL, force, writer, err);
}

ptsne_status ptsne_writer_open_labels(const char *path, const char *format, size_t columns, size_t rows,
                                      const char *const *names, int force, ptsne_writer **writer, ptsne_error *err)
{
    const ptsne_writer asked = {.columns = columns, .rows = rows, .labels = true};
    return writer_begin(path, format, &asked, names, force, writer, err);
}

static ptsne_status csv_rows_put(ptsne_writer *writer, const float *rows, size_t n, ptsne_error *err)
{
    const locale_t before = uselocale(writer->numbers);
    ptsne_status status = PTSNE_OK;
    for (size_t i = 0; status == PTSNE_OK && i < n * writer->columns; i++) {
        char text[32];
        const int length = snprintf(text, sizeof text - 1, "%.9g", (double)rows[i]);
        text[length] = (i + 1) % writer->columns == 0 ? '\n' : ',';
        status = pt_output_write(&writer->output, text, (size_t)length + 1, err);
    }
    uselocale(before);
    return status;
}

static ptsne_status csv_labels_put(ptsne_writer *writer, const int32_t *rows, size_t n, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    for (size_t i = 0; status == PTSNE_OK && i < n * writer->columns; i++) {
        char text[32];
        const int length =
            snprintf(text, sizeof text, "%ld%c", (long)rows[i], (i + 1) % writer->columns == 0 ? '\n' : ',');
        status = pt_output_write(&writer->output, text, (size_t)length, err);
    }
    return status;
}

/* n rows come, of labels or not: may they? */
static ptsne_status rows_take(ptsne_writer *writer, bool labels, size_t n, ptsne_error *err)
{
    if (labels != writer->labels) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: was opened for %s, not for %s", output_name(writer),
                       writer->labels ? "labels" : "numbers", labels ? "labels" : "numbers");
    }
    if (n > writer->rows - writer->written) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: more rows than the %zu that were announced", output_name(writer),
                       writer->rows);
    }
    writer->written += n;
    return PTSNE_OK;
}

ptsne_status ptsne_writer_rows(ptsne_writer *writer, const float *rows, size_t n, ptsne_error *err)
{
    if (n == 0) { return PTSNE_OK; }
    const ptsne_status status = rows_take(writer, false, n, err);
    if (status != PTSNE_OK) { return status; }
    if (writer->csv) { return csv_rows_put(writer, rows, n, err); }
    return pt_output_write(&writer->output, rows, n * writer->columns * sizeof *rows, err);
}

ptsne_status ptsne_writer_labels(ptsne_writer *writer, const int32_t *rows, size_t n, ptsne_error *err)
{
    if (n == 0) { return PTSNE_OK; }
    const ptsne_status status = rows_take(writer, true, n, err);
    if (status != PTSNE_OK) { return status; }
    if (writer->csv) { return csv_labels_put(writer, rows, n, err); }
    return pt_output_write(&writer->output, rows, n * writer->columns * sizeof *rows, err);
}

static void writer_release(ptsne_writer *writer)
{
    if (writer->numbers != (locale_t)0) { freelocale(writer->numbers); }
    free(writer);
}

/* Put the number of rows, now known, into the header. */
static ptsne_status npy_rows_patch(ptsne_writer *writer, ptsne_error *err)
{
    if (fseek(writer->output.file, 0, SEEK_SET) != 0) {
        return pt_fail(err, PTSNE_ERR_IO, "%s: cannot be written: %s", output_name(writer), strerror(errno));
    }
    return npy_header_put(writer, writer->written, err);
}

ptsne_status ptsne_writer_commit(ptsne_writer *writer, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    if (writer->frame != 0 && writer->written % writer->frame != 0) {
        status = pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: the last frame has %zu rows of %zu", output_name(writer),
                         writer->written % writer->frame, writer->frame);
    } else if (writer->rows == PTSNE_UNKNOWN) {
        if (!writer->csv) { status = npy_rows_patch(writer, err); }
    } else if (writer->written < writer->rows) {
        status = pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: %zu rows were announced and %zu written", output_name(writer),
                         writer->rows, writer->written);
    }
    if (status == PTSNE_OK) {
        status = pt_output_commit(&writer->output, err);
    } else {
        pt_output_discard(&writer->output);
    }
    writer_release(writer);
    return status;
}

void ptsne_writer_discard(ptsne_writer *writer)
{
    if (writer == NULL) { return; }
    pt_output_discard(&writer->output);
    writer_release(writer);
}
