/* Telemetry from a library with NVML's names and from a folder that looks like /sys. */
#include "probe/telemetry.h"

#include "harness/test.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static const mds_device_info gpu = {.uuid = "GPU-0123", .kind = MDS_DEVICE_CUDA};
static const mds_device_info host = {.name = "cpu", .kind = MDS_DEVICE_CPU};

static void nvml_is_read_as_documented(void **state)
{
    mds_telemetry_reading r;

    (void)state;
    setenv("MDSWEEP_NVML", MDS_FAKE_NVML, 1);
    setenv("FAKE_NVML_THROTTLE_FROM", "1", 1);
    setenv("FAKE_NVML_THROTTLE_TO", "2", 1);
    mds_telemetry *t = mds_telemetry_open(&gpu);
    assert_string_equal(mds_telemetry_source(t), "nvml 580.0.fake");
    mds_telemetry_read(t, &r);
    CHECK_NEAR(r.clock_MHz, 1980, 0, 0);
    CHECK_NEAR(r.memory_clock_MHz, 3201, 0, 0);
    CHECK_NEAR(r.power_W, 200, 1e-12, 0);
    CHECK_NEAR(r.energy_J, 0, 0, 0); /* counts from here, not from when the board was made */
    CHECK_NEAR(r.temperature_C, 40, 0, 0);
    assert_int_equal(r.throttle_reasons, MDS_THROTTLE_IDLE);
    assert_int_equal(r.ecc_errors, 3);
    assert_int_equal(r.other_processes, 1);
    assert_int_equal(r.process_bytes, 512 << 20);
    mds_telemetry_read(t, &r);
    CHECK_NEAR(r.energy_J, 20, 1e-9, 0);
    assert_int_equal(r.throttle_reasons, MDS_THROTTLE_POWER_CAP);
    mds_telemetry_close(t);
}

static void check_absent(const mds_device_info *device, const char *why)
{
    mds_telemetry *t = mds_telemetry_open(device);
    mds_telemetry_reading r;

    if (!strstr(mds_telemetry_source(t), why))
        fail_msg("'%s' does not say '%s'", mds_telemetry_source(t), why);
    mds_telemetry_read(t, &r);
    assert_true(isnan(r.power_W) && isnan(r.energy_J) && isnan(r.clock_MHz));
    assert_int_equal(r.throttle_reasons, -1);
    mds_telemetry_close(t);
}

static void what_is_missing_is_said(void **state)
{
    mds_device_info other = gpu;

    (void)state;
    setenv("MDSWEEP_NVML", "/nowhere/libnvidia-ml.so.1", 1);
    check_absent(&gpu, "none: /nowhere/libnvidia-ml.so.1 was not found");
    setenv("MDSWEEP_NVML", "libm.so.6", 1);
    check_absent(&gpu, "none: libm.so.6 lacks NVML's functions");
    setenv("MDSWEEP_NVML", MDS_FAKE_NVML, 1);
    strcpy(other.uuid, "card 1");
    check_absent(&other, "none: NVML knows no card 1 (error 6)");
    setenv("FAKE_NVML_ERROR", "9", 1);
    check_absent(&gpu, "none: nvmlInit_v2 gave error 9");
    unsetenv("FAKE_NVML_ERROR");
}

/* Writes `text` to root/path, making the folders on the way. */
static void put(const char *root, const char *path, const char *text)
{
    char full[256];
    const int at = snprintf(full, sizeof full, "%s", root);

    snprintf(full + at, sizeof full - (size_t)at, "%s", path);
    for (char *slash = full + at + 1; (slash = strchr(slash, '/')); ++slash) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        char inside[512];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(inside, sizeof inside, "%.250s/%.250s", path, entry->d_name);
        if (unlink(inside) != 0)
            remove_tree(inside);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

static void kernel_files_are_read(void **state)
{
    static const char rapl[] = "/sys/class/powercap/intel-rapl:0/energy_uj";
    char root[] = "/tmp/mdsweep-sysfs-XXXXXX", throttle[128], frequency[128];
    mds_telemetry_reading r;

    (void)state;
    assert_non_null(mkdtemp(root));
    put(root, rapl, "99000000\n");
    put(root, "/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "100000000\n");
    put(root, "/sys/class/hwmon/hwmon0/name", "nvme\n");
    put(root, "/sys/class/hwmon/hwmon0/temp1_input", "30000\n");
    put(root, "/sys/class/hwmon/hwmon1/name", "coretemp\n");
    put(root, "/sys/class/hwmon/hwmon1/temp1_input", "61500\n");
    put(root, "/proc/loadavg", "0.20 0.18 0.12 5/80 11206\n");
    for (int cpu = 0; cpu < 256; ++cpu) { /* whichever of them this process may use */
        snprintf(throttle, sizeof throttle,
                 "/sys/devices/system/cpu/cpu%d/thermal_throttle/package_throttle_count", cpu);
        snprintf(frequency, sizeof frequency,
                 "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq", cpu);
        put(root, throttle, "7\n");
        put(root, frequency, "2400000\n");
    }
    setenv("MDSWEEP_SYSFS", root, 1);
    mds_telemetry *t = mds_telemetry_open(&host);
    assert_string_equal(mds_telemetry_source(t), "linux");
    mds_telemetry_read(t, &r);
    CHECK_NEAR(r.clock_MHz, 2400, 1e-12, 0);
    CHECK_NEAR(r.temperature_C, 61.5, 1e-12, 0);
    CHECK_NEAR(r.energy_J, 0, 0, 0);
    assert_int_equal(r.throttle_reasons, 0);
    assert_int_equal(r.other_processes, 3); /* five, less this thread and the one it watches */

    put(root, rapl, "4000000\n"); /* beyond its end: 1 J to it and 4 J after */
    for (int cpu = 0; cpu < 256; ++cpu) {
        snprintf(throttle, sizeof throttle,
                 "/sys/devices/system/cpu/cpu%d/thermal_throttle/package_throttle_count", cpu);
        put(root, throttle, "8\n");
    }
    mds_telemetry_read(t, &r);
    CHECK_NEAR(r.energy_J, 5, 1e-9, 0);
    assert_true(r.power_W > 0);
    assert_int_equal(r.throttle_reasons, MDS_THROTTLE_HW_THERMAL);
    mds_telemetry_read(t, &r); /* nothing new since */
    assert_int_equal(r.throttle_reasons, 0);
    mds_telemetry_close(t);
    unsetenv("MDSWEEP_SYSFS");
    remove_tree(root);
}

static void this_machine_does_not_break_it(void **state)
{
    mds_telemetry_reading r;

    (void)state;
    mds_telemetry *t = mds_telemetry_open(&host);
    assert_string_equal(mds_telemetry_source(t), "linux");
    mds_telemetry_read(t, &r);
    assert_true(isnan(r.clock_MHz) || (r.clock_MHz > 1 && r.clock_MHz < 20000));
    mds_telemetry_close(t);
    mds_telemetry_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nvml_is_read_as_documented),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(kernel_files_are_read),
        cmocka_unit_test(this_machine_does_not_break_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
