/* Words in a picture: DejaVu Sans, carried inside the library so that pictures are the same on every machine, set by
 * freetype and cairo. */
#ifndef PT_RENDER_TEXT_H
#define PT_RENDER_TEXT_H

#include <stdbool.h>

#include "render/picture.h"

typedef struct pt_text pt_text;

/* How words look. */
typedef struct pt_type {
    double size; /* pixels of an em */
    bool bold;
    uint32_t color;      /* 0xRRGGBB */
    double halo;         /* width of a rim around the letters, pixels; 0: none */
    uint32_t halo_color; /* 0xRRGGBB */
} pt_type;

ptsne_status pt_text_open(pt_text **text, ptsne_error *err);
void pt_text_close(pt_text *text);

/* Pixels from the pen's start to its end; words are UTF-8 (a broken byte is drawn as U+FFFD). */
double pt_text_width(pt_text *text, const pt_type *type, const char *words);

/* Copy words into fitted (capacity bytes, at least 8), shortened with an ellipsis if they are wider than width. */
void pt_text_fit(pt_text *text, const pt_type *type, const char *words, double width, char *fitted, size_t capacity);

/* Set words with the pen at x on the baseline y. What falls outside of the picture is cut. */
ptsne_status pt_text_draw(pt_text *text, const pt_type *type, const char *words, double x, double y,
                          pt_picture *picture, ptsne_error *err);

/* Say which characters drawn so far the fonts have no letter for (an empty box stands for them); nothing if none. */
void pt_text_warn(const pt_text *text, const ptsne_observer *observer);

#endif
