/* ptsne metrics: say how well a map keeps its data. */
#ifndef PTSNE_TOOLS_VERB_METRICS_H
#define PTSNE_TOOLS_VERB_METRICS_H

#include "options.h"

extern const cli_verb verb_metrics;

#endif
