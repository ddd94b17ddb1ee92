/* The reader of delimited text, with the content and the options of the call both telling what it is. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ptsne_read_options options = fuzz_options("csv");
    fuzz_table(data, size, NULL);
    fuzz_table(data, size, &options);
    options.header = 0;
    options.label_column = "1";
    options.columns = "2-3,1";
    fuzz_table(data, size, &options);
    options = fuzz_options("tsv");
    options.header = 1;
    options.first_row = 1;
    options.n_rows = 3;
    fuzz_table(data, size, &options);
    return 0;
}
