#include "render/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

ptsne_status pt_canvas_create(long left, long top, long width, long height, pt_canvas *canvas, ptsne_error *err)
{
    const size_t pixels = (size_t)width * (size_t)height;
    *canvas = (pt_canvas){.left = left, .top = top, .width = width, .height = height};
    canvas->light = pt_array_aligned(pixels, 4 * sizeof(float));
    if (canvas->light == NULL) { return pt_fail_memory(err, "the canvas", 16.0 * (double)pixels); }
    pt_canvas_clear(canvas);
    return PTSNE_OK;
}

void pt_canvas_destroy(pt_canvas *canvas)
{
    free(canvas->light);
    *canvas = (pt_canvas){0};
}

void pt_canvas_clear(pt_canvas *canvas)
{
    memset(canvas->light, 0, (size_t)canvas->width * (size_t)canvas->height * 4 * sizeof(float));
}

/* Area under the circle from 0 to u, 0 <= u <= r. */
static double segment(double u, double r)
{
    return 0.5 * (u * sqrt(fmax(r * r - u * u, 0.0)) + r * r * asin(u / r));
}

/* Area that the disc shares with the rectangle between the origin and (x, y), negative where x y < 0: so the
 * area in any rectangle is a sum of four of them. */
static double corner_area(double x, double y, double r)
{
    const double u = fmin(fabs(x), r), v = fmin(fabs(y), r);
    const double c = sqrt(r * r - v * v); /* up to c the rectangle is lower than the circle */
    const double area = u <= c ? u * v : c * v + segment(u, r) - segment(c, r);
    return (x < 0.0) == (y < 0.0) ? area : -area;
}

double pt_disc_coverage(double x, double y, double r)
{
    const double far_x = fmax(fabs(x), fabs(x + 1.0)), far_y = fmax(fabs(y), fabs(y + 1.0));
    if (far_x * far_x + far_y * far_y <= r * r) { return 1.0; }
    const double near_x = fmax(fmax(x, -x - 1.0), 0.0), near_y = fmax(fmax(y, -y - 1.0), 0.0);
    if (near_x * near_x + near_y * near_y >= r * r) { return 0.0; }
    const double area = corner_area(x + 1.0, y + 1.0, r) - corner_area(x, y + 1.0, r) - corner_area(x + 1.0, y, r) +
                        corner_area(x, y, r);
    return fmin(fmax(area, 0.0), 1.0);
}

static float *pixel(const pt_canvas *canvas, long x, long y)
{
    return canvas->light + 4 * ((size_t)y * (size_t)canvas->width + (size_t)x);
}

static void paint_over(float *at, const float light[3], float alpha)
{
    const float rest = 1.0f - alpha;
    for (int k = 0; k < 3; k++) { at[k] = light[k] * alpha + at[k] * rest; }
    at[3] = alpha + at[3] * rest;
}

static void count_up(float *at, const float light[3], float weight)
{
    for (int k = 0; k < 3; k++) { at[k] += light[k] * weight; }
    at[3] += weight;
}

/* First and last + 1 pixel of lo .. hi within 0 .. size. */
static void span(double lo, double hi, long size, long *from, long *to)
{
    *from = lo <= 0.0 ? 0 : lo >= (double)size ? size : (long)floor(lo);
    *to = hi <= 0.0 ? 0 : hi >= (double)size ? size : (long)ceil(hi);
}

static void disc(pt_canvas *canvas, double x, double y, double r, const float light[3], float alpha,
                 void (*put)(float *, const float *, float))
{
    long x0, x1, y0, y1;
    x -= (double)canvas->left, y -= (double)canvas->top;
    span(x - r, x + r, canvas->width, &x0, &x1);
    span(y - r, y + r, canvas->height, &y0, &y1);
    for (long py = y0; py < y1; py++) {
        for (long px = x0; px < x1; px++) {
            const double covered = pt_disc_coverage((double)px - x, (double)py - y, r);
            if (covered > 0.0) { put(pixel(canvas, px, py), light, alpha * (float)covered); }
        }
    }
}

void pt_canvas_disc(pt_canvas *canvas, double x, double y, double r, const float light[3], float alpha)
{
    disc(canvas, x, y, r, light, alpha, paint_over);
}

