/* Command line and environment over the file: who wins, what --set takes, and whose name is in the
 * messages. */
#include "config_fixture.h"

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char file[] = SWEEP "run: { steps = 100; warmup = 5; };\n"
                                 "output: { file = \"file.h5\"; };\n";

static int64_t steps_with(const char *text, const char *const *set)
{
    loaded l = expect_good(text, set);
    const int64_t steps = l.study.run.steps;

    unload(&l);
    return steps;
}

static void precedence(void **unused)
{
    (void)unused;
    assert_int_equal(steps_with(SWEEP, NULL), 1000);
    assert_int_equal(steps_with(file, NULL), 100);
    setenv("MDSWEEP_RUN_STEPS", "200", 1);
    assert_int_equal(steps_with(file, NULL), 200);
    assert_int_equal(steps_with(SWEEP, NULL), 200);
    assert_int_equal(steps_with(file, SET("run.steps=300")), 300);
    assert_int_equal(steps_with(file, SET("run.steps=300", "run.steps=400")), 400);
    setenv("MDSWEEP_RUN_STEPS", "", 1); /* empty: as if it were not there */
    assert_int_equal(steps_with(file, NULL), 100);
    unsetenv("MDSWEEP_RUN_STEPS");
}

static void every_section_from_the_environment(void **unused)
{
    (void)unused;
    setenv("MDSWEEP_OUTPUT_FILE", "dir/env.h5", 1);
    setenv("MDSWEEP_TARGETS_MEAN_MS", "3", 1);
    setenv("MDSWEEP_SWEEP_SYSTEMS", "iron,copper", 1);
    setenv("MDSWEEP_RUN_TEMPERATURE_K", "77.5", 1); /* K in any case of letters */
    setenv("MDSWEEP_TEST_DATA", "not ours", 1);
    loaded l = expect_good(file, NULL);

    assert_string_equal(l.study.output, "dir/env.h5");
    assert_true(l.study.targets.mean_ms == 3.0);
    assert_int_equal(l.study.system_count, 2);
    assert_string_equal(l.study.systems[1].name, "copper");
    assert_true(l.study.run.temperature_K == 77.5);
    unload(&l);
    unsetenv("MDSWEEP_OUTPUT_FILE");
    unsetenv("MDSWEEP_TARGETS_MEAN_MS");
    unsetenv("MDSWEEP_SWEEP_SYSTEMS");
    unsetenv("MDSWEEP_RUN_TEMPERATURE_K");

    setenv("MDSWEEP_RUN_STPES", "1", 1);
    setenv("MDSWEEP_RUN_SEED", "abc", 1);
    loaded bad = load_set(file, NULL);
    char *text = problem_text(&bad.problems);
    /* The order of the two is the environment's. */
    assert_int_equal(bad.problems.count, 2);
    assert_non_null(strstr(text, "MDSWEEP_RUN_STPES: unknown environment variable, did you mean "
                                 "MDSWEEP_RUN_STEPS?\n"));
    assert_non_null(
        strstr(text, "MDSWEEP_RUN_SEED=abc: seed takes a whole number, not the text \"abc\"\n"));
    free(text);
    unload(&bad);
    unsetenv("MDSWEEP_RUN_STPES");
    unsetenv("MDSWEEP_RUN_SEED");
}

/* Shells eat quotes, so words need none; libconfig's own forms work too. */
static void forms_of_values(void **unused)
{
    static const char *const lists[] = {
        "sweep.systems=[\"iron\", \"copper\"]",
        "sweep.systems=(\"iron\", \"copper\")",
        "sweep.systems=iron,copper",
        "sweep.systems=[iron, copper]",
        "sweep.systems = iron, copper",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; ++i) {
        loaded l = expect_good(file, SET(lists[i]));
        assert_int_equal(l.study.system_count, 2);
        assert_string_equal(l.study.systems[1].name, "copper");
        unload(&l);
    }
    loaded l = expect_good(
        file, SET("sweep.systems=iron", "sweep.sizes=54,128", "run.device=sim:64",
                  "run.seed=5000000000L", "run.timestep_fs=1e-1", "output.file=2024.run/x.h5",
                  "protocols.mine={type=nvt; thermostat=svr;}", "sweep.protocols=mine",
                  "models.m.engine=harmonic", "models.m.k_eV_A2=2", "sweep.models=m",
                  "overrides=({system=iron; steps=9;})", "sweep.exclude=({size=[54];})"));

    assert_int_equal(l.study.size_count, 2);
    assert_string_equal(l.study.run.device, "sim:64");
    assert_int_equal(l.study.run.seed, 5000000000);
    assert_true(l.study.run.timestep_fs == 0.1);
    assert_string_equal(l.study.output, "2024.run/x.h5");
    assert_string_equal(mds_options_text(&l.study.protocols[0].options, "thermostat"), "svr");
    assert_string_equal(l.study.models[0].engine, "harmonic");
    assert_int_equal(l.study.models[0].set_count, 1);
    assert_int_equal(l.study.overrides[0].run.steps, 9);
    assert_int_equal(l.study.exclude[0].size[0], 54);
    unload(&l);
}

