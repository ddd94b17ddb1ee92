/* The module libptsne-opencl.so: its door, its op table, and which device a spec means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/opencl/buffers.h"
#include "backend/opencl/opencl.h"
#include "backend/opencl/probe.h"

/* ---- opening ---- */

/* The device of the spec in the list: "opencl" is the first one, which is the best. */
static ptsne_status choose(const char *spec, const pt_found *list, size_t count, const char *why,
                           const pt_found **chosen, ptsne_error *err)
{
    unsigned platform, device;
    int end = 0;
    const bool any = strcmp(spec, "opencl") == 0;
    if (!any && (sscanf(spec, "opencl:%u.%u%n", &platform, &device, &end) != 2 || spec[end] != '\0')) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "\"%s\" is not a device: opencl or opencl:PLATFORM.DEVICE", spec);
    }
    for (size_t i = 0; i < count; i++) {
        if (any || (list[i].platform == platform && list[i].device == device)) {
            *chosen = &list[i];
            return PTSNE_OK;
        }
    }
    if (count == 0) { return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no OpenCL device: %s", why); }
    char names[768] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s (%s)", i == 0 ? "" : ", ", list[i].info.spec,
                                 list[i].info.name);
    }
    return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no device %s: there are %s", spec, names);
}

static ptsne_status opencl_open(const pt_backend_config *config, pt_backend **be, ptsne_error *err);

static void opencl_close(pt_backend *be)
{
    pt_device_close(pt_device_of(be));
}

static void opencl_describe(const pt_backend *be, ptsne_device_info *info)
{
    *info = ((const pt_device *)be)->info;
}

static ptsne_status opencl_devices(ptsne_device_info **list, size_t *count, ptsne_error *err)
{
    pt_found *found = NULL;
    char why[256];
    *list = NULL;
    const ptsne_status status = pt_probe(&found, count, why, sizeof why, err);
    if (status != PTSNE_OK || *count == 0) { return status; }
    *list = malloc(*count * sizeof **list);
    for (size_t i = 0; *list != NULL && i < *count; i++) { (*list)[i] = found[i].info; }
    free(found);
    return *list != NULL ? PTSNE_OK : pt_fail_memory(err, "the list of devices", (double)(*count * sizeof **list));
}

/* ---- memory ---- */

static ptsne_status opencl_buffer_create(pt_backend *be, size_t count, pt_buffer *buffer, ptsne_error *err)
{
    return pt_device_buffer(pt_device_of(be), count, buffer, err);
}

static void opencl_buffer_destroy(pt_backend *be, pt_buffer *buffer)
{
    pt_device_release(pt_device_of(be), buffer);
}

static ptsne_status opencl_upload(pt_backend *be, const void *from, const pt_buffer *to, ptsne_error *err)
{
    return pt_buffer_write(pt_device_of(be), from, to, err);
}

static ptsne_status opencl_download(pt_backend *be, const pt_buffer *from, void *to, ptsne_error *err)
{
    return pt_buffer_read(pt_device_of(be), from, to, err);
}

static ptsne_status opencl_fill(pt_backend *be, const pt_buffer *to, float value, ptsne_error *err)
{
    return pt_buffer_fill(pt_device_of(be), to, value, err);
}

static ptsne_status opencl_copy(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err)
{
    return pt_buffer_copy(pt_device_of(be), from, to, err);
}

/* ---- the table ---- */

static const pt_backend_ops ops = {
    .version = PT_BACKEND_VERSION,
    .name = "opencl",
    .open = opencl_open,
    .close = opencl_close,
    .describe = opencl_describe,
    .buffer_create = opencl_buffer_create,
    .buffer_destroy = opencl_buffer_destroy,
    .upload = opencl_upload,
    .download = opencl_download,
    .fill = opencl_fill,
    .copy = opencl_copy,
    .product = opencl_product,
    .column_sums = opencl_column_sums,
    .gather_rows = opencl_gather_rows,
    .metric_find = opencl_metric_find,
    .distances = opencl_distances,
    .distance_roots = opencl_distance_roots,
    .nearest_merge = opencl_nearest_merge,
    .nearest_begin = opencl_nearest_begin,
    .nearest_add = opencl_nearest_add,
    .nearest_end = opencl_nearest_end,
    .rank_counts = opencl_rank_counts,
    .affinities_conditional = opencl_affinities_conditional,
    .affinities_joint = opencl_affinities_joint,
    .student_sums = opencl_student_sums,
    .tsne_gradient = opencl_tsne_gradient,
    .edges_gradient = opencl_edges_gradient,
    .attraction = opencl_attraction,
    .repulsion = opencl_repulsion,
    .potential_sum = opencl_potential_sum,
    .embedding_step = opencl_embedding_step,
    .grid_spread_scratch = opencl_grid_spread_scratch,
    .grid_spread = opencl_grid_spread,
    .grid_restrict = opencl_grid_restrict,
    .grid_convolve_scratch = opencl_grid_convolve_scratch,
    .grid_convolve = opencl_grid_convolve,
    .grid_prolong = opencl_grid_prolong,
    .grid_gather = opencl_grid_gather,
    .bias_activation = opencl_bias_activation,
    .activation_gradient = opencl_activation_gradient,
    .dropout = opencl_dropout,
    .convolution_scratch = opencl_convolution_scratch,
    .convolution = opencl_convolution,
    .convolution_inputs = opencl_convolution_inputs,
    .convolution_weights = opencl_convolution_weights,
    .max_pool = opencl_max_pool,
    .max_pool_gradient = opencl_max_pool_gradient,
    .column_moments = opencl_column_moments,
    .normalize = opencl_normalize,
    .normalize_gradient = opencl_normalize_gradient,
    .blend = opencl_blend,
    .anchors = opencl_anchors,
    .anchors_gradient = opencl_anchors_gradient,
    .cross_entropy = opencl_cross_entropy,
    .squared_error = opencl_squared_error,
    .cauchy_error = opencl_cauchy_error,
    .sgd_step = opencl_sgd_step,
    .adam_step = opencl_adam_step,
};

static ptsne_status opencl_open(const pt_backend_config *config, pt_backend **be, ptsne_error *err)
{
    pt_found *list = NULL;
    const pt_found *chosen = NULL;
    size_t count = 0;
    char why[256];
    cl_platform_id platform = NULL;
    cl_device_id id = NULL;
    pt_device *device = NULL;
    ptsne_status status = pt_probe(&list, &count, why, sizeof why, err);
    if (status == PTSNE_OK) { status = choose(config->spec, list, count, why, &chosen, err); }
    if (status == PTSNE_OK) { status = pt_probe_handles(chosen, &platform, &id, err); }
    if (status == PTSNE_OK) { status = pt_device_open(config, platform, id, &chosen->info, &device, err); }
    free(list);
    if (status != PTSNE_OK) { return status; }
    device->base.ops = &ops;
    *be = &device->base;
    return PTSNE_OK;
}

/* What the library looks up by this name. */
PTSNE_API extern const pt_backend_module pt_module;
const pt_backend_module pt_module = {
    .version = PT_BACKEND_VERSION,
    .ops = &ops,
    .devices = opencl_devices,
};
