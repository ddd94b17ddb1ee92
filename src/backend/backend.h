/* The op table: every step that touches all the data, written once for each kind of device.
 *
 * Algorithms call the pt_ functions at the end of this file, which check shapes once for all backends and hand over to
 * the table. A backend fills every entry. Ops are queued in order and may return before the work is
 * done; only download waits, and an error of an earlier op may show there. Results depend neither on the number
 * of threads nor on what else the machine does: fixed chunks, reduced in a fixed order, no float atomics.
 *
 * Letters: x data (n x d), y map (n x d, d = 2 or 3), p affinities, w weights of the Student-t kernel,
 * m rows, n columns, k neighbours or the inner dimension of a product.
 */
#ifndef PT_BACKEND_BACKEND_H
#define PT_BACKEND_BACKEND_H

#include <stdbool.h>

#include "base/error.h"
#include "base/sizes.h"

/* Goes up when the table changes; a module built for another version is refused. */
#define PT_BACKEND_VERSION 8u

/* Elements of 4 bytes on the device: float, or uint32_t where a contract says so. */
typedef struct pt_buffer {
    void *handle;  /* the backend's own; NULL when empty */
    size_t offset; /* elements before the first one of this view */
    size_t count;  /* elements of this view */
} pt_buffer;

typedef struct pt_backend pt_backend;
typedef struct pt_backend_ops pt_backend_ops;

typedef struct pt_backend_config {
    const char *spec;    /* "cpu", "opencl", "opencl:P.D" */
    size_t threads;      /* 0: all the process may use */
    size_t memory;       /* bytes the backend may hold; 0: what the device has */
    const char *kernels; /* directory searched first for NAME.cl; NULL: none */
} pt_backend_config;

/* First member of every backend's own struct. */
struct pt_backend {
    const pt_backend_ops *ops;
    size_t threads;     /* for host loops beside it */
    size_t memory;      /* bytes that buffers may take in all */
    size_t memory_used; /* bytes they take now */
    size_t row_block;   /* rows that steady products and layers come in multiples of; 0: always equally many */
    pt_backend *next;   /* another device that may share the search of neighbours; closed together with this one */
};

typedef enum pt_activation {
    PT_LINEAR = 0,
    PT_RELU, /* max(0, x) */
    PT_ELU,  /* x > 0 ? x : exp(x) - 1 */
    PT_TANH,
    PT_SIGMOID, /* 1 / (1 + exp(-x)) */
} pt_activation;

/* c = alpha op(a) op(b) + beta c, row-major; op(a) is m x k, op(b) k x n, c m x n; strides are the elements from one row to
 * the next as stored. With beta 0 what c held is not read. */
typedef struct pt_product_shape {
    bool transpose_a, transpose_b;
    bool steady; /* a row of c has the same bits for any m that keeps to the backend's row_block */
    size_t m, n, k;
    float alpha, beta;
    size_t stride_a, stride_b, stride_c;
} pt_product_shape;

/* Where the numbers of a dropout mask come from: word t of (seed, stream, position). */
typedef struct pt_mask {
    float rate; /* share dropped, 0 <= rate < 1 */
    uint64_t seed, stream;
} pt_mask;

/* A window over images, which are rows of height x width x channels values, channels fastest. Place (i, j) of the
 * out_height x out_width places sees kernel_height rows of the image from i stride - pad_top on and kernel_width columns
 * from j stride - pad_left on; what lies outside of the image is 0. */
typedef struct pt_window {
    size_t height, width, channels;
    size_t kernel_height, kernel_width, stride;
    size_t pad_top, pad_left;
    size_t out_height, out_width;
} pt_window;

typedef struct pt_adam {
    float learning_rate, beta1, beta2, epsilon;
    float correction1, correction2; /* 1 / (1 - beta^t), of step t = 1, 2, ... */
} pt_adam;

/* A sparse matrix in compressed rows: entries row[i] .. row[i + 1] - 1 are row i's. */
typedef struct pt_edges {
    size_t m, n;      /* rows, columns */
    pt_buffer row;    /* m + 1 uint32 */
    pt_buffer column; /* uint32 below n, in any order, but n - 1 last in its row */
    pt_buffer p;
} pt_edges;

/* A regular grid over a map. Node (i, j) or (i, j, k) lies at origin + spacing (i, j, k), axis a being column a of the map,
 * and is element (i size[1] + j) size[2] + k of its buffers, in two dimensions i size[1] + j.
 *
 * Points meet nodes by cubic central B-splines B, PT_GRID_ORDER nodes along an axis, and every point has all of its nodes on the
 * grid. A coarser grid has twice the spacing, and its node J lies on the finer grid's node 2 (J - margin). */
typedef struct pt_grid {
    size_t d;       /* 2 or 3 */
    size_t size[3]; /* nodes along each axis; size[2] is 1 in two dimensions */
    size_t margin;  /* nodes before the finer grid's first one; 0 on the finest */
    float origin[3], spacing;
} pt_grid;

#define PT_GRID_ORDER ((size_t)4)  /* nodes that a point meets along an axis */
#define PT_GRID_TERMS ((size_t)2)  /* separable terms of a kernel on one grid */
#define PT_GRID_REACH ((size_t)16) /* taps on each side at most */

