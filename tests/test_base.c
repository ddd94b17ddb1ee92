#define _GNU_SOURCE
/* The ground floor: messages, random numbers, files that appear whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/output.h"
#include "base/random.h"
#include "directory.h"

/* Known answers of Philox4x32-10, from the test vectors of Random123 (kat_vectors). */
static void test_philox(void **state)
{
    (void)state;
    const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}},
        {{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
         {0xa4093822u, 0x299f31d0u},
         {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t out[4];
        pt_philox(known[i].key, known[i].counter, out);
        assert_memory_equal(out, known[i].want, sizeof out);
    }
}

static void test_random_shapes(void **state)
{
    (void)state;
    enum { N = 20000 };
    pt_random random = {.seed = 7, .stream = 3};
    double sum = 0, squares = 0, uniform = 0;
    for (size_t i = 0; i < N; i++) {
        const double value = (double)pt_random_normal(&random);
        sum += value;
        squares += value * value;
        const float u = pt_random_uniform(&random);
        assert_true(u >= 0.0f && u < 1.0f);
        uniform += (double)u;
    }
    assert_true(fabs(sum / N) < 5.0 / sqrt(N)); /* 5 standard errors */
    assert_true(fabs(squares / N - 1.0) < 5.0 * sqrt(2.0 / N));
    assert_true(fabs(uniform / N - 0.5) < 5.0 / sqrt(12.0 * N));

    pt_random copy = random; /* a copy goes on as the original does */
    assert_int_equal(pt_random_word(&random), pt_random_word(&copy));

    uint32_t order[1000];
    unsigned char seen[1000] = {0};
    pt_random_permutation(&random, order, 1000);
    for (size_t i = 0; i < 1000; i++) {
        assert_true(order[i] < 1000 && !seen[order[i]]);
        seen[order[i]] = 1;
    }
}

static void test_error(void **state)
{
    (void)state;
    ptsne_error err;
    assert_int_equal(pt_fail(&err, PTSNE_ERR_DATA, "value %d", 3), PTSNE_ERR_DATA);
    assert_int_equal(pt_within(&err, PTSNE_ERR_DATA, "batch %d of %d", 1, 2), PTSNE_ERR_DATA);
    assert_string_equal(err.message, "batch 1 of 2: value 3");
    pt_fail_memory(&err, "a tile", 3.0 * 1024 * 1024);
    assert_string_equal(err.message, "not enough memory for a tile (3 MiB)");
    assert_int_equal(pt_fail(NULL, PTSNE_ERR_IO, "nobody listens"), PTSNE_ERR_IO);

    char much[2 * sizeof err.message];
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    pt_fail(&err, PTSNE_ERR_DATA, "%s", much);
    pt_within(&err, PTSNE_ERR_DATA, "%s", much);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void test_memory(void **state)
{
    (void)state;
    assert_null(pt_array_zeroed(SIZE_MAX / 2, 4));
    assert_null(pt_array_aligned(SIZE_MAX / 2, 4));
    float *aligned = pt_array_aligned(3, sizeof *aligned);
    assert_int_equal((uintptr_t)aligned % 64, 0);
    free(aligned);

    void *array = NULL;
    size_t capacity = 0;
    assert_int_equal(pt_array_grow(&array, &capacity, 5, 8, "words", NULL), PTSNE_OK);
    assert_true(capacity >= 5);
    assert_int_equal(pt_array_grow(&array, &capacity, SIZE_MAX, 8, "words", NULL), PTSNE_ERR_MEMORY);
    free(array);
}

static void test_output(void **state)
{
    (void)state;
    char directory[DIRECTORY_ROOM], path[DIRECTORY_ROOM + 16], text[16] = "";
    char stray[sizeof path + 16], living[sizeof path + 16], locked[sizeof path + 16];
    assert_true(directory_make("test", directory));
    snprintf(path, sizeof path, "%s/file", directory);
    snprintf(stray, sizeof stray, "%s.tmp.999999999", path); /* no process has that number */
    fclose(fopen(stray, "w"));
    snprintf(living, sizeof living, "%s.tmp.1", path); /* one does, though not the writer */
    fclose(fopen(living, "w"));
    snprintf(locked, sizeof locked, "%s.tmp.999999998", path); /* a writer in another container holds it */
    const int writer = open(locked, O_CREAT | O_RDWR, 0600);
    assert_int_equal(flock(writer, LOCK_EX), 0);
    ptsne_error err;
    pt_output output;

    assert_int_equal(pt_output_open(path, false, &output, &err), PTSNE_OK);
    assert_int_equal(access(stray, F_OK), -1); /* the stray of a killed writer is gone */
    assert_int_equal(access(living, F_OK), -1);
    assert_int_equal(access(locked, F_OK), 0);
    assert_int_equal(unlink(locked), 0);
    close(writer);
    pt_output second; /* two writers of one path do not touch each other's temporary; the last to commit wins */
    assert_int_equal(pt_output_open(path, false, &second, &err), PTSNE_OK);
    assert_string_not_equal(second.temporary, output.temporary);
    assert_int_equal(access(output.temporary, F_OK), 0);
    pt_output_discard(&second);
    assert_int_equal(pt_output_write(&output, "old", 3, &err), PTSNE_OK);
    assert_int_equal(access(path, F_OK), -1); /* not there before it is whole */
    assert_int_equal(pt_output_commit(&output, &err), PTSNE_OK);
    assert_int_equal(access(path, F_OK), 0);

    assert_int_equal(pt_output_open(path, false, &output, &err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_output_open(path, true, &output, &err), PTSNE_OK);
    assert_int_equal(pt_output_write(&output, "new", 3, &err), PTSNE_OK);
    pt_output_discard(&output); /* the old one stays, and nothing else */
    FILE *file = fopen(path, "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "old");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);

    assert_int_equal(pt_output_open("/nonexistent/file", false, &output, &err), PTSNE_ERR_IO);
    assert_non_null(strstr(err.message, "/nonexistent/file"));

    assert_int_equal(pt_output_open("/dev/full", false, &output, &err), PTSNE_OK); /* a device stays a device */
    assert_int_equal(pt_output_write(&output, "lost", 4, &err), PTSNE_OK);         /* still in the buffer */
    assert_int_equal(pt_output_commit(&output, &err), PTSNE_ERR_IO);
    assert_non_null(strstr(err.message, "/dev/full"));
}

/* Numbers in files have a point where the caller's have a comma, and the caller's locale stays. */
static void test_c_locale(void **state)
{
    (void)state;
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL && setlocale(LC_NUMERIC, "fr_FR.UTF-8") == NULL) { skip(); }
    char text[32], own[32];
    double value = 0.0;
    size_t count = 0;
    assert_int_equal(pt_c_print(text, sizeof text, "%zu %g", (size_t)7, 1.5), 5);
    assert_int_equal(pt_c_scan(text, "%zu %lf", &count, &value), 2);
    snprintf(own, sizeof own, "%g", 1.5);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(text, "7 1.5");
    assert_string_equal(own, "1,5");
    assert_true(count == 7 && value == 1.5);
}

static void test_names(void **state)
{
    (void)state;
    enum { N = 1000 };
    pt_names names = {0};
    size_t number;
    char text[16];
    assert_true(pt_names_find(&names, "a", 1) == PT_NO_NAME);
    for (size_t round = 0; round < 2; round++) { /* the second time they are there */
        for (size_t i = 0; i < N; i++) {
            const int length = snprintf(text, sizeof text, "%zu", i);
            assert_int_equal(pt_names_add(&names, text, (size_t)length, "names", &number, NULL), PTSNE_OK);
            assert_int_equal(number, i);
        }
    }
    assert_int_equal(names.count, N);
    assert_string_equal(names.text[999], "999");
    assert_int_equal(pt_names_find(&names, "1234", 2), 12); /* its first letters alone */
    assert_true(pt_names_find(&names, "1234", 4) == PT_NO_NAME);
    assert_int_equal(pt_names_add(&names, "", 0, "names", &number, NULL), PTSNE_OK);
    assert_int_equal(pt_names_find(&names, "", 0), N);
    pt_names_release(&names);
    assert_int_equal(names.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox), cmocka_unit_test(test_random_shapes), cmocka_unit_test(test_error),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_output),        cmocka_unit_test(test_c_locale),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
