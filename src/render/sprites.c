/* The images themselves at their places in the map.
 *
 * Ink on an empty ground (digits) is painted in its label's colour with the ink as opacity; other images keep their looks and get a
 * border in that colour. Sprites are painted in random order; unless everything is to be painted, one that would hide
 * more than half of an earlier one is left out, so that each that is there can be seen. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "render/bands.h"
#include "render/page.h"
#include "render/resample.h"
#include "render/view.h"

enum { CANVAS_DEFAULT = 4000, CANVAS_LEAST = 64, CANVAS_MOST = 30000, IMAGE_MOST = 4096 };
/* Sprites would cover this share of the plot if they were spread evenly; how much larger than themselves they get. */
static const double INK = 0.8, LARGER_MOST = 4.0;
/* Letters and map keep this ratio of sides at most. */
static const double ASPECT_MOST = 2.0;
/* Half of the light on white is a pale tint, half of the light on black is bright: ink is raised to these, so that it looks as
 * strong as the image says. */
static const float LIGHT_GAMMA = 0.5f, DARK_GAMMA = 1.3f;
/* Ink of this strength and more hides what is under it. */
static const float OPAQUE_FROM = 0.25f;

typedef enum sprite_kind { SPRITE_INK, SPRITE_PHOTO } sprite_kind;

/* How values of the images are read. */
typedef struct source {
    const float *images;
    size_t height, width, channels;
    float offset, scale; /* (value - offset) * scale is 0 .. 1 */
    sprite_kind kind;
    bool inverted;
} source;

typedef struct sprites {
    const float *map;
    size_t n, n_components;
    source source;
    bool dark;
    float ground[3]; /* linear */
    pt_classes classes;
    pt_palette palette;
    pt_view view;
    pt_srgb srgb;
    pt_picture picture;
    pt_resampler resampler;
    size_t width, height, border; /* of a sprite on the canvas, pixels */
    uint32_t *order;              /* what is painted, in order */
    size_t n_painted, outside, covered;
} sprites;

void ptsne_sprites_options_default(ptsne_sprites_options *options)
{
    *options = (ptsne_sprites_options){.canvas = CANVAS_DEFAULT, .legend = 1, .invert = -1, .seed = 1};
}

static const float *point(const sprites *plot, size_t i)
{
    return plot->map + i * plot->n_components;
}

/* ---- the images ---- */

/* 0 .. 1 or 0 .. 255, or else from the least to the most value. */
static ptsne_status range_find(size_t n, source *from, ptsne_error *err)
{
    const size_t pixels = from->height * from->width * from->channels;
    float least = from->images[0], most = from->images[0];
    for (size_t i = 0; i < n; i++) {
        const float *image = from->images + i * pixels;
        bool finite = true;
        for (size_t k = 0; k < pixels; k++) {
            finite = finite && isfinite(image[k]);
            least = image[k] < least ? image[k] : least;
            most = image[k] > most ? image[k] : most;
        }
        if (!finite) { return pt_fail(err, PTSNE_ERR_DATA, "image %zu has a NaN or infinity", i + 1); }
    }
    if (least >= 0.0f && most <= 255.0f) { least = 0.0f, most = most <= 1.0f ? 1.0f : 255.0f; }
    from->offset = least;
    from->scale = most > least ? 1.0f / (most - least) : 0.0f;
    return PTSNE_OK;
}

static float value_at(const source *from, size_t image, size_t y, size_t x)
{
    const size_t at = ((image * from->height + y) * from->width + x) * from->channels;
    return (from->images[at] - from->offset) * from->scale;
}

/* Ink, where most pixels along the edges of the images are empty: almost black, or almost white (inverted). */
static void kind_find(size_t n, int invert, source *from)
{
    const size_t step = n / 1000 + 1;
    size_t dark = 0, light = 0, all = 0;
    for (size_t i = 0; i < n; i += step) {
        for (size_t y = 0; y < from->height; y++) {
            const bool inner = y > 0 && y + 1 < from->height;
            for (size_t x = 0; x < from->width; x += inner && from->width > 1 ? from->width - 1 : 1) {
                const float value = value_at(from, i, y, x);
                dark += value<0.08f, light += value> 0.92f, all++;
            }
        }
    }
    const bool told = invert < 0;
    const bool empty = 2 * (dark > light ? dark : light) > all;
    from->kind = from->channels == 1 && (!told || empty) ? SPRITE_INK : SPRITE_PHOTO;
    from->inverted = from->kind == SPRITE_INK && (told ? light > dark : invert != 0);
}

