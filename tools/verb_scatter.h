/* ptsne-render scatter: a map as a scatter plot. */
#ifndef PTSNE_TOOLS_VERB_SCATTER_H
#define PTSNE_TOOLS_VERB_SCATTER_H

#include "options.h"

extern const cli_verb verb_scatter;

#endif
