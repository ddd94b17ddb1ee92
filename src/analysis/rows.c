#include "analysis/rows.h"

#include <stdlib.h>

#include "base/columns.h"
#include "base/memory.h"
#include "base/sizes.h"

#define STAGED ((size_t)1 << 22) /* elements of rows on their way: 16 MiB */

ptsne_status pt_rows_send(pt_backend *be, const float *from, const uint32_t *rows, size_t count, size_t d,
                          const double *mean, float *stage, size_t staged, const pt_buffer *to, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    for (size_t at = 0; at < count && status == PTSNE_OK; at += staged) {
        const size_t some = pt_smaller(staged, count - at);
        pt_rows_centred(rows == NULL ? from + at * d : from, rows == NULL ? NULL : rows + at, some, d, mean,
                        be->threads, stage);
        const pt_buffer part = pt_buffer_view(to, at * d, some * d);
        status = pt_upload(be, stage, &part, err);
    }
    return status;
}

ptsne_status pt_rows_upload(pt_backend *be, const float *from, const uint32_t *rows, size_t count, size_t d,
                            const double *mean, const pt_buffer *to, ptsne_error *err)
{
    if (mean == NULL && rows == NULL) {
        const pt_buffer all = pt_buffer_view(to, 0, count * d);
        return pt_upload(be, from, &all, err);
    }
    const size_t staged = pt_smaller(count, STAGED / d + 1);
    float *stage = pt_array_aligned(staged * d, sizeof *stage);
    double *zero = mean == NULL ? pt_array_zeroed(d, sizeof *zero) : NULL;
    ptsne_status status;
    if (stage == NULL || (mean == NULL && zero == NULL)) {
        status = pt_fail_memory(err, "rows on their way", 4.0 * (double)staged * (double)d);
    } else {
        status = pt_rows_send(be, from, rows, count, d, mean == NULL ? zero : mean, stage, staged, to, err);
    }
    free(zero);
    free(stage);
    return status;
}
