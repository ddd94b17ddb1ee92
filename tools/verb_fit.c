/* The training state lives in MODEL.state beside the model: see resume.h. */
#include "verb_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "report.h"
#include "resume.h"

typedef struct fit_settings {
    console_settings console;
    const char *input, *output, *json;
    bool force;
    ptsne_fit_options fit;
    cli_numbers perplexities;
    device_settings device;
    read_settings read;
} fit_settings;

_Static_assert(sizeof(ptsne_mode) == sizeof(int) && sizeof(ptsne_optimizer) == sizeof(int) &&
                   sizeof(ptsne_schedule) == sizeof(int),
               "CLI_CHOICE fills an int");

/* ---- what is there before ---- */

/* Begin, go on (resume stays 1), or refuse? Returns the exit code. */
static int look_around(const cli_call *call, const char *state, int *resume)
{
    const fit_settings *settings = call->settings;
    const char *const inputs[] = {settings->input, NULL};
    const int looked = resume_look_around(call, settings->output, state, settings->force, resume);
    if (looked != EXIT_SUCCESS) { return looked; }
    if (strcmp(settings->output, "-") == 0) {
        return cli_refuse(call, "a model cannot go to standard output, only to a file");
    }
    int code = output_check(call->console, settings->output, settings->force || *resume, inputs);
    if (code == EXIT_SUCCESS) { code = output_check(call->console, state, true, inputs); }
    const char *const taken[] = {settings->input, settings->output, state, NULL};
    if (code == EXIT_SUCCESS) { code = output_check(call->console, settings->json, true, taken); }
    return code;
}

/* ---- what is said after ---- */

/* "stopped ...", and the command line that goes on. */
static void say_stopped(const cli_call *call, const char *state, const ptsne_fit_report *done, bool has_model)
{
    const fit_settings *settings = call->settings;
    if (access(state, F_OK) != 0) {
        console_error(call->console, "stopped before the training began; nothing was written");
        return;
    }
    console_error(call->console, "stopped after %zu epoch%s; the training state is in %s%s%s", done->epochs,
                  done->epochs == 1 ? "" : "s", state, has_model ? ", the model so far in " : "",
                  has_model ? settings->output : "");
    resume_print_command(call);
}

static void say_done(const cli_call *call, const ptsne_model *model, const ptsne_fit_report *done)
{
    const fit_settings *settings = call->settings;
    const char *net = settings->fit.net;
    console_note(call->console, "%s: %zu,%s%s%zu, %zu epoch%s, %zu steps, loss %.4f, %.1f s", settings->output,
                 ptsne_model_features(model), net, *net == '\0' ? "" : ",", ptsne_model_components(model), done->epochs,
                 done->epochs == 1 ? "" : "s", done->steps, done->loss, done->seconds);
}

static json_t *spread_report(const ptsne_fit_report *done, size_t components)
{
    json_t *spread = json_array();
    for (size_t i = 0; i < components && i < 3; i++) { json_array_append_new(spread, report_number(done->spread[i])); }
    return spread;
}

static json_t *done_report(const ptsne_fit_report *done)
{
    json_t *report =
        json_pack("{s:I, s:I, s:I, s:I}", "epochs", (json_int_t)done->epochs, "steps", (json_int_t)done->steps,
                  "duplicates", (json_int_t)done->duplicates, "constant_columns", (json_int_t)done->constant_columns);
    if (report == NULL) { return NULL; }
    json_object_set_new(report, "loss", report_number(done->loss));
    json_object_set_new(report, "seconds", report_number(done->seconds));
    json_object_set_new(report, "neighbor_seconds", report_number(done->neighbor_seconds));
    json_object_set_new(report, "training_seconds", report_number(done->training_seconds));
    json_object_set_new(report, "product_flop", report_number(done->product_flop));
    json_object_set_new(report, "product_gflops", report_number(done->product_flop / done->training_seconds / 1e9));
    return report;
}

static int report(const cli_call *call, const char *outcome, ptsne_device *device, const ptsne_table *x,
                  const ptsne_fit_report *done)
{
    const fit_settings *settings = call->settings;
    if (settings->json == NULL) { return EXIT_SUCCESS; }
    ptsne_device_info info;
    ptsne_device_describe(device, &info);
    json_t *whole = done_report(done);
    json_t *about = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "version", ptsne_version(),
                              "outcome", outcome, "device", info.spec, "device_name", report_text(info.name), "data",
                              report_text(settings->input), "model", report_text(settings->output), "rows",
                              (json_int_t)ptsne_table_rows(x), "columns", (json_int_t)ptsne_table_columns(x), "seed",
                              (json_int_t)settings->fit.seed, "net", report_text(settings->fit.net));
    if (json_object_update(whole, about) != 0) { /* one of them is NULL, or without memory */
        json_decref(whole);
        whole = NULL;
    } else {
        json_object_set_new(whole, "spread", spread_report(done, settings->fit.n_components));
    }
    json_decref(about);
    return report_write(call->console, settings->json, whole);
}

