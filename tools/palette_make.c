/* Makes the tables of src/render/palette_glasbey.inc: colours that stay apart, also for eyes without one kind of cone.
 *
 * Farthest-point search (Glasbey et al., Colour displays for categorical images, 2007): from a grid over sRGB, each
 * next colour is the one whose smallest difference to all earlier ones and to the ground is largest, where a
 * difference is the smallest CIEDE2000 under normal, protan, deutan and tritan vision. The first ten are
 * Petroff's, so that a picture of eleven classes looks like one of ten.
 *
 *     palette_make light|dark > table
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/color.h"

enum { STEP = 8, SIDE = 256 / STEP, MOST = SIDE * SIDE * SIDE, WANTED = 64 };

typedef struct candidate {
    uint32_t rgb;
    double lab[PT_VISIONS][3];
    double apart; /* smallest difference to what is chosen so far */
} candidate;

static candidate candidate_make(uint32_t rgb)
{
    candidate made = {.rgb = rgb, .apart = HUGE_VAL};
    double linear[3], seen[3];
    pt_color_linear(rgb, linear);
    for (int vision = 0; vision < PT_VISIONS; vision++) {
        pt_color_seen(linear, (pt_vision)vision, seen);
        pt_color_lab(seen, made.lab[vision]);
    }
    return made;
}

/* Lightness that stands out from the ground, and enough chroma to be told from the grey of unlabelled points. */
static bool fits(const candidate *c, bool dark)
{
    const double *lab = c->lab[PT_VISION_NORMAL];
    const double chroma = hypot(lab[1], lab[2]);
    return lab[0] >= (dark ? 45.0 : 32.0) && lab[0] <= (dark ? 90.0 : 78.0) && chroma > 16.0;
}

static double difference(const candidate *a, const candidate *b)
{
    double smallest = HUGE_VAL;
    for (int vision = 0; vision < PT_VISIONS; vision++) {
        smallest = fmin(smallest, pt_color_difference(a->lab[vision], b->lab[vision]));
    }
    return smallest;
}

static void chosen_mark(candidate *all, size_t n, const candidate *chosen)
{
    for (size_t i = 0; i < n; i++) { all[i].apart = fmin(all[i].apart, difference(&all[i], chosen)); }
}

int main(int argc, char **argv)
{
    static const uint32_t first[] = {0x3f90da, 0xffa90e, 0xbd1f01, 0x94a4a2, 0x832db6,
                                     0xa96b59, 0xe76300, 0xb9ac70, 0x717581, 0x92dadd};
    static candidate all[MOST];
    const bool dark = argc > 1 && strcmp(argv[1], "dark") == 0;
    size_t n = 0;
    for (uint32_t i = 0; i < MOST; i++) {
        const uint32_t r = i / (SIDE * SIDE) * STEP, g = i / SIDE % SIDE * STEP, b = i % SIDE * STEP;
        const candidate made = candidate_make(r << 16 | g << 8 | b);
        if (fits(&made, dark)) { all[n++] = made; }
    }
    const candidate ground = candidate_make(dark ? 0x111111 : 0xffffff);
    chosen_mark(all, n, &ground);
    for (int k = 0; k < WANTED; k++) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++) {
            if (all[i].apart > all[best].apart) { best = i; }
        }
        const candidate chosen = k < 10 ? candidate_make(first[k]) : all[best];
        chosen_mark(all, n, &chosen);
        printf("0x%06x,%s", (unsigned)chosen.rgb, k % 8 == 7 ? "\n" : " ");
    }
    return EXIT_SUCCESS;
}
