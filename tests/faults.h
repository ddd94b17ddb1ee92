/* Failures on demand: the k-th of all host allocations and device calls fails, for k = 1, 2, 3 ... until none does.
 *
 * Include it in one file of a test program, and link that with ptsne_faults() of CMakeLists.txt, which sends the
 * library's malloc, calloc, realloc and posix_memalign here. The ops are reached by a copy of the backend's table. Walk it
 * under the address sanitizer: then every way out is also checked for leaks. */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include <errno.h>

#include "backend/backend.h"

static struct {
    const pt_backend_ops *real;
    size_t calls, fail_at; /* fail_at 0: never */
    bool forgiven;         /* an action says: it met a failure, did without, and its result is the right one */
} faults;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
int __real_posix_memalign(void **memory, size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes);

static bool fault_due(void)
{
    return ++faults.calls == faults.fail_at;
}

void *__wrap_malloc(size_t bytes)
{
    return fault_due() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fault_due() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return fault_due() ? NULL : __real_realloc(memory, bytes);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    return fault_due() ? ENOMEM : __real_posix_memalign(memory, alignment, bytes);
}

static ptsne_status fault(ptsne_error *err)
{
    return pt_fail(err, PTSNE_ERR_DEVICE, "failure on demand");
}

static ptsne_status fault_buffer_create(pt_backend *be, size_t count, pt_buffer *buffer, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->buffer_create(be, count, buffer, err);
}

static ptsne_status fault_upload(pt_backend *be, const void *from, const pt_buffer *to, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->upload(be, from, to, err);
}

static ptsne_status fault_download(pt_backend *be, const pt_buffer *from, void *to, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->download(be, from, to, err);
}

static ptsne_status fault_fill(pt_backend *be, const pt_buffer *to, float value, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->fill(be, to, value, err);
}

static ptsne_status fault_product(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                                  const pt_buffer *c, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->product(be, shape, a, b, c, err);
}

static ptsne_status fault_distances(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b,
                                    size_t n, size_t d, const pt_buffer *out, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->distances(be, metric, a, m, b, n, d, out, err);
}

static ptsne_status fault_distance_roots(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                         size_t column_from, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->distance_roots(be, tile, m, n, row_from, column_from, err);
}

static ptsne_status fault_nearest_merge(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                        size_t column_from, size_t k, const pt_buffer *best_d, const pt_buffer *best_i,
                                        ptsne_error *err)
{
    if (fault_due()) { return fault(err); }
    return faults.real->nearest_merge(be, tile, m, n, row_from, column_from, k, best_d, best_i, err);
}

static ptsne_status fault_nearest_begin(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->nearest_begin(be, m, k, lists, err);
}

static ptsne_status fault_nearest_add(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b,
                                      size_t n, size_t d, size_t row_from, size_t column_from, size_t k,
                                      const pt_buffer *lists, const pt_buffer *lists_b, ptsne_error *err)
{
    if (fault_due()) { return fault(err); }
    return faults.real->nearest_add(be, metric, a, m, b, n, d, row_from, column_from, k, lists, lists_b, err);
}

static ptsne_status fault_nearest_end(pt_backend *be, size_t m, size_t k, const pt_buffer *lists,
                                      const pt_buffer *best_d, const pt_buffer *best_i, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->nearest_end(be, m, k, lists, best_d, best_i, err);
}

static ptsne_status fault_rank_counts(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                      size_t column_from, const pt_buffer *limit, size_t k, const pt_buffer *count,
                                      ptsne_error *err)
{
    if (fault_due()) { return fault(err); }
    return faults.real->rank_counts(be, tile, m, n, row_from, column_from, limit, k, count, err);
}

static ptsne_status fault_affinities_conditional(pt_backend *be, const pt_buffer *d2, size_t m, size_t k,
                                                 size_t self_from, float perplexity, float weight, bool accumulate,
                                                 const pt_buffer *p, const pt_buffer *beta, ptsne_error *err)
{
    if (fault_due()) { return fault(err); }
    return faults.real->affinities_conditional(be, d2, m, k, self_from, perplexity, weight, accumulate, p, beta, err);
}

static ptsne_status fault_student_sums(pt_backend *be, const pt_buffer *y, size_t n, size_t d, size_t from, size_t m,
                                       const pt_buffer *z, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->student_sums(be, y, n, d, from, m, z, err);
}

static ptsne_status fault_copy(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->copy(be, from, to, err);
}

