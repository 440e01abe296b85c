/* The summary of samples that were written by hand, so that every number is known beforehand. */
#include "study_fixture.h"

#include "base/rng.h"
#include "case/record.h"

enum { STEPS = 1000, WARMUP = 10, COMPONENTS = 4, MEMORY_EVERY = 10 };

static double normal(uint64_t seed, uint64_t step)
{
    return mds_rng_normal(seed, MDS_RNG_TEST, step, 0, 0);
}

static void put(mds_cell *row, mds_pool pool, const char *key, double f8)
{
    row[mds_pool_find_column(pool, key)].f8 = f8;
}

static void put_int(mds_cell *row, mds_pool pool, const char *key, int64_t i8)
{
    row[mds_pool_find_column(pool, key)].i8 = i8;
}

static void prepare(fixture *f, const char *protocol)
{
    int64_t capacity[MDS_POOL_COUNT];

    fixture_init(f, "silicon", 64, protocol, "reference");
    f->point.run.steps = STEPS;
    f->point.run.warmup = WARMUP;
    f->point.run.component_steps = COMPONENTS;
    f->point.run.memory_every = MEMORY_EVERY;
    f->point.run.telemetry_hz = 10;
    f->point.run.timestep_fs = 2;
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        capacity[pool] = mds_case_rows(&f->point, (mds_pool)pool);
    CHECK_OK(mds_samples_create(capacity, &f->samples));
    f->samples.header->n_atoms = 64;
}

/* Row k of the steps pool: latency in µs, energy in eV. */
static void add_step(fixture *f, int64_t flags, double us, double energy)
{
    mds_cell row[64];

    put(row, MDS_POOL_STEPS, "wall_s", 1e-6 * us);
    put(row, MDS_POOL_STEPS, "device_s", 0.5e-6 * us);
    put_int(row, MDS_POOL_STEPS, "flags", flags);
    put(row, MDS_POOL_STEPS, "energy_potential_eV", -300);
    put(row, MDS_POOL_STEPS, "energy_kinetic_eV", 3);
    put(row, MDS_POOL_STEPS, "conserved_eV", energy);
    put(row, MDS_POOL_STEPS, "temperature_K", 300);
    put(row, MDS_POOL_STEPS, "pressure_GPa", NAN);
    put(row, MDS_POOL_STEPS, "volume_A3", 1000);
    put(row, MDS_POOL_STEPS, "n_edges", 256);
    mds_samples_append(&f->samples, MDS_POOL_STEPS, row);
}

/* First step 1000 µs, warm-up 100 µs, then 1 ... STEPS µs in a shuffled order; the energy rises by
 * 1e-6 eV per step; every 50th step rebuilds. */
static void add_steps(fixture *f, int64_t steady)
{
    add_step(f, MDS_STEP_FIRST, 1000, 7);
    for (int i = 0; i < WARMUP; ++i)
        add_step(f, MDS_STEP_WARMUP | (i == 0 ? MDS_STEP_REBUILT : 0), 100, 8);
    for (int64_t i = 0; i < steady; ++i) /* 617 is prime to 1000: a permutation */
        add_step(f, i % 50 ? 0 : MDS_STEP_REBUILT, 1 + (double)(i * 617 % STEPS),
                 -297 + 1e-6 * (double)i);
    f->samples.header->steady_done = steady;
}

/* process: -1: not known. */
static void add_memory_row(fixture *f, int64_t step, double engine, double rss, int64_t process)
{
    mds_cell row[64];

    put_int(row, MDS_POOL_MEMORY, "step", step);
    put_int(row, MDS_POOL_MEMORY, "engine_bytes", (int64_t)engine);
    put_int(row, MDS_POOL_MEMORY, "device_used_bytes", (int64_t)engine);
    put_int(row, MDS_POOL_MEMORY, "host_rss_bytes", (int64_t)rss);
    put_int(row, MDS_POOL_MEMORY, "device_process_bytes", process);
    mds_samples_append(&f->samples, MDS_POOL_MEMORY, row);
}

