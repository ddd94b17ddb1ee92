#define _POSIX_C_SOURCE 200809L

#include "render/palette.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Petroff, Accessible color sequences for data visualization, arXiv 2107.02270: ten that stay apart (CIEDE2000 of 11.9
 * at least) for every kind of colour vision, on light and dark ground. */
static const uint32_t petroff10[] = {0x3f90da, 0xffa90e, 0xbd1f01, 0x94a4a2, 0x832db6,
                                     0xa96b59, 0xe76300, 0xb9ac70, 0x717581, 0x92dadd};

/* Okabe and Ito, Color universal design, 2008. */
static const uint32_t okabe_ito_light[] = {0xe69f00, 0x56b4e9, 0x009e73, 0xf0e442,
                                           0x0072b2, 0xd55e00, 0xcc79a7, 0x000000};
static const uint32_t okabe_ito_dark[] = {0xe69f00, 0x56b4e9, 0x009e73, 0xf0e442,
                                          0x0072b2, 0xd55e00, 0xcc79a7, 0xffffff};

/* Tol, Colour schemes, SRON/EPS/TN/09-002. */
static const uint32_t tol_muted[] = {0xcc6677, 0x332288, 0xddcc77, 0x117733, 0x88ccee,
                                     0x882255, 0x44aa99, 0x999933, 0xaa4499};

/* What matplotlib draws with; two of them are one colour to a protanope. */
static const uint32_t tab10[] = {0x1f77b4, 0xff7f0e, 0x2ca02c, 0xd62728, 0x9467bd,
                                 0x8c564b, 0xe377c2, 0x7f7f7f, 0xbcbd22, 0x17becf};

/* Made by tools/palette_make.c; any first k of them are as far apart as the search could put k. */
static const uint32_t glasbey_light[] = {
    0x3f90da, 0xffa90e, 0xbd1f01, 0x94a4a2, 0x832db6, 0xa96b59, 0xe76300, 0xb9ac70, 0x717581, 0x92dadd, 0x803048,
    0x505878, 0xc0b0f8, 0x9888a8, 0x206860, 0x8868a0, 0x0840f8, 0xa8c8b0, 0xc08880, 0x685838, 0x989048, 0x4870e0,
    0x70b8c8, 0xc85000, 0x981818, 0xa84060, 0xa07878, 0x587840, 0x80a0d0, 0x782888, 0x00d890, 0xe020b8, 0xd8b860,
    0xf08800, 0x88b098, 0xa898f8, 0xc05080, 0x609090, 0x584860, 0xd80040, 0x90c0c0, 0x887898, 0x886070, 0x308858,
    0x904890, 0xb098b0, 0xa8a848, 0x0080b8, 0xa89068, 0xd0b0e0, 0x085850, 0x981058, 0x1828e0, 0x885828, 0xd07090,
    0xb870f8, 0xf0b090, 0xd85070, 0x7800b0, 0x484870, 0xd0a0b0, 0xd89080, 0x486850, 0x604820,
};
static const uint32_t glasbey_dark[] = {
    0x3f90da, 0xffa90e, 0xbd1f01, 0x94a4a2, 0x832db6, 0xa96b59, 0xe76300, 0xb9ac70, 0x717581, 0x92dadd, 0xd0e8c8,
    0xe0e890, 0xc0b0f8, 0xd02878, 0x9888a8, 0x6070a0, 0xc08880, 0x7050f8, 0x98c0a8, 0xe80038, 0x70b8c8, 0x687038,
    0xf0e800, 0xc0d098, 0xa09058, 0xd8c068, 0x207868, 0xd830b8, 0xe850f8, 0x80a0d0, 0xa85060, 0xf08838, 0xb8e8e0,
    0xc0d0f8, 0x589088, 0xb0b890, 0x18a880, 0x00d0c0, 0x4078c0, 0x807898, 0x706888, 0xf888b8, 0xd8e8b0, 0xf060b0,
    0xf0d860, 0xc85870, 0xb8d0b0, 0xe8b0c0, 0x98f0f8, 0x88b048, 0xd88098, 0xb8b8e0, 0xc890f0, 0x309038, 0xc04800,
    0xf01890, 0xb87868, 0xa0a070, 0xd05800, 0x986050, 0xb808e8, 0x90d038, 0xd89898, 0xf010d8,
};

