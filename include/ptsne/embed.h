/* t-SNE of one data set, its stages one by one, and new points on its map. */
#ifndef PTSNE_EMBED_H
#define PTSNE_EMBED_H

#include "ptsne/base.h"
#include "ptsne/devices.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ptsne_method {
    PTSNE_METHOD_FIELD = 0,  /* a scalar field on a pyramid of grids; time grows with n */
    PTSNE_METHOD_BARNES_HUT, /* a quadtree or octree, on the host */
    PTSNE_METHOD_EXACT       /* every pair */
} ptsne_method;

typedef enum ptsne_search {
    PTSNE_SEARCH_AUTO = 0, /* exact; from 100,000 rows on, cells, where the metric is euclidean or cosine */
    PTSNE_SEARCH_EXACT,
    PTSNE_SEARCH_CELLS /* an inverted file: k-means cells, exact distances inside */
} ptsne_search;

typedef enum ptsne_init {
    PTSNE_INIT_PCA = 0, /* first principal components, the first at a standard deviation of 1e-4 */
    PTSNE_INIT_RANDOM,  /* normal, standard deviation 1e-4 */
    PTSNE_INIT_GIVEN    /* what y holds */
} ptsne_init;

#define PTSNE_MAX_PERPLEXITIES 16
#define PTSNE_MAX_PHASES       8

/** Iterations of one exaggeration. */
typedef struct ptsne_phase {
    size_t iterations;
    double exaggeration; /* factor on P */
} ptsne_phase;

/** A graph of nearest neighbours; both arrays n x k, row-major. */
typedef struct ptsne_graph {
    size_t n, k;
    const uint32_t *index; /* nearest first; UINT32_MAX: no neighbour */
    const float *distance; /* euclidean: SQUARED; INFINITY where there is no neighbour */
} ptsne_graph;

/** What ptsne_embed and its stages are asked for. Each stage reads the members under its name. */
typedef struct ptsne_embed_options {
    size_t n_components; /* dimension of the map, 2 or 3 */
    uint64_t seed;
    /* neighbours */
    const char *metric; /* "euclidean", "cosine", "manhattan", or a plug-in's name */
    size_t n_neighbors; /* 0: three times the largest perplexity; and no more than there are, nor than 1024 */
    size_t pca;         /* distances are taken in so many principal components; 0, another metric than
                            euclidean, or no more columns than that: in all columns */
    ptsne_search search;
    double recall; /* cells: share of the true neighbours to be found; measured on a sample, and reported */
    /* affinities */
    double perplexities[PTSNE_MAX_PERPLEXITIES]; /* several are averaged; each at most (n - 1) / 3 */
    size_t n_perplexities;
    int uniform; /* not 0: all neighbours of a point alike, perplexities unread; n_neighbors 0: 15 */
    /* gradient */
    ptsne_method method;
    double theta;   /* barnes-hut: a cell stands for its points where its width is below theta times its distance */
    double spacing; /* field: nodes so far apart, in units of the kernel; smaller is more exact; 0: 0.33, in
                       three dimensions 0.45 */
    double dof;     /* degrees of freedom of the map's Student-t; below 1: finer clusters */
    /* the initial map */
    ptsne_init init;
    /* optimiser */
    ptsne_phase phases[PTSNE_MAX_PHASES];
    size_t n_phases;
    double learning_rate; /* 0: n over the phase's exaggeration */
    double momentum;
    double max_step; /* no point moves farther in an iteration */
    /* the last phase ends early once the root mean square of the points' steps is below this part of half the diagonal
       of the map; looked at every 50 iterations; 0: never */
    double tolerance;
    /* frames */
    size_t snapshot_every; /* iterations; 0: none. The first frame is the initial map, the last one the final map */
    /* y: n x n_components, borrowed during the call; not 0: stop as soon as possible */
    int (*snapshot)(const float *y, size_t iteration, void *user);
    void *snapshot_user;
    /* graph: borrowed during the call; not 0: stop. Told once, as soon as the neighbours are found */
    int (*neighbors)(const ptsne_graph *graph, void *user);
    void *neighbors_user;
    /* long runs */
    const char *checkpoint;    /* the optimiser's state is kept in this file, for up to 2^24 points; NULL: nowhere */
    double checkpoint_minutes; /* between states; 0: only when stopped and at the end */
    int resume;                /* not 0: go on from the checkpoint file; without one, from the start, with a warning */
} ptsne_embed_options;

typedef struct ptsne_embed_report {
    size_t iterations;    /* done, those before a resume included */
    double kl_divergence; /* of the final map, nats, by the method's own repulsion; without exaggeration */
    double seconds;       /* of this call; of these: */
    double pca_seconds, neighbor_seconds, affinity_seconds, optimize_seconds;
    double explained_variance; /* share of the variance in the principal components; NaN without pca */
    size_t n_neighbors;
    size_t cells, cells_probed; /* 0: the search was exact */
    double recall;              /* measured; 1: the search was exact; NaN: the graph was given */
    size_t nonzeros;            /* entries of P */
    size_t duplicates;          /* points with a neighbour at distance 0 */
    size_t isolated;            /* points without neighbours */
    size_t unreached;           /* points whose neighbours do not allow a perplexity */
    double span[3];             /* extent of the map along each dimension */
    int converged;              /* not 0: tolerance ended it */
} ptsne_embed_report;

