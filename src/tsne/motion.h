/* Points on their way down the t-SNE gradient: all of a map, or new ones beside a map that stays. An iteration is queued on the
 * device, and only the box of the map and how far it moved come back. */
#ifndef PT_TSNE_MOTION_H
#define PT_TSNE_MOTION_H

#include "tsne/repulsor.h"

#define PT_LEAST_GAIN 0.01f

typedef struct pt_motion {
    pt_backend *be;
    size_t n, d;
    float dof;
    size_t n_reference;           /* points that stay; 0: the points move among themselves */
    pt_buffer reference;          /* n_reference x d */
    pt_edges edges;               /* rows are the points, columns they themselves or the reference */
    pt_buffer y, velocity, gains; /* n x d */
    pt_buffer attraction, repulsion, potential, z, loss, scratch, stats;
    pt_repulsor repulsor;
    float low[3], high[3];   /* box of the points */
    float floor[3], roof[3]; /* beside a reference: the box that its field was built for */
    double length;           /* root mean square of the points' last steps */
} pt_motion;

/* n points whose edges have n_entries, among themselves (n_reference 0) or beside n_reference points. All device memory but the
 * field's grids is taken; edges and points are the caller's to fill. */
ptsne_status pt_motion_create(pt_backend *be, const ptsne_embed_options *settings, size_t n, size_t n_entries,
                              size_t n_reference, pt_motion *motion, ptsne_error *err);
void pt_motion_destroy(pt_motion *motion);

/* Put the points at y (n x d, on the host), at rest, gains 1. */
ptsne_status pt_motion_place(pt_motion *motion, const float *y, ptsne_error *err);

/* Put the points that stay at y (n_reference x d, on the host). */
ptsne_status pt_motion_anchor(pt_motion *motion, const float *y, ptsne_error *err);

/* Forces where the points are. cross NULL, or for points among themselves: becomes sum over pairs of p log(1 / q). */
ptsne_status pt_motion_forces(pt_motion *motion, double *cross, ptsne_error *err);

/* One iteration: forces, then a step. own_z of descent is set here. PTSNE_ERR_DIVERGED where a number is lost. */
ptsne_status pt_motion_step(pt_motion *motion, pt_descent descent, double *cross, ptsne_error *err);

/* Bytes on the device, a field's grids left out. */
size_t pt_motion_bytes(size_t n, size_t d, size_t n_entries, size_t n_reference);

#endif
