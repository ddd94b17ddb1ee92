/* The tree is an array of nodes in depth-first order over the points in Morton order: a node's children follow it, and `skip` is where
 * the walk goes on without them. Cells that all points of their parent lie in are left out, so there are fewer than two nodes a
 * point, however near points are. Points at one place are one point with a weight.
 *
 * One walk serves a leaf of neighbouring points: what stands for the rest of the map from their box on is put in a list,
 * and each of them meets the list in vector code. A cell is asked for its distance from the box, the least that any of them has. */
#include "tsne/tree.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "backend/cpu/vector_math.h"
#include "base/memory.h"

enum { BUCKET = 16, LIST = 1024, DIGIT = 11, DIGITS = 1 << DIGIT };

typedef struct node {
    float center[3];       /* of mass */
    float width, weight;   /* of the cell; points */
    uint32_t first, count; /* places in the tree */
    uint32_t skip;         /* the node behind its children; the next one where it is a leaf */
} node;

/* Points at n places, sorted. Letters: u a place. */
typedef struct tree {
    size_t n, d, bits; /* bits of the code an axis */
    float *x[3];       /* n each */
    float *weight;     /* n: points at each place */
    uint32_t *start;   /* n + 1: order[start[u]] .. order[start[u + 1] - 1] are the points at place u */
    uint32_t *order;
    uint64_t *code; /* n */
    double low[3], width;
    node *nodes;
    size_t n_nodes, room;
} tree;

static void tree_destroy(tree *t)
{
    for (size_t a = 0; a < 3; a++) { free(t->x[a]); }
    free(t->weight), free(t->start), free(t->order), free(t->code), free(t->nodes);
    *t = (tree){0};
}

/* ---- Morton codes ---- */

static void measure(tree *t, const float *y, size_t n)
{
    double high[3] = {0};
    for (size_t a = 0; a < t->d; a++) { t->low[a] = high[a] = (double)y[a]; }
    for (size_t i = 0; i < n; i++) {
        for (size_t a = 0; a < t->d; a++) {
            t->low[a] = fmin(t->low[a], (double)y[i * t->d + a]);
            high[a] = fmax(high[a], (double)y[i * t->d + a]);
        }
    }
    for (size_t a = 0; a < t->d; a++) { t->width = fmax(t->width, high[a] - t->low[a]); }
}

/* Bit b of the coordinates becomes bits d b .. d b + d - 1. */
static uint64_t morton(const tree *t, const float *y)
{
    uint64_t code = 0;
    const double cells = ldexp(1.0, (int)t->bits), scale = t->width > 0.0 ? cells / t->width : 0.0;
    for (size_t a = 0; a < t->d; a++) {
        const double at = fmin(fmax(((double)y[a] - t->low[a]) * scale, 0.0), cells - 1.0);
        const uint64_t cell = (uint64_t)at;
        for (size_t b = 0; b < t->bits; b++) { code |= (cell >> b & 1) << (t->d * b + a); }
    }
    return code;
}

typedef struct key {
    uint64_t code;
    uint32_t point;
} key;

/* By code; points of one code stay in order. Digits that all have in common take no pass. The result is in either array. */
static key *sort(key *keys, key *other, size_t n)
{
    for (unsigned shift = 0; shift < 64; shift += DIGIT) {
        size_t at[DIGITS] = {0}, sum = 0;
        for (size_t i = 0; i < n; i++) { at[keys[i].code >> shift & (DIGITS - 1)]++; }
        if (at[keys[0].code >> shift & (DIGITS - 1)] == n) { continue; }
        for (size_t k = 0; k < DIGITS; k++) {
            const size_t count = at[k];
            at[k] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++) { other[at[keys[i].code >> shift & (DIGITS - 1)]++] = keys[i]; }
        key *swapped = keys;
        keys = other;
        other = swapped;
    }
    return keys;
}

