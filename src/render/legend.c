#include "render/legend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sizes.h"
#include "render/canvas.h"

/* Measures in ems. */
static const double LINE = 1.5, SWATCH = 0.8, GAP = 0.45, COLUMN_GAP = 1.6, STRIP_GAP = 1.2, ONE_LINE = 0.75,
                    LONGEST_NAME = 12.0;

void pt_count_words(size_t count, char words[48])
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%zu", count);
    char *to = words;
    for (int i = 0; i < length; i++) { /* at most 20 digits and 6 spaces of 3 bytes */
        if (i > 0 && (length - i) % 3 == 0) {
            memcpy(to, "\u202F", 3);
            to += 3;
        }
        *to++ = digits[i];
    }
    *to = '\0';
}

/* Pixels that an entry takes. */
static double entry_width(const pt_legend_entry *entry, double em)
{
    const double count = entry->count[0] == '\0' ? 0.0 : GAP * em + entry->count_width;
    return (SWATCH + GAP) * em + entry->name_width + count;
}

static void entry_measure(pt_text *text, const char *name, const char *count, double em, pt_legend_entry *entry)
{
    const pt_type type = {.size = em};
    pt_text_fit(text, &type, name, LONGEST_NAME * em, entry->name, sizeof entry->name);
    memcpy(entry->count, count, strlen(count) + 1);
    entry->name_width = pt_text_width(text, &type, entry->name);
    entry->count_width = pt_text_width(text, &type, count);
}

/* Fill the first `shown` entries from the classes, at this size, and where classes are left over one more that says so. */
static void entries_fill(pt_text *text, const pt_classes *classes, double em, size_t shown, pt_legend *legend)
{
    char words[48];
    size_t rest = 0;
    for (size_t i = 0; i < classes->count; i++) {
        const pt_class *class = &classes->list[i];
        if (i >= shown) {
            rest += class->size;
            continue;
        }
        pt_count_words(class->size, words);
        entry_measure(text, class->name, words, em, &legend->entries[i]);
        legend->entries[i].rgb = class->rgb;
        legend->entries[i].swatch = true;
    }
    legend->count = shown;
    legend->hidden = classes->count - shown;
    legend->size = em;
    legend->line = LINE * em;
    if (legend->hidden > 0) {
        char more[64];
        pt_count_words(rest, words);
        snprintf(more, sizeof more, "\u2026 and %zu more", legend->hidden);
        entry_measure(text, more, words, em, &legend->entries[legend->count]);
        legend->entries[legend->count++].swatch = false;
    }
}

static ptsne_status legend_create(const pt_classes *classes, pt_legend *legend, ptsne_error *err)
{
    *legend = (pt_legend){0};
    legend->entries = pt_array_zeroed(classes->count + 1, sizeof *legend->entries);
    if (legend->entries != NULL) { return PTSNE_OK; }
    return pt_fail_memory(err, "the legend", (double)((classes->count + 1) * sizeof *legend->entries));
}

void pt_legend_destroy(pt_legend *legend)
{
    free(legend->entries);
    *legend = (pt_legend){0};
}

/* At most so many of the classes can find room, however short their names: so that of thousands few are measured. */
static size_t most_shown(const pt_classes *classes, double em, double width, double height)
{
    const double lines = floor(height / (LINE * em)) + 1.0,
                 across = floor(width / ((SWATCH + 2.0 * GAP + 1.0) * em)) + 1.0;
    return (double)classes->count <= lines * across ? classes->count : (size_t)(lines * across);
}

/* Place entries in columns of `rows`, names to the left and counts to the right of each column; returns the width. */
static double columns_place(pt_legend *legend, size_t rows)
{
    const double em = legend->size;
    double x = 0.0, right = 0.0;
    for (size_t first = 0; first < legend->count; first += rows) {
        const size_t end = first + rows < legend->count ? first + rows : legend->count;
        double name_width = 0.0, count_width = 0.0;
        for (size_t i = first; i < end; i++) {
            name_width = fmax(name_width, legend->entries[i].name_width);
            count_width = fmax(count_width, legend->entries[i].count_width);
        }
        right = x + (SWATCH + GAP) * em + name_width + 1.5 * GAP * em + count_width;
        for (size_t i = first; i < end; i++) {
            legend->entries[i].x = x;
            legend->entries[i].y = ((double)(i - first) + 0.5) * legend->line;
            legend->entries[i].count_x = right - legend->entries[i].count_width;
        }
        x = right + COLUMN_GAP * em;
    }
    legend->width = right;
    legend->height = (double)(legend->count < rows ? legend->count : rows) * legend->line;
    return right;
}

ptsne_status pt_legend_columns(pt_text *text, const pt_classes *classes, double em, double least, double width,
                               double height, pt_legend *legend, ptsne_error *err)
{
    const ptsne_status status = legend_create(classes, legend, err);
    if (status != PTSNE_OK) { return status; }
    /* smaller letters first, then several columns, then fewer classes */
    const double single = height / (LINE * (double)classes->count);
    em = single < em ? fmax(single, least) : em;
    const size_t rows = (size_t)fmax(floor(height / (LINE * em) + 1e-9), 1.0);
    size_t shown = most_shown(classes, em, width, height);
    entries_fill(text, classes, em, shown, legend);
    while (columns_place(legend, rows) > width && shown > 0) {
        const size_t columns = pt_ceil_div(legend->count, rows); /* drop the last column */
        shown = columns < 2 ? 0 : (columns - 1) * rows - 1;
        entries_fill(text, classes, em, shown, legend);
    }
    if (shown == 0) { legend->count = 0, legend->width = legend->height = 0.0; } /* no room for any */
    return PTSNE_OK;
}

