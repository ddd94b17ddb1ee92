/* What the words of --device mean, apart from opening it: the library and the list of devices read them alike. */
#ifndef PT_BASE_DEVICE_SPEC_H
#define PT_BASE_DEVICE_SPEC_H

#include <stdbool.h>

#include "ptsne.h"

#define PT_DEVICE_SPEC 32 /* bytes of a spec, as in ptsne_device_info */

/* The full spec of one that begins with numbers, "P.D" or "P:D": "opencl:P.D". False where spec is no such thing. */
bool pt_device_numbered(const char *spec, char full[PT_DEVICE_SPEC]);

/* What "gpu" means: a GPU or an accelerator. */
bool pt_device_is_gpu(const ptsne_device_info *device);

/* Whether part is a part of "platform / device", in either case. */
bool pt_device_named(const ptsne_device_info *device, const char *part);

#endif