/**
 * The documented defaults: 2 components, perplexity 30, euclidean, 50 principal components, field, PCA initial map, 250
 * iterations at exaggeration 12 and 500 at 1, learning rate n / exaggeration, momentum 0.8, steps of at most 5.
 */
PTSNE_API void ptsne_embed_options_default(ptsne_embed_options *options);

/**
 * Read a graph that was made elsewhere, by scikit-learn, annoy or faiss say, or by ptsne_graph_write: two .npy files of
 * n x k.
 *
 * Rows are put in order, nearest first. Where rows have the point itself among its neighbours, it is dropped, and of a
 * row that has not, the last one: k is then one less.
 *
 * @param index     Integers of any width, from 0; -1 or UINT32_MAX: no neighbour.
 * @param distance  Numbers; an infinite one: no neighbour.
 * @param metric    Of the distances: those of "euclidean" are plain in the file and become squared; others stay what
 *                  they are.
 * @param graph     Filled; the caller releases it. After a failure it is empty.
 * @return PTSNE_OK; PTSNE_ERR_IO; PTSNE_ERR_DATA (the message names file, row, column and value); PTSNE_ERR_MEMORY.
 */
PTSNE_API ptsne_status ptsne_graph_read(const char *index, const char *distance, const char *metric, ptsne_graph *graph,
                                        ptsne_error *err);

/** Release the arrays of a graph that was read. */
PTSNE_API void ptsne_graph_release(ptsne_graph *graph);

/**
 * Write a graph so that ptsne_graph_read gives it back bit for bit: index as int32, distance as float64, euclidean
 * ones not squared. force: as for ptsne_writer_open.
 */
PTSNE_API ptsne_status ptsne_graph_write(const ptsne_graph *graph, const char *metric, const char *index,
                                         const char *distance, int force, ptsne_error *err);

/**
 * t-SNE of one data set (van der Maaten and Hinton, Visualizing data using t-SNE, JMLR 2008): neighbours, affinities,
 * initial map, optimisation. The same seed gives the same map, bit for bit, on the same device for any number of
 * threads.
 *
 * @param device    Borrowed during the call.
 * @param x         n x n_features, borrowed during the call. NULL where graph is given and init is not pca.
 * @param graph     Neighbours found elsewhere or before; NULL: they are searched for.
 * @param options   May be NULL: defaults.
 * @param observer  May be NULL. Stages: "pca", "k-means" (of the cells), "neighbours", "affinities", "embedding"; the
 *                  last one has the KL divergence as its loss.
 * @param y         n x n_components, the caller's; the initial map where init says so, and the map afterwards, also
 *                  when the call returns PTSNE_ERR_STOPPED in the last stage.
 * @param report    May be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (perplexity too large for n: the message has the largest that would do, ...);
 *         PTSNE_ERR_DATA (NaN or infinity in x, rows too far apart for float32 distances, a bad graph, a damaged
 *         checkpoint); PTSNE_ERR_UNAVAILABLE (the device does not have the metric); PTSNE_ERR_MEMORY;
 *         PTSNE_ERR_DEVICE; PTSNE_ERR_DIVERGED; PTSNE_ERR_STOPPED; PTSNE_ERR_IO.
 */
PTSNE_API ptsne_status ptsne_embed(ptsne_device *device, const float *x, size_t n, size_t n_features,
                                   const ptsne_graph *graph, const ptsne_embed_options *options,
                                   const ptsne_observer *observer, float *y, ptsne_embed_report *report,
                                   ptsne_error *err);

/** One stage of ptsne_embed: what it will hold and how long it may take. */
typedef struct ptsne_plan_stage {
    const char *name;    /* "data", "pca", "neighbours", "affinities", "embedding"; static memory */
    size_t host_bytes;   /* resident while the stage runs, x and what earlier stages left included */
    size_t device_bytes; /* on the device; with the cpu they are host bytes too, and counted there */
    double seconds;      /* a guess, from rates that ptsne_device_bench measures */
} ptsne_plan_stage;

#define PTSNE_PLAN_STAGES 5

/**
 * Plan ptsne_embed of data alone, without doing it; what a run takes with a graph, or to place new points, is not
 * planned. stages: PTSNE_PLAN_STAGES; count: how many there are. PTSNE_ERR_MEMORY where the field's grids would have too
 * many nodes.
 */
PTSNE_API ptsne_status ptsne_embed_plan(ptsne_device *device, size_t n, size_t n_features,
                                        const ptsne_embed_options *options, ptsne_plan_stage *stages, size_t *count,
                                        ptsne_error *err);

/* ---- its stages, one by one ---- */

/**
 * Scores on the first k principal components (Halko, Martinsson and Tropp, SIAM Review 2011).
 *
 * @param x         n x n_features, borrowed; k at most the smaller of the two.
 * @param scores    n x k, the caller's.
 * @param variance  k, of each component, descending; may be NULL.
 * @param total     Total variance of x; may be NULL.
 */
