/* What the tests of training a map share: small data, runs of it, and who hears them. */
#ifndef TESTS_FITS_H
#define TESTS_FITS_H

#include "network/transform.h"
#include "parametric/start.h"
#include "parametric/trainer.h"
#include "parametric/training.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define N        ((size_t)240)
#define D        ((size_t)12)
#define CLUSTERS ((size_t)3)
#define CHECK(x) assert_int_equal((x), PTSNE_OK)

extern float blobs[N * D]; /* row i is of cluster i % CLUSTERS */

/* Make the data and a directory for files, and open the cpu backend; NULL: that failed, as it says. A second word of the command
 * line is the name of one test. */
pt_backend *fits_open(int argc, char **argv, const char *name);
void fits_close(pt_backend *be);

/* The call succeeded, or its message is the test's. */
void check(ptsne_status status, const ptsne_error *err);

/* A file in the directory; the text lasts until the next call. */
char *file_in(const char *name);

/* A run of seconds' length in every mode. */
ptsne_fit_options small_options(ptsne_mode mode);

/* What is said in a run; stops a stage ("training" where none is named) at a step. */
typedef struct listener {
    char warnings[4096], stages[512]; /* those that began */
    const char *stage;
    size_t stop_at; /* 0: never. Else that stage tells each of its steps */
} listener;

ptsne_observer observer_of(listener *l);

/* Train on the blobs; a failure is the test's. report and observer may be NULL. */
ptsne_model *fit_heard(pt_backend *be, const ptsne_fit_options *options, const ptsne_observer *observer,
                       ptsne_fit_report *report);
ptsne_model *fit(pt_backend *be, const ptsne_fit_options *options, ptsne_fit_report *report);

/* The run of these options, whose state lies finished in options->checkpoint, trains no more when it goes on; and begun anew
 * it makes the wanted model also with a state after each step, t-SNE's too. */
void finished(pt_backend *be, const ptsne_fit_options *options, const ptsne_model *wanted);

/* The run of n rows of x is refused with this status, and the message has `says` in it. */
void refused(pt_backend *be, const float *x, size_t n, const ptsne_fit_options *options, ptsne_status status,
             const char *says);

/* The same parameters, bit for bit. */
void same_model(const ptsne_model *one, const ptsne_model *two);

/* Share of the blobs whose nearest in the map of d dimensions is of another cluster. */
double error_of(ptsne_model *model, size_t d);

/* Root mean square of the differences of two maps over that of the first one's deviations. */
double difference(const float *one, const float *two, size_t d);

/* Three clusters, somewhere. */
void map_make(float map[N * 2]);

/* A run's parts, in which steps are made one by one. */
typedef struct bench {
    ptsne_fit_options settings;
    pt_net net;
    pt_graph graph;
    pt_summary summary;
    pt_teacher teacher;
    pt_sampler sampler;
    pt_trainer trainer;
    float map[N * 3], *parameters, *gradient;
} bench;

/* The lists of the first n_lists steps of epoch 0 are loaded; parameters has the first ones. */
void bench_open(pt_backend *be, const ptsne_fit_options *given, size_t n_lists, bench *b);
void bench_close(pt_backend *be, bench *b);

/* The loss of the first batch for parameters as they are, at step number `step` of the run; gradient gets the slope there. */
double bench_step(pt_backend *be, bench *b, size_t step);

#endif
