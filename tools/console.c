#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* sigaction's friends, TIOCGWINSZ */

#include "console.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

static const double redraw_pause = 0.1;  /* seconds between drawings on a terminal */
static const double line_pause = 30.0;   /* seconds after which a line is due elsewhere */
static const double line_least = 1.0;    /* but no two lines within so many seconds */
static const double line_share = 0.0999; /* or so much of the stage */

void console_open(cli_console *console, const char *program, const console_settings *settings)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    const bool terminal = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
    setlocale(LC_CTYPE, "");
    *console = (cli_console){.program = program, .quiet = settings->quiet, .live = terminal};
    console->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    console->color = settings->color == CONSOLE_COLOR_ALWAYS ||
                     (settings->color == CONSOLE_COLOR_AUTO && terminal && (no_color == NULL || *no_color == '\0'));
}

/* ---- messages ---- */

static void say(cli_console *console, const char *kind, const char *color, const char *format, va_list args)
{
    char message[2048]; /* one write a line, so that lines of two processes do not mix */
    vsnprintf(message, sizeof message, format, args);
    console_clear(console);
    if (console->color) {
        fprintf(stderr, "\x1b[%sm%s: %s\x1b[0m%s\n", color, console->program, kind, message);
    } else {
        fprintf(stderr, "%s: %s%s\n", console->program, kind, message);
    }
}

void console_error(cli_console *console, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(console, "", "31", format, args);
    va_end(args);
}

void console_warning(cli_console *console, const char *format, ...)
{
    if (console->quiet) { return; }
    va_list args;
    va_start(args, format);
    say(console, "warning: ", "33", format, args);
    va_end(args);
}

void console_note(cli_console *console, const char *format, ...)
{
    if (console->quiet) { return; }
    console_clear(console);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

const char *count_text(size_t count, char text[32])
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%zu", count);
    char *to = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) { *to++ = ','; }
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

const char *input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

const char *output_name(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0 ? "standard output" : path;
}

int console_exit_code(ptsne_status status)
{
    switch (status) {
    case PTSNE_OK:
        return EXIT_SUCCESS;
    case PTSNE_ERR_ARGUMENT:
        return EXIT_USAGE;
    case PTSNE_ERR_DATA:
        return EXIT_DATA;
    case PTSNE_ERR_UNAVAILABLE:
        return EXIT_UNAVAILABLE;
    case PTSNE_ERR_STOPPED:
        return EXIT_STOPPED;
    case PTSNE_ERR_MEMORY:
    case PTSNE_ERR_IO:
    case PTSNE_ERR_DEVICE:
    case PTSNE_ERR_DIVERGED:
        break;
    }
    return EXIT_FAILED;
}

int console_fail(cli_console *console, const char *file, const ptsne_error *err)
{
    const char *name = file == NULL ? "" : input_name(file);
    const size_t length = strlen(name);
    if (length == 0 || (strncmp(err->message, name, length) == 0 && err->message[length] == ':')) {
        console_error(console, "%s", err->message);
    } else {
        console_error(console, "%s: %s", name, err->message);
    }
    return console_exit_code(err->status);
}

/* ---- progress ---- */

