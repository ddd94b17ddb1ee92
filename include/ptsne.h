/* ptsne: t-SNE and parametric t-SNE on any OpenCL device, or on the CPU.
 *
 * Everything that can fail returns a ptsne_status and takes a ptsne_error last, which may be NULL.
 * Arrays are row-major float32 unless they say otherwise; counts are size_t. "Borrowed" memory stays
 * the caller's and is only read; what a function hands out is released by the destroy function of its type, and
 * destroying NULL does nothing. The library never prints and never exits. No object may be
 * used by two threads at once; different objects may. */
#ifndef PTSNE_H
#define PTSNE_H

#include <stddef.h>
#include <stdint.h>

#if defined(PTSNE_STATIC)
#define PTSNE_API
#elif defined(_WIN32)
#define PTSNE_API __declspec(dllimport)
#else
#define PTSNE_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define PTSNE_VERSION_MAJOR 0
#define PTSNE_VERSION_MINOR 1
#define PTSNE_VERSION_PATCH 0

/* ---- errors --------------------------------------------------------------------------------- */

typedef enum ptsne_status {
    PTSNE_OK = 0,
    PTSNE_ERR_ARGUMENT,    /* a value the caller chose is out of range, or two of them do not fit */
    PTSNE_ERR_DATA,        /* what a file or an array holds is bad; the message names the place */
    PTSNE_ERR_MEMORY,      /* no room, on the host or on the device */
    PTSNE_ERR_IO,          /* a file could not be opened, read, written or renamed */
    PTSNE_ERR_DEVICE,      /* the device failed, or gave a wrong result in its self-test */
    PTSNE_ERR_UNAVAILABLE, /* not built in, or no such device */
    PTSNE_ERR_DIVERGED,    /* training lost its numbers; the last good model is kept */
    PTSNE_ERR_STOPPED      /* the observer asked to stop */
} ptsne_status;

typedef struct ptsne_error {
    ptsne_status status;
    char message[1024]; /* one line, UTF-8, no newline; means something only after another status than PTSNE_OK */
} ptsne_error;

/** Version of the library that runs, "major.minor.patch"; static memory. */
PTSNE_API const char *ptsne_version(void);

/**
 * What this build can do, as "name: answer" lines (matrix products, OpenCL, ...); static memory.
 */
PTSNE_API const char *ptsne_build_info(void);

/* ---- progress ------------------------------------------------------------------------------- */

typedef struct ptsne_progress {
    const char *stage; /* "neighbours", "training", ...; static memory */
    size_t step;       /* steps of the stage that are done */
    size_t n_steps;    /* steps of the stage in all */
    double seconds;    /* since the stage began */
    double loss;       /* in nats; NaN where the stage has none */
    double rate;       /* rows a second; NaN where the stage has none */
} ptsne_progress;

/** Told how a long call goes; any member may be NULL. Calls come from the caller's own thread. */
typedef struct ptsne_observer {
    int (*progress)(const ptsne_progress *progress, void *user); /* not 0: stop as soon as possible */
    void (*warning)(const char *message, void *user);            /* one line, worth showing once */
    void *user;
} ptsne_observer;

/* ---- devices -------------------------------------------------------------------------------- */

typedef struct ptsne_device ptsne_device;

typedef struct ptsne_device_options {
    /* "auto" (NULL: $PTSNE_DEVICE, else auto), "cpu", "gpu", "opencl", "opencl:P.D" or "P.D" (platform and device, from
       0), "opencl:all" (every GPU, or where there is none every OpenCL device: they share the exact search of euclidean
       neighbours, and the best does the rest), or a part of "platform / device" as ptsne_devices_list has them, in
       either case */
    const char *spec;
    size_t threads;      /* of the cpu backend; 0: as many as the process may use */
    size_t memory;       /* bytes the device may be asked for; 0: what it has */
    const char *kernels; /* directory searched first for NAME.cl; NULL: $PTSNE_KERNEL_PATH, else none */
} ptsne_device_options;

typedef struct ptsne_device_info {
    char spec[32];           /* what --device takes: "cpu", "opencl:0.1" */
    char name[128];          /* as the driver says it */
    char platform[128];      /* OpenCL platform; "" for cpu */
    char driver[128];        /* driver version, or the cpu's instruction-set level */
    char type[16];           /* "cpu", "gpu", "accelerator" */
    uint64_t memory;         /* bytes */
    uint64_t max_allocation; /* bytes of one buffer */
    uint64_t local_memory;   /* bytes of a work-group */
    uint32_t compute_units;  /* cores or compute units */
    uint32_t max_work_group; /* work-items */
    char refused[256];       /* why auto would not choose it; "" if it would */
} ptsne_device_info;

/** All members zero or NULL: auto, every thread, all memory. */
PTSNE_API void ptsne_device_options_default(ptsne_device_options *options);

/**
 * Open a device.
 *
 * "auto" takes the best GPU that passes the self-test, and else the CPU: then warning says why. A device
 * that is named is opened or the call fails.
 *
 * @param options   May be NULL: defaults.
 * @param observer  Told in one line when auto falls back; may be NULL.
 * @param device    The caller destroys it after everything that was made on it.
 * @return PTSNE_OK, PTSNE_ERR_ARGUMENT (no such spec), PTSNE_ERR_UNAVAILABLE (no such device, no OpenCL;
 *         the message lists what there is), PTSNE_ERR_DEVICE (the self-test failed, a kernel did not compile).
 */
PTSNE_API ptsne_status ptsne_device_open(const ptsne_device_options *options, const ptsne_observer *observer,
                                         ptsne_device **device, ptsne_error *err);

/** Close the device, after everything that was made on it; NULL does nothing. */
PTSNE_API void ptsne_device_destroy(ptsne_device *device);

/** What the open device is; info is the caller's and is filled whole. Neither may be NULL. */
PTSNE_API void ptsne_device_describe(const ptsne_device *device, ptsne_device_info *info);

/**
 * Every device of this machine, cpu first. OpenCL platforms are asked in a child process with a time limit, so a
 * driver that crashes or hangs costs its own rows only.
 *
 * @param list   Released by ptsne_free.
 * @return PTSNE_OK also where there is no OpenCL; PTSNE_ERR_MEMORY.
 */
