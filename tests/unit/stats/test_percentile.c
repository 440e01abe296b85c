/* Percentiles against NumPy 2.4 (numpy.percentile, method "linear"), order statistics, and the
 * interval of the median. */
#include "harness/test.h"

#include "base/rng.h"
#include "stats/order.h"
#include "stats/stats.h"

static const double percents[] = {0.0,  1.0,  2.5,  10.0, 25.0, 33.3, 50.0, 66.6,
                                  75.0, 90.0, 95.0, 97.5, 99.0, 99.9, 100.0};
static const double one[] = {3.25};
static const double one_want[] = {3.25, 3.25, 3.25, 3.25, 3.25, 3.25, 3.25, 3.25,
                                  3.25, 3.25, 3.25, 3.25, 3.25, 3.25, 3.25};
static const double two[] = {2.0, -1.5};
static const double two_want[] = {-1.5,
                                  -1.465,
                                  -1.4125,
                                  -1.15,
                                  -0.625,
                                  -0.33450000000000024,
                                  0.25,
                                  0.8309999999999997,
                                  1.125,
                                  1.6500000000000001,
                                  1.8249999999999997,
                                  1.9124999999999999,
                                  1.9649999999999999,
                                  1.9965000000000004,
                                  2.0};
static const double ties[] = {1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 7.0, 7.0, 7.0, 7.0};
static const double ties_want[] = {1.0, 1.09, 1.225, 1.9, 2.0, 2.0, 3.0, 6.975999999999999,
                                   7.0, 7.0,  7.0,   7.0, 7.0, 7.0, 7.0};
static const double latency[] = {
    0.00108647882,  0.00108578558,  0.001101246617, 0.00112892447,  0.001131744061, 0.001084902518,
    0.001048362125, 0.001215492185, 0.001008426576, 0.001084207118, 0.001241863562, 0.001278691767,
    0.001093242552, 0.001020448517, 0.001138035484, 0.001028166917, 0.001070757311, 0.001100948446,
    0.001058479095, 0.001126706008, 0.001003633434, 0.001076861666, 0.001248830443};
static const double latency_want[] = {
    0.001003633434,        0.00100468792524,  0.0010062696621, 0.001021992197,
    0.0010646182029999999, 0.001079256283352, 0.00108647882,   0.001117846139932,
    0.0011303342655,       0.0012365892866,   0.0012481337549, 0.0012622680387999999,
    0.00127212227572,      0.001278034817872, 0.001278691767};
static const double wide[] = {133986.728,  1518318.725, -2009955.554, 698100.316, 719686.016,
                              -420912.088, -803084.109, 515648.578,   332889.132, 216325.58,
                              2048779.709, -208632.059, 2212213.233,  806066.887, 4936.717,
                              -57783.048,  3061288.79};
static const double wide_want[] = {
    -2009955.554,       -1816856.1228,      -1527206.976,      -573780.8964,       -57783.048,
    47265.12060799992,  332889.132,         712260.5351999999, 806066.887,         2114153.1186,
    2382028.3443999994, 2721658.5671999995, 2925436.70088,     3047703.5810880014, 3061288.79};

enum { PERCENTS = (int)(sizeof percents / sizeof *percents) };

/* The operations are NumPy's in NumPy's order, so one unit in the last place is allowed only for
 * compilers that fuse a multiplication with an addition. */
