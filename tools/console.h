/* What people see while a tool runs: messages and progress on standard error, exit codes, Ctrl-C. */
#ifndef PTSNE_TOOLS_CONSOLE_H
#define PTSNE_TOOLS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "ptsne.h"

/* Exit codes besides 0. */
enum {
    EXIT_FAILED = 1,      /* failed while running */
    EXIT_USAGE = 2,       /* wrong usage */
    EXIT_UNAVAILABLE = 3, /* not built in, or no such device */
    EXIT_DATA = 4,        /* bad input data */
    EXIT_STOPPED = 130    /* Ctrl-C */
};

typedef enum console_color { CONSOLE_COLOR_AUTO, CONSOLE_COLOR_ALWAYS, CONSOLE_COLOR_NEVER } console_color;

typedef struct console_settings {
    bool quiet;
    int color; /* console_color */
} console_settings;

typedef struct cli_console {
    const char *program; /* "ptsne" */
    bool quiet;          /* errors only */
    bool live;           /* standard error is a terminal that can redraw a line */
    bool color;
    bool utf8;
    /* the stage that goes on */
    const char *stage;
    double drawn;      /* pt_seconds of the last drawing or line */
    double told_share; /* part of the stage done at the last line */
    bool shown;        /* a bar is on the screen */
    size_t columns;    /* of a terminal; 0: ask */
} cli_console;

/* program: borrowed. */
void console_open(cli_console *console, const char *program, const console_settings *settings);

#if defined(__GNUC__)
#define CONSOLE_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define CONSOLE_PRINTF(text, first)
#endif

/* "ptsne: MESSAGE" on standard error; a bar goes first. */
void console_error(cli_console *console, const char *format, ...) CONSOLE_PRINTF(2, 3);
/* "ptsne: warning: MESSAGE", not when quiet. */
void console_warning(cli_console *console, const char *format, ...) CONSOLE_PRINTF(2, 3);
/* "MESSAGE", not when quiet. */
void console_note(cli_console *console, const char *format, ...) CONSOLE_PRINTF(2, 3);

/* 1234567 as "1,234,567"; returns text, which has room for 32. */
const char *count_text(size_t count, char text[32]);

/* A file as people know it: "-" is "standard input", or "standard output", where NULL stays NULL. */
const char *input_name(const char *path);
const char *output_name(const char *path);

/* Print err once, after "FILE: " where the message does not name the file itself; file may be NULL. Returns the exit code. */
int console_fail(cli_console *console, const char *file, const ptsne_error *err);

/* The exit code of a status. */
int console_exit_code(ptsne_status status);

/* Shows progress and warnings, and stops the call after Ctrl-C. Borrows console. */
ptsne_observer console_observer(cli_console *console);

/* Draw one state of a stage: the observer's ear, for verbs that count by themselves. */
void console_progress(cli_console *console, const ptsne_progress *progress);

/* Remove the bar from the screen; nothing where there is none. */
void console_clear(cli_console *console);

/* From now on the first SIGINT or SIGTERM only makes console_stopped true; a second one kills. */
void console_catch_signals(void);
bool console_stopped(void);

/* "stopped; FILE was not written", or of two, or of none (NULL); "-" is standard output. Returns EXIT_STOPPED. */
int console_say_stopped(cli_console *console, const char *file, const char *other);

#endif
