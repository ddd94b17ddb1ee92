/* The canvas and what lies between it and the page: discs, ranks, triangles, images at another size, the view, words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "render/canvas.h"
#include "render/legend.h"
#include "render/resample.h"
#include "render/text.h"
#include "render/view.h"

static const double PI = 3.14159265358979323846;

/* The area of a disc is that of its pixels, wherever it lies and however small it is. */
static void test_disc_area(void **state)
{
    (void)state;
    pt_random random = {.seed = 3};
    const double radii[] = {0.05, 0.3, 0.5, 0.75, 1.0, 1.45, 3.0, 6.0, 14.2};
    for (size_t k = 0; k < sizeof radii / sizeof radii[0]; k++) {
        for (int trial = 0; trial < 50; trial++) {
            const double r = radii[k];
            const double x = trial == 0 ? 20.0 : 20.0 + (double)pt_random_uniform(&random);
            const double y = trial == 0 ? 20.0 : 20.0 + (double)pt_random_uniform(&random);
            double sum = 0.0;
            for (int py = 0; py < 40; py++) {
                for (int px = 0; px < 40; px++) { sum += pt_disc_coverage(px - x, py - y, r); }
            }
            if (!(fabs(sum - PI * r * r) <= 1e-9 * PI * r * r + 1e-12)) {
                fail_msg("r %g at (%g, %g): %.15g, want %.15g", r, x, y, sum, PI * r * r);
            }
        }
    }
}

/* One pixel against counting samples in it. */
static void test_disc_pixel(void **state)
{
    (void)state;
    enum { SAMPLES = 400 };
    const double corners[][3] = {{0.2, -1.7, 2.0}, {-0.4, -0.3, 0.6}, {-0.9, 0.8, 1.2}, {-0.5, -0.5, 0.2}};
    for (size_t k = 0; k < sizeof corners / sizeof corners[0]; k++) {
        size_t hits = 0;
        for (size_t i = 0; i < SAMPLES * SAMPLES; i++) {
            const double x = corners[k][0] + ((double)(i % SAMPLES) + 0.5) / SAMPLES;
            const double y = corners[k][1] + ((double)(i / SAMPLES) + 0.5) / SAMPLES;
            hits += x * x + y * y < corners[k][2] * corners[k][2];
        }
        const double want = (double)hits / (SAMPLES * SAMPLES);
        assert_true(fabs(pt_disc_coverage(corners[k][0], corners[k][1], corners[k][2]) - want) < 2.0 / SAMPLES);
    }
}

static double light_sum(const pt_canvas *canvas, int channel)
{
    double sum = 0.0;
    for (long i = 0; i < canvas->width * canvas->height; i++) { sum += (double)canvas->light[4 * i + channel]; }
    return sum;
}

static void test_canvas_discs(void **state)
{
    (void)state;
    pt_canvas whole, half;
    const float red[3] = {1.0f, 0.25f, 0.0f};
    assert_int_equal(pt_canvas_create(0, 0, 40, 40, &whole, NULL), PTSNE_OK);
    assert_int_equal(pt_canvas_create(0, 20, 40, 20, &half, NULL), PTSNE_OK);
    pt_canvas_disc(&whole, 20.3, 19.9, 5.0, red, 0.5f);
    pt_canvas_disc(&half, 20.3, 19.9, 5.0, red, 0.5f);
    assert_true(fabs(light_sum(&whole, 3) - 0.5 * PI * 25.0) < 1e-4);
    assert_true(fabs(light_sum(&whole, 0) - 0.5 * PI * 25.0) < 1e-4); /* premultiplied */
    assert_true(fabs(light_sum(&whole, 1) - 0.125 * PI * 25.0) < 1e-4);
    /* a window sees what the whole has there */
    assert_memory_equal(half.light, whole.light + 4 * 20 * 40, 20 * 40 * 4 * sizeof(float));
    /* twice the same disc: 1 - (1 - a)^2 */
    pt_canvas_disc(&whole, 20.3, 19.9, 5.0, red, 0.5f);
    assert_true(fabs((double)whole.light[4 * (20 * 40 + 20) + 3] - 0.75) < 1e-6);
    /* partly or all outside: cut, no harm done */
    pt_canvas_clear(&whole);
    pt_canvas_disc(&whole, 0.0, 0.0, 4.0, red, 1.0f);
    assert_true(fabs(light_sum(&whole, 3) - PI * 4.0) < 1e-4);
    pt_canvas_disc(&whole, -1e9, 1e9, 4.0, red, 1.0f);
    pt_canvas_disc(&whole, 200.0, 20.0, 4.0, red, 1.0f);
    assert_true(fabs(light_sum(&whole, 3) - PI * 4.0) < 1e-4);
    pt_canvas_destroy(&whole);
    pt_canvas_destroy(&half);
}

