/* The registry of backends, and the one place where shapes are checked for all of them. */
#include "backend/backend.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/module.h"
#include "backend/selftest.h"
#include "backend/shapes.h"

/* ---- registry ---- */

typedef struct backend_row {
    const char *name;
    bool module;     /* in a shared library of its own */
    const char *off; /* environment variable that turns it off; NULL: none */
} backend_row;

static const backend_row rows[] = {
    {"opencl", true, "PTSNE_NO_OPENCL"},
    {"cpu", false, NULL},
};

size_t pt_backend_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const char *pt_backend_name(size_t index)
{
    assert(index < pt_backend_count());
    return rows[index].name;
}

/* Whether spec is "name" or "name:anything". */
static bool names(const char *spec, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(spec, name, length) == 0 && (spec[length] == '\0' || spec[length] == ':');
}

static bool turned_off(const backend_row *row)
{
    const char *value = row->off == NULL ? NULL : getenv(row->off);
    return value != NULL && *value != '\0' && strcmp(value, "0") != 0;
}

static ptsne_status module_of(const backend_row *row, const pt_backend_module **module, ptsne_error *err)
{
    if (turned_off(row)) { return pt_fail(err, PTSNE_ERR_UNAVAILABLE, "no %s: turned off by %s", row->name, row->off); }
    return pt_module_open(row->name, module, err);
}

ptsne_status pt_backend_open_config(const pt_backend_config *config, pt_backend **be, ptsne_error *err)
{
    *be = NULL;
    const char *spec = config->spec;
    if (strcmp(spec, "cpu") == 0) { return pt_cpu_open(config, be, err); }
    for (size_t k = 0; k < pt_backend_count(); k++) {
        if (!rows[k].module || !names(spec, rows[k].name)) { continue; }
        const pt_backend_module *module = NULL;
        ptsne_status status = module_of(&rows[k], &module, err);
        if (status == PTSNE_OK) { status = module->ops->open(config, be, err); }
        if (status == PTSNE_OK) { status = pt_selftest(*be, err); }
        if (status != PTSNE_OK) {
            pt_backend_close(*be);
            *be = NULL;
        }
        return status;
    }
    return pt_fail(err, PTSNE_ERR_ARGUMENT, "no backend \"%s\": cpu, opencl and opencl:P.D are known", spec);
}

ptsne_status pt_backend_open(const char *name, pt_backend **be, ptsne_error *err)
{
    const pt_backend_config config = {.spec = name};
    return pt_backend_open_config(&config, be, err);
}

void pt_backend_close(pt_backend *be)
{
    while (be != NULL) {
        pt_backend *next = be->next;
        be->ops->close(be);
        be = next;
    }
}

/* Append a module's devices to the list; a module that is not there adds none. */
static ptsne_status append_devices(const backend_row *row, ptsne_device_info **list, size_t *count, ptsne_error *err)
{
    const pt_backend_module *module = NULL;
    ptsne_device_info *more = NULL;
    size_t n_more = 0;
    if (module_of(row, &module, NULL) != PTSNE_OK) { return PTSNE_OK; }
    const ptsne_status status = module->devices(&more, &n_more, err);
    if (status != PTSNE_OK) {
        free(more);
        return status == PTSNE_ERR_MEMORY ? status : PTSNE_OK;
    }
    ptsne_device_info *longer = realloc(*list, (*count + n_more) * sizeof **list);
    if (longer == NULL) {
        free(more);
        return pt_fail_memory(err, "the list of devices", (double)(*count + n_more) * (double)sizeof **list);
    }
    if (n_more > 0) { memcpy(longer + *count, more, n_more * sizeof *more); }
    free(more);
    *list = longer;
    *count += n_more;
    return PTSNE_OK;
}

ptsne_status pt_backend_devices(ptsne_device_info **list, size_t *count, ptsne_error *err)
{
    *count = 0;
    *list = malloc(sizeof **list);
    if (*list == NULL) { return pt_fail_memory(err, "the list of devices", (double)sizeof **list); }
    pt_cpu_describe_machine(*list);
    *count = 1;
    for (size_t k = 0; k < pt_backend_count(); k++) {
        if (!rows[k].module) { continue; }
        const ptsne_status status = append_devices(&rows[k], list, count, err);
        if (status != PTSNE_OK) {
            free(*list);
            *list = NULL;
            *count = 0;
            return status;
        }
    }
    return PTSNE_OK;
}

