/* Files that appear whole or not at all: written under a temporary name in the same directory, synced,
 * renamed, the directory synced. A kill leaves the old file and perhaps a stray temporary, which the next
 * writer of the same path removes: a writer that lives holds a lock (flock) on its own. */
#ifndef PT_BASE_OUTPUT_H
#define PT_BASE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

typedef struct pt_output {
    FILE *file;      /* for printf and libraries that want a FILE */
    char *path;      /* NULL for standard output */
    char *temporary; /* NULL for standard output */
} pt_output;

/* Open for writing; "-" is standard output. Fails where path exists and force is false. */
ptsne_status pt_output_open(const char *path, bool force, pt_output *output, ptsne_error *err);
ptsne_status pt_output_write(pt_output *output, const void *data, size_t bytes, ptsne_error *err);
/* Sync, rename, and release; also after a failure. Checks for errors that earlier writes met. */
ptsne_status pt_output_commit(pt_output *output, ptsne_error *err);
/* Remove the temporary and release; an output that was never opened is fine. */
void pt_output_discard(pt_output *output);

#endif
