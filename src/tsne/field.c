/* Letters: h spacing of the finest grid, t a Gaussian exp(-t r^2), R the widest distance in the box. */
#include "tsne/field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sizes.h"

#define PI          3.14159265358979323846
#define MOST_LEVELS ((size_t)24)
#define SAMPLES     ((size_t)256)                     /* distances that the fit looks at */
#define COLUMNS     (PT_GRID_TERMS * MOST_LEVELS + 1) /* weights that it finds, and the right side follows them */
#define SPARSE      ((size_t)32) /* nodes a point: above, points meet a level by themselves; see pyramid() */
#define TINY        5.0e-3       /* where r^2 / dof stays below, K = 1 - (dof + 1) / 2 r^2 / dof: see moments() */

typedef struct plan {
    size_t n_levels;
    pt_grid level[MOST_LEVELS];
    size_t nodes;  /* of all levels */
    double widest; /* R, or some of the kernel's widths */
} plan;

struct pt_field {
    pt_backend *be;
    size_t n, d;
    double dof;
    float spacing; /* of the finest grid, but for small maps */
    double width;  /* t of a level's narrower Gaussian, in units of 1 / spacing^2; the other one has half */
    plan now;
    pt_grid_kernel kernel[MOST_LEVELS];
    double constant; /* weight of the Gaussian without end */
    double *fit;     /* 2 SAMPLES x (COLUMNS + 1) */
    pt_buffer charge, potential, scratch;
    pt_grid top;   /* what points read: the finest grid, or the moments' */
    size_t direct; /* levels that points read, from the finest on; 1: top alone */
    float base;
};

/* ---- the grids ---- */

/* The kernel's width in units of the map: its curvature at 0 is (dof + 1) / dof, 2 where dof is 1. Below that its tail of narrow
 * Gaussians, whose t go as 1 / dof, is heavier than the curvature says. */
static double kernel_width(double dof)
{
    return dof < 1.0 ? sqrt(dof) : sqrt(2.0 * dof / (dof + 1.0));
}

/* The narrower Gaussian: too wide, and the ladder cannot follow the kernel at 0; too narrow, and splines cannot follow the Gaussian.
 * The best one goes with the spacing (in units of the kernel) as measured on maps of 70,000 points, at spacings 1/4 to 1/2. */
static double gaussian_width(double spacing)
{
    const double width = 1.2 * pow(spacing, 1.25);
    return width < 0.1 ? 0.1 : width > 0.6 ? 0.6 : width;
}

/* Small maps get a third of the spacing. They have nodes to spare, and need them: where all points sit within few cells, forces
 * between near points are much smaller than n, and what splines get wrong is not. */
static float spacing_for(size_t d, float spacing, const float *low, const float *high)
{
    const float small = (d == 2 ? 24.0f : 12.0f) * spacing;
    float side = 0.0f;
    for (size_t a = 0; a < d; a++) { side = high[a] - low[a] > side ? high[a] - low[a] : side; }
    return side < small ? spacing / 3.0f : spacing;
}

/* The finest grid, by steps of so many nodes that begin at whole multiples of themselves: a map that moves a little keeps its
 * grid, and the same box has the same grid in every run. False where it would have too many nodes. */
static bool finest(size_t d, float most, const float *low, const float *high, pt_grid *grid, double *diagonal)
{
    const float spacing = spacing_for(d, most, low, high);
    const double nodes = d == 2 ? 16.0 : 8.0, step = nodes * (double)spacing;
    double all = 1.0, square = 0.0;
    *grid = (pt_grid){.d = d, .size = {1, 1, 1}, .spacing = spacing};
    for (size_t a = 0; a < d; a++) {
        const double from = floor((double)low[a] / step), to = floor((double)high[a] / step) + 1.0;
        const double size = (to - from) * nodes + (double)PT_GRID_ORDER;
        all *= size;
        square += (to - from) * step * (to - from) * step;
        if (!(all < 4294967295.0)) { return false; }
        grid->size[a] = (size_t)size;
        grid->origin[a] = (float)(from * step - (double)(PT_GRID_ORDER / 2 - 1) * (double)spacing);
    }
    *diagonal = sqrt(square);
    return true;
}

