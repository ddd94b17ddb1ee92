/* Reports for machines: --json FILE. Keys are stable; a figure that is not a finite number is null. */
#ifndef PTSNE_TOOLS_REPORT_H
#define PTSNE_TOOLS_REPORT_H

#include <jansson.h>

#include "console.h"

/* A finite number, else null; NULL without memory. */
json_t *report_number(double value);
/* A text from outside, a file's name say; a byte that is not UTF-8 becomes '?'. NULL without memory. */
json_t *report_text(const char *text);
/* A whole number. */
json_t *report_count(size_t value);

/* One entry of a report. */
typedef struct report_size {
    const char *key;
    size_t value;
} report_size;

typedef struct report_figure {
    const char *key;
    double value;
} report_figure;

/* Add n of them to whole in their order; NULL, where there was no memory, stays NULL. */
void report_add_sizes(json_t *whole, const report_size *sizes, size_t n);
void report_add_figures(json_t *whole, const report_figure *figures, size_t n);

/* A report begins: what ran where, on which data (NULL: none); outcome: "done", "stopped", "failed". NULL without memory. */
json_t *report_head(const ptsne_device *device, const char *outcome, const char *data, size_t rows, size_t columns);

/* The same with what is in more, which is released. Either may be NULL, where there was no memory: then so is the result. */
json_t *report_join(json_t *report, json_t *more);

/* Write report to path ("-": standard output), replacing what is there, and drop the reference to it. report may be NULL: there was no
 * memory for it. Prints what is wrong and returns the exit code. */
int report_write(cli_console *console, const char *path, json_t *report);

#endif
