/* Two verbs: transform, and features, which is the same up to another layer. Blocks of rows go from the reader through the model to
 * the writer, so memory does not grow with the file. */
#include "verb_transform.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "common.h"
#include "models.h"
#include "outputs.h"
#include "report.h"

typedef struct transform_settings {
    console_settings console;
    const char *model, *input, *output, *json;
    const char *layer; /* NULL: transform */
    int to;            /* table_format */
    bool force;
    device_settings device;
    read_settings read;
} transform_settings;

/* Everything that one run opens. */
typedef struct row_stream {
    ptsne_device *device;
    ptsne_model *model;
    ptsne_reader *reader;
    ptsne_writer *writer;
    float *x, *y; /* capacity rows each */
    size_t capacity, columns, components;
    size_t layer;
    size_t rows; /* done */
    double began;
} row_stream;

/* Rows at a time at most: as many as a model takes at once, so that they are still in the cache when it does; fewer of wide rows. */
static const size_t block_rows = 2048, block_bytes = (size_t)32 << 20;

static int open_input(const cli_call *call, row_stream *stream)
{
    const transform_settings *settings = call->settings;
    const model_kind kind = settings->layer == NULL ? MODEL_MAP : MODEL_ANY;
    const ptsne_read_options read = read_settings_use(&settings->read);
    ptsne_error err = {0};
    int code = device_settings_open(call, &settings->device, &stream->device);
    if (code == EXIT_SUCCESS) { code = model_open(call, stream->device, settings->model, kind, &stream->model); }
    if (code != EXIT_SUCCESS) { return code; }
    if (ptsne_reader_open(settings->input, &read, &stream->reader, &err) != PTSNE_OK) {
        return console_fail(call->console, settings->input, &err);
    }
    stream->columns = ptsne_reader_columns(stream->reader);
    stream->layer = ptsne_model_layers(stream->model) - 1;
    if (settings->layer != NULL &&
        ptsne_model_find_layer(stream->model, settings->layer, &stream->layer, &err) != PTSNE_OK) {
        return console_fail(call->console, settings->model, &err);
    }
    ptsne_layer_info layer;
    ptsne_model_layer(stream->model, stream->layer, &layer);
    stream->components = layer.output[0] * layer.output[1] * layer.output[2];
    return model_columns_check(call, stream->model, settings->model, settings->input, stream->columns);
}

/* A writer of rows, with the columns of features named "dense1_1", "dense1_2", ... */
static int open_writer(const cli_call *call, row_stream *stream)
{
    const transform_settings *settings = call->settings;
    const char **names = NULL;
    if (settings->layer != NULL && (names = column_names(call, settings->layer, stream->components)) == NULL) {
        return EXIT_FAILED;
    }
    const table_file file = {settings->output,
                             settings->to,
                             settings->force,
                             ptsne_reader_rows(stream->reader),
                             stream->components,
                             names,
                             false};
    const int code = table_begin(call, &file, &stream->writer);
    free(names);
    return code;
}

static int open_output(const cli_call *call, row_stream *stream)
{
    const transform_settings *settings = call->settings;
    const int code = open_writer(call, stream);
    if (code != EXIT_SUCCESS) { return code; }
    const size_t widest = stream->components > stream->columns ? stream->components : stream->columns;
    const size_t fit = block_bytes / sizeof(float) / widest;
    stream->capacity = fit < 1 ? 1 : fit > block_rows ? block_rows : fit;
    const size_t rows = ptsne_reader_rows(stream->reader);
    if (rows < stream->capacity) { stream->capacity = rows == 0 ? 1 : rows; }
    stream->x = calloc(stream->capacity * stream->columns, sizeof *stream->x);
    stream->y = calloc(stream->capacity * stream->components, sizeof *stream->y);
    if (stream->x != NULL && stream->y != NULL) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: not enough memory for %zu rows", input_name(settings->input), stream->capacity);
    return EXIT_FAILED;
}

static void show(const cli_call *call, const row_stream *stream)
{
    const double seconds = pt_seconds() - stream->began;
    const ptsne_progress progress = {
        .stage = call->verb->name,
        .step = stream->rows,
        .n_steps = ptsne_reader_rows(stream->reader),
        .seconds = seconds,
        .loss = (double)NAN,
        .rate = seconds > 0.0 ? (double)stream->rows / seconds : (double)NAN,
    };
    console_progress(call->console, &progress);
}

static int pump(const cli_call *call, row_stream *stream)
{
    const transform_settings *settings = call->settings;
    ptsne_error err = {0};
    for (;;) {
        size_t got = 0;
        const ptsne_status status = ptsne_reader_next(stream->reader, stream->x, stream->capacity, &got, &err);
        if (console_stopped()) { return console_say_stopped(call->console, settings->output, NULL); }
        if (status != PTSNE_OK) { return console_fail(call->console, settings->input, &err); }
        if (got == 0) { return EXIT_SUCCESS; }
        if (ptsne_features(stream->model, stream->layer, stream->x, got, stream->y, &err) != PTSNE_OK) {
            return console_fail(call->console, settings->input, &err);
        }
        if (ptsne_writer_rows(stream->writer, stream->y, got, &err) != PTSNE_OK) {
            return console_fail(call->console, NULL, &err);
        }
        stream->rows += got;
        show(call, stream);
    }
}

