/* The same small model in a folder of NeuroChem files and in one weights file: equal to the last
 * bit; and what is said about a file that does not fit. */
#include "ani_fixture.h"
#include "weights_fixture.h"

#include "md/structure.h"
#include "model/model.h"

enum { ATOMS = 5, NUMBERS_MAX = FIXTURE_INPUTS * 16 };

static const char format[] = "mdsweep-ani-weights";
static char folder[FIXTURE_FOLDER], path[256];
static mds_device *device;
static ani_weights weights;

/* What a test changes about a file that is right otherwise. */
typedef struct change {
    const char *elements, *activation, *unit; /* NULL: as it should be; unit: absent */
    const char *without;                      /* a tensor that is left out */
    const char *surplus;                      /* a tensor that is added */
    const char *transposed;                   /* a weight whose shape is turned round */
    int members;                              /* as the attribute says; 0: the right number */
    double radial_cutoff;                     /* 0: the right one */
    double scale; /* of self energies and last layers, which are in the unit; 0: 1 */
} change;

static int tensors;

static void add(const change *c, hid_t file, const char *name, size_t bytes, int rank,
                const int64_t *dims, const void *numbers)
{
    if (c->without && strcmp(c->without, name) == 0)
        return;
    weights_fixture_add(file, name, bytes, rank, dims, numbers);
    ++tensors;
}

static void add_scalar(const change *c, hid_t file, const char *name, double value)
{
    add(c, file, name, 8, 0, NULL, &value);
}

static void add_layer(const change *c, hid_t file, int m, int e, int l)
{
    const int64_t in = fixture_width[e][l], out = fixture_width[e][l + 1];
    const float scale = c->scale != 0.0 && l + 1 == FIXTURE_LAYERS ? (float)c->scale : 1.0f;
    float numbers[NUMBERS_MAX];
    char name[64];

    for (int which = 0; which < 2; ++which) {
        const int64_t count = which ? out : in * out;

        for (int i = 0; i < count; ++i)
            numbers[i] = scale * fixture_number(m, e, l, which, i);
        snprintf(name, sizeof name, "member/%d/%s/%d/%s", m, fixture_symbol[e], l,
                 which ? "bias" : "weight");
        const bool turned = c->transposed && strcmp(c->transposed, name) == 0;
        add(c, file, name, 4, which ? 1 : 2,
            which    ? (int64_t[]){out}
            : turned ? (int64_t[]){in, out}
                     : (int64_t[]){out, in},
            numbers);
    }
}

static void write_file(const change *c)
{
    static const float shift_r[] = {0.8f, 1.4f, 2.0f, 2.6f, 3.3f}, shift_a[] = {0.8f, 1.5f, 2.2f};
    static const float shift_z[] = {0.78539816f, 2.3561945f};
    double self[FIXTURE_ELEMENTS];
    const hid_t file = weights_fixture_begin(path, format, "1.0.0");

    tensors = 0;
    weights_fixture_text(file, "elements", c->elements ? c->elements : "H C O");
    weights_fixture_text(file, "activation", c->activation ? c->activation : "celu");
    if (c->unit)
        weights_fixture_text(file, "energy_unit", c->unit);
    weights_fixture_number(file, "members", c->members ? c->members : FIXTURE_MEMBERS);
    add_scalar(c, file, "descriptor/radial_cutoff_A",
               c->radial_cutoff != 0.0 ? c->radial_cutoff : 4.3);
    add_scalar(c, file, "descriptor/angular_cutoff_A", 3.1);
    add_scalar(c, file, "descriptor/radial_eta", 9.0);
    add_scalar(c, file, "descriptor/angular_eta", 6.0);
    add_scalar(c, file, "descriptor/zeta", 8.0);
    add(c, file, "descriptor/radial_shift_A", 4, 1, (int64_t[]){FIXTURE_RADIAL}, shift_r);
    add(c, file, "descriptor/angular_shift_A", 4, 1, (int64_t[]){FIXTURE_ANGULAR}, shift_a);
    add(c, file, "descriptor/section_rad", 4, 1, (int64_t[]){FIXTURE_SECTIONS}, shift_z);
    for (int e = 0; e < FIXTURE_ELEMENTS; ++e)
        self[e] = (c->scale != 0.0 ? c->scale : 1.0) * fixture_self[e];
    add(c, file, "self_energy", 8, 1, (int64_t[]){FIXTURE_ELEMENTS}, self);
    for (int m = 0; m < FIXTURE_MEMBERS; ++m)
        for (int e = 0; e < FIXTURE_ELEMENTS; ++e)
            for (int l = 0; l < FIXTURE_LAYERS; ++l)
                add_layer(c, file, m, e, l);
    if (c->surplus)
        add(c, file, c->surplus, 4, 1, (int64_t[]){3}, shift_a);
    weights_fixture_end(file, tensors);
}

