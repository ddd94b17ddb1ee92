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

int picture_begin(const cli_call *call, const picture_settings *settings, const char *images, labelled_map *map)
{
    cli_console *console = call->console;
    const char *const inputs[] = {settings->map, settings->labels, images};
    const output_file picture = {"-o", settings->output, settings->force};
    *map = (labelled_map){0};
    int code = outputs_check(call, &picture, 1, inputs, CLI_LENGTH(inputs));
    if (code == EXIT_SUCCESS) {
        code = labelled_read(call, settings->map, settings->labels, &settings->reading, &map->data);
    }
    if (code != EXIT_SUCCESS) { return code; }
    map->values = ptsne_table_values(map->data.x);
    map->rows = ptsne_table_rows(map->data.x);
    map->columns = ptsne_table_columns(map->data.x);
    if (map->columns < 2) {
        console_error(console, "%s: a map needs 2 columns, this has %zu", input_name(settings->map), map->columns);
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
    labelled_release(&map->data);
}