/* ---- views ---- */

size_t pt_elements_largest(const pt_backend *be)
{
    ptsne_device_info info = {0};
    be->ops->describe(be, &info);
    const uint64_t most = info.max_allocation / sizeof(float);
    return info.max_allocation > 0 && most < SIZE_MAX ? (size_t)most : SIZE_MAX;
}

pt_buffer pt_buffer_view(const pt_buffer *buffer, size_t from, size_t count)
{
    assert(from <= buffer->count && count <= buffer->count - from);
    return (pt_buffer){buffer->handle, buffer->offset + from, count};
}

/* A row's attraction, repulsion and place, three sums of float64 or two floats each, and room to align them. */
size_t pt_gradient_scratch(size_t n, size_t d)
{
    return n * (3 * d + 6) + 64;
}

/* ---- the ops, with their shapes checked ---- */

/* Whether the buffer has room for rows x columns where rows begin `stride` apart. */
static bool holds_strided(const pt_buffer *buffer, size_t n_rows, size_t columns, size_t stride)
{
    return stride >= columns && buffer->count >= columns && (buffer->count - columns) / stride >= n_rows - 1;
}

ptsne_status pt_buffer_create(pt_backend *be, size_t count, pt_buffer *buffer, ptsne_error *err)
{
    *buffer = (pt_buffer){0};
    if (count > SIZE_MAX / sizeof(float)) {
        return pt_fail_memory(err, "a buffer", (double)count * (double)sizeof(float));
    }
    return be->ops->buffer_create(be, count, buffer, err);
}

void pt_buffer_destroy(pt_backend *be, pt_buffer *buffer)
{
    if (buffer->handle != NULL) { be->ops->buffer_destroy(be, buffer); }
    *buffer = (pt_buffer){0};
}

ptsne_status pt_upload(pt_backend *be, const void *from, const pt_buffer *to, ptsne_error *err)
{
    return to->count == 0 ? PTSNE_OK : be->ops->upload(be, from, to, err);
}

ptsne_status pt_download(pt_backend *be, const pt_buffer *from, void *to, ptsne_error *err)
{
    return from->count == 0 ? PTSNE_OK : be->ops->download(be, from, to, err);
}

ptsne_status pt_fill(pt_backend *be, const pt_buffer *to, float value, ptsne_error *err)
{
    return to->count == 0 ? PTSNE_OK : be->ops->fill(be, to, value, err);
}

ptsne_status pt_copy(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err)
{
    if (to->count < from->count) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "copy: %zu elements into %zu", from->count, to->count);
    }
    return from->count == 0 ? PTSNE_OK : be->ops->copy(be, from, to, err);
}

ptsne_status pt_product(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                        const pt_buffer *c, ptsne_error *err)
{
    const size_t m = shape->m, n = shape->n, k = shape->k;
    const size_t rows_a = shape->transpose_a ? k : m, columns_a = shape->transpose_a ? m : k;
    const size_t rows_b = shape->transpose_b ? n : k, columns_b = shape->transpose_b ? k : n;
    if (!side(m) || !side(n) || !side(k) || !holds_strided(a, rows_a, columns_a, shape->stride_a) ||
        !holds_strided(b, rows_b, columns_b, shape->stride_b) || !holds_strided(c, m, n, shape->stride_c)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "product: buffers of %zu, %zu and %zu elements, rows %zu, %zu and %zu apart, for "
                       "a %zu x %zu, b %zu x %zu, c %zu x %zu",
                       a->count, b->count, c->count, shape->stride_a, shape->stride_b, shape->stride_c, rows_a,
                       columns_a, rows_b, columns_b, m, n);
    }
    return be->ops->product(be, shape, a, b, c, err);
}

ptsne_status pt_column_sums(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                            ptsne_error *err)
{
    if (!side(n) || !side(d) || !holds(x, n, d) || out->count < d) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "column_sums: buffers of %zu and %zu elements for %zu x %zu", x->count,
                       out->count, n, d);
    }
    return be->ops->column_sums(be, x, n, d, out, err);
}