static int report(const cli_call *call, const row_stream *stream)
{
    const transform_settings *settings = call->settings;
    if (settings->json == NULL) { return EXIT_SUCCESS; }
    const double seconds = pt_seconds() - stream->began;
    ptsne_device_info info;
    ptsne_device_describe(stream->device, &info);
    json_t *whole = json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I}", "version", ptsne_version(), "device",
                              info.spec, "model", report_text(settings->model), "input", report_text(settings->input),
                              "output", report_text(settings->output), "rows", (json_int_t)stream->rows, "columns",
                              (json_int_t)stream->columns, "components", (json_int_t)stream->components);
    if (whole != NULL) {
        if (settings->layer != NULL) { json_object_set_new(whole, "layer", report_text(settings->layer)); }
        json_object_set_new(whole, "seconds", report_number(seconds));
        json_object_set_new(whole, "rows_per_second", report_number((double)stream->rows / seconds));
    }
    return report_write(call->console, settings->json, whole);
}

static int transform_run(const cli_call *call)
{
    const transform_settings *settings = call->settings;
    const char *const inputs[] = {settings->model, settings->input};
    const output_file outputs[] = {{"-o", settings->output, settings->force}, {"--json", settings->json, true}};
    int code = outputs_check(call, outputs, CLI_LENGTH(outputs), inputs, CLI_LENGTH(inputs));
    if (code != EXIT_SUCCESS) { return code; }
    console_catch_signals();
    row_stream stream = {.began = pt_seconds()};
    if ((code = open_input(call, &stream)) != EXIT_SUCCESS) { goto done; }
    if ((code = open_output(call, &stream)) != EXIT_SUCCESS) { goto done; }
    if ((code = pump(call, &stream)) != EXIT_SUCCESS) { goto done; }
    ptsne_error err = {0};
    code = table_end(call, stream.writer, PTSNE_OK, &err);
    stream.writer = NULL;
    if (code == EXIT_SUCCESS) { code = report(call, &stream); }
done:
    ptsne_writer_discard(stream.writer);
    ptsne_reader_destroy(stream.reader);
    ptsne_model_destroy(stream.model);
    ptsne_device_destroy(stream.device);
    free(stream.x);
    free(stream.y);
    return code;
}

#define AT(member) offsetof(transform_settings, member)

static const cli_option own_options[] = {
    {.name = "MODEL", .kind = CLI_OPERAND, .member = AT(model), .required = true, .help = "model that ptsne wrote"},
    INPUT_OPERAND("X", AT(input), true),
};

static const cli_option layer_options[] = {
    {.name = "layer",
     .kind = CLI_TEXT,
     .member = AT(layer),
     .required = true,
     .argument = "NAME",
     .help = "layer whose activations are written: conv2, dense1; see ptsne info",
     .shown = ""},
};

static const cli_option output_options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(output),
     .required = true,
     .argument = "FILE",
     .help = "where the rows go: .npy or .csv; - is standard output",
     .shown = ""},
    TABLE_FORMAT_OPTION(AT(to), TABLE_FORMAT_BY_ROWS),
    FORCE_OPTION(AT(force), "overwrite FILE if it exists"),
    REPORT_OPTION(AT(json), "write a report as JSON"),
};

static const cli_section sections[] = {
    {"Arguments", own_options, CLI_LENGTH(own_options), 0, false},
    {"Output", output_options, CLI_LENGTH(output_options), 0, false},
    {"Reading X", read_options, CLI_LENGTH(read_options), AT(read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static const cli_section features_sections[] = {
    {"Arguments", own_options, CLI_LENGTH(own_options), 0, false},
    {"The layer", layer_options, CLI_LENGTH(layer_options), 0, false},
    {"Output", output_options, CLI_LENGTH(output_options), 0, false},
    {"Reading X", read_options, CLI_LENGTH(read_options), AT(read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static void transform_defaults(void *settings)
{
    read_settings_default(&((transform_settings *)settings)->read);
}

const cli_verb verb_transform = {
    .name = "transform",
    .summary = "place points on the map of a model",
    .usage = "MODEL X -o Y.npy",
    .description =
        "Runs the network over the rows of X, one row out for each row in. Rows stream: memory does not grow with "
        "the file, and both ends can be pipes.",
    .examples = "  ptsne transform map.safetensors new.npy -o new-map.npy\n"
                "  ptsne transform map.safetensors new.csv --label-column kind -o new-map.csv\n"
                "  zcat rows.csv.gz | ptsne transform map.safetensors - -o - | head\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(transform_settings),
    .defaults = transform_defaults,
    .console = AT(console),
    .run = transform_run,
};

const cli_verb verb_features = {
    .name = "features",
    .summary = "write what a layer of a model makes of data",
    .usage = "MODEL X --layer NAME -o FILE.npy",
    .description =
        "Runs the network over the rows of X up to one layer, and writes the layer's activations, after its activation "
        "function: one row out for each row in, height x width x channels values of an image, channels fastest. ptsne "
        "info MODEL lists the layers. Rows stream: memory does not grow with the file, and both ends can be pipes.",
    .examples = "  ptsne info digits.safetensors\n"
                "  ptsne features digits.safetensors t10k-images-idx3-ubyte.gz --layer dense1 -o features.npy\n"
                "  ptsne embed features.npy -o map.npy\n",
    .sections = features_sections,
    .n_sections = CLI_LENGTH(features_sections),
    .settings_size = sizeof(transform_settings),
    .defaults = transform_defaults,
    .console = AT(console),
    .run = transform_run,
};
