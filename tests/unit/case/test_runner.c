/* One case after the other through the whole runner, with models whose behaviour is known. */
#include "study_fixture.h"

#include "case/record.h"

static int64_t rows(const fixture *f, mds_pool pool)
{
    return mds_samples_rows(&f->samples, pool);
}

static void segments_are_told_apart(void **state)
{
    fixture f;

    fixture_init(&f, "silicon", 64, "nve", "reference");
    CHECK_OK(fixture_run(&f, *state));
    const mds_samples_header *header = f.samples.header;

    assert_int_equal(header->status, MDS_OK);
    assert_string_equal(header->message, "");
    assert_int_equal(atomic_load(&header->phase), MDS_PHASE_FINISHED);
    assert_int_equal(rows(&f, MDS_POOL_STEPS), 1 + 5 + 40);
    assert_int_equal(rows(&f, MDS_POOL_COMPONENTS), 6);
    assert_int_equal(header->warmup_done, 5);
    assert_int_equal(header->steady_done, 40);
    const mds_cell *flags = fixture_column(&f, MDS_POOL_STEPS, "flags");
    const mds_cell *wall = fixture_column(&f, MDS_POOL_STEPS, "wall_s");
    const mds_cell *device = fixture_column(&f, MDS_POOL_STEPS, "device_s");
    double sum = 0;

    for (int i = 0; i < 46; ++i) {
        const int64_t segment = flags[i].i8 & (MDS_STEP_FIRST | MDS_STEP_WARMUP);

        assert_int_equal(segment, i == 0 ? MDS_STEP_FIRST : i < 6 ? MDS_STEP_WARMUP : 0);
        assert_true(wall[i].f8 > 0);
        /* the device's events lie inside the host's bracket */
        assert_true(device[i].f8 > 0 && device[i].f8 <= wall[i].f8 * (1 + 1e-12) + 1e-12);
        if (i >= 6)
            sum += wall[i].f8;
    }
    assert_true(header->loop_s >= sum);
    assert_true(header->setup_s > 0);
    fixture_fini(&f);
}

static void facts_are_noted(void **state)
{
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 64, "nvt", "reference");
    f.point.run.threads = 3;
    CHECK_OK(fixture_run(&f, "sim"));
    const mds_samples_header *header = f.samples.header;

    assert_string_equal(header->device, "sim");
    assert_true(strncmp(header->device_uuid, "SIM-", 4) == 0);
    assert_string_equal(header->engine, "sw");
    assert_string_equal(header->precision, "fp64");
    assert_int_equal(header->threads, 1); /* whatever was asked: this engine has no threads */
    assert_int_equal(header->synthetic, 0);
    assert_int_equal(header->n_atoms, 64);
    assert_int_equal(header->degrees_of_freedom, 192);
    CHECK_NEAR(header->volume_A3, 8 * 5.431 * 5.431 * 5.431, 1e-2, 0);
    fixture_fini(&f);
}

/* Steps of the memory rows: the first step, then each segment's first, every tenth, and last. */
static void memory_is_sampled_as_asked(void **state)
{
    static const int64_t want[] = {0, 1, 5, 6, 16, 26, 36, 45};
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 8, "nve", "null");
    CHECK_OK(fixture_run(&f, "cpu"));
    assert_int_equal(rows(&f, MDS_POOL_MEMORY), 8);
    assert_true(rows(&f, MDS_POOL_MEMORY) <= mds_case_rows(&f.point, MDS_POOL_MEMORY));
    for (int i = 0; i < 8; ++i) {
        assert_int_equal(fixture_column(&f, MDS_POOL_MEMORY, "step")[i].i8, want[i]);
        assert_true(fixture_column(&f, MDS_POOL_MEMORY, "engine_bytes")[i].i8 > 0);
        assert_true(fixture_column(&f, MDS_POOL_MEMORY, "host_rss_bytes")[i].i8 > 0);
    }
    fixture_fini(&f);
}

static void energies_are_known_every_few_steps(void **state)
{
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 64, "nve", "reference");
    f.point.run.energy_every = 7;
    CHECK_OK(fixture_run(&f, "cpu"));
    const mds_cell *conserved = fixture_column(&f, MDS_POOL_STEPS, "conserved_eV");
    const mds_cell *pressure = fixture_column(&f, MDS_POOL_STEPS, "pressure_GPa");

    for (int i = 0; i < 40; ++i) {
        const bool known = i % 7 == 0 || i == 39;

        assert_int_equal(isfinite(conserved[6 + i].f8), known);
        assert_int_equal(isfinite(pressure[6 + i].f8), known);
    }
    /* Velocity Verlet, 1 fs, 300 K: the energy of 64 Si atoms wanders by far less than kT/100. */
    CHECK_NEAR(conserved[45].f8, conserved[6].f8, 0, 64 * 2.6e-4);
    fixture_fini(&f);
}

