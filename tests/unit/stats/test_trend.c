/* Theil–Sen and Mann–Kendall against an independent NumPy calculation, and their error rates. */
#include "harness/test.h"

#include "base/rng.h"
#include "stats/trend.h"

static double normal(uint64_t series, uint64_t i)
{
    return mds_rng_normal(3, MDS_RNG_TEST, i, series, 0);
}

static void numbers_of_a_small_example(void **unused)
{
    static const double x[] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110};
    static const double y[] = {5.0,  9.2,  9.9,  15.2, 15.2, 16.0,
                               23.2, 31.4, 90.0, 29.5, 37.0, 39.4}; /* a tie and an outlier */
    mds_trend trend;

    (void)unused;
    CHECK_OK(mds_stats_theil_sen(x, y, 12, &trend));
    CHECK_NEAR(trend.slope, 0.31636363636363635, 1e-14, 0.0);
    CHECK_NEAR(trend.lo, 0.24500000000000002, 1e-14, 0.0);
    CHECK_NEAR(trend.hi, 0.41999999999999993, 1e-14, 0.0);
    CHECK_NEAR(trend.p_value, 0.00011854146541485209, 1e-12, 0.0);
}

static void sign_and_scale(void **unused)
{
    double x[50], y[50];
    mds_trend up, down;

    (void)unused;
    for (int i = 0; i < 50; ++i) {
        x[i] = 3.0 * i;
        y[i] = 7.0 + 2.0 * x[i];
    }
    CHECK_OK(mds_stats_theil_sen(x, y, 50, &up));
    CHECK_NEAR(up.slope, 2.0, 1e-15, 0.0);
    CHECK_NEAR(up.lo, 2.0, 1e-15, 0.0);
    CHECK_NEAR(up.hi, 2.0, 1e-15, 0.0);
    assert_true(up.p_value < 1e-20);
    for (int i = 0; i < 50; ++i)
        y[i] = -y[i];
    CHECK_OK(mds_stats_theil_sen(x, y, 50, &down));
    CHECK_NEAR(down.slope, -2.0, 1e-15, 0.0);
    CHECK_NEAR(down.p_value, up.p_value, 0.0, 0.0);
}

static void no_trend_in_constants_and_too_few_points(void **unused)
{
    const double x[] = {0, 1, 2, 3}, y[] = {4, 4, 4, 4}, same[] = {1, 1, 1, 1};
    const double hole[] = {1, NAN, 2, 3};
    mds_trend trend;

    (void)unused;
    CHECK_OK(mds_stats_theil_sen(x, y, 4, &trend));
    CHECK_NEAR(trend.slope, 0.0, 0.0, 0.0);
    CHECK_NEAR(trend.p_value, 1.0, 0.0, 0.0);
    CHECK_OK(mds_stats_theil_sen(x, y, 1, &trend));
    assert_true(isnan(trend.slope) && isnan(trend.p_value));
    CHECK_OK(mds_stats_theil_sen(same, x, 4, &trend));
    assert_true(isnan(trend.slope));
    CHECK_OK(mds_stats_theil_sen(x, hole, 4, &trend));
    assert_true(isnan(trend.slope));
}

/* Above the bound every k-th point is used, and the slope of a line does not notice. */
static void long_series_are_thinned(void **unused)
{
    enum { LONG = 9001 };
    double *x = malloc(2 * LONG * sizeof *x), *y = x + LONG;
    mds_trend trend;

    (void)unused;
    assert_non_null(x);
    for (int i = 0; i < LONG; ++i) {
        x[i] = i;
        y[i] = 0.25 * i;
    }
    CHECK_OK(mds_stats_theil_sen(x, y, LONG, &trend));
    CHECK_NEAR(trend.slope, 0.25, 1e-14, 0.0);
    free(x);
}

/* 1000 series of 30 normal numbers with slope 0.02: the interval is 95 %, p < 0.05 at slope 0 is 5
 * %. Binomial standard deviation 6.9: the bounds are 5 of those around 950 and 50, plus 10 for the
 * normal approximation of S. */
static void rates_are_the_nominal_ones(void **unused)
{
    int covered = 0, alarms = 0;

    (void)unused;
    for (uint64_t s = 0; s < 1000; ++s) {
        double x[30], y[30], flat[30];
        mds_trend trend;

        for (uint64_t i = 0; i < 30; ++i) {
            x[i] = (double)i;
            flat[i] = normal(s, i);
            y[i] = 0.02 * x[i] + flat[i];
        }
        CHECK_OK(mds_stats_theil_sen(x, y, 30, &trend));
        covered += trend.lo <= 0.02 && 0.02 <= trend.hi;
        CHECK_OK(mds_stats_theil_sen(x, flat, 30, &trend));
        alarms += trend.p_value < 0.05;
    }
    assert_in_range(covered, 905, 995);
    assert_in_range(alarms, 5, 95);
}

/* Correlated noise (AR(1), φ = 0.9) makes the plain test cry wolf; the corrected one must not. */
static void correlation_is_allowed_for(void **unused)
{
    int plain_alarms = 0, alarms = 0;

    (void)unused;
    for (uint64_t s = 0; s < 500; ++s) {
        double x[100], y[100], v = 0.0;
        mds_trend plain, corrected;

        for (uint64_t i = 0; i < 100; ++i) {
            v = 0.9 * v + normal(2000 + s, i);
            x[i] = (double)i;
            y[i] = v;
        }
        CHECK_OK(mds_stats_theil_sen(x, y, 100, &plain));
        CHECK_OK(mds_trend_test_correlated(x, y, 100, &corrected));
        plain_alarms += plain.p_value < 0.01;
        alarms += corrected.p_value < 0.01;
        CHECK_NEAR(corrected.slope, plain.slope, 0.0, 0.0);
        assert_true(corrected.lo <= plain.lo && corrected.hi >= plain.hi);
    }
    assert_true(plain_alarms > 150); /* measured: about half of them */
    /* Nominal 5, and the correlation of 100 points is itself only known roughly. */
    assert_true(alarms < 60);
}

static void a_jump_is_not_a_rise(void **unused)
{
    double x[60], y[60], z;

    (void)unused;
    for (int i = 0; i < 60; ++i) {
        x[i] = i;
        y[i] = i < 23 ? 5.0 : 9.0;
    }
    CHECK_OK(mds_trend_without_jump(x, y, 60, &z));
    CHECK_NEAR(z, 0.0, 0.0, 0.0);
    for (int i = 0; i < 60; ++i)
        y[i] += 0.01 * i;
    CHECK_OK(mds_trend_without_jump(x, y, 60, &z));
    assert_true(z > 5.0); /* every pair of either side rises */
    for (int i = 0; i < 60; ++i)
        y[i] -= 0.02 * i;
    CHECK_OK(mds_trend_without_jump(x, y, 60, &z));
    assert_true(z < -5.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_a_small_example),
        cmocka_unit_test(sign_and_scale),
        cmocka_unit_test(no_trend_in_constants_and_too_few_points),
        cmocka_unit_test(long_series_are_thinned),
        cmocka_unit_test(rates_are_the_nominal_ones),
        cmocka_unit_test(correlation_is_allowed_for),
        cmocka_unit_test(a_jump_is_not_a_rise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
