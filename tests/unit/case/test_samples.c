#include "case/samples.h"

#include "harness/test.h"

#include <sys/wait.h>
#include <unistd.h>

static mds_samples make(int64_t steps, int64_t memory)
{
    const int64_t capacity[MDS_POOL_COUNT] = {
        [MDS_POOL_STEPS] = steps, [MDS_POOL_COMPONENTS] = 0, [MDS_POOL_MEMORY] = memory};
    mds_samples samples;

    CHECK_OK(mds_samples_create(capacity, &samples));
    return samples;
}

static void append(mds_samples *samples, mds_pool pool, int64_t first)
{
    mds_cell row[64];

    for (int c = 0; c < samples->columns[pool]; ++c)
        row[c].i8 = 100 * first + c;
    mds_samples_append(samples, pool, row);
}

static void rows_come_back_by_column(void **state)
{
    mds_samples samples = make(10, 3);

    (void)state;
    for (int i = 0; i < 7; ++i)
        append(&samples, MDS_POOL_STEPS, i);
    append(&samples, MDS_POOL_MEMORY, 50);
    assert_int_equal(mds_samples_rows(&samples, MDS_POOL_STEPS), 7);
    assert_int_equal(mds_samples_rows(&samples, MDS_POOL_MEMORY), 1);
    assert_int_equal(mds_samples_rows(&samples, MDS_POOL_TELEMETRY), 0);
    for (int c = 0; c < samples.columns[MDS_POOL_STEPS]; ++c)
        for (int i = 0; i < 7; ++i)
            assert_int_equal(mds_samples_column(&samples, MDS_POOL_STEPS, c)[i].i8, 100 * i + c);
    for (int c = 0; c < samples.columns[MDS_POOL_MEMORY]; ++c)
        assert_int_equal(mds_samples_column(&samples, MDS_POOL_MEMORY, c)[0].i8, 5000 + c);
    mds_samples_destroy(&samples);
    mds_samples_destroy(&samples);
    mds_samples_destroy(NULL);
}

static void full_pools_drop_rows(void **state)
{
    mds_samples samples = make(3, 1);

    (void)state;
    for (int i = 0; i < 5; ++i) {
        append(&samples, MDS_POOL_STEPS, i);
        append(&samples, MDS_POOL_MEMORY, i);
        append(&samples, MDS_POOL_COMPONENTS, i); /* capacity 0 */
    }
    assert_int_equal(mds_samples_rows(&samples, MDS_POOL_STEPS), 3);
    assert_int_equal(mds_samples_rows(&samples, MDS_POOL_MEMORY), 1);
    assert_int_equal(mds_samples_rows(&samples, MDS_POOL_COMPONENTS), 0);
    assert_int_equal(mds_samples_column(&samples, MDS_POOL_STEPS, 0)[2].i8, 200);
    mds_samples_destroy(&samples);
}

static void touching_changes_no_row(void **state)
{
    mds_samples samples = make(2000, 3);

    (void)state;
    mds_samples_touch(&samples, MDS_POOL_STEPS, 1000000);
    assert_int_equal(mds_samples_rows(&samples, MDS_POOL_STEPS), 0);
    append(&samples, MDS_POOL_STEPS, 4);
    assert_int_equal(mds_samples_column(&samples, MDS_POOL_STEPS, 1)[0].i8, 401);
    mds_samples_destroy(&samples);
}

/* What the worker is to its rank. The buffers are far larger than memory: only pages written count.
 */
