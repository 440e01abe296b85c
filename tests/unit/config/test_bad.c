/* Every kind of bad input: the exact messages, with file and line, all in one pass. */
#include "config_fixture.h"

#define AXES                                                                                       \
    "systems = [\"silicon\"]; sizes = [64]; protocols = [\"nve\"]; models = [\"reference\"]; "

static void unknown_keys_at_every_level(void **unused)
{
    (void)unused;
    expect_bad(SWEEP "runn: { steps = 1; };\n"
                     "steps = 5;\n"
                     "zebra = 1;\n"
                     "run: { stesp = 5;\n sizes = [1]; quux = 2; };\n"
                     "output: { flie = \"x\"; };\n"
                     "targets: { mean = 1.0; };\n",
               NULL,
               "t.cfg:2: unknown key 'runn' in the configuration, did you mean 'run'?\n"
               "t.cfg:3: unknown key 'steps' in the configuration, it belongs in run\n"
               "t.cfg:4: unknown key 'zebra' in the configuration, which knows sweep, run, models, "
               "protocols, systems, output, targets, overrides\n"
               "t.cfg:5: unknown key 'stesp' in run, did you mean 'steps'?\n"
               "t.cfg:6: unknown key 'sizes' in run, it belongs in sweep\n"
               "t.cfg:6: unknown key 'quux' in run, which knows steps, warmup, component_steps, "
               "equilibration, memory_every, energy_every, timestep_fs, temperature_K, "
               "pressure_GPa, seed, device, precision, timing, timeout_s, memory_limit_MB, "
               "leak_tolerance_MB, threads, telemetry_hz\n"
               "t.cfg:7: unknown key 'flie' in output, did you mean 'file'?\n"
               "t.cfg:8: unknown key 'mean' in targets, did you mean 'mean_ms'?\n");
    expect_bad("sweep: { " AXES "\nsystem = \"iron\";\nexclude = ( { sise = 64; } ); };\n", NULL,
               "t.cfg:2: unknown key 'system' in sweep, did you mean 'systems'?\n"
               "t.cfg:3: a rule of exclude needs a system, size, protocol or model\n"
               "t.cfg:3: unknown key 'sise' in exclude, did you mean 'size'?\n");
}

static void units_are_part_of_keys(void **unused)
{
    (void)unused;
    expect_bad(SWEEP "run: {\n timestep_ps = 0.001;\n temperature = 300;\n pressure_bar = 1;\n"
                     " timeout = 5; };\n",
               NULL,
               "t.cfg:3: unknown key 'timestep_ps' in run, did you mean 'timestep_fs'?\n"
               "t.cfg:4: unknown key 'temperature' in run, did you mean 'temperature_K'?\n"
               "t.cfg:5: unknown key 'pressure_bar' in run, did you mean 'pressure_GPa'?\n"
               "t.cfg:6: unknown key 'timeout' in run, did you mean 'timeout_s'?\n");
}

static void wrong_types(void **unused)
{
    (void)unused;
    expect_bad(SWEEP "run: { steps = 10.5;\n warmup = \"20\";\n temperature_K = \"hot\";\n"
                     " device = 3;\n timestep_fs = true;\n seed = [1];\n precision = 64;\n"
                     " threads = 1e0; };\n"
                     "output: { file = 5; };\n"
                     "targets = 3;\n"
                     "models = [];\n",
               NULL,
               "t.cfg:2: steps takes a whole number, not 10.5\n"
               "t.cfg:3: warmup takes a whole number, not the text \"20\"\n"
               "t.cfg:4: temperature_K takes a number in K, not the text \"hot\"\n"
               "t.cfg:5: device takes a text in quotes, not the number 3\n"
               "t.cfg:6: timestep_fs takes a number, not true or false\n"
               "t.cfg:7: seed takes a whole number, not a list\n"
               "t.cfg:8: precision takes one of \"auto\", \"fp64\", \"fp32\", \"tf32\", "
               "\"tf32x3\", \"fp16\", not the number 64\n"
               "t.cfg:9: threads takes a whole number, not 1\n"
               "t.cfg:10: file takes a text in quotes, not the number 5\n"
               "t.cfg:11: targets takes a group { }, not a number\n"
               "t.cfg:12: models takes a group { }, not a list\n");
}

