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

static const char *const marks[] = {
#define REGION_MARK(id, key, text) "component " key,
    MDS_REGION_LIST(REGION_MARK)
#undef REGION_MARK
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
    regions->visits = 0;
}

static int slot_of(const mds_regions *regions, int visit)
{
    return regions->event_first + 2 * visit;
}

/* Where there are no events left the device is waited for at both ends: a region is then its own
 * work and nothing queued before it. */
static void wait_for_device(const mds_regions *regions)
{
    if (regions->device && !mds_device_host_access(regions->device))
        mds_device_sync(regions->device);
}

void mds_region_enter(mds_regions *regions, mds_region region)
{
    regions->mark = mds_marks_begin(regions->marks, marks[region], -1);
    if (regions->visits < regions->event_room) {
        mds_device_event_record(regions->device, slot_of(regions, regions->visits));
        return;
    }
    wait_for_device(regions);
    regions->started_ns = mds_clock_ns();
}

void mds_region_leave(mds_regions *regions, mds_region region)
{
    regions->seen[region] = true;
    if (regions->visits < regions->event_room) {
        mds_device_event_record(regions->device, slot_of(regions, regions->visits) + 1);
        regions->visited[regions->visits++] = (unsigned char)region;
    } else {
        wait_for_device(regions);
        regions->seconds[region] += 1e-9 * (double)(mds_clock_ns() - regions->started_ns);
    }
    mds_marks_end_to(regions->marks, regions->mark);
}

void mds_regions_collect(mds_regions *regions)
{
    for (int i = 0; i < regions->visits; ++i) {
        const int slot = slot_of(regions, i);

        regions->seconds[regions->visited[i]] +=
            mds_device_event_elapsed(regions->device, slot, slot + 1);
    }
    regions->visits = 0;
}
