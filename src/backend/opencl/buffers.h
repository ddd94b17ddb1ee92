/* Moving elements between host and device. */
#ifndef PT_OPENCL_BUFFERS_H
#define PT_OPENCL_BUFFERS_H

#include "backend/opencl/device.h"

ptsne_status pt_buffer_write(pt_device *device, const void *from, const pt_buffer *to, ptsne_error *err);
ptsne_status pt_buffer_read(pt_device *device, const pt_buffer *from, void *to, ptsne_error *err);
ptsne_status pt_buffer_fill(pt_device *device, const pt_buffer *to, float value, ptsne_error *err);
ptsne_status pt_buffer_copy(pt_device *device, const pt_buffer *from, const pt_buffer *to, ptsne_error *err);

#endif