static void mistakes_name_the_option(void **unused)
{
    (void)unused;
    expect_bad(
        file,
        SET("run.stesp=5", "run.steps=many", "run.timestep_ps=1", "sweep.sizes=[64", "nonsense",
            "run.=5", "run.steps.deep=1", "a.b=3", "run.steps=1; zebra=2", "run.seed=5000000000",
            "sweep.models=refrence", "models.m={engine=lj; epsilon=1;}",
            "run.warmup=", "run.device=\"cpu"),
        "--set sweep.sizes=[64: the value is neither a number, a text, nor a list [a, b]\n"
        "--set nonsense: path=value is expected, as run.steps=100\n"
        "--set run.=5: the path is words joined by dots, such as run.steps\n"
        "--set run.steps.deep=1: 'steps' is not a group\n"
        "--set run.steps=1; zebra=2: the value is neither a number, a text, nor a list [a, b]\n"
        "--set run.seed=5000000000: 5000000000 has more than 32 bits: write it with an L behind "
        "it\n"
        "--set run.warmup=: path=value is expected, as run.steps=100\n"
        "--set run.device=\"cpu: the value is neither a number, a text, nor a list [a, b]\n"
        "--set a.b=3: unknown key 'a' in the configuration, which knows sweep, run, models, "
        "protocols, systems, output, targets, overrides\n"
        "--set models.m={engine=lj; epsilon=1;}: model 'm': unknown option 'epsilon', did you mean "
        "'epsilon_eV'?\n"
        "--set run.stesp=5: unknown key 'stesp' in run, did you mean 'steps'?\n"
        "--set run.steps=many: steps takes a whole number, not the text \"many\"\n"
        "--set run.timestep_ps=1: unknown key 'timestep_ps' in run, did you mean 'timestep_fs'?\n"
        "--set sweep.models=refrence: unknown model 'refrence', did you mean 'reference'?\n");
}

static void options_of_their_own(void **unused)
{
    mds_config_overrides overrides = {.output = "12.5", .device = "cpu", .repeats = 4};

    (void)unused;
    loaded l = load_with(file, &overrides);
    assert_int_equal(l.status, MDS_OK);
    assert_string_equal(l.study.output, "12.5"); /* a file's name, whatever it looks like */
    assert_string_equal(l.study.run.device, "cpu");
    assert_int_equal(l.study.repeats, 4);
    unload(&l);

    overrides = (mds_config_overrides){.device = "gpu", .repeats = -1};
    l = load_with(file, &overrides);
    char *text = problem_text(&l.problems);
    assert_string_equal(text, "--device gpu: device takes one of \"auto\", \"cpu\", \"cuda\", "
                              "\"sim\", not \"gpu\"\n"
                              "--repeats -1: repeats = -1 is outside 1 to 10000\n");
    free(text);
    unload(&l);
}

/* An entry of `overrides` belongs to the file, so the command line beats it too. */
static void command_line_beats_overrides(void **unused)
{
    static const char text[] = SWEEP
        "overrides: ( { system = \"silicon\"; steps = 7; warmup = 3; },\n"
        "             { model = \"reference\"; steps = 8; } );\n";

    (void)unused;
    loaded l = expect_good(text, NULL);
    assert_int_equal(l.study.override_count, 2);
    unload(&l);

    l = expect_good(text, SET("run.steps=50"));
    assert_int_equal(l.study.override_count, 1); /* warmup is left of the first */
    assert_int_equal(__builtin_popcount(l.study.overrides[0].given), 1);
    assert_int_equal(l.study.overrides[0].run.warmup, 3);
    assert_int_equal(l.study.run.steps, 50);
    unload(&l);

    l = expect_good(text, SET("run.steps=50", "overrides=({system=silicon; steps=9;})"));
    assert_int_equal(l.study.override_count, 1);
    assert_int_equal(l.study.overrides[0].run.steps, 9);
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precedence),
        cmocka_unit_test(every_section_from_the_environment),
        cmocka_unit_test(forms_of_values),
        cmocka_unit_test(mistakes_name_the_option),
        cmocka_unit_test(options_of_their_own),
        cmocka_unit_test(command_line_beats_overrides),
    };

    enter_folder();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
