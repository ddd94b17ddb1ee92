/* One set of op bodies per instruction-set level: the build compiles these files several times, with PT_CPU_LEVEL set
 * to v2, v3, v4 or base, and the names below keep the copies apart. */
#ifndef PT_BACKEND_CPU_LEVEL_H
#define PT_BACKEND_CPU_LEVEL_H

#include "backend/cpu/cpu.h"
#include "base/sizes.h"

#define PT_JOIN_NOW(name, level) name##_##level
#define PT_JOIN(name, level)     PT_JOIN_NOW(name, level)
#define PT_LEVELED(name)         PT_JOIN(name, PT_CPU_LEVEL)

#define cpu_ops                    PT_LEVELED(cpu_ops)
#define cpu_upload                 PT_LEVELED(cpu_upload)
#define cpu_download               PT_LEVELED(cpu_download)
#define cpu_fill                   PT_LEVELED(cpu_fill)
#define cpu_copy                   PT_LEVELED(cpu_copy)
#define cpu_product                PT_LEVELED(cpu_product)
#define cpu_product_begin          PT_LEVELED(cpu_product_begin)
#define cpu_product_tile           PT_LEVELED(cpu_product_tile)
#define cpu_product_own            PT_LEVELED(cpu_product_own)
#define cpu_product_own_tile       PT_LEVELED(cpu_product_own_tile)
#define cpu_column_sums            PT_LEVELED(cpu_column_sums)
#define cpu_gather_rows            PT_LEVELED(cpu_gather_rows)
#define cpu_metric_find            PT_LEVELED(cpu_metric_find)
#define cpu_distances              PT_LEVELED(cpu_distances)
#define cpu_distance_roots         PT_LEVELED(cpu_distance_roots)
#define cpu_nearest_merge          PT_LEVELED(cpu_nearest_merge)
#define cpu_nearest_begin          PT_LEVELED(cpu_nearest_begin)
#define cpu_nearest_add            PT_LEVELED(cpu_nearest_add)
#define cpu_nearest_end            PT_LEVELED(cpu_nearest_end)
#define cpu_distance_norms         PT_LEVELED(cpu_distance_norms)
#define cpu_distance_tile          PT_LEVELED(cpu_distance_tile)
#define cpu_rank_counts            PT_LEVELED(cpu_rank_counts)
#define cpu_affinities_conditional PT_LEVELED(cpu_affinities_conditional)
#define cpu_affinities_joint       PT_LEVELED(cpu_affinities_joint)
#define cpu_student_sums           PT_LEVELED(cpu_student_sums)
#define cpu_tsne_gradient          PT_LEVELED(cpu_tsne_gradient)
#define cpu_edges_gradient         PT_LEVELED(cpu_edges_gradient)
#define cpu_attraction             PT_LEVELED(cpu_attraction)
#define cpu_repulsion              PT_LEVELED(cpu_repulsion)
#define cpu_potential_sum          PT_LEVELED(cpu_potential_sum)
#define cpu_embedding_step         PT_LEVELED(cpu_embedding_step)
#define cpu_grid_spread            PT_LEVELED(cpu_grid_spread)
#define cpu_grid_restrict          PT_LEVELED(cpu_grid_restrict)
#define cpu_grid_spread_scratch    PT_LEVELED(cpu_grid_spread_scratch)
#define cpu_grid_convolve_scratch  PT_LEVELED(cpu_grid_convolve_scratch)
#define cpu_grid_convolve          PT_LEVELED(cpu_grid_convolve)
#define cpu_grid_prolong           PT_LEVELED(cpu_grid_prolong)
#define cpu_grid_gather            PT_LEVELED(cpu_grid_gather)
#define cpu_bias_activation        PT_LEVELED(cpu_bias_activation)
#define cpu_activation_gradient    PT_LEVELED(cpu_activation_gradient)
#define cpu_dropout                PT_LEVELED(cpu_dropout)
#define cpu_convolution_scratch    PT_LEVELED(cpu_convolution_scratch)
#define cpu_convolution            PT_LEVELED(cpu_convolution)
#define cpu_convolution_inputs     PT_LEVELED(cpu_convolution_inputs)
#define cpu_convolution_weights    PT_LEVELED(cpu_convolution_weights)
#define cpu_max_pool               PT_LEVELED(cpu_max_pool)
#define cpu_max_pool_gradient      PT_LEVELED(cpu_max_pool_gradient)
#define cpu_column_moments         PT_LEVELED(cpu_column_moments)
#define cpu_normalize              PT_LEVELED(cpu_normalize)
#define cpu_normalize_gradient     PT_LEVELED(cpu_normalize_gradient)
#define cpu_blend                  PT_LEVELED(cpu_blend)
#define cpu_anchors                PT_LEVELED(cpu_anchors)
#define cpu_anchors_gradient       PT_LEVELED(cpu_anchors_gradient)
#define cpu_cross_entropy          PT_LEVELED(cpu_cross_entropy)
#define cpu_squared_error          PT_LEVELED(cpu_squared_error)
#define cpu_cauchy_error           PT_LEVELED(cpu_cauchy_error)
#define cpu_sgd_step               PT_LEVELED(cpu_sgd_step)
#define cpu_adam_step              PT_LEVELED(cpu_adam_step)

