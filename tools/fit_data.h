/* What ptsne fit learns from: the rows of X, without those of classes that are left out, and the map that is to be learnt, if one
 * is given. */
#ifndef PTSNE_TOOLS_FIT_DATA_H
#define PTSNE_TOOLS_FIT_DATA_H

#include "labelled.h"

typedef struct fit_data {
    labelled rows;
    ptsne_table *map;
    float *kept, *kept_map;       /* the rows that are left, where some are left out */
    size_t n, n_columns, dims;    /* dims: of the map */
    const float *values, *target; /* n rows each, target of dims columns; NULL without a map */
    size_t left_out;
} fit_data;

typedef struct fit_data_files {
    const char *input, *labels, *map; /* the last two may be NULL */
    const char *exclude;              /* "4,9", or NULL */
    size_t dims;
} fit_data_files;

/* Prints what is wrong and returns the exit code, else EXIT_SUCCESS. */
int fit_data_read(const cli_call *call, const fit_data_files *files, const read_settings *reading, fit_data *data);
void fit_data_release(fit_data *data);

#endif
