/* ptsne classify: train a classifier on labelled rows, or ask one. */
#ifndef PTSNE_TOOLS_VERB_CLASSIFY_H
#define PTSNE_TOOLS_VERB_CLASSIFY_H

#include "options.h"

extern const cli_verb verb_classify;

#endif
