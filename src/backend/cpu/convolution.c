/* Convolution, and the way back to its inputs and its weights.
 *
 * Nothing is unfolded but where the way back to the inputs has to: in a padded copy of an image, what a place sees in one row of its
 * kernel lies in one piece, so that a place is a pointer, and the kernels below keep PLACES x VECTORS vectors of sums in registers while
 * they walk along it. An image's results have the same bits whatever images are beside it. */
#include "backend/cpu/level.h"

#include <omp.h>
#include <string.h>

#include "backend/cpu/lanes.h"

#if defined(__AVX512F__)
#define PLACES  8
#define VECTORS 3
#else
#define PLACES  6
#define VECTORS 2
#endif

#define NEAR_CACHE   ((size_t)6 * 1024)  /* floats of packed weights that stay in the first cache while places go by */
#define SECOND_CACHE ((size_t)32 * 1024) /* floats of unfolded gradients */
#define PART_PLACES  ((size_t)128)       /* places whose gradients stay in the first cache while weights go by */
#define PARTS        ((size_t)32)        /* parts that the weights' gradient is summed in, at most */
#define PART_IMAGES  ((size_t)4)         /* at least: adding up the parts must not weigh */

/* ---- sizes ---- */

typedef struct layout {
    pt_window window;
    size_t filters, places, inner, patch; /* inner: what a place sees of one row, side by side */
    size_t rows_seen, row, padded;        /* of an image's padded copy: rows, elements of a row, of all */
    bool in_place;                        /* images need no copy; then `row` is theirs */
    size_t band;                          /* places unfolded at a time */
    size_t images, parts;                 /* images of a part of the weights' gradient, and parts */
    size_t most_parts;                    /* of as many images or fewer: 129 images have fewer parts than 128 */
} layout;

static layout layout_of(const pt_window *w, size_t n, size_t filters)
{
    layout l = {.window = *w, .filters = filters, .places = w->out_height * w->out_width};
    const size_t columns_seen = (w->out_width - 1) * w->stride + w->kernel_width;
    l.rows_seen = (w->out_height - 1) * w->stride + w->kernel_height;
    l.inner = w->kernel_width * w->channels;
    l.patch = w->kernel_height * l.inner;
    l.in_place = w->pad_top == 0 && w->pad_left == 0 && l.rows_seen <= w->height && columns_seen <= w->width;
    l.row = (l.in_place ? w->width : columns_seen) * w->channels;
    l.padded = l.rows_seen * l.row;
    l.band = pt_round_up(SECOND_CACHE / pt_round_up(l.patch, LANES) + 1, PLACES);
    if (l.band > pt_round_up(l.places, PLACES)) { l.band = pt_round_up(l.places, PLACES); }
    l.images = pt_ceil_div(n, PARTS);
    if (l.images < PART_IMAGES) { l.images = PART_IMAGES; }
    l.parts = pt_ceil_div(n, l.images);
    l.most_parts = pt_ceil_div(n, PART_IMAGES);
    if (l.most_parts > PARTS) { l.most_parts = PARTS; }
    return l;
}

/* Places in the scratch, in floats. */
typedef struct rooms {
    size_t packed;       /* weights */
    size_t place, value; /* offsets: of places, of a patch's values */
    size_t own, parts;   /* the threads' rooms; the parts of the weights' gradient */
    size_t each, all;    /* of one thread, of everything */
} rooms;

/* back: for the way back, which needs more. */
static rooms rooms_of(const layout *l, size_t threads, bool back)
{
    const size_t forward = l->patch * pt_round_up(l->filters, LANES),
                 turned = l->filters * pt_round_up(l->patch, LANES);
    const size_t unfolded = l->band * pt_round_up(l->patch, LANES), copied = l->places * l->filters + VECTORS * LANES;
    rooms r = {.packed = 16}; /* to begin at a cache line */
    r.place = r.packed + pt_round_up(back && turned > forward ? turned : forward, 16);
    r.value = r.place + pt_round_up(l->places, 16);
    r.own = r.value + pt_round_up(l->patch + PLACES, 16);
    r.each = pt_round_up(l->padded, 16) + (back ? pt_round_up(unfolded > copied ? unfolded : copied, 16) : 0);
    r.parts = r.own + threads * r.each;
    r.all = r.parts + (back ? l->most_parts * pt_round_up(forward, 16) : 0);
    return r;
}