static void add_memory(fixture *f, int64_t step, double engine, double rss)
{
    add_memory_row(f, step, engine, rss, -1);
}

static mds_record summarize(const fixture *f)
{
    mds_record record;

    CHECK_OK(mds_record_summarize(&f->study, &f->point, &f->samples, &record));
    return record;
}

static void metrics_are_declared_once(void **state)
{
    (void)state;
    for (int i = 0; i < MDS_METRIC_COUNT; ++i) {
        const mds_metric_info *info = mds_metric_get((mds_metric)i);

        assert_true(info->key[0] && info->unit[0] && info->long_name[0]);
        assert_int_equal(mds_metric_find(info->key), i);
    }
    assert_int_equal(mds_metric_find("no_such_metric"), MDS_METRIC_COUNT);
    assert_null(mds_metric_get(MDS_METRIC_COUNT));
}

static void latency_of_the_steady_steps(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, "nve");
    add_steps(&f, STEPS);
    f.samples.header->dangerous_builds = 2;
    f.samples.header->setup_s = 1.5;
    const mds_record r = summarize(&f);
    const double *v = r.value;

    /* 1 ... 1000 µs: mean (n+1)/2, sample variance n(n+1)/12, percentiles 1 + q (n − 1) */
    CHECK_NEAR(v[MDS_METRIC_LATENCY_MEAN], 500.5e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_LATENCY_MEDIAN], 500.5e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_LATENCY_STD], sqrt(1000 * 1001 / 12.0) * 1e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_LATENCY_CV], sqrt(1000 * 1001 / 12.0) / 500.5, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_LATENCY_MIN], 1e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_LATENCY_MAX], 1000e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_LATENCY_P95], 950.05e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_LATENCY_P99], 990.01e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_DEVICE_MEAN], 250.25e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_DEVICE_MEDIAN], 250.25e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_LATENCY_FIRST], 1000e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_LATENCY_WARMUP], 100e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_TOTAL], 0.5005, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_STEPS_PER_S], 1 / 500.5e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_NS_PER_DAY], 86400 / 500.5e-6 * 2e-6, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_US_PER_ATOM], 500.5 / 64, 1e-12, 0);
    CHECK_NEAR(v[MDS_METRIC_SETUP], 1.5, 0, 0);
    CHECK_NEAR(v[MDS_METRIC_REBUILDS], STEPS / 50, 0, 0);
    CHECK_NEAR(v[MDS_METRIC_DANGEROUS], 2, 0, 0);
    CHECK_NEAR(v[MDS_METRIC_N_EDGES], 256, 0, 0);
    assert_true(v[MDS_METRIC_LATENCY_N_EFF] > 0 && v[MDS_METRIC_LATENCY_N_EFF] <= STEPS);
    assert_true(v[MDS_METRIC_LATENCY_MEDIAN_LO] < 500.5e-6);
    assert_true(v[MDS_METRIC_LATENCY_MEDIAN_HI] > 500.5e-6);
    fixture_fini(&f);
}

static void energy_in_the_units_of_the_field(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, "nve");
    add_steps(&f, STEPS);
    const mds_record r = summarize(&f);
    const double *v = r.value;

    CHECK_NEAR(v[MDS_METRIC_ENERGY_INITIAL], -297, 1e-15, 0);
    CHECK_NEAR(v[MDS_METRIC_ENERGY_FINAL], -297 + 999e-6, 1e-15, 0);
    CHECK_NEAR(v[MDS_METRIC_ENERGY_DRIFT], 999e-6 / 297, 1e-9, 0);
    /* 1e-6 eV per step of 2 fs: 0.5 meV/ps over 64 atoms */
    CHECK_NEAR(v[MDS_METRIC_ENERGY_SLOPE], 0.5 / 64, 1e-8, 0);
    CHECK_NEAR(v[MDS_METRIC_ENERGY_RMS], 0, 0, 1e-9);
    CHECK_NEAR(v[MDS_METRIC_POTENTIAL_MEAN], -300, 1e-15, 0);
    CHECK_NEAR(v[MDS_METRIC_TEMPERATURE_MEAN], 300, 1e-15, 0);
    assert_true(isnan(v[MDS_METRIC_PRESSURE_MEAN]));
    fixture_fini(&f);
}

