/* The training state lives in MODEL.state beside the model: see resume.h. */
#include "verb_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "fit_data.h"
#include "report.h"
#include "resume.h"

typedef struct fit_settings {
    console_settings console;
    const char *input, *output, *json, *labels, *exclude, *init, *map, *image;
    bool force;
    ptsne_fit_options fit;
    cli_numbers perplexities;
    cli_runs phases;
    device_settings device;
    read_settings read;
} fit_settings;

_Static_assert(sizeof(ptsne_mode) == sizeof(int) && sizeof(ptsne_optimizer) == sizeof(int) &&
                   sizeof(ptsne_schedule) == sizeof(int) && sizeof(ptsne_head) == sizeof(int),
               "CLI_CHOICE fills an int");

/* ---- what is there before ---- */

/* Begin, go on (resume stays 1), or refuse? Returns the exit code. */
static int look_around(const cli_call *call, const char *state, int *resume)
{
    const fit_settings *settings = call->settings;
    const char *const given[] = {settings->labels, settings->init, settings->map};
    const char *taken[7] = {settings->input}; /* the last one stays NULL */
    size_t n_taken = 1;
    for (size_t i = 0; i < CLI_LENGTH(given); i++) {
        if (given[i] != NULL) { taken[n_taken++] = given[i]; }
    }
    const int looked = resume_look_around(call, settings->output, state, settings->force, resume);
    if (looked != EXIT_SUCCESS) { return looked; }
    if (strcmp(settings->output, "-") == 0) {
        return cli_refuse(call, "a model cannot go to standard output, only to a file");
    }
    int code = output_check(call->console, settings->output, settings->force || *resume, taken);
    if (code == EXIT_SUCCESS) { code = output_check(call->console, state, true, taken); }
    taken[n_taken++] = settings->output;
    taken[n_taken++] = state;
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
    char what[256];
    if (settings->init != NULL) {
        snprintf(what, sizeof what, "%s trained on", settings->init);
    } else {
        snprintf(what, sizeof what, "%zu -> %s%s%zu", ptsne_model_features(model), net, *net == '\0' ? "" : " -> ",
                 ptsne_model_components(model));
    }
    console_note(call->console, "%s: %s, %zu epoch%s, %zu steps, loss %.4f, %.1f s", settings->output, what,
                 done->epochs, done->epochs == 1 ? "" : "s", done->steps, done->loss, done->seconds);
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
    json_object_set_new(report, "teacher_seconds", report_number(done->teacher_seconds));
    json_object_set_new(report, "teacher_kl", report_number(done->teacher_kl));
    json_object_set_new(report, "training_seconds", report_number(done->training_seconds));
    json_object_set_new(report, "product_flop", report_number(done->product_flop));
    json_object_set_new(report, "product_gflops", report_number(done->product_flop / done->training_seconds / 1e9));
    return report;
}

static int report(const cli_call *call, const char *outcome, ptsne_device *device, const fit_data *x,
                  const ptsne_fit_report *done)
{
    const fit_settings *settings = call->settings;
    if (settings->json == NULL) { return EXIT_SUCCESS; }
    ptsne_device_info info;
    ptsne_device_describe(device, &info);
    json_t *whole = done_report(done);
    json_t *about =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "version", ptsne_version(), "outcome", outcome,
                  "device", info.spec, "device_name", report_text(info.name), "data", report_text(settings->input),
                  "model", report_text(settings->output), "rows", (json_int_t)x->n, "columns", (json_int_t)x->n_columns,
                  "seed", (json_int_t)settings->fit.seed, settings->init == NULL ? "net" : "init",
                  report_text(settings->init == NULL ? settings->fit.net : settings->init));
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

