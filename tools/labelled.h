/* Data and their labels, which are a column of the data or in a file of their own. */
#ifndef PTSNE_TOOLS_LABELLED_H
#define PTSNE_TOOLS_LABELLED_H

#include "common.h"

typedef struct labelled {
    ptsne_table *x;
    ptsne_labels *read;         /* from a file of their own */
    const ptsne_labels *labels; /* these, or those of x; NULL: there are none */
} labelled;

/* labels: a file, one label a row, to which a column that --label-column names then belongs; NULL: there is none. What else there is in
 * reading, a header say, is about the data; only the limit is about both. Prints what is wrong and returns the exit code. */
int labelled_read(const cli_call *call, const char *data, const char *labels, const read_settings *reading,
                  labelled *set);
void labelled_release(labelled *set);

/* Has other as many columns as x? Prints what is wrong and returns the exit code. */
int columns_check(const cli_call *call, const ptsne_table *other, const char *other_path, const ptsne_table *x,
                  const char *path);

#endif
