/* An accelerator imitated on the host, stricter than any real one, so that code written for a GPU
 * is exercised without hardware:
 *   - memory is limited ("sim:<MiB>") and runs out exactly at the limit;
 *   - fresh memory is poisoned: as float64 every word is a signalling NaN, as float32 half the
 * words are NaN, as an int32 an absurd index;
 *   - blocks lie between guard zones that free and sync inspect;
 *   - the event ring reports elapsed times only for events that were recorded, in order, since the
 *     slot was last used; anything else is an error of the caller that the next sync returns. */
#include "base/clock.h"
#include "base/text.h"
#include "device/cpu/cpu_blas.h"
#include "device/device_class.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALIGNMENT = 64, GUARD = 64, GUARD_BYTE = 0xC5, PRESET_MIB = 4096 };

static const uint64_t poison = UINT64_C(0x7FF4DEAD7FF4DEAD);

/* One block: header, guard, payload, guard up to the next multiple of the alignment and beyond. */
typedef struct block {
    _Alignas(ALIGNMENT) struct block *next;
    struct block *previous;
    size_t bytes;
} block;

typedef struct sim_device {
    mds_device base;
    block *blocks;
    int64_t *stamp_ns; /* (event_count); 0: not recorded */
    mds_status sticky; /* as on a real device, an error stays until the device is closed */
    char reason[160];
} sim_device;

static unsigned char *payload_of(block *b)
{
    return (unsigned char *)(b + 1) + GUARD;
}

