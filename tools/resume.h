/* Runs that can go on later keep their state in a file: beside the output, OUTPUT.state, where nothing else is said. It is written when
 * the run is stopped, and now and then where that is asked for; removed when the output is done, and before a run that begins
 * anew. An output without a state may be a finished one, or another run's: nothing goes on from it. */
#ifndef PTSNE_TOOLS_RESUME_H
#define PTSNE_TOOLS_RESUME_H

#include "options.h"

/* "OUTPUT.state"; released by free(); NULL without memory. */
char *resume_state_path(const char *output);

/* Decide from the files that are there whether to begin, to go on (resume stays 1), or to refuse. Prints what is wrong and returns the
 * exit code. */
int resume_look_around(const cli_call *call, const char *output, const char *state, bool force, int *resume);

/* "To go on:", and the command line with --resume. */
void resume_print_command(const cli_call *call);

/* Remove the state of a run that is done. */
void resume_remove(const cli_call *call, const char *state);

#endif