PTSNE_API ptsne_status ptsne_devices_list(ptsne_device_info **list, size_t *count, ptsne_error *err);

/**
 * Measure the device: matrix products of 2048 x 2048 x 2048 and copies of 256 MiB, best of several.
 *
 * @param gflops     Product rate, 1e9 floating-point operations a second.
 * @param gigabytes  Copy rate, 1e9 bytes read plus written a second.
 */
PTSNE_API ptsne_status ptsne_device_bench(ptsne_device *device, double *gflops, double *gigabytes, ptsne_error *err);

/** Release an array that a ptsne function handed out with the words "released by ptsne_free". */
PTSNE_API void ptsne_free(void *memory);

/* ---- data in -------------------------------------------------------------------------------- */

#define PTSNE_UNKNOWN SIZE_MAX

typedef struct ptsne_reader ptsne_reader;
typedef struct ptsne_table ptsne_table;
typedef struct ptsne_labels ptsne_labels;

typedef struct ptsne_read_options {
    const char *format;       /* "npy", "idx", "csv", "tsv", "vec", "lines" (labels); NULL: told by the content */
    const char *label_column; /* name or 1-based number; NULL: label, class, target, species, or y without x; "" none */
    const char *columns;      /* "a,b,5-20": the columns to use; NULL: every numeric one */
    int header;               /* 1 yes, 0 no, -1 told by the content */
    size_t first_row;         /* rows skipped at the start */
    size_t n_rows;            /* rows read at most; PTSNE_UNKNOWN: all */
} ptsne_read_options;

/**
 * Format told by the content, every numeric column, label column and header found, all rows; options may not be NULL.
 */
PTSNE_API void ptsne_read_options_default(ptsne_read_options *options);

/**
 * Open a file of vectors for reading row by row, in constant memory.
 *
 * .npy (v1 to v3, either order, f2 f4 f8 and integers), IDX and IDX.gz, CSV/TSV, word vectors (.vec, GloVe, sentence
 * vectors); gzip is seen through. Arrays of more than two dimensions are flattened to rows. Of delimited text the
 * columns of numbers are used, the label column and an unnamed first one (a row index) apart. A first line 0,1,2,3 ...
 * is a header (pandas). Of word vectors every line is a row, `</s>` too.
 *
 * @param path     "-" is standard input.
 * @param options  May be NULL.
 * @return PTSNE_OK, PTSNE_ERR_IO, or PTSNE_ERR_DATA: the message names file, line or row, column and value.
 */
PTSNE_API ptsne_status ptsne_reader_open(const char *path, const ptsne_read_options *options, ptsne_reader **reader,
                                         ptsne_error *err);

/** Close the file and release the reader; NULL does nothing. */
PTSNE_API void ptsne_reader_destroy(ptsne_reader *reader);

/** Columns of a row. */
PTSNE_API size_t ptsne_reader_columns(const ptsne_reader *reader);

/** Rows in all, or PTSNE_UNKNOWN where only reading to the end tells (text, pipes). */
PTSNE_API size_t ptsne_reader_rows(const ptsne_reader *reader);

/**
 * Read up to `capacity` rows.
 *
 * @param rows  capacity x columns; the caller's.
 * @param got   Rows read; 0 at the end.
 * @return PTSNE_OK, PTSNE_ERR_IO, PTSNE_ERR_DATA (truncated, ragged, not a number, NaN, infinity),
 *         PTSNE_ERR_STOPPED (a signal whose handler was installed without SA_RESTART came while the source was silent).
 */
PTSNE_API ptsne_status ptsne_reader_next(ptsne_reader *reader, float *rows, size_t capacity, size_t *got,
                                         ptsne_error *err);

/**
 * Read a whole file; a float32 .npy in C order is mapped and used in place, and must not be cut short while the table
 * lives (writing it anew by rename does no harm). Arguments as for ptsne_reader_open.
 */
PTSNE_API ptsne_status ptsne_table_read(const char *path, const ptsne_read_options *options, ptsne_table **table,
                                        ptsne_error *err);

/** Release the table, its values and the labels that came with it; NULL does nothing. */
PTSNE_API void ptsne_table_destroy(ptsne_table *table);

/** Rows of the table. */
PTSNE_API size_t ptsne_table_rows(const ptsne_table *table);

/** Columns of a row. */
PTSNE_API size_t ptsne_table_columns(const ptsne_table *table);

/** rows x columns; lives as long as the table. */
PTSNE_API const float *ptsne_table_values(const ptsne_table *table);

/** Height, width and channels of a row that is an image (IDX, .npy of 3 or 4 dimensions); else all 0. */
PTSNE_API void ptsne_table_image_shape(const ptsne_table *table, size_t shape[3]);

/** Labels that came in a column of the same file; NULL if none. Lives as long as the table. */
PTSNE_API const ptsne_labels *ptsne_table_labels(const ptsne_table *table);

/**
 * Read one label a row: .npy of integers or strings, IDX, a CSV column, text lines, fastText lines (the first
 * `__label__` token of each). The caller destroys the labels.
 */
PTSNE_API ptsne_status ptsne_labels_read(const char *path, const ptsne_read_options *options, ptsne_labels **labels,
                                         ptsne_error *err);

/**
 * Labels from an array of class numbers; names are the numbers in decimal. codes: n, borrowed during the call. The
 * caller destroys the labels.
 */
PTSNE_API ptsne_status ptsne_labels_create(const int64_t *codes, size_t n, ptsne_labels **labels, ptsne_error *err);

/** Release the labels, their codes and names; NULL does nothing. Those of a table go with the table, and not here. */
PTSNE_API void ptsne_labels_destroy(ptsne_labels *labels);

/** Rows that have a label. */
PTSNE_API size_t ptsne_labels_count(const ptsne_labels *labels);

/** Distinct labels, in natural order of their names ("2" before "10"). */
PTSNE_API size_t ptsne_labels_classes(const ptsne_labels *labels);

/** Class of each row, count entries, each below classes; lives as long as the labels. */
PTSNE_API const uint32_t *ptsne_labels_codes(const ptsne_labels *labels);

/** Name of a class, UTF-8; class_index below classes. Lives as long as the labels. */
PTSNE_API const char *ptsne_labels_name(const ptsne_labels *labels, size_t class_index);

