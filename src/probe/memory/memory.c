#include "probe/probe.h"

#include <unistd.h>

static const mds_series series[] = {
    {"step", MDS_CELL_I8, "1", "step number, counted from the first step"},
    {"device_used_bytes", MDS_CELL_I8, "B", "device memory in use by this process"},
    {"engine_bytes", MDS_CELL_I8, "B", "bytes the engine holds from the device's allocator"},
    {"host_rss_bytes", MDS_CELL_I8, "B", "resident set of the worker process"},
    {"device_process_bytes", MDS_CELL_I8, "B", "device memory of this process, by the driver"},
};

enum { SERIES_COUNT = sizeof series / sizeof series[0] };

/* The second number of "size resident shared ..." (pages), -1 when it cannot be read. The file
 * stays open over the run: opening it costs ten times the read. */
static int64_t resident_bytes(int statm)
{
    char text[128];
    int64_t pages = 0;

    if (statm < 0)
        return -1;
    const ssize_t got = pread(statm, text, sizeof text - 1, 0);

    if (got <= 0)
        return -1;
    text[got] = '\0';
    const char *at = text;

    while (*at && *at != ' ')
        ++at;
    while (*at == ' ')
        ++at;
    if (*at < '0' || *at > '9')
        return -1;
    for (; *at >= '0' && *at <= '9'; ++at)
        pages = 10 * pages + (*at - '0');
    return pages * (int64_t)sysconf(_SC_PAGESIZE);
}

static void sample(const mds_observation *observation, mds_cell *row)
{
    mds_device_memory memory;

    mds_device_get_memory(observation->device, &memory);
    row[0].i8 = observation->step;
    /* Where the system keeps no account per process, what was taken from it is the nearest number.
     */
    row[1].i8 = memory.process > 0 ? memory.process : memory.reserved;
    row[2].i8 = memory.used;
    row[3].i8 = resident_bytes(observation->statm);
    row[4].i8 = observation->process_bytes;
}

const mds_probe_class mds_probe_memory = {
    .name = "memory",
    .summary = "device memory, the engine's own, and the host resident set",
    .pool = MDS_POOL_MEMORY,
    .series = series,
    .series_count = SERIES_COUNT,
    .sample = sample,
};
