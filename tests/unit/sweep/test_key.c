/* Keys: a case is what it is, not where it stands. Resume depends on it. */
#include "sweep_fixture.h"

#include "base/text.h"

#include <unistd.h>

static mds_study base_study(void)
{
    return make_study(WORDS("silicon", "water"), SIZES(32, 64), WORDS("nve", "nvt"),
                      WORDS("reference", "null"));
}

/* The key of silicon/64/nvt/reference/r0. */
static uint64_t key_in(const mds_study *study)
{
    mds_matrix m;

    CHECK_OK(mds_matrix_expand(study, NULL, "cpu", &m));
    const mds_case *c = find_case(study, &m, "silicon/64/nvt/reference/r0");
    assert_non_null(c);
    const uint64_t key = c->key;
    mds_matrix_fini(&m);
    return key;
}

static void canonical_text_is_what_the_key_hashes(void **unused)
{
    mds_study s = base_study();
    mds_matrix m;
    char text[4096];

    (void)unused;
    s.models[0].set_count = 0;
    CHECK_OK(mds_matrix_expand(&s, NULL, "cpu", &m));
    for (int i = 0; i < m.count; ++i) {
        mds_case_canonical(&s, &m.cases[i], text, sizeof text);
        assert_true(mds_hash_text(MDS_HASH_START, text) == m.cases[i].key);
    }
    mds_case_canonical(&s, find_case(&s, &m, "water/32/nve/reference/r0"), text, sizeof text);
    assert_string_equal(
        text, "model=reference model.engine=spcfw model_precision=fp64 n_asked=32 n_atoms=33 "
              "protocol=nve protocol.class=nve repeat=0 run.component_steps=50 run.energy_every=1 "
              "run.equilibration=-1 run.memory_every=10 run.pressure_GPa=0 run.seed=20251123 "
              "run.steps=1000 run.temperature_K=300 run.threads=0 run.timestep_fs=0.5 "
              "run.timing=event run.warmup=20 system=water system.class=water");
    mds_matrix_fini(&m);
    mds_study_fini(&s);
}

/* A case that cannot run has a key too, which must not change with its place. */
static void skipped_cases_have_keys(void **unused)
{
    mds_study s = make_study(WORDS("iron"), SIZES(54), WORDS("nve"), WORDS("sw", "gone"));
    mds_matrix m;
    char text[4096];

    (void)unused;
    s.models[1].base[0] = '\0';
    strcpy(s.models[1].engine, "no-such-engine");
    CHECK_OK(mds_matrix_expand(&s, NULL, "cpu", &m));
    for (int i = 0; i < 2; ++i) {
        assert_int_equal(m.cases[i].status, MDS_CASE_SKIPPED);
        mds_case_canonical(&s, &m.cases[i], text, sizeof text);
        assert_true(mds_hash_text(MDS_HASH_START, text) == m.cases[i].key);
    }
    assert_true(m.cases[0].key != m.cases[1].key);
    mds_matrix_fini(&m);
    mds_study_fini(&s);
}

static void places_do_not_matter(void **unused)
{
    mds_study s = base_study();
    const uint64_t key = key_in(&s);

    (void)unused;
    mds_study_fini(&s);
    s = make_study(WORDS("iron", "water", "silicon"), SIZES(512, 64, 33), WORDS("npt", "nvt"),
                   WORDS("harmonic", "null", "reference"));
    s.repeats = 5;
    assert_true(key_in(&s) == key);
    /* Nor do where it runs, how long it may take, and how it is judged. */
    strcpy(s.run.device, "cpu");
    s.run.timeout_s = 7.0;
    s.run.memory_limit_MB = 4000.0;
    s.run.leak_tolerance_MB = 1.0;
    s.targets.cv = 0.5;
    assert_true(key_in(&s) == key);
    /* The time step that the system has anyway, and the precision that "auto" means. */
    s.run.timestep_fs = 1.0;
    s.run.precision = MDS_PRECISION_FP64;
    assert_true(key_in(&s) == key);
    /* A preset that is given explicitly. */
    CHECK_OK(mds_options_set_text(&s.protocols[1].options, "thermostat", "langevin"));
    assert_true(key_in(&s) == key);
    mds_study_fini(&s);
}

