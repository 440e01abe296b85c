/* Langevin dynamics by the BAOAB splitting (Leimkuhler & Matthews, Appl. Math. Res. Express 2013,
 * 34; J. Chem. Phys. 138, 174102 (2013)): half kick, half drift, exact Ornstein–Uhlenbeck step,
 * half drift, half kick. Configurations are sampled to second order in Δt, exactly for a harmonic
 * well.
 *
 * Every atom gets friction and noise of its own, the centre of mass included: it is a thermal
 * degree of freedom like the others, so this thermostat counts 3n of them
 * (state->degrees_of_freedom) and samples the canonical ensemble of any model, also of one that is
 * not translation invariant. The centre of mass wanders; whoever goes on at constant energy removes
 * its motion first.
 *
 * Conserved: total energy minus the heat of the O-steps, which are all that the thermostat does
 * (Bussi & Parrinello, Phys. Rev. E 75, 056707 (2007)). */
#include "protocol/nvt/nvt.h"

#include <math.h>

static mds_status langevin_init(nvt *self)
{
    const double fs_per_ps = 1000.0;
    const double friction = mds_options_real(&self->base.spec.options, "friction_1_ps") / fs_per_ps;

    self->decay = exp(-friction * self->base.config.dt_fs);
    self->noise = mds_noise_find();
    self->base.state->degrees_of_freedom = 3 * self->base.state->n;
    return MDS_OK;
}

static mds_status langevin_step(nvt *self, unsigned want)
{
    mds_protocol *base = &self->base;
    mds_state *state = base->state;
    mds_regions *regions = base->config.regions;
    const mds_motion *m = &self->motion;
    const double half = 0.5 * m->dt_fs;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_motion_kick_drift(m->n, m->kick, half, state->f, state->v, state->x);
    mds_region_end(regions, MDS_REGION_INTEGRATE);

    mds_region_begin(regions, MDS_REGION_THERMOSTAT);
    self->heat_eV += mds_motion_ou(m->n, self->noise, self->decay, base->config.temperature_K,
                                   base->config.seed, state->step, state->mass, state->v);
    mds_region_end(regions, MDS_REGION_THERMOSTAT);

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_motion_drift(m->n, half, state->v, state->x);
    mds_region_end(regions, MDS_REGION_INTEGRATE);

    const mds_status status = mds_model_compute(base->model, state, want);
    if (status != MDS_OK)
        return status;

    mds_region_begin(regions, MDS_REGION_INTEGRATE);
    mds_motion_kick(m->n, m->kick, state->f, state->v);
    mds_region_end(regions, MDS_REGION_INTEGRATE);

    mds_region_begin(regions, MDS_REGION_OBSERVE);
    mds_protocol_observe(base);
    state->s->conserved_eV = mds_protocol_total_eV(base) - self->heat_eV;
    mds_region_end(regions, MDS_REGION_OBSERVE);
    return MDS_OK;
}

const nvt_thermostat nvt_langevin = {
    .word = "langevin",
    .init = langevin_init,
    .step = langevin_step,
    .step_cuda = MDS_CUDA_FN(nvt_langevin_step_cuda),
};
