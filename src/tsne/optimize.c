/* Points are kept in an order that holds near ones together, and put into a new one when the map has changed: that decides how
 * fast attraction and spreading read memory, and nothing else but the last bits. The order of a resumed run is that of the
 * interrupted one, so the bits are too. */
#include "tsne/optimize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/progress.h"
#include "network/state_file.h"
#include "tsne/embed_settings.h"
#include "tsne/motion.h"
#include "tsne/order.h"

#define TOLD_EVERY   ((size_t)50) /* iterations between KL divergences, and between looks at the tolerance */
#define FIRST_ORDER  ((size_t)50) /* points are ordered anew at the start, at this iteration, and each time */
#define ORDER_GROWTH ((size_t)2)  /* that their number has grown so many times */
#define SMALL_MAP    0.5 /* half a diagonal: no cluster has come together yet, and the graph tells what is near */
#define CHUNKS       ((size_t)64) /* of entries whose entropy is one sum; fixed, whatever the number of threads */

typedef struct run {
    pt_backend *be;
    const pt_affinities *joint;
    const ptsne_embed_options *settings;
    const ptsne_observer *observer;
    ptsne_embed_report *report;
    size_t n, d;
    pt_motion motion;
    uint32_t *order; /* place r of the motion has point order[r] */
    pt_state state;  /* arrays are filled for a state file, and while points are put into a new order */
    pt_metadata metadata;
    float *y; /* n x d, the caller's, in the order of the points */
    size_t iteration, n_iterations;
    size_t begun;       /* iterations that were done before this call */
    double entropy, kl; /* sum of p log p; the last KL divergence that was told */
    double saved;       /* pt_seconds */
    pt_stage stage;
} run;

/* ---- order ---- */

static void rows_from(const float *from, const uint32_t *order, size_t n, size_t d, float *to)
{
    for (size_t r = 0; r < n; r++) { memcpy(to + r * d, from + (size_t)order[r] * d, d * sizeof *to); }
}

static void rows_back(const float *from, const uint32_t *order, size_t n, size_t d, float *to)
{
    for (size_t r = 0; r < n; r++) { memcpy(to + (size_t)order[r] * d, from + r * d, d * sizeof *to); }
}

static ptsne_status state_download(run *t, ptsne_error *err)
{
    ptsne_status status = pt_download(t->be, &t->motion.y, t->state.parameters, err);
    if (status == PTSNE_OK) { status = pt_download(t->be, &t->motion.velocity, t->state.moments[0], err); }
    if (status == PTSNE_OK) { status = pt_download(t->be, &t->motion.gains, t->state.moments[1], err); }
    return status;
}

static ptsne_status state_upload(run *t, ptsne_error *err)
{
    ptsne_status status = pt_motion_place(&t->motion, t->state.parameters, err);
    if (status == PTSNE_OK) { status = pt_upload(t->be, t->state.moments[0], &t->motion.velocity, err); }
    if (status == PTSNE_OK) { status = pt_upload(t->be, t->state.moments[1], &t->motion.gains, err); }
    return status;
}

static bool order_due(size_t iteration)
{
    size_t due = FIRST_ORDER;
    while (due < iteration) { due *= ORDER_GROWTH; }
    return iteration == 0 || iteration == due;
}

/* Half the diagonal of the map's box. */
static double map_extent(const pt_motion *m)
{
    double sum = 0.0;
    for (size_t a = 0; a < m->d; a++) {
        const double half = 0.5 * ((double)m->high[a] - (double)m->low[a]);
        sum += half * half;
    }
    return sqrt(sum);
}

/* places: which place of the motion comes where. At the start that of a small map is the graph's. */
static ptsne_status order_find(const run *t, uint32_t *places, ptsne_error *err)
{
    if (t->iteration == 0 && map_extent(&t->motion) < SMALL_MAP) { return pt_graph_order(t->joint, places, err); }
    return pt_map_order(t->state.parameters, t->n, t->d, t->be->threads, places, err);
}

