#include "pictures.h"

#include <stdlib.h>
#include <string.h>

#include "outputs.h"

#define AT(member) offsetof(picture_settings, member)

const cli_option picture_operands[1] = {
    {.name = "MAP",
     .kind = CLI_OPERAND,
     .member = AT(map),
     .required = true,
     .help = "points of the map, two columns: .npy, CSV, ...; - is standard input"},
};

const cli_option picture_files[3] = {
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(output),
     .argument = "FILE",
     .required = true,
     .help = "the picture, PNG; - is standard output"},
    {.name = "labels",
     .letter = 'l',
     .kind = CLI_TEXT,
     .member = AT(labels),
     .argument = "FILE",
     .help = "one label a point: .npy, IDX, a CSV column, text lines, fastText lines",
     .shown = "the map's label column, if it has one"},
    FORCE_OPTION(AT(force), "overwrite the picture"),
};

const cli_option picture_looks[7] = {
    {.name = "title", .kind = CLI_TEXT, .member = AT(title), .argument = "TEXT", .help = "title above the map"},
    {.name = "subtitle",
     .kind = CLI_TEXT,
     .member = AT(subtitle),
     .argument = "TEXT",
     .help = "smaller, grey line under the title"},
    {.name = "dark", .kind = CLI_FLAG, .member = AT(dark), .help = "dark ground"},
    {.name = "palette",
     .kind = CLI_TEXT,
     .member = AT(palette),
     .argument = "NAME",
     .help = "petroff10, glasbey, okabe-ito, tol-muted, tab10, or @FILE",
     .shown = "auto: petroff10 up to ten labels, else glasbey",
     .more =
         "petroff10 and glasbey stay apart for colour-blind eyes too; glasbey has 64 colours. @FILE has one #rrggbb a "
         "line. Where there are more labels than colours, colours repeat, with a warning. Points whose label is "
         "empty, NA or NaN are grey."},
    {.name = "no-legend", .kind = CLI_FLAG, .member = AT(no_legend), .help = "no legend"},
    {.name = "full",
     .kind = CLI_FLAG,
     .member = AT(full),
     .help = "show far outliers at their places",
     .more =
         "Without it, a map with far outliers is cropped to the 0.1 to 99.9 percentiles of each axis and 4 % more."},
    {.name = "seed",
     .kind = CLI_SEED,
     .member = AT(seed),
     .argument = "N",
     .help = "of the random order of painting",
     .more = "The same input and seed give the same bytes."},
};

void picture_settings_default(picture_settings *settings)
{
    *settings = (picture_settings){.seed = 1};
    read_settings_default(&settings->reading);
}

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The labels of the map's own column, or of a file of their own. */
static int labels_read(const cli_call *call, const picture_settings *settings, labelled_map *map)
{
    const ptsne_read_options read = read_settings_use(&settings->reading);
    map->labels = ptsne_table_labels(map->table);
    if (settings->labels == NULL) { return EXIT_SUCCESS; }
    ptsne_error err = {0};
    const ptsne_read_options options = {
        .label_column = read.label_column, .header = read.header, .n_rows = read.n_rows};
    if (ptsne_labels_read(settings->labels, &options, &map->read, &err) != PTSNE_OK) {
        return console_fail(call->console, settings->labels, &err);
    }
    map->labels = map->read;
    return EXIT_SUCCESS;
}

int picture_begin(const cli_call *call, const picture_settings *settings, const char *images, labelled_map *map)
{
    cli_console *console = call->console;
    const char *const inputs[] = {settings->map, settings->labels, images};
    const output_file picture = {"-o", settings->output, settings->force};
    *map = (labelled_map){0};
    ptsne_read_options options = read_settings_use(&settings->reading);
    if (settings->labels != NULL) { options.label_column = NULL; } /* it is meant for the other file */
    int code = outputs_check(call, &picture, 1, inputs, CLI_LENGTH(inputs));
    if (code == EXIT_SUCCESS) { code = table_read(call, settings->map, &options, &map->table); }
    if (code != EXIT_SUCCESS) { return code; }
    map->values = ptsne_table_values(map->table);
    map->rows = ptsne_table_rows(map->table);
    map->columns = ptsne_table_columns(map->table);
    if (map->columns < 2) {
        console_error(console, "%s: a map needs 2 columns, this has %zu", input_name(settings->map), map->columns);
        return EXIT_DATA;
    }
    if ((code = labels_read(call, settings, map)) != EXIT_SUCCESS) { return code; }
    if (map->labels != NULL && ptsne_labels_count(map->labels) != map->rows) {
        console_error(console, "%s has %zu labels, but %s has %zu points", settings->labels,
                      ptsne_labels_count(map->labels), settings->map, map->rows);
        return EXIT_DATA;
    }
    if (map->columns > 3) {
        console_warning(console, "%s has %zu columns; is it a map? The first two are drawn", input_name(settings->map),
                        map->columns);
    } else if (map->columns == 3) {
        console_note(console, "%s has 3 columns: the first two are drawn", input_name(settings->map));
    }
    return EXIT_SUCCESS;
}

void labelled_map_release(labelled_map *map)
{
    ptsne_labels_destroy(map->read);
    ptsne_table_destroy(map->table);
}
