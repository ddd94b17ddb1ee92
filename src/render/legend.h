/* The legend: one entry a class, with a swatch larger and fuller than the points, the name and how many there are. */
#ifndef PT_RENDER_LEGEND_H
#define PT_RENDER_LEGEND_H

#include "render/classes.h"
#include "render/color.h"
#include "render/text.h"

typedef struct pt_legend_entry {
    char name[256], count[48]; /* as they are drawn; count "" has none */
    uint32_t rgb;
    bool swatch;
    double x, y;        /* left edge and middle line, from the legend's upper left corner */
    double name_width;  /* pixels */
    double count_x;     /* pen of the count */
    double count_width; /* pixels */
} pt_legend_entry;

typedef struct pt_legend {
    pt_legend_entry *entries;
    size_t count;
    size_t hidden;        /* classes that found no room; the last entry says so */
    double size;          /* pixels of an em */
    double line;          /* pixels from line to line */
    double width, height; /* pixels of all of it */
} pt_legend;

/* A column of names beside the plot, or several, within width x height; em: the size that letters should have, they may become
 * smaller, down to least. */
ptsne_status pt_legend_columns(pt_text *text, const pt_classes *classes, double em, double least, double width,
                               double height, pt_legend *legend, ptsne_error *err);

/* A strip of names above the plot, line by line, within width x height. */
ptsne_status pt_legend_strip(pt_text *text, const pt_classes *classes, double em, double least, double width,
                             double height, pt_legend *legend, ptsne_error *err);

void pt_legend_destroy(pt_legend *legend);

/* Draw it with its upper left corner at (x, y). */
ptsne_status pt_legend_draw(const pt_legend *legend, pt_text *text, const pt_palette *palette, const pt_srgb *srgb,
                            double x, double y, pt_picture *picture, ptsne_error *err);

/* 1234567 with narrow spaces between the thousands; words needs 48 bytes. */
void pt_count_words(size_t count, char words[48]);

#endif
