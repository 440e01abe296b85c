/* Properties of the networks at reduced depth (synthetic weights): derivatives, invariances,
 * precision, threads, and what is refused. */
#include "orb_fixture.h"

#include "model/orb/orb_variant.h"

/* Two float64 networks whose sums run in another order. */
static const double same = 1e-11;

typedef struct result {
    int n;
    double energy, f[64 * 3], virial[3][3];
} result;

static mds_model_spec spec_of(const char *variant, mds_precision precision, int threads)
{
    mds_model_spec spec;

    fixture_spec(&spec, variant, 2, precision);
    CHECK_OK(mds_options_set_number(&spec.options, "threads", threads));
    return spec;
}

static result evaluate(const mds_model_spec *spec, const mds_structure *structure)
{
    orb_fixture f;
    result out = {.n = structure->n};

    fixture_open(&f, spec, structure);
    out.energy = f.state.s->potential_eV;
    memcpy(out.f, f.state.f, (size_t)out.n * 3 * sizeof(double));
    memcpy(out.virial, f.state.s->virial_eV, sizeof out.virial);
    fixture_close(&f);
    return out;
}

/* The golden cell without its symmetries, atoms nearer together so that the repulsion works. */
static void sample(mds_structure *out)
{
    fixture_golden(out);
    out->x[15] = out->x[9] + 0.6; /* hydrogen 0.9 Å from oxygen */
    out->x[16] = out->x[10] + 0.5;
    out->x[17] = out->x[11] - 0.45;
}

/* A model that is kept, for many evaluations. */
static double energy_at(orb_fixture *f)
{
    CHECK_OK(mds_model_compute(f->model, &f->state, 0));
    return f->state.s->potential_eV;
}

/* Central differences, h = 1e-4: truncation h² E'''/6 ≈ 1e-8 E''', rounding 1e-13/h = 1e-9. */
static void check_forces(orb_fixture *f, const double *forces, int step)
{
    const double h = 1e-4;

    for (int k = 0; k < 24; k += step) {
        const double x = f->state.x[k];

        f->state.x[k] = x + h;
        const double up = energy_at(f);
        f->state.x[k] = x - h;
        const double down = energy_at(f);
        f->state.x[k] = x;
        CHECK_NEAR(forces[k], (down - up) / (2.0 * h), 1e-6, 2e-7);
    }
}

/* dE/dε_ab of atoms and cell; leaves the strained state. */
static double strain_derivative(orb_fixture *f, const mds_structure *s, int a, int b)
{
    const double h = 1e-4;
    double energy[2];

    for (int side = 0; side < 2; ++side) {
        const double e = side ? h : -h;
        double cell[3][3];

        for (int i = 0; i < 24; ++i)
            f->state.x[i] = s->x[i] + (i % 3 == b ? e * s->x[i / 3 * 3 + a] : 0.0);
        for (int i = 0; i < 9; ++i)
            cell[i / 3][i % 3] = s->box.h[i / 3][i % 3] +
                                 (i % 3 == b ? e * s->box.h[i / 3][a] : 0.0);
        CHECK_OK(mds_box_set(&f->state.box, (const double(*)[3])cell, s->box.periodic));
        energy[side] = energy_at(f);
    }
    return (energy[1] - energy[0]) / (2.0 * h);
}

/* A turn of everything changes the energy a little, as the networks are not invariant; the virial
 * is the symmetric part of the derivative by strain. `step`: every how many coordinates. */
static void check_derivatives(const char *variant, int threads, int step, bool by_strain)
{
    const mds_model_spec spec = spec_of(variant, MDS_PRECISION_FP64, threads);
    mds_structure structure;
    orb_fixture f;
    double forces[24], virial[3][3], slope[3][3];

    sample(&structure);
    fixture_open(&f, &spec, &structure);
    memcpy(forces, f.state.f, sizeof forces);
    memcpy(virial, f.state.s->virial_eV, sizeof virial);
    check_forces(&f, forces, step);
    for (int k = 0; by_strain && k < 9; ++k)
        slope[k / 3][k % 3] = strain_derivative(&f, &structure, k / 3, k % 3);
    for (int k = 0; by_strain && k < 9; ++k)
        CHECK_NEAR(virial[k / 3][k % 3], -0.5 * (slope[k / 3][k % 3] + slope[k % 3][k / 3]), 1e-6,
                   1e-6);
    fixture_close(&f);
    mds_structure_fini(&structure);
}

