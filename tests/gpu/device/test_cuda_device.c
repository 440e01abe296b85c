/* The device class cuda: memory and its account, copies, the event ring, graphs, errors. */
#include "gpu/device/cuda_device.h"
#include "harness/test.h"

#include "device/gpu_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 1000 };

static mds_device *open_device(void)
{
    mds_device *device;

    CHECK_OK(mds_device_open("cuda:0", &device));
    return device;
}

static void it_says_who_it_is(void **state)
{
    mds_gpu_list *list = calloc(1, sizeof *list);
    mds_device *device = open_device(), *same;
    const mds_device_info *info = mds_device_get_info(device);
    char name[80];

    (void)state;
    assert_non_null(list);
    mds_cuda_list(list); /* no fork: CUDA is in use here */
    assert_int_equal(mds_device_get_kind(device), MDS_DEVICE_CUDA);
    assert_false(mds_device_host_access(device));
    assert_string_equal(info->name, "cuda:0");
    assert_string_equal(info->uuid, list->gpu[0].uuid);
    assert_true(info->cores > 0 && info->memory_bytes > 0);
    assert_non_null(mds_device_stream(device));
    assert_true(mds_device_has_graphs(device));
    mds_device_close(device);

    snprintf(name, sizeof name, "cuda:%s", list->gpu[list->count - 1].uuid);
    CHECK_OK(mds_device_open(name, &same));
    assert_string_equal(mds_device_get_info(same)->uuid, list->gpu[list->count - 1].uuid);
    mds_device_close(same);
    snprintf(name, sizeof name, "cuda:%d", list->count);
    CHECK_FAILS(mds_device_open(name, &same), MDS_ERR_DEVICE, "visible");
    CHECK_FAILS(mds_device_open("cuda:GPU-nobody", &same), MDS_ERR_DEVICE, "GPU-nobody");
    CHECK_FAILS(mds_device_open("cuda:1x", &same), MDS_ERR_DEVICE, "1x");
    free(list);
}

static void memory_is_counted_exactly(void **state)
{
    mds_device *device = open_device();
    mds_device_memory memory;
    void *a, *b, *none;
    const int64_t generation = mds_device_generation(device);

    (void)state;
    CHECK_OK(mds_device_alloc(device, 1000, "a", &a));
    CHECK_OK(mds_device_alloc(device, 1 << 20, "b", &b));
    CHECK_OK(mds_device_alloc(device, 0, "nothing", &none));
    assert_null(none);
    assert_int_equal((uintptr_t)a % 64, 0);
    mds_device_get_memory(device, &memory);
    assert_int_equal(memory.used, 1000 + (1 << 20));
    assert_true(memory.reserved >= memory.used && memory.total >= memory.reserved);
    mds_device_free(device, b);
    mds_device_get_memory(device, &memory);
    assert_int_equal(memory.used, 1000);
    assert_int_equal(memory.peak, 1000 + (1 << 20));
    mds_device_free(device, a);
    mds_device_free(device, NULL);
    mds_device_get_memory(device, &memory);
    assert_int_equal(memory.used, 0);
    assert_int_equal(mds_device_generation(device), generation + 4);
    CHECK_OK(mds_device_sync(device));
    mds_device_close(device);
}

