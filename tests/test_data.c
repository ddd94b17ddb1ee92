#define _GNU_SOURCE
/* The readers: every format, from memory, files and pipes; numbers; labels and their order; columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "data/number.h"
#include "data/reader.h"
#include "data_samples.h"
#include "directory.h"

static void sample_check(const sample *s, const ptsne_table *table)
{
    if (ptsne_table_rows(table) != s->rows || ptsne_table_columns(table) != s->columns) {
        fail_msg("%s: %zu x %zu, not %zu x %zu", s->name, ptsne_table_rows(table), ptsne_table_columns(table), s->rows,
                 s->columns);
    }
    for (size_t i = 0; i < s->rows * s->columns; i++) {
        const float value = ptsne_table_values(table)[i];
        if (value != (float)(i + 1)) { fail_msg("%s: value %zu is %g", s->name, i, (double)value); }
    }
}

static ptsne_status table_read_memory(const void *bytes, size_t n, const ptsne_read_options *options,
                                      ptsne_table **table, ptsne_error *err)
{
    *table = NULL;
    ptsne_reader *reader;
    const ptsne_status status = pt_reader_open_memory(bytes, n, options, &reader, err);
    return status == PTSNE_OK ? pt_table_of(reader, table, err) : status;
}

static ptsne_table *table_of_text(const char *text, const ptsne_read_options *options)
{
    ptsne_table *table;
    ptsne_error err;
    if (table_read_memory(text, strlen(text), options, &table, &err) != PTSNE_OK) {
        fail_msg("%s\n%s", err.message, text);
    }
    return table;
}

static ptsne_labels *labels_of_text(const char *text, const ptsne_read_options *options)
{
    ptsne_labels *labels;
    ptsne_error err;
    if (pt_labels_read_memory(text, strlen(text), options, &labels, &err) != PTSNE_OK) {
        fail_msg("%s\n%s", err.message, text);
    }
    return labels;
}

static void test_samples_in_memory(void **state)
{
    (void)state;
    static sample samples[SAMPLES];
    const size_t n = samples_make(samples);
    for (size_t i = 0; i < n; i++) {
        const sample *s = &samples[i];
        ptsne_error err;
        if (s->labels) {
            ptsne_labels *labels;
            if (pt_labels_read_memory(s->bytes, s->length, NULL, &labels, &err) != PTSNE_OK) {
                fail_msg("%s: %s", s->name, err.message);
            }
            assert_int_equal(ptsne_labels_count(labels), s->rows);
            ptsne_labels_destroy(labels);
            continue;
        }
        ptsne_table *table;
        if (table_read_memory(s->bytes, s->length, NULL, &table, &err) != PTSNE_OK) {
            fail_msg("%s: %s", s->name, err.message);
        }
        sample_check(s, table);
        ptsne_table_destroy(table);
    }
}

/* The same from a file (mapped where it can be) and from a pipe as standard input. */
static void test_samples_in_files(void **state)
{
    (void)state;
    static sample samples[SAMPLES];
    const size_t n = samples_make(samples);
    char directory[DIRECTORY_ROOM], path[DIRECTORY_ROOM + 16];
    assert_true(directory_make("data", directory));
    snprintf(path, sizeof path, "%s/sample", directory);
    const int standard = dup(STDIN_FILENO);
    assert_true(standard >= 0);
    for (size_t i = 0; i < n; i++) {
        const sample *s = &samples[i];
        FILE *file = fopen(path, "wb");
        assert_int_equal(fwrite(s->bytes, 1, s->length, file), s->length);
        assert_int_equal(fclose(file), 0);
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], s->bytes, s->length), s->length);
        close(ends[1]);
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        for (int way = 0; way < 2; way++) {
            ptsne_error err;
            ptsne_table *table = NULL;
            ptsne_labels *labels = NULL;
            const char *from = way == 0 ? path : "-";
            const ptsne_status status =
                s->labels ? ptsne_labels_read(from, NULL, &labels, &err) : ptsne_table_read(from, NULL, &table, &err);
            if (status != PTSNE_OK) { fail_msg("%s: %s", s->name, err.message); }
            if (s->labels) { assert_int_equal(ptsne_labels_count(labels), s->rows); }
            if (!s->labels) { sample_check(s, table); }
            ptsne_table_destroy(table);
            ptsne_labels_destroy(labels);
        }
    }
    dup2(standard, STDIN_FILENO);
    close(standard);
    unlink(path);
    rmdir(directory);
}

