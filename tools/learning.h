/* What the verbs that train a network from examples share: from reading the rows to keeping the model and telling of it. */
#ifndef PTSNE_TOOLS_LEARNING_H
#define PTSNE_TOOLS_LEARNING_H

#include <jansson.h>

#include "base/output.h"
#include "labelled.h"
#include "learn_options.h"

/* One run. The verb sets the first three. */
typedef struct learn_job {
    const cli_call *call;
    const learn_settings *settings;
    bool classes; /* a classifier; else an autoencoder */
    labelled data, held;
    ptsne_device *device;
    ptsne_model *model;
    ptsne_learn_report done;
    bool trained;
    bool judged;       /* there are validation rows */
    double spoken;     /* seconds at the last line about an epoch */
    pt_output history; /* of the epochs */
    ptsne_status status;
    ptsne_error err; /* of writing it */
} learn_job;

/* All that a run reads, and the device; with --model that one, which has to take the rows. Prints what is wrong and returns the exit
 * code, as all of these do. */
int learn_open(learn_job *job);

/* Before the library trains: the shape of a row, and options, in which the job is told of each epoch. */
int learn_begin(learn_job *job, size_t shape[3], ptsne_learn_options *options);

/* After it: the history is whole, the model is kept, and what came of it is said. */
int learn_end(learn_job *job, ptsne_status status, const ptsne_error *err);

/* The report so far, for the verb to add to; code: the exit code. NULL without memory. */
json_t *learn_report(const learn_job *job, int code);

/* Is there anything to report? */
bool learn_reports(const learn_job *job, int code);

void learn_close(learn_job *job);

#endif