/* sum over terms t of weight[t] prod over axes of tap[t][|offset|]; 0 beyond reach nodes. */
typedef struct pt_grid_kernel {
    size_t reach;
    float tap[PT_GRID_TERMS][PT_GRID_REACH + 1];
    float weight[PT_GRID_TERMS];
} pt_grid_kernel;

/* One step of the map's optimiser. */
typedef struct pt_descent {
    float exaggeration; /* factor on the attraction */
    float learning_rate, momentum;
    float least_gain; /* floor of the gains */
    float max_step;   /* no point moves farther in one step; INFINITY: no limit */
    bool own_z;       /* z has n elements, each point's own; else one for all */
} pt_descent;

/* What embedding_step tells, as floats: [0, d) least and [d, 2d) largest coordinates of the new map, then these. */
#define PT_STEP_GRADIENT(d) (2 * (d))     /* sum over points of |gradient|^2 */
#define PT_STEP_LENGTH(d)   (2 * (d) + 1) /* sum over points of |step|^2 */
#define PT_STEP_STATS(d)    (2 * (d) + 2) /* floats in all */

struct pt_backend_ops {
    uint32_t version; /* PT_BACKEND_VERSION */
    const char *name; /* "cpu", "opencl" */

    ptsne_status (*open)(const pt_backend_config *config, pt_backend **be, ptsne_error *err);
    void (*close)(pt_backend *be);
    void (*describe)(const pt_backend *be, ptsne_device_info *info);

    /* ---- memory ---- */
    /* count elements, not initialised. PTSNE_ERR_MEMORY when the budget or one allocation is exceeded. */
    ptsne_status (*buffer_create)(pt_backend *be, size_t count, pt_buffer *buffer, ptsne_error *err);
    void (*buffer_destroy)(pt_backend *be, pt_buffer *buffer);
    /* to->count elements; `from` may be reused when it returns. */
    ptsne_status (*upload)(pt_backend *be, const void *from, const pt_buffer *to, ptsne_error *err);
    /* from->count elements; waits for all that was queued before. */
    ptsne_status (*download)(pt_backend *be, const pt_buffer *from, void *to, ptsne_error *err);
    /* Every element of the view becomes value. */
    ptsne_status (*fill)(pt_backend *be, const pt_buffer *to, float value, ptsne_error *err);
    /* from->count elements; the views do not overlap. */
    ptsne_status (*copy)(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err);

    /* ---- linear algebra ---- */
    /* Error of an entry at most (k + 4) FLT_EPSILON (|alpha| |op(a)| |op(b)| + |beta c|): any order of sums that are rounded to nearest
     * keeps half of that. */
    ptsne_status (*product)(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                            const pt_buffer *c, ptsne_error *err);
    /* out[j] = sum over i of x[i][j]; x n x d, out d. Error at most 4 n FLT_EPSILON of the sum of |terms|,
     * in practice near sqrt(n). */
    ptsne_status (*column_sums)(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                                ptsne_error *err);
    /* out[i][:] = x[a[i]][:] + t[i] (x[b[i]][:] - x[a[i]][:]); a, b n uint32 rows of x (x has rows x d), t n floats; b and t NULL:
     * out[i][:] = x[a[i]][:] exactly. out n x d, no overlap with x. */
    ptsne_status (*gather_rows)(pt_backend *be, const pt_buffer *x, size_t rows, size_t d, const pt_buffer *a,
                                const pt_buffer *b, const pt_buffer *t, size_t n, const pt_buffer *out,
                                ptsne_error *err);

