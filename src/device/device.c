#include "device/device.h"

#include "base/log.h"
#include "base/text.h"
#include "device/device_class.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mds_device_class *const classes[] = {
    &mds_device_cpu,
    &mds_device_sim,
#ifdef MDS_WITH_CUDA
    &mds_device_cuda,
#endif
};

enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

static mds_status unknown_device(const char *name)
{
    static const char *const words[] = {"cpu", "sim", "cuda"};
    const char *near = mds_nearest_word(name, words, 3);

    return mds_fail(MDS_ERR_CONFIG, "unknown device '%s': %s%s%scpu, sim, sim:<MiB> or cuda:<k>",
                    name, near ? "did you mean '" : "", near ? near : "",
                    near ? "'? devices are " : "");
}

mds_status mds_device_open(const char *name, mds_device **out)
{
    const char *colon = strchr(name, ':');
    const size_t length = colon ? (size_t)(colon - name) : strlen(name);

    *out = NULL;
    for (int i = 0; i < CLASS_COUNT; ++i) {
        if (strlen(classes[i]->name) != length || strncmp(name, classes[i]->name, length) != 0)
            continue;
        const mds_status status = classes[i]->open(colon ? colon + 1 : NULL, out);

        if (status == MDS_OK) {
            (*out)->class = classes[i];
            if (!(*out)->info.name[0])
                snprintf((*out)->info.name, sizeof(*out)->info.name, "%s", name);
        }
        return status;
    }
    if (length == 4 && strncmp(name, "cuda", 4) == 0)
        return mds_fail(MDS_ERR_DEVICE, "device '%s': this build has no CUDA", name);
    return unknown_device(name);
}

void mds_device_close(mds_device *device)
{
    if (!device)
        return;
    if (device->memory.used != 0) {
        char bytes[32];

        mds_log(MDS_LOG_WARN, "device %s: %s were never freed", device->info.name,
                mds_format_bytes((double)device->memory.used, bytes, sizeof bytes));
    }
    device->class->close(device);
}

mds_device_kind mds_device_get_kind(const mds_device *device)
{
    return device->info.kind;
}

const mds_device_info *mds_device_get_info(const mds_device *device)
{
    return &device->info;
}

bool mds_device_host_access(const mds_device *device)
{
    return device->class->host_access;
}

static mds_status no_memory(const mds_device *device, size_t bytes, const char *what)
{
    char asked[32], used[32], total[32], there[32], left[48] = "";
    const int64_t available = device->class->available ? device->class->available(device) : -1;

    /* Others may use the device too. */
    if (available >= 0)
        snprintf(left, sizeof left, " and %s can be had",
                 mds_format_bytes((double)available, there, sizeof there));
    mds_format_bytes((double)bytes, asked, sizeof asked);
    mds_format_bytes((double)device->memory.used, used, sizeof used);
    mds_format_bytes((double)device->memory.total, total, sizeof total);
    return mds_fail(MDS_ERR_NOMEM,
                    "out of memory: %s for %s on device %s, where %s of %s are in use%s", asked,
                    what, device->info.name, used, total, left);
}

mds_status mds_device_alloc(mds_device *device, size_t bytes, const char *what, void **out)
{
    *out = NULL;
    if (bytes == 0)
        return MDS_OK;
    /* More than there is, or a negative count turned into size_t: refused here, because a host that
     * overcommits would grant it, and kill the process when the pages are touched. */
    if (device->memory.total > 0 && bytes > (size_t)(device->memory.total - device->memory.used))
        return no_memory(device, bytes, what);
    const mds_status status = device->class->alloc(device, bytes, out);

    ++device->generation;
    return status == MDS_ERR_NOMEM ? no_memory(device, bytes, what) : status;
}

void mds_device_free(mds_device *device, void *memory)
{
    if (!memory)
        return;
    device->class->free(device, memory);
    ++device->generation;
}

