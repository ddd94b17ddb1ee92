#include "frames.h"

#include <stdlib.h>
#include <unistd.h>

/* Copy the frames of an earlier part of this run. */
static int frames_keep(frame_file *frames)
{
    const ptsne_read_options plain = {.format = "npy", .label_column = "", .header = -1, .n_rows = PTSNE_UNKNOWN};
    const size_t length = frames->n * frames->components;
    ptsne_table *old = NULL;
    ptsne_error err = {0};
    int code = EXIT_SUCCESS;
    if (access(frames->path, F_OK) != 0) { return EXIT_SUCCESS; }
    if (ptsne_table_read(frames->path, &plain, &old, &err) != PTSNE_OK) {
        return console_fail(frames->console, frames->path, &err);
    }
    if (ptsne_table_columns(old) != length) {
        console_error(frames->console, "%s: frames of another size: this run's have %zu x %zu numbers", frames->path,
                      frames->n, frames->components);
        code = EXIT_DATA;
    }
    for (size_t i = 0; code == EXIT_SUCCESS && i < ptsne_table_rows(old); i++) {
        if (ptsne_writer_rows(frames->writer, ptsne_table_values(old) + i * length, frames->n, &err) != PTSNE_OK) {
            code = console_fail(frames->console, NULL, &err);
        }
        frames->next += frames->every;
    }
    ptsne_table_destroy(old);
    return code;
}

int frames_open(frame_file *frames, bool resume)
{
    ptsne_error err = {0};
    frames->continued = resume;
    if (ptsne_writer_open_frames(frames->path, frames->n, frames->components, 1, &frames->writer, &err) != PTSNE_OK) {
        return console_fail(frames->console, NULL, &err);
    }
    return resume ? frames_keep(frames) : EXIT_SUCCESS;
}

static bool frame_put(frame_file *frames, const float *y)
{
    frames->failed = ptsne_writer_rows(frames->writer, y, frames->n, &frames->err) != PTSNE_OK;
    return !frames->failed;
}

int frames_take(const float *y, size_t iteration, void *user)
{
    frame_file *frames = user;
    if (frames->continued && iteration > frames->next) {
        console_warning(frames->console, "%s: the frames of iterations %zu to %zu went with the run that wrote them",
                        frames->path, frames->next, (iteration - 1) / frames->every * frames->every);
    }
    frames->continued = false;
    if (iteration < frames->next || iteration % frames->every != 0) { return 0; }
    frames->next = iteration + frames->every;
    return frame_put(frames, y) ? 0 : 1;
}

int frames_close(frame_file *frames, const float *y, size_t iterations)
{
    if (frames->writer == NULL) { return EXIT_SUCCESS; }
    const bool last_is_there = frames->next == iterations + frames->every;
    if (!frames->failed && y != NULL && !last_is_there) { frame_put(frames, y); }
    if (frames->failed) {
        frames_discard(frames);
        return console_fail(frames->console, NULL, &frames->err);
    }
    const ptsne_status status = ptsne_writer_commit(frames->writer, &frames->err);
    frames->writer = NULL;
    return status == PTSNE_OK ? EXIT_SUCCESS : console_fail(frames->console, NULL, &frames->err);
}

void frames_discard(frame_file *frames)
{
    ptsne_writer_discard(frames->writer);
    frames->writer = NULL;
}