/* ---- data out ------------------------------------------------------------------------------- */

typedef struct ptsne_writer ptsne_writer;

/**
 * Open a file for writing rows. What was there before stays until ptsne_writer_commit: rows go to
 * a temporary name beside it, which is synced and renamed.
 *
 * @param path     "-" is standard output.
 * @param format   "npy" or "csv"; NULL: by the path's ending, .npy if it says nothing.
 * @param columns  Of a row, at least 1.
 * @param rows     PTSNE_UNKNOWN if not known: then .npy needs a path that can be sought in.
 * @param names    columns names for the CSV header, borrowed during the call; NULL: x, y, z or tsne_1 ...
 * @param force    Not 0: an existing file may be replaced.
 * @return PTSNE_OK, PTSNE_ERR_IO, PTSNE_ERR_ARGUMENT (file exists and force is 0; format unknown).
 */
PTSNE_API ptsne_status ptsne_writer_open(const char *path, const char *format, size_t columns, size_t rows,
                                         const char *const *names, int force, ptsne_writer **writer, ptsne_error *err);

/**
 * The same for frames of equal size, one after the other, in an .npy of 3 dimensions: frames x rows x columns. There
 * are as many as have been written at the commit; path has to be one that can be sought in.
 */
PTSNE_API ptsne_status ptsne_writer_open_frames(const char *path, size_t rows, size_t columns, int force,
                                                ptsne_writer **writer, ptsne_error *err);

/**
 * The same for whole numbers, as labels are: .npy of int32, of one dimension where columns is 1 and else rows x
 * columns. Its rows are written by ptsne_writer_labels.
 */
PTSNE_API ptsne_status ptsne_writer_open_labels(const char *path, const char *format, size_t columns, size_t rows,
                                                const char *const *names, int force, ptsne_writer **writer,
                                                ptsne_error *err);

/**
 * Append n rows of n x columns numbers, borrowed during the call, to a writer of labels; as ptsne_writer_rows
 * otherwise.
 */
PTSNE_API ptsne_status ptsne_writer_labels(ptsne_writer *writer, const int32_t *rows, size_t n, ptsne_error *err);

/** Append n rows of n x columns floats, borrowed during the call; more than were announced are PTSNE_ERR_ARGUMENT. */
PTSNE_API ptsne_status ptsne_writer_rows(ptsne_writer *writer, const float *rows, size_t n, ptsne_error *err);

/** Sync, rename to the final name, and destroy the writer, also after a failure; fewer rows than announced are one. */
PTSNE_API ptsne_status ptsne_writer_commit(ptsne_writer *writer, ptsne_error *err);

/** Drop what was written and destroy the writer; NULL does nothing. */
PTSNE_API void ptsne_writer_discard(ptsne_writer *writer);

/* ---- t-SNE ---------------------------------------------------------------------------------- */

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
    size_t n_neighbors; /* 0: three times the largest perplexity, and no more than there are */
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
    double spacing; /* field: nodes so far apart, in units of the kernel; smaller is more exact; 0: 0.4, in three
                       dimensions 0.5 */
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
    const char *checkpoint;    /* the optimiser's state is kept in this file; NULL: nowhere */
    double checkpoint_minutes; /* between states; 0: only when stopped */
    int resume;                /* not 0: go on from the checkpoint file */
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
 *         PTSNE_ERR_DATA (NaN or infinity in x, a bad graph, a damaged checkpoint); PTSNE_ERR_UNAVAILABLE (the device
 *         does not have the metric); PTSNE_ERR_MEMORY; PTSNE_ERR_DEVICE; PTSNE_ERR_DIVERGED; PTSNE_ERR_STOPPED;
 *         PTSNE_ERR_IO.
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
    double seconds;      /* a guess, from rates measured on this device in some tenths of a second */
} ptsne_plan_stage;

#define PTSNE_PLAN_STAGES 5

/**
 * Plan ptsne_embed of data alone, without doing it; what a run takes with a graph, or to place new points, is not
 * planned. stages: PTSNE_PLAN_STAGES; count: how many there are.
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
 * @param options   n_neighbors, metric, pca, search, recall and seed are read.
 * @param index     n x k, the caller's, k = options->n_neighbors, which must not be 0.
 * @param distance  n x k, the caller's; euclidean: squared.
 * @param report    pca_seconds, neighbor_seconds, explained_variance, cells and recall are set; may be NULL.
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
 * @param report      affinity_seconds, nonzeros, duplicates, isolated and unreached are set; may be NULL.
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
 * @param report      iterations, kl_divergence, optimize_seconds, span and converged are set; may be NULL.
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

/* ---- parametric t-SNE ----------------------------------------------------------------------- */

typedef struct ptsne_model ptsne_model;

/* Networks are told by a text, items between commas:
 *   N                                 a dense layer of N with the options' activation,
 *   dense N                           a dense layer,
 *   conv N HxW [stride S] [same]      a convolution of N filters; same: padded, only the stride makes it smaller,
 *   pool S, pool HxW stride S         the largest value of each window (the stride may be left out of a square),
 *   bn                                batch normalisation,
 *   relu, elu, tanh, sigmoid, linear  the activation of the dense layer, convolution or bn before, in place of N's,
 *   dropout P                         dropout of the share P.
 * conv and pool see rows as images of the options' `input`, height x width x channels values, channels fastest. */

typedef enum ptsne_mode { PTSNE_MODE_EDGES = 0, PTSNE_MODE_BATCH, PTSNE_MODE_TEACHER } ptsne_mode;
typedef enum ptsne_head {
    PTSNE_HEAD_AUTO = 0, /* the mode's default */
    PTSNE_HEAD_LINEAR,   /* the map is what a linear layer makes */
    PTSNE_HEAD_ANCHORS /* a mean of places on the map, weighted by a softmax, plus what a linear layer makes: such a map
                          can jump */
} ptsne_head;
typedef enum ptsne_optimizer { PTSNE_OPTIMIZER_ADAM = 0, PTSNE_OPTIMIZER_SGD } ptsne_optimizer;
typedef enum ptsne_schedule {
    PTSNE_SCHEDULE_COSINE = 0, /* warm-up, then half a cosine to 0 */
    PTSNE_SCHEDULE_LINEAR,     /* warm-up, then a line to 0 */
    PTSNE_SCHEDULE_CONSTANT    /* warm-up, then constant */
} ptsne_schedule;

