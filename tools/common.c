#define _POSIX_C_SOURCE 200809L

#include "common.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const cli_option read_options[6] = {
    {.name = "format",
     .kind = CLI_TEXT,
     .member = offsetof(read_settings, format),
     .argument = "NAME",
     .help = "npy, idx, csv, tsv or vec",
     .shown = "told by the content"},
    {.name = "columns",
     .kind = CLI_TEXT,
     .member = offsetof(read_settings, columns),
     .argument = "LIST",
     .help = "columns to use, by name or number: a,b,5-20",
     .shown = "every numeric one"},
    {.name = "label-column",
     .kind = CLI_TEXT,
     .member = offsetof(read_settings, label_column),
     .argument = "NAME",
     .help = "column that holds labels, by name or number",
     .shown = "label, class, target, y or species",
     .more = "Where labels come from a file of their own, it is a column of that file. An empty name (--label-column=) "
             "says that there is none."},
    {.name = "header",
     .kind = CLI_SET,
     .set = 1,
     .member = offsetof(read_settings, header),
     .help = "the first line of a table names its columns",
     .shown = "told by the content"},
    {.name = "no-header",
     .kind = CLI_SET,
     .set = 0,
     .member = offsetof(read_settings, header),
     .help = "the first line of a table is data"},
    {.name = "limit",
     .kind = CLI_COUNT,
     .least = 1,
     .member = offsetof(read_settings, limit),
     .argument = "N",
     .help = "read the first N rows only",
     .shown = "all"},
};

void read_settings_default(read_settings *settings)
{
    *settings = (read_settings){.header = -1};
}

ptsne_read_options read_settings_use(const read_settings *settings)
{
    return (ptsne_read_options){
        .format = settings->format,
        .label_column = settings->label_column,
        .columns = settings->columns,
        .header = settings->header,
        .n_rows = settings->limit == 0 ? PTSNE_UNKNOWN : settings->limit,
    };
}

/* Does --label-column name a column, or say that there is none? */
static bool column_named(const read_settings *settings)
{
    return settings->label_column != NULL && settings->label_column[0] != '\0';
}

ptsne_read_options read_settings_data(const read_settings *settings, const char *labels)
{
    ptsne_read_options read = read_settings_use(settings);
    if (labels != NULL && column_named(settings)) { read.label_column = NULL; }
    return read;
}

ptsne_read_options read_settings_labels(const read_settings *settings)
{
    return (ptsne_read_options){
        .label_column = column_named(settings) ? settings->label_column : NULL,
        .header = -1,
        .n_rows = read_settings_use(settings).n_rows,
    };
}

const cli_option device_options[4] = {
    {.name = "device",
     .kind = CLI_TEXT,
     .member = offsetof(device_settings, device),
     .argument = "NAME",
     .help = "auto, cpu, opencl, opencl:P.D or opencl:all; see ptsne devices",
     .shown = "auto",
     .environment = "PTSNE_DEVICE",
     .more =
         "auto takes the best GPU that passes a self-test, and the cpu where there is none; with opencl:all all GPUs "
         "share the exact search of neighbours."},
    {.name = "threads",
     .kind = CLI_COUNT,
     .least = 1,
     .most = 4096,
     .member = offsetof(device_settings, threads),
     .argument = "N",
     .help = "threads of the cpu",
     .shown = "as many as the process may use",
     .more = "Results do not depend on it."},
    {.name = "memory",
     .kind = CLI_BYTES,
     .member = offsetof(device_settings, memory),
     .argument = "SIZE",
     .help = "device memory to use at most: 512M, 4G",
     .shown = "what it has"},
    {.name = "kernels",
     .kind = CLI_TEXT,
     .member = offsetof(device_settings, kernels),
     .argument = "DIR",
     .help = "directory of OpenCL kernels that replace or add to the built-in ones",
     .environment = "PTSNE_KERNEL_PATH",
     .more = "NAME.cl replaces the kernel of that name, metric_NAME.cl makes --metric NAME."},
};

ptsne_device_options device_settings_use(const device_settings *settings)
{
    return (ptsne_device_options){
        .spec = settings->device,
        .threads = settings->threads,
        .memory = settings->memory,
        .kernels = settings->kernels,
    };
}