static void absurd_numbers(void **unused)
{
    (void)unused;
    expect_bad(SWEEP "run: { steps = 0;\n warmup = -1;\n timestep_fs = 1000;\n"
                     " temperature_K = -300;\n equilibration = -2;\n memory_every = 0;\n"
                     " timeout_s = 0;\n seed = -1;\n pressure_GPa = 1e999; };\n"
                     "targets: { cv = 0; };\n",
               NULL,
               "t.cfg:2: steps = 0 is outside 1 to 1000000000\n"
               "t.cfg:3: warmup = -1 is outside 0 to 1000000000\n"
               "t.cfg:4: timestep_fs = 1000 is outside 0.001 to 20 fs\n"
               "t.cfg:5: temperature_K = -300 is outside 0 to 20000 K\n"
               "t.cfg:6: equilibration = -2 is outside -1 to 1000000000\n"
               "t.cfg:7: memory_every = 0 is outside 1 to 1000000000\n"
               "t.cfg:8: timeout_s = 0 is outside 0.1 to 1000000 s\n"
               "t.cfg:9: seed = -1 is outside 0 to 9.2e+18\n"
               "t.cfg:10: pressure_GPa = inf is outside -100 to 1000 GPa\n"
               "t.cfg:11: cv = 0 is outside 1e-12 to 1000000\n");
}

/* libconfig 1.5 would keep 32 bits of them. */
static void integers_that_libconfig_would_cut(void **unused)
{
    (void)unused;
    expect_bad(SWEEP "run: { /* 99999999999 */ steps = 4294967301; # 99999999999\n"
                     " seed = 99999999999999999999L; device = \"99999999999\"; };\n",
               NULL,
               "t.cfg:2: 4294967301 has more than 32 bits: write it with an L behind it\n"
               "t.cfg:3: 99999999999999999999L is larger than any integer here\n"
               "t.cfg:3: device takes one of \"auto\", \"cpu\", \"cuda\", \"sim\", not "
               "\"99999999999\"\n");
}

static void axes(void **unused)
{
    (void)unused;
    expect_bad("sweep: { };\n", NULL,
               "t.cfg:1: sweep has no systems, such as systems = [\"silicon\"];\n"
               "t.cfg:1: sweep has no sizes, such as sizes = [64, 256];\n"
               "t.cfg:1: sweep has no protocols, such as protocols = [\"nve\"];\n"
               "t.cfg:1: sweep has no models, such as models = [\"reference\"];\n");
    expect_bad("\n", NULL,
               "t.cfg:1: there is no section sweep: { systems, sizes, protocols, models }\n");
    expect_bad("sweep: {\n systems = [];\n sizes = [];\n protocols = ();\n models = {}; };\n", NULL,
               "t.cfg:2: systems is empty, at least one value is needed\n"
               "t.cfg:3: sizes is empty, at least one value is needed\n"
               "t.cfg:4: protocols is empty, at least one value is needed\n"
               "t.cfg:5: models takes a list [ ], not a group { }\n");
    expect_bad("sweep: {\n"
               " systems = [\"slicon\", \"iron\",\n  \"iron\"];\n"
               " sizes = [64, 0,\n  64, 1000001];\n"
               " protocols = [\"nvt-lagevin\", \"\"];\n"
               " models = (\"refrence\", 5);\n"
               " repeats = 0; name = \"a/b\"; };\n",
               NULL,
               "t.cfg:2: unknown system 'slicon', did you mean 'silicon'?\n"
               "t.cfg:3: system 'iron' is in systems twice\n"
               "t.cfg:4: size = 0 is outside 1 to 1000000 atoms\n"
               "t.cfg:5: size 64 is in sizes twice\n"
               "t.cfg:5: size = 1000001 is outside 1 to 1000000 atoms\n"
               "t.cfg:6: a protocol is an empty text\n"
               "t.cfg:6: unknown protocol 'nvt-lagevin', did you mean 'nvt-langevin'?\n"
               "t.cfg:7: a model is a text in quotes, not a number\n"
               "t.cfg:7: unknown model 'refrence', did you mean 'reference'?\n"
               "t.cfg:8: repeats = 0 is outside 1 to 10000\n"
               "t.cfg:8: name \"a/b\" has a '/'; letters, digits and - _ . + are possible\n");
    expect_bad("sweep: { systems = [\"silicon\"]; sizes = [64.5, 1.0]; protocols = [\"nve\"];\n"
               "models = [\"reference\"]; };\n",
               NULL,
               "t.cfg:1: size takes a whole number in atoms, not 64.5\n"
               "t.cfg:1: size takes a whole number in atoms, not 1\n");
}

