#include "probe/probe.h"

#include "harness/test.h"

#include <fcntl.h>
#include <unistd.h>

static void series_are_complete_and_distinct(void **state)
{
    (void)state;
    assert_int_equal(mds_probe_count(), 5);
    assert_null(mds_probe_get(-1));
    assert_null(mds_probe_get(mds_probe_count()));
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
        const int count = mds_pool_column_count((mds_pool)pool);

        for (int c = 0; c < count; ++c) {
            const mds_series *series = mds_pool_column((mds_pool)pool, c);

            assert_true(series->key[0] && series->unit[0] && series->long_name[0]);
            /* keys are distinct: the first of that name is this one */
            assert_int_equal(mds_pool_find_column((mds_pool)pool, series->key), c);
        }
        assert_null(mds_pool_column((mds_pool)pool, count));
        assert_null(mds_pool_column((mds_pool)pool, -1));
        assert_int_equal(mds_pool_find_column((mds_pool)pool, "no such series"), -1);
    }
}

static void design_series_exist(void **state)
{
    static const struct {
        mds_pool pool;
        const char *key;
    } wanted[] = {{MDS_POOL_STEPS, "wall_s"},
                  {MDS_POOL_STEPS, "device_s"},
                  {MDS_POOL_STEPS, "flags"},
                  {MDS_POOL_STEPS, "energy_potential_eV"},
                  {MDS_POOL_STEPS, "energy_kinetic_eV"},
                  {MDS_POOL_STEPS, "conserved_eV"},
                  {MDS_POOL_STEPS, "temperature_K"},
                  {MDS_POOL_STEPS, "pressure_GPa"},
                  {MDS_POOL_STEPS, "n_edges"},
                  {MDS_POOL_COMPONENTS, "step"},
                  {MDS_POOL_COMPONENTS, "neighbor_s"},
                  {MDS_POOL_COMPONENTS, "step_s"},
                  {MDS_POOL_MEMORY, "step"},
                  {MDS_POOL_MEMORY, "device_used_bytes"},
                  {MDS_POOL_MEMORY, "engine_bytes"},
                  {MDS_POOL_MEMORY, "host_rss_bytes"},
                  {MDS_POOL_MEMORY, "device_process_bytes"},
                  {MDS_POOL_TELEMETRY, "power_W"},
                  {MDS_POOL_TELEMETRY, "throttle_reasons"}};

    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; ++i)
        assert_true(mds_pool_find_column(wanted[i].pool, wanted[i].key) >= 0);
    assert_string_equal(mds_pool_name(MDS_POOL_MEMORY), "memory");
}

static mds_cell cell(mds_pool pool, const mds_cell *row, const char *key)
{
    return row[mds_pool_find_column(pool, key)];
}

/* Two steps; the thermodynamics of the second were not asked for. */
static void step_rows_hold_the_batch(void **state)
{
    const mds_state atoms = {.n = 2, .degrees_of_freedom = 3};
    const mds_step_batch batch = {
        .count = 2,
        .state = &atoms,
        .wall_s = (const double[]){0.5, 0.75},
        .device_s = (const double[]){0.25, 0.125},
        .flags = (const int64_t[]){MDS_STEP_WARMUP, 0},
        .potential_eV = (const double[]){-4, NAN},
        .kinetic_eV = (const double[]){1, NAN},
        .conserved_eV = (const double[]){-3, NAN},
        .virial_trace_eV = (const double[]){10, NAN},
        .n_edges = (const double[]){16, NAN},
        .volume_A3 = (const double[]){40, NAN},
    };
    mds_cell cells[64][2], *columns[64];
    const struct {
        const char *key;
        double want;
    } first[] = {{"wall_s", 0.5},
                 {"device_s", 0.25},
                 {"energy_potential_eV", -4},
                 {"energy_kinetic_eV", 1},
                 {"conserved_eV", -3},
                 {"temperature_K", 2.0 / 3 / 8.617333262e-5},
                 {"pressure_GPa", 160.2176634 * (2 + 10) / (3 * 40)},
                 {"volume_A3", 40},
                 {"n_edges", 16}};

    (void)state;
    for (int c = 0; c < 64; ++c)
        columns[c] = cells[c];
    mds_pool_sample_steps(&batch, columns);
    for (size_t i = 0; i < sizeof first / sizeof first[0]; ++i)
        CHECK_NEAR(columns[mds_pool_find_column(MDS_POOL_STEPS, first[i].key)][0].f8, first[i].want,
                   1e-14, 0);
    assert_int_equal(columns[mds_pool_find_column(MDS_POOL_STEPS, "flags")][0].i8, MDS_STEP_WARMUP);

    CHECK_NEAR(cells[0][1].f8, 0.75, 0, 0); /* the latency stays, the rest is not known */
    assert_int_equal(cells[2][1].i8, 0);
    for (int c = 3; c < mds_pool_column_count(MDS_POOL_STEPS); ++c)
        assert_true(isnan(cells[c][1].f8));
}

