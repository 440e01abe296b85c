/* Names, options, refusals and the pressure. */
#include "unit/protocol/rig.h"

#include "base/units.h"

static void test_names(void **unused)
{
    static const char *const want[][3] = {
        {"nve", "nve", NULL},
        {"nvt", "nvt", "langevin"},
        {"nvt-langevin", "nvt", "langevin"},
        {"nvt-svr", "nvt", "svr"},
        {"nvt-nhc", "nvt", "nose-hoover"},
        {"npt", "npt", "isotropic"},
        {"npt-iso", "npt", "isotropic"},
        {"npt-aniso", "npt", "anisotropic"},
        {"replay", "replay", NULL},
    };
    const int count = (int)(sizeof want / sizeof *want);

    (void)unused;
    assert_int_equal(mds_protocol_name_count(), count);
    for (int i = 0; i < count; ++i) {
        mds_protocol_spec spec;

        assert_string_equal(mds_protocol_name(i), want[i][0]);
        CHECK_OK(mds_protocol_resolve(want[i][0], &spec));
        assert_string_equal(spec.name, want[i][0]);
        assert_string_equal(spec.class->name, want[i][1]);
        if (want[i][2])
            assert_string_equal(mds_options_text(&spec.options, strcmp(want[i][1], "nvt") == 0
                                                                    ? "thermostat"
                                                                    : "coupling"),
                                want[i][2]);
    }
    assert_null(mds_protocol_name(-1));
    assert_null(mds_protocol_name(count));
}

static void test_classes(void **unused)
{
    (void)unused;
    assert_int_equal(mds_protocol_count(), 4);
    for (int i = 0; i < mds_protocol_count(); ++i) {
        const mds_protocol_class *class = mds_protocol_get(i);

        assert_ptr_equal(mds_protocol_find(class->name), class);
        assert_non_null(class->summary);
        assert_non_null(class->conserved);
        assert_true(class->create && class->destroy && class->step);
        for (const mds_option *o = class->options; o && o->key; ++o)
            assert_non_null(o->help);
    }
    assert_null(mds_protocol_find("npg"));
    assert_null(mds_protocol_get(-1));
    assert_null(mds_protocol_get(4));
    assert_true(mds_protocol_find("npt")->needs_virial);
    assert_true(mds_protocol_find("replay")->needs_frames);
    assert_false(mds_protocol_find("replay")->integrates);
}

static void test_unknown_names(void **unused)
{
    mds_protocol_spec spec;
    char name[80];

    (void)unused;
    CHECK_FAILS(mds_protocol_resolve("nvt-sv", &spec), MDS_ERR_CONFIG, "nvt-svr");
    CHECK_FAILS(mds_protocol_resolve("metadynamics", &spec), MDS_ERR_CONFIG, "list protocols");
    CHECK_FAILS(mds_protocol_spec_init(&spec, "mine", "nvr"), MDS_ERR_CONFIG, "nv");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_FAILS(mds_protocol_spec_init(&spec, name, "nve"), MDS_ERR_CONFIG, "longer than 47");
    CHECK_OK(mds_protocol_spec_init(&spec, "mine", "nvt"));
    assert_string_equal(spec.name, "mine");
    assert_ptr_equal(spec.class, mds_protocol_find("nvt"));
}

static void test_options(void **unused)
{
    mds_protocol_spec spec;

    (void)unused;
    CHECK_OK(mds_protocol_resolve("nvt", &spec));
    CHECK_OK(mds_options_set_text(&spec.options, "thermostat", "nose-hoover"));
    CHECK_FAILS(mds_options_set_text(&spec.options, "thermostat", "berendsen"), MDS_ERR_CONFIG,
                "langevin, svr, nose-hoover");
    CHECK_FAILS(mds_options_set_number(&spec.options, "friction_1_ps", -1.0), MDS_ERR_CONFIG,
                "outside");
    CHECK_FAILS(mds_options_set_number(&spec.options, "chain_length", 11.0), MDS_ERR_CONFIG,
                "outside");
    CHECK_FAILS(mds_options_set_number(&spec.options, "friction_ps", 1.0), MDS_ERR_CONFIG,
                "friction_1_ps");
    CHECK_OK(mds_protocol_resolve("npt", &spec));
    CHECK_FAILS(mds_options_set_number(&spec.options, "tau_p_fs", 0.0), MDS_ERR_CONFIG, "outside");
    CHECK_FAILS(mds_options_set_text(&spec.options, "coupling", "triclinic"), MDS_ERR_CONFIG,
                "isotropic, anisotropic");
}

