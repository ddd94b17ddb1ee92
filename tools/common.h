/* What the verbs of both programs share: the options of readers and devices, and what they open. */
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

typedef struct device_settings {
    const char *device;
    size_t threads, memory;
    const char *kernels;
} device_settings;

extern const cli_option device_options[4]; /* fill a device_settings that is all zero by default */
ptsne_device_options device_settings_use(const device_settings *settings);

/* Open the device that is asked for. Prints what is wrong and returns the exit code. */
int device_settings_open(const cli_call *call, const device_settings *settings, ptsne_device **device);

/* What a verb reads. */
#define INPUT_OPERAND(word, place, must)                                                                               \
    {                                                                                                                  \
        .name = (word), .kind = CLI_OPERAND, .member = (place), .required = (must),                                    \
        .help = "data: .npy, IDX, CSV, TSV or word vectors, also gzipped; - is standard input"                         \
    }

/* "x.npy: 5000 rows of 784 columns; on cpu (NAME), seed 0": said before the work. */
void say_data(const cli_call *call, const char *input, size_t rows, size_t columns, const ptsne_device *device,
              uint64_t seed);

/* Read a table, or a map: rows of numbers that are no data, without labels and choice of columns, `limit` of them at most. Both
 * print what is wrong and return the exit code. */
int table_read(const cli_call *call, const char *path, const ptsne_read_options *read, ptsne_table **table);
int map_read(const cli_call *call, const char *path, size_t limit, ptsne_table **map);

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
    "20 5x5 same, bn, relu, pool 2, conv 40 5x5 same, bn, relu, pool 2, dense 200, bn, relu\"."

#endif
