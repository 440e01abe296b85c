/* A library with NVML's names, for tests of telemetry on machines without an NVIDIA driver. Every
 * reading advances an imaginary clock by 0.1 s at 200 W. From reading FAKE_NVML_THROTTLE_FROM to
 * FAKE_NVML_THROTTLE_TO (counted from 0, the latter not included) it says that power is capped. The
 * process has 512 MiB, and FAKE_NVML_GROWTH MiB more with every reading. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { NOT_FOUND = 6 };

typedef struct process {
    unsigned pid;
    unsigned long long bytes;
    unsigned gpu_instance, compute_instance;
} process;

static int readings;

static int number(const char *name, int preset)
{
    const char *text = getenv(name);

    return text ? atoi(text) : preset;
}

EXPORT int nvmlInit_v2(void);
EXPORT int nvmlShutdown(void);
EXPORT int nvmlSystemGetDriverVersion(char *out, unsigned size);
EXPORT int nvmlDeviceGetHandleByUUID(const char *uuid, void **out);
EXPORT int nvmlDeviceGetClockInfo(void *device, int which, unsigned *out);
EXPORT int nvmlDeviceGetPowerUsage(void *device, unsigned *out);
EXPORT int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *out);
EXPORT int nvmlDeviceGetTemperature(void *device, int which, unsigned *out);
EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *out);
EXPORT int nvmlDeviceGetTotalEccErrors(void *device, int kind, int counter,
                                       unsigned long long *out);
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process *out);

int nvmlInit_v2(void)
{
    readings = 0;
    return number("FAKE_NVML_ERROR", 0);
}

int nvmlShutdown(void)
{
    return 0;
}

int nvmlSystemGetDriverVersion(char *out, unsigned size)
{
    snprintf(out, size, "580.0.fake");
    return 0;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **out)
{
    static int device;

    if (strncmp(uuid, "GPU-", 4) != 0)
        return NOT_FOUND;
    *out = &device;
    return 0;
}

int nvmlDeviceGetClockInfo(void *device, int which, unsigned *out)
{
    (void)device;
    *out = which == 2 ? 3201 : 1980;
    return 0;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *out)
{
    (void)device;
    *out = 200000;
    return 0;
}

/* As on real boards the counter is large; 20 J a reading. */
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *out)
{
    (void)device;
    *out = 123456789000ull + 20000ull * (unsigned long long)readings;
    return 0;
}

int nvmlDeviceGetTemperature(void *device, int which, unsigned *out)
{
    (void)device;
    (void)which;
    *out = 40u + (unsigned)(readings % 10);
    return 0;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *out)
{
    const int from = number("FAKE_NVML_THROTTLE_FROM", 0), to = number("FAKE_NVML_THROTTLE_TO", 0);

    (void)device;
    *out = readings >= from && readings < to ? 0x4ull : 0x1ull;
    return 0;
}

int nvmlDeviceGetTotalEccErrors(void *device, int kind, int counter, unsigned long long *out)
{
    (void)device;
    (void)counter;
    *out = kind == 0 ? 2 : 1;
    return 0;
}

/* The last thing that is asked for in a reading. */
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process *out)
{
    (void)device;
    if (*count < 2)
        return NOT_FOUND;
    const int growth = number("FAKE_NVML_GROWTH", 0);

    out[0] = (process){.pid = (unsigned)getpid(),
                       .bytes = (512ull + (unsigned long long)(growth * readings)) << 20};
    out[1] = (process){.pid = 1, .bytes = ~0ull};
    *count = 2;
    ++readings;
    return 0;
}