#define ROW(name, light, dark)                                                                                         \
    {                                                                                                                  \
        name, {light, dark},                                                                                           \
        {                                                                                                              \
            sizeof light / sizeof light[0], sizeof dark / sizeof dark[0]                                               \
        }                                                                                                              \
    }
static const struct {
    const char *name;
    const uint32_t *colors[2]; /* light ground, dark ground */
    size_t counts[2];
} named[] = {
    ROW("petroff10", petroff10, petroff10),
    ROW("glasbey", glasbey_light, glasbey_dark),
    ROW("okabe-ito", okabe_ito_light, okabe_ito_dark),
    ROW("tol-muted", tol_muted, tol_muted),
    ROW("tab10", tab10, tab10),
};
enum { N_NAMED = sizeof named / sizeof named[0], MOST_COLORS = 4096 };

const char *pt_palette_names(void)
{
    return "auto, petroff10, glasbey, okabe-ito, tol-muted, tab10, @FILE";
}

/* One colour, "#3f90da" or "3f90da", from a line that may go on with a comment. */
static bool color_parse(const char *line, uint32_t *color)
{
    if (*line == '#') { line++; }
    if (strspn(line, "0123456789abcdefABCDEF") != 6) { return false; }
    *color = (uint32_t)strtoul(line, NULL, 16);
    return strchr(" \t\r\n,;", line[6]) != NULL; /* the terminating NUL counts */
}

static ptsne_status colors_read(FILE *file, const char *path, uint32_t *colors, size_t *count, ptsne_error *err)
{
    char line[256];
    *count = 0;
    for (size_t number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        const char *at = line + strspn(line, " \t");
        if (*at == '\n' || *at == '\r' || *at == '\0') { continue; }
        if (*count == MOST_COLORS) {
            return pt_fail(err, PTSNE_ERR_DATA, "%s: more than %d colours", path, MOST_COLORS);
        }
        if (!color_parse(at, &colors[*count])) {
            at = line + strcspn(line, "\r\n");
            return pt_fail(err, PTSNE_ERR_DATA, "%s:%zu: not a colour like #3f90da: \"%.*s\"", path, number,
                           (int)(at - line), line);
        }
        ++*count;
    }
    if (ferror(file)) { return pt_fail(err, PTSNE_ERR_IO, "%s: cannot be read: %s", path, strerror(errno)); }
    if (*count == 0) { return pt_fail(err, PTSNE_ERR_DATA, "%s: no colours in it (one #rrggbb a line)", path); }
    return PTSNE_OK;
}

static ptsne_status palette_read(const char *path, pt_palette *palette, ptsne_error *err)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) { return pt_fail(err, PTSNE_ERR_IO, "%s: cannot be read: %s", path, strerror(errno)); }
    ptsne_status status;
    palette->owned = pt_array_zeroed(MOST_COLORS, sizeof(uint32_t));
    if (palette->owned == NULL) {
        status = pt_fail_memory(err, "a palette", MOST_COLORS * sizeof(uint32_t));
    } else {
        status = colors_read(file, path, palette->owned, &palette->count, err);
    }
    fclose(file);
    palette->colors = palette->owned;
    palette->name = "of that file";
    if (status != PTSNE_OK) { pt_palette_close(palette); }
    return status;
}

ptsne_status pt_palette_open(const char *spec, bool dark, size_t n_classes, pt_palette *palette, ptsne_error *err)
{
    *palette = dark ? (pt_palette){.ground = 0x111111, .text = 0xe6e6e6, .faint = 0x9a9a9a, .missing = 0x777777}
                    : (pt_palette){.ground = 0xffffff, .text = 0x222222, .faint = 0x777777, .missing = 0x999999};
    if (spec == NULL || strcmp(spec, "auto") == 0) { spec = n_classes <= 10 ? "petroff10" : "glasbey"; }
    if (spec[0] == '@') { return palette_read(spec + 1, palette, err); }
    for (size_t i = 0; i < N_NAMED; i++) {
        if (strcmp(spec, named[i].name) == 0) {
            palette->name = named[i].name;
            palette->colors = named[i].colors[dark];
            palette->count = named[i].counts[dark];
            return PTSNE_OK;
        }
    }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "no palette \"%s\"; there are %s", spec, pt_palette_names());
}

void pt_palette_close(pt_palette *palette)
{
    free(palette->owned);
    *palette = (pt_palette){0};
}