/* Null model: free flight, so temperature and energy stay what they were, exactly. */
static void free_flight_keeps_its_energy(void **state)
{
    fixture f;
    mds_record record;

    (void)state;
    fixture_init(&f, "silicon", 8, "nve", "null");
    CHECK_OK(fixture_run(&f, "cpu"));
    CHECK_OK(mds_record_summarize(&f.study, &f.point, &f.samples, &record));
    CHECK_NEAR(record.value[MDS_METRIC_ENERGY_DRIFT], 0, 0, 1e-14);
    CHECK_NEAR(record.value[MDS_METRIC_TEMPERATURE_STD], 0, 0, 1e-9);
    CHECK_NEAR(record.value[MDS_METRIC_TEMPERATURE_MEAN], 300, 1e-9, 0);
    assert_true(record.value[MDS_METRIC_LATENCY_MIN] > 0);
    assert_true(record.value[MDS_METRIC_LEAK] == 0);
    fixture_fini(&f);
}

static void harmonic_energy_is_conserved(void **state)
{
    fixture f;
    mds_record record;

    (void)state;
    fixture_init(&f, "silicon", 64, "nve", "harmonic");
    CHECK_OK(fixture_run(&f, "cpu"));
    CHECK_OK(mds_record_summarize(&f.study, &f.point, &f.samples, &record));
    assert_true(fabs(record.value[MDS_METRIC_ENERGY_DRIFT]) < 1e-2);
    assert_true(record.value[MDS_METRIC_POTENTIAL_MEAN] > 0);
    fixture_fini(&f);
}

static void components_add_up_to_the_step(void **state)
{
    fixture f;
    mds_record record;

    (void)state;
    fixture_init(&f, "silicon", 64, "nvt", "reference");
    f.point.run.component_steps = 50;
    CHECK_OK(fixture_run(&f, "cpu"));
    CHECK_OK(mds_record_summarize(&f.study, &f.point, &f.samples, &record));
    const double step = record.value[MDS_METRIC_COMPONENT_STEP];
    const double residual = record.value[MDS_METRIC_COMPONENT_RESIDUAL];

    assert_true(record.component_s[MDS_REGION_FORCES] > 0);
    assert_true(record.component_s[MDS_REGION_NEIGHBOR] > 0);
    assert_true(record.component_s[MDS_REGION_INTEGRATE] > 0);
    assert_true(isnan(record.component_s[MDS_REGION_NETWORK]));
    /* Regions are leaves inside the step: what is left over cannot be negative. */
    assert_true(residual >= 0 && residual < step);
    fixture_fini(&f);
}

static void timing_off_only_times_the_loop(void **state)
{
    fixture f;
    mds_record record;

    (void)state;
    fixture_init(&f, "silicon", 64, "nve", "reference");
    f.point.run.timing = MDS_TIMING_OFF;
    f.point.run.component_steps = 0;
    CHECK_OK(fixture_run(&f, "cpu"));
    assert_int_equal(rows(&f, MDS_POOL_STEPS), 6); /* first step and warm-up */
    assert_int_equal(f.samples.header->steady_done, 40);
    CHECK_OK(mds_record_summarize(&f.study, &f.point, &f.samples, &record));
    CHECK_NEAR(record.value[MDS_METRIC_LATENCY_MEAN] * 40, f.samples.header->loop_s, 1e-12, 0);
    assert_true(isnan(record.value[MDS_METRIC_LATENCY_P99]));
    assert_true(isnan(record.value[MDS_METRIC_COMPONENT_STEP]));
    fixture_fini(&f);
}

