/* What cl_fault_layer.so takes and tells. A program under test gets it by environment (OPENCL_LAYERS=.../cl_fault_layer.so and
 * FI_...); a test that wants to change its mind between calls opens the same library and looks up `cl_fault_state`. */
#ifndef TESTS_CL_FAULT_LAYER_H
#define TESTS_CL_FAULT_LAYER_H

typedef struct cl_fault {
    long fail_at;     /* FI_FAIL_AT: the number of the first call that fails, from 1; 0: none */
    long fail_for;    /* FI_FAIL_FOR: how many calls fail from there on; -1: all (the device is lost) */
    int error;        /* FI_ERROR: what they return */
    const char *only; /* FI_CALL: part of the names of the functions that are counted; NULL: all */
    long most_bytes;  /* FI_BYTES: buffers above this total are refused with -4; 0: none */
    long flip_at;     /* FI_FLIP_AT: the number of the read, from 1, that has one word changed; 0: none */
    long calls;       /* counted so far */
    long reads;
    long bytes; /* of buffers that are alive */
    long failed;
    /* Contexts, queues, buffers, programs, kernels and events that are alive, counting references. */
    long alive[6];
} cl_fault;

#endif
