#include "verb_fit.h"

#include <stdlib.h>
#include <string.h>

#include "fit_run.h"
#include "models.h"
#include "outputs.h"

_Static_assert(sizeof(ptsne_mode) == sizeof(int) && sizeof(ptsne_optimizer) == sizeof(int) &&
                   sizeof(ptsne_schedule) == sizeof(int) && sizeof(ptsne_head) == sizeof(int),
               "CLI_CHOICE fills an int");

/* ---- what goes together ---- */

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
    const int output = model_output_check(call, settings->output);
    if (output != EXIT_SUCCESS) { return output; }
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

static int fit_run(const cli_call *call)
{
    const int code = check_settings(call);
    return code == EXIT_SUCCESS ? fit_model(call) : code;
}

/* ---- the options ---- */

#define AT(member)  offsetof(fit_settings, member)
#define FIT(member) offsetof(fit_settings, fit.member)

static const cli_option data_options[] = {
    INPUT_OPERAND("X", AT(input), true),
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(output),
     .required = true,
     .argument = "MODEL",
     .help = "where the model goes (safetensors)"},
    FORCE_OPTION(AT(force), "overwrite MODEL if it exists"),
    REPORT_OPTION(AT(json), "write a report as JSON"),
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
     .more = "The network, the shape of its input and the dimensions of the map are the model's own: options that say "
             "them are refused. In mode teacher t-SNE begins with the places that the model gives to the rows, so that "
             "the new map resembles the old one."},
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
     .help = "learn this map of X's rows, as ptsne embed writes it; without it t-SNE makes one",
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
     .more = "The more of it, the fewer points between the clusters; from about 0.3 on, rows gather at the "
             "anchors, and the map is one of grains.",
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
             "can jump from one cluster to the next.",
     .shown = "anchors; mode edges, batch: linear"},
    {.name = "anchors",
     .kind = CLI_COUNT,
     .member = FIT(n_anchors),
     .least = 2,
     .most = 4096,
     .argument = "K",
     .help = "how many anchors"},
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
     .shown = "20; mode edges: 32; batch: 80; more for few rows"},
    {.name = "batch-size",
     .kind = CLI_COUNT,
     .member = FIT(batch_size),
     .least = 4,
     .most = 1e6,
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
     .least = 1e-12,
     .most = 1e6,
     .argument = "R",
     .help = "learning rate at its height",
     .more = "Of Adam, at the default --batch-size; it grows with the root of that.",
     .shown = "0.005; mode edges: 0.001; batch: 0.0032; sgd: 0.1"},
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
        "it as a safetensors file that PyTorch reads too. ptsne transform then places any points on the map.\n\n"
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
