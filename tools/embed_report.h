/* What came out of ptsne embed, for people and for --json. */
#ifndef PTSNE_TOOLS_EMBED_REPORT_H
#define PTSNE_TOOLS_EMBED_REPORT_H

#include "report.h"
#include "verb_embed.h"

/* A line a stage: how long it took, and what there is to say about it. */
void embed_report_stages(cli_console *console, const ptsne_embed_report *done, const ptsne_embed_options *options);

/* The figures; NULL without memory. */
json_t *embed_report_figures(const ptsne_embed_report *done);

/* Put what the run was into figures and write them to settings->json; nothing where that is NULL. Returns the exit code. */
int embed_report_write(const cli_call *call, json_t *figures, const char *outcome, const ptsne_device *device,
                       size_t rows, size_t columns, size_t components, uint64_t seed);

#endif
