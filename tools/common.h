/* What the verbs of both programs share: the options of readers and devices, the check of an output before work starts. */
#ifndef PTSNE_TOOLS_COMMON_H
#define PTSNE_TOOLS_COMMON_H

#include "options.h"

typedef struct read_settings {
    const char *format, *label_column, *columns;
    int header;   /* as ptsne_read_options has it */
    size_t limit; /* rows; 0: all */
} read_settings;

extern const cli_option read_options[6]; /* fill a read_settings */
void read_settings_default(read_settings *settings);
ptsne_read_options read_settings_use(const read_settings *settings);

/* The same of data whose labels come from a file of their own (labels: its name, or NULL), to which a label column then belongs;
 * and what to read that file with. */
ptsne_read_options read_settings_data(const read_settings *settings, const char *labels);
ptsne_read_options read_settings_labels(const read_settings *settings);

typedef struct device_settings {
    const char *device;
    size_t threads, memory;
    const char *kernels;
} device_settings;

extern const cli_option device_options[4]; /* fill a device_settings that is all zero by default */
ptsne_device_options device_settings_use(const device_settings *settings);

/* How a map is written: --to. */
typedef enum map_format { MAP_FORMAT_AUTO, MAP_FORMAT_NPY, MAP_FORMAT_CSV } map_format;

#define MAP_FORMAT_OPTION(place)                                                                                       \
    {                                                                                                                  \
        .name = "to", .kind = CLI_CHOICE, .member = (place), .argument = "FORMAT", .choices = "auto,npy,csv",          \
        .help = "auto, npy or csv",                                                                                    \
        .more = "auto: by the ending of FILE; to standard output .npy where the number of rows is known, else CSV."    \
    }

/* The writer's format for output: what was asked for; through a pipe .npy where the rows are known beforehand. Prints what is wrong and
 * returns the exit code. */
int map_format_choose(const cli_call *call, const char *output, int to, bool rows_known, const char **format);

/* Is output, or will it be, a regular file, and not standard output, a pipe or a device? */
bool output_is_file(const char *output);

/* Can output be written, and is it none of the files that are read or written besides (NULL ends them)? Asked before work
 * starts. Prints what is wrong and returns the exit code, else EXIT_SUCCESS. output may be NULL: nothing to check. */
int output_check(cli_console *console, const char *output, bool force, const char *const *others);

/* The same of several outputs (any may be NULL) and of a report, which may always be overwritten; others: n_others, any may be NULL. */
int outputs_check(cli_console *console, const char *const *outputs, size_t n_outputs, const char *report, bool force,
                  const char *const *others, size_t n_others);

/* Refuse a model that makes no map, but classes or its input again. Prints what is wrong and returns the exit code. */
int map_model_check(cli_console *console, const char *path, const ptsne_model *model);

/* "28x28" with up to `most` numbers; how many there are, 0 where the text is not of that form. */
size_t sizes_parse(const char *text, size_t *sizes, size_t most);

/* The shape of a row: what --input says (NULL: nothing), else what the table says, else all 0. Prints what is wrong and returns the
 * exit code. */
int shape_choose(const cli_call *call, const char *input, const ptsne_table *x, size_t shape[3]);

/* What --help says of the text of a network. */
#define NET_GRAMMAR                                                                                                    \
    "Items between commas: N, a dense layer of N with relu where no activation is told; \"dense N\"; \"conv N HxW "    \
    "[stride S] [same|valid]\"; \"pool S\" or \"pool HxW stride S\", the largest value of each window; bn, batch "     \
    "normalisation; relu, elu, tanh, sigmoid or linear, of the layer before; \"dropout P\". For images, say: \"conv "  \
    "20 "                                                                                                              \
    "5x5 same, bn, relu, pool 2, conv 40 5x5 same, bn, relu, pool 2, dense 200, bn, relu\"."

#endif
