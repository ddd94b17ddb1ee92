#include "verb_embed.h"

#include <stdlib.h>
#include <string.h>

#include "embed_add.h"
#include "embed_map.h"
#include "embed_plan.h"
#include "outputs.h"

_Static_assert(sizeof(ptsne_method) == sizeof(int) && sizeof(ptsne_search) == sizeof(int), "CLI_CHOICE fills an int");

/* ---- what the parts share ---- */

int file_pair_cut(const cli_call *call, const char *option, const char *text, file_pair *pair)
{
    *pair = (file_pair){.index = ""};
    if (text == NULL) { return EXIT_SUCCESS; }
    const char *comma = strchr(text, ',');
    if (comma == NULL || comma == text || comma[1] == '\0' || strchr(comma + 1, ',') != NULL) {
        return cli_refuse(call, "--%s: \"%s\" is not two files with one comma between them: INDEX.npy,DISTANCE.npy",
                          option, text);
    }
    if ((size_t)(comma - text) >= sizeof pair->index || strlen(comma + 1) >= sizeof pair->distance) {
        return cli_refuse(call, "--%s: a file's name is too long", option);
    }
    memcpy(pair->index, text, (size_t)(comma - text));
    memcpy(pair->distance, comma + 1, strlen(comma + 1));
    return EXIT_SUCCESS;
}

size_t embed_phases(const cli_call *call, ptsne_phase phases[PTSNE_MAX_PHASES], size_t n_phases)
{
    const embed_settings *settings = call->settings;
    if (cli_given(call, "phases")) {
        for (size_t i = 0; i < settings->phases.count; i++) {
            phases[i] = (ptsne_phase){settings->phases.lengths[i], settings->phases.values[i]};
        }
        return settings->phases.count;
    }
    ptsne_phase *last = &phases[n_phases - 1];
    if (cli_given(call, "early-exaggeration")) { phases[0].exaggeration = settings->early_exaggeration; }
    if (cli_given(call, "early-iterations")) { phases[0].iterations = settings->early_iterations; }
    if (cli_given(call, "exaggeration")) { last->exaggeration = settings->exaggeration; }
    if (cli_given(call, "iterations")) { last->iterations = settings->iterations; }
    return n_phases;
}

ptsne_embed_options embed_options(const cli_call *call)
{
    const embed_settings *settings = call->settings;
    ptsne_embed_options options = settings->embed;
    options.n_perplexities = settings->perplexities.count;
    memcpy(options.perplexities, settings->perplexities.values, sizeof options.perplexities);
    options.n_phases = embed_phases(call, options.phases, options.n_phases);
    options.init = strcmp(settings->init, "pca") == 0      ? PTSNE_INIT_PCA
                   : strcmp(settings->init, "random") == 0 ? PTSNE_INIT_RANDOM
                                                           : PTSNE_INIT_GIVEN;
    return options;
}

int embed_write_map(const cli_call *call, const float *y, size_t n, size_t components)
{
    const embed_settings *settings = call->settings;
    const table_file file = {settings->output, settings->to, true, .rows = n, .columns = components};
    return table_write(call, &file, y);
}

/* ---- what goes together ---- */

