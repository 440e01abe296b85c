// Streams: work is kept back until somebody waits for it, so that a host that reads too early reads
// what was there before. Each piece has a place in the order in which it was given; the legacy
// stream and blocking streams wait for each other's earlier places, others only for events.
#include "stream.hpp"

#include <ctime>
#include <unistd.h>

namespace shim
{

static const size_t MOST_WAITING = 1024; // a real device takes about as many launches ahead

static CUstream_st *defaults[MAX_DEVICES][2];
static uint64_t places;
static bool hung;

std::set<CUstream_st *> &streams()
{
    static std::set<CUstream_st *> *all = new std::set<CUstream_st *>;
    return *all;
}

void stream_hang()
{
    hung = true;
}

bool stream_hung()
{
    return hung;
}

void wait_forever()
{
    for (;;)
        pause();
}

static CUstream_st *default_stream(int which)
{
    CUstream_st **s = &defaults[current_device][which];

    if (!*s) {
        *s = new CUstream_st;
        (*s)->device = current_device;
        (*s)->legacy = which == 0;
        streams().insert(*s);
    }
    return *s;
}

cudaStream_t stream_resolve(cudaStream_t stream)
{
    if (!stream || stream == cudaStreamLegacy)
        return default_stream(0);
    if (stream == cudaStreamPerThread)
        return default_stream(1);
    return streams().count(stream) ? stream : nullptr;
}

int stream_device(cudaStream_t stream)
{
    return stream_resolve(stream)->device;
}

bool stream_is_capturing(cudaStream_t stream)
{
    return stream_resolve(stream)->capture != nullptr;
}

bool stream_is_legacy(cudaStream_t stream)
{
    return stream_resolve(stream)->legacy;
}

static cudaError_t run_before(CUstream_st *s, uint64_t place)
{
    cudaError_t error = cudaSuccess;

    if (s->legacy) {
        for (CUstream_st *other : streams())
            if (other != s && other->blocking && other->device == s->device && error == cudaSuccess)
                error = stream_run_until(other, place);
    } else if (s->blocking && defaults[s->device][0]) {
        error = stream_run_until(defaults[s->device][0], place);
    }
    return error;
}

cudaError_t stream_run_until(cudaStream_t s, uint64_t place)
{
    while (!s->queue.empty() && s->queue.front().place <= place) {
        const uint64_t at = s->queue.front().place;
        cudaError_t error = sticky != cudaSuccess ? sticky
                            : hung                ? cudaErrorNotReady
                                                  : run_before(s, at);

        if (error != cudaSuccess)
            return error;
        if (s->queue.empty() || s->queue.front().place != at)
            continue; // run by what it waited for
        const OpPointer op = s->queue.front().op;
        s->queue.pop_front();
        error = op->run();
        if (error != cudaSuccess)
            return error;
    }
    return cudaSuccess;
}

static cudaError_t finish(cudaError_t error, int device)
{
    if (error == cudaErrorNotReady)
        wait_forever();
    if (error == cudaSuccess)
        memory_check_guards(device, "a synchronisation");
    return error;
}

cudaError_t stream_drain(cudaStream_t stream)
{
    CUstream_st *s = stream_resolve(stream);
    Access access(s->device);
    cudaError_t error = hung ? cudaErrorNotReady : run_before(s, places);

    if (error == cudaSuccess)
        error = stream_run_until(s, places);
    return finish(error, s->device);
}

// Streams take turns at random, as far as the order lets them.
cudaError_t device_drain(int device)
{
    static uint64_t random = settings().seed;
    Access access(device);
    cudaError_t error = hung ? cudaErrorNotReady : cudaSuccess;

    while (error == cudaSuccess) {
        std::vector<CUstream_st *> busy;

        for (CUstream_st *s : streams())
            if (s->device == device && !s->queue.empty())
                busy.push_back(s);
        if (busy.empty())
            break;
        CUstream_st *s = busy[random_below(&random, static_cast<unsigned>(busy.size()))];
        error = stream_run_until(s, s->queue.front().place);
    }
    return finish(error, device);
}

static cudaError_t invalidate(CUgraph_st *graph, cudaError_t error)
{
    graph->invalid = true;
    return error;
}

cudaError_t forbid_in_capture()
{
    for (CUstream_st *s : streams())
        if (s->capture && s->capture->mode != cudaStreamCaptureModeRelaxed &&
            (s->capture->mode == cudaStreamCaptureModeGlobal ||
             s->capture->thread == std::this_thread::get_id()))
            return invalidate(s->capture.get(), cudaErrorStreamCaptureUnsupported);
    return cudaSuccess;
}

void stream_join_capture(cudaStream_t stream, cudaStream_t captured)
{
    stream->capture = captured->capture;
}

static void note_event(const std::shared_ptr<Event> &event, CUstream_st *s, uint64_t place)
{
    event->recorded = true;
    event->captured = false;
    event->stream = s;
    event->place = place;
    ++event->pending;
}

cudaError_t stream_give(cudaStream_t stream, const Op &op)
{
    CUstream_st *s = stream_resolve(stream);

    if (s->capture) {
        if (s->capture->invalid)
            return cudaErrorStreamCaptureInvalidated;
        s->capture->nodes.push_back(
            std::make_shared<CUgraphNode_st>(CUgraphNode_st{std::make_shared<const Op>(op)}));
        return cudaSuccess;
    }
    for (CUstream_st *other : streams())
        if (s->legacy && other->capture && other->blocking && other->device == s->device)
            return invalidate(other->capture.get(), cudaErrorStreamCaptureImplicit);
    s->queue.push_back({++places, std::make_shared<const Op>(op)});
    if (op.event)
        note_event(op.event, s, places);
    for (const auto &event : op.events)
        note_event(event, s, places);
    if (settings().eager) {
        const cudaError_t error = stream_run_until(s, places);
        return error == cudaErrorNotReady ? cudaSuccess : error;
    }
    if (s->queue.size() > MOST_WAITING) {
        const cudaError_t error = stream_run_until(s, s->queue[MOST_WAITING / 2].place);
        if (error == cudaErrorNotReady)
            wait_forever();
        return error;
    }
    return cudaSuccess;
}

} // namespace shim

