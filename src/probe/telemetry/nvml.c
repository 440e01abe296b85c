/* NVML, the NVIDIA driver's own library, loaded at run time: a machine without it is a machine
 * without it. Of its interface (NVML API Reference, docs.nvidia.com/deploy/nvml-api) only what is
 * called here is declared, so that no header of the toolkit is needed to build. */
#include "probe/telemetry/source.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct nvml_device *nvml_handle;

/* nvmlProcessInfo_t, as the functions with the suffix _v3 take it. */
typedef struct nvml_process {
    unsigned pid;
    unsigned long long bytes; /* all ones: not available */
    unsigned gpu_instance, compute_instance;
} nvml_process;

enum {
    NVML_SUCCESS = 0,
    NVML_CLOCK_SM = 1,
    NVML_CLOCK_MEM = 2,
    NVML_TEMPERATURE_GPU = 0,
    NVML_ECC_CORRECTED = 0,
    NVML_ECC_UNCORRECTED = 1,
    NVML_ECC_VOLATILE = 0,
    PROCESSES = 64
};

/* X(member, symbol, arguments) */
#define NVML_FUNCTIONS(X)                                                                          \
    X(init, "nvmlInit_v2", (void))                                                                 \
    X(shutdown, "nvmlShutdown", (void))                                                            \
    X(version, "nvmlSystemGetDriverVersion", (char *, unsigned))                                   \
    X(by_uuid, "nvmlDeviceGetHandleByUUID", (const char *, nvml_handle *))                         \
    X(clock, "nvmlDeviceGetClockInfo", (nvml_handle, int, unsigned *))                             \
    X(power, "nvmlDeviceGetPowerUsage", (nvml_handle, unsigned *))                                 \
    X(energy, "nvmlDeviceGetTotalEnergyConsumption", (nvml_handle, unsigned long long *))          \
    X(temperature, "nvmlDeviceGetTemperature", (nvml_handle, int, unsigned *))                     \
    X(throttle, "nvmlDeviceGetCurrentClocksThrottleReasons", (nvml_handle, unsigned long long *))  \
    X(ecc, "nvmlDeviceGetTotalEccErrors", (nvml_handle, int, int, unsigned long long *))           \
    X(processes, "nvmlDeviceGetComputeRunningProcesses_v3",                                        \
      (nvml_handle, unsigned *, nvml_process *))

typedef struct nvml {
    void *library;
    nvml_handle device;
#define NVML_MEMBER(member, symbol, arguments) int(*member) arguments;
    NVML_FUNCTIONS(NVML_MEMBER)
#undef NVML_MEMBER
} nvml;

static bool load(nvml *n, char name[MDS_TELEMETRY_NAME])
{
    const char *other = getenv("MDSWEEP_NVML"); /* a path: for tests, and odd installations */
    const char *file = other && other[0] ? other : "libnvidia-ml.so.1";

    n->library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!n->library) {
        snprintf(name, MDS_TELEMETRY_NAME, "none: %.80s was not found", file);
        return false;
    }
    /* A function that an old driver lacks stays NULL, and what it reads unknown. */
    void *address;
#define NVML_LOAD(member, symbol, arguments)                                                       \
    address = dlsym(n->library, symbol);                                                           \
    memcpy(&n->member, &address, sizeof address);
    NVML_FUNCTIONS(NVML_LOAD)
#undef NVML_LOAD
    if (!n->init || !n->shutdown || !n->by_uuid) {
        snprintf(name, MDS_TELEMETRY_NAME, "none: %.80s lacks NVML's functions", file);
        return false;
    }
    return true;
}

static void nvml_close(void *self)
{
    nvml *n = self;

    if (n->device)
        n->shutdown();
    if (n->library)
        dlclose(n->library);
    free(n);
}

static void *nvml_open(const mds_device_info *device, char name[MDS_TELEMETRY_NAME])
{
    nvml *n = calloc(1, sizeof *n);
    char version[80] = "";

    snprintf(name, MDS_TELEMETRY_NAME, "none: no memory");
    if (!n || !load(n, name))
        goto fail;
    int error = n->init();
    if (error != NVML_SUCCESS) {
        snprintf(name, MDS_TELEMETRY_NAME, "none: nvmlInit_v2 gave error %d", error);
        goto fail;
    }
    error = n->by_uuid(device->uuid, &n->device);
    if (error != NVML_SUCCESS) {
        snprintf(name, MDS_TELEMETRY_NAME, "none: NVML knows no %.60s (error %d)", device->uuid,
                 error);
        n->shutdown();
        n->device = NULL;
        goto fail;
    }
    if (!n->version || n->version(version, sizeof version) != NVML_SUCCESS)
        version[0] = '\0';
    snprintf(name, MDS_TELEMETRY_NAME, "nvml%s%.79s", version[0] ? " " : "", version);
    return n;
fail:
    if (n)
        nvml_close(n);
    return NULL;
}

static double clock_MHz(const nvml *n, int which)
{
    unsigned MHz;

    return n->clock && n->clock(n->device, which, &MHz) == NVML_SUCCESS ? MHz : (double)NAN;
}

/* Several processes of other users show as entries too, with their bytes hidden. */
static void read_processes(const nvml *n, mds_telemetry_reading *out)
{
    nvml_process list[PROCESSES];
    unsigned count = PROCESSES;
    const unsigned self = (unsigned)getpid();

    if (!n->processes || n->processes(n->device, &count, list) != NVML_SUCCESS)
        return;
    out->other_processes = 0;
    for (unsigned i = 0; i < count && i < PROCESSES; ++i) {
        if (list[i].pid != self)
            ++out->other_processes;
        else if (list[i].bytes != ~0ull)
            out->process_bytes = (int64_t)list[i].bytes;
    }
}

static void nvml_read(void *self, mds_telemetry_reading *out)
{
    const nvml *n = self;
    unsigned number;
    unsigned long long large, corrected, uncorrected;

    out->clock_MHz = clock_MHz(n, NVML_CLOCK_SM);
    out->memory_clock_MHz = clock_MHz(n, NVML_CLOCK_MEM);
    if (n->power && n->power(n->device, &number) == NVML_SUCCESS)
        out->power_W = 1e-3 * number;
    if (n->energy && n->energy(n->device, &large) == NVML_SUCCESS)
        out->energy_J = 1e-3 * (double)large;
    if (n->temperature && n->temperature(n->device, NVML_TEMPERATURE_GPU, &number) == NVML_SUCCESS)
        out->temperature_C = number;
    if (n->throttle && n->throttle(n->device, &large) == NVML_SUCCESS)
        out->throttle_reasons = (int64_t)large;
    if (n->ecc &&
        n->ecc(n->device, NVML_ECC_CORRECTED, NVML_ECC_VOLATILE, &corrected) == NVML_SUCCESS &&
        n->ecc(n->device, NVML_ECC_UNCORRECTED, NVML_ECC_VOLATILE, &uncorrected) == NVML_SUCCESS)
        out->ecc_errors = (int64_t)(corrected + uncorrected);
    read_processes(n, out);
}

const mds_telemetry_class mds_telemetry_nvml = {
    .open = nvml_open,
    .close = nvml_close,
    .read = nvml_read,
};
