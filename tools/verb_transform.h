/* ptsne transform: place points on the map of a model; ptsne features: what any of its layers makes of them. */
#ifndef PTSNE_TOOLS_VERB_TRANSFORM_H
#define PTSNE_TOOLS_VERB_TRANSFORM_H

#include "options.h"

extern const cli_verb verb_transform;
extern const cli_verb verb_features;

#endif
