/* The command line, from tables: one row an option drives parsing, defaults, help, man page and completions.
 *
 * A program has verbs; a verb has sections of options and a struct of settings that they fill. Rows name a member of the settings by its
 * offset, so a section can be shared: it fills a struct of its own, which each verb's settings embed. */
#ifndef PTSNE_TOOLS_OPTIONS_H
#define PTSNE_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "console.h"

/* What a row fills, and with what. */
typedef enum cli_kind {
    CLI_FLAG,    /* bool: becomes true */
    CLI_SET,     /* int: becomes row.set; --header and --no-header share a member */
    CLI_COUNT,   /* size_t: a whole number from least to most */
    CLI_SEED,    /* uint64_t: a whole number that JSON holds, below 2^63 */
    CLI_BYTES,   /* size_t: 512M, 4G; K, M, G, T are powers of 1024 */
    CLI_NUMBER,  /* double: from least to most */
    CLI_NUMBERS, /* cli_numbers: 5,10,30; each from least to most */
    CLI_RUNS,    /* cli_runs: 250:12,500:1; lengths from 1, each value from least to most */
    CLI_TEXT,    /* const char *: points into argv */
    CLI_CHOICE,  /* int: place in row.choices */
    CLI_OPERAND  /* const char *: a positional argument, in table order; row.name is its word in help */
} cli_kind;

#define CLI_MAX_NUMBERS 16

typedef struct cli_numbers {
    double values[CLI_MAX_NUMBERS];
    size_t count;
} cli_numbers;

/* So many times one value, then so many times another. */
typedef struct cli_runs {
    size_t lengths[CLI_MAX_NUMBERS];
    double values[CLI_MAX_NUMBERS];
    size_t count;
} cli_runs;

typedef struct cli_option {
    const char *name; /* "batch-size" */
    char letter;      /* 'o', or 0 */
    cli_kind kind;
    size_t member;           /* offsetof in the section's settings */
    const char *argument;    /* word for the value: "FILE" */
    const char *help;        /* one short line, small first letter, no full stop */
    const char *more;        /* what --help and the man page add; may be NULL */
    const char *choices;     /* "adam,sgd", of CLI_CHOICE */
    double least, most;      /* both 0: any; most 0 with least above it: no upper end */
    int set;                 /* of CLI_SET */
    bool required;           /* an error where it is missing */
    const char *shown;       /* said as the default in place of the member's value; "" says none */
    const char *only;        /* "mode=batch", "mode=batch|teacher": an error with another --mode; said in help */
    const char *environment; /* variable that the library reads where the option is not given */
} cli_option;

typedef struct cli_section {
    const char *title; /* "Training" */
    const cli_option *options;
    size_t n_options;
    size_t settings; /* where the section's settings are within the verb's */
    bool rare;       /* -h names the section only */
} cli_section;

typedef struct cli_verb cli_verb;
typedef struct cli_program cli_program;

/* One run of one verb. */
typedef struct cli_call {
    const cli_program *program;
    const cli_verb *verb;
    void *settings; /* of the verb's own type */
    cli_console *console;
    int argc; /* as main got them */
    char **argv;
    const bool *given; /* by place in the verb's sections, one after another */
} cli_call;

struct cli_verb {
    const char *name;
    const char *summary;     /* one line of the overview */
    const char *usage;       /* "X -o MODEL" */
    const char *description; /* paragraphs of --help */
    const char *examples;    /* lines, each begun by two spaces */
    const cli_section *sections;
    size_t n_sections;
    size_t settings_size;
    void (*defaults)(void *settings);
    size_t console; /* where the settings have their console_settings, filled by cli_console_options */
    int (*run)(const cli_call *call); /* returns the exit code */
};

struct cli_program {
    const char *name;
    const char *summary;
    const char *description; /* of the overview */
    const char *examples;
    const cli_verb *const *verbs;
    size_t n_verbs;
};

#define CLI_LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* All of main: choose the verb, parse, run, and check that standard output took everything. Returns the exit code. */
int cli_main(const cli_program *program, int argc, char **argv);

/* Was the option on the command line? name is one of the verb's. */
bool cli_given(const cli_call *call, const char *name);

/* Print what is wrong with the options of a call and where help is. Returns EXIT_USAGE. */
int cli_refuse(const cli_call *call, const char *format, ...) CONSOLE_PRINTF(2, 3);

/* Fill settings, which hold the defaults, from the words after the verb. given has an entry a row. Prints what is wrong and
 * returns EXIT_USAGE, else EXIT_SUCCESS. */
int cli_parse(const cli_program *program, const cli_verb *verb, int argc, char **argv, void *settings, bool *given,
              cli_console *console);

/* Rows of all sections. */
size_t cli_count(const cli_verb *verb);

/* The index-th row. */
const cli_option *cli_row(const cli_verb *verb, size_t index);
/* What the index-th row fills. */
void *cli_member(const cli_verb *verb, size_t index, void *settings);

/* The entry of names (NULL ends them) that someone who wrote `word` most likely meant; NULL if none is near. */
const char *cli_nearest(const char *word, const char *const *names);

/* "--mode batch or teacher" of a row's only. */
void cli_only_text(const char *only, char *text, size_t size);

/* ---- help.c ---- */

/* The value of a row's member as one would write it; "" where it is unset. */
void cli_value_text(const cli_option *row, const void *member, char *text, size_t size);

/* A row's help, then the default, the condition and the variable; full: and what more there is to say. */
void cli_describe(const cli_option *row, const void *member, bool full, char *text, size_t size);

void cli_print_overview(const cli_program *program, FILE *to);
/* full: --help, with descriptions and examples; else -h, a line an option. */
void cli_print_help(const cli_program *program, const cli_verb *verb, bool full, FILE *to);

/* ---- generate.c ---- */

/* Print the man page ("man") or a shell's completion ("complete-bash", "complete-fish"). Returns the exit code. */
int cli_generate(const cli_program *program, const char *what, cli_console *console);

/* ---- sections that verbs share ---- */

extern const cli_option cli_console_options[2]; /* fill a console_settings */

#endif
