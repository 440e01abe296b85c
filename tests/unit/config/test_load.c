/* What good configurations become: defaults, every key, definitions, rules, and the resolved text,
 * which must give the same study again. */
#include "config_fixture.h"

#include "case/study_keys.h"

static const char full[] =
    "sweep: {\n"
    "  name = \"all-keys\";\n"
    "  systems = [\"silicon\", \"cells/mix.xyz\", \"argon\", \"wide\"];\n"
    "  sizes = [32, 1000000];\n"
    "  protocols = [\"nvt\", \"nvt-nhc5\", \"npt-aniso\", \"slow\"];\n"
    "  models = [\"reference\", \"soft\", \"stiff\", \"mishin\"];\n"
    "  repeats = 3;\n"
    "  exclude = ( { model = \"soft\"; size = [32, 64]; },\n"
    "              { system = [\"cells/mix.xyz\", \"wide\"]; protocol = \"nvt\"; } );\n"
    "};\n"
    "run: { steps = 10; warmup = 0; component_steps = 0; equilibration = 5; memory_every = 2;\n"
    "  energy_every = 3; timestep_fs = 1; temperature_K = 350.5; pressure_GPa = -0.1;\n"
    "  seed = 5000000000L; device = \"sim:64\"; precision = \"fp64\"; timing = \"sync\";\n"
    "  timeout_s = 0.5; memory_limit_MB = 1000; leak_tolerance_MB = 1; threads = 2; };\n"
    "systems: { argon: { file = \"cells/mix.xyz\"; }; wide: { type = \"silicon\"; }; };\n"
    "protocols: { nvt-nhc5: { type = \"nvt\"; thermostat = \"nose-hoover\"; chain_length = 5; };\n"
    "             slow: { base = \"nvt-svr\"; tau_fs = 1000; }; };\n"
    "models: { soft: { engine = \"harmonic\"; };\n"
    "          stiff: { base = \"lj\"; };\n"
    "          mishin: { engine = \"eam\"; form = \"setfl\"; file = \"cells/cu.alloy\"; }; };\n"
    "overrides: ( { system = \"wide\"; timestep_fs = 0.25; steps = 20; },\n"
    "             { model = [\"soft\", \"stiff\"]; protocol = \"nvt\"; precision = \"fp32\"; } );\n"
    "output: { file = \"out/x.h5\"; trajectory_every = 7; };\n"
    "targets: { mean_ms = 2; p95_over_mean = 1.5; p99_over_mean = 4; memory_delta_MB = 5;\n"
    "  us_per_atom = 1; cv = 0.1; energy_drift = 1e-5; };\n";

static void make_cells(void)
{
    if (access("cells", F_OK) != 0)
        assert_int_equal(system("mkdir cells"), 0);
    write_text("cells/mix.xyz", "1\nLattice=\"5 0 0 0 5 0 0 0 5\" Properties=species:S:1:pos:R:3 "
                                "pbc=\"T T T\"\nAr 0 0 0\n");
    write_text("cells/cu.alloy", "only its path matters here\n");
}

static void everything_has_a_default(void **unused)
{
    (void)unused;
    loaded l = expect_good(SWEEP, NULL);
    const mds_run *run = &l.study.run;

    assert_string_equal(l.study.name, "t"); /* of t.cfg */
    assert_string_equal(l.study.path, "t.cfg");
    assert_string_equal(l.study.output, "results/t.h5");
    assert_int_equal(l.study.repeats, 1);
    assert_int_equal(l.study.trajectory_every, 0);
    assert_int_equal(run->steps, 1000);
    assert_int_equal(run->warmup, 20);
    assert_int_equal(run->component_steps, 50);
    assert_int_equal(run->equilibration, -1);
    assert_int_equal(run->memory_every, 10);
    assert_int_equal(run->energy_every, 1);
    assert_true(isnan(run->timestep_fs)); /* the system's own */
    assert_true(run->temperature_K == 300.0 && run->pressure_GPa == 0.0);
    assert_int_equal(run->seed, 20251123);
    assert_string_equal(run->device, "auto");
    assert_int_equal(run->precision, MDS_PRECISION_AUTO);
    assert_int_equal(run->timing, MDS_TIMING_EVENT);
    assert_true(run->timeout_s == 120.0 && run->memory_limit_MB == 0.0);
    assert_true(run->leak_tolerance_MB == 10.0);
    assert_int_equal(run->threads, 0);
    assert_true(l.study.targets.mean_ms == 1.0 && l.study.targets.energy_drift == 1e-4);
    assert_string_equal(l.study.text, SWEEP);
    unload(&l);
}