/* ---- equal results ---- */

typedef struct result {
    double energy, f[3 * ATOMS], virial[3][3];
} result;

static void compute(const char *from, mds_precision precision, int member, result *out)
{
    static const double x[3 * ATOMS] = {0.1, 0.2, 0.3, 1.1, 0.3, 0.2, 0.2, 1.2,
                                        0.5, 2.1, 1.9, 0.4, 1.7, 0.6, 2.2};
    static const int z[ATOMS] = {8, 1, 1, 6, 1};
    static const double h[3][3] = {{4.5, 0.0, 0.0}, {0.4, 4.2, 0.0}, {-0.3, 0.2, 4.8}};
    mds_structure s = {0};
    mds_model_spec spec;
    mds_model *model = NULL;
    mds_state state = {0};
    mds_scalars scalars;

    CHECK_OK(mds_structure_init(&s, ATOMS, false));
    for (int i = 0; i < ATOMS; ++i) {
        s.type[i] = mds_species_add(&s.species, z[i]);
        s.mass[i] = 1.0;
    }
    memcpy(s.x, x, sizeof x);
    CHECK_OK(mds_box_set(&s.box, h, (const bool[3]){true, true, true}));
    CHECK_OK(mds_state_init(&state, device, &s));
    CHECK_OK(mds_model_spec_init(&spec, "small", "ani", precision));
    CHECK_OK(mds_options_set_text(&spec.options, "weights", from));
    CHECK_OK(mds_options_set_number(&spec.options, "member", member));
    CHECK_OK(mds_model_create(&spec, device, &model));
    CHECK_OK(mds_model_prepare(model, &state));
    CHECK_OK(mds_model_compute(model, &state, MDS_WANT_VIRIAL));
    CHECK_OK(mds_state_fetch_scalars(&state, &scalars));
    out->energy = scalars.potential_eV;
    memcpy(out->f, state.f, sizeof out->f);
    memcpy(out->virial, scalars.virial_eV, sizeof out->virial);
    mds_state_fini(&state);
    mds_model_destroy(model);
    mds_structure_fini(&s);
}

static void check_equal(mds_precision precision, int member)
{
    result of_folder, of_file;

    compute(folder, precision, member, &of_folder);
    compute(path, precision, member, &of_file);
    assert_true(of_folder.energy == of_file.energy);
    assert_memory_equal(of_folder.f, of_file.f, sizeof of_file.f);
    assert_memory_equal(of_folder.virial, of_file.virial, sizeof of_file.virial);
    assert_true(fabs(of_file.f[4]) > 1e-3); /* there is something to compare */
}

static void test_file_equals_folder(void **state)
{
    (void)state;
    write_file(&(change){0});
    check_equal(MDS_PRECISION_FP64, -1);
    check_equal(MDS_PRECISION_FP32, -1);
    check_equal(MDS_PRECISION_FP64, 1);
    write_file(&(change){.unit = "hartree"});
    check_equal(MDS_PRECISION_FP64, -1);
}

/* The same energies in another unit: numbers are float32, so equal to its rounding. */
static void test_unit_of_energy(void **state)
{
    result of_folder, of_file;

    (void)state;
    write_file(&(change){.unit = "eV", .scale = ANI_HARTREE_EV});
    compute(folder, MDS_PRECISION_FP64, -1, &of_folder);
    compute(path, MDS_PRECISION_FP64, -1, &of_file);
    CHECK_NEAR(of_file.energy, of_folder.energy, 1e-6, 0.0);
    for (int i = 0; i < 3 * ATOMS; ++i)
        CHECK_NEAR(of_file.f[i], of_folder.f[i], 1e-5, 1e-5);
}

/* ---- files that do not fit ---- */

