#define _POSIX_C_SOURCE 200809L
/* Embedding: the optimiser against the same steps in float64, bits that neither threads nor interruptions change, frames, stops,
 * phases, new points beside a map, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "base/random.h"
#include "blobs.h"
#include "directory.h"
#include "tsne/embed.h"
#include "tsne/embed_settings.h"
#include "tsne/neighbors.h"
#include "tsne/optimize.h"
#include "tsne/order.h"

#define N        ((size_t)300)
#define D        ((size_t)10)
#define CLUSTERS ((size_t)4)
#define K        ((size_t)30)
#define CHECK(x) assert_int_equal((x), PTSNE_OK)

static char directory[DIRECTORY_ROOM];
static float blobs[N * D]; /* row i is of cluster i % CLUSTERS */

static ptsne_embed_options small_options(ptsne_method method, size_t dims)
{
    ptsne_embed_options options;
    pt_embed_settings_default(&options);
    options.method = method;
    options.n_components = dims;
    options.perplexities[0] = 10.0;
    options.pca = 0;
    options.phases[0].iterations = 60;
    options.phases[1].iterations = 90;
    return options;
}

/* For bits: two phases and one new order (at 50). */
static ptsne_embed_options brief_options(void)
{
    ptsne_embed_options options = small_options(PTSNE_METHOD_FIELD, 2);
    options.phases[0].iterations = 20;
    options.phases[1].iterations = 40;
    return options;
}

