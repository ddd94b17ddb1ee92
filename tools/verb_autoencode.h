/* ptsne autoencode: train an autoencoder, or use one. */
#ifndef PTSNE_TOOLS_VERB_AUTOENCODE_H
#define PTSNE_TOOLS_VERB_AUTOENCODE_H

#include "options.h"

extern const cli_verb verb_autoencode;

#endif
