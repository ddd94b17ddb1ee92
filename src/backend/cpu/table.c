/* The table of one level, and the ops that only move memory. */
#include "backend/cpu/level.h"

#include <string.h>

const pt_backend_ops cpu_ops = {
    .version = PT_BACKEND_VERSION,
    .name = "cpu",
    .open = pt_cpu_open,
    .close = pt_cpu_close,
    .describe = pt_cpu_describe,
    .buffer_create = pt_cpu_buffer_create,
    .buffer_destroy = pt_cpu_buffer_destroy,
    .upload = cpu_upload,
    .download = cpu_download,
    .fill = cpu_fill,
    .copy = cpu_copy,
    .product = cpu_product,
    .column_sums = cpu_column_sums,
    .gather_rows = cpu_gather_rows,
    .metric_find = cpu_metric_find,
    .distances = cpu_distances,
    .distance_roots = cpu_distance_roots,
    .nearest_merge = cpu_nearest_merge,
    .nearest_begin = cpu_nearest_begin,
    .nearest_add = cpu_nearest_add,
    .nearest_end = cpu_nearest_end,
    .rank_counts = cpu_rank_counts,
    .affinities_conditional = cpu_affinities_conditional,
    .affinities_joint = cpu_affinities_joint,
    .student_sums = cpu_student_sums,
    .tsne_gradient = cpu_tsne_gradient,
    .edges_gradient = cpu_edges_gradient,
    .attraction = cpu_attraction,
    .repulsion = cpu_repulsion,
    .potential_sum = cpu_potential_sum,
    .embedding_step = cpu_embedding_step,
    .grid_spread_scratch = cpu_grid_spread_scratch,
    .grid_spread = cpu_grid_spread,
    .grid_restrict = cpu_grid_restrict,
    .grid_convolve_scratch = cpu_grid_convolve_scratch,
    .grid_convolve = cpu_grid_convolve,
    .grid_prolong = cpu_grid_prolong,
    .grid_gather = cpu_grid_gather,
    .bias_activation = cpu_bias_activation,
    .activation_gradient = cpu_activation_gradient,
    .dropout = cpu_dropout,
    .convolution_scratch = cpu_convolution_scratch,
    .convolution = cpu_convolution,
    .convolution_inputs = cpu_convolution_inputs,
    .convolution_weights = cpu_convolution_weights,
    .max_pool = cpu_max_pool,
    .max_pool_gradient = cpu_max_pool_gradient,
    .column_moments = cpu_column_moments,
    .normalize = cpu_normalize,
    .normalize_gradient = cpu_normalize_gradient,
    .blend = cpu_blend,
    .anchors = cpu_anchors,
    .anchors_gradient = cpu_anchors_gradient,
    .cross_entropy = cpu_cross_entropy,
    .squared_error = cpu_squared_error,
    .cauchy_error = cpu_cauchy_error,
    .sgd_step = cpu_sgd_step,
    .adam_step = cpu_adam_step,
};

#define CHUNK ((size_t)256 * 1024) /* elements: 1 MiB, so that short copies stay on one thread */

static void move(const pt_backend *be, const void *from, void *to, size_t count)
{
    const size_t bytes = count * sizeof(float), step = CHUNK * sizeof(float), chunks = pt_ceil_div(count, CHUNK);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t at = c * step, left = bytes - at;
        memcpy((char *)to + at, (const char *)from + at, left < step ? left : step);
    }
}

ptsne_status cpu_upload(pt_backend *be, const void *from, const pt_buffer *to, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    move(be, from, pt_cpu_floats(to), to->count);
    return PTSNE_OK;
}

ptsne_status cpu_download(pt_backend *be, const pt_buffer *from, void *to, ptsne_error *err)
{
    (void)err;
    move(be, pt_cpu_floats(from), to, from->count);
    return PTSNE_OK;
}

ptsne_status cpu_copy(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err)
{
    (void)err;
    move(be, pt_cpu_floats(from), pt_cpu_floats(to), from->count);
    return PTSNE_OK;
}

ptsne_status cpu_fill(pt_backend *be, const pt_buffer *to, float value, ptsne_error *err)
{
    (void)err;
    float *x = pt_cpu_floats(to);
    const size_t count = to->count, chunks = pt_ceil_div(count, CHUNK);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * CHUNK < count ? (c + 1) * CHUNK : count;
        for (size_t t = c * CHUNK; t < end; t++) { x[t] = value; }
    }
    return PTSNE_OK;
}
