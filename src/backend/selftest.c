/* Each trial puts the same random inputs on a backend, runs one op with poisoned outputs, and takes what came out; it runs on the
 * cpu and on the backend in question, and what came out is compared. Real tests hold the ops to float64 oracles at many sizes;
 * this one looks for gross faults in tens of milliseconds. */
#include "backend/selftest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/selftest_trial.h"
#include "base/sizes.h"

#define TOLERANCE 2.0e-4 /* of the largest entry of a buffer: float32 sums of some thousand terms, and better */

/* ---- trials ---- */

static void try_fill(trial *t)
{
    const pt_buffer *to = put_constant(t, SIDE, NAN), *from = put_random(t, SIDE, -1.0f, 1.0f);
    const pt_buffer head = pt_buffer_view(to, 0, 5), tail = pt_buffer_view(to, 5, SIDE - 5);
    const pt_buffer source = pt_buffer_view(from, 3, SIDE - 5);
    if (t->status == PTSNE_OK) { t->status = pt_fill(t->be, &head, 3.5f, t->err); }
    if (t->status == PTSNE_OK) { t->status = pt_copy(t->be, &source, &tail, t->err); }
    take(t, to, SIDE, true);
}

static void product(trial *t, size_t m, size_t n, size_t k, unsigned way)
{
    pt_product_shape shape = {.transpose_a = (way & 1) != 0,
                              .transpose_b = (way & 2) != 0,
                              .m = m,
                              .n = n,
                              .k = k,
                              .alpha = 0.5f,
                              .beta = way == 3 ? 2.0f : 0.0f,
                              .stride_c = n};
    shape.stride_a = shape.transpose_a ? m : k;
    shape.stride_b = shape.transpose_b ? k : n;
    const pt_buffer *a = put_random(t, m * k, -1.0f, 1.0f), *b = put_random(t, k * n, -1.0f, 1.0f);
    const pt_buffer *c = way == 3 ? put_random(t, m * n, -1.0f, 1.0f) : put_constant(t, m * n, NAN);
    if (t->status == PTSNE_OK) { t->status = pt_product(t->be, &shape, a, b, c, t->err); }
    take(t, c, m * n, false);
}

static void try_product_nn(trial *t)
{
    product(t, 37, 21, 70, 0);
}

static void try_product_tn(trial *t)
{
    product(t, 37, 21, 70, 1);
}

static void try_product_nt(trial *t)
{
    product(t, 37, 21, 70, 2);
}

static void try_product_tt(trial *t)
{
    product(t, 37, 21, 70, 3);
}

static void try_product_thin(trial *t)
{
    product(t, 37, 2, SIDE, 0);
    product(t, 70, 2, SIDE, 1);
}

static void try_product_flat(trial *t)
{
    product(t, 37, 40, 2, 2);
}

static void try_column_sums(trial *t)
{
    const pt_buffer *x = put_random(t, 1030 * 3, -1.0f, 1.0f), *out = put_constant(t, 3, NAN);
    if (t->status == PTSNE_OK) { t->status = pt_column_sums(t->be, x, 1030, 3, out, t->err); }
    take(t, out, 3, false);
    const pt_buffer *wide = put_random(t, SIDE * 40, -1.0f, 1.0f), *sums = put_constant(t, 40, NAN);
    if (t->status == PTSNE_OK) { t->status = pt_column_sums(t->be, wide, SIDE, 40, sums, t->err); }
    take(t, sums, 40, false);
}

