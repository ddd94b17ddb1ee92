/* The text of kernels: embedded in the module, a user's directory in front, includes put in. Knows nothing of OpenCL. */
#ifndef PT_OPENCL_SOURCE_H
#define PT_OPENCL_SOURCE_H

#include <stdbool.h>

#include "base/error.h"

typedef struct pt_kernel_file {
    const char *name;
    const char *text;
} pt_kernel_file;

/* Written by cl/embed.cmake. */
extern const pt_kernel_file pt_kernel_files[];
extern const size_t pt_kernel_file_count;

/* One program: the text of file `name`, from `directory` if it is there (may be NULL), else the embedded one, every
 * #include "other" replaced by that file's text, found the same way, once each. "metric.clh" is `metric`'s file, which
 * may be NULL. #line directives keep the files' own names and line numbers in the compiler's messages. *text by malloc.
 * PTSNE_ERR_UNAVAILABLE: no such file. */
ptsne_status pt_source_assemble(const char *directory, const char *name, const char *metric, char **text,
                                ptsne_error *err);

/* Where line `number` of an assembled text comes from: the file and its own line. False past the end. */
bool pt_source_place(const char *text, size_t number, char *file, size_t file_bytes, size_t *line);

/* The directory has a file of that name. */
bool pt_source_replaced(const char *directory, const char *name);

/* The file is in the directory or embedded. */
bool pt_source_exists(const char *directory, const char *name);

/* Names of all metrics, embedded and in the directory: "cosine, euclidean, manhattan". */
void pt_source_metrics(const char *directory, char *list, size_t bytes);

#endif
