/* Which colours a picture has: its ground, its letters, one colour a class. */
#ifndef PT_RENDER_PALETTE_H
#define PT_RENDER_PALETTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct pt_palette {
    const char *name;
    const uint32_t *colors; /* 0xRRGGBB */
    size_t count;
    uint32_t *owned;  /* colors, where they were read from a file */
    uint32_t ground;  /* the paper */
    uint32_t text;    /* title, names */
    uint32_t faint;   /* subtitle, counts */
    uint32_t missing; /* points without a label */
} pt_palette;

/* spec: "auto" (or NULL) takes petroff10 up to ten classes and glasbey beyond; else one of the names, or "@file" with
 * one #rrggbb a line. */
ptsne_status pt_palette_open(const char *spec, bool dark, size_t n_classes, pt_palette *palette, ptsne_error *err);
void pt_palette_close(pt_palette *palette);

/* Names that pt_palette_open takes, separated by commas; static memory. */
const char *pt_palette_names(void);

#endif
