/* Whole pictures, read back by libpng: what is where, the same bytes each time, what the file says, every way to fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <omp.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "faults.h"
#include "render/page.h"

#define FIRST  "test_render_1.png"
#define SECOND "test_render_2.png"

static char warnings[1024];

static void on_warning(const char *message, void *user)
{
    (void)user;
    strncat(warnings, message, sizeof warnings - strlen(warnings) - 1);
}

static const ptsne_observer observer = {.warning = on_warning};

/* ---- reading back ---- */

typedef struct pixels {
    size_t width, height;
    uint8_t *rgb;
} pixels;

static pixels image_read(const char *path)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&png, path));
    png.format = PNG_FORMAT_RGB;
    pixels read = {png.width, png.height, malloc(PNG_IMAGE_SIZE(png))};
    assert_non_null(read.rgb);
    assert_true(png_image_finish_read(&png, NULL, read.rgb, 0, NULL));
    return read;
}

static uint32_t pixel(const pixels *image, size_t x, size_t y)
{
    const uint8_t *at = image->rgb + 3 * (y * image->width + x);
    return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
}

static size_t pixels_of(const pixels *image, uint32_t rgb)
{
    size_t count = 0;
    for (size_t i = 0; i < image->width * image->height; i++) { count += pixel(image, i, 0) == rgb; }
    return count;
}

/* The text of a key in the file, "" if it is not there. */
static void text_read(const char *path, const char *key, char *text, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_read_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_textp entries;
    int count = 0;
    png_get_text(png, info, &entries, &count);
    *text = '\0';
    for (int i = 0; i < count; i++) {
        if (strcmp(entries[i].key, key) == 0) { snprintf(text, size, "%s", entries[i].text); }
    }
    png_destroy_read_struct(&png, &info, NULL);
    fclose(file);
}

static void assert_same_file(const char *a, const char *b)
{
    FILE *files[2] = {fopen(a, "rb"), fopen(b, "rb")};
    assert_true(files[0] != NULL && files[1] != NULL);
    int x, y;
    do {
        x = fgetc(files[0]), y = fgetc(files[1]);
        assert_int_equal(x, y);
    } while (x != EOF);
    fclose(files[0]);
    fclose(files[1]);
}

/* ---- material ---- */

enum { N = 3000, SIDE = 8 };

typedef struct material {
    float map[2 * N];
    int64_t codes[N];
    float images[N * SIDE * SIDE * 3]; /* room for colour */
    ptsne_labels *labels;              /* 3 */
} material;

static int material_make(void **state)
{
    material *made = calloc(1, sizeof *made);
    pt_random random = {.seed = 11};
    for (size_t i = 0; i < N; i++) {
        made->codes[i] = (int64_t)(i % 3);
        made->map[2 * i] = 10.0f * (float)made->codes[i] + pt_random_normal(&random);
        made->map[2 * i + 1] = pt_random_normal(&random) * 3.0f;
        for (size_t k = 0; k < SIDE * SIDE; k++) { /* a cross on nothing */
            made->images[i * SIDE * SIDE + k] = k / SIDE == 4 || k % SIDE == 4 ? 255.0f : 0.0f;
        }
    }
    *state = made;
    return ptsne_labels_create(made->codes, N, &made->labels, NULL) == PTSNE_OK ? 0 : -1;
}

static int material_release(void **state)
{
    material *made = *state;
    ptsne_labels_destroy(made->labels);
    free(made);
    unlink(FIRST);
    unlink(SECOND);
    return 0;
}

static const size_t grey[3] = {SIDE, SIDE, 1};

static ptsne_scatter_options small_scatter(void)
{
    ptsne_scatter_options options;
    ptsne_scatter_options_default(&options);
    options.width = 320, options.height = 240;
    return options;
}

static ptsne_sprites_options small_sprites(void)
{
    ptsne_sprites_options options;
    ptsne_sprites_options_default(&options);
    options.canvas = 500;
    return options;
}

/* ---- pictures ---- */

