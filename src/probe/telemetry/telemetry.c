#include "probe/telemetry.h"

#include "probe/probe.h"
#include "probe/telemetry/source.h"

#include <math.h>
#include <stdlib.h>

struct mds_telemetry {
    const mds_telemetry_class *class;
    void *source;        /* NULL: there is none */
    double first_energy; /* J, of the counter at the start; NaN until it was read */
    char name[MDS_TELEMETRY_NAME];
};

mds_telemetry *mds_telemetry_open(const mds_device_info *device)
{
    mds_telemetry *telemetry = calloc(1, sizeof *telemetry);

    if (!telemetry)
        return NULL;
    telemetry->class = device->kind == MDS_DEVICE_CUDA ? &mds_telemetry_nvml : &mds_telemetry_linux;
    telemetry->first_energy = NAN;
    telemetry->source = telemetry->class->open(device, telemetry->name);
    return telemetry;
}

void mds_telemetry_close(mds_telemetry *telemetry)
{
    if (telemetry && telemetry->source)
        telemetry->class->close(telemetry->source);
    free(telemetry);
}

const char *mds_telemetry_source(const mds_telemetry *telemetry)
{
    return telemetry->name;
}

void mds_telemetry_read(mds_telemetry *telemetry, mds_telemetry_reading *out)
{
    *out = (mds_telemetry_reading){.clock_MHz = NAN,
                                   .memory_clock_MHz = NAN,
                                   .power_W = NAN,
                                   .energy_J = NAN,
                                   .temperature_C = NAN,
                                   .throttle_reasons = -1,
                                   .ecc_errors = -1,
                                   .other_processes = -1,
                                   .process_bytes = -1};
    if (!telemetry->source)
        return;
    telemetry->class->read(telemetry->source, out);
    /* Counters run since the machine started: 10^9 J and more, where a difference loses digits. */
    if (isnan(telemetry->first_energy))
        telemetry->first_energy = out->energy_J;
    out->energy_J -= telemetry->first_energy;
}

static const mds_series series[] = {
    {"time_s", MDS_CELL_F8, "s", "time since the case began"},
    {"phase", MDS_CELL_I8, "1", "phase of the case: 1 setup, 2 first step, 3 warm-up, 4 steady"},
    {"step", MDS_CELL_I8, "1", "steps that were over"},
    {"clock_MHz", MDS_CELL_F8, "MHz", "clock of the SMs, or of the core"},
    {"memory_clock_MHz", MDS_CELL_F8, "MHz", "clock of the device memory"},
    {"power_W", MDS_CELL_F8, "W", "power of the device"},
    {"energy_J", MDS_CELL_F8, "J", "energy the device has used since the case began"},
    {"temperature_C", MDS_CELL_F8, "degree_Celsius", "temperature of the device"},
    {"throttle_reasons", MDS_CELL_I8, "1", "why clocks were held down: NVML's bits"},
    {"ecc_errors", MDS_CELL_I8, "1", "memory errors corrected or not, since the driver started"},
    {"other_processes", MDS_CELL_I8, "1", "other processes that computed on the device"},
    {"process_bytes", MDS_CELL_I8, "B", "device memory of this process, by the driver"},
};

enum { SERIES_COUNT = sizeof series / sizeof series[0] };

static void sample(const mds_observation *observation, mds_cell *row)
{
    const mds_telemetry_reading *reading = observation->telemetry;

    row[0].f8 = observation->time_s;
    row[1].i8 = observation->phase;
    row[2].i8 = observation->step;
    row[3].f8 = reading->clock_MHz;
    row[4].f8 = reading->memory_clock_MHz;
    row[5].f8 = reading->power_W;
    row[6].f8 = reading->energy_J;
    row[7].f8 = reading->temperature_C;
    row[8].i8 = reading->throttle_reasons;
    row[9].i8 = reading->ecc_errors;
    row[10].i8 = reading->other_processes;
    row[11].i8 = reading->process_bytes;
}

const mds_probe_class mds_probe_telemetry = {
    .name = "telemetry",
    .summary = "clocks, power, temperature, throttling: by NVML or the Linux kernel",
    .pool = MDS_POOL_TELEMETRY,
    .series = series,
    .series_count = SERIES_COUNT,
    .sample = sample,
};