/* Options without a meaning beside another one, and what to do instead. */
static int check_pairs(const cli_call *call)
{
    static const struct {
        const char *option, *beside, *instead;
    } pairs[] = {
        {"early-exaggeration", "phases", "the phases have it: ITERATIONS:EXAGGERATION,..."},
        {"early-iterations", "phases", "the phases have them: ITERATIONS:EXAGGERATION,..."},
        {"exaggeration", "phases", "the phases have it: ITERATIONS:EXAGGERATION,..."},
        {"iterations", "phases", "the phases have them: ITERATIONS:EXAGGERATION,..."},
        {"n-neighbors", "neighbors", "the graph has so many as it has"},
        {"search", "neighbors", "nothing is searched for"},
        {"recall", "neighbors", "nothing is searched for"},
        {"save-neighbors", "neighbors", "that graph is in files already"},
        {"dry-run", "neighbors", "only a map from data alone is planned"},
        {"dims", "add", "the map has its dimensions"},
        {"affinities", "add", "new points have a perplexity"},
        {"search", "add", "neighbours in the reference are searched for exactly"},
        {"recall", "add", "neighbours in the reference are searched for exactly"},
        {"neighbors", "add", "neighbours in the reference are searched for"},
        {"save-neighbors", "add", "neighbours in the reference are not kept"},
        {"init", "add", "new points start at the median of their neighbours"},
        {"early-exaggeration", "add", "--phases ITERATIONS:EXAGGERATION,... says it"},
        {"early-iterations", "add", "--phases ITERATIONS:EXAGGERATION,... says it"},
        {"tolerance", "add", "--iterations N says how long"},
        {"snapshots", "add", "only a map has frames"},
        {"state", "add", "placing is short and keeps no state"},
        {"checkpoint", "add", "placing is short and keeps no state"},
        {"resume", "add", "placing is short: begin anew"},
        {"dry-run", "add", "only a map from data alone is planned"},
        {"snapshots", "dry-run", "nothing is written"},
        {"save-neighbors", "dry-run", "nothing is written"},
    };
    for (size_t i = 0; i < CLI_LENGTH(pairs); i++) {
        if (cli_given(call, pairs[i].option) && cli_given(call, pairs[i].beside)) {
            return cli_refuse(call, "--%s has no effect with --%s: %s", pairs[i].option, pairs[i].beside,
                              pairs[i].instead);
        }
    }
    return EXIT_SUCCESS;
}

/* Options that need another one. */
static int check_needs(const cli_call *call)
{
    static const char *const needs[][2] = {{"every", "snapshots"}, {"reference", "add"}};
    for (size_t i = 0; i < CLI_LENGTH(needs); i++) {
        if (cli_given(call, needs[i][0]) && !cli_given(call, needs[i][1])) {
            return cli_refuse(call, "--%s has an effect with --%s only", needs[i][0], needs[i][1]);
        }
    }
    return EXIT_SUCCESS;
}

static int check_settings(const cli_call *call)
{
    const embed_settings *settings = call->settings;
    const bool init_needs_data = strcmp(settings->init, "pca") == 0;
    int code = check_pairs(call);
    if (code == EXIT_SUCCESS) { code = check_needs(call); }
    if (code != EXIT_SUCCESS) { return code; }
    if (settings->input == NULL && settings->neighbors == NULL) {
        return cli_refuse(call, "DATA is missing (data: .npy, IDX, CSV, TSV or word vectors)");
    }
    if (settings->input == NULL && init_needs_data) {
        return cli_refuse(call, "DATA is missing: --neighbors alone do with --init random or --init FILE");
    }
    if (settings->output == NULL && !settings->dry_run) {
        return cli_refuse(call, "-o FILE is missing (where the map goes)");
    }
    if (cli_given(call, "recall") && settings->embed.search == PTSNE_SEARCH_EXACT) {
        return cli_refuse(call, "--recall has no effect with --search exact: it finds all neighbours");
    }
    if (cli_given(call, "pca") && settings->embed.pca > 0 && strcmp(settings->embed.metric, "euclidean") != 0) {
        return cli_refuse(call, "--pca has an effect with --metric euclidean only (it is %s)", settings->embed.metric);
    }
    if (settings->phases.count > PTSNE_MAX_PHASES) {
        return cli_refuse(call, "--phases: %zu phases; at most %d", settings->phases.count, PTSNE_MAX_PHASES);
    }
    const char *format;
    return settings->output == NULL ? EXIT_SUCCESS
                                    : table_format_choose(call, settings->output, settings->to, true, &format);
}

static int embed_run(const cli_call *call)
{
    const embed_settings *settings = call->settings;
    const int code = check_settings(call);
    if (code != EXIT_SUCCESS) { return code; }
    if (settings->dry_run) { return embed_plan(call); }
    return settings->add != NULL ? embed_add(call) : embed_map(call);
}

