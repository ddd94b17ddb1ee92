/* What every header of ptsne builds on: the version, errors, progress. */
#ifndef PTSNE_BASE_H
#define PTSNE_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(PTSNE_STATIC)
#define PTSNE_API
#elif defined(_WIN32)
#define PTSNE_API __declspec(dllimport)
#else
#define PTSNE_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define PTSNE_VERSION_MAJOR 0
#define PTSNE_VERSION_MINOR 1
#define PTSNE_VERSION_PATCH 0

/** Version of the library that runs, "major.minor.patch"; static memory. */
PTSNE_API const char *ptsne_version(void);

/** What this build can do, as "name: answer" lines (matrix products, OpenCL, ...); static memory. */
PTSNE_API const char *ptsne_build_info(void);

/** Release an array that a ptsne function handed out with the words "released by ptsne_free". */
PTSNE_API void ptsne_free(void *memory);

/* ---- errors --------------------------------------------------------------------------------- */

typedef enum ptsne_status {
    PTSNE_OK = 0,
    PTSNE_ERR_ARGUMENT,    /* a value the caller chose is out of range, or two of them do not fit */
    PTSNE_ERR_DATA,        /* what a file or an array holds is bad; the message names the place */
    PTSNE_ERR_MEMORY,      /* no room, on the host or on the device */
    PTSNE_ERR_IO,          /* a file could not be opened, read, written or renamed */
    PTSNE_ERR_DEVICE,      /* the device failed, or gave a wrong result in its self-test */
    PTSNE_ERR_UNAVAILABLE, /* not built in, or no such device */
    PTSNE_ERR_DIVERGED,    /* training lost its numbers; the last good model is kept */
    PTSNE_ERR_STOPPED      /* the caller asked to stop, by the observer or another function of his */
} ptsne_status;

typedef struct ptsne_error {
    ptsne_status status;
    char message[1024]; /* one line, UTF-8, no newline; means something only after another status than PTSNE_OK */
} ptsne_error;

/* ---- progress ------------------------------------------------------------------------------- */

typedef struct ptsne_progress {
    const char *stage; /* "neighbours", "training", ...; static memory */
    size_t step;       /* steps of the stage that are done */
    size_t n_steps;    /* steps of the stage in all */
    double seconds;    /* since the stage began */
    double loss;       /* what the stage makes small; NaN where it has none */
    double rate;       /* rows a second; NaN where the stage has none */
} ptsne_progress;

/** Told how a long call goes; any member may be NULL. Calls come from the caller's own thread. */
typedef struct ptsne_observer {
    int (*progress)(const ptsne_progress *progress, void *user); /* not 0: stop as soon as possible */
    void (*warning)(const char *message, void *user);            /* one line, worth showing once */
    void *user;
} ptsne_observer;

#ifdef __cplusplus
}
#endif

#endif
