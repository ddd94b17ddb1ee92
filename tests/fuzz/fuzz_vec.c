/* The reader of word vectors, told by content and by name, whole and in part. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ptsne_read_options options = fuzz_options("vec");
    fuzz_table(data, size, NULL);
    fuzz_table(data, size, &options);
    options.first_row = 1;
    options.n_rows = 2;
    options.columns = NULL;
    fuzz_table(data, size, &options);
    return 0;
}
