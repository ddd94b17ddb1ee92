/* Matrix products: CLBlast through one wrapper, our own kernels where it is slow, limited or wrong.
 *
 * CLBlast kills the process when it cannot allocate its own temporary buffer, so only the call that takes ours is used. Its
 * kernels index by int. Which kernels run depends on the shape alone, never on time, so that a product is always the same. */
#ifndef PT_OPENCL_GEMM_H
#define PT_OPENCL_GEMM_H

#include "backend/opencl/device.h"

/* c = alpha op(a) op(b) + beta c, as the op table's product. */
ptsne_status pt_gemm(pt_device *device, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                     const pt_buffer *c, ptsne_error *err);

/* The same of a tall pair, c = a' b, a k x m and b k x n without gaps: parts[s] (m x n) = the product of the s-th `slice` rows of both, the
 * last one shorter, for c with so few entries that they alone would not keep a device busy. */
ptsne_status pt_gemm_slices(pt_device *device, size_t m, size_t n, size_t k, size_t slice, const pt_buffer *a,
                            const pt_buffer *b, const pt_buffer *parts, ptsne_error *err);
/* Work-groups of one slice. */
size_t pt_gemm_tiles(const pt_device *device, size_t m, size_t n);

/* Compare CLBlast with the host on small products, every transpose; where it fails the device uses our own kernels. Compiles
 * what CLBlast needs on the way. */
ptsne_status pt_gemm_check(pt_device *device, ptsne_error *err);

/* Release what CLBlast keeps of contexts. */
void pt_gemm_forget(void);

#endif
