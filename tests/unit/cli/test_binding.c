/* Which rank gets which device, from tables made by hand: no GPU and no launcher needed. */
#include "harness/test.h"

#include "cli/binding.h"

#include <stdio.h>
#include <stdlib.h>

static mds_rank_info rank_on(const char *host, const char *device, const char *uuid)
{
    mds_rank_info row = {.numa_node = -1};

    snprintf(row.host, sizeof row.host, "%s", host);
    snprintf(row.device, sizeof row.device, "%s", device);
    snprintf(row.device_uuid, sizeof row.device_uuid, "%s", uuid);
    return row;
}

static void each_its_own(void **state)
{
    mds_rank_info ranks[] = {
        rank_on("a", "cuda:0", "GPU-1"),
        rank_on("a", "cuda:0", "GPU-2"), /* one visible device per task */
        rank_on("b", "cuda:0", "GPU-3"),
        rank_on("b", "cuda:1", "GPU-4"),
    };

    (void)state;
    CHECK_OK(mds_binding_check(ranks, 4, false));
    for (int i = 0; i < 4; ++i)
        assert_string_equal(ranks[i].sharing, "");
}

static void sharing_is_refused_unless_wanted(void **state)
{
    mds_rank_info ranks[] = {
        rank_on("a", "cuda:0", "GPU-1"), rank_on("b", "cuda:0", "GPU-2"),
        rank_on("b", "cuda:1", "GPU-3"), rank_on("b", "cuda:0", "GPU-2"),
        rank_on("b", "cuda:0", "GPU-2"),
    };

    (void)state;
    snprintf(ranks[3].sharing, sizeof ranks[3].sharing, "mps");
    mds_rank_info copy[5];

    memcpy(copy, ranks, sizeof copy);
    CHECK_FAILS(mds_binding_check(copy, 5, false), MDS_ERR_DEVICE, "ranks 1, 3, 4 share one GPU");
    assert_non_null(strstr(mds_error(), "host b, GPU-2"));
    assert_non_null(strstr(mds_error(), "--oversubscribe"));
    CHECK_OK(mds_binding_check(ranks, 5, true));
    assert_string_equal(ranks[0].sharing, "");
    assert_string_equal(ranks[1].sharing, "oversubscribed by 3 ranks");
    assert_string_equal(ranks[2].sharing, "");
    assert_string_equal(ranks[3].sharing, "mps, oversubscribed by 3 ranks");
}

static void ranks_on_the_cpu_share_nothing(void **state)
{
    mds_rank_info ranks[] = {rank_on("a", "cpu", ""), rank_on("a", "cpu", "")};

    (void)state;
    CHECK_OK(mds_binding_check(ranks, 2, false));
}

/* device = "auto" on hosts of two kinds would mix timings of both. */
static void all_or_none_have_a_gpu(void **state)
{
    mds_rank_info ranks[] = {rank_on("a", "cuda:0", "GPU-1"), rank_on("login", "cpu", "")};

    (void)state;
    CHECK_FAILS(mds_binding_check(ranks, 2, true), MDS_ERR_DEVICE, "rank 1 on host login on cpu");
}

static void words_choose_devices(void **state)
{
    mds_gpu_list *list = calloc(1, sizeof *list);
    mds_comm *comm;
    int index;

    (void)state;
    assert_non_null(list);
    CHECK_OK(mds_comm_create_self(&comm));
    snprintf(list->reason, sizeof list->reason, "no GPU is visible");
    CHECK_FAILS(mds_binding_choose(list, "cuda", comm, &index), MDS_ERR_DEVICE, "rank 0 on host");
    list->count = 2;
    snprintf(list->gpu[0].uuid, sizeof list->gpu[0].uuid, "GPU-aaaa");
    snprintf(list->gpu[1].uuid, sizeof list->gpu[1].uuid, "MIG-bbbb");
    list->gpu[1].ordinal = 1;
    CHECK_OK(mds_binding_choose(list, "cuda", comm, &index));
    assert_int_equal(index, 0);
    CHECK_OK(mds_binding_choose(list, "cuda:1", comm, &index));
    assert_int_equal(index, 1);
    CHECK_OK(mds_binding_choose(list, "cuda:MIG-bb", comm, &index));
    assert_int_equal(index, 1);
    CHECK_FAILS(mds_binding_choose(list, "cuda:2", comm, &index), MDS_ERR_DEVICE, "2 visible");
    mds_comm_destroy(comm);
    free(list);
}

static void a_row_says_what_the_device_is(void **state)
{
    const mds_gpu_list list = {.driver = "580.65.06", .driver_cuda = 13000};
    const mds_gpu gpu = {.model = "NVIDIA X MIG 1g.10gb",
                         .uuid = "MIG-1",
                         .pci = "0000:3b:00.0",
                         .cpus = "0-15",
                         .memory_bytes = INT64_C(10) << 30,
                         .ordinal = 3,
                         .numa_node = 1,
                         .clock_MHz = 1980,
                         .mig = true,
                         .mps = true};
    mds_rank_info row = {.device = "cuda"};

    (void)state;
    mds_binding_describe(&list, &gpu, &row);
    assert_string_equal(row.device, "cuda:3");
    assert_string_equal(row.device_uuid, "MIG-1");
    assert_string_equal(row.driver, "580.65.06, CUDA 13.0");
    assert_string_equal(row.sharing, "mig, mps");
    assert_string_equal(row.allocator, "cudaMalloc");
    assert_string_equal(row.near_cpus, "0-15");
    assert_int_equal(row.numa_node, 1);
    assert_int_equal(row.clock_MHz, 1980);
}

static void auto_becomes_something_definite(void **state)
{
    mds_binding *binding = calloc(1, sizeof *binding);

    (void)state;
    assert_non_null(binding);
    CHECK_OK(mds_binding_resolve("auto", binding));
    assert_string_equal(binding->word, binding->gpus.count > 0 ? "cuda" : "cpu");
    CHECK_OK(mds_binding_resolve("sim:64", binding));
    assert_string_equal(binding->word, "sim:64");
    assert_int_equal(binding->gpus.count, 0);
    free(binding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_its_own),
        cmocka_unit_test(sharing_is_refused_unless_wanted),
        cmocka_unit_test(ranks_on_the_cpu_share_nothing),
        cmocka_unit_test(all_or_none_have_a_gpu),
        cmocka_unit_test(words_choose_devices),
        cmocka_unit_test(a_row_says_what_the_device_is),
        cmocka_unit_test(auto_becomes_something_definite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
