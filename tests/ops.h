/* How the ops are tested: every case on every backend that opens, against float64 oracles (oracles.h), with poisoned outputs,
 * guard areas before and behind every view, and inputs that must not change.
 *
 * PTSNE_TEST_BACKENDS=cpu,opencl names the backends that must open, and only those run; without it a backend that does not
 * open is reported as skipped. PTSNE_TEST_SMALL=1 takes small sizes only, as oclgrind does by itself. The cpu
 * backend runs with 1, 2 and 3 threads, which must give the same bits, at every level of this processor, and with its own
 * product. */
#ifndef TESTS_OPS_H
#define TESTS_OPS_H

#include "backend/backend.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

/* What a test gets as its state. */
typedef struct ops_state {
    pt_backend *be;
    bool small;       /* only small sizes */
    pt_random random; /* the same for each test on each backend */
    size_t n_arrays;  /* arrays made so far: every other one starts at an odd place */
    uint64_t digest;  /* of all results taken */
    ptsne_error err;
} ops_state;

/* An array on the device, a view within a larger buffer. */
typedef struct ops_array {
    pt_buffer whole, view;
    uint32_t *sent; /* what the whole buffer held */
} ops_array;

#define OPS_LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define OPS_OK(ops, call)                                                                                              \
    do {                                                                                                               \
        if ((call) != PTSNE_OK) { fail_msg("%s: %s", (ops)->be->ops->name, (ops)->err.message); }                      \
    } while (0)

/* count elements uploaded from values; NULL: poisoned with NaN, for an output. */
ops_array ops_put(ops_state *ops, const void *values, size_t count);
/* What the array holds now, released by free(); its guards are checked and it is destroyed. */
void *ops_take(ops_state *ops, ops_array *array);
/* The same of some elements, those of an ascending list, at the front: what the others hold is of no matter. */
void *ops_take_some(ops_state *ops, ops_array *array, const size_t *list, size_t count);
/* The end of an input: it must hold what was sent. */
void ops_drop(ops_state *ops, ops_array *array);

/* The end of a scratch buffer: only its guards must be what they were. */
void ops_discard(ops_state *ops, ops_array *array);

/* Memory that the test may assume to get. */
void *ops_memory(size_t count, size_t size);
/* count numbers in -scale .. scale. */
float *ops_random(ops_state *ops, size_t count, float scale);

/* Every |got - want| <= bound, NaN nowhere; the message has backend, case, row and column (`columns` a row). */
void ops_compare(const ops_state *ops, const char *what, const float *got, const double *want, const double *bound,
                 size_t count, size_t columns);
/* The same bits. */
void ops_same(const ops_state *ops, const char *what, const void *got, const void *want, size_t count);

/* Run the tests on all backends; what main returns. */
int ops_main(const struct CMUnitTest *tests, size_t count);

#endif
