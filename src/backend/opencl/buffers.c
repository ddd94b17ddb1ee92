#include "backend/opencl/buffers.h"

ptsne_status pt_buffer_write(pt_device *device, const void *from, const pt_buffer *to, ptsne_error *err)
{
    const ptsne_status status = pt_device_usable(device, err);
    if (status != PTSNE_OK || to->count == 0) { return status; }
    const cl_int code =
        clEnqueueWriteBuffer(device->queue, to->handle, CL_TRUE, to->offset * 4, to->count * 4, from, 0, NULL, NULL);
    if (code != CL_SUCCESS) { return pt_device_failed(device, "upload", code, err); }
    device->queued = 0.0; /* the queue is in order: all before it is done */
    return PTSNE_OK;
}

ptsne_status pt_buffer_read(pt_device *device, const pt_buffer *from, void *to, ptsne_error *err)
{
    const ptsne_status status = pt_device_usable(device, err);
    if (status != PTSNE_OK || from->count == 0) { return status; }
    const cl_int code =
        clEnqueueReadBuffer(device->queue, from->handle, CL_TRUE, from->offset * 4, from->count * 4, to, 0, NULL, NULL);
    if (code != CL_SUCCESS) { return pt_device_failed(device, "download", code, err); }
    device->queued = 0.0;
    return PTSNE_OK;
}

ptsne_status pt_buffer_fill(pt_device *device, const pt_buffer *to, float value, ptsne_error *err)
{
    const ptsne_status status = pt_device_usable(device, err);
    if (status != PTSNE_OK || to->count == 0) { return status; }
    const cl_int code = clEnqueueFillBuffer(device->queue, to->handle, &value, sizeof value, to->offset * 4,
                                            to->count * 4, 0, NULL, NULL);
    return code == CL_SUCCESS ? PTSNE_OK : pt_device_failed(device, "fill", code, err);
}

ptsne_status pt_buffer_copy(pt_device *device, const pt_buffer *from, const pt_buffer *to, ptsne_error *err)
{
    const ptsne_status status = pt_device_usable(device, err);
    if (status != PTSNE_OK || from->count == 0) { return status; }
    const cl_int code = clEnqueueCopyBuffer(device->queue, from->handle, to->handle, from->offset * 4, to->offset * 4,
                                            from->count * 4, 0, NULL, NULL);
    return code == CL_SUCCESS ? PTSNE_OK : pt_device_failed(device, "copy", code, err);
}