static mds_status attempt(rig *r, const char *name, const mds_protocol_config *config)
{
    mds_protocol_spec spec;
    mds_protocol *protocol = NULL;

    CHECK_OK(mds_protocol_resolve(name, &spec));
    const mds_status status = mds_protocol_create(&spec, config, &r->state, r->model, &protocol);
    assert_true((status == MDS_OK) == (protocol != NULL));
    mds_protocol_destroy(protocol);
    return status;
}

static void test_refusals(void **unused)
{
    mds_structure s;
    mds_protocol_config config;
    rig r;

    (void)unused;
    rig_lattice(&s, 18, 2, 5.3, true);
    rig_open(&r, &s, "null");
    config = r.config;
    CHECK_OK(attempt(&r, "nve", &config));
    config.dt_fs = 0.0;
    CHECK_FAILS(attempt(&r, "nve", &config), MDS_ERR_CONFIG, "time step");
    config.dt_fs = NAN;
    CHECK_FAILS(attempt(&r, "nvt", &config), MDS_ERR_CONFIG, "time step");
    config = r.config;
    config.temperature_K = -1.0;
    CHECK_FAILS(attempt(&r, "nvt", &config), MDS_ERR_CONFIG, "temperature");
    config.temperature_K = 0.0;
    CHECK_OK(attempt(&r, "nvt-langevin", &config));
    CHECK_FAILS(attempt(&r, "nvt-nhc", &config), MDS_ERR_CONFIG, "above 0 K");
    CHECK_FAILS(attempt(&r, "npt", &config), MDS_ERR_CONFIG, "above 0 K");
    config = r.config;
    config.pressure_GPa = INFINITY;
    CHECK_FAILS(attempt(&r, "npt", &config), MDS_ERR_CONFIG, "pressure");
    config = r.config;
    CHECK_FAILS(attempt(&r, "replay", &config), MDS_ERR_CONFIG, "frame");
    r.state.box.h[0][1] = 0.1;
    CHECK_FAILS(attempt(&r, "npt-aniso", &config), MDS_ERR_INTERNAL, "restricted");
    r.state.box.volume = 0.0;
    CHECK_FAILS(attempt(&r, "npt", &config), MDS_ERR_UNSUPPORTED, "periodic");
    rig_close(&r);
}

/* Without a step for CUDA a protocol is no case there, for a reason that names it. */
static void test_devices(void **unused)
{
    mds_protocol_spec spec;
    mds_protocol_class host;

    (void)unused;
    CHECK_OK(mds_protocol_resolve("nve", &spec));
    CHECK_OK(mds_protocol_supports(&spec, MDS_DEVICE_CPU));
    host = *spec.class;
    host.step_cuda = NULL;
    spec.class = &host;
    CHECK_OK(mds_protocol_supports(&spec, MDS_DEVICE_CPU));
    CHECK_FAILS(mds_protocol_supports(&spec, MDS_DEVICE_CUDA), MDS_ERR_UNSUPPORTED,
                "protocol 'nve' does not run on device cuda");
}

static void test_pressure(void **unused)
{
    mds_scalars s = {.kinetic_eV = 1.5};

    (void)unused;
    for (int a = 0; a < 3; ++a)
        s.virial_eV[a][a] = a + 1.0;
    CHECK_NEAR(mds_pressure_GPa(&s, 100.0), 9.0 / 300.0 * MDS_EV_A3_TO_GPA, 1e-14, 0.0);
    assert_true(isnan(mds_pressure_GPa(&s, 0.0)));
    s.virial_eV[1][1] = NAN;
    assert_true(isnan(mds_pressure_GPa(&s, 100.0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_classes),
        cmocka_unit_test(test_unknown_names), cmocka_unit_test(test_options),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_pressure),
        cmocka_unit_test(test_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
