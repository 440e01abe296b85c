/* Expansion: axis order, actual sizes, skip reasons, rules, costs and schedule. */
#include "sweep_fixture.h"

#include "base/text.h"

static mds_matrix expand(const mds_study *study, const char *filter)
{
    mds_matrix m;

    CHECK_OK(mds_matrix_expand(study, filter, "cpu", &m));
    return m;
}

static void cases_come_in_axis_order(void **unused)
{
    static const char *const want[] = {
        "iron/54/nve/null/r0",     "iron/54/nve/null/r1",     "iron/54/nve/sw/r0",
        "iron/54/nve/sw/r1",       "iron/54/nvt/null/r0",     "iron/54/nvt/null/r1",
        "iron/54/nvt/sw/r0",       "iron/54/nvt/sw/r1",       "iron/128/nve/null/r0",
        "iron/128/nve/null/r1",    "iron/128/nve/sw/r0",      "iron/128/nve/sw/r1",
        "iron/128/nvt/null/r0",    "iron/128/nvt/null/r1",    "iron/128/nvt/sw/r0",
        "iron/128/nvt/sw/r1",      "silicon/54/nve/null/r0",  "silicon/54/nve/null/r1",
        "silicon/54/nve/sw/r0",    "silicon/54/nve/sw/r1",    "silicon/54/nvt/null/r0",
        "silicon/54/nvt/null/r1",  "silicon/54/nvt/sw/r0",    "silicon/54/nvt/sw/r1",
        "silicon/128/nve/null/r0", "silicon/128/nve/null/r1", "silicon/128/nve/sw/r0",
        "silicon/128/nve/sw/r1",   "silicon/128/nvt/null/r0", "silicon/128/nvt/null/r1",
        "silicon/128/nvt/sw/r0",   "silicon/128/nvt/sw/r1",
    };
    mds_study s = make_study(WORDS("iron", "silicon"), SIZES(54, 128), WORDS("nve", "nvt"),
                             WORDS("null", "sw"));

    (void)unused;
    s.repeats = 2;
    mds_matrix m = expand(&s, NULL);
    assert_int_equal(m.count, 32);
    for (int i = 0; i < m.count; ++i) {
        char label[128];
        assert_string_equal(mds_case_label(&s, &m.cases[i], label, sizeof label), want[i]);
    }
    mds_matrix_fini(&m);
    mds_study_fini(&s);
}

/* Asked and actual numbers are both kept, and two sizes that a lattice meets alike are two cases.
 */
static void sizes_asked_and_actual(void **unused)
{
    mds_study s =
        make_study(WORDS("silicon", "water"), SIZES(64, 65), WORDS("nve"), WORDS("reference"));

    (void)unused;
    mds_matrix m = expand(&s, NULL);
    assert_int_equal(m.cases[0].n_asked, 64);
    assert_int_equal(m.cases[0].n_atoms, 64);
    assert_int_equal(m.cases[1].n_asked, 65);
    assert_int_equal(m.cases[1].n_atoms, 64);
    assert_true(m.cases[0].key != m.cases[1].key);
    assert_int_equal(m.cases[2].n_atoms, 63);
    assert_int_equal(m.cases[3].n_atoms, 66);
    /* A time step that is not given is the system's own; the device is what "auto" means here. */
    assert_true(m.cases[0].run.timestep_fs == 1.0);
    assert_true(m.cases[2].run.timestep_fs == 0.5);
    assert_string_equal(m.cases[0].run.device, "cpu");
    assert_int_equal(m.cases[0].run.precision, MDS_PRECISION_FP64);
    mds_matrix_fini(&m);
    mds_study_fini(&s);
}

static void impossible_cases_are_skipped_with_the_reason(void **unused)
{
    mds_study s = make_study(WORDS("silicon", "iron"), SIZES(1, 64), WORDS("nve", "npt"),
                             WORDS("sw", "reference"));

    (void)unused;
    mds_matrix m = expand(&s, NULL);
    assert_int_equal(m.count, 16);
    for (int i = 0; i < m.count; ++i) {
        const mds_case *c = &m.cases[i];
        const bool no_size = c->system == 0 && c->n_asked == 1; /* 8 atoms is the least */
        const bool no_model = c->system == 1 && c->model == 0;

        assert_int_equal(c->status, no_size || no_model ? MDS_CASE_SKIPPED : MDS_CASE_PENDING);
        assert_int_equal(c->reason != NULL, no_size || no_model);
        if (no_size)
            assert_non_null(strstr(c->reason, "8"));
        else if (no_model)
            assert_non_null(strstr(c->reason, "sw"));
        assert_true(c->reason ? c->cost_s == 0.0 : c->cost_s > 0.0);
    }
    assert_int_equal(m.runnable, 8);
    for (int i = 0; i < m.count; ++i)
        assert_int_equal(m.cases[m.order[i]].status == MDS_CASE_SKIPPED, i >= m.runnable);
    mds_matrix_fini(&m);
    mds_study_fini(&s);
}

