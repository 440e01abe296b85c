/* The thermostats and barostats with the reference models: temperature, pressure, lattice constant,
 * compressibility. Means are compared by rig_check_mean(): 40 blocks, each long against the slowest
 * relaxation, with a false-alarm rate of 6e-5 per check. Seeds are fixed. */
#include "base/units.h"
#include "harness/reference.h"
#include "unit/protocol/rig.h"

/* Starts from the first frame of a trajectory at constant energy, which is thermal. */
static void open_thermal(rig *r, const char *model, const char *group)
{
    char file[128], path[128];
    mds_structure s;

    snprintf(file, sizeof file, "reference/classical/open/%s.h5", model);
    snprintf(path, sizeof path, "/nve/%s", group);
    mds_reference *reference = mds_reference_open(file);
    assert_non_null(reference);
    assert_true(mds_reference_structure(reference, path, &s));
    rig_open(r, &s, "reference");
    snprintf(path, sizeof path, "/nve/%s/velocities0_A_per_fs", group);
    double *v = mds_reference_array(reference, path, NULL);
    memcpy(r->state.v, v, (size_t)r->state.n * 3 * sizeof *v);
    free(v);
    mds_reference_close(reference);
}

typedef struct thermal {
    const char *model, *group, *protocol;
    double dt_fs;
    int steps;
    double resolution; /* of the mean temperature, relative */
} thermal;

/* BAOAB velocities are cold by (ωΔt)²/4: 0.1 % on average for silicon at 1 fs, 0.2 % for water at
 * 0.25 fs, a fraction of the resolution. The rescaling thermostats act on the kinetic energy
 * itself. */
static const thermal baths[] = {
    {"sw_si", "64_dt0.001", "nvt-langevin", 1.0, 120000, 0.006},
    {"sw_si", "64_dt0.001", "nvt-svr", 1.0, 120000, 0.006},
    {"sw_si", "64_dt0.001", "nvt-nhc", 1.0, 120000, 0.006},
    {"water_spcfw", "96_dt0.0005", "nvt-langevin", 0.25, 80000, 0.01},
    {"water_spcfw", "96_dt0.0005", "nvt-svr", 0.5, 60000, 0.01},
    {"water_spcfw", "96_dt0.0005", "nvt-nhc", 0.5, 60000, 0.01},
};

static void check_bath(const thermal *what)
{
    enum { EVERY = 10 };
    const int samples = what->steps / EVERY;
    double *temperature = malloc((size_t)samples * sizeof *temperature), mean, error, drift = 0.0;
    rig r;

    open_thermal(&r, what->model, what->group);
    r.config.dt_fs = what->dt_fs;
    rig_start(&r, what->protocol);
    rig_run(&r, 2000, 0u);
    const double start = r.state.s->conserved_eV;
    for (int k = 0; k < samples; ++k) {
        rig_run(&r, EVERY, 0u);
        temperature[k] = mds_state_temperature(&r.state, r.state.s->kinetic_eV);
        drift = fmax(drift, fabs(r.state.s->conserved_eV - start));
    }
    rig_student(temperature, samples, 300.0, &mean, &error);
    printf("%s %s: T = %.2f ± %.2f K, conserved within %.1e meV/atom\n", what->model,
           what->protocol, mean, error, 1e3 * drift / r.state.n);
    rig_check_mean(what->protocol, temperature, samples, 300.0, what->resolution);
    /* Gamma distribution of the kinetic energy: the variance is 2T²/f. */
    rig_to_squares(temperature, samples, 300.0);
    rig_check_mean("temperature fluctuation", temperature, samples,
                   2.0 * 300.0 * 300.0 / r.state.degrees_of_freedom, 0.1);
    /* Noise of Verlet plus its drift: 1 meV/atom is 4 % of kT and of what the bath exchanged. */
    assert_true(drift < 1e-3 * r.state.n);
    free(temperature);
    rig_close(&r);
}

static void test_baths(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof baths / sizeof *baths; ++i)
        check_bath(&baths[i]);
}

typedef struct solid {
    const char *model, *group, *protocol;
    int cells;    /* cubic cells along an edge */
    double a0, B; /* of the static lattice: Å, GPa (spec §2) */
    double compressibility;
} solid;

