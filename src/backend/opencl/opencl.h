/* The bodies of the op table on OpenCL; backend.h has their contracts. */
#ifndef PT_OPENCL_OPENCL_H
#define PT_OPENCL_OPENCL_H

#include "backend/opencl/device.h"

static inline pt_device *pt_device_of(pt_backend *be)
{
    return (pt_device *)be;
}

/* The buffer from element `from` on. */
static inline pt_buffer pt_buffer_from(const pt_buffer *buffer, size_t from)
{
    return (pt_buffer){buffer->handle, buffer->offset + from, buffer->count - from};
}

/* What one group takes of n, at least `least`, so that there are `most` groups at most. */
static inline size_t pt_group_share(size_t n, size_t most, size_t least)
{
    return pt_larger(pt_ceil_div(n, most), least);
}

/* linear.c */
ptsne_status opencl_product(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                            const pt_buffer *c, ptsne_error *err);
ptsne_status opencl_column_sums(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                                ptsne_error *err);
ptsne_status opencl_gather_rows(pt_backend *be, const pt_buffer *x, size_t rows, size_t d, const pt_buffer *a,
                                const pt_buffer *b, const pt_buffer *t, size_t n, const pt_buffer *out,
                                ptsne_error *err);

/* neighbors.c */
ptsne_status opencl_metric_find(pt_backend *be, const char *name, int *metric, ptsne_error *err);
ptsne_status opencl_distances(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                              size_t d, const pt_buffer *out, ptsne_error *err);
ptsne_status opencl_distance_roots(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                   size_t column_from, ptsne_error *err);
ptsne_status opencl_nearest_merge(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                  size_t column_from, size_t k, const pt_buffer *best_d, const pt_buffer *best_i,
                                  ptsne_error *err);
ptsne_status opencl_nearest_begin(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, ptsne_error *err);
ptsne_status opencl_nearest_add(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                                size_t d, size_t row_from, size_t column_from, size_t k, const pt_buffer *lists,
                                const pt_buffer *lists_b, ptsne_error *err);
ptsne_status opencl_nearest_end(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, const pt_buffer *best_d,
                                const pt_buffer *best_i, ptsne_error *err);
ptsne_status opencl_rank_counts(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                size_t column_from, const pt_buffer *limit, size_t k, const pt_buffer *count,
                                ptsne_error *err);

/* gradients.c */
ptsne_status opencl_affinities_conditional(pt_backend *be, const pt_buffer *d2, size_t m, size_t k, size_t self_from,
                                           float perplexity, float weight, bool accumulate, const pt_buffer *p,
                                           const pt_buffer *beta, ptsne_error *err);
ptsne_status opencl_affinities_joint(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint,
                                     ptsne_error *err);
ptsne_status opencl_student_sums(pt_backend *be, const pt_buffer *y, size_t n, size_t d, size_t from, size_t m,
                                 const pt_buffer *z, ptsne_error *err);
ptsne_status opencl_tsne_gradient(pt_backend *be, const pt_buffer *p, const pt_buffer *y, size_t n, size_t d,
                                  float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                  const pt_buffer *loss, ptsne_error *err);
ptsne_status opencl_edges_gradient(pt_backend *be, const pt_buffer *y, const pt_buffer *sample, size_t m, size_t d,
                                   float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                   const pt_buffer *loss, ptsne_error *err);

/* map.c */
ptsne_status opencl_attraction(pt_backend *be, const pt_edges *edges, const pt_buffer *y, const pt_buffer *to, size_t d,
                               float dof, const pt_buffer *scratch, const pt_buffer *force, const pt_buffer *loss,
                               ptsne_error *err);
ptsne_status opencl_repulsion(pt_backend *be, const pt_buffer *y, size_t m, const pt_buffer *to, size_t n, size_t d,
                              float dof, const pt_buffer *force, const pt_buffer *potential, ptsne_error *err);
ptsne_status opencl_potential_sum(pt_backend *be, const pt_buffer *potential, size_t n, float self,
                                  const pt_buffer *scratch, const pt_buffer *z, ptsne_error *err);
ptsne_status opencl_embedding_step(pt_backend *be, const pt_descent *descent, const pt_buffer *attraction,
                                   const pt_buffer *repulsion, const pt_buffer *z, size_t n, size_t d,
                                   const pt_buffer *y, const pt_buffer *velocity, const pt_buffer *gains,
                                   const pt_buffer *scratch, const pt_buffer *stats, ptsne_error *err);

/* grids.c */
size_t opencl_grid_spread_scratch(const pt_backend *be, const pt_grid *grid, size_t n);
ptsne_status opencl_grid_spread(pt_backend *be, const pt_grid *grid, const pt_buffer *y, size_t n,
                                const pt_buffer *scratch, const pt_buffer *charge, ptsne_error *err);
