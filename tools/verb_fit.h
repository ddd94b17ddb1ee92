/* ptsne fit: learn a map from data and write it as a model file. */
#ifndef PTSNE_TOOLS_VERB_FIT_H
#define PTSNE_TOOLS_VERB_FIT_H

#include "options.h"

extern const cli_verb verb_fit;

#endif