size_t cpu_convolution_scratch(const pt_backend *be, const pt_window *window, size_t n, size_t filters, bool training)
{
    const layout l = layout_of(window, n, filters);
    return rooms_of(&l, be->threads, training).all;
}

/* One call's view of its scratch. */
typedef struct plan {
    layout l;
    float *packed, *parts, *own;
    uint32_t *place; /* where a place's patch begins in the padded image */
    uint32_t *value; /* where a patch's values are from there on; some more, that may be read */
    size_t each;     /* elements of one thread in own */
} plan;

static plan plan_of(const pt_backend *be, const pt_window *window, size_t n, size_t filters, bool back,
                    const pt_buffer *scratch)
{
    plan p = {.l = layout_of(window, n, filters)};
    const layout *l = &p.l;
    const rooms r = rooms_of(l, be->threads, back);
    float *base = pt_cpu_floats(scratch);
    base -= (uintptr_t)base % 64 / sizeof *base; /* packed begins 16 floats later */
    p.packed = base + r.packed;
    p.place = (uint32_t *)(void *)(base + r.place);
    p.value = (uint32_t *)(void *)(base + r.value);
    p.parts = base + r.parts;
    p.own = base + r.own;
    p.each = r.each;
    for (size_t i = 0; i < l->places; i++) {
        const size_t row = i / window->out_width, column = i % window->out_width;
        p.place[i] = (uint32_t)(row * window->stride * l->row + column * window->stride * window->channels);
    }
    for (size_t t = 0; t < l->patch + PLACES; t++) {
        const size_t at = t < l->patch ? t : l->patch - 1;
        p.value[t] = (uint32_t)(at / l->inner * l->row + at % l->inner);
    }
    return p;
}

/* ---- padded copies ---- */

/* The part of the image that some place sees goes into the middle of `to`, whose border is and stays 0. */
static const float *padded(const layout *l, const float *image, float *to)
{
    if (l->in_place) { return image; }
    const pt_window *w = &l->window;
    const size_t from_image = w->width * w->channels, left = w->pad_left * w->channels;
    const size_t width = from_image < l->row - left ? from_image : l->row - left;
    for (size_t i = 0; i < w->height && i + w->pad_top < l->rows_seen; i++) {
        memcpy(to + (i + w->pad_top) * l->row + left, image + i * from_image, width * sizeof *to);
    }
    return to;
}

/* The other way: a whole image from the padded one, 0 where no place sees it. */
static void unpad(const layout *l, const float *from, float *image)
{
    const pt_window *w = &l->window;
    const size_t of_image = w->width * w->channels, left = w->pad_left * w->channels;
    const size_t width = of_image < l->row - left ? of_image : l->row - left;
    for (size_t i = 0; i < w->height; i++) {
        const size_t there = i + w->pad_top < l->rows_seen ? width : 0;
        if (there > 0) { memcpy(image + i * of_image, from + (i + w->pad_top) * l->row + left, there * sizeof *image); }
        memset(image + i * of_image + there, 0, (of_image - there) * sizeof *image);
    }
}

/* ---- kernels ---- */

/* Vectors of `columns`, in blocks as equal as can be of at most VECTORS. */
static size_t blocks_of(size_t columns)
{
    return pt_ceil_div(pt_ceil_div(columns, LANES), VECTORS);
}

static size_t block_begin(size_t columns, size_t block)
{
    return pt_ceil_div(columns, LANES) * block / blocks_of(columns) * LANES;
}

/* Element (l, j) of depth x columns, at from[l * down + j * across], into blocks of columns: block after block, in it row after row,
 * whole vectors. */
static void pack(const float *from, size_t depth, size_t columns, size_t down, size_t across, float *to)
{
    for (size_t b = 0; b < blocks_of(columns); b++) {
        const size_t first = block_begin(columns, b), width = block_begin(columns, b + 1) - first;
        for (size_t l = 0; l < depth; l++) {
            for (size_t j = 0; j < width; j++) {
                to[l * width + j] = first + j < columns ? from[l * down + (first + j) * across] : 0.0f;
            }
        }
        to += depth * width;
    }
}