static void test_triangle(void **state)
{
    (void)state;
    pt_canvas canvas;
    const float light[3] = {1.0f, 1.0f, 1.0f};
    assert_int_equal(pt_canvas_create(3, 5, 40, 40, &canvas, NULL), PTSNE_OK);
    const double x[2][3] = {{10.0, 30.0, 12.5}, {12.5, 30.0, 10.0}}, y[2][3] = {{10.0, 14.0, 33.0}, {33.0, 14.0, 10.0}};
    for (int turn = 0; turn < 2; turn++) { /* either way round */
        pt_canvas_clear(&canvas);
        pt_canvas_triangle(&canvas, x[turn], y[turn], light, 1.0f);
        const double area = 0.5 * fabs((30.0 - 10.0) * (33.0 - 10.0) - (12.5 - 10.0) * (14.0 - 10.0));
        assert_true(fabs(light_sum(&canvas, 3) - area) < 0.01 * area);
    }
    pt_canvas_destroy(&canvas);
}

/* Ranks: order kept, the least pixel near `least`, the most exactly 1, light in proportion. */
static void test_equalize(void **state)
{
    (void)state;
    pt_canvas canvas;
    assert_int_equal(pt_canvas_create(0, 0, 5, 1, &canvas, NULL), PTSNE_OK);
    const float counts[5] = {0.0f, 0.1f, 1000.0f, 3.0f, 3.0f};
    for (int i = 0; i < 5; i++) { canvas.light[4 * i] = 0.5f * counts[i], canvas.light[4 * i + 3] = counts[i]; }
    assert_int_equal(pt_canvas_equalize(&canvas, 0.2, 1.0, NULL), PTSNE_OK);
    const double want[5] = {0.0, 0.2 + 0.8 * 0.25, 1.0, 0.2 + 0.8 * 0.75, 0.2 + 0.8 * 0.75};
    for (int i = 0; i < 5; i++) {
        assert_true(fabs((double)canvas.light[4 * i + 3] - want[i]) < 1e-6);
        assert_true(fabs((double)canvas.light[4 * i] - 0.5 * want[i]) < 1e-6);
    }
    pt_canvas_destroy(&canvas);
}

static void test_lay(void **state)
{
    (void)state;
    static pt_srgb srgb;
    pt_srgb_fill(&srgb);
    pt_canvas canvas;
    pt_picture picture;
    assert_int_equal(pt_picture_create(4, 3, 0x10ff80, &picture, NULL), PTSNE_OK);
    assert_int_equal(pt_canvas_create(-2, 2, 4, 4, &canvas, NULL), PTSNE_OK); /* two columns and one row overlap */
    for (int i = 0; i < 16; i++) { canvas.light[4 * i + 3] = 0.5f; }          /* half black */
    pt_canvas_lay(&canvas, &srgb, &picture);
    for (size_t i = 0; i < 12; i++) {
        const bool under = i / 4 == 2 && i % 4 < 2;
        assert_int_equal(picture.rgb[3 * i + 1], under ? 188 : 255);
        assert_int_equal(picture.rgb[3 * i], under ? pt_srgb_encode(&srgb, 0.5f * srgb.linear[16]) : 16);
    }
    pt_canvas_destroy(&canvas);
    pt_picture_destroy(&picture);
}

static void test_resample(void **state)
{
    (void)state;
    enum { W = 7, H = 5, C = 3 };
    const size_t sizes[][2] = {{7, 5}, {14, 10}, {3, 2}, {1, 1}, {20, 3}, {300, 200}};
    float image[W * H * C];
    pt_random random = {.seed = 9};
    for (size_t i = 0; i < W * H * C; i++) { image[i] = pt_random_uniform(&random); }
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        pt_resampler resampler;
        const size_t out_w = sizes[k][0], out_h = sizes[k][1];
        assert_int_equal(pt_resampler_create(W, H, C, out_w, out_h, &resampler, NULL), PTSNE_OK);
        float *scratch = malloc(pt_resampler_scratch(&resampler) * sizeof *scratch);
        float *out = malloc(out_w * out_h * C * sizeof *out);
        assert_true(scratch != NULL && out != NULL);
        pt_resample(&resampler, image, scratch, out);
        if (out_w == W && out_h == H) { /* nothing changes */
            for (size_t i = 0; i < W * H * C; i++) { assert_true(fabsf(out[i] - image[i]) < 1e-6f); }
        }
        float flat[W * H * C]; /* an even image stays even: weights sum to 1 */
        for (size_t i = 0; i < W * H * C; i++) { flat[i] = 0.625f; }
        pt_resample(&resampler, flat, scratch, out);
        for (size_t i = 0; i < out_w * out_h * C; i++) { assert_true(fabsf(out[i] - 0.625f) < 1e-5f); }
        free(scratch);
        free(out);
        pt_resampler_destroy(&resampler);
    }
}