static void try_gather_rows(trial *t)
{
    const pt_buffer *x = put_random(t, 20 * 7, -1.0f, 1.0f);
    const pt_buffer *a = put_words(t, SIDE, 20), *b = put_words(t, SIDE, 20), *mix = put_random(t, SIDE, 0.0f, 1.0f);
    const pt_buffer *plain = put_constant(t, SIDE * 7, NAN), *mixed = put_constant(t, SIDE * 7, NAN);
    if (t->status == PTSNE_OK) { t->status = pt_gather_rows(t->be, x, 20, 7, a, NULL, NULL, SIDE, plain, t->err); }
    if (t->status == PTSNE_OK) { t->status = pt_gather_rows(t->be, x, 20, 7, a, b, mix, SIDE, mixed, t->err); }
    take(t, plain, SIDE * 7, true);
    take(t, mixed, SIDE * 7, false);
}

static void distances(trial *t, const char *metric, size_t d)
{
    int number = 0;
    const pt_buffer *a = put_random(t, 37 * d, -1.0f, 1.0f), *b = put_random(t, 21 * d, -1.0f, 1.0f);
    const pt_buffer *out = put_constant(t, 37 * 21, NAN);
    if (t->status == PTSNE_OK) { t->status = pt_metric_find(t->be, metric, &number, t->err); }
    if (t->status == PTSNE_OK) { t->status = pt_distances(t->be, number, a, 37, b, 21, d, out, t->err); }
    take(t, out, 37 * 21, false);
}

static void try_euclidean(trial *t)
{
    distances(t, "euclidean", 3);
    distances(t, "euclidean", 50);
}

static void try_cosine(trial *t)
{
    distances(t, "cosine", 50);
}

static void try_manhattan(trial *t)
{
    distances(t, "manhattan", 50);
}

static void try_nearest_merge(trial *t)
{
    enum { ROWS = 5, COLUMNS = 700, K = 20 };
    const pt_buffer *tile = put_random(t, ROWS * COLUMNS, 0.0f, 1.0f);
    const pt_buffer *best_d = put_constant(t, ROWS * K, INFINITY), *best_i = put_words(t, ROWS * K, 0);
    for (size_t turn = 0; turn < 2 && t->status == PTSNE_OK; turn++) { /* the second with the same distances: ties */
        t->status = pt_nearest_merge(t->be, tile, ROWS, COLUMNS, 10, turn * COLUMNS, K, best_d, best_i, t->err);
    }
    take(t, best_d, ROWS * K, true);
    take(t, best_i, ROWS * K, true);
}

static void try_nearest_lists(trial *t)
{
    enum { ROWS = 13, POINTS = 39, D = 6, K = 20 };
    int number = 0;
    const pt_buffer *x = put_random(t, POINTS * D, -1.0f, 1.0f);
    const pt_buffer *lists = put_constant(t, POINTS * pt_nearest_room(K), NAN);
    const pt_buffer *best_d = put_constant(t, POINTS * K, NAN), *best_i = put_constant(t, POINTS * K, NAN);
    if (t->status == PTSNE_OK) { t->status = pt_metric_find(t->be, "euclidean", &number, t->err); }
    if (t->status == PTSNE_OK) { t->status = pt_nearest_begin(t->be, POINTS, K, lists, t->err); }
    for (size_t from = 0; from < POINTS && t->status == PTSNE_OK;
         from += ROWS) { /* the block itself, then the later ones */
        const size_t room = pt_nearest_room(K), rest = POINTS - from - ROWS;
        const pt_buffer a = pt_buffer_view(x, from * D, ROWS * D),
                        mine = pt_buffer_view(lists, from * room, ROWS * room);
        t->status = pt_nearest_add(t->be, number, &a, ROWS, &a, ROWS, D, from, from, K, &mine, NULL, t->err);
        if (t->status != PTSNE_OK || rest == 0) { continue; }
        const pt_buffer b = pt_buffer_view(x, (from + ROWS) * D, rest * D);
        const pt_buffer theirs = pt_buffer_view(lists, (from + ROWS) * room, rest * room);
        t->status = pt_nearest_add(t->be, number, &a, ROWS, &b, rest, D, from, from + ROWS, K, &mine, &theirs, t->err);
    }
    if (t->status == PTSNE_OK) { t->status = pt_nearest_end(t->be, POINTS, K, lists, best_d, best_i, t->err); }
    take(t, best_d, POINTS * K, false); /* not best_i: two points may be equally far but for rounding */
}

