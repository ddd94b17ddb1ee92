/* The safetensors container: named float32 arrays behind a JSON header, and text pairs about them.
 *
 * Layout: the header's length (8 bytes, little-endian), the header, padded with spaces to a multiple of 8, the arrays. The
 * reader takes nothing on trust: a file is as the format's specification says, or it is refused with the reason. */
#ifndef PT_NETWORK_SAFETENSORS_H
#define PT_NETWORK_SAFETENSORS_H

#include "network/metadata.h"

#define PT_TENSOR_NAME       64
#define PT_TENSOR_DIMENSIONS ((size_t)4)

typedef struct pt_tensor {
    char name[PT_TENSOR_NAME];
    size_t n_dimensions, shape[PT_TENSOR_DIMENSIONS];
    const void *values; /* borrowed; float32, little-endian, perhaps not aligned */
} pt_tensor;

size_t pt_tensor_count(const pt_tensor *tensor);

/* Write atomically; the same tensors and metadata give the same bytes. */
ptsne_status pt_safetensors_write(const char *path, bool force, const pt_tensor *tensors, size_t n_tensors,
                                  const pt_metadata *metadata, ptsne_error *err);

typedef struct pt_safetensors {
    void *bytes; /* the file; the tensors' values lie in it */
    pt_tensor *tensors;
    size_t n_tensors;
    pt_metadata metadata;
} pt_safetensors;

/* PTSNE_ERR_IO, PTSNE_ERR_DATA (the message names the file and what is wrong in it), PTSNE_ERR_MEMORY. */
ptsne_status pt_safetensors_read(const char *path, pt_safetensors *file, ptsne_error *err);
/* The same from memory, which the result refers to and does not own. */
ptsne_status pt_safetensors_parse(const void *bytes, size_t size, pt_safetensors *file, ptsne_error *err);
void pt_safetensors_destroy(pt_safetensors *file);

/* NULL where there is no such tensor. */
const pt_tensor *pt_safetensors_find(const pt_safetensors *file, const char *name);

#endif
