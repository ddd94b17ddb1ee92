#include "common.h"

#include <stdlib.h>
#include <string.h>

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
             "says that the data, or the map, have none."},
    {.name = "header",
     .kind = CLI_SET,
     .set = 1,
     .member = offsetof(read_settings, header),
     .help = "the first line of a table names its columns",
     .shown = "told by the content",
     .more = "This is about the data, or the map. A file of labels has a header where its content tells so, or where "
             "--label-column names a column of it."},
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

int device_settings_open(const cli_call *call, const device_settings *settings, ptsne_device **device)
{
    const ptsne_device_options options = device_settings_use(settings);
    const ptsne_observer observer = console_observer(call->console);
    ptsne_error err = {0};
    if (ptsne_device_open(&options, &observer, device, &err) == PTSNE_OK) { return EXIT_SUCCESS; }
    return console_fail(call->console, NULL, &err);
}

void say_data(const cli_call *call, const char *input, size_t rows, size_t columns, const ptsne_device *device,
              uint64_t seed)
{
    ptsne_device_info info;
    ptsne_device_describe(device, &info);
    console_note(call->console, "%s: %zu rows of %zu columns; on %s (%s), seed %llu", input_name(input), rows, columns,
                 info.spec, info.name, (unsigned long long)seed);
}

int table_read(const cli_call *call, const char *path, const ptsne_read_options *read, ptsne_table **table)
{
    ptsne_error err = {0};
    if (ptsne_table_read(path, read, table, &err) == PTSNE_OK) { return EXIT_SUCCESS; }
    return console_fail(call->console, path, &err);
}

int map_read(const cli_call *call, const char *path, size_t limit, ptsne_table **map)
{
    const ptsne_read_options plain = {.label_column = "", .header = -1, .n_rows = limit};
    return table_read(call, path, &plain, map);
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