static void test_same_bytes(void **state)
{
    const material *made = *state;
    ptsne_scatter_options options = small_scatter();
    options.title = "The same";
    for (int density = 0; density < 2; density++) {
        options.density = density;
        omp_set_num_threads(1);
        assert_int_equal(ptsne_render_scatter(made->map, N, 2, made->labels, &options, NULL, FIRST, 1, NULL, NULL),
                         PTSNE_OK);
        omp_set_num_threads(4);
        assert_int_equal(ptsne_render_scatter(made->map, N, 2, made->labels, &options, NULL, SECOND, 1, NULL, NULL),
                         PTSNE_OK);
        assert_same_file(FIRST, SECOND);
    }
    const ptsne_sprites_options sprites = small_sprites();
    for (int threads = 1; threads < 5; threads += 3) {
        omp_set_num_threads(threads);
        assert_int_equal(ptsne_render_sprites(made->map, N, 2, made->images, grey, made->labels, &sprites, NULL,
                                              threads == 1 ? FIRST : SECOND, 1, NULL, NULL),
                         PTSNE_OK);
    }
    assert_same_file(FIRST, SECOND);
}

static void test_one_point(void **state)
{
    (void)state;
    const float map[2] = {5.0f, -7.0f};
    ptsne_scatter_options options = small_scatter();
    options.alpha = 1.0, options.point_size = 20.0;
    ptsne_render_report report;
    assert_int_equal(ptsne_render_scatter(map, 1, 2, NULL, &options, NULL, FIRST, 1, &report, NULL), PTSNE_OK);
    assert_int_equal(report.drawn, 1);
    pixels image = image_read(FIRST);
    assert_int_equal(image.width, 320);
    assert_int_equal(image.height, 240);
    assert_int_equal(pixel(&image, 160, 120), 0x3f90da); /* the first colour, in the middle */
    assert_int_equal(pixel(&image, 0, 0), 0xffffff);
    assert_true(fabs((double)pixels_of(&image, 0x3f90da) - 3.14159 * 100.0) < 40.0); /* but for its rim */
    free(image.rgb);
}

static void test_equal_points(void **state)
{
    material *made = *state;
    float *map = calloc(2 * N, sizeof *map);
    assert_int_equal(ptsne_render_scatter(map, N, 2, made->labels, NULL, NULL, FIRST, 1, NULL, NULL), PTSNE_OK);
    const ptsne_sprites_options options = small_sprites();
    ptsne_render_report report;
    assert_int_equal(ptsne_render_sprites(map, N, 2, made->images, grey, NULL, &options, NULL, FIRST, 1, &report, NULL),
                     PTSNE_OK);
    assert_int_equal(report.drawn, 1); /* all the others would hide it */
    assert_int_equal(report.covered, N - 1);
    free(map);
}

/* Two classes at the same places: which one lies on top is chance, and not the order of the labels. */
static void test_order_is_not_by_class(void **state)
{
    (void)state;
    enum { PLACES = 400 };
    float map[4 * PLACES];
    int64_t codes[2 * PLACES];
    for (size_t i = 0; i < PLACES; i++) {
        const float x = (float)(i % 20), y = (float)(i / 20);
        map[2 * i] = map[2 * (i + PLACES)] = x, map[2 * i + 1] = map[2 * (i + PLACES) + 1] = y;
        codes[i] = 0, codes[i + PLACES] = 1;
    }
    ptsne_labels *labels;
    assert_int_equal(ptsne_labels_create(codes, 2 * PLACES, &labels, NULL), PTSNE_OK);
    ptsne_scatter_options options = small_scatter();
    options.alpha = 1.0, options.point_size = 6.0, options.legend = 0;
    assert_int_equal(ptsne_render_scatter(map, 2 * PLACES, 2, labels, &options, NULL, FIRST, 1, NULL, NULL), PTSNE_OK);
    pixels image = image_read(FIRST);
    const double first = (double)pixels_of(&image, 0x3f90da), second = (double)pixels_of(&image, 0xffa90e);
    const double share = first / (first + second);
    assert_true(first + second > 10.0 * PLACES);
    assert_true(fabs(share - 0.5) < 5.0 * 0.5 / sqrt((double)PLACES)); /* 5 standard deviations */
    free(image.rgb);
    ptsne_labels_destroy(labels);
}

