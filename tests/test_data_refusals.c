#define _GNU_SOURCE
/* What the readers refuse, each with the place and the value in the message; files cut at every byte; bytes changed;
 * memory that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/reader.h"
#include "data_samples.h"

static ptsne_status read_any(const void *bytes, size_t n, bool labels, const ptsne_read_options *options, size_t *rows,
                             ptsne_error *err)
{
    ptsne_status status;
    *rows = 0;
    if (labels) {
        ptsne_labels *read;
        status = pt_labels_read_memory(bytes, n, options, &read, err);
        if (status == PTSNE_OK) { *rows = ptsne_labels_count(read); }
        ptsne_labels_destroy(read);
        return status;
    }
    ptsne_reader *reader;
    ptsne_table *table = NULL;
    status = pt_reader_open_memory(bytes, n, options, &reader, err);
    if (status == PTSNE_OK) { status = pt_table_of(reader, &table, err); }
    if (status == PTSNE_OK) {
        *rows = ptsne_table_rows(table);
        const size_t count = *rows * ptsne_table_columns(table);
        for (size_t i = 0; i < count; i++) { assert_true(isfinite(ptsne_table_values(table)[i])); }
    }
    ptsne_table_destroy(table);
    return status;
}

static void refused(const void *bytes, size_t n, bool labels, const ptsne_read_options *options, ptsne_status wanted,
                    const char *message)
{
    ptsne_error err = {0};
    size_t rows;
    const ptsne_status status = read_any(bytes, n, labels, options, &rows, &err);
    if (status != wanted || strncmp(err.message, message, strlen(message)) != 0) {
        fail_msg("status %d \"%s\", not %d \"%s\"", status, status == PTSNE_OK ? "" : err.message, wanted, message);
    }
}

static void test_text_refusals(void **state)
{
    (void)state;
    const struct {
        const char *text, *message;
    } cases[] = {
        {"", "memory: empty"},
        {"\n\n# nothing\n", "memory: no rows"},
        {"a,b,c\n", "memory: only a header, no rows"},
        {"a,b\n1,2\n3\n", "memory:3: 1 field, but line 1 has 2"},
        {"a,b\n1,2\n\n3,4,5\n", "memory:4: 3 fields, but line 1 has 2"},
        {"id,name,height,age\n1,a,2,3\n1,b,2,n/a\n", "memory:3: column 4 (\"age\"): not a number: \"n/a\""},
        {"1,2\n3,\n", "memory:2: column 2: not a number: \"\""},
        {"1,2\n3,4\xff\1\n", "memory:2: column 2: not a number: \"4??\""},
        {"1,2\n3,NaN\n", "memory:2: column 2: not a number: \"NaN\""},
        {"1,2\n-inf,4\n", "memory:2: column 1: not a number: \"-inf\""},
        {"1,2\n3,1e39\n", "memory:2: column 2: beyond the range of a float: \"1e39\""},
        {"a;b\n1,5;2\n", "memory:2: column 1 (\"a\"): a decimal comma (write a point): \"1,5\""},
        {"1,5 2,5\n3,5 4,5\n", "memory:1: column 1: a decimal comma (write a point): \"1,5\""},
        {"1,2\n3,0x10\n", "memory:2: column 2: not a number: \"0x10\""},
        {"a,b\n1,\"2\n3,4\n", "memory:2: a quote is opened and never closed"},
        {"a,b\n1,\"2\"3\n4,5\n", "memory:2: column 2 (\"b\"): something follows a closing quote: \"\"2\"3\""},
        {"a,b\nx,y\nz,w\n", "memory: text without a column of numbers: line 1 is \"a,b\""},
        {"Dear reader,\nthis is prose.\n", "memory: text without a column of numbers: line 1 is"},
        {"3 2\na 1 2\nb 3 4\n", "memory: truncated: the first line promises 3 words, there are 2"},
        {"1 2\na 1 2\nb 3 4\n", "memory:3: more words than the 1 that the first line promises"},
        {"2 3\na 1 2 3\nb 4 5\n", "memory:3: 2 numbers, but a row has 3"},
        {"2 3\na 1 2 3\nb 4 x 5\n", "memory:3: number 2 of the row: not a number: \"x\""},
        {"900000000000 3\na 1 2 3\n", "memory: truncated: the first line promises 900000000000 words of 3 numbers"},
        {"0 3\na 1 2 3\n", "memory: no rows: the first line says 0 words"},
        {"{\"x\": [1, 2]}", "memory: not read: JSON"},
        {"<html>", "memory: not read: HTML or XML"},
        {"%%MatrixMarket matrix", "memory: not read: Matrix Market"},
        {"PAR1\1\2", "memory: not read: Parquet"},
        {"\x80\4\x95", "memory: not read: a Python pickle, which could run code"},
        {"PK\3\4\24", "memory: not read: a zip archive"},
        {"\x89HDF\r\n\x1a\n", "memory: not read: HDF5"},
        {"\xba\x16\x4f\x2f\14", "memory: not read: a fastText model"},
        {"\xff\xfe"
         "1",
         "memory: not read: text in UTF-16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refused(cases[i].text, strlen(cases[i].text), false, NULL, PTSNE_ERR_DATA, cases[i].message);
    }
    refused("\1\2\0\4\5", 5, false, NULL, PTSNE_ERR_DATA,
            "memory: not a known format: begins with 01 02 00 04 05 (formats: .npy, IDX");
    refused("\x1f\x8b\x08", 3, false, NULL, PTSNE_ERR_DATA, "memory: truncated: the gzip data ends early");
}

static void test_label_refusals(void **state)
{
    (void)state;
    const struct {
        const char *text, *message;
        ptsne_status status;
    } cases[] = {
        {"", "memory: empty", PTSNE_ERR_DATA},
        {"a\n\nb\n", "memory:2: no label", PTSNE_ERR_DATA},
        {"id,label\n1,a\n2,\n", "memory:3: column 2 (\"label\"): no label", PTSNE_ERR_DATA},
        {"id,what\n1,a\n2,b\n", "memory: which column is the label? there are 2 columns: \"id\", \"what\"",
         PTSNE_ERR_ARGUMENT},
        {"__label__a x\nno tag\n", "memory:2: no __label__ token", PTSNE_ERR_DATA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refused(cases[i].text, strlen(cases[i].text), true, NULL, cases[i].status, cases[i].message);
    }
}

static void test_option_refusals(void **state)
{
    (void)state;
    const char *const text = "a,b\n1,2\n3,4\n";
    const struct {
        ptsne_read_options options;
        const char *message;
    } cases[] = {
        {{.columns = "a,c", .header = -1}, "memory: no column \"c\": there are 2 columns: \"a\", \"b\""},
        {{.columns = "2-3", .header = -1}, "memory: no column \"2-3\""},
        {{.columns = "0", .header = -1}, "memory: no column \"0\""},
        {{.columns = "", .header = -1}, "memory: no column \"\""},
        {{.label_column = "c", .header = -1}, "memory: no column \"c\""},
        {{.first_row = 3, .header = -1}, "memory: 3 rows to skip, but there are only 2"},
        {{.first_row = 2, .header = -1}, "memory: no rows after the first 2"},
        {{.format = "xls", .header = -1}, "unknown format \"xls\" (npy, idx, csv, tsv, vec)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ptsne_read_options options = cases[i].options;
        options.n_rows = PTSNE_UNKNOWN;
        refused(text, strlen(text), false, &options, PTSNE_ERR_ARGUMENT, cases[i].message);
    }
    const char *const formats[] = {"npy", "idx", "vec"};
    const char *const messages[] = {"memory: not a .npy file", "memory: not an IDX file", "memory: not word vectors"};
    for (size_t i = 0; i < 3; i++) {
        const ptsne_read_options options = {.format = formats[i], .header = -1, .n_rows = PTSNE_UNKNOWN};
        refused(text, strlen(text), false, &options, PTSNE_ERR_DATA, messages[i]);
    }
}

static void test_npy_refusals(void **state)
{
    (void)state;
    const struct {
        int version;
        const char *dictionary, *message;
    } cases[] = {
        {1, "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
         "memory: Python objects (dtype \"|O\") are not read, that could run code: re-save with np.save(f, "
         "np.asarray(labels, dtype=str))"},
        {1, "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }",
         "memory: a structured dtype (fields with names) is not read"},
        {1, "{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }",
         "memory: dtype \"<c8\" is not read: save the real or absolute part"},
        {1, "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (2,), }", "memory: dtype \"<M8[ns]\" is not read"},
        {1, "{'descr': '<f3', 'fortran_order': False, 'shape': (2,), }", "memory: dtype \"<f3\" is not read"},
        {1, "{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }", "memory: text (dtype \"<U2\"), not numbers"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "memory: a single value (shape ()), not rows"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", "memory: no rows"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 0), }",
         "memory: rows without columns: axis 2 has length 0"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }",
         "memory: truncated: the header promises 3 rows of 3 values (36 bytes), but only 16 follow"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }",
         "memory: there are more bytes than the header's 1 rows of 3 values need"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
         "memory: the header's sizes are too large: 4294967296 rows of 4294967296 values"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4294967296, 4294967296), }",
         "memory: the header's sizes are too large"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1), }",
         "memory: damaged .npy header: the shape is too large"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }",
         "memory: damaged .npy header: the shape is wrong at \"-1, 3)"},
        {1, "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1, 3), }",
         "memory: damaged .npy header: fortran_order is wrong"},
        {1, "{'descr': '<f4', 'shape': (1, 3), }", "memory: damaged .npy header: a key is missing"},
        {1, "{'descr': '<f4', 'descr': '<f4', 'shape': (1, 3), }", "memory: damaged .npy header: a key comes twice"},
        {1, "{'descr': '<f4', 'order': 'C', 'shape': (1, 3), }",
         "memory: damaged .npy header: there is an unknown key"},
        {1, "('descr', '<f4')", "memory: damaged .npy header: no dictionary"},
        {4, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
         "memory: .npy version 4.0 is not known (1.0 to 3.0 are)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const sample s = sample_npy("", cases[i].version, cases[i].dictionary,
                                    "\0\0\x80\x3f\0\0\x80\x3f\0\0\x80\x3f\0\0\x80\x3f", 16);
        refused(s.bytes, s.length, false, NULL, PTSNE_ERR_DATA, cases[i].message);
    }
    const char *const square = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
    sample s = sample_npy("", 1, square, "\0\0\x80\x3f\0\0\x80\x3f\0\0\x80\x3f\0\0\xc0\x7f", 16);
    refused(s.bytes, s.length, false, NULL, PTSNE_ERR_DATA, "memory: row 2, column 2: not finite: nan");
    s = sample_npy("", 1, square, "\0\0\x80\x3f\0\0\x80\x3f\0\0\x80\xff\0\0\x80\x3f", 16);
    refused(s.bytes, s.length, false, NULL, PTSNE_ERR_DATA, "memory: row 2, column 1: not finite: -inf");
    s = sample_npy("", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }",
                   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x7e", 16);
    refused(s.bytes, s.length, false, NULL, PTSNE_ERR_DATA,
            "memory: row 2, column 1: not finite: inf, or beyond the range of a float");
    refused(s.bytes, s.length, false, &(ptsne_read_options){.label_column = "a", .n_rows = 1}, PTSNE_ERR_ARGUMENT,
            "memory: no column of labels in a file of this kind (npy)");
    s = sample_npy("", 1, square, "\0\0\x80\x3f\0\0\x80\x3f\0\0\x80\x3f\0\0\x80\x3f", 16);
    refused(s.bytes, s.length, true, NULL, PTSNE_ERR_DATA, "memory: 2 values a row: labels have one");
    s.bytes[9] = 0x28; /* 10 240 bytes and more of header */
    refused(s.bytes, s.length, false, NULL, PTSNE_ERR_DATA, "memory: a .npy header of 10");
    s = sample_npy("", 1, "{'descr': '<U1', 'fortran_order': False, 'shape': (2,), }", "a\0\0\0\0\0\0\0", 8);
    refused(s.bytes, s.length, true, NULL, PTSNE_ERR_DATA, "memory: row 2: no label");
}

