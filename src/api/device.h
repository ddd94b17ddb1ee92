/* The inside of ptsne_device, for the other public functions. */
#ifndef PT_API_DEVICE_H
#define PT_API_DEVICE_H

#include "backend/backend.h"

struct ptsne_device {
    pt_backend *be;
};

#endif