/* Precision, device and options can be what a model cannot do, too. */
static void skips_by_precision_and_device(void **unused)
{
    mds_study s = make_study(WORDS("silicon"), SIZES(64), WORDS("nve"), WORDS("reference", "bad"));

    (void)unused;
    s.models[1].base[0] = '\0';
    strcpy(s.models[1].engine, "sw");
    s.models[1].set_count = 1;
    strcpy(s.models[1].set[0].key, "no_such_option");
    s.overrides[0].given = run_bit("precision");
    s.overrides[0].run.precision = MDS_PRECISION_FP16;
    strcpy(s.overrides[0].when.model[0], "reference");
    s.overrides[0].when.models = 1;
    s.override_count = 1;
    mds_matrix m = expand(&s, NULL);
    assert_int_equal(m.runnable, 0);
    assert_non_null(strstr(m.cases[0].reason, "fp16"));
    assert_non_null(strstr(m.cases[1].reason, "no_such_option"));
    mds_matrix_fini(&m);

    s.override_count = 0;
    strcpy(s.run.device, "cuda:1");
    CHECK_OK(mds_matrix_expand(&s, NULL, "cpu", &m));
    mds_model_spec spec;
    CHECK_OK(mds_case_model_spec(&s, &m.cases[0], &spec));
    assert_int_equal(m.cases[0].reason == NULL, spec.engine->compute_cuda != NULL);
    mds_matrix_fini(&m);
    mds_study_fini(&s);
}

static void rules_leave_out_and_override(void **unused)
{
    mds_study s = make_study(WORDS("silicon", "water"), SIZES(32, 64), WORDS("nve", "nvt"),
                             WORDS("reference"));

    (void)unused;
    /* without water/64 */
    strcpy(s.exclude[0].system[0], "water");
    s.exclude[0].systems = 1;
    s.exclude[0].size[0] = 64;
    s.exclude[0].sizes = 1;
    s.exclude_count = 1;
    /* water: 0.25 fs and 7 steps; nvt: 9 steps, also of water, because it comes later */
    strcpy(s.overrides[0].when.system[0], "water");
    s.overrides[0].when.systems = 1;
    s.overrides[0].given = run_bit("timestep_fs") | run_bit("steps");
    s.overrides[0].run.timestep_fs = 0.25;
    s.overrides[0].run.steps = 7;
    strcpy(s.overrides[1].when.protocol[0], "nvt");
    s.overrides[1].when.protocols = 1;
    s.overrides[1].given = run_bit("steps");
    s.overrides[1].run.steps = 9;
    s.override_count = 2;

    mds_matrix m = expand(&s, NULL);
    assert_int_equal(m.count, 6);
    assert_null(find_case(&s, &m, "water/64/nve/reference/r0"));
    const mds_case *c = find_case(&s, &m, "silicon/64/nve/reference/r0");
    assert_int_equal(c->run.steps, 1000);
    c = find_case(&s, &m, "silicon/64/nvt/reference/r0");
    assert_int_equal(c->run.steps, 9);
    assert_true(c->run.timestep_fs == 1.0);
    c = find_case(&s, &m, "water/32/nve/reference/r0");
    assert_int_equal(c->run.steps, 7);
    assert_true(c->run.timestep_fs == 0.25);
    c = find_case(&s, &m, "water/32/nvt/reference/r0");
    assert_int_equal(c->run.steps, 9);
    assert_true(c->run.timestep_fs == 0.25);
    mds_matrix_fini(&m);

    /* Everything left out is an error, and says why. */
    s.exclude[0].systems = s.exclude[0].sizes = 0;
    CHECK_FAILS(mds_matrix_expand(&s, NULL, "cpu", &m), MDS_ERR_CONFIG,
                "the sweep has no cases: the rules of exclude leave none");
    assert_null(m.cases);
    mds_study_fini(&s);
}

