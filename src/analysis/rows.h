/* Rows of data on their way to the device, some at a time. */
#ifndef PT_ANALYSIS_ROWS_H
#define PT_ANALYSIS_ROWS_H

#include "backend/backend.h"

/* Rows of `from` (those that `rows` lists, or the first ones) less mean, to the device by way of `stage`, which has room for `staged` of
 * them. */
ptsne_status pt_rows_send(pt_backend *be, const float *from, const uint32_t *rows, size_t count, size_t d,
                          const double *mean, float *stage, size_t staged, const pt_buffer *to, ptsne_error *err);

/* The same with a stage that is taken for this call; mean NULL: nothing is taken off. */
ptsne_status pt_rows_upload(pt_backend *be, const float *from, const uint32_t *rows, size_t count, size_t d,
                            const double *mean, const pt_buffer *to, ptsne_error *err);

#endif
