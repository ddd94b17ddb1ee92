/* ptsne info: what is in a model file. */
#ifndef PTSNE_TOOLS_VERB_INFO_H
#define PTSNE_TOOLS_VERB_INFO_H

#include "options.h"

extern const cli_verb verb_info;

#endif
