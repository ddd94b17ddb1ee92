/* The finished picture: 8-bit sRGB on an opaque ground, and its PNG file. */
#ifndef PT_RENDER_PICTURE_H
#define PT_RENDER_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct pt_picture {
    size_t width, height; /* pixels */
    uint8_t *rgb;         /* height x width x 3 */
} pt_picture;

/* All pixels 0xRRGGBB. */
ptsne_status pt_picture_create(size_t width, size_t height, uint32_t ground, pt_picture *picture, ptsne_error *err);
void pt_picture_destroy(pt_picture *picture);

/* Write as PNG. words and metadata: key, value, ..., NULL; may be NULL, and values may be "": left out. ASCII goes to tEXt,
 * the rest of UTF-8 to iTXt. Nothing else than the arguments and the versions of the libraries decides the bytes. */
ptsne_status pt_picture_write(const pt_picture *picture, const char *const *words, const char *const *metadata,
                              const char *path, bool force, ptsne_error *err);

#endif