    /* ---- neighbours and affinities ---- */
    /* The number of a metric for `distances`: "euclidean", "cosine", "manhattan", or a plug-in's metric_NAME.cl.
     * PTSNE_ERR_UNAVAILABLE names those there are; PTSNE_ERR_DEVICE has the compiler's log. */
    ptsne_status (*metric_find)(pt_backend *be, const char *name, int *metric, ptsne_error *err);
    /* out[i][j] = distance of a[i][:] and b[j][:]; a m x d, b n x d, out m x n. euclidean: SQUARED, by a product and norms
     * (|a|^2 + |b|^2 - 2 a.b, at least 0; error at most (8 + 4 d) FLT_EPSILON (|a|^2 + |b|^2)); cosine: 1 - cos, in
     * [0, 2], a row of zeros is at distance 1 from all; manhattan: sum |a - b|. */
    ptsne_status (*distances)(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                              size_t d, const pt_buffer *out, ptsne_error *err);
    /* tile[i][j] becomes its square root, and 0 where column_from + j is row_from + i (SIZE_MAX: nowhere); m x n, nothing below 0.
     * Error of an entry at most 4 FLT_EPSILON of it. */
    ptsne_status (*distance_roots)(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                   size_t column_from, ptsne_error *err);
    /* Merge a tile of distances into running lists of the k nearest. tile m x n: distances from points row_from + i to
     * points column_from + j; a point is never its own neighbour where the two numbers are equal, unless
     * row_from is SIZE_MAX (other points: nothing is left out). best_d m x k ascending, best_i m x k uint32; empty places
     * hold INFINITY and UINT32_MAX. Ties go to the smaller index. k at most 1024. */
    ptsne_status (*nearest_merge)(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                  size_t column_from, size_t k, const pt_buffer *best_d, const pt_buffer *best_i,
                                  ptsne_error *err);
    /* The same without a tile in between, in three steps; `lists` has m rows of pt_nearest_room(k) elements, which mean something to
     * the backend alone. begin: m empty lists. */
    ptsne_status (*nearest_begin)(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, ptsne_error *err);
    /* Merge the distances from points row_from + i, a (m x d), to points column_from + j, b (n x d), into the lists of a, and where
     * lists_b is not NULL the same distances, seen from b, into the lists of b (then row_from is a number, and no list is in
     * both). metric as for `distances`, with its errors. */
    ptsne_status (*nearest_add)(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                                size_t d, size_t row_from, size_t column_from, size_t k, const pt_buffer *lists,
                                const pt_buffer *lists_b, ptsne_error *err);
    /* best_d, best_i m x k as of nearest_merge; to the lists nothing may be added afterwards. */
    ptsne_status (*nearest_end)(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, const pt_buffer *best_d,
                                const pt_buffer *best_i, ptsne_error *err);
    /* count[i][l] += number of j, column_from + j not row_from + i, with tile[i][j] < limit[i][l]; tile m x n, limit and
     * count (uint32) m x k, k at most 64. row_from as above. */
    ptsne_status (*rank_counts)(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                                size_t column_from, const pt_buffer *limit, size_t k, const pt_buffer *count,
                                ptsne_error *err);
    /* Conditional affinities at a perplexity. d2 m x k; row i leaves out column self_from + i where that is below k (SIZE_MAX:
     * none). p[i][j] (+)= weight exp(-beta_i d2_ij) / sum, 0 at the column left out; beta_i so that the entropy is
     * log2(perplexity) bits to 1e-5, by bracketing and Newton or bisection, from d2 less its row's minimum, safe for duplicates
     * and infinities (p = 0 there). Where at most `perplexity` neighbours are finite, p is uniform over those and beta_i is 0 (with
     * none, p is 0); else, where at least `perplexity` are at the same least distance, p is uniform over those and beta_i INFINITY.
     * accumulate: p is added to, else overwritten. beta m. p may not be d2. */
    ptsne_status (*affinities_conditional)(pt_backend *be, const pt_buffer *d2, size_t m, size_t k, size_t self_from,
                                           float perplexity, float weight, bool accumulate, const pt_buffer *p,
                                           const pt_buffer *beta, ptsne_error *err);
    /* joint[i][j] = (p[i][j] + p[j][i]) / (2 n); both n x n, not the same. Exactly symmetric. */
    ptsne_status (*affinities_joint)(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint,
                                     ptsne_error *err);

    /* ---- t-SNE ---- */
    /* z[i] = sum over j of 1 / (1 + |y_i - y_j|^2), j not i; rows from .. from + m of the n x d map y; z m. */
    ptsne_status (*student_sums)(pt_backend *be, const pt_buffer *y, size_t n, size_t d, size_t from, size_t m,
                                 const pt_buffer *z, ptsne_error *err);
    /* With w_ij = 1 / (1 + |y_i - y_j|^2), 0 on the diagonal, Z = sum of all w, q = w / Z:
     *   gradient[i] = 4 sum_j (exaggeration p_ij - q_ij) w_ij (y_i - y_j),
     *   loss[0] = sum of p_ij log(p_ij / q_ij) over p_ij > 0 (p as given, not exaggerated).
     * p n x n, sums to 1; y, gradient n x d; loss 1; scratch pt_gradient_scratch(n, d) elements. */
    ptsne_status (*tsne_gradient)(pt_backend *be, const pt_buffer *p, const pt_buffer *y, size_t n, size_t d,
                                  float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                  const pt_buffer *loss, ptsne_error *err);
    /* Pairs pull, all others push. Rows 0 .. m - 1 of y are heads, m .. 2m - 1 their tails: edge e joins e and m + e. sample: 2m
     * uint32, the point each row shows; two rows that show one point neither push nor pull, nor do partners push each other.
     * With w_ij = 1 / (1 + |y_i - y_j|^2), Z = sum of w over ordered pairs that push:
     *   loss[0] = exaggeration / m sum_e log(1 + d_e^2) + log Z,
     *   gradient[i] = (2 exaggeration / m) w_it (y_i - y_t) - (4 / Z) sum_j w_ij^2 (y_i - y_j), t the partner.
     * An edge whose ends show one point pulls neither and adds nothing to the loss. Z is taken as at least 1e-12. y, gradient 2m x d. */
    ptsne_status (*edges_gradient)(pt_backend *be, const pt_buffer *y, const pt_buffer *sample, size_t m, size_t d,
                                   float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                                   const pt_buffer *loss, ptsne_error *err);

