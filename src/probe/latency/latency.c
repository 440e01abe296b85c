#include "probe/probe.h"

#include <string.h>

static const mds_series series[] = {
    {"wall_s", MDS_CELL_F8, "s", "time of the step by the host clock"},
    {"device_s", MDS_CELL_F8, "s", "time of the step by the device's event clock"},
    {"flags", MDS_CELL_I8, "1",
     "flags of the step: 1 first, 2 warm-up, 4 neighbour list rebuilt, 8 throttled, 16 preempted, "
     "32 graph recorded"},
};

enum { SERIES_COUNT = sizeof series / sizeof series[0] };

static void sample_steps(const mds_step_batch *batch, mds_cell *const *columns)
{
    const size_t bytes = (size_t)batch->count * sizeof(mds_cell);

    memcpy(columns[0], batch->wall_s, bytes);
    memcpy(columns[1], batch->device_s, bytes);
    memcpy(columns[2], batch->flags, bytes);
}

const mds_probe_class mds_probe_latency = {
    .name = "latency",
    .summary = "step latency by the host clock and by the device's",
    .pool = MDS_POOL_STEPS,
    .series = series,
    .series_count = SERIES_COUNT,
    .sample_steps = sample_steps,
};
