#include "render/page.h"

#include <math.h>

/* Measures in units; the share of the page that the legend may take. */
static const double MARGIN = 44.0, TITLE = 38.0, SUBTITLE = 22.0, LEGEND = 23.0, LEGEND_LEAST = 14.0, GAP = 28.0;
static const double COLUMNS_SHARE = 0.36, STRIP_SHARE = 0.14;

static pt_type title_type(const pt_page *page)
{
    return (pt_type){.size = TITLE * page->unit, .bold = true};
}

static pt_type subtitle_type(const pt_page *page)
{
    return (pt_type){.size = SUBTITLE * page->unit};
}

/* Title and subtitle take their lines from the plot. */
static void titles_layout(pt_text *text, const pt_page_words *words, pt_page *page)
{
    double y = page->top;
    if (words->title != NULL && *words->title != '\0') {
        const pt_type type = title_type(page);
        pt_text_fit(text, &type, words->title, page->width, page->title, sizeof page->title);
        page->title_y = y + 0.78 * type.size;
        y += 1.1 * type.size;
    }
    if (words->subtitle != NULL && *words->subtitle != '\0') {
        const pt_type type = subtitle_type(page);
        pt_text_fit(text, &type, words->subtitle, page->width, page->subtitle, sizeof page->subtitle);
        page->subtitle_y = y + 1.0 * type.size;
        y += 1.4 * type.size;
    }
    if (y > page->top) { y += 0.6 * GAP * page->unit; }
    page->height -= y - page->top;
    page->top = y;
}

ptsne_status pt_page_layout(pt_text *text, const pt_classes *classes, const pt_page_words *words, size_t width,
                            size_t height, pt_page *page, ptsne_error *err)
{
    /* a canvas of sprites is looked at closely: smaller letters */
    const double whole = words->strip ? 1500.0 : 1200.0;
    const double unit = fmax((double)(width < height ? width : height) / whole, 0.5);
    *page = (pt_page){.unit = unit, .margin = MARGIN * unit, .left = MARGIN * unit, .top = MARGIN * unit};
    page->width = fmax((double)width - 2.0 * page->margin, 1.0);
    page->height = fmax((double)height - 2.0 * page->margin, 1.0);
    titles_layout(text, words, page);
    ptsne_status status = PTSNE_OK;
    if (!words->legend || classes->codes == NULL) { return status; }
    const double em = LEGEND * unit, least = LEGEND_LEAST * unit;
    if (words->strip) {
        status = pt_legend_strip(text, classes, em, least, page->width, STRIP_SHARE * page->height, &page->legend, err);
        page->legend_x = page->left, page->legend_y = page->top;
        const double taken = page->legend.count > 0 ? page->legend.height + GAP * unit : 0.0;
        page->top += taken, page->height -= taken;
    } else {
        status =
            pt_legend_columns(text, classes, em, least, COLUMNS_SHARE * page->width, page->height, &page->legend, err);
        page->legend_x = page->left + page->width - page->legend.width;
        page->legend_y = page->top;
        page->width -= page->legend.count > 0 ? page->legend.width + 1.4 * GAP * unit : 0.0;
    }
    return status;
}

void pt_page_release(pt_page *page)
{
    pt_legend_destroy(&page->legend);
}

ptsne_status pt_page_draw(const pt_page *page, pt_text *text, const pt_palette *palette, const pt_srgb *srgb,
                          pt_picture *picture, ptsne_error *err)
{
    pt_type title = title_type(page), subtitle = subtitle_type(page);
    title.color = palette->text, subtitle.color = palette->faint;
    ptsne_status status = pt_text_draw(text, &title, page->title, page->margin, page->title_y, picture, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_text_draw(text, &subtitle, page->subtitle, page->margin, page->subtitle_y, picture, err);
    if (status != PTSNE_OK) { return status; }
    return pt_legend_draw(&page->legend, text, palette, srgb, page->legend_x, page->legend_y, picture, err);
}
