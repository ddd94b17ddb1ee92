/* Repulsion by the tree of the t-SNE literature (Barnes and Hut, Nature 324, 1986; van der Maaten, Accelerating t-SNE using
 * tree-based algorithms, JMLR 2014), on the host: quadtree in two dimensions, octree in three. A cell stands for its points
 * where its width is below theta times its distance from the nearest of the few neighbouring points that walk the tree together.
 *
 * How far off that is: at theta 0 not at all, at 0.5 forces by 1 to 3 % (relative L2 over the points; 1.6 % on a map of MNIST's
 * 70,000) and one potential by up to 7 %, at 0.25 a tenth of that. 0.14 s of one core for that map. */
#ifndef PT_TSNE_TREE_H
#define PT_TSNE_TREE_H

#include "base/error.h"

/* force (m x d) and potential (m) at the m points y, of the n points `to`, as pt_repulsion defines them; all on the host, y may be
 * `to`, and then a point counts 1 in its own potential. The same bits for any number of threads. PTSNE_ERR_MEMORY. */
ptsne_status pt_tree_repulsion(const float *y, size_t m, const float *to, size_t n, size_t d, double theta, double dof,
                               size_t threads, float *force, float *potential, ptsne_error *err);

#endif
