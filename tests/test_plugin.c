/* Kernels of one's own: a metric written to disk by the test, an op's kernel replaced, and mistakes in both. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backends.h"
#include "base/random.h"
#include "directory.h"

static char directory[DIRECTORY_ROOM];

static void write_kernel(const char *name, const char *text)
{
    char path[DIRECTORY_ROOM + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void remove_kernel(const char *name)
{
    char path[DIRECTORY_ROOM + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(unlink(path), 0);
}

/* The device with our directory in front. The self-test takes its time under a simulator, so only one test asks for it. */
static ptsne_status open_with(const char *kernels, bool selftest, pt_backend **be, ptsne_error *err)
{
    const pt_backend_config config = {.spec = "opencl", .kernels = kernels};
    setenv("PTSNE_NO_SELFTEST", selftest ? "0" : "1", 1);
    return pt_backend_open_config(&config, be, err);
}

static pt_backend *opened(const char *kernels)
{
    pt_backend *be = NULL;
    ptsne_error err = {0};
    if (open_with(kernels, false, &be, &err) != PTSNE_OK) { fail_msg("%s", err.message); }
    return be;
}

static void ok(ptsne_status status, const ptsne_error *err)
{
    if (status != PTSNE_OK) { fail_msg("%s", err->message); }
}

static void holds(const ptsne_error *err, const char *what)
{
    if (strstr(err->message, what) == NULL) { fail_msg("no \"%s\" in \"%s\"", what, err->message); }
}

/* The distances of m and n random rows, and the rows themselves, by the metric of that name. */
static void distances(pt_backend *be, const char *name, size_t m, size_t n, size_t d, float *a, float *b, float *out)
{
    ptsne_error err = {0};
    pt_buffer on_a, on_b, on_out;
    int metric = -1;
    pt_random random = {.seed = m * 1000 + d};
    for (size_t i = 0; i < m * d; i++) { a[i] = pt_random_normal(&random); }
    for (size_t i = 0; i < n * d; i++) { b[i] = pt_random_normal(&random); }
    for (size_t i = 0; i < m * n; i++) { out[i] = NAN; }
    ok(pt_metric_find(be, name, &metric, &err), &err);
    ok(pt_buffer_create(be, m * d, &on_a, &err), &err);
    ok(pt_buffer_create(be, n * d, &on_b, &err), &err);
    ok(pt_buffer_create(be, m * n, &on_out, &err), &err);
    ok(pt_upload(be, a, &on_a, &err), &err);
    ok(pt_upload(be, b, &on_b, &err), &err);
    ok(pt_upload(be, out, &on_out, &err), &err);
    ok(pt_distances(be, metric, &on_a, m, &on_b, n, d, &on_out, &err), &err);
    ok(pt_download(be, &on_out, out, &err), &err);
    pt_buffer_destroy(be, &on_a);
    pt_buffer_destroy(be, &on_b);
    pt_buffer_destroy(be, &on_out);
}

/* Counts every call, so that a coordinate too many (padding) shows, and uses two components and d. */
static const char canberra[] = "/* Canberra distance, mean over the coordinates. */\n"
                               "static float part(const float a, const float b)\n"
                               "{\n"
                               "    return fabs(a - b) / (fabs(a) + fabs(b) + 0.5f);\n"
                               "}\n"
                               "static float4 metric_add(float4 sum, const float a, const float b)\n"
                               "{\n"
                               "    sum.x += part(a, b);\n"
                               "    sum.w += 1.0f;\n"
                               "    return sum;\n"
                               "}\n"
                               "static float metric_finish(const float4 sum, const uint d)\n"
                               "{\n"
                               "    return sum.w == (float)d ? sum.x / sum.w : -1.0f;\n"
                               "}\n";

static void test_metric(void **state)
{
    (void)state;
    enum { MOST = 70 };
    static const size_t shapes[][3] = {{1, 1, 1}, {2, 3, 31}, {15, 17, 32}, {16, 16, 33}, {17, 33, 70}};
    static float a[MOST * MOST], b[MOST * MOST], out[MOST * MOST];
    write_kernel("metric_canberra.cl", canberra);
    pt_backend *be = opened(directory);
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        const size_t m = shapes[s][0], n = shapes[s][1], d = shapes[s][2];
        distances(be, "canberra", m, n, d, a, b, out);
        for (size_t t = 0; t < m * n; t++) {
            double want = 0.0;
            for (size_t j = 0; j < d; j++) {
                const double left = (double)a[t / n * d + j], right = (double)b[t % n * d + j];
                want += fabs(left - right) / (fabs(left) + fabs(right) + 0.5);
            }
            want /= (double)d;
            const double bound = ((double)d + 16.0) * (double)FLT_EPSILON * want;
            if (!(fabs((double)out[t] - want) <= bound)) {
                fail_msg("m=%zu n=%zu d=%zu: [%zu] is %.9g, oracle %.17g", m, n, d, t, (double)out[t], want);
            }
        }
    }
    pt_backend_close(be);
    remove_kernel("metric_canberra.cl");
}