typedef struct ptsne_fit_options {
    ptsne_mode mode;
    const char *net;        /* layers before the map's, see above: "500,500,2000"; "" for a linear map */
    const char *activation; /* "relu", "elu", "tanh", "sigmoid" */
    size_t input[3]; /* height, width and channels of a row, channels fastest, for nets with conv or pool; all 0: a row
                               is no image */
    size_t n_components; /* dimension of the map, 2 or 3 */
    size_t epochs;       /* 0: the mode's default, and on small data as many as make 3000 steps */
    size_t batch_size;   /* rows of a step (edges mode: heads plus tails); 0: the mode's default */
    uint64_t seed;
    ptsne_head head;  /* the last layer */
    size_t n_anchors; /* of head anchors; no more than half the rows */
    /* training goes on from this model, whose network is then the one that is trained: net, activation, n_components,
       head and n_anchors are not read; borrowed during the call. NULL: from chance */
    const ptsne_model *init;
    /* the loss */
    double perplexities[PTSNE_MAX_PERPLEXITIES]; /* modes batch and teacher; several are averaged; each at most
                                                    (batch - 1) / 3, in mode teacher (n - 1) / 3 */
    size_t n_perplexities;
    const char *metric;        /* "euclidean", "cosine", "manhattan", or a plug-in's name */
    size_t n_neighbors;        /* tails, and neighbours to move to, are drawn from so many nearest */
    size_t pca;                /* distances are taken in so many principal components; 0, another metric than
                                  euclidean, or no more columns than that: in all columns */
    double exaggeration;       /* factor on P throughout; 0: the mode's default */
    double early_exaggeration; /* factor on P in the first early_epochs */
    size_t early_epochs;
    /* mode teacher */
    const float *teacher; /* n x n_components, borrowed during the call: the map to learn; NULL: t-SNE makes it */
    ptsne_phase teacher_phases[PTSNE_MAX_PHASES]; /* of that t-SNE */
    /* 0: 250 iterations at exaggeration 12, 500 at 1, 100 at 2; with init, whose map is where t-SNE begins, without the
       first */
    size_t n_teacher_phases;
    /* h of the loss, h log(h^2 + |y - target|^2), in standard deviations of the teacher's map: rows farther off than
       this count less and less */
    double error_width;
    /* head anchors: weight, at the start, of the cross-entropy that draws a row to its own anchor */
    double class_weight;
    double class_share; /* it falls to 0 in this share of the run */
    /* regularisation */
    double dropout;       /* share of the hidden units dropped, 0 to below 1; negative: the mode's default */
    double input_dropout; /* share of the inputs dropped; negative: the mode's default */
    double interpolation; /* inputs move up to this share of the way to a neighbour, 0 to 1; negative: default */
    /* the optimiser */
    ptsne_optimizer optimizer;
    ptsne_schedule schedule;
    double learning_rate; /* at its height; 0: Adam 0.001 sqrt(batch_size / 500), in mode teacher / 250; SGD 0.1 */
    double momentum;      /* SGD */
    size_t warmup_steps;
    /* the model is a running mean of the trained parameters that keeps this share a step; 0: their last values */
    double averaging;
    /* long runs */
    const char *checkpoint;    /* training state is kept in this file, also at the end; NULL: nowhere */
    double checkpoint_minutes; /* between states; 0: only when stopped and at the end */
    int resume;                /* not 0: go on from the checkpoint file; without one, from the start, with a warning */
} ptsne_fit_options;

typedef struct ptsne_fit_report {
    size_t epochs;           /* done, those before a resume included */
    size_t steps;            /* done, likewise */
    double loss;             /* mean of the last epoch, nats; mode teacher: of h log(h^2 + |y - target|^2) */
    double seconds;          /* of this call */
    double neighbor_seconds; /* of these, the neighbour graph or the affinities */
    double teacher_seconds;  /* of these, the teacher's map, neighbours and affinities included */
    double teacher_kl;       /* KL divergence of the teacher's map, nats; NaN where this call made none */
    double training_seconds; /* of these, the steps */
    double product_flop;     /* floating-point operations of the matrix products in this call's steps */
    size_t duplicates;       /* rows of x that repeat an earlier one, as far as the neighbour graph shows */
    size_t constant_columns;
    double spread[3]; /* standard deviation of the map along each dimension, from at most 8192 rows spread over x */
} ptsne_fit_report;

/**
 * The documented defaults: teacher mode, 500-500-2000 hidden units, relu, 2 components, perplexity 30, 15 neighbours in
 * 50 principal components, Adam with 100 steps of warm-up and a cosine, a state every 5 minutes once checkpoint is set.
 *
 * What a mode takes where an option is left to it:
 *
 *           epochs  batch_size  exaggeration  dropout  input_dropout  interpolation     head
 *   edges       32         500             4      0.1            0.1            0.5   linear
 *   batch       80        5000             4        0              0              0   linear
 *   teacher     24         500             -      0.2            0.1            0.5  anchors
 *
 * and in mode teacher 200 anchors, error_width 0.1, class_weight 0.
 */
PTSNE_API void ptsne_fit_options_default(ptsne_fit_options *options);

