/* The integrated autocorrelation time of series whose time is known. */
#include "harness/test.h"

#include "base/rng.h"
#include "stats/stats.h"

/* AR(1): x(i) = φ x(i−1) + noise has τ = (1 + φ)/(2(1 − φ)). */
static double *autoregressive(double phi, size_t n)
{
    double *x = malloc(n * sizeof *x), v = 0.0;

    assert_non_null(x);
    for (size_t i = 0; i < n; ++i) {
        v = phi * v + sqrt(1.0 - phi * phi) * mds_rng_normal(8, MDS_RNG_TEST, i, 0, 0);
        x[i] = v;
    }
    return x;
}

/* Relative error of τ about √(2(2M+1)/n) with a window M of some 5τ (Madras & Sokal 1988): 7 %, 5 %
 * and 14 % for these; four times that is allowed. */
static void time_of_autoregressive_series(void **unused)
{
    const struct {
        double phi, tolerance;
        size_t n;
    } cases[] = {{0.5, 0.15, 20000}, {0.9, 0.2, 100000}, {0.99, 0.4, 200000}};

    (void)unused;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
        const double phi = cases[k].phi;
        double *x = autoregressive(phi, cases[k].n);

        CHECK_NEAR(mds_stats_autocorrelation_time(x, cases[k].n), 0.5 * (1.0 + phi) / (1.0 - phi),
                   cases[k].tolerance, 0.0);
        free(x);
    }
}

/* Longer than a level of lags: the coarsened series must give the same. */
static void time_of_a_very_slow_series(void **unused)
{
    const size_t n = 1000000;
    const double phi = 0.999;
    double *x = autoregressive(phi, n);

    (void)unused;
    CHECK_NEAR(mds_stats_autocorrelation_time(x, n), 0.5 * (1.0 + phi) / (1.0 - phi), 0.5, 0.0);
    free(x);
}

static void uncorrelated_and_anticorrelated_series(void **unused)
{
    double *x = autoregressive(0.0, 50000);

    (void)unused;
    CHECK_NEAR(mds_stats_autocorrelation_time(x, 50000), 0.5, 0.1, 0.0);
    for (size_t i = 0; i < 1000; ++i)
        x[i] = i % 2 ? 1.0 : -1.0;
    CHECK_NEAR(mds_stats_autocorrelation_time(x, 1000), 0.5, 0.0, 0.0);
    free(x);
}

static void constants_and_nothing(void **unused)
{
    double x[100];

    (void)unused;
    for (int i = 0; i < 100; ++i)
        x[i] = 0.1;
    CHECK_NEAR(mds_stats_autocorrelation_time(x, 100), 0.5, 0.0, 0.0);
    CHECK_NEAR(mds_stats_autocorrelation_time(x, 1), 0.5, 0.0, 0.0);
    CHECK_NEAR(mds_stats_autocorrelation_time(x, 0), 0.5, 0.0, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_of_autoregressive_series),
        cmocka_unit_test(time_of_a_very_slow_series),
        cmocka_unit_test(uncorrelated_and_anticorrelated_series),
        cmocka_unit_test(constants_and_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