/* With this margin a coarser grid has every node that meets a node of the finer one, so nothing is cut. */
static pt_grid coarser(const pt_grid *fine)
{
    pt_grid coarse = *fine;
    coarse.margin = PT_GRID_ORDER / 4;
    coarse.spacing = 2.0f * fine->spacing;
    for (size_t a = 0; a < fine->d; a++) {
        coarse.size[a] = coarse.margin + (fine->size[a] - 1 + PT_GRID_ORDER / 2) / 2 + 1;
        if (coarse.size[a] < PT_GRID_ORDER) { coarse.size[a] = PT_GRID_ORDER; }
        coarse.origin[a] = fine->origin[a] - coarse.spacing * (float)coarse.margin;
    }
    return coarse;
}

static bool plan_make(size_t d, float spacing, double unit, const float *low, const float *high, plan *p)
{
    memset(p, 0, sizeof *p); /* plans are compared byte by byte */
    if (!finest(d, spacing, low, high, &p->level[0], &p->widest)) { return false; }
    if (p->widest < 4.0 * unit) { p->widest = 4.0 * unit; } /* a small map needs the kernel's own width all the same */
    const double width = gaussian_width((double)p->level[0].spacing / unit);
    p->nodes = pt_grid_nodes(&p->level[0]);
    for (p->n_levels = 1; p->n_levels < MOST_LEVELS; p->n_levels++) {
        const pt_grid *last = &p->level[p->n_levels - 1];
        const double cells = p->widest / (double)last->spacing;
        if (0.5 * width * cells * cells <= 2.0) {
            break;
        } /* the widest Gaussian is still exp(-2) at R; the constant does the rest */
        p->level[p->n_levels] = coarser(last);
        p->nodes += pt_grid_nodes(&p->level[p->n_levels]);
    }
    return true;
}

/* Coarser grids are no larger along any axis. */
static size_t plan_scratch(const pt_backend *be, const plan *p, size_t n)
{
    const size_t convolve = pt_grid_convolve_scratch(be, &p->level[0]);
    const size_t spread = pt_grid_spread_scratch(be, &p->level[0], n);
    return pt_larger(pt_column_scratch(n, 3), pt_larger(convolve, spread));
}

size_t pt_field_elements(const pt_backend *be, size_t n, size_t d, float dof, float spacing, const float *low,
                         const float *high)
{
    plan p;
    const double unit = kernel_width((double)dof);
    return plan_make(d, (float)((double)spacing * unit), unit, low, high, &p) ? 2 * p.nodes + plan_scratch(be, &p, n)
                                                                              : SIZE_MAX;
}

/* ---- the taps ---- */

/* The transform of a central B-spline of PT_GRID_ORDER, squared. */
static double spline_square(double w)
{
    const double half = 0.5 * w, sinc = fabs(half) < 1.0e-9 ? 1.0 : sin(half) / half;
    return pow(sinc, 2.0 * (double)PT_GRID_ORDER);
}

/* The taps between charges and potentials that come nearest to exp(-t r^2) at points, on the mean over their places in a cell
 * (the optimal influence function of particle-mesh methods: Hockney and Eastwood 1988, chapter 8), in units of the spacing. */
static void taps_of(double t, size_t reach, float *tap)
{
    enum { STEPS = 256, ALIASES = 3 };
    double sum[PT_GRID_REACH + 1] = {0.0};
    for (size_t s = 0; s < STEPS; s++) {
        const double w = 2.0 * PI * ((double)s / STEPS - 0.5);
        double meant = 0.0, squares = 0.0;
        for (int m = -ALIASES; m <= ALIASES; m++) {
            const double k = w + 2.0 * PI * m, square = spline_square(k);
            meant += sqrt(PI / t) * exp(-k * k / (4.0 * t)) * square;
            squares += square;
        }
        for (size_t k = 0; k <= reach; k++) { sum[k] += meant / (squares * squares) * cos(w * (double)k) / STEPS; }
    }
    for (size_t k = 0; k <= reach; k++) { tap[k] = (float)sum[k]; }
}

/* In units of its own spacing every level has the same taps. They end where the wider Gaussian is below 1e-5. */
static void taps_make(pt_field *field)
{
    pt_grid_kernel *first = &field->kernel[0];
    field->width = gaussian_width((double)field->now.level[0].spacing / kernel_width(field->dof));
    const double reach = ceil(sqrt(log(1.0e5) / (0.5 * field->width)));
    first->reach = reach < (double)PT_GRID_REACH ? (size_t)reach : PT_GRID_REACH;
    for (size_t k = 0; k < PT_GRID_TERMS; k++) {
        taps_of(field->width / (double)(1u << k), first->reach, first->tap[k]);
    }
    for (size_t l = 1; l < MOST_LEVELS; l++) { field->kernel[l] = *first; }
}

