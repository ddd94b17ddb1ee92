/* What the verbs of ptsne-render share: the map and its labels, the looks, the output. */
#ifndef PTSNE_TOOLS_PICTURES_H
#define PTSNE_TOOLS_PICTURES_H

#include "labelled.h"

typedef struct picture_settings {
    const char *map, *labels, *output;
    bool force;
    const char *title, *subtitle, *palette;
    bool dark, no_legend, full;
    uint64_t seed;
    read_settings reading;
} picture_settings;

extern const cli_option picture_operands[1]; /* MAP; the three fill a picture_settings, read_options its reading */
extern const cli_option picture_files[3];
extern const cli_option picture_looks[7];

void picture_settings_default(picture_settings *settings);

/* A map, and one label a point where there are labels. */
typedef struct labelled_map {
    labelled data; /* x is the map */
    const float *values;
    size_t rows, columns;
} labelled_map;

/* Can the picture be written, over none of the files that are read (images: or NULL)? Then read map and labels and check that they fit;
 * says which columns are drawn. Prints what is wrong; returns the exit code. */
int picture_begin(const cli_call *call, const picture_settings *settings, const char *images, labelled_map *map);
void labelled_map_release(labelled_map *map);

/* The name of a file without its directory. */
const char *file_name(const char *path);

#endif