static void no_drift_verdict_without_dynamics_or_true_weights(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, "replay");
    add_steps(&f, STEPS);
    mds_record r = summarize(&f);

    assert_true(isnan(r.value[MDS_METRIC_ENERGY_DRIFT]));
    assert_true(isnan(r.value[MDS_METRIC_TEMPERATURE_MEAN]));
    CHECK_NEAR(r.value[MDS_METRIC_POTENTIAL_MEAN], -300, 1e-15, 0);
    fixture_fini(&f);

    prepare(&f, "nve");
    f.samples.header->synthetic = 1;
    add_steps(&f, STEPS);
    r = summarize(&f);
    assert_true(isnan(r.value[MDS_METRIC_ENERGY_DRIFT]));
    CHECK_NEAR(r.value[MDS_METRIC_LATENCY_MEAN], 500.5e-6, 1e-12, 0);
    fixture_fini(&f);
}

static void components_and_their_residual(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, "nve");
    for (int i = 0; i < COMPONENTS; ++i) {
        mds_cell row[64];

        for (int c = 0; c < f.samples.columns[MDS_POOL_COMPONENTS]; ++c)
            row[c].f8 = NAN;
        put_int(row, MDS_POOL_COMPONENTS, "step", i);
        put(row, MDS_POOL_COMPONENTS, "forces_s", 1e-5);
        if (i > 1) /* first entered in the third step */
            put(row, MDS_POOL_COMPONENTS, "neighbor_s", 4e-6);
        put(row, MDS_POOL_COMPONENTS, "step_s", 1.5e-5);
        mds_samples_append(&f.samples, MDS_POOL_COMPONENTS, row);
    }
    const mds_record r = summarize(&f);

    CHECK_NEAR(r.component_s[MDS_REGION_FORCES], 1e-5, 1e-12, 0);
    CHECK_NEAR(r.component_s[MDS_REGION_NEIGHBOR], 2e-6, 1e-12, 0);
    assert_true(isnan(r.component_s[MDS_REGION_NETWORK]));
    CHECK_NEAR(r.value[MDS_METRIC_COMPONENT_STEP], 1.5e-5, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_COMPONENT_RESIDUAL], 3e-6, 1e-9, 0);
    fixture_fini(&f);
}

/* An empty case and a case that ended in its warm-up have no statistics, and say so. */
static void short_cases_are_unknown_not_wrong(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, "nve");
    mds_record r = summarize(&f);

    for (int i = 0; i < MDS_METRIC_COUNT; ++i)
        assert_true(isnan(r.value[i]));
    add_steps(&f, 0);
    r = summarize(&f);
    assert_true(isnan(r.value[MDS_METRIC_LATENCY_MEAN]));
    assert_true(isnan(r.value[MDS_METRIC_LEAK]));
    CHECK_NEAR(r.value[MDS_METRIC_LATENCY_FIRST], 1000e-6, 1e-12, 0);
    fixture_fini(&f);

    prepare(&f, "nve");
    add_steps(&f, 1);
    r = summarize(&f);
    CHECK_NEAR(r.value[MDS_METRIC_LATENCY_MEAN], 1e-6, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_LATENCY_P99], 1e-6, 1e-12, 0);
    fixture_fini(&f);
}

/* Memory of one case: allocations of the first step and warm-up come before the steady part and
 * must not count; `slope` bytes per step, noise of `noise` pages on the resident set. */
