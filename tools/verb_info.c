#include "verb_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "models.h"
#include "outputs.h"
#include "report.h"

typedef struct info_settings {
    console_settings console;
    const char *model, *json;
} info_settings;

/* "28x28x20", and of what is no image "500". */
static const char *shape_text(const size_t shape[3], char text[64])
{
    if (shape[0] * shape[1] == 1) {
        snprintf(text, 64, "%zu", shape[2]);
    } else {
        snprintf(text, 64, "%zux%zux%zu", shape[0], shape[1], shape[2]);
    }
    return text;
}

/* "convolution 5x5 same, relu". */
static void layer_text(const ptsne_layer_info *layer, char *text, size_t size)
{
    int length = snprintf(text, size, "%s", layer->kind);
    char *at = text + length;
    size -= (size_t)length;
    if (layer->kernel[0] > 0) {
        length = snprintf(at, size, " %zux%zu", layer->kernel[0], layer->kernel[1]);
        at += length;
        size -= (size_t)length;
    }
    const bool square = layer->kernel[0] == layer->kernel[1], pooling = strcmp(layer->kind, "pooling") == 0;
    const size_t expected = pooling && square ? layer->kernel[0] : 1; /* what the text of a network need not say */
    if (layer->stride > 0 && layer->stride != expected) {
        length = snprintf(at, size, " stride %zu", layer->stride);
        at += length;
        size -= (size_t)length;
    }
    char rate[32] = "";
    if (layer->rate > 0.0) { snprintf(rate, sizeof rate, " %g", layer->rate); }
    const bool linear = strcmp(layer->activation, "linear") == 0;
    snprintf(at, size, "%s%s%s%s", layer->same ? " same" : "", rate, linear ? "" : ", ",
             linear ? "" : layer->activation);
}

static size_t parameters_of(const ptsne_model *model)
{
    size_t sum = 0;
    for (size_t l = 0; l < ptsne_model_layers(model); l++) {
        ptsne_layer_info layer;
        ptsne_model_layer(model, l, &layer);
        sum += layer.parameters;
    }
    return sum;
}

/* A note's key as people read it: "batch_size". */
static const char *key_text(const char *key)
{
    return strncmp(key, "ptsne.", 6) == 0 ? key + 6 : key;
}

static void print_notes(const ptsne_model *model)
{
    const char *key, *value = NULL;
    size_t width = 0;
    for (size_t i = 0; (key = ptsne_model_note(model, i, &value)) != NULL; i++) {
        const size_t length = strlen(key_text(key));
        if (length > width && length < 32) { width = length; }
    }
    if (width > 0) { printf("\nHow it was made:\n"); }
    for (size_t i = 0; (key = ptsne_model_note(model, i, &value)) != NULL; i++) {
        printf("  %-*s  %s\n", (int)width, key_text(key), value);
    }
}

static void print_model(const ptsne_model *model, const char *path)
{
    char input[64], output[64], text[128];
    size_t shape[3];
    ptsne_layer_info layer;
    const size_t layers = ptsne_model_layers(model);
    ptsne_model_input(model, shape);
    ptsne_model_layer(model, layers - 1, &layer);
    printf("%s: %s -> %s, %zu layers, %zu parameters\n", path, shape_text(shape, input),
           shape_text(layer.output, output), layers, parameters_of(model));
    model_kind_print(model);
    printf("\n  %-10s %-30s %14s %12s\n", "LAYER", "KIND", "RESULT", "PARAMETERS");
    printf("  %-10s %-30s %14s %12s\n", "", "input", input, "");
    for (size_t l = 0; l < layers; l++) {
        ptsne_model_layer(model, l, &layer);
        layer_text(&layer, text, sizeof text);
        printf("  %-10s %-30s %14s ", layer.name, text, shape_text(layer.output, output));
        if (layer.parameters > 0) {
            printf("%12zu\n", layer.parameters);
        } else {
            printf("%12s\n", "-");
        }
    }
    print_notes(model);
}

/* ---- for machines ---- */

