#define _POSIX_C_SOURCE 200809L

#include "base/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* The directory of path, "." if it names none; released by free(). */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) { return pt_text_copy("."); }
    const size_t length = slash == path ? 1 : (size_t)(slash - path);
    char *directory = malloc(length + 1);
    if (directory != NULL) {
        memcpy(directory, path, length);
        directory[length] = '\0';
    }
    return directory;
}

/* Remove a temporary whose writer is gone: it holds a lock while it lives, in whatever container it does. */
static void stray_remove(int directory, const char *name)
{
    struct stat there;
    const int fd = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) { return; }
    if (fstat(fd, &there) == 0 && S_ISREG(there.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        unlinkat(directory, name, 0);
    }
    close(fd);
}

/* Remove what killed writers left: NAME.tmp.NUMBER in path's directory. */
static void strays_remove(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const size_t length = strlen(name);
    char *directory = directory_of(path);
    DIR *listing = directory == NULL ? NULL : opendir(directory);
    if (listing != NULL) {
        for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
            const char *rest = entry->d_name + length;
            if (strncmp(entry->d_name, name, length) != 0 || strncmp(rest, ".tmp.", 5) != 0) { continue; }
            char *end;
            const long number = strtol(rest + 5, &end, 10);
            if (end == rest + 5 || *end != '\0' || number <= 0) { continue; }
            stray_remove(dirfd(listing), entry->d_name);
        }
        closedir(listing);
    }
    free(directory);
}

/* Create and lock a temporary of our own; its name goes to output->temporary, which has room for it. NULL sets errno.
 * A number that is in use is another writer's: of a process in another container, or of this one. */
static FILE *temporary_create(const char *path, size_t bytes, pt_output *output)
{
    for (long number = getpid(), tries = 0; tries < 1000; number++, tries++) {
        struct stat there;
        snprintf(output->temporary, bytes, "%s.tmp.%ld", path, number);
        const int fd = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno == EEXIST) { continue; }
        if (fd < 0) { return NULL; }
        while (flock(fd, LOCK_EX) != 0 && errno == EINTR) {} /* another failure: a file system without locks */
        if (fstat(fd, &there) == 0 && there.st_nlink == 0) { /* taken for a stray before it was locked */
            close(fd);
            continue;
        }
        FILE *file = fdopen(fd, "wb+");
        if (file == NULL) {
            const int cause = errno;
            unlink(output->temporary);
            close(fd);
            errno = cause;
        }
        return file;
    }
    errno = EEXIST;
    return NULL;
}

ptsne_status pt_output_open(const char *path, bool force, pt_output *output, ptsne_error *err)
{
    *output = (pt_output){0};
    if (strcmp(path, "-") == 0) {
        output->file = stdout;
        return PTSNE_OK;
    }
    struct stat there;
    bool in_place = false; /* a device or a pipe is written to, never replaced */
    if (stat(path, &there) == 0) {
        if (S_ISDIR(there.st_mode)) { return pt_fail(err, PTSNE_ERR_IO, "%s: is a directory", path); }
        in_place = !S_ISREG(there.st_mode);
        if (!in_place && !force) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "%s: exists already (-f overwrites it)", path);
        }
    }
    const size_t bytes = strlen(path) + 32;
    output->path = pt_text_copy(path);
    output->temporary = in_place ? NULL : malloc(bytes);
    if (output->path == NULL || (!in_place && output->temporary == NULL)) {
        pt_output_discard(output);
        return pt_fail_memory(err, "a file name", (double)bytes);
    }
    if (!in_place) { strays_remove(path); }
    output->file = in_place ? fopen(path, "wb") : temporary_create(path, bytes, output);
    if (output->file == NULL) {
        const int cause = errno;
        free(output->temporary);
        output->temporary = NULL; /* not ours to remove */
        pt_output_discard(output);
        return pt_fail(err, PTSNE_ERR_IO, "%s: cannot be written: %s", path, strerror(cause));
    }
    return PTSNE_OK;
}

ptsne_status pt_output_write(pt_output *output, const void *data, size_t bytes, ptsne_error *err)
{
    if (fwrite(data, 1, bytes, output->file) == bytes) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_IO, "%s: cannot be written: %s",
                   output->path == NULL ? "standard output" : output->path, strerror(errno));
}

/* Make the rename itself last. Some file systems refuse to sync a directory: nothing to be done there. */
static void directory_sync(const char *path)
{
    char *directory = directory_of(path);
    const int fd = directory == NULL ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
    free(directory);
}

ptsne_status pt_output_commit(pt_output *output, ptsne_error *err)
{
    const char *name = output->path == NULL ? "standard output" : output->path;
    bool failed = fflush(output->file) != 0 || ferror(output->file) != 0;
    int cause = errno;
    if (output->path != NULL) {
        if (!failed && output->temporary != NULL && fsync(fileno(output->file)) != 0) { failed = true, cause = errno; }
        const int locked = fcntl(fileno(output->file), F_DUPFD_CLOEXEC, 0); /* the lock lasts until the rename */
        if (fclose(output->file) != 0 && !failed) { failed = true, cause = errno; }
        output->file = NULL;
        if (!failed && output->temporary != NULL) {
            if (rename(output->temporary, output->path) != 0) {
                failed = true, cause = errno;
            } else {
                free(output->temporary);
                output->temporary = NULL;
                directory_sync(output->path);
            }
        }
        if (locked >= 0) { close(locked); }
    }
    ptsne_status status = PTSNE_OK;
    if (failed) { status = pt_fail(err, PTSNE_ERR_IO, "%s: cannot be written: %s", name, strerror(cause)); }
    pt_output_discard(output);
    return status;
}

void pt_output_discard(pt_output *output)
{
    if (output->file != NULL && output->path != NULL) { fclose(output->file); }
    if (output->temporary != NULL) { unlink(output->temporary); }
    free(output->temporary);
    free(output->path);
    *output = (pt_output){0};
}