    /* The t-SNE gradient by parts, for the Student-t kernel K(r) = (1 + r^2 / dof)^(-(dof + 1) / 2); with dof 1, 1 / (1 + r^2).
     * Forces leave out the factor 2 (dof + 1) / dof of the gradient, which is 4 for dof 1.
     *
     * Attraction, row i of edges being point i of y (m x d), columns points of `to` (n x d, may be y):
     *   force[i] = sum_e p_e (1 + d_e^2 / dof)^-1 (y_i - to_j),
     *   loss[0] = sum_e p_e (dof + 1) / 2 log(1 + d_e^2 / dof); loss NULL: not wanted.
     * scratch pt_map_scratch(m, d) elements. Relative error of loss 1e-5, of a force 1e-5 of sum_e p_e |y_i - to_j| (1 + ..)^-1. */
    ptsne_status (*attraction)(pt_backend *be, const pt_edges *edges, const pt_buffer *y, const pt_buffer *to, size_t d,
                               float dof, const pt_buffer *scratch, const pt_buffer *force, const pt_buffer *loss,
                               ptsne_error *err);
    /* Repulsion, every pair: potential[i] = sum_j K(|y_i - to_j|), force[i] = sum_j K (1 + d^2 / dof)^-1 (y_i - to_j), over all n
     * points of `to` (n x d; y itself is allowed, and then a point counts 1 in its own potential). y, force m x d, potential m. */
    ptsne_status (*repulsion)(pt_backend *be, const pt_buffer *y, size_t m, const pt_buffer *to, size_t n, size_t d,
                              float dof, const pt_buffer *force, const pt_buffer *potential, ptsne_error *err);
    /* z[0] = sum_i (potential[i] - self), at least FLT_MIN; n potentials, compensated or in float64. */
    ptsne_status (*potential_sum)(pt_backend *be, const pt_buffer *potential, size_t n, float self,
                                  const pt_buffer *scratch, const pt_buffer *z, ptsne_error *err);
    /* g = exaggeration attraction - repulsion / z[0], row i by z[i] with own_z (z counts as FLT_MIN where it is less); a gain grows
     * by 0.2 where g and velocity have different signs (0 has its own), else shrinks to 0.8 of it, not below least_gain;
     * velocity = momentum velocity - learning_rate gain g, shortened to max_step a point; y += velocity (Jacobs 1988; van der
     * Maaten and Hinton 2008). All n x d; z 1 element or n; stats PT_STEP_STATS(d); scratch pt_map_scratch(n, d). */
    ptsne_status (*embedding_step)(pt_backend *be, const pt_descent *descent, const pt_buffer *attraction,
                                   const pt_buffer *repulsion, const pt_buffer *z, size_t n, size_t d,
                                   const pt_buffer *y, const pt_buffer *velocity, const pt_buffer *gains,
                                   const pt_buffer *scratch, const pt_buffer *stats, ptsne_error *err);

    /* ---- grids ---- */
    /* charge[node] = sum_i prod_a B((y_ia - node's place) / spacing), y n x d; overwritten, the same bits each time.
     * scratch grid_spread_scratch elements. A point outside, or NaN, spoils the charges but writes nowhere else. */
    size_t (*grid_spread_scratch)(const pt_backend *be, const pt_grid *grid, size_t n);
    ptsne_status (*grid_spread)(pt_backend *be, const pt_grid *grid, const pt_buffer *y, size_t n,
                                const pt_buffer *scratch, const pt_buffer *charge, ptsne_error *err);
    /* Charges of the coarser grid: those that spreading the same points there would give, but for cut margins, by B-splines'
     * two-scale relation: [1 4 6 4 1] / 8 along each axis (adjoint of grid_prolong). */
    ptsne_status (*grid_restrict)(pt_backend *be, const pt_grid *fine, const pt_buffer *from, const pt_grid *coarse,
                                  const pt_buffer *to, ptsne_error *err);
    /* potential = kernel * charge, 0 beyond the grid; overwritten. With n points y (n x d) only nodes that grid_gather reads for
     * them have to be right, others may be anything; a point outside, or NaN, writes nowhere else. y NULL: all nodes. scratch
     * grid_convolve_scratch elements. */
    size_t (*grid_convolve_scratch)(const pt_backend *be, const pt_grid *grid);
    ptsne_status (*grid_convolve)(pt_backend *be, const pt_grid *grid, const pt_grid_kernel *kernel,
                                  const pt_buffer *charge, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                                  const pt_buffer *potential, ptsne_error *err);
    /* to += the coarser potential, seen as a spline, on the finer grid: the same two-scale coefficients. */
    ptsne_status (*grid_prolong)(pt_backend *be, const pt_grid *coarse, const pt_buffer *from, const pt_grid *fine,
                                 const pt_buffer *to, ptsne_error *err);
    /* psi(y) = base + sum over nodes of value prod_a B(..): potential[i] = psi(y_i), force[i] = scale grad psi(y_i); with `add` they are
     * added to what stands there. y, force n x d. */
    ptsne_status (*grid_gather)(pt_backend *be, const pt_grid *grid, const pt_buffer *values, const pt_buffer *y,
                                size_t n, float base, float scale, bool add, const pt_buffer *force,
                                const pt_buffer *potential, ptsne_error *err);

