/* The barostat with atoms: the ideal gas, whose volume distribution is known; balance;
 * repeatability. */
#include "unit/protocol/rig.h"

#include "base/units.h"
#include "protocol/motion.h"

enum { GAS = 27, SAMPLES = 100000, EVERY = 20 };

static const double gas_pressure_GPa = 0.1;

static void open_gas(rig *r)
{
    mds_structure s;

    rig_lattice(&s, 18, 3, 11.0, false);
    assert_int_equal(s.n, GAS);
    rig_open(r, &s, "null");
    CHECK_OK(mds_state_draw_velocities(&r->state, 300.0, 3));
    r->config.pressure_GPa = gas_pressure_GPa;
}

/* With 3N degrees of freedom P(V) ∝ V^N exp(−P₀V/kT): a gamma distribution of shape N + 1, mean
 * (N + 1)kT/P₀ and variance (N + 1)(kT/P₀)². With the centre of mass at rest (3N − 3) shape N. The
 * two means differ by 4 %, the resolution is 1 %. The Euler step of the volume adds Δt/2τ_p = 0.1 %
 * to the variance. The mean of the pressure is P₀ in both. Three checks each, rate 6e-5. */
static void check_gas(int freedom)
{
    const double scale = MDS_BOLTZMANN_EV * 300.0 * MDS_EV_A3_TO_GPA / gas_pressure_GPa;
    const int shape = freedom == 3 * GAS ? GAS + 1 : GAS;
    double *volume = malloc(SAMPLES * sizeof *volume), *pressure = malloc(SAMPLES * sizeof *volume);
    rig r;

    open_gas(&r);
    r.state.degrees_of_freedom = freedom;
    rig_start2(&r, "npt", "compressibility_1_GPa", 1.0 / gas_pressure_GPa, "tau_p_fs", 500.0);
    rig_run(&r, 10000, 0u);
    for (int k = 0; k < SAMPLES; ++k) {
        rig_run(&r, EVERY, 0u);
        volume[k] = r.state.box.volume;
        pressure[k] = mds_pressure_GPa(r.state.s, volume[k]);
    }
    rig_check_mean("pressure", pressure, SAMPLES, gas_pressure_GPa, 0.01);
    rig_check_mean("volume", volume, SAMPLES, shape * scale, 0.01);
    rig_to_squares(volume, SAMPLES, shape * scale);
    rig_check_mean("volume fluctuation", volume, SAMPLES, shape * scale * scale, 0.05);
    rig_close(&r);
    free(volume);
    free(pressure);
}

static void test_ideal_gas(void **unused)
{
    (void)unused;
    check_gas(3 * GAS);
    check_gas(3 * GAS - 3);
}

static void open_solid(rig *r, double dt)
{
    mds_structure s;

    rig_lattice(&s, 18, 2, 5.35, true);
    rig_open(r, &s, "lj");
    CHECK_OK(mds_state_draw_velocities(&r->state, 80.0, 5));
    r->config.temperature_K = 40.0;
    r->config.dt_fs = dt;
}

/* Rms of the conserved quantity over 4 ps of solid argon. */
static double conserved_noise(const char *protocol, double dt)
{
    const int steps = (int)lround(4000.0 / dt);
    double square = 0.0, most = 0.0, first, p[3];
    rig r;

    open_solid(&r, dt);
    rig_start2(&r, protocol, "compressibility_1_GPa", 0.4, "tau_p_fs", 300.0);
    first = r.state.s->conserved_eV;
    CHECK_NEAR(first, r.state.s->potential_eV + r.state.s->kinetic_eV, 0.0, 1e-12);
    const double volume = r.state.box.volume;
    for (int k = 0; k < steps; ++k) {
        rig_run(&r, 1, 0u);
        square += pow(r.state.s->conserved_eV - first, 2) / steps;
        most = fmax(most, fabs(r.state.s->potential_eV + r.state.s->kinetic_eV - first));
    }
    assert_true(r.state.box.volume != volume);
    rig_momentum(&r.state, p);
    for (int a = 0; a < 3; ++a)
        CHECK_NEAR(p[a], 0.0, 0.0, 1e-10);
    /* Both baths did work, much more than the account misses. */
    assert_true(most > 30.0 * sqrt(square));
    rig_close(&r);
    return sqrt(square);
}

/* Verlet leaves Δt², the barostat a random walk of steps Δt^{3/2}, so Δt: at least 3.5 is expected
 * for a quarter of the step, and 1 for an account that is wrong. */
