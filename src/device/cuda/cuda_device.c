/* A CUDA device: one stream that nothing else waits for, a memory pool of its own, pinned memory,
 * a ring of timing events, graphs by stream capture. One is open at a time in a process, because
 * opening makes it the current device of the thread, where kernels go.
 *
 * Copies from and to plain host memory are staged by the driver: when the call returns, the source
 * may be used again, and what was copied to the host is there (cudaMemcpyAsync, "API
 * synchronization behavior"). Only pinned memory is reached without waiting. */
#include "device/cuda/cuda_device.h"

#ifdef MDS_WITH_CUDA

#include "base/text.h"
#include "device/cuda/cuda_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mds_cuda_note(mds_cuda_device *cuda, mds_status status)
{
    if (status == MDS_OK || cuda->noted != MDS_OK)
        return;
    cuda->noted = status;
    snprintf(cuda->note, sizeof cuda->note, "%s", mds_error());
}

mds_status mds_cuda_check_not_recording(const mds_cuda_device *cuda, const char *what)
{
    return cuda->recording ? mds_fail(MDS_ERR_INTERNAL, "device %s: %s while a step is recorded",
                                      cuda->base.info.name, what)
                           : MDS_OK;
}

/* Which device `argument` means. Its own look at the devices, because a worker may find fewer than
 * its rank did before. */
static mds_status find_device(const char *argument, int *ordinal)
{
    mds_gpu_list *list = calloc(1, sizeof *list);
    mds_status status = MDS_OK;

    if (!list)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the list of devices");
    mds_cuda_list(list);
    const int found = mds_gpu_list_find(list, argument);
    if (found >= 0)
        *ordinal = list->gpu[found].ordinal;
    else if (list->count == 0)
        status = mds_fail(MDS_ERR_DEVICE, "device 'cuda:%s': %s", argument, list->reason);
    else
        status = mds_fail(MDS_ERR_DEVICE,
                          "device 'cuda:%s': %d %s visible, cuda:0 to cuda:%d; a number or the "
                          "beginning of one UUID is right",
                          argument, list->count, list->count == 1 ? "is" : "are", list->count - 1);
    free(list);
    return status;
}

static mds_status open_streams(mds_cuda_device *cuda)
{
    int pools = 0;
    mds_status status;

    MDS_TRY(mds_cuda_status(cudaSetDevice(cuda->ordinal), "cudaSetDevice"));
    MDS_TRY(mds_cuda_status(cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking),
                            "cudaStreamCreateWithFlags"));
    MDS_TRY(mds_cuda_status(
        cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, cuda->ordinal),
        "cudaDeviceGetAttribute"));
    if (pools)
        MDS_TRY(mds_cuda_pool_create(cuda));
out:
    return status;
}

static void cuda_close(mds_device *device)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;

    /* After a sticky error all of this fails, and the process ends soon. */
    if (cuda->stream)
        (void)cudaStreamSynchronize(cuda->stream);
    mds_cuda_blas_destroy(cuda);
    mds_cuda_events_destroy(cuda);
    mds_cuda_pool_destroy(cuda);
    if (cuda->stream)
        (void)cudaStreamDestroy(cuda->stream);
    (void)cudaGetLastError();
    free(cuda->blocks);
    free(cuda);
}

static mds_status cuda_open(const char *argument, mds_device **out)
{
    mds_gpu gpu;
    int ordinal = 0;
    mds_status status;
    mds_cuda_device *cuda = NULL;

    MDS_TRY(find_device(argument ? argument : "0", &ordinal));
    MDS_TRY(mds_cuda_describe(ordinal, &gpu));
    cuda = calloc(1, sizeof *cuda);
    if (!cuda)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the device cuda:%d", ordinal);
    cuda->ordinal = ordinal;
    cuda->base.info.kind = MDS_DEVICE_CUDA;
    cuda->base.info.cores = gpu.sms;
    cuda->base.info.memory_bytes = cuda->base.memory.total = gpu.memory_bytes;
    snprintf(cuda->base.info.name, sizeof cuda->base.info.name, "cuda:%d", ordinal);
    snprintf(cuda->base.info.model, sizeof cuda->base.info.model, "%s", gpu.model);
    snprintf(cuda->base.info.uuid, sizeof cuda->base.info.uuid, "%s", gpu.uuid);
    MDS_TRY(open_streams(cuda));
    *out = &cuda->base;
    return MDS_OK;
out:
    if (cuda)
        cuda_close(&cuda->base);
    mds_error_prefix("device cuda:%s: ", argument ? argument : "0");
    return status;
}

static mds_status cuda_copy(mds_device *device, void *to, const void *from, size_t bytes,
                            mds_copy direction)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;

    /* A recorded copy would read or write the host's memory again at every launch. */
    if (direction != MDS_COPY_ON_DEVICE) {
        const mds_status status = mds_cuda_check_not_recording(cuda, "a copy from or to the host");

        if (status != MDS_OK)
            return status;
    }
    const enum cudaMemcpyKind kind = direction == MDS_COPY_TO_DEVICE ? cudaMemcpyHostToDevice
                                     : direction == MDS_COPY_TO_HOST ? cudaMemcpyDeviceToHost
                                                                     : cudaMemcpyDeviceToDevice;
    return mds_cuda_status(cudaMemcpyAsync(to, from, bytes, kind, cuda->stream), "a copy");
}

static mds_status cuda_fill(mds_device *device, void *memory, int byte, size_t bytes)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;

    return mds_cuda_status(cudaMemsetAsync(memory, byte, bytes, cuda->stream), "a fill");
}

static mds_status cuda_sync(mds_device *device)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;
    const mds_status recording = mds_cuda_check_not_recording(cuda, "waiting");

    if (recording != MDS_OK)
        return recording;
    const mds_status status =
        mds_cuda_status(cudaStreamSynchronize(cuda->stream), "work of the device");

    /* What the stream says is nearer to the cause than what a call noted on the way. */
    if (status == MDS_OK && cuda->noted != MDS_OK) {
        const mds_status noted = cuda->noted;

        cuda->noted = MDS_OK;
        return mds_fail(noted, "%s", cuda->note);
    }
    return status;
}

static void *cuda_stream(const mds_device *device)
{
    return ((const mds_cuda_device *)device)->stream;
}

const mds_device_class mds_device_cuda = {
    .name = "cuda",
    .host_access = false,
    .open = cuda_open,
    .close = cuda_close,
    .alloc = mds_cuda_alloc,
    .free = mds_cuda_free,
    .copy = cuda_copy,
    .fill = cuda_fill,
    .sync = cuda_sync,
    .events_create = mds_cuda_events_create,
    .event_record = mds_cuda_event_record,
    .event_elapsed = mds_cuda_event_elapsed,
    .get_memory = mds_cuda_get_memory,
    .event_passed = mds_cuda_event_passed,
    .available = mds_cuda_available,
    .host_alloc = mds_cuda_host_alloc,
    .host_free = mds_cuda_host_free,
    .graph_begin = mds_cuda_graph_begin,
    .graph_end = mds_cuda_graph_end,
    .graph_launch = mds_cuda_graph_launch,
    .graph_destroy = mds_cuda_graph_destroy,
    .stream = cuda_stream,
};

#endif