static void test_view(void **state)
{
    (void)state;
    enum { N = 4000 };
    static float map[2 * N];
    pt_random random = {.seed = 5};
    for (size_t i = 0; i < 2 * N; i++) { map[i] = pt_random_uniform(&random) * (i % 2 == 0 ? 10.0f : 4.0f); }
    pt_view view;
    assert_int_equal(pt_view_choose(map, N, 2, false, &view, NULL), PTSNE_OK);
    assert_false(view.cropped);
    pt_view_fit(&view, 100.0, 50.0, 1000.0, 900.0, 10.0);
    for (size_t i = 0; i < N; i++) { /* all inside, one scale, y upwards */
        double x, y;
        pt_view_place(&view, map + 2 * i, &x, &y);
        assert_true(x >= 109.9 && x <= 1090.1 && y >= 59.9 && y <= 940.1);
    }
    assert_true(fabs(view.scale - 980.0 / view.extent[0]) < 1e-9);
    map[1] = 1e6f; /* one far out: cropped, unless all is wanted */
    assert_int_equal(pt_view_choose(map, N, 2, false, &view, NULL), PTSNE_OK);
    assert_true(view.cropped && view.extent[1] < 5.0 && !pt_view_shows(&view, map));
    assert_int_equal(pt_view_choose(map, N, 2, true, &view, NULL), PTSNE_OK);
    assert_true(!view.cropped && view.extent[1] > 9e5 && pt_view_shows(&view, map));
    map[1] = 3.4e38f, map[3] = -3.4e38f; /* the ends of float */
    assert_int_equal(pt_view_choose(map, N, 2, true, &view, NULL), PTSNE_OK);
    assert_true(isfinite(view.extent[1]) && isfinite(view.middle[1]));
    ptsne_error err;
    map[7] = NAN;
    assert_int_equal(pt_view_choose(map, N, 2, false, &view, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "row 4, column 2"));
}

static void test_words(void **state)
{
    (void)state;
    pt_text *text;
    assert_int_equal(pt_text_open(&text, NULL), PTSNE_OK);
    const pt_type type = {.size = 20.0, .color = 0x000000};
    const pt_type large = {.size = 40.0, .color = 0x000000, .bold = true};
    assert_true(pt_text_width(text, &type, "") == 0.0);
    const double width = pt_text_width(text, &type, "Wave");
    assert_true(width > 40.0 && width < 60.0);
    assert_true(pt_text_width(text, &large, "Wave") > 2.0 * width); /* bold is wider */
    char fitted[64];
    pt_text_fit(text, &type, "Wave", 100.0, fitted, sizeof fitted);
    assert_string_equal(fitted, "Wave");
    pt_text_fit(text, &type, "a name that is far too long for its place", 150.0, fitted, sizeof fitted);
    assert_true(pt_text_width(text, &type, fitted) <= 150.0);
    assert_true(strlen(fitted) > 8 && strcmp(fitted + strlen(fitted) - 3, "\u2026") == 0);
    pt_text_fit(text, &type, "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4", 1000.0, fitted,
                12); /* by bytes, whole letters */
    assert_string_equal(fitted, "\u00e4\u00e4\u00e4\u00e4\u2026");
    /* ink where the letters are, none elsewhere; broken UTF-8 and cut words do no harm */
    pt_picture picture;
    assert_int_equal(pt_picture_create(100, 60, 0xffffff, &picture, NULL), PTSNE_OK);
    assert_int_equal(pt_text_draw(text, &type, "Wave", 20.0, 40.0, &picture, NULL), PTSNE_OK);
    size_t ink = 0, outside = 0;
    for (size_t i = 0; i < 6000; i++) {
        const bool dark = picture.rgb[3 * i] < 128;
        const size_t x = i % 100, y = i / 100;
        ink += dark;
        outside += dark && (x < 20 || x > 20 + (size_t)width || y < 22 || y > 41);
    }
    assert_true(ink > 100 && ink < 600);
    assert_int_equal(outside, 0);
    assert_int_equal(pt_text_draw(text, &large, "\xff\xc3(\xe2\x82", -30.0, 5.0, &picture, NULL), PTSNE_OK);
    assert_int_equal(pt_text_draw(text, &large, "cut", 90.0, 1000.0, &picture, NULL), PTSNE_OK);
    pt_picture_destroy(&picture);
    pt_text_close(text);
}

static void test_count_words(void **state)
{
    (void)state;
    char words[48];
    pt_count_words(7, words);
    assert_string_equal(words, "7");
    pt_count_words(1234567, words);
    assert_string_equal(words, "1\u202f234\u202f567");
    pt_count_words(SIZE_MAX, words);
    assert_int_equal(strlen(words), 20 + 6 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disc_area),   cmocka_unit_test(test_disc_pixel), cmocka_unit_test(test_canvas_discs),
        cmocka_unit_test(test_triangle),    cmocka_unit_test(test_equalize),   cmocka_unit_test(test_lay),
        cmocka_unit_test(test_resample),    cmocka_unit_test(test_view),       cmocka_unit_test(test_words),
        cmocka_unit_test(test_count_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