static pt_backend *open_threads(const char *spec, size_t threads)
{
    pt_backend *be;
    ptsne_error err;
    const pt_backend_config config = {.spec = spec, .threads = threads};
    if (pt_backend_open_config(&config, &be, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
    return be;
}

static void embed(pt_backend *be, const ptsne_embed_options *options, float *y, ptsne_embed_report *report)
{
    ptsne_error err;
    if (pt_embed(be, blobs, N, D, NULL, options, NULL, y, report, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
}

/* ---- the optimiser against float64 ---- */

/* Dense P of a sparse one. */
static double *dense_of(const pt_affinities *joint)
{
    double *p = calloc(joint->n * joint->n, sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < joint->n; i++) {
        for (size_t e = joint->row[i]; e < joint->row[i + 1]; e++) {
            p[i * joint->n + joint->column[e]] = (double)joint->p[e];
        }
    }
    return p;
}

/* Gradient without its factor 2 (dof + 1) / dof, from the definition; returns KL(P || Q). */
static double oracle_gradient(const double *p, const double *y, size_t n, size_t d, double dof, double exaggeration,
                              double *gradient)
{
    double z = 0.0, kl = 0.0;
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) {
                if (i == j) { continue; }
                double d2 = 0.0;
                for (size_t a = 0; a < d; a++) { d2 += pow(y[i * d + a] - y[j * d + a], 2); }
                const double k = pow(1.0 + d2 / dof, -0.5 * (dof + 1.0)), w = 1.0 / (1.0 + d2 / dof);
                if (pass == 0) {
                    z += k;
                    continue;
                }
                const double pij = p[i * n + j];
                if (pij > 0.0) { kl += pij * log(pij / (k / z)); }
                for (size_t a = 0; a < d; a++) {
                    gradient[i * d + a] += (exaggeration * pij - k / z) * w * (y[i * d + a] - y[j * d + a]);
                }
            }
        }
    }
    return kl;
}

/* The steps that DESIGN describes, one after the other; y becomes the map. */
static double oracle_optimize(const double *p, size_t n, const ptsne_embed_options *s, double *y)
{
    const size_t d = s->n_components;
    double *v = calloc(n * d, sizeof *v), *gains = calloc(n * d, sizeof *gains), *g = calloc(n * d, sizeof *g);
    assert_true(v && gains && g);
    for (size_t t = 0; t < n * d; t++) { gains[t] = 1.0; }
    for (size_t phase = 0; phase < s->n_phases; phase++) {
        const double exaggeration = s->phases[phase].exaggeration, rate = (double)n / exaggeration;
        for (size_t it = 0; it < s->phases[phase].iterations; it++) {
            memset(g, 0, n * d * sizeof *g);
            oracle_gradient(p, y, n, d, s->dof, exaggeration, g);
            for (size_t i = 0; i < n; i++) {
                double length = 0.0;
                for (size_t a = 0; a < d; a++) {
                    const size_t t = i * d + a;
                    const bool turned = (g[t] > 0.0) - (g[t] < 0.0) != (v[t] > 0.0) - (v[t] < 0.0);
                    gains[t] = fmax(turned ? gains[t] + 0.2 : 0.8 * gains[t], 0.01);
                    v[t] = s->momentum * v[t] - rate * gains[t] * g[t];
                    length += v[t] * v[t];
                }
                length = sqrt(length);
                for (size_t a = 0; a < d; a++) {
                    if (length > s->max_step) { v[i * d + a] *= s->max_step / length; }
                    y[i * d + a] += v[i * d + a];
                }
            }
        }
    }
    memset(g, 0, n * d * sizeof *g);
    const double kl = oracle_gradient(p, y, n, d, s->dof, 1.0, g);
    free(v);
    free(gains);
    free(g);
    return kl;
}

static pt_affinities joint_of(pt_backend *be, size_t n)
{
    uint32_t *index = malloc(n * K * sizeof *index);
    float *distance = malloc(n * K * sizeof *distance);
    const double perplexity = 10.0;
    const pt_affinities_settings settings = {.perplexities = &perplexity, .n_perplexities = 1};
    pt_affinities joint;
    assert_true(index && distance);
    CHECK(pt_neighbors_find(be, blobs, n, NULL, n, D, "euclidean", K, NULL, index, distance, NULL));
    CHECK(pt_affinities_build(be, index, distance, n, K, &settings, NULL, &joint, NULL, NULL));
    free(index);
    free(distance);
    return joint;
}

/* A few steps stay with float64 step by step; gains that turn on the last bit of a gradient part them later. */
static void follows_oracle(pt_backend *be, ptsne_method method, size_t dims, double dof, double tolerance,
                           size_t iterations)
{
    enum { POINTS = 120 };
    ptsne_embed_options s = small_options(method, dims);
    s.theta = 0.1;
    s.spacing = 0.25;
    s.dof = dof;
    s.phases[0].iterations = 2 * iterations;
    s.phases[1].iterations = iterations;
    pt_affinities joint = joint_of(be, POINTS);
    double *p = dense_of(&joint), want[POINTS * 3], extent = 0.0, off = 0.0;
    float y[POINTS * 3];
    pt_random random = {.seed = 9};
    for (size_t t = 0; t < POINTS * dims; t++) {
        y[t] = 0.5f * pt_random_normal(&random);
        want[t] = (double)y[t];
    }
    ptsne_embed_report report = {0};
    CHECK(pt_optimize(be, &joint, &s, NULL, y, &report, NULL));
    const double kl = oracle_optimize(p, POINTS, &s, want);
    for (size_t t = 0; t < POINTS * dims; t++) {
        extent += want[t] * want[t];
        off += pow((double)y[t] - want[t], 2);
    }
    if (!(sqrt(off / extent) <= tolerance)) {
        fail_msg("%s, method %d, %zu dimensions, dof %g: off by %g", be->ops->name, (int)method, dims, dof,
                 sqrt(off / extent));
    }
    if (!(fabs(report.kl_divergence - kl) <= tolerance * kl)) {
        fail_msg("%s: KL %.9g, oracle %.9g", be->ops->name, report.kl_divergence, kl);
    }
    assert_int_equal(report.iterations, 3 * iterations);
    free(p);
    pt_affinities_destroy(&joint);
}

static void test_oracle(void **state)
{
    follows_oracle(*state, PTSNE_METHOD_EXACT, 2, 1.0, 5e-6, 6);
    follows_oracle(*state, PTSNE_METHOD_EXACT, 3, 1.0, 5e-6, 6);
    follows_oracle(*state, PTSNE_METHOD_EXACT, 2, 0.5, 5e-6, 6);
    follows_oracle(*state, PTSNE_METHOD_BARNES_HUT, 2, 1.0, 5e-5, 6);
    follows_oracle(*state, PTSNE_METHOD_FIELD, 2, 1.0, 1e-2, 3);
    follows_oracle(*state, PTSNE_METHOD_FIELD, 3, 1.0, 1e-2, 3);
    follows_oracle(*state, PTSNE_METHOD_FIELD, 2, 2.0, 1e-2, 3);
}

/* ---- maps ---- */

static void test_clusters(void **state)
{
    static const ptsne_method methods[] = {PTSNE_METHOD_FIELD, PTSNE_METHOD_BARNES_HUT, PTSNE_METHOD_EXACT};
    float y[N * 3];
    double kl[3];
    for (size_t m = 0; m < 3; m++) {
        for (size_t dims = 2; dims <= 3; dims++) {
            if (dims == 3 && methods[m] != PTSNE_METHOD_FIELD && !backend_is_cpu(*state)) {
                continue;
            } /* in test_oracle */
            ptsne_embed_options options = small_options(methods[m], dims);
            ptsne_embed_report report;
            if (dims == 3) { options.phases[0].iterations = options.phases[1].iterations = 40; }
            embed(*state, &options, y, &report);
            assert_true(blobs_strangers(y, N, dims, CLUSTERS) < 0.01);
            assert_true(report.recall >= 1.0 && report.nonzeros >= N * K && report.span[dims - 1] > 1.0);
            if (dims == 2) { kl[m] = report.kl_divergence; }
        }
    }
    assert_true(kl[0] > 0.05 && fabs(kl[0] - kl[2]) < 0.1 * kl[2] && fabs(kl[1] - kl[2]) < 0.1 * kl[2]);
}

static void test_given(void **state)
{
    ptsne_embed_options options = brief_options();
    ptsne_embed_report report;
    float whole[N * 2], given[N * 2];
    uint32_t *index = malloc(N * K * sizeof *index);
    float *distance = malloc(N * K * sizeof *distance);
    assert_true(index && distance);
    embed(*state, &options, whole, &report);
    options.n_neighbors = K;
    CHECK(pt_embed_settings_resolve(&options, N, D, &options, NULL));
    CHECK(pt_embed_neighbors(*state, blobs, N, D, &options, NULL, NULL, index, distance, &report, NULL));
    const ptsne_graph graph = {.n = N, .k = K, .index = index, .distance = distance};
    CHECK(pt_embed(*state, blobs, N, D, &graph, &options, NULL, given, &report, NULL));
    assert_memory_equal(whole, given, sizeof whole);
    assert_true(isnan(report.recall));
    index[5 * K + 3] = N; /* no such point */
    ptsne_error err;
    assert_int_equal(pt_embed(*state, blobs, N, D, &graph, &options, NULL, given, &report, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "row 5, place 3"));
    free(index);
    free(distance);
}

static void
test_reduced(void **state) /* principal components, several perplexities, uniform affinities, random start */
{
    ptsne_embed_options options = small_options(PTSNE_METHOD_FIELD, 2);
    ptsne_embed_report report;
    float y[N * 2];
    options.pca = 4;
    embed(*state, &options, y, &report);
    assert_true(blobs_strangers(y, N, 2, CLUSTERS) < 0.02 && report.explained_variance > 0.5 &&
                report.explained_variance < 1.0);
    options.perplexities[1] = 20.0;
    options.n_perplexities = 2;
    embed(*state, &options, y, &report);
    assert_true(blobs_strangers(y, N, 2, CLUSTERS) < 0.02 && report.n_neighbors == 60);
    options.uniform = 1;
    options.init = PTSNE_INIT_RANDOM;
    options.seed = 3;
    embed(*state, &options, y, &report);
    assert_true(blobs_strangers(y, N, 2, CLUSTERS) < 0.05 && report.n_neighbors == 15);
}

/* ---- bits ---- */

static void test_threads(void **state)
{
    const pt_backend *given = *state;
    float y[3][N * 2];
    for (size_t threads = 1; threads <= 3; threads++) {
        if (threads == 2 && !backend_is_cpu(given)) { /* a device takes long to open: the first and the last do */
            memcpy(y[1], y[0], sizeof y[0]);
            continue;
        }
        pt_backend *be = open_threads(given->ops->name, threads);
        ptsne_embed_options options = brief_options();
        ptsne_embed_report report;
        embed(be, &options, y[threads - 1], &report);
        pt_backend_close(be);
    }
    assert_memory_equal(y[0], y[1], sizeof y[0]);
    assert_memory_equal(y[0], y[2], sizeof y[0]);
}

typedef struct listener {
    size_t stop_at, frames, last_frame; /* stop_at 0: never */
    float first[N * 2], last[N * 2];
    char warnings[1024];
} listener;

static int hear_frame(const float *y, size_t iteration, void *user)
{
    listener *l = user;
    if (l->frames++ == 0) { memcpy(l->first, y, sizeof l->first); }
    memcpy(l->last, y, sizeof l->last);
    l->last_frame = iteration;
    return l->stop_at > 0 && iteration >= l->stop_at;
}

static void hear_warning(const char *message, void *user)
{
    listener *l = user;
    snprintf(l->warnings, sizeof l->warnings, "%s", message);
}

static void test_resume(void **state)
{
    char path[sizeof directory + 16];
    snprintf(path, sizeof path, "%s/state", directory);
    float whole[N * 2], resumed[N * 2];
    ptsne_embed_report report;
    static listener l;
    ptsne_error err;
    ptsne_embed_options options = brief_options();
    embed(*state, &options, whole, &report);
    const size_t stops[] = {37, 1, 25, 20, 59}, n_stops = backend_is_cpu(*state) ? sizeof stops / sizeof stops[0] : 1;
    for (size_t i = 0; i < n_stops; i++) {
        l = (listener){.stop_at = stops[i]};
        options.snapshot = hear_frame;
        options.snapshot_every = 1;
        options.snapshot_user = &l;
        options.checkpoint = path;
        options.resume = 0;
        assert_int_equal(pt_embed(*state, blobs, N, D, NULL, &options, NULL, resumed, &report, &err),
                         PTSNE_ERR_STOPPED);
        assert_int_equal(report.iterations, stops[i]);
        assert_memory_equal(resumed, l.last, sizeof resumed); /* the map so far is kept */
        assert_memory_not_equal(resumed, whole, sizeof whole);
        options.snapshot = NULL;
        options.resume = 1;
        CHECK(pt_embed(*state, blobs, N, D, NULL, &options, NULL, resumed, &report, &err));
        assert_int_equal(report.iterations, 60);
        assert_memory_equal(resumed, whole, sizeof whole);
    }
    options.momentum = 0.5; /* another run's state */
    assert_int_equal(pt_embed(*state, blobs, N, D, NULL, &options, NULL, resumed, &report, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "momentum"));
    options.momentum = 0.8;
    FILE *file = fopen(path, "r+b"); /* a byte of an array flips */
    assert_non_null(file);
    assert_int_equal(fseek(file, -100, SEEK_END), 0);
    const int byte = fgetc(file);
    assert_int_equal(fseek(file, -100, SEEK_END), 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(pt_embed(*state, blobs, N, D, NULL, &options, NULL, resumed, &report, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "damaged"));
    unlink(path);
    const ptsne_observer observer = {.warning = hear_warning, .user = &l};
    l = (listener){0};
    CHECK(pt_embed(*state, blobs, N, D, NULL, &options, &observer, resumed, &report, &err));
    assert_non_null(strstr(l.warnings, "no state"));
    assert_memory_equal(resumed, whole, sizeof whole);
    unlink(path);
}

static void test_frames(void **state)
{
    if (!backend_is_cpu(*state)) { return; } /* the host's part */
    static listener l;
    float y[N * 2];
    ptsne_embed_report report;
    ptsne_embed_options options = small_options(PTSNE_METHOD_FIELD, 2);
    options.snapshot = hear_frame;
    options.snapshot_every = 40;
    options.snapshot_user = &l;
    l = (listener){0};
    embed(*state, &options, y, &report);
    assert_int_equal(l.frames, 5); /* 0, 40, 80, 120, 150 */
    assert_int_equal(l.last_frame, 150);
    assert_memory_equal(l.last, y, sizeof y);
    double sum = 0.0;
    for (size_t i = 0; i < N; i++) { sum += pow((double)l.first[2 * i], 2); }
    assert_true(fabs(sqrt(sum / (double)N) - 1e-4) < 1e-6); /* the initial map */
}

static void test_phases(void **state)
{
    if (!backend_is_cpu(*state)) { return; } /* the host's part */
    float one[N * 2], two[N * 2];
    ptsne_embed_report report;
    ptsne_embed_options options = small_options(PTSNE_METHOD_FIELD, 2);
    options.phases[0].iterations = 30;
    options.phases[1] = (ptsne_phase){30, 12.0}; /* the same exaggeration throughout, in one phase or in three */
    embed(*state, &options, one, &report);
    options.n_phases = 3;
    options.phases[0] = (ptsne_phase){10, 12.0};
    options.phases[1] = (ptsne_phase){0, 1.0};
    options.phases[2] = (ptsne_phase){50, 12.0};
    embed(*state, &options, two, &report);
    assert_memory_equal(one, two, sizeof one);
    options.phases[2].exaggeration = 4.0; /* looser clusters are wider */
    const double narrow = report.span[0];
    embed(*state, &options, two, &report);
    assert_true(report.span[0] > 1.2 * narrow);
}

static void test_tolerance(void **state)
{
    if (!backend_is_cpu(*state)) { return; } /* the host's part, and thousands of iterations */
    float y[N * 2];
    ptsne_embed_report report;
    ptsne_embed_options options = small_options(PTSNE_METHOD_EXACT, 2);
    options.phases[1].iterations = 4000;
    options.tolerance = 1e-3;
    embed(*state, &options, y, &report);
    assert_true(report.converged && report.iterations >= 110 && report.iterations < 4060);
    const double kl = report.kl_divergence;
    options.tolerance = 0.0;
    options.phases[1].iterations = 1000;
    embed(*state, &options, y, &report);
    assert_true(!report.converged && report.iterations == 1060);
    assert_true(report.kl_divergence > 0.95 * kl); /* little was left to gain */
}

/* ---- new points ---- */

static void test_add(void **state)
{
    const size_t old = 240, new = N - old;
    float y[N * 2], placed[N * 2], alone[2];
    ptsne_embed_report report;
    ptsne_error err;
    ptsne_embed_options options = small_options(PTSNE_METHOD_FIELD, 2);
    options.phases[1].iterations = 150;
    CHECK(pt_embed(*state, blobs, old, D, NULL, &options, NULL, y, &report, NULL));
    if (pt_embed_add(*state, blobs, y, old, D, 2, blobs + old * D, new, NULL, NULL, placed, &report, &err) !=
        PTSNE_OK) {
        fail_msg("%s", err.message);
    }
    memcpy(y + old * 2, placed, new * 2 * sizeof *y);
    assert_true(blobs_strangers(y, N, 2, CLUSTERS) < 0.02);
    CHECK(pt_embed_add(*state, blobs, y, old, D, 2, blobs + (old + 7) * D, 1, NULL, NULL, alone, &report, NULL));
    assert_true(fabsf(alone[0] - placed[14]) < 1e-3f && fabsf(alone[1] - placed[15]) < 1e-3f);
    float copy[N * D],
        twins[N * 2]; /* of old points: each has its twin for a neighbour, whatever array it comes from */
    memcpy(copy, blobs, sizeof copy);
    CHECK(pt_embed_add(*state, blobs, y, old, D, 2, blobs, old, NULL, NULL, placed, &report, NULL));
    CHECK(pt_embed_add(*state, blobs, y, old, D, 2, copy, old, NULL, NULL, twins, &report, NULL));
    assert_memory_equal(placed, twins, 2 * old * sizeof *placed);
    double off = 0.0;
    for (size_t t = 0; t < 2 * old; t++) { off += pow((double)placed[t] - (double)y[t], 2); }
    assert_true(sqrt(off / (double)old) < 2.0);
    CHECK(pt_embed_add(*state, blobs, y, old, D, 2, blobs, 0, NULL, NULL, placed, &report, NULL));
    ptsne_add_options add;
    pt_add_settings_default(&add);
    add.pca = 3; /* other neighbours, other places, the same clusters */
    CHECK(pt_embed_add(*state, blobs, y, old, D, 2, blobs + old * D, new, &add, NULL, placed, &report, NULL));
    assert_memory_not_equal(placed, y + 2 * old, 2 * new * sizeof *placed);
    memcpy(y + old * 2, placed, new * 2 * sizeof *y);
    assert_true(blobs_strangers(y, N, 2, CLUSTERS) < 0.05);
    add.pca = 0;
    add.perplexity = 100.0;
    assert_int_equal(pt_embed_add(*state, blobs, y, old, D, 2, blobs, 3, &add, NULL, placed, &report, &err),
                     PTSNE_ERR_ARGUMENT);
    copy[D] = 1e25f;
    assert_int_equal(pt_embed_add(*state, blobs, y, old, D, 2, copy, 3, NULL, NULL, placed, &report, &err),
                     PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "row 2 is so far"));
    memcpy(copy, blobs, sizeof copy); /* of all old points only the last one is at a finite distance */
    for (size_t i = 0; i < (old - 1) * D; i++) { copy[i] = 1e25f; }
    CHECK(pt_embed_add(*state, copy, y, old, D, 2, blobs + (old - 1) * D, 1, NULL, NULL, alone, &report, NULL));
    for (size_t a = 0; a < 2; a++) { assert_true(fabsf(alone[a] - y[(old - 1) * 2 + a]) < 0.1f); }
    y[3] = NAN;
    assert_int_equal(pt_embed_add(*state, blobs, y, old, D, 2, blobs, 3, NULL, NULL, placed, &report, &err),
                     PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "row 2, column 2"));
}

