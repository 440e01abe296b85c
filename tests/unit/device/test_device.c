/* The contract of device.h, on both host implementations, and what only the simulated one checks.
 */
#include "device/device.h"
#include "harness/test.h"

static mds_device *open_device(const char *name)
{
    mds_device *device;

    CHECK_OK(mds_device_open(name, &device));
    return device;
}

static mds_device_memory memory_of(const mds_device *device)
{
    mds_device_memory memory;

    mds_device_get_memory(device, &memory);
    return memory;
}

static void says_who_it_is(void **state)
{
    mds_device *device = open_device(*state);
    const mds_device_info *info = mds_device_get_info(device);

    assert_string_equal(info->name, *state);
    assert_true(info->model[0] != '\0');
    assert_true(info->cores >= 1);
    assert_true(info->memory_bytes > 0);
    assert_int_equal(memory_of(device).total, info->memory_bytes);
    mds_device_close(device);
}

static void accounts_every_byte(void **state)
{
    mds_device *device = open_device(*state);
    const int64_t before = memory_of(device).used;
    void *small, *large, *none;

    CHECK_OK(mds_device_alloc(device, 1, "a byte", &small));
    CHECK_OK(mds_device_alloc(device, 100000, "a block", &large));
    CHECK_OK(mds_device_alloc(device, 0, "nothing", &none));
    assert_null(none);
    assert_int_equal((uintptr_t)small % 64, 0);
    assert_int_equal((uintptr_t)large % 64, 0);
    assert_int_equal(memory_of(device).used - before, 100001);
    assert_true(memory_of(device).reserved >= 100001);
    mds_device_free(device, large);
    mds_device_free(device, NULL);
    assert_int_equal(memory_of(device).used - before, 1);
    mds_device_free(device, small);
    assert_int_equal(memory_of(device).used, before);
    assert_int_equal(memory_of(device).reserved, 0);
    assert_int_equal(memory_of(device).peak, 100001);
    CHECK_OK(mds_device_sync(device));
    mds_device_close(device);
}

static void refuses_absurd_sizes(void **state)
{
    mds_device *device = open_device(*state);
    void *memory = device;

    CHECK_FAILS(mds_device_alloc(device, SIZE_MAX - 7, "the moon", &memory), MDS_ERR_NOMEM,
                "the moon");
    assert_null(memory);
    CHECK_FAILS(mds_device_alloc(device, (size_t)1 << 50, "the sun", &memory), MDS_ERR_NOMEM,
                "1024.0 TiB for the sun");
    assert_int_equal(memory_of(device).used, 0);
    mds_device_close(device);
}

static void reserve_grows_by_half_again(void **state)
{
    mds_device *device = open_device(*state);
    void *memory = NULL;
    size_t capacity = 0;

    CHECK_OK(mds_device_reserve(device, 1000, "pairs", &memory, &capacity));
    assert_int_equal(capacity, 1000);
    void *first = memory;

    CHECK_OK(mds_device_reserve(device, 900, "pairs", &memory, &capacity));
    assert_ptr_equal(memory, first);
    CHECK_OK(mds_device_reserve(device, 1001, "pairs", &memory, &capacity));
    assert_int_equal(capacity, 1500);
    CHECK_OK(mds_device_reserve(device, 9000, "pairs", &memory, &capacity));
    assert_int_equal(capacity, 9000);
    assert_int_equal(memory_of(device).used, 9000);
    mds_device_free(device, memory);
    mds_device_close(device);
}

static void copies_and_fills(void **state)
{
    mds_device *device = open_device(*state);
    const char text[] = "there and back";
    char back[sizeof text] = "";
    void *a, *b;

    CHECK_OK(mds_device_alloc(device, sizeof text, "a", &a));
    CHECK_OK(mds_device_alloc(device, sizeof text, "b", &b));
    CHECK_OK(mds_device_copy(device, a, text, sizeof text, MDS_COPY_TO_DEVICE));
    CHECK_OK(mds_device_copy(device, b, a, sizeof text, MDS_COPY_ON_DEVICE));
    CHECK_OK(mds_device_copy(device, back, b, sizeof text, MDS_COPY_TO_HOST));
    assert_string_equal(back, text);
    CHECK_OK(mds_device_fill(device, a, 'x', 3));
    CHECK_OK(mds_device_copy(device, back, a, sizeof text, MDS_COPY_TO_HOST));
    assert_string_equal(back, "xxxre and back");
    CHECK_OK(mds_device_copy(device, NULL, NULL, 0, MDS_COPY_TO_DEVICE));
    mds_device_free(device, a);
    mds_device_free(device, b);
    mds_device_close(device);
}

