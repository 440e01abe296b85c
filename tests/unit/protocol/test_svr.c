/* The factor of stochastic velocity rescaling, on its own: moments of the kinetic energy after one
 * step, and the canonical distribution after many. */
#include "unit/protocol/rig.h"

#include "base/units.h"
#include "protocol/svr.h"

enum { DRAWS = 40000 };

/* From K₀, K after Δt is noncentral gamma: with c = exp(−Δt/τ) and K̄ = ½ f kT,
 *   mean = c K₀ + (1 − c) K̄,   variance = (1 − c)² 2K̄²/f + 4 c(1 − c) K₀ K̄/f,
 * for any f, however small: this is what "exact" means. */
static void check_one_step(int freedom, double ratio, double kept)
{
    const double target = 0.5 * MDS_BOLTZMANN_EV * 300.0 * freedom, start = ratio * target;
    const double mean = kept * start + (1.0 - kept) * target;
    const double variance = 2.0 * (1.0 - kept) * (1.0 - kept) * target * target / freedom +
                            4.0 * kept * (1.0 - kept) * start * target / freedom;
    double *k = malloc(DRAWS * sizeof *k);

    for (int i = 0; i < DRAWS; ++i) {
        const double factor = mds_svr_factor(start, freedom, 300.0, -log(kept), 1.0, 77, i);
        k[i] = factor * factor * start;
    }
    rig_check_mean("kinetic energy", k, DRAWS, mean, 0.02);
    rig_to_squares(k, DRAWS, mean);
    rig_check_mean("variance", k, DRAWS, variance, 0.06);
    free(k);
}

static void test_one_step(void **unused)
{
    (void)unused;
    check_one_step(1, 1.0, 0.5);
    check_one_step(2, 0.3, 0.5);
    check_one_step(3, 2.0, 0.9);
    check_one_step(93, 1.0, 0.99);
    check_one_step(3069, 0.5, 0.2);
}

/* One degree of freedom: the sign matters, for the velocity itself is the Ornstein–Uhlenbeck
 * process, whose correlation after Δt is √c. */
static void test_sign(void **unused)
{
    const double kept = 0.25, K0 = 0.5 * MDS_BOLTZMANN_EV * 300.0;
    double *v = malloc(DRAWS * sizeof *v), velocity = 1.0;

    (void)unused;
    for (int i = 0; i < DRAWS; ++i) {
        const double before = velocity;

        velocity *= mds_svr_factor(K0 * velocity * velocity, 1, 300.0, -log(kept), 1.0, 5, i);
        v[i] = before * velocity;
    }
    rig_check_mean("velocity correlation", v, DRAWS, sqrt(kept), 0.05);
    free(v);
}

static void test_limits(void **unused)
{
    (void)unused;
    /* Nothing to scale. */
    assert_true(mds_svr_factor(0.0, 93, 300.0, 1.0, 100.0, 1, 1) == 1.0);
    assert_true(mds_svr_factor(1.0, 0, 300.0, 1.0, 100.0, 1, 1) == 1.0);
    /* At 0 K it cools by exp(−Δt/2τ), without noise. */
    CHECK_NEAR(mds_svr_factor(1.0, 93, 0.0, 1.0, 100.0, 1, 1), exp(-0.005), 1e-14, 0.0);
    /* The same numbers give the same factor; another step or seed another one. */
    const double f = mds_svr_factor(1.0, 93, 300.0, 1.0, 100.0, 1, 1);
    assert_true(f == mds_svr_factor(1.0, 93, 300.0, 1.0, 100.0, 1, 1));
    assert_true(f != mds_svr_factor(1.0, 93, 300.0, 1.0, 100.0, 1, 2));
    assert_true(f != mds_svr_factor(1.0, 93, 300.0, 1.0, 100.0, 2, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_step),
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