/* What PLACES places have in common: n_lines pieces of `inner` elements, `apart` from each other, times a packed block of
 * `vectors` vectors, whose columns are as many as `columns`. */
typedef struct product {
    size_t n_lines, inner, apart;
    const float *block;
    size_t columns;
    bool add; /* to what is there */
} product;

static inline __attribute__((always_inline)) void multiply(const product *p, int vectors, const float *const x[PLACES],
                                                           size_t n_places, float *const y[PLACES])
{
    lanes sum[PLACES][VECTORS];
    for (int r = 0; r < PLACES; r++) {
        for (int v = 0; v < vectors; v++) { sum[r][v] = (lanes){0}; }
    }
    const float *w = p->block;
    for (size_t line = 0; line < p->n_lines; line++) {
        const float *at[PLACES];
        for (int r = 0; r < PLACES; r++) { at[r] = x[r] + line * p->apart; }
        for (size_t t = 0; t < p->inner; t++) {
            lanes column[VECTORS];
            for (int v = 0; v < vectors; v++) { column[v] = lanes_load(w + (size_t)v * LANES); }
            for (int r = 0; r < PLACES; r++) {
                for (int v = 0; v < vectors; v++) { sum[r][v] += at[r][t] * column[v]; }
            }
            w += (size_t)vectors * LANES;
        }
    }
    const size_t last = p->columns - (size_t)(vectors - 1) * LANES;
    for (size_t r = 0; r < n_places; r++) {
        for (int v = 0; v < vectors; v++) {
            float *to = y[r] + (size_t)v * LANES;
            const size_t count = v == vectors - 1 ? last : LANES;
            lanes_store_first(to, count, p->add ? lanes_load_first(to, count) + sum[r][v] : sum[r][v]);
        }
    }
}

static void multiply_places(const product *p, const float *const x[PLACES], size_t n_places, float *const y[PLACES])
{
    if (p->columns <= LANES) {
        multiply(p, 1, x, n_places, y);
    } else if (p->columns <= 2 * LANES) {
        multiply(p, 2, x, n_places, y);
    } else {
        multiply(p, VECTORS, x, n_places, y);
    }
}

/* ---- forward ---- */

/* Kernel rows that go together, so that a block of their weights stays near. */
static size_t rows_together(const layout *l)
{
    const size_t rows = NEAR_CACHE / (l->inner * VECTORS * LANES);
    return rows == 0 ? 1 : rows < l->window.kernel_height ? rows : l->window.kernel_height;
}

static void convolve_image(const plan *p, const float *image, float *y)
{
    const layout *l = &p->l;
    const size_t kernel_height = l->window.kernel_height, step = rows_together(l);
    for (size_t i = 0; i < kernel_height; i += step) {
        const float *packed = p->packed;
        for (size_t b = 0; b < blocks_of(l->filters); b++) {
            const size_t first = block_begin(l->filters, b), end = block_begin(l->filters, b + 1), width = end - first;
            const product now = {.n_lines = kernel_height - i < step ? kernel_height - i : step,
                                 .inner = l->inner,
                                 .apart = l->row,
                                 .block = packed + i * l->inner * width,
                                 .columns = (end < l->filters ? end : l->filters) - first,
                                 .add = i > 0};
            for (size_t at = 0; at < l->places; at += PLACES) {
                const size_t here = l->places - at < PLACES ? l->places - at : PLACES;
                const float *from[PLACES];
                float *to[PLACES];
                for (size_t r = 0; r < PLACES; r++) {
                    const size_t place = at + (r < here ? r : here - 1);
                    from[r] = image + p->place[place] + i * l->row;
                    to[r] = y + place * l->filters + first;
                }
                multiply_places(&now, from, here, to);
            }
            packed += l->patch * width;
        }
    }
}

ptsne_status cpu_convolution(pt_backend *be, const pt_window *window, const pt_buffer *x, size_t n, size_t filters,
                             const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *y, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const plan p = plan_of(be, window, n, filters, false, scratch);
    const layout *l = &p.l;
    const size_t values = window->height * window->width * window->channels;
    pack(pt_cpu_floats(w), l->patch, filters, 1, l->patch, p.packed);
#pragma omp parallel num_threads(pt_cpu_threads(be, n)) if (n > 1)
    {
        float *own = p.own + (size_t)omp_get_thread_num() * p.each;
        if (!l->in_place) { memset(own, 0, l->padded * sizeof *own); }
#pragma omp for schedule(dynamic, 4)
        for (size_t i = 0; i < n; i++) {
            const float *image = padded(l, pt_cpu_floats(x) + i * values, own);
            convolve_image(&p, image, pt_cpu_floats(y) + i * l->places * filters);
        }
    }
    return PTSNE_OK;
}

