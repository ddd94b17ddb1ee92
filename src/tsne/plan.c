/* Bytes follow from what each stage takes; of seconds only the kind of work follows, and its rate is a share of the device's
 * measured ones. The shares were measured on MNIST and Gaussian clusters, on a processor: a guess elsewhere. */
#include "tsne/plan.h"

#include <math.h>
#include <string.h>

#include "analysis/pca.h"
#include "tsne/affinities.h"
#include "tsne/bounds.h"
#include "tsne/candidates.h"
#include "tsne/embed_settings.h"
#include "tsne/field.h"
#include "tsne/motion.h"
#include "tsne/neighbors.h"

#define PROGRAM         ((size_t)24 << 20) /* libraries and the products' own buffers */
#define ENTRIES_A_PAIR  1.45  /* of P for each of the n k neighbours: 1 where all are mutual, 2 where none is */
#define BOUND_COLUMNS   160.0 /* of lower bounds, where data have many columns */
#define BOUND_WORK      226.0 /* columns that a pair is worth by lower bounds, candidates included */
#define BOUND_LIST      3.8   /* candidates for each neighbour */
#define PAIR_WORK       24.0  /* columns that looking at a distance is worth */
#define SEARCH_SHARE    0.55  /* of the product rate that a search reaches */
#define CELL_SHARE      0.06  /* of all pairs that meet by cells at recall 0.99 */
#define PCA_SHARE       0.5
#define STREAM_SHARE    0.8   /* of the copy rate at which attraction reads P */
#define POINT_BYTES     700.0 /* that a point's repulsion and step are worth, in the copy rate */
#define NODE_BYTES      160.0 /* the same for a node of the finest grid, with its share of the pyramid */
#define SPAN_FLAT       0.62  /* extent of a map, in units of the kernel: this times the square root of n */
#define SPAN_SOLID      17.5  /* and in three dimensions times the fifth root */
#define PAIR_OPERATIONS 20.0  /* of an exact repulsion, at the product rate's tenth */
#define STARTED         3.0  /* in a flat map, the whole span's share of grid work: the early phase's grids are small */
#define SOLID_BYTES     18.0 /* in three dimensions, where most nodes have no point near: NODE_BYTES by STARTED */

typedef struct estimate {
    pt_backend *be;
    bool processor;
    double product, copy;
    size_t n, d, k, c;
    const ptsne_embed_options *s;
} estimate;

static ptsne_plan_stage stage_of(const estimate *e, const char *name, double kept, double device, double seconds)
{
    const double host = (double)PROGRAM + kept + (e->processor ? device : 0.0);
    return (ptsne_plan_stage){
        .name = name, .host_bytes = (size_t)host, .device_bytes = (size_t)device, .seconds = seconds};
}

static double data_bytes(const estimate *e)
{
    return 4.0 * (double)e->n * (double)e->d;
}

static double graph_bytes(const estimate *e)
{
    return 8.0 * (double)e->n * (double)e->k;
}

static ptsne_plan_stage pca_plan(const estimate *e)
{
    const bool kept = e->s->pca > 0;
    const size_t k = kept ? e->s->pca : e->c, most = e->n < e->d ? e->n : e->d;
    const pt_pca_cost cost = pt_pca_cost_of(e->be, e->n, e->d, k < most ? k : most);
    const double scores = 4.0 * (double)e->n * (double)(kept ? k : 2 * e->c);
    return stage_of(e, "pca", data_bytes(e) + scores + (double)cost.host_bytes, (double)cost.device_bytes,
                    cost.operations / (PCA_SHARE * e->product));
}

/* Lists of c candidates for as many rows as a search keeps at once. */
static double list_bytes(double n, size_t c)
{
    const double room = (double)pt_nearest_room(c);
    return 4.0 * fmin(n * room, (double)PT_LISTS_MOST);
}

/* Lower bounds pay, most likely. */
static bool by_bounds(const estimate *e, size_t columns)
{
    return strcmp(e->s->metric, "euclidean") == 0 && columns >= PT_BOUNDS_LEAST_COLUMNS &&
           (double)e->n * (double)e->n * (double)columns >= PT_BOUNDS_LEAST_PRODUCT;
}