/* ---- the run ---- */

/* Options that would have no effect and depend on more than one other. */
static int check_settings(const cli_call *call)
{
    const fit_settings *settings = call->settings;
    const ptsne_fit_options *fit = &settings->fit;
    if (fit->mode == PTSNE_MODE_BATCH && cli_given(call, "neighbors") && fit->interpolation <= 0.0) {
        return cli_refuse(call, "--neighbors has an effect in mode batch with --interpolation only");
    }
    if (cli_given(call, "pca") && fit->pca > 0 && strcmp(fit->metric, "euclidean") != 0) {
        return cli_refuse(call, "--pca has an effect with --metric euclidean only (it is %s)", fit->metric);
    }
    if (cli_given(call, "early-exaggeration") && fit->early_epochs == 0) {
        return cli_refuse(call, "--early-exaggeration has an effect with --early-epochs only");
    }
    return EXIT_SUCCESS;
}

/* What came out of the fit, to files and to people. Returns the exit code. */
static int finish(const cli_call *call, ptsne_status status, const char *state, ptsne_device *device,
                  const ptsne_table *x, const ptsne_model *model, const ptsne_fit_report *done, ptsne_error *err)
{
    const fit_settings *settings = call->settings;
    ptsne_error saving = {0};
    int saved = EXIT_SUCCESS;
    if (model != NULL && ptsne_model_save(model, settings->output, true, &saving) != PTSNE_OK) {
        saved = console_fail(call->console, NULL, &saving);
    }
    const bool has_model = model != NULL && saved == EXIT_SUCCESS;
    if (status == PTSNE_OK) {
        if (saved != EXIT_SUCCESS) { return saved; }
        resume_remove(call, state);
        say_done(call, model, done);
        return report(call, "done", device, x, done);
    }
    if (status == PTSNE_ERR_STOPPED) {
        say_stopped(call, state, done, has_model);
        report(call, "stopped", device, x, done);
        return EXIT_STOPPED;
    }
    if (status == PTSNE_ERR_IO && model != NULL) { /* stopped, and the state could not be written */
        console_fail(call->console, NULL, err);
        if (has_model) { console_error(call->console, "the model so far is in %s", settings->output); }
        report(call, "stopped", device, x, done);
        return EXIT_FAILED;
    }
    const bool about_data = status == PTSNE_ERR_ARGUMENT || status == PTSNE_ERR_DATA || status == PTSNE_ERR_DIVERGED;
    const int code = console_fail(call->console, about_data ? settings->input : NULL, err);
    if (status == PTSNE_ERR_DIVERGED) {
        if (has_model) { console_error(call->console, "the last good model is in %s", settings->output); }
        report(call, "diverged", device, x, done);
    }
    return code;
}

static int train(const cli_call *call, const ptsne_fit_options *options)
{
    const fit_settings *settings = call->settings;
    ptsne_device *device = NULL;
    ptsne_table *x = NULL;
    ptsne_model *model = NULL;
    ptsne_fit_report done = {0};
    ptsne_error err = {0};
    int code;
    const ptsne_device_options where = device_settings_use(&settings->device);
    const ptsne_read_options read = read_settings_use(&settings->read);
    const ptsne_observer observer = console_observer(call->console);
    if (ptsne_table_read(settings->input, &read, &x, &err) != PTSNE_OK) {
        code = console_fail(call->console, settings->input, &err);
        goto done;
    }
    if (ptsne_device_open(&where, &observer, &device, &err) != PTSNE_OK) {
        code = console_fail(call->console, NULL, &err);
        goto done;
    }
    ptsne_device_info info;
    ptsne_device_describe(device, &info);
    console_note(call->console, "%s: %zu rows of %zu columns; on %s (%s), seed %llu", settings->input,
                 ptsne_table_rows(x), ptsne_table_columns(x), info.spec, info.name, (unsigned long long)options->seed);
    const ptsne_status status = ptsne_fit(device, ptsne_table_values(x), ptsne_table_rows(x), ptsne_table_columns(x),
                                          options, &observer, &model, &done, &err);
    code = finish(call, status, options->checkpoint, device, x, model, &done, &err);
done:
    ptsne_model_destroy(model);
    ptsne_device_destroy(device);
    ptsne_table_destroy(x);
    return code;
}