/**
 * Train a network to map x into n_components dimensions (parametric t-SNE).
 *
 * Mode batch is the classic: P inside each mini-batch, KL(P || Q), gradient through the network (van der Maaten,
 * Learning a Parametric Embedding by Preserving Local Structure, AISTATS 2009). Mode edges draws pairs of neighbours
 * from the nearest-neighbour graph of all rows; all pairs of a batch repel. Mode teacher makes a map by t-SNE first,
 * and the network learns that map, in its units, with a loss that lets single rows go. Inputs are centred and scaled by
 * one number; both are folded into the first layer, so the model takes rows in the units of x. The same seed gives the
 * same model, bit for bit, on the same device for any number of threads.
 *
 * @param device    Borrowed until the model is destroyed.
 * @param x         n x n_features, borrowed during the call.
 * @param options   May be NULL: defaults.
 * @param observer  May be NULL. Stages: "pca" (where pca is set), "neighbours" (where the neighbour graph is used), in
 *                  mode teacher "affinities", "embedding" and "k-means", "training".
 * @param model     The caller destroys it. Also set, to the last good model, when the call
 *                  returns PTSNE_ERR_DIVERGED or PTSNE_ERR_STOPPED after the first epoch, or PTSNE_ERR_IO
 *                  because the state of a stopped run could not be written; else NULL.
 * @param report    May be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (perplexity too large, ...); PTSNE_ERR_DATA (NaN or infinity in x, all rows
 *         equal, a damaged checkpoint); PTSNE_ERR_UNAVAILABLE (the device does not have the metric); PTSNE_ERR_MEMORY;
 *         PTSNE_ERR_DEVICE; PTSNE_ERR_DIVERGED; PTSNE_ERR_STOPPED; PTSNE_ERR_IO (a checkpoint that cannot be read, or
 *         not be written when stopped; else that is a warning). Resuming a checkpoint of other options or data is
 *         PTSNE_ERR_ARGUMENT: the message names what differs.
 */
PTSNE_API ptsne_status ptsne_fit(ptsne_device *device, const float *x, size_t n, size_t n_features,
                                 const ptsne_fit_options *options, const ptsne_observer *observer, ptsne_model **model,
                                 ptsne_fit_report *report, ptsne_error *err);

/**
 * Map points the model has not seen into its embedding (out-of-sample transform).
 *
 * One forward pass of the trained network; the model does not change, and the same x gives the
 * same y each time on the same device, however the rows are split over calls.
 *
 * @param model  A fitted model; borrowed. Use it from one thread at a time.
 * @param x      n x n_features, row-major, in the units of the data it was fitted on; borrowed.
 * @param n      Points in x; 0 does nothing and succeeds.
 * @param y      n x n_components, row-major, in units of the Student-t kernel's width; the caller's
 *               memory, no overlap with x. After a failure its contents mean nothing.
 * @param err    Says what failed; may be NULL.
 * @return PTSNE_OK, or PTSNE_ERR_DATA (x has a NaN or infinity; the message gives row and column),
 *         PTSNE_ERR_MEMORY (no room for one batch of activations), PTSNE_ERR_DEVICE.
 */
PTSNE_API ptsne_status ptsne_transform(ptsne_model *model, const float *x, size_t n, float *y, ptsne_error *err);

/**
 * Write the model as safetensors, named as PyTorch's nn.Sequential names its layers ("0.weight", out x in); how it was
 * made is in the header's __metadata__. An existing file is replaced only where force is not 0: else
 * PTSNE_ERR_ARGUMENT.
 */
PTSNE_API ptsne_status ptsne_model_save(const ptsne_model *model, const char *path, int force, ptsne_error *err);

/**
 * Read a model onto a device, which is borrowed until the model is destroyed. The caller destroys the model; after a
 * failure it is NULL.
 */
PTSNE_API ptsne_status ptsne_model_load(ptsne_device *device, const char *path, ptsne_model **model, ptsne_error *err);

/** Release the model, before its device; NULL does nothing. */
PTSNE_API void ptsne_model_destroy(ptsne_model *model);

/** Columns of the rows that the model takes. */
PTSNE_API size_t ptsne_model_features(const ptsne_model *model);

/** Columns of the map that it makes. */
PTSNE_API size_t ptsne_model_components(const ptsne_model *model);

/** Height, width and channels of the rows that it takes; 1, 1 and the columns where they are no images. */
PTSNE_API void ptsne_model_input(const ptsne_model *model, size_t shape[3]);

/** One layer of a model. Normalisations that a layer could take over are part of it. */
typedef struct ptsne_layer_info {
    char name[16];              /* "dense1", "conv2", "pool1", "norm1", "drop1", "anchors1", "shift1" */
    char kind[16];              /* "dense", "convolution", "pooling", "normalisation", "dropout", "anchors", "shift" */
    char activation[16];        /* of its result: "linear", "relu", "elu", "tanh", "sigmoid" */
    size_t input[3], output[3]; /* height, width, channels of a row's values, channels fastest; no image: 1, 1, n */
    size_t kernel[2], stride;   /* height and width, of convolution and pooling; else 0 */
    int same;                   /* not 0: a convolution that keeps the size, but for the stride */
    double rate;                /* of dropout; else 0 */
    size_t parameters;
} ptsne_layer_info;

/** Layers of the model. */
PTSNE_API size_t ptsne_model_layers(const ptsne_model *model);

/** What a layer is, from 0 and below ptsne_model_layers; info is the caller's and is filled whole. */
PTSNE_API void ptsne_model_layer(const ptsne_model *model, size_t layer, ptsne_layer_info *info);

/** The number of the layer of this name; PTSNE_ERR_ARGUMENT names those that there are. */
PTSNE_API ptsne_status ptsne_model_find_layer(const ptsne_model *model, const char *name, size_t *layer,
                                              ptsne_error *err);

/**
 * How the model was made: the index-th of its notes, as its file keeps them ("ptsne.mode": "edges"). Returns the key,
 * or NULL behind the last one; *value is set with it. Both live as long as the model.
 */
PTSNE_API const char *ptsne_model_note(const ptsne_model *model, size_t index, const char **value);

/**
 * What a layer makes of rows: its activations, as ptsne_transform gives those of the last one.
 *
 * @param layer     A layer's number, from 0.
 * @param x         n x n_features, in the units of the data the model was trained on; borrowed.
 * @param features  n x the values of the layer's output (its shape's product); the caller's memory, no overlap with x.
 * The rest and the status as for ptsne_transform; PTSNE_ERR_ARGUMENT: there is no such layer.
 */
PTSNE_API ptsne_status ptsne_features(ptsne_model *model, size_t layer, const float *x, size_t n, float *features,
                                      ptsne_error *err);

/* ---- networks that learn from examples ------------------------------------------------------ */

#define PTSNE_MAX_STRETCHES 8

/** So many epochs of batches of one size. */
typedef struct ptsne_stretch {
    size_t epochs, batch_size;
} ptsne_stretch;

