/* Fits of t0 + a N^b to points whose law is known. */
#include "harness/test.h"

#include "base/rng.h"
#include "stats/stats.h"

static const double sizes[] = {32, 64, 128, 256, 512, 1024};
enum { SIZES = 6 };

static void exact_laws_are_recovered(void **unused)
{
    static const double laws[][3] = {
        {1e-3, 2e-6, 1.0}, {0.0, 5e-7, 1.3}, {2e-4, 1e-9, 2.0}, {5e-4, 3e-5, 0.5}};

    (void)unused;
    for (size_t k = 0; k < sizeof laws / sizeof *laws; ++k) {
        double t[SIZES];
        mds_scaling fit;

        for (int i = 0; i < SIZES; ++i)
            t[i] = laws[k][0] + laws[k][1] * pow(sizes[i], laws[k][2]);
        CHECK_OK(mds_stats_scaling(sizes, t, SIZES, &fit));
        /* The golden section ends 1e-8 from the minimum, as far as a flat valley shows. */
        CHECK_NEAR(fit.b, laws[k][2], 1e-6, 0.0);
        CHECK_NEAR(fit.t0, laws[k][0], 1e-5, 1e-9);
        CHECK_NEAR(fit.a, laws[k][1], 1e-5, 0.0);
        CHECK_NEAR(fit.r2, 1.0, 1e-9, 0.0);
        assert_int_equal(fit.points, SIZES);
        assert_true(fit.b_lo <= fit.b + 1e-6 && fit.b - 1e-6 <= fit.b_hi);
        assert_true(fit.b_hi - fit.b_lo < 1e-4);
    }
}

/* 200 sets of 18 points with 3 % noise: the interval should hold the exponent in 95 % of them. The
 * residual bootstrap is known to be a little narrow with so few points: at least 85 % (170) is
 * asked, and not all, or the interval would be empty talk. */
static void interval_covers(void **unused)
{
    int covered = 0;
    double width = 0.0;

    (void)unused;
    for (uint64_t s = 0; s < 200; ++s) {
        double n[3 * SIZES], t[3 * SIZES];
        mds_scaling fit;

        for (int i = 0; i < 3 * SIZES; ++i) {
            n[i] = sizes[i % SIZES];
            t[i] = (1e-4 + 2e-6 * n[i]) *
                   (1.0 + 0.03 * mds_rng_normal(9, MDS_RNG_TEST, (uint64_t)i, s, 0));
        }
        CHECK_OK(mds_stats_scaling(n, t, 3 * SIZES, &fit));
        covered += fit.b_lo <= 1.0 && 1.0 <= fit.b_hi;
        width += (fit.b_hi - fit.b_lo) / 200.0;
    }
    assert_in_range(covered, 170, 199);
    assert_true(width < 0.5);
}

static void few_sizes_give_a_power_law(void **unused)
{
    double t[SIZES];
    mds_scaling fit;

    (void)unused;
    for (int i = 0; i < SIZES; ++i)
        t[i] = 2e-6 * pow(sizes[i], 1.25);
    CHECK_OK(mds_stats_scaling(sizes, t, 3, &fit));
    CHECK_NEAR(fit.b, 1.25, 1e-6, 0.0);
    CHECK_NEAR(fit.t0, 0.0, 0.0, 0.0);
    CHECK_NEAR(fit.a, 2e-6, 1e-5, 0.0);
    CHECK_OK(mds_stats_scaling(sizes, t, 2, &fit));
    CHECK_NEAR(fit.b, 1.25, 1e-6, 0.0);
    assert_true(isnan(fit.b_lo) && isnan(fit.b_hi)); /* two points fit any power: no spread */
    CHECK_OK(mds_stats_scaling(sizes, t, 1, &fit));
    assert_true(isnan(fit.b) && isnan(fit.a));
    assert_int_equal(fit.points, 1);
    CHECK_OK(mds_stats_scaling(sizes, t, 0, &fit));
    assert_true(isnan(fit.b));
}

static void points_without_a_time_are_left_out(void **unused)
{
    double t[SIZES];
    mds_scaling fit;

    (void)unused;
    for (int i = 0; i < SIZES; ++i)
        t[i] = 1e-3 + 2e-6 * sizes[i];
    t[2] = NAN;
    CHECK_OK(mds_stats_scaling(sizes, t, SIZES, &fit));
    assert_int_equal(fit.points, SIZES - 1);
    CHECK_NEAR(fit.b, 1.0, 1e-5, 0.0);
}

/* The fixed cost is never negative, whatever the noise says. */
static void the_offset_is_not_negative(void **unused)
{
    double t[SIZES];
    mds_scaling fit;

    (void)unused;
    for (int i = 0; i < SIZES; ++i)
        t[i] = -2e-6 + 1e-6 * sizes[i];
    CHECK_OK(mds_stats_scaling(sizes, t, SIZES, &fit));
    assert_true(fit.t0 >= 0.0);
    assert_true(fit.b > 1.0); /* what is missing at small sizes goes into the exponent */
}

static void the_same_points_give_the_same_interval(void **unused)
{
    double t[SIZES];
    mds_scaling first, second;

    (void)unused;
    for (int i = 0; i < SIZES; ++i)
        t[i] = (1e-4 + 1e-6 * sizes[i]) * (i % 2 ? 1.02 : 0.98);
    CHECK_OK(mds_stats_scaling(sizes, t, SIZES, &first));
    CHECK_OK(mds_stats_scaling(sizes, t, SIZES, &second));
    assert_memory_equal(&first, &second, sizeof first);
    assert_true(first.b_lo < first.b && first.b < first.b_hi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_laws_are_recovered),
        cmocka_unit_test(interval_covers),
        cmocka_unit_test(few_sizes_give_a_power_law),
        cmocka_unit_test(points_without_a_time_are_left_out),
        cmocka_unit_test(the_offset_is_not_negative),
        cmocka_unit_test(the_same_points_give_the_same_interval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