/* Pixels of all entries on one line, and of the widest. */
static double strip_width(const pt_legend *legend, double *widest)
{
    double together = -STRIP_GAP * legend->size;
    *widest = 0.0;
    for (size_t i = 0; i < legend->count; i++) {
        const double wide = entry_width(&legend->entries[i], legend->size);
        together += wide + STRIP_GAP * legend->size;
        *widest = fmax(*widest, wide);
    }
    return together;
}

/* Place entries line by line: close together where one line holds all, else in a grid of lines as long as one another;
 * returns the height. */
static double strip_place(pt_legend *legend, double width)
{
    const double em = legend->size, gap = STRIP_GAP * em;
    double widest, x = 0.0;
    const double together = strip_width(legend, &widest);
    const bool one_line = together <= width;
    const size_t most = one_line ? legend->count : (size_t)fmax(floor((width + gap) / (widest + gap)), 1.0);
    const size_t lines = pt_ceil_div(legend->count, most), per_line = pt_ceil_div(legend->count, lines);
    for (size_t i = 0; i < legend->count; i++) {
        pt_legend_entry *entry = &legend->entries[i];
        if (!one_line) { x = (double)(i % per_line) * (widest + gap); }
        entry->x = x;
        entry->y = ((double)(i / per_line) + 0.5) * legend->line;
        entry->count_x = x + entry_width(entry, em) - entry->count_width;
        x += entry_width(entry, em) + gap;
    }
    legend->width = one_line ? together : (double)per_line * (widest + gap) - gap;
    legend->height = (double)lines * legend->line;
    return legend->height;
}

ptsne_status pt_legend_strip(pt_text *text, const pt_classes *classes, double em, double least, double width,
                             double height, pt_legend *legend, ptsne_error *err)
{
    const ptsne_status status = legend_create(classes, legend, err);
    if (status != PTSNE_OK) { return status; }
    size_t shown = most_shown(classes, least, width, height);
    double widest;
    entries_fill(text, classes, em, shown, legend);
    const double fits = width / strip_width(legend, &widest);
    if (fits < 1.0 && fits >= ONE_LINE) { /* a little smaller, and one line does */
        em *= 0.999 * fits;
        entries_fill(text, classes, em, shown, legend);
    }
    while ((strip_place(legend, width) > height || legend->width > width) && shown > 0) {
        if (em > least) {
            em = fmax(0.85 * em, least);
        } else {
            shown = shown > 16 ? shown - shown / 8 : shown - 1;
        }
        entries_fill(text, classes, em, shown, legend);
    }
    if (shown == 0) { legend->count = 0, legend->width = legend->height = 0.0; }
    return PTSNE_OK;
}

static ptsne_status swatches_draw(const pt_legend *legend, const pt_srgb *srgb, double x, double y, pt_picture *picture,
                                  ptsne_error *err)
{
    const double radius = 0.5 * SWATCH * legend->size;
    const long side = (long)ceil(2.0 * radius) + 2;
    pt_canvas canvas;
    const ptsne_status status = pt_canvas_create(0, 0, side, side, &canvas, err);
    if (status != PTSNE_OK) { return status; }
    for (size_t i = 0; i < legend->count; i++) {
        const pt_legend_entry *entry = &legend->entries[i];
        if (!entry->swatch) { continue; }
        const double cx = x + entry->x + radius, cy = y + entry->y;
        double linear[3];
        pt_color_linear(entry->rgb, linear);
        const float light[3] = {(float)linear[0], (float)linear[1], (float)linear[2]};
        canvas.left = (long)floor(cx - radius), canvas.top = (long)floor(cy - radius);
        pt_canvas_clear(&canvas);
        pt_canvas_disc(&canvas, cx, cy, radius, light, 1.0f);
        pt_canvas_lay(&canvas, srgb, picture);
    }
    pt_canvas_destroy(&canvas);
    return PTSNE_OK;
}

ptsne_status pt_legend_draw(const pt_legend *legend, pt_text *text, const pt_palette *palette, const pt_srgb *srgb,
                            double x, double y, pt_picture *picture, ptsne_error *err)
{
    if (legend->count == 0) { return PTSNE_OK; }
    ptsne_status status = swatches_draw(legend, srgb, x, y, picture, err);
    const pt_type names = {.size = legend->size, .color = palette->text};
    const pt_type counts = {.size = legend->size, .color = palette->faint};
    for (size_t i = 0; i < legend->count && status == PTSNE_OK; i++) {
        const pt_legend_entry *entry = &legend->entries[i];
        const double baseline = y + entry->y + 0.36 * legend->size; /* half of DejaVu's height of capitals */
        const double name_x = x + entry->x + (SWATCH + GAP) * legend->size;
        status = pt_text_draw(text, entry->swatch ? &names : &counts, entry->name, name_x, baseline, picture, err);
        if (status != PTSNE_OK) { break; }
        status = pt_text_draw(text, &counts, entry->count, x + entry->count_x, baseline, picture, err);
    }
    return status;
}