    /* ---- layers ---- */
    /* x[i][j] = activation(x[i][j] + bias[j]) in place; x n x d, bias d. Relative error 32 FLT_EPSILON + absolute 4. */
    ptsne_status (*bias_activation)(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *bias,
                                    pt_activation activation, ptsne_error *err);
    /* g[t] *= activation'(...), told from its result y[t]: relu y > 0, elu y > 0 ? 1 : y + 1, tanh 1 - y^2, sigmoid y (1 - y). */
    ptsne_status (*activation_gradient)(pt_backend *be, const pt_buffer *y, size_t count, pt_activation activation,
                                        const pt_buffer *g, ptsne_error *err);
    /* x[t] = keep ? x[t] / (1 - rate) : 0, with keep = uniform t >= rate; uniform t is the upper 24 bits of word t % 4 of
     * pt_philox(key seed, counter (t / 4, stream)) as in base/random.h, times 2^-24. The same mask goes over x going forward and
     * over the gradient coming back. */
    ptsne_status (*dropout)(pt_backend *be, const pt_buffer *x, size_t count, const pt_mask *mask, ptsne_error *err);

    /* With v the window's patches of x, (places of n images) x (kernel_height kernel_width channels), in that order:
     *   convolution          y = v w',       y (n out_height out_width) x filters, w filters x (kernel_height kernel_width channels);
     *   convolution_inputs   dL/dx from g = dL/dy, overwritten;
     *   convolution_weights  dL/dw = g' v, overwritten.
     * An image's y and dL/dx do not depend on the others, if their number keeps to row_block. Errors as of a product with k the
     * number of terms. scratch: convolution_scratch elements; training: for any of the three, else for the first. */
    size_t (*convolution_scratch)(const pt_backend *be, const pt_window *window, size_t n, size_t filters,
                                  bool training);
    ptsne_status (*convolution)(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, size_t filters,
                                const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *y, ptsne_error *err);
    ptsne_status (*convolution_inputs)(pt_backend *be, const pt_window *window, const pt_buffer *g, size_t n,
                                       size_t filters, const pt_buffer *w, const pt_buffer *scratch,
                                       const pt_buffer *gx, ptsne_error *err);
    ptsne_status (*convolution_weights)(pt_backend *be, const pt_window *window, const pt_buffer *x, const pt_buffer *g,
                                        size_t n, size_t filters, const pt_buffer *scratch, const pt_buffer *gw,
                                        ptsne_error *err);
    /* y = largest value of each channel in each place of the window, which lies inside of the image (no padding); which: its number
     * among the image's height x width x channels values, the first of equal ones. NaN is larger than all. y and which (uint32)
     * n x out_height x out_width x channels. */
    ptsne_status (*max_pool)(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, const pt_buffer *y,
                             const pt_buffer *which, ptsne_error *err);
    /* gx[value] = sum of g over the places that chose it; overwritten. */
    ptsne_status (*max_pool_gradient)(pt_backend *be, const pt_window *window, const pt_buffer *g,
                                      const pt_buffer *which, size_t n, const pt_buffer *gx, ptsne_error *err);
    /* mean[j] and variance[j] (over n, not n - 1) of column j; x n x d; float64 or compensated, from differences: safe where the mean is
     * large. scratch pt_column_scratch(n, d) elements. */
    ptsne_status (*column_moments)(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *scratch,
                                   const pt_buffer *mean, const pt_buffer *variance, ptsne_error *err);
    /* Batch normalisation (Ioffe and Szegedy, ICML 2015): y[i][j] = activation(gain[j] (x[i][j] - mean[j]) / sqrt(variance[j] + epsilon)
     * + shift[j]). y may be x. */
    ptsne_status (*normalize)(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                              const pt_buffer *variance, const pt_buffer *gain, const pt_buffer *shift, float epsilon,
                              pt_activation activation, const pt_buffer *y, ptsne_error *err);
    /* Back through it (activation apart), mean and variance being those of x: from g = dL/dy to dL/dx, in place;
     * gain_gradient[j] = sum_i g xhat, shift_gradient[j] = sum_i g. scratch pt_column_scratch(n, d). */
    ptsne_status (*normalize_gradient)(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                                       const pt_buffer *variance, const pt_buffer *gain, float epsilon,
                                       const pt_buffer *g, const pt_buffer *scratch, const pt_buffer *gain_gradient,
                                       const pt_buffer *shift_gradient, ptsne_error *err);
    /* y = alpha x + beta y, y->count elements; with beta 0 what y held is not read. */
    ptsne_status (*blend)(pt_backend *be, float alpha, const pt_buffer *x, float beta, const pt_buffer *y,
                          ptsne_error *err);
    /* Anchors: with z n x (k + d), a k x d (places on the map): p = softmax of z's first k columns, y = p a + z's last d columns.
     * p n x k, y n x d, d 2 or 3. */
    ptsne_status (*anchors)(pt_backend *be, const pt_buffer *z, size_t n, size_t k, size_t d, const pt_buffer *a,
                            const pt_buffer *p, const pt_buffer *y, ptsne_error *err);
    /* dL/dz, n x (k + d), from g = dL/dy: with q = g a', its first k columns are
     * p o (q - rowsum(p o q)) + (weight / n) (p - onehot(class)), its last d are g. class n uint32 below k; NULL: without that
     * term. (dL/da = p' g is a product.) */
    ptsne_status (*anchors_gradient)(pt_backend *be, const pt_buffer *p, size_t n, size_t k, size_t d,
                                     const pt_buffer *a, const pt_buffer *g, const pt_buffer *class_of, float weight,
                                     const pt_buffer *gz, ptsne_error *err);