static ptsne_status fault_column_sums(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                                      ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->column_sums(be, x, n, d, out, err);
}

static ptsne_status fault_gather_rows(pt_backend *be, const pt_buffer *x, size_t rows, size_t d, const pt_buffer *a,
                                      const pt_buffer *b, const pt_buffer *t, size_t n, const pt_buffer *out,
                                      ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->gather_rows(be, x, rows, d, a, b, t, n, out, err);
}

static ptsne_status fault_metric_find(pt_backend *be, const char *name, int *metric, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->metric_find(be, name, metric, err);
}

static ptsne_status fault_affinities_joint(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint,
                                           ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->affinities_joint(be, p, n, joint, err);
}

static ptsne_status fault_tsne_gradient(pt_backend *be, const pt_buffer *p, const pt_buffer *y, size_t n, size_t d,
                                        float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                        const pt_buffer *loss, ptsne_error *err)
{
    return fault_due() ? fault(err)
                       : faults.real->tsne_gradient(be, p, y, n, d, exaggeration, scratch, gradient, loss, err);
}

static ptsne_status fault_edges_gradient(pt_backend *be, const pt_buffer *y, const pt_buffer *sample, size_t m,
                                         size_t d, float exaggeration, const pt_buffer *scratch,
                                         const pt_buffer *gradient, const pt_buffer *loss, ptsne_error *err)
{
    return fault_due() ? fault(err)
                       : faults.real->edges_gradient(be, y, sample, m, d, exaggeration, scratch, gradient, loss, err);
}

static ptsne_status fault_attraction(pt_backend *be, const pt_edges *edges, const pt_buffer *y, const pt_buffer *to,
                                     size_t d, float dof, const pt_buffer *scratch, const pt_buffer *force,
                                     const pt_buffer *loss, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->attraction(be, edges, y, to, d, dof, scratch, force, loss, err);
}

static ptsne_status fault_repulsion(pt_backend *be, const pt_buffer *y, size_t m, const pt_buffer *to, size_t n,
                                    size_t d, float dof, const pt_buffer *force, const pt_buffer *potential,
                                    ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->repulsion(be, y, m, to, n, d, dof, force, potential, err);
}

static ptsne_status fault_potential_sum(pt_backend *be, const pt_buffer *potential, size_t n, float self,
                                        const pt_buffer *scratch, const pt_buffer *z, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->potential_sum(be, potential, n, self, scratch, z, err);
}

static ptsne_status fault_embedding_step(pt_backend *be, const pt_descent *descent, const pt_buffer *attraction,
                                         const pt_buffer *repulsion, const pt_buffer *z, size_t n, size_t d,
                                         const pt_buffer *y, const pt_buffer *velocity, const pt_buffer *gains,
                                         const pt_buffer *scratch, const pt_buffer *stats, ptsne_error *err)
{
    if (fault_due()) { return fault(err); }
    return faults.real->embedding_step(be, descent, attraction, repulsion, z, n, d, y, velocity, gains, scratch, stats,
                                       err);
}

static ptsne_status fault_bias_activation(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *bias,
                                          pt_activation activation, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->bias_activation(be, x, n, d, bias, activation, err);
}

static ptsne_status fault_activation_gradient(pt_backend *be, const pt_buffer *y, size_t count,
                                              pt_activation activation, const pt_buffer *g, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->activation_gradient(be, y, count, activation, g, err);
}

static ptsne_status fault_dropout(pt_backend *be, const pt_buffer *x, size_t count, const pt_mask *mask,
                                  ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->dropout(be, x, count, mask, err);
}

static ptsne_status fault_sgd_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *v,
                                   float learning_rate, float momentum, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->sgd_step(be, w, g, v, learning_rate, momentum, err);
}

static ptsne_status fault_adam_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                                    const pt_buffer *v, const pt_adam *adam, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->adam_step(be, w, g, m, v, adam, err);
}

static ptsne_status fault_grid_spread(pt_backend *be, const pt_grid *grid, const pt_buffer *y, size_t n,
                                      const pt_buffer *scratch, const pt_buffer *charge, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->grid_spread(be, grid, y, n, scratch, charge, err);
}

static ptsne_status fault_grid_restrict(pt_backend *be, const pt_grid *fine, const pt_buffer *from,
                                        const pt_grid *coarse, const pt_buffer *to, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->grid_restrict(be, fine, from, coarse, to, err);
}

