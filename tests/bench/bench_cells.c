/* The search by cells against the exact one: seconds, recall, share of pairs.
 *
 *   bench_cells N D CLUSTERS K [exact]   N points of CLUSTERS Gaussians, centres N(0, 9), unit noise;
 *                                        CLUSTERS 0: FILE of floats on stdin */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"
#include "tsne/cells.h"
#include "tsne/neighbors.h"

static float *gaussians(size_t n, size_t d, size_t clusters)
{
    float *x = malloc(n * d * sizeof *x), *center = malloc(clusters * d * sizeof *center);
    if (x == NULL || center == NULL) { exit(1); }
    pt_random random = {.seed = 1, .stream = 1};
    for (size_t t = 0; t < clusters * d; t++) { center[t] = 3.0f * pt_random_normal(&random); }
#pragma omp parallel for
    for (size_t i = 0; i < n; i++) {
        pt_random own = {.seed = 2, .stream = i};
        const float *c = center + pt_random_below(&own, clusters) * d;
        for (size_t j = 0; j < d; j++) { x[i * d + j] = c[j] + pt_random_normal(&own); }
    }
    free(center);
    return x;
}

/* Of all threads: what is told where others use the machine too. */
static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static int told(const ptsne_progress *p, void *user)
{
    (void)user;
    if (p->step == 0 || p->step == p->n_steps) {
        fprintf(stderr, "  %.2f s, cpu %.2f: %s %zu of %zu\n", pt_seconds(), cpu_seconds(), p->stage, (size_t)p->step,
                (size_t)p->n_steps);
    }
    return 0;
}

int main(int count, char **args)
{
    if (count < 5) { return 2; }
    const size_t n = strtoul(args[1], NULL, 10), d = strtoul(args[2], NULL, 10), clusters = strtoul(args[3], NULL, 10),
                 k = strtoul(args[4], NULL, 10);
    float *x = clusters > 0 ? gaussians(n, d, clusters) : malloc(n * d * sizeof *x);
    uint32_t *index = malloc(n * k * sizeof *index);
    float *distance = malloc(n * k * sizeof *distance);
    if (!x || !index || !distance || (clusters == 0 && fread(x, d * sizeof *x, n, stdin) != n)) { return 1; }
    pt_backend *be;
    ptsne_error err;
    if (pt_backend_open("cpu", &be, &err) != PTSNE_OK) { return 1; }
    const ptsne_observer observer = {.progress = told};
    pt_cells_report report = {0};
    double began = pt_seconds(), began_cpu = cpu_seconds();
    if (pt_cells_find(be, x, n, d, "euclidean", k, 0.99, 1, &observer, index, distance, &report, &err) != PTSNE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    const double cells = pt_seconds() - began, cells_cpu = cpu_seconds() - began_cpu;
    printf("%zu x %zu, k = %zu: cells %.2f s, %.2f of processors: %zu cells, %zu probed, %.2f %% of pairs, recall %.4f "
           "+- %.4f\n",
           n, d, k, cells, cells_cpu, report.n_cells, report.n_probed, 100.0 * report.share_of_pairs, report.recall,
           report.recall_deviation);
    if (count > 5) {
        began = pt_seconds(), began_cpu = cpu_seconds();
        if (pt_neighbors_find(be, x, n, NULL, 0, d, "euclidean", k, NULL, index, distance, &err) != PTSNE_OK) {
            return 1;
        }
        const double exact = pt_seconds() - began, exact_cpu = cpu_seconds() - began_cpu;
        printf("exact %.2f s, %.2f of processors: %.2f and %.2f times\n", exact, exact_cpu, exact / cells,
               exact_cpu / cells_cpu);
    }
    pt_backend_close(be);
    free(x);
    free(index);
    free(distance);
    return 0;
}