/* ---- which are painted, and where ---- */

/* Left upper corner of sprite i. */
static void corner(const sprites *plot, size_t i, long *left, long *top)
{
    double x, y;
    pt_view_place(&plot->view, point(plot, i), &x, &y);
    *left = (long)floor(x - 0.5 * (double)plot->width + 0.5);
    *top = (long)floor(y - 0.5 * (double)plot->height + 0.5);
}

/* Painted sprites by cell; a cell is as large as a sprite, so what overlaps lies in the 3 x 3 cells around. */
typedef struct cell_lists {
    size_t wide, high;
    uint32_t *head; /* wide x high: the last painted there, plus 1; 0: none */
    uint32_t *next; /* n: the one before it in its cell, plus 1 */
} cell_lists;

/* Would sprite i hide more than half of one that is painted? */
static bool hides(const sprites *plot, const cell_lists *cells, size_t i)
{
    long left, top, other_left, other_top;
    corner(plot, i, &left, &top);
    const long width = (long)plot->width, height = (long)plot->height;
    const long column = left / width, row = top / height;
    for (long y = row > 0 ? row - 1 : 0; y <= row + 1 && y < (long)cells->high; y++) {
        for (long x = column > 0 ? column - 1 : 0; x <= column + 1 && x < (long)cells->wide; x++) {
            for (uint32_t at = cells->head[(size_t)y * cells->wide + (size_t)x]; at != 0; at = cells->next[at - 1]) {
                corner(plot, at - 1, &other_left, &other_top);
                const long shared_x = width - labs(left - other_left), shared_y = height - labs(top - other_top);
                if (shared_x > 0 && shared_y > 0 && 2 * shared_x * shared_y > width * height) { return true; }
            }
        }
    }
    return false;
}

/* Keep of the order what the overlap rule lets through. */
static ptsne_status covered_drop(sprites *plot, ptsne_error *err)
{
    cell_lists cells = {.wide = plot->picture.width / plot->width + 1, .high = plot->picture.height / plot->height + 1};
    cells.head = pt_array_zeroed(cells.wide * cells.high, sizeof *cells.head);
    cells.next = pt_array_zeroed(plot->n, sizeof *cells.next);
    if (cells.head != NULL && cells.next != NULL) {
        size_t kept = 0;
        for (size_t k = 0; k < plot->n_painted; k++) {
            const uint32_t i = plot->order[k];
            long left, top;
            if (hides(plot, &cells, i)) { continue; }
            corner(plot, i, &left, &top);
            const size_t column = left > 0 ? (size_t)left / plot->width : 0;
            const size_t row = top > 0 ? (size_t)top / plot->height : 0;
            uint32_t *head = &cells.head[row * cells.wide + column];
            cells.next[i] = *head;
            *head = i + 1;
            plot->order[kept++] = i;
        }
        plot->covered = plot->n_painted - kept;
        plot->n_painted = kept;
    }
    const bool done = cells.head != NULL && cells.next != NULL;
    free(cells.head);
    free(cells.next);
    return done ? PTSNE_OK : pt_fail_memory(err, "cells of sprites", 4.0 * (double)plot->n);
}

static ptsne_status painted_choose(sprites *plot, const ptsne_sprites_options *options, ptsne_error *err)
{
    plot->order = pt_array_zeroed(plot->n, sizeof *plot->order);
    if (plot->order == NULL) { return pt_fail_memory(err, "the paint order", 4.0 * (double)plot->n); }
    pt_random random = {.seed = options->seed};
    pt_random_permutation(&random, plot->order, plot->n);
    for (size_t k = 0; k < plot->n; k++) {
        const uint32_t i = plot->order[k];
        if (pt_view_shows(&plot->view, point(plot, i))) { plot->order[plot->n_painted++] = i; }
    }
    plot->outside = plot->n - plot->n_painted;
    return options->overlap ? PTSNE_OK : covered_drop(plot, err);
}

/* ---- painting ---- */

static bool sprite_rows(const void *job, size_t i, double *top, double *bottom)
{
    const sprites *plot = job;
    long left, first;
    corner(plot, i, &left, &first);
    *top = (double)first;
    *bottom = (double)(first + (long)plot->height) - 0.5;
    return true;
}

