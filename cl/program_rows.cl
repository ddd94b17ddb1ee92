/* A program of ops on rows and columns. Drivers take some 40 ms for a program, however small, when a device opens, so ops whose kernels are
 * light share one; files of a program share their names, too. */
#include "column_sums.cl"
#include "gather_rows.cl"
#include "distances.cl"
#include "rank_counts.cl"
#include "affinities_joint.cl"
