/* Memory, products, column sums and gathered rows, on every backend. */
#include "ops.h"
#include "oracles.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPS ((double)FLT_EPSILON)

static void test_memory(void **state)
{
    ops_state *ops = *state;
    pt_backend *be = ops->be;
    const size_t counts[] = {1, 2, 63, 1000, 300000};
    for (size_t c = 0; c < OPS_LENGTH(counts) - ops->small; c++) {
        const size_t count = counts[c];
        float *x = ops_random(ops, count, 1.0e3f);
        ops_array from = ops_put(ops, x, count), to = ops_put(ops, NULL, count), filled = ops_put(ops, NULL, count);
        const pt_buffer part = pt_buffer_view(&filled.view, count / 2, count - count / 2);
        OPS_OK(ops, pt_copy(be, &from.view, &to.view, &ops->err));
        OPS_OK(ops, pt_fill(be, &filled.view, 1.0f, &ops->err));
        OPS_OK(ops, pt_fill(be, &part, -2.5f, &ops->err));
        float *copied = ops_take(ops, &to), *now = ops_take(ops, &filled);
        ops_same(ops, "copy", copied, x, count);
        for (size_t t = 0; t < count; t++) { assert_true(now[t] == (t < count / 2 ? 1.0f : -2.5f)); }
        ops_drop(ops, &from);
        free(x), free(copied), free(now);
    }
    const size_t used = be->memory_used;
    pt_buffer empty = {0};
    OPS_OK(ops, pt_buffer_create(be, 0, &empty, &ops->err));
    OPS_OK(ops, pt_fill(be, &empty, 1.0f, &ops->err));
    OPS_OK(ops, pt_download(be, &empty, NULL, &ops->err));
    pt_buffer_destroy(be, &empty);
    pt_buffer_destroy(be, &empty);
    assert_int_equal(be->memory_used, used);
}

static void test_memory_limit(void **state)
{
    ops_state *ops = *state;
    pt_buffer buffer;
    assert_int_equal(pt_buffer_create(ops->be, ops->be->memory / 4 + 1, &buffer, &ops->err), PTSNE_ERR_MEMORY);
    assert_null(buffer.handle);
    assert_int_equal(pt_buffer_create(ops->be, SIZE_MAX / 2, &buffer, &ops->err), PTSNE_ERR_MEMORY);
    assert_null(buffer.handle);
}

typedef struct product_case {
    size_t m, n, k;
} product_case;

static void check_product(ops_state *ops, const pt_product_shape *s)
{
    const size_t a_count = ((s->transpose_a ? s->k : s->m) - 1) * s->stride_a + (s->transpose_a ? s->m : s->k);
    const size_t b_count = ((s->transpose_b ? s->n : s->k) - 1) * s->stride_b + (s->transpose_b ? s->k : s->n);
    const size_t c_count = (s->m - 1) * s->stride_c + s->n;
    float *a = ops_random(ops, a_count, 2.0f), *b = ops_random(ops, b_count, 2.0f), *c = ops_random(ops, c_count, 2.0f);
    if (s->beta == 0.0f) { /* what c held is not read */
        for (size_t t = 0; t < c_count; t++) { c[t] = NAN; }
    }
    ops_array da = ops_put(ops, a, a_count), db = ops_put(ops, b, b_count), dc = ops_put(ops, c, c_count);
    OPS_OK(ops, pt_product(ops->be, s, &da.view, &db.view, &dc.view, &ops->err));
    float *got = ops_take(ops, &dc);
    ops_drop(ops, &da);
    ops_drop(ops, &db);
    char what[160];
    snprintf(what, sizeof what, "product %zu x %zu x %zu %s%s alpha %g beta %g strides %zu %zu %zu", s->m, s->n, s->k,
             s->transpose_a ? "T" : "N", s->transpose_b ? "T" : "N", (double)s->alpha, (double)s->beta, s->stride_a,
             s->stride_b, s->stride_c);
    for (size_t i = 0; i < s->m; i++) {
        const size_t width = i + 1 < s->m ? s->stride_c : s->n;
        for (size_t j = 0; j < s->n; j++) {
            const oracle_entry want = oracle_product(s, a, b, c, i, j);
            const double bound = ((double)s->k + 4.0) * EPS * want.terms;
            const double off = fabs((double)got[i * s->stride_c + j] - want.value);
            if (!(off <= bound)) {
                fail_msg("%s %s: [%zu][%zu] is %.9g, oracle %.17g, bound %.2g", ops->be->ops->name, what, i, j,
                         (double)got[i * s->stride_c + j], want.value, bound);
            }
        }
        ops_same(ops, what, got + i * s->stride_c + s->n, c + i * s->stride_c + s->n, width - s->n); /* between rows */
    }
    free(a), free(b), free(c), free(got);
}

