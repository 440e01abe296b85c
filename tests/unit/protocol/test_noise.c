/* The blocks of normal numbers: those of base/rng.h, the same bits from every variant, and normal.
 */
#include "unit/protocol/rig.h"

#include "protocol/noise.h"

/* Logarithm and cosine here and those of libm differ by an ulp or two each, times a number up to 8.
 */
static void test_equal_to_rng(void **unused)
{
    static const uint64_t seeds[] = {0, 1, 20251123, UINT64_MAX};
    static const int64_t steps[] = {0, 7, INT64_C(1) << 33};
    double r[3][MDS_NOISE_BLOCK];

    (void)unused;
    for (size_t s = 0; s < sizeof seeds / sizeof *seeds; ++s)
        for (size_t t = 0; t < sizeof steps / sizeof *steps; ++t)
            for (int first = 0; first < 1024; first += MDS_NOISE_BLOCK) {
                mds_noise_find()(seeds[s], MDS_RNG_LANGEVIN, steps[t], first, r);
                for (int k = 0; k < MDS_NOISE_BLOCK; ++k)
                    for (int a = 0; a < 3; ++a)
                        CHECK_NEAR(r[a][k],
                                   mds_rng_normal(seeds[s], MDS_RNG_LANGEVIN, (uint64_t)steps[t],
                                                  (uint64_t)(first + k), (uint32_t)a),
                                   1e-14, 1e-14);
            }
}

static void test_variants_agree_bitwise(void **unused)
{
    double base[3][MDS_NOISE_BLOCK], found[3][MDS_NOISE_BLOCK];

    (void)unused;
    for (int step = 0; step < 200; ++step) {
        mds_noise_base(5, MDS_RNG_LANGEVIN, step, 64 * step, base);
        mds_noise_find()(5, MDS_RNG_LANGEVIN, step, 64 * step, found);
        assert_memory_equal(base, found, sizeof base);
    }
}

/* Moments of 3.8e6 numbers, each with the false-alarm rate of rig_check_mean(); the fourth sees the
 * tails. The mean is compared after a shift by 1, so that its resolution is relative to something.
 */
static void test_moments(void **unused)
{
    enum { STEPS = 20000, COUNT = STEPS * 3 * MDS_NOISE_BLOCK };
    double *x = malloc(COUNT * sizeof *x), *power = malloc(COUNT * sizeof *x);

    (void)unused;
    for (int step = 0; step < STEPS; ++step)
        mds_noise_find()(99, MDS_RNG_TEST, step, 0,
                         (double(*)[MDS_NOISE_BLOCK])(x + (size_t)step * 3 * MDS_NOISE_BLOCK));
    for (int k = 0; k < COUNT; ++k)
        power[k] = 1.0 + x[k];
    rig_check_mean("mean + 1", power, COUNT, 1.0, 0.002);
    for (int k = 0; k < COUNT; ++k)
        power[k] = x[k] * x[k];
    rig_check_mean("second moment", power, COUNT, 1.0, 0.002);
    for (int k = 0; k < COUNT; ++k)
        power[k] *= power[k];
    rig_check_mean("fourth moment", power, COUNT, 3.0, 0.005);
    free(x);
    free(power);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_to_rng),
        cmocka_unit_test(test_variants_agree_bitwise),
        cmocka_unit_test(test_moments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
