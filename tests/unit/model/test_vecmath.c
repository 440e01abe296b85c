/* mds_exp() against libm in extended precision. */
#include "harness/test.h"

#include "md/vecmath.h"

/* Four units in the last place would be 9e-16; the header promises 4e-16. */
static void exp_is_accurate(void **state)
{
    double worst = 0.0;

    (void)state;
    for (int i = 0; i <= 400000; ++i) {
        const double x = -700.0 + 1400.0 * i / 400000.0 + 1e-7 * i;
        const long double want = expl((long double)x);

        worst = fmax(worst, (double)fabsl(((long double)mds_exp(x) - want) / want));
    }
    for (int i = 0; i <= 100000; ++i) {
        const double x = -2.0 + 4.0 * i / 100000.0;
        const long double want = expl((long double)x);

        worst = fmax(worst, (double)fabsl(((long double)mds_exp(x) - want) / want));
    }
    printf("largest relative error %.2g\n", worst);
    CHECK_NEAR(worst, 0.0, 0.0, 4e-16);
}

static void exp_has_no_surprises_at_the_ends(void **state)
{
    (void)state;
    CHECK_NEAR(mds_exp(0.0), 1.0, 0.0, 0.0);
    assert_true(mds_exp(-1e300) > 0.0 && mds_exp(-1e300) < 1e-307);
    assert_true(mds_exp(-INFINITY) < 1e-307);
    assert_true(isfinite(mds_exp(1e300)) && mds_exp(1e300) > 1e307);
    assert_true(isnan(mds_exp(NAN)));
}

enum { MANY = 1003 };

MDS_CLONES static void many(const double *x, double *y)
{
    for (int i = 0; i < MANY; ++i)
        y[i] = mds_exp(x[i]);
}

/* The clone for this machine may fuse multiplications: two units in the last place at most. */
static void clones_agree(void **state)
{
    static double x[MANY], y[MANY];

    (void)state;
    for (int i = 0; i < MANY; ++i)
        x[i] = -30.0 + 0.05 * i;
    many(x, y);
    for (int i = 0; i < MANY; ++i)
        CHECK_NEAR(y[i], exp(x[i]), 5e-16, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_accurate),
        cmocka_unit_test(exp_has_no_surprises_at_the_ends),
        cmocka_unit_test(clones_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
