/* The classes of a picture: names, sizes and colours. */
#ifndef PT_RENDER_CLASSES_H
#define PT_RENDER_CLASSES_H

#include "render/palette.h"

typedef struct pt_class {
    const char *name; /* the labels' own */
    size_t size;      /* points in it */
    uint32_t rgb;     /* 0xRRGGBB */
    float light[3];   /* the same, linear */
} pt_class;

typedef struct pt_classes {
    pt_class *list;
    size_t count;          /* at least 1 */
    size_t n;              /* points */
    const uint32_t *codes; /* class of each point; NULL: all are of class 0, which has no name */
} pt_classes;

/* One class a label, in the labels' order, with the palette's colours in turn; a label without a name ("", NA, NaN) gets
 * the palette's grey. labels NULL: one class of n points. Warns where colours repeat. */
ptsne_status pt_classes_open(const ptsne_labels *labels, size_t n, const pt_palette *palette,
                             const ptsne_observer *observer, pt_classes *classes, ptsne_error *err);
void pt_classes_close(pt_classes *classes);

/* The class of point i. */
static inline const pt_class *pt_class_of(const pt_classes *classes, size_t i)
{
    return &classes->list[classes->codes == NULL ? 0 : classes->codes[i]];
}

#endif
