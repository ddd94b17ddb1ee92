/* Conditional affinities at a perplexity: p_j|i = exp(-beta_i d2_ij) / sum (van der Maaten and Hinton, JMLR 2008).
 *
 * With u = beta (d2 - least), S = sum exp(-u), T = sum u exp(-u), V = sum u^2 exp(-u):
 *   entropy H = log S + T / S, dH / dlog(beta) = -(V / S - (T / S)^2),
 * and Newton's method runs on log(beta), where H is nearly straight, inside a bracket. */
#include "backend/cpu/level.h"

#include <float.h>
#include <math.h>

#include "backend/cpu/vector_math.h"

#define BLOCK ((size_t)512) /* terms summed in float32 before they go into a float64 sum */

/* A row without its own point: the columns below `self` and those above it. */
typedef struct points {
    const float *d2;
    size_t k, self; /* self is k where nothing is left out */
    float least;    /* of the finite distances */
    size_t n_least, n_finite;
    double mean; /* of the finite distances less the least */
} points;

typedef struct sums {
    double s, t, v;
} sums;

/* The least distance, how many are finite, and their sum. NaN counts as not finite. */
static void survey_range(points *row, size_t from, size_t to)
{
    const float *d2 = row->d2;
    for (size_t first = from; first < to; first += BLOCK) {
        const size_t end = first + BLOCK < to ? first + BLOCK : to;
        float least = row->least;
        double sum = 0.0;
        unsigned finite = 0;
#pragma omp simd reduction(min : least) reduction(+ : sum, finite)
        for (size_t j = first; j < end; j++) {
            const bool in = d2[j] < INFINITY;
            const float d = in ? d2[j] : INFINITY;
            least = d < least ? d : least;
            sum += in ? (double)d2[j] : 0.0;
            finite += in;
        }
        row->least = least;
        row->mean += sum;
        row->n_finite += finite;
    }
}

static size_t count_least(const points *row, size_t from, size_t to)
{
    const float *d2 = row->d2;
    const float least = row->least;
    size_t count = 0;
#pragma omp simd reduction(+ : count)
    for (size_t j = from; j < to; j++) { count += d2[j] == least; }
    return count;
}

static points survey(const float *d2, size_t k, size_t self)
{
    points row = {.d2 = d2, .k = k, .self = self < k ? self : k, .least = INFINITY};
    survey_range(&row, 0, row.self);
    survey_range(&row, row.self + 1, k);
    if (row.n_finite == 0) { return row; }
    row.n_least = count_least(&row, 0, row.self) + count_least(&row, row.self + 1, k);
    row.mean = row.mean / (double)row.n_finite - (double)row.least;
    return row;
}

static void add_range(const points *row, float beta, size_t from, size_t to, sums *total)
{
    const float *d2 = row->d2;
    const float least = row->least;
    for (size_t first = from; first < to; first += BLOCK) {
        const size_t end = first + BLOCK < to ? first + BLOCK : to;
        float s = 0.0f, t = 0.0f, v = 0.0f;
#pragma omp simd reduction(+ : s, t, v)
        for (size_t j = first; j < end; j++) {
            float u = beta * (d2[j] - least);
            u = u < 88.0f ? u : 88.0f; /* exp is 0 there, and infinity times 0 is not a number */
            const float e = cpu_exp(-u);
            s += e;
            t += u * e;
            v += u * (u * e);
        }
        total->s += (double)s;
        total->t += (double)t;
        total->v += (double)v;
    }
}

static sums sums_at(const points *row, float beta)
{
    sums total = {0};
    add_range(row, beta, 0, row->self, &total);
    add_range(row, beta, row->self + 1, row->k, &total);
    return total;
}

/* beta with entropy log(perplexity); the row can reach it. */
static float search(const points *row, double perplexity)
{
    const double target = log(perplexity), enough = 0.25e-5; /* nats: a quarter of what is promised in bits */
    double low = -1.0e300, high = 1.0e300;                   /* of log(beta): entropy above and below the target */
    double at = -log(row->mean > 0.0 ? row->mean : 1.0);
    for (int step = 0; step < 200; step++) {
        const sums sum = sums_at(row, (float)exp(at));
        const double mean = sum.t / sum.s, excess = log(sum.s) + mean - target;
        const double slope = sum.v / sum.s - mean * mean;
        if (fabs(excess) <= enough) { break; }
        if (excess > 0.0) {
            low = at;
        } else {
            high = at;
        }
        double next = at + excess / slope;
        if (!(fabs(next - at) <= 4.0)) { next = excess > 0.0 ? at + 4.0 : at - 4.0; } /* flat, or not a number */
        if (!(next > low && next < high)) { next = 0.5 * (low + high); }
        if (next == at || !(fabs(next) < 88.0)) { break; } /* as near as float32 can be */
        at = next;
    }
    return (float)exp(at);
}

static void write_range(const points *row, float beta, float scale, bool accumulate, size_t from, size_t to, float *p)
{
    const float *d2 = row->d2;
    const float least = row->least;
#pragma omp simd
    for (size_t j = from; j < to; j++) {
        float u = beta * (d2[j] - least);
        u = u < 88.0f ? u : 88.0f;
        p[j] = (accumulate ? p[j] : 0.0f) + scale * cpu_exp(-u);
    }
}

/* The same share for every point at distance `limit` at most; scale is 0 where there is none. */
static void write_uniform(const points *row, float limit, float scale, bool accumulate, float *p)
{
    for (size_t j = 0; j < row->k; j++) {
        const float share = j != row->self && row->d2[j] <= limit ? scale : 0.0f;
        p[j] = (accumulate ? p[j] : 0.0f) + share;
    }
}

static float fit_row(const points *row, float perplexity, float weight, bool accumulate, float *p)
{
    if ((double)row->n_finite <= (double)perplexity) {
        const float scale = row->n_finite == 0 ? 0.0f : weight / (float)row->n_finite;
        write_uniform(row, FLT_MAX, scale, accumulate, p);
        return 0.0f;
    }
    if ((double)row->n_least >= (double)perplexity) {
        write_uniform(row, row->least, weight / (float)row->n_least, accumulate, p);
        return INFINITY;
    }
    const float beta = search(row, (double)perplexity);
    const float scale = (float)((double)weight / sums_at(row, beta).s);
    write_range(row, beta, scale, accumulate, 0, row->self, p);
    write_range(row, beta, scale, accumulate, row->self + 1, row->k, p);
    if (row->self < row->k && !accumulate) { p[row->self] = 0.0f; }
    return beta;
}

ptsne_status cpu_affinities_conditional(pt_backend *be, const pt_buffer *d2, size_t m, size_t k, size_t self_from,
                                        float perplexity, float weight, bool accumulate, const pt_buffer *p,
                                        const pt_buffer *beta, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const float *distance = pt_cpu_floats(d2);
    float *share = pt_cpu_floats(p), *precision = pt_cpu_floats(beta);
#pragma omp parallel for num_threads(pt_cpu_threads(be, m)) schedule(dynamic, 16) if (m * k > 4096)
    for (size_t i = 0; i < m; i++) {
        const size_t self = self_from == SIZE_MAX ? SIZE_MAX : self_from + i;
        const points row = survey(distance + i * k, k, self);
        precision[i] = fit_row(&row, perplexity, weight, accumulate, share + i * k);
    }
    return PTSNE_OK;
}