/* ---- refusals, order ---- */

static void refused(pt_backend *be, const ptsne_embed_options *options, size_t n, const char *what)
{
    float y[N * 2] = {0};
    ptsne_embed_report report;
    ptsne_error err;
    assert_int_equal(pt_embed(be, blobs, n, D, NULL, options, NULL, y, &report, &err), PTSNE_ERR_ARGUMENT);
    if (strstr(err.message, what) == NULL) { fail_msg("\"%s\" does not say \"%s\"", err.message, what); }
}

static void test_refusals(void **state)
{
    ptsne_embed_options options = small_options(PTSNE_METHOD_FIELD, 2);
    refused(*state, &options, 3, "at least 4");
    refused(*state, &options, 30, "at most 9.66");
    options.n_neighbors = N;
    refused(*state, &options, N, "at most 299");
    options.n_neighbors = 9;
    refused(*state, &options, N, "perplexity 10");
    options = small_options(PTSNE_METHOD_FIELD, 4);
    refused(*state, &options, N, "n_components");
    options = small_options(PTSNE_METHOD_FIELD, 2);
    options.dof = 0.0;
    refused(*state, &options, N, "dof");
    options.dof = (double)NAN;
    refused(*state, &options, N, "dof");
    options = small_options(PTSNE_METHOD_FIELD, 2);
    options.phases[1].exaggeration = -1.0;
    refused(*state, &options, N, "exaggeration");
    float bad[N * D], y[N * 2];
    ptsne_embed_report report;
    ptsne_error err;
    memcpy(bad, blobs, sizeof bad);
    bad[7 * D + 2] = INFINITY;
    options = small_options(PTSNE_METHOD_FIELD, 2);
    assert_int_equal(pt_embed(*state, bad, N, D, NULL, &options, NULL, y, &report, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "row 8, column 3"));
    for (size_t t = 0; t < N * D; t++) { bad[t] = 1e30f * blobs[t]; }
    assert_int_equal(pt_embed(*state, bad, N, D, NULL, &options, NULL, y, &report, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "distances leave float32"));
}