static void test_product(void **state)
{
    ops_state *ops = *state;
    const product_case small[] = {{1, 1, 1}, {2, 1, 3}, {1, 2, 7}, {7, 5, 2}, {16, 16, 16}, {33, 2, 20}, {2, 33, 20}};
    const product_case large[] = {{63, 65, 64},   {64, 64, 64},    {65, 63, 65},   {200, 2, 130},
                                  {2, 200, 130},  {130, 200, 2},   {1, 300, 40},   {300, 1, 40},
                                  {270, 530, 70}, {50, 40, 600},   {130, 2, 2000}, {300, 3, 100},
                                  {3, 100, 300},  {241, 513, 257}, {65, 4100, 2},  {65, 1, 66000}};
    const size_t count = OPS_LENGTH(small) + (ops->small ? 0 : OPS_LENGTH(large));
    for (size_t t = 0; t < count; t++) {
        const product_case *size = t < OPS_LENGTH(small) ? &small[t] : &large[t - OPS_LENGTH(small)];
        const bool costly = size->m * size->n * size->k > 1000000; /* for the oracle: two ways of the eight */
        for (unsigned way = costly ? 2 : 0; way < 8; way += costly ? 3 : 1) {
            const bool ta = way & 1, tb = way & 2, loose = way & 4; /* loose: strides, alpha and beta too */
            const pt_product_shape shape = {.transpose_a = ta,
                                            .transpose_b = tb,
                                            .m = size->m,
                                            .n = size->n,
                                            .k = size->k,
                                            .alpha = loose ? -0.75f : 1.0f,
                                            .beta = loose ? 0.5f : 0.0f,
                                            .stride_a = (ta ? size->m : size->k) + (loose ? 3 : 0),
                                            .stride_b = (tb ? size->k : size->n) + (loose ? 5 : 0),
                                            .stride_c = size->n + (loose ? 1 : 0)};
            check_product(ops, &shape);
        }
    }
}

/* A steady row has the same bits among few rows and among many, where the work is cut up otherwise. */
static void test_product_steady(void **state)
{
    ops_state *ops = *state;
    const size_t block = ops->be->row_block, n = 70, k = 600;
    if (block == 0) { return; } /* such a backend always gets equally many */
    const size_t most = 20 * block, counts[] = {block, 3 * block, 5 * block, most};
    float *x = ops_random(ops, most * k, 2.0f), *w = ops_random(ops, n * k, 2.0f), *all = NULL;
    for (size_t t = OPS_LENGTH(counts); t-- > 0;) {
        const size_t m = counts[t], first = most - m; /* the last rows of all */
        ops_array a = ops_put(ops, x + first * k, m * k), b = ops_put(ops, w, n * k), c = ops_put(ops, NULL, m * n);
        const pt_product_shape shape = {.transpose_b = true,
                                        .steady = true,
                                        .m = m,
                                        .n = n,
                                        .k = k,
                                        .alpha = 1.0f,
                                        .stride_a = k,
                                        .stride_b = k,
                                        .stride_c = n};
        OPS_OK(ops, pt_product(ops->be, &shape, &a.view, &b.view, &c.view, &ops->err));
        float *got = ops_take(ops, &c);
        ops_drop(ops, &a);
        ops_drop(ops, &b);
        if (all == NULL) {
            all = got;
            continue;
        }
        ops_same(ops, "steady product", got, all + first * n, m * n);
        free(got);
    }
    free(x), free(w), free(all);
}

static void test_product_shapes(void **state)
{
    ops_state *ops = *state;
    float *x = ops_random(ops, 12, 1.0f);
    ops_array a = ops_put(ops, x, 12);
    const pt_product_shape right = {.m = 2, .n = 2, .k = 3, .alpha = 1.0f, .stride_a = 3, .stride_b = 2, .stride_c = 2};
    pt_product_shape wrong[] = {right, right, right, right, right, right};
    wrong[0].k = 0;
    wrong[1].m = 5;
    wrong[2].stride_a = 2;
    wrong[3].stride_b = 12;
    wrong[4].n = (size_t)UINT32_MAX + 1;
    wrong[5].k = SIZE_MAX;
    for (size_t t = 0; t < OPS_LENGTH(wrong); t++) {
        assert_int_equal(pt_product(ops->be, &wrong[t], &a.view, &a.view, &a.view, &ops->err), PTSNE_ERR_ARGUMENT);
        assert_non_null(strstr(ops->err.message, "product: "));
    }
    ops_drop(ops, &a);
    free(x);
}