static void another_process_sees_rows_as_they_come(void **state)
{
    mds_samples samples = make(INT64_C(1) << 28, 1);
    int go[2], status;
    char byte;

    (void)state;
    assert_int_equal(pipe(go), 0);
    const pid_t child = fork();

    if (child == 0) {
        for (int i = 0; i < 1000; ++i) {
            append(&samples, MDS_POOL_STEPS, i);
            mds_samples_beat(&samples, MDS_PHASE_STEADY);
        }
        (void)!read(go[0], &byte, 1);
        _exit(mds_samples_rows(&samples, MDS_POOL_STEPS) == 0 ? 0 : 1);
    }
    int64_t rows = 0, last = 0;

    while (rows < 1000) {
        rows = mds_samples_rows(&samples, MDS_POOL_STEPS);
        assert_true(rows >= last);
        for (int c = 0; rows > 0 && c < samples.columns[MDS_POOL_STEPS]; ++c)
            assert_int_equal(mds_samples_column(&samples, MDS_POOL_STEPS, c)[rows - 1].i8,
                             100 * (rows - 1) + c);
        last = rows;
    }
    while (atomic_load(&samples.header->heartbeat) < 1000)
        usleep(100);
    assert_int_equal(atomic_load(&samples.header->phase), MDS_PHASE_STEADY);
    mds_samples_reset(&samples, 7, 2);
    assert_int_equal(samples.header->case_index, 7);
    assert_int_equal(samples.header->attempt, 2);
    assert_int_equal(atomic_load(&samples.header->phase), MDS_PHASE_IDLE);
    assert_int_equal(write(go[1], "x", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0); /* it saw the reset */
    close(go[0]);
    close(go[1]);
    mds_samples_destroy(&samples);
}

static void absurd_sizes_are_refused(void **state)
{
    const int64_t negative[MDS_POOL_COUNT] = {-1}, huge[MDS_POOL_COUNT] = {INT64_MAX};
    const int64_t unmappable[MDS_POOL_COUNT] = {INT64_C(1) << 45};
    mds_samples samples;

    (void)state;
    CHECK_FAILS(mds_samples_create(negative, &samples), MDS_ERR_INTERNAL, "-1 rows of steps");
    CHECK_FAILS(mds_samples_create(huge, &samples), MDS_ERR_INTERNAL, "rows of steps");
    CHECK_FAILS(mds_samples_create(unmappable, &samples), MDS_ERR_NOMEM, "sample buffers");
    mds_samples_destroy(&samples);
}

/* Worker and rank find the same places, and nobody writes past the end. */
static void frames_have_their_place(void **state)
{
    mds_samples samples = make(1, 1);
    mds_frame_area area;

    (void)state;
    CHECK_OK(mds_samples_add_frames(&samples, 0));
    CHECK_FAILS(mds_samples_frame_area(&samples, 5, 3, &area), MDS_ERR_INTERNAL, "frame area");
    const size_t bytes = (size_t)mds_frame_bytes(5, 3);
    assert_int_equal(bytes, 8 * (5 + 5 + 3 * (1 + 9 + 15)));
    assert_int_equal((int)mds_frame_bytes(5, 0), 0);
    CHECK_OK(mds_samples_add_frames(&samples, bytes));
    CHECK_OK(mds_samples_frame_area(&samples, 5, 3, &area));
    assert_ptr_equal(area.mass, samples.frame_area);
    assert_ptr_equal(area.positions + 3 * 3 * 5, samples.frame_area + bytes / sizeof(double));
    CHECK_FAILS(mds_samples_frame_area(&samples, 5, 0, &area), MDS_ERR_INTERNAL, "0 frames");
    CHECK_FAILS(mds_samples_frame_area(&samples, 1 << 20, 3, &area), MDS_ERR_INTERNAL,
                "3 frames of 1048576 atoms");
    atomic_store(&samples.header->frames, 2);
    assert_int_equal(mds_samples_frames(&samples), 2);
    mds_samples_reset(&samples, 1, 1);
    assert_int_equal(mds_samples_frames(&samples), 0);
    mds_samples_destroy(&samples);
}

static void phases_have_names(void **state)
{
    (void)state;
    assert_string_equal(mds_phase_name(MDS_PHASE_WARMUP), "warm-up");
    assert_string_equal(mds_phase_name(MDS_PHASE_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_by_column),
        cmocka_unit_test(full_pools_drop_rows),
        cmocka_unit_test(touching_changes_no_row),
        cmocka_unit_test(another_process_sees_rows_as_they_come),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(frames_have_their_place),
        cmocka_unit_test(phases_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