static void test_conservative_forces_are_derivatives(void **state)
{
    (void)state;
    check_derivatives("orb-v3-conservative-inf-omat", 1, 5, true);
    check_derivatives("orb-v3-conservative-20-mpa", 2, 2, false);
}

static void check_equal(const result *got, const result *want, double tolerance)
{
    CHECK_NEAR(got->energy, want->energy, 0.0, tolerance);
    for (int k = 0; k < 3 * want->n; ++k)
        CHECK_NEAR(got->f[k], want->f[k], 0.0, tolerance);
    for (int k = 0; k < 9; ++k)
        CHECK_NEAR(got->virial[k / 3][k % 3], want->virial[k / 3][k % 3], 0.0, 10.0 * tolerance);
}

static const char *const all[] = {"orb-v2", "orb-v3-direct-inf-mpa", "orb-v3-conservative-20-omat"};
enum { ALL = (int)(sizeof all / sizeof *all) };

static void test_origin_images_and_numbering_do_not_matter(void **state)
{
    (void)state;
    for (int i = 0; i < ALL; ++i) {
        const mds_model_spec spec = spec_of(all[i], MDS_PRECISION_FP64, 1);
        mds_structure structure, moved;
        result turned = {.n = 8};

        sample(&structure);
        const result want = evaluate(&spec, &structure);
        CHECK_OK(mds_structure_copy(&moved, &structure));
        for (int k = 0; k < 24; ++k)
            moved.x[k] += 0.37 * (k % 3 + 1) +
                          ((k / 3) % 3 - 1) * structure.box.h[k / 3 % 2][k % 3];
        result got = evaluate(&spec, &moved);
        check_equal(&got, &want, same);
        for (int k = 0; k < 8; ++k) {
            memcpy(moved.x + 3 * k, structure.x + 3 * (7 - k), 3 * sizeof(double));
            moved.type[k] = structure.type[7 - k];
        }
        got = evaluate(&spec, &moved);
        turned.energy = got.energy;
        memcpy(turned.virial, got.virial, sizeof turned.virial);
        for (int k = 0; k < 24; ++k)
            turned.f[k] = got.f[(7 - k / 3) * 3 + k % 3];
        check_equal(&turned, &want, same);
        mds_structure_fini(&structure);
        mds_structure_fini(&moved);
    }
}

/* The features of v3 turn with the direction and are no invariants, so only the radial part of a
 * network is: this is a property of the published models. What must hold for all is that copies of
 * a cell beside each other are the same material. Numbering ties cannot differ: there are none. */
static void test_supercells_are_extensive(void **state)
{
    (void)state;
    for (int i = 0; i < ALL; ++i) {
        const mds_model_spec spec = spec_of(all[i], MDS_PRECISION_FP64, 1);
        const bool zbl_by_mean = strstr(all[i], "conservative") != NULL;
        mds_structure structure, big;

        fixture_golden(&structure);
        CHECK_OK(mds_structure_repeat(&big, &structure, 1, 2, 1));
        const result one = evaluate(&spec, &structure), two = evaluate(&spec, &big);
        /* The conservative models' repulsion is a mean over the atoms: 1e-4 eV here. */
        CHECK_NEAR(two.energy, 2.0 * one.energy, 0.0, zbl_by_mean ? 1e-3 : same);
        for (int k = 0; k < 48; ++k)
            CHECK_NEAR(two.f[k], one.f[k % 24], 0.0, zbl_by_mean ? 1e-3 : same);
        mds_structure_fini(&structure);
        mds_structure_fini(&big);
    }
}

static void test_threads_and_repetition(void **state)
{
    (void)state;
    for (int i = 0; i < ALL; ++i) {
        const mds_model_spec one = spec_of(all[i], MDS_PRECISION_FP64, 1);
        const mds_model_spec three = spec_of(all[i], MDS_PRECISION_FP64, 3);
        const mds_model_spec single = spec_of(all[i], MDS_PRECISION_FP32, 2);
        mds_structure structure;

        sample(&structure);
        const result want = evaluate(&one, &structure), again = evaluate(&one, &structure);
        const result shared = evaluate(&three, &structure);
        assert_memory_equal(&again, &want, offsetof(result, f) + 24 * sizeof(double));
        check_equal(&shared, &want, same);
        const result low = evaluate(&single, &structure), low2 = evaluate(&single, &structure);
        assert_memory_equal(&low, &low2, offsetof(result, f) + 24 * sizeof(double));
        /* float32 of the reference: some 1e-5. */
        check_equal(&low, &want, 2e-4);
        mds_structure_fini(&structure);
    }
}

