/* A program (see program_rows.cl): the gradients and steps of maps. */
#include "student_sums.cl"
#include "tsne_gradient.cl"
#include "edges_gradient.cl"
#include "attraction.cl"
#include "potential_sum.cl"
#include "embedding_step.cl"