static void test_idx_refusals(void **state)
{
    (void)state;
    refused("\0\0\x08\x03\0\0\0\x02\0\0", 10, false, NULL, PTSNE_ERR_DATA,
            "memory: truncated: an IDX header of 3 axes has 16 bytes, the file has 10");
    refused("\0\0\x08\x02\0\0\0\x02\0\0\0\x03\1\2\3\4\5", 17, false, NULL, PTSNE_ERR_DATA,
            "memory: truncated: the header promises 2 rows of 3 values (6 bytes), but only 5 follow");
    refused("\0\0\x08\x02\0\0\0\x02\0\0\0\x03\1\2\3\4\5\6\7", 19, false, NULL, PTSNE_ERR_DATA,
            "memory: there are more bytes than the header's 2 rows");
    refused("\0\0\x08\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 20, false, NULL,
            PTSNE_ERR_DATA, "memory: the header's sizes are too large");
    refused("\0\0\x08\x02\0\0\0\0\0\0\0\x03", 12, false, NULL, PTSNE_ERR_DATA, "memory: no rows");
    refused("\0\0\x08\x02\0\0\0\x03\0\0\0\0", 12, false, NULL, PTSNE_ERR_DATA, "memory: rows without columns");
    sample plain = {.name = "idx"}; /* packed, the length shows only at the end */
    sample_append(&plain, "\0\0\x08\x02\0\0\0\x09\0\0\0\x03\1\2\3\4\5", 17);
    const sample packed = sample_gzip("idx-gz", &plain);
    refused(packed.bytes, packed.length, false, NULL, PTSNE_ERR_DATA,
            "memory: truncated: the header promises 9 rows, the file ends in row 2");
}