extern const pt_backend_ops cpu_ops;

ptsne_status cpu_upload(pt_backend *be, const void *from, const pt_buffer *to, ptsne_error *err);
ptsne_status cpu_download(pt_backend *be, const pt_buffer *from, void *to, ptsne_error *err);
ptsne_status cpu_fill(pt_backend *be, const pt_buffer *to, float value, ptsne_error *err);
ptsne_status cpu_copy(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err);
ptsne_status cpu_product(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                         const pt_buffer *c, ptsne_error *err);
ptsne_status cpu_column_sums(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                             ptsne_error *err);
ptsne_status cpu_gather_rows(pt_backend *be, const pt_buffer *x, size_t rows, size_t d, const pt_buffer *a,
                             const pt_buffer *b, const pt_buffer *t, size_t n, const pt_buffer *out, ptsne_error *err);
ptsne_status cpu_metric_find(pt_backend *be, const char *name, int *metric, ptsne_error *err);
ptsne_status cpu_distances(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                           size_t d, const pt_buffer *out, ptsne_error *err);
ptsne_status cpu_distance_roots(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                size_t column_from, ptsne_error *err);
ptsne_status cpu_nearest_merge(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                               size_t column_from, size_t k, const pt_buffer *best_d, const pt_buffer *best_i,
                               ptsne_error *err);
ptsne_status cpu_nearest_begin(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, ptsne_error *err);
ptsne_status cpu_nearest_add(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                             size_t d, size_t row_from, size_t column_from, size_t k, const pt_buffer *lists,
                             const pt_buffer *lists_b, ptsne_error *err);
ptsne_status cpu_nearest_end(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, const pt_buffer *best_d,
                             const pt_buffer *best_i, ptsne_error *err);
ptsne_status cpu_rank_counts(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                             size_t column_from, const pt_buffer *limit, size_t k, const pt_buffer *count,
                             ptsne_error *err);
ptsne_status cpu_affinities_conditional(pt_backend *be, const pt_buffer *d2, size_t m, size_t k, size_t self_from,
                                        float perplexity, float weight, bool accumulate, const pt_buffer *p,
                                        const pt_buffer *beta, ptsne_error *err);
ptsne_status cpu_affinities_joint(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint,
                                  ptsne_error *err);
ptsne_status cpu_student_sums(pt_backend *be, const pt_buffer *y, size_t n, size_t d, size_t from, size_t m,
                              const pt_buffer *z, ptsne_error *err);
ptsne_status cpu_tsne_gradient(pt_backend *be, const pt_buffer *p, const pt_buffer *y, size_t n, size_t d,
                               float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                               const pt_buffer *loss, ptsne_error *err);