/* Options that say the same thing, or whose effect needs another one. */
static int check_pairs(const cli_call *call)
{
    static const char *const clashes[][2] = {
        {"net", "init"},
        {"activation", "init"},
        {"dims", "init"},
        {"head", "init"},
        {"input", "init"},
        {"anchors", "init"},
        {"teacher-phases", "teacher"},
        {"perplexity", "teacher"},
    };
    const fit_settings *settings = call->settings;
    const ptsne_fit_options *fit = &settings->fit;
    for (size_t i = 0; i < CLI_LENGTH(clashes); i++) {
        if (cli_given(call, clashes[i][0]) && cli_given(call, clashes[i][1])) {
            return cli_refuse(call, "--%s has no effect with --%s, which brings its own", clashes[i][0], clashes[i][1]);
        }
    }
    const bool anchors =
        fit->head == PTSNE_HEAD_ANCHORS || (fit->head == PTSNE_HEAD_AUTO && fit->mode == PTSNE_MODE_TEACHER);
    static const char *const of_anchors[] = {"anchors", "class-weight", "class-share"};
    for (size_t i = 0; i < CLI_LENGTH(of_anchors) && !anchors; i++) {
        if (!cli_given(call, of_anchors[i])) { continue; }
        return cli_refuse(call, "--%s has an effect with --head anchors only", of_anchors[i]);
    }
    if (settings->labels != NULL && settings->exclude == NULL) {
        return cli_refuse(call, "--labels has an effect with --exclude-label only: the network learns without labels");
    }
    return EXIT_SUCCESS;
}

/* Options that would have no effect and depend on more than one other. */
static int check_settings(const cli_call *call)
{
    const fit_settings *settings = call->settings;
    const ptsne_fit_options *fit = &settings->fit;
    const bool moves = fit->interpolation > 0.0 || (fit->interpolation < 0.0 && fit->mode == PTSNE_MODE_TEACHER);
    if (fit->mode != PTSNE_MODE_EDGES && cli_given(call, "neighbors") && !moves) {
        return cli_refuse(call, "--neighbors has an effect in mode %s with --interpolation only",
                          fit->mode == PTSNE_MODE_BATCH ? "batch" : "teacher");
    }
    if (cli_given(call, "pca") && fit->pca > 0 && strcmp(fit->metric, "euclidean") != 0) {
        return cli_refuse(call, "--pca has an effect with --metric euclidean only (it is %s)", fit->metric);
    }
    if (cli_given(call, "early-exaggeration") && fit->early_epochs == 0) {
        return cli_refuse(call, "--early-exaggeration has an effect with --early-epochs only");
    }
    if (settings->phases.count > PTSNE_MAX_PHASES) {
        return cli_refuse(call, "--teacher-phases: %zu phases; at most %d", settings->phases.count, PTSNE_MAX_PHASES);
    }
    return check_pairs(call);
}

/* What came out of the fit, to files and to people. Returns the exit code. */
static int finish(const cli_call *call, ptsne_status status, const char *state, ptsne_device *device, const fit_data *x,
                  const ptsne_model *model, const ptsne_fit_report *done, ptsne_error *err)
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

/* What is read, opened and made in a run. */
typedef struct fit_things {
    fit_data data;
    ptsne_device *device;
    ptsne_model *init, *model;
} fit_things;

/* The model to go on from. */
static int init_open(const cli_call *call, fit_things *things)
{
    const fit_settings *settings = call->settings;
    ptsne_error err = {0};
    if (ptsne_model_load(things->device, settings->init, &things->init, &err) != PTSNE_OK) {
        return console_fail(call->console, settings->init, &err);
    }
    return map_model_check(call->console, settings->init, things->init);
}

static int things_open(const cli_call *call, const ptsne_observer *observer, fit_things *things)
{
    const fit_settings *settings = call->settings;
    const ptsne_device_options where = device_settings_use(&settings->device);
    ptsne_error err = {0};
    if (ptsne_device_open(&where, observer, &things->device, &err) != PTSNE_OK) {
        return console_fail(call->console, NULL, &err);
    }
    int code = settings->init == NULL ? EXIT_SUCCESS : init_open(call, things);
    if (code != EXIT_SUCCESS) { return code; }
    const fit_data_files files = {
        .input = settings->input,
        .labels = settings->labels,
        .map = settings->map,
        .exclude = settings->exclude,
        .dims = things->init == NULL ? settings->fit.n_components : ptsne_model_components(things->init),
    };
    code = fit_data_read(call, &files, &settings->read, &things->data);
    if (code != EXIT_SUCCESS || things->init == NULL) { return code; }
    const size_t columns = things->data.n_columns, wanted = ptsne_model_features(things->init);
    if (columns == wanted) { return EXIT_SUCCESS; }
    console_error(call->console, "%s: rows of %zu columns, but %s was fitted on %zu", settings->input, columns,
                  settings->init, wanted);
    return EXIT_DATA;
}