static ptsne_plan_stage neighbors_plan(const estimate *e)
{
    const double n = (double)e->n;
    const size_t columns = e->s->pca > 0 ? e->s->pca : e->d, k = e->k;
    const double scores = e->s->pca > 0 ? 4.0 * n * (double)e->s->pca : 0.0, points = 4.0 * n * (double)columns;
    double work = (double)columns + PAIR_WORK, pairs = 0.5 * n * n, device = points + list_bytes(n, k + k / 8 + 8);
    double kept = data_bytes(e) + scores + graph_bytes(e);
    if (pt_embed_settings_cells(e->s, e->n)) {
        pairs = fmin(pairs, CELL_SHARE * n * n * sqrt(200000.0 / n));
        device = 2.0 * points;
    } else if (by_bounds(e, columns)) {
        work = BOUND_WORK;
        device = 4.0 * n * BOUND_COLUMNS + list_bytes(n, (size_t)(BOUND_LIST * (double)k));
        kept += 4.0 * n * BOUND_COLUMNS + (e->n <= PT_SORTED_MOST / columns ? points : 0.0);
    }
    return stage_of(e, "neighbours", kept, device, 2.0 * pairs * work / (SEARCH_SHARE * e->product));
}

static ptsne_plan_stage affinities_plan(const estimate *e)
{
    const double kept = data_bytes(e) + graph_bytes(e) + (double)pt_affinities_bytes(e->n, e->k);
    return stage_of(e, "affinities", kept, 0.0, 170.0 * graph_bytes(e) / e->copy);
}

static ptsne_status embedding_plan(const estimate *e, ptsne_plan_stage *stage, ptsne_error *err)
{
    const double n = (double)e->n, entries = ENTRIES_A_PAIR * n * (double)e->k;
    const double span = fmax(8.0, e->c == 2 ? SPAN_FLAT * pow(n, 0.5) : SPAN_SOLID * pow(n, 0.2));
    const double node = e->c == 2 ? NODE_BYTES / STARTED : SOLID_BYTES;
    float low[3], high[3];
    for (size_t a = 0; a < 3; a++) {
        low[a] = (float)(-0.5 * span);
        high[a] = (float)(0.5 * span);
    }
    size_t elements = 0;
    if (e->s->method == PTSNE_METHOD_FIELD) {
        elements = pt_field_elements(e->be, e->n, e->c, (float)e->s->dof, (float)e->s->spacing, low, high);
        if (elements == SIZE_MAX) {
            return pt_fail(err, PTSNE_ERR_MEMORY,
                           "plan: a map of %zu points grows about %.0f wide, too large for a grid of spacing %g: take "
                           "a larger one, or Barnes-Hut",
                           e->n, span, e->s->spacing);
        }
    }
    const double device = (double)pt_motion_bytes(e->n, e->c, (size_t)entries, 0) + 4.0 * (double)elements;
    const double joint = 8.0 * entries + 8.0 * n, state = 4.0 * n * (3.0 * (double)e->c + 2.0);
    const double iterations = (double)pt_embed_settings_iterations(e->s);
    double work = 8.0 * entries / STREAM_SHARE + POINT_BYTES * n;
    work += e->s->method == PTSNE_METHOD_FIELD ? node * pow(span / e->s->spacing, (double)e->c) : 0.0;
    double seconds = iterations * work / e->copy;
    if (e->s->method == PTSNE_METHOD_EXACT) { seconds += iterations * PAIR_OPERATIONS * n * n / (0.1 * e->product); }
    if (e->s->method == PTSNE_METHOD_BARNES_HUT) { seconds += iterations * 1.0e4 * n / e->copy; }
    *stage = stage_of(e, "embedding", data_bytes(e) + joint + state + 8.0 * n, device, seconds);
    return PTSNE_OK;
}

ptsne_status pt_embed_plan(pt_backend *be, const pt_rates *rates, size_t n, size_t n_features,
                           const ptsne_embed_options *settings, ptsne_plan_stage *stages, size_t *count,
                           ptsne_error *err)
{
    ptsne_device_info info = {0};
    be->ops->describe(be, &info);
    const estimate e = {
        .be = be,
        .processor = strcmp(be->ops->name, "cpu") == 0,
        .product = rates->product,
        .copy = rates->copy,
        .n = n,
        .d = n_features,
        .k = settings->n_neighbors,
        .c = settings->n_components,
        .s = settings,
    };
    *count = 0;
    stages[(*count)++] = stage_of(&e, "data", data_bytes(&e), 0.0, data_bytes(&e) / (0.1 * rates->copy));
    if (settings->pca > 0 || settings->init == PTSNE_INIT_PCA) { stages[(*count)++] = pca_plan(&e); }
    stages[(*count)++] = neighbors_plan(&e);
    stages[(*count)++] = affinities_plan(&e);
    return embedding_plan(&e, &stages[(*count)++], err);
}