static void try_distance_roots(trial *t)
{
    const pt_buffer *tile = put_random(t, 5 * 300, 0.0f, 9.0f);
    if (t->status == PTSNE_OK) { t->status = pt_distance_roots(t->be, tile, 5, 300, 20, 3, t->err); }
    take(t, tile, 5 * 300, false);
}

static void try_rank_counts(trial *t)
{
    const pt_buffer *tile = put_random(t, 5 * 300, 0.0f, 1.0f), *limit = put_random(t, 5 * 12, 0.0f, 1.0f);
    const pt_buffer *count = put_words(t, 5 * 12, 100);
    if (t->status == PTSNE_OK) { t->status = pt_rank_counts(t->be, tile, 5, 300, 2, 0, limit, 12, count, t->err); }
    take(t, count, 5 * 12, true);
}

static void try_affinities(trial *t)
{
    const pt_buffer *d2 = put_random(t, SIDE * SIDE, 0.0f, 9.0f), *p = put_constant(t, SIDE * SIDE, NAN);
    const pt_buffer *beta = put_constant(t, SIDE, NAN), *joint = put_constant(t, SIDE * SIDE, NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_affinities_conditional(t->be, d2, SIDE, SIDE, 0, 10.0f, 1.0f, false, p, beta, t->err);
    }
    if (t->status == PTSNE_OK) { t->status = pt_affinities_joint(t->be, p, SIDE, joint, t->err); }
    take(t, p, SIDE * SIDE, false);
    take(t, beta, SIDE, false);
    take(t, joint, SIDE * SIDE, false);
}

static void try_student_sums(trial *t)
{
    const pt_buffer *y = put_random(t, SIDE * 3, -2.0f, 2.0f), *z = put_constant(t, 50, NAN);
    if (t->status == PTSNE_OK) { t->status = pt_student_sums(t->be, y, SIDE, 3, 7, 50, z, t->err); }
    take(t, z, 50, false);
}

static void try_tsne_gradient(trial *t)
{
    const pt_buffer *p = put_random(t, SIDE * SIDE, 0.0f, 2.0f / (SIDE * SIDE)),
                    *y = put_random(t, SIDE * 2, -2.0f, 2.0f);
    const pt_buffer *scratch = put_constant(t, pt_gradient_scratch(SIDE, 2), NAN);
    const pt_buffer *gradient = put_constant(t, SIDE * 2, NAN), *loss = put_constant(t, 1, NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_tsne_gradient(t->be, p, y, SIDE, 2, 4.0f, scratch, gradient, loss, t->err);
    }
    take(t, gradient, SIDE * 2, false);
    take(t, loss, 1, false);
}

static void try_edges_gradient(trial *t)
{
    const pt_buffer *y = put_random(t, SIDE * 2 * 2, -2.0f, 2.0f), *sample = put_words(t, SIDE * 2, 100);
    const pt_buffer *scratch = put_constant(t, pt_gradient_scratch(SIDE * 2, 2), NAN);
    const pt_buffer *gradient = put_constant(t, SIDE * 2 * 2, NAN), *loss = put_constant(t, 1, NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_edges_gradient(t->be, y, sample, SIDE, 2, 4.0f, scratch, gradient, loss, t->err);
    }
    take(t, gradient, SIDE * 2 * 2, false);
    take(t, loss, 1, false);
}