/* One row at a time gives what the whole gives; after the last one nothing. */
static void test_reader_in_steps(void **state)
{
    (void)state;
    static sample samples[SAMPLES];
    const size_t n = samples_make(samples);
    for (size_t i = 0; i < n; i++) {
        const sample *s = &samples[i];
        if (s->labels) { continue; }
        ptsne_reader *reader;
        ptsne_error err;
        assert_int_equal(pt_reader_open_memory(s->bytes, s->length, NULL, &reader, &err), PTSNE_OK);
        assert_int_equal(ptsne_reader_columns(reader), s->columns);
        const size_t rows = ptsne_reader_rows(reader);
        assert_true(rows == s->rows || rows == PTSNE_UNKNOWN);
        float row[3];
        size_t got;
        for (size_t r = 0; r < s->rows; r++) {
            assert_int_equal(ptsne_reader_next(reader, row, 1, &got, &err), PTSNE_OK);
            assert_int_equal(got, 1);
            assert_true(row[0] == (float)(r * s->columns + 1));
        }
        for (int again = 0; again < 2; again++) {
            assert_int_equal(ptsne_reader_next(reader, row, 1, &got, &err), PTSNE_OK);
            assert_int_equal(got, 0);
        }
        ptsne_reader_destroy(reader);
    }
}

/* Against the C library's correctly rounded strtof: random digits, and texts at and beside the middle between two
 * floats, where one rounding too many shows. */
static void test_numbers(void **state)
{
    (void)state;
    pt_random random = {.seed = 11};
    size_t quick = 0;
    for (size_t i = 0; i < 300000; i++) {
        char text[128];
        const uint32_t bits = pt_random_word(&random) & 0x7fffffffu;
        float from, above;
        memcpy(&from, &bits, sizeof from);
        if (!isfinite(from) || from >= FLT_MAX / 2.0f) { continue; }
        above = nextafterf(from, INFINITY);
        switch (i % 6) {
        case 0:
            snprintf(text, sizeof text, "%.9g", (double)from);
            break;
        case 1:
            snprintf(text, sizeof text, "%.18e", (double)from * 1.0000000123);
            break;
        case 2:
            snprintf(text, sizeof text, "-%.60g", ((double)from + (double)above) / 2.0);
            break;
        case 3:
            snprintf(text, sizeof text, "%.17g",
                     nextafter(((double)from + (double)above) / 2.0, i % 4 < 2 ? 0.0 : 1e300));
            break;
        case 4:
            snprintf(text, sizeof text, "%u.%05u", pt_random_word(&random) % 1000, pt_random_word(&random) % 100000);
            break;
        default:
            snprintf(text, sizeof text, "%u%u%ue-%u", bits, bits, bits, pt_random_word(&random) % 80);
            break;
        }
        float value = NAN;
        const float want = strtof(text, NULL);
        if (!pt_number_parse(text, strlen(text), &value) || memcmp(&value, &want, sizeof value) != 0) {
            fail_msg("%s is %.9g, not %.9g", text, (double)value, (double)want);
        }
        snprintf(text, sizeof text, "%s%.*f", i % 2 == 0 ? "-" : "", (int)(i % 8),
                 (double)(pt_random_word(&random) >> i % 32) / 1e4);
        const size_t length = strlen(text);
        const char *end = pt_number_quick(text, text + length, ',', &value);
        const float whole = strtof(text, NULL);
        if (end != NULL && (end != text + length || memcmp(&value, &whole, sizeof value) != 0)) {
            fail_msg("%s is %.9g", text, (double)value);
        }
        quick += end != NULL;
    }
    assert_true(quick > 50000);
    const char *const good[] = {"0", "-0.0", " 1 ", "1e38", "1e-45", "1e-60", "3.5e38", "1e400", "+.5", "5.", "1e+2"};
    const float values[] = {0.0f, -0.0f, 1.0f, 1e38f, 1e-45f, 0.0f, INFINITY, INFINITY, 0.5f, 5.0f, 100.0f};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        float value;
        assert_true(pt_number_parse(good[i], strlen(good[i]), &value));
        assert_true(value == values[i] && signbit(value) == signbit(values[i]));
    }
    const char *const bad[] = {"",     " ",   ".",   "-",   "e5",  "1e",  "1e+", "1.2.3",
                               "0x10", "nan", "inf", "1,5", "1 2", "--1", "1f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        float value;
        if (pt_number_parse(bad[i], strlen(bad[i]), &value)) {
            fail_msg("\"%s\" was read as %g", bad[i], (double)value);
        }
    }
}