/* The sorted points become places; those that follow each other at one place share it. */
static void settle(tree *t, const float *y, const key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float *point = y + keys[i].point * t->d;
        t->order[i] = keys[i].point;
        bool same = i > 0;
        for (size_t a = 0; same && a < t->d; a++) { same = point[a] == t->x[a][t->n - 1]; }
        if (same) {
            t->weight[t->n - 1] += 1.0f;
            continue;
        }
        for (size_t a = 0; a < t->d; a++) { t->x[a][t->n] = point[a]; }
        t->weight[t->n] = 1.0f;
        t->code[t->n] = keys[i].code;
        t->start[t->n++] = (uint32_t)i;
    }
    t->start[t->n] = (uint32_t)n;
}

static ptsne_status points_create(tree *t, const float *y, size_t n, size_t threads, ptsne_error *err)
{
    key *keys = pt_array_aligned(n, sizeof *keys), *other = pt_array_aligned(n, sizeof *other);
    bool full = keys != NULL && other != NULL;
    for (size_t a = 0; a < t->d; a++) { full = (t->x[a] = pt_array_aligned(n, sizeof(float))) != NULL && full; }
    full = (t->weight = pt_array_aligned(n, sizeof(float))) != NULL && full;
    full = (t->start = pt_array_aligned(n + 1, sizeof(uint32_t))) != NULL && full;
    full = (t->order = pt_array_aligned(n, sizeof(uint32_t))) != NULL && full;
    full = (t->code = pt_array_aligned(n, sizeof(uint64_t))) != NULL && full;
    if (full) {
        measure(t, y, n);
#pragma omp parallel for num_threads((int)threads)
        for (size_t i = 0; i < n; i++) { keys[i] = (key){morton(t, y + i * t->d), (uint32_t)i}; }
        settle(t, y, sort(keys, other, n), n);
    }
    free(keys), free(other);
    return full ? PTSNE_OK : pt_fail_memory(err, "the points of a tree", (double)n * (2.0 * sizeof(key) + 32.0));
}

/* ---- nodes ---- */

/* The number of a code's cell `level` levels below the root. */
static uint64_t cell_of(const tree *t, uint64_t code, size_t level)
{
    return level == 0 ? 0 : code >> (t->d * (t->bits - level));
}

/* The deepest level at which places first and last are in one cell. */
static size_t level_of(const tree *t, size_t first, size_t last)
{
    size_t level = t->bits;
    while (cell_of(t, t->code[first], level) != cell_of(t, t->code[last], level)) { level--; }
    return level;
}

/* The first of places from .. end that is in another cell of that level than `from` is. */
static size_t cell_end(const tree *t, size_t from, size_t end, size_t level)
{
    const uint64_t cell = cell_of(t, t->code[from], level);
    size_t inside = from;
    while (end - inside > 1) {
        const size_t middle = inside + (end - inside) / 2;
        if (cell_of(t, t->code[middle], level) == cell) {
            inside = middle;
        } else {
            end = middle;
        }
    }
    return end;
}

/* The nodes of places first .. end, at most one level of calls for each of the code. */
static ptsne_status split(tree *t, size_t first, size_t end, ptsne_error *err)
{
    const size_t at = t->n_nodes, level = level_of(t, first, end - 1);
    ptsne_status status =
        pt_array_grow((void **)&t->nodes, &t->room, at + 1, sizeof *t->nodes, "the nodes of a tree", err);
    if (status != PTSNE_OK) { return status; }
    t->n_nodes++;
    t->nodes[at] = (node){
        .width = (float)ldexp(t->width, -(int)level), .first = (uint32_t)first, .count = (uint32_t)(end - first)};
    if (end - first > BUCKET && level < t->bits) {
        for (size_t from = first, next; from < end; from = next) {
            next = cell_end(t, from, end, level + 1);
            if ((status = split(t, from, next, err)) != PTSNE_OK) { return status; }
        }
    }
    t->nodes[at].skip = (uint32_t)t->n_nodes;
    return PTSNE_OK;
}

static bool is_leaf(const tree *t, size_t at)
{
    return t->nodes[at].skip == at + 1;
}

