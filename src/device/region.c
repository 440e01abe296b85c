#include "device/region.h"

#include "base/clock.h"

#include <string.h>

static const char *const keys[] = {
#define REGION_KEY(id, key, text) key,
    MDS_REGION_LIST(REGION_KEY)
#undef REGION_KEY
};

static const char *const texts[] = {
#define REGION_TEXT(id, key, text) text,
    MDS_REGION_LIST(REGION_TEXT)
#undef REGION_TEXT
};

const char *mds_region_key(mds_region region)
{
    return (unsigned)region < MDS_REGION_COUNT ? keys[region] : "unknown";
}

const char *mds_region_text(mds_region region)
{
    return (unsigned)region < MDS_REGION_COUNT ? texts[region] : "unknown region";
}

void mds_regions_reset(mds_regions *regions)
{
    memset(regions->seconds, 0, sizeof regions->seconds);
}

/* The component pass is apart from the headline latency, so a device may be waited for at both
 * ends: a region is then its own work and nothing queued before it. */
void mds_region_enter(mds_regions *regions, mds_region region)
{
    (void)region;
    if (regions->device && !mds_device_host_access(regions->device))
        mds_device_sync(regions->device);
    regions->started_ns = mds_clock_ns();
}

void mds_region_leave(mds_regions *regions, mds_region region)
{
    if (regions->device && !mds_device_host_access(regions->device))
        mds_device_sync(regions->device);
    regions->seconds[region] += 1e-9 * (double)(mds_clock_ns() - regions->started_ns);
    regions->seen[region] = true;
}
