/* The cpu backend: C11 and OpenMP, the reference that the other backends are held to.
 *
 * Every file in this directory but cpu.c and sgemm.c is compiled once for each instruction-set level (level.h), and cpu.c
 * takes the level that this processor has. A buffer's handle is its float array. */
#ifndef PT_BACKEND_CPU_CPU_H
#define PT_BACKEND_CPU_CPU_H

#include "backend/backend.h"
#include "backend/cpu/sgemm.h"

typedef struct pt_cpu {
    pt_backend base;
    const char *level; /* "x86-64-v3" */
    pt_sgemm sgemm;    /* oneDNN's product; sought at the first product */
    bool sgemm_sought;
    float *packs; /* our own product's panels: PT_CPU_SHARED for all threads, PT_CPU_PACK for each; NULL until then */
} pt_cpu;

/* Floats that our own product packs its panels into, per thread: panels of a and of b. */
#define PT_CPU_PACK ((size_t)256 * 1024)
/* And those of b that all threads share. */
#define PT_CPU_SHARED ((size_t)2048 * 1024)

/* Steady products of any number of rows are the same; whole vectors of rows keep the layers' loops without rests. */
#define PT_CPU_ROW_BLOCK ((size_t)16)

ptsne_status pt_cpu_open(const pt_backend_config *config, pt_backend **be, ptsne_error *err);
void pt_cpu_close(pt_backend *be);
void pt_cpu_describe(const pt_backend *be, ptsne_device_info *info);
/* What "cpu" is on this machine, nothing opened. */
void pt_cpu_describe_machine(ptsne_device_info *info);
ptsne_status pt_cpu_buffer_create(pt_backend *be, size_t count, pt_buffer *buffer, ptsne_error *err);
void pt_cpu_buffer_destroy(pt_backend *be, pt_buffer *buffer);

static inline float *pt_cpu_floats(const pt_buffer *buffer)
{
    return (float *)buffer->handle + buffer->offset;
}

static inline uint32_t *pt_cpu_words(const pt_buffer *buffer)
{
    return (uint32_t *)buffer->handle + buffer->offset;
}

/* Threads for a loop over so many chunks. */
static inline int pt_cpu_threads(const pt_backend *be, size_t chunks)
{
    return (int)(chunks < be->threads ? chunks : be->threads);
}

#endif
