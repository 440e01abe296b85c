/* The measured peak of a device. Times are not judged: that it is a rate at all, that nothing is
 * left behind, and what is said when there is no room. */
#include "device/peak.h"
#include "harness/test.h"

#include <math.h>

static void measure(const char *name, mds_real real, int threads)
{
    mds_device *device;
    mds_device_memory memory;
    mds_peak peak;

    CHECK_OK(mds_device_open(name, &device));
    CHECK_OK(mds_peak_measure(device, real, MDS_PRODUCT_EXACT, threads, &peak));
    /* Slower than a thousand operations per second, or faster than any chip: a wrong count. */
    assert_true(isfinite(peak.flop_s) && peak.flop_s > 1e3 && peak.flop_s < 1e18);
    assert_true(isfinite(peak.bytes_s) && peak.bytes_s > 1e3 && peak.bytes_s < 1e16);
    mds_device_get_memory(device, &memory);
    assert_int_equal(memory.used, 0);
    mds_device_close(device);
}

static void test_rates(void **state)
{
    (void)state;
    measure("cpu", MDS_REAL_FP32, 1);
    measure("cpu", MDS_REAL_FP64, 2);
    measure("sim", MDS_REAL_FP32, 1);
}

static void test_no_room(void **state)
{
    mds_device *device;
    mds_device_memory memory;
    mds_peak peak;

    (void)state;
    CHECK_OK(mds_device_open("sim:8", &device));
    assert_int_equal(mds_peak_measure(device, MDS_REAL_FP32, MDS_PRODUCT_EXACT, 1, &peak),
                     MDS_ERR_NOMEM);
    mds_device_get_memory(device, &memory);
    assert_int_equal(memory.used, 0);
    mds_device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
