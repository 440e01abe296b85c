/* Names, precisions, and what is refused at plan time. */
#include "harness/test.h"

#include "model/model.h"

static mds_model_target target_of(int count, const int *z)
{
    mds_model_target target = {.n_atoms = 96, .periodic = true};

    for (int i = 0; i < count; ++i)
        mds_species_add(&target.species, z[i]);
    return target;
}

static void engines_have_complete_tables(void **state)
{
    (void)state;
    assert_true(mds_engine_count() >= 2);
    assert_null(mds_engine_get(-1));
    assert_null(mds_engine_get(mds_engine_count()));
    assert_null(mds_engine_find("nonsense"));
    for (int i = 0; i < mds_engine_count(); ++i) {
        const mds_engine *e = mds_engine_get(i);
        mds_options options;

        assert_ptr_equal(mds_engine_find(e->name), e);
        assert_non_null(e->summary);
        assert_true(e->create && e->destroy && e->prepare && e->compute);
        assert_true(e->precisions & 1u << e->default_precision);
        assert_false(e->precisions & 1u << MDS_PRECISION_AUTO);
        mds_options_init(&options, e->options);
        for (int k = 0; k < options.count; ++k) {
            const mds_option *o = &options.table[k];

            assert_non_null(o->help);
            /* A preset obeys the option's own rule. */
            if (o->type == MDS_OPTION_TEXT)
                CHECK_OK(
                    mds_options_set_text(&options, o->key, o->preset_text ? o->preset_text : ""));
            else
                CHECK_OK(mds_options_set_number(&options, o->key, o->preset));
        }
    }
}

static void every_listed_name_resolves(void **state)
{
    const int silicon = 14;
    const mds_model_target target = target_of(1, &silicon);

    (void)state;
    for (int i = 0; i < mds_model_name_count(); ++i) {
        mds_model_spec spec;

        assert_non_null(mds_model_name(i));
        assert_non_null(mds_model_summary(i));
        CHECK_OK(mds_model_resolve(mds_model_name(i), &target, MDS_PRECISION_AUTO, &spec));
        assert_string_equal(spec.name, mds_model_name(i));
        assert_int_not_equal(spec.precision, MDS_PRECISION_AUTO);
        for (int k = 0; k < i; ++k)
            assert_string_not_equal(mds_model_name(i), mds_model_name(k));
    }
    assert_null(mds_model_name(-1));
    assert_null(mds_model_name(mds_model_name_count()));
    assert_null(mds_model_summary(mds_model_name_count()));
}

static void reference_is_chosen_by_elements(void **state)
{
    static const struct {
        int count, z[3];
        const char *engine, *options;
    } cases[] = {
        {1, {14}, "sw", ""},
        {1, {29}, "eam", "form=sutton-chen"},
        {1, {13}, "eam", "form=sutton-chen"},
        {1, {26}, "eam", "form=finnis-sinclair"},
        {2, {8, 1}, "spcfw", ""},
        {2, {1, 8}, "spcfw", ""},
        {1, {18}, "lj", ""},
    };
    const int bad[3] = {8, 1, 14}, oxygen = 8;
    mds_model_target target;
    mds_model_spec spec;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        char text[128];

        target = target_of(cases[i].count, cases[i].z);
        CHECK_OK(mds_model_resolve("reference", &target, MDS_PRECISION_AUTO, &spec));
        assert_string_equal(spec.engine->name, cases[i].engine);
        assert_string_equal(mds_options_format(&spec.options, text, sizeof text), cases[i].options);
        assert_string_equal(spec.name, "reference");
        assert_int_equal(spec.precision, MDS_PRECISION_FP64);
        CHECK_OK(mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU));
    }
    target = target_of(3, bad);
    CHECK_FAILS(mds_model_resolve("reference", &target, MDS_PRECISION_AUTO, &spec),
                MDS_ERR_UNSUPPORTED, "O H Si; it knows Si, Cu, Al, Fe, H2O, Ar");
    target = target_of(1, &oxygen);
    CHECK_FAILS(mds_model_resolve("reference", &target, MDS_PRECISION_AUTO, &spec),
                MDS_ERR_UNSUPPORTED, "nothing for O;");
    CHECK_FAILS(mds_model_resolve("reference", NULL, MDS_PRECISION_AUTO, &spec),
                MDS_ERR_UNSUPPORTED, "elements");
}

static void student_is_chosen_by_elements(void **state)
{
    static const struct {
        int z;
        const char *weights;
    } cases[] = {
        {14, "built-in:student/silicon"},
        {29, "built-in:student/copper"},
        {13, "built-in:student/aluminum"},
        {26, "built-in:student/iron"},
    };
    const int water[2] = {8, 1}, argon = 18;
    mds_model_target target;
    mds_model_spec spec;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        target = target_of(1, &cases[i].z);
        CHECK_OK(mds_model_resolve("student", &target, MDS_PRECISION_AUTO, &spec));
        assert_string_equal(spec.engine->name, "ani");
        assert_string_equal(spec.name, "student");
        assert_string_equal(mds_options_text(&spec.options, "weights"), cases[i].weights);
        assert_true(mds_options_given(&spec.options, "threads"));
        assert_int_equal(spec.precision, MDS_PRECISION_FP32);
        CHECK_OK(mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU));
    }
    target = target_of(2, water);
    CHECK_OK(mds_model_resolve("student", &target, MDS_PRECISION_AUTO, &spec));
    assert_string_equal(mds_options_text(&spec.options, "weights"), "built-in:student/water");
    target = target_of(1, &argon);
    CHECK_FAILS(mds_model_resolve("student", &target, MDS_PRECISION_AUTO, &spec),
                MDS_ERR_UNSUPPORTED, "nothing for Ar; it knows Si, Cu, Al, Fe, H2O");
}