static ptsne_status fault_grid_convolve(pt_backend *be, const pt_grid *grid, const pt_grid_kernel *kernel,
                                        const pt_buffer *charge, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                                        const pt_buffer *potential, ptsne_error *err)
{
    return fault_due() ? fault(err)
                       : faults.real->grid_convolve(be, grid, kernel, charge, y, n, scratch, potential, err);
}

static ptsne_status fault_grid_prolong(pt_backend *be, const pt_grid *coarse, const pt_buffer *from,
                                       const pt_grid *fine, const pt_buffer *to, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->grid_prolong(be, coarse, from, fine, to, err);
}

static ptsne_status fault_grid_gather(pt_backend *be, const pt_grid *grid, const pt_buffer *values, const pt_buffer *y,
                                      size_t n, float base, float scale, bool add, const pt_buffer *force,
                                      const pt_buffer *potential, ptsne_error *err)
{
    return fault_due() ? fault(err)
                       : faults.real->grid_gather(be, grid, values, y, n, base, scale, add, force, potential, err);
}

static ptsne_status fault_convolution(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n,
                                      size_t filters, const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *y,
                                      ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->convolution(be, window, x, n, filters, w, scratch, y, err);
}

static ptsne_status fault_convolution_inputs(pt_backend *be, const pt_window *window, const pt_buffer *g, size_t n,
                                             size_t filters, const pt_buffer *w, const pt_buffer *scratch,
                                             const pt_buffer *gx, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->convolution_inputs(be, window, g, n, filters, w, scratch, gx, err);
}

static ptsne_status fault_convolution_weights(pt_backend *be, const pt_window *window, const pt_buffer *x,
                                              const pt_buffer *g, size_t n, size_t filters, const pt_buffer *scratch,
                                              const pt_buffer *gw, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->convolution_weights(be, window, x, g, n, filters, scratch, gw, err);
}

static ptsne_status fault_max_pool(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n,
                                   const pt_buffer *y, const pt_buffer *which, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->max_pool(be, window, x, n, y, which, err);
}

static ptsne_status fault_max_pool_gradient(pt_backend *be, const pt_window *window, const pt_buffer *g,
                                            const pt_buffer *which, size_t n, const pt_buffer *gx, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->max_pool_gradient(be, window, g, which, n, gx, err);
}

static ptsne_status fault_column_moments(pt_backend *be, const pt_buffer *x, size_t n, size_t d,
                                         const pt_buffer *scratch, const pt_buffer *mean, const pt_buffer *variance,
                                         ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->column_moments(be, x, n, d, scratch, mean, variance, err);
}

static ptsne_status fault_normalize(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                                    const pt_buffer *variance, const pt_buffer *gain, const pt_buffer *shift,
                                    float epsilon, pt_activation activation, const pt_buffer *y, ptsne_error *err)
{
    return fault_due() ? fault(err)
                       : faults.real->normalize(be, x, n, d, mean, variance, gain, shift, epsilon, activation, y, err);
}

static ptsne_status fault_normalize_gradient(pt_backend *be, const pt_buffer *x, size_t n, size_t d,
                                             const pt_buffer *mean, const pt_buffer *variance, const pt_buffer *gain,
                                             float epsilon, const pt_buffer *g, const pt_buffer *scratch,
                                             const pt_buffer *gain_gradient, const pt_buffer *shift_gradient,
                                             ptsne_error *err)
{
    return fault_due() ? fault(err)
                       : faults.real->normalize_gradient(be, x, n, d, mean, variance, gain, epsilon, g, scratch,
                                                         gain_gradient, shift_gradient, err);
}

static ptsne_status fault_blend(pt_backend *be, float alpha, const pt_buffer *x, float beta, const pt_buffer *y,
                                ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->blend(be, alpha, x, beta, y, err);
}

static ptsne_status fault_anchors(pt_backend *be, const pt_buffer *z, size_t n, size_t k, size_t d, const pt_buffer *a,
                                  const pt_buffer *p, const pt_buffer *y, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->anchors(be, z, n, k, d, a, p, y, err);
}

static ptsne_status fault_anchors_gradient(pt_backend *be, const pt_buffer *p, size_t n, size_t k, size_t d,
                                           const pt_buffer *a, const pt_buffer *g, const pt_buffer *class_of,
                                           float weight, const pt_buffer *gz, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->anchors_gradient(be, p, n, k, d, a, g, class_of, weight, gz, err);
}

