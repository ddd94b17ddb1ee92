/* kernel_dump DIR: every program of the OpenCL module as the engine puts it together, one file each, for tests/kernels.sh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/opencl/source.h"

static int dump(const char *directory, const char *file, const char *metric)
{
    char *text = NULL, path[512];
    ptsne_error err;
    if (pt_source_assemble(NULL, file, metric, &text, &err) != PTSNE_OK) {
        fprintf(stderr, "kernel_dump: %s\n", err.message);
        return 1;
    }
    snprintf(path, sizeof path, "%s/%s%s%s", directory, metric == NULL ? "" : metric, metric == NULL ? "" : ".", file);
    FILE *out = fopen(path, "w");
    const int failed = out == NULL || fputs(text, out) < 0 || fclose(out) != 0;
    if (failed) { perror(path); }
    free(text);
    return failed;
}

int main(int count, char **args)
{
    if (count != 2) {
        fprintf(stderr, "kernel_dump DIR\n");
        return 2;
    }
    int failed = 0;
    for (size_t i = 0; i < pt_kernel_file_count; i++) {
        const char *name = pt_kernel_files[i].name;
        const int metric = strncmp(name, "metric_", 7) == 0;
        if (strstr(name, ".clh") != NULL || strcmp(name, "distance_tile.cl") == 0) { continue; }
        failed += dump(args[1], metric ? "distance_tile.cl" : name, metric ? name : NULL);
    }
    return failed != 0;
}