/* Fresh memory of `sim` is poisoned and has guard zones: nothing is read before it is written, and
 * nothing is written beyond its end. Another, larger system comes second. */
static void test_sim_device(void **state)
{
    (void)state;
    for (int i = 0; i < ALL; ++i) {
        const mds_model_spec spec = spec_of(all[i], MDS_PRECISION_FP64, 2);
        mds_structure structure, big;
        orb_fixture f;

        sample(&structure);
        const result want = evaluate(&spec, &structure);
        fixture_open_on(&f, "sim", &spec, &structure);
        CHECK_NEAR(f.state.s->potential_eV, want.energy, 0.0, 0.0);
        assert_memory_equal(f.state.f, want.f, 24 * sizeof(double));
        mds_state_fini(&f.state);
        CHECK_OK(mds_structure_repeat(&big, &structure, 1, 1, 3));
        CHECK_OK(mds_state_init(&f.state, f.device, &big));
        CHECK_OK(mds_model_prepare(f.model, &f.state));
        CHECK_OK(mds_model_compute(f.model, &f.state, MDS_WANT_VIRIAL));
        assert_true(isfinite(f.state.s->virial_eV[0][2]));
        CHECK_OK(mds_device_sync(f.device));
        fixture_close(&f);
        mds_structure_fini(&structure);
        mds_structure_fini(&big);
    }
}

/* An edge that appears or goes at 6 Å weighs nothing: the energy is continuous there. */
static void test_the_cutoff_is_smooth(void **state)
{
    const bool open[3] = {false, false, false};
    const double none[3][3] = {{0}};

    (void)state;
    for (int i = 0; i < ALL; ++i) {
        const mds_model_spec spec = spec_of(all[i], MDS_PRECISION_FP64, 1);
        mds_structure s = {0};
        double energy[2];

        CHECK_OK(mds_structure_init(&s, 3, false));
        CHECK_OK(mds_box_set(&s.box, none, open));
        mds_species_add(&s.species, 8);
        for (int k = 0; k < 3; ++k)
            s.mass[k] = 16.0;
        s.x[3] = 2.0;
        s.x[6] = 1.0;
        for (int side = 0; side < 2; ++side) {
            s.x[7] = sqrt(35.0) + (side ? 1e-6 : -1e-6);
            energy[side] = evaluate(&spec, &s).energy;
        }
        CHECK_NEAR(energy[0], energy[1], 0.0, 1e-10);
        mds_structure_fini(&s);
    }
}

/* A molecule has neither net force (beyond the shift of the normaliser) nor torque in a direct
 * model, and none at all in a conservative one. */
static void test_molecules(void **state)
{
    const bool open[3] = {false, false, false};
    const double none[3][3] = {{0}};

    (void)state;
    for (int linear = 0; linear < 2; ++linear)
        for (int i = 0; i < ALL; ++i) {
            const mds_model_spec spec = spec_of(all[i], MDS_PRECISION_FP64, 1);
            mds_structure s = {0};
            double net[3] = {0.0}, torque[3] = {0.0}, centre[3] = {0.0};

            CHECK_OK(mds_structure_init(&s, 4, false));
            CHECK_OK(mds_box_set(&s.box, none, open));
            mds_species_add(&s.species, 6);
            mds_species_add(&s.species, 8);
            for (int k = 0; k < 12; ++k)
                s.x[k] = linear ? 0.9 * (k / 3) * (k % 3 + 1) : sin(1.7 * k) + 0.8 * (k / 3);
            for (int k = 0; k < 4; ++k)
                s.mass[k] = 14.0;
            s.type[2] = s.type[3] = 1;
            const result r = evaluate(&spec, &s);
            for (int k = 0; k < 12; ++k) {
                net[k % 3] += r.f[k];
                centre[k % 3] += s.x[k] / 4.0;
            }
            for (int k = 0; k < 12; ++k) {
                const int atom = k / 3 * 3, b = (k + 1) % 3, c = (k + 2) % 3;
                const double fb = r.f[atom + b] - net[b] / 4.0, fc = r.f[atom + c] - net[c] / 4.0;

                torque[k % 3] += (s.x[atom + b] - centre[b]) * fc -
                                 (s.x[atom + c] - centre[c]) * fb;
            }
            for (int a = 0; a < 3; ++a) {
                if (strstr(all[i], "conservative"))
                    CHECK_NEAR(net[a], 0.0, 0.0, same);
                CHECK_NEAR(net[a], net[0], 0.0, same);
                /* Conservative models are not invariant: the harmonics are not contracted. */
                if (!strstr(all[i], "conservative"))
                    CHECK_NEAR(torque[a], 0.0, 0.0, same);
            }
            mds_structure_fini(&s);
        }
}

