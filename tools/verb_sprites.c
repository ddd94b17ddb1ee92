#include "verb_sprites.h"

#include <math.h>
#include <stdlib.h>

#include "pictures.h"

typedef struct sprites_settings {
    picture_settings picture;
    console_settings console;
    const char *images, *image_shape;
    size_t canvas;
    double sprite_size;
    bool overlap;
    int invert; /* place in inversions */
} sprites_settings;

/* auto, yes, no: as ptsne_sprites_options has it */
static const int inversions[] = {-1, 1, 0};

static void defaults(void *settings)
{
    sprites_settings *sprites = settings;
    picture_settings_default(&sprites->picture);
    sprites->canvas = 4000;
}

/* Height, width and channels of the images, as said or as their file says. */
static int shape_find(const cli_call *call, const ptsne_table *images, size_t shape[3])
{
    const sprites_settings *settings = call->settings;
    const size_t columns = ptsne_table_columns(images);
    if (settings->image_shape != NULL) {
        shape[2] = 1;
        if (sizes_parse(settings->image_shape, shape, 3) < 2) {
            return cli_refuse(call, "--image-shape %s: not HEIGHTxWIDTH or HEIGHTxWIDTHxCHANNELS, as in 28x28",
                              settings->image_shape);
        }
        if (shape[1] > 0 && shape[2] > 0 && columns % (shape[1] * shape[2]) == 0 &&
            columns / (shape[1] * shape[2]) == shape[0]) {
            return EXIT_SUCCESS;
        }
        console_error(call->console, "--image-shape %s does not fit the %zu columns of %s", settings->image_shape,
                      columns, input_name(settings->images));
        return EXIT_DATA;
    }
    ptsne_table_image_shape(images, shape);
    if (shape[0] > 0) { return EXIT_SUCCESS; }
    const size_t side = (size_t)(sqrt((double)columns) + 0.5);
    if (side * side == columns) {
        console_error(call->console,
                      "%s does not say the shape of its images; if they are square: --image-shape %zux%zu",
                      input_name(settings->images), side, side);
    } else {
        console_error(call->console,
                      "%s does not say the shape of its images: --image-shape HxW or HxWxC, in all %zu columns",
                      input_name(settings->images), columns);
    }
    return EXIT_DATA;
}

static int images_read(const cli_call *call, const labelled_map *map, ptsne_table **images, size_t shape[3])
{
    const sprites_settings *settings = call->settings;
    const ptsne_read_options options = {.header = -1, .n_rows = read_settings_use(&settings->picture.reading).n_rows};
    const int code = table_read(call, settings->images, &options, images);
    if (code != EXIT_SUCCESS) { return code; }
    if (ptsne_table_rows(*images) != map->rows) {
        console_error(call->console, "%s has %zu images, but %s has %zu points", input_name(settings->images),
                      ptsne_table_rows(*images), input_name(settings->picture.map), map->rows);
        return EXIT_DATA;
    }
    return shape_find(call, *images, shape);
}

static void tell(const cli_call *call, const ptsne_render_report *report)
{
    const sprites_settings *settings = call->settings;
    char drawn[32], left_out[32];
    console_note(call->console, "%s: %zu x %zu, %s sprites of %g pixels%s", output_name(settings->picture.output),
                 report->width, report->height, count_text(report->drawn, drawn), report->size,
                 report->inverted ? "; the images' light ground was taken as empty (--invert no keeps it)" : "");
    if (report->covered > 0) {
        console_note(call->console, "%s would hide more than half of another: left out (--overlap paints all)",
                     count_text(report->covered, left_out));
    }
    if (report->outside > 0) {
        console_note(call->console, "%s lie far out: left out (--full shows them)",
                     count_text(report->outside, left_out));
    }
}