static void test_order(void **state)
{
    if (!backend_is_cpu(*state)) { return; } /* the host's part */
    enum { SIDE = 32 };
    for (size_t d = 2; d <= 3; d++) {
        const size_t n = d == 2 ? SIDE * SIDE : SIDE * SIDE * SIDE;
        float *y = malloc(n * d * sizeof *y);
        uint32_t *order = malloc(n * sizeof *order), *seen = calloc(n, sizeof *seen);
        assert_true(y && order && seen);
        for (size_t i = 0; i < n; i++) {
            const size_t place = i * 7919 % n; /* shuffled */
            y[i * d] = (float)(place % SIDE);
            y[i * d + 1] = (float)(place / SIDE % SIDE);
            if (d == 3) { y[i * d + 2] = (float)(place / SIDE / SIDE); }
        }
        CHECK(pt_map_order(y, n, d, 2, order, NULL));
        for (size_t r = 0; r < n; r++) { seen[order[r]]++; }
        for (size_t i = 0; i < n; i++) { assert_int_equal(seen[i], 1); }
        for (size_t r = 1; r < n; r++) { /* Hilbert's curve goes from cell to neighbouring cell */
            double step = 0.0;
            for (size_t a = 0; a < d; a++) { step += fabs((double)(y[order[r] * d + a] - y[order[r - 1] * d + a])); }
            if (d == 2) { assert_true(step > 0.5 && step < 1.5); }
            assert_true(step < 3.5);
        }
        free(y);
        free(order);
        free(seen);
    }
}

