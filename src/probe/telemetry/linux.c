/* What the Linux kernel tells of a CPU, from files that stay open: the clock of the core
 * (cpufreq), the packages' energy counters (powercap; readable by root alone on most systems),
 * their temperature (hwmon), thermal events (thermal_throttle), and how many tasks run. On virtual
 * machines most of them are missing. */
#include "probe/telemetry/source.h"

#include "base/clock.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PACKAGES = 8, HWMONS = 32 };

typedef struct host {
    char root[64]; /* "" but in tests */
    int packages, energy[PACKAGES];
    int temperature, load, stat, throttles; /* files; -1: not there */
    double range_J[PACKAGES];               /* where a counter begins anew */
    double last_J[PACKAGES], sum_J;
    double last_power_J;
    int64_t last_ns;
    double throttled; /* thermal events of the package so far; NaN: not counted */
} host;

static int open_file(const host *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int open_file(const host *h, const char *format, ...)
{
    char path[256];
    va_list args;
    const int used = snprintf(path, sizeof path, "%s", h->root);

    va_start(args, format);
    vsnprintf(path + used, sizeof path - (size_t)used, format, args);
    va_end(args);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* The first number of an open file; NaN when there is none. */
static double number_of(int file)
{
    char text[64], *end;

    if (file < 0)
        return NAN;
    const ssize_t got = pread(file, text, sizeof text - 1, 0);

    if (got <= 0)
        return NAN;
    text[got] = '\0';
    const double number = strtod(text, &end);

    return end == text ? (double)NAN : number;
}

static double read_once(int file)
{
    const double number = number_of(file);

    if (file >= 0)
        close(file);
    return number;
}

static void open_packages(host *h)
{
    for (int i = 0; i < PACKAGES; ++i) {
        const int file = open_file(h, "/sys/class/powercap/intel-rapl:%d/energy_uj", i);

        if (isnan(number_of(file))) {
            if (file >= 0)
                close(file);
            continue;
        }
        const double range =
            read_once(open_file(h, "/sys/class/powercap/intel-rapl:%d/max_energy_range_uj", i));

        h->energy[h->packages] = file;
        h->range_J[h->packages] = 1e-6 * range;
        h->last_J[h->packages++] = 1e-6 * number_of(file);
    }
}

/* The package sensor of Intel's and AMD's drivers. */
static int open_temperature(const host *h)
{
    for (int i = 0; i < HWMONS; ++i) {
        char name[32] = "";
        const int file = open_file(h, "/sys/class/hwmon/hwmon%d/name", i);

        if (file < 0)
            continue;
        const ssize_t got = read(file, name, sizeof name - 1);

        close(file);
        if (got > 0 && (strncmp(name, "coretemp", 8) == 0 || strncmp(name, "k10temp", 7) == 0))
            return open_file(h, "/sys/class/hwmon/hwmon%d/temp1_input", i);
    }
    return -1;
}

/* The processor that runs the measured thread, which is the process's first; -1 when unknown. The
 * thread that asks is another one, perhaps on another core. */
static int measured_cpu(const host *h)
{
    char text[1024];
    const ssize_t got = h->stat < 0 ? -1 : pread(h->stat, text, sizeof text - 1, 0);

    if (got <= 0)
        return -1;
    text[got] = '\0';
    /* proc(5): the name, in parentheses, is field 2, and the processor field 39. */
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 39; ++field)
        at = strchr(at + 1, ' ');
    return at ? atoi(at + 1) : -1;
}

static void *linux_open(const mds_device_info *device, char name[MDS_TELEMETRY_NAME])
{
    host *h = calloc(1, sizeof *h);
    const char *root = getenv("MDSWEEP_SYSFS"); /* another root folder, for tests */

    (void)device;
    snprintf(name, MDS_TELEMETRY_NAME, h ? "linux" : "none: no memory");
    if (!h)
        return NULL;
    snprintf(h->root, sizeof h->root, "%s", root ? root : "");
    open_packages(h);
    h->temperature = open_temperature(h);
    h->load = open_file(h, "/proc/loadavg");
    h->stat = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    const int cpu = measured_cpu(h);
    h->throttles =
        open_file(h, "/sys/devices/system/cpu/cpu%d/thermal_throttle/package_throttle_count",
                  cpu < 0 ? 0 : cpu);
    h->throttled = number_of(h->throttles);
    h->last_ns = mds_clock_ns();
    return h;
}

static void linux_close(void *self)
{
    host *h = self;

    const int files[] = {h->temperature, h->load, h->stat, h->throttles};

    for (int i = 0; i < h->packages; ++i)
        close(h->energy[i]);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i)
        if (files[i] >= 0)
            close(files[i]);
    free(h);
}

static void read_energy(host *h, mds_telemetry_reading *out)
{
    const int64_t now = mds_clock_ns();

    if (h->packages == 0)
        return;
    for (int i = 0; i < h->packages; ++i) {
        const double at = 1e-6 * number_of(h->energy[i]);
        double step = at - h->last_J[i];

        if (isnan(at))
            continue;
        if (step < 0) /* the counter began anew */
            step += h->range_J[i];
        h->sum_J += isfinite(step) ? step : 0;
        h->last_J[i] = at;
    }
    out->energy_J = h->sum_J;
    if (now > h->last_ns)
        out->power_W = (h->sum_J - h->last_power_J) / (1e-9 * (double)(now - h->last_ns));
    h->last_power_J = h->sum_J;
    h->last_ns = now;
}

/* "0.20 0.18 0.12 3/80 11206": three running tasks, the reader among them. */
static int64_t running_tasks(const host *h)
{
    char text[128];
    int running;

    if (h->load < 0)
        return -1;
    const ssize_t got = pread(h->load, text, sizeof text - 1, 0);

    if (got <= 0)
        return -1;
    text[got] = '\0';
    return sscanf(text, "%*f %*f %*f %d/", &running) == 1 ? running : -1;
}

static void linux_read(void *self, mds_telemetry_reading *out)
{
    host *h = self;
    const double throttled = number_of(h->throttles);
    const int64_t running = running_tasks(h);
    const int cpu = measured_cpu(h);

    read_energy(h, out);
    out->clock_MHz = 1e-3 * read_once(open_file(h,
                                                "/sys/devices/system/cpu/cpu%d/cpufreq/"
                                                "scaling_cur_freq",
                                                cpu < 0 ? 0 : cpu));
    out->temperature_C = 1e-3 * number_of(h->temperature);
    if (isfinite(throttled))
        out->throttle_reasons = throttled > h->throttled ? MDS_THROTTLE_HW_THERMAL : 0;
    h->throttled = throttled;
    /* Not this thread, nor the one that it watches. */
    if (running >= 0)
        out->other_processes = running > 2 ? running - 2 : 0;
}

const mds_telemetry_class mds_telemetry_linux = {
    .open = linux_open,
    .close = linux_close,
    .read = linux_read,
};
