#include "tsne/repulsor.h"

#include <stdlib.h>

#include "base/memory.h"
#include "tsne/tree.h"

static ptsne_status host_create(pt_repulsor *r, size_t n, size_t m, ptsne_error *err)
{
    r->host_points = pt_array_aligned(n * r->d, sizeof(float));
    r->host_y = pt_array_aligned(m * r->d, sizeof(float));
    r->host_force = pt_array_aligned(m * r->d, sizeof(float));
    r->host_potential = pt_array_aligned(m, sizeof(float));
    if (r->host_points && r->host_y && r->host_force && r->host_potential) { return PTSNE_OK; }
    return pt_fail_memory(err, "the points of a tree", 4.0 * (double)(r->d * (n + 2 * m) + m));
}

ptsne_status pt_repulsor_create(pt_backend *be, const ptsne_embed_options *settings, size_t n, size_t m, pt_repulsor *r,
                                ptsne_error *err)
{
    *r = (pt_repulsor){
        .be = be,
        .method = settings->method,
        .d = settings->n_components,
        .theta = (float)settings->theta,
        .dof = (float)settings->dof,
    };
    ptsne_status status = PTSNE_OK;
    if (r->method == PTSNE_METHOD_FIELD) {
        status = pt_field_create(be, n, r->d, r->dof, (float)settings->spacing, &r->field, err);
    } else if (r->method == PTSNE_METHOD_BARNES_HUT) {
        status = host_create(r, n, m, err);
    }
    if (status != PTSNE_OK) { pt_repulsor_destroy(r); }
    return status;
}

void pt_repulsor_destroy(pt_repulsor *r)
{
    pt_field_destroy(r->field);
    free(r->host_points);
    free(r->host_y);
    free(r->host_force);
    free(r->host_potential);
    *r = (pt_repulsor){0};
}

ptsne_status pt_repulsor_points(pt_repulsor *r, const pt_buffer *y, size_t n, const float *low, const float *high,
                                bool own, ptsne_error *err)
{
    r->points = *y;
    r->n = n;
    if (r->method == PTSNE_METHOD_FIELD) { return pt_field_build(r->field, y, n, low, high, own, err); }
    if (r->method == PTSNE_METHOD_EXACT) { return PTSNE_OK; }
    const pt_buffer view = pt_buffer_view(y, 0, n * r->d);
    return pt_download(r->be, &view, r->host_points, err);
}

static ptsne_status tree_forces(pt_repulsor *r, const pt_buffer *y, size_t m, const pt_buffer *force,
                                const pt_buffer *potential, ptsne_error *err)
{
    const pt_buffer view = pt_buffer_view(y, 0, m * r->d);
    const pt_buffer force_view = pt_buffer_view(force, 0, m * r->d), potential_view = pt_buffer_view(potential, 0, m);
    ptsne_status status = pt_download(r->be, &view, r->host_y, err);
    if (status == PTSNE_OK) {
        status = pt_tree_repulsion(r->host_y, m, r->host_points, r->n, r->d, (double)r->theta, (double)r->dof,
                                   r->be->threads, r->host_force, r->host_potential, err);
    }
    if (status == PTSNE_OK) { status = pt_upload(r->be, r->host_force, &force_view, err); }
    if (status == PTSNE_OK) { status = pt_upload(r->be, r->host_potential, &potential_view, err); }
    return status;
}

ptsne_status pt_repulsor_forces(pt_repulsor *r, const pt_buffer *y, size_t m, const pt_buffer *force,
                                const pt_buffer *potential, ptsne_error *err)
{
    switch (r->method) {
    case PTSNE_METHOD_FIELD:
        return pt_field_evaluate(r->field, y, m, force, potential, err);
    case PTSNE_METHOD_BARNES_HUT:
        return tree_forces(r, y, m, force, potential, err);
    default:
        return pt_repulsion(r->be, y, m, &r->points, r->n, r->d, r->dof, force, potential, err);
    }
}