static mds_record memory_case(uint64_t seed, double slope, double noise)
{
    fixture f;

    prepare(&f, "nve");
    add_steps(&f, STEPS);
    add_memory(&f, 0, 0, 50e6);
    add_memory(&f, WARMUP, 90e6, 150e6);
    for (int64_t i = 0; i < STEPS; i += MEMORY_EVERY) {
        const double rss = 200e6 + 4096 * floor(noise * normal(seed, (uint64_t)i));

        add_memory(&f, 1 + WARMUP + i, 100e6 + slope * (double)i, rss);
    }
    const mds_record r = summarize(&f);

    fixture_fini(&f);
    return r;
}

static void a_planted_leak_is_found(void **state)
{
    (void)state;
    const mds_record r = memory_case(1, 1024, 3);

    CHECK_NEAR(r.value[MDS_METRIC_ENGINE_INITIAL], 100e6, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_ENGINE_FINAL], 100e6 + 1024 * 990, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_ENGINE_PEAK], 100e6 + 1024 * 990, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_MEMORY_DELTA], 1024 * 990, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_LEAK_SLOPE], 1024, 1e-6, 0);
    assert_true(r.value[MDS_METRIC_LEAK] == 1);
}

/* The seeds are fixed, so this either holds or does not. Were they drawn afresh: the slope of pure
 * noise passes the whole series' test (one-sided 0.5 %) and its half's (2.5 %), correlated with
 * each other at worst completely, so a false alarm comes in at most 0.5 % of cases; of 200, more
 * than 5 would have a probability of about 1e-4. */
static void noise_is_no_leak(void **state)
{
    int alarms = 0;

    (void)state;
    for (uint64_t seed = 100; seed < 300; ++seed)
        alarms += memory_case(seed, 0, 20).value[MDS_METRIC_LEAK] != 0;
    if (alarms > 5)
        fail_msg("%d false alarms in 200 clean cases", alarms);
}

static void growth_beyond_the_tolerance_is_a_leak(void **state)
{
    (void)state;
    assert_true(memory_case(1, 11e3, 0).value[MDS_METRIC_LEAK] == 1); /* 10.4 MiB in all */
    assert_true(memory_case(1, 0, 0).value[MDS_METRIC_LEAK] == 0);
}

/* What the driver counts may grow alone: memory that no allocator of ours knows of. Its answer is
 * repeated until it is asked again. */
static void memory_that_only_the_driver_sees_counts_too(void **state)
{
    (void)state;
    for (int growing = 0; growing < 2; ++growing) {
        fixture f;

        prepare(&f, "nve");
        add_steps(&f, STEPS);
        for (int64_t i = 0; i < STEPS; i += 10)
            add_memory_row(&f, 1 + WARMUP + i, 1e6, 50e6,
                           i < 200 ? -1 : ((int64_t)500 << 20) + growing * (i / 200 << 22));
        const mds_record r = summarize(&f);

        CHECK_NEAR(r.value[MDS_METRIC_PROCESS_PEAK], 500 * 1048576.0 + growing * 4 * 4194304.0,
                   1e-15, 0);
        CHECK_NEAR(r.value[MDS_METRIC_MEMORY_DELTA], growing * 3 * 4194304.0, 1e-15, 0);
        assert_true(r.value[MDS_METRIC_LEAK] == growing); /* 12.6 MB, tolerated are 10 */
        fixture_fini(&f);
    }
}

static void add_reading(fixture *f, mds_phase phase, double time_s, int64_t step, double joules)
{
    mds_cell row[64];

    put(row, MDS_POOL_TELEMETRY, "time_s", time_s);
    put_int(row, MDS_POOL_TELEMETRY, "phase", phase);
    put_int(row, MDS_POOL_TELEMETRY, "step", step);
    put(row, MDS_POOL_TELEMETRY, "clock_MHz", 2000 - 10 * time_s);
    put(row, MDS_POOL_TELEMETRY, "memory_clock_MHz", NAN);
    put(row, MDS_POOL_TELEMETRY, "power_W", 150);
    put(row, MDS_POOL_TELEMETRY, "energy_J", joules);
    put(row, MDS_POOL_TELEMETRY, "temperature_C", 50 + time_s);
    put_int(row, MDS_POOL_TELEMETRY, "throttle_reasons", 0);
    put_int(row, MDS_POOL_TELEMETRY, "ecc_errors", -1);
    put_int(row, MDS_POOL_TELEMETRY, "other_processes", 0);
    put_int(row, MDS_POOL_TELEMETRY, "process_bytes", -1);
    mds_samples_append(&f->samples, MDS_POOL_TELEMETRY, row);
}

