/* What is known about GPUs without having one: names, places, and a list that may be empty. */
#include "harness/test.h"

#include "device/gpu_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void words_find_devices(void **state)
{
    mds_gpu_list list = {.count = 3};

    (void)state;
    for (int i = 0; i < 3; ++i)
        list.gpu[i].ordinal = i;
    strcpy(list.gpu[0].uuid, "GPU-8a5f0001");
    strcpy(list.gpu[1].uuid, "GPU-8a5f0002");
    strcpy(list.gpu[2].uuid, "MIG-8a5f0003");
    assert_int_equal(mds_gpu_list_find(&list, "0"), 0);
    assert_int_equal(mds_gpu_list_find(&list, "2"), 2);
    assert_int_equal(mds_gpu_list_find(&list, "3"), -1);
    assert_int_equal(mds_gpu_list_find(&list, "-1"), -1);
    assert_int_equal(mds_gpu_list_find(&list, ""), -1);
    assert_int_equal(mds_gpu_list_find(&list, "GPU-8a5f0002"), 1);
    assert_int_equal(mds_gpu_list_find(&list, "GPU-8a5f"), -1); /* which of the two? */
    assert_int_equal(mds_gpu_list_find(&list, "MIG-"), 2);
    assert_int_equal(mds_gpu_list_find(&list, "GPU-9"), -1);
}

static void lists_of_cpus_overlap(void **state)
{
    (void)state;
    assert_true(mds_cpus_overlap("0-3,8", "8-15"));
    assert_true(mds_cpus_overlap("5", "0-7"));
    assert_true(mds_cpus_overlap("0,2,4,127", "100-127,300"));
    assert_false(mds_cpus_overlap("0-3,8", "4-7,9"));
    assert_false(mds_cpus_overlap("16-31", "0-15,32-47"));
    assert_true(mds_cpus_overlap("", "0-3")); /* not known is not far */
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void place_comes_from_sysfs(void **state)
{
    char root[] = "/tmp/mdsweep-sys-XXXXXX", folder[256], command[300];
    mds_gpu gpu = {.pci = "0000:3b:00.0"};

    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/bus/pci/devices/0000:3b:00.0", root);
    snprintf(command, sizeof command, "mkdir -p %s", folder);
    assert_int_equal(system(command), 0);
    mds_gpu_read_place(root, &gpu);
    assert_int_equal(gpu.numa_node, -1);
    assert_string_equal(gpu.cpus, "");
    put(folder, "numa_node", "1\n");
    put(folder, "local_cpulist", "16-31,48-63\n");
    mds_gpu_read_place(root, &gpu);
    assert_int_equal(gpu.numa_node, 1);
    assert_string_equal(gpu.cpus, "16-31,48-63");
    put(folder, "numa_node", "-1\n"); /* what a machine with one node says */
    mds_gpu_read_place(root, &gpu);
    assert_int_equal(gpu.numa_node, -1);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

/* With or without GPUs: the list is whole, or says why it is empty. */
static void list_is_whole_or_says_why(void **state)
{
    mds_gpu_list *list = calloc(1, sizeof *list);

    (void)state;
    assert_non_null(list);
    CHECK_OK(mds_gpu_list_get(list));
    assert_true(list->count >= 0 && list->count <= MDS_GPU_MAX);
    if (list->count == 0)
        assert_true(list->reason[0] != '\0');
    for (int i = 0; i < list->count; ++i) {
        assert_true(list->gpu[i].uuid[0] != '\0');
        assert_true(list->gpu[i].memory_bytes > 0);
        assert_int_equal(mds_gpu_list_find(list, list->gpu[i].uuid), i);
    }
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_find_devices),
        cmocka_unit_test(lists_of_cpus_overlap),
        cmocka_unit_test(place_comes_from_sysfs),
        cmocka_unit_test(list_is_whole_or_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