ptsne_status pt_gather_rows(pt_backend *be, const pt_buffer *x, size_t n_rows, size_t d, const pt_buffer *a,
                            const pt_buffer *b, const pt_buffer *t, size_t n, const pt_buffer *out, ptsne_error *err)
{
    if ((b == NULL) != (t == NULL)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "gather_rows: b and t come together or not at all");
    }
    if (!side(n_rows) || !side(d) || !side(n) || !holds(x, n_rows, d) || !holds(out, n, d) || a->count < n ||
        (b != NULL && (b->count < n || t->count < n))) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "gather_rows: buffers of %zu, %zu and %zu elements for %zu of %zu rows of %zu", x->count,
                       a->count, out->count, n, n_rows, d);
    }
    return be->ops->gather_rows(be, x, n_rows, d, a, b, t, n, out, err);
}

ptsne_status pt_metric_find(pt_backend *be, const char *name, int *metric, ptsne_error *err)
{
    return be->ops->metric_find(be, name, metric, err);
}

ptsne_status pt_distances(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                          size_t d, const pt_buffer *out, ptsne_error *err)
{
    if (!side(m) || !side(n) || !side(d) || !holds(a, m, d) || !holds(b, n, d) || !holds(out, m, n)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "distances: buffers of %zu, %zu and %zu elements for m = %zu, n = %zu, d = %zu", a->count,
                       b->count, out->count, m, n, d);
    }
    return be->ops->distances(be, metric, a, m, b, n, d, out, err);
}

ptsne_status pt_distance_roots(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                               size_t column_from, ptsne_error *err)
{
    if (!side(m) || !side(n) || column_from >= UINT32_MAX - n || !holds(tile, m, n)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "distance_roots: a buffer of %zu elements for m = %zu, n = %zu",
                       tile->count, m, n);
    }
    return be->ops->distance_roots(be, tile, m, n, row_from, column_from, err);
}

ptsne_status pt_nearest_merge(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                              size_t column_from, size_t k, const pt_buffer *best_d, const pt_buffer *best_i,
                              ptsne_error *err)
{
    if (k == 0 || k > 1024) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "nearest_merge: k = %zu is not in 1 .. 1024", k);
    }
    if (!side(m) || !side(n) || column_from >= UINT32_MAX - n || !holds(tile, m, n) || !holds(best_d, m, k) ||
        !holds(best_i, m, k)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "nearest_merge: buffers of %zu, %zu and %zu elements for m = %zu, n = %zu, k = %zu", tile->count,
                       best_d->count, best_i->count, m, n, k);
    }
    return be->ops->nearest_merge(be, tile, m, n, row_from, column_from, k, best_d, best_i, err);
}

/* Whether there is room for m lists of k. */
static bool holds_lists(const pt_buffer *lists, size_t m, size_t k)
{
    return holds(lists, m, pt_nearest_room(k));
}

static bool few(size_t k)
{
    return k > 0 && k <= 1024;
}

ptsne_status pt_nearest_begin(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, ptsne_error *err)
{
    if (!few(k) || !side(m) || !holds_lists(lists, m, k)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "nearest_begin: a buffer of %zu elements for m = %zu, k = %zu",
                       lists->count, m, k);
    }
    return be->ops->nearest_begin(be, m, k, lists, err);
}

ptsne_status pt_nearest_add(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                            size_t d, size_t row_from, size_t column_from, size_t k, const pt_buffer *lists,
                            const pt_buffer *lists_b, ptsne_error *err)
{
    const bool numbered = row_from != SIZE_MAX;
    if (!few(k) || !side(m) || !side(n) || !side(d) || column_from >= UINT32_MAX - n ||
        (numbered && row_from >= UINT32_MAX - m) || (lists_b != NULL && !numbered) || !holds(a, m, d) ||
        !holds(b, n, d) || !holds_lists(lists, m, k) || (lists_b != NULL && !holds_lists(lists_b, n, k))) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "nearest_add: buffers of %zu, %zu, %zu and %zu elements for m = %zu, n = %zu, d = %zu, k = %zu",
                       a->count, b->count, lists->count, lists_b == NULL ? (size_t)0 : lists_b->count, m, n, d, k);
    }
    return be->ops->nearest_add(be, metric, a, m, b, n, d, row_from, column_from, k, lists, lists_b, err);
}

