/* Colours: the difference formula against its published pairs, and what the palettes promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "render/color.h"
#include "render/palette.h"

/* Table 1 of Sharma, Wu, Dalal, The CIEDE2000 color-difference formula, 2005: L a b, L a b, difference. */
static const double pairs[34][7] = {
    {50.0000, 2.6772, -79.7751, 50.0000, 0.0000, -82.7485, 2.0425},
    {50.0000, 3.1571, -77.2803, 50.0000, 0.0000, -82.7485, 2.8615},
    {50.0000, 2.8361, -74.0200, 50.0000, 0.0000, -82.7485, 3.4412},
    {50.0000, -1.3802, -84.2814, 50.0000, 0.0000, -82.7485, 1.0000},
    {50.0000, -1.1848, -84.8006, 50.0000, 0.0000, -82.7485, 1.0000},
    {50.0000, -0.9009, -85.5211, 50.0000, 0.0000, -82.7485, 1.0000},
    {50.0000, 0.0000, 0.0000, 50.0000, -1.0000, 2.0000, 2.3669},
    {50.0000, -1.0000, 2.0000, 50.0000, 0.0000, 0.0000, 2.3669},
    {50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0009, 7.1792},
    {50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0010, 7.1792},
    {50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0011, 7.2195},
    {50.0000, 2.4900, -0.0010, 50.0000, -2.4900, 0.0012, 7.2195},
    {50.0000, -0.0010, 2.4900, 50.0000, 0.0009, -2.4900, 4.8045},
    {50.0000, -0.0010, 2.4900, 50.0000, 0.0010, -2.4900, 4.8045},
    {50.0000, -0.0010, 2.4900, 50.0000, 0.0011, -2.4900, 4.7461},
    {50.0000, 2.5000, 0.0000, 50.0000, 0.0000, -2.5000, 4.3065},
    {50.0000, 2.5000, 0.0000, 73.0000, 25.0000, -18.0000, 27.1492},
    {50.0000, 2.5000, 0.0000, 61.0000, -5.0000, 29.0000, 22.8977},
    {50.0000, 2.5000, 0.0000, 56.0000, -27.0000, -3.0000, 31.9030},
    {50.0000, 2.5000, 0.0000, 58.0000, 24.0000, 15.0000, 19.4535},
    {50.0000, 2.5000, 0.0000, 50.0000, 3.1736, 0.5854, 1.0000},
    {50.0000, 2.5000, 0.0000, 50.0000, 3.2972, 0.0000, 1.0000},
    {50.0000, 2.5000, 0.0000, 50.0000, 1.8634, 0.5757, 1.0000},
    {50.0000, 2.5000, 0.0000, 50.0000, 3.2592, 0.3350, 1.0000},
    {60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644},
    {63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630},
    {61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731},
    {35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645},
    {22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373},
    {36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146},
    {90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441},
    {90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381},
    {6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377},
    {2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082},
};

static void test_difference(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const double got = pt_color_difference(pairs[i], pairs[i] + 3);
        const double back = pt_color_difference(pairs[i] + 3, pairs[i]);
        if (!(fabs(got - pairs[i][6]) <= 0.00005 + 1e-9) || !(fabs(got - back) <= 1e-9)) {
            fail_msg("pair %zu: %.6f, back %.6f, published %.4f", i + 1, got, back, pairs[i][6]);
        }
    }
}

static void test_srgb(void **state)
{
    (void)state;
    static pt_srgb srgb;
    pt_srgb_fill(&srgb);
    for (int i = 0; i < 256; i++) { assert_int_equal(pt_srgb_encode(&srgb, srgb.linear[i]), i); }
    assert_int_equal(pt_srgb_encode(&srgb, -1.0f), 0);
    assert_int_equal(pt_srgb_encode(&srgb, NAN), 0);
    assert_int_equal(pt_srgb_encode(&srgb, 7.0f), 255);
    assert_int_equal(pt_srgb_encode(&srgb, 0.5f), 188); /* by the standard's formula */
    double linear[3], lab[3];
    pt_color_linear(0xffffff, linear);
    pt_color_lab(linear, lab);
    assert_true(fabs(lab[0] - 100.0) < 1e-9 && fabs(lab[1]) < 1e-9 && fabs(lab[2]) < 1e-9);
    pt_color_linear(0xff0000, linear);
    pt_color_lab(linear, lab); /* as every table of sRGB's primaries has it */
    assert_true(fabs(lab[0] - 53.24) < 0.01 && fabs(lab[1] - 80.09) < 0.02 && fabs(lab[2] - 67.20) < 0.02);
}

