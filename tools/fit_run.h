/* ptsne fit once the options are checked: read, train, write the model, report. */
#ifndef PTSNE_TOOLS_FIT_RUN_H
#define PTSNE_TOOLS_FIT_RUN_H

#include "options.h"

/* Returns the exit code. */
int fit_model(const cli_call *call);

#endif
