#include "render/picture.h"

#include <png.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/output.h"

ptsne_status pt_picture_create(size_t width, size_t height, uint32_t ground, pt_picture *picture, ptsne_error *err)
{
    *picture = (pt_picture){.width = width, .height = height, .rgb = pt_array_aligned(width * height, 3)};
    if (picture->rgb == NULL) { return pt_fail_memory(err, "the picture", 3.0 * (double)width * (double)height); }
    for (size_t i = 0; i < width * height; i++) {
        for (size_t k = 0; k < 3; k++) { picture->rgb[3 * i + k] = (uint8_t)(ground >> (16 - 8 * k)); }
    }
    return PTSNE_OK;
}

void pt_picture_destroy(pt_picture *picture)
{
    free(picture->rgb);
    *picture = (pt_picture){0};
}

/* What libpng's callbacks need. */
typedef struct sink {
    pt_output output;
    ptsne_error failure; /* of the write or of libpng */
} sink;

static void on_write(png_structp png, png_bytep data, png_size_t bytes)
{
    sink *to = png_get_io_ptr(png);
    if (pt_output_write(&to->output, data, bytes, &to->failure) != PTSNE_OK) { png_error(png, "write"); }
}

static void on_flush(png_structp png)
{
    (void)png; /* pt_output_commit flushes */
}

static void on_error(png_structp png, png_const_charp message)
{
    sink *to = png_get_error_ptr(png);
    if (to->failure.status == PTSNE_OK) { pt_fail(&to->failure, PTSNE_ERR_MEMORY, "libpng: %s", message); }
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 128) { return false; }
    }
    return true;
}

static void metadata_set(png_structp png, png_infop info, const char *const *metadata)
{
    for (; metadata != NULL && metadata[0] != NULL && metadata[1] != NULL; metadata += 2) {
        if (metadata[1][0] == '\0') { continue; }
        /* libpng copies both; its struct is not const-correct */
        png_text entry = {.compression = is_ascii(metadata[1]) ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE,
                          .key = (png_charp)(uintptr_t)metadata[0],
                          .text = (png_charp)(uintptr_t)metadata[1]};
        png_set_text(png, info, &entry, 1);
    }
}

/* Separate from the caller because of longjmp: nothing here changes between setjmp and a jump. */
static bool encode(png_structp png, png_infop info, const pt_picture *picture, const char *const *words,
                   const char *const *metadata)
{
    if (setjmp(png_jmpbuf(png))) { return false; }
    png_set_IHDR(png, info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_sRGB_gAMA_and_cHRM(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
    metadata_set(png, info, words);
    metadata_set(png, info, metadata);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_compression_level(png, 3);
    png_write_info(png, info);
    for (size_t y = 0; y < picture->height; y++) { png_write_row(png, picture->rgb + 3 * picture->width * y); }
    png_write_end(png, info);
    return true;
}

ptsne_status pt_picture_write(const pt_picture *picture, const char *const *words, const char *const *metadata,
                              const char *path, bool force, ptsne_error *err)
{
    sink to = {.failure = {.status = PTSNE_OK}};
    const ptsne_status status = pt_output_open(path, force, &to.output, err);
    if (status != PTSNE_OK) { return status; }
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &to, on_error, on_warning);
    png_infop info = png == NULL ? NULL : png_create_info_struct(png);
    bool done = false;
    if (info == NULL) {
        pt_fail(&to.failure, PTSNE_ERR_MEMORY, "not enough memory for libpng");
    } else {
        png_set_write_fn(png, &to, on_write, on_flush);
        done = encode(png, info, picture, words, metadata);
    }
    png_destroy_write_struct(&png, &info);
    if (done) { return pt_output_commit(&to.output, err); }
    pt_output_discard(&to.output);
    return pt_fail(err, to.failure.status, "%s", to.failure.message);
}