/* How a step is timed must not change where the atoms go. */
static void the_way_of_timing_does_not_change_the_trajectory(void **state)
{
    static const char *const devices[] = {"cpu", "cpu", "sim"};
    static const mds_timing timings[] = {MDS_TIMING_EVENT, MDS_TIMING_SYNC, MDS_TIMING_EVENT};
    double energy[3];

    (void)state;
    for (int i = 0; i < 3; ++i) {
        fixture f;

        fixture_init(&f, "silicon", 64, "nvt", "reference");
        f.point.run.timing = timings[i];
        f.point.run.memory_every = 1 + 3 * i;
        CHECK_OK(fixture_run(&f, devices[i]));
        energy[i] = fixture_column(&f, MDS_POOL_STEPS, "energy_potential_eV")[45].f8;
        fixture_fini(&f);
    }
    assert_true(energy[0] == energy[1] && energy[0] == energy[2]);
}

/* Atoms without forces go straight on: a frame at the wrong step or of other atoms would stand out.
 * Rounding of 40 additions of 0.01 A each to some 10 A. */
static void frames_are_of_their_steps(void **state)
{
    static const mds_timing timings[] = {MDS_TIMING_EVENT, MDS_TIMING_SYNC, MDS_TIMING_OFF};
    const double rounding_A = 1e-12;

    (void)state;
    for (int i = 0; i < 6; ++i) {
        mds_frame_area area;
        fixture f;

        fixture_init(&f, "silicon", 64, "nve", "null");
        f.study.trajectory_every = 7;
        f.point.run.timing = timings[i % 3];
        CHECK_OK(fixture_run(&f, i < 3 ? "cpu" : "sim"));
        assert_int_equal(mds_case_frames(&f.study, &f.point), 6);
        assert_int_equal(mds_samples_frames(&f.samples), 6);
        CHECK_OK(mds_samples_frame_area(&f.samples, 64, 6, &area));
        for (int frame = 0; frame < 6; ++frame) {
            const double *x0 = area.positions, *x1 = x0 + 192, *x = x0 + 192 * frame;

            assert_int_equal((int)area.step[frame], 6 + 7 * frame); /* the first step, 5 warm-up */
            CHECK_NEAR(area.edges[9 * frame], 10.8619, 0, 1e-3);
            for (int k = 0; k < 192; ++k)
                CHECK_NEAR(x[k] - x0[k], frame * (x1[k] - x0[k]), 0, 6 * rounding_A);
        }
        assert_true(fabs(area.positions[192] - area.positions[0]) > 1e-6);
        for (int k = 0; k < 64; ++k) {
            assert_int_equal((int)area.z[k], 14);
            CHECK_NEAR(area.mass[k], 28.085, 0, 1e-3);
        }
        fixture_fini(&f);
    }
}

static void the_number_of_frames(void **state)
{
    mds_study study = {.trajectory_every = 0};
    mds_case point = {.run = {.steps = 40}};

    (void)state;
    assert_int_equal(mds_case_frames(&study, &point), 0);
    study.trajectory_every = 1;
    assert_int_equal(mds_case_frames(&study, &point), 40);
    study.trajectory_every = 39;
    assert_int_equal(mds_case_frames(&study, &point), 2);
    study.trajectory_every = 40;
    assert_int_equal(mds_case_frames(&study, &point), 1);
    point.run.steps = 0;
    assert_int_equal(mds_case_frames(&study, &point), 0);
    point = (mds_case){.run = {.steps = 40}, .status = MDS_CASE_SKIPPED};
    assert_int_equal(mds_case_frames(&study, &point), 0);
}

/* Every model meets the same frames: what they are does not depend on who looks. */
static void replay_shows_the_same_frames(void **state)
{
    double volume[2], potential[2][3];
    fixture f;

    (void)state;
    for (int i = 0; i < 2; ++i) {
        fixture_init(&f, "silicon", 64, "replay", "reference");
        CHECK_OK(mds_options_set_number(&f.protocol.options, "frame_count", 3));
        CHECK_OK(fixture_run(&f, i ? "sim" : "cpu"));
        volume[i] = f.samples.header->volume_A3;
        const mds_cell *energy = fixture_column(&f, MDS_POOL_STEPS, "energy_potential_eV");

        for (int k = 0; k < 3; ++k) {
            potential[i][k] = energy[k].f8;
            /* the neighbour list is as it was for the frame before: sums in another order */
            CHECK_NEAR(energy[k + 3].f8, energy[k].f8, 1e-12, 0);
        }
        fixture_fini(&f);
    }
    assert_true(volume[0] == volume[1]);
    assert_memory_equal(potential[0], potential[1], sizeof potential[0]);
    assert_true(potential[0][0] != potential[0][1]);
}

