/* Points on their way down the t-SNE gradient: all of a map, or new ones beside a map that stays. An iteration is queued on the
 * device, and only the box of the map and what it moved by come back. */
#ifndef PT_TSNE_MOTION_H
#define PT_TSNE_MOTION_H

#include "tsne/repulsor.h"

typedef struct pt_motion {
    pt_backend *be;
    size_t n, d;
    float dof;
    pt_buffer reference;          /* points that stay; empty: the points move among themselves */
    pt_edges edges;               /* rows are the points, columns they themselves or the reference */
    pt_buffer y, velocity, gains; /* n x d */
    pt_buffer attraction, repulsion, potential, z, loss, scratch, stats;
    pt_repulsor repulsor;
    float low[3], high[3]; /* box of all points */
    double gradient;       /* root mean square of the points' last gradients, without their factor */
    double length;         /* and of their last steps */
} pt_motion;

/* n points whose edges have n_entries, among themselves (n_reference 0) or beside n_reference points. Everything but the field's
 * grids is taken now; nothing is filled. */
ptsne_status pt_motion_create(pt_backend *be, const ptsne_embed_options *settings, size_t n, size_t n_entries,
                              size_t n_reference, pt_motion *motion, ptsne_error *err);
void pt_motion_destroy(pt_motion *motion);

/* Set points (n x d) at rest, on the host. */
ptsne_status pt_motion_place(pt_motion *motion, const float *y, ptsne_error *err);
/* Set the points that stay (n_reference x d); before pt_motion_place. */
ptsne_status pt_motion_anchor(pt_motion *motion, const float *reference, ptsne_error *err);
/* Set the box from n points on the host that it has to hold besides those of `with` (NULL: none). */
void pt_motion_box(pt_motion *motion, const float *y, size_t n, bool fresh);

/* Forces at the present places. cross: where not NULL, becomes sum over edges of p log(1 / q) (without points of reference only). */
ptsne_status pt_motion_forces(pt_motion *motion, double *cross, ptsne_error *err);
/* One iteration: forces, then a step. PTSNE_ERR_DIVERGED where a number is lost. */
ptsne_status pt_motion_step(pt_motion *motion, const pt_descent *descent, double *cross, ptsne_error *err);

/* Bytes on the device, grids left out. */
size_t pt_motion_bytes(size_t n, size_t d, size_t n_entries, size_t n_reference);

#endif
