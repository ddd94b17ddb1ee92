#include "render/text.h"

#include <cairo-ft.h>
#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include FT_ADVANCES_H

#include "base/memory.h"

/* Made by assets/embed.cmake. */
extern const unsigned char pt_font_sans[], pt_font_sans_bold[];
extern const size_t pt_font_sans_size, pt_font_sans_bold_size;

struct pt_text {
    FT_Face faces[2]; /* regular, bold */
    cairo_font_face_t *fonts[2];
    size_t missing;
    uint32_t first_missing;
};

static const cairo_user_data_key_t library_key;

/* Cairo keeps fonts for later, also after we have let go of them, so a face goes when cairo says so; each has a
 * freetype library of its own, which goes with it. */
static void library_release(void *library)
{
    FT_Done_FreeType(library);
}

static ptsne_status font_open(pt_text *text, int which, const unsigned char *data, size_t size, ptsne_error *err)
{
    FT_Library library;
    if (FT_Init_FreeType(&library) != 0) { return pt_fail(err, PTSNE_ERR_MEMORY, "freetype does not start"); }
    if (FT_New_Memory_Face(library, data, (FT_Long)size, 0, &text->faces[which]) != 0) {
        FT_Done_FreeType(library);
        return pt_fail(err, PTSNE_ERR_MEMORY, "freetype cannot load the built-in font");
    }
    cairo_font_face_t *font = cairo_ft_font_face_create_for_ft_face(text->faces[which], FT_LOAD_NO_HINTING);
    if (cairo_font_face_set_user_data(font, &library_key, library, library_release) != CAIRO_STATUS_SUCCESS) {
        cairo_font_face_destroy(font);
        FT_Done_FreeType(library);
        return pt_fail(err, PTSNE_ERR_MEMORY, "cairo cannot load the built-in font");
    }
    text->fonts[which] = font;
    return PTSNE_OK;
}

ptsne_status pt_text_open(pt_text **text, ptsne_error *err)
{
    *text = NULL;
    pt_text *made = pt_array_zeroed(1, sizeof *made);
    if (made == NULL) { return pt_fail_memory(err, "fonts", (double)sizeof *made); }
    ptsne_status status = font_open(made, 0, pt_font_sans, pt_font_sans_size, err);
    if (status == PTSNE_OK) { status = font_open(made, 1, pt_font_sans_bold, pt_font_sans_bold_size, err); }
    if (status == PTSNE_OK) {
        *text = made;
    } else {
        pt_text_close(made);
    }
    return status;
}

void pt_text_close(pt_text *text)
{
    if (text == NULL) { return; }
    for (int i = 0; i < 2; i++) {
        if (text->fonts[i] != NULL) { cairo_font_face_destroy(text->fonts[i]); }
    }
    free(text);
}

/* The code point at *words, which moves on; control characters are spaces, broken bytes U+FFFD. */
static uint32_t code_point_next(const char **words)
{
    const unsigned char *at = (const unsigned char *)*words;
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    const int more = at[0] < 0x80 ? 0 : at[0] >= 0xF0 && at[0] < 0xF5 ? 3 : at[0] >= 0xE0 ? 2 : 1;
    uint32_t code = at[0] < 0x80 ? at[0] : at[0] & (0x3Fu >> more);
    bool good = at[0] < 0x80 || (at[0] >= 0xC2 && at[0] < 0xF5);
    for (int k = 1; good && k <= more; k++) {
        good = (at[k] & 0xC0u) == 0x80u; /* a NUL ends it here */
        code = code << 6 | (at[k] & 0x3Fu);
    }
    good = good && code >= least[more] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    *words += good ? more + 1 : 1;
    if (!good) { return 0xFFFD; }
    return code < 0x20 || code == 0x7F ? ' ' : code;
}

/* Where a pen that has no glyphs yet goes: walks along words; one call a glyph. */
typedef struct text_pen {
    const char *rest;
    double x;
    FT_UInt before; /* glyph */
} text_pen;

/* The glyph at the pen, *at its place; false at the end. Kerned, not hinted, so all scales alike. */
static bool pen_next(FT_Face face, double size, text_pen *pen, FT_UInt *glyph, double *at, uint32_t *code)
{
    if (*pen->rest == '\0') { return false; }
    *code = code_point_next(&pen->rest);
    *glyph = FT_Get_Char_Index(face, *code);
    const double scale = size / (double)face->units_per_EM;
    FT_Vector kern = {0};
    if (pen->before != 0) { FT_Get_Kerning(face, pen->before, *glyph, FT_KERNING_UNSCALED, &kern); }
    *at = pen->x + (double)kern.x * scale;
    FT_Fixed advance = 0;
    FT_Get_Advance(face, *glyph, FT_LOAD_NO_SCALE, &advance);
    pen->x = *at + (double)advance * scale;
    pen->before = *glyph;
    return true;
}

double pt_text_width(pt_text *text, const pt_type *type, const char *words)
{
    text_pen pen = {.rest = words};
    FT_UInt glyph;
    double at;
    uint32_t code;
    while (pen_next(text->faces[type->bold], type->size, &pen, &glyph, &at, &code)) {}
    return pen.x;
}

