#include "probe/probe.h"

#include <string.h>

#define MDS_PROBE(folder) extern const mds_probe_class mds_probe_##folder;
#include "probe/probes.def"
#undef MDS_PROBE

static const mds_probe_class *const probes[] = {
#define MDS_PROBE(folder) &mds_probe_##folder,
#include "probe/probes.def"
#undef MDS_PROBE
};

enum { PROBE_COUNT = sizeof probes / sizeof probes[0] };

const char *mds_pool_name(mds_pool pool)
{
    static const char *const names[] = {"steps", "components", "memory", "telemetry"};

    return (unsigned)pool < MDS_POOL_COUNT ? names[pool] : "unknown";
}

int mds_probe_count(void)
{
    return PROBE_COUNT;
}

const mds_probe_class *mds_probe_get(int i)
{
    return i >= 0 && i < PROBE_COUNT ? probes[i] : NULL;
}

int mds_pool_column_count(mds_pool pool)
{
    int count = 0;

    for (int i = 0; i < PROBE_COUNT; ++i)
        if (probes[i]->pool == pool)
            count += probes[i]->series_count;
    return count;
}

const mds_series *mds_pool_column(mds_pool pool, int column)
{
    for (int i = 0; i < PROBE_COUNT; ++i) {
        if (probes[i]->pool != pool)
            continue;
        const int count = probes[i]->series_count;

        if (column < count)
            return column < 0 ? NULL : &probes[i]->series[column];
        column -= count;
    }
    return NULL;
}

int mds_pool_find_column(mds_pool pool, const char *key)
{
    const int count = mds_pool_column_count(pool);

    for (int column = 0; column < count; ++column)
        if (strcmp(mds_pool_column(pool, column)->key, key) == 0)
            return column;
    return -1;
}

void mds_pool_sample(mds_pool pool, const mds_observation *observation, mds_cell *row)
{
    for (int i = 0; i < PROBE_COUNT; ++i) {
        if (probes[i]->pool != pool)
            continue;
        probes[i]->sample(observation, row);
        row += probes[i]->series_count;
    }
}

void mds_pool_sample_steps(const mds_step_batch *batch, mds_cell *const *columns)
{
    for (int i = 0; i < PROBE_COUNT; ++i) {
        if (probes[i]->pool != MDS_POOL_STEPS)
            continue;
        probes[i]->sample_steps(batch, columns);
        columns += probes[i]->series_count;
    }
}
