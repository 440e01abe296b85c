/* What the reference files do not cover: alloys, derivatives, options and refusals, interpolation
 * at the ends of a table, unphysical states. */
#include "harness/test.h"
#include "md/state.h"
#include "model/eam/eam_kernel.h"
#include "model/eam/eam_table.h"
#include "model/model.h"

#include <unistd.h>

#define POTENTIALS "/usr/share/lammps/potentials/"

typedef struct bench {
    mds_device *device;
    mds_structure structure;
    mds_state state;
    mds_model *model;
} bench;

static mds_model_spec make_spec(const char *form, const char *file, const char *simd)
{
    mds_model_spec spec;

    CHECK_OK(mds_model_spec_init(&spec, "test", "eam", MDS_PRECISION_AUTO));
    CHECK_OK(mds_options_set_text(&spec.options, "form", form));
    CHECK_OK(mds_options_set_text(&spec.options, "file", file));
    CHECK_OK(mds_options_set_text(&spec.options, "simd", simd));
    return spec;
}

/* 24 atoms: 3 × 2 × 2 cells of a body-centred lattice, displaced by a fixed rule, elements in a
 * fixed order. */
static void make_structure(mds_structure *out, const int *z, int elements, double a)
{
    memset(out, 0, sizeof *out);
    CHECK_OK(mds_structure_init(out, 24, false));
    CHECK_OK(mds_box_set_orthogonal(&out->box, 3 * a, 2 * a, 2 * a));
    for (int k = 0; k < 24; ++k) {
        const int cell[3] = {k / 8, k / 4 % 2, k / 2 % 2};

        for (int c = 0; c < 3; ++c)
            out->x[3 * k + c] = a * (cell[c] + 0.5 * (k % 2)) + 0.02 * ((k * 7 + c * 5) % 11 - 5);
        out->type[k] = mds_species_add(&out->species, z[(k + (k % 5 == 0)) % elements]);
        out->mass[k] = out->species.mass[out->type[k]];
    }
}

static void open_bench(bench *b, const mds_model_spec *spec)
{
    memset(&b->state, 0, sizeof b->state);
    CHECK_OK(mds_device_open("cpu", &b->device));
    CHECK_OK(mds_state_init(&b->state, b->device, &b->structure));
    CHECK_OK(mds_model_create(spec, b->device, &b->model));
    CHECK_OK(mds_model_prepare(b->model, &b->state));
}

static void close_bench(bench *b)
{
    mds_model_destroy(b->model);
    mds_state_fini(&b->state);
    mds_structure_fini(&b->structure);
    mds_device_close(b->device);
}

static const char *const variants[] = {"base", "avx2", "avx512"};

/* Alloys against LAMMPS 29 Sep 2021 (Debian), same structures: energy eV, pressure bar with its
 * constant 1.6021765e6 bar Å³/eV, forces on atoms 0 and 5. Its figures were printed to 15 digits;
 * both codes interpolate the same cubics, so 1e-11 is rounding with two orders of room. */
static const struct {
    const char *file;
    int z[3], elements;
    double a, energy, pressure[2], force[2][3];
} alloys[] = {
    {POTENTIALS "AlFe_mm.eam.fs",
     {13, 26},
     2,
     2.9,
     -92.9476927101671,
     {-36899.9556065237, -409.95595270002},
     {{0.277571785497356, 0.479248519266973, -1.33763971584051},
      {0.795544463610246, -0.222537405244638, 0.723557632233127}}},
    {POTENTIALS "NiAlH_jea.eam.fs",
     {28, 13, 1},
     3,
     3.0,
     -74.6753490415103,
     {-137388.569832336, 586.189562270654},
     {{-0.246852680627789, -0.0891541254034375, -0.166208152589506},
      {0.0843681806579654, -0.533448156804258, 0.0856367735265442}}},
    {POTENTIALS "NiAlH_jea.eam.alloy",
     {28, 13, 1},
     3,
     3.0,
     -74.6753490415103,
     {-137388.569832336, 586.189562270654},
     {{-0.246852680627789, -0.0891541254034375, -0.166208152589506},
      {0.0843681806579654, -0.533448156804258, 0.0856367735265442}}},
    {POTENTIALS "CuNi.eam.alloy",
     {29, 28},
     2,
     3.0,
     -91.8364276595147,
     {-140372.962017133, -5616.05127049568},
     {{0.249160753816042, 0.245705302537754, -0.733411278889347},
      {0.315612658984821, -0.378072936877741, 0.321950303157855}}},
};