static mds_status open_and_check(void)
{
    mds_status status = ani_weights_open(path, &weights);

    if (status != MDS_OK)
        return status;
    status = ani_weights_check(&weights);
    ani_weights_close(&weights);
    assert_null(weights.file);
    return status;
}

static void refused(change c, mds_status want, const char *words)
{
    write_file(&c);
    CHECK_FAILS(open_and_check(), want, words);
    assert_non_null(strstr(mds_error(), path));
}

static void test_missing_and_surplus(void **state)
{
    (void)state;
    write_file(&(change){0});
    CHECK_OK(open_and_check());
    refused((change){.without = "descriptor/zeta"}, MDS_ERR_CONFIG, "no tensor 'descriptor/zeta'");
    refused((change){.without = "self_energy"}, MDS_ERR_CONFIG, "no tensor 'self_energy'");
    refused((change){.without = "member/1/C/0/weight"}, MDS_ERR_CONFIG,
            "no tensor 'member/1/C/0/weight'");
    refused((change){.without = "member/1/C/2/bias"}, MDS_ERR_CONFIG,
            "no tensor 'member/1/C/2/bias'");
    /* Without its last weight the network ends in nine numbers. */
    refused((change){.without = "member/0/H/2/weight"}, MDS_ERR_CONFIG,
            "member/0/H: 2 layers with 9 outputs at the end");
    refused((change){.surplus = "member/0/H/9/weight"}, MDS_ERR_CONFIG,
            "1 tensor that this model does not have: member/0/H/9/weight");
    refused((change){.surplus = "repulsion/charge"}, MDS_ERR_CONFIG, "repulsion/charge");
    refused((change){.members = 1}, MDS_ERR_CONFIG, "18 tensors that this model does not have");
    refused((change){.members = 3}, MDS_ERR_CONFIG, "no tensor 'member/2/H/0/weight'");
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    refused((change){.members = 99}, MDS_ERR_CONFIG, "'members' is 99; 1 to 32 is right");
    refused((change){.elements = "H C"}, MDS_ERR_CONFIG, "tensor 'self_energy' has the shape [3]");
    refused((change){.elements = "H C Xx"}, MDS_ERR_CONFIG, "'Xx' is not an element");
    refused((change){.elements = "H C,O"}, MDS_ERR_CONFIG, "'C,O' is not an element");
    refused((change){.elements = "H C H"}, MDS_ERR_CONFIG, "H twice");
    refused((change){.elements = " "}, MDS_ERR_CONFIG, "there are none");
    refused((change){.elements = "H C N O F Ne Na Mg Al Si P"}, MDS_ERR_UNSUPPORTED,
            "more than 10 elements");
    refused((change){.activation = "gelu"}, MDS_ERR_UNSUPPORTED,
            "activation 'gelu'; 'celu' is known");
    refused((change){.unit = "kcal/mol"}, MDS_ERR_CONFIG, "energy_unit 'kcal/mol'");
    refused((change){.radial_cutoff = 2.0}, MDS_ERR_CONFIG, "angular cutoff 3.1 <= radial cutoff");
    refused((change){.radial_cutoff = -4.0}, MDS_ERR_CONFIG,
            "'descriptor/radial_cutoff_A' is -4; it must be positive");
    refused((change){.transposed = "member/0/O/1/weight"}, MDS_ERR_CONFIG,
            "tensor 'member/0/O/1/weight' must have the shape [outputs,11]");
}

static void test_other_kinds_of_file(void **state)
{
    (void)state;
    weights_fixture_end(weights_fixture_begin(path, "mdsweep-orb-weights", "1.0.0"), 0);
    CHECK_FAILS(open_and_check(), MDS_ERR_CONFIG, "its format is 'mdsweep-orb-weights'");
    unlink(path);
    CHECK_FAILS(open_and_check(), MDS_ERR_UNSUPPORTED, "there is no such folder or file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_equals_folder),  cmocka_unit_test(test_unit_of_energy),
        cmocka_unit_test(test_missing_and_surplus), cmocka_unit_test(test_what_does_not_fit),
        cmocka_unit_test(test_other_kinds_of_file),
    };

    weights_fixture_path(path, sizeof path, "ani");
    fixture_make(folder);
    CHECK_OK(mds_device_open("cpu", &device));
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    mds_device_close(device);
    fixture_remove(folder);
    unlink(path);
    return failed;
}