static ptsne_status fault_cross_entropy(pt_backend *be, const pt_buffer *z, const pt_buffer *class_of, size_t n,
                                        size_t k, const pt_buffer *scratch, const pt_buffer *loss,
                                        const pt_buffer *gradient, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->cross_entropy(be, z, class_of, n, k, scratch, loss, gradient, err);
}

static ptsne_status fault_squared_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                                        const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                        ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->squared_error(be, y, target, n, d, scratch, loss, gradient, err);
}

static ptsne_status fault_cauchy_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                                       float h, const pt_buffer *scratch, const pt_buffer *loss,
                                       const pt_buffer *gradient, ptsne_error *err)
{
    return fault_due() ? fault(err) : faults.real->cauchy_error(be, y, target, n, d, h, scratch, loss, gradient, err);
}

/* Run action(be, context) with failure 1, 2, 3 ... until one run meets none; each that met one must return an error and a
 * message, or set faults.forgiven. Returns how many failures there were: a test asserts that it was not 0. */
static inline size_t faults_walk(pt_backend *be, ptsne_status (*action)(pt_backend *, void *, ptsne_error *),
                                 void *context)
{
    faults.real = be->ops;
    pt_backend_ops table = *be->ops;
    table.buffer_create = fault_buffer_create;
    table.upload = fault_upload;
    table.download = fault_download;
    table.fill = fault_fill;
    table.product = fault_product;
    table.distances = fault_distances;
    table.distance_roots = fault_distance_roots;
    table.nearest_merge = fault_nearest_merge;
    table.nearest_begin = fault_nearest_begin;
    table.nearest_add = fault_nearest_add;
    table.nearest_end = fault_nearest_end;
    table.rank_counts = fault_rank_counts;
    table.affinities_conditional = fault_affinities_conditional;
    table.student_sums = fault_student_sums;
    table.copy = fault_copy;
    table.column_sums = fault_column_sums;
    table.gather_rows = fault_gather_rows;
    table.metric_find = fault_metric_find;
    table.affinities_joint = fault_affinities_joint;
    table.tsne_gradient = fault_tsne_gradient;
    table.edges_gradient = fault_edges_gradient;
    table.attraction = fault_attraction;
    table.repulsion = fault_repulsion;
    table.potential_sum = fault_potential_sum;
    table.embedding_step = fault_embedding_step;
    table.bias_activation = fault_bias_activation;
    table.activation_gradient = fault_activation_gradient;
    table.dropout = fault_dropout;
    table.sgd_step = fault_sgd_step;
    table.adam_step = fault_adam_step;
    table.grid_spread = fault_grid_spread;
    table.grid_restrict = fault_grid_restrict;
    table.grid_convolve = fault_grid_convolve;
    table.grid_prolong = fault_grid_prolong;
    table.grid_gather = fault_grid_gather;
    table.convolution = fault_convolution;
    table.convolution_inputs = fault_convolution_inputs;
    table.convolution_weights = fault_convolution_weights;
    table.max_pool = fault_max_pool;
    table.max_pool_gradient = fault_max_pool_gradient;
    table.column_moments = fault_column_moments;
    table.normalize = fault_normalize;
    table.normalize_gradient = fault_normalize_gradient;
    table.blend = fault_blend;
    table.anchors = fault_anchors;
    table.anchors_gradient = fault_anchors_gradient;
    table.cross_entropy = fault_cross_entropy;
    table.squared_error = fault_squared_error;
    table.cauchy_error = fault_cauchy_error;
    be->ops = &table;
    const size_t used = be->memory_used;
    for (faults.fail_at = 1;; faults.fail_at++) {
        ptsne_error err = {0};
        faults.calls = 0;
        faults.forgiven = false;
        const ptsne_status status = action(be, context, &err);
        const bool met = faults.calls >= faults.fail_at;
        const bool failed = met && !(status == PTSNE_OK && faults.forgiven);
        if (failed == (status == PTSNE_OK) || (failed && err.message[0] == '\0') || be->memory_used != used) {
            fail_msg("failure %zu: status %d, \"%s\", %zu bytes on the device", faults.fail_at, (int)status,
                     err.message, be->memory_used - used);
        }
        if (!met) { break; }
    }
    const size_t walked = faults.fail_at - 1;
    faults.fail_at = 0;
    be->ops = faults.real;
    return walked;
}

#endif