/* ---- the options ---- */

#define AT(member)    offsetof(embed_settings, member)
#define EMBED(member) offsetof(embed_settings, embed.member)

static const cli_option data_options[] = {
    INPUT_OPERAND("DATA", AT(input), false),
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(output),
     .argument = "FILE",
     .help = "where the map goes: .npy or .csv; - is standard output",
     .shown = ""},
    TABLE_FORMAT_OPTION(AT(to), TABLE_FORMAT_BY_ROWS),
    FORCE_OPTION(AT(force), "overwrite files that exist"),
    REPORT_OPTION(AT(json), "write a report as JSON"),
    {.name = "dry-run",
     .kind = CLI_FLAG,
     .member = AT(dry_run),
     .help = "print what each stage would hold and take, and do nothing",
     .more = "Of a map from data alone, without --neighbors and --add."},
};

static const cli_option map_options[] = {
    {.name = "dims",
     .kind = CLI_COUNT,
     .member = EMBED(n_components),
     .least = 2,
     .most = 3,
     .argument = "D",
     .help = "dimensions of the map, 2 or 3"},
    {.name = "perplexity",
     .kind = CLI_NUMBERS,
     .member = AT(perplexities),
     .least = 1,
     .argument = "LIST",
     .help = "effective number of neighbours; several are averaged: 30,300",
     .shown = "30; --add: 5",
     .more = "At most a third of the points. Larger: more of the whole, less of the detail.",
     .only = "affinities=perplexity"},
    {.name = "affinities",
     .kind = CLI_CHOICE,
     .member = EMBED(uniform),
     .argument = "KIND",
     .choices = "perplexity,uniform",
     .help = "perplexity, or uniform: all neighbours of a point alike",
     .more = "uniform: of 15 neighbours, or --n-neighbors."},
    {.name = "init",
     .kind = CLI_TEXT,
     .member = AT(init),
     .argument = "WHAT",
     .help = "initial map: pca, random, or a file",
     .more = "A file's map is taken as it is, a row a point; ./pca is a file of that name."},
    {.name = "dof",
     .kind = CLI_NUMBER,
     .member = EMBED(dof),
     .least = 0.1,
     .most = 100,
     .argument = "A",
     .help = "degrees of freedom of the map's Student-t; below 1: finer clusters"},
    {.name = "seed",
     .kind = CLI_SEED,
     .member = EMBED(seed),
     .argument = "N",
     .help = "the same seed gives the same map, bit for bit"},
};

static const cli_option neighbor_options[] = {
    {.name = "metric",
     .kind = CLI_TEXT,
     .member = EMBED(metric),
     .argument = "NAME",
     .help = "distance: euclidean, cosine, manhattan, or NAME of a metric_NAME.cl"},
    {.name = "n-neighbors",
     .kind = CLI_COUNT,
     .member = EMBED(n_neighbors),
     .least = 1,
     .argument = "K",
     .help = "nearest neighbours of each point",
     .shown = "3 x perplexity"},
    {.name = "pca",
     .kind = CLI_COUNT,
     .member = EMBED(pca),
     .argument = "K",
     .help = "principal components in which neighbours are sought; 0: all columns",
     .shown = "50"},
    {.name = "search",
     .kind = CLI_CHOICE,
     .member = EMBED(search),
     .argument = "HOW",
     .choices = "auto,exact,cells",
     .help = "auto, exact or cells",
     .more = "cells: an inverted file, for many points; finds --recall of the neighbours. auto: exact below 100,000 "
             "points, and for other metrics than euclidean and cosine."},
    {.name = "recall",
     .kind = CLI_NUMBER,
     .member = EMBED(recall),
     .least = 0.1,
     .most = 1,
     .argument = "R",
     .help = "share of the true neighbours that --search cells is to find; measured and reported"},
    {.name = "neighbors",
     .kind = CLI_TEXT,
     .member = AT(neighbors),
     .argument = "INDEX,DISTANCE",
     .help = "take the neighbours from two .npy files instead, n x k each",
     .more =
         "INDEX: whole numbers from 0, -1 for none. DISTANCE: plain distances, not squared ones. The points themselves "
         "may "
         "be among their neighbours, as scikit-learn and annoy have them: they are dropped. DATA may be left out where "
         "--init is not pca."},
    {.name = "save-neighbors",
     .kind = CLI_TEXT,
     .member = AT(save_neighbors),
     .argument = "INDEX,DISTANCE",
     .help = "keep the neighbours in two .npy files, as --neighbors reads them"},
};

