/* ptsne fit: learn a map from data. fit_run.c has the run. */
#ifndef PTSNE_TOOLS_VERB_FIT_H
#define PTSNE_TOOLS_VERB_FIT_H

#include "common.h"

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

extern const cli_verb verb_fit;

#endif