void pt_text_fit(pt_text *text, const pt_type *type, const char *words, double width, char *fitted, size_t capacity)
{
    static const char ellipsis[] = "\u2026";
    const double room = width - pt_text_width(text, type, ellipsis);
    text_pen pen = {.rest = words};
    FT_UInt glyph;
    double at;
    uint32_t code;
    size_t keep = 0; /* bytes that leave room for an ellipsis */
    bool fits = true;
    while (fits && pen_next(text->faces[type->bold], type->size, &pen, &glyph, &at, &code)) {
        const size_t bytes = (size_t)(pen.rest - words);
        fits = pen.x <= width && bytes < capacity;
        if (fits && pen.x <= room && bytes + sizeof ellipsis <= capacity) { keep = bytes; }
    }
    if (fits) {
        memcpy(fitted, words, strlen(words) + 1);
        return;
    }
    while (keep > 0 && words[keep - 1] == ' ') { keep--; }
    memcpy(fitted, words, keep);
    memcpy(fitted + keep, ellipsis, sizeof ellipsis);
}

/* Words as glyphs with the pen starting at (x, y); *count of them, released by free(). */
static cairo_glyph_t *glyphs_make(pt_text *text, const pt_type *type, const char *words, double x, double y, int *count)
{
    cairo_glyph_t *glyphs = pt_array_zeroed(strlen(words), sizeof *glyphs);
    text_pen pen = {.rest = words};
    FT_UInt glyph;
    double at;
    uint32_t code;
    *count = 0;
    while (glyphs != NULL && pen_next(text->faces[type->bold], type->size, &pen, &glyph, &at, &code)) {
        if (glyph == 0) {
            if (text->missing++ == 0) { text->first_missing = code; }
        }
        glyphs[(*count)++] = (cairo_glyph_t){.index = glyph, .x = x + at, .y = y};
    }
    return glyphs;
}

/* Mix color into the picture where the mask is; (left, top) is the mask's place. Mixed in sRGB, as the eye is used to
 * see letters: in linear light, dark ones on white turn thin. */
static void mask_lay(cairo_surface_t *mask, long left, long top, uint32_t color, pt_picture *picture)
{
    const long width = cairo_image_surface_get_width(mask), height = cairo_image_surface_get_height(mask);
    const unsigned char *alpha = cairo_image_surface_get_data(mask);
    const long stride = cairo_image_surface_get_stride(mask);
    for (long y = 0; y < height; y++) {
        for (long x = 0; x < width; x++) {
            const unsigned a = alpha[y * stride + x];
            if (a == 0 || left + x < 0 || left + x >= (long)picture->width || top + y < 0 ||
                top + y >= (long)picture->height) {
                continue;
            }
            uint8_t *to = picture->rgb + 3 * ((size_t)(top + y) * picture->width + (size_t)(left + x));
            for (int k = 0; k < 3; k++) {
                const unsigned from = color >> (16 - 8 * k) & 0xFFu;
                to[k] = (uint8_t)((from * a + to[k] * (255 - a) + 127) / 255);
            }
        }
    }
}

/* One layer of words: the halo (a stroke around them) or the letters. */
static cairo_status_t layer_draw(const pt_text *text, const pt_type *type, const cairo_glyph_t *glyphs, int count,
                                 bool halo, long left, long top, long width, long height, pt_picture *picture)
{
    cairo_surface_t *mask = cairo_image_surface_create(CAIRO_FORMAT_A8, (int)width, (int)height);
    cairo_t *cairo = cairo_create(mask);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(cairo, options);
    cairo_set_font_face(cairo, text->fonts[type->bold]);
    cairo_set_font_size(cairo, type->size);
    if (halo) {
        cairo_glyph_path(cairo, glyphs, count);
        cairo_set_line_width(cairo, 2.0 * type->halo);
        cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
        cairo_stroke(cairo);
    } else {
        cairo_show_glyphs(cairo, glyphs, count);
    }
    cairo_surface_flush(mask);
    const cairo_status_t status = cairo_status(cairo);
    if (status == CAIRO_STATUS_SUCCESS) { mask_lay(mask, left, top, halo ? type->halo_color : type->color, picture); }
    cairo_font_options_destroy(options);
    cairo_destroy(cairo);
    cairo_surface_destroy(mask);
    return status;
}

ptsne_status pt_text_draw(pt_text *text, const pt_type *type, const char *words, double x, double y,
                          pt_picture *picture, ptsne_error *err)
{
    /* letters may reach out of their advance by less than an em */
    const long edge = (long)ceil(type->size + type->halo);
    const long left = (long)floor(x) - edge, top = (long)floor(y) - 2 * edge;
    const long width = (long)ceil(pt_text_width(text, type, words)) + 2 * edge + 1, height = 3 * edge;
    if (*words == '\0' || width > 32767 || height > 32767) { return PTSNE_OK; }
    int count;
    cairo_glyph_t *glyphs = glyphs_make(text, type, words, x - (double)left, y - (double)top, &count);
    if (glyphs == NULL) { return pt_fail_memory(err, "glyphs", (double)(strlen(words) * sizeof *glyphs)); }
    cairo_status_t status = CAIRO_STATUS_SUCCESS;
    if (type->halo > 0.0) { status = layer_draw(text, type, glyphs, count, true, left, top, width, height, picture); }
    if (status == CAIRO_STATUS_SUCCESS) {
        status = layer_draw(text, type, glyphs, count, false, left, top, width, height, picture);
    }
    free(glyphs);
    if (status == CAIRO_STATUS_SUCCESS) { return PTSNE_OK; }
    return pt_fail(err, PTSNE_ERR_MEMORY, "cairo: %s", cairo_status_to_string(status));
}

void pt_text_warn(const pt_text *text, const ptsne_observer *observer)
{
    if (text->missing == 0) { return; }
    pt_warn(observer, "the built-in font has no letter for %zu characters (the first is U+%04X)", text->missing,
            (unsigned)text->first_missing);
}
