/* What an implementation of device.h provides. Public wrappers in device.c check and default;
 * nobody else calls through this table. */
#ifndef MDS_DEVICE_DEVICE_CLASS_H
#define MDS_DEVICE_DEVICE_CLASS_H

#include "device/device.h"

typedef struct mds_device_class {
    const char *name; /* the word before ':' */
    bool host_access;
    mds_status (*open)(const char *argument, mds_device **out); /* text behind ':' or NULL */
    void (*close)(mds_device *device);
    mds_status (*alloc)(mds_device *device, size_t bytes, void **out);
    void (*free)(mds_device *device, void *memory);
    mds_status (*copy)(mds_device *device, void *to, const void *from, size_t bytes, mds_copy);
    mds_status (*fill)(mds_device *device, void *memory, int byte, size_t bytes);
    mds_status (*sync)(mds_device *device);
    mds_status (*events_create)(mds_device *device, int count);
    void (*event_record)(mds_device *device, int slot);
    double (*event_elapsed)(mds_device *device, int first, int second);
    void (*get_memory)(const mds_device *device, mds_device_memory *out); /* optional */
    bool (*event_passed)(mds_device *device, int slot); /* optional: events pass at once */
    int64_t (*available)(const mds_device *device);     /* optional: bytes; -1: not known */
    /* optional, all or none of each group */
    mds_status (*host_alloc)(mds_device *device, size_t bytes, void **out);
    void (*host_free)(mds_device *device, void *memory);
    mds_status (*graph_begin)(mds_device *device);
    mds_status (*graph_end)(mds_device *device, mds_graph **out);
    mds_status (*graph_launch)(mds_device *device, mds_graph *graph);
    void (*graph_destroy)(mds_device *device, mds_graph *graph);
    void *(*stream)(const mds_device *device);
} mds_device_class;

/* Embedded first in every implementation's struct. */
struct mds_device {
    const mds_device_class *class;
    mds_device_info info;
    mds_device_memory memory;
    int event_count; /* slots of the ring; 0 before mds_device_events_create() */
    int64_t generation;
};

extern const mds_device_class mds_device_cpu;
extern const mds_device_class mds_device_sim;
#ifdef MDS_WITH_CUDA
extern const mds_device_class mds_device_cuda;
#endif

/* For implementations: `used` and `reserved` grow by these (or shrink), the peak follows. */
static inline void mds_device_account(mds_device *device, int64_t used, int64_t reserved)
{
    device->memory.used += used;
    device->memory.reserved += reserved;
    if (device->memory.used > device->memory.peak)
        device->memory.peak = device->memory.used;
}

/* For devices that live on the host: the CPU's name, the cores this process may use, the memory. */
void mds_host_describe(mds_device_info *info);

#endif
