#include "parametric/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sizes.h"
#include "network/transform.h"

#define ROWS  ((size_t)8192) /* that the extent is told from, at most */
#define LEAST 1e-3           /* of the widest dimension, and of the Student-t kernel's width: less is nothing */

/* Standard deviation of each column of map (n x d). */
static void deviations(const float *map, size_t n, size_t d, double spread[3])
{
    for (size_t j = 0; j < d; j++) {
        double mean = 0.0, square = 0.0;
        for (size_t i = 0; i < n; i++) { mean += (double)map[i * d + j] / (double)n; }
        for (size_t i = 0; i < n; i++) { square += pow((double)map[i * d + j] - mean, 2.0); }
        spread[j] = sqrt(square / (double)n);
    }
}

ptsne_status pt_spread_measure(ptsne_model *model, const float *x, size_t n, double spread[3], ptsne_error *err)
{
    const size_t count = pt_smaller(n, ROWS), columns = pt_net_inputs(&model->net), d = pt_net_outputs(&model->net);
    float *rows = pt_array_aligned(count * columns, sizeof *rows), *map = pt_array_aligned(count * d, sizeof *map);
    ptsne_status status;
    if (rows == NULL || map == NULL) {
        status = pt_fail_memory(err, "rows to measure the map", (double)count * (double)(columns + d) * sizeof *rows);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        const size_t row = (size_t)((double)i * (double)n / (double)count);
        memcpy(rows + i * columns, x + row * columns, columns * sizeof *rows);
    }
    status = pt_model_transform(model, rows, count, map, err);
    if (status == PTSNE_OK) { deviations(map, count, d, spread); }
done:
    free(rows);
    free(map);
    return status;
}

void pt_spread_warn(const ptsne_observer *observer, const double spread[3], size_t n_components)
{
    double most = 0.0;
    for (size_t j = 0; j < n_components; j++) { most = fmax(most, spread[j]); }
    if (!(most >= LEAST)) {
        pt_warn(observer, "the map has collapsed: its standard deviation is %.2g; try another learning rate or seed",
                most);
        return;
    }
    for (size_t j = 0; j < n_components; j++) {
        if (spread[j] < LEAST * most) {
            pt_warn(observer, "dimension %zu of the map is dead: its standard deviation is %.2g, the largest is %.2g",
                    j + 1, spread[j], most);
        }
    }
}
