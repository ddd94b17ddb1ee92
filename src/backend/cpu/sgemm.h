/* oneDNN's dnnl_sgemm, opened by name when the first product comes. */
#ifndef PT_BACKEND_CPU_SGEMM_H
#define PT_BACKEND_CPU_SGEMM_H

#include <stdint.h>

/* c = alpha op(a) op(b) + beta c, row-major; 'T' transposes. 0 is success. */
typedef int pt_sgemm_function(char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
                              const float *a, int64_t stride_a, const float *b, int64_t stride_b, float beta, float *c,
                              int64_t stride_c);

typedef struct pt_sgemm {
    pt_sgemm_function *run;   /* NULL: not there */
    void (*set_threads)(int); /* of the OpenMP that oneDNN runs on, which need not be ours */
    int (*get_threads)(void);
} pt_sgemm;

/* Opens the library; all members NULL where it is not there, not built in, or PTSNE_CPU_PRODUCT is "own". */
pt_sgemm pt_sgemm_find(void);

#endif