static void test_files_missing(void **state)
{
    (void)state;
    ptsne_table *table;
    ptsne_labels *labels;
    ptsne_error err;
    assert_int_equal(ptsne_table_read("/nonexistent/x.npy", NULL, &table, &err), PTSNE_ERR_IO);
    assert_string_equal(err.message, "/nonexistent/x.npy: cannot be opened: No such file or directory");
    assert_int_equal(ptsne_labels_read("/tmp", NULL, &labels, &err), PTSNE_ERR_IO);
    assert_string_equal(err.message, "/tmp: is a directory");
    assert_int_equal(ptsne_table_read("/dev/null", NULL, &table, &err), PTSNE_ERR_DATA);
    assert_string_equal(err.message, "/dev/null: empty");
}

/* In memory of exactly that length, so that the address sanitizer sees a step too far. */
static ptsne_status read_copy(const unsigned char *bytes, size_t n, bool labels, size_t *rows, ptsne_error *err)
{
    unsigned char *copy = malloc(n == 0 ? 1 : n);
    memcpy(copy, bytes, n);
    const ptsne_status status = read_any(copy, n, labels, NULL, rows, err);
    free(copy);
    return status;
}

/* A binary file that is cut is refused; a text may be read up to there, with no more rows than it had. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    static sample samples[SAMPLES];
    const size_t n = samples_make(samples);
    for (size_t i = 0; i < n; i++) {
        const sample *s = &samples[i];
        for (size_t length = 0; length < s->length; length++) {
            size_t rows;
            ptsne_error err = {0};
            const ptsne_status status = read_copy(s->bytes, length, s->labels, &rows, &err);
            if (status == PTSNE_OK ? s->binary || rows > s->rows : err.message[0] == '\0') {
                fail_msg("%s cut at %zu: status %d, %zu rows, \"%s\"", s->name, length, status, rows, err.message);
            }
        }
    }
}

/* Each byte changed in several ways: an error with words, or values that are finite. */
static void test_bytes_changed(void **state)
{
    (void)state;
    static sample samples[SAMPLES];
    const size_t n = samples_make(samples);
    const unsigned char changes[] = {0x01, 0x02, 0x10, 0x20, 0x80, 0xff};
    size_t accepted = 0, refusals = 0;
    for (size_t i = 0; i < n; i++) {
        sample *s = &samples[i];
        for (size_t at = 0; at < s->length; at++) {
            for (size_t c = 0; c < sizeof changes; c++) {
                size_t rows;
                ptsne_error err = {0};
                s->bytes[at] ^= changes[c];
                const ptsne_status status = read_copy(s->bytes, s->length, s->labels, &rows, &err);
                s->bytes[at] ^= changes[c];
                if (status == PTSNE_OK ? rows == 0 : err.message[0] == '\0' || strchr(err.message, '\n') != NULL) {
                    fail_msg("%s, byte %zu ^ %02x: status %d, %zu rows, \"%s\"", s->name, at, changes[c], status, rows,
                             err.message);
                }
                accepted += status == PTSNE_OK;
                refusals += status != PTSNE_OK;
            }
        }
    }
    assert_true(accepted > 1000 && refusals > 1000);
}

