/* Repulsion of fixed or moving points by the method that was asked for: one door for the field, the tree and all pairs. */
#ifndef PT_TSNE_REPULSOR_H
#define PT_TSNE_REPULSOR_H

#include "tsne/field.h"

typedef struct pt_repulsor {
    pt_backend *be;
    ptsne_method method;
    size_t d;
    float theta, dof;
    pt_field *field;  /* method field */
    pt_buffer points; /* of the last pt_repulsor_points; not owned */
    size_t n;
    float *host_points, *host_y, *host_force; /* method barnes-hut: n_most x d each */
    float *host_potential;                    /* n_most */
} pt_repulsor;

/* For up to n points that repel, and up to m that are repelled. */
ptsne_status pt_repulsor_create(pt_backend *be, const ptsne_embed_options *settings, size_t n, size_t m,
                                pt_repulsor *repulsor, ptsne_error *err);
void pt_repulsor_destroy(pt_repulsor *repulsor);

/* From now on the n points y (n x d, on the device) repel; they stay as they are until the next call. They and all points that are
 * asked about lie between low and high (d each); with `own` only these n, where they are now. */
ptsne_status pt_repulsor_points(pt_repulsor *repulsor, const pt_buffer *y, size_t n, const float *low,
                                const float *high, bool own, ptsne_error *err);

/* Force (m x d) and potential (m) at the m points y, as pt_repulsion defines them. */
ptsne_status pt_repulsor_forces(pt_repulsor *repulsor, const pt_buffer *y, size_t m, const pt_buffer *force,
                                const pt_buffer *potential, ptsne_error *err);

#endif
