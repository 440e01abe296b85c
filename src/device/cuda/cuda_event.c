/* The event clock: timing events, made once and recorded again and again. */
#include "device/cuda/cuda_device.h"

#ifdef MDS_WITH_CUDA

#include "device/cuda/cuda_error.h"

#include <math.h>
#include <stdlib.h>

void mds_cuda_events_destroy(mds_cuda_device *cuda)
{
    for (int i = 0; i < cuda->event_room; ++i)
        (void)cudaEventDestroy(cuda->events[i]);
    free(cuda->events);
    cuda->events = NULL;
    cuda->event_room = 0;
}

mds_status mds_cuda_events_create(mds_device *device, int count)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;

    mds_cuda_events_destroy(cuda);
    cuda->events = calloc((size_t)count, sizeof *cuda->events);
    if (!cuda->events)
        return mds_fail(MDS_ERR_NOMEM, "no memory for %d events", count);
    for (; cuda->event_room < count; ++cuda->event_room) {
        const mds_status status =
            mds_cuda_status(cudaEventCreate(&cuda->events[cuda->event_room]), "cudaEventCreate");

        if (status != MDS_OK)
            return status;
    }
    return MDS_OK;
}

static bool is_slot(mds_cuda_device *cuda, int slot)
{
    if (slot >= 0 && slot < cuda->base.event_count)
        return true;
    mds_cuda_note(cuda, mds_fail(MDS_ERR_INTERNAL, "device %s: event %d of a ring of %d",
                                 cuda->base.info.name, slot, cuda->base.event_count));
    return false;
}

void mds_cuda_event_record(mds_device *device, int slot)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;

    if (is_slot(cuda, slot))
        mds_cuda_note(cuda, mds_cuda_status(cudaEventRecord(cuda->events[slot], cuda->stream),
                                            "recording an event"));
}

/* An error counts as passed: whoever asks shall look, and meet it. */
bool mds_cuda_event_passed(mds_device *device, int slot)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;

    return !is_slot(cuda, slot) || cudaEventQuery(cuda->events[slot]) != cudaErrorNotReady;
}

double mds_cuda_event_elapsed(mds_device *device, int first, int second)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;
    float ms = 0.0f;
    mds_status status;

    if (!is_slot(cuda, first) || !is_slot(cuda, second))
        return NAN;
    MDS_TRY(mds_cuda_status(cudaEventSynchronize(cuda->events[second]), "a step of the device"));
    MDS_TRY(mds_cuda_status(cudaEventSynchronize(cuda->events[first]), "a step of the device"));
    MDS_TRY(mds_cuda_status(cudaEventElapsedTime(&ms, cuda->events[first], cuda->events[second]),
                            "reading the event clock"));
    return 1e-3 * (double)ms;
out:
    mds_cuda_note(cuda, status);
    return NAN;
}

#endif
