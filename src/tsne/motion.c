#include "tsne/motion.h"

#include <math.h>
#include <string.h>

/* What is taken on the device, in one list, for taking and for counting. */
enum { BUFFERS = 14 };
typedef struct part {
    pt_buffer *buffer;
    size_t count;
} part;

static void parts_list(pt_motion *m, size_t n_entries, part parts[BUFFERS])
{
    const size_t n = m->n, d = m->d;
    const part all[BUFFERS] = {
        {&m->reference, m->n_reference * d},
        {&m->edges.row, n + 1},
        {&m->edges.column, n_entries},
        {&m->edges.p, n_entries},
        {&m->y, n * d},
        {&m->velocity, n * d},
        {&m->gains, n * d},
        {&m->attraction, n * d},
        {&m->repulsion, n * d},
        {&m->potential, n},
        {&m->z, 1},
        {&m->loss, 1},
        {&m->scratch, pt_map_scratch(n, d)},
        {&m->stats, PT_STEP_STATS(d)},
    };
    memcpy(parts, all, sizeof all);
}

ptsne_status pt_motion_create(pt_backend *be, const ptsne_embed_options *settings, size_t n, size_t n_entries,
                              size_t n_reference, pt_motion *m, ptsne_error *err)
{
    *m = (pt_motion){
        .be = be,
        .n = n,
        .d = settings->n_components,
        .dof = (float)settings->dof,
        .n_reference = n_reference,
        .edges = {.m = n, .n = n_reference > 0 ? n_reference : n},
    };
    part parts[BUFFERS];
    parts_list(m, n_entries, parts);
    ptsne_status status = PTSNE_OK;
    for (size_t b = 0; b < BUFFERS && status == PTSNE_OK; b++) {
        if (parts[b].count > 0) { status = pt_buffer_create(be, parts[b].count, parts[b].buffer, err); }
    }
    if (status == PTSNE_OK) { status = pt_repulsor_create(be, settings, m->edges.n, n, &m->repulsor, err); }
    if (status != PTSNE_OK) { pt_motion_destroy(m); }
    return status;
}

void pt_motion_destroy(pt_motion *m)
{
    if (m->be == NULL) { return; }
    part parts[BUFFERS];
    parts_list(m, 0, parts);
    for (size_t b = 0; b < BUFFERS; b++) { pt_buffer_destroy(m->be, parts[b].buffer); }
    pt_repulsor_destroy(&m->repulsor);
    *m = (pt_motion){0};
}

size_t pt_motion_bytes(size_t n, size_t d, size_t n_entries, size_t n_reference)
{
    pt_motion m = {.n = n, .d = d, .n_reference = n_reference};
    part parts[BUFFERS];
    parts_list(&m, n_entries, parts);
    size_t bytes = 0;
    for (size_t b = 0; b < BUFFERS; b++) { bytes += parts[b].count * sizeof(float); }
    return bytes;
}

static void box_of(const float *y, size_t n, size_t d, float *low, float *high)
{
    for (size_t a = 0; a < d; a++) {
        low[a] = INFINITY;
        high[a] = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            low[a] = fminf(low[a], y[i * d + a]);
            high[a] = fmaxf(high[a], y[i * d + a]);
        }
    }
}

ptsne_status pt_motion_place(pt_motion *m, const float *y, ptsne_error *err)
{
    box_of(y, m->n, m->d, m->low, m->high);
    ptsne_status status = pt_upload(m->be, y, &m->y, err);
    if (status == PTSNE_OK) { status = pt_fill(m->be, &m->velocity, 0.0f, err); }
    if (status == PTSNE_OK) { status = pt_fill(m->be, &m->gains, 1.0f, err); }
    return status;
}

