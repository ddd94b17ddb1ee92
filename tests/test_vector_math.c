/* exp and log of the cpu backend against the C library's in float64, over their whole ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "backend/cpu/vector_math.h"

#define BOUND (2.0 * (double)FLT_EPSILON) /* relative */

static void test_exp(void **state)
{
    (void)state;
    for (float x = CPU_EXP_LEAST; x <= 88.0f; x += 1.37e-4f) {
        const double want = exp((double)x), got = (double)cpu_exp(x);
        if (!(fabs(got - want) <= BOUND * want)) { fail_msg("exp(%.9g) is %.9g, not %.17g", (double)x, got, want); }
    }
    assert_true(cpu_exp(0.0f) == 1.0f);
    assert_true(cpu_exp(-87.001f) == 0.0f);
    assert_true(cpu_exp(-INFINITY) == 0.0f);
    assert_true(cpu_exp(INFINITY) == cpu_exp(88.0f));
    assert_true(isnan(cpu_exp(NAN)));
}

static void test_log(void **state)
{
    (void)state;
    for (float x = FLT_MIN; x < 1.0e38f; x *= 1.00037f) {
        const double want = log((double)x), off = fabs((double)cpu_log(x) - want);
        if (!(off <= BOUND * fabs(want) + (double)FLT_EPSILON / 4.0)) {
            fail_msg("log(%.9g) is off by %.3g of %.17g", (double)x, off, want);
        }
    }
    assert_true(cpu_log(1.0f) == 0.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exp), cmocka_unit_test(test_log)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
