/* --snapshots: maps on the way, one every so many iterations, in an .npy of frames x rows x columns. A run that goes on keeps the
 * frames that the file has, so that the film is that of a run that was never stopped. */
#ifndef PTSNE_TOOLS_FRAMES_H
#define PTSNE_TOOLS_FRAMES_H

#include "options.h"

typedef struct frame_file {
    cli_console *console;
    const char *path;
    ptsne_writer *writer; /* NULL: no frames are asked for */
    size_t n, components, every;
    size_t next;     /* iteration of the next frame */
    bool continued;  /* a run that goes on: the frames before the first one it brings may be there or not */
    ptsne_error err; /* of a frame that could not be written */
    bool failed;
} frame_file;

/* Begin the file. resume: keep the frames that are there. Prints what is wrong and returns the exit code. */
int frames_open(frame_file *frames, bool resume);

/* A ptsne_embed_options.snapshot; user is the frame_file. Frames between the even iterations are left out. */
int frames_take(const float *y, size_t iteration, void *user);

/* Finish the file; the final map (NULL: the run was stopped) becomes its last frame. Prints what is wrong and returns the exit code. */
int frames_close(frame_file *frames, const float *y, size_t iterations);

/* Drop what was written; nothing where that is nothing. */
void frames_discard(frame_file *frames);

#endif
