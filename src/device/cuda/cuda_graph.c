/* Graphs by capture of the device's stream. */
#include "device/cuda/cuda_device.h"

#ifdef MDS_WITH_CUDA

#include "device/cuda/cuda_error.h"

#include <stdlib.h>

struct mds_graph {
    cudaGraphExec_t exec;
};

mds_status mds_cuda_graph_begin(mds_device *device)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;
    mds_status status = mds_cuda_check_not_recording(cuda, "recording");

    if (status != MDS_OK)
        return status;
    /* Thread-local: what another thread of this process does (telemetry) is no part of it. */
    status = mds_cuda_status(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal),
                             "cudaStreamBeginCapture");
    cuda->recording = status == MDS_OK;
    return status;
}

static mds_status instantiate(mds_cuda_device *cuda, cudaGraph_t recorded, mds_graph *graph)
{
    mds_status status;

    MDS_TRY(
        mds_cuda_status(cudaGraphInstantiate(&graph->exec, recorded, 0), "cudaGraphInstantiate"));
    /* Or the first launch would pay for the transfer. */
    MDS_TRY(mds_cuda_status(cudaGraphUpload(graph->exec, cuda->stream), "cudaGraphUpload"));
out:
    return status;
}

mds_status mds_cuda_graph_end(mds_device *device, mds_graph **out)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;
    cudaGraph_t recorded = NULL;
    mds_graph *graph = NULL;
    mds_status status;

    if (!cuda->recording)
        return mds_fail(MDS_ERR_INTERNAL, "device %s: no graph is being recorded",
                        device->info.name);
    cuda->recording = false;
    MDS_TRY(mds_cuda_status(cudaStreamEndCapture(cuda->stream, &recorded), "cudaStreamEndCapture"));
    graph = calloc(1, sizeof *graph);
    if (!graph) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory for a graph");
        goto out;
    }
    MDS_TRY(instantiate(cuda, recorded, graph));
    *out = graph;
    graph = NULL;
out:
    mds_cuda_graph_destroy(device, graph);
    if (recorded)
        (void)cudaGraphDestroy(recorded);
    return status;
}

mds_status mds_cuda_graph_launch(mds_device *device, mds_graph *graph)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;

    return mds_cuda_status(cudaGraphLaunch(graph->exec, cuda->stream), "launching a step");
}

void mds_cuda_graph_destroy(mds_device *device, mds_graph *graph)
{
    (void)device;
    if (!graph)
        return;
    if (graph->exec)
        (void)cudaGraphExecDestroy(graph->exec);
    free(graph);
}

#endif