/* Weights and centers of mass, children before parents; in float64, as a cell may hold millions. */
static void weigh(tree *t)
{
    for (size_t at = t->n_nodes; at-- > 0;) {
        node *k = &t->nodes[at];
        double sum[3] = {0}, weight = 0.0;
        for (size_t u = k->first; is_leaf(t, at) && u < k->first + k->count; u++) {
            for (size_t a = 0; a < t->d; a++) { sum[a] += (double)t->weight[u] * (double)t->x[a][u]; }
            weight += (double)t->weight[u];
        }
        for (size_t child = at + 1; child < k->skip; child = t->nodes[child].skip) {
            const node *c = &t->nodes[child];
            for (size_t a = 0; a < t->d; a++) { sum[a] += (double)c->weight * (double)c->center[a]; }
            weight += (double)c->weight;
        }
        for (size_t a = 0; a < t->d; a++) { k->center[a] = (float)(sum[a] / weight); }
        k->weight = (float)weight;
    }
}

static ptsne_status tree_create(const float *y, size_t n, size_t d, size_t threads, tree *t, ptsne_error *err)
{
    *t = (tree){.d = d, .bits = d == 2 ? 31 : 21};
    ptsne_status status = points_create(t, y, n, threads, err);
    if (status == PTSNE_OK) { status = split(t, 0, t->n, err); }
    if (status == PTSNE_OK) { weigh(t); }
    if (status != PTSNE_OK) { tree_destroy(t); }
    return status;
}

/* ---- forces ---- */

/* What pushes the points of one leaf, so far as it has not been added to them. */
typedef struct pushers {
    float x[3][LIST], weight[LIST];
    size_t n;
} pushers;

/* A leaf of the points that are pushed. */
typedef struct group {
    const tree *of;
    const node *leaf;
    float low[3], high[3];
    float dof;
    double (*sums)[4]; /* a place's force and potential */
} group;

/* Add a list's push on one place; d and whether dof is 1 are constants after inlining. */
static inline void add_list(const pushers *list, const float *y, size_t d, bool plain, float dof, double *sums)
{
    const float y0 = y[0], y1 = y[1], y2 = y[2], inverse_dof = 1.0f / dof, power = -0.5f * (dof + 1.0f);
    float f0 = 0.0f, f1 = 0.0f, f2 = 0.0f, psi = 0.0f;
#pragma omp simd reduction(+ : f0, f1, f2, psi)
    for (size_t j = 0; j < list->n; j++) {
        const float d0 = y0 - list->x[0][j], d1 = y1 - list->x[1][j], d2 = d == 3 ? y2 - list->x[2][j] : 0.0f;
        const float square = d0 * d0 + d1 * d1 + (d == 3 ? d2 * d2 : 0.0f);
        const float u = plain ? 1.0f + square : 1.0f + square * inverse_dof;
        const float w = 1.0f / u, kernel = list->weight[j] * (plain ? w : cpu_exp(power * cpu_log(u)));
        const float push = kernel * w;
        psi += kernel;
        f0 += push * d0;
        f1 += push * d1;
        if (d == 3) { f2 += push * d2; }
    }
    sums[0] += (double)f0, sums[1] += (double)f1, sums[2] += (double)f2, sums[3] += (double)psi;
}

/* Add the list to all places of the group, and empty it. */
static void flush(const group *g, pushers *list)
{
    const size_t d = g->of->d;
    for (size_t k = 0; k < g->leaf->count; k++) {
        const size_t u = g->leaf->first + k;
        const float y[3] = {g->of->x[0][u], g->of->x[1][u], d == 3 ? g->of->x[2][u] : 0.0f};
        double *sums = g->sums[u];
        if (d == 2 && g->dof == 1.0f) {
            add_list(list, y, 2, true, 1.0f, sums);
        } else if (d == 2) {
            add_list(list, y, 2, false, g->dof, sums);
        } else if (g->dof == 1.0f) {
            add_list(list, y, 3, true, 1.0f, sums);
        } else {
            add_list(list, y, 3, false, g->dof, sums);
        }
    }
    list->n = 0;
}

