/* What an embedding will hold and how long it may take, stage by stage, from sizes and the device's rates alone. */
#ifndef PT_TSNE_PLAN_H
#define PT_TSNE_PLAN_H

#include "backend/backend.h"

typedef struct pt_rates {
    double product; /* floating-point operations a second of matrix products */
    double copy;    /* bytes a second, read and written */
} pt_rates;

/* stages: PTSNE_PLAN_STAGES; n rows of n_features; settings resolved (embed_settings.h); *count: how many stages there are.
 * PTSNE_ERR_MEMORY where the field's grids would have too many nodes. */
ptsne_status pt_embed_plan(pt_backend *be, const pt_rates *rates, size_t n, size_t n_features,
                           const ptsne_embed_options *settings, ptsne_plan_stage *stages, size_t *count,
                           ptsne_error *err);

#endif