ptsne_status pt_nearest_end(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, const pt_buffer *best_d,
                            const pt_buffer *best_i, ptsne_error *err)
{
    if (!few(k) || !side(m) || !holds_lists(lists, m, k) || !holds(best_d, m, k) || !holds(best_i, m, k)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "nearest_end: buffers of %zu, %zu and %zu elements for m = %zu, k = %zu", lists->count,
                       best_d->count, best_i->count, m, k);
    }
    return be->ops->nearest_end(be, m, k, lists, best_d, best_i, err);
}

ptsne_status pt_rank_counts(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                            size_t column_from, const pt_buffer *limit, size_t k, const pt_buffer *count,
                            ptsne_error *err)
{
    if (k == 0 || k > 64) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "rank_counts: k = %zu is not in 1 .. 64", k); }
    if (!side(m) || !side(n) || column_from >= UINT32_MAX - n || !holds(tile, m, n) || !holds(limit, m, k) ||
        !holds(count, m, k)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "rank_counts: buffers of %zu, %zu and %zu elements for m = %zu, n = %zu, k = %zu", tile->count,
                       limit->count, count->count, m, n, k);
    }
    return be->ops->rank_counts(be, tile, m, n, row_from, column_from, limit, k, count, err);
}

ptsne_status pt_affinities_conditional(pt_backend *be, const pt_buffer *d2, size_t m, size_t k, size_t self_from,
                                       float perplexity, float weight, bool accumulate, const pt_buffer *p,
                                       const pt_buffer *beta, ptsne_error *err)
{
    if (!(perplexity >= 1.0f) || !(perplexity <= (float)UINT32_MAX)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "affinities_conditional: perplexity %g is below 1", (double)perplexity);
    }
    if (!side(m) || !side(k) || !holds(d2, m, k) || !holds(p, m, k) || beta->count < m) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "affinities_conditional: buffers of %zu, %zu and %zu elements for m = %zu, k = %zu", d2->count,
                       p->count, beta->count, m, k);
    }
    return be->ops->affinities_conditional(be, d2, m, k, self_from, perplexity, weight, accumulate, p, beta, err);
}

ptsne_status pt_affinities_joint(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint, ptsne_error *err)
{
    if (!side(n) || !holds(p, n, n) || !holds(joint, n, n)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "affinities_joint: buffers of %zu and %zu elements for n = %zu",
                       p->count, joint->count, n);
    }
    return be->ops->affinities_joint(be, p, n, joint, err);
}

ptsne_status pt_student_sums(pt_backend *be, const pt_buffer *y, size_t n, size_t d, size_t from, size_t m,
                             const pt_buffer *z, ptsne_error *err)
{
    if (!side(n) || !map_columns(d) || !side(m) || m > n || from > n - m || !holds(y, n, d) || z->count < m) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "student_sums: buffers of %zu and %zu elements for rows %zu to %zu of %zu x %zu", y->count,
                       z->count, from, from + m, n, d);
    }
    return be->ops->student_sums(be, y, n, d, from, m, z, err);
}

ptsne_status pt_tsne_gradient(pt_backend *be, const pt_buffer *p, const pt_buffer *y, size_t n, size_t d,
                              float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                              const pt_buffer *loss, ptsne_error *err)
{
    if (!side(n) || !map_columns(d) || !holds(p, n, n) || !holds(y, n, d) || !holds(gradient, n, d) ||
        scratch->count < pt_gradient_scratch(n, d) || loss->count < 1) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "tsne_gradient: buffers of %zu, %zu, %zu, %zu and %zu elements for n = %zu, d = %zu", p->count,
                       y->count, scratch->count, gradient->count, loss->count, n, d);
    }
    return be->ops->tsne_gradient(be, p, y, n, d, exaggeration, scratch, gradient, loss, err);
}

ptsne_status pt_edges_gradient(pt_backend *be, const pt_buffer *y, const pt_buffer *sample, size_t m, size_t d,
                               float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                               const pt_buffer *loss, ptsne_error *err)
{
    if (!side(m) || !side(2 * m) || !map_columns(d) || !holds(y, 2 * m, d) || sample->count < 2 * m ||
        !holds(gradient, 2 * m, d) || scratch->count < pt_gradient_scratch(2 * m, d) || loss->count < 1) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "edges_gradient: buffers of %zu, %zu, %zu, %zu and %zu elements for %zu edges, d = %zu",
                       y->count, sample->count, scratch->count, gradient->count, loss->count, m, d);
    }
    return be->ops->edges_gradient(be, y, sample, m, d, exaggeration, scratch, gradient, loss, err);
}