static void push_point(const group *g, pushers *list, const float *x, float weight)
{
    if (list->n == LIST) { flush(g, list); }
    for (size_t a = 0; a < g->of->d; a++) { list->x[a][list->n] = x[a]; }
    list->weight[list->n++] = weight;
}

/* The squared distance of a cell's center from the group's box. */
static float distance(const group *g, const node *k)
{
    float square = 0.0f;
    for (size_t a = 0; a < g->of->d; a++) {
        const float below = g->low[a] - k->center[a], above = k->center[a] - g->high[a];
        const float apart = below > 0.0f ? below : above > 0.0f ? above : 0.0f;
        square += apart * apart;
    }
    return square;
}

static void walk(const tree *t, const group *g, float theta, pushers *list)
{
    for (size_t at = 0; at < t->n_nodes;) {
        const node *k = &t->nodes[at];
        if (k->width * k->width < theta * theta * distance(g, k)) {
            push_point(g, list, k->center, k->weight);
        } else if (is_leaf(t, at)) {
            for (size_t u = k->first; u < k->first + k->count; u++) {
                push_point(g, list, (const float[]){t->x[0][u], t->x[1][u], t->d == 3 ? t->x[2][u] : 0.0f},
                           t->weight[u]);
            }
        } else {
            at++;
            continue;
        }
        at = k->skip;
    }
    flush(g, list);
}

static void measure_group(group *g)
{
    for (size_t a = 0; a < g->of->d; a++) {
        const float *x = g->of->x[a] + g->leaf->first;
        g->low[a] = g->high[a] = x[0];
        for (size_t k = 1; k < g->leaf->count; k++) {
            g->low[a] = fminf(g->low[a], x[k]);
            g->high[a] = fmaxf(g->high[a], x[k]);
        }
    }
}

/* Each place's sums become those of all its points. */
static void scatter(const group *g, float *force, float *potential)
{
    const size_t d = g->of->d;
    for (size_t u = g->leaf->first; u < g->leaf->first + g->leaf->count; u++) {
        for (size_t k = g->of->start[u]; k < g->of->start[u + 1]; k++) {
            const size_t i = g->of->order[k];
            for (size_t a = 0; a < d; a++) { force[i * d + a] = (float)g->sums[u][a]; }
            potential[i] = (float)g->sums[u][3];
        }
    }
}

static void forces(const tree *from, const tree *on, float theta, float dof, size_t threads, double (*sums)[4],
                   float *force, float *potential)
{
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 32)
    for (size_t at = 0; at < on->n_nodes; at++) {
        if (!is_leaf(on, at)) { continue; }
        group g = {.of = on, .leaf = &on->nodes[at], .dof = dof, .sums = sums};
        pushers list;
        list.n = 0;
        measure_group(&g);
        walk(from, &g, theta, &list);
        scatter(&g, force, potential);
    }
}

ptsne_status pt_tree_repulsion(const float *y, size_t m, const float *to, size_t n, size_t d, double theta, double dof,
                               size_t threads, float *force, float *potential, ptsne_error *err)
{
    assert((d == 2 || d == 3) && m > 0 && n > 0 && m < UINT32_MAX && n < UINT32_MAX / 2);
    tree from = {0}, other = {0};
    const bool own = y == to && m == n;
    double(*sums)[4] = NULL;
    ptsne_status status = tree_create(to, n, d, threads, &from, err);
    if (status == PTSNE_OK && !own) { status = tree_create(y, m, d, threads, &other, err); }
    if (status != PTSNE_OK) { goto done; }
    const tree *on = own ? &from : &other;
    if ((sums = pt_array_zeroed(on->n, sizeof *sums)) == NULL) {
        status = pt_fail_memory(err, "the sums of a tree", (double)on->n * sizeof *sums);
        goto done;
    }
    forces(&from, on, (float)theta, (float)dof, threads, sums, force, potential);
done:
    free(sums);
    tree_destroy(&from), tree_destroy(&other);
    return status;
}