/* 75 -> "1:15", 3700 -> "1:01:40". */
static void write_time(char *text, size_t size, double seconds)
{
    const unsigned long long whole = seconds < 1e9 ? (unsigned long long)(seconds + 0.5) : 1000000000u;
    if (whole >= 3600) {
        snprintf(text, size, "%llu:%02llu:%02llu", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        snprintf(text, size, "%llu:%02llu", whole / 60, whole % 60);
    }
}

/* What a stage's loss is called; stages of several verbs have one name and one loss. */
static const char *loss_name(const char *stage)
{
    return strcmp(stage, "embedding") == 0 ? "KL" : strcmp(stage, "k-means") == 0 ? "inertia" : "loss";
}

/* "loss 3.142  45.2k rows/s  1:15 left", with what there is. */
static void write_figures(char *text, size_t size, const ptsne_progress *progress, const char *between)
{
    const char *loss = loss_name(progress->stage);
    size_t used = 0;
    text[0] = '\0';
    if (isfinite(progress->loss)) {
        used += (size_t)snprintf(text + used, size - used, progress->loss < 1e5 ? "%s%s %.4f" : "%s%s %.6g", between,
                                 loss, progress->loss);
    }
    if (isfinite(progress->rate)) {
        const double rate = progress->rate;
        const char *unit = rate >= 1e6 ? "M" : rate >= 1e4 ? "k" : "";
        const double shown = rate >= 1e6 ? rate / 1e6 : rate >= 1e4 ? rate / 1e3 : rate;
        const int digits = shown >= 100.0 ? 0 : shown >= 10.0 ? 1 : 2;
        used += (size_t)snprintf(text + used, size - used, "%s%.*f%s rows/s", between, digits, shown, unit);
    }
    char time[32];
    if (progress->n_steps == PTSNE_UNKNOWN) {
        snprintf(text + used, size - used, "%s%zu rows so far", between, progress->step);
    } else if (progress->step >= progress->n_steps) {
        write_time(time, sizeof time, progress->seconds);
        snprintf(text + used, size - used, "%sdone in %s", between, time);
    } else if (progress->step > 0 && progress->seconds >= 1.0) {
        const double left = progress->seconds / (double)progress->step * (double)(progress->n_steps - progress->step);
        write_time(time, sizeof time, left);
        snprintf(text + used, size - used, "%s%s left", between, time);
    }
}

static size_t terminal_columns(const cli_console *console)
{
    struct winsize size;
    if (console->columns > 0) { return console->columns; }
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* "━━━━━━────────": share of `cells` cells. */
static void write_bar(char *bar, size_t cells, double share, bool utf8)
{
    const size_t full = (size_t)(share * (double)cells);
    bar[0] = '\0';
    for (size_t i = 0; i < cells; i++) { strcat(bar, i < full ? (utf8 ? "━" : "=") : (utf8 ? "─" : "-")); }
}

/* "training     ━━━━━━────────  48%  loss 3.1416  ...", cut to the terminal. */
static void draw(cli_console *console, const ptsne_progress *progress, double share)
{
    enum { LONGEST = 40 };
    const size_t columns = terminal_columns(console);
    char figures[128], bar[3 * LONGEST + 1], percent[16] = "", line[512];
    write_figures(figures, sizeof figures, progress, "  ");
    if (progress->n_steps != PTSNE_UNKNOWN) { snprintf(percent, sizeof percent, " %3.0f%%", floor(100.0 * share)); }
    const size_t fixed = 12 + 1 + strlen(percent) + strlen(figures) + 1;
    const bool room = progress->n_steps != PTSNE_UNKNOWN && columns > fixed + 8;
    const size_t cells = !room ? 0 : columns - fixed > LONGEST ? LONGEST : columns - fixed;
    write_bar(bar, cells, share, console->utf8);
    const char *begin = console->color ? "\x1b[36m" : "", *end = console->color ? "\x1b[0m" : "";
    if (cells > 0) {
        snprintf(line, sizeof line, "%-12.12s %s%s%s%s%s", progress->stage, begin, bar, end, percent, figures);
    } else { /* ASCII alone: cut where the terminal ends */
        const int length = snprintf(line, sizeof line, "%s%s%s", progress->stage, percent, figures);
        if (length > 0 && (size_t)length >= columns) { line[columns - 1] = '\0'; }
    }
    fprintf(stderr, "\r%s\x1b[K", line);
    fflush(stderr);
    console->shown = true;
}

void console_clear(cli_console *console)
{
    if (!console->shown) { return; }
    fputs("\r\x1b[K", stderr);
    console->shown = false;
}

static void print_line(const cli_console *console, const ptsne_progress *progress, double share)
{
    char figures[128];
    write_figures(figures, sizeof figures, progress, ", ");
    if (progress->step >= progress->n_steps || progress->n_steps == PTSNE_UNKNOWN) {
        fprintf(stderr, "%s: %s%s\n", console->program, progress->stage, figures);
    } else {
        fprintf(stderr, "%s: %s %.0f%%%s\n", console->program, progress->stage, floor(100.0 * share), figures);
    }
}

void console_progress(cli_console *console, const ptsne_progress *progress)
{
    if (console->quiet || progress->n_steps == 0) { return; }
    const double now = pt_seconds();
    const double share = (double)progress->step / (double)progress->n_steps;
    const bool done = progress->step >= progress->n_steps;
    if (console->stage == NULL || strcmp(console->stage, progress->stage) != 0 || share < console->told_share) {
        console->stage = progress->stage;
        console->told_share = 0.0;
        console->drawn = console->live ? 0.0 : now;
    }
    if (done) {
        if (console->told_share >= 1.0) { return; }
        console_clear(console);
        if (progress->seconds >= line_least) { print_line(console, progress, share); }
        console->told_share = 1.0;
    } else if (console->live) {
        if (now - console->drawn < redraw_pause) { return; }
        draw(console, progress, share);
        console->drawn = now;
    } else if (now - console->drawn >= line_pause ||
               (share - console->told_share >= line_share && now - console->drawn >= line_least)) {
        print_line(console, progress, share);
        console->told_share = share;
        console->drawn = now;
    }
}

static int hear_progress(const ptsne_progress *progress, void *user)
{
    console_progress(user, progress);
    return console_stopped();
}

static void hear_warning(const char *message, void *user)
{
    console_warning(user, "%s", message);
}

ptsne_observer console_observer(cli_console *console)
{
    return (ptsne_observer){.progress = hear_progress, .warning = hear_warning, .user = console};
}

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t stopped; /* a handler can reach nothing else */

static void stop(int number)
{
    (void)number;
    stopped = 1;
    signal(SIGINT, SIG_DFL); /* the next one has its usual effect: it kills */
    signal(SIGTERM, SIG_DFL);
}

void console_catch_signals(void)
{
    const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = stop}; /* no SA_RESTART: a read that waits returns */
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before;
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) {
            continue;
        } /* "cmd &" in a script */
        sigaction(numbers[i], &action, NULL);
    }
}

bool console_stopped(void)
{
    return stopped != 0;
}

int console_say_stopped(cli_console *console, const char *file, const char *other)
{
    if (file == NULL) { file = other, other = NULL; }
    if (file == NULL) {
        console_error(console, "stopped");
    } else if (other == NULL) {
        console_error(console, "stopped; %s was not written", output_name(file));
    } else {
        console_error(console, "stopped; %s and %s were not written", output_name(file), output_name(other));
    }
    return EXIT_STOPPED;
}