int map_format_choose(const cli_call *call, const char *output, int to, bool rows_known, const char **format)
{
    const bool streamed = strcmp(output, "-") == 0, terminal = streamed && isatty(STDOUT_FILENO);
    if (terminal && to == MAP_FORMAT_NPY) {
        return cli_refuse(call, "standard output is a terminal and .npy is not text; try --to csv or -o FILE");
    }
    *format = to == MAP_FORMAT_NPY      ? "npy"
              : to == MAP_FORMAT_CSV    ? "csv"
              : !streamed               ? NULL
              : rows_known && !terminal ? "npy"
                                        : "csv";
    return EXIT_SUCCESS;
}

/* Is there a directory that a new file called path can be put into? Sets errno where not. */
static bool directory_takes(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) { return access(".", W_OK) == 0; }
    if (slash[1] == '\0') {
        errno = EISDIR;
        return false;
    }
    char *directory = strdup(path);
    if (directory == NULL) { return false; }
    directory[slash == path ? 1 : slash - path] = '\0';
    const bool takes = access(directory, W_OK) == 0;
    free(directory);
    return takes;
}

bool output_is_file(const char *output)
{
    struct stat there;
    return strcmp(output, "-") != 0 && (stat(output, &there) != 0 || S_ISREG(there.st_mode));
}

int output_check(cli_console *console, const char *output, bool force, const char *const *others)
{
    if (output == NULL || strcmp(output, "-") == 0) { return EXIT_SUCCESS; }
    struct stat there, other;
    const bool exists = stat(output, &there) == 0;
    if (exists && !S_ISREG(there.st_mode)) {
        return EXIT_SUCCESS;
    } /* a pipe, a device; a directory is refused on opening */
    for (; *others != NULL; others++) {
        const bool same_file =
            exists && stat(*others, &other) == 0 && other.st_dev == there.st_dev && other.st_ino == there.st_ino;
        if (same_file || strcmp(*others, output) == 0) {
            console_error(console, "%s: named twice: it would be overwritten", output);
            return EXIT_USAGE;
        }
    }
    if (!exists && !directory_takes(output)) {
        console_error(console, "%s: cannot be written: %s", output, strerror(errno));
        return EXIT_FAILED;
    }
    if (!exists || force) { return EXIT_SUCCESS; }
    console_error(console, "%s: exists already (-f overwrites it)", output);
    return EXIT_USAGE;
}

int outputs_check(cli_console *console, const char *const *outputs, size_t n_outputs, const char *report, bool force,
                  const char *const *others, size_t n_others)
{
    const char *taken[16] = {NULL}; /* the last one stays NULL */
    size_t n_taken = 0;
    assert(n_outputs + n_others + 1 < sizeof taken / sizeof taken[0]);
    for (size_t i = 0; i < n_others; i++) {
        if (others[i] != NULL) { taken[n_taken++] = others[i]; }
    }
    int code = EXIT_SUCCESS;
    for (size_t i = 0; i < n_outputs && code == EXIT_SUCCESS; i++) {
        code = output_check(console, outputs[i], force, taken);
        if (outputs[i] != NULL) { taken[n_taken++] = outputs[i]; }
    }
    return code == EXIT_SUCCESS ? output_check(console, report, true, taken) : code;
}

int map_model_check(cli_console *console, const char *path, const ptsne_model *model)
{
    if (ptsne_model_classes(model) > 0) {
        console_error(console, "%s: is a classifier: ptsne classify X --model asks it, ptsne features takes its layers",
                      path);
        return EXIT_DATA;
    }
    if (ptsne_model_code_size(model) > 0) {
        console_error(console,
                      "%s: is an autoencoder: ptsne autoencode X --model makes its codes, ptsne features takes its "
                      "layers",
                      path);
        return EXIT_DATA;
    }
    return EXIT_SUCCESS;
}

size_t sizes_parse(const char *text, size_t *sizes, size_t most)
{
    for (size_t count = 0; count < most; text++) {
        if (*text < '0' || *text > '9') { return 0; }
        char *end;
        sizes[count++] = strtoul(text, &end, 10);
        if (*end == '\0') { return count; }
        if (*end != 'x' && *end != 'X') { return 0; }
        text = end;
    }
    return 0;
}

int shape_choose(const cli_call *call, const char *input, const ptsne_table *x, size_t shape[3])
{
    ptsne_table_image_shape(x, shape);
    if (input == NULL) {
        if (shape[0] * shape[1] * shape[2] != ptsne_table_columns(x)) { memset(shape, 0, 3 * sizeof *shape); }
        return EXIT_SUCCESS;
    }
    shape[2] = 1;
    if (sizes_parse(input, shape, 3) >= 2) { return EXIT_SUCCESS; }
    return cli_refuse(call, "--input %s: not HEIGHTxWIDTHxCHANNELS, as in 28x28x1", input);
}