static void test_outliers(void **state)
{
    const material *made = *state;
    float *map = malloc(sizeof made->map);
    assert_non_null(map);
    memcpy(map, made->map, sizeof made->map);
    map[0] = 1e5f; /* class 0, far to the right */
    ptsne_scatter_options options = small_scatter();
    options.legend = 0, options.dark = 1;
    ptsne_render_report report;
    assert_int_equal(ptsne_render_scatter(map, N, 2, made->labels, &options, NULL, FIRST, 1, &report, NULL), PTSNE_OK);
    assert_int_equal(report.outside + report.drawn, N);
    assert_true(report.outside >= 1 && report.outside < N / 100);
    pixels image = image_read(FIRST);
    size_t arrows = 0; /* full blue, far from where class 0 is */
    for (size_t y = 0; y < image.height; y++) {
        for (size_t x = image.width * 6 / 10; x < image.width; x++) { arrows += pixel(&image, x, y) == 0x3f90da; }
    }
    assert_true(arrows > 0);
    free(image.rgb);
    options.full = 1;
    assert_int_equal(ptsne_render_scatter(map, N, 2, made->labels, &options, NULL, FIRST, 1, &report, NULL), PTSNE_OK);
    assert_int_equal(report.outside, 0);
    free(map);
}

static void test_text_in_file(void **state)
{
    const material *made = *state;
    char text[512];
    ptsne_scatter_options options = small_scatter();
    const char *const metadata[] = {"Source", "map.npy", "Comment", "z\u00fcrich \u2192", "Empty", "", NULL};
    options.metadata = metadata, options.title = "Three classes", options.seed = 77, options.alpha = 0.5;
    assert_int_equal(ptsne_render_scatter(made->map, N, 2, made->labels, &options, NULL, FIRST, 1, NULL, NULL),
                     PTSNE_OK);
    text_read(FIRST, "Source", text, sizeof text);
    assert_string_equal(text, "map.npy");
    text_read(FIRST, "Comment", text, sizeof text);
    assert_string_equal(text, "z\u00fcrich \u2192");
    text_read(FIRST, "Title", text, sizeof text);
    assert_string_equal(text, "Three classes");
    text_read(FIRST, "Software", text, sizeof text);
    assert_int_equal(strncmp(text, "ptsne ", 6), 0);
    text_read(FIRST, "Parameters", text, sizeof text);
    assert_non_null(strstr(text, "points 3000;"));
    assert_non_null(strstr(text, "seed 77;"));
    assert_non_null(strstr(text, "alpha 0.5;"));
    assert_non_null(strstr(text, "palette petroff10;"));
}

/* ---- sprites ---- */

static void test_sprites_ink(void **state)
{
    const material *made = *state;
    ptsne_sprites_options options = small_sprites();
    options.legend = 0, options.sprite_size = SIDE;
    ptsne_render_report report;
    assert_int_equal(ptsne_render_sprites(made->map, N, 2, made->images, grey, made->labels, &options, NULL, FIRST, 1,
                                          &report, NULL),
                     PTSNE_OK);
    assert_int_equal(report.drawn + report.covered + report.outside, N);
    assert_true(report.covered > 0 && !report.inverted);
    assert_int_equal(report.width > report.height ? report.width : report.height, 500);
    pixels image = image_read(FIRST); /* ink of 255 is the label's colour itself */
    assert_true(pixels_of(&image, 0x3f90da) > 100 && pixels_of(&image, 0xffa90e) > 100 &&
                pixels_of(&image, 0xbd1f01) > 100);
    assert_int_equal(pixel(&image, 0, 0), 0xffffff);
    free(image.rgb);
    options.overlap = 1;
    assert_int_equal(ptsne_render_sprites(made->map, N, 2, made->images, grey, made->labels, &options, NULL, FIRST, 1,
                                          &report, NULL),
                     PTSNE_OK);
    assert_int_equal(report.drawn + report.outside, N);
}

