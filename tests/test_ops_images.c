/* Convolution and pooling, on every backend. */
#define _POSIX_C_SOURCE 200809L

#include "ops.h"
#include "oracles_layers.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EPS ((double)FLT_EPSILON)

/* height, width, channels; kernel; stride; padding; out. */
static const pt_window windows[] = {
    {1, 1, 1, 1, 1, 1, 0, 0, 1, 1},      /* a dense layer of one value */
    {1, 1, 7, 1, 1, 1, 0, 0, 1, 1},      /* a dense layer */
    {5, 4, 3, 1, 1, 1, 0, 0, 5, 4},      /* 1 x 1 */
    {6, 5, 1, 5, 5, 1, 2, 2, 6, 5},      /* same */
    {9, 8, 3, 3, 3, 1, 0, 0, 7, 6},      /* valid */
    {9, 8, 3, 3, 3, 2, 0, 0, 4, 3},      /* stride 2, the last column unseen */
    {8, 9, 2, 5, 3, 2, 1, 0, 4, 4},      /* stride 2, same: the pads differ */
    {7, 7, 5, 2, 4, 3, 0, 1, 2, 2},      /* a stride wider than the kernel */
    {3, 2, 4, 5, 5, 1, 2, 2, 3, 2},      /* a kernel larger than the image */
    {14, 14, 20, 5, 5, 1, 2, 2, 14, 14}, /* the second layer of many nets */
    {28, 28, 1, 5, 5, 1, 2, 2, 28, 28},  /* the first */
};
#define SMALL_WINDOWS ((size_t)9)

static const size_t filters_tried[] = {1, 2, 5, 8, 17, 20, 33, 40};

static size_t values_of(const pt_window *w)
{
    return w->height * w->width * w->channels;
}

static size_t places_of(const pt_window *w)
{
    return w->out_height * w->out_width;
}

static size_t patch_of(const pt_window *w)
{
    return w->kernel_height * w->kernel_width * w->channels;
}

static void name_case(char what[96], const char *op, const pt_window *w, size_t n, size_t filters)
{
    snprintf(what, 96, "%s %zu of %zux%zux%zu, %zux%zu by %zu, to %zux%zux%zu", op, n, w->height, w->width, w->channels,
             w->kernel_height, w->kernel_width, w->stride, w->out_height, w->out_width, filters);
}

/* The bound of a sum of so many terms, from the sums of |terms|. */
static void bound_sums(double *terms, size_t count, size_t of)
{
    for (size_t t = 0; t < count; t++) { terms[t] *= ((double)of + 4.0) * EPS; }
}

static void check_convolution(ops_state *ops, const pt_window *w, size_t n, size_t filters)
{
    const size_t count_x = n * values_of(w), count_w = filters * patch_of(w), count_y = n * places_of(w) * filters;
    const size_t most = count_x > count_w ? count_x : count_w, room = most > count_y ? most : count_y;
    float *x = ops_random(ops, count_x, 2.0f), *weights = ops_random(ops, count_w, 1.0f);
    float *g = ops_random(ops, count_y, 1.5f);
    double *want = ops_memory(room, sizeof *want), *bound = ops_memory(room, sizeof *bound);
    ops_array dx = ops_put(ops, x, count_x), dw = ops_put(ops, weights, count_w), dg = ops_put(ops, g, count_y);
    ops_array scratch = ops_put(ops, NULL, pt_convolution_scratch(ops->be, w, n, filters, true));
    ops_array y = ops_put(ops, NULL, count_y), gx = ops_put(ops, NULL, count_x), gw = ops_put(ops, NULL, count_w);
    OPS_OK(ops, pt_convolution(ops->be, w, &dx.view, n, filters, &dw.view, &scratch.view, &y.view, &ops->err));
    OPS_OK(ops, pt_convolution_inputs(ops->be, w, &dg.view, n, filters, &dw.view, &scratch.view, &gx.view, &ops->err));
    OPS_OK(ops, pt_convolution_weights(ops->be, w, &dx.view, &dg.view, n, filters, &scratch.view, &gw.view, &ops->err));
    float *got_y = ops_take(ops, &y), *got_gx = ops_take(ops, &gx), *got_gw = ops_take(ops, &gw);
    char what[96];
    name_case(what, "convolution", w, n, filters);
    oracle_convolution(w, x, n, filters, weights, want, bound);
    bound_sums(bound, count_y, patch_of(w));
    ops_compare(ops, what, got_y, want, bound, count_y, filters);
    name_case(what, "convolution_inputs", w, n, filters);
    oracle_convolution_inputs(w, g, n, filters, weights, want, bound);
    bound_sums(bound, count_x, w->kernel_height * w->kernel_width * filters);
    ops_compare(ops, what, got_gx, want, bound, count_x, w->channels);
    name_case(what, "convolution_weights", w, n, filters);
    oracle_convolution_weights(w, x, g, n, filters, want, bound);
    bound_sums(bound, count_w, n * places_of(w));
    ops_compare(ops, what, got_gw, want, bound, count_w, patch_of(w));
    ops_drop(ops, &dx), ops_drop(ops, &dw), ops_drop(ops, &dg);
    ops_discard(ops, &scratch);
    free(x), free(weights), free(g), free(want), free(bound), free(got_y), free(got_gx);
    free(got_gw);
}