static size_t padded(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void fail_sticky(sim_device *sim, const char *reason, size_t number)
{
    if (sim->sticky != MDS_OK)
        return;
    sim->sticky = MDS_ERR_DEVICE;
    snprintf(sim->reason, sizeof sim->reason, reason, number);
}

static mds_status sim_open(const char *argument, mds_device **out)
{
    long mib = PRESET_MIB;

    if (argument) {
        char *end;

        errno = 0;
        mib = strtol(argument, &end, 10);
        if (errno || end == argument || *end || mib < 1 || mib > 1 << 24)
            return mds_fail(MDS_ERR_CONFIG,
                            "device 'sim:%s': the number is the memory in MiB, 1 to %d", argument,
                            1 << 24);
    }
    sim_device *sim = calloc(1, sizeof *sim);

    if (!sim)
        return mds_fail(MDS_ERR_NOMEM, "out of memory for the device sim");
    mds_cpu_blas_one_thread();
    mds_host_describe(&sim->base.info);
    snprintf(sim->base.info.model, sizeof sim->base.info.model, "simulated accelerator, %ld MiB",
             mib);
    /* Distinct for every opening of it: two ranks never share one. */
    snprintf(sim->base.info.uuid, sizeof sim->base.info.uuid, "SIM-%08lx-%016llx", (long)getpid(),
             (unsigned long long)mds_clock_ns());
    sim->base.info.kind = MDS_DEVICE_SIM;
    sim->base.info.memory_bytes = (int64_t)mib << 20;
    sim->base.memory.total = sim->base.info.memory_bytes;
    *out = &sim->base;
    return MDS_OK;
}

static void sim_close(mds_device *device)
{
    sim_device *sim = (sim_device *)device;

    while (sim->blocks) {
        block *next = sim->blocks->next;

        free(sim->blocks);
        sim->blocks = next;
    }
    free(sim->stamp_ns);
    free(sim);
}

static mds_status sim_alloc(mds_device *device, size_t bytes, void **out)
{
    sim_device *sim = (sim_device *)device;
    const size_t room = padded(bytes) + 2 * GUARD;

    if ((int64_t)padded(bytes) > device->memory.total - device->memory.reserved)
        return MDS_ERR_NOMEM;
    block *b = aligned_alloc(ALIGNMENT, sizeof *b + room);

    if (!b)
        return MDS_ERR_NOMEM;
    memset(b + 1, GUARD_BYTE, room);
    for (size_t i = 0; i < bytes; i += sizeof poison)
        memcpy(payload_of(b) + i, &poison, bytes - i < sizeof poison ? bytes - i : sizeof poison);
    b->bytes = bytes;
    b->previous = NULL;
    b->next = sim->blocks;
    if (b->next)
        b->next->previous = b;
    sim->blocks = b;
    mds_device_account(device, (int64_t)bytes, (int64_t)padded(bytes));
    *out = payload_of(b);
    return MDS_OK;
}

static void check_guards(sim_device *sim, block *b)
{
    const unsigned char *before = (const unsigned char *)(b + 1);
    const unsigned char *after = payload_of(b) + b->bytes;
    const size_t tail = padded(b->bytes) - b->bytes + GUARD;

    for (size_t i = 0; i < GUARD; ++i)
        if (before[i] != GUARD_BYTE)
            fail_sticky(sim, "a write before the start of a block of %zu bytes", b->bytes);
    for (size_t i = 0; i < tail; ++i)
        if (after[i] != GUARD_BYTE)
            fail_sticky(sim, "a write past the end of a block of %zu bytes", b->bytes);
}

static void sim_free(mds_device *device, void *memory)
{
    sim_device *sim = (sim_device *)device;
    block *b = (block *)(void *)((unsigned char *)memory - GUARD) - 1;

    check_guards(sim, b);
    if (b->previous)
        b->previous->next = b->next;
    else
        sim->blocks = b->next;
    if (b->next)
        b->next->previous = b->previous;
    mds_device_account(device, -(int64_t)b->bytes, -(int64_t)padded(b->bytes));
    free(b);
}

/* A copy that begins in one of our blocks and leaves it would be an illegal address on a GPU. */
static bool inside(sim_device *sim, const void *memory, size_t bytes)
{
    const unsigned char *at = memory;

    for (block *b = sim->blocks; b; b = b->next) {
        const unsigned char *start = payload_of(b);

        if (at >= start && at < start + b->bytes)
            return bytes <= b->bytes - (size_t)(at - start);
    }
    return false;
}

static mds_status sim_copy(mds_device *device, void *to, const void *from, size_t bytes,
                           mds_copy direction)
{
    sim_device *sim = (sim_device *)device;
    const bool to_device = direction != MDS_COPY_TO_HOST;
    const bool from_device = direction != MDS_COPY_TO_DEVICE;

    if ((to_device && !inside(sim, to, bytes)) || (from_device && !inside(sim, from, bytes))) {
        fail_sticky(sim, "a copy of %zu bytes outside device memory", bytes);
        return mds_fail(sim->sticky, "device %s: %s", device->info.name, sim->reason);
    }
    memmove(to, from, bytes);
    return MDS_OK;
}

static mds_status sim_fill(mds_device *device, void *memory, int byte, size_t bytes)
{
    sim_device *sim = (sim_device *)device;

    if (!inside(sim, memory, bytes)) {
        fail_sticky(sim, "a fill of %zu bytes outside device memory", bytes);
        return mds_fail(sim->sticky, "device %s: %s", device->info.name, sim->reason);
    }
    memset(memory, byte, bytes);
    return MDS_OK;
}

static mds_status sim_sync(mds_device *device)
{
    sim_device *sim = (sim_device *)device;

    for (block *b = sim->blocks; b; b = b->next)
        check_guards(sim, b);
    return sim->sticky == MDS_OK
               ? MDS_OK
               : mds_fail(sim->sticky, "device %s: %s", device->info.name, sim->reason);
}

static mds_status sim_events_create(mds_device *device, int count)
{
    sim_device *sim = (sim_device *)device;

    free(sim->stamp_ns);
    sim->stamp_ns = calloc((size_t)count, sizeof *sim->stamp_ns);
    return sim->stamp_ns ? MDS_OK : mds_fail(MDS_ERR_NOMEM, "out of memory for %d events", count);
}

static void sim_event_record(mds_device *device, int slot)
{
    sim_device *sim = (sim_device *)device;

    if (slot < 0 || slot >= device->event_count)
        fail_sticky(sim, "an event outside the ring (slot %zu)", (size_t)slot);
    else
        sim->stamp_ns[slot] = mds_clock_ns();
}

static double sim_event_elapsed(mds_device *device, int first, int second)
{
    sim_device *sim = (sim_device *)device;
    const int count = device->event_count;

    if (first < 0 || second < 0 || first >= count || second >= count || !sim->stamp_ns[first] ||
        !sim->stamp_ns[second]) {
        fail_sticky(sim, "an elapsed time of events that were not recorded (slot %zu)",
                    (size_t)first);
        return NAN;
    }
    if (sim->stamp_ns[second] < sim->stamp_ns[first]) {
        fail_sticky(sim, "an event slot was used again before it was read (slot %zu)",
                    (size_t)first);
        return NAN;
    }
    return 1e-9 * (double)(sim->stamp_ns[second] - sim->stamp_ns[first]);
}

const mds_device_class mds_device_sim = {
    .name = "sim",
    .host_access = true,
    .open = sim_open,
    .close = sim_close,
    .alloc = sim_alloc,
    .free = sim_free,
    .copy = sim_copy,
    .fill = sim_fill,
    .sync = sim_sync,
    .events_create = sim_events_create,
    .event_record = sim_event_record,
    .event_elapsed = sim_event_elapsed,
};
