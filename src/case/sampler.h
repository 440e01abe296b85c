/* The thread that reads telemetry while a case runs, into the telemetry pool of its samples. The
 * timed thread only looks at one word of it. */
#ifndef MDS_CASE_SAMPLER_H
#define MDS_CASE_SAMPLER_H

#include "case/samples.h"
#include "device/device.h"

typedef struct mds_sampler mds_sampler;

/* Reads `hz` times a second until stopped, beginning at once. When half of the rows that are left
 * are used, only every second reading is kept from there on, so that a case of any length fits.
 * rows: of the pool, what the case has. origin_ns: where time_s begins, by mds_clock_ns(). hz = 0
 * or rows = 0: `*out` is NULL. The source is named in samples->header->telemetry. */
mds_status mds_sampler_start(double hz, const mds_device_info *device, mds_samples *samples,
                             int64_t rows, int64_t origin_ns, mds_sampler **out);
/* One last reading, and the end of the thread; a thread that hangs in a driver is left behind after
 * two seconds. Accepts NULL. */
void mds_sampler_stop(mds_sampler *sampler);

/* MDS_STEP_THROTTLED while the last reading said so, else 0. Accepts NULL. */
int64_t mds_sampler_flags(const mds_sampler *sampler);
/* Memory of this process on the device at the last reading, bytes; -1: not known. Accepts NULL. */
int64_t mds_sampler_process_bytes(const mds_sampler *sampler);

#endif
