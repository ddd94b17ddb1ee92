#include "verb_scatter.h"

#include <stdlib.h>

#include "pictures.h"

typedef struct scatter_settings {
    picture_settings picture;
    console_settings console;
    const char *size;
    double point_size, alpha;
    int mode; /* place in modes */
} scatter_settings;

/* auto, discs, density: as ptsne_scatter_options has it */
static const int densities[] = {-1, 0, 1};

static void defaults(void *settings)
{
    scatter_settings *scatter = settings;
    picture_settings_default(&scatter->picture);
}

static void tell(cli_console *console, const char *output, const ptsne_render_report *report)
{
    char drawn[32], outside[32];
    count_text(report->drawn, drawn);
    if (report->density) {
        console_note(console, "%s: %zu x %zu, %s points shaded by density", output_name(output), report->width,
                     report->height, drawn);
    } else {
        console_note(console, "%s: %zu x %zu, %s points of %.2g pixels, alpha %.2g", output_name(output), report->width,
                     report->height, drawn, report->size, report->alpha);
    }
    if (report->outside > 0) {
        console_note(console, "%s points lie far out: arrows at the edge (--full shows them in place)",
                     count_text(report->outside, outside));
    }
}

static int scatter_run(const cli_call *call)
{
    const scatter_settings *settings = call->settings;
    const picture_settings *picture = &settings->picture;
    size_t sides[2] = {0, 0};
    if (settings->size != NULL && sizes_parse(settings->size, sides, 2) != 2) {
        return cli_refuse(call, "--size %s: not WIDTHxHEIGHT, as in 1600x1200", settings->size);
    }
    labelled_map map;
    ptsne_error err = {0};
    ptsne_render_report report;
    const ptsne_observer observer = console_observer(call->console);
    const char *const metadata[] = {"Source", file_name(picture->map), NULL};
    const ptsne_scatter_options options = {
        .width = sides[0],
        .height = sides[1],
        .title = picture->title,
        .subtitle = picture->subtitle,
        .palette = picture->palette,
        .dark = picture->dark,
        .legend = !picture->no_legend,
        .full = picture->full,
        .density = densities[settings->mode],
        .point_size = settings->point_size,
        .alpha = settings->alpha,
        .seed = picture->seed,
        .metadata = metadata,
    };
    int code = picture_begin(call, picture, NULL, &map);
    if (code != EXIT_SUCCESS) { goto done; }
    if (ptsne_render_scatter(map.values, map.rows, map.columns, map.data.labels, &options, &observer, picture->output,
                             picture->force, &report, &err) != PTSNE_OK) {
        code = console_fail(call->console, NULL, &err);
        goto done;
    }
    tell(call->console, picture->output, &report);
done:
    labelled_map_release(&map);
    return code;
}

#define AT(member) offsetof(scatter_settings, member)

static const cli_option points[] = {
    {.name = "size",
     .kind = CLI_TEXT,
     .member = AT(size),
     .argument = "WxH",
     .help = "pixels of the picture",
     .shown = "1600x1200"},
    {.name = "point-size",
     .kind = CLI_NUMBER,
     .member = AT(point_size),
     .argument = "PIXELS",
     .least = 0.0,
     .most = 1000.0,
     .help = "diameter of a point",
     .shown = "from the number of points"},
    {.name = "alpha",
     .kind = CLI_NUMBER,
     .member = AT(alpha),
     .argument = "A",
     .least = 0.0,
     .most = 1.0,
     .help = "opacity of a point",
     .shown = "from how densely points lie"},
    {.name = "mode",
     .kind = CLI_CHOICE,
     .member = AT(mode),
     .argument = "MODE",
     .choices = "auto,discs,density",
     .help = "how points are drawn: auto, discs or density",
     .more = "discs: over one another in random order, in linear light. density: each pixel in the mean colour of its "
             "points, as strong as its density's rank. auto takes density from 200,000 points, and where discs would "
             "be smaller than 1.4 pixels."},
};

static const cli_section sections[] = {
    {"Input", picture_operands, CLI_LENGTH(picture_operands), AT(picture), false},
    {"Files", picture_files, CLI_LENGTH(picture_files), AT(picture), false},
    {"Points", points, CLI_LENGTH(points), 0, false},
    {"Looks", picture_looks, CLI_LENGTH(picture_looks), AT(picture), false},
    {"Reading", read_options, CLI_LENGTH(read_options), AT(picture.reading), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

const cli_verb verb_scatter = {
    .name = "scatter",
    .summary = "draw a map as a scatter plot, one colour a label",
    .usage = "MAP -o FILE.png [--labels FILE]",
    .description =
        "Draws the first two columns of a map as points, both axes at one scale, and a legend with the labels and "
        "how many points have them. Point size and opacity follow from the number of points; points are "
        "painted in random order, so that no label hides another. What was drawn and how is kept in the PNG's "
        "text.",
    .examples = "  ptsne-render scatter map.npy --labels labels.npy -o map.png\n"
                "  ptsne-render scatter map.csv --label-column species --dark --title Penguins -o map.png\n"
                "  ptsne-render scatter map.npy -o - | display\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(scatter_settings),
    .defaults = defaults,
    .console = AT(console),
    .run = scatter_run,
};
