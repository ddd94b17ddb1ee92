#define _POSIX_C_SOURCE 200809L

#include "backend/opencl/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum { MAX_FILES = 16, MAX_NAME = 128, MAX_PATH = 4096 };
#define MAX_FILE_BYTES ((size_t)1 << 20) /* a kernel file; more is a mistaken path */

/* A program while it is put together. */
typedef struct assembly {
    const char *directory, *metric;
    char *text;
    size_t bytes, capacity;
    char seen[MAX_FILES][MAX_NAME]; /* files that are in already */
    size_t n_seen;
} assembly;

static ptsne_status append(assembly *to, const char *text, size_t bytes, ptsne_error *err)
{
    const ptsne_status status =
        pt_array_grow((void **)&to->text, &to->capacity, to->bytes + bytes + 1, 1, "a kernel's text", err);
    if (status != PTSNE_OK) { return status; }
    memcpy(to->text + to->bytes, text, bytes);
    to->bytes += bytes;
    to->text[to->bytes] = '\0';
    return PTSNE_OK;
}

static const char *embedded(const char *name)
{
    for (size_t i = 0; i < pt_kernel_file_count; i++) {
        if (strcmp(pt_kernel_files[i].name, name) == 0) { return pt_kernel_files[i].text; }
    }
    return NULL;
}

static bool path_of(const char *directory, const char *name, char path[MAX_PATH])
{
    if (directory == NULL || directory[0] == '\0') { return false; }
    const int length = snprintf(path, MAX_PATH, "%s/%s", directory, name);
    return length > 0 && length < MAX_PATH;
}

bool pt_source_replaced(const char *directory, const char *name)
{
    char path[MAX_PATH];
    return path_of(directory, name, path) && access(path, F_OK) == 0;
}

bool pt_source_exists(const char *directory, const char *name)
{
    return embedded(name) != NULL || pt_source_replaced(directory, name);
}

static ptsne_status read_file(const char *path, char **text, ptsne_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) { return pt_fail(err, PTSNE_ERR_IO, "%s: %s", path, strerror(errno)); }
    char *read = malloc(MAX_FILE_BYTES + 1);
    if (read == NULL) {
        fclose(file);
        return pt_fail_memory(err, path, (double)MAX_FILE_BYTES);
    }
    const size_t bytes = fread(read, 1, MAX_FILE_BYTES + 1, file);
    const bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || bytes > MAX_FILE_BYTES || memchr(read, '\0', bytes) != NULL) {
        free(read);
        return pt_fail(err, PTSNE_ERR_IO, "%s: %s", path, failed ? "cannot be read" : "not a kernel file");
    }
    read[bytes] = '\0';
    *text = read;
    return PTSNE_OK;
}

