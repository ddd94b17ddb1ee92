#include "render/classes.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "render/color.h"

static bool is_missing(const char *name)
{
    static const char *const missing[] = {"", "NA", "N/A", "NaN", "nan", "None", "null"};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        if (strcmp(name, missing[i]) == 0) { return true; }
    }
    return false;
}

static void class_color(pt_class *class, uint32_t rgb)
{
    double linear[3];
    pt_color_linear(rgb, linear);
    class->rgb = rgb;
    for (int k = 0; k < 3; k++) { class->light[k] = (float)linear[k]; }
}

static void classes_color(pt_classes *classes, const pt_palette *palette, const ptsne_observer *observer)
{
    size_t colored = 0;
    for (size_t i = 0; i < classes->count; i++) {
        pt_class *class = &classes->list[i];
        const bool missing = classes->codes != NULL && is_missing(class->name);
        class_color(class, missing ? palette->missing : palette->colors[colored % palette->count]);
        if (missing) {
            class->name = "no label";
        } else {
            colored++;
        }
    }
    if (colored > palette->count) {
        pt_warn(observer, "%zu classes share the %zu colours of palette %s", colored, palette->count, palette->name);
    }
}

ptsne_status pt_classes_open(const ptsne_labels *labels, size_t n, const pt_palette *palette,
                             const ptsne_observer *observer, pt_classes *classes, ptsne_error *err)
{
    const size_t count = labels == NULL ? 1 : ptsne_labels_classes(labels);
    *classes = (pt_classes){.count = count, .n = n};
    if (labels != NULL && ptsne_labels_count(labels) != n) {
        return pt_fail(err, PTSNE_ERR_DATA, "%zu labels for %zu points", ptsne_labels_count(labels), n);
    }
    classes->list = pt_array_zeroed(count, sizeof *classes->list);
    if (classes->list == NULL) { return pt_fail_memory(err, "classes", (double)(count * sizeof *classes->list)); }
    classes->list[0].name = "";
    classes->list[0].size = n;
    if (labels != NULL) {
        classes->codes = ptsne_labels_codes(labels);
        classes->list[0].size = 0;
        for (size_t i = 0; i < count; i++) { classes->list[i].name = ptsne_labels_name(labels, i); }
        for (size_t i = 0; i < n; i++) { classes->list[classes->codes[i]].size++; }
    }
    classes_color(classes, palette, observer);
    return PTSNE_OK;
}

void pt_classes_close(pt_classes *classes)
{
    free(classes->list);
    *classes = (pt_classes){0};
}