static void events_measure_in_order(void **state)
{
    mds_device *device = open_device(*state);

    CHECK_OK(mds_device_events_create(device, 3));
    for (int slot = 0; slot < 3; ++slot)
        mds_device_event_record(device, slot);
    const double first = mds_device_event_elapsed(device, 0, 1);
    const double second = mds_device_event_elapsed(device, 1, 2);

    assert_true(first >= 0 && second >= 0);
    /* Instants are whole nanoseconds, so the parts add up to rounding. */
    CHECK_NEAR(mds_device_event_elapsed(device, 0, 2), first + second, 1e-12, 1e-15);
    CHECK_OK(mds_device_sync(device));
    mds_device_close(device);
}

static void unrecorded_events_are_unknown(void **state)
{
    mds_device *device = open_device(*state);

    assert_true(isnan(mds_device_event_elapsed(device, 0, 1))); /* no ring at all */
    CHECK_OK(mds_device_events_create(device, 2));
    mds_device_event_record(device, 0);
    assert_true(isnan(mds_device_event_elapsed(device, 0, 1)));
    assert_true(isnan(mds_device_event_elapsed(device, 0, 2)));
    mds_device_close(device);
}

static void bad_names_are_explained(void **state)
{
    mds_device *device = (mds_device *)state;

    CHECK_FAILS(mds_device_open("gpu", &device), MDS_ERR_CONFIG, "unknown device 'gpu'");
    assert_null(device);
    CHECK_FAILS(mds_device_open("cuba", &device), MDS_ERR_CONFIG, "did you mean 'cuda'");
    CHECK_FAILS(mds_device_open("", &device), MDS_ERR_CONFIG, "unknown device ''");
    CHECK_FAILS(mds_device_open("cpu:1", &device), MDS_ERR_CONFIG, "takes no number");
    CHECK_FAILS(mds_device_open("sim:", &device), MDS_ERR_CONFIG, "MiB");
    CHECK_FAILS(mds_device_open("sim:-5", &device), MDS_ERR_CONFIG, "MiB");
    CHECK_FAILS(mds_device_open("sim:1x", &device), MDS_ERR_CONFIG, "MiB");
    CHECK_FAILS(mds_device_open("cuda:99", &device), MDS_ERR_DEVICE, "cuda:99");
#ifndef MDS_WITH_CUDA
    CHECK_FAILS(mds_device_open("cuda", &device), MDS_ERR_DEVICE, "no CUDA");
#endif
    mds_device_close(NULL);
}

/* --- the simulated accelerator's own --- */

static void sim_runs_out_at_its_limit(void **state)
{
    mds_device *device = open_device("sim:1");
    void *half, *other, *more;

    (void)state;
    CHECK_OK(mds_device_alloc(device, 1 << 19, "half", &half));
    CHECK_OK(mds_device_alloc(device, 1 << 19, "other half", &other));
    CHECK_FAILS(mds_device_alloc(device, 1, "one more", &more), MDS_ERR_NOMEM, "one more");
    mds_device_free(device, other);
    CHECK_OK(mds_device_alloc(device, 64, "one more", &more));
    mds_device_free(device, more);
    mds_device_free(device, half);
    mds_device_close(device);
}

static void sim_memory_is_poisoned(void **state)
{
    mds_device *device = open_device("sim");
    void *memory;

    (void)state;
    CHECK_OK(mds_device_alloc(device, 10 * sizeof(double), "fresh", &memory));
    for (int i = 0; i < 10; ++i)
        assert_true(isnan(((double *)memory)[i]));
    assert_true(((int *)memory)[1] > 1 << 30); /* as an index: far outside */
    mds_device_free(device, memory);
    mds_device_close(device);
}