/* ---- back to the inputs ---- */

/* unfolded = g w for some places, rows pt_round_up(patch, LANES) apart. */
static void unfold(const plan *p, const float *g, size_t n_places, float *unfolded)
{
    const layout *l = &p->l;
    const size_t stride = pt_round_up(l->patch, LANES);
    const float *packed = p->packed;
    for (size_t b = 0; b < blocks_of(l->patch); b++) {
        const size_t first = block_begin(l->patch, b), width = block_begin(l->patch, b + 1) - first;
        const product now = {.n_lines = 1, .inner = l->filters, .block = packed, .columns = width};
        for (size_t at = 0; at < n_places; at += PLACES) {
            const size_t here = n_places - at < PLACES ? n_places - at : PLACES;
            const float *from[PLACES];
            float *to[PLACES];
            for (size_t r = 0; r < PLACES; r++) {
                const size_t place = at + (r < here ? r : here - 1);
                from[r] = g + place * l->filters;
                to[r] = unfolded + place * stride + first;
            }
            multiply_places(&now, from, here, to);
        }
        packed += l->filters * width;
    }
}

/* Each place's patch is added to the padded image where it was seen. */
static void fold(const plan *p, size_t from, size_t n_places, const float *unfolded, float *restrict image)
{
    const layout *l = &p->l;
    const size_t stride = pt_round_up(l->patch, LANES);
    for (size_t k = 0; k < n_places; k++) {
        const float *patch = unfolded + k * stride;
        float *corner = image + p->place[from + k];
        for (size_t i = 0; i < l->window.kernel_height; i++) {
            for (size_t t = 0; t < l->inner; t++) { corner[t] += patch[t]; }
            corner += l->row;
            patch += l->inner;
        }
    }
}

ptsne_status cpu_convolution_inputs(pt_backend *be, const pt_window *window, const pt_buffer *g, size_t n,
                                    size_t filters, const pt_buffer *w, const pt_buffer *scratch, const pt_buffer *gx,
                                    ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const plan p = plan_of(be, window, n, filters, true, scratch);
    const layout *l = &p.l;
    const size_t values = window->height * window->width * window->channels;
    pack(pt_cpu_floats(w), filters, l->patch, l->patch, 1, p.packed);
#pragma omp parallel num_threads(pt_cpu_threads(be, n)) if (n > 1)
    {
        float *image = p.own + (size_t)omp_get_thread_num() * p.each, *unfolded = image + pt_round_up(l->padded, 16);
#pragma omp for schedule(dynamic, 4)
        for (size_t i = 0; i < n; i++) {
            const float *slope = pt_cpu_floats(g) + i * l->places * filters;
            memset(image, 0, l->padded * sizeof *image);
            for (size_t at = 0; at < l->places; at += l->band) {
                const size_t here = l->places - at < l->band ? l->places - at : l->band;
                unfold(&p, slope + at * filters, here, unfolded);
                fold(&p, at, here, unfolded, image);
            }
            unpad(l, image, pt_cpu_floats(gx) + i * values);
        }
    }
    return PTSNE_OK;
}

/* ---- back to the weights ---- */

/* part[r][:] += sum over places of patch value r times g's filters; `value` has PLACES offsets, n_values of them real. */
static inline __attribute__((always_inline)) void correlate(int vectors, const float *image, const uint32_t *place,
                                                            size_t n_places, const uint32_t *value, size_t n_values,
                                                            const float *g, size_t filters, float *part, size_t stride)
{
    lanes sum[PLACES][VECTORS];
    size_t offset[PLACES];
    for (int r = 0; r < PLACES; r++) {
        offset[r] = value[r];
        for (int v = 0; v < vectors; v++) { sum[r][v] = (lanes){0}; }
    }
    for (size_t i = 0; i < n_places; i++) {
        const float *at = image + place[i];
        lanes slope[VECTORS];
        for (int v = 0; v < vectors; v++) { slope[v] = lanes_load(g + (size_t)v * LANES); }
        for (int r = 0; r < PLACES; r++) {
            for (int v = 0; v < vectors; v++) { sum[r][v] += at[offset[r]] * slope[v]; }
        }
        g += filters;
    }
    for (size_t r = 0; r < n_values; r++) {
        for (int v = 0; v < vectors; v++) {
            float *to = part + r * stride + (size_t)v * LANES;
            lanes_store(to, lanes_load(to) + sum[r][v]);
        }
    }
}

