/* A device: where a model runs. Memory with exact accounting, a stream of work, and event clocks.
 *
 * Implementations: `cpu` (device/cpu), `sim` (device/sim: an accelerator imitated on the host, with
 * a memory limit, poisoned fresh memory, guard zones and a late event ring, so that everything
 * above is exercised without hardware), and `cuda:k` in CUDA builds.
 *
 * All pointers from mds_device_alloc() are device pointers. Only a device whose `host_access` is
 * true lets the host dereference them; host code of the layers above copies otherwise.
 * Not thread-safe: one device per worker. */
#ifndef MDS_DEVICE_DEVICE_H
#define MDS_DEVICE_DEVICE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mds_device mds_device;

typedef enum mds_device_kind { MDS_DEVICE_CPU, MDS_DEVICE_SIM, MDS_DEVICE_CUDA } mds_device_kind;
typedef enum mds_copy { MDS_COPY_TO_DEVICE, MDS_COPY_TO_HOST, MDS_COPY_ON_DEVICE } mds_copy;

/* Bytes. `used`: asked for and not freed, exactly. `reserved`: taken from the system for that.
 * `total`: what the device has (0: unknown). `process`: this process on the device, as the system
 * sees it (0: unknown). */
typedef struct mds_device_memory {
    int64_t used, reserved, peak, total, process;
} mds_device_memory;

/* Who it is: what the provenance tables and `list devices` print. */
typedef struct mds_device_info {
    char name[64];  /* "cpu", "sim", "cuda:0" */
    char model[96]; /* CPU or GPU model */
    char uuid[64];  /* unique over the hosts; "" for cpu */
    int cores;      /* usable by this process: CPU cores of the affinity mask, or SMs */
    int64_t memory_bytes;
    mds_device_kind kind;
} mds_device_info;

/* `name`: "cpu", "sim", "sim:<MiB>", "cuda" (= "cuda:0"), "cuda:<k>" (k-th visible), "cuda:GPU-..."
 * or "cuda:MIG-..." (the beginning of a UUID). MDS_ERR_DEVICE with a reason when there is none,
 * MDS_ERR_CONFIG for an unknown word. `*out` is NULL on failure. A CUDA device becomes the current
 * one of the thread. */
mds_status mds_device_open(const char *name, mds_device **out);
/* Accepts NULL. Reports memory still allocated through the log (a leak of the caller's). */
void mds_device_close(mds_device *device);

mds_device_kind mds_device_get_kind(const mds_device *device);
const mds_device_info *mds_device_get_info(const mds_device *device); /* borrowed */
bool mds_device_host_access(const mds_device *device);

/* 64-byte aligned, contents undefined. `what` names the buffer in messages. MDS_ERR_NOMEM says the
 * bytes asked for and the bytes there. bytes == 0 gives NULL and MDS_OK. */
mds_status mds_device_alloc(mds_device *device, size_t bytes, const char *what, void **out);
/* Accepts NULL. A damaged guard zone (sim) is reported by the next mds_device_sync(). */
void mds_device_free(mds_device *device, void *memory);
/* Grows `*memory` to at least `bytes` when `*capacity` is less (contents lost); by half again, so
 * that a slowly growing need does not allocate each time. */
mds_status mds_device_reserve(mds_device *device, size_t bytes, const char *what, void **memory,
                              size_t *capacity);
mds_status mds_device_copy(mds_device *device, void *to, const void *from, size_t bytes,
                           mds_copy direction);
mds_status mds_device_fill(mds_device *device, void *memory, int byte, size_t bytes);
void mds_device_get_memory(const mds_device *device, mds_device_memory *out);

/* Waits until all work given to the stream is done; returns its first error. */
mds_status mds_device_sync(mds_device *device);

/* Page-locked host memory, which copies reach without waiting; plain memory where there is no such
 * thing. 64-byte aligned, zeroed. Not counted as device memory. free() accepts NULL. */
mds_status mds_device_host_alloc(mds_device *device, size_t bytes, const char *what, void **out);
void mds_device_host_free(mds_device *device, void *memory);

/* Counts what invalidates recorded work: every allocation and every free. */
int64_t mds_device_generation(const mds_device *device);

/* A graph: work recorded once (stream capture) and launched again as a whole, so that a step of
 * ten kernels costs one launch. Between begin() and end() launches and device copies are recorded,
 * not run; allocating, freeing and waiting are errors there. A graph keeps the addresses it was
 * recorded with: it is legal while mds_device_generation() has not changed since.
 * begin/end/launch: MDS_ERR_UNSUPPORTED where has_graphs() is false. destroy() accepts NULL. */
typedef struct mds_graph mds_graph;

bool mds_device_has_graphs(const mds_device *device);
mds_status mds_device_graph_begin(mds_device *device);
mds_status mds_device_graph_end(mds_device *device, mds_graph **out);
mds_status mds_device_graph_launch(mds_device *device, mds_graph *graph);
void mds_device_graph_destroy(mds_device *device, mds_graph *graph);

/* The stream that all work of this device goes to (a cudaStream_t), for launchers in *.cu; NULL on
 * devices whose work runs at once. */
void *mds_device_stream(const mds_device *device);

/* In tables of functions: the CUDA version of something, NULL in builds without CUDA. */
#ifdef MDS_WITH_CUDA
#define MDS_CUDA_FN(function) (function)
#else
#define MDS_CUDA_FN(function) NULL
#endif

/* The event clock, twin of base/clock.h: a ring of `count` events on the stream. record() marks the
 * present point of the stream in `slot`; elapsed() is legal once both events have been passed (it
 * waits if not) and gives seconds from `first` to `second`. Recording allocates nothing. */
mds_status mds_device_events_create(mds_device *device, int count);
void mds_device_event_record(mds_device *device, int slot);
double mds_device_event_elapsed(mds_device *device, int first, int second);
/* Whether the stream has passed the event, without waiting; also true after an error, which
 * elapsed() then tells by NaN and the next sync by its message. */
bool mds_device_event_passed(mds_device *device, int slot);

#endif