static void check_percentiles(const double *x, size_t n, const double *want)
{
    double got[PERCENTS];

    CHECK_OK(mds_stats_percentiles(x, n, percents, PERCENTS, got));
    for (int i = 0; i < PERCENTS; ++i)
        CHECK_NEAR(got[i], want[i], 1e-15, 1e-15 * fabs(x[0]));
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void percentiles_are_those_of_numpy(void **unused)
{
    (void)unused;
    check_percentiles(one, COUNT(one), one_want);
    check_percentiles(two, COUNT(two), two_want);
    check_percentiles(ties, COUNT(ties), ties_want);
    check_percentiles(latency, COUNT(latency), latency_want);
    check_percentiles(wide, COUNT(wide), wide_want);
}

static void input_stays_as_it_is(void **unused)
{
    const double q = 50.0;
    double x[COUNT(wide)], out;

    (void)unused;
    memcpy(x, wide, sizeof x);
    CHECK_OK(mds_stats_percentiles(x, COUNT(x), &q, 1, &out));
    assert_memory_equal(x, wide, sizeof x);
}

static void nothing_has_no_percentile(void **unused)
{
    const double q[] = {0.0, 50.0}, with_nan[] = {1.0, NAN, 3.0};
    double out[] = {1.0, 1.0};

    (void)unused;
    CHECK_OK(mds_stats_percentiles(NULL, 0, q, 2, out));
    assert_true(isnan(out[0]) && isnan(out[1]));
    out[0] = out[1] = 1.0;
    CHECK_OK(mds_stats_percentiles(with_nan, 3, q, 2, out));
    assert_true(isnan(out[0]) && isnan(out[1]));
    assert_true(isnan(mds_stats_percentile_sorted(NULL, 0, 50.0)));
}

static double uniform(uint64_t i)
{
    const mds_philox_block block = mds_rng_block(11, MDS_RNG_TEST, i, 0, 0);

    return mds_uniform(block.word[0], block.word[1]);
}

static void selection_agrees_with_sorting(void **unused)
{
    double x[97], sorted[97];

    (void)unused;
    for (int shape = 0; shape < 4; ++shape) {
        for (size_t k = 0; k < 97; ++k) {
            for (size_t i = 0; i < 97; ++i)
                x[i] = shape == 0   ? uniform(i)
                       : shape == 1 ? floor(5.0 * uniform(i)) /* ties */
                       : shape == 2 ? (double)i
                                    : -(double)i;
            memcpy(sorted, x, sizeof x);
            mds_sort(sorted, 97);
            assert_true(mds_select(x, 97, k) == sorted[k]);
        }
        memcpy(x, sorted, sizeof x);
        assert_true(mds_median(x, 97) == sorted[48]);
        assert_true(mds_median(x, 96) == mds_stats_percentile_sorted(sorted, 96, 50.0));
    }
}

/* Of 2000 samples of 101 numbers, 95 % of the intervals hold the true median (conservatively
 * rounded ranks: a little more). The count is binomial with standard deviation 9.7 around 1900 or
 * above: outside 1850 … 1990 happens by chance less than once in 10⁶ (fixed numbers, so never). */
static void median_interval_covers(void **unused)
{
    int covered = 0;

    (void)unused;
    for (uint64_t sample = 0; sample < 2000; ++sample) {
        double x[101], lo, hi;

        for (uint64_t i = 0; i < 101; ++i)
            x[i] = -log(uniform(1000 + sample * 101 + i));
        CHECK_OK(mds_stats_median_interval(x, 101, 101.0, &lo, &hi));
        covered += lo <= log(2.0) && log(2.0) <= hi;
    }
    assert_in_range(covered, 1850, 1990);
}

static void fewer_effective_samples_widen_the_interval(void **unused)
{
    double x[400], lo, hi, lo_wide, hi_wide;

    (void)unused;
    for (size_t i = 0; i < 400; ++i)
        x[i] = (double)i;
    CHECK_OK(mds_stats_median_interval(x, 400, 400.0, &lo, &hi));
    /* Ranks 200 ± 1.96·√400/2 = 180.4 … 219.6, rounded outwards: values are ranks less one. */
    CHECK_NEAR(lo, 179.0, 0.0, 0.0);
    CHECK_NEAR(hi, 220.0, 0.0, 0.0);
    CHECK_OK(mds_stats_median_interval(x, 400, 100.0, &lo_wide, &hi_wide));
    CHECK_NEAR(lo_wide, 159.0, 0.0, 0.0);
    CHECK_NEAR(hi_wide, 240.0, 0.0, 0.0);
    CHECK_OK(mds_stats_median_interval(x, 400, 2.0, &lo, &hi));
    CHECK_NEAR(lo, 0.0, 0.0, 0.0);
    CHECK_NEAR(hi, 399.0, 0.0, 0.0);
    CHECK_OK(mds_stats_median_interval(x, 0, 1.0, &lo, &hi));
    assert_true(isnan(lo) && isnan(hi));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_those_of_numpy),
        cmocka_unit_test(input_stays_as_it_is),
        cmocka_unit_test(nothing_has_no_percentile),
        cmocka_unit_test(selection_agrees_with_sorting),
        cmocka_unit_test(median_interval_covers),
        cmocka_unit_test(fewer_effective_samples_widen_the_interval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
