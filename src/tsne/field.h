/* Repulsion of all points by one scalar field on a pyramid of grids: O(points + nodes), no FFT.
 *
 * With the Student-t kernel K (backend.h), psi(y) = sum_j K(|y - y_j|) gives the normalisation, Z = sum_i (psi(y_i) - 1), and the
 * force, sum_j K (1 + r^2 / dof)^-1 (y - y_j) = -dof / (dof + 1) grad psi(y). K is written as a sum of Gaussians, two an octave
 * of width; each octave is convolved on a grid whose spacing follows it; points meet the finest grid by B-splines, and
 * splines' two-scale relation takes charges up and potentials down the pyramid without error. Points that are few for the finer grids,
 * as in three dimensions, meet each of those by itself, and its potential is found near them alone. (B-splines between particles and
 * meshes: Essmann et al., J. Chem. Phys. 103, 1995.) */
#ifndef PT_TSNE_FIELD_H
#define PT_TSNE_FIELD_H

#include "backend/backend.h"

typedef struct pt_field pt_field;

/* A field for up to n points of d dimensions; spacing of the finest grid in units of the kernel's width, which is 1 for dof 1. Error of
 * forces (relative, L2) of 70,000 points in dense clusters: 1.5e-2 at spacing 0.5, 8e-3 at 0.4, 4e-3 at 0.33, 2e-3 at 0.25. More
 * where points are few and far between: on MNIST's last map, 200 wide, 3.4e-2, 1.9e-2, 9.8e-3, 4.6e-3; in three dimensions, 175 wide,
 * 4.2e-2 at 0.5, 2.2e-2 at 0.4. Nothing is held on the device until it is built. */
ptsne_status pt_field_create(pt_backend *be, size_t n, size_t d, float dof, float spacing, pt_field **field,
                             ptsne_error *err);
void pt_field_destroy(pt_field *field);

/* The field of the n points y (n x d, on the device); every point, also those that are asked about later, lies between low and
 * high (d each). Which grids are used follows from low and high alone. With `own` only these points, where they are now, will be
 * asked about: if they are few for a grid, most of its nodes need no potential. PTSNE_ERR_MEMORY where the grids would not fit;
 * PTSNE_ERR_DIVERGED where the box is not finite. */
ptsne_status pt_field_build(pt_field *field, const pt_buffer *y, size_t n, const float *low, const float *high,
                            bool own, ptsne_error *err);

/* force (m x d) and potential (m) at m points, as pt_repulsion gives them. */
ptsne_status pt_field_evaluate(pt_field *field, const pt_buffer *y, size_t m, const pt_buffer *force,
                               const pt_buffer *potential, ptsne_error *err);

/* Elements on the device that a field takes for n points between low and high, for the memory plan; SIZE_MAX: too many. */
size_t pt_field_elements(const pt_backend *be, size_t n, size_t d, float dof, float spacing, const float *low,
                         const float *high);

#endif
