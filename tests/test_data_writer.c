#define _GNU_SOURCE
/* The writer: bytes of .npy and CSV, row counts that come late, pipes, full disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "ptsne.h"

static char directory[DIRECTORY_ROOM];
static char path[DIRECTORY_ROOM + 16];

static const float rows[6] = {1.0f, -0.5f, 1e-10f, 16777217.0f, 0.1f, 3e38f};

static size_t file_read(char *out, size_t room)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t n = fread(out, 1, room - 1, file);
    fclose(file);
    out[n] = '\0';
    return n;
}

static void write_all(const char *format, size_t columns, size_t announced, const char *const *names)
{
    ptsne_writer *writer;
    ptsne_error err = {0};
    if (ptsne_writer_open(path, format, columns, announced, names, 1, &writer, &err) != PTSNE_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(ptsne_writer_rows(writer, rows, 1, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_rows(writer, NULL, 0, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_rows(writer, rows + columns, 6 / columns - 1, &err), PTSNE_OK);
    if (ptsne_writer_commit(writer, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
}

/* As NumPy writes it, so that np.load(mmap_mode='r') works; the same whether or not the rows were announced. */
static void test_npy(void **state)
{
    (void)state;
    for (int announced = 0; announced < 2; announced++) {
        char bytes[512];
        write_all("npy", 2, announced ? 3 : PTSNE_UNKNOWN, NULL);
        assert_int_equal(file_read(bytes, sizeof bytes), 128 + sizeof rows);
        assert_memory_equal(
            bytes, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), } ", 70);
        assert_int_equal(bytes[127], '\n');
        assert_memory_equal(bytes + 128, rows, sizeof rows);
        ptsne_table *table;
        assert_int_equal(ptsne_table_read(path, NULL, &table, NULL), PTSNE_OK);
        assert_int_equal(ptsne_table_rows(table), 3);
        assert_memory_equal(ptsne_table_values(table), rows, sizeof rows);
        ptsne_table_destroy(table);
    }
}

static void test_csv(void **state)
{
    (void)state;
    char text[512];
    write_all("csv", 2, PTSNE_UNKNOWN, NULL);
    file_read(text, sizeof text);
    assert_string_equal(text, "x,y\n1,-0.5\n1.00000001e-10,16777216\n0.100000001,3.00000001e+38\n");
    write_all("csv", 3, 2, NULL);
    file_read(text, sizeof text);
    assert_memory_equal(text, "x,y,z\n1,-0.5,1.00000001e-10\n", 28);
    write_all("csv", 6, 1, NULL);
    file_read(text, sizeof text);
    assert_memory_equal(text, "tsne_1,tsne_2,tsne_3,tsne_4,tsne_5,tsne_6\n", 42);
    write_all("csv", 2, 3, (const char *const[]){"a,b", "say \"so\""});
    file_read(text, sizeof text);
    assert_memory_equal(text, "\"a,b\",\"say \"\"so\"\"\"\n", 19);
    ptsne_table *table;
    assert_int_equal(ptsne_table_read(path, NULL, &table, NULL), PTSNE_OK); /* all 9 digits: the same floats */
    assert_memory_equal(ptsne_table_values(table), rows, sizeof rows);
    ptsne_table_destroy(table);
}

