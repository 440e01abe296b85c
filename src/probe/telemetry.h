/* Telemetry: what the hardware says of itself while a case runs, a few times a second, never from
 * the timed thread. A source is where readings come from: NVML for GPUs, the Linux kernel's files
 * for CPUs. Both are found at run time; what a machine does not tell is NaN or -1.
 *
 * Units are in the names. Not thread-safe: one owner at a time. */
#ifndef MDS_PROBE_TELEMETRY_H
#define MDS_PROBE_TELEMETRY_H

#include "device/device.h"

/* Bits of throttle_reasons: NVML's nvmlClocksEventReasons. The kernel's thermal events of a CPU are
 * given the bit of the same meaning. */
enum {
    MDS_THROTTLE_IDLE = 0x1, /* slow because there was nothing to do: no reason for doubt */
    MDS_THROTTLE_APPLICATION_CLOCKS = 0x2,
    MDS_THROTTLE_POWER_CAP = 0x4,
    MDS_THROTTLE_HW_SLOWDOWN = 0x8,
    MDS_THROTTLE_SYNC_BOOST = 0x10,
    MDS_THROTTLE_SW_THERMAL = 0x20,
    MDS_THROTTLE_HW_THERMAL = 0x40,
    MDS_THROTTLE_POWER_BRAKE = 0x80,
    /* A clock that somebody set is what the machine is; these slow it down now and then. */
    MDS_THROTTLE_DOUBTFUL = MDS_THROTTLE_POWER_CAP | MDS_THROTTLE_HW_SLOWDOWN |
                            MDS_THROTTLE_SYNC_BOOST | MDS_THROTTLE_SW_THERMAL |
                            MDS_THROTTLE_HW_THERMAL | MDS_THROTTLE_POWER_BRAKE
};

typedef struct mds_telemetry_reading {
    double clock_MHz;        /* of the SMs, or of the core the process runs on */
    double memory_clock_MHz; /* GPU only */
    double power_W;          /* of the device: GPU board, or CPU packages */
    double energy_J;         /* since the source was opened, by the device's own counter */
    double temperature_C;
    int64_t throttle_reasons; /* MDS_THROTTLE_*; -1: not known */
    int64_t ecc_errors;       /* since the driver was loaded; -1: not known */
    int64_t other_processes;  /* GPU: compute processes but this one; CPU: tasks that run on the
                                 machine beside it; -1: not known */
    int64_t process_bytes;    /* this process on the device; -1: not known */
} mds_telemetry_reading;

typedef struct mds_telemetry mds_telemetry;

/* Opens the source for `device`; never fails: without one it says why in mds_telemetry_source() and
 * all readings are unknown. NULL without memory. May take 100 ms (NVML starts). */
mds_telemetry *mds_telemetry_open(const mds_device_info *device);
void mds_telemetry_close(mds_telemetry *telemetry); /* accepts NULL */
/* "nvml 580.65.06", "linux", "none: libnvidia-ml.so.1 was not found"; borrowed. */
const char *mds_telemetry_source(const mds_telemetry *telemetry);
void mds_telemetry_read(mds_telemetry *telemetry, mds_telemetry_reading *out);

#endif