/* Where no word is near, all are listed: the configuration's own first. */
static void words_that_resemble_nothing(void **unused)
{
    (void)unused;
    loaded l = load_set("sweep: { systems = [\"silicon\"]; sizes = [64]; protocols = [\"nve\"];\n"
                        "models = [\"zzz\"]; };\nmodels: { mine: { engine = \"lj\"; }; };\n",
                        NULL);
    const char *want = "unknown model 'zzz', known are mine, reference, ";

    assert_int_equal(l.problems.count, 1);
    assert_int_equal(l.problems.list[0].line, 2);
    assert_int_equal(strncmp(l.problems.list[0].text, want, strlen(want)), 0);
    unload(&l);
}

static void structure_files(void **unused)
{
    (void)unused;
    write_text("short.xyz", "2\nLattice=\"5 0 0 0 5 0 0 0 5\" Properties=species:S:1:pos:R:3 "
                            "pbc=\"T T T\"\nAr 0 0 0\n");
    expect_bad("sweep: {\n systems = [\"gone.xyz\",\n \"a/b\"]; sizes = [64]; "
               "protocols = [\"nve\"]; models = [\"reference\"]; };\n"
               "systems: { mine: { file = \"gone.extxyz\"; };\n none: { };\n bad: { type = "
               "\"slicon\"; }; };\n",
               NULL,
               "t.cfg:2: system 'gone': no readable file gone.xyz\n"
               "t.cfg:3: system 'b': no readable file a/b\n"
               "t.cfg:4: system 'mine': no readable file gone.extxyz\n"
               "t.cfg:5: system 'none' needs file = \"....xyz\" or type = \"a built-in system\"\n"
               "t.cfg:6: unknown system type 'slicon', did you mean 'silicon'?\n");
    /* A damaged file is named with its own line. */
    loaded l = load_set("sweep: { systems = [\"short.xyz\"]; sizes = [64]; protocols = [\"nve\"]; "
                        "models = [\"reference\"]; };\n",
                        NULL);
    assert_int_equal(l.status, MDS_ERR_CONFIG);
    assert_int_equal(l.problems.count, 1);
    assert_non_null(strstr(l.problems.list[0].text, "short.xyz"));
    unload(&l);
}