/** What one epoch came to; NaN where there is no such figure. */
typedef struct ptsne_epoch {
    size_t epoch;          /* from 1 */
    size_t batch_size;     /* rows of its steps */
    double loss, accuracy; /* of the training rows, each as it was met; accuracy: the share of right classes */
    double validation_loss, validation_accuracy; /* of the validation rows, after the epoch */
    double seconds;                              /* since training began */
} ptsne_epoch;

/** How classifiers and autoencoders are trained. */
typedef struct ptsne_learn_options {
    /* Rows that fill no batch wait for the next epoch's order. n_stretches 0: what the task says, with batches of at
       most a sixteenth of the rows, or 8; a 0 in the only stretch: likewise */
    ptsne_stretch stretches[PTSNE_MAX_STRETCHES];
    size_t n_stretches;
    uint64_t seed;
    ptsne_optimizer optimizer;
    ptsne_schedule schedule; /* over the rows shown, those of all stretches */
    double learning_rate;    /* at its height; 0: Adam 0.001, SGD 0.1 */
    double momentum;         /* SGD */
    size_t warmup_steps;
    /* times the sum of the squares of all weights of dense and convolution layers: added to what is minimised, not to
       the losses that are told */
    double kernel_l2;
    /* validation: a share of the rows, 0 to below 1, is kept from training; or there are rows of their own,
       n_validation x n_features, and for a classifier their labels, borrowed during the call: then the share is not
       taken */
    double validation;
    const float *x_validation;
    const ptsne_labels *labels_validation;
    size_t n_validation;
    /* an early end: when the loss has not fallen by more than min_delta for `patience` epochs; the model is then that
       of the epoch with the least loss. It is that of the validation rows, without any of the training rows. 0: no
       early end, and the last epoch's model */
    size_t patience;
    double min_delta;
    /* told after each epoch; not 0: stop */
    int (*epoch)(const ptsne_epoch *epoch, void *user);
    void *epoch_user;
} ptsne_learn_options;

typedef struct ptsne_learn_report {
    size_t n_training, n_validation; /* rows */
    size_t n_parameters;             /* of the model */
    size_t epochs, steps;            /* done */
    ptsne_epoch kept;                /* figures of the epoch whose model this is */
    int ended_early;                 /* not 0: patience ended it */
    double scale;                    /* what training saw is (x - mean) scale; autoencoders: x scale */
    size_t constant_columns;
    double seconds;          /* of this call */
    double training_seconds; /* of these, steps and validation */
    double product_flop;     /* floating-point operations of the matrix products in the steps */
} ptsne_learn_report;

typedef struct ptsne_classify_options {
    /* "conv 20 5x5 same, bn, relu, pool 2, dense 200, bn, relu"; "" for none. The layer of the classes comes after
       it */
    const char *net;
    const char *activation; /* of layers that net gives as a bare width: "200,100" */
    size_t input[3];        /* height, width and channels of a row, channels fastest; all 0: a row is no image */
    ptsne_learn_options learn;
} ptsne_classify_options;

/**
 * The documented defaults: a hidden layer of 200 with batch normalisation and relu, Adam at 0.001 falling with a
 * cosine, 5 epochs of batches of 64 and 7 of 512 (on small data as many of the first as make 1000 steps), a tenth of
 * the rows for validation, no early end.
 */
PTSNE_API void ptsne_classify_options_default(ptsne_classify_options *options);

/**
 * Train a classifier: a network whose last layer has a value a class, by the cross-entropy of their softmax, in nats.
 *
 * Inputs are centred and scaled by one number, which the model keeps: it takes rows in the units of x. The same seed
 * gives the same model, bit for bit, on the same device for any number of threads.
 *
 * @param device    Borrowed until the model is destroyed.
 * @param x         n x n_features, borrowed during the call.
 * @param labels    One a row, two classes at least; borrowed during the call. The model keeps the names.
 * @param options   May be NULL: defaults.
 * @param observer  May be NULL. Stage "training".
 * @param model     The caller destroys it. Also set, to the model so far (that of the best epoch where
 *                  patience is set), when the call returns PTSNE_ERR_DIVERGED or PTSNE_ERR_STOPPED after the first
 *                  epoch; else NULL.
 * @param report    May be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (a bad network, ...); PTSNE_ERR_DATA (NaN or infinity, labels of another number,
 *         one class alone, a validation label that training does not know); PTSNE_ERR_MEMORY; PTSNE_ERR_DEVICE;
 *         PTSNE_ERR_DIVERGED; PTSNE_ERR_STOPPED.
 */
PTSNE_API ptsne_status ptsne_classify(ptsne_device *device, const float *x, const ptsne_labels *labels, size_t n,
                                      size_t n_features, const ptsne_classify_options *options,
                                      const ptsne_observer *observer, ptsne_model **model, ptsne_learn_report *report,
                                      ptsne_error *err);

/** Classes of a classifier; 0: the model is none. */
PTSNE_API size_t ptsne_model_classes(const ptsne_model *model);

/** Name of a class, UTF-8; class_index below ptsne_model_classes. Lives as long as the model. */
PTSNE_API const char *ptsne_model_class_name(const ptsne_model *model, size_t class_index);

/**
 * What a classifier says of rows.
 *
 * @param x                  n x n_features, in the units of the data it was trained on; borrowed.
 * @param classes            n, the class of each row; may be NULL.
 * @param log_probabilities  n x classes, in nats, each row's exponentials summing to 1; may be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (the model is no classifier); PTSNE_ERR_DATA (NaN or infinity in x);
 *         PTSNE_ERR_MEMORY; PTSNE_ERR_DEVICE.
 */
PTSNE_API ptsne_status ptsne_predict(ptsne_model *model, const float *x, size_t n, uint32_t *classes,
                                     float *log_probabilities, ptsne_error *err);

typedef struct ptsne_autoencode_options {
    const char *encoder;    /* "196, relu"; its last layer makes the codes */
    const char *decoder;    /* "784, sigmoid"; its last layer has n_features values */
    const char *activation; /* of layers that are given as a bare width, without one of their own */
    size_t input[3];        /* height, width and channels of a row; all 0: a row is no image */
    double scale;           /* the network learns to give back x times this; 0: 1 / the largest magnitude in x */
    double activity_l2; /* times the mean over rows of the sum of the squares of a code: added to what is minimised */
    ptsne_learn_options learn;
} ptsne_autoencode_options;