static void test_conserved(void **unused)
{
    static const char *const protocols[] = {"npt-iso", "npt-aniso"};

    (void)unused;
    for (int i = 0; i < 2; ++i) {
        const double coarse = conserved_noise(protocols[i], 4.0);
        const double fine = conserved_noise(protocols[i], 1.0);

        if (!(coarse / fine > 2.0))
            fail_msg("%s: rms %.3g eV at 4 fs, %.3g at 1 fs", protocols[i], coarse, fine);
    }
}

/* The deformation inside the drift is undone by its inverse and turned velocities. */
static void test_deformation_is_reversible(void **unused)
{
    const double e[3][3] = {{1.01, 0, 0}, {0.02, 0.99, 0}, {-0.01, 0.03, 1.02}};
    double inverse[3][3] = {{0}}, x[12], v[12], x0[12], v0[12];

    (void)unused;
    inverse[0][0] = 1.0 / e[0][0];
    inverse[1][1] = 1.0 / e[1][1];
    inverse[2][2] = 1.0 / e[2][2];
    inverse[1][0] = -e[1][0] * inverse[0][0] * inverse[1][1];
    inverse[2][1] = -e[2][1] * inverse[1][1] * inverse[2][2];
    inverse[2][0] = -(e[2][0] * inverse[0][0] + e[2][1] * inverse[1][0]) * inverse[2][2];
    for (int k = 0; k < 12; ++k) {
        x0[k] = x[k] = mds_rng_normal(1, MDS_RNG_TEST, 0, (uint64_t)k, 0);
        v0[k] = v[k] = mds_rng_normal(1, MDS_RNG_TEST, 0, (uint64_t)k, 1);
    }
    mds_motion_drift_deform(4, 0.3, e, (const double(*)[3])inverse, v, x);
    for (int k = 0; k < 12; ++k) {
        assert_true(fabs(x[k] - x0[k]) > 1e-3);
        v[k] = -v[k];
    }
    mds_motion_drift_deform(4, 0.3, (const double(*)[3])inverse, e, v, x);
    for (int k = 0; k < 12; ++k) {
        CHECK_NEAR(x[k], x0[k], 0.0, 1e-14);
        CHECK_NEAR(v[k], -v0[k], 0.0, 1e-14);
    }
}

/* The cell stays restricted, and the atoms move with it: a strained lattice keeps its fractions. */
static void test_aniso_cell(void **unused)
{
    rig r;

    (void)unused;
    open_solid(&r, 2.0);
    rig_start2(&r, "npt-aniso", "compressibility_1_GPa", 0.4, "tau_p_fs", 100.0);
    rig_run(&r, 1000, 0u);
    const double(*h)[3] = (const double(*)[3])r.state.box.h;
    assert_true(h[0][1] == 0.0 && h[0][2] == 0.0 && h[1][2] == 0.0);
    assert_true(h[1][0] != 0.0 && h[2][0] != 0.0 && h[2][1] != 0.0);
    for (int i = 0; i < r.state.n; ++i) {
        double s[3];

        /* fcc fractions are multiples of 1/4 here; atoms vibrate by some 0.3 Å of 10.7, and the
         * solid as a whole may have moved by as much. */
        mds_box_to_fractional(&r.state.box, r.state.x + 3 * i, s);
        for (int a = 0; a < 3; ++a)
            CHECK_NEAR(4.0 * s[a], round(4.0 * s[a]), 0.0, 0.45);
    }
    rig_close(&r);
}

static void test_repeats_bitwise(void **unused)
{
    static const char *const protocols[] = {"npt-iso", "npt-aniso"};

    (void)unused;
    for (int i = 0; i < 2; ++i) {
        double x[3][96];

        for (int turn = 0; turn < 3; ++turn) {
            rig r;

            open_solid(&r, 2.0);
            r.config.seed += turn == 2;
            rig_start(&r, protocols[i]);
            rig_run(&r, 100, 0u);
            memcpy(x[turn], r.state.x, sizeof x[turn]);
            rig_close(&r);
        }
        assert_memory_equal(x[0], x[1], sizeof x[0]);
        assert_memory_not_equal(x[0], x[2], sizeof x[0]);
    }
}

/* Far from the pressure asked for and with a fast barostat the step is refused, by name of the
 * cure. */
static void test_runaway(void **unused)
{
    rig r;

    (void)unused;
    open_gas(&r);
    r.config.pressure_GPa = 100.0;
    rig_start2(&r, "npt", "compressibility_1_GPa", 10.0, "tau_p_fs", 100.0);
    CHECK_FAILS(mds_protocol_step(r.protocol, 0u), MDS_ERR_NUMERIC, "raise tau_p_fs");
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ideal_gas),
        cmocka_unit_test(test_conserved),
        cmocka_unit_test(test_deformation_is_reversible),
        cmocka_unit_test(test_aniso_cell),
        cmocka_unit_test(test_repeats_bitwise),
        cmocka_unit_test(test_runaway),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