static void check_column_sums(ops_state *ops, size_t n, size_t d)
{
    float *x = ops_random(ops, n * d, 100.0f);
    double *want = ops_memory(d, sizeof *want), *bound = ops_memory(d, sizeof *bound);
    ops_array from = ops_put(ops, x, n * d), to = ops_put(ops, NULL, d);
    OPS_OK(ops, pt_column_sums(ops->be, &from.view, n, d, &to.view, &ops->err));
    for (size_t t = 0; t < n * d; t++) {
        want[t % d] += (double)x[t];
        bound[t % d] += 4.0 * sqrt((double)n) * EPS * fabs((double)x[t]); /* n, in theory */
    }
    float *got = ops_take(ops, &to);
    char what[64];
    snprintf(what, sizeof what, "column_sums %zu x %zu", n, d);
    ops_compare(ops, what, got, want, bound, d, d);
    ops_drop(ops, &from);
    free(x), free(want), free(bound), free(got);
}

static void test_column_sums(void **state)
{
    ops_state *ops = *state;
    const size_t sides[] = {1, 2, 7, 63, 64, 65, 200, 1000};
    const size_t n_sides = ops->small ? 4 : OPS_LENGTH(sides);
    for (size_t s = 0; s < n_sides * n_sides; s++) { check_column_sums(ops, sides[s / n_sides], sides[s % n_sides]); }
    if (ops->small) { return; }
    check_column_sums(ops, 70001, 3); /* tall and narrow: by parts */
    check_column_sums(ops, 20011, 20);
}

static void check_gather(ops_state *ops, size_t rows, size_t d, size_t n)
{
    float *x = ops_random(ops, rows * d, 10.0f), *t = ops_random(ops, n, 1.0f);
    uint32_t *a = ops_memory(n, sizeof *a), *b = ops_memory(n, sizeof *b);
    for (size_t i = 0; i < n; i++) {
        a[i] = (uint32_t)pt_random_below(&ops->random, rows);
        b[i] = (uint32_t)pt_random_below(&ops->random, rows);
    }
    double *want = ops_memory(n * d, sizeof *want), *bound = ops_memory(n * d, sizeof *bound);
    float *plain = ops_memory(n * d, sizeof *plain);
    for (size_t i = 0; i < n * d; i++) {
        const double from = (double)x[a[i / d] * d + i % d], to = (double)x[b[i / d] * d + i % d];
        want[i] = from + (double)t[i / d] * (to - from);
        bound[i] = 4.0 * EPS * (fabs(from) + fabs((double)t[i / d]) * (fabs(from) + fabs(to)));
        plain[i] = (float)from;
    }
    ops_array dx = ops_put(ops, x, rows * d), da = ops_put(ops, a, n), db = ops_put(ops, b, n), dt = ops_put(ops, t, n);
    ops_array mixed = ops_put(ops, NULL, n * d), copied = ops_put(ops, NULL, n * d);
    OPS_OK(ops, pt_gather_rows(ops->be, &dx.view, rows, d, &da.view, &db.view, &dt.view, n, &mixed.view, &ops->err));
    OPS_OK(ops, pt_gather_rows(ops->be, &dx.view, rows, d, &da.view, NULL, NULL, n, &copied.view, &ops->err));
    float *got = ops_take(ops, &mixed), *same = ops_take(ops, &copied);
    char what[64];
    snprintf(what, sizeof what, "gather_rows %zu of %zu x %zu", n, rows, d);
    ops_compare(ops, what, got, want, bound, n * d, d);
    ops_same(ops, what, same, plain, n * d);
    ops_drop(ops, &dx), ops_drop(ops, &da), ops_drop(ops, &db), ops_drop(ops, &dt);
    free(x), free(t), free(a), free(b), free(want), free(bound), free(plain), free(got), free(same);
}

static void test_gather_rows(void **state)
{
    ops_state *ops = *state;
    check_gather(ops, 1, 1, 1);
    check_gather(ops, 5, 3, 20);
    check_gather(ops, 20, 65, 7);
    if (ops->small) { return; }
    check_gather(ops, 300, 784, 65);
    check_gather(ops, 65, 2, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),         cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_product),        cmocka_unit_test(test_product_steady),
        cmocka_unit_test(test_product_shapes), cmocka_unit_test(test_column_sums),
        cmocka_unit_test(test_gather_rows),
    };
    return ops_main(tests, OPS_LENGTH(tests));
}
