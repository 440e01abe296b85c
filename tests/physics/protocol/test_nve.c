/* Constant energy with the reference models: the trajectories of LAMMPS step by step, and the drift
 * and noise of the total energy over 1 ps (spec/classical-potentials.md §3 and §5). */
#include "base/units.h"
#include "harness/reference.h"
#include "unit/protocol/rig.h"

typedef struct run {
    const char *file, *group;
    int steps;
    double close_10, close_100; /* Å, positions after 10 and 100 steps */
    double rms, slope;          /* meV/atom, meV/atom/ps: bounds */
} run;

/* Positions: 1e-8 Å where LAMMPS evaluates the same formula (the constants of LAMMPS and CODATA
 * 2022 differ by 6e-8 in u (Å/fs)²). Iron there is a table across two kinks (ΔF 6e-6 eV/Å) and
 * water has an erfc good to 1e-7 (ΔF 1e-6 eV/Å, light atoms): ½ (ΔF/m) t² is 5e-6 and 1e-5 Å after
 * 100 steps, 5e-8 and 1e-7 after 10; the bounds are a few times that. Energies: twice the larger
 * rms of the table, its rule for slopes (5e-3 solids, 2e-3 was seen for water). */
static const run runs[] = {
    {"sw_si", "64_dt0.001", 1000, 1e-11, 1e-11, 2 * 4.7e-3, 5e-3},
    {"sw_si", "216_dt0.001", 1000, 1e-11, 1e-11, 2 * 3.0e-3, 5e-3},
    {"sc_cu", "32_dt0.001", 1000, 1e-11, 1e-11, 2 * 1.9e-3, 5e-3},
    {"sc_cu", "256_dt0.001", 1000, 1e-11, 1e-11, 2 * 4.1e-4, 5e-3},
    {"fs_fe", "32_dt0.001", 1000, 3e-7, 3e-5, 2 * 2.7e-3, 5e-3},
    {"lj_ar", "32_dt0.001", 1000, 1e-11, 1e-11, 2 * 1.8e-5, 1e-4},
    {"lj_ar", "256_dt0.001", 1000, 1e-11, 1e-11, 2 * 7.0e-6, 1e-4},
    {"water_spcfw", "96_dt0.0005", 2000, 1e-6, 1e-4, 2 * 3.6e-2, 1e-2},
};

static double *array(mds_reference *reference, const run *what, const char *name, int *count)
{
    char path[256];

    snprintf(path, sizeof path, "/nve/%s/%s", what->group, name);
    double *values = mds_reference_array(reference, path, count);
    if (!values)
        fail_msg("%s: no %s", what->file, path);
    return values;
}

static void check_positions(const rig *r, mds_reference *reference, const run *what,
                            const char *name, double tolerance)
{
    double *want = array(reference, what, name, NULL), most = 0.0;

    for (int k = 0; k < 3 * r->state.n; ++k)
        most = fmax(most, fabs(r->state.x[k] - want[k]));
    printf("%s %s %s: %.1e Å from LAMMPS\n", what->file, what->group, name, most);
    if (!(most <= tolerance))
        fail_msg("%s %s %s: %.3g Å, allowed %.1g", what->file, what->group, name, most, tolerance);
    free(want);
}

/* Rms about the mean and least-squares slope of count equidistant values over `span`. */
static void line(const double *e, int count, double span, double *rms, double *slope)
{
    double mean = 0.0, square = 0.0, cross = 0.0, spread = 0.0;

    for (int k = 0; k < count; ++k)
        mean += e[k] / count;
    for (int k = 0; k < count; ++k) {
        const double t = span * ((double)k / (count - 1) - 0.5);

        square += (e[k] - mean) * (e[k] - mean) / count;
        cross += t * (e[k] - mean);
        spread += t * t;
    }
    *rms = sqrt(square);
    *slope = cross / spread;
}

