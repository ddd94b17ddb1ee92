/* The header of a .npy file: a Python dictionary with exactly the keys descr, fortran_order and shape
 * (numpy/lib/format.py, versions 1.0 to 3.0). */
#ifndef PT_DATA_NPY_HEADER_H
#define PT_DATA_NPY_HEADER_H

#include "base/error.h"
#include "data/element.h"

#define PT_NPY_MAX_AXES 32 /* as in NumPy */

typedef struct pt_npy_header {
    pt_element type;
    char descr[32]; /* as the file has it */
    bool fortran;   /* column-major */
    size_t dims[PT_NPY_MAX_AXES];
    size_t axes; /* 0: a single number */
} pt_npy_header;

/* Parse the dictionary, length bytes of it; messages begin with name. */
ptsne_status pt_npy_header_parse(const char *text, size_t length, const char *name, pt_npy_header *header,
                                 ptsne_error *err);

/* Bytes of a header that is written: magic, version, length and dictionary, the data aligned behind it. */
#define PT_NPY_HEADER_BYTES 128
/* type: "f4", "f8", "i4", in this machine's byte order. At most 3 axes; of 3 the first two may not multiply beyond SIZE_MAX. */
void pt_npy_header_write(const char *type, const size_t *dims, size_t axes, char out[PT_NPY_HEADER_BYTES]);

#endif
