/* Where a test puts its files. */
#ifndef TESTS_DIRECTORY_H
#define TESTS_DIRECTORY_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DIRECTORY_ROOM 256 /* bytes of a directory's path */

/* A new directory in $TMPDIR, or where that is not set in /tmp; path has DIRECTORY_ROOM bytes. */
static inline bool directory_make(const char *name, char *path)
{
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0') { parent = "/tmp"; }
    const int length = snprintf(path, DIRECTORY_ROOM, "%s/ptsne-%s-XXXXXX", parent, name);
    return length < DIRECTORY_ROOM && mkdtemp(path) != NULL;
}

/* Remove it, and the files that tests, failed ones too, left there. */
static inline void directory_remove(const char *path)
{
    DIR *directory = opendir(path);
    for (struct dirent *entry = NULL; directory != NULL && (entry = readdir(directory)) != NULL;) {
        char file[DIRECTORY_ROOM + sizeof entry->d_name + 1];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        unlink(file); /* refuses the directories "." and ".." */
    }
    if (directory != NULL) { closedir(directory); }
    rmdir(path);
}

#endif
