/* The centres that k-means begins with: k-means++, in the two ways that kmeans.h tells. */
#ifndef PT_ANALYSIS_KMEANS_SEEDING_H
#define PT_ANALYSIS_KMEANS_SEEDING_H

#include "backend/backend.h"
#include "base/random.h"

typedef struct pt_seeding {
    pt_backend *be;
    const float *x; /* n x d, borrowed */
    size_t n, d, k;
    size_t n_rows;      /* that are looked at */
    const double *mean; /* d, borrowed: of the columns */
    float *stage;       /* staged x d, borrowed: for rows on their way */
    size_t staged;
    pt_buffer points, draws, tile; /* n_rows x d, a round's draws x d, n_rows x draws */
    float *distance;               /* n_rows x draws, the same on the host */
    float *nearest;                /* n_rows: squared distance to the nearest centre so far */
    uint32_t *row;                 /* n, the first n_rows are those looked at */
    double *potential, *weight;    /* for each piece of the rows: of each draw, of the rows as they are */
} pt_seeding;

/* A seeding of k centres that has no memory yet; how many rows it looks at follows from the memory that the backend has left. */
pt_seeding pt_seeding_plan(pt_backend *be, const float *x, size_t n, size_t d, size_t k);
ptsne_status pt_seeding_create(pt_seeding *s, const double *mean, float *stage, size_t staged, ptsne_error *err);
void pt_seeding_destroy(pt_seeding *s);

/* c, k x d: centres less the mean. */
ptsne_status pt_seeding_run(pt_seeding *s, pt_random *random, float *c, ptsne_error *err);

#endif