    /* ---- losses ---- */
    /* In these scratch has pt_loss_scratch(n) elements; sums over rows are in float64 or compensated; gradient NULL: not wanted. */
    /* With p = softmax(z), z n x k, class n uint32 below k: loss[0] = mean of -log p[i][class i]; loss[1] = rows whose largest z, the
     * first of equal ones, is not that of their class; gradient = (p - onehot(class)) / n. */
    ptsne_status (*cross_entropy)(pt_backend *be, const pt_buffer *z, const pt_buffer *class_of, size_t n, size_t k,
                                  const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                  ptsne_error *err);
    /* loss[0] = 1 / (n d) sum (y - target)^2, gradient 2 / (n d) (y - target); all n x d. */
    ptsne_status (*squared_error)(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                                  const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                  ptsne_error *err);
    /* With r = y[i] - target[i]: loss[0] = 1 / n sum_i h log(h^2 + |r|^2), gradient[i] = (2 h / n) r / (h^2 + |r|^2); n x d, d 2 or 3. */
    ptsne_status (*cauchy_error)(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                                 float h, const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                                 ptsne_error *err);

    /* ---- optimisers ---- */
    /* v = momentum v - learning_rate g; w += v. v, and below m and v, may be 0 where they would be under FLT_MIN. */
    ptsne_status (*sgd_step)(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *v,
                             float learning_rate, float momentum, ptsne_error *err);
    /* m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
     * w -= learning_rate (correction1 m) / (sqrt(correction2 v) + epsilon). Kingma and Ba, ICLR 2015. */
    ptsne_status (*adam_step)(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                              const pt_buffer *v, const pt_adam *adam, ptsne_error *err);
};

/* ---- modules ---- */

/* What a backend in a shared library of its own, libptsne-NAME.so, exports under the name `pt_module`. */
typedef struct pt_backend_module {
    uint32_t version; /* PT_BACKEND_VERSION; looked at before anything else */
    const pt_backend_ops *ops;
    /* Its devices; *list by malloc(). PTSNE_OK with none where there are none. */
    ptsne_status (*devices)(ptsne_device_info **list, size_t *count, ptsne_error *err);
} pt_backend_module;

/* ---- opening ---- */

/* Backends that are built in or lie beside the library, best first; the last one is "cpu". */
size_t pt_backend_count(void);
const char *pt_backend_name(size_t index);

/* Open by spec ("cpu", "opencl", "opencl:P.D"); config is borrowed. */
ptsne_status pt_backend_open_config(const pt_backend_config *config, pt_backend **be, ptsne_error *err);
/* The same by name alone. */
ptsne_status pt_backend_open(const char *name, pt_backend **be, ptsne_error *err);
void pt_backend_close(pt_backend *be);

/* Every device of every backend, cpu first; *list is released by free(). */
ptsne_status pt_backend_devices(ptsne_device_info **list, size_t *count, ptsne_error *err);

/* ---- views ---- */

/* count elements of buffer from `from` on; owns nothing, so it is never destroyed. */
pt_buffer pt_buffer_view(const pt_buffer *buffer, size_t from, size_t count);

/* ---- sizes ---- */

/* Elements that buffers may still take in all. */
static inline size_t pt_elements_left(const pt_backend *be)
{
    return be->memory > be->memory_used ? (be->memory - be->memory_used) / sizeof(float) : 0;
}

/* The part of them that an algorithm plans with: an op's own scratch has the rest. */
static inline size_t pt_elements_planned(const pt_backend *be)
{
    return pt_elements_left(be) / 8 * 7;
}

/* Elements of one buffer at most. */
size_t pt_elements_largest(const pt_backend *be);

/* Elements of one list of nearest_begin: on the cpu a head of one cache line, distances and indices, half as many again as are
 * wanted and a vector. */
static inline size_t pt_nearest_room(size_t k)
{
    const size_t more = k / 2 < 64 ? 64 : k / 2, room = pt_round_up(k + more, 16);
    return 16 + 2 * (room + 16);
}

/* Elements of scratch for tsne_gradient and edges_gradient of n rows (n = 2m for edges). */
size_t pt_gradient_scratch(size_t n, size_t d);

/* Sums over the points of a map come in so many parts at most. */
#define PT_MAP_CHUNKS ((size_t)1024)

/* Elements of scratch for attraction, potential_sum and embedding_step of n points. */
size_t pt_map_scratch(size_t n, size_t d);