static void doubtful_steps_are_kept_and_left_out(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, "nve");
    add_step(&f, MDS_STEP_FIRST, 1000, 7);
    for (int i = 0; i < 100; ++i) /* ten of them took a thousand times as long */
        add_step(&f,
                 i % 10 == 3   ? MDS_STEP_PREEMPTED
                 : i % 10 == 5 ? MDS_STEP_THROTTLED
                               : 0,
                 i % 10 == 3 ? 1e4 : 10, -297);
    const mds_record r = summarize(&f);
    CHECK_NEAR(r.value[MDS_METRIC_FLAGGED], 20, 0, 0);
    CHECK_NEAR(r.value[MDS_METRIC_LATENCY_MEAN], 0.1 * 1e-2 + 0.9 * 1e-5, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_CLEAN_MEAN], 1e-5, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_LATENCY_P99], 1e-2, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_CLEAN_P99], 1e-5, 1e-12, 0);
    fixture_fini(&f);
}

static void energy_per_step_is_that_of_the_steady_part(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, "nve");
    add_steps(&f, 1000);
    add_reading(&f, MDS_PHASE_WARMUP, 1.0, 5, 90);
    add_reading(&f, MDS_PHASE_STEADY, 2.0, 100, 100);
    add_reading(&f, MDS_PHASE_STEADY, 3.0, 500, 180);
    add_reading(&f, MDS_PHASE_STEADY, 4.0, 900, 500);
    add_reading(&f, MDS_PHASE_FINISHED, 9.0, 1011, 9000);
    const mds_record r = summarize(&f);
    CHECK_NEAR(r.value[MDS_METRIC_ENERGY_STEP], 400.0 / 800, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_POWER_MEAN], 200, 1e-12, 0); /* the counter, not the readings */
    CHECK_NEAR(r.value[MDS_METRIC_NS_DAY_WATT], r.value[MDS_METRIC_NS_PER_DAY] / 200, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_CLOCK_MIN], 1960, 1e-12, 0);
    CHECK_NEAR(r.value[MDS_METRIC_TEMPERATURE_DEVICE], 54, 1e-12, 0);
    fixture_fini(&f);
}

static void energy_of_a_moment_is_not_known(void **state)
{
    fixture f;

    (void)state;
    prepare(&f, "nve");
    add_steps(&f, 1000);
    add_reading(&f, MDS_PHASE_STEADY, 2.0, 100, 100);
    add_reading(&f, MDS_PHASE_STEADY, 2.1, 900, 120); /* shorter than the counter's own step */
    const mds_record r = summarize(&f);
    assert_true(isnan(r.value[MDS_METRIC_ENERGY_STEP]));
    assert_true(isnan(r.value[MDS_METRIC_POWER_MEAN]));
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_declared_once),
        cmocka_unit_test(latency_of_the_steady_steps),
        cmocka_unit_test(energy_in_the_units_of_the_field),
        cmocka_unit_test(no_drift_verdict_without_dynamics_or_true_weights),
        cmocka_unit_test(components_and_their_residual),
        cmocka_unit_test(short_cases_are_unknown_not_wrong),
        cmocka_unit_test(a_planted_leak_is_found),
        cmocka_unit_test(noise_is_no_leak),
        cmocka_unit_test(growth_beyond_the_tolerance_is_a_leak),
        cmocka_unit_test(memory_that_only_the_driver_sees_counts_too),
        cmocka_unit_test(doubtful_steps_are_kept_and_left_out),
        cmocka_unit_test(energy_per_step_is_that_of_the_steady_part),
        cmocka_unit_test(energy_of_a_moment_is_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