static void labels_write(const char *format, size_t columns, const char *const *names, const int32_t *labels, size_t n)
{
    ptsne_writer *writer;
    ptsne_error err = {0};
    assert_int_equal(ptsne_writer_open_labels(path, format, columns, n, names, 1, &writer, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_labels(writer, labels, 1, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_labels(writer, labels + columns, n - 1, &err), PTSNE_OK);
    if (ptsne_writer_commit(writer, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
}

/* Whole numbers, and that they come back as labels, also one column of several. */
static void test_labels(void **state)
{
    (void)state;
    static const int32_t labels[6] = {0, 70000001, 3, -2, 3, 5};
    char bytes[512];
    ptsne_labels *read;
    ptsne_error err = {0};
    labels_write("npy", 1, NULL, labels, 6);
    assert_int_equal(file_read(bytes, sizeof bytes), 128 + sizeof labels);
    assert_memory_equal(bytes + 10, "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), } ", 58);
    assert_memory_equal(bytes + 128, labels, sizeof labels);
    assert_int_equal(ptsne_labels_read(path, NULL, &read, NULL), PTSNE_OK);
    assert_int_equal(ptsne_labels_classes(read), 5);
    assert_string_equal(ptsne_labels_name(read, ptsne_labels_codes(read)[1]), "70000001");
    ptsne_labels_destroy(read);

    labels_write("npy", 2, NULL, labels, 3);
    file_read(bytes, sizeof bytes);
    assert_memory_equal(bytes + 10, "{'descr': '<i4', 'fortran_order': False, 'shape': (3, 2), } ", 60);
    ptsne_read_options options = {.header = -1, .n_rows = PTSNE_UNKNOWN};
    assert_int_equal(ptsne_labels_read(path, &options, &read, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "2 values a row: labels have one: choose by its number"));
    options.label_column = "2";
    assert_int_equal(ptsne_labels_read(path, &options, &read, NULL), PTSNE_OK);
    assert_int_equal(ptsne_labels_count(read), 3);
    assert_string_equal(ptsne_labels_name(read, ptsne_labels_codes(read)[1]), "-2");
    ptsne_labels_destroy(read);
    options.label_column = "3";
    assert_int_equal(ptsne_labels_read(path, &options, &read, &err), PTSNE_ERR_ARGUMENT);

    labels_write("csv", 3, (const char *const[]){"k2", "k3", "k4"}, labels, 2);
    file_read(bytes, sizeof bytes);
    assert_string_equal(bytes, "k2,k3,k4\n0,70000001,3\n-2,3,5\n");

    ptsne_writer *writer;
    assert_int_equal(ptsne_writer_open_labels(path, NULL, 1, 1, NULL, 1, &writer, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_rows(writer, rows, 1, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "was opened for labels, not for numbers"));
    ptsne_writer_discard(writer);
}

static void test_format_by_name(void **state)
{
    (void)state;
    char name[sizeof path + 4], bytes[512];
    ptsne_writer *writer;
    assert_int_equal(unlink(path), 0);
    snprintf(name, sizeof name, "%s.CSV", path);
    assert_int_equal(ptsne_writer_open(name, NULL, 1, 1, NULL, 0, &writer, NULL), PTSNE_OK);
    assert_int_equal(ptsne_writer_rows(writer, rows, 1, NULL), PTSNE_OK);
    assert_int_equal(ptsne_writer_commit(writer, NULL), PTSNE_OK);
    assert_int_equal(rename(name, path), 0);
    assert_int_equal(file_read(bytes, sizeof bytes), 4);
    assert_string_equal(bytes, "x\n1\n");
}

static void test_refusals(void **state)
{
    (void)state;
    ptsne_writer *writer;
    ptsne_error err;
    assert_int_equal(ptsne_writer_open(path, NULL, 2, 3, NULL, 0, &writer, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "exists already"));
    assert_int_equal(ptsne_writer_open(path, "xls", 2, 3, NULL, 1, &writer, &err), PTSNE_ERR_ARGUMENT);
    assert_string_equal(err.message, "unknown output format \"xls\" (npy, csv)");
    assert_int_equal(ptsne_writer_open(path, NULL, 0, 3, NULL, 1, &writer, &err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(ptsne_writer_open("-", "npy", 2, PTSNE_UNKNOWN, NULL, 0, &writer, &err), PTSNE_ERR_ARGUMENT);
    assert_string_equal(err.message, "standard output: .npy begins with the number of rows, which is not known yet: "
                                     "write CSV, or to a file");
    assert_int_equal(ptsne_writer_open("/nonexistent/map.npy", NULL, 2, 3, NULL, 0, &writer, &err), PTSNE_ERR_IO);
    assert_null(writer);

    char before[512], after[512]; /* what was there stays where the new file is not finished */
    const size_t length = file_read(before, sizeof before);
    assert_int_equal(ptsne_writer_open(path, "npy", 2, 3, NULL, 1, &writer, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_rows(writer, rows, 2, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_rows(writer, rows, 2, &err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(ptsne_writer_commit(writer, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "3 rows were announced and 2 written"));
    assert_int_equal(ptsne_writer_open(path, "npy", 2, 3, NULL, 1, &writer, &err), PTSNE_OK);
    ptsne_writer_discard(writer);
    ptsne_writer_discard(NULL);
    assert_int_equal(file_read(after, sizeof after), length);
    assert_memory_equal(before, after, length);
}

/* A full disk is seen at the latest when the file is closed; and so is a reader that has gone. */
static void test_full_and_broken(void **state)
{
    (void)state;
    ptsne_writer *writer;
    ptsne_error err;
    assert_int_equal(ptsne_writer_open("/dev/full", "csv", 2, 3, NULL, 0, &writer, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_rows(writer, rows, 3, &err), PTSNE_OK);
    assert_int_equal(ptsne_writer_commit(writer, &err), PTSNE_ERR_IO);
    assert_string_equal(err.message, "/dev/full: cannot be written: No space left on device");

    signal(SIGPIPE, SIG_IGN); /* as the tools do */
    int ends[2];
    fflush(stdout);
    const int standard = dup(STDOUT_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    const ptsne_status opened = ptsne_writer_open("-", "npy", 2, 3, NULL, 0, &writer, &err);
    const ptsne_status written = ptsne_writer_rows(writer, rows, 3, &err);
    const ptsne_status committed = ptsne_writer_commit(writer, &err);
    dup2(standard, STDOUT_FILENO);
    close(standard);
    clearerr(stdout);
    assert_int_equal(opened, PTSNE_OK);
    assert_int_equal(written, PTSNE_OK);
    assert_int_equal(committed, PTSNE_ERR_IO);
    assert_string_equal(err.message, "standard output: cannot be written: Broken pipe");
}

int main(void)
{
    if (!directory_make("writer", directory)) { return 1; }
    snprintf(path, sizeof path, "%s/map", directory);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy),      cmocka_unit_test(test_csv),
        cmocka_unit_test(test_labels),   cmocka_unit_test(test_format_by_name),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_full_and_broken),
    };
    const int failed = cmocka_run_group_tests_name("data_writer", tests, NULL, NULL);
    unlink(path);
    return rmdir(directory) == 0 ? failed : 1; /* nothing else was left there */
}