static void test_natural_order(void **state)
{
    (void)state;
    const char *const order[] = {"-10", "-9", "-1.5", "0", "2", "2.5", "9", "10", "1e2", "a", "a2", "a10", "a10b", "b"};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        for (size_t j = 0; j < sizeof order / sizeof order[0]; j++) {
            const int compared = pt_natural_compare(order[i], order[j]);
            if ((compared > 0) - (compared < 0) != (i > j) - (i < j)) { fail_msg("%s and %s", order[i], order[j]); }
        }
    }
    assert_true(pt_natural_compare("9007199254740993", "9007199254740992") > 0); /* the same double */
    assert_true(pt_natural_compare("-9007199254740993", "-9007199254740992") < 0);
    const int64_t codes[] = {10, -1, 2, 10, -3};
    const char *const names[] = {"-3", "-1", "2", "10"};
    const uint32_t want[] = {3, 1, 2, 3, 0};
    ptsne_labels *labels;
    assert_int_equal(ptsne_labels_create(codes, 5, &labels, NULL), PTSNE_OK);
    assert_int_equal(ptsne_labels_count(labels), 5);
    assert_int_equal(ptsne_labels_classes(labels), 4);
    for (size_t c = 0; c < 4; c++) { assert_string_equal(ptsne_labels_name(labels, c), names[c]); }
    assert_memory_equal(ptsne_labels_codes(labels), want, sizeof want);
    ptsne_labels_destroy(labels);
}

static void labels_check(ptsne_labels *labels, size_t count, const char *const *names, size_t classes)
{
    assert_int_equal(ptsne_labels_count(labels), count);
    assert_int_equal(ptsne_labels_classes(labels), classes);
    for (size_t c = 0; c < classes; c++) { assert_string_equal(ptsne_labels_name(labels, c), names[c]); }
    ptsne_labels_destroy(labels);
}

static void test_labels(void **state)
{
    (void)state;
    labels_check(labels_of_text("New York\nParis\n10\n9\n#1\nParis\n\n", NULL), 6,
                 (const char *const[]){"9", "10", "#1", "New York", "Paris"}, 5);
    labels_check(labels_of_text("digit\n3\n-1\n3\n", NULL), 3, (const char *const[]){"-1", "3"}, 2);
    labels_check(labels_of_text("one", NULL), 1, (const char *const[]){"one"}, 1);
    labels_check(labels_of_text("b\xff"
                                "d\n\xc3\xa9\n",
                                NULL),
                 2,
                 (const char *const[]){"b\xef\xbf\xbd"
                                       "d",
                                       "\xc3\xa9"},
                 2);
    labels_check(
        labels_of_text("a,b\nc,d\n", &(ptsne_read_options){.format = "lines", .header = -1, .n_rows = PTSNE_UNKNOWN}),
        2, (const char *const[]){"a,b", "c,d"}, 2);
    labels_check(labels_of_text("id,Species\n1,\"a, b\"\n2,c\n", NULL), 2, (const char *const[]){"a, b", "c"}, 2);
    labels_check(labels_of_text("p,q\n1,2\n3,4\n5,2\n",
                                &(ptsne_read_options){.label_column = "q", .header = -1, .first_row = 1, .n_rows = 2}),
                 2, (const char *const[]){"2", "4"}, 2);
    labels_check(labels_of_text("__label__b text\ntext __label__a __label__c\n", NULL), 2,
                 (const char *const[]){"a", "b"}, 2);

    static sample samples[SAMPLES];
    const size_t n = samples_make(samples);
    for (size_t i = 0; i < n; i++) {
        ptsne_labels *labels;
        if (strcmp(samples[i].name, "words") == 0 || strcmp(samples[i].name, "classes") == 0) {
            assert_int_equal(pt_labels_read_memory(samples[i].bytes, samples[i].length, NULL, &labels, NULL), PTSNE_OK);
            if (samples[i].name[0] == 'w') {
                labels_check(labels, 3, (const char *const[]){"b9", "b10", "\xc3\xbc"}, 3);
            }
            if (samples[i].name[0] == 'c') { labels_check(labels, 3, (const char *const[]){"-1", "2", "10"}, 3); }
        }
    }
    char *large = malloc(65536 + 3); /* a label of 64 KiB */
    memset(large, 'x', 65536);
    memcpy(large + 65536, "\na", 3);
    ptsne_labels *labels = labels_of_text(large, NULL);
    assert_int_equal(ptsne_labels_classes(labels), 2);
    assert_int_equal(strlen(ptsne_labels_name(labels, 1)), 65536);
    ptsne_labels_destroy(labels);
    free(large);
}