/* Each chunk's part of two sums and of the least and largest coordinates, as float64, and room to align them. */
size_t pt_map_scratch(size_t n, size_t d)
{
    (void)n;
    return PT_MAP_CHUNKS * (4 * d + 8);
}

size_t pt_grid_nodes(const pt_grid *grid)
{
    return grid->size[0] * grid->size[1] * (grid->d == 3 ? grid->size[2] : 1);
}

size_t pt_grid_spread_scratch(const pt_backend *be, const pt_grid *grid, size_t n)
{
    return be->ops->grid_spread_scratch(be, grid, n);
}

size_t pt_grid_convolve_scratch(const pt_backend *be, const pt_grid *grid)
{
    return be->ops->grid_convolve_scratch(be, grid);
}

static bool grid_is_good(const pt_grid *grid)
{
    bool good = map_columns(grid->d) && grid->spacing > 0.0f;
    size_t nodes = 1;
    for (size_t a = 0; a < 3 && good; a++) {
        const size_t size = grid->size[a];
        good = a < grid->d ? size >= PT_GRID_ORDER && side(size) && nodes <= UINT32_MAX / size : size == 1;
        nodes *= size;
    }
    return good;
}

static bool grids_fit(const pt_grid *fine, const pt_grid *coarse)
{
    return grid_is_good(fine) && grid_is_good(coarse) && fine->d == coarse->d;
}

static ptsne_status grid_refused(ptsne_error *err, const char *op, const pt_grid *grid, size_t from, size_t to)
{
    return pt_fail(err, PTSNE_ERR_ARGUMENT,
                   "%s: buffers of %zu and %zu elements for a grid of %zu x %zu x %zu, d = %zu", op, from, to,
                   grid->size[0], grid->size[1], grid->size[2], grid->d);
}

ptsne_status pt_attraction(pt_backend *be, const pt_edges *edges, const pt_buffer *y, const pt_buffer *to, size_t d,
                           float dof, const pt_buffer *scratch, const pt_buffer *force, const pt_buffer *loss,
                           ptsne_error *err)
{
    const size_t m = edges->m, n = edges->n;
    if (!side(m) || !side(n) || !map_columns(d) || !(dof > 0.0f) || edges->row.count <= m ||
        edges->p.count < edges->column.count || !holds(y, m, d) || !holds(to, n, d) || !holds(force, m, d) ||
        scratch->count < pt_map_scratch(m, d) || (loss != NULL && loss->count < 1)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "attraction: buffers of %zu, %zu, %zu and %zu elements for %zu x %zu, d = %zu, dof = %g",
                       y->count, to->count, scratch->count, force->count, m, n, d, (double)dof);
    }
    return be->ops->attraction(be, edges, y, to, d, dof, scratch, force, loss, err);
}

ptsne_status pt_repulsion(pt_backend *be, const pt_buffer *y, size_t m, const pt_buffer *to, size_t n, size_t d,
                          float dof, const pt_buffer *force, const pt_buffer *potential, ptsne_error *err)
{
    if (!side(m) || !side(n) || !map_columns(d) || !(dof > 0.0f) || !holds(y, m, d) || !holds(to, n, d) ||
        !holds(force, m, d) || potential->count < m) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "repulsion: buffers of %zu, %zu, %zu and %zu elements for %zu x %zu, d = %zu, dof = %g",
                       y->count, to->count, force->count, potential->count, m, n, d, (double)dof);
    }
    return be->ops->repulsion(be, y, m, to, n, d, dof, force, potential, err);
}

ptsne_status pt_potential_sum(pt_backend *be, const pt_buffer *potential, size_t n, float self,
                              const pt_buffer *scratch, const pt_buffer *z, ptsne_error *err)
{
    if (!side(n) || potential->count < n || scratch->count < pt_map_scratch(n, 2) || z->count < 1) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "potential_sum: buffers of %zu, %zu and %zu elements for n = %zu",
                       potential->count, scratch->count, z->count, n);
    }
    return be->ops->potential_sum(be, potential, n, self, scratch, z, err);
}