static json_t *shape_report(const size_t shape[3])
{
    return json_pack("[I,I,I]", (json_int_t)shape[0], (json_int_t)shape[1], (json_int_t)shape[2]);
}

static json_t *layer_report(const ptsne_layer_info *layer)
{
    json_t *report = json_pack("{s:s, s:s, s:s, s:o, s:o, s:I}", "name", layer->name, "kind", layer->kind, "activation",
                               layer->activation, "input", shape_report(layer->input), "output",
                               shape_report(layer->output), "parameters", (json_int_t)layer->parameters);
    if (report != NULL && layer->kernel[0] > 0) {
        json_object_set_new(report, "kernel",
                            json_pack("[I,I]", (json_int_t)layer->kernel[0], (json_int_t)layer->kernel[1]));
        json_object_set_new(report, "stride", report_count(layer->stride));
        json_object_set_new(report, "same", json_boolean(layer->same));
    }
    if (report != NULL && strcmp(layer->kind, "dropout") == 0) {
        json_object_set_new(report, "rate", report_number(layer->rate));
    }
    return report;
}

static json_t *model_report(const ptsne_model *model, const char *path)
{
    json_t *layers = json_array(), *notes = json_object();
    size_t shape[3];
    const char *key, *value = NULL;
    ptsne_layer_info layer = {.output = {0}};
    ptsne_model_input(model, shape);
    for (size_t l = 0; l < ptsne_model_layers(model); l++) {
        ptsne_model_layer(model, l, &layer);
        json_array_append_new(layers, layer_report(&layer));
    }
    for (size_t i = 0; (key = ptsne_model_note(model, i, &value)) != NULL; i++) {
        json_object_set_new(notes, key, report_text(value));
    }
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:I, s:o, s:o}", "version", ptsne_version(), "model", report_text(path),
                     "kind", model_kind_word(model), "input", shape_report(shape), "output", shape_report(layer.output),
                     "parameters", (json_int_t)parameters_of(model), "layers", layers, "notes", notes);
}

static int info_run(const cli_call *call)
{
    const info_settings *settings = call->settings;
    const output_file report = {"--json", settings->json, true};
    int code = outputs_check(call, &report, 1, &settings->model, 1);
    if (code != EXIT_SUCCESS) { return code; }
    ptsne_error err = {0};
    ptsne_device *device = NULL;
    ptsne_model *model = NULL;
    ptsne_device_options options;
    ptsne_device_options_default(&options);
    options.spec = "cpu"; /* nothing is computed */
    if (ptsne_device_open(&options, NULL, &device, &err) != PTSNE_OK) {
        return console_fail(call->console, NULL, &err);
    }
    code = model_open(call, device, settings->model, MODEL_ANY, &model);
    if (code == EXIT_SUCCESS && settings->json != NULL) {
        code = report_write(call->console, settings->json, model_report(model, settings->model));
    } else if (code == EXIT_SUCCESS) {
        print_model(model, settings->model);
    }
    ptsne_model_destroy(model);
    ptsne_device_destroy(device);
    return code;
}

#define AT(member) offsetof(info_settings, member)

static const cli_option own_options[] = {
    {.name = "MODEL", .kind = CLI_OPERAND, .member = AT(model), .required = true, .help = "model that ptsne wrote"},
    REPORT_OPTION(AT(json), "write it as JSON instead; - is standard output"),
};

static const cli_section sections[] = {
    {"Arguments", own_options, CLI_LENGTH(own_options), 0, false},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

const cli_verb verb_info = {
    .name = "info",
    .summary = "say what is in a model",
    .usage = "MODEL",
    .description =
        "Lists the layers of a model, with the names that ptsne features takes, the shape of what each makes of a row "
        "(height x width x channels of an image), and its parameters; and how the model was made. A normalisation that "
        "follows a dense layer or convolution is part of that layer.",
    .examples = "  ptsne info map.safetensors\n"
                "  ptsne info map.safetensors --json - | jq .parameters\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(info_settings),
    .console = AT(console),
    .run = info_run,
};