/* One image's part: patch x pt_round_up(filters, LANES), added. Reads a vector beyond g. */
static void correlate_image(const plan *p, const float *image, const float *g, float *part)
{
    const layout *l = &p->l;
    const size_t stride = pt_round_up(l->filters, LANES), pieces = pt_ceil_div(l->places, PART_PLACES);
    for (size_t k = 0; k < pieces; k++) {
        const size_t from = l->places * k / pieces, here = l->places * (k + 1) / pieces - from;
        for (size_t b = 0; b < blocks_of(l->filters); b++) {
            const size_t first = block_begin(l->filters, b), vectors = (block_begin(l->filters, b + 1) - first) / LANES;
            const float *slope = g + from * l->filters + first;
            for (size_t t = 0; t < l->patch; t += PLACES) {
                const size_t n_values = l->patch - t < PLACES ? l->patch - t : PLACES;
                const uint32_t *place = p->place + from, *value = p->value + t;
                float *to = part + t * stride + first;
                switch (vectors) {
                case 1:
                    correlate(1, image, place, here, value, n_values, slope, l->filters, to, stride);
                    break;
                case 2:
                    correlate(2, image, place, here, value, n_values, slope, l->filters, to, stride);
                    break;
                default:
                    correlate(VECTORS, image, place, here, value, n_values, slope, l->filters, to, stride);
                }
            }
        }
    }
}

/* Value t of every filter's patch: the parts in their order. */
static void add_parts(const plan *p, size_t t, float *to)
{
    const layout *l = &p->l;
    const size_t stride = pt_round_up(l->filters, LANES), size = pt_round_up(l->patch * stride, 16);
    for (size_t f = 0; f < l->filters; f += LANES) {
        const float *from = p->parts + t * stride + f;
        lanes sum = lanes_load(from);
        for (size_t k = 1; k < l->parts; k++) { sum += lanes_load(from + k * size); }
        for (size_t v = 0; v < LANES && f + v < l->filters; v++) { to[(f + v) * l->patch + t] = sum[v]; }
    }
}

ptsne_status cpu_convolution_weights(pt_backend *be, const pt_window *window, const pt_buffer *x, const pt_buffer *g,
                                     size_t n, size_t filters, const pt_buffer *scratch, const pt_buffer *gw,
                                     ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const plan p = plan_of(be, window, n, filters, true, scratch);
    const layout *l = &p.l;
    const size_t values = window->height * window->width * window->channels, results = l->places * filters;
    const size_t stride = pt_round_up(filters, LANES), size = pt_round_up(l->patch * stride, 16);
    float *to = pt_cpu_floats(gw);
#pragma omp parallel num_threads(pt_cpu_threads(be, l->parts)) if (l->parts > 1)
    {
        float *own = p.own + (size_t)omp_get_thread_num() * p.each, *copy = own + pt_round_up(l->padded, 16);
        if (!l->in_place) { memset(own, 0, l->padded * sizeof *own); }
#pragma omp for schedule(dynamic)
        for (size_t k = 0; k < l->parts; k++) {
            float *part = p.parts + k * size;
            memset(part, 0, size * sizeof *part);
            for (size_t i = k * l->images; i < n && i < (k + 1) * l->images; i++) {
                const float *image = padded(l, pt_cpu_floats(x) + i * values, own);
                const float *slope = pt_cpu_floats(g) + i * results;
                if ((n - 1 - i) * results < VECTORS * LANES) { /* too little lies beyond */
                    slope = memcpy(copy, slope, results * sizeof *copy);
                }
                correlate_image(&p, image, slope, part);
            }
        }
#pragma omp for
        for (size_t t = 0; t < l->patch; t++) { add_parts(&p, t, to); }
    }
    return PTSNE_OK;
}
