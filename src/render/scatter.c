/* The scatter plot. Each point is a disc of exact coverage, laid over what is there in random order and linear light;
 * where there are too many for that, pixels are shaded by the rank of their density. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "render/bands.h"
#include "render/page.h"
#include "render/view.h"

/* The share of the plot that all discs together would cover, and what that leads to. */
static const double INK = 0.4, RADIUS_LEAST = 0.6, RADIUS_MOST = 6.0;
/* Discs lie so dense at the median point that this share of the ground is hidden. */
static const double HIDDEN = 0.92, ALPHA_LEAST = 0.08, ALPHA_MOST = 0.92;
static const size_t DENSITY_FROM = 200000;
static const double DENSITY_RADIUS = 0.7, DENSITY_LEAST_ALPHA = 40.0 / 255.0;
/* Half of the light on white is a pale tint, half of the light on black is bright: opacities are raised to these. */
static const double LIGHT_GAMMA = 0.6, DARK_DENSITY_GAMMA = 1.4;
enum { SIDE_LEAST = 64, SIDE_MOST = 30000 };

typedef struct scatter {
    const float *map;
    size_t n, n_components;
    pt_classes classes;
    pt_palette palette;
    pt_view view;
    double radius; /* pixels */
    float alpha;
    bool density;
    pt_srgb srgb;
    pt_picture picture;
    uint32_t *order; /* n: the order of painting */
    size_t outside;  /* points beyond the crop */
} scatter;

void ptsne_scatter_options_default(ptsne_scatter_options *options)
{
    *options = (ptsne_scatter_options){.width = 1600, .height = 1200, .legend = 1, .density = -1, .seed = 1};
}

static const float *point(const scatter *plot, size_t i)
{
    return plot->map + i * plot->n_components;
}

/* Points a pixel at the median point: counted in cells of 8 x 8 pixels. Negative: no memory. */
static double median_density(const scatter *plot)
{
    enum { CELL = 8 };
    const size_t wide = plot->picture.width / CELL + 1, high = plot->picture.height / CELL + 1;
    uint32_t *counts = pt_array_zeroed(wide * high, sizeof *counts);
    size_t *with = pt_array_zeroed(plot->n + 1, sizeof *with); /* points whose cell holds so many */
    double median = -1.0;
    if (counts != NULL && with != NULL) {
        for (size_t i = 0; i < plot->n; i++) {
            double x, y;
            if (!pt_view_shows(&plot->view, point(plot, i))) { continue; }
            pt_view_place(&plot->view, point(plot, i), &x, &y);
            counts[(size_t)(y / CELL) * wide + (size_t)(x / CELL)]++;
        }
        for (size_t k = 0; k < wide * high; k++) { with[counts[k]] += counts[k]; }
        size_t below = 0, level = 0;
        while (level < plot->n && 2 * (below += with[level]) < plot->n - plot->outside) { level++; }
        median = (double)level / (CELL * CELL);
    }
    free(counts);
    free(with);
    return median;
}

/* Radius and opacity from the number of points and the size of the plot. */
static ptsne_status looks_choose(scatter *plot, const ptsne_scatter_options *options, double unit, ptsne_error *err)
{
    const double area = plot->view.extent[0] * plot->view.extent[1] * plot->view.scale * plot->view.scale;
    const double even = sqrt(INK * area / (3.14159265358979 * (double)plot->n));
    plot->radius = fmin(fmax(even, RADIUS_LEAST), RADIUS_MOST * fmax(unit, 1.0));
    plot->density = plot->n >= DENSITY_FROM || even < DENSITY_RADIUS;
    if (options->point_size > 0.0) { plot->radius = 0.5 * options->point_size; }
    if (options->point_size > 0.0 || options->alpha > 0.0) { plot->density = false; }
    if (options->density >= 0) { plot->density = options->density != 0; }
    plot->alpha = (float)options->alpha;
    if (options->alpha > 0.0) { return PTSNE_OK; }
    const double density = median_density(plot);
    if (density < 0.0) { return pt_fail_memory(err, "counts of points", 8.0 * (double)plot->n); }
    const double discs = fmax(density * 3.14159265358979 * plot->radius * plot->radius, 1e-6);
    const double alpha = fmax(1.0 - pow(1.0 - HIDDEN, 1.0 / discs), ALPHA_LEAST);
    plot->alpha = (float)fmin(options->dark ? alpha : pow(alpha, LIGHT_GAMMA), ALPHA_MOST);
    return PTSNE_OK;
}

static bool point_rows(const void *job, size_t i, double *top, double *bottom)
{
    const scatter *plot = job;
    double x, y;
    if (!pt_view_shows(&plot->view, point(plot, i))) { return false; }
    pt_view_place(&plot->view, point(plot, i), &x, &y);
    *top = y - plot->radius;
    *bottom = y + plot->radius;
    return true;
}