/* The field of points that stay, for a box that holds the moving ones too: with room, as they will go on moving. */
static ptsne_status anchor_build(pt_motion *m, ptsne_error *err)
{
    for (size_t a = 0; a < m->d; a++) {
        const float room = 0.05f * (m->roof[a] - m->floor[a]) + 1.0f;
        if (m->low[a] < m->floor[a]) { m->floor[a] = m->low[a] - room; }
        if (m->high[a] > m->roof[a]) { m->roof[a] = m->high[a] + room; }
    }
    return pt_repulsor_points(&m->repulsor, &m->reference, m->n_reference, m->floor, m->roof, false, err);
}

ptsne_status pt_motion_anchor(pt_motion *m, const float *y, ptsne_error *err)
{
    box_of(y, m->n_reference, m->d, m->floor, m->roof);
    for (size_t a = 0; a < m->d; a++) {
        m->low[a] = m->floor[a];
        m->high[a] = m->roof[a];
    }
    const ptsne_status status = pt_upload(m->be, y, &m->reference, err);
    return status == PTSNE_OK ? anchor_build(m, err) : status;
}

static ptsne_status repel(pt_motion *m, ptsne_error *err)
{
    ptsne_status status = PTSNE_OK;
    if (m->n_reference == 0) {
        status = pt_repulsor_points(&m->repulsor, &m->y, m->n, m->low, m->high, true, err);
    } else {
        bool outside = false;
        for (size_t a = 0; a < m->d; a++) { outside = outside || m->low[a] < m->floor[a] || m->high[a] > m->roof[a]; }
        if (outside) { status = anchor_build(m, err); }
    }
    if (status == PTSNE_OK) {
        status = pt_repulsor_forces(&m->repulsor, &m->y, m->n, &m->repulsion, &m->potential, err);
    }
    if (status == PTSNE_OK && m->n_reference == 0) {
        status = pt_potential_sum(m->be, &m->potential, m->n, 1.0f, &m->scratch, &m->z, err);
    }
    return status;
}

ptsne_status pt_motion_forces(pt_motion *m, double *cross, ptsne_error *err)
{
    const pt_buffer *to = m->n_reference == 0 ? &m->y : &m->reference;
    ptsne_status status = pt_attraction(m->be, &m->edges, &m->y, to, m->d, m->dof, &m->scratch, &m->attraction,
                                        cross == NULL ? NULL : &m->loss, err);
    if (status == PTSNE_OK) { status = repel(m, err); }
    if (status != PTSNE_OK || cross == NULL) { return status; }
    float loss = 0.0f, z = 0.0f;
    if ((status = pt_download(m->be, &m->loss, &loss, err)) != PTSNE_OK) { return status; }
    if ((status = pt_download(m->be, &m->z, &z, err)) != PTSNE_OK) { return status; }
    *cross = (double)loss + log((double)z);
    return PTSNE_OK;
}

ptsne_status pt_motion_step(pt_motion *m, pt_descent descent, double *cross, ptsne_error *err)
{
    ptsne_status status = pt_motion_forces(m, cross, err);
    if (status != PTSNE_OK) { return status; }
    descent.own_z = m->n_reference > 0;
    status = pt_embedding_step(m->be, &descent, &m->attraction, &m->repulsion, descent.own_z ? &m->potential : &m->z,
                               m->n, m->d, &m->y, &m->velocity, &m->gains, &m->scratch, &m->stats, err);
    float stats[PT_STEP_STATS(3)];
    if (status == PTSNE_OK) { status = pt_download(m->be, &m->stats, stats, err); }
    if (status != PTSNE_OK) { return status; }
    for (size_t t = 0; t < PT_STEP_STATS(m->d); t++) {
        if (!isfinite(stats[t])) {
            return pt_fail(err, PTSNE_ERR_DIVERGED, "the map left the range of float32: a smaller learning rate helps");
        }
    }
    memcpy(m->low, stats, m->d * sizeof(float));
    memcpy(m->high, stats + m->d, m->d * sizeof(float));
    m->length = sqrt((double)stats[PT_STEP_LENGTH(m->d)] / (double)m->n);
    return PTSNE_OK;
}
