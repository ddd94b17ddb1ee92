/* What the field costs and how far off its forces are, spacing by spacing, on maps as t-SNE makes them: best of several rounds, and
 * the relative L2 error of forces at 300 points against all pairs in float64.
 *
 *   bench_field [DEVICE [THREADS [MAP]]]     bench_field cpu 2, or on a map of one's own: bench_field cpu 2 map.npy */
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "ptsne/data.h"
#include "tsne/field.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLUSTERS = 64, SAMPLED = 300, ROUNDS = 9 };

static ptsne_error err;

static void must(ptsne_status status)
{
    if (status != PTSNE_OK) {
        fprintf(stderr, "bench_field: %s\n", err.message);
        exit(1);
    }
}

/* Round clusters in a box, point after point of each. */
static float *map_make(size_t n, size_t d, float span)
{
    pt_random random = {.seed = 3, .stream = 1};
    float centre[CLUSTERS][3], *y = pt_array_aligned(n * d, sizeof *y);
    if (y == NULL) { must(pt_fail_memory(&err, "a map", 4.0 * (double)(n * d))); }
    for (size_t k = 0; k < CLUSTERS; k++) {
        for (size_t a = 0; a < 3; a++) { centre[k][a] = 0.8f * span * (pt_random_uniform(&random) - 0.5f); }
    }
    for (size_t t = 0; t < n * d; t++) {
        float place = centre[t / d * CLUSTERS / n][t % d] + 0.03f * span * pt_random_normal(&random);
        place = place < -0.5f * span ? -0.5f * span : place;
        y[t] = place > 0.5f * span ? 0.5f * span : place;
    }
    return y;
}

/* Relative L2 error of forces on the sampled points. */
static double error_of(const float *y, size_t n, size_t d, const float *force)
{
    double off = 0.0, all = 0.0;
    for (size_t s = 0; s < SAMPLED; s++) {
        const size_t i = s * n / SAMPLED;
        double want[3] = {0.0, 0.0, 0.0};
        for (size_t j = 0; j < n; j++) {
            double apart[3] = {0.0, 0.0, 0.0}, square = 1.0;
            for (size_t a = 0; a < d; a++) {
                apart[a] = (double)y[i * d + a] - (double)y[j * d + a];
                square += apart[a] * apart[a];
            }
            for (size_t a = 0; a < d; a++) { want[a] += apart[a] / (square * square); }
        }
        for (size_t a = 0; a < d; a++) {
            off += pow((double)force[i * d + a] - want[a], 2.0);
            all += want[a] * want[a];
        }
    }
    return sqrt(off / all);
}

static void bench(pt_backend *be, const float *y, size_t n, size_t d, float spacing)
{
    float low[3], high[3], span = 0.0f;
    for (size_t a = 0; a < d; a++) { low[a] = high[a] = y[a]; }
    for (size_t t = d; t < n * d; t++) {
        low[t % d] = fminf(low[t % d], y[t]);
        high[t % d] = fmaxf(high[t % d], y[t]);
    }
    for (size_t a = 0; a < d; a++) { span = fmaxf(span, high[a] - low[a]); }
    pt_buffer points, force, potential;
    pt_field *field;
    double build = 1.0e30, evaluate = 1.0e30;
    must(pt_buffer_create(be, n * d, &points, &err));
    must(pt_buffer_create(be, n * d, &force, &err));
    must(pt_buffer_create(be, n, &potential, &err));
    must(pt_upload(be, y, &points, &err));
    must(pt_field_create(be, n, d, 1.0f, spacing, &field, &err));
    const pt_buffer one = pt_buffer_view(&potential, 0, 1);
    float first;
    for (size_t round = 0; round < ROUNDS; round++) {
        must(pt_download(be, &one, &first, &err));
        const double began = pt_seconds();
        must(pt_field_build(field, &points, n, low, high, true, &err));
        must(pt_download(be, &one, &first, &err)); /* waits */
        const double between = pt_seconds();
        must(pt_field_evaluate(field, &points, n, &force, &potential, &err));
        must(pt_download(be, &one, &first, &err));
        const double end = pt_seconds();
        build = fmin(build, between - began);
        evaluate = fmin(evaluate, end - between);
    }
    float *got = pt_array_aligned(n * d, sizeof *got);
    if (got == NULL) { must(pt_fail_memory(&err, "forces", 4.0 * (double)(n * d))); }
    must(pt_download(be, &force, got, &err));
    printf("%8zu points, d = %zu, span %3g, spacing %-5.3g  build %7.2f ms, evaluate %6.2f ms, force off by %.1e\n", n,
           d, (double)span, (double)spacing, build * 1.0e3, evaluate * 1.0e3, error_of(y, n, d, got));
    fflush(stdout);
    pt_field_destroy(field);
    pt_buffer_destroy(be, &points);
    pt_buffer_destroy(be, &force);
    pt_buffer_destroy(be, &potential);
    free(got);
}

static void bench_made(pt_backend *be, size_t n, size_t d, float span, float spacing)
{
    float *y = map_make(n, d, span);
    bench(be, y, n, d, spacing);
    free(y);
}

int main(int argc, char **argv)
{
    const float spacings[] = {0.5f, 0.4f, 0.33f, 0.25f};
    pt_backend *be;
    ptsne_device_info info;
    const pt_backend_config config = {.spec = argc > 1 ? argv[1] : "cpu",
                                      .threads = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0};
    must(pt_backend_open_config(&config, &be, &err));
    be->ops->describe(be, &info);
    printf("%s, %s, %zu threads\n", info.name, info.driver, be->threads);
    if (argc > 3) {
        ptsne_table *map;
        must(ptsne_table_read(argv[3], NULL, &map, &err));
        const size_t rows = ptsne_table_rows(map), columns = ptsne_table_columns(map);
        for (size_t k = 0; k < (columns == 2 ? 4 : 2); k++) {
            bench(be, ptsne_table_values(map), rows, columns, spacings[k]);
        }
        ptsne_table_destroy(map);
        pt_backend_close(be);
        return 0;
    }
    for (size_t k = 0; k < sizeof spacings / sizeof spacings[0]; k++) { bench_made(be, 70000, 2, 160.0f, spacings[k]); }
    for (size_t k = 0; k < 2; k++) { bench_made(be, 1000000, 2, 420.0f, spacings[k]); }
    for (size_t k = 0; k < 2; k++) { bench_made(be, 70000, 3, 60.0f, spacings[k]); }
    pt_backend_close(be);
    return 0;
}