/* ---- memory that is not there: the linker leads every allocation of the library through here ---- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t bytes);

static size_t allocations_left = SIZE_MAX;

static bool allocation_fails(void)
{
    if (allocations_left == SIZE_MAX) { return false; }
    if (allocations_left == 0) { return true; }
    allocations_left--;
    return false;
}

void *__wrap_malloc(size_t bytes)
{
    return allocation_fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return allocation_fails() ? NULL : __real_realloc(memory, bytes);
}

static void test_no_memory(void **state)
{
    (void)state;
    static sample samples[SAMPLES];
    const size_t n = samples_make(samples);
    size_t failures = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t room = 0;; room++) {
            size_t rows;
            ptsne_error err = {0};
            allocations_left = room;
            const ptsne_status status =
                read_any(samples[i].bytes, samples[i].length, samples[i].labels, NULL, &rows, &err);
            const bool all = allocations_left > 0;
            allocations_left = SIZE_MAX;
            if (status == PTSNE_OK) { assert_int_equal(rows, samples[i].rows); } /* giving memory back may fail */
            if (status != PTSNE_OK && status != PTSNE_ERR_MEMORY) { fail_msg("%s: %s", samples[i].name, err.message); }
            failures += status == PTSNE_ERR_MEMORY;
            if (all && status == PTSNE_OK) { break; }
        }
    }
    assert_true(failures > 5 * n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_refusals),   cmocka_unit_test(test_label_refusals),
        cmocka_unit_test(test_option_refusals), cmocka_unit_test(test_npy_refusals),
        cmocka_unit_test(test_idx_refusals),    cmocka_unit_test(test_files_missing),
        cmocka_unit_test(test_cut_anywhere),    cmocka_unit_test(test_bytes_changed),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("data_refusals", tests, NULL, NULL);
}