/* The text of one file; *text by malloc. */
static ptsne_status file_text(const assembly *from, const char *name, char **text, ptsne_error *err)
{
    if (pt_source_replaced(from->directory, name)) {
        char path[MAX_PATH];
        path_of(from->directory, name, path);
        return read_file(path, text, err);
    }
    const char *own = embedded(name);
    if (own == NULL) { return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no kernel file %s", name); }
    *text = pt_text_copy(own);
    return *text != NULL ? PTSNE_OK : pt_fail_memory(err, "a kernel's text", (double)strlen(own));
}

/* The name in a line `#include "name"`, or false. */
static bool included(const char *line, size_t length, char name[MAX_NAME])
{
    char copy[MAX_NAME + 32];
    if (length >= sizeof copy) { return false; }
    memcpy(copy, line, length);
    copy[length] = '\0';
    return sscanf(copy, " # include \"%127[^\"]\"", name) == 1;
}

static ptsne_status append_file(assembly *to, const char *name, ptsne_error *err);

static ptsne_status append_include(assembly *to, const char *wanted, const char *from, size_t next_line,
                                   ptsne_error *err)
{
    const char *name = to->metric != NULL && strcmp(wanted, "metric.clh") == 0 ? to->metric : wanted;
    ptsne_status status = append_file(to, name, err);
    if (status != PTSNE_OK) { return pt_within(err, status, "%s:%zu", from, next_line - 1); }
    char line[MAX_NAME + 64];
    const int length = snprintf(line, sizeof line, "#line %zu \"%s\"\n", next_line, from);
    return append(to, line, (size_t)length, err);
}

static ptsne_status append_lines(assembly *to, const char *name, const char *text, ptsne_error *err)
{
    char line[MAX_NAME + 64], wanted[MAX_NAME];
    const int length = snprintf(line, sizeof line, "#line 1 \"%s\"\n", name);
    ptsne_status status = append(to, line, (size_t)length, err);
    for (size_t number = 1; *text != '\0' && status == PTSNE_OK; number++) {
        const size_t bytes = strcspn(text, "\n");
        if (included(text, bytes, wanted)) {
            status = append_include(to, wanted, name, number + 1, err);
        } else {
            status = append(to, text, bytes, err);
            if (status == PTSNE_OK) { status = append(to, "\n", 1, err); }
        }
        text += bytes + (text[bytes] == '\n');
    }
    return status;
}

static ptsne_status append_file(assembly *to, const char *name, ptsne_error *err)
{
    for (size_t i = 0; i < to->n_seen; i++) {
        if (strcmp(to->seen[i], name) == 0) { return PTSNE_OK; }
    }
    if (to->n_seen == MAX_FILES || strlen(name) >= MAX_NAME) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "more than %d files in one kernel", MAX_FILES);
    }
    strcpy(to->seen[to->n_seen++], name);
    char *text = NULL;
    ptsne_status status = file_text(to, name, &text, err);
    if (status != PTSNE_OK) { return status; }
    status = append_lines(to, name, text, err);
    free(text);
    return status;
}

ptsne_status pt_source_assemble(const char *directory, const char *name, const char *metric, char **text,
                                ptsne_error *err)
{
    assembly whole = {.directory = directory, .metric = metric};
    const ptsne_status status = append_file(&whole, name, err);
    if (status != PTSNE_OK) {
        free(whole.text);
        return status;
    }
    *text = whole.text;
    return PTSNE_OK;
}

bool pt_source_place(const char *text, size_t number, char *file, size_t file_bytes, size_t *line)
{
    char name[MAX_NAME];
    size_t own = 0, next = 0;
    for (size_t at = 1; at <= number; at++) {
        if (*text == '\0') { return false; }
        if (sscanf(text, "#line %zu \"%127[^\"]\"", &next, name) == 2) {
            snprintf(file, file_bytes, "%s", name);
            own = next;
        } else {
            *line = own++;
        }
        const size_t bytes = strcspn(text, "\n");
        text += bytes + (text[bytes] == '\n');
    }
    return true;
}

/* Add NAME of metric_NAME.cl to the list, if it fits. */
static void add_metric(const char *file, char *list, size_t bytes)
{
    const size_t length = strlen(file);
    if (length < 11 || strncmp(file, "metric_", 7) != 0 || strcmp(file + length - 3, ".cl") != 0) { return; }
    const size_t used = strlen(list), name_bytes = length - 10;
    if (used + name_bytes + 3 > bytes) { return; }
    snprintf(list + used, bytes - used, "%s%.*s", used > 0 ? ", " : "", (int)name_bytes, file + 7);
}

void pt_source_metrics(const char *directory, char *list, size_t bytes)
{
    list[0] = '\0';
    for (size_t i = 0; i < pt_kernel_file_count; i++) { add_metric(pt_kernel_files[i].name, list, bytes); }
    DIR *files = directory != NULL && directory[0] != '\0' ? opendir(directory) : NULL;
    if (files == NULL) { return; }
    for (struct dirent *file = readdir(files); file != NULL; file = readdir(files)) {
        if (embedded(file->d_name) == NULL) { add_metric(file->d_name, list, bytes); }
    }
    closedir(files);
}