static void every_key_arrives(void **unused)
{
    (void)unused;
    make_cells();
    loaded l = expect_good(full, NULL);
    const mds_study *s = &l.study;

    assert_string_equal(s->name, "all-keys");
    assert_int_equal(s->system_count, 4);
    assert_string_equal(s->systems[1].name, "mix");
    assert_string_equal(s->systems[2].name, "argon");
    assert_string_equal(s->systems[1].class->name, "file");
    assert_string_equal(s->systems[3].class->name, "silicon");
    assert_int_equal(s->sizes[1], 1000000);
    assert_int_equal(s->repeats, 3);
    assert_string_equal(mds_options_text(&s->protocols[1].options, "thermostat"), "nose-hoover");
    assert_int_equal(mds_options_int(&s->protocols[1].options, "chain_length"), 5);
    assert_string_equal(mds_options_text(&s->protocols[3].options, "thermostat"), "svr");
    assert_true(mds_options_real(&s->protocols[3].options, "tau_fs") == 1000.0);
    assert_string_equal(s->models[1].engine, "harmonic");
    assert_string_equal(s->models[2].base, "lj");
    assert_int_equal(s->models[3].set_count, 2);
    /* A file beside the configuration is found from anywhere. */
    assert_int_equal(s->models[3].set[1].text[0], '/');
    assert_int_equal(s->exclude_count, 2);
    assert_int_equal(s->exclude[0].sizes, 2);
    assert_int_equal(s->exclude[1].systems, 2);
    assert_string_equal(s->exclude[1].system[0], "mix"); /* named as the axis writes it */
    assert_int_equal(s->exclude[0].line, 8);
    assert_int_equal(s->run.seed, 5000000000);
    assert_true(s->run.timestep_fs == 1.0); /* an integer for a real is fine */
    assert_string_equal(s->run.device, "sim:64");
    assert_int_equal(s->run.timing, MDS_TIMING_SYNC);
    assert_int_equal(s->override_count, 2);
    assert_true(s->overrides[0].run.timestep_fs == 0.25);
    assert_int_equal(s->overrides[1].run.precision, MDS_PRECISION_FP32);
    assert_string_equal(s->output, "out/x.h5");
    assert_int_equal(s->trajectory_every, 7);
    assert_true(s->targets.cv == 0.1);
    unload(&l);
}

/* Resolved text depends on no default, so it is a fixed point; and it names files absolutely. */
static void resolved_text_gives_the_study_again(void **unused)
{
    (void)unused;
    make_cells();
    const char *const texts[] = {full, SWEEP};

    for (int i = 0; i < 2; ++i) {
        loaded first = expect_good(texts[i], NULL);
        assert_int_equal(system("mkdir -p elsewhere"), 0);
        assert_int_equal(chdir("elsewhere"), 0);
        loaded second = expect_good(first.study.resolved, NULL);
        assert_int_equal(chdir(".."), 0);
        const mds_study *a = &first.study, *b = &second.study;

        assert_string_equal(a->resolved, b->resolved);
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->output, b->output);
        for (const mds_field *f = mds_run_fields; f->option.key; ++f) {
            char x[64], y[64];
            assert_string_equal(mds_field_format(f, &a->run, x, sizeof x),
                                mds_field_format(f, &b->run, y, sizeof y));
        }
        assert_memory_equal(&a->targets, &b->targets, sizeof a->targets);
        assert_int_equal(a->system_count, b->system_count);
        assert_memory_equal(a->systems, b->systems, (size_t)a->system_count * sizeof *a->systems);
        assert_memory_equal(a->sizes, b->sizes, (size_t)a->size_count * sizeof *a->sizes);
        assert_memory_equal(a->protocols, b->protocols,
                            (size_t)a->protocol_count * sizeof *a->protocols);
        assert_memory_equal(a->models, b->models, (size_t)a->model_count * sizeof *a->models);
        assert_int_equal(a->exclude_count, b->exclude_count);
        assert_int_equal(a->override_count, b->override_count);
        for (int k = 0; k < a->override_count; ++k)
            assert_int_equal(a->overrides[k].given, b->overrides[k].given);
        unload(&first);
        unload(&second);
    }
}

