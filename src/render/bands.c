#include "render/bands.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/sizes.h"

/* The bands that an item touches. */
static void bands_of(const pt_bands *bands, const pt_painter *painter, size_t item, size_t *first, size_t *end)
{
    double top, bottom;
    *first = *end = 0;
    if (!painter->rows(painter->job, item, &top, &bottom) || !(bottom > 0.0)) { return; }
    const double last = fmin(bottom / PT_BAND_ROWS, (double)bands->count - 1.0);
    *first = (size_t)(fmax(top, 0.0) / PT_BAND_ROWS);
    *end = (size_t)last + 1;
}

ptsne_status pt_bands_create(const pt_painter *painter, const uint32_t *order, size_t n, size_t height, pt_bands *bands,
                             ptsne_error *err)
{
    size_t first, end, total = 0;
    *bands = (pt_bands){.count = pt_ceil_div(height, PT_BAND_ROWS)};
    size_t *begins = pt_array_zeroed(bands->count + 1, sizeof *begins);
    if (begins == NULL) { return pt_fail_memory(err, "bands", (double)(bands->count * sizeof *begins)); }
    bands->begins = begins;
    for (size_t k = 0; k < n; k++) {
        bands_of(bands, painter, order[k], &first, &end);
        for (size_t band = first; band < end; band++, total++) { begins[band + 1]++; }
    }
    for (size_t band = 0; band < bands->count; band++) { begins[band + 1] += begins[band]; }
    bands->items = pt_array_zeroed(total, sizeof *bands->items);
    if (bands->items == NULL) { return pt_fail_memory(err, "bands of points", (double)(total * sizeof *bands->items)); }
    /* filled from behind, so begins[band + 1] moves from the band's end down to its begin */
    for (size_t k = n; k-- > 0;) {
        bands_of(bands, painter, order[k], &first, &end);
        for (size_t band = first; band < end; band++) { bands->items[--begins[band + 1]] = order[k]; }
    }
    for (size_t band = 0; band < bands->count; band++) { begins[band] = begins[band + 1]; }
    begins[bands->count] = total;
    return PTSNE_OK;
}

void pt_bands_destroy(pt_bands *bands)
{
    free(bands->begins);
    free(bands->items);
    *bands = (pt_bands){0};
}

static void band_paint(const pt_bands *bands, size_t band, const pt_painter *painter, pt_canvas *canvas, void *scratch)
{
    canvas->top = (long)(band * PT_BAND_ROWS);
    for (size_t k = bands->begins[band]; k < bands->begins[band + 1]; k++) {
        painter->paint(painter->job, bands->items[k], canvas, scratch);
    }
}

ptsne_status pt_bands_lay(const pt_bands *bands, const pt_painter *painter, const pt_srgb *srgb, pt_picture *picture,
                          ptsne_error *err)
{
    bool failed = false;
#pragma omp parallel
    {
        pt_canvas canvas;
        void *scratch = pt_array_aligned(painter->scratch, 1);
        const bool ready =
            pt_canvas_create(0, 0, (long)picture->width, PT_BAND_ROWS, &canvas, NULL) == PTSNE_OK && scratch != NULL;
        if (!ready) {
#pragma omp atomic write
            failed = true;
        }
#pragma omp for schedule(dynamic)
        for (size_t band = 0; band < bands->count; band++) {
            if (!ready || bands->begins[band] == bands->begins[band + 1]) { continue; }
            pt_canvas_clear(&canvas);
            band_paint(bands, band, painter, &canvas, scratch);
            pt_canvas_lay(&canvas, srgb, picture);
        }
        pt_canvas_destroy(&canvas);
        free(scratch);
    }
    if (!failed) { return PTSNE_OK; }
    return pt_fail_memory(err, "a band of the canvas",
                          16.0 * PT_BAND_ROWS * (double)picture->width + (double)painter->scratch);
}

void pt_bands_gather(const pt_bands *bands, const pt_painter *painter, pt_canvas *whole)
{
#pragma omp parallel for schedule(dynamic)
    for (size_t band = 0; band < bands->count; band++) {
        pt_canvas canvas = *whole; /* a window into it */
        canvas.height = PT_BAND_ROWS;
        canvas.light = whole->light + 4 * band * PT_BAND_ROWS * (size_t)whole->width;
        band_paint(bands, band, painter, &canvas, NULL);
    }
}
