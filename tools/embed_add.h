/* ptsne embed --add MAP --reference X NEW -o PLACED: new points on a map that stays as it is. */
#ifndef PTSNE_TOOLS_EMBED_ADD_H
#define PTSNE_TOOLS_EMBED_ADD_H

#include "verb_embed.h"

/* Returns the exit code. */
int embed_add(const cli_call *call);

#endif
