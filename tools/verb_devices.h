/* ptsne devices: list what ptsne can compute on. */
#ifndef PTSNE_TOOLS_VERB_DEVICES_H
#define PTSNE_TOOLS_VERB_DEVICES_H

#include "options.h"

extern const cli_verb verb_devices;

#endif