/* Put the points into the order of the map as it is now. */
static ptsne_status order_renew(run *t, ptsne_error *err)
{
    const size_t n = t->n, d = t->d;
    uint32_t *places = pt_array_aligned(n, sizeof *places), *old = pt_array_aligned(n, sizeof *old);
    float *rows = pt_array_aligned(n * d, sizeof *rows);
    ptsne_status status = PTSNE_OK;
    if (places == NULL || old == NULL || rows == NULL) {
        status = pt_fail_memory(err, "a new order of points", 4.0 * (double)n * (double)(d + 2));
    }
    if (status == PTSNE_OK) { status = state_download(t, err); }
    if (status == PTSNE_OK) { status = order_find(t, places, err); }
    if (status == PTSNE_OK) {
        float *const arrays[] = {t->state.parameters, t->state.moments[0], t->state.moments[1]};
        for (size_t a = 0; a < sizeof arrays / sizeof arrays[0]; a++) {
            rows_from(arrays[a], places, n, d, rows);
            memcpy(arrays[a], rows, n * d * sizeof *rows);
        }
        memcpy(old, t->order, n * sizeof *old);
        for (size_t r = 0; r < n; r++) { t->order[r] = old[places[r]]; }
        status = state_upload(t, err);
    }
    if (status == PTSNE_OK) { status = pt_affinities_upload(t->be, t->joint, t->order, &t->motion.edges, err); }
    free(places);
    free(old);
    free(rows);
    return status;
}

/* ---- state file ---- */

static ptsne_status run_describe(run *t, ptsne_error *err)
{
    const pt_affinities *joint = t->joint;
    ptsne_device_info info;
    t->be->ops->describe(t->be, &info);
    uLong crc = crc32_z(0, (const Bytef *)joint->row, (joint->n + 1) * sizeof *joint->row);
    crc = crc32_z(crc, (const Bytef *)joint->column, joint->row[joint->n] * sizeof *joint->column);
    crc = crc32_z(crc, (const Bytef *)joint->p, joint->row[joint->n] * sizeof *joint->p);
    ptsne_status status = pt_optimize_settings_describe(t->settings, &t->metadata, err);
    if (status == PTSNE_OK) { status = pt_metadata_set(&t->metadata, err, "ptsne.data", "%08lx", crc); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&t->metadata, err, "ptsne.version", "%s", ptsne_version()); }
    if (status == PTSNE_OK) { status = pt_metadata_set(&t->metadata, err, "ptsne.device", "%s", t->be->ops->name); }
    return status;
}

static ptsne_status state_save(run *t, ptsne_error *err)
{
    ptsne_status status = state_download(t, err);
    if (status != PTSNE_OK) { return status; }
    for (size_t r = 0; r < t->n; r++) { t->state.order[r] = (float)t->order[r]; }
    t->state.position = (pt_position){.step = t->iteration, .loss_sum = t->motion.length, .last_loss = t->kl};
    t->saved = pt_seconds();
    return pt_state_write(t->settings->checkpoint, &t->state, &t->metadata, err);
}

/* A state in the middle of a run that cannot be written is a warning. */
static ptsne_status state_keep(run *t, ptsne_error *err)
{
    const double minutes = t->settings->checkpoint_minutes;
    if (t->settings->checkpoint == NULL || minutes <= 0.0 || pt_seconds() - t->saved < 60.0 * minutes) {
        return PTSNE_OK;
    }
    ptsne_error failure = {0};
    const ptsne_status status = state_save(t, &failure);
    if (status == PTSNE_ERR_IO) {
        pt_warn(t->observer, "%s; the run goes on", failure.message);
        return PTSNE_OK;
    }
    return status == PTSNE_OK ? status : pt_fail(err, status, "%s", failure.message);
}

/* The order of a state file; false where it is none. */
static bool order_take(run *t)
{
    unsigned char *seen = pt_array_zeroed(t->n, 1);
    bool good = seen != NULL;
    for (size_t r = 0; good && r < t->n; r++) {
        const float place = t->state.order[r];
        good = place >= 0.0f && place < (float)t->n && floorf(place) == place && seen[(size_t)place]++ == 0;
        if (good) { t->order[r] = (uint32_t)place; }
    }
    free(seen);
    return good;
}

