/* ptsne embed DATA -o MAP: t-SNE of one data set. */
#ifndef PTSNE_TOOLS_EMBED_MAP_H
#define PTSNE_TOOLS_EMBED_MAP_H

#include "verb_embed.h"

/* Returns the exit code. */
int embed_map(const cli_call *call);

#endif