PTSNE_API ptsne_status ptsne_pca(ptsne_device *device, const float *x, size_t n, size_t n_features, size_t k,
                                 uint64_t seed, const ptsne_observer *observer, float *scores, double *variance,
                                 double *total, ptsne_error *err);

/**
 * The k nearest neighbours of each row, nearest first, itself left out.
 *
 * @param options   n_neighbors, metric, pca, search, recall and seed are read; the rest has to be in range.
 * @param index     n x k, the caller's, k = options->n_neighbors, which must not be 0.
 * @param distance  n x k, the caller's; euclidean: squared.
 * @param report    seconds, pca_seconds, neighbor_seconds, explained_variance, n_neighbors, cells, cells_probed and
 *                  recall are set; may be NULL.
 * @return as ptsne_embed.
 */
PTSNE_API ptsne_status ptsne_neighbors(ptsne_device *device, const float *x, size_t n, size_t n_features,
                                       const ptsne_embed_options *options, const ptsne_observer *observer,
                                       uint32_t *index, float *distance, ptsne_embed_report *report, ptsne_error *err);

typedef struct ptsne_affinities ptsne_affinities;

/**
 * Joint affinities of a graph: p_ij = (p_j|i + p_i|j) / (sum of all; 2 n, where no point is without neighbours), a
 * sparse symmetric matrix that sums to 1.
 *
 * @param graph       Borrowed during the call.
 * @param options     perplexities and uniform are read; may be NULL.
 * @param affinities  The caller destroys them.
 * @param report      affinity_seconds, n_neighbors, nonzeros, duplicates, isolated and unreached are set; may be NULL.
 */
PTSNE_API ptsne_status ptsne_affinities_create(ptsne_device *device, const ptsne_graph *graph,
                                               const ptsne_embed_options *options, const ptsne_observer *observer,
                                               ptsne_affinities **affinities, ptsne_embed_report *report,
                                               ptsne_error *err);

/** Release them; NULL does nothing. */
PTSNE_API void ptsne_affinities_destroy(ptsne_affinities *affinities);

/** Points; entries; where each row's entries begin (n + 1); their columns, ascending in a row; their values. */
PTSNE_API size_t ptsne_affinities_points(const ptsne_affinities *affinities);
PTSNE_API size_t ptsne_affinities_entries(const ptsne_affinities *affinities);
PTSNE_API const size_t *ptsne_affinities_rows(const ptsne_affinities *affinities);
PTSNE_API const uint32_t *ptsne_affinities_columns(const ptsne_affinities *affinities);
PTSNE_API const float *ptsne_affinities_values(const ptsne_affinities *affinities);

/**
 * Move a map along its gradient, through the phases of options.
 *
 * @param options     Everything from method on, but init, is read, and n_components and seed; may be NULL.
 * @param y           n x n_components, the initial map, and the map afterwards, also after PTSNE_ERR_STOPPED.
 * @param report      iterations, kl_divergence, seconds, optimize_seconds, span and converged are set; may be NULL.
 */
PTSNE_API ptsne_status ptsne_optimize(ptsne_device *device, const ptsne_affinities *affinities,
                                      const ptsne_embed_options *options, const ptsne_observer *observer, float *y,
                                      ptsne_embed_report *report, ptsne_error *err);

/* ---- new points on a map ---- */

typedef struct ptsne_add_options {
    const char *metric;
    size_t n_neighbors; /* among the reference; 0: three times the perplexity */
    double perplexity;
    size_t pca; /* distances in so many principal components of the reference; 0: all columns */
    ptsne_method method;
    double theta, spacing, dof;
    ptsne_phase phases[PTSNE_MAX_PHASES];
    size_t n_phases;
    double learning_rate, momentum, max_step;
    uint64_t seed;
} ptsne_add_options;

/**
 * Perplexity 5, 50 principal components (where there are more columns, and the metric is euclidean), field, and the
 * phases, rate and steps that serve the placing of points.
 */
PTSNE_API void ptsne_add_options_default(ptsne_add_options *options);

/**
 * Place new points on an existing map, which stays as it is: each new point starts at the median of its neighbours and
 * is moved along its own gradient, attracted by its neighbours in the reference, repelled by every point of it.
 *
 * @param x, y      n x n_features, n x n_components: the reference and its map; borrowed.
 * @param x_new     m x n_features; borrowed.
 * @param y_new     m x n_components, the caller's.
 * @param report    may be NULL.
 * @return as ptsne_embed.
 *
 * Policar, Strazar and Zupan, Embedding to reference t-SNE space addresses batch effects, Machine Learning 2023.
 */
PTSNE_API ptsne_status ptsne_embed_add(ptsne_device *device, const float *x, const float *y, size_t n,
                                       size_t n_features, size_t n_components, const float *x_new, size_t m,
                                       const ptsne_add_options *options, const ptsne_observer *observer, float *y_new,
                                       ptsne_embed_report *report, ptsne_error *err);

#ifdef __cplusplus
}
#endif

#endif