static void test_convolution(void **state)
{
    ops_state *ops = *state;
    for (size_t k = 0; k < SMALL_WINDOWS; k++) {
        for (size_t f = 0; f < OPS_LENGTH(filters_tried); f += ops->small ? 3 : 1) {
            check_convolution(ops, &windows[k], 1 + (k + f) % 3, filters_tried[f]);
        }
    }
}

static void test_convolution_many(void **state)
{
    ops_state *ops = *state;
    if (ops->small) { return; }
    check_convolution(ops, &windows[9], 3, 40);
    check_convolution(ops, &windows[10], 5, 20);
    check_convolution(ops, &windows[4], 77, 6); /* more images than parts of a sum */
    check_convolution(ops, &windows[6], 64, 16);
}

/* Scratch for some images is enough for fewer, and that for training without. */
static void test_convolution_scratch(void **state)
{
    ops_state *ops = *state;
    for (size_t k = 4; k <= 6; k += 2) {
        for (size_t n = 1; n < 300; n++) {
            const size_t here = pt_convolution_scratch(ops->be, &windows[k], n, 6, true);
            const size_t more = pt_convolution_scratch(ops->be, &windows[k], n + 1, 6, true);
            if (here > more) { fail_msg("window %zu: %zu for %zu images, %zu for one more", k, here, n, more); }
            const size_t forward = pt_convolution_scratch(ops->be, &windows[k], n, 6, false);
            if (forward > here) { fail_msg("window %zu, %zu images: %zu, and %zu forward", k, n, here, forward); }
        }
    }
}

/* An image's results have the same bits whatever images are beside it: alone with its block, or in as many as before where a backend wants
 * equally many. */
static void test_convolution_alone(void **state)
{
    ops_state *ops = *state;
    const pt_window *w = &windows[ops->small ? 6 : 9];
    const bool equal = ops->be->row_block == 0;
    const size_t block = equal ? 16 : ops->be->row_block, n = 3 * block, filters = 10;
    const size_t values = values_of(w), places = places_of(w), from = equal ? 0 : block, some = equal ? n : block;
    const size_t kept = block * places * filters;
    float *x = ops_random(ops, n * values, 1.0f), *weights = ops_random(ops, filters * patch_of(w), 1.0f);
    for (size_t t = 0; t < values; t++) { x[t] = NAN; } /* nor is one spoilt by its neighbour */
    ops_array dw = ops_put(ops, weights, filters * patch_of(w)), dx = ops_put(ops, x, n * values);
    for (size_t t = 0; t < block * values; t++) { x[t] = 1.0f, x[2 * block * values + t] = NAN; }
    ops_array part = ops_put(ops, x + from * values, some * values);
    ops_array scratch = ops_put(ops, NULL, pt_convolution_scratch(ops->be, w, n, filters, false));
    ops_array y = ops_put(ops, NULL, n * places * filters), y_part = ops_put(ops, NULL, some * places * filters);
    OPS_OK(ops, pt_convolution(ops->be, w, &dx.view, n, filters, &dw.view, &scratch.view, &y.view, &ops->err));
    OPS_OK(ops,
           pt_convolution(ops->be, w, &part.view, some, filters, &dw.view, &scratch.view, &y_part.view, &ops->err));
    float *all = ops_take(ops, &y), *again = ops_take(ops, &y_part);
    ops_same(ops, "convolution of some images", again + (block - from) * places * filters, all + kept, kept);
    ops_drop(ops, &dw), ops_drop(ops, &dx), ops_drop(ops, &part);
    ops_discard(ops, &scratch);
    free(x), free(weights), free(all), free(again);
}