static const cli_option optimize_options[] = {
    {.name = "early-exaggeration",
     .kind = CLI_NUMBER,
     .member = AT(early_exaggeration),
     .least = 0.001,
     .most = 1000,
     .argument = "A",
     .help = "factor on the attraction in the first phase"},
    {.name = "early-iterations",
     .kind = CLI_COUNT,
     .member = AT(early_iterations),
     .argument = "N",
     .help = "iterations of the first phase"},
    {.name = "exaggeration",
     .kind = CLI_NUMBER,
     .member = AT(exaggeration),
     .least = 0.001,
     .most = 1000,
     .argument = "A",
     .help = "factor on the attraction after it; 4: more like a graph's layout",
     .shown = "1; --add: 1.5"},
    {.name = "iterations",
     .kind = CLI_COUNT,
     .member = AT(iterations),
     .argument = "N",
     .help = "iterations after the first phase",
     .shown = "500; --add: 250"},
    {.name = "phases",
     .kind = CLI_RUNS,
     .member = AT(phases),
     .least = 0.001,
     .most = 1000,
     .argument = "N:A,...",
     .help = "in place of those four: 250:12,500:1,100:4 is iterations:exaggeration",
     .shown = ""},
    {.name = "learning-rate",
     .kind = CLI_NUMBER,
     .member = EMBED(learning_rate),
     .least = 1e-12,
     .most = 1e12,
     .argument = "R",
     .help = "length of the steps",
     .shown = "points / exaggeration; --add: 0.1",
     .more = "For a gradient without its factor 4, as openTSNE has it; scikit-learn's rates are 4 times smaller."},
    {.name = "momentum",
     .kind = CLI_NUMBER,
     .member = EMBED(momentum),
     .most = 1,
     .argument = "M",
     .help = "share of the last step in the next one"},
    {.name = "max-step",
     .kind = CLI_NUMBER,
     .member = EMBED(max_step),
     .least = 1e-6,
     .most = 1e6,
     .argument = "L",
     .help = "no point moves farther in an iteration",
     .shown = "5; --add: 0.25"},
    {.name = "tolerance",
     .kind = CLI_NUMBER,
     .member = EMBED(tolerance),
     .most = 1,
     .argument = "T",
     .help = "end early once steps stay below this part of the map; 0: never",
     .more = "The root mean square of the points' steps against half the diagonal of the map, looked at every 50 "
             "iterations of the last phase."},
    {.name = "method",
     .kind = CLI_CHOICE,
     .member = EMBED(method),
     .argument = "NAME",
     .choices = "field,barnes-hut,exact",
     .help = "repulsion: field, barnes-hut or exact",
     .more =
         "field: a pyramid of grids, time grows with the points. barnes-hut: a tree, on the host. exact: every pair."},
    {.name = "theta",
     .kind = CLI_NUMBER,
     .member = EMBED(theta),
     .most = 2,
     .argument = "T",
     .help = "width over distance from which a cell stands for its points; 0: exact",
     .only = "method=barnes-hut"},
    {.name = "spacing",
     .kind = CLI_NUMBER,
     .member = EMBED(spacing),
     .least = 0.05,
     .most = 1,
     .argument = "H",
     .help = "distance of the grid's nodes; smaller is more exact",
     .shown = "0.33; --dims 3: 0.45",
     .only = "method=field"},
};