static void a_scalar_is_a_list_of_one(void **unused)
{
    (void)unused;
    loaded l = expect_good("sweep: { systems = \"iron\"; sizes = 54; protocols = \"nve\"; models = "
                           "(\"reference\"); exclude = { size = 3; }; };\n",
                           NULL);

    assert_string_equal(l.study.systems[0].name, "iron");
    assert_int_equal(l.study.sizes[0], 54);
    assert_int_equal(l.study.exclude_count, 1);
    unload(&l);
}

static void included_files_are_read(void **unused)
{
    (void)unused;
    write_text("run.inc", "run: { steps = 77; };\n");
    loaded l = expect_good(SWEEP "@include \"run.inc\"\n", NULL);

    assert_int_equal(l.study.run.steps, 77);
    unload(&l);
}

static void names_of_file_systems(void **unused)
{
    (void)unused;
    make_cells();
    assert_int_equal(system("cp cells/mix.xyz '3 c.v2.xyz' && cp cells/mix.xyz water.xyz"), 0);
    loaded l = expect_good("sweep: { systems = [\"3 c.v2.xyz\", \"./water.xyz\", \"water\"];\n"
                           "sizes = [64]; protocols = [\"nve\"]; models = [\"reference\"]; };\n",
                           NULL);

    assert_string_equal(l.study.systems[0].name, "file-3-c-v2");
    assert_string_equal(l.study.systems[1].name, "water-xyz");
    assert_string_equal(l.study.systems[2].name, "water");
    unload(&l);
}

/* The table's words must be those of the enums, in their order. */
static void words_match_their_enums(void **unused)
{
    const mds_field *f = mds_fields_find(mds_run_fields, "precision");

    (void)unused;
    for (int i = 0; i < MDS_PRECISION_COUNT; ++i)
        assert_string_equal(f->option.choices[i], mds_precision_name((mds_precision)i));
    assert_null(f->option.choices[MDS_PRECISION_COUNT]);
    f = mds_fields_find(mds_run_fields, "timing");
    assert_string_equal(f->option.choices[MDS_TIMING_EVENT], "event");
    assert_string_equal(f->option.choices[MDS_TIMING_SYNC], "sync");
    assert_string_equal(f->option.choices[MDS_TIMING_OFF], "off");
}

static void shipped_configurations_load(void **unused)
{
    static const char *const names[] = {"quick", "baseline", "comprehensive", "scaling"};

    (void)unused;
    for (int i = 0; i < 4; ++i) {
        char path[512];
        mds_study study;
        mds_problems problems = {0};

        snprintf(path, sizeof path, MDS_SOURCE_DIR "/configs/%s.cfg", names[i]);
        const mds_status status = mds_config_load(path, NULL, &study, &problems);
        if (status != MDS_OK)
            fail_msg("%s", mds_error());
        assert_string_equal(study.name, names[i]);
        assert_int_equal(study.system_count, 5);
        mds_study_fini(&study);
        mds_problems_fini(&problems);
    }
}

/* The contract of scaling.cfg (design §4): all systems, 32 to 1024 atoms, three ensembles. */
static void scaling_is_what_the_design_says(void **unused)
{
    mds_study study;
    mds_problems problems = {0};

    (void)unused;
    CHECK_OK(mds_config_load(MDS_SOURCE_DIR "/configs/scaling.cfg", NULL, &study, &problems));
    assert_int_equal(study.size_count, 6);
    assert_int_equal(study.sizes[0], 32);
    assert_int_equal(study.sizes[5], 1024);
    assert_int_equal(study.protocol_count, 3);
    assert_int_equal(study.run.steps, 1000);
    assert_string_equal(study.models[0].name, "reference");
    assert_string_equal(study.models[1].name, "student");
    mds_study_fini(&study);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_has_a_default),
        cmocka_unit_test(every_key_arrives),
        cmocka_unit_test(resolved_text_gives_the_study_again),
        cmocka_unit_test(a_scalar_is_a_list_of_one),
        cmocka_unit_test(included_files_are_read),
        cmocka_unit_test(names_of_file_systems),
        cmocka_unit_test(words_match_their_enums),
        cmocka_unit_test(shipped_configurations_load),
        cmocka_unit_test(scaling_is_what_the_design_says),
    };

    enter_folder();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
