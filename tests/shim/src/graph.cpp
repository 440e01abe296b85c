// Graphs made by stream capture: the work in the order in which it was given.
#include "stream.hpp"

using namespace shim;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    CUstream_st *s = stream_resolve(stream);
    if (!s)
        return fail(cudaErrorInvalidResourceHandle);
    if (s->legacy)
        return fail(cudaErrorStreamCaptureUnsupported);
    if (s->capture)
        return fail(cudaErrorIllegalState);
    s->capture = std::make_shared<CUgraph_st>();
    s->capture->mode = mode;
    s->capture->thread = std::this_thread::get_id();
    s->origin = true;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    Lock lock(mutex());
    cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    CUstream_st *s = stream_resolve(stream);
    if (!s || !graph)
        return fail(cudaErrorInvalidValue);
    *graph = nullptr;
    if (!s->capture)
        return fail(cudaErrorIllegalState);
    if (!s->origin)
        return fail(cudaErrorStreamCaptureUnmatched);
    const std::shared_ptr<CUgraph_st> made = s->capture;
    for (CUstream_st *other : streams())
        if (other->capture == made) {
            other->capture.reset();
            other->origin = false;
        }
    if (made->invalid)
        return fail(cudaErrorStreamCaptureInvalidated);
    *graph = new CUgraph_st(*made);
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    const CUstream_st *s = stream_resolve(stream);
    if (!s || !status)
        return fail(cudaErrorInvalidValue);
    *status = !s->capture           ? cudaStreamCaptureStatusNone
              : s->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                    : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    Lock lock(mutex());
    cudaError_t error = init();

    if (error != cudaSuccess)
        return error;
    if (!exec || !graph)
        return fail(cudaErrorInvalidValue);
    if ((error = forbid_in_capture()) != cudaSuccess)
        return fail(error);
    *exec = new CUgraphExec_st;
    for (const auto &node : graph->nodes)
        (*exec)->ops.push_back(node->op);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    Lock lock(mutex());
    const cudaError_t error = init();
    Op op = {};

    if (error != cudaSuccess)
        return error;
    if (!exec || !stream_resolve(stream))
        return fail(cudaErrorInvalidResourceHandle);
    const std::vector<OpPointer> ops = exec->ops;
    for (const OpPointer &part : ops) {
        if (part->event)
            op.events.push_back(part->event);
        op.events.insert(op.events.end(), part->events.begin(), part->events.end());
    }
    op.type = cudaGraphNodeTypeGraph;
    op.name = "graph";
    op.run = [ops] {
        for (const OpPointer &part : ops) {
            const cudaError_t failed = part->run();
            if (failed != cudaSuccess)
                return failed;
        }
        return cudaSuccess;
    };
    return fail(stream_give(stream, op));
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t)
{
    Lock lock(mutex());
    const cudaError_t error = init();

    return error != cudaSuccess ? error : exec ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    Lock lock(mutex());

    delete exec; // launches under way keep the work
    return exec ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    Lock lock(mutex());

    delete graph;
    return graph ? cudaSuccess : fail(cudaErrorInvalidValue);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *count)
{
    Lock lock(mutex());

    if (!graph || !count)
        return fail(cudaErrorInvalidValue);
    for (size_t i = 0; nodes && i < *count; ++i)
        nodes[i] = i < graph->nodes.size() ? graph->nodes[i].get() : nullptr;
    if (!nodes || *count > graph->nodes.size())
        *count = graph->nodes.size();
    return cudaSuccess;
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, enum cudaGraphNodeType *type)
{
    if (!node || !type)
        return fail(cudaErrorInvalidValue);
    *type = node->op->type;
    return cudaSuccess;
}

} // extern "C"