static bool installed(const char *file)
{
    return !*file || access(file, R_OK) == 0;
}

static void test_alloys(void **state)
{
    (void)state;
    const double bar = 1.6021765e6;

    for (size_t i = 0; i < sizeof alloys / sizeof *alloys; ++i) {
        for (size_t v = 0; installed(alloys[i].file) && v < 3; ++v) {
            const eam_kernel *kernel;
            bench b;

            if (eam_kernel_find(variants[v], &kernel) != MDS_OK)
                continue;
            make_structure(&b.structure, alloys[i].z, alloys[i].elements, alloys[i].a);
            const mds_model_spec spec = make_spec("auto", alloys[i].file, variants[v]);
            open_bench(&b, &spec);
            CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
            CHECK_NEAR(b.state.s->potential_eV, alloys[i].energy, 0, 1e-11);
            for (int c = 0; c < 3; ++c) {
                CHECK_NEAR(b.state.f[c], alloys[i].force[0][c], 0, 1e-11);
                CHECK_NEAR(b.state.f[15 + c], alloys[i].force[1][c], 0, 1e-11);
            }
            const double volume = b.state.box.volume;
            CHECK_NEAR(b.state.s->virial_eV[0][0] / volume * bar, alloys[i].pressure[0], 1e-12, 0);
            CHECK_NEAR(b.state.s->virial_eV[0][1] / volume * bar, alloys[i].pressure[1], 0, 1e-6);
            close_bench(&b);
        }
    }
}

/* Forms for the derivative and repeatability tests. */
static const struct {
    const char *form, *file;
    int z[2], elements;
    double a;
} forms[] = {
    {"sutton-chen", "", {29}, 1, 2.9},
    {"sutton-chen", "", {13}, 1, 3.2},
    {"finnis-sinclair", "", {26}, 1, 2.87},
    {"setfl", POTENTIALS "Cu_mishin1.eam.alloy", {29}, 1, 2.9},
    {"setfl", POTENTIALS "AlFe_mm.eam.fs", {13, 26}, 2, 2.9},
};

enum { FORMS = (int)(sizeof forms / sizeof *forms) };

static void open_form(bench *b, int i, const char *simd)
{
    const mds_model_spec spec = make_spec(forms[i].form, forms[i].file, simd);

    make_structure(&b->structure, forms[i].z, forms[i].elements, forms[i].a);
    open_bench(b, &spec);
}

/* Energy after atom `i` moved by h along c, or the cell was strained by h in component (c, d). */
static double energy_at(bench *b, int i, int c, int d, double h)
{
    const double old = b->state.x[3 * i + c];

    if (d >= 0) {
        mds_state strained = b->state;
        double cell[3][3];

        memcpy(cell, b->state.box.h, sizeof cell);
        for (int k = 0; k < 3; ++k)
            cell[k][d] += h * b->state.box.h[k][c];
        for (int k = 0; k < b->state.n; ++k)
            b->state.x[3 * k + d] += h * b->state.x[3 * k + c];
        CHECK_OK(mds_box_set(&b->state.box, (const double(*)[3])cell, b->state.box.periodic));
        CHECK_OK(mds_model_compute(b->model, &b->state, 0));
        b->state.box = strained.box;
        memcpy(b->state.x, b->structure.x, 3 * sizeof(double) * (size_t)b->state.n);
        return b->state.s->potential_eV;
    }
    b->state.x[3 * i + c] = old + h;
    CHECK_OK(mds_model_compute(b->model, &b->state, 0));
    b->state.x[3 * i + c] = old;
    return b->state.s->potential_eV;
}

/* Fourth-order central difference; with h = 1e-3 and energies of 100 eV the error is
 * 1e-14·100/h = 1e-9 from rounding and h⁴ E⁽⁵⁾ ~ 1e-9 from truncation. The tables and the iron form
 * are only C1 or C2: a knot within ±2h of a pair adds h²·[E⁽³⁾ jump], so the bound is 1e-5. */
static double derivative(bench *b, int i, int c, int d)
{
    const double h = 1e-3;

    return (8.0 * (energy_at(b, i, c, d, h) - energy_at(b, i, c, d, -h)) -
            (energy_at(b, i, c, d, 2 * h) - energy_at(b, i, c, d, -2 * h))) /
           (12.0 * h);
}

