/* What a verb writes: where it may go, asked before work starts, and tables in their formats. */
#ifndef PTSNE_TOOLS_OUTPUTS_H
#define PTSNE_TOOLS_OUTPUTS_H

#include "options.h"

/* How a table is written: --to. */
typedef enum table_format { TABLE_FORMAT_AUTO, TABLE_FORMAT_NPY, TABLE_FORMAT_CSV } table_format;

#define TABLE_FORMAT_OPTION(place, text)                                                                               \
    {                                                                                                                  \
        .name = "to", .kind = CLI_CHOICE, .member = (place), .argument = "FORMAT", .choices = "auto,npy,csv",          \
        .help = "format of what is written: auto, npy or csv", .more = (text)                                          \
    }

/* What auto means. */
#define TABLE_FORMAT_BY_ROWS                                                                                           \
    "auto: by the ending of FILE; to standard output .npy, but CSV to a terminal and where the number of rows is not " \
    "known."
#define TABLE_FORMAT_TEXT "auto: by the ending of FILE; to standard output CSV, which has the names."

#define FORCE_OPTION(place, text)                                                                                      \
    {                                                                                                                  \
        .name = "force", .letter = 'f', .kind = CLI_FLAG, .member = (place), .help = (text)                            \
    }

#define REPORT_OPTION(place, text)                                                                                     \
    {                                                                                                                  \
        .name = "json", .kind = CLI_TEXT, .member = (place), .argument = "FILE", .help = (text)                        \
    }

/* Is it standard output? output may be NULL. */
bool output_streams(const char *output);

/* Is output, or will it be, a regular file, and not standard output, a pipe or a device? */
bool output_is_file(const char *output);

typedef struct output_file {
    const char *option; /* "-o", "--json" */
    const char *path;   /* NULL: it is not asked for */
    int force;          /* false or true: may it replace what is there?, or OUTPUT_SPARE */
} output_file;

enum { OUTPUT_SPARE = 2 }; /* it may, and where a directory has its place, the work goes on without it */

/* Can all outputs be written, each to a place of its own, none over an input, and one at most to standard output? inputs: n_inputs,
 * any may be NULL. Prints what is wrong and returns the exit code. */
int outputs_check(const cli_call *call, const output_file *outputs, size_t n_outputs, const char *const *inputs,
                  size_t n_inputs);

/* The format that output is written in, "csv" or "npy": what was asked for, else what its name's ending says; through a pipe .npy where
 * the rows are known beforehand. Prints what is wrong and returns the exit code. */
int table_format_choose(const cli_call *call, const char *output, int to, bool rows_known, const char **format);

/* "STEM_1", "STEM_2" ...: names of columns, released by free(). Prints and returns NULL where there is no memory. */
const char **column_names(const cli_call *call, const char *stem, size_t count);

/* A table to write. */
typedef struct table_file {
    const char *path;
    int to; /* table_format */
    bool force;
    size_t rows, columns;     /* rows may be PTSNE_UNKNOWN */
    const char *const *names; /* of the columns; NULL: a map's */
    bool labels;              /* whole numbers, for ptsne_writer_labels */
} table_file;

/* Begin a table, and end it: it is whole, or gone where status says so. Both print what is wrong and return the exit code. */
int table_begin(const cli_call *call, const table_file *file, ptsne_writer **writer);
int table_end(const cli_call *call, ptsne_writer *writer, ptsne_status status, ptsne_error *err);

/* All of a table of floats. */
int table_write(const cli_call *call, const table_file *file, const float *rows);

#endif