static void unknown_words_are_refused(void **state)
{
    mds_model_spec spec;
    mds_precision precision;
    char wide[80];

    (void)state;
    CHECK_FAILS(mds_model_resolve("referense", NULL, MDS_PRECISION_AUTO, &spec), MDS_ERR_CONFIG,
                "did you mean 'reference'");
    CHECK_FAILS(mds_model_resolve("xyzzyxyzzy", NULL, MDS_PRECISION_AUTO, &spec), MDS_ERR_CONFIG,
                "unknown model 'xyzzyxyzzy'");
    /* Not listed, so not a model by itself; a configuration may still name the engine. */
    CHECK_FAILS(mds_model_resolve("fault", NULL, MDS_PRECISION_AUTO, &spec), MDS_ERR_CONFIG,
                "unknown model");
    CHECK_OK(mds_model_spec_init(&spec, "broken", "fault", MDS_PRECISION_AUTO));
    CHECK_FAILS(mds_model_spec_init(&spec, "mine", "harmonik", MDS_PRECISION_AUTO), MDS_ERR_CONFIG,
                "did you mean 'harmonic'");
    CHECK_FAILS(mds_model_spec_init(&spec, "mine", "qqqqqqqqq", MDS_PRECISION_AUTO), MDS_ERR_CONFIG,
                "unknown engine 'qqqqqqqqq'");
    memset(wide, 'x', sizeof wide);
    wide[sizeof wide - 1] = '\0';
    CHECK_FAILS(mds_model_spec_init(&spec, wide, "null", MDS_PRECISION_AUTO), MDS_ERR_CONFIG,
                "longer than 47 bytes");
    CHECK_FAILS(mds_precision_parse("fp46", &precision), MDS_ERR_CONFIG, "tf32x3");
    for (int i = 0; i < MDS_PRECISION_COUNT; ++i) {
        CHECK_OK(mds_precision_parse(mds_precision_name((mds_precision)i), &precision));
        assert_int_equal(precision, i);
    }
}

/* An engine that can do little, for the refusals. */
static mds_status only_small(const mds_model_spec *spec, const mds_model_target *target)
{
    (void)spec;
    return target->n_atoms > 100 ? mds_fail(MDS_ERR_UNSUPPORTED, "too many atoms") : MDS_OK;
}

static const mds_engine poor_engine = {
    .name = "poor",
    .summary = "can do little",
    .precisions = 1u << MDS_PRECISION_FP32,
    .default_precision = MDS_PRECISION_FP32,
    .supports = only_small,
};

static void plan_refuses_with_reasons(void **state)
{
    const int silicon = 14;
    mds_model_target target = target_of(1, &silicon);
    mds_model_spec spec = {.name = "p", .engine = &poor_engine, .precision = MDS_PRECISION_FP32};

    (void)state;
    CHECK_OK(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU));
    CHECK_FAILS(mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "no stress");
    CHECK_FAILS(mds_model_supports(&spec, &target, false, MDS_DEVICE_SIM), MDS_ERR_UNSUPPORTED,
                "does not run on device sim");
    CHECK_FAILS(mds_model_supports(&spec, &target, false, MDS_DEVICE_CUDA), MDS_ERR_UNSUPPORTED,
                "does not run on device cuda");
    target.periodic = false;
    CHECK_FAILS(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "periodic");
    target.periodic = true;
    target.n_atoms = 101;
    CHECK_FAILS(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "model 'p': too many atoms");
    spec.precision = MDS_PRECISION_FP64;
    CHECK_FAILS(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "no precision fp64 (but fp32)");
    assert_true(mds_model_cost_s(&spec, &target, MDS_DEVICE_CPU) > 0.0);
    assert_true(mds_model_memory_bytes(&spec, &target) == 0.0);
}

static void wrong_elements_are_refused(void **state)
{
    const int copper = 29, both[2] = {18, 29};
    mds_model_target target = target_of(1, &copper);
    mds_model_spec spec;

    (void)state;
    CHECK_OK(mds_model_resolve("sw", NULL, MDS_PRECISION_AUTO, &spec));
    CHECK_FAILS(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "for Si only, not for Cu");
    CHECK_OK(mds_options_set_text(&spec.options, "element", "Cu"));
    CHECK_OK(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU));
    CHECK_OK(mds_options_set_text(&spec.options, "element", "Xq"));
    CHECK_FAILS(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU), MDS_ERR_CONFIG,
                "no element \"Xq\"");
    CHECK_OK(mds_model_resolve("lj", NULL, MDS_PRECISION_AUTO, &spec));
    target = target_of(2, both);
    CHECK_FAILS(mds_model_supports(&spec, &target, false, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "one element");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_have_complete_tables),
        cmocka_unit_test(every_listed_name_resolves),
        cmocka_unit_test(reference_is_chosen_by_elements),
        cmocka_unit_test(student_is_chosen_by_elements),
        cmocka_unit_test(unknown_words_are_refused),
        cmocka_unit_test(plan_refuses_with_reasons),
        cmocka_unit_test(wrong_elements_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
