/* The timed loop on a device that the host cannot read: what is read late is right, belongs to its
 * step, and is complete, whatever the number of steps is to the length of the ring. */
#include "unit/case/study_fixture.h"

#include "case/trial.h"

static int64_t rows(const fixture *f, mds_pool pool)
{
    return mds_samples_rows(&f->samples, pool);
}

/* The same case on the CPU; sums are in another order, over at most 70 steps. */
static void series_are_those_of_the_cpu(void **state)
{
    static const char *const keys[] = {"energy_potential_eV", "energy_kinetic_eV", "conserved_eV",
                                       "pressure_GPa",        "volume_A3",         "n_edges"};
    static const int64_t steps[] = {1, MDS_TRIAL_RING - 1, MDS_TRIAL_RING, MDS_TRIAL_RING + 1, 70};

    (void)state;
    for (size_t k = 0; k < sizeof steps / sizeof steps[0]; ++k) {
        fixture cpu, cuda;

        fixture_init(&cpu, "silicon", 8, "npt", "lj");
        fixture_init(&cuda, "silicon", 8, "npt", "lj");
        cpu.point.run.steps = cuda.point.run.steps = steps[k];
        cuda.point.run.timing = k % 2 ? MDS_TIMING_SYNC : MDS_TIMING_EVENT;
        CHECK_OK(fixture_run(&cpu, "cpu"));
        CHECK_OK(fixture_run(&cuda, "cuda:0"));
        assert_int_equal(rows(&cuda, MDS_POOL_STEPS), 1 + 5 + steps[k]);
        assert_int_equal(rows(&cuda, MDS_POOL_MEMORY), rows(&cpu, MDS_POOL_MEMORY));
        assert_int_equal(rows(&cuda, MDS_POOL_COMPONENTS), 6);
        assert_int_equal(cuda.samples.header->steady_done, steps[k]);
        assert_int_equal(cuda.samples.header->warmup_done, 5);
        CHECK_NEAR(cuda.samples.header->volume_A3, cpu.samples.header->volume_A3, 1e-12, 0);
        for (int64_t row = 0; row < 1 + 5 + steps[k]; ++row) {
            for (size_t i = 0; i < sizeof keys / sizeof keys[0]; ++i)
                CHECK_NEAR(fixture_column(&cuda, MDS_POOL_STEPS, keys[i])[row].f8,
                           fixture_column(&cpu, MDS_POOL_STEPS, keys[i])[row].f8, 1e-9, 1e-9);
            assert_true(fixture_column(&cuda, MDS_POOL_STEPS, "device_s")[row].f8 > 0);
            assert_true(fixture_column(&cuda, MDS_POOL_STEPS, "wall_s")[row].f8 > 0);
        }
        fixture_fini(&cpu);
        fixture_fini(&cuda);
    }
}

/* A step that went wrong is noticed up to a ring later, and named as itself; the steps before it
 * are all there, and none after it. */
static void a_bad_step_is_named_rightly(void **state)
{
    static const int at[] = {1, 2, 6, 7, 37, 38, 39, 69, 70, 75};

    (void)state;
    for (size_t k = 0; k < sizeof at / sizeof at[0]; ++k) {
        fixture f;
        char want[64];

        fixture_init(&f, "silicon", 8, "nve", "fault");
        fixture_set_engine(&f, "fault", "kind", "nan");
        snprintf(f.model.set[1].key, sizeof f.model.set->key, "at_step");
        f.model.set[1].number = at[k];
        f.model.set_count = 2;
        f.point.run.steps = 80;
        assert_int_equal(fixture_run(&f, "cuda:0"), MDS_ERR_NUMERIC);
        if (at[k] == 1)
            snprintf(want, sizeof want, "first step: ");
        else if (at[k] <= 6)
            snprintf(want, sizeof want, "warm-up step %d: ", at[k] - 1);
        else
            snprintf(want, sizeof want, "steady step %d: ", at[k] - 6);
        if (strncmp(f.samples.header->message, want, strlen(want)) != 0)
            fail_msg("'%s' does not begin with '%s'", f.samples.header->message, want);
        assert_int_equal(rows(&f, MDS_POOL_STEPS), at[k] - 1);
        fixture_fini(&f);
    }
}

/* Squeezed by half, atoms have twice the neighbours: the list is given room between two steps, and
 * nothing is lost. Steps that then run kernel by kernel are flagged. */
static void a_filling_list_is_given_room(void **state)
{
    fixture cpu, cuda;
    int flagged = 0;

    (void)state;
    fixture_init(&cpu, "silicon", 64, "npt", "lj");
    fixture_init(&cuda, "silicon", 64, "npt", "lj");
    cpu.point.run.pressure_GPa = cuda.point.run.pressure_GPa = 200.0;
    cpu.point.run.steps = cuda.point.run.steps = 400;
    CHECK_OK(fixture_run(&cpu, "cpu"));
    CHECK_OK(fixture_run(&cuda, "cuda:0"));
    const double *first = &fixture_column(&cuda, MDS_POOL_STEPS, "n_edges")[0].f8;

    for (int64_t row = 0; row < rows(&cuda, MDS_POOL_STEPS); ++row)
        flagged += (fixture_column(&cuda, MDS_POOL_STEPS, "flags")[row].i8 & MDS_STEP_RECORDED) &&
                   row > 6;
    /* Otherwise this test shows nothing. */
    assert_true(first[405] > 1.2 * first[0]);
    assert_true(flagged >= 2);
    for (int64_t row = 0; row < 100; ++row) /* until chaos parts them */
        CHECK_NEAR(first[row], fixture_column(&cpu, MDS_POOL_STEPS, "n_edges")[row].f8, 0, 0);
    fixture_fini(&cpu);
    fixture_fini(&cuda);
}

static void energies_are_known_every_few_steps(void **state)
{
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 8, "nve", "lj");
    f.point.run.energy_every = 7;
    f.point.run.steps = 40;
    CHECK_OK(fixture_run(&f, "cuda:0"));
    for (int i = 0; i < 40; ++i) {
        const bool known = i % 7 == 0 || i == 39;

        assert_int_equal(isfinite(fixture_column(&f, MDS_POOL_STEPS, "conserved_eV")[6 + i].f8),
                         known);
        assert_int_equal(isfinite(fixture_column(&f, MDS_POOL_STEPS, "pressure_GPa")[6 + i].f8),
                         known);
    }
    fixture_fini(&f);
}

static void the_bare_loop_notices_what_went_wrong(void **state)
{
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 8, "nve", "lj");
    f.point.run.timing = MDS_TIMING_OFF;
    f.point.run.steps = 200;
    CHECK_OK(fixture_run(&f, "cuda:0"));
    assert_true(f.samples.header->loop_s > 0);
    assert_int_equal(f.samples.header->device_clock, 0);
    fixture_fini(&f);

    fixture_init(&f, "silicon", 8, "nve", "fault");
    fixture_set_engine(&f, "fault", "kind", "nan");
    f.point.run.timing = MDS_TIMING_OFF;
    f.point.run.steps = 200;
    assert_int_equal(fixture_run(&f, "cuda:0"), MDS_ERR_NUMERIC);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_those_of_the_cpu),
        cmocka_unit_test(a_bad_step_is_named_rightly),
        cmocka_unit_test(a_filling_list_is_given_room),
        cmocka_unit_test(energies_are_known_every_few_steps),
        cmocka_unit_test(the_bare_loop_notices_what_went_wrong),
    };
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        print_message("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