static void test_columns(void **state)
{
    (void)state;
    const char *const text = "a,b,name,5,label\n1,2,p,3,l1\n4,5,q,6,l2\n";
    const struct {
        const char *columns, *label;
        size_t width;
        float first[4];
        bool labelled;
    } cases[] = {
        {NULL, NULL, 3, {1, 2, 3}, true}, {"a", NULL, 1, {1}, true},    {"b,5", "", 2, {2, 3}, false}, /* 5 is a name */
        {"1-2", NULL, 2, {1, 2}, true},   {"4", "name", 1, {3}, true},  {"5,1", NULL, 2, {1, 3}, true},
        {NULL, "a", 2, {2, 3}, true},     {NULL, "1", 2, {2, 3}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const ptsne_read_options options = {
            .columns = cases[i].columns, .label_column = cases[i].label, .header = -1, .n_rows = PTSNE_UNKNOWN};
        ptsne_table *table = table_of_text(text, &options);
        assert_int_equal(ptsne_table_columns(table), cases[i].width);
        assert_memory_equal(ptsne_table_values(table), cases[i].first, cases[i].width * sizeof(float));
        assert_true((ptsne_table_labels(table) != NULL) == cases[i].labelled);
        ptsne_table_destroy(table);
    }
    ptsne_table *map = table_of_text("x,y\n1,2\n3,4\n", NULL); /* a map: y is a coordinate */
    assert_int_equal(ptsne_table_columns(map), 2);
    assert_null(ptsne_table_labels(map));
    ptsne_table_destroy(map);
    ptsne_table *target = table_of_text("a,y\n1,2\n3,4\n", NULL);
    assert_int_equal(ptsne_table_columns(target), 1);
    assert_int_equal(ptsne_labels_classes(ptsne_table_labels(target)), 2);
    ptsne_table_destroy(target);
    const char *const counted[] = {"0,1,2,3\n5,6,7,8\n", ",0,1,2,3\n0,5,6,7,8\n"}; /* as pandas writes */
    for (size_t i = 0; i < 2; i++) {
        ptsne_table *frame = table_of_text(counted[i], NULL);
        assert_int_equal(ptsne_table_rows(frame), 1);
        assert_int_equal(ptsne_table_columns(frame), 4);
        assert_true(ptsne_table_values(frame)[0] == 5.0f);
        ptsne_table_destroy(frame);
    }
    ptsne_table *numbers = table_of_text("1,2\n3,4\n", &(ptsne_read_options){.header = 1, .n_rows = PTSNE_UNKNOWN});
    assert_int_equal(ptsne_table_rows(numbers), 1);
    ptsne_table_destroy(numbers);
}

/* Columns and rows of an array, and the shape of an image. */
static void test_array_parts(void **state)
{
    (void)state;
    static sample samples[SAMPLES];
    const size_t n = samples_make(samples);
    for (size_t i = 0; i < n; i++) {
        const sample *s = &samples[i];
        if (s->labels || s->rows != 2 || !s->binary || strcmp(s->name, "column-gz") == 0) { continue; }
        const ptsne_read_options options = {.columns = "3,1", .header = -1, .first_row = 1, .n_rows = 1};
        ptsne_table *table;
        ptsne_error err;
        if (table_read_memory(s->bytes, s->length, &options, &table, &err) != PTSNE_OK) {
            fail_msg("%s: %s", s->name, err.message);
        }
        assert_int_equal(ptsne_table_rows(table), 1);
        assert_memory_equal(ptsne_table_values(table), ((float[]){4, 6}), 8);
        size_t shape[3];
        ptsne_table_image_shape(table, shape);
        assert_int_equal(shape[0], 0);
        ptsne_table_destroy(table);
        assert_int_equal(table_read_memory(s->bytes, s->length, NULL, &table, &err), PTSNE_OK);
        ptsne_table_image_shape(table, shape);
        const bool image =
            strcmp(s->name, "image") == 0 || strcmp(s->name, "idx") == 0 || strcmp(s->name, "idx-gz") == 0;
        assert_true(shape[0] == (image ? 1 : 0) && shape[1] == (image ? 3 : 0) && shape[2] == (image ? 1 : 0));
        ptsne_table_destroy(table);
    }
}

/* Files joined by cat are one; zeros behind, as tapes have them, are nothing; anything else is refused. */
static void test_gzip(void **state)
{
    (void)state;
    const sample halves[] = {sample_text("", "a,b\n1,2\n"), sample_text("", "3,4\n")};
    const sample packed[] = {sample_gzip("", &halves[0]), sample_gzip("", &halves[1])};
    sample joined = packed[0];
    sample_append(&joined, packed[1].bytes, packed[1].length);
    sample_append(&joined, "\0\0\0", 3);
    ptsne_table *table;
    ptsne_error err;
    if (table_read_memory(joined.bytes, joined.length, NULL, &table, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
    assert_int_equal(ptsne_table_rows(table), 2);
    assert_memory_equal(ptsne_table_values(table), ((float[]){1, 2, 3, 4}), 16);
    ptsne_table_destroy(table);
    sample_append(&joined, "x", 1);
    assert_int_equal(table_read_memory(joined.bytes, joined.length, NULL, &table, &err), PTSNE_ERR_DATA);
    assert_string_equal(err.message, "memory: there is something else after the gzip data");
    sample damaged = packed[0];
    damaged.bytes[damaged.length - 8] ^= 1; /* the checksum */
    assert_int_equal(table_read_memory(damaged.bytes, damaged.length, NULL, &table, &err), PTSNE_ERR_DATA);
    assert_string_equal(err.message, "memory: damaged gzip data: incorrect data check");
}

/* A table of many blocks: longer than anything that is read ahead at once. */
static void test_long_text(void **state)
{
    (void)state;
    enum { ROWS = 60000 };
    char *text = malloc(ROWS * 64), *at = text;
    for (size_t i = 0; i < ROWS; i++) { at += sprintf(at, "%zu.25,\"w\n%zu\",%zu,c%zu\r\n", i, i, ROWS - i, i % 7); }
    ptsne_table *table =
        table_of_text(text, &(ptsne_read_options){.label_column = "4", .header = -1, .n_rows = PTSNE_UNKNOWN});
    assert_int_equal(ptsne_table_rows(table), ROWS);
    assert_int_equal(ptsne_table_columns(table), 2);
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(ptsne_table_values(table)[2 * i] == (float)i + 0.25f);
        assert_true(ptsne_table_values(table)[2 * i + 1] == (float)(ROWS - i));
        assert_int_equal(ptsne_labels_codes(ptsne_table_labels(table))[i], i % 7);
    }
    ptsne_table_destroy(table);
    free(text);
}

/* Numbers are read alike where a comma is the decimal point. */
static void test_locale(void **state)
{
    (void)state;
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL && setlocale(LC_NUMERIC, "fr_FR.UTF-8") == NULL) { skip(); }
    float value;
    assert_true(pt_number_parse("1.5", 3, &value) && value == 1.5f);
    assert_true(pt_number_parse("1.00000005960464477539", 22, &value) && value == 1.0f); /* strtof decides */
    setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_in_memory),
        cmocka_unit_test(test_samples_in_files),
        cmocka_unit_test(test_reader_in_steps),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_natural_order),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_array_parts),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_gzip),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
