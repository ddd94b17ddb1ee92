/* Labels of every format. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {NULL, "npy", "idx", "csv", "tsv", "lines"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        ptsne_read_options options = fuzz_options(formats[i]);
        fuzz_labels(data, size, &options);
        options.label_column = "2";
        options.first_row = 1;
        fuzz_labels(data, size, &options);
    }
    return 0;
}
