#include "probe/probe.h"

#include <math.h>

static const mds_series series[] = {
    {"step", MDS_CELL_I8, "1", "step number, counted from the first step"},
#define REGION_SERIES(id, key, text) {key "_s", MDS_CELL_F8, "s", text},
    MDS_REGION_LIST(REGION_SERIES)
#undef REGION_SERIES
        {"step_s", MDS_CELL_F8, "s", "the whole step, by the host clock"},
};

enum { SERIES_COUNT = sizeof series / sizeof series[0] };

static void sample(const mds_observation *observation, mds_cell *row)
{
    const mds_regions *regions = observation->regions;

    row[0].i8 = observation->step;
    for (int i = 0; i < MDS_REGION_COUNT; ++i)
        row[1 + i].f8 = regions && regions->seen[i] ? regions->seconds[i] : NAN;
    row[1 + MDS_REGION_COUNT].f8 = observation->wall_s;
}

const mds_probe_class mds_probe_components = {
    .name = "components",
    .summary = "seconds of every named part of a step, in a pass of its own",
    .pool = MDS_POOL_COMPONENTS,
    .series = series,
    .series_count = SERIES_COUNT,
    .sample = sample,
};