static void replay_of_a_file_checks_its_atoms(void **state)
{
    char path[] = "/tmp/mdsweep-frames-XXXXXX";
    mds_structure structure;
    fixture f;
    const int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    fixture_init(&f, "silicon", 64, "replay", "reference");
    CHECK_OK(mds_options_set_text(&f.protocol.options, "frames", path));
    f.point.run.component_steps = 0;

    CHECK_OK(mds_system_build(&f.system, 64, 1, &structure));
    for (int k = 0; k < 4; ++k) {
        structure.x[0] += 0.02 * k;
        CHECK_OK(mds_xyz_write(path, k > 0, &structure, NULL, NULL, NULL));
    }
    CHECK_OK(fixture_run(&f, "cpu"));
    const mds_cell *energy = fixture_column(&f, MDS_POOL_STEPS, "energy_potential_eV");

    assert_true(energy[1].f8 > energy[0].f8 && energy[3].f8 > energy[2].f8);
    CHECK_NEAR(energy[4].f8, energy[0].f8, 1e-12, 0);

    structure.species.z[0] = 32;
    CHECK_OK(mds_xyz_write(path, true, &structure, NULL, NULL, NULL));
    CHECK_FAILS(fixture_run(&f, "cpu"), MDS_ERR_CONFIG, "frame 5: atom 1 is Ge");
    structure.n = 63;
    structure.species.z[0] = 14;
    CHECK_OK(mds_xyz_write(path, false, &structure, NULL, NULL, NULL));
    CHECK_FAILS(fixture_run(&f, "cpu"), MDS_ERR_CONFIG, "frame 1 has 63 atoms");
    mds_structure_fini(&structure);
    fixture_fini(&f);
    remove(path);
}

static void every_fault_ends_the_case_with_its_status(void **state)
{
    static const struct {
        const char *kind, *device;
        mds_status status;
        const char *words;
    } faults[] = {
        {"nan", "cpu", MDS_ERR_NUMERIC, "steady step 4: model 'broken': the energy is not finite"},
        {"nan", "sim", MDS_ERR_NUMERIC, "steady step 4: model 'broken': the energy is not finite"},
        {"oom", "cpu", MDS_ERR_NOMEM, "steady step 4: model 'broken': out of memory"},
        {"device", "cpu", MDS_ERR_DEVICE, "steady step 4"},
        {"lost", "sim", MDS_ERR_DEVICE_LOST, "steady step 4"},
        {"error", "cpu", MDS_ERR_INTERNAL, "steady step 4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; ++i) {
        mds_record record;
        fixture f;

        fixture_init(&f, "silicon", 8, "nve", "broken");
        fixture_set_engine(&f, "fault", "kind", faults[i].kind);
        CHECK_FAILS(fixture_run(&f, faults[i].device), faults[i].status, faults[i].words);
        assert_int_equal(f.samples.header->status, faults[i].status);
        assert_non_null(strstr(f.samples.header->message, faults[i].words));
        /* The samples up to there: first step, five of warm-up, and three. */
        assert_int_equal(rows(&f, MDS_POOL_STEPS), 9);
        assert_int_equal(f.samples.header->steady_done, 3);
        CHECK_OK(mds_record_summarize(&f.study, &f.point, &f.samples, &record));
        assert_true(record.value[MDS_METRIC_LATENCY_MEAN] > 0);
        fixture_fini(&f);
    }
}

/* A time step beyond the stability limit of Verlet (2/ω) makes the amplitude grow without bound. */
static void an_explosion_ends_the_case(void **state)
{
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 8, "nve", "harmonic");
    f.point.run.timestep_fs = 400;
    f.point.run.steps = 1000;
    CHECK_FAILS(fixture_run(&f, "cpu"), MDS_ERR_NUMERIC, "the trajectory has exploded");
    assert_true(f.samples.header->steady_done < 1000);
    fixture_fini(&f);
}

/* 1 KiB per step from the device's allocator: 400 KiB in all, far below the tolerance, but 1 GB in
 * 10⁶ steps. The clean case next to it must not be flagged; its engine series is constant and its
 * resident set was measured: no false alarm in 400 runs of this test. */