/* ---- the ladder's weights ---- */

/* Least squares by Householder reflections: the matrix has rows x (columns + 1), its last column the right side. */
static void solve(double *matrix, size_t rows, size_t columns, double *x)
{
    const size_t stride = columns + 1;
    for (size_t c = 0; c < columns; c++) {
        double norm = 0.0;
        for (size_t r = c; r < rows; r++) { norm += matrix[r * stride + c] * matrix[r * stride + c]; }
        double *pivot = &matrix[c * stride + c];
        const double length = *pivot > 0.0 ? -sqrt(norm) : sqrt(norm), head = *pivot - length;
        if (norm == 0.0) { continue; }
        for (size_t j = c + 1; j <= columns; j++) {
            double dot = head * matrix[c * stride + j];
            for (size_t r = c + 1; r < rows; r++) { dot += matrix[r * stride + c] * matrix[r * stride + j]; }
            dot /= length * head;
            matrix[c * stride + j] += dot * head;
            for (size_t r = c + 1; r < rows; r++) { matrix[r * stride + j] += dot * matrix[r * stride + c]; }
        }
        *pivot = length;
    }
    for (size_t c = columns; c-- > 0;) {
        double rest = matrix[c * stride + columns];
        for (size_t j = c + 1; j < columns; j++) { rest -= matrix[c * stride + j] * x[j]; }
        x[c] = matrix[c * stride + c] == 0.0 ? 0.0 : rest / matrix[c * stride + c];
    }
}

/* t of term k of a level. */
static double exponent(const pt_field *field, size_t level, size_t k)
{
    const double h = (double)field->now.level[level].spacing;
    return field->width / (double)(1u << k) / (h * h);
}

/* Weights of the Gaussians and the constant, least squares of the relative error of K and of its slope over 0 .. R; the slope counts
 * less where it is near 0 for its nearness. */
static void ladder_fit(pt_field *field)
{
    const plan *p = &field->now;
    const size_t columns = PT_GRID_TERMS * p->n_levels + 1;
    const double power = 0.5 * (field->dof + 1.0), unit = kernel_width(field->dof), nearest = 0.3 * unit;
    double weight[COLUMNS];
    for (size_t s = 0; s < SAMPLES; s++) {
        const double r = s == 0 ? 0.0 : nearest * pow(p->widest / nearest, (double)(s - 1) / (double)(SAMPLES - 2));
        const double r2 = r * r, k = pow(1.0 + r2 / field->dof, -power), share = r2 / (r2 + unit * unit);
        const double slope = -power / field->dof * k / (1.0 + r2 / field->dof), part = pow(share, 0.3) / slope;
        double *row = field->fit + 2 * s * (columns + 1), *next = row + columns + 1;
        for (size_t c = 0; c + 1 < columns; c++) {
            const double t = exponent(field, c / PT_GRID_TERMS, c % PT_GRID_TERMS), g = exp(-t * r2);
            row[c] = g / k;
            next[c] = -t * g * part; /* slopes by r^2 */
        }
        row[columns - 1] = 1.0 / k, next[columns - 1] = 0.0;
        row[columns] = 1.0, next[columns] = slope * part;
    }
    solve(field->fit, 2 * SAMPLES, columns, weight);
    for (size_t l = 0; l < p->n_levels; l++) {
        for (size_t k = 0; k < PT_GRID_TERMS; k++) {
            field->kernel[l].weight[k] = (float)weight[PT_GRID_TERMS * l + k];
        }
    }
    field->constant = weight[columns - 1];
}

/* ---- the field ---- */

ptsne_status pt_field_create(pt_backend *be, size_t n, size_t d, float dof, float spacing, pt_field **field,
                             ptsne_error *err)
{
    pt_field *f = pt_array_zeroed(1, sizeof *f);
    double *fit = pt_array_aligned(2 * SAMPLES * (COLUMNS + 1), sizeof *fit);
    *field = NULL;
    if (f == NULL || fit == NULL) {
        free(f);
        free(fit);
        return pt_fail_memory(err, "the field's plan", (double)(sizeof *f + 2 * SAMPLES * (COLUMNS + 1) * sizeof *fit));
    }
    *f = (pt_field){.be = be, .n = n, .d = d, .dof = (double)dof, .fit = fit, .direct = 1};
    f->spacing = (float)((double)spacing * kernel_width(f->dof));
    *field = f;
    return PTSNE_OK;
}