/* The image's values as the resampler takes them: ink, or linear light with its opacity multiplied in. */
static void source_load(const sprites *plot, size_t i, float *image)
{
    const source *from = &plot->source;
    const size_t pixels = from->height * from->width;
    const float *values = from->images + i * pixels * from->channels;
    for (size_t p = 0; p < pixels; p++) {
        const float *at = values + p * from->channels;
        if (from->kind == SPRITE_INK) {
            const float value = (at[0] - from->offset) * from->scale;
            const float ink = fmaxf(from->inverted ? 1.0f - value : value, 0.0f);
            image[p] = powf(ink, plot->dark ? DARK_GAMMA : LIGHT_GAMMA);
            continue;
        }
        const float alpha = from->channels == 4 ? (at[3] - from->offset) * from->scale : 1.0f;
        for (size_t k = 0; k < 3; k++) {
            const float value = (at[from->channels == 1 ? 0 : k] - from->offset) * from->scale;
            image[4 * p + k] = plot->srgb.linear[(int)(value * 255.0f + 0.5f)] * alpha;
        }
        image[4 * p + 3] = alpha;
    }
}

/* Light and opacity of pixel (x, y) of a sprite. */
static void pixel_make(const sprites *plot, const pt_class *class, const float *out, size_t x, size_t y, float rgba[4])
{
    const float *at = out + (y * plot->width + x) * plot->resampler.channels;
    const bool edge =
        x < plot->border || y < plot->border || x >= plot->width - plot->border || y >= plot->height - plot->border;
    if (plot->source.kind == SPRITE_INK) {
        /* over the ground alone this is ink of opacity at[0]; over another sprite, the ground between comes along */
        rgba[3] = fminf(at[0] / OPAQUE_FROM, 1.0f);
        for (int k = 0; k < 3; k++) { rgba[k] = class->light[k] * at[0] + plot->ground[k] * (rgba[3] - at[0]); }
    } else {
        for (int k = 0; k < 3; k++) { rgba[k] = edge ? class->light[k] : at[k]; }
        rgba[3] = edge ? 1.0f : at[3];
    }
}

static void sprite_paint(const void *job, size_t i, pt_canvas *canvas, void *scratch)
{
    const sprites *plot = job;
    const source *from = &plot->source;
    float *image = scratch;
    float *between = image + from->height * from->width * plot->resampler.channels;
    float *out = between + pt_resampler_scratch(&plot->resampler);
    source_load(plot, i, image);
    pt_resample(&plot->resampler, image, between, out);
    long left, top;
    corner(plot, i, &left, &top);
    for (size_t y = 0; y < plot->height; y++) {
        const long row = top + (long)y - canvas->top;
        if (row < 0 || row >= canvas->height) { continue; }
        for (size_t x = 0; x < plot->width; x++) {
            const long column = left + (long)x - canvas->left;
            if (column < 0 || column >= canvas->width) { continue; }
            float rgba[4], *to = canvas->light + 4 * (row * canvas->width + column);
            pixel_make(plot, pt_class_of(&plot->classes, i), out, x, y, rgba);
            for (int k = 0; k < 4; k++) { to[k] = rgba[k] + to[k] * (1.0f - rgba[3]); }
        }
    }
}

static ptsne_status sprites_paint(sprites *plot, ptsne_error *err)
{
    const source *from = &plot->source;
    const size_t channels = from->kind == SPRITE_INK ? 1 : 4;
    ptsne_status status =
        pt_resampler_create(from->width, from->height, channels, plot->width, plot->height, &plot->resampler, err);
    if (status != PTSNE_OK) { return status; }
    const size_t floats = from->height * from->width * channels + pt_resampler_scratch(&plot->resampler) +
                          plot->height * plot->width * channels;
    const pt_painter painter = {
        .job = plot, .rows = sprite_rows, .paint = sprite_paint, .scratch = floats * sizeof(float)};
    pt_bands bands;
    status = pt_bands_create(&painter, plot->order, plot->n_painted, plot->picture.height, &bands, err);
    if (status == PTSNE_OK) { status = pt_bands_lay(&bands, &painter, &plot->srgb, &plot->picture, err); }
    pt_bands_destroy(&bands);
    return status;
}

/* ---- the page ---- */