static int fit_run(const cli_call *call)
{
    const fit_settings *settings = call->settings;
    ptsne_fit_options options = settings->fit;
    char *state = resume_state_path(settings->output);
    if (state == NULL) {
        console_error(call->console, "not enough memory");
        return EXIT_FAILED;
    }
    options.n_perplexities = settings->perplexities.count;
    memcpy(options.perplexities, settings->perplexities.values, sizeof options.perplexities);
    options.checkpoint = state;
    int code = check_settings(call);
    if (code == EXIT_SUCCESS) { code = look_around(call, state, &options.resume); }
    if (code == EXIT_SUCCESS) {
        console_catch_signals();
        code = train(call, &options);
    }
    free(state);
    return code;
}

/* ---- the options ---- */

#define AT(member)  offsetof(fit_settings, member)
#define FIT(member) offsetof(fit_settings, fit.member)

static const cli_option data_options[] = {
    {.name = "X",
     .kind = CLI_OPERAND,
     .member = AT(input),
     .required = true,
     .help = "data: .npy, IDX, CSV, TSV or word vectors, also gzipped; - is standard input"},
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(output),
     .required = true,
     .argument = "MODEL",
     .help = "where the model goes (safetensors)"},
    {.name = "force", .letter = 'f', .kind = CLI_FLAG, .member = AT(force), .help = "overwrite MODEL if it exists"},
    {.name = "json", .kind = CLI_TEXT, .member = AT(json), .argument = "FILE", .help = "write a report as JSON"},
};

static const cli_option map_options[] = {
    {.name = "mode",
     .kind = CLI_CHOICE,
     .member = FIT(mode),
     .argument = "MODE",
     .choices = "edges,batch",
     .help = "edges or batch",
     .more =
         "edges: pairs of neighbours from the nearest-neighbour graph of all rows attract, all pairs of a batch repel. "
         "batch: the classic, t-SNE inside each mini-batch (van der Maaten 2009)."},
    {.name = "dims",
     .kind = CLI_COUNT,
     .member = FIT(n_components),
     .least = 2,
     .most = 3,
     .argument = "D",
     .help = "dimensions of the map, 2 or 3"},
    {.name = "metric",
     .kind = CLI_TEXT,
     .member = FIT(metric),
     .argument = "NAME",
     .help = "distance: euclidean, cosine, manhattan, or NAME of a metric_NAME.cl"},
    {.name = "neighbors",
     .kind = CLI_COUNT,
     .member = FIT(n_neighbors),
     .least = 1,
     .argument = "K",
     .help = "nearest neighbours of each point"},
    {.name = "pca",
     .kind = CLI_COUNT,
     .member = FIT(pca),
     .argument = "K",
     .help = "principal components in which neighbours are sought; 0: all columns"},
    {.name = "perplexity",
     .kind = CLI_NUMBERS,
     .member = AT(perplexities),
     .least = 1,
     .argument = "LIST",
     .help = "effective number of neighbours in a batch; several are averaged: 5,30,100",
     .only = "mode=batch"},
    {.name = "exaggeration",
     .kind = CLI_NUMBER,
     .member = FIT(exaggeration),
     .least = 0.001,
     .most = 1000,
     .argument = "A",
     .help = "factor on the attraction throughout",
     .shown = "4"},
    {.name = "early-exaggeration",
     .kind = CLI_NUMBER,
     .member = FIT(early_exaggeration),
     .least = 0.001,
     .most = 1000,
     .argument = "A",
     .help = "factor on the attraction in the first epochs"},
    {.name = "early-epochs",
     .kind = CLI_COUNT,
     .member = FIT(early_epochs),
     .argument = "N",
     .help = "epochs with --early-exaggeration"},
};

static const cli_option network_options[] = {
    {.name = "net",
     .kind = CLI_TEXT,
     .member = FIT(net),
     .argument = "WIDTHS",
     .help = "widths of the hidden layers; empty for a linear map"},
    {.name = "activation",
     .kind = CLI_TEXT,
     .member = FIT(activation),
     .argument = "NAME",
     .help = "relu, elu, tanh or sigmoid"},
    {.name = "dropout",
     .kind = CLI_NUMBER,
     .member = FIT(dropout),
     .most = 1,
     .argument = "P",
     .help = "share of the hidden units dropped in a step",
     .shown = "0.1; mode batch: 0"},
    {.name = "input-dropout",
     .kind = CLI_NUMBER,
     .member = FIT(input_dropout),
     .most = 1,
     .argument = "P",
     .help = "share of the inputs dropped in a step",
     .shown = "0.1; mode batch: 0"},
    {.name = "interpolation",
     .kind = CLI_NUMBER,
     .member = FIT(interpolation),
     .most = 1,
     .argument = "L",
     .help = "inputs move up to this share of the way to a neighbour",
     .shown = "0.5; mode batch: 0"},
};