ptsne_status cpu_edges_gradient(pt_backend *be, const pt_buffer *y, const pt_buffer *sample, size_t m, size_t d,
                                float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                const pt_buffer *loss, ptsne_error *err);
ptsne_status cpu_attraction(pt_backend *be, const pt_edges *edges, const pt_buffer *y, const pt_buffer *to, size_t d,
                            float dof, const pt_buffer *scratch, const pt_buffer *force, const pt_buffer *loss,
                            ptsne_error *err);
ptsne_status cpu_repulsion(pt_backend *be, const pt_buffer *y, size_t m, const pt_buffer *to, size_t n, size_t d,
                           float dof, const pt_buffer *force, const pt_buffer *potential, ptsne_error *err);
ptsne_status cpu_potential_sum(pt_backend *be, const pt_buffer *potential, size_t n, float self,
                               const pt_buffer *scratch, const pt_buffer *z, ptsne_error *err);
ptsne_status cpu_embedding_step(pt_backend *be, const pt_descent *descent, const pt_buffer *attraction,
                                const pt_buffer *repulsion, const pt_buffer *z, size_t n, size_t d, const pt_buffer *y,
                                const pt_buffer *velocity, const pt_buffer *gains, const pt_buffer *scratch,
                                const pt_buffer *stats, ptsne_error *err);
size_t cpu_grid_spread_scratch(const pt_backend *be, const pt_grid *grid, size_t n);
ptsne_status cpu_grid_spread(pt_backend *be, const pt_grid *grid, const pt_buffer *y, size_t n,
                             const pt_buffer *scratch, const pt_buffer *charge, ptsne_error *err);
ptsne_status cpu_grid_restrict(pt_backend *be, const pt_grid *fine, const pt_buffer *from, const pt_grid *coarse,
                               const pt_buffer *to, ptsne_error *err);
size_t cpu_grid_convolve_scratch(const pt_backend *be, const pt_grid *grid);
ptsne_status cpu_grid_convolve(pt_backend *be, const pt_grid *grid, const pt_grid_kernel *kernel,
                               const pt_buffer *charge, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                               const pt_buffer *potential, ptsne_error *err);
ptsne_status cpu_grid_prolong(pt_backend *be, const pt_grid *coarse, const pt_buffer *from, const pt_grid *fine,
                              const pt_buffer *to, ptsne_error *err);
ptsne_status cpu_grid_gather(pt_backend *be, const pt_grid *grid, const pt_buffer *values, const pt_buffer *y, size_t n,
                             float base, float scale, bool add, const pt_buffer *force, const pt_buffer *potential,
                             ptsne_error *err);
ptsne_status cpu_bias_activation(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *bias,
                                 pt_activation activation, ptsne_error *err);
ptsne_status cpu_activation_gradient(pt_backend *be, const pt_buffer *y, size_t count, pt_activation activation,
                                     const pt_buffer *g, ptsne_error *err);
ptsne_status cpu_dropout(pt_backend *be, const pt_buffer *x, size_t count, const pt_mask *mask, ptsne_error *err);
size_t cpu_convolution_scratch(const pt_backend *be, const pt_window *window, size_t n, size_t filters, bool training);
ptsne_status cpu_convolution(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, size_t filters,
                             const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *y, ptsne_error *err);
ptsne_status cpu_convolution_inputs(pt_backend *be, const pt_window *window, const pt_buffer *g, size_t n,
                                    size_t filters, const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *gx,
                                    ptsne_error *err);
ptsne_status cpu_convolution_weights(pt_backend *be, const pt_window *window, const pt_buffer *x, const pt_buffer *g,
                                     size_t n, size_t filters, const pt_buffer *scratch, const pt_buffer *gw,
                                     ptsne_error *err);
ptsne_status cpu_max_pool(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, const pt_buffer *y,
                          const pt_buffer *which, ptsne_error *err);