/* With little memory images go through in parts, and parts of images. */
static void test_convolution_parts(void **state)
{
    ops_state little = *(const ops_state *)*state, *ops = &little;
    const pt_window wide = {20, 20, 5, 3, 3, 1, 1, 1, 20, 20}, deep = {9, 8, 40, 3, 3, 1, 0, 0, 7, 6};
    const pt_backend_config config = {.spec = ops->be->ops->name, .threads = 2, .memory = (size_t)1 << 20};
    setenv("PTSNE_NO_SELFTEST", "1", 1);
    OPS_OK(ops, pt_backend_open_config(&config, &ops->be, &ops->err));
    unsetenv("PTSNE_NO_SELFTEST");
    check_convolution(ops, &windows[4], 23, ops->small ? 1 : 5);
    check_convolution(ops, &wide, ops->small ? 1 : 2, 3);
    check_convolution(ops, &deep, 2, ops->small ? 2 : 33);
    pt_backend_close(ops->be);
}

static void check_refused(ops_state *ops, const pt_window *w, size_t n, size_t filters)
{
    ops_array a = ops_put(ops, NULL, 100000);
    ops->err.message[0] = '\0';
    assert_int_equal(pt_convolution(ops->be, w, &a.view, n, filters, &a.view, &a.view, &a.view, &ops->err),
                     PTSNE_ERR_ARGUMENT);
    assert_string_not_equal(ops->err.message, "");
    assert_int_equal(pt_max_pool(ops->be, w, &a.view, n, &a.view, &a.view, &ops->err), PTSNE_ERR_ARGUMENT);
    ops_discard(ops, &a);
}

static void test_windows_refused(void **state)
{
    ops_state *ops = *state;
    const pt_window good = {6, 5, 2, 3, 3, 1, 0, 0, 4, 3};
    pt_window w[11];
    for (size_t k = 0; k < OPS_LENGTH(w); k++) { w[k] = good; }
    w[0].height = 0, w[1].width = 0, w[2].channels = 0, w[3].kernel_height = 0, w[4].stride = 0, w[5].out_width = 0;
    w[6].pad_top = 3;     /* the first place would see nothing */
    w[7].out_height = 7;  /* the last one neither */
    w[8].width = 1 << 20; /* too many values for 32 bits */
    w[8].height = 1 << 20;
    w[9].channels = 30000;                                               /* too many for the buffers */
    w[10] = (pt_window){1 << 16, 1, 1, 1, 1 << 16, 1, 0, 0, 1 << 16, 1}; /* too much border */
    for (size_t k = 0; k < OPS_LENGTH(w); k++) {
        check_refused(ops, &w[k], 1, 1);
        if (k != 9) { assert_int_equal(pt_convolution_scratch(ops->be, &w[k], 1, 1, true), 0); }
    }
    check_refused(ops, &good, 0, 1);
    check_refused(ops, &good, UINT32_MAX, 1);
}

