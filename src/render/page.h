/* What stands where: title, subtitle, legend, and the rest for the plot. */
#ifndef PT_RENDER_PAGE_H
#define PT_RENDER_PAGE_H

#include "render/legend.h"

typedef struct pt_page_words {
    const char *title, *subtitle; /* may be NULL */
    bool legend;                  /* wanted; one class without a name has none anyway */
    bool strip;                   /* the legend as a strip under the title and not as a column to the right */
} pt_page_words;

typedef struct pt_page {
    double unit; /* pixels: 1 where the shorter side has 1200 (1500 above a strip) */
    double margin;
    char title[512], subtitle[512]; /* as they are drawn */
    double title_y, subtitle_y;     /* baselines */
    pt_legend legend;
    double legend_x, legend_y;
    double left, top, width, height; /* the plot */
} pt_page;

ptsne_status pt_page_layout(pt_text *text, const pt_classes *classes, const pt_page_words *words, size_t width,
                            size_t height, pt_page *page, ptsne_error *err);
void pt_page_release(pt_page *page);

/* Draw title, subtitle and legend. */
ptsne_status pt_page_draw(const pt_page *page, pt_text *text, const pt_palette *palette, const pt_srgb *srgb,
                          pt_picture *picture, ptsne_error *err);

#endif