ptsne_status cpu_max_pool_gradient(pt_backend *be, const pt_window *window, const pt_buffer *g, const pt_buffer *which,
                                   size_t n, const pt_buffer *gx, ptsne_error *err);
ptsne_status cpu_column_moments(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *scratch,
                                const pt_buffer *mean, const pt_buffer *variance, ptsne_error *err);
ptsne_status cpu_normalize(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                           const pt_buffer *variance, const pt_buffer *gain, const pt_buffer *shift, float epsilon,
                           pt_activation activation, const pt_buffer *y, ptsne_error *err);
ptsne_status cpu_normalize_gradient(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                                    const pt_buffer *variance, const pt_buffer *gain, float epsilon, const pt_buffer *g,
                                    const pt_buffer *scratch, const pt_buffer *gain_gradient,
                                    const pt_buffer *shift_gradient, ptsne_error *err);
ptsne_status cpu_blend(pt_backend *be, float alpha, const pt_buffer *x, float beta, const pt_buffer *y,
                       ptsne_error *err);
ptsne_status cpu_anchors(pt_backend *be, const pt_buffer *z, size_t n, size_t k, size_t d, const pt_buffer *a,
                         const pt_buffer *p, const pt_buffer *y, ptsne_error *err);
ptsne_status cpu_anchors_gradient(pt_backend *be, const pt_buffer *p, size_t n, size_t k, size_t d, const pt_buffer *a,
                                  const pt_buffer *g, const pt_buffer *class_of, float weight, const pt_buffer *gz,
                                  ptsne_error *err);
ptsne_status cpu_cross_entropy(pt_backend *be, const pt_buffer *z, const pt_buffer *class_of, size_t n, size_t k,
                               const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                               ptsne_error *err);
ptsne_status cpu_squared_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                               const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                               ptsne_error *err);
ptsne_status cpu_cauchy_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d, float h,
                              const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                              ptsne_error *err);
ptsne_status cpu_sgd_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *v,
                          float learning_rate, float momentum, ptsne_error *err);
ptsne_status cpu_adam_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                           const pt_buffer *v, const pt_adam *adam, ptsne_error *err);

/* ---- what product.c lends to distances.c ---- */

/* Make ready for cpu_product_tile: tells whether by oneDNN or by our own code, and takes memory for its panels. Not
 * inside a parallel region. */
ptsne_status cpu_product_begin(pt_backend *be, const pt_product_shape *shape, bool *own, ptsne_error *err);
/* One tile of a product, on the calling thread alone, which is number `thread` of its team; false when oneDNN failed. */
bool cpu_product_tile(pt_cpu *cpu, bool own, const pt_product_shape *shape, const float *a, const float *b, float *c,
                      int thread);

/* ---- what product_own.c lends to product.c ---- */

/* A product by our own code, on all threads. Not inside a parallel region. */
void cpu_product_own(const pt_cpu *cpu, const pt_product_shape *shape, const float *a, const float *b, float *c);
/* The same, the same bits too, on the calling thread alone; room for PT_CPU_PACK floats. */
void cpu_product_own_tile(const pt_product_shape *shape, const float *a, const float *b, float *c, float *room);

/* ---- what distances.c lends to nearest.c ---- */

/* What rows of x (n x d) bring to their distances: |x|^2 for euclidean, 1 / |x| for cosine, nothing for manhattan. */
void cpu_distance_norms(pt_backend *be, int metric, const float *x, size_t n, size_t d, float *norm);
/* m x n distances on the calling thread, rows `stride` apart; for euclidean -2 a.b alone, and the norms are still to be added,
 * which is what *add says. own as cpu_product_begin tells; false when oneDNN failed. */
bool cpu_distance_tile(pt_cpu *cpu, bool own, int metric, const float *a, size_t m, const float *norm_a, const float *b,
                       size_t n, const float *norm_b, size_t d, float *out, size_t stride, bool *add);

#endif
