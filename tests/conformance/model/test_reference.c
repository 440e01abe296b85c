/* Every built-in classical model against results of other programs, in all their configurations:
 * small and thin cells, triclinic, rotated, skewed and unwrapped ones, hot snapshots.
 *
 * The tolerances are those of the specification. Both sides are float64 sums of some 10^5 terms of
 * order 1 eV, so agreement to 1e-9 eV per atom leaves three digits for rounding and still sees an
 * error in the tenth digit of any parameter. */
#include "harness/reference.h"
#include "harness/test.h"

#include "model/model.h"

#include <unistd.h>

typedef struct model_row {
    const char *file;    /* below reference/classical/open */
    const char *engine;  /* built-in engine */
    const char *key[2];  /* text options */
    const char *text[2]; /* their values */
    const char *suffix;  /* which of the result arrays */
} model_row;

#define POTENTIALS "/usr/share/lammps/potentials/"

static const model_row rows[] = {
    {"sw_si", "sw", {NULL}, {NULL}, "_indep"},
    {"lj_ar", "lj", {NULL}, {NULL}, "_indep"},
    {"sc_cu", "eam", {"form"}, {"sutton-chen"}, "_indep"},
    {"sc_al", "eam", {"form"}, {"sutton-chen"}, "_indep"},
    /* LAMMPS interpolates a table across the kinks of this one. */
    {"fs_fe", "eam", {"form"}, {"finnis-sinclair"}, "_indep"},
    /* LAMMPS approximates erfc to 1.5e-7; these arrays are with the exact function. */
    {"water_spcfw", "spcfw", {NULL}, {NULL}, "_exact_erfc"},
    {"setfl_cu_mishin",
     "eam",
     {"form", "file"},
     {"setfl", POTENTIALS "Cu_mishin1.eam.alloy"},
     "_indep"},
    {"setfl_al_zhou", "eam", {"form", "file"}, {"setfl", POTENTIALS "Al_zhou.eam.alloy"}, "_indep"},
    {"setfl_al_mendelev", "eam", {"form", "file"}, {"setfl", POTENTIALS "Al_mm.eam.fs"}, "_indep"},
    {"setfl_fe_mendelev", "eam", {"form", "file"}, {"setfl", POTENTIALS "Fe_mm.eam.fs"}, "_indep"},
};

enum { ROWS = (int)(sizeof rows / sizeof *rows) };

static const double energy_tolerance = 1e-9;  /* eV per atom */
static const double force_tolerance = 1e-8;   /* eV/Å */
static const double stress_tolerance = 1e-10; /* eV/Å³ */

typedef struct deviation {
    double energy, force, stress;
} deviation;

static double *results(mds_reference *reference, const char *config, const char *what,
                       const char *suffix)
{
    char path[160];
    double *values;

    snprintf(path, sizeof path, "/configs/%s/%s%s", config, what, suffix);
    values = mds_reference_array(reference, path, NULL);
    if (!values)
        fail_msg("%s is missing in the reference file", path);
    return values;
}

static void compare(mds_model *model, mds_device *device, mds_reference *reference,
                    const char *config, const char *suffix, deviation *worst)
{
    char group[128];
    mds_structure structure;
    mds_state state = {0};
    mds_scalars s;
    double *energy = results(reference, config, "energy", suffix);
    double *forces = results(reference, config, "forces", suffix);
    double *stress = results(reference, config, "stress", suffix);

    snprintf(group, sizeof group, "/configs/%s", config);
    assert_true(mds_reference_structure(reference, group, &structure));
    CHECK_OK(mds_state_init(&state, device, &structure));
    CHECK_OK(mds_model_prepare(model, &state));
    CHECK_OK(mds_model_compute(model, &state, MDS_WANT_VIRIAL));
    CHECK_OK(mds_state_fetch_scalars(&state, &s));
    double *f = malloc((size_t)state.n * 3 * sizeof *f);
    CHECK_OK(
        mds_device_copy(device, f, state.f, (size_t)state.n * 3 * sizeof *f, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(device));
    worst->energy = fmax(worst->energy, fabs(s.potential_eV - energy[0]) / state.n);
    CHECK_NEAR(s.potential_eV / state.n, energy[0] / state.n, 0.0, energy_tolerance);
    for (int k = 0; k < 3 * state.n; ++k) {
        worst->force = fmax(worst->force, fabs(f[k] - forces[k]));
        CHECK_NEAR(f[k], forces[k], 0.0, force_tolerance);
    }
    for (int k = 0; k < 9; ++k) {
        const double got = -s.virial_eV[k / 3][k % 3] / state.box.volume;

        worst->stress = fmax(worst->stress, fabs(got - stress[k]));
        CHECK_NEAR(got, stress[k], 0.0, stress_tolerance);
    }
    CHECK_OK(mds_device_sync(device));
    mds_state_fini(&state);
    mds_structure_fini(&structure);
    free(f);
    free(energy);
    free(forces);
    free(stress);
}

/* One model for all configurations of a file, so that prepare() meets other sizes and cells. */
static void check_row(const model_row *row, const char *device_name)
{
    char path[128];
    int count = 0;
    deviation worst = {0};
    mds_model_spec spec;
    mds_device *device;
    mds_model *model;

    snprintf(path, sizeof path, "reference/classical/open/%s.h5", row->file);
    mds_reference *reference = mds_reference_open(path);
    assert_non_null(reference);
    char **configs = mds_reference_list(reference, "/configs", &count);
    assert_true(count > 5);
    CHECK_OK(mds_model_spec_init(&spec, row->file, row->engine, MDS_PRECISION_FP64));
    for (int k = 0; k < 2 && row->key[k]; ++k)
        CHECK_OK(mds_options_set_text(&spec.options, row->key[k], row->text[k]));
    CHECK_OK(mds_device_open(device_name, &device));
    CHECK_OK(mds_model_create(&spec, device, &model));
    for (int c = 0; c < count; ++c) {
        printf("%s %s\n", row->file, configs[c]);
        compare(model, device, reference, configs[c], row->suffix, &worst);
    }
    printf("%s on %s: %d configurations, dE/N %.1e eV, dF %.1e eV/Å, dstress %.1e eV/Å³\n",
           row->file, device_name, count, worst.energy, worst.force, worst.stress);
    mds_model_destroy(model);
    mds_device_close(device);
    mds_reference_list_free(configs, count);
    mds_reference_close(reference);
}

static void row_agrees(void **state)
{
    const model_row *row = *state;

    if (row->text[1] && access(row->text[1], R_OK) != 0) {
        printf("%s is not there (Debian: lammps-data)\n", row->text[1]);
        skip();
    }
    check_row(row, "cpu");
    if (mds_engine_find(row->engine)->on_sim)
        check_row(row, "sim");
    mds_device *cuda;
    if (mds_engine_find(row->engine)->compute_cuda && mds_device_open("cuda:0", &cuda) == MDS_OK) {
        mds_device_close(cuda);
        check_row(row, "cuda:0");
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS];

    SKIP_WITHOUT_DATA();
    for (int i = 0; i < ROWS; ++i)
        tests[i] = (struct CMUnitTest){
            .name = rows[i].file, .test_func = row_agrees, .initial_state = (void *)&rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