static void test_derivatives(void **state)
{
    (void)state;
    for (int m = 0; m < FORMS; ++m) {
        double forces[72], virial[3][3], sum[3] = {0};
        bench b;

        if (!installed(forms[m].file))
            continue;
        open_form(&b, m, "auto");
        CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
        memcpy(forces, b.state.f, sizeof forces);
        memcpy(virial, b.state.s->virial_eV, sizeof virial);
        for (int k = 0; k < 72; ++k)
            sum[k % 3] += forces[k];
        for (int c = 0; c < 3; ++c)
            CHECK_NEAR(sum[c], 0.0, 0, 1e-12);
        for (int i = 0; i < 24; i += 7)
            for (int c = 0; c < 3; ++c)
                CHECK_NEAR(-derivative(&b, i, c, -1), forces[3 * i + c], 0, 1e-5);
        for (int c = 0; c < 3; ++c)
            for (int d = 0; d < 3; ++d)
                CHECK_NEAR(-derivative(&b, 0, c, d), virial[c][d], 0, 1e-4);
        close_bench(&b);
    }
}

/* Twice the same, bit for bit, with the virial and without, also by another model object. */
static void repeat(int form, const char *simd)
{
    double forces[72], energy;
    bench b;

    open_form(&b, form, simd);
    CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
    energy = b.state.s->potential_eV;
    memcpy(forces, b.state.f, sizeof forces);
    CHECK_OK(mds_model_compute(b.model, &b.state, 0));
    assert_memory_equal(forces, b.state.f, sizeof forces);
    assert_memory_equal(&energy, &b.state.s->potential_eV, sizeof energy);
    assert_true(isnan(b.state.s->virial_eV[0][0]));
    close_bench(&b);
    open_form(&b, form, simd);
    CHECK_OK(mds_model_compute(b.model, &b.state, 0));
    assert_memory_equal(forces, b.state.f, sizeof forces);
    assert_true(b.state.s->n_edges >= 24 * 8);
    close_bench(&b);
}

static bool processor_runs(const char *simd)
{
    const eam_kernel *kernel;

    return eam_kernel_find(simd, &kernel) == MDS_OK;
}

static void test_repeatable(void **state)
{
    (void)state;
    for (int m = 0; m < FORMS; ++m)
        for (int v = 0; v < 3; ++v)
            if (installed(forms[m].file) && processor_runs(variants[v]))
                repeat(m, variants[v]);
}

static mds_model_target target_of(int count, const int *z)
{
    mds_model_target target = {.n_atoms = 24, .periodic = true};

    for (int i = 0; i < count; ++i)
        mds_species_add(&target.species, z[i]);
    return target;
}

static mds_status supports(const char *form, const char *file, int z0, int z1)
{
    const int z[2] = {z0, z1};
    const mds_model_target target = target_of(z1 ? 2 : 1, z);
    const mds_model_spec spec = make_spec(form, file, "auto");

    return mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU);
}

static void test_supports(void **state)
{
    (void)state;
    const char *const mishin = POTENTIALS "Cu_mishin1.eam.alloy";

    CHECK_OK(supports("auto", "", 29, 0));
    CHECK_OK(supports("auto", "", 13, 0));
    CHECK_OK(supports("auto", "", 26, 0));
    CHECK_OK(supports("sutton-chen", "", 13, 0));
    CHECK_OK(supports("finnis-sinclair", "", 26, 0));
    CHECK_FAILS(supports("auto", "", 14, 0), MDS_ERR_UNSUPPORTED, "no parameters for Si");
    CHECK_FAILS(supports("sutton-chen", "", 26, 0), MDS_ERR_UNSUPPORTED, "no parameters for Fe");
    CHECK_FAILS(supports("finnis-sinclair", "", 29, 0), MDS_ERR_UNSUPPORTED, "for Cu");
    CHECK_FAILS(supports("auto", "", 29, 13), MDS_ERR_UNSUPPORTED, "one element");
    CHECK_FAILS(supports("setfl", "", 29, 0), MDS_ERR_CONFIG, "needs `file`");
    CHECK_FAILS(supports("sutton-chen", "x", 29, 0), MDS_ERR_CONFIG, "takes no `file`");
    CHECK_FAILS(supports("auto", "no/such.eam.alloy", 29, 0), MDS_ERR_UNSUPPORTED,
                "no/such.eam.alloy");
    if (!installed(mishin))
        return;
    CHECK_OK(supports("auto", mishin, 29, 0));
    CHECK_FAILS(supports("auto", mishin, 13, 0), MDS_ERR_UNSUPPORTED, "has no Al, it is for Cu");
    CHECK_OK(supports("setfl", POTENTIALS "AlFe_mm.eam.fs", 26, 13));
    /* A text that is no setfl file: damage, found at plan time. */
    CHECK_FAILS(supports("setfl", POTENTIALS "Si.sw", 29, 0), MDS_ERR_CONFIG, "Si.sw:4:");
}