/* A built-in metric is replaced like any other file, also where the engine would take a matrix product. */
static void test_replaced_metric(void **state)
{
    (void)state;
    static float a[3 * 50], b[4 * 50], out[3 * 4];
    write_kernel("metric_euclidean.cl",
                 "static float4 metric_add(float4 sum, float a, float b) { return sum + 1.0f; }\n"
                 "static float metric_finish(float4 sum, uint d) { return 7.0f * sum.x; }\n");
    pt_backend *be = opened(directory);
    distances(be, "euclidean", 3, 4, 50, a, b, out);
    for (size_t t = 0; t < 12; t++) { assert_true(out[t] == 350.0f); }
    pt_backend_close(be);
    remove_kernel("metric_euclidean.cl");
}

static void test_no_such_metric(void **state)
{
    (void)state;
    int metric = -1;
    ptsne_error err = {0};
    write_kernel("metric_canberra.cl", canberra);
    pt_backend *be = opened(directory);
    assert_int_equal(pt_metric_find(be, "hamming", &metric, &err), PTSNE_ERR_UNAVAILABLE);
    holds(&err, "\"hamming\"");
    holds(&err, "canberra");
    holds(&err, "cosine, euclidean, manhattan");
    assert_int_equal(pt_metric_find(be, "../plugin/x", &metric, &err), PTSNE_ERR_UNAVAILABLE);
    assert_int_equal(pt_metric_find(be, "", &metric, &err), PTSNE_ERR_UNAVAILABLE);
    pt_backend_close(be);

    ok(pt_backend_open("cpu", &be, &err), &err); /* a kernel file is of no use to the cpu, and it says so */
    assert_int_equal(pt_metric_find(be, "canberra", &metric, &err), PTSNE_ERR_UNAVAILABLE);
    holds(&err, "OpenCL");
    pt_backend_close(be);
    remove_kernel("metric_canberra.cl");
}

/* The compiler's message has the file's own name and line, on each of lines 1, 4 and 9 in turn. */
static void test_broken_metric(void **state)
{
    (void)state;
    static const int lines[] = {1, 4, 9};
    pt_backend *be = opened(directory);
    for (size_t k = 0; k < 3; k++) {
        char text[256] = "", place[64];
        int metric = -1;
        ptsne_error err = {0};
        for (int i = 1; i < lines[k]; i++) { strcat(text, "/* a line */\n"); }
        strcat(text, "static float4 metric_add(float4 sum, float a, float b) { return sum + nonsense; }\n");
        write_kernel("metric_broken.cl", text);
        assert_int_equal(pt_metric_find(be, "broken", &metric, &err), PTSNE_ERR_DEVICE);
        snprintf(place, sizeof place, "metric_broken.cl:%d", lines[k]);
        holds(&err, place);
        holds(&err, "nonsense");
        assert_null(strchr(err.message, '\n'));
    }
    write_kernel("metric_broken.cl", canberra); /* mended: the same session takes it */
    int metric = -1;
    ptsne_error err = {0};
    ok(pt_metric_find(be, "broken", &metric, &err), &err);
    pt_backend_close(be);
    remove_kernel("metric_broken.cl");
}

/* Not the sums of the columns, but their first row. */
static const char first_row[] = "#include \"ptsne.clh\"\n"
                                "PT_KERNEL void column_sums(global const float *x, const ulong x_at, const uint n, "
                                "const uint d, const uint chunk,\n"
                                "                           global float *out, const ulong out_at)\n"
                                "{\n"
                                "    for (uint j = PT_GROUP == 0 ? PT_LANE : d; j < d; j += WG) {\n"
                                "        out[out_at + j] = x[x_at + j];\n"
                                "    }\n"
                                "}\n";