static void release(pt_field *f)
{
    pt_buffer_destroy(f->be, &f->charge);
    pt_buffer_destroy(f->be, &f->potential);
    pt_buffer_destroy(f->be, &f->scratch);
}

void pt_field_destroy(pt_field *field)
{
    if (field == NULL) { return; }
    release(field);
    free(field->fit);
    free(field);
}

/* Room for a plan's grids. */
static ptsne_status reserve(pt_field *f, const plan *p, ptsne_error *err)
{
    const size_t scratch = plan_scratch(f->be, p, f->n);
    if (f->charge.count >= p->nodes && f->scratch.count >= scratch) { return PTSNE_OK; }
    release(f);
    ptsne_status status = pt_buffer_create(f->be, p->nodes, &f->charge, err);
    if (status == PTSNE_OK) { status = pt_buffer_create(f->be, p->nodes, &f->potential, err); }
    if (status == PTSNE_OK) { status = pt_buffer_create(f->be, scratch, &f->scratch, err); }
    if (status != PTSNE_OK) {
        release(f);
        return pt_within(err, status, "grids of %zu x %zu x %zu nodes", p->level[0].size[0], p->level[0].size[1],
                         p->level[0].size[2]);
    }
    return status;
}

/* Up the pyramid with charges, across each level, down with potentials. Points meet each level that has many nodes for them, and
 * the next coarser one, by themselves: that is less than to carry charges and potentials through all those nodes. */
static ptsne_status pyramid(pt_field *f, const pt_buffer *y, size_t n, bool own, ptsne_error *err)
{
    const plan *p = &f->now;
    pt_buffer charge[MOST_LEVELS], potential[MOST_LEVELS];
    size_t at = 0;
    for (size_t l = 0; l < p->n_levels; l++) {
        const size_t nodes = pt_grid_nodes(&p->level[l]);
        charge[l] = pt_buffer_view(&f->charge, at, nodes);
        potential[l] = pt_buffer_view(&f->potential, at, nodes);
        at += nodes;
    }
    size_t sparse = 0;
    while (sparse + 1 < p->n_levels && pt_grid_nodes(&p->level[sparse]) / SPARSE > n) { sparse++; }
    f->direct = own ? sparse + 1 : 1;
    ptsne_status status = PTSNE_OK;
    for (size_t l = 0; l < p->n_levels && status == PTSNE_OK; l++) {
        if (l <= sparse) {
            status = pt_grid_spread(f->be, &p->level[l], y, n, &f->scratch, &charge[l], err);
        } else {
            status = pt_grid_restrict(f->be, &p->level[l - 1], &charge[l - 1], &p->level[l], &charge[l], err);
        }
    }
    for (size_t l = p->n_levels; l-- > 0 && status == PTSNE_OK;) {
        const pt_buffer *readers = l + 1 < f->direct ? y : NULL;
        status = pt_grid_convolve(f->be, &p->level[l], &f->kernel[l], &charge[l], readers, n, &f->scratch,
                                  &potential[l], err);
    }
    for (size_t l = p->n_levels; l-- > f->direct && status == PTSNE_OK;) {
        status = pt_grid_prolong(f->be, &p->level[l], &potential[l], &p->level[l - 1], &potential[l - 1], err);
    }
    f->top = p->level[0];
    f->base = (float)(f->constant * (double)n);
    return status;
}