static ptsne_status state_load(run *t, ptsne_error *err)
{
    const char *path = t->settings->checkpoint;
    if (access(path, F_OK) != 0) {
        pt_warn(t->observer, "%s: no state to go on from: the run starts at the beginning", path);
        return PTSNE_OK;
    }
    ptsne_status status = pt_state_read(path, &t->metadata, t->observer, &t->state, err);
    if (status != PTSNE_OK) { return status; }
    t->iteration = t->state.position.step;
    t->kl = t->state.position.last_loss;
    t->motion.length = t->state.position.loss_sum;
    t->begun = t->iteration;
    if (t->iteration == 0 || t->iteration > t->n_iterations || !order_take(t)) {
        return pt_fail(err, PTSNE_ERR_DATA, "%s: is damaged: iteration %zu of %zu", path, t->iteration,
                       t->n_iterations);
    }
    if ((status = state_upload(t, err)) != PTSNE_OK) { return status; }
    return pt_affinities_upload(t->be, t->joint, t->order, &t->motion.edges, err);
}

/* ---- iterations ---- */

static ptsne_status map_take(run *t, ptsne_error *err)
{
    const ptsne_status status = pt_download(t->be, &t->motion.y, t->state.parameters, err);
    if (status == PTSNE_OK) { rows_back(t->state.parameters, t->order, t->n, t->d, t->y); }
    return status;
}

/* last: the map is final, and is shown where it is not yet. */
static ptsne_status frame_tell(run *t, bool last, ptsne_error *err)
{
    const ptsne_embed_options *s = t->settings;
    if (s->snapshot == NULL || s->snapshot_every == 0) { return PTSNE_OK; }
    if ((t->iteration % s->snapshot_every != 0) != last) { return PTSNE_OK; }
    const ptsne_status status = map_take(t, err);
    if (status != PTSNE_OK) { return status; }
    return s->snapshot(t->y, t->iteration, s->snapshot_user) == 0 ? PTSNE_OK
                                                                  : pt_fail(err, PTSNE_ERR_STOPPED, "stopped");
}

/* The phase that an iteration belongs to. */
static const ptsne_phase *phase_of(const ptsne_embed_options *s, size_t iteration)
{
    size_t p = 0;
    while (p + 1 < s->n_phases && iteration >= s->phases[p].iterations) { iteration -= s->phases[p++].iterations; }
    return &s->phases[p];
}

static pt_descent descent_of(const run *t)
{
    const ptsne_phase *phase = phase_of(t->settings, t->iteration);
    const double rate = t->settings->learning_rate;
    return (pt_descent){
        .exaggeration = (float)phase->exaggeration,
        .learning_rate = (float)(rate > 0.0 ? rate : (double)t->n / phase->exaggeration),
        .momentum = (float)t->settings->momentum,
        .least_gain = PT_LEAST_GAIN,
        .max_step = (float)t->settings->max_step,
    };
}

static bool nothing_moves(const run *t)
{
    const ptsne_embed_options *s = t->settings;
    const size_t last = t->n_iterations - s->phases[s->n_phases - 1].iterations;
    return t->iteration % TOLD_EVERY == 0 && t->iteration >= last + TOLD_EVERY &&
           t->motion.length <= s->tolerance * map_extent(&t->motion);
}

/* Nothing follows. */
static bool is_over(const run *t)
{
    return t->iteration >= t->n_iterations || nothing_moves(t);
}

static ptsne_status iterate(run *t, ptsne_error *err)
{
    double cross = 0.0;
    const bool told = t->iteration % TOLD_EVERY == 0;
    ptsne_status status = pt_motion_step(&t->motion, descent_of(t), told ? &cross : NULL, err);
    if (status != PTSNE_OK) { return pt_within(err, status, "iteration %zu", t->iteration + 1); }
    if (told) { t->kl = t->entropy + cross; }
    t->iteration++;
    if (order_due(t->iteration) && !is_over(t) && (status = order_renew(t, err)) != PTSNE_OK) { return status; }
    if ((status = frame_tell(t, false, err)) != PTSNE_OK) { return status; }
    if ((status = state_keep(t, err)) != PTSNE_OK) { return status; }
    const double rate = (double)t->n * (double)(t->iteration - t->begun) / pt_stage_seconds(&t->stage);
    return pt_stage_step(&t->stage, t->iteration, t->kl, rate, err);
}

