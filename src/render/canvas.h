/* Where light is summed up: a window of the picture in float, linear light, premultiplied by its opacity. Layers are
 * laid onto the 8-bit picture once, when they are done, so no small alpha is ever rounded away. */
#ifndef PT_RENDER_CANVAS_H
#define PT_RENDER_CANVAS_H

#include "render/color.h"
#include "render/picture.h"

typedef struct pt_canvas {
    long left, top; /* the window's place in the picture, pixels */
    long width, height;
    float *light; /* height x width x (r, g, b, opacity) */
} pt_canvas;

ptsne_status pt_canvas_create(long left, long top, long width, long height, pt_canvas *canvas, ptsne_error *err);
void pt_canvas_destroy(pt_canvas *canvas);
/* All of it transparent. */
void pt_canvas_clear(pt_canvas *canvas);

/* Area that a disc of radius r about the origin shares with the pixel [x, x + 1] x [y, y + 1]; exact. */
double pt_disc_coverage(double x, double y, double r);

/* Paint a disc over what is there: centre (x, y) in the picture's pixels, (0, 0) its upper left corner. light: linear
 * r, g, b. What lies outside of the window is left out. */
void pt_canvas_disc(pt_canvas *canvas, double x, double y, double r, const float light[3], float alpha);

/* Add a disc: light and opacity are summed, so opacity counts how many discs share a pixel. */
void pt_canvas_count(pt_canvas *canvas, double x, double y, double r, const float light[3]);

/* Paint a triangle with the corners (x[k], y[k]), antialiased by 8 x 8 samples a pixel. */
void pt_canvas_triangle(pt_canvas *canvas, const double x[3], const double y[3], const float light[3], float alpha);

/* Turn counts into opacities by rank (histogram equalisation): from `least` in the sparsest pixels to 1 in the
 * densest, then to the power of gamma. */
ptsne_status pt_canvas_equalize(pt_canvas *canvas, double least, double gamma, ptsne_error *err);

/* Lay the canvas onto the picture. */
void pt_canvas_lay(const pt_canvas *canvas, const pt_srgb *srgb, pt_picture *picture);

#endif
