/* Nosé–Hoover chain around velocity Verlet: half a step of the chain, a step of the atoms, half a
 * step of the chain (nvt/chain.h). Deterministic and reversible; momentum at rest stays at rest.
 * Conserved: total energy plus that of the chain. */
#include "protocol/nvt/nvt.h"

static mds_status nose_hoover_init(nvt *self)
{
    const mds_options *options = &self->base.spec.options;
    const mds_state *state = self->base.state;

    if (!(self->base.config.temperature_K > 0.0))
        return mds_fail(MDS_ERR_CONFIG, "a Nose-Hoover chain needs a temperature above 0 K");
    if (state->degrees_of_freedom < 1)
        return mds_fail(MDS_ERR_CONFIG, "%d atom at rest has no degree of freedom to thermostat",
                        state->n);
    nvt_chain_init(&self->chain, mds_options_int(options, "chain_length"),
                   state->degrees_of_freedom, self->base.config.temperature_K,
                   mds_options_real(options, "tau_fs"));
    return MDS_OK;
}

static void half_step(nvt *self)
{
    mds_regions *regions = self->base.config.regions;

    mds_region_begin(regions, MDS_REGION_THERMOSTAT);
    const double factor =
        nvt_chain_half_step(&self->chain, self->base.state->s->kinetic_eV, self->base.config.dt_fs);
    nvt_scale_velocities(self, factor);
    mds_region_end(regions, MDS_REGION_THERMOSTAT);
}

static mds_status nose_hoover_step(nvt *self, unsigned want)
{
    mds_protocol *base = &self->base;

    half_step(self);
    const mds_status status = nvt_verlet(self, want);
    if (status != MDS_OK)
        return status;
    half_step(self);
    base->state->s->conserved_eV = mds_protocol_total_eV(base) + nvt_chain_energy(&self->chain);
    return MDS_OK;
}

const nvt_thermostat nvt_nose_hoover = {
    .word = "nose-hoover",
    .init = nose_hoover_init,
    .step = nose_hoover_step,
    .step_cuda = MDS_CUDA_FN(nvt_nose_hoover_step_cuda),
};