/* Nodes of a grid; elements of scratch for grid_spread of n points, and for grid_convolve. */
size_t pt_grid_nodes(const pt_grid *grid);
size_t pt_grid_spread_scratch(const pt_backend *be, const pt_grid *grid, size_t n);
size_t pt_grid_convolve_scratch(const pt_backend *be, const pt_grid *grid);

/* Sums over the rows of columns come in so many parts. */
static inline size_t pt_column_chunks(size_t n)
{
    const size_t chunks = (n + 63) / 64;
    return chunks < 256 ? chunks : 256;
}

/* Elements of scratch for column_moments and normalize_gradient, and for the losses of n rows. */
size_t pt_column_scratch(size_t n, size_t d);
size_t pt_loss_scratch(size_t n);

/* ---- the ops, with their shapes checked ---- */

ptsne_status pt_buffer_create(pt_backend *be, size_t count, pt_buffer *buffer, ptsne_error *err);
void pt_buffer_destroy(pt_backend *be, pt_buffer *buffer);
ptsne_status pt_upload(pt_backend *be, const void *from, const pt_buffer *to, ptsne_error *err);
ptsne_status pt_download(pt_backend *be, const pt_buffer *from, void *to, ptsne_error *err);
ptsne_status pt_fill(pt_backend *be, const pt_buffer *to, float value, ptsne_error *err);
ptsne_status pt_copy(pt_backend *be, const pt_buffer *from, const pt_buffer *to, ptsne_error *err);
ptsne_status pt_product(pt_backend *be, const pt_product_shape *shape, const pt_buffer *a, const pt_buffer *b,
                        const pt_buffer *c, ptsne_error *err);
ptsne_status pt_column_sums(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *out,
                            ptsne_error *err);
ptsne_status pt_gather_rows(pt_backend *be, const pt_buffer *x, size_t rows, size_t d, const pt_buffer *a,
                            const pt_buffer *b, const pt_buffer *t, size_t n, const pt_buffer *out, ptsne_error *err);
ptsne_status pt_metric_find(pt_backend *be, const char *name, int *metric, ptsne_error *err);
ptsne_status pt_distances(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                          size_t d, const pt_buffer *out, ptsne_error *err);
ptsne_status pt_distance_roots(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                               size_t column_from, ptsne_error *err);
ptsne_status pt_nearest_merge(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                              size_t column_from, size_t k, const pt_buffer *best_d, const pt_buffer *best_i,
                              ptsne_error *err);
ptsne_status pt_nearest_begin(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, ptsne_error *err);
ptsne_status pt_nearest_add(pt_backend *be, int metric, const pt_buffer *a, size_t m, const pt_buffer *b, size_t n,
                            size_t d, size_t row_from, size_t column_from, size_t k, const pt_buffer *lists,
                            const pt_buffer *lists_b, ptsne_error *err);
ptsne_status pt_nearest_end(pt_backend *be, size_t m, size_t k, const pt_buffer *lists, const pt_buffer *best_d,
                            const pt_buffer *best_i, ptsne_error *err);
ptsne_status pt_rank_counts(pt_backend *be, const pt_buffer *tile, size_t m, size_t n, size_t row_from,
                            size_t column_from, const pt_buffer *limit, size_t k, const pt_buffer *count,
                            ptsne_error *err);
ptsne_status pt_affinities_conditional(pt_backend *be, const pt_buffer *d2, size_t m, size_t k, size_t self_from,
                                       float perplexity, float weight, bool accumulate, const pt_buffer *p,
                                       const pt_buffer *beta, ptsne_error *err);
ptsne_status pt_affinities_joint(pt_backend *be, const pt_buffer *p, size_t n, const pt_buffer *joint,
                                 ptsne_error *err);
ptsne_status pt_student_sums(pt_backend *be, const pt_buffer *y, size_t n, size_t d, size_t from, size_t m,
                             const pt_buffer *z, ptsne_error *err);
ptsne_status pt_tsne_gradient(pt_backend *be, const pt_buffer *p, const pt_buffer *y, size_t n, size_t d,
                              float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                              const pt_buffer *loss, ptsne_error *err);
ptsne_status pt_edges_gradient(pt_backend *be, const pt_buffer *y, const pt_buffer *sample, size_t m, size_t d,
                               float exaggeration, const pt_buffer *scratch, const pt_buffer *gradient,
                               const pt_buffer *loss, ptsne_error *err);
ptsne_status pt_attraction(pt_backend *be, const pt_edges *edges, const pt_buffer *y, const pt_buffer *to, size_t d,
                           float dof, const pt_buffer *scratch, const pt_buffer *force, const pt_buffer *loss,
                           ptsne_error *err);
ptsne_status pt_repulsion(pt_backend *be, const pt_buffer *y, size_t m, const pt_buffer *to, size_t n, size_t d,
                          float dof, const pt_buffer *force, const pt_buffer *potential, ptsne_error *err);
ptsne_status pt_potential_sum(pt_backend *be, const pt_buffer *potential, size_t n, float self,
                              const pt_buffer *scratch, const pt_buffer *z, ptsne_error *err);