void pt_canvas_count(pt_canvas *canvas, double x, double y, double r, const float light[3])
{
    disc(canvas, x, y, r, light, 1.0f, count_up);
}

/* Is (px, py) inside? Either way round counts. */
static bool inside(const double x[3], const double y[3], double px, double py)
{
    int left = 0, right = 0;
    for (int k = 0; k < 3; k++) {
        const int next = (k + 1) % 3;
        const double side = (x[next] - x[k]) * (py - y[k]) - (y[next] - y[k]) * (px - x[k]);
        left += side > 0.0, right += side < 0.0;
    }
    return left == 0 || right == 0;
}

void pt_canvas_triangle(pt_canvas *canvas, const double x[3], const double y[3], const float light[3], float alpha)
{
    enum { SAMPLES = 8 };
    long x0, x1, y0, y1;
    const double left = (double)canvas->left, top = (double)canvas->top;
    span(fmin(fmin(x[0], x[1]), x[2]) - left, fmax(fmax(x[0], x[1]), x[2]) - left, canvas->width, &x0, &x1);
    span(fmin(fmin(y[0], y[1]), y[2]) - top, fmax(fmax(y[0], y[1]), y[2]) - top, canvas->height, &y0, &y1);
    for (long py = y0; py < y1; py++) {
        for (long px = x0; px < x1; px++) {
            int hits = 0;
            for (int s = 0; s < SAMPLES * SAMPLES; s++) {
                hits += inside(x, y, left + (double)px + (s % SAMPLES + 0.5) / SAMPLES,
                               top + (double)py + (s / SAMPLES + 0.5) / SAMPLES);
            }
            if (hits > 0) { paint_over(pixel(canvas, px, py), light, alpha * (float)hits / (SAMPLES * SAMPLES)); }
        }
    }
}

/* Positive floats are in the order of their bits; 12 bits of mantissa keep 1 part in 4096 apart. */
static size_t rank_bin(float count)
{
    uint32_t bits;
    memcpy(&bits, &count, sizeof bits);
    return bits >> 11;
}

ptsne_status pt_canvas_equalize(pt_canvas *canvas, double least, double gamma, ptsne_error *err)
{
    const size_t pixels = (size_t)canvas->width * (size_t)canvas->height, bins = (size_t)1 << 21;
    uint32_t *ranks = pt_array_zeroed(bins, sizeof *ranks); /* pixels in a bin, then up to it */
    if (ranks == NULL) { return pt_fail_memory(err, "ranks of pixels", (double)(bins * sizeof *ranks)); }
    for (size_t i = 0; i < pixels; i++) {
        if (canvas->light[4 * i + 3] > 0.0f) { ranks[rank_bin(canvas->light[4 * i + 3])]++; }
    }
    for (size_t k = 1; k < bins; k++) { ranks[k] += ranks[k - 1]; }
    const double all = (double)ranks[bins - 1];
    for (size_t i = 0; i < pixels; i++) {
        float *at = canvas->light + 4 * i;
        if (!(at[3] > 0.0f)) { continue; }
        const float alpha = (float)pow(least + (1.0 - least) * ranks[rank_bin(at[3])] / all, gamma);
        const float scale = alpha / at[3];
        for (int k = 0; k < 3; k++) { at[k] *= scale; }
        at[3] = alpha;
    }
    free(ranks);
    return PTSNE_OK;
}

void pt_canvas_lay(const pt_canvas *canvas, const pt_srgb *srgb, pt_picture *picture)
{
    long x0, x1, y0, y1;
    span((double)-canvas->left, (double)((long)picture->width - canvas->left), canvas->width, &x0, &x1);
    span((double)-canvas->top, (double)((long)picture->height - canvas->top), canvas->height, &y0, &y1);
    for (long y = y0; y < y1; y++) {
        uint8_t *row = picture->rgb + 3 * picture->width * (size_t)(y + canvas->top);
        for (long x = x0; x < x1; x++) {
            const float *at = pixel(canvas, x, y);
            uint8_t *to = row + 3 * (x + canvas->left);
            if (at[3] == 0.0f) { continue; }
            for (int k = 0; k < 3; k++) { to[k] = pt_srgb_encode(srgb, at[k] + srgb->linear[to[k]] * (1.0f - at[3])); }
        }
    }
}