/* Dark ink on a light ground, 0 to 1: the same picture as light ink on a dark ground, 0 to 255. */
static void test_sprites_inverted(void **state)
{
    const material *made = *state;
    const ptsne_sprites_options options = small_sprites();
    float *images = malloc(N * SIDE * SIDE * sizeof *images);
    assert_non_null(images);
    for (size_t i = 0; i < N * SIDE * SIDE; i++) { images[i] = 1.0f - made->images[i] / 255.0f; }
    ptsne_render_report report;
    assert_int_equal(
        ptsne_render_sprites(made->map, N, 2, images, grey, made->labels, &options, NULL, FIRST, 1, &report, NULL),
        PTSNE_OK);
    assert_true(report.inverted);
    assert_int_equal(ptsne_render_sprites(made->map, N, 2, made->images, grey, made->labels, &options, NULL, SECOND, 1,
                                          &report, NULL),
                     PTSNE_OK);
    pixels images_read[2] = {image_read(FIRST), image_read(SECOND)};
    assert_memory_equal(images_read[0].rgb, images_read[1].rgb, 3 * images_read[0].width * images_read[0].height);
    free(images_read[0].rgb);
    free(images_read[1].rgb);
    free(images);
}

static void test_sprites_color(void **state)
{
    material *made = *state;
    const size_t color[3] = {SIDE, SIDE, 3};
    float *images = malloc(N * SIDE * SIDE * 3 * sizeof *images);
    assert_non_null(images);
    for (size_t i = 0; i < N * SIDE * SIDE; i++) {
        images[3 * i] = 10.0f, images[3 * i + 1] = 200.0f, images[3 * i + 2] = 30.0f;
    }
    ptsne_sprites_options options = small_sprites();
    options.legend = 0, options.sprite_size = 2 * SIDE;
    assert_int_equal(
        ptsne_render_sprites(made->map, N, 2, images, color, made->labels, &options, NULL, FIRST, 1, NULL, NULL),
        PTSNE_OK);
    pixels image = image_read(FIRST);
    const size_t inside = pixels_of(&image, 0x0ac81e), border = pixels_of(&image, 0x3f90da);
    assert_true(inside > 1000 && border > 100); /* its own colour, a border in the label's */
    free(image.rgb);
    /* grey photographs: opaque too */
    for (size_t i = 0; i < N * SIDE * SIDE; i++) { images[i] = 100.0f; }
    assert_int_equal(
        ptsne_render_sprites(made->map, N, 2, images, grey, made->labels, &options, NULL, FIRST, 1, NULL, NULL),
        PTSNE_OK);
    image = image_read(FIRST);
    assert_true(pixels_of(&image, 0x646464) > 1000);
    free(image.rgb);
    free(images);
}

/* ---- the page ---- */

/* The legend keeps away from the plot and its entries from one another, whatever there is to say. */
static void page_check(size_t n_classes, const char *name, bool strip, size_t width, size_t height, size_t *hidden)
{
    pt_class *list = calloc(n_classes, sizeof *list);
    const uint32_t codes[1] = {0};
    pt_classes classes = {.list = list, .count = n_classes, .codes = codes};
    for (size_t i = 0; i < n_classes; i++) { list[i] = (pt_class){.name = name, .size = 7 * i * i * i}; }
    pt_text *text;
    pt_page page;
    assert_int_equal(pt_text_open(&text, NULL), PTSNE_OK);
    const pt_page_words words = {.title = "A title", .subtitle = "and more", .legend = true, .strip = strip};
    assert_int_equal(pt_page_layout(text, &classes, &words, width, height, &page, NULL), PTSNE_OK);
    const pt_legend *legend = &page.legend;
    const double em = legend->size;
    assert_true(page.left >= page.margin - 1e-6 && page.left + page.width <= (double)width - page.margin + 1e-6);
    assert_true(page.top > page.margin && page.top + page.height <= (double)height - page.margin + 1e-6);
    assert_true(page.width >= 0.4 * (double)width && page.height >= 0.4 * (double)height);
    for (size_t i = 0; i < legend->count; i++) {
        const pt_legend_entry *a = &legend->entries[i];
        const double right = a->count_x + a->count_width;
        assert_true(a->count_x >= a->x + a->name_width); /* the count stands behind the name */
        assert_true(a->x >= -1e-6 && right <= legend->width + 1e-6);
        assert_true(a->y >= 0.5 * em && a->y <= legend->height - 0.5 * em);
        for (size_t j = 0; j < i; j++) {
            const pt_legend_entry *b = &legend->entries[j];
            const bool beside = b->count_x + b->count_width <= a->x || right <= b->x;
            assert_true(beside || fabs(a->y - b->y) >= em);
        }
    }
    if (legend->count > 0 && strip) {
        assert_true(page.legend_y + legend->height < page.top);
    } else if (legend->count > 0) {
        assert_true(page.legend_x > page.left + page.width);
    }
    assert_true(legend->hidden == 0 || legend->count == 0 || !legend->entries[legend->count - 1].swatch);
    *hidden = legend->hidden;
    pt_page_release(&page);
    pt_text_close(text);
    free(list);
}

