/* Painting with several threads to the same bytes as with one: the picture is cut into bands of rows, and each band is painted
 * by one thread, with everything that touches it in the order of painting. */
#ifndef PT_RENDER_BANDS_H
#define PT_RENDER_BANDS_H

#include "render/canvas.h"

enum { PT_BAND_ROWS = 64 };

/* What is painted: items 0 .. n - 1 of a job. */
typedef struct pt_painter {
    const void *job;
    /* The rows of the picture that an item touches; false: none. */
    bool (*rows)(const void *job, size_t item, double *top, double *bottom);
    void (*paint)(const void *job, size_t item, pt_canvas *canvas, void *scratch);
    size_t scratch; /* bytes that paint wants, for each thread its own */
} pt_painter;

typedef struct pt_bands {
    size_t count;
    size_t *begins;  /* count + 1: where a band's items begin */
    uint32_t *items; /* by band, within each in the order of painting */
} pt_bands;

/* Sort the items order[0 .. n - 1] into the bands of a picture of `height` rows. */
ptsne_status pt_bands_create(const pt_painter *painter, const uint32_t *order, size_t n, size_t height, pt_bands *bands,
                             ptsne_error *err);
void pt_bands_destroy(pt_bands *bands);

/* Paint each band on a canvas of its own and lay that onto the picture. */
ptsne_status pt_bands_lay(const pt_bands *bands, const pt_painter *painter, const pt_srgb *srgb, pt_picture *picture,
                          ptsne_error *err);

/* Paint onto one canvas, which has bands->count * PT_BAND_ROWS rows and the picture's upper left corner; no scratch. */
void pt_bands_gather(const pt_bands *bands, const pt_painter *painter, pt_canvas *whole);

#endif