ptsne_status opencl_grid_restrict(pt_backend *be, const pt_grid *fine, const pt_buffer *from, const pt_grid *coarse,
                                  const pt_buffer *to, ptsne_error *err);
size_t opencl_grid_convolve_scratch(const pt_backend *be, const pt_grid *grid);
ptsne_status opencl_grid_convolve(pt_backend *be, const pt_grid *grid, const pt_grid_kernel *kernel,
                                  const pt_buffer *charge, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                                  const pt_buffer *potential, ptsne_error *err);
ptsne_status opencl_grid_prolong(pt_backend *be, const pt_grid *coarse, const pt_buffer *from, const pt_grid *fine,
                                 const pt_buffer *to, ptsne_error *err);
ptsne_status opencl_grid_gather(pt_backend *be, const pt_grid *grid, const pt_buffer *values, const pt_buffer *y,
                                size_t n, float base, float scale, bool add, const pt_buffer *force,
                                const pt_buffer *potential, ptsne_error *err);

/* steps.c */
ptsne_status opencl_bias_activation(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *bias,
                                    pt_activation activation, ptsne_error *err);
ptsne_status opencl_activation_gradient(pt_backend *be, const pt_buffer *y, size_t count, pt_activation activation,
                                        const pt_buffer *g, ptsne_error *err);
ptsne_status opencl_dropout(pt_backend *be, const pt_buffer *x, size_t count, const pt_mask *mask, ptsne_error *err);
ptsne_status opencl_sgd_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *v,
                             float learning_rate, float momentum, ptsne_error *err);
ptsne_status opencl_adam_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                              const pt_buffer *v, const pt_adam *adam, ptsne_error *err);
ptsne_status opencl_blend(pt_backend *be, float alpha, const pt_buffer *x, float beta, const pt_buffer *y,
                          ptsne_error *err);

/* images.c */
size_t opencl_convolution_scratch(const pt_backend *be, const pt_window *window, size_t n, size_t filters,
                                  bool training);
ptsne_status opencl_convolution(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, size_t filters,
                                const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *y, ptsne_error *err);
ptsne_status opencl_convolution_inputs(pt_backend *be, const pt_window *window, const pt_buffer *g, size_t n,
                                       size_t filters, const pt_buffer *w, const pt_buffer *scratch,
                                       const pt_buffer *gx, ptsne_error *err);
ptsne_status opencl_convolution_weights(pt_backend *be, const pt_window *window, const pt_buffer *x, const pt_buffer *g,
                                        size_t n, size_t filters, const pt_buffer *scratch, const pt_buffer *gw,
                                        ptsne_error *err);
ptsne_status opencl_max_pool(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, const pt_buffer *y,
                             const pt_buffer *which, ptsne_error *err);
ptsne_status opencl_max_pool_gradient(pt_backend *be, const pt_window *window, const pt_buffer *g,
                                      const pt_buffer *which, size_t n, const pt_buffer *gx, ptsne_error *err);

/* normalize.c */
ptsne_status opencl_column_moments(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *scratch,
                                   const pt_buffer *mean, const pt_buffer *variance, ptsne_error *err);
ptsne_status opencl_normalize(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                              const pt_buffer *variance, const pt_buffer *gain, const pt_buffer *shift, float epsilon,
                              pt_activation activation, const pt_buffer *y, ptsne_error *err);
ptsne_status opencl_normalize_gradient(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                                       const pt_buffer *variance, const pt_buffer *gain, float epsilon,
                                       const pt_buffer *g, const pt_buffer *scratch, const pt_buffer *gain_gradient,
                                       const pt_buffer *shift_gradient, ptsne_error *err);

/* losses.c */
ptsne_status opencl_anchors(pt_backend *be, const pt_buffer *z, size_t n, size_t k, size_t d, const pt_buffer *a,
                            const pt_buffer *p, const pt_buffer *y, ptsne_error *err);
ptsne_status opencl_anchors_gradient(pt_backend *be, const pt_buffer *p, size_t n, size_t k, size_t d,
                                     const pt_buffer *a, const pt_buffer *g, const pt_buffer *class_of, float weight,
                                     const pt_buffer *gz, ptsne_error *err);
ptsne_status opencl_cross_entropy(pt_backend *be, const pt_buffer *z, const pt_buffer *class_of, size_t n, size_t k,
                                  const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                  ptsne_error *err);
ptsne_status opencl_squared_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                                  const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                  ptsne_error *err);
ptsne_status opencl_cauchy_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                                 float h, const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                 ptsne_error *err);

#endif