static ptsne_status start(run *t, ptsne_error *err)
{
    const ptsne_embed_options *s = t->settings;
    ptsne_status status = pt_motion_create(t->be, s, t->n, t->joint->row[t->n], 0, &t->motion, err);
    if (status == PTSNE_OK) { status = pt_state_create(t->n * t->d, 2, t->n, &t->state, err); }
    if (status == PTSNE_OK && s->checkpoint != NULL) { status = run_describe(t, err); }
    if (status == PTSNE_OK && s->checkpoint != NULL && s->resume) { status = state_load(t, err); }
    if (status != PTSNE_OK || t->iteration > 0) { return status; }
    for (size_t i = 0; i < t->n; i++) { t->order[i] = (uint32_t)i; }
    if ((status = pt_motion_place(&t->motion, t->y, err)) != PTSNE_OK) { return status; }
    if ((status = order_renew(t, err)) != PTSNE_OK) { return status; }
    return frame_tell(t, false, err);
}

/* The map to the caller, and what it has come to. */
static ptsne_status finish(run *t, ptsne_error *err)
{
    double cross = 0.0;
    ptsne_status status = map_take(t, err);
    if (status == PTSNE_OK) { status = pt_motion_forces(&t->motion, &cross, err); }
    if (status != PTSNE_OK) { return status; }
    t->report->kl_divergence = t->kl = t->entropy + cross;
    t->report->iterations = t->iteration;
    for (size_t a = 0; a < t->d; a++) { t->report->span[a] = (double)t->motion.high[a] - (double)t->motion.low[a]; }
    return PTSNE_OK;
}

static ptsne_status drive(run *t, ptsne_error *err)
{
    ptsne_status status = start(t, err);
    if (status != PTSNE_OK && status != PTSNE_ERR_STOPPED) { return status; }
    t->stage = pt_stage_begin(t->observer, "embedding", t->n_iterations);
    t->saved = pt_seconds();
    while (status == PTSNE_OK && !is_over(t)) { status = iterate(t, err); }
    t->report->converged = status == PTSNE_OK && nothing_moves(t);
    if (status == PTSNE_OK) { status = frame_tell(t, true, err); }
    if (status != PTSNE_OK && status != PTSNE_ERR_STOPPED) { return status; }
    ptsne_error failure = {0};
    /* Before the first iteration there is nothing to go on from. */
    ptsne_status last = t->settings->checkpoint == NULL || t->iteration == 0 ? PTSNE_OK : state_save(t, &failure);
    if (last == PTSNE_ERR_IO && status == PTSNE_OK) {
        pt_warn(t->observer, "%s", failure.message);
        last = PTSNE_OK;
    }
    const ptsne_status taken = finish(t, last == PTSNE_OK ? &failure : NULL);
    if (last == PTSNE_OK) { last = taken; }
    return last == PTSNE_OK ? status : pt_fail(err, last, "%s", failure.message);
}

static double entropy_of(const pt_affinities *joint, size_t threads)
{
    const size_t all = joint->row[joint->n], some = all / CHUNKS + 1;
    double parts[CHUNKS], sum = 0.0;
#pragma omp parallel for schedule(dynamic) num_threads((int)threads)
    for (size_t c = 0; c < CHUNKS; c++) {
        parts[c] = 0.0;
        for (size_t e = c * some; e < all && e < (c + 1) * some; e++) {
            const double p = (double)joint->p[e];
            if (p > 0.0) { parts[c] += p * log(p); }
        }
    }
    for (size_t c = 0; c < CHUNKS; c++) { sum += parts[c]; }
    return sum;
}

ptsne_status pt_optimize(pt_backend *be, const pt_affinities *joint, const ptsne_embed_options *settings,
                         const ptsne_observer *observer, float *y, ptsne_embed_report *report, ptsne_error *err)
{
    run t = {
        .be = be,
        .joint = joint,
        .settings = settings,
        .observer = observer,
        .report = report,
        .n = joint->n,
        .d = settings->n_components,
        .order = pt_array_aligned(joint->n, sizeof *t.order),
        .y = y,
        .n_iterations = pt_embed_settings_iterations(settings),
        .kl = (double)NAN,
    };
    if (t.order == NULL) { return pt_fail_memory(err, "the order of the points", 4.0 * (double)joint->n); }
    const double began = pt_seconds();
    t.entropy = entropy_of(joint, be->threads);
    const ptsne_status status = drive(&t, err);
    report->optimize_seconds = pt_seconds() - began;
    pt_motion_destroy(&t.motion);
    pt_state_destroy(&t.state);
    pt_metadata_destroy(&t.metadata);
    free(t.order);
    return status;
}