/* Two rings, of even and of odd points, and a point alone: one ring follows the other, neighbours at most two places apart. */
static void test_graph_order(void **state)
{
    if (!backend_is_cpu(*state)) { return; } /* the host's part */
    enum { POINTS = 41, RING = 20 };
    size_t row[POINTS + 1] = {0};
    uint32_t column[2 * POINTS], order[POINTS], place[POINTS];
    for (uint32_t i = 0; i < POINTS; i++) {
        const uint32_t next = (i + 2) % (2 * RING), before = (i + 2 * RING - 2) % (2 * RING);
        row[i + 1] = row[i] + (i < 2 * RING ? 2 : 0);
        if (i < 2 * RING) {
            column[row[i]] = next < before ? next : before, column[row[i] + 1] = next + before - column[row[i]];
        }
        place[i] = POINTS;
    }
    const pt_affinities graph = {.n = POINTS, .row = row, .column = column};
    CHECK(pt_graph_order(&graph, order, NULL));
    for (uint32_t r = 0; r < POINTS; r++) {
        assert_true(order[r] < POINTS && place[order[r]] == POINTS);
        place[order[r]] = r;
        assert_true(order[r] % 2 == (r >= RING && r < 2 * RING) && (order[r] == POINTS - 1) == (r == POINTS - 1));
    }
    for (uint32_t i = 0; i < POINTS; i++) {
        for (size_t e = row[i]; e < row[i + 1]; e++) { assert_true(abs((int)place[i] - (int)place[column[e]]) <= 2); }
    }
}

int main(void)
{
    blobs_fill(blobs, N, D, CLUSTERS, 50.0f, 4.0f, (pt_random){.seed = 5});
    if (!directory_make("embed", directory)) { return 1; }
    int failed = 0;
    pt_backend *be;
    for (size_t b = 0; (be = backend_next(&b, &failed)) != NULL;) {
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(test_oracle, be),      cmocka_unit_test_prestate(test_clusters, be),
            cmocka_unit_test_prestate(test_given, be),       cmocka_unit_test_prestate(test_reduced, be),
            cmocka_unit_test_prestate(test_threads, be),     cmocka_unit_test_prestate(test_resume, be),
            cmocka_unit_test_prestate(test_frames, be),      cmocka_unit_test_prestate(test_phases, be),
            cmocka_unit_test_prestate(test_tolerance, be),   cmocka_unit_test_prestate(test_add, be),
            cmocka_unit_test_prestate(test_refusals, be),    cmocka_unit_test_prestate(test_order, be),
            cmocka_unit_test_prestate(test_graph_order, be),
        };
        failed += cmocka_run_group_tests_name(be->ops->name, tests, NULL, NULL);
        pt_backend_close(be);
    }
    directory_remove(directory);
    return failed;
}