using namespace shim;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!stream || flags > cudaStreamNonBlocking)
        return fail(cudaErrorInvalidValue);
    *stream = new CUstream_st;
    (*stream)->device = current_device;
    (*stream)->blocking = !(flags & cudaStreamNonBlocking);
    streams().insert(*stream);
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int)
{
    return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    Lock lock(mutex());
    cudaError_t error = init();

    if (error != cudaSuccess && error != sticky)
        return error;
    if (!stream || stream == cudaStreamLegacy || stream == cudaStreamPerThread ||
        !streams().count(stream))
        return fail(cudaErrorInvalidResourceHandle);
    if (sticky == cudaSuccess && !hung)
        error = stream_drain(stream);
    streams().erase(stream);
    delete stream;
    return fail(error);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    Lock lock(mutex());
    cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!stream_resolve(stream))
        return fail(cudaErrorInvalidResourceHandle);
    if (stream_is_capturing(stream)) {
        stream_resolve(stream)->capture->invalid = true;
        return fail(cudaErrorStreamCaptureUnsupported);
    }
    if ((error = forbid_in_capture()) != cudaSuccess)
        return fail(error);
    return fail(stream_drain(stream));
}

// The first question after new work finds it running, the next one finds it done.
cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    Lock lock(mutex());
    cudaError_t error = init();
    CUstream_st *s;

    if (error != cudaSuccess)
        return error;
    if (!(s = stream_resolve(stream)))
        return fail(cudaErrorInvalidResourceHandle);
    if ((error = forbid_in_capture()) != cudaSuccess)
        return fail(error);
    if (hung)
        return cudaErrorNotReady;
    if (s->queue.empty())
        return cudaSuccess;
    Access access(s->device);
    error = stream_run_until(s, places);
    return error == cudaSuccess || error == cudaErrorNotReady ? cudaErrorNotReady : fail(error);
}

cudaError_t cudaDeviceSynchronize(void)
{
    Lock lock(mutex());
    cudaError_t error = init();

    if (error == cudaSuccess)
        error = fail(forbid_in_capture());
    return error == cudaSuccess ? fail(device_drain(current_device)) : error;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *user)
{
    Lock lock(mutex());
    const cudaError_t error = init();
    Op op = {};

    if (error != cudaSuccess)
        return error;
    if (!stream_resolve(stream) || !function)
        return fail(cudaErrorInvalidValue);
    op.type = cudaGraphNodeTypeHost;
    op.name = "host function";
    op.run = [=] {
        function(user);
        return cudaSuccess;
    };
    return fail(stream_give(stream, op));
}

} // extern "C"
