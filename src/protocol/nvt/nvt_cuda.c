/* The thermostats on a CUDA device: two kernels around the model, three for more than
 * MDS_MOTION_ONE_BLOCK atoms where all velocities are scaled. Components: what opens a step counts
 * as `integrate`, what ends it as `observe`, though each holds a part of the thermostat; only the
 * separate scaling is `thermostat`. */
#include "protocol/nvt/nvt.h"

mds_status nvt_start_cuda(nvt *self)
{
    mds_state *state = self->base.state;
    const mds_motion_view m = mds_motion_get_view(&self->motion, state);
    nvt_memory memory = {.factor = 1.0, .opening_factor = 1.0, .chain = self->chain};
    mds_status status = MDS_OK;

    MDS_TRY(mds_device_alloc(state->device, sizeof memory, "thermostat", (void **)&self->memory));
    MDS_TRY(
        mds_device_copy(state->device, self->memory, &memory, sizeof memory, MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_device_sync(state->device)); /* memory is on the stack */
    if (self->thermostat == &nvt_nose_hoover)
        MDS_TRY(nvt_launch_chain_end(state->device, &m, self->memory, true));
out:
    return status;
}

static nvt_numbers numbers_of(const nvt *self)
{
    const mds_protocol_config *config = &self->base.config;

    return (nvt_numbers){.temperature_K = config->temperature_K,
                         .decay = self->decay,
                         .tau_fs = self->tau_fs,
                         .freedom = self->base.state->degrees_of_freedom,
                         .seed = config->seed};
}

mds_status nvt_langevin_step_cuda(nvt *self, unsigned want)
{
    mds_state *state = self->base.state;
    mds_regions *regions = self->base.config.regions;
    const mds_motion_view m = mds_motion_get_view(&self->motion, state);
    const nvt_numbers numbers = numbers_of(self);

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_status status = nvt_launch_langevin_move(state->device, &m, &numbers);
    mds_region_end(regions, MDS_REGION_INTEGRATE);
    if (status == MDS_OK)
        status = mds_model_compute(self->base.model, state, want);
    if (status != MDS_OK)
        return status;
    mds_region_begin(regions, MDS_REGION_OBSERVE);
    status = nvt_launch_langevin_end(state->device, &m, self->memory);
    mds_region_end(regions, MDS_REGION_OBSERVE);
    return status;
}

/* Velocity Verlet up to the forces; the velocities are multiplied by *factor first. */
static mds_status open_step(nvt *self, const mds_motion_view *m, const double *factor,
                            unsigned want)
{
    mds_state *state = self->base.state;
    mds_regions *regions = self->base.config.regions;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    const mds_status status = mds_motion_launch_kick_drift(state->device, m, factor);
    mds_region_end(regions, MDS_REGION_INTEGRATE);
    return status == MDS_OK ? mds_model_compute(self->base.model, state, want) : status;
}

static mds_status scale(nvt *self, const mds_motion_view *m)
{
    mds_regions *regions = self->base.config.regions;

    if (m->end_blocks == 1) /* the kernel before has done it */
        return MDS_OK;
    mds_region_begin(regions, MDS_REGION_THERMOSTAT);
    const mds_status status =
        mds_motion_launch_scale(self->base.state->device, m, &self->memory->factor);
    mds_region_end(regions, MDS_REGION_THERMOSTAT);
    return status;
}

mds_status nvt_svr_step_cuda(nvt *self, unsigned want)
{
    mds_state *state = self->base.state;
    mds_regions *regions = self->base.config.regions;
    const mds_motion_view m = mds_motion_get_view(&self->motion, state);
    const nvt_numbers numbers = numbers_of(self);
    mds_status status = open_step(self, &m, NULL, want);

    if (status != MDS_OK)
        return status;
    mds_region_begin(regions, MDS_REGION_OBSERVE);
    status = nvt_launch_svr_end(state->device, &m, &numbers, self->memory);
    mds_region_end(regions, MDS_REGION_OBSERVE);
    return status == MDS_OK ? scale(self, &m) : status;
}

mds_status nvt_nose_hoover_step_cuda(nvt *self, unsigned want)
{
    mds_state *state = self->base.state;
    mds_regions *regions = self->base.config.regions;
    const mds_motion_view m = mds_motion_get_view(&self->motion, state);
    mds_status status = open_step(self, &m, &self->memory->opening_factor, want);

    if (status != MDS_OK)
        return status;
    mds_region_begin(regions, MDS_REGION_OBSERVE);
    status = nvt_launch_chain_end(state->device, &m, self->memory, false);
    mds_region_end(regions, MDS_REGION_OBSERVE);
    return status == MDS_OK ? scale(self, &m) : status;
}