/* The spline that is n - (dof + 1) / (2 dof) n (|y - mean|^2 + variance), the base left out, on one cell that holds the box. */
static void paraboloid(pt_field *f, size_t n, const float *low, const float *high, const float *mean, double variance,
                       float *values)
{
    float side = 0.0f;
    for (size_t a = 0; a < f->d; a++) { side = high[a] - low[a] > side ? high[a] - low[a] : side; }
    pt_grid *top = &f->top;
    *top = (pt_grid){.d = f->d, .size = {PT_GRID_ORDER, PT_GRID_ORDER, f->d == 3 ? PT_GRID_ORDER : 1}};
    top->spacing = side > 1.0e-30f ? side : 1.0e-30f; /* one point, or one place */
    for (size_t a = 0; a < f->d; a++) { top->origin[a] = low[a] - (float)(PT_GRID_ORDER / 2 - 1) * top->spacing; }
    const double h = (double)top->spacing, factor = -0.5 * (f->dof + 1.0) / f->dof;
    for (size_t t = 0; t < pt_grid_nodes(top); t++) {
        const size_t k = f->d == 3 ? t % PT_GRID_ORDER : 0, ij = f->d == 3 ? t / PT_GRID_ORDER : t;
        const size_t place[3] = {ij / PT_GRID_ORDER, ij % PT_GRID_ORDER, k};
        double square = variance;
        for (size_t a = 0; a < f->d; a++) {
            const double off = (double)top->origin[a] + h * (double)place[a] - (double)mean[a];
            square += off * off - h * h * (double)PT_GRID_ORDER / 12.0; /* splines widen a parabola by their variance */
        }
        values[t] = (float)(factor * (double)n * square);
    }
    f->base = (float)n;
    f->direct = 1;
}

/* A map much smaller than the kernel, as at the start: on a grid that resolves the kernel, psi would be n everywhere to float32's
 * last digits, and its slope lost in them. There psi is a paraboloid to a part in 1 000, told by the points' first two moments. */
static ptsne_status moments(pt_field *f, const pt_buffer *y, size_t n, const float *low, const float *high,
                            ptsne_error *err)
{
    const size_t d = f->d;
    const pt_buffer mean = pt_buffer_view(&f->charge, 0, d), variance = pt_buffer_view(&f->charge, d, d);
    float values[PT_GRID_ORDER * PT_GRID_ORDER * PT_GRID_ORDER], center[3], spread[3];
    double total = 0.0;
    ptsne_status status = pt_column_moments(f->be, y, n, d, &f->scratch, &mean, &variance, err);
    if (status == PTSNE_OK) { status = pt_download(f->be, &mean, center, err); }
    if (status == PTSNE_OK) { status = pt_download(f->be, &variance, spread, err); }
    if (status != PTSNE_OK) { return status; }
    for (size_t a = 0; a < d; a++) { total += (double)spread[a]; }
    paraboloid(f, n, low, high, center, total, values);
    const pt_buffer to = pt_buffer_view(&f->potential, 0, pt_grid_nodes(&f->top));
    return pt_upload(f->be, values, &to, err);
}

ptsne_status pt_field_build(pt_field *field, const pt_buffer *y, size_t n, const float *low, const float *high,
                            bool own, ptsne_error *err)
{
    plan wanted;
    double square = 0.0;
    for (size_t a = 0; a < field->d; a++) {
        const double side = (double)high[a] - (double)low[a];
        square += side * side;
    }
    if (!isfinite(square)) { return pt_fail(err, PTSNE_ERR_DIVERGED, "the map has a coordinate that is not finite"); }
    if (!plan_make(field->d, field->spacing, kernel_width(field->dof), low, high, &wanted)) {
        return pt_fail(err, PTSNE_ERR_MEMORY,
                       "a map %g wide is too large for a grid of spacing %g: take a larger one, or Barnes-Hut",
                       sqrt(square), (double)field->spacing);
    }
    const ptsne_status status = reserve(field, &wanted, err);
    if (status != PTSNE_OK) { return status; }
    if (square < TINY * (field->dof < 1.0 ? field->dof : 1.0)) { return moments(field, y, n, low, high, err); }
    if (memcmp(&wanted, &field->now, sizeof wanted) != 0) {
        const bool same = wanted.level[0].spacing == field->now.level[0].spacing;
        field->now = wanted;
        if (!same) { taps_make(field); }
        ladder_fit(field);
    }
    return pyramid(field, y, n, own, err);
}

ptsne_status pt_field_evaluate(pt_field *field, const pt_buffer *y, size_t m, const pt_buffer *force,
                               const pt_buffer *potential, ptsne_error *err)
{
    const float scale = (float)(-field->dof / (field->dof + 1.0));
    ptsne_status status = PTSNE_OK;
    size_t at = 0;
    for (size_t l = 0; l < field->direct && status == PTSNE_OK; l++) {
        const pt_grid *grid = l == 0 ? &field->top : &field->now.level[l];
        const pt_buffer view = pt_buffer_view(&field->potential, at, pt_grid_nodes(grid));
        status = pt_grid_gather(field->be, grid, &view, y, m, l == 0 ? field->base : 0.0f, scale, l > 0, force,
                                potential, err);
        at += view.count;
    }
    return status;
}
