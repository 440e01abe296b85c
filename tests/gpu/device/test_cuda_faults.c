/* What goes wrong on a CUDA device becomes the right status with the right words. Each fault in a
 * process of its own, since some poison it; this one never uses CUDA, or those could not. */
#include "gpu/device/cuda_faults.h"
#include "harness/test.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GOOD, BAD, NO_DEVICE };

/* In a child, where cmocka's own checks would go on with the next test. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s fails; message '%s'\n", __FILE__, __LINE__, #condition,     \
                    mds_error());                                                                  \
            return BAD;                                                                            \
        }                                                                                          \
    } while (0)

static int in_child(int (*body)(void))
{
    int status = 0;

    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        _exit(body());
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool says(const char *words)
{
    return strstr(mds_error(), words) != NULL;
}

static int look(void)
{
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        fflush(stdout);
        return NO_DEVICE;
    }
    mds_device_close(device);
    return GOOD;
}

/* Two openings of one device, as two programs: each may have all, but not both. */
static int run_out(void)
{
    mds_device *one, *two;
    void *most, *memory;

    EXPECT(mds_device_open("cuda:0", &one) == MDS_OK);
    EXPECT(mds_device_open("cuda:0", &two) == MDS_OK);
    const size_t part = (size_t)mds_device_get_info(one)->memory_bytes / 8 * 5;

    EXPECT(mds_device_alloc(one, 2 * part, "too much", &memory) == MDS_ERR_NOMEM);
    EXPECT(says("for too much on device cuda:0") && says("can be had"));
    EXPECT(mds_device_alloc(one, part, "most", &most) == MDS_OK);
    EXPECT(mds_device_alloc(two, part, "the rest", &memory) == MDS_ERR_NOMEM);
    EXPECT(says("for the rest on device cuda:0") && says("can be had"));
    EXPECT(memory == NULL);
    mds_device_free(one, most);
    /* Nothing was harmed. */
    EXPECT(mds_device_alloc(two, 100, "little", &memory) == MDS_OK);
    EXPECT(mds_device_fill(two, memory, 0, 100) == MDS_OK);
    EXPECT(mds_device_sync(two) == MDS_OK);
    mds_device_free(two, memory);
    mds_device_close(two);
    mds_device_close(one);
    return GOOD;
}

static int launch_too_many_threads(void)
{
    mds_device *device;
    void *x;

    EXPECT(mds_device_open("cuda:0", &device) == MDS_OK);
    EXPECT(mds_device_alloc(device, 4096 * sizeof(int), "x", &x) == MDS_OK);
    EXPECT(cuda_faults_write(device, 4096, x, 0) == MDS_ERR_DEVICE);
    EXPECT(says("cuda: ") && says("kernel write_numbers") && says("block 4096 x 1 x 1"));
    EXPECT(cuda_faults_write(device, 32, x, 0) == MDS_OK);
    EXPECT(mds_device_sync(device) == MDS_OK); /* nothing was poisoned */
    mds_device_free(device, x);
    mds_device_close(device);
    return GOOD;
}

static int write_to_nowhere(void)
{
    mds_device *device;
    void *x;

    EXPECT(mds_device_open("cuda:0", &device) == MDS_OK);
    EXPECT(mds_device_alloc(device, 4096, "x", &x) == MDS_OK);
    EXPECT(mds_device_events_create(device, 2) == MDS_OK);
    mds_device_event_record(device, 0);
    EXPECT(cuda_faults_write(device, 32, x, (64 - (int64_t)(intptr_t)x) / 4) == MDS_OK);
    mds_device_event_record(device, 1);
    EXPECT(mds_device_sync(device) == MDS_ERR_DEVICE);
    EXPECT(says("cuda: illegal address in ") && says("cudaErrorIllegalAddress"));
    /* It stays, whatever is called. */
    EXPECT(mds_device_event_passed(device, 1));
    EXPECT(!(mds_device_event_elapsed(device, 0, 1) >= 0.0));
    EXPECT(mds_device_sync(device) == MDS_ERR_DEVICE && says("illegal address"));
    mds_device_free(device, x);
    mds_device_close(device);
    return GOOD;
}

static int fail_an_assertion(void)
{
    mds_device *device;

    EXPECT(mds_device_open("cuda:0", &device) == MDS_OK);
    EXPECT(cuda_faults_assert(device, 0) == MDS_OK);
    EXPECT(mds_device_sync(device) == MDS_OK);
    EXPECT(cuda_faults_assert(device, 1) == MDS_OK);
    EXPECT(mds_device_sync(device) == MDS_ERR_DEVICE);
    EXPECT(says("cuda: device assert in ") && says("cudaErrorAssert"));
    mds_device_close(device);
    return GOOD;
}

#define FAULT(name)                                                                                \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        assert_int_equal(in_child(name), GOOD);                                                    \
    }

FAULT(run_out)
FAULT(launch_too_many_threads)
FAULT(write_to_nowhere)
FAULT(fail_an_assertion)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_out),
        cmocka_unit_test(test_launch_too_many_threads),
        cmocka_unit_test(test_write_to_nowhere),
        cmocka_unit_test(test_fail_an_assertion),
    };

    if (in_child(look) == NO_DEVICE)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