static void components_never_entered_are_unknown(void **state)
{
    mds_regions regions = {.seconds[MDS_REGION_FORCES] = 0.125, .seen[MDS_REGION_FORCES] = true};
    const mds_observation seen = {.regions = &regions, .step = 9, .wall_s = 0.5};
    mds_cell row[64];

    (void)state;
    mds_pool_sample(MDS_POOL_COMPONENTS, &seen, row);
    assert_int_equal(cell(MDS_POOL_COMPONENTS, row, "step").i8, 9);
    CHECK_NEAR(cell(MDS_POOL_COMPONENTS, row, "forces_s").f8, 0.125, 0, 0);
    CHECK_NEAR(cell(MDS_POOL_COMPONENTS, row, "step_s").f8, 0.5, 0, 0);
    assert_true(isnan(cell(MDS_POOL_COMPONENTS, row, "network_s").f8));
}

static void memory_rows_count_the_engine_and_the_process(void **state)
{
    mds_observation seen = {
        .step = 3, .process_bytes = 777, .statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
    mds_cell row[64];
    mds_device *device;
    void *block;

    (void)state;
    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_OK(mds_device_alloc(device, 12345, "block", &block));
    seen.device = device;
    mds_pool_sample(MDS_POOL_MEMORY, &seen, row);
    assert_int_equal(cell(MDS_POOL_MEMORY, row, "step").i8, 3);
    assert_int_equal(cell(MDS_POOL_MEMORY, row, "engine_bytes").i8, 12345);
    assert_true(cell(MDS_POOL_MEMORY, row, "device_used_bytes").i8 >= 12345);
    assert_int_equal(cell(MDS_POOL_MEMORY, row, "device_process_bytes").i8, 777);
    const int64_t before = cell(MDS_POOL_MEMORY, row, "host_rss_bytes").i8;

    assert_true(before > 100000 && before % sysconf(_SC_PAGESIZE) == 0);

    /* 32 MiB that are touched are resident (the counters may lag by 64 pages per core). */
    const size_t bytes = (size_t)32 << 20;
    char *touched = malloc(bytes);

    for (size_t i = 0; i < bytes; i += 512)
        ((volatile char *)touched)[i] = 1;
    mds_pool_sample(MDS_POOL_MEMORY, &seen, row);
    assert_true(cell(MDS_POOL_MEMORY, row, "host_rss_bytes").i8 - before > (int64_t)bytes / 2);
    free(touched);

    close(seen.statm);
    seen.statm = -1;
    mds_pool_sample(MDS_POOL_MEMORY, &seen, row);
    assert_int_equal(cell(MDS_POOL_MEMORY, row, "host_rss_bytes").i8, -1);
    mds_device_free(device, block);
    mds_device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_are_complete_and_distinct),
        cmocka_unit_test(design_series_exist),
        cmocka_unit_test(step_rows_hold_the_batch),
        cmocka_unit_test(components_never_entered_are_unknown),
        cmocka_unit_test(memory_rows_count_the_engine_and_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