static int train(const cli_call *call, const ptsne_fit_options *given)
{
    const fit_settings *settings = call->settings;
    fit_things things = {0};
    ptsne_fit_options options = *given;
    ptsne_fit_report done = {0};
    ptsne_error err = {0};
    const ptsne_observer observer = console_observer(call->console);
    int code = things_open(call, &observer, &things);
    if (code == EXIT_SUCCESS) { code = shape_choose(call, settings->image, things.data.x, options.input); }
    if (code == EXIT_SUCCESS) {
        const fit_data *x = &things.data;
        ptsne_device_info info;
        ptsne_device_describe(things.device, &info);
        console_note(call->console, "%s: %zu rows of %zu columns; on %s (%s), seed %llu", settings->input, x->n,
                     x->n_columns, info.spec, info.name, (unsigned long long)options.seed);
        if (x->left_out > 0) { console_note(call->console, "%zu rows are left out", x->left_out); }
        options.init = things.init;
        options.teacher = x->target;
        const ptsne_status status =
            ptsne_fit(things.device, x->values, x->n, x->n_columns, &options, &observer, &things.model, &done, &err);
        code = finish(call, status, options.checkpoint, things.device, x, things.model, &done, &err);
    }
    ptsne_model_destroy(things.model);
    ptsne_model_destroy(things.init);
    ptsne_device_destroy(things.device);
    fit_data_release(&things.data);
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
    options.n_teacher_phases = settings->phases.count;
    for (size_t i = 0; i < settings->phases.count && i < PTSNE_MAX_PHASES; i++) {
        options.teacher_phases[i] = (ptsne_phase){settings->phases.lengths[i], settings->phases.values[i]};
    }
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
    {.name = "exclude-label",
     .kind = CLI_TEXT,
     .member = AT(exclude),
     .argument = "LIST",
     .help = "leave the rows with these labels out: 4,9",
     .more = "ptsne transform can place them later. Labels come from --labels, or from a label column of X."},
    {.name = "labels",
     .kind = CLI_TEXT,
     .member = AT(labels),
     .argument = "FILE",
     .help = "labels for --exclude-label, one a row of X; nothing else looks at them"},
    {.name = "init",
     .kind = CLI_TEXT,
     .member = AT(init),
     .argument = "MODEL",
     .help = "go on training this model, on the rows of X",
     .more = "The network is the model's own. In mode teacher t-SNE begins with the places that the model gives to the "
             "rows, so "
             "that the new map resembles the old one."},
};

static const cli_option map_options[] = {
    {.name = "mode",
     .kind = CLI_CHOICE,
     .member = FIT(mode),
     .argument = "MODE",
     .choices = "edges,batch,teacher",
     .help = "teacher, edges or batch",
     .more =
         "teacher: a map by t-SNE first, which the network then learns. "
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
     .help = "effective number of neighbours, in mode batch in a batch; several are averaged: 5,30,100",
     .only = "mode=batch|teacher"},
    {.name = "exaggeration",
     .kind = CLI_NUMBER,
     .member = FIT(exaggeration),
     .least = 0.001,
     .most = 1000,
     .argument = "A",
     .help = "factor on the attraction throughout",
     .shown = "4",
     .only = "mode=edges|batch"},
    {.name = "early-exaggeration",
     .kind = CLI_NUMBER,
     .member = FIT(early_exaggeration),
     .least = 0.001,
     .most = 1000,
     .argument = "A",
     .help = "factor on the attraction in the first epochs",
     .only = "mode=edges|batch"},
    {.name = "early-epochs",
     .kind = CLI_COUNT,
     .member = FIT(early_epochs),
     .argument = "N",
     .help = "epochs with --early-exaggeration",
     .only = "mode=edges|batch"},
};

