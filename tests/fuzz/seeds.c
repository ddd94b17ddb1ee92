/* Write the samples of the readers' tests as files into DIRECTORY/npy, idx, csv, vec and labels: what the fuzzers
 * start from. usage: seeds DIRECTORY */
#include <stdio.h>
#include <sys/stat.h>

#include "../data_samples.h"

static const char *target_of(const sample *s)
{
    if (s->labels) { return "labels"; }
    if (s->length > 6 && memcmp(s->bytes, "\x93NUMPY", 6) == 0) { return "npy"; }
    if (strncmp(s->name, "idx", 3) == 0) { return "idx"; }
    const bool words = strcmp(s->name, "vec") == 0 || strcmp(s->name, "glove") == 0;
    return words || strcmp(s->name, "sentences") == 0 ? "vec" : "csv";
}

int main(int argc, char **argv)
{
    if (argc != 2) { return 2; }
    static sample samples[SAMPLES];
    const size_t n = samples_make(samples);
    for (size_t i = 0; i < n; i++) {
        char path[512];
        mkdir(argv[1], 0777);
        snprintf(path, sizeof path, "%s/%s", argv[1], target_of(&samples[i]));
        mkdir(path, 0777);
        snprintf(path, sizeof path, "%s/%s/%s", argv[1], target_of(&samples[i]), samples[i].name);
        FILE *file = fopen(path, "wb");
        if (file == NULL || fwrite(samples[i].bytes, 1, samples[i].length, file) != samples[i].length ||
            fclose(file) != 0) {
            perror(path);
            return 1;
        }
    }
    return 0;
}