static void point_paint(const void *job, size_t i, pt_canvas *canvas, void *scratch)
{
    (void)scratch;
    const scatter *plot = job;
    const float *light = pt_class_of(&plot->classes, i)->light;
    double x, y;
    pt_view_place(&plot->view, point(plot, i), &x, &y);
    if (plot->density) {
        pt_canvas_count(canvas, x, y, plot->radius, light);
    } else {
        pt_canvas_disc(canvas, x, y, plot->radius, light, plot->alpha);
    }
}

/* All points counted, and the counts' ranks as opacity. */
static ptsne_status density_paint(scatter *plot, const pt_bands *bands, const pt_painter *painter, double gamma,
                                  ptsne_error *err)
{
    pt_canvas whole;
    ptsne_status status =
        pt_canvas_create(0, 0, (long)plot->picture.width, (long)(bands->count * PT_BAND_ROWS), &whole, err);
    if (status != PTSNE_OK) { return status; }
    pt_bands_gather(bands, painter, &whole);
    if ((status = pt_canvas_equalize(&whole, DENSITY_LEAST_ALPHA, gamma, err)) == PTSNE_OK) {
        pt_canvas_lay(&whole, &plot->srgb, &plot->picture);
    }
    pt_canvas_destroy(&whole);
    return status;
}

/* A small arrow at the edge of the plot for each point beyond it. */
static ptsne_status arrows_paint(scatter *plot, double size, ptsne_error *err)
{
    const pt_view *view = &plot->view;
    const long side = (long)ceil(2.0 * size) + 2;
    const double reach_x = 0.5 * view->extent[0] * view->scale, reach_y = 0.5 * view->extent[1] * view->scale;
    const double cx = view->left + 0.5 * view->width, cy = view->top + 0.5 * view->height;
    pt_canvas canvas;
    const ptsne_status status = pt_canvas_create(0, 0, side, side, &canvas, err);
    for (size_t k = 0; status == PTSNE_OK && k < plot->n; k++) {
        const size_t i = plot->order[k];
        double x, y;
        if (pt_view_shows(view, point(plot, i))) { continue; }
        pt_view_place(view, point(plot, i), &x, &y);
        const double px = fmin(fmax(x, cx - reach_x), cx + reach_x), py = fmin(fmax(y, cy - reach_y), cy + reach_y);
        const double length = hypot(x - px, y - py), ux = (x - px) / length, uy = (y - py) / length;
        const double base_x = px - 0.5 * size * ux, base_y = py - 0.5 * size * uy;
        const double xs[3] = {base_x + size * ux, base_x - 0.4 * size * uy, base_x + 0.4 * size * uy};
        const double ys[3] = {base_y + size * uy, base_y + 0.4 * size * ux, base_y - 0.4 * size * ux};
        canvas.left = (long)floor(px) - side / 2, canvas.top = (long)floor(py) - side / 2;
        pt_canvas_clear(&canvas);
        pt_canvas_triangle(&canvas, xs, ys, pt_class_of(&plot->classes, i)->light, 1.0f);
        pt_canvas_lay(&canvas, &plot->srgb, &plot->picture);
    }
    pt_canvas_destroy(&canvas);
    return status;
}

static ptsne_status points_paint(scatter *plot, const ptsne_scatter_options *options, double unit, ptsne_error *err)
{
    plot->order = pt_array_zeroed(plot->n, sizeof *plot->order);
    if (plot->order == NULL) { return pt_fail_memory(err, "the draw order", 4.0 * (double)plot->n); }
    pt_random random = {.seed = options->seed};
    pt_random_permutation(&random, plot->order, plot->n);
    const pt_painter painter = {.job = plot, .rows = point_rows, .paint = point_paint};
    pt_bands bands;
    ptsne_status status = pt_bands_create(&painter, plot->order, plot->n, plot->picture.height, &bands, err);
    if (status == PTSNE_OK) {
        status = plot->density
                     ? density_paint(plot, &bands, &painter, options->dark ? DARK_DENSITY_GAMMA : LIGHT_GAMMA, err)
                     : pt_bands_lay(&bands, &painter, &plot->srgb, &plot->picture, err);
    }
    pt_bands_destroy(&bands);
    if (status != PTSNE_OK || plot->outside == 0) { return status; }
    return arrows_paint(plot, 12.0 * unit, err);
}

static void scatter_release(scatter *plot)
{
    pt_classes_close(&plot->classes);
    pt_palette_close(&plot->palette);
    pt_picture_destroy(&plot->picture);
    free(plot->order);
}

/* Everything between the options and the file. */
static ptsne_status scatter_draw(scatter *plot, pt_text *text, const ptsne_scatter_options *options, pt_page *page,
                                 ptsne_error *err)
{
    const pt_page_words words = {.title = options->title, .subtitle = options->subtitle, .legend = options->legend};
    ptsne_status status =
        pt_page_layout(text, &plot->classes, &words, plot->picture.width, plot->picture.height, page, err);
    if (status != PTSNE_OK) { return status; }
    status = pt_view_choose(plot->map, plot->n, plot->n_components, options->full != 0, &plot->view, err);
    if (status != PTSNE_OK) { return status; }
    pt_view_fit(&plot->view, page->left, page->top, page->width, page->height, RADIUS_MOST * page->unit);
    for (size_t i = 0; i < plot->n; i++) { plot->outside += !pt_view_shows(&plot->view, point(plot, i)); }
    if ((status = looks_choose(plot, options, page->unit, err)) != PTSNE_OK) { return status; }
    if ((status = points_paint(plot, options, page->unit, err)) != PTSNE_OK) { return status; }
    return pt_page_draw(page, text, &plot->palette, &plot->srgb, &plot->picture, err);
}

