/* Velocity Verlet: exact solutions, order, reversibility, momentum, repeatability. */
#include "unit/protocol/rig.h"

#include "base/units.h"

static const double spring = 5.0; /* preset of the harmonic engine, eV/Å² */

/* Eight atoms at their sites, all displaced by the same amplitude. */
static void open_oscillator(rig *r, double amplitude)
{
    mds_structure s;

    rig_lattice(&s, 18, 2, 6.0, false);
    rig_open(r, &s, "harmonic");
    for (int k = 0; k < 3 * r->state.n; ++k)
        r->state.x[k] += amplitude;
}

/* Position of the oscillator, relative to its site, after `time` with steps of dt. */
static double oscillate(double dt, double time)
{
    rig r;

    open_oscillator(&r, 0.1);
    r.config.dt_fs = dt;
    rig_start(&r, "nve");
    rig_run(&r, (int)lround(time / dt), 0u);
    const double d = r.state.x[0];
    rig_close(&r);
    return d;
}

/* The error of the exact solution x = A cos ωt falls by four when the step is halved; the next term
 * of the expansion, (ωdt)² ≈ 1e-3 relative, is inside the bounds. */
static void test_order(void **unused)
{
    const double omega = sqrt(spring / (mds_element_mass(18) * MDS_MVV_TO_EV));
    const double time = 64.0, exact = 0.1 * cos(omega * time);
    const double coarse = oscillate(1.0, time) - exact, fine = oscillate(0.5, time) - exact;

    (void)unused;
    assert_true(fabs(coarse) > 1e-6);
    CHECK_NEAR(coarse / fine, 4.0, 0.01, 0.0);
}

/* Velocity Verlet solves the oscillator of frequency ω' exactly, with cos ω'dt = 1 − (ωdt)²/2: so
 * the whole trajectory is known to rounding. */
static void test_discrete_solution(void **unused)
{
    const double omega = sqrt(spring / (mds_element_mass(18) * MDS_MVV_TO_EV)), dt = 2.0;
    const double turn = acos(1.0 - 0.5 * omega * omega * dt * dt);
    rig r;

    (void)unused;
    open_oscillator(&r, 0.1);
    r.config.dt_fs = dt;
    rig_start(&r, "nve");
    for (int k = 1; k <= 200; ++k) {
        rig_run(&r, 1, 0u);
        CHECK_NEAR(r.state.x[0], 0.1 * cos(turn * k), 0.0, 1e-12);
    }
    assert_int_equal((int)r.state.step, 200);
    rig_close(&r);
}

static void open_argon(rig *r, double temperature_K)
{
    mds_structure s;

    rig_lattice(&s, 18, 2, 5.4, true);
    rig_open(r, &s, "lj");
    CHECK_OK(mds_state_draw_velocities(&r->state, temperature_K, 7));
}

/* Forward, velocities turned round, back: the start again, up to rounding, which grows with the
 * Lyapunov exponent (about 1/ps here): 1e-9 Å leaves three digits above what is seen. */
static void test_reversible(void **unused)
{
    double start[96];
    rig r;

    (void)unused;
    open_argon(&r, 40.0);
    memcpy(start, r.state.x, sizeof start);
    r.config.dt_fs = 4.0;
    rig_start(&r, "nve");
    rig_run(&r, 250, 0u);
    assert_true(fabs(r.state.x[0] - start[0]) > 1e-3);
    for (int k = 0; k < 96; ++k)
        r.state.v[k] = -r.state.v[k];
    rig_run(&r, 250, 0u);
    for (int k = 0; k < 96; ++k)
        CHECK_NEAR(r.state.x[k], start[k], 0.0, 1e-9);
    rig_close(&r);
}

static void test_momentum_and_energy(void **unused)
{
    double p[3];
    rig r;

    (void)unused;
    open_argon(&r, 60.0);
    rig_start(&r, "nve");
    const double first = r.state.s->conserved_eV;
    CHECK_NEAR(first, r.state.s->potential_eV + r.state.s->kinetic_eV, 0.0, 1e-15);
    CHECK_NEAR(mds_state_temperature(&r.state, r.state.s->kinetic_eV), 60.0, 1e-12, 0.0);
    for (int k = 0; k < 1000; ++k) {
        const mds_scalars *s = r.state.s;

        rig_run(&r, 1, k % 2 ? MDS_WANT_VIRIAL : 0u);
        assert_true(isnan(mds_pressure_GPa(s, r.state.box.volume)) == (k % 2 == 0));
        CHECK_NEAR(s->kinetic_tensor_eV[0][0] + s->kinetic_tensor_eV[1][1] +
                       s->kinetic_tensor_eV[2][2],
                   2.0 * s->kinetic_eV, 1e-13, 0.0);
    }
    /* Rounding of 3000 sums of terms of size m v = 0.1: 1e-12 u Å/fs is generous by ten. */
    rig_momentum(&r.state, p);
    for (int a = 0; a < 3; ++a)
        CHECK_NEAR(p[a], 0.0, 0.0, 1e-12);
    CHECK_NEAR(r.state.s->conserved_eV, first, 0.0, 1e-4);
    rig_close(&r);
}

/* Rms of the total energy about its mean over 2 ps. */
static double energy_noise(double dt)
{
    const int steps = (int)lround(2000.0 / dt);
    double sum = 0.0, square = 0.0, first;
    rig r;

    open_argon(&r, 60.0);
    r.config.dt_fs = dt;
    rig_start(&r, "nve");
    first = r.state.s->conserved_eV;
    for (int k = 0; k < steps; ++k) {
        rig_run(&r, 1, 0u);
        const double e = r.state.s->conserved_eV - first;
        sum += e / steps;
        square += e * e / steps;
    }
    rig_close(&r);
    return sqrt(square - sum * sum);
}

/* Second order: a quarter when the step is halved. 20 % covers the higher orders and the different
 * moments at which the same noise is sampled. */
static void test_energy_noise_is_second_order(void **unused)
{
    const double coarse = energy_noise(8.0), fine = energy_noise(4.0);

    (void)unused;
    CHECK_NEAR(coarse / fine, 4.0, 0.2, 0.0);
}

static void test_repeats_bitwise(void **unused)
{
    double x[96];

    (void)unused;
    for (int turn = 0; turn < 2; ++turn) {
        rig r;

        open_argon(&r, 60.0);
        rig_start(&r, "nve");
        rig_run(&r, 300, 0u);
        if (turn)
            assert_memory_equal(x, r.state.x, sizeof x);
        memcpy(x, r.state.x, sizeof x);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_discrete_solution),
        cmocka_unit_test(test_reversible),
        cmocka_unit_test(test_momentum_and_energy),
        cmocka_unit_test(test_energy_noise_is_second_order),
        cmocka_unit_test(test_repeats_bitwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