/* Images whose values a size_t can count, and 32 bits cannot count their pixels, though they have few places. */
static void test_images_refused(void **state)
{
    ops_state *ops = *state;
    const pt_window window = {1024, 1024, 1, 1, 1, 1024, 0, 0, 1, 1};
    const size_t n = 8192;
    ops_array a = ops_put(ops, NULL, 1);
    const pt_buffer large = {a.view.handle, a.view.offset, SIZE_MAX / sizeof(float)}; /* says so, and is not */
    const pt_buffer *x = &large;
    assert_int_equal(pt_convolution_scratch(ops->be, &window, n, 1, true), 0);
    assert_int_equal(pt_convolution(ops->be, &window, x, n, 1, x, x, x, &ops->err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_max_pool(ops->be, &window, x, n, x, x, &ops->err), PTSNE_ERR_ARGUMENT);
    assert_int_equal(pt_max_pool_gradient(ops->be, &window, x, x, n, x, &ops->err), PTSNE_ERR_ARGUMENT);
    ops_discard(ops, &a);
}

static void check_pool(ops_state *ops, const pt_window *w, size_t n)
{
    const size_t values = values_of(w), out = places_of(w) * w->channels;
    float *x = ops_random(ops, n * values, 3.0f), *g = ops_random(ops, n * out, 1.0f);
    for (size_t t = 0; t < n * values; t++) { x[t] = t % 41 == 7 ? NAN : roundf(x[t]); } /* many are equal */
    float *want_y = ops_memory(n * out, sizeof *want_y);
    uint32_t *want = ops_memory(n * out, sizeof *want);
    double *slope = ops_memory(n * values, sizeof *slope), *bound = ops_memory(n * values, sizeof *bound);
    for (size_t t = 0; t < n * out; t++) {
        const size_t image = t / out, place = t % out / w->channels;
        want[t] = oracle_max_pool(w, x + image * values, place / w->out_width, place % w->out_width, t % w->channels);
        want_y[t] = x[image * values + want[t]];
        slope[image * values + want[t]] += (double)g[t];
        bound[image * values + want[t]] += 8.0 * EPS * fabs((double)g[t]);
    }
    ops_array dx = ops_put(ops, x, n * values), y = ops_put(ops, NULL, n * out), which = ops_put(ops, NULL, n * out);
    ops_array dg = ops_put(ops, g, n * out), gx = ops_put(ops, NULL, n * values);
    OPS_OK(ops, pt_max_pool(ops->be, w, &dx.view, n, &y.view, &which.view, &ops->err));
    OPS_OK(ops, pt_max_pool_gradient(ops->be, w, &dg.view, &which.view, n, &gx.view, &ops->err));
    float *got_y = ops_take(ops, &y), *got_gx = ops_take(ops, &gx);
    uint32_t *got = ops_take(ops, &which);
    char what[96];
    name_case(what, "max_pool", w, n, w->channels);
    ops_same(ops, what, got, want, n * out);
    for (size_t t = 0; t < n * out; t++) {
        if (isnan(want_y[t]) != isnan(got_y[t]) || (!isnan(want_y[t]) && got_y[t] != want_y[t])) {
            fail_msg("%s %s: y[%zu] is %g, not %g", ops->be->ops->name, what, t, (double)got_y[t], (double)want_y[t]);
        }
    }
    name_case(what, "max_pool_gradient", w, n, w->channels);
    ops_compare(ops, what, got_gx, slope, bound, n * values, w->channels);
    ops_drop(ops, &dx), ops_drop(ops, &dg);
    free(x), free(g), free(want_y), free(want), free(slope), free(bound), free(got_y), free(got_gx), free(got);
}

static void test_max_pool(void **state)
{
    ops_state *ops = *state;
    const pt_window pools[] = {
        {1, 1, 1, 1, 1, 1, 0, 0, 1, 1}, {4, 6, 3, 2, 2, 2, 0, 0, 2, 3},  {5, 7, 20, 2, 2, 2, 0, 0, 2, 3},
        {6, 6, 5, 3, 3, 1, 0, 0, 4, 4}, {9, 8, 17, 3, 2, 2, 0, 0, 4, 4}, {7, 7, 40, 2, 2, 3, 0, 0, 2, 2},
        {5, 3, 2, 5, 3, 1, 0, 0, 1, 1}, {8, 8, 16, 2, 2, 2, 0, 0, 2, 2}, {28, 28, 20, 2, 2, 2, 0, 0, 14, 14},
    };
    for (size_t k = 0; k < OPS_LENGTH(pools) - ops->small; k++) {
        for (size_t n = 1; n <= 5; n += 2) { check_pool(ops, &pools[k], n); }
    }
    if (!ops->small) { check_pool(ops, &pools[2], 301); }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolution),         cmocka_unit_test(test_convolution_many),
        cmocka_unit_test(test_convolution_alone),   cmocka_unit_test(test_convolution_parts),
        cmocka_unit_test(test_convolution_scratch), cmocka_unit_test(test_windows_refused),
        cmocka_unit_test(test_images_refused),      cmocka_unit_test(test_max_pool),
    };
    return ops_main(tests, OPS_LENGTH(tests));
}