/* Rows of 0, 7, 14 .. entries, so that some are shorter and some longer than what a device takes side by side. */
static void try_attraction(trial *t)
{
    enum { ROWS = 12, ENTRIES = 7 * ROWS * (ROWS - 1) / 2 };
    uint32_t row[ROWS + 1] = {0};
    for (uint32_t i = 1; i <= ROWS; i++) { row[i] = row[i - 1] + 7 * (i - 1); }
    const pt_edges edges = {.m = ROWS,
                            .n = 100,
                            .row = *put(t, row, ROWS + 1),
                            .column = *put_words(t, ENTRIES, 100),
                            .p = *put_random(t, ENTRIES, 0.0f, 1.0f)};
    const pt_buffer *y = put_random(t, 100 * 2, -2.0f, 2.0f);
    const pt_buffer *scratch = put_constant(t, pt_map_scratch(ROWS, 2), NAN);
    const pt_buffer *force = put_constant(t, ROWS * 2, NAN), *loss = put_constant(t, 1, NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_attraction(t->be, &edges, y, y, 2, 1.0f, scratch, force, loss, t->err);
    }
    take(t, force, ROWS * 2, false);
    take(t, loss, 1, false);
}

static void try_repulsion(trial *t)
{
    const pt_buffer *y = put_random(t, SIDE * 3, -2.0f, 2.0f), *to = put_random(t, 150 * 3, -2.0f, 2.0f);
    const pt_buffer *force = put_constant(t, SIDE * 3, NAN), *potential = put_constant(t, SIDE, NAN);
    const float dofs[] = {1.0f, 0.5f};
    for (size_t turn = 0; turn < 2 && t->status == PTSNE_OK; turn++) {
        t->status = pt_repulsion(t->be, y, SIDE, to, 150, 3, dofs[turn], force, potential, t->err);
        take(t, force, SIDE * 3, false);
        take(t, potential, SIDE, false);
    }
}

static void try_potential_sum(trial *t)
{
    const pt_buffer *potential = put_random(t, 1030, 1.0f, 9.0f), *z = put_constant(t, 1, NAN);
    const pt_buffer *scratch = put_constant(t, pt_map_scratch(1030, 2), NAN);
    if (t->status == PTSNE_OK) { t->status = pt_potential_sum(t->be, potential, 1030, 1.0f, scratch, z, t->err); }
    take(t, z, 1, false);
}

static void try_embedding_step(trial *t)
{
    const pt_descent descent = {4.0f, 0.5f, 0.8f, 0.01f, 1.5f, false};
    const pt_buffer *attraction = put_random(t, 301 * 2, -1.0f, 1.0f), *repulsion = put_random(t, 301 * 2, -9.0f, 9.0f);
    const pt_buffer *z = put_constant(t, 1, 7.0f), *y = put_random(t, 301 * 2, -2.0f, 2.0f);
    const pt_buffer *velocity = put_random(t, 301 * 2, -1.0f, 1.0f), *gains = put_random(t, 301 * 2, 0.0f, 2.0f);
    const pt_buffer *scratch = put_constant(t, pt_map_scratch(301, 2), NAN);
    const pt_buffer *stats = put_constant(t, PT_STEP_STATS(2), NAN);
    if (t->status == PTSNE_OK) {
        t->status = pt_embedding_step(t->be, &descent, attraction, repulsion, z, 301, 2, y, velocity, gains, scratch,
                                      stats, t->err);
    }
    take(t, y, 301 * 2, false);
    take(t, velocity, 301 * 2, false);
    take(t, gains, 301 * 2, false);
    take(t, stats, 2 * 2, false);
}