static void check_energy(const rig *r, mds_reference *reference, const run *what, double *energy,
                         int count)
{
    const double to_meV_atom = 1e3 / r->state.n, span_ps = 1e-3 * r->config.dt_fs * what->steps;
    double rms, slope, their_rms, their_slope, *theirs;
    int values;

    theirs = array(reference, what, "thermo", &values);
    assert_int_equal(values, 6 * count);
    for (int k = 0; k < count; ++k)
        theirs[k] = theirs[6 * k + 3];
    line(energy, count, span_ps, &rms, &slope);
    line(theirs, count, span_ps, &their_rms, &their_slope);
    printf("%s %s: rms %.2e (LAMMPS %.2e) meV/atom, slope %.1e (%.1e) meV/atom/ps\n", what->file,
           what->group, rms * to_meV_atom, their_rms * to_meV_atom, slope * to_meV_atom,
           their_slope * to_meV_atom);
    if (!(rms * to_meV_atom <= what->rms) || !(fabs(slope) * to_meV_atom <= what->slope))
        fail_msg("%s %s: rms %.3g, slope %.3g", what->file, what->group, rms * to_meV_atom,
                 slope * to_meV_atom);
    /* The same trajectory has the same noise, apart from what chaos and 8 printed digits change. */
    CHECK_NEAR(rms, their_rms, 0.03, 0.0);
    free(theirs);
}

static void follow(const run *what)
{
    char file[128], group[128];
    mds_structure s;
    rig r;

    snprintf(file, sizeof file, "reference/classical/open/%s.h5", what->file);
    snprintf(group, sizeof group, "/nve/%s", what->group);
    mds_reference *reference = mds_reference_open(file);
    assert_non_null(reference);
    assert_true(mds_reference_structure(reference, group, &s));
    /* LAMMPS's u (Å/fs)² is 103.64269 eV: heavier atoms by so much make ours the same. */
    for (int i = 0; i < s.n; ++i)
        s.mass[i] *= 103.64269 / MDS_MVV_TO_EV;
    rig_open(&r, &s, "reference");
    double *v = array(reference, what, "velocities0_A_per_fs", NULL);
    memcpy(r.state.v, v, (size_t)r.state.n * 3 * sizeof *v);
    free(v);
    r.config.dt_fs = mds_reference_scalar(reference, group, "dt_fs");
    rig_start(&r, "nve");

    const int count = what->steps / 10 + 1;
    double *energy = malloc((size_t)count * sizeof *energy), p[3];
    for (int k = 0; k < count; ++k) {
        if (k > 0)
            rig_run(&r, 10, 0u);
        energy[k] = r.state.s->conserved_eV;
        if (k == 1)
            check_positions(&r, reference, what, "positions_10", what->close_10);
        if (k == 10)
            check_positions(&r, reference, what, "positions_100", what->close_100);
    }
    check_energy(&r, reference, what, energy, count);
    rig_momentum(&r.state, p);
    /* Velocities of the files carry a momentum of rounding; it must not have grown. */
    for (int a = 0; a < 3; ++a)
        CHECK_NEAR(p[a], 0.0, 0.0, 1e-6);
    free(energy);
    rig_close(&r);
    mds_reference_close(reference);
}

static void test_trajectories(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; ++i)
        follow(&runs[i]);
}

/* Silicon from the first frame, `steps` there and back: the start again. The bound 1e-9 Å is
 * rounding (1e-15 of 10 Å) grown by the chaos of a picosecond. */
static void test_reversible(void **unused)
{
    mds_reference *reference = mds_reference_open("reference/classical/open/sw_si.h5");
    mds_structure s;
    rig r;

    (void)unused;
    assert_non_null(reference);
    assert_true(mds_reference_structure(reference, "/nve/64_dt0.001", &s));
    rig_open(&r, &s, "reference");
    double *v = array(reference, &runs[0], "velocities0_A_per_fs", NULL);
    double start[192];
    memcpy(r.state.v, v, sizeof start);
    memcpy(start, r.state.x, sizeof start);
    rig_start(&r, "nve");
    rig_run(&r, 500, 0u);
    for (int k = 0; k < 192; ++k)
        r.state.v[k] = -r.state.v[k];
    rig_run(&r, 500, 0u);
    for (int k = 0; k < 192; ++k)
        CHECK_NEAR(r.state.x[k], start[k], 0.0, 1e-9);
    free(v);
    rig_close(&r);
    mds_reference_close(reference);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trajectories),
        cmocka_unit_test(test_reversible),
    };

    SKIP_WITHOUT_DATA();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