static const cli_option long_options[] = {
    {.name = "snapshots",
     .kind = CLI_TEXT,
     .member = AT(snapshots),
     .argument = "FILE",
     .help = "keep the map on its way: .npy of frames x points x dimensions",
     .more = "The first frame is the initial map, the last one the final map."},
    {.name = "every",
     .kind = CLI_COUNT,
     .member = EMBED(snapshot_every),
     .least = 1,
     .argument = "K",
     .help = "iterations from frame to frame of --snapshots"},
    {.name = "state",
     .kind = CLI_TEXT,
     .member = AT(state),
     .argument = "FILE",
     .help = "where the state of an unfinished run is kept",
     .shown = "the map's name and .state"},
    {.name = "checkpoint",
     .kind = CLI_NUMBER,
     .member = EMBED(checkpoint_minutes),
     .most = 1e6,
     .argument = "MINUTES",
     .help = "keep the state so often; 0: only when stopped"},
    {.name = "resume",
     .kind = CLI_SET,
     .set = 1,
     .member = EMBED(resume),
     .help = "go on from the state",
     .more = "Give the same options otherwise; the map is the same as if nothing had happened."},
};

static const cli_option add_options[] = {
    {.name = "add",
     .kind = CLI_TEXT,
     .member = AT(add),
     .argument = "MAP",
     .help = "place DATA on this map, which stays as it is",
     .more =
         "Each new point starts at the median of its neighbours in the reference and is moved by its own gradient."},
    {.name = "reference",
     .kind = CLI_TEXT,
     .member = AT(reference),
     .argument = "FILE",
     .help = "the data that MAP is the map of"},
};

static const cli_section sections[] = {
    {"Data", data_options, CLI_LENGTH(data_options), 0, false},
    {"The map", map_options, CLI_LENGTH(map_options), 0, false},
    {"Neighbours", neighbor_options, CLI_LENGTH(neighbor_options), 0, false},
    {"New points on a map", add_options, CLI_LENGTH(add_options), 0, false},
    {"Optimisation", optimize_options, CLI_LENGTH(optimize_options), 0, true},
    {"Long runs", long_options, CLI_LENGTH(long_options), 0, true},
    {"Reading DATA", read_options, CLI_LENGTH(read_options), AT(read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static void embed_defaults(void *settings)
{
    embed_settings *embed = settings;
    ptsne_embed_options_default(&embed->embed);
    const ptsne_phase *first = &embed->embed.phases[0], *last = &embed->embed.phases[embed->embed.n_phases - 1];
    read_settings_default(&embed->read);
    embed->init = "pca";
    embed->embed.snapshot_every = 10;
    embed->early_iterations = first->iterations;
    embed->early_exaggeration = first->exaggeration;
    embed->iterations = last->iterations;
    embed->exaggeration = last->exaggeration;
    embed->perplexities.count = embed->embed.n_perplexities;
    memcpy(embed->perplexities.values, embed->embed.perplexities, sizeof embed->perplexities.values);
}

const cli_verb verb_embed = {
    .name = "embed",
    .summary = "make a map of data (t-SNE)",
    .usage = "DATA -o MAP",
    .description =
        "Maps the rows of DATA into two or three dimensions, neighbours to neighbours, by t-SNE: one row out for each "
        "row in. With --add it places new points on a map that is there.\n\n"
        "Ctrl-C stops, writes the map as it is by then, keeps the state in MAP.state, and prints the command that goes "
        "on.",
    .examples = "  ptsne embed features.npy -o map.npy\n"
                "  ptsne embed cells.csv --label-column kind --perplexity 30,300 -o map.csv\n"
                "  ptsne embed features.npy -o map.npy --phases 250:12,500:1,100:4 --snapshots film.npy --every 5\n"
                "  ptsne embed --neighbors index.npy,distance.npy --init random -o map.npy\n"
                "  ptsne embed --add map.npy --reference features.npy new.npy -o new-map.npy\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(embed_settings),
    .defaults = embed_defaults,
    .console = AT(console),
    .run = embed_run,
};