/* The longer side as asked for, the other one by the map's shape; page is laid out for it. */
static ptsne_status page_make(sprites *plot, pt_text *text, const ptsne_sprites_options *options, pt_page *page,
                              ptsne_error *err)
{
    const pt_page_words words = {
        .title = options->title, .subtitle = options->subtitle, .legend = options->legend != 0, .strip = true};
    const size_t canvas = options->canvas == 0 ? CANVAS_DEFAULT : options->canvas;
    ptsne_status status = pt_page_layout(text, &plot->classes, &words, canvas, canvas, page, err);
    if (status != PTSNE_OK) { return status; }
    const double ratio = plot->view.extent[0] / plot->view.extent[1];
    const double aspect = fmin(fmax(ratio, 1.0 / ASPECT_MOST), ASPECT_MOST);
    const double above = page->top - page->margin;
    size_t width = canvas, height = canvas;
    if (page->width / aspect + above + 2.0 * page->margin < (double)canvas) {
        height = (size_t)(page->width / aspect + above + 2.0 * page->margin);
    } else {
        width = (size_t)fmin(page->height * aspect + 2.0 * page->margin, (double)canvas);
    }
    pt_page_release(page);
    if ((status = pt_page_layout(text, &plot->classes, &words, width, height, page, err)) != PTSNE_OK) {
        return status;
    }
    return pt_picture_create(width, height, plot->palette.ground, &plot->picture, err);
}

/* Pixels of a sprite. */
static void size_choose(sprites *plot, const ptsne_sprites_options *options, const pt_page *page)
{
    const double height = (double)plot->source.height, width = (double)plot->source.width, own = fmax(height, width);
    const double even = sqrt(INK * page->width * page->height / (double)plot->n);
    const double least = fmin(own, fmax(page->width, page->height) / 100.0);
    const double side = options->sprite_size > 0.0 ? options->sprite_size : fmin(fmax(even, least), LARGER_MOST * own);
    const double room = fmin(page->width, page->height);
    const double scale = fmin(side, room) / own;
    plot->width = (size_t)fmax(floor(width * scale + 0.5), 1.0);
    plot->height = (size_t)fmax(floor(height * scale + 0.5), 1.0);
    const size_t shorter = plot->width < plot->height ? plot->width : plot->height;
    plot->border = plot->source.kind == SPRITE_INK || plot->classes.codes == NULL ? 0 : (shorter + 15) / 16;
}

static ptsne_status sprites_draw(sprites *plot, pt_text *text, const ptsne_sprites_options *options, pt_page *page,
                                 ptsne_error *err)
{
    ptsne_status status = pt_view_choose(plot->map, plot->n, plot->n_components, options->full != 0, &plot->view, err);
    if (status != PTSNE_OK) { return status; }
    if ((status = range_find(plot->n, &plot->source, err)) != PTSNE_OK) { return status; }
    kind_find(plot->n, options->invert, &plot->source);
    if ((status = page_make(plot, text, options, page, err)) != PTSNE_OK) { return status; }
    size_choose(plot, options, page);
    const double inset = 0.5 * (double)(plot->width > plot->height ? plot->width : plot->height);
    pt_view_fit(&plot->view, page->left, page->top, page->width, page->height, inset);
    if ((status = painted_choose(plot, options, err)) != PTSNE_OK) { return status; }
    if ((status = sprites_paint(plot, err)) != PTSNE_OK) { return status; }
    return pt_page_draw(page, text, &plot->palette, &plot->srgb, &plot->picture, err);
}

static void ground_set(sprites *plot)
{
    double linear[3];
    pt_color_linear(plot->palette.ground, linear);
    for (int k = 0; k < 3; k++) { plot->ground[k] = (float)linear[k]; }
}

static void sprites_release(sprites *plot)
{
    pt_classes_close(&plot->classes);
    pt_palette_close(&plot->palette);
    pt_picture_destroy(&plot->picture);
    pt_resampler_destroy(&plot->resampler);
    free(plot->order);
}