/**
 * The documented defaults: codes of 32 by relu, a linear layer back, at most 100 epochs of batches of 256, Adam at a
 * constant 0.001, a tenth of the rows for validation, patience 3, least improvement 1e-4. decoder NULL: one linear
 * layer.
 */
PTSNE_API void ptsne_autoencode_options_default(ptsne_autoencode_options *options);

/**
 * Train an autoencoder: a network that gives back its input through a layer of codes, by the mean squared error of all
 * values of x times the scale. Arguments and status as for ptsne_classify.
 */
PTSNE_API ptsne_status ptsne_autoencode(ptsne_device *device, const float *x, size_t n, size_t n_features,
                                        const ptsne_autoencode_options *options, const ptsne_observer *observer,
                                        ptsne_model **model, ptsne_learn_report *report, ptsne_error *err);

/** Values of an autoencoder's code; 0: the model is none. */
PTSNE_API size_t ptsne_model_code_size(const ptsne_model *model);

/**
 * Codes of rows, and what the autoencoder makes of them again.
 *
 * @param x                n x n_features, in the units of the data it was trained on; borrowed.
 * @param codes            n x ptsne_model_code_size; may be NULL.
 * @param reconstructions  n x n_features, in the units of x; may be NULL.
 * @param loss             Mean squared error of the rows in the units of training, x times its scale; may be NULL.
 * @return as ptsne_predict.
 */
PTSNE_API ptsne_status ptsne_reconstruct(ptsne_model *model, const float *x, size_t n, float *codes,
                                         float *reconstructions, double *loss, ptsne_error *err);

/* ---- quality -------------------------------------------------------------------------------- */

typedef struct ptsne_metrics {
    double knn_error_1;         /* share of wrong 1-nearest-neighbour labels in the map; NaN without labels */
    double knn_error_10;        /* majority of 10, ties to the class that comes first */
    double trustworthiness_12;  /* Venna and Kaski 2001, 12 neighbours */
    double knn_preservation_10; /* share of the 10 nearest in the data that are among the 10 nearest in the map */
    double kl_30;               /* KL(P || Q), nats, perplexity 30; NaN below 31 points */
} ptsne_metrics;

/**
 * How well a map keeps its data; exact, every point counted.
 *
 * With test points (n_test > 0) the label errors are those of the test points against the training points, and the
 * other figures are those of the test points among themselves; without, errors are leave-one-out.
 *
 * @param x, y        n x n_features, n x n_components: the (training) data and its map; borrowed.
 * @param labels      n codes below 2^31; NULL: no label errors.
 * @param x_test ...  The same for n_test test points, or NULL and 0.
 * @return PTSNE_OK, PTSNE_ERR_ARGUMENT (fewer than 14 points), PTSNE_ERR_DATA, PTSNE_ERR_MEMORY, PTSNE_ERR_DEVICE,
 *         PTSNE_ERR_STOPPED.
 */
PTSNE_API ptsne_status ptsne_metrics_compute(ptsne_device *device, const float *x, const float *y,
                                             const uint32_t *labels, size_t n, const float *x_test, const float *y_test,
                                             const uint32_t *labels_test, size_t n_test, size_t n_features,
                                             size_t n_components, const ptsne_observer *observer,
                                             ptsne_metrics *metrics, ptsne_error *err);

/* ---- clusters ------------------------------------------------------------------------------- */

typedef struct ptsne_cluster_options {
    const char
        *metric;     /* "euclidean"; "cosine": rows are scaled to length 1 first, and centres are means of such rows */
    size_t restarts; /* starts of each k, of which the one with the least inertia is kept */
    size_t max_iterations; /* of each start */
    double tolerance; /* done when centres move less: sum of |move|^2 at most this times the columns' mean variance */
    uint64_t seed;
} ptsne_cluster_options;

typedef struct ptsne_cluster_report {
    size_t k;
    double inertia;           /* sum of squared distances to the own centre */
    size_t iterations;        /* of the start that was kept */
    size_t smallest, largest; /* points of a cluster */
    /* clusters without points: only where rows are the same to float32 that are not the same, see k below */
    size_t empty;
    int converged; /* 0: max_iterations ended it */
    double seconds;
} ptsne_cluster_report;

/** euclidean, 10 restarts, 300 iterations, tolerance 1e-4, as scikit-learn's KMeans had them for long. */
PTSNE_API void ptsne_cluster_options_default(ptsne_cluster_options *options);

/**
 * Clusters by k-means (Lloyd 1982) from greedy k-means++ starts (Arthur and Vassilvitskii, k-means++: the advantages of
 * careful seeding, SODA 2007), for one or several numbers of clusters. The same seed gives the same clusters, bit for
 * bit, on the same device for any number of threads.
 *
 * @param x         n x n_features, borrowed during the call.
 * @param k         n_k numbers of clusters, each from 1 to the number of different rows of x (in cosine: of
 *                  directions).
 * @param options   May be NULL: defaults.
 * @param observer  May be NULL. Stage "k-means", once for each k, with the inertia as its loss. Warned of clusters
 *                  without points and of starts that did not converge.
 * @param labels    n_k x n, the caller's: each row's cluster, below k. The centre of a row's cluster is its nearest.
 * @param centers   The sum of k x n_features, the caller's: the centres of k[0], then those of k[1] ...; NULL: not
 *                  wanted.
 * @param reports   n_k; may be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (k larger than there are different rows; the message says how many there are);
 *         PTSNE_ERR_DATA (NaN or infinity in x; the message gives row and column); PTSNE_ERR_MEMORY; PTSNE_ERR_DEVICE;
 *         PTSNE_ERR_STOPPED.
 */
PTSNE_API ptsne_status ptsne_cluster(ptsne_device *device, const float *x, size_t n, size_t n_features, const size_t *k,
                                     size_t n_k, const ptsne_cluster_options *options, const ptsne_observer *observer,
                                     uint32_t *labels, float *centers, ptsne_cluster_report *reports, ptsne_error *err);