static const cli_option teacher_options[] = {
    {.name = "teacher",
     .kind = CLI_TEXT,
     .member = AT(map),
     .argument = "MAP",
     .help = "a map of X's rows to learn, from ptsne embed say; without it t-SNE makes one",
     .shown = "",
     .only = "mode=teacher"},
    {.name = "teacher-phases",
     .kind = CLI_RUNS,
     .member = AT(phases),
     .least = 0.001,
     .most = 1000,
     .argument = "N:A,...",
     .help = "iterations:exaggeration of that t-SNE",
     .shown = "250:12,500:1,100:2; --init: the last two",
     .only = "mode=teacher"},
    {.name = "error-width",
     .kind = CLI_NUMBER,
     .member = FIT(error_width),
     .least = 0.001,
     .most = 1000,
     .argument = "H",
     .help = "rows farther than this from their places count less and less",
     .more = "The loss is H log(H^2 + distance^2), in standard deviations of the map.",
     .only = "mode=teacher"},
    {.name = "class-weight",
     .kind = CLI_NUMBER,
     .member = FIT(class_weight),
     .most = 1000,
     .argument = "A",
     .help = "weight, at the start, of choosing the right anchor",
     .more = "Above 0, rows gather at the anchors: a little fewer errors, and a map of grains.",
     .only = "mode=teacher"},
    {.name = "class-share",
     .kind = CLI_NUMBER,
     .member = FIT(class_share),
     .least = 0.001,
     .most = 1,
     .argument = "S",
     .help = "share of the training in which that weight falls to 0",
     .only = "mode=teacher"},
};

static const cli_option network_options[] = {
    {.name = "net",
     .kind = CLI_TEXT,
     .member = FIT(net),
     .argument = "LAYERS",
     .help = "hidden layers: 500,500,2000 are widths; empty for a linear map",
     .more = NET_GRAMMAR},
    {.name = "input",
     .kind = CLI_TEXT,
     .member = AT(image),
     .argument = "SHAPE",
     .help = "height, width and channels of a row that is an image: 28x28x1",
     .shown = "what the file says"},
    {.name = "activation",
     .kind = CLI_TEXT,
     .member = FIT(activation),
     .argument = "NAME",
     .help = "of layers that are only a number: relu, elu, tanh or sigmoid"},
    {.name = "head",
     .kind = CLI_CHOICE,
     .member = FIT(head),
     .argument = "KIND",
     .choices = "auto,linear,anchors",
     .help = "last layer: linear or anchors",
     .more = "anchors: the weighted mean of places on the map, chosen by a softmax, plus a linear layer; such a map "
             "can jump "
             "from one cluster to the next.",
     .shown = "anchors; mode edges, batch: linear"},
    {.name = "anchors",
     .kind = CLI_COUNT,
     .member = FIT(n_anchors),
     .least = 2,
     .most = 4096,
     .argument = "K",
     .help = "places of the anchors"},
    {.name = "dropout",
     .kind = CLI_NUMBER,
     .member = FIT(dropout),
     .most = 1,
     .argument = "P",
     .help = "share of the hidden units dropped in a step",
     .shown = "0.2; mode edges: 0.1; batch: 0"},
    {.name = "input-dropout",
     .kind = CLI_NUMBER,
     .member = FIT(input_dropout),
     .most = 1,
     .argument = "P",
     .help = "share of the inputs dropped in a step",
     .shown = "0.1; mode edges: 0.1; batch: 0"},
    {.name = "interpolation",
     .kind = CLI_NUMBER,
     .member = FIT(interpolation),
     .most = 1,
     .argument = "L",
     .help = "inputs move up to this share of the way to a neighbour",
     .shown = "0.5; mode edges: 0.5; batch: 0"},
};

static const cli_option training_options[] = {
    {.name = "epochs",
     .kind = CLI_COUNT,
     .member = FIT(epochs),
     .least = 1,
     .argument = "N",
     .help = "passes over the data",
     .shown = "24; mode edges: 32; batch: 80; more for few rows"},
    {.name = "batch-size",
     .kind = CLI_COUNT,
     .member = FIT(batch_size),
     .least = 2,
     .argument = "N",
     .help = "rows of a step",
     .shown = "500; mode edges: 500; batch: 5000"},
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
     .shown = "0.0014; mode edges, batch: 0.001; sgd: 0.1"},
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
    {.name = "averaging",
     .kind = CLI_NUMBER,
     .member = FIT(averaging),
     .most = 1,
     .argument = "B",
     .help = "the model is a running mean of the parameters that keeps the share B a step; 0: their last values"},
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
    {"The map to learn", teacher_options, CLI_LENGTH(teacher_options), 0, false},
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
                "  ptsne fit train.npy -o map.safetensors --teacher map.npy\n"
                "  ptsne fit train.npy -o map.safetensors --labels y.npy --exclude-label 9\n"
                "  ptsne fit newer.npy -o newer.safetensors --init map.safetensors\n"
                "  ptsne fit train.npy -o map.safetensors --checkpoint 5 --resume\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(fit_settings),
    .defaults = fit_defaults,
    .console = AT(console),
    .run = fit_run,
};
