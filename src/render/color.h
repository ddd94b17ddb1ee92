/* Colours as eyes see them: sRGB and linear light, CIELAB, the CIEDE2000 difference, and what is left of a colour
 * without one kind of cone. */
#ifndef PT_RENDER_COLOR_H
#define PT_RENDER_COLOR_H

#include <stdint.h>

enum { PT_SRGB_STEPS = 16384 };

/* Both directions of the sRGB transfer curve (IEC 61966-2-1) as tables. */
typedef struct pt_srgb {
    float linear[256];                  /* linear light of an 8-bit value */
    uint8_t encoded[PT_SRGB_STEPS + 1]; /* 8-bit value of linear light k / PT_SRGB_STEPS */
} pt_srgb;

typedef enum pt_vision { PT_VISION_NORMAL = 0, PT_VISION_PROTAN, PT_VISION_DEUTAN, PT_VISION_TRITAN } pt_vision;
enum { PT_VISIONS = 4 };

void pt_srgb_fill(pt_srgb *srgb);

/* The 8-bit value of linear light, clipped to 0 .. 1. */
static inline uint8_t pt_srgb_encode(const pt_srgb *srgb, float linear)
{
    if (!(linear > 0.0f)) { return 0; }
    if (linear >= 1.0f) { return 255; }
    return srgb->encoded[(int)(linear * (float)PT_SRGB_STEPS + 0.5f)];
}

/* Linear light of 0xRRGGBB. */
void pt_color_linear(uint32_t rgb, double linear[3]);

/* CIELAB of linear light, white point D65. */
void pt_color_lab(const double linear[3], double lab[3]);

/* The colour as it appears to a dichromat (Machado, Oliveira, Fernandes, A physiologically-based model for simulation
 * of color vision deficiency, 2009, severity 1.0), clipped to 0 .. 1. */
void pt_color_seen(const double linear[3], pt_vision vision, double seen[3]);

/* CIEDE2000 colour difference (Sharma, Wu, Dalal, 2005), all weights 1. About 1 is just noticeable. */
double pt_color_difference(const double lab_a[3], const double lab_b[3]);

/* The smallest CIEDE2000 difference of two 0xRRGGBB under the four visions. */
double pt_color_distance(uint32_t rgb_a, uint32_t rgb_b);

#endif