static void definitions(void **unused)
{
    (void)unused;
    expect_bad(SWEEP "protocols: { a: { type = \"nvt\"; thermostat = \"nose\";\n  tau = 3;\n"
                     "  tau_fs = -1;\n  chain_length = 2.5;\n  tau_fs2 = [1]; };\n"
                     " b: { };\n c = 3;\n d: { type = \"nvtt\"; }; };\n",
               NULL,
               "t.cfg:2: protocol 'a': option 'thermostat' = \"nose\" is not one of langevin, svr, "
               "nose-hoover\n"
               "t.cfg:3: protocol 'a': unknown option 'tau', did you mean 'tau_fs'?\n"
               "t.cfg:4: protocol 'a': option 'tau_fs' = -1 is outside 0.1 to 1e+07 fs\n"
               "t.cfg:5: protocol 'a': option 'chain_length' takes a whole number, not 2.5\n"
               "t.cfg:6: option 'tau_fs2' takes one value, not a list or group\n"
               "t.cfg:7: protocol 'b' needs type = \"nve\", \"nvt\", \"npt\" or \"replay\"\n"
               "t.cfg:8: protocol 'c' takes a group { }\n"
               "t.cfg:9: protocol 'd': unknown protocol 'nvtt', did you mean 'nvt'?\n");
    expect_bad(SWEEP "models: { soft: { engine = \"harmonc\"; };\n m2: { base = \"lj\"; "
                     "precision = \"fp32\"; };\n m3: { engine = \"lj\"; epsilon = 1.0; };\n"
                     " m4: { };\n m5: { engine = \"lj\"; base = \"lj\"; };\n"
                     " m6: { base = \"refrence\"; };\n m7: { base = \"reference\"; form = 3; };\n"
                     " m8: { engine = \"lj\"; epsilon_eV = -1.0; }; };\n",
               NULL,
               "t.cfg:2: model 'soft': unknown engine 'harmonc', did you mean 'harmonic'?\n"
               "t.cfg:3: model 'm2' has no option 'precision'; it belongs in run or in an entry of "
               "overrides\n"
               "t.cfg:4: model 'm3': unknown option 'epsilon', did you mean 'epsilon_eV'?\n"
               "t.cfg:5: model 'm4' needs engine = \"...\" or base = \"a built-in model\"\n"
               "t.cfg:6: model 'm5' has both engine and base, one is enough\n"
               "t.cfg:7: model 'm6': unknown model 'refrence', did you mean 'reference'?\n"
               "t.cfg:8: model 'm7': option 'form' takes a text in quotes, not a number\n"
               "t.cfg:9: model 'm8': option 'epsilon_eV' = -1 is outside 1e-09 to 1000 eV\n");
}

/* A definition that is wrong is reported once, where it is, not again where it is used. */
static void wrong_definitions_are_reported_once(void **unused)
{
    (void)unused;
    expect_bad("sweep: { systems = [\"silicon\"]; sizes = [64]; protocols = [\"a\"]; models = "
               "[\"m\"]; exclude = ( { model = \"m\"; size = 1; } ); };\n"
               "protocols: { a: { type = \"nvx\"; }; };\n"
               "models: { m: { engine = \"xx\"; }; };\n",
               NULL,
               "t.cfg:2: protocol 'a': unknown protocol 'nvx', did you mean 'nve'?\n"
               "t.cfg:3: model 'm': unknown engine 'xx' (`mdsweep list models` shows them)\n");
}

static void rules(void **unused)
{
    (void)unused;
    expect_bad("sweep: { " AXES "exclude = ( { model = \"refrence\"; },\n { },\n"
               " { size = [1.5]; },\n 3,\n { system = [\"a\", \"b\", \"c\", \"d\", \"e\", "
               "\"f\", \"g\", \"h\", \"i\"]; } ); };\n"
               "overrides: ( { steps = 10; },\n { model = \"reference\"; },\n"
               " { system = \"irn\"; steps = -1; } );\n",
               NULL,
               "t.cfg:1: unknown model 'refrence', did you mean 'reference'?\n"
               "t.cfg:2: a rule of exclude needs a system, size, protocol or model\n"
               "t.cfg:3: size takes a whole number in atoms, not 1.5\n"
               "t.cfg:4: exclude takes a list of groups ( { ... }, { ... } )\n"
               "t.cfg:5: system has 9 values, at most 8 are possible\n"
               "t.cfg:6: an entry of overrides needs a system, size, protocol or model; what "
               "holds for all belongs in run\n"
               "t.cfg:7: an entry of overrides needs a key of run to set, such as steps\n"
               "t.cfg:8: unknown system 'irn', did you mean 'iron'?\n"
               "t.cfg:8: steps = -1 is outside 1 to 1000000000\n");
}