static void copies_arrive(void **state)
{
    mds_device *device = open_device();
    double x[N], y[N], *pinned;
    void *a, *b;

    (void)state;
    for (int i = 0; i < N; ++i)
        x[i] = i;
    CHECK_OK(mds_device_alloc(device, sizeof x, "a", &a));
    CHECK_OK(mds_device_alloc(device, sizeof x, "b", &b));
    CHECK_OK(mds_device_host_alloc(device, sizeof x, "pinned", (void **)&pinned));
    for (int i = 0; i < N; ++i)
        assert_true(pinned[i] == 0.0);
    CHECK_OK(mds_device_copy(device, a, x, sizeof x, MDS_COPY_TO_DEVICE));
    memset(x, 0, sizeof x); /* the call has taken what it needs of plain memory */
    CHECK_OK(mds_device_copy(device, b, a, sizeof x, MDS_COPY_ON_DEVICE));
    CHECK_OK(mds_device_fill(device, a, 0, sizeof x));
    CHECK_OK(mds_device_copy(device, pinned, b, sizeof x, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_copy(device, y, a, sizeof y, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(device));
    for (int i = 0; i < N; ++i)
        assert_true(pinned[i] == i && y[i] == 0.0);
    mds_device_host_free(device, pinned);
    mds_device_host_free(device, NULL);
    mds_device_free(device, a);
    mds_device_free(device, b);
    mds_device_close(device);
}

static void events_lie_in_order(void **state)
{
    mds_device *device = open_device();
    void *memory;

    (void)state;
    CHECK_OK(mds_device_alloc(device, 1 << 20, "memory", &memory));
    CHECK_OK(mds_device_events_create(device, 3));
    for (int round = 0; round < 3; ++round) { /* recorded again and again */
        mds_device_event_record(device, 0);
        CHECK_OK(mds_device_fill(device, memory, round, 1 << 20));
        mds_device_event_record(device, 1);
        CHECK_OK(mds_device_fill(device, memory, round + 1, 1 << 20));
        mds_device_event_record(device, 2);
        const double first = mds_device_event_elapsed(device, 0, 1);
        const double both = mds_device_event_elapsed(device, 0, 2);

        assert_true(first >= 0.0 && both >= first);
        for (int slot = 0; slot < 3; ++slot)
            assert_true(mds_device_event_passed(device, slot));
    }
    CHECK_OK(mds_device_sync(device));
    assert_true(isnan(mds_device_event_elapsed(device, 0, 3))); /* no such slot */
    CHECK_FAILS(mds_device_sync(device), MDS_ERR_INTERNAL, "ring of 3");
    CHECK_OK(mds_device_sync(device)); /* told once */
    mds_device_free(device, memory);
    mds_device_close(device);
}

/* What is recorded runs at every launch, with the values that lie in memory then. */
static void graphs_repeat_what_was_recorded(void **state)
{
    mds_device *device = open_device();
    double x[64], y[64];
    void *a, *b;
    mds_graph *graph;

    (void)state;
    CHECK_OK(mds_device_alloc(device, sizeof x, "a", &a));
    CHECK_OK(mds_device_alloc(device, sizeof x, "b", &b));
    CHECK_OK(mds_device_fill(device, a, 0, sizeof x));
    CHECK_OK(mds_device_fill(device, b, 0, sizeof x));
    CHECK_OK(mds_device_graph_begin(device));
    CHECK_OK(cuda_device_raise(device, 33, 64, a, b));
    CHECK_OK(mds_device_copy(device, a, b, sizeof x, MDS_COPY_ON_DEVICE));
    CHECK_OK(mds_device_graph_end(device, &graph));
    for (int i = 0; i < 64; ++i)
        x[i] = i;
    CHECK_OK(mds_device_copy(device, a, x, sizeof x, MDS_COPY_TO_DEVICE));
    for (int launches = 1; launches <= 3; ++launches) {
        CHECK_OK(mds_device_graph_launch(device, graph));
        CHECK_OK(mds_device_copy(device, y, a, sizeof y, MDS_COPY_TO_HOST));
        CHECK_OK(mds_device_sync(device));
        for (int i = 0; i < 64; ++i)
            assert_true(y[i] == i + launches);
    }
    mds_device_graph_destroy(device, graph);
    mds_device_graph_destroy(device, NULL);
    mds_device_free(device, a);
    mds_device_free(device, b);
    mds_device_close(device);
}

static void nothing_waits_or_allocates_in_a_recording(void **state)
{
    mds_device *device = open_device();
    double x = 1.0;
    void *a, *b;
    mds_graph *graph;

    (void)state;
    CHECK_OK(mds_device_alloc(device, sizeof x, "a", &a));
    CHECK_FAILS(mds_device_graph_end(device, &graph), MDS_ERR_INTERNAL, "no graph");
    CHECK_OK(mds_device_graph_begin(device));
    CHECK_FAILS(mds_device_graph_begin(device), MDS_ERR_INTERNAL, "recorded");
    CHECK_FAILS(mds_device_alloc(device, 8, "b", &b), MDS_ERR_INTERNAL, "an allocation");
    CHECK_FAILS(mds_device_sync(device), MDS_ERR_INTERNAL, "waiting");
    CHECK_FAILS(mds_device_copy(device, &x, a, sizeof x, MDS_COPY_TO_HOST), MDS_ERR_INTERNAL,
                "host");
    CHECK_FAILS(mds_device_copy(device, a, &x, sizeof x, MDS_COPY_TO_DEVICE), MDS_ERR_INTERNAL,
                "host");
    CHECK_OK(mds_device_fill(device, a, 0, sizeof x));
    CHECK_OK(mds_device_graph_end(device, &graph));
    CHECK_OK(mds_device_graph_launch(device, graph));
    CHECK_OK(mds_device_copy(device, &x, a, sizeof x, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(device));
    assert_true(x == 0.0);
    mds_device_graph_destroy(device, graph);
    mds_device_free(device, a);
    mds_device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_who_it_is),
        cmocka_unit_test(memory_is_counted_exactly),
        cmocka_unit_test(copies_arrive),
        cmocka_unit_test(events_lie_in_order),
        cmocka_unit_test(graphs_repeat_what_was_recorded),
        cmocka_unit_test(nothing_waits_or_allocates_in_a_recording),
    };
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        print_message("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
