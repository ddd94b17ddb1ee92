#define _GNU_SOURCE

#include "backend/cpu/cpu.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

/* ---- levels ---- */

typedef struct cpu_level {
    const char *name;
    const pt_backend_ops *ops;
    bool (*present)(void);
} cpu_level;

#if defined(__x86_64__)
extern const pt_backend_ops cpu_ops_v2, cpu_ops_v3, cpu_ops_v4;

/* Features one by one: the level names are not known to __builtin_cpu_supports of every compiler. */
static bool has_v2(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt");
}

static bool has_v3(void)
{
    return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static bool has_v4(void)
{
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

/* Best first. */
static const cpu_level levels[] = {
    {"x86-64-v4", &cpu_ops_v4, has_v4},
    {"x86-64-v3", &cpu_ops_v3, has_v3},
    {"x86-64-v2", &cpu_ops_v2, has_v2},
};
#else
extern const pt_backend_ops cpu_ops_base;

static bool has_base(void)
{
    return true;
}

static const cpu_level levels[] = {{"base", &cpu_ops_base, has_base}};
#endif

/* The best level of this processor, or the one that PTSNE_CPU_LEVEL names ("x86-64-v2" or "v2"). */
static const cpu_level *level_find(ptsne_error *err)
{
    const char *wanted = getenv("PTSNE_CPU_LEVEL");
    const bool any = wanted == NULL || *wanted == '\0';
    for (size_t k = 0; k < sizeof levels / sizeof levels[0]; k++) {
        const char *last = strrchr(levels[k].name, '-');
        const bool named =
            any || strcmp(wanted, levels[k].name) == 0 || (last != NULL && strcmp(wanted, last + 1) == 0);
        if (named && levels[k].present()) { return &levels[k]; }
    }
    if (any) {
        pt_fail(err, PTSNE_ERR_UNAVAILABLE, "this processor is older than x86-64-v2 (SSE 4.2), which ptsne needs");
    } else {
        pt_fail(err, PTSNE_ERR_UNAVAILABLE, "PTSNE_CPU_LEVEL=%s: not built in, or not a level of this processor",
                wanted);
    }
    return NULL;
}

/* ---- opening ---- */

static size_t machine_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
}

ptsne_status pt_cpu_open(const pt_backend_config *config, pt_backend **be, ptsne_error *err)
{
    *be = NULL;
    const cpu_level *level = level_find(err);
    if (level == NULL) { return PTSNE_ERR_UNAVAILABLE; }
    pt_cpu *cpu = pt_array_zeroed(1, sizeof *cpu);
    if (cpu == NULL) { return pt_fail_memory(err, "the cpu backend", (double)sizeof *cpu); }
    const size_t most = 1024; /* beyond any machine, so that a slip of the finger does not start a million threads */
    const size_t threads = config->threads == 0 ? (size_t)omp_get_max_threads() : config->threads;
    cpu->base.ops = level->ops;
    cpu->base.threads = threads < most ? threads : most;
    cpu->base.row_block = PT_CPU_ROW_BLOCK;
    cpu->base.memory = config->memory == 0 ? machine_memory() : config->memory;
    cpu->level = level->name;
    *be = &cpu->base;
    return PTSNE_OK;
}

void pt_cpu_close(pt_backend *be)
{
    pt_cpu *cpu = (pt_cpu *)be;
    free(cpu->packs);
    free(cpu);
}

/* ---- describing ---- */

/* The processor's name as /proc/cpuinfo has it, or the architecture's. */
static void name_of_machine(char *name, size_t bytes)
{
    snprintf(name, bytes, "%s", levels[0].name);
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == NULL) { return; }
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL) { continue; }
        snprintf(name, bytes, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    fclose(file);
}

void pt_cpu_describe_machine(ptsne_device_info *info)
{
    const cpu_level *level = level_find(NULL);
    *info = (ptsne_device_info){.spec = "cpu", .type = "cpu"};
    name_of_machine(info->name, sizeof info->name);
    snprintf(info->driver, sizeof info->driver, "%s", level == NULL ? "" : level->name);
    info->memory = machine_memory();
    info->max_allocation = info->memory;
    info->compute_units = (uint32_t)omp_get_max_threads();
    info->max_work_group = 1;
}

void pt_cpu_describe(const pt_backend *be, ptsne_device_info *info)
{
    pt_cpu_describe_machine(info);
    snprintf(info->driver, sizeof info->driver, "%s", ((const pt_cpu *)be)->level);
    info->memory = be->memory;
    info->max_allocation = be->memory;
    info->compute_units = (uint32_t)be->threads;
}

/* ---- memory ---- */

ptsne_status pt_cpu_buffer_create(pt_backend *be, size_t count, pt_buffer *buffer, ptsne_error *err)
{
    const size_t bytes = count * sizeof(float);
    if (bytes > be->memory - be->memory_used) { return pt_fail_memory(err, "a buffer", (double)bytes); }
    float *memory = pt_array_aligned(count, sizeof(float));
    if (memory == NULL) { return pt_fail_memory(err, "a buffer", (double)bytes); }
    be->memory_used += bytes;
    *buffer = (pt_buffer){memory, 0, count};
    return PTSNE_OK;
}

void pt_cpu_buffer_destroy(pt_backend *be, pt_buffer *buffer)
{
    be->memory_used -= buffer->count * sizeof(float);
    free(buffer->handle);
}