/* Repeat by repeat, in each the longest first, ties in the order of the axes. */
static void schedule(void **unused)
{
    mds_study s = make_study(WORDS("silicon", "copper", "water"), SIZES(32, 128, 512),
                             WORDS("nve", "npt"), WORDS("reference", "null"));

    (void)unused;
    s.repeats = 3;
    mds_matrix m = expand(&s, NULL);
    mds_matrix again = expand(&s, NULL);
    double sum = 0.0;

    assert_int_equal(m.runnable, 108);
    for (int i = 0; i < m.count; ++i) {
        const mds_case *c = &m.cases[m.order[i]];
        const mds_case *before = i ? &m.cases[m.order[i - 1]] : c;

        assert_int_equal(m.order[i], again.order[i]);
        assert_int_equal(c->repeat, i / 36);
        if (before->repeat == c->repeat) {
            assert_true(before->cost_s >= c->cost_s);
            if (before->cost_s == c->cost_s && i)
                assert_true(m.order[i - 1] < m.order[i]);
        }
        sum += c->cost_s;
    }
    CHECK_NEAR(m.cost_s, sum, 1e-12, 0.0);
    /* More atoms, more steps and the start state cost more. */
    assert_true(find_case(&s, &m, "water/512/nve/reference/r1")->cost_s >
                find_case(&s, &m, "water/32/nve/null/r1")->cost_s);
    assert_true(find_case(&s, &m, "water/512/nve/reference/r0")->cost_s >
                find_case(&s, &m, "water/512/nve/reference/r1")->cost_s);
    mds_matrix_fini(&m);
    mds_matrix_fini(&again);
    mds_study_fini(&s);
}

static void filters_leave_out(void **unused)
{
    mds_study s = make_study(WORDS("silicon", "iron"), SIZES(54, 128), WORDS("nve", "nvt"),
                             WORDS("reference"));
    mds_matrix m = expand(&s, "system == iron and size < 100");

    (void)unused;
    assert_int_equal(m.count, 2);
    char filter[64];
    const uint64_t key = m.cases[1].key;
    mds_matrix_fini(&m);
    snprintf(filter, sizeof filter, "key == %016llx", (unsigned long long)key);
    m = expand(&s, filter);
    assert_int_equal(m.count, 1);
    assert_true(m.cases[0].key == key);
    mds_matrix_fini(&m);
    m = expand(&s, ""); /* as none */
    assert_int_equal(m.count, 8);
    mds_matrix_fini(&m);
    CHECK_FAILS(mds_matrix_expand(&s, "system == slicon", "cpu", &m), MDS_ERR_USAGE,
                "the filter 'system == slicon' leaves none of 8 cases; no system is called "
                "'slicon', did you mean 'silicon'?");
    CHECK_FAILS(mds_matrix_expand(&s, "size > 1000", "cpu", &m), MDS_ERR_USAGE,
                "the filter 'size > 1000' leaves none of 8 cases");
    CHECK_FAILS(mds_matrix_expand(&s, "size >", "cpu", &m), MDS_ERR_USAGE, "filter, column 7");
    mds_study_fini(&s);
}

static void frames_have_a_limit(void **unused)
{
    mds_study s = make_study(WORDS("silicon"), SIZES(64), WORDS("nve"), WORDS("null"));

    (void)unused;
    s.trajectory_every = 1;
    s.run.steps = 1000000; /* 1000000 (10 + 3·64) numbers: 1.5 GiB */
    mds_matrix m = expand(&s, NULL);
    mds_matrix_fini(&m);
    s.run.steps = 2000000;
    CHECK_FAILS(mds_matrix_expand(&s, NULL, "cpu", &m), MDS_ERR_CONFIG,
                "silicon/64/nve/null/r0: 2000000 frames of 64 atoms take 3.0 GiB");
    s.trajectory_every = 2;
    m = expand(&s, NULL);
    mds_matrix_fini(&m);
    mds_study_fini(&s);
}

static void a_large_plan(void **unused)
{
    mds_study s = make_study(WORDS("silicon", "copper", "aluminum", "iron", "water"),
                             SIZES(32, 64, 128, 256, 512), WORDS("nve", "nvt", "npt", "replay"),
                             WORDS("reference", "null", "harmonic", "lj", "sw"));

    (void)unused;
    s.repeats = 200;
    mds_matrix m = expand(&s, NULL);
    assert_int_equal(m.count, 100000);
    assert_int_equal(m.cases[99999].repeat, 199);
    mds_matrix_fini(&m);
    s.repeats = 10000;
    CHECK_FAILS(mds_matrix_expand(&s, NULL, "cpu", &m), MDS_ERR_CONFIG,
                "the sweep has 5000000 cases, at most 2000000 are possible");
    mds_study_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_come_in_axis_order),
        cmocka_unit_test(sizes_asked_and_actual),
        cmocka_unit_test(impossible_cases_are_skipped_with_the_reason),
        cmocka_unit_test(skips_by_precision_and_device),
        cmocka_unit_test(rules_leave_out_and_override),
        cmocka_unit_test(schedule),
        cmocka_unit_test(filters_leave_out),
        cmocka_unit_test(frames_have_a_limit),
        cmocka_unit_test(a_large_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
