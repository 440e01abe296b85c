/* The barostat on a CUDA device: two kernels around the model, three for more than
 * MDS_MOTION_ONE_BLOCK atoms. Components: what opens a step counts as `integrate`, what ends it
 * (kinetic energy, balance, thermostat, the next move of the cell) as `barostat`. */
#include "protocol/npt/npt.h"

static npt_numbers numbers_of(const npt *self)
{
    const mds_protocol_config *config = &self->base.config;

    return (npt_numbers){.cell = self->cell,
                         .temperature_K = config->temperature_K,
                         .tau_fs = self->tau_fs,
                         .start_volume = self->start_volume,
                         .freedom = self->base.state->degrees_of_freedom,
                         .seed = config->seed};
}

mds_status npt_start_cuda(npt *self)
{
    mds_device *device = self->base.state->device;
    const mds_motion_view m = mds_motion_get_view(&self->motion, self->base.state);
    const npt_numbers numbers = numbers_of(self);
    mds_status status = MDS_OK;

    MDS_TRY(mds_device_alloc(device, sizeof *self->memory, "barostat", (void **)&self->memory));
    MDS_TRY(mds_device_fill(device, self->memory, 0, sizeof *self->memory));
    MDS_TRY(npt_launch_end(device, &m, &numbers, self->memory, true));
out:
    return status;
}

mds_status npt_step_cuda(mds_protocol *protocol, unsigned want)
{
    npt *self = (npt *)protocol;
    mds_state *state = protocol->state;
    mds_regions *regions = protocol->config.regions;
    const mds_motion_view m = mds_motion_get_view(&self->motion, state);
    const npt_numbers numbers = numbers_of(self);

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_status status = npt_launch_move(state->device, &m, self->memory);
    mds_region_end(regions, MDS_REGION_INTEGRATE);
    if (status == MDS_OK)
        status = mds_model_compute(protocol->model, state, want | MDS_WANT_VIRIAL);
    if (status != MDS_OK)
        return status;

    mds_region_begin(regions, MDS_REGION_BAROSTAT);
    status = npt_launch_end(state->device, &m, &numbers, self->memory, false);
    mds_region_end(regions, MDS_REGION_BAROSTAT);
    if (status != MDS_OK || m.end_blocks == 1)
        return status;
    mds_region_begin(regions, MDS_REGION_THERMOSTAT);
    status = mds_motion_launch_scale(state->device, &m, &self->memory->factor);
    mds_region_end(regions, MDS_REGION_THERMOSTAT);
    return status;
}