ptsne_status pt_embedding_step(pt_backend *be, const pt_descent *descent, const pt_buffer *attraction,
                               const pt_buffer *repulsion, const pt_buffer *z, size_t n, size_t d, const pt_buffer *y,
                               const pt_buffer *velocity, const pt_buffer *gains, const pt_buffer *scratch,
                               const pt_buffer *stats, ptsne_error *err);
ptsne_status pt_grid_spread(pt_backend *be, const pt_grid *grid, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                            const pt_buffer *charge, ptsne_error *err);
ptsne_status pt_grid_restrict(pt_backend *be, const pt_grid *fine, const pt_buffer *from, const pt_grid *coarse,
                              const pt_buffer *to, ptsne_error *err);
ptsne_status pt_grid_convolve(pt_backend *be, const pt_grid *grid, const pt_grid_kernel *kernel,
                              const pt_buffer *charge, const pt_buffer *y, size_t n, const pt_buffer *scratch,
                              const pt_buffer *potential, ptsne_error *err);
ptsne_status pt_grid_prolong(pt_backend *be, const pt_grid *coarse, const pt_buffer *from, const pt_grid *fine,
                             const pt_buffer *to, ptsne_error *err);
ptsne_status pt_grid_gather(pt_backend *be, const pt_grid *grid, const pt_buffer *values, const pt_buffer *y, size_t n,
                            float base, float scale, bool add, const pt_buffer *force, const pt_buffer *potential,
                            ptsne_error *err);
ptsne_status pt_bias_activation(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *bias,
                                pt_activation activation, ptsne_error *err);
ptsne_status pt_activation_gradient(pt_backend *be, const pt_buffer *y, size_t count, pt_activation activation,
                                    const pt_buffer *g, ptsne_error *err);
ptsne_status pt_dropout(pt_backend *be, const pt_buffer *x, size_t count, const pt_mask *mask, ptsne_error *err);
/* 0 where the window makes no sense, which the ops then say. */
size_t pt_convolution_scratch(const pt_backend *be, const pt_window *window, size_t n, size_t filters, bool training);
ptsne_status pt_convolution(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, size_t filters,
                            const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *y, ptsne_error *err);
ptsne_status pt_convolution_inputs(pt_backend *be, const pt_window *window, const pt_buffer *g, size_t n,
                                   size_t filters, const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *gx,
                                   ptsne_error *err);
ptsne_status pt_convolution_weights(pt_backend *be, const pt_window *window, const pt_buffer *x, const pt_buffer *g,
                                    size_t n, size_t filters, const pt_buffer *scratch, const pt_buffer *gw,
                                    ptsne_error *err);
ptsne_status pt_max_pool(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, const pt_buffer *y,
                         const pt_buffer *which, ptsne_error *err);
ptsne_status pt_max_pool_gradient(pt_backend *be, const pt_window *window, const pt_buffer *g, const pt_buffer *which,
                                  size_t n, const pt_buffer *gx, ptsne_error *err);
ptsne_status pt_column_moments(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *scratch,
                               const pt_buffer *mean, const pt_buffer *variance, ptsne_error *err);
ptsne_status pt_normalize(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                          const pt_buffer *variance, const pt_buffer *gain, const pt_buffer *shift, float epsilon,
                          pt_activation activation, const pt_buffer *y, ptsne_error *err);
ptsne_status pt_normalize_gradient(pt_backend *be, const pt_buffer *x, size_t n, size_t d, const pt_buffer *mean,
                                   const pt_buffer *variance, const pt_buffer *gain, float epsilon, const pt_buffer *g,
                                   const pt_buffer *scratch, const pt_buffer *gain_gradient,
                                   const pt_buffer *shift_gradient, ptsne_error *err);
ptsne_status pt_blend(pt_backend *be, float alpha, const pt_buffer *x, float beta, const pt_buffer *y,
                      ptsne_error *err);
ptsne_status pt_anchors(pt_backend *be, const pt_buffer *z, size_t n, size_t k, size_t d, const pt_buffer *a,
                        const pt_buffer *p, const pt_buffer *y, ptsne_error *err);
ptsne_status pt_anchors_gradient(pt_backend *be, const pt_buffer *p, size_t n, size_t k, size_t d, const pt_buffer *a,
                                 const pt_buffer *g, const pt_buffer *class_of, float weight, const pt_buffer *gz,
                                 ptsne_error *err);
ptsne_status pt_cross_entropy(pt_backend *be, const pt_buffer *z, const pt_buffer *class_of, size_t n, size_t k,
                              const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                              ptsne_error *err);
ptsne_status pt_squared_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d,
                              const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                              ptsne_error *err);
ptsne_status pt_cauchy_error(pt_backend *be, const pt_buffer *y, const pt_buffer *target, size_t n, size_t d, float h,
                             const pt_buffer *scratch, const pt_buffer *loss, const pt_buffer *gradient,
                             ptsne_error *err);
ptsne_status pt_sgd_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *v,
                         float learning_rate, float momentum, ptsne_error *err);
ptsne_status pt_adam_step(pt_backend *be, const pt_buffer *w, const pt_buffer *g, const pt_buffer *m,
                          const pt_buffer *v, const pt_adam *adam, ptsne_error *err);

#endif
