/* Pictures of maps: library ptsne-render. */
#ifndef PTSNE_RENDER_H
#define PTSNE_RENDER_H

#include "ptsne/base.h"
#include "ptsne/data.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ptsne_scatter_options {
    size_t width, height; /* pixels, 64 to 30000; 0: 1600 x 1200 */
    const char *title;    /* NULL: none */
    const char *subtitle; /* small grey line under it; NULL: none */
    const char *palette;  /* "auto", "petroff10", "glasbey", "okabe-ito", "tol-muted", "tab10", "@FILE"; NULL: auto */
    int dark;             /* not 0: dark ground */
    int legend;           /* 0: no legend */
    int full;             /* not 0: show all; 0: far outliers become arrows at the edge */
    int density;          /* 1: shade by density; 0: discs; -1: from n */
    double point_size;    /* diameter in pixels; 0: from n */
    double alpha;         /* 0 to 1; 0: from n */
    uint64_t seed;        /* of the draw order */
    const char *const *metadata; /* key, value, key, value, ..., NULL: kept as tEXt beside ptsne's own; NULL: none */
} ptsne_scatter_options;

typedef struct ptsne_sprites_options {
    size_t canvas;      /* pixels of the longer side, 64 to 30000; 0: 4000 */
    double sprite_size; /* pixels of the longer side; 0: the image's own, less on a small canvas, more for few images */
    int overlap; /* 0: a sprite that would cover more than half of a painted one is left out; else all are painted */
    const char *title;    /* NULL: none */
    const char *subtitle; /* NULL: none */
    const char *palette;  /* as for a scatter plot */
    int dark;             /* not 0: dark ground */
    int legend;           /* 0: no legend */
    int full;             /* not 0: show all; 0: far outliers are left out */
    int invert;    /* 1: the images' ground is light and their ink dark; 0: the other way; -1: told by their edges */
    uint64_t seed; /* of the paint order */
    const char *const *metadata; /* as for a scatter plot */
} ptsne_sprites_options;

/** What a picture turned out to be. */
typedef struct ptsne_render_report {
    size_t width, height; /* pixels */
    size_t drawn;         /* points or sprites at their places */
    size_t outside;       /* beyond the crop */
    size_t covered;       /* sprites left out by the overlap rule */
    double size;          /* diameter of a point, longer side of a sprite; pixels */
    double alpha;         /* of a point */
    int density;          /* not 0: points were shaded by density */
    int inverted;         /* not 0: the images' light ground was taken as empty */
} ptsne_render_report;

/** 1600 x 1200, light ground, a legend, far outliers as arrows, the rest told by the data; options may not be NULL. */
PTSNE_API void ptsne_scatter_options_default(ptsne_scatter_options *options);

/**
 * 4000 pixels, light ground, a legend, overlapping images left out, the rest told by the data; options may not be NULL.
 */
PTSNE_API void ptsne_sprites_options_default(ptsne_sprites_options *options);

/**
 * Draw a map as a scatter plot, one colour a label, and write it as PNG. Same input, same bytes.
 *
 * Points are antialiased discs laid over one another in random order, in linear light; from 200,000 points, or where
 * discs would be narrower than 1.4 pixels, pixels are shaded by the rank of their density, in the mean colour of their
 * points.
 *
 * @param map      n x n_components (at least 2; the first two are drawn); borrowed.
 * @param labels   n labels, or NULL: one colour.
 * @param options  May be NULL: defaults.
 * @param observer Told when colours repeat or a letter is missing; may be NULL.
 * @param path     "-" is standard output.
 * @param force    Not 0: an existing file may be replaced.
 * @param report   May be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (no points, unknown palette, size, the file exists); PTSNE_ERR_DATA (NaN or
 *         infinity in the map, labels of another number, a bad palette file); PTSNE_ERR_MEMORY; PTSNE_ERR_IO.
 */
PTSNE_API ptsne_status ptsne_render_scatter(const float *map, size_t n, size_t n_components, const ptsne_labels *labels,
                                            const ptsne_scatter_options *options, const ptsne_observer *observer,
                                            const char *path, int force, ptsne_render_report *report, ptsne_error *err);

/**
 * Draw the images themselves at their places in the map and write the canvas as PNG. Same input, same bytes.
 *
 * One-channel images on an empty (black or white) ground are ink in their label's colour; other one-channel images and
 * colour images keep their looks and get a border in that colour; the fourth channel is opacity.
 *
 * @param images  n x (shape[0] * shape[1] * shape[2]), 0 to 255 or 0 to 1; borrowed.
 * @param shape   Height, width, channels (1, 3 or 4).
 * The rest and the status as for ptsne_render_scatter.
 */
PTSNE_API ptsne_status ptsne_render_sprites(const float *map, size_t n, size_t n_components, const float *images,
                                            const size_t shape[3], const ptsne_labels *labels,
                                            const ptsne_sprites_options *options, const ptsne_observer *observer,
                                            const char *path, int force, ptsne_render_report *report, ptsne_error *err);

#ifdef __cplusplus
}
#endif

#endif
