/* What the verbs of ptsne-render share: the map and its labels, the looks, the output. */
#ifndef PTSNE_TOOLS_PICTURES_H
#define PTSNE_TOOLS_PICTURES_H

#include "common.h"

typedef struct picture_settings {
    const char *map, *labels, *output;
    bool force;
    const char *title, *subtitle, *palette;
    bool dark, no_legend, full;
    uint64_t seed;
} picture_settings;

extern const cli_option picture_operands[1]; /* MAP; the three fill a picture_settings */
extern const cli_option picture_files[3];
extern const cli_option picture_looks[7];

void picture_settings_default(picture_settings *settings);

/* A map with one label a point. */
typedef struct labelled_map {
    ptsne_table *table;
    ptsne_labels *read;         /* what has to be released */
    const ptsne_labels *labels; /* NULL: none */
    const float *values;
    size_t rows, columns;
} labelled_map;

/* Read both and check that they fit; says which columns are drawn. Prints what is wrong; returns the exit code. */
int labelled_map_read(cli_console *console, const picture_settings *settings, const read_settings *reading,
                      labelled_map *map);
void labelled_map_release(labelled_map *map);

/* The name of a file without its directory. */
const char *file_name(const char *path);

/* 1234567 as "1,234,567"; returns text, which has room for 32. */
const char *count_text(size_t count, char text[32]);

#endif
