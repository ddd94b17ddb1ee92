/* ptsne embed DATA --dry-run: what a run would hold, and how long it may take. */
#ifndef PTSNE_TOOLS_EMBED_PLAN_H
#define PTSNE_TOOLS_EMBED_PLAN_H

#include "verb_embed.h"

/* Returns the exit code. */
int embed_plan(const cli_call *call);

#endif