/* create() refuses for the same reasons. */
static void test_create_fails(void **state)
{
    (void)state;
    mds_model_spec spec = make_spec("setfl", "no/such", "auto");
    mds_device *device;
    mds_model *model;

    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_FAILS(mds_model_create(&spec, device, &model), MDS_ERR_IO, "no/such");
    spec = make_spec("setfl", "", "auto");
    CHECK_FAILS(mds_model_create(&spec, device, &model), MDS_ERR_CONFIG, "needs `file`");
    mds_device_close(device);
}

/* The plan's estimates order cases and warn of memory: within a factor of two is enough, and the
 * time need only be of the right order (0.03 to 10 µs per atom). */
static void test_estimates(void **state)
{
    (void)state;
    for (int m = 0; m < FORMS; ++m) {
        bench b;

        if (!installed(forms[m].file))
            continue;
        open_form(&b, m, "auto");
        mds_device_memory memory;
        CHECK_OK(mds_model_compute(b.model, &b.state, 0));
        mds_device_get_memory(b.device, &memory);
        const mds_model_target target = target_of(forms[m].elements, forms[m].z);
        const double predicted = mds_model_memory_bytes(&b.model->spec, &target);
        CHECK_NEAR(log2(predicted / (double)memory.used), 0.0, 0, 1.0);
        const double cost = mds_model_cost_s(&b.model->spec, &target, MDS_DEVICE_CPU) / 24;
        assert_true(cost > 3e-8 && cost < 1e-5);
        close_bench(&b);
    }
}

/* One model serves states of different elements and sizes, one after another. */
static void test_prepare_again(void **state)
{
    (void)state;
    const int z[] = {29, 26};
    const mds_model_spec spec = make_spec("auto", "", "auto");
    double energy[2];

    for (int reused = 0; reused < 2; ++reused) {
        mds_model *model = NULL;
        mds_device *device;

        CHECK_OK(mds_device_open("cpu", &device));
        for (int i = 0; i < 2; ++i) {
            mds_structure structure;
            mds_state s = {0};

            make_structure(&structure, &z[i], 1, 2.9);
            CHECK_OK(mds_state_init(&s, device, &structure));
            if (!model || !reused) {
                mds_model_destroy(model);
                CHECK_OK(mds_model_create(&spec, device, &model));
            }
            CHECK_OK(mds_model_prepare(model, &s));
            CHECK_OK(mds_model_compute(model, &s, 0));
            if (!reused)
                energy[i] = s.s->potential_eV;
            assert_memory_equal(&energy[i], &s.s->potential_eV, sizeof *energy);
            mds_state_fini(&s);
            mds_structure_fini(&structure);
        }
        mds_model_destroy(model);
        mds_device_close(device);
    }
}

static void two_atoms(mds_structure *out, int z, double distance)
{
    memset(out, 0, sizeof *out);
    CHECK_OK(mds_structure_init(out, 2, false));
    CHECK_OK(mds_box_set_orthogonal(&out->box, 40, 40, 40));
    mds_species_add(&out->species, z);
    out->mass[0] = out->mass[1] = 50.0;
    out->x[3] = distance;
}

static void expect_failure(const char *form, const char *file, int z, double distance,
                           const char *words)
{
    for (int v = 0; v < 3; ++v) {
        const mds_model_spec spec = make_spec(form, file, variants[v]);
        bench b;

        if (!processor_runs(variants[v]))
            continue;
        two_atoms(&b.structure, z, distance);
        open_bench(&b, &spec);
        CHECK_FAILS(mds_model_compute(b.model, &b.state, 0), MDS_ERR_NUMERIC, words);
        close_bench(&b);
    }
}

static void test_unphysical(void **state)
{
    (void)state;
    /* The cubic of iron's density turns negative below d (β − 1)/β = 1.587 Å. */
    expect_failure("auto", "", 26, 1.5, "density at atom 0");
    expect_failure("auto", "", 26, 0.0, "density at atom 0");
    expect_failure("auto", "", 29, 0.0, "on top of each other");
    expect_failure("auto", "", 29, 20.0, "density at atom 0 is 0");
    if (installed(POTENTIALS "Cu_mishin1.eam.alloy"))
        expect_failure("auto", POTENTIALS "Cu_mishin1.eam.alloy", 29, 0.0, "not finite");
}

