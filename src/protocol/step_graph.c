/* A step on a CUDA device: the first one runs kernel by kernel, for it may allocate; the second one
 * is recorded; from then on a step is one launch. What is allocated or freed later makes the graph
 * void, and the same two steps are taken again. */
#include "protocol/plugin.h"

static mds_status record(mds_protocol *protocol, unsigned want, mds_step_graph *slot)
{
    mds_device *device = protocol->state->device;
    mds_status status = mds_device_graph_begin(device);

    if (status != MDS_OK)
        return status;
    status = protocol->class->step_cuda(protocol, want);
    /* Also after an error: the stream must not stay in recording. */
    const mds_status ended = mds_device_graph_end(device, &slot->graph);
    return status != MDS_OK ? status : ended;
}

static mds_status run_unrecorded(mds_protocol *protocol, unsigned want, mds_step_graph *slot)
{
    mds_device *device = protocol->state->device;
    const int64_t before = mds_device_generation(device);
    const mds_status status = protocol->class->step_cuda(protocol, want);

    mds_device_graph_destroy(device, slot->graph);
    slot->graph = NULL;
    slot->generation = mds_device_generation(device);
    /* Buffers that grew in this step may grow in the next: only a quiet step is recorded. */
    if (slot->generation != before)
        slot->generation = -1;
    return status;
}

bool mds_protocol_is_recorded(const mds_protocol *protocol, unsigned want)
{
    const mds_step_graph *slot = &protocol->graphs[want & MDS_WANT_VIRIAL ? 1 : 0];

    return slot->graph && slot->generation == mds_device_generation(protocol->state->device);
}

mds_status mds_protocol_step_cuda(mds_protocol *protocol, unsigned want)
{
    mds_device *device = protocol->state->device;
    mds_step_graph *slot = &protocol->graphs[want & MDS_WANT_VIRIAL ? 1 : 0];
    const mds_regions *regions = protocol->config.regions;
    mds_status status;

    if (regions && regions->on) /* components are timed one by one */
        status = protocol->class->step_cuda(protocol, want);
    else if (!mds_device_has_graphs(device) || slot->generation != mds_device_generation(device))
        status = run_unrecorded(protocol, want, slot);
    else if (!slot->graph && (status = record(protocol, want, slot)) != MDS_OK)
        return status;
    else
        status = mds_device_graph_launch(device, slot->graph);
    if (status == MDS_OK)
        protocol->state->step += 1;
    return status;
}

void mds_protocol_forget_graphs(mds_protocol *protocol)
{
    for (int i = 0; i < 2; ++i) {
        mds_device_graph_destroy(protocol->state->device, protocol->graphs[i].graph);
        protocol->graphs[i] = (mds_step_graph){0};
    }
}