/* Charges up to a coarser grid, potentials down from it, and what points feel of them. */
static void grids(trial *t, const pt_grid *fine, const pt_grid *coarse)
{
    const size_t d = fine->d, nodes = pt_grid_nodes(fine), coarser = pt_grid_nodes(coarse);
    const size_t most = pt_larger(pt_grid_convolve_scratch(t->be, fine), pt_grid_spread_scratch(t->be, fine, SIDE));
    pt_grid_kernel kernel = {.reach = 5, .weight = {1.0f, -0.5f}};
    for (size_t o = 0; o <= kernel.reach; o++) {
        kernel.tap[0][o] = 0.5f / (1.0f + (float)o);
        kernel.tap[1][o] = 0.4f - 0.1f * (float)o;
    }
    const pt_buffer *y = put_random(t, SIDE * d, -1.5f, 1.5f), *scratch = put_constant(t, most, NAN);
    const pt_buffer *charge = put_constant(t, nodes, NAN), *sums = put_constant(t, coarser, NAN);
    const pt_buffer *values = put_constant(t, nodes, NAN), *above = put_constant(t, coarser, NAN);
    const pt_buffer *force = put_constant(t, SIDE * d, NAN), *potential = put_constant(t, SIDE, NAN);
    ptsne_status *status = &t->status;
    if (*status == PTSNE_OK) { *status = pt_grid_spread(t->be, fine, y, SIDE, scratch, charge, t->err); }
    if (*status == PTSNE_OK) { *status = pt_grid_restrict(t->be, fine, charge, coarse, sums, t->err); }
    if (*status == PTSNE_OK) {
        *status = pt_grid_convolve(t->be, coarse, &kernel, sums, NULL, 0, scratch, above, t->err);
    }
    if (*status == PTSNE_OK) {
        *status = pt_grid_convolve(t->be, fine, &kernel, charge, NULL, 0, scratch, values, t->err);
    }
    if (*status == PTSNE_OK) { *status = pt_grid_prolong(t->be, coarse, above, fine, values, t->err); }
    if (*status == PTSNE_OK) {
        *status = pt_grid_gather(t->be, fine, values, y, SIDE, 1.0f, -0.5f, false, force, potential, t->err);
    }
    if (*status == PTSNE_OK) {
        *status = pt_grid_gather(t->be, fine, values, y, SIDE, 0.0f, 0.25f, true, force, potential, t->err);
    }
    take(t, charge, nodes, false);
    take(t, values, nodes, false);
    take(t, force, SIDE * d, false);
    take(t, potential, SIDE, false);
}

static void try_grids_flat(trial *t)
{
    const pt_grid fine = {2, {17, 20, 1}, 0, {-3.1f, -4.3f, 0.0f}, 0.4f};
    const pt_grid coarse = {2, {13, 14, 1}, 2, {-4.7f, -5.9f, 0.0f}, 0.8f};
    grids(t, &fine, &coarse);
}

static void try_grids_solid(trial *t)
{
    const pt_grid fine = {3, {10, 12, 11}, 0, {-3.2f, -3.9f, -3.4f}, 0.8f};
    const pt_grid coarse = {3, {9, 10, 10}, 2, {-6.4f, -7.1f, -6.6f}, 1.6f};
    grids(t, &fine, &coarse);
}

static const trial_row trials[] = {
    {"fill and copy", try_fill},
    {"product", try_product_nn},
    {"product (a transposed)", try_product_tn},
    {"product (b transposed)", try_product_nt},
    {"product (both transposed)", try_product_tt},
    {"product (few columns)", try_product_thin},
    {"product (small inner size)", try_product_flat},
    {"column_sums", try_column_sums},
    {"gather_rows", try_gather_rows},
    {"distances (euclidean)", try_euclidean},
    {"distances (cosine)", try_cosine},
    {"distances (manhattan)", try_manhattan},
    {"distance_roots", try_distance_roots},
    {"nearest_merge", try_nearest_merge},
    {"nearest_add", try_nearest_lists},
    {"rank_counts", try_rank_counts},
    {"affinities", try_affinities},
    {"student_sums", try_student_sums},
    {"tsne_gradient", try_tsne_gradient},
    {"edges_gradient", try_edges_gradient},
    {"attraction", try_attraction},
    {"repulsion", try_repulsion},
    {"potential_sum", try_potential_sum},
    {"embedding_step", try_embedding_step},
    {"grids (flat)", try_grids_flat},
    {"grids (solid)", try_grids_solid},
};

#define TRIALS (sizeof trials / sizeof trials[0])