/**
 * Silhouettes: with a a point's mean distance to the others of its cluster and b the least of its mean distances to
 * another cluster, (b - a) / max(a, b), from -1 (in the wrong cluster) to 1; 0 in a cluster of one point. Exact, over
 * all pairs, without n x n memory; within 1e-6 of float64. Several labellings share the distances.
 *
 * @param x       n x n_features, borrowed during the call.
 * @param labels  n_labelings x n, any numbers; borrowed during the call.
 * @param metric  "euclidean" (NULL), not squared, or "cosine": 1 - cos; a row of zeros is at distance 1 from all
 *                others.
 * @param observer May be NULL. Stage "silhouette".
 * @param values  n_labelings x n, the caller's; NULL: not wanted.
 * @param means   n_labelings, over all points. NaN, as the values are, where all points have one label.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT; PTSNE_ERR_DATA (NaN or infinity in x); PTSNE_ERR_MEMORY; PTSNE_ERR_DEVICE;
 *         PTSNE_ERR_STOPPED.
 *
 * Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, J. Comput. Appl.
 * Math. 1987.
 */
PTSNE_API ptsne_status ptsne_silhouette(ptsne_device *device, const float *x, size_t n, size_t n_features,
                                        const uint32_t *labels, size_t n_labelings, const char *metric,
                                        const ptsne_observer *observer, float *values, double *means, ptsne_error *err);

/* ---- pictures (library ptsne-render) -------------------------------------------------------- */

typedef struct ptsne_scatter_options {
    size_t width, height; /* pixels, 64 to 30000; 0: 1600 x 1200 */
    const char *title;    /* NULL: none */
    const char *subtitle; /* small grey line under it; NULL: none */
    const char *palette;  /* "auto", "petroff10", "glasbey", "okabe-ito", "tol-muted", "tab10", "@FILE"; NULL: auto */
    int dark;             /* not 0: dark ground */
    int legend;           /* 0: no legend */
    int full;             /* not 0: show all; 0: far outliers become arrows at the edge */
    int density;          /* 1: shade by density; 0: discs; -1: from n */
    double point_size;    /* diameter in pixels; 0: from n */
    double alpha;         /* 0 to 1; 0: from n */
    uint64_t seed;        /* of the draw order */
    const char *const *metadata; /* key, value, key, value, ..., NULL: kept as tEXt beside ptsne's own; NULL: none */
} ptsne_scatter_options;

typedef struct ptsne_sprites_options {
    size_t canvas;      /* pixels of the longer side, 64 to 30000; 0: 4000 */
    double sprite_size; /* pixels of the longer side; 0: the image's own, less on a small canvas, more for few images */
    int overlap; /* 0: a sprite that would cover more than half of a painted one is left out; else all are painted */
    const char *title;    /* NULL: none */
    const char *subtitle; /* NULL: none */
    const char *palette;  /* as for a scatter plot */
    int dark;             /* not 0: dark ground */
    int legend;           /* 0: no legend */
    int full;             /* not 0: show all; 0: far outliers are left out */
    int invert;    /* 1: the images' ground is light and their ink dark; 0: the other way; -1: told by their edges */
    uint64_t seed; /* of the paint order */
    const char *const *metadata; /* as for a scatter plot */
} ptsne_sprites_options;

/** What a picture turned out to be. */
typedef struct ptsne_render_report {
    size_t width, height; /* pixels */
    size_t drawn;         /* points or sprites at their places */
    size_t outside;       /* beyond the crop */
    size_t covered;       /* sprites left out by the overlap rule */
    double size;          /* diameter of a point, longer side of a sprite; pixels */
    double alpha;         /* of a point */
    int density;          /* not 0: points were shaded by density */
    int inverted;         /* not 0: the images' light ground was taken as empty */
} ptsne_render_report;

/** 1600 x 1200, light ground, a legend, far outliers as arrows, the rest told by the data; options may not be NULL. */
PTSNE_API void ptsne_scatter_options_default(ptsne_scatter_options *options);

/**
 * 4000 pixels, light ground, a legend, overlapping images left out, the rest told by the data; options may not be NULL.
 */
PTSNE_API void ptsne_sprites_options_default(ptsne_sprites_options *options);

/**
 * Draw a map as a scatter plot, one colour a label, and write it as PNG. Same input, same bytes.
 *
 * Points are antialiased discs laid over one another in random order, in linear light; from 200,000 points, or where
 * discs would be narrower than 1.4 pixels, pixels are shaded by the rank of their density, in the mean colour of their
 * points.
 *
 * @param map      n x n_components (at least 2; the first two are drawn); borrowed.
 * @param labels   n labels, or NULL: one colour.
 * @param options  May be NULL: defaults.
 * @param observer Told when colours repeat or a letter is missing; may be NULL.
 * @param path     "-" is standard output.
 * @param force    Not 0: an existing file may be replaced.
 * @param report   May be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (no points, unknown palette, size, the file exists); PTSNE_ERR_DATA (NaN or
 *         infinity in the map, labels of another number, a bad palette file); PTSNE_ERR_MEMORY; PTSNE_ERR_IO.
 */
PTSNE_API ptsne_status ptsne_render_scatter(const float *map, size_t n, size_t n_components, const ptsne_labels *labels,
                                            const ptsne_scatter_options *options, const ptsne_observer *observer,
                                            const char *path, int force, ptsne_render_report *report, ptsne_error *err);

/**
 * Draw the images themselves at their places in the map and write the canvas as PNG. Same input, same bytes.
 *
 * One-channel images on an empty (black or white) ground are ink in their label's colour; other one-channel images and
 * colour images keep their looks and get a border in that colour; the fourth channel is opacity.
 *
 * @param images  n x (shape[0] * shape[1] * shape[2]), 0 to 255 or 0 to 1; borrowed.
 * @param shape   Height, width, channels (1, 3 or 4).
 * The rest and the status as for ptsne_render_scatter.
 */
PTSNE_API ptsne_status ptsne_render_sprites(const float *map, size_t n, size_t n_components, const float *images,
                                            const size_t shape[3], const ptsne_labels *labels,
                                            const ptsne_sprites_options *options, const ptsne_observer *observer,
                                            const char *path, int force, ptsne_render_report *report, ptsne_error *err);

#ifdef __cplusplus
}
#endif

#endif
