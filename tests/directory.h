/* Where a test puts its files. */
#ifndef TESTS_DIRECTORY_H
#define TESTS_DIRECTORY_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define DIRECTORY_ROOM 256 /* bytes of a directory's path */

/* A new directory in $TMPDIR, or where that is not set in /tmp; path has DIRECTORY_ROOM bytes. */
static inline bool directory_make(const char *name, char *path)
{
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0') { parent = "/tmp"; }
    const int length = snprintf(path, DIRECTORY_ROOM, "%s/ptsne-%s-XXXXXX", parent, name);
    return length < DIRECTORY_ROOM && mkdtemp(path) != NULL;
}

#endif
