/* ptsne-render sprites: the images themselves at their places in a map. */
#ifndef PTSNE_TOOLS_VERB_SPRITES_H
#define PTSNE_TOOLS_VERB_SPRITES_H

#include "options.h"

extern const cli_verb verb_sprites;

#endif
