/* What a source of telemetry provides; private to probe/telemetry/. */
#ifndef MDS_PROBE_TELEMETRY_SOURCE_H
#define MDS_PROBE_TELEMETRY_SOURCE_H

#include "probe/telemetry.h"

#include <stdbool.h>

enum { MDS_TELEMETRY_NAME = 128 };

typedef struct mds_telemetry_class {
    /* NULL when this machine has no such source; `name` then says why, else what it is. */
    void *(*open)(const mds_device_info *device, char name[MDS_TELEMETRY_NAME]);
    void (*close)(void *self);
    /* `out` comes with everything unknown. */
    void (*read)(void *self, mds_telemetry_reading *out);
} mds_telemetry_class;

extern const mds_telemetry_class mds_telemetry_nvml, mds_telemetry_linux;

#endif
