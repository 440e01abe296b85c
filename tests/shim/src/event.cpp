// Events: their time is when their place in the stream was reached.
#include "stream.hpp"

#include <ctime>

using namespace shim;

static double now()
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

extern "C" {

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!event)
        return fail(cudaErrorInvalidValue);
    *event = new CUevent_st;
    (*event)->state = std::make_shared<Event>();
    (*event)->state->device = current_device;
    (*event)->state->timing = !(flags & cudaEventDisableTiming);
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    Lock lock(mutex());

    if (!event)
        return fail(cudaErrorInvalidResourceHandle);
    delete event; // a record that is under way keeps the state
    return cudaSuccess;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags)
{
    Lock lock(mutex());
    const cudaError_t error = init();
    Op op = {};

    if (error != cudaSuccess)
        return error;
    CUstream_st *s = stream_resolve(stream);
    if (!event || !s || s->device != event->state->device)
        return fail(cudaErrorInvalidResourceHandle);
    if (s->capture && !(flags & cudaEventRecordExternal)) { // only marks a dependency
        event->state->captured = event->state->recorded = true;
        event->state->stream = s;
        return cudaSuccess;
    }
    const std::shared_ptr<Event> state = event->state;
    op.type = cudaGraphNodeTypeEventRecord;
    op.name = "event record";
    op.event = state;
    op.run = [state] {
        state->time = now();
        --state->pending;
        return cudaSuccess;
    };
    return fail(stream_give(stream, op));
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    return cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault);
}

static cudaError_t check(cudaEvent_t event)
{
    cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!event)
        return fail(cudaErrorInvalidResourceHandle);
    if ((error = forbid_in_capture()) != cudaSuccess)
        return fail(error);
    return event->state->captured ? fail(cudaErrorCapturedEvent) : cudaSuccess;
}

static cudaError_t reach(const Event &event)
{
    if (!streams().count(event.stream))
        return cudaSuccess;
    Access access(event.device);
    return stream_run_until(event.stream, event.place);
}

// As of streams: the first question finds new work running.
cudaError_t cudaEventQuery(cudaEvent_t event)
{
    Lock lock(mutex());
    cudaError_t error = check(event);

    if (error != cudaSuccess || event->state->pending == 0)
        return error;
    error = reach(*event->state);
    return error == cudaSuccess || error == cudaErrorNotReady ? cudaErrorNotReady : fail(error);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    Lock lock(mutex());
    cudaError_t error = check(event);

    if (error != cudaSuccess || event->state->pending == 0)
        return error;
    error = reach(*event->state);
    if (error == cudaErrorNotReady)
        wait_forever();
    if (error == cudaSuccess)
        memory_check_guards(event->state->device, "a synchronisation");
    return fail(error);
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t first, cudaEvent_t second)
{
    Lock lock(mutex());
    cudaError_t error = check(first);

    if (error == cudaSuccess)
        error = check(second);
    if (error != cudaSuccess)
        return error;
    const Event &a = *first->state, &b = *second->state;
    if (!milliseconds)
        return fail(cudaErrorInvalidValue);
    if (!a.recorded || !b.recorded || !a.timing || !b.timing)
        return fail(cudaErrorInvalidResourceHandle);
    if (a.pending || b.pending)
        return cudaErrorNotReady;
    *milliseconds = static_cast<float>(1e3 * (b.time - a.time));
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    Lock lock(mutex());
    const cudaError_t error = init();
    Op op = {};

    if (error != cudaSuccess)
        return error;
    CUstream_st *s = stream_resolve(stream);
    if (!event || !s)
        return fail(cudaErrorInvalidResourceHandle);
    const Event &e = *event->state;
    if (!e.recorded)
        return cudaSuccess;
    if (e.captured && streams().count(e.stream) && e.stream->capture) { // work of a fork or a join
        if (!s->capture)
            stream_join_capture(s, e.stream);
        return s->capture == e.stream->capture ? cudaSuccess : fail(cudaErrorStreamCaptureMerge);
    }
    if (s->capture)
        return fail(cudaErrorStreamCaptureIsolation);
    CUstream_st *other = e.stream;
    const uint64_t place = e.place;
    op.type = cudaGraphNodeTypeWaitEvent;
    op.name = "event wait";
    op.run = [other, place] {
        return streams().count(other) ? stream_run_until(other, place) : cudaSuccess;
    };
    return fail(stream_give(stream, op));
}

} // extern "C"
