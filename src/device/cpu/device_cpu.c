/* The host as a device: its memory is host memory, its stream is program order, so that copies are
 * memcpy, a synchronisation has nothing to wait for, and an event is a stamp of the host clock. */
#include "base/clock.h"
#include "device/cpu/cpu_blas.h"
#include "device/device_class.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 }; /* a cache line and an AVX-512 register */

/* Before every block, so that freeing needs no table and the accounting stays exact. */
typedef struct header {
    _Alignas(ALIGNMENT) size_t bytes;
} header;

typedef struct cpu_device {
    mds_device base;
    int64_t *stamp_ns; /* (event_count) */
} cpu_device;

static mds_status cpu_open(const char *argument, mds_device **out)
{
    if (argument)
        return mds_fail(MDS_ERR_CONFIG, "device 'cpu:%s': the CPU takes no number; write 'cpu'",
                        argument);
    cpu_device *device = calloc(1, sizeof *device);

    if (!device)
        return mds_fail(MDS_ERR_NOMEM, "out of memory for the device cpu");
    mds_cpu_blas_one_thread();
    mds_host_describe(&device->base.info);
    device->base.info.kind = MDS_DEVICE_CPU;
    device->base.memory.total = device->base.info.memory_bytes;
    *out = &device->base;
    return MDS_OK;
}

static void cpu_close(mds_device *device)
{
    cpu_device *cpu = (cpu_device *)device;

    free(cpu->stamp_ns);
    free(cpu);
}

static int64_t reserved_for(size_t bytes)
{
    const size_t padded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    return (int64_t)(padded + sizeof(header));
}

static mds_status cpu_alloc(mds_device *device, size_t bytes, void **out)
{
    header *block = aligned_alloc(ALIGNMENT, (size_t)reserved_for(bytes));

    if (!block)
        return MDS_ERR_NOMEM;
    block->bytes = bytes;
    mds_device_account(device, (int64_t)bytes, reserved_for(bytes));
    *out = block + 1;
    return MDS_OK;
}

static void cpu_free(mds_device *device, void *memory)
{
    header *block = (header *)memory - 1;

    mds_device_account(device, -(int64_t)block->bytes, -reserved_for(block->bytes));
    free(block);
}

static mds_status cpu_copy(mds_device *device, void *to, const void *from, size_t bytes,
                           mds_copy direction)
{
    (void)device;
    (void)direction;
    memmove(to, from, bytes);
    return MDS_OK;
}

static mds_status cpu_fill(mds_device *device, void *memory, int byte, size_t bytes)
{
    (void)device;
    memset(memory, byte, bytes);
    return MDS_OK;
}

static mds_status cpu_sync(mds_device *device)
{
    (void)device;
    return MDS_OK;
}

static mds_status cpu_events_create(mds_device *device, int count)
{
    cpu_device *cpu = (cpu_device *)device;

    free(cpu->stamp_ns);
    cpu->stamp_ns = calloc((size_t)count, sizeof *cpu->stamp_ns);
    return cpu->stamp_ns ? MDS_OK : mds_fail(MDS_ERR_NOMEM, "out of memory for %d events", count);
}

static void cpu_event_record(mds_device *device, int slot)
{
    if (slot >= 0 && slot < device->event_count)
        ((cpu_device *)device)->stamp_ns[slot] = mds_clock_ns();
}

static double cpu_event_elapsed(mds_device *device, int first, int second)
{
    const cpu_device *cpu = (const cpu_device *)device;

    if (first < 0 || second < 0 || first >= device->event_count || second >= device->event_count ||
        !cpu->stamp_ns[first] || !cpu->stamp_ns[second])
        return NAN;
    return 1e-9 * (double)(cpu->stamp_ns[second] - cpu->stamp_ns[first]);
}

const mds_device_class mds_device_cpu = {
    .name = "cpu",
    .host_access = true,
    .open = cpu_open,
    .close = cpu_close,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .copy = cpu_copy,
    .fill = cpu_fill,
    .sync = cpu_sync,
    .events_create = cpu_events_create,
    .event_record = cpu_event_record,
    .event_elapsed = cpu_event_elapsed,
};