ptsne_status pt_embedding_step(pt_backend *be, const pt_descent *descent, const pt_buffer *attraction,
                               const pt_buffer *repulsion, const pt_buffer *z, size_t n, size_t d, const pt_buffer *y,
                               const pt_buffer *velocity, const pt_buffer *gains, const pt_buffer *scratch,
                               const pt_buffer *stats, ptsne_error *err)
{
    if (!side(n) || !map_columns(d) || !holds(attraction, n, d) || !holds(repulsion, n, d) ||
        z->count < (descent->own_z ? n : 1) || !holds(y, n, d) || !holds(velocity, n, d) || !holds(gains, n, d) ||
        scratch->count < pt_map_scratch(n, d) || stats->count < PT_STEP_STATS(d)) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT,
                       "embedding_step: buffers of %zu, %zu, %zu, %zu and %zu elements for n = %zu, d = %zu",
                       attraction->count, repulsion->count, z->count, y->count, scratch->count, n, d);
    }
    return be->ops->embedding_step(be, descent, attraction, repulsion, z, n, d, y, velocity, gains, scratch, stats,
                                   err);
}

ptsne_status pt_grid_spread(pt_backend *be, const pt_grid *grid, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                            const pt_buffer *charge, ptsne_error *err)
{
    if (!grid_is_good(grid) || !side(n) || !holds(y, n, grid->d) ||
        scratch->count < pt_grid_spread_scratch(be, grid, n) || charge->count < pt_grid_nodes(grid)) {
        return grid_refused(err, "grid_spread", grid, y->count, charge->count);
    }
    return be->ops->grid_spread(be, grid, y, n, scratch, charge, err);
}

ptsne_status pt_grid_restrict(pt_backend *be, const pt_grid *fine, const pt_buffer *from, const pt_grid *coarse,
                              const pt_buffer *to, ptsne_error *err)
{
    if (!grids_fit(fine, coarse) || from->count < pt_grid_nodes(fine) || to->count < pt_grid_nodes(coarse)) {
        return grid_refused(err, "grid_restrict", coarse, from->count, to->count);
    }
    return be->ops->grid_restrict(be, fine, from, coarse, to, err);
}

ptsne_status pt_grid_convolve(pt_backend *be, const pt_grid *grid, const pt_grid_kernel *kernel,
                              const pt_buffer *charge, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                              const pt_buffer *potential, ptsne_error *err)
{
    if (!grid_is_good(grid) || kernel->reach > PT_GRID_REACH || charge->count < pt_grid_nodes(grid) ||
        (y != NULL && (!side(n) || !holds(y, n, grid->d))) || scratch->count < pt_grid_convolve_scratch(be, grid) ||
        potential->count < pt_grid_nodes(grid)) {
        return grid_refused(err, "grid_convolve", grid, charge->count, potential->count);
    }
    return be->ops->grid_convolve(be, grid, kernel, charge, y, n, scratch, potential, err);
}

ptsne_status pt_grid_prolong(pt_backend *be, const pt_grid *coarse, const pt_buffer *from, const pt_grid *fine,
                             const pt_buffer *to, ptsne_error *err)
{
    if (!grids_fit(fine, coarse) || from->count < pt_grid_nodes(coarse) || to->count < pt_grid_nodes(fine)) {
        return grid_refused(err, "grid_prolong", coarse, from->count, to->count);
    }
    return be->ops->grid_prolong(be, coarse, from, fine, to, err);
}

ptsne_status pt_grid_gather(pt_backend *be, const pt_grid *grid, const pt_buffer *values, const pt_buffer *y, size_t n,
                            float base, float scale, bool add, const pt_buffer *force, const pt_buffer *potential,
                            ptsne_error *err)
{
    if (!grid_is_good(grid) || !side(n) || values->count < pt_grid_nodes(grid) || !holds(y, n, grid->d) ||
        !holds(force, n, grid->d) || potential->count < n) {
        return grid_refused(err, "grid_gather", grid, y->count, values->count);
    }
    return be->ops->grid_gather(be, grid, values, y, n, base, scale, add, force, potential, err);
}