/* Writes one byte at `offset` of a block of 100 bytes. */
static mds_device *damaged(int offset, bool freed)
{
    mds_device *device = open_device("sim");
    void *memory;

    CHECK_OK(mds_device_alloc(device, 100, "block", &memory));
    ((volatile char *)memory)[offset] = 1;
    if (freed)
        mds_device_free(device, memory);
    return device;
}

static void sim_finds_writes_outside(void **state)
{
    static const struct {
        int offset;
        const char *words;
    } cases[] = {{-1, "before the start of a block of 100"},
                 {-64, "before the start"},
                 {100, "past the end of a block of 100"},
                 {128, "past the end"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i)
        for (int freed = 0; freed < 2; ++freed) {
            mds_device *device = damaged(cases[i].offset, freed);

            CHECK_FAILS(mds_device_sync(device), MDS_ERR_DEVICE, cases[i].words);
            CHECK_FAILS(mds_device_sync(device), MDS_ERR_DEVICE, "sim"); /* sticky */
            mds_device_close(device);
        }
    mds_device *fine = damaged(99, true);

    CHECK_OK(mds_device_sync(fine));
    mds_device_close(fine);
}

static void sim_refuses_copies_outside(void **state)
{
    mds_device *device = open_device("sim");
    char host[128] = "";
    void *memory;

    (void)state;
    CHECK_OK(mds_device_alloc(device, 100, "block", &memory));
    CHECK_OK(mds_device_copy(device, (char *)memory + 50, host, 50, MDS_COPY_TO_DEVICE));
    CHECK_FAILS(mds_device_copy(device, (char *)memory + 50, host, 51, MDS_COPY_TO_DEVICE),
                MDS_ERR_DEVICE, "outside device memory");
    mds_device_free(device, memory);
    mds_device_close(device);

    device = open_device("sim"); /* a host pointer where a device pointer belongs */
    CHECK_FAILS(mds_device_copy(device, host, host + 64, 8, MDS_COPY_TO_HOST), MDS_ERR_DEVICE,
                "outside device memory");
    mds_device_close(device);
}

static void sim_notices_a_ring_too_short(void **state)
{
    mds_device *device = open_device("sim");

    (void)state;
    CHECK_OK(mds_device_events_create(device, 2));
    mds_device_event_record(device, 0);
    mds_device_event_record(device, 1);
    for (int64_t spin = 0; spin < 1000; ++spin)
        mds_device_event_record(device, 0); /* used again before it was read */
    assert_true(isnan(mds_device_event_elapsed(device, 0, 1)));
    CHECK_FAILS(mds_device_sync(device), MDS_ERR_DEVICE, "before it was read");
    mds_device_close(device);
}

static void sims_are_distinct(void **state)
{
    mds_device *a = open_device("sim"), *b = open_device("sim");

    (void)state;
    assert_string_not_equal(mds_device_get_info(a)->uuid, mds_device_get_info(b)->uuid);
    mds_device_close(a);
    mds_device_close(b);
}

#define ON(name, test)                                                                             \
    {                                                                                              \
#test " (" name ")", test, NULL, NULL, (void *)name                                        \
    }
#define ON_BOTH(test) ON("cpu", test), ON("sim:16", test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(says_who_it_is),
        ON_BOTH(accounts_every_byte),
        ON_BOTH(refuses_absurd_sizes),
        ON_BOTH(reserve_grows_by_half_again),
        ON_BOTH(copies_and_fills),
        ON_BOTH(events_measure_in_order),
        ON_BOTH(unrecorded_events_are_unknown),
        cmocka_unit_test(bad_names_are_explained),
        cmocka_unit_test(sim_runs_out_at_its_limit),
        cmocka_unit_test(sim_memory_is_poisoned),
        cmocka_unit_test(sim_finds_writes_outside),
        cmocka_unit_test(sim_refuses_copies_outside),
        cmocka_unit_test(sim_notices_a_ring_too_short),
        cmocka_unit_test(sims_are_distinct),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
