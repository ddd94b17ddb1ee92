/* The settings of the verbs that train a network from examples, and the options of training, validation and its history. */
#ifndef PTSNE_TOOLS_LEARN_OPTIONS_H
#define PTSNE_TOOLS_LEARN_OPTIONS_H

#include "common.h"

typedef struct learn_settings {
    const char *input, *labels, *output, *model, *json; /* by rows of the verb's own */
    const char *validation_labels;                      /* likewise */
    bool force;
    ptsne_learn_options learn;
    size_t epochs, batch_size; /* 0: not given */
    cli_runs batches;
    const char *shape; /* "28x28x1" */
    const char *history, *validation_data;
    device_settings device;
    read_settings read;
} learn_settings;

extern const cli_option learn_options[16]; /* fill a learn_settings */

void learn_settings_default(learn_settings *settings, const ptsne_learn_options *learn);

/* Options that exclude one another; own: those of training that the verb has besides, n_own. Prints what is wrong and returns the exit
 * code. */
int learn_check(const cli_call *call, const learn_settings *settings, const char *const *own, size_t n_own);

#endif
