/* What the verbs that train a network from examples share: the options of training, validation and its history, and the line about
 * each epoch. */
#ifndef PTSNE_TOOLS_LEARN_OPTIONS_H
#define PTSNE_TOOLS_LEARN_OPTIONS_H

#include <jansson.h>

#include "base/output.h"
#include "common.h"

typedef struct learn_settings {
    ptsne_learn_options learn;
    size_t epochs, batch_size; /* 0: not given */
    cli_runs batches;
    const char *input; /* "28x28x1" */
    const char *history;
    const char *validation_data;
} learn_settings;

extern const cli_option learn_options[16]; /* fill a learn_settings */

/* Options that exclude one another. Prints what is wrong and returns the exit code. */
int learn_check(const cli_call *call, const learn_settings *settings);

/* None of the options of training may be given. */
int learn_refuse(const cli_call *call, const char *why);

/* The shape of a row: what --input says, else what the table says, else all 0. */
int learn_shape(const cli_call *call, const learn_settings *settings, const ptsne_table *x, size_t shape[3]);

/* What hears of each epoch. */
typedef struct learn_ear {
    cli_console *console;
    const char *path; /* of the history; NULL: none is written */
    bool classes;     /* there are accuracies */
    bool held;        /* and there is validation */
    double spoken;    /* seconds at the last line */
    pt_output history;
    ptsne_status status; /* of writing it */
    ptsne_error err;
} learn_ear;

/* Options for the library, with the ear in it. The ear's classes is set before. own: there are validation rows of their own. */
int learn_begin(const cli_call *call, const learn_settings *settings, bool own, bool force, learn_ear *ear,
                ptsne_learn_options *options);

/* The history is whole. Prints what went wrong with it and returns the exit code. */
int learn_end(learn_ear *ear);

/* Figures of a report as JSON, added to whole, which may be NULL. */
void learn_report(json_t *whole, const ptsne_learn_report *done);

#endif