static int sprites_run(const cli_call *call)
{
    const sprites_settings *settings = call->settings;
    const picture_settings *picture = &settings->picture;
    labelled_map map;
    ptsne_table *images = NULL;
    size_t shape[3];
    ptsne_error err = {0};
    ptsne_render_report report;
    const ptsne_observer observer = console_observer(call->console);
    const char *const metadata[] = {"Source", file_name(picture->map), "Images", file_name(settings->images), NULL};
    const ptsne_sprites_options options = {
        .canvas = settings->canvas,
        .sprite_size = settings->sprite_size,
        .overlap = settings->overlap,
        .title = picture->title,
        .subtitle = picture->subtitle,
        .palette = picture->palette,
        .dark = picture->dark,
        .legend = !picture->no_legend,
        .full = picture->full,
        .invert = inversions[settings->invert],
        .seed = picture->seed,
        .metadata = metadata,
    };
    int code = picture_begin(call, picture, settings->images, &map);
    if (code != EXIT_SUCCESS) { goto done; }
    if ((code = images_read(call, &map, &images, shape)) != EXIT_SUCCESS) { goto done; }
    if (ptsne_render_sprites(map.values, map.rows, map.columns, ptsne_table_values(images), shape, map.data.labels,
                             &options, &observer, picture->output, picture->force, &report, &err) != PTSNE_OK) {
        code = console_fail(call->console, NULL, &err);
        goto done;
    }
    tell(call, &report);
done:
    ptsne_table_destroy(images);
    labelled_map_release(&map);
    return code;
}

#define AT(member) offsetof(sprites_settings, member)

static const cli_option sprites[] = {
    {.name = "images",
     .letter = 'i',
     .kind = CLI_TEXT,
     .member = AT(images),
     .argument = "FILE",
     .required = true,
     .help = "one image a point: IDX, .npy, or rows of pixels",
     .more = "Grey images on an empty ground (digits on black) are painted as ink in their label's colour; other grey "
             "images, "
             "and colour ones, keep their looks and get a border in that colour."},
    {.name = "image-shape",
     .kind = CLI_TEXT,
     .member = AT(image_shape),
     .argument = "HxW[xC]",
     .help = "height, width and channels of an image",
     .shown = "as the file says"},
    {.name = "canvas",
     .kind = CLI_COUNT,
     .member = AT(canvas),
     .argument = "PIXELS",
     .least = 64,
     .most = 30000,
     .help = "the longer side of the picture"},
    {.name = "sprite-size",
     .kind = CLI_NUMBER,
     .member = AT(sprite_size),
     .argument = "PIXELS",
     .least = 1.0,
     .most = 30000.0,
     .help = "the longer side of a sprite",
     .shown = "the images' own, larger where there are few"},
    {.name = "overlap",
     .kind = CLI_FLAG,
     .member = AT(overlap),
     .help = "paint all sprites",
     .more = "Without it, sprites are painted in random order, and one that would cover more than half of one that is "
             "there "
             "is left out."},
    {.name = "invert",
     .kind = CLI_CHOICE,
     .member = AT(invert),
     .argument = "WHEN",
     .choices = "auto,yes,no",
     .help = "the images show dark ink on a light ground: auto, yes or no",
     .more = "auto looks at the images' edges. yes and no also say that grey images are ink, where auto would take "
             "them for "
             "photographs."},
};

static const cli_section sections[] = {
    {"Input", picture_operands, CLI_LENGTH(picture_operands), AT(picture), false},
    {"Files", picture_files, CLI_LENGTH(picture_files), AT(picture), false},
    {"Sprites", sprites, CLI_LENGTH(sprites), 0, false},
    {"Looks", picture_looks, CLI_LENGTH(picture_looks), AT(picture), false},
    {"Reading", read_options, CLI_LENGTH(read_options), AT(picture.reading), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

const cli_verb verb_sprites = {
    .name = "sprites",
    .summary = "draw the images themselves at their places in the map",
    .usage = "MAP --images FILE -o FILE.png [--labels FILE]",
    .description =
        "Paints each point's own image at its place on a large canvas, in random order, tinted by label. A sprite that "
        "would cover more than half of one already painted is left out, so that what is there can be "
        "seen; --overlap paints all.",
    .examples =
        "  ptsne-render sprites map.npy -i train-images-idx3-ubyte.gz -l train-labels-idx1-ubyte.gz -o sprites.png\n"
        "  ptsne-render sprites map.npy -i photos.npy --canvas 8000 --sprite-size 64 --dark -o photos.png\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(sprites_settings),
    .defaults = defaults,
    .console = AT(console),
    .run = sprites_run,
};