static void syntax(void **unused)
{
    (void)unused;
    expect_bad(SWEEP "run: {\n steps = ;\n};\n", NULL, "t.cfg:3: syntax error at 'steps = ;'\n");
    expect_bad(SWEEP "run: { steps = 1;\n", NULL, "t.cfg:3: syntax error at the end of the text\n");
    expect_bad(SWEEP "# \"\nrun: {\n device = \"cpu;\n steps = 1; };\n", NULL,
               "t.cfg:4: a text begins here that has no closing quote\n");
    expect_bad("a = \"\\\\\"; b = \"\\\";\n", NULL,
               "t.cfg:1: a text begins here that has no closing quote\n");
    expect_bad("a = 1;\nb = 2;\n a = 3;\n", NULL, "t.cfg:3: duplicate setting name at 'a = 3;'\n");
    expect_bad("a = [1,\n \"x\"];\n", NULL,
               "t.cfg:2: mismatched element type in array at '\"x\"];'\n");
    expect_bad("@include \"gone.cfg\"\n", NULL,
               "t.cfg:1: cannot open include file at '@include \"gone.cfg\"'\n");
}

static void included_files_are_named(void **unused)
{
    (void)unused;
    assert_int_equal(system("mkdir -p sub"), 0);
    write_text("sub/part.inc", "run: {\n stesp = 1;\n seed = 99999999999;\n};\n");
    write_text("sub/broken.inc", "\nrun: { steps = ; };\n");
    write_text("sub/top.cfg", SWEEP "@include \"part.inc\"\n");
    write_text("sub/top2.cfg", SWEEP "@include \"broken.inc\"\n");

    mds_study study;
    mds_problems problems = {0};
    CHECK_FAILS(mds_config_load("sub/top.cfg", NULL, &study, &problems), MDS_ERR_CONFIG,
                "sub/part.inc:2: unknown key 'stesp' in run, did you mean 'steps'? (and 1 more)");
    mds_problems_fini(&problems);
    CHECK_FAILS(mds_config_load("sub/top2.cfg", NULL, &study, &problems), MDS_ERR_CONFIG,
                "sub/broken.inc:2: syntax error at 'run: { steps = ; };'");
    mds_problems_fini(&problems);
}

static void unreadable_files(void **unused)
{
    mds_study study;
    mds_problems problems = {0};
    FILE *file = fopen("nul.cfg", "wb");

    (void)unused;
    assert_non_null(file);
    assert_int_equal(fwrite("a = 1;\n\0\n", 1, 9, file), 9);
    fclose(file);
    CHECK_FAILS(mds_config_load("nul.cfg", NULL, &study, &problems), MDS_ERR_CONFIG,
                "nul.cfg:2: there is a NUL byte: this is not a text file");
    mds_problems_fini(&problems);
    CHECK_FAILS(mds_config_load("gone.cfg", NULL, &study, &problems), MDS_ERR_IO,
                "gone.cfg: No such file or directory");
    assert_int_equal(problems.count, 1);
    mds_problems_fini(&problems);
    CHECK_FAILS(mds_config_load(".", NULL, &study, &problems), MDS_ERR_IO, ".: is a folder");
    mds_problems_fini(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys_at_every_level),
        cmocka_unit_test(units_are_part_of_keys),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(absurd_numbers),
        cmocka_unit_test(integers_that_libconfig_would_cut),
        cmocka_unit_test(axes),
        cmocka_unit_test(words_that_resemble_nothing),
        cmocka_unit_test(structure_files),
        cmocka_unit_test(definitions),
        cmocka_unit_test(wrong_definitions_are_reported_once),
        cmocka_unit_test(rules),
        cmocka_unit_test(syntax),
        cmocka_unit_test(included_files_are_named),
        cmocka_unit_test(unreadable_files),
    };

    enter_folder();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
