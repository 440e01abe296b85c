/* Two kernels around the model. */
#include "protocol/nve/nve.h"

mds_status nve_step_cuda(mds_protocol *protocol, unsigned want)
{
    nve *self = (nve *)protocol;
    mds_state *state = protocol->state;
    mds_regions *regions = protocol->config.regions;
    const mds_motion_view m = mds_motion_get_view(&self->motion, state);

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_status status = mds_motion_launch_kick_drift(state->device, &m, NULL);
    mds_region_end(regions, MDS_REGION_INTEGRATE);
    if (status == MDS_OK)
        status = mds_model_compute(protocol->model, state, want);
    if (status != MDS_OK)
        return status;
    mds_region_begin(regions, MDS_REGION_OBSERVE);
    status = mds_motion_launch_end(state->device, &m, false);
    mds_region_end(regions, MDS_REGION_OBSERVE);
    return status;
}