static const cli_option training_options[] = {
    {.name = "epochs",
     .kind = CLI_COUNT,
     .member = FIT(epochs),
     .least = 1,
     .argument = "N",
     .help = "passes over the data",
     .shown = "32, more for few rows; mode batch: 80"},
    {.name = "batch-size",
     .kind = CLI_COUNT,
     .member = FIT(batch_size),
     .least = 2,
     .argument = "N",
     .help = "rows of a step",
     .shown = "500; mode batch: 5000"},
    {.name = "seed",
     .kind = CLI_SEED,
     .member = FIT(seed),
     .argument = "N",
     .help = "the same seed gives the same model, bit for bit"},
    {.name = "optimizer",
     .kind = CLI_CHOICE,
     .member = FIT(optimizer),
     .argument = "NAME",
     .choices = "adam,sgd",
     .help = "adam or sgd"},
    {.name = "learning-rate",
     .kind = CLI_NUMBER,
     .member = FIT(learning_rate),
     .most = 1e6,
     .argument = "R",
     .help = "learning rate at its height",
     .more = "Adam's default is for batches of 500 rows and grows with the root of their number.",
     .shown = "0.001; sgd: 0.1"},
    {.name = "schedule",
     .kind = CLI_CHOICE,
     .member = FIT(schedule),
     .argument = "NAME",
     .choices = "cosine,linear,constant",
     .help = "way of the learning rate down: cosine, linear or constant"},
    {.name = "warmup",
     .kind = CLI_COUNT,
     .member = FIT(warmup_steps),
     .argument = "STEPS",
     .help = "steps in which the learning rate rises to its height"},
    {.name = "momentum",
     .kind = CLI_NUMBER,
     .member = FIT(momentum),
     .most = 1,
     .argument = "M",
     .help = "momentum of the steps",
     .only = "optimizer=sgd"},
    {.name = "checkpoint",
     .kind = CLI_NUMBER,
     .member = FIT(checkpoint_minutes),
     .most = 1e6,
     .argument = "MINUTES",
     .help = "keep the training state in MODEL.state so often; 0: only when stopped"},
    {.name = "resume",
     .kind = CLI_SET,
     .set = 1,
     .member = FIT(resume),
     .help = "go on from MODEL.state",
     .more = "Give the same options otherwise; the model is the same as if nothing had happened."},
};

static const cli_section sections[] = {
    {"Data", data_options, CLI_LENGTH(data_options), 0, false},
    {"The map", map_options, CLI_LENGTH(map_options), 0, false},
    {"The network", network_options, CLI_LENGTH(network_options), 0, false},
    {"Training", training_options, CLI_LENGTH(training_options), 0, false},
    {"Reading X", read_options, CLI_LENGTH(read_options), AT(read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static void fit_defaults(void *settings)
{
    fit_settings *fit = settings;
    ptsne_fit_options_default(&fit->fit);
    read_settings_default(&fit->read);
    fit->perplexities.count = fit->fit.n_perplexities;
    memcpy(fit->perplexities.values, fit->fit.perplexities, sizeof fit->perplexities.values);
}

const cli_verb verb_fit = {
    .name = "fit",
    .summary = "learn a map from data (parametric t-SNE)",
    .usage = "X -o MODEL",
    .description =
        "Trains a network that maps the rows of X into two or three dimensions, neighbours to neighbours, and writes "
        "it "
        "as a safetensors file that PyTorch reads too. ptsne transform then places any points on the map.\n\n"
        "Ctrl-C stops, keeps the training state in MODEL.state, and prints the command that goes on.",
    .examples = "  ptsne fit train.npy -o map.safetensors\n"
                "  ptsne fit train.csv --label-column kind -o map.safetensors --dims 3\n"
                "  ptsne fit train.npy -o map.safetensors --mode batch --batch-size 5000 --perplexity 30\n"
                "  ptsne fit train.npy -o map.safetensors --checkpoint 5 --resume\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(fit_settings),
    .defaults = fit_defaults,
    .console = AT(console),
    .run = fit_run,
};
