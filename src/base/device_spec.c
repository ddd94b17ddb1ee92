#include "base/device_spec.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool pt_device_numbered(const char *spec, char full[PT_DEVICE_SPEC])
{
    unsigned platform, device;
    char between, rest;
    if (!isdigit((unsigned char)spec[0]) || sscanf(spec, "%u%c%u%c", &platform, &between, &device, &rest) != 3 ||
        (between != '.' && between != ':')) {
        return false;
    }
    snprintf(full, PT_DEVICE_SPEC, "opencl:%u.%u", platform, device);
    return true;
}

bool pt_device_is_gpu(const ptsne_device_info *device)
{
    return strcmp(device->type, "gpu") == 0 || strcmp(device->type, "accelerator") == 0;
}

static bool contains(const char *text, const char *part)
{
    const size_t length = strlen(part);
    for (; strlen(text) >= length; text++) {
        size_t k = 0;
        while (k < length && tolower((unsigned char)text[k]) == tolower((unsigned char)part[k])) { k++; }
        if (k == length) { return true; }
        if (*text == '\0') { return false; }
    }
    return false;
}

bool pt_device_named(const ptsne_device_info *device, const char *part)
{
    char full[sizeof device->platform + sizeof device->name + 4];
    snprintf(full, sizeof full, "%s%s%s", device->platform, device->platform[0] == '\0' ? "" : " / ", device->name);
    return contains(full, part);
}