static void a_leak_of_one_kib_per_step_is_found(void **state)
{
    static const char *const kinds[] = {"none", "leak", "leak-malloc"};

    (void)state;
    for (int i = 0; i < 3; ++i) {
        mds_record record;
        fixture f;

        fixture_init(&f, "silicon", 8, "nve", "leaky");
        fixture_set_engine(&f, "fault", "kind", kinds[i]);
        f.point.run.steps = 2000;
        f.point.run.component_steps = 0;
        CHECK_OK(fixture_run(&f, "cpu"));
        CHECK_OK(mds_record_summarize(&f.study, &f.point, &f.samples, &record));
        assert_true(record.value[MDS_METRIC_LEAK] == (i > 0));
        if (i == 1) /* from step 10 to step 2006 */
            CHECK_NEAR(record.value[MDS_METRIC_ENGINE_FINAL] -
                           record.value[MDS_METRIC_ENGINE_INITIAL],
                       1024 * 1997, 1e-12, 0);
        if (i == 1)
            assert_true(record.value[MDS_METRIC_LEAK_SLOPE] >= 1024);
        fixture_fini(&f);
    }
}

/* The limit holds for what the case adds, and is lifted afterwards. */
static void memory_limit_makes_allocations_fail(void **state)
{
    fixture f;

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* the sanitizer's own mappings would meet the limit first */
#endif
    fixture_init(&f, "silicon", 8, "nve", "leaky");
    fixture_set_engine(&f, "fault", "kind", "leak");
    f.model.set[1].number = 4 << 20;
    snprintf(f.model.set[1].key, sizeof f.model.set[1].key, "leak_bytes");
    f.model.set_count = 2;
    f.point.run.memory_limit_MB = 64;
    CHECK_FAILS(fixture_run(&f, "cpu"), MDS_ERR_NOMEM,
                "out of memory: 4.0 MiB for leak on purpose");
    assert_in_range(f.samples.header->steady_done, 5, 25);
    void *fine = malloc((size_t)256 << 20);

    assert_non_null(fine);
    free(fine);
    fixture_fini(&f);
}

static void setup_failures_say_what_is_wrong(void **state)
{
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 8, "nve", "reference");
    CHECK_FAILS(fixture_run(&f, "cuda:99"), MDS_ERR_DEVICE, "cuda:99");
    assert_int_equal(rows(&f, MDS_POOL_STEPS), 0);
    assert_non_null(strstr(f.samples.header->message, "cuda:99"));
    snprintf(f.model.name, sizeof f.model.name, "refrence");
    CHECK_FAILS(fixture_run(&f, "cpu"), MDS_ERR_CONFIG, "refrence");
    fixture_fini(&f);

    fixture_init(&f, "silicon", 8, "nve", "mine");
    fixture_set_engine(&f, "fault", "kind", "sneeze");
    CHECK_FAILS(fixture_run(&f, "cpu"), MDS_ERR_CONFIG, "model 'mine': ");
    fixture_fini(&f);
}

static void labels_and_names(void **state)
{
    char label[128];
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 64, "nvt", "reference");
    f.point.repeat = 2;
    assert_string_equal(mds_case_label(&f.study, &f.point, label, sizeof label),
                        "silicon/64/nvt/reference/r2");
    assert_string_equal(mds_case_status_name(MDS_CASE_SKIPPED), "SKIPPED");
    assert_string_equal(mds_case_status_name(MDS_CASE_STATUS_COUNT), "UNKNOWN");
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"segments_are_told_apart (cpu)", segments_are_told_apart, NULL, NULL, (void *)"cpu"},
        {"segments_are_told_apart (sim)", segments_are_told_apart, NULL, NULL, (void *)"sim"},
        cmocka_unit_test(facts_are_noted),
        cmocka_unit_test(memory_is_sampled_as_asked),
        cmocka_unit_test(energies_are_known_every_few_steps),
        cmocka_unit_test(free_flight_keeps_its_energy),
        cmocka_unit_test(harmonic_energy_is_conserved),
        cmocka_unit_test(components_add_up_to_the_step),
        cmocka_unit_test(timing_off_only_times_the_loop),
        cmocka_unit_test(the_way_of_timing_does_not_change_the_trajectory),
        cmocka_unit_test(frames_are_of_their_steps),
        cmocka_unit_test(the_number_of_frames),
        cmocka_unit_test(replay_shows_the_same_frames),
        cmocka_unit_test(replay_of_a_file_checks_its_atoms),
        cmocka_unit_test(every_fault_ends_the_case_with_its_status),
        cmocka_unit_test(an_explosion_ends_the_case),
        cmocka_unit_test(a_leak_of_one_kib_per_step_is_found),
        cmocka_unit_test(memory_limit_makes_allocations_fail),
        cmocka_unit_test(setup_failures_say_what_is_wrong),
        cmocka_unit_test(labels_and_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