static const solid solids[] = {
    {"sw_si", "64_dt0.001", "npt-iso", 2, 5.430950, 101.42, 0.01},
    {"sw_si", "64_dt0.001", "npt-aniso", 2, 5.430950, 101.42, 0.01},
    {"sc_cu", "32_dt0.001", "npt-iso", 2, 3.607621, 144.10, 0.007},
    {"sc_cu", "32_dt0.001", "npt-aniso", 2, 3.607621, 144.10, 0.007},
};

enum { SAMPLES = 20000, STRIDE = 8 };

static void check_shape(const solid *what, double *x[4])
{
    double mean, error;

    /* a = c in the mean, and no shear: cubic stays cubic. */
    for (int k = 0; k < SAMPLES; ++k)
        x[2][k] -= x[3][k];
    const double t = rig_student(x[2], SAMPLES, 0.0, &mean, &error);
    printf("    a - c = %.4f ± %.4f Å", mean, error);
    assert_true(error < 5e-3 * what->cells * what->a0);
    assert_true(fabs(t) <= 4.5);
    const double shear = rig_student(x[1], SAMPLES, 0.0, &mean, &error);
    printf(", c_y = %.4f ± %.4f Å\n", mean, error);
    assert_true(error < 5e-3 * what->cells * what->a0);
    assert_true(fabs(shear) <= 4.5);
}

static void check_solid(const solid *what, uint64_t seed)
{
    const double edges = what->cells;
    double *pressure = malloc(SAMPLES * sizeof *pressure), *x[4], mean, error, drift = 0.0;
    rig r;

    for (int c = 0; c < 4; ++c)
        x[c] = malloc(SAMPLES * sizeof(double));
    open_thermal(&r, what->model, what->group);
    /* The mean pressure is tied to the mean of the barostat's noise: another seed for each. */
    r.config.seed = seed;
    rig_start2(&r, what->protocol, "tau_p_fs", 200.0, "compressibility_1_GPa",
               what->compressibility);
    rig_run(&r, 4000, 0u);
    const double start = r.state.s->conserved_eV;
    for (int k = 0; k < SAMPLES; ++k) {
        rig_run(&r, STRIDE, 0u);
        pressure[k] = mds_pressure_GPa(r.state.s, r.state.box.volume);
        x[0][k] = r.state.box.volume;
        x[1][k] = r.state.box.h[2][1];
        x[2][k] = r.state.box.h[0][0];
        x[3][k] = r.state.box.h[2][2];
        drift = fmax(drift, fabs(r.state.s->conserved_eV - start));
    }
    const double t = rig_student(pressure, SAMPLES, 0.0, &mean, &error);
    printf("%s %s: P = %.3f ± %.3f GPa", what->model, what->protocol, mean, error);
    assert_true(fabs(t) <= 4.5);
    /* 0.1 GPa would be 0.03 % of the lattice constant. */
    assert_true(error < 0.1);
    rig_student(x[0], SAMPLES, 0.0, &mean, &error);
    const double volume = mean, a = cbrt(volume) / edges;
    /* Expansion at 300 K: about 0.8 % for copper, 0.1 % for silicon; never a contraction. */
    printf(", a/a0 = %.5f", a / what->a0);
    assert_true(a > what->a0 && a < 1.01 * what->a0);
    /* ⟨δV²⟩ = kT V/B. Expanded by 2.4 % in volume, copper (dB/dP about 5.5) is softer than its
     * static lattice by 13 %, silicon by less: the fluctuation must meet the interval 0.8 B to B,
     * within 4.5 of its errors. */
    double *square = x[0];
    rig_to_squares(square, SAMPLES, volume);
    rig_student(square, SAMPLES, 0.0, &mean, &error);
    const double scale = MDS_BOLTZMANN_EV * 300.0 * volume * MDS_EV_A3_TO_GPA;
    printf(", B = %.0f ± %.0f GPa, conserved within %.1e meV/atom\n", scale / mean,
           scale / mean * error / mean, 1e3 * drift / r.state.n);
    assert_true(error < 0.12 * mean);
    assert_true(mean + 4.5 * error > scale / what->B);
    assert_true(mean - 4.5 * error < scale / (0.8 * what->B));
    assert_true(drift < 1e-3 * r.state.n);
    if (strstr(what->protocol, "aniso"))
        check_shape(what, x);
    for (int c = 0; c < 4; ++c)
        free(x[c]);
    free(pressure);
    rig_close(&r);
}

static void test_solids(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof solids / sizeof *solids; ++i)
        check_solid(&solids[i], 1000 + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baths),
        cmocka_unit_test(test_solids),
    };

    SKIP_WITHOUT_DATA();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
