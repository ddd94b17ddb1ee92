#define _POSIX_C_SOURCE 200809L

#include "outputs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_streams(const char *output)
{
    return output != NULL && strcmp(output, "-") == 0;
}

bool output_is_file(const char *output)
{
    struct stat there;
    return !output_streams(output) && (stat(output, &there) != 0 || S_ISREG(there.st_mode));
}

/* ---- may it be written? ---- */

/* Is there a directory that a new file called path can be put into? Sets errno where not. */
static bool directory_takes(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) { return access(".", W_OK) == 0; }
    if (slash[1] == '\0') {
        errno = EISDIR;
        return false;
    }
    char *directory = strdup(path);
    if (directory == NULL) { return false; }
    directory[slash == path ? 1 : slash - path] = '\0';
    const bool takes = access(directory, W_OK) == 0;
    free(directory);
    return takes;
}

/* Can one be written, and is it none of the files that are read or written besides (n, none of them NULL)? */
static int output_check(const cli_call *call, const output_file *output, const char *const *others, size_t n)
{
    const char *path = output->path;
    struct stat there, other;
    const bool exists = stat(path, &there) == 0;
    if (exists && S_ISDIR(there.st_mode) && output->force != OUTPUT_SPARE) {
        console_error(call->console, "%s: is a directory", path);
        return EXIT_FAILED;
    }
    if (exists && !S_ISREG(there.st_mode)) { return EXIT_SUCCESS; } /* a pipe, a device */
    for (size_t i = 0; i < n; i++) {
        const bool same_file =
            exists && stat(others[i], &other) == 0 && other.st_dev == there.st_dev && other.st_ino == there.st_ino;
        if (same_file || strcmp(others[i], path) == 0) {
            console_error(call->console, "%s: named twice: it would be overwritten", path);
            return EXIT_USAGE;
        }
    }
    if (!exists && !directory_takes(path)) {
        console_error(call->console, "%s: cannot be written: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    if (!exists || output->force) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: exists already (-f overwrites it)", path);
    return EXIT_USAGE;
}

int outputs_check(const cli_call *call, const output_file *outputs, size_t n_outputs, const char *const *inputs,
                  size_t n_inputs)
{
    const char *taken[16];
    const char *streamed = NULL;
    size_t n_taken = 0;
    assert(n_outputs + n_inputs <= CLI_LENGTH(taken));
    for (size_t i = 0; i < n_inputs; i++) {
        if (inputs[i] != NULL) { taken[n_taken++] = inputs[i]; }
    }
    for (size_t i = 0; i < n_outputs; i++) {
        const output_file *output = &outputs[i];
        if (output->path == NULL) { continue; }
        if (output_streams(output->path) && streamed != NULL) {
            return cli_refuse(call, "%s - and %s - both go to standard output: one of them needs a file", streamed,
                              output->option);
        }
        if (output_streams(output->path)) {
            streamed = output->option;
            continue;
        }
        const int code = output_check(call, output, taken, n_taken);
        if (code != EXIT_SUCCESS) { return code; }
        taken[n_taken++] = output->path;
    }
    return EXIT_SUCCESS;
}

/* ---- tables ---- */

/* As the library's writer has it: .csv in capitals too, and whatever else is .npy. */
static const char *format_of_name(const char *path)
{
    const size_t length = strlen(path), tail = strlen(".csv");
    return length >= tail && strcasecmp(path + length - tail, ".csv") == 0 ? "csv" : "npy";
}

int table_format_choose(const cli_call *call, const char *output, int to, bool rows_known, const char **format)
{
    const bool streamed = output_streams(output), terminal = streamed && isatty(STDOUT_FILENO);
    if (terminal && to == TABLE_FORMAT_NPY) {
        return cli_refuse(call, "standard output is a terminal and .npy is not text; try --to csv, or a file");
    }
    *format = to == TABLE_FORMAT_NPY    ? "npy"
              : to == TABLE_FORMAT_CSV  ? "csv"
              : !streamed               ? format_of_name(output)
              : rows_known && !terminal ? "npy"
                                        : "csv";
    return EXIT_SUCCESS;
}

const char **column_names(const cli_call *call, const char *stem, size_t count)
{
    const size_t length = strlen(stem) + sizeof "_18446744073709551615"; /* of one text */
    const char **names = malloc(count * (sizeof *names + length) + 1);
    if (names == NULL) {
        console_error(call->console, "not enough memory for the names of %zu columns", count);
        return NULL;
    }
    char *texts = (char *)(names + count);
    for (size_t i = 0; i < count; i++) {
        names[i] = texts + i * length;
        snprintf(texts + i * length, length, "%s_%zu", stem, i + 1);
    }
    return names;
}

int table_begin(const cli_call *call, const table_file *file, ptsne_writer **writer)
{
    const char *format = NULL;
    ptsne_error err = {0};
    const int code = table_format_choose(call, file->path, file->to, file->rows != PTSNE_UNKNOWN, &format);
    if (code != EXIT_SUCCESS) { return code; }
    const ptsne_status status = (file->labels ? ptsne_writer_open_labels : ptsne_writer_open)(
        file->path, format, file->columns, file->rows, file->names, file->force, writer, &err);
    return status == PTSNE_OK ? EXIT_SUCCESS : console_fail(call->console, NULL, &err);
}

int table_end(const cli_call *call, ptsne_writer *writer, ptsne_status status, ptsne_error *err)
{
    if (status == PTSNE_OK) {
        status = ptsne_writer_commit(writer, err);
    } else {
        ptsne_writer_discard(writer);
    }
    return status == PTSNE_OK ? EXIT_SUCCESS : console_fail(call->console, NULL, err);
}

int table_write(const cli_call *call, const table_file *file, const float *rows)
{
    ptsne_writer *writer = NULL;
    ptsne_error err = {0};
    const int code = table_begin(call, file, &writer);
    if (code != EXIT_SUCCESS) { return code; }
    const ptsne_status status = ptsne_writer_rows(writer, rows, file->rows, &err);
    return table_end(call, writer, status, &err);
}