/* All trials, by number. */
static const trial_row *trial_of(size_t number)
{
    return number < TRIALS ? &trials[number] : &pt_layer_trials[number - TRIALS];
}

/* ---- comparing ---- */

static ptsne_status run(size_t number, pt_backend *be, trial *t, ptsne_error *err)
{
    float *results = t->results;
    memset(results, 0, MOST_RESULTS * sizeof *results);
    memset(t, 0, sizeof *t);
    *t = (trial){.be = be, .random = {.seed = number}, .results = results, .err = err};
    trial_of(number)->run(t);
    while (t->n_buffers > 0) { pt_buffer_destroy(be, &t->buffers[--t->n_buffers]); }
    return t->status == PTSNE_OK ? PTSNE_OK : pt_within(err, t->status, "self-test: %s", trial_of(number)->name);
}

/* What may lie between the cpu's entries and a device's. */
static double room_for_error(const trial_take *one, const float *wanted)
{
    double most = 0.0;
    for (size_t i = 0; i < one->count; i++) { most = fmax(most, fabs((double)wanted[i])); }
    return TOLERANCE * most;
}

/* One buffer's entries; the first that is wrong, or their count. */
static size_t first_wrong(const trial_take *one, const float *wanted, const float *got)
{
    const double room = room_for_error(one, wanted);
    for (size_t i = 0; i < one->count; i++) {
        const bool same = memcmp(&wanted[i], &got[i], sizeof *got) == 0;
        const bool near = !one->exact && fabs((double)wanted[i] - (double)got[i]) <= room;
        if (!same && !near) { return i; }
    }
    return one->count;
}

static ptsne_status compare(size_t number, const trial *want, const trial *have, ptsne_error *err)
{
    for (size_t k = 0; k < want->n_takes; k++) {
        const trial_take *one = &want->takes[k];
        const float *wanted = want->results + one->from, *got = have->results + one->from;
        const size_t at = first_wrong(one, wanted, got);
        if (at == one->count) { continue; }
        return pt_fail(err, PTSNE_ERR_DEVICE,
                       "self-test: %s is wrong: entry %zu of result %zu is %.9g, the cpu has %.9g",
                       trial_of(number)->name, at, k + 1, (double)got[at], (double)wanted[at]);
    }
    return PTSNE_OK;
}

static ptsne_status compare_all(pt_backend *cpu, pt_backend *be, trial *want, trial *have, ptsne_error *err)
{
    for (size_t number = 0; number < TRIALS + pt_layer_trial_count; number++) {
        ptsne_status status = run(number, cpu, want, err);
        if (status == PTSNE_OK) { status = run(number, be, have, err); }
        if (status == PTSNE_OK) { status = compare(number, want, have, err); }
        if (status != PTSNE_OK) { return status; }
    }
    return PTSNE_OK;
}

ptsne_status pt_selftest(pt_backend *be, ptsne_error *err)
{
    const char *skip = getenv("PTSNE_NO_SELFTEST");
    if (skip != NULL && skip[0] != '\0' && strcmp(skip, "0") != 0) { return PTSNE_OK; }
    const pt_backend_config config = {.spec = "cpu", .threads = 1};
    pt_backend *cpu = NULL;
    trial want = {.results = calloc(MOST_RESULTS, sizeof(float))};
    trial have = {.results = calloc(MOST_RESULTS, sizeof(float))};
    ptsne_status status = PTSNE_OK;
    if (want.results == NULL || have.results == NULL) {
        status = pt_fail_memory(err, "the self-test", 2.0 * MOST_RESULTS * sizeof(float));
    }
    if (status == PTSNE_OK) { status = pt_backend_open_config(&config, &cpu, err); }
    if (status == PTSNE_OK) { status = compare_all(cpu, be, &want, &have, err); }
    pt_backend_close(cpu);
    free(want.results);
    free(have.results);
    return status;
}