static void test_capabilities(void **state)
{
    (void)state;
    for (int i = 0; i < ORB_VARIANTS; ++i) {
        const mds_model_spec spec = spec_of(orb_variants[i].name, MDS_PRECISION_FP32, 1);
        mds_model_spec named;

        assert_int_equal(!!(mds_model_caps(&spec) & MDS_CAP_CONSERVATIVE),
                         strstr(orb_variants[i].name, "conservative") != NULL);
        assert_true(mds_model_is_synthetic(&spec));
        assert_string_equal(orb_variant_names[i], orb_variants[i].name);
        CHECK_OK(mds_model_resolve(orb_variants[i].name, NULL, MDS_PRECISION_AUTO, &named));
        assert_string_equal(mds_options_text(&named.options, "variant"), orb_variants[i].name);
        assert_false(mds_model_is_synthetic(&named));
        CHECK_OK(mds_model_supports_dynamics(&named));
        CHECK_FAILS(mds_model_supports_dynamics(&spec), MDS_ERR_UNSUPPORTED, "replay");
    }
}

static void test_refusals(void **state)
{
    mds_model_spec spec = spec_of("orb-v2", MDS_PRECISION_FP32, 1), deep = spec;
    const mds_model_target silicon = {.species = {1, {14}, {28.0}}, .n_atoms = 8, .periodic = true};
    const mds_model_target ogre = {.species = {1, {118}, {294.0}}, .n_atoms = 1, .periodic = true};
    const bool slab[3] = {true, true, false};
    mds_structure structure;
    mds_device *device;
    mds_model *model;
    mds_state atoms = {0};

    (void)state;
    CHECK_OK(mds_model_supports(&spec, &silicon, true, MDS_DEVICE_CPU));
    CHECK_FAILS(mds_model_supports(&spec, &ogre, false, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED, "Og");
    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_OK(mds_model_create(&spec, device, &model));
    fixture_golden(&structure);
    CHECK_OK(mds_box_set(&structure.box, (const double(*)[3])structure.box.h, slab));
    CHECK_OK(mds_state_init(&atoms, device, &structure));
    CHECK_FAILS(mds_model_prepare(model, &atoms), MDS_ERR_UNSUPPORTED, "in all directions or in");
    mds_state_fini(&atoms);
    mds_model_destroy(model);
    CHECK_OK(mds_options_set_number(&deep.options, "synthetic", 0));
    CHECK_FAILS(mds_model_create(&deep, device, &model), MDS_ERR_CONFIG, "for synthetic weights");
    CHECK_OK(mds_options_set_number(&deep.options, "layers", 0));
    CHECK_FAILS(mds_model_supports(&deep, &silicon, true, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "convert_orb.py");
    CHECK_FAILS(mds_model_create(&deep, device, &model), MDS_ERR_UNSUPPORTED, "weights/orb-v2.h5");
    mds_structure_fini(&structure);
    mds_device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conservative_forces_are_derivatives),
        cmocka_unit_test(test_origin_images_and_numbering_do_not_matter),
        cmocka_unit_test(test_supercells_are_extensive),
        cmocka_unit_test(test_threads_and_repetition),
        cmocka_unit_test(test_sim_device),
        cmocka_unit_test(test_the_cutoff_is_smooth),
        cmocka_unit_test(test_molecules),
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
