/* Velocity Verlet followed by stochastic velocity rescaling (protocol/svr.h). Momentum is kept, so
 * the degrees of freedom stay what the state says (3n − 3 after the centre-of-mass motion was
 * removed). Conserved: total energy minus the energy that the rescaling gave (Bussi, Donadio &
 * Parrinello 2007). */
#include "protocol/nvt/nvt.h"
#include "protocol/svr.h"

static mds_status svr_init(nvt *self)
{
    self->tau_fs = mds_options_real(&self->base.spec.options, "tau_fs");
    return MDS_OK;
}

static mds_status svr_step(nvt *self, unsigned want)
{
    mds_protocol *base = &self->base;
    mds_state *state = base->state;
    const mds_protocol_config *config = &base->config;
    const mds_status status = nvt_verlet(self, want);

    if (status != MDS_OK)
        return status;
    mds_region_begin(config->regions, MDS_REGION_THERMOSTAT);
    const double factor = mds_svr_factor(state->s->kinetic_eV, state->degrees_of_freedom,
                                         config->temperature_K, config->dt_fs, self->tau_fs,
                                         config->seed, state->step);
    self->heat_eV += nvt_scale_velocities(self, factor);
    state->s->conserved_eV = mds_protocol_total_eV(base) - self->heat_eV;
    mds_region_end(config->regions, MDS_REGION_THERMOSTAT);
    return MDS_OK;
}

const nvt_thermostat nvt_svr = {
    .word = "svr",
    .init = svr_init,
    .step = svr_step,
    .step_cuda = MDS_CUDA_FN(nvt_svr_step_cuda),
};
