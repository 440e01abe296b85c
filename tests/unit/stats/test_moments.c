/* Moments, lines and the drift of conserved quantities, against numbers computed with NumPy. */
#include "harness/test.h"

#include "stats/stats.h"

static const double x[] = {0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110};
static const double y[] = {5.0, 9.2, 9.9, 15.2, 15.2, 16.0, 23.2, 31.4, 90.0, 29.5, 37.0, 39.4};
enum { N = 12 };

static void moments_of_known_numbers(void **unused)
{
    const mds_moments m = mds_stats_moments(y, N);

    (void)unused;
    CHECK_NEAR(m.mean, 26.75, 1e-15, 0.0);
    CHECK_NEAR(m.std, 22.872750758768113, 1e-14, 0.0); /* numpy.std(ddof=1) */
    CHECK_NEAR(m.min, 5.0, 0.0, 0.0);
    CHECK_NEAR(m.max, 90.0, 0.0, 0.0);
    CHECK_NEAR(m.cv, 22.872750758768113 / 26.75, 1e-14, 0.0);
}

static void moments_that_are_not_defined_are_nan(void **unused)
{
    const double one[] = {3.0}, zero_mean[] = {-1.0, 1.0}, hole[] = {1.0, NAN, 2.0};

    (void)unused;
    assert_true(isnan(mds_stats_moments(one, 0).mean));
    assert_true(isnan(mds_stats_moments(one, 0).min));
    assert_true(isnan(mds_stats_moments(one, 1).std));
    CHECK_NEAR(mds_stats_moments(one, 1).mean, 3.0, 0.0, 0.0);
    assert_true(isnan(mds_stats_moments(zero_mean, 2).cv));
    assert_true(isnan(mds_stats_moments(hole, 3).mean));
    assert_true(isnan(mds_stats_moments(hole, 3).max));
}

/* A large offset costs the one-pass formula all its digits; two passes keep them. */
static void variance_survives_a_large_offset(void **unused)
{
    double shifted[1000];

    (void)unused;
    for (int i = 0; i < 1000; ++i)
        shifted[i] = 1e9 + (i % 2);
    /* Variance of 500 zeros and 500 ones, n − 1: 250/999. */
    CHECK_NEAR(mds_stats_moments(shifted, 1000).std, sqrt(250.0 / 999.0), 1e-12, 0.0);
    CHECK_NEAR(mds_stats_moments(shifted, 1000).mean, 1e9 + 0.5, 1e-16, 0.0);
}

static void line_is_that_of_least_squares(void **unused)
{
    const mds_line line = mds_stats_line(x, y, N);

    (void)unused; /* numpy.linalg.lstsq */
    CHECK_NEAR(line.intercept, 3.75769231, 1e-8, 0.0);
    CHECK_NEAR(line.slope, 0.41804196, 1e-7, 0.0);
    CHECK_NEAR(line.rms, 16.471528908051148, 1e-13, 0.0);
    CHECK_NEAR(line.slope_stderr, 0.1508886306019486, 1e-13, 0.0);
}

static void line_needs_two_abscissas(void **unused)
{
    const double same[] = {2.0, 2.0, 2.0};

    (void)unused;
    assert_true(isnan(mds_stats_line(x, y, 0).slope));
    assert_true(isnan(mds_stats_line(x, y, 1).slope));
    assert_true(isnan(mds_stats_line(same, y, 3).slope));
    CHECK_NEAR(mds_stats_line(x, y, 2).slope, 0.42, 1e-14, 0.0);
    assert_true(isnan(mds_stats_line(x, y, 2).slope_stderr));
}

static void drift_in_its_units(void **unused)
{
    enum { COUNT = 101, ATOMS = 50 };
    double t[COUNT], e[COUNT];

    (void)unused;
    for (int i = 0; i < COUNT; ++i) {
        t[i] = 0.01 * i;
        e[i] = -200.0 + 0.05 * t[i] + (i % 2 ? 1e-4 : -1e-4);
    }

    const mds_drift drift = mds_stats_drift(t, e, COUNT, ATOMS);

    CHECK_NEAR(drift.initial, -200.0001, 1e-15, 0.0);
    CHECK_NEAR(drift.final, -199.9501, 1e-15, 0.0);
    /* Towards zero from below is a gain of energy: positive. */
    CHECK_NEAR(drift.relative, 0.05 / 200.0001, 1e-9, 0.0);
    /* 0.05 eV/ps over 50 atoms is 1 meV/atom/ps; the alternation adds less than 1e-4 of that. */
    CHECK_NEAR(drift.slope_meV_atom_ps, 1.0, 1e-4, 0.0);
    CHECK_NEAR(drift.rms_meV_atom, 1e3 * 1e-4 / ATOMS, 1e-3, 0.0);
    CHECK_NEAR(drift.std_eV, mds_stats_moments(e, COUNT).std, 0.0, 0.0);
}

static void drift_of_too_little_is_nan(void **unused)
{
    const double t[] = {0.0}, e[] = {-3.0};
    const mds_drift none = mds_stats_drift(t, e, 0, 8), one = mds_stats_drift(t, e, 1, 8);

    (void)unused;
    assert_true(isnan(none.initial) && isnan(none.relative));
    CHECK_NEAR(one.initial, -3.0, 0.0, 0.0);
    CHECK_NEAR(one.final, -3.0, 0.0, 0.0);
    assert_true(isnan(one.slope_meV_atom_ps) && isnan(one.relative) && isnan(one.std_eV));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_of_known_numbers),
        cmocka_unit_test(moments_that_are_not_defined_are_nan),
        cmocka_unit_test(variance_survives_a_large_offset),
        cmocka_unit_test(line_is_that_of_least_squares),
        cmocka_unit_test(line_needs_two_abscissas),
        cmocka_unit_test(drift_in_its_units),
        cmocka_unit_test(drift_of_too_little_is_nan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