/* The file, with all that decided how it looks. */
static ptsne_status scatter_write(const scatter *plot, const ptsne_scatter_options *options, const char *path,
                                  bool force, ptsne_error *err)
{
    char software[64], parameters[512];
    const pt_view *view = &plot->view;
    snprintf(software, sizeof software, "ptsne %s", ptsne_version());
    snprintf(parameters, sizeof parameters,
             "scatter; points %zu; outside %zu; classes %zu; palette %s; ground %s; mode %s; point size %.9g; "
             "alpha %.9g; seed %" PRIu64 "; middle %.9g %.9g; pixels a unit %.9g",
             plot->n, plot->outside, plot->classes.codes == NULL ? 0 : plot->classes.count, plot->palette.name,
             options->dark ? "dark" : "light", plot->density ? "density" : "discs", 2.0 * plot->radius,
             plot->density ? 1.0 : (double)plot->alpha, options->seed, view->middle[0], view->middle[1], view->scale);
    const char *const words[] = {"Software",   software,   "Title", options->title == NULL ? "" : options->title,
                                 "Parameters", parameters, NULL};
    return pt_picture_write(&plot->picture, words, options->metadata, path, force, err);
}

static ptsne_status options_check(size_t n, size_t n_components, const ptsne_scatter_options *options, ptsne_error *err)
{
    if (n == 0) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "the map has no points"); }
    if (n > UINT32_MAX) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "%zu points; at most %u", n, UINT32_MAX); }
    if (n_components < 2) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "the map has %zu column; a picture needs 2", n_components);
    }
    const size_t sides[2] = {options->width, options->height};
    for (int k = 0; k < 2; k++) {
        if (sides[k] != 0 && (sides[k] < SIDE_LEAST || sides[k] > SIDE_MOST)) {
            return pt_fail(err, PTSNE_ERR_ARGUMENT, "a side of %zu pixels; %d to %d", sides[k], SIDE_LEAST, SIDE_MOST);
        }
    }
    if (!(options->alpha >= 0.0 && options->alpha <= 1.0)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "alpha %g; 0 to 1", options->alpha);
    }
    if (!(options->point_size >= 0.0 && options->point_size <= 1000.0)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "points of %g pixels; 0 to 1000", options->point_size);
    }
    return PTSNE_OK;
}

ptsne_status ptsne_render_scatter(const float *map, size_t n, size_t n_components, const ptsne_labels *labels,
                                  const ptsne_scatter_options *options, const ptsne_observer *observer,
                                  const char *path, int force, ptsne_render_report *report, ptsne_error *err)
{
    ptsne_scatter_options defaults;
    ptsne_scatter_options_default(&defaults);
    if (options == NULL) { options = &defaults; }
    ptsne_status status = options_check(n, n_components, options, err);
    if (status != PTSNE_OK) { return status; }

    scatter plot = {.map = map, .n = n, .n_components = n_components};
    pt_text *text = NULL;
    pt_page page = {0};
    const size_t classes = labels == NULL ? 1 : ptsne_labels_classes(labels);
    const size_t width = options->width == 0 ? defaults.width : options->width;
    const size_t height = options->height == 0 ? defaults.height : options->height;
    pt_srgb_fill(&plot.srgb);
    status = pt_palette_open(options->palette, options->dark != 0, classes, &plot.palette, err);
    if (status != PTSNE_OK) { goto done; }
    status = pt_classes_open(labels, n, &plot.palette, observer, &plot.classes, err);
    if (status != PTSNE_OK) { goto done; }
    status = pt_picture_create(width, height, plot.palette.ground, &plot.picture, err);
    if (status != PTSNE_OK) { goto done; }
    if ((status = pt_text_open(&text, err)) != PTSNE_OK) { goto done; }
    if ((status = scatter_draw(&plot, text, options, &page, err)) != PTSNE_OK) { goto done; }
    pt_text_warn(text, observer);
    status = scatter_write(&plot, options, path, force != 0, err);
    if (report != NULL) {
        *report = (ptsne_render_report){.width = width,
                                        .height = height,
                                        .drawn = n - plot.outside,
                                        .outside = plot.outside,
                                        .size = 2.0 * plot.radius,
                                        .alpha = plot.density ? 1.0 : (double)plot.alpha,
                                        .density = plot.density};
    }
done:
    pt_page_release(&page);
    pt_text_close(text);
    scatter_release(&plot);
    return status;
}