static void physics_and_measurement_matter(void **unused)
{
    mds_study s = base_study();
    uint64_t keys[32];
    int count = 0;

    (void)unused;
    keys[count++] = key_in(&s);
    const mds_run plain = s.run;
#define CHANGE(statement)                                                                          \
    do {                                                                                           \
        statement;                                                                                 \
        keys[count++] = key_in(&s);                                                                \
        s.run = plain;                                                                             \
    } while (0)
    CHANGE(s.run.steps = 1001);
    CHANGE(s.run.warmup = 21);
    CHANGE(s.run.component_steps = 0);
    CHANGE(s.run.equilibration = 10);
    CHANGE(s.run.memory_every = 11);
    CHANGE(s.run.energy_every = 2);
    CHANGE(s.run.timestep_fs = 0.999);
    CHANGE(s.run.temperature_K = 300.0000001);
    CHANGE(s.run.pressure_GPa = 1e-9);
    CHANGE(s.run.seed = 1);
    CHANGE(s.run.timing = MDS_TIMING_SYNC);
    CHANGE(s.run.threads = 1);
    CHANGE(s.run.precision = MDS_PRECISION_FP32);
    CHANGE(CHECK_OK(mds_options_set_number(&s.protocols[1].options, "friction_1_ps", 6.0)));
    CHANGE(CHECK_OK(mds_options_set_text(&s.protocols[1].options, "thermostat", "svr")));
    s.models[0].set_count = 1;
    strcpy(s.models[0].set[0].key, "skin_A");
    s.models[0].set[0].number = 0.77;
    CHANGE(;);
#undef CHANGE
    for (int i = 0; i < count; ++i)
        for (int k = 0; k < i; ++k)
            if (keys[i] == keys[k])
                fail_msg("changes %d and %d have the same key", k, i);
    mds_study_fini(&s);
}

static void write_cell(const char *path, double a)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file,
            "1\nLattice=\"%g 0 0 0 %g 0 0 0 %g\" Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n"
            "Ar 0 0 0\n",
            a, a, a);
    assert_int_equal(fclose(file), 0);
}

static uint64_t file_key(const char *path)
{
    mds_study s = make_study(WORDS(path), SIZES(8), WORDS("nve"), WORDS("null"));
    mds_matrix m;

    snprintf(s.systems[0].name, sizeof s.systems[0].name, "mine");
    CHECK_OK(mds_matrix_expand(&s, NULL, "cpu", &m));
    const uint64_t key = m.cases[0].key;
    assert_int_equal(m.cases[0].n_atoms, 8);
    mds_matrix_fini(&m);
    mds_study_fini(&s);
    return key;
}

/* A structure file counts by what is in it. */
static void files_count_by_content(void **unused)
{
    char folder[] = "/tmp/mdsweep-key-XXXXXX";

    (void)unused;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    write_cell("a.xyz", 5.0);
    write_cell("b.xyz", 5.0);
    const uint64_t key = file_key("a.xyz");
    assert_true(file_key("b.xyz") == key);
    assert_true(file_key("./a.xyz") == key);
    write_cell("a.xyz", 5.1);
    assert_true(file_key("a.xyz") != key);
    unlink("a.xyz");
    unlink("b.xyz");
    assert_int_equal(chdir("/"), 0);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_text_is_what_the_key_hashes),
        cmocka_unit_test(skipped_cases_have_keys),
        cmocka_unit_test(places_do_not_matter),
        cmocka_unit_test(physics_and_measurement_matter),
        cmocka_unit_test(files_count_by_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