static void test_legends(void **state)
{
    (void)state;
    const size_t counts[] = {1, 2, 10, 40, 200, 5000};
    const char *const names[] = {"7", "Ankle boot", "a class with a name that goes on and on and on, and then some"};
    const size_t pages[][2] = {{1600, 1200}, {640, 480}, {3000, 700}, {300, 2000}, {64, 64}};
    size_t hidden;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            for (size_t p = 0; p + 1 < sizeof pages / sizeof pages[0]; p++) {
                page_check(counts[c], names[k], false, pages[p][0], pages[p][1], &hidden);
                page_check(counts[c], names[k], true, pages[p][0], pages[p][1], &hidden);
                assert_true(hidden == 0 || counts[c] > 10 || pages[p][0] * pages[p][1] < 1000000);
                assert_true(counts[c] < 5000 || hidden > 0);
            }
        }
    }
    page_check(40, "category 12", false, 1600, 1200, &hidden);
    assert_int_equal(hidden, 0); /* forty find room */
}

static void test_warnings(void **state)
{
    (void)state;
    enum { MANY = 100 };
    float map[2 * MANY] = {0};
    int64_t codes[MANY];
    for (size_t i = 0; i < MANY; i++) { codes[i] = (int64_t)i, map[2 * i] = (float)i; }
    ptsne_labels *labels;
    assert_int_equal(ptsne_labels_create(codes, MANY, &labels, NULL), PTSNE_OK);
    ptsne_scatter_options options = small_scatter();
    options.title = "\u65e5\u672c"; /* not in DejaVu */
    warnings[0] = '\0';
    assert_int_equal(ptsne_render_scatter(map, MANY, 2, labels, &options, &observer, FIRST, 1, NULL, NULL), PTSNE_OK);
    assert_non_null(strstr(warnings, "100 classes share the 64 colours of palette glasbey"));
    assert_non_null(strstr(warnings, "no letter for 2 characters (the first is U+65E5)"));
    ptsne_labels_destroy(labels);
}

/* ---- failures ---- */

