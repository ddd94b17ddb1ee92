/* ptsne embed: t-SNE of one data set, or new points on a map. embed_map.c, embed_add.c and embed_plan.c are its parts. */
#ifndef PTSNE_TOOLS_VERB_EMBED_H
#define PTSNE_TOOLS_VERB_EMBED_H

#include "common.h"

typedef struct embed_settings {
    console_settings console;
    const char *input, *output, *json;
    int to; /* table_format */
    bool force, dry_run;
    ptsne_embed_options embed; /* but for perplexities, phases and init, which are below */
    cli_numbers perplexities;
    const char *neighbors, *save_neighbors; /* "INDEX.npy,DISTANCE.npy" */
    const char *init;                       /* "pca", "random" or a file */
    double early_exaggeration, exaggeration;
    size_t early_iterations, iterations;
    cli_runs phases;
    const char *snapshots, *state;
    const char *add, *reference;
    device_settings device;
    read_settings read;
} embed_settings;

extern const cli_verb verb_embed;

/* The library's options, from what was given, all but files. */
ptsne_embed_options embed_options(const cli_call *call);

/* "INDEX.npy,DISTANCE.npy" cut at its comma. */
typedef struct file_pair {
    char index[4096], distance[4096];
} file_pair;

/* text may be NULL: both are empty. option is named where text has not one comma. Returns the exit code. */
int file_pair_cut(const cli_call *call, const char *option, const char *text, file_pair *pair);

/* The options that --phases, or --early-iterations and its like, leave in phases. */
size_t embed_phases(const cli_call *call, ptsne_phase phases[PTSNE_MAX_PHASES], size_t n_phases);

/* Write the map to settings->output. Prints what is wrong and returns the exit code. */
int embed_write_map(const cli_call *call, const float *y, size_t n, size_t components);

#endif