/* The file, with all that decided how it looks. */
static ptsne_status sprites_write(const sprites *plot, const ptsne_sprites_options *options, const char *path,
                                  bool force, ptsne_error *err)
{
    char software[64], parameters[512];
    const pt_view *view = &plot->view;
    snprintf(software, sizeof software, "ptsne %s", ptsne_version());
    snprintf(parameters, sizeof parameters,
             "sprites; points %zu; painted %zu; outside %zu; covered %zu; classes %zu; palette %s; ground %s; "
             "images %s%s; sprite size %zu x %zu; overlap %s; seed %" PRIu64 "; middle %.9g %.9g; pixels a unit %.9g",
             plot->n, plot->n_painted, plot->outside, plot->covered,
             plot->classes.codes == NULL ? 0 : plot->classes.count, plot->palette.name, plot->dark ? "dark" : "light",
             plot->source.kind == SPRITE_INK ? "ink" : "opaque", plot->source.inverted ? ", inverted" : "", plot->width,
             plot->height, options->overlap ? "all" : "half", options->seed, view->middle[0], view->middle[1],
             view->scale);
    const char *const words[] = {"Software",   software,   "Title", options->title == NULL ? "" : options->title,
                                 "Parameters", parameters, NULL};
    return pt_picture_write(&plot->picture, words, options->metadata, path, force, err);
}

static ptsne_status options_check(size_t n, size_t n_components, const size_t shape[3],
                                  const ptsne_sprites_options *options, ptsne_error *err)
{
    if (n == 0) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "the map has no points"); }
    if (n >= UINT32_MAX) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu points; fewer than %u", n, UINT32_MAX); }
    if (n_components < 2) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "the map has %zu column; a picture needs 2", n_components);
    }
    if (shape[0] < 1 || shape[1] < 1 || shape[0] > IMAGE_MOST || shape[1] > IMAGE_MOST) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "images of %zu x %zu pixels; sides of 1 to %d", shape[0], shape[1],
                       IMAGE_MOST);
    }
    if (shape[2] != 1 && shape[2] != 3 && shape[2] != 4) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "images of %zu channels; 1 (grey), 3 (RGB) or 4 (RGBA)", shape[2]);
    }
    if (options->canvas != 0 && (options->canvas < CANVAS_LEAST || options->canvas > CANVAS_MOST)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "a canvas of %zu pixels; %d to %d", options->canvas, CANVAS_LEAST,
                       CANVAS_MOST);
    }
    if (!(options->sprite_size >= 0.0 && options->sprite_size <= CANVAS_MOST)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "sprites of %g pixels; 0 to %d", options->sprite_size, CANVAS_MOST);
    }
    return PTSNE_OK;
}

static void report_fill(const sprites *plot, ptsne_render_report *report)
{
    if (report == NULL) { return; }
    *report = (ptsne_render_report){.width = plot->picture.width,
                                    .height = plot->picture.height,
                                    .drawn = plot->n_painted,
                                    .outside = plot->outside,
                                    .covered = plot->covered,
                                    .size = (double)(plot->width > plot->height ? plot->width : plot->height),
                                    .alpha = 1.0,
                                    .inverted = plot->source.inverted};
}

ptsne_status ptsne_render_sprites(const float *map, size_t n, size_t n_components, const float *images,
                                  const size_t shape[3], const ptsne_labels *labels,
                                  const ptsne_sprites_options *options, const ptsne_observer *observer,
                                  const char *path, int force, ptsne_render_report *report, ptsne_error *err)
{
    ptsne_sprites_options defaults;
    ptsne_sprites_options_default(&defaults);
    if (options == NULL) { options = &defaults; }
    ptsne_status status = options_check(n, n_components, shape, options, err);
    if (status != PTSNE_OK) { return status; }

    sprites plot = {.map = map,
                    .n = n,
                    .n_components = n_components,
                    .dark = options->dark != 0,
                    .source = {.images = images, .height = shape[0], .width = shape[1], .channels = shape[2]}};
    pt_text *text = NULL;
    pt_page page = {0};
    const size_t classes = labels == NULL ? 1 : ptsne_labels_classes(labels);
    pt_srgb_fill(&plot.srgb);
    status = pt_palette_open(options->palette, plot.dark, classes, &plot.palette, err);
    if (status != PTSNE_OK) { goto done; }
    ground_set(&plot);
    status = pt_classes_open(labels, n, &plot.palette, observer, &plot.classes, err);
    if (status != PTSNE_OK) { goto done; }
    if ((status = pt_text_open(&text, err)) != PTSNE_OK) { goto done; }
    if ((status = sprites_draw(&plot, text, options, &page, err)) != PTSNE_OK) { goto done; }
    pt_text_warn(text, observer);
    status = sprites_write(&plot, options, path, force != 0, err);
    report_fill(&plot, report);
done:
    pt_page_release(&page);
    pt_text_close(text);
    sprites_release(&plot);
    return status;
}