static void test_refusals(void **state)
{
    material *made = *state;
    ptsne_error err;
    ptsne_scatter_options options = small_scatter();
    const ptsne_sprites_options sprites = small_sprites();
    unlink(FIRST);
    assert_int_equal(ptsne_render_scatter(made->map, 0, 2, NULL, &options, NULL, FIRST, 0, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_int_equal(ptsne_render_scatter(made->map, N, 1, NULL, &options, NULL, FIRST, 0, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_int_equal(ptsne_render_scatter(made->map, N - 1, 2, made->labels, &options, NULL, FIRST, 0, NULL, &err),
                     PTSNE_ERR_DATA);
    assert_non_null(strstr(err.message, "3000 labels for 2999 points"));
    assert_int_equal(
        ptsne_render_scatter(made->map, N, 2, NULL, &options, NULL, "no-such-directory/x.png", 0, NULL, &err),
        PTSNE_ERR_IO);
    assert_non_null(strstr(err.message, "no-such-directory/x.png"));
    assert_int_equal(ptsne_render_scatter(made->map, N, 2, NULL, &options, NULL, ".", 1, NULL, &err), PTSNE_ERR_IO);
    options.width = 10;
    assert_int_equal(ptsne_render_scatter(made->map, N, 2, NULL, &options, NULL, FIRST, 0, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    options = small_scatter();
    options.palette = "rainbow";
    assert_int_equal(ptsne_render_scatter(made->map, N, 2, NULL, &options, NULL, FIRST, 0, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    options = small_scatter();
    options.alpha = -0.5;
    assert_int_equal(ptsne_render_scatter(made->map, N, 2, NULL, &options, NULL, FIRST, 0, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    const size_t two[3] = {SIDE, SIDE, 2}, none[3] = {0, 0, 0};
    assert_int_equal(
        ptsne_render_sprites(made->map, N, 2, made->images, two, NULL, &sprites, NULL, FIRST, 0, NULL, &err),
        PTSNE_ERR_ARGUMENT);
    assert_int_equal(
        ptsne_render_sprites(made->map, N, 2, made->images, none, NULL, &sprites, NULL, FIRST, 0, NULL, &err),
        PTSNE_ERR_ARGUMENT);
    made->images[5 * SIDE * SIDE + 1] = INFINITY;
    assert_int_equal(
        ptsne_render_sprites(made->map, N, 2, made->images, grey, NULL, &sprites, NULL, FIRST, 0, NULL, &err),
        PTSNE_ERR_DATA);
    made->images[5 * SIDE * SIDE + 1] = 0.0f;
    assert_non_null(strstr(err.message, "image 6 "));
    struct stat there;
    assert_int_not_equal(stat(FIRST, &there), 0); /* nothing was left by any of these */

    options = small_scatter();
    assert_int_equal(ptsne_render_scatter(made->map, N, 2, NULL, &options, NULL, FIRST, 0, NULL, &err), PTSNE_OK);
    assert_int_equal(ptsne_render_scatter(made->map, N, 2, NULL, &options, NULL, FIRST, 0, NULL, &err),
                     PTSNE_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "exists already"));
    if (access("/dev/full", W_OK) == 0) { /* a full disk */
        assert_int_equal(ptsne_render_scatter(made->map, N, 2, NULL, &options, NULL, "/dev/full", 1, NULL, &err),
                         PTSNE_ERR_IO);
        assert_non_null(strstr(err.message, "/dev/full"));
    }
}

static ptsne_status scatter_action(pt_backend *be, void *context, ptsne_error *err)
{
    (void)be;
    const material *made = context;
    ptsne_scatter_options options = small_scatter();
    options.title = "Without memory", options.density = -1;
    ptsne_status status =
        ptsne_render_scatter(made->map, N, 2, made->labels, &options, NULL, "/dev/null", 1, NULL, err);
    options.density = 1;
    if (status != PTSNE_OK) { return status; }
    return ptsne_render_scatter(made->map, N, 2, made->labels, &options, NULL, "/dev/null", 1, NULL, err);
}

static ptsne_status sprites_action(pt_backend *be, void *context, ptsne_error *err)
{
    (void)be;
    const material *made = context;
    const ptsne_sprites_options options = small_sprites();
    return ptsne_render_sprites(made->map, N, 2, made->images, grey, made->labels, &options, NULL, "/dev/null", 1, NULL,
                                err);
}

/* Each allocation of ours fails in turn: a message and no leak. */
static void test_no_memory(void **state)
{
    const pt_backend_ops none = {0};
    pt_backend be = {.ops = &none};
    omp_set_num_threads(1);
    assert_true(faults_walk(&be, scatter_action, *state) > 20);
    assert_true(faults_walk(&be, sprites_action, *state) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes),    cmocka_unit_test(test_one_point),
        cmocka_unit_test(test_equal_points),  cmocka_unit_test(test_order_is_not_by_class),
        cmocka_unit_test(test_outliers),      cmocka_unit_test(test_text_in_file),
        cmocka_unit_test(test_sprites_ink),   cmocka_unit_test(test_sprites_inverted),
        cmocka_unit_test(test_sprites_color), cmocka_unit_test(test_legends),
        cmocka_unit_test(test_warnings),      cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, material_make, material_release);
}