static void test_replaced_op(void **state)
{
    (void)state;
    const float x[] = {1.0f, 2.0f, 3.0f, 4.0f};
    float sums[2] = {NAN, NAN};
    ptsne_error err = {0};
    pt_buffer on_x, on_sums;
    write_kernel("column_sums.cl", first_row);
    pt_backend *be = opened(directory);
    ok(pt_buffer_create(be, 4, &on_x, &err), &err);
    ok(pt_buffer_create(be, 2, &on_sums, &err), &err);
    ok(pt_upload(be, x, &on_x, &err), &err);
    ok(pt_column_sums(be, &on_x, 2, 2, &on_sums, &err), &err);
    ok(pt_download(be, &on_sums, sums, &err), &err);
    assert_true(sums[0] == 1.0f && sums[1] == 2.0f);
    pt_buffer_destroy(be, &on_x);
    pt_buffer_destroy(be, &on_sums);
    pt_backend_close(be);

    /* The self-test does not let a kernel through that computes something else. */
    be = NULL;
    assert_int_equal(open_with(directory, true, &be, &err), PTSNE_ERR_DEVICE);
    assert_null(be);
    holds(&err, "column_sums");
    remove_kernel("column_sums.cl");
}

/* A hundredth too large, and small beside the precisions that come out of the same trial. */
static const char too_large[] =
    "#include \"ptsne.clh\"\n"
    "PT_KERNEL void affinities_joint(global const float *p, const ulong p_at, const uint n, "
    "const float twice_n,\n"
    "                                global float *joint, const ulong joint_at)\n"
    "{\n"
    "    for (uint t = PT_GROUP == 0 ? PT_LANE : n * n; t < n * n; t += WG) {\n"
    "        const float both = p[p_at + t] + p[p_at + t % n * n + t / n];\n"
    "        joint[joint_at + t] = 1.01f * both / twice_n;\n"
    "    }\n"
    "}\n";

static void test_inexact_op(void **state)
{
    (void)state;
    pt_backend *be = NULL;
    ptsne_error err = {0};
    write_kernel("affinities_joint.cl", too_large);
    assert_int_equal(open_with(directory, true, &be, &err), PTSNE_ERR_DEVICE);
    assert_null(be);
    holds(&err, "affinities is wrong");
    remove_kernel("affinities_joint.cl");
}

static void test_broken_op(void **state)
{
    (void)state;
    pt_backend *be = NULL;
    ptsne_error err = {0};
    write_kernel("dropout.cl", "#include \"ptsne.clh\"\n\nnonsense;\n");
    assert_int_equal(open_with(directory, false, &be, &err), PTSNE_ERR_DEVICE);
    holds(&err, "dropout.cl:3");
    write_kernel("dropout.cl", "kernel void something_else(global float *x) { x[0] = 1.0f; }\n");
    assert_int_equal(open_with(directory, false, &be, &err), PTSNE_ERR_DEVICE);
    holds(&err, "kernel dropout");
    write_kernel("dropout.cl", "#include \"nowhere.clh\"\n");
    assert_int_equal(open_with(directory, false, &be, &err), PTSNE_ERR_UNAVAILABLE);
    holds(&err, "dropout.cl:1");
    holds(&err, "nowhere.clh");
    remove_kernel("dropout.cl");
}

static void test_no_directory(void **state)
{
    (void)state;
    static float a[2], b[2], out[1];
    pt_backend *be = opened("/nonexistent");
    distances(be, "manhattan", 1, 1, 2, a, b, out);
    assert_true(fabsf(out[0] - fabsf(a[0] - b[0]) - fabsf(a[1] - b[1])) <= 1.0e-6f);
    pt_backend_close(be);
}

int main(void)
{
    pt_backend *be = NULL;
    ptsne_error err = {0};
    if (open_with(NULL, false, &be, &err) != PTSNE_OK) { return backend_missing("opencl", &err); }
    pt_backend_close(be);
    if (!directory_make("plugin", directory)) { return 1; }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric),         cmocka_unit_test(test_replaced_metric),
        cmocka_unit_test(test_no_such_metric), cmocka_unit_test(test_broken_metric),
        cmocka_unit_test(test_replaced_op),    cmocka_unit_test(test_inexact_op),
        cmocka_unit_test(test_broken_op),      cmocka_unit_test(test_no_directory),
    };
    const int failed = cmocka_run_group_tests_name("plugin", tests, NULL, NULL);
    return rmdir(directory) != 0 || failed != 0;
}
