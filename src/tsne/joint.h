/* From conditional affinities over a graph to the symmetric matrix: the joining half of affinities.h. */
#ifndef PT_TSNE_JOINT_H
#define PT_TSNE_JOINT_H

#include "base/progress.h"
#include "tsne/affinities.h"

/* One entry of a sparse row. */
typedef struct pt_entry {
    uint32_t point;
    float p;
} pt_entry;

/* Sort entries by their points, which are below n; spare has room for as many. */
void pt_entries_sort(pt_entry *entries, size_t count, size_t n, pt_entry *spare);

/* joint = conditional + its mirror image, scaled to sum to 1. index and conditional: n x k; a place that has 0 is no neighbour.
 * joint->n is given, the rest is empty before; on a failure what there is of it is the caller's to destroy. The stage goes on
 * from step n to step 2 n. */
ptsne_status pt_joint_fill(const uint32_t *index, const float *conditional, size_t k, size_t threads, pt_stage *stage,
                           pt_affinities *joint, ptsne_error *err);

/* Bytes that pt_joint_fill takes at its peak beside *joint. */
size_t pt_joint_scratch(size_t n, size_t k);

#endif