mds_status mds_device_reserve(mds_device *device, size_t bytes, const char *what, void **memory,
                              size_t *capacity)
{
    if (bytes <= *capacity)
        return MDS_OK;
    const size_t half_again = *capacity + *capacity / 2;
    const size_t want = bytes > half_again ? bytes : half_again;

    mds_device_free(device, *memory);
    *memory = NULL;
    *capacity = 0;
    const mds_status status = mds_device_alloc(device, want, what, memory);

    if (status == MDS_OK)
        *capacity = want;
    return status;
}

mds_status mds_device_copy(mds_device *device, void *to, const void *from, size_t bytes,
                           mds_copy direction)
{
    return bytes == 0 ? MDS_OK : device->class->copy(device, to, from, bytes, direction);
}

mds_status mds_device_fill(mds_device *device, void *memory, int byte, size_t bytes)
{
    return bytes == 0 ? MDS_OK : device->class->fill(device, memory, byte, bytes);
}

void mds_device_get_memory(const mds_device *device, mds_device_memory *out)
{
    *out = device->memory;
    if (device->class->get_memory)
        device->class->get_memory(device, out);
}

mds_status mds_device_host_alloc(mds_device *device, size_t bytes, const char *what, void **out)
{
    *out = NULL;
    if (bytes == 0)
        return MDS_OK;
    if (device->class->host_alloc) {
        const mds_status status = device->class->host_alloc(device, bytes, out);

        if (status != MDS_OK)
            return status;
    } else {
        *out = aligned_alloc(64, (bytes + 63) / 64 * 64);
    }
    if (!*out)
        return mds_fail(MDS_ERR_NOMEM, "no host memory for %s (%zu bytes)", what, bytes);
    memset(*out, 0, bytes);
    return MDS_OK;
}

void mds_device_host_free(mds_device *device, void *memory)
{
    if (memory && device->class->host_free)
        device->class->host_free(device, memory);
    else
        free(memory);
}

int64_t mds_device_generation(const mds_device *device)
{
    return device->generation;
}

bool mds_device_has_graphs(const mds_device *device)
{
    return device->class->graph_begin != NULL;
}

static mds_status no_graphs(const mds_device *device)
{
    return mds_fail(MDS_ERR_UNSUPPORTED, "device %s has no graphs", device->info.name);
}

mds_status mds_device_graph_begin(mds_device *device)
{
    return device->class->graph_begin ? device->class->graph_begin(device) : no_graphs(device);
}

mds_status mds_device_graph_end(mds_device *device, mds_graph **out)
{
    *out = NULL;
    return device->class->graph_end ? device->class->graph_end(device, out) : no_graphs(device);
}

mds_status mds_device_graph_launch(mds_device *device, mds_graph *graph)
{
    return device->class->graph_launch ? device->class->graph_launch(device, graph)
                                       : no_graphs(device);
}

void mds_device_graph_destroy(mds_device *device, mds_graph *graph)
{
    if (graph)
        device->class->graph_destroy(device, graph);
}

void *mds_device_stream(const mds_device *device)
{
    return device->class->stream ? device->class->stream(device) : NULL;
}

mds_status mds_device_sync(mds_device *device)
{
    return device->class->sync(device);
}

mds_status mds_device_events_create(mds_device *device, int count)
{
    if (count < 1)
        return mds_fail(MDS_ERR_INTERNAL, "device %s: a ring of %d events", device->info.name,
                        count);
    const mds_status status = device->class->events_create(device, count);

    device->event_count = status == MDS_OK ? count : 0;
    return status;
}

void mds_device_event_record(mds_device *device, int slot)
{
    device->class->event_record(device, slot);
}

bool mds_device_event_passed(mds_device *device, int slot)
{
    return !device->class->event_passed || device->class->event_passed(device, slot);
}

double mds_device_event_elapsed(mds_device *device, int first, int second)
{
    return device->class->event_elapsed(device, first, second);
}