/* Two copper atoms far apart with a table are legal: no pair, no density. */
static void test_isolated(void **state)
{
    (void)state;
    const char *const file = POTENTIALS "Cu_mishin1.eam.alloy";
    bench b;

    if (!installed(file))
        skip();
    const mds_model_spec spec = make_spec("auto", file, "auto");
    two_atoms(&b.structure, 29, 20.0);
    open_bench(&b, &spec);
    CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
    CHECK_NEAR(b.state.s->potential_eV, 0.0, 0, 2e-5);
    CHECK_NEAR(b.state.s->n_edges, 0.0, 0, 0);
    for (int k = 0; k < 6; ++k)
        CHECK_NEAR(b.state.f[k], 0.0, 0, 0);
    close_bench(&b);
}

/* Five-point slopes reproduce a cubic exactly, inside; the outer segments use lower orders. */
static void test_hermite(void **state)
{
    (void)state;
    double y[9], c[36], slope, t;

    for (int k = 0; k < 9; ++k)
        y[k] = 2.0 - k + 0.25 * k * k - 0.03125 * k * k * k;
    eam_hermite(y, 9, c);
    for (double x = 2.0; x < 6.0; x += 0.125) {
        const int k = eam_segment(x, 1.0, 9, &t);
        const double value = eam_cubic(c + 4 * k, t, &slope);

        CHECK_NEAR(value, 2.0 - x + 0.25 * x * x - 0.03125 * x * x * x, 0, 1e-14);
        CHECK_NEAR(slope, -1.0 + 0.5 * x - 0.09375 * x * x, 0, 1e-14);
    }
    CHECK_NEAR(c[1], y[1] - y[0], 0, 0);
    CHECK_NEAR(c[5], 0.5 * (y[2] - y[0]), 0, 0);
    CHECK_NEAR(c[29], 0.5 * (y[8] - y[6]), 0, 0);
    /* The last segment ends with the one-sided slope, its value at the last knot. */
    CHECK_NEAR(eam_cubic(c + 28, 1.0, &slope), y[8], 0, 1e-14);
    CHECK_NEAR(slope, y[8] - y[7], 0, 1e-14);
    /* Places: before, on, within, and beyond the grid. */
    assert_int_equal(eam_segment(-0.5, 2.0, 9, &t), 0);
    CHECK_NEAR(t, -1.0, 0, 0);
    assert_int_equal(eam_segment(1.75, 2.0, 9, &t), 3);
    CHECK_NEAR(t, 0.5, 0, 0);
    assert_int_equal(eam_segment(4.0, 2.0, 9, &t), 7);
    CHECK_NEAR(t, 1.0, 0, 0);
    assert_int_equal(eam_segment(1e30, 2.0, 9, &t), 7);
    CHECK_NEAR(t, 1.0, 0, 0);
}

/* Behind the last ρ of the table F goes on along the last slope. */
static void test_embedding_beyond(void **state)
{
    (void)state;
    double c[24], slope, end_slope;
    const double y[6] = {0, -1, -1.5, -1.75, -2, -2.5};

    eam_hermite(y, 6, c);
    const eam_tables tables = {.types = 1, .nrho = 6, .inverse_drho = 0.5, .embedding = c};
    const double end = eam_tables_embed(&tables, 0, 10.0, &end_slope);
    CHECK_NEAR(end, -2.5, 0, 1e-15);
    CHECK_NEAR(end_slope, -0.25, 0, 1e-15);
    CHECK_NEAR(eam_tables_embed(&tables, 0, 14.0, &slope), -2.5 - 4 * 0.25, 0, 1e-14);
    CHECK_NEAR(slope, end_slope, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloys),           cmocka_unit_test(test_derivatives),
        cmocka_unit_test(test_repeatable),       cmocka_unit_test(test_supports),
        cmocka_unit_test(test_create_fails),     cmocka_unit_test(test_estimates),
        cmocka_unit_test(test_prepare_again),    cmocka_unit_test(test_unphysical),
        cmocka_unit_test(test_isolated),         cmocka_unit_test(test_hermite),
        cmocka_unit_test(test_embedding_beyond),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