/* Smallest difference of any two of the first n colours under one kind of vision. */
static double apart(const uint32_t *colors, size_t n, pt_vision vision)
{
    double smallest = HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            double linear[3], seen[3], a[3], b[3];
            pt_color_linear(colors[i], linear);
            pt_color_seen(linear, vision, seen);
            pt_color_lab(seen, a);
            pt_color_linear(colors[j], linear);
            pt_color_seen(linear, vision, seen);
            pt_color_lab(seen, b);
            smallest = fmin(smallest, pt_color_difference(a, b));
        }
    }
    return smallest;
}

static void test_palettes_apart(void **state)
{
    (void)state;
    const struct {
        const char *name;
        bool dark;
        size_t n;
        double least;
    } promises[] = {
        {"petroff10", false, 10, 11.9}, {"petroff10", true, 10, 11.9}, {"okabe-ito", false, 8, 10.8},
        {"tol-muted", false, 9, 11.4},  {"glasbey", false, 20, 9.2},   {"glasbey", true, 20, 8.7},
        {"glasbey", false, 40, 5.9},    {"glasbey", true, 40, 5.9},    {"glasbey", false, 64, 4.6},
        {"glasbey", true, 64, 4.3},
    };
    for (size_t k = 0; k < sizeof promises / sizeof promises[0]; k++) {
        pt_palette palette;
        ptsne_error err;
        assert_int_equal(pt_palette_open(promises[k].name, promises[k].dark, 1, &palette, &err), PTSNE_OK);
        assert_true(palette.count >= promises[k].n);
        for (int vision = 0; vision < PT_VISIONS; vision++) {
            const double got = apart(palette.colors, promises[k].n, (pt_vision)vision);
            if (!(got >= promises[k].least)) {
                fail_msg("%s, %zu, vision %d: %.2f", promises[k].name, promises[k].n, vision, got);
            }
        }
        for (size_t i = 0; i < promises[k].n; i++) { /* each stands out from the paper */
            const double got = pt_color_distance(palette.colors[i], palette.ground);
            if (!(got > 10.0)) { fail_msg("%s: colour %zu and the ground: %.2f", promises[k].name, i, got); }
        }
        pt_palette_close(&palette);
    }
    /* the yardstick itself: matplotlib's ten have two that are one colour to a protanope */
    pt_palette tab10;
    assert_int_equal(pt_palette_open("tab10", false, 1, &tab10, NULL), PTSNE_OK);
    assert_true(fabs(apart(tab10.colors, 10, PT_VISION_PROTAN) - 1.3) < 0.06);
}

static void test_palette_choice(void **state)
{
    (void)state;
    pt_palette palette;
    ptsne_error err = {0};
    assert_int_equal(pt_palette_open(NULL, false, 10, &palette, &err), PTSNE_OK);
    assert_string_equal(palette.name, "petroff10");
    assert_int_equal(pt_palette_open("auto", true, 11, &palette, &err), PTSNE_OK);
    assert_string_equal(palette.name, "glasbey");
    assert_int_equal(pt_palette_open("viridis", false, 1, &palette, &err), PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "petroff10"));
}

static ptsne_status palette_from(const char *content, pt_palette *palette, ptsne_error *err)
{
    FILE *file = fopen("test_render_palette.txt", "w");
    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
    const ptsne_status status = pt_palette_open("@test_render_palette.txt", false, 3, palette, err);
    unlink("test_render_palette.txt");
    return status;
}

static void test_palette_file(void **state)
{
    (void)state;
    pt_palette palette;
    ptsne_error err = {0};
    assert_int_equal(palette_from("#3f90da\n\nFFA90E  the second\r\n", &palette, &err), PTSNE_OK);
    assert_int_equal(palette.count, 2);
    assert_int_equal(palette.colors[0], 0x3f90da);
    assert_int_equal(palette.colors[1], 0xffa90e);
    pt_palette_close(&palette);
    assert_int_equal(palette_from("#3f90da\nblue\n", &palette, &err), PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, ":2: not a colour like #3f90da: \"blue\""));
    assert_int_equal(palette_from("#12345\n", &palette, &err), PTSNE_ERR_DATA);
    assert_int_equal(palette_from("#1234567\n", &palette, &err), PTSNE_ERR_DATA);
    assert_int_equal(palette_from("\n", &palette, &err), PTSNE_ERR_DATA);
    assert_int_equal(pt_palette_open("@there-is-no-such-file", false, 3, &palette, &err), PTSNE_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_difference),     cmocka_unit_test(test_srgb),
        cmocka_unit_test(test_palettes_apart), cmocka_unit_test(test_palette_choice),
        cmocka_unit_test(test_palette_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
