/* The telemetry thread: what it keeps, when it flags, and that it ends. */
#include "case/sampler.h"

#include "base/clock.h"
#include "harness/test.h"

#include <stdlib.h>
#include <time.h>

static const mds_device_info gpu = {.uuid = "GPU-0123", .kind = MDS_DEVICE_CUDA};

static void make(mds_samples *samples, int64_t rows)
{
    const int64_t capacity[MDS_POOL_COUNT] = {[MDS_POOL_TELEMETRY] = rows};

    CHECK_OK(mds_samples_create(capacity, samples));
    setenv("MDSWEEP_NVML", MDS_FAKE_NVML, 1);
}

static const mds_cell *series(const mds_samples *samples, const char *key)
{
    return mds_samples_column(samples, MDS_POOL_TELEMETRY,
                              mds_pool_find_column(MDS_POOL_TELEMETRY, key));
}

static void wait_ms(int ms)
{
    const struct timespec time = {ms / 1000, (ms % 1000) * 1000000L};

    nanosleep(&time, NULL);
}

/* The imaginary board uses 20 J from reading to reading, so a row's energy tells its number. */
static int64_t reading_of(const mds_samples *samples, int64_t row)
{
    return (int64_t)(series(samples, "energy_J")[row].f8 / 20 + 0.5);
}

static void long_cases_keep_fewer_readings(void **state)
{
    enum { ROWS = 16 };
    mds_samples samples;
    mds_sampler *sampler;

    (void)state;
    make(&samples, 64); /* the pool is larger than this case's part of it */
    CHECK_OK(mds_sampler_start(100.0, &gpu, &samples, ROWS, mds_clock_ns(), &sampler));
    mds_samples_beat(&samples, MDS_PHASE_STEADY);
    /* As many readings as would need a far larger pool; each wait is long enough on any machine. */
    for (int i = 0; i < 400 && mds_samples_rows(&samples, MDS_POOL_TELEMETRY) < ROWS - 1; ++i)
        wait_ms(10);
    mds_sampler_stop(sampler);
    const int64_t rows = mds_samples_rows(&samples, MDS_POOL_TELEMETRY);
    assert_true(rows >= 3 && rows <= ROWS);
    assert_string_equal(samples.header->telemetry, "nvml 580.0.fake");
    /* Rows 0 to 8 are of every reading, 9 to 12 of every second, and so on. */
    const mds_cell *time = series(&samples, "time_s");
    for (int64_t row = 1; row < rows; ++row) {
        const int64_t gap = reading_of(&samples, row) - reading_of(&samples, row - 1);
        const int64_t every = row < 8 ? 1 : row < 12 ? 2 : row < 14 ? 4 : 16;

        assert_true(time[row].f8 > time[row - 1].f8);
        assert_true(gap >= 1 && (row == rows - 1 || gap <= 2 * every));
    }
    assert_true(rows < 13 || reading_of(&samples, 12) - reading_of(&samples, 0) > 12);
    mds_samples_destroy(&samples);
}

static void throttled_readings_raise_the_flag(void **state)
{
    mds_samples samples;
    mds_sampler *sampler;

    (void)state;
    make(&samples, 1000);
    setenv("FAKE_NVML_THROTTLE_FROM", "3", 1);
    setenv("FAKE_NVML_THROTTLE_TO", "1000000", 1);
    CHECK_OK(mds_sampler_start(50.0, &gpu, &samples, 1000, mds_clock_ns(), &sampler));
    for (int i = 0; i < 1000 && mds_sampler_flags(sampler) == 0; ++i)
        wait_ms(5);
    assert_int_equal(mds_sampler_flags(sampler), MDS_STEP_THROTTLED);
    assert_int_equal(mds_sampler_process_bytes(sampler), 512 << 20);
    mds_sampler_stop(sampler);
    const mds_cell *reasons = series(&samples, "throttle_reasons");
    for (int64_t row = 0; row < mds_samples_rows(&samples, MDS_POOL_TELEMETRY); ++row)
        assert_int_equal(reasons[row].i8, reading_of(&samples, row) < 3 ? 1 : 4);
    unsetenv("FAKE_NVML_THROTTLE_FROM");
    unsetenv("FAKE_NVML_THROTTLE_TO");
    mds_samples_destroy(&samples);
}

static void even_the_shortest_case_has_two_rows(void **state)
{
    mds_samples samples;
    mds_sampler *sampler;

    (void)state;
    make(&samples, 16);
    CHECK_OK(mds_sampler_start(0.1, &gpu, &samples, 16, mds_clock_ns(), &sampler));
    mds_sampler_stop(sampler); /* long before the second reading is due */
    assert_in_range(mds_samples_rows(&samples, MDS_POOL_TELEMETRY), 1, 2);
    CHECK_OK(mds_sampler_start(0.0, &gpu, &samples, 16, mds_clock_ns(), &sampler));
    assert_null(sampler);
    assert_int_equal(mds_sampler_flags(NULL), 0);
    assert_int_equal(mds_sampler_process_bytes(NULL), -1);
    mds_sampler_stop(NULL);
    mds_samples_destroy(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_cases_keep_fewer_readings),
        cmocka_unit_test(throttled_readings_raise_the_flag),
        cmocka_unit_test(even_the_shortest_case_has_two_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
